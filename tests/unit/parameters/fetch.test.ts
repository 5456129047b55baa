import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/model/bytes.js';
import { AssayError } from '../../../src/model/errors.js';
import { sha256 } from '../../../src/model/hash.js';
import { type FilePeer, fetchFile } from '../../../src/parameters/fetch.js';
import { PARAMETER_FILE_BYTES } from '../../../src/verification/parameter-file.js';
import { recordingLog } from '../../support/logs.js';

const FILE = Uint8Array.of(1, 2, 3);
const DIGEST = sha256(FILE);

/** Peers that note who was asked. */
function scene() {
  const asked: string[] = [];
  const peer = (name: string, content: FilePeer['content']): FilePeer => ({
    content(digest, signal) {
      asked.push(name);
      expect(toHex(digest)).toBe(toHex(DIGEST));
      return content(digest, signal);
    },
  });
  return {
    asked,
    has: (name: string) => peer(name, async () => FILE),
    empty: (name: string) => peer(name, async () => undefined),
    sends: (name: string, bytes: Uint8Array) => peer(name, async () => bytes),
    gone: (name: string) =>
      peer(name, async () => {
        throw new AssayError('unreachable', 'gone', { address: name });
      }),
    /** answers when it is told that nobody waits any more, and not before */
    slow: (name: string) =>
      peer(
        name,
        (_, signal) =>
          new Promise((resolve) =>
            signal!.addEventListener('abort', () => resolve(undefined), { once: true }),
          ),
      ),
    /** not even then */
    dead: (name: string) => peer(name, () => new Promise(() => {})),
  };
}

const fetched = (peers: readonly FilePeer[], signal = new AbortController().signal) =>
  fetchFile({ log: recordingLog().log }, { digest: DIGEST, peers }, signal);

describe('a file by its digest', () => {
  test('comes from the first peer that sends it; the others are not waited for', async () => {
    const { slow, dead, has, asked } = scene();
    expect(await fetched([slow('a'), dead('b'), has('c')])).toEqual(FILE);
    expect(asked).toEqual(['a', 'b', 'c']);
  });

  test('is not what a liar sends, nor what is truncated or too large, nor what never comes', async () => {
    const { sends, gone, empty, has, asked } = scene();
    const large = new Uint8Array(PARAMETER_FILE_BYTES + 1);
    const peers = [
      sends('liar', Uint8Array.of(9)),
      sends('short', FILE.slice(1)),
      gone('gone'),
      empty('empty'),
    ];
    expect(await fetched(peers)).toBeUndefined();
    expect(await fetched([...peers, has('last')])).toEqual(FILE);
    expect(asked.at(-1)).toBe('last');
    const own = { log: recordingLog().log };
    const alone = [{ content: async () => large }];
    expect(
      await fetchFile(own, { digest: sha256(large), peers: alone }, new AbortController().signal),
    ).toBeUndefined();
  });

  test('is asked of eight at once: seven slow ones leave a place in which all others get their turn', async () => {
    const { slow, empty, has, asked } = scene();
    const peers = [
      ...Array.from({ length: 7 }, (_, i) => slow(`slow ${i}`)),
      ...Array.from({ length: 100 }, (_, i) => empty(`empty ${i}`)),
      has('last'),
    ];
    expect(await fetched(peers)).toEqual(FILE);
    expect(asked).toHaveLength(108);
    const many = scene();
    const waiting = fetched(Array.from({ length: 20 }, (_, i) => many.dead(`${i}`)));
    await Promise.race([waiting, Promise.resolve()]);
    expect(many.asked).toHaveLength(8);
  });

  test('is given up when nobody wants it any more', async () => {
    const { slow } = scene();
    const stop = new AbortController();
    const waiting = fetched([slow('a'), slow('b')], stop.signal);
    stop.abort();
    expect(await waiting).toBeUndefined();
    expect(await fetched([])).toBeUndefined();
  });
});
