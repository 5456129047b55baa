// Files by digest over both transports: found, not found, wrong, too large.
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readyKeys } from '../../../src/keys/keypair.js';
import { toHex } from '../../../src/model/bytes.js';
import { systemClock } from '../../../src/model/clock.js';
import { isAssayError } from '../../../src/model/errors.js';
import { sha256 } from '../../../src/model/hash.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { systemRandom } from '../../../src/model/prng.js';
import { dial } from '../../../src/protocol/dial.js';
import { createGrpcWire } from '../../../src/protocol/grpc/wire.js';
import { FILE_PIECE_BYTES, PIECED_FILE_BYTES } from '../../../src/protocol/limits.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import { serve } from '../../../src/protocol/serve.js';
import type { Admission, ServeHandlers } from '../../../src/protocol/session.js';
import type { Wire } from '../../../src/protocol/wire.js';
import { PARAMETER_FILE_BYTES } from '../../../src/verification/parameter-file.js';
import { cast } from '../../unit/protocol/builders.js';

/** No allowance grows while a busy machine takes its time. */
const still = { ...systemClock, monotonic: () => 0 };

beforeAll(readyKeys);

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const CLAIMS = { version: '1', kinds: ['compute'], slots: [] };

async function peerOf(
  wire: Wire,
  content: ServeHandlers['content'],
  admission: Admission = true,
  piece?: ServeHandlers['piece'],
) {
  const { miner, validator } = cast();
  const abort = new AbortController();
  const parts = { wire, clock: still, log: silentLog, random: systemRandom };
  const handlers = {
    describe: async () => CLAIMS,
    prove: async () => expect.fail('a session was opened'),
    ...(content ? { content } : {}),
    ...(piece ? { piece } : {}),
  };
  const served = await serve(
    { ...parts, keypair: miner, admit: () => admission, handlers },
    { host: '127.0.0.1', port: 0, netuid: 7 },
    abort.signal,
  );
  const address = { host: served.host, port: served.port };
  const peer = dial(
    { ...parts, keypair: validator },
    { address, hotkey: toHotkey(miner.address), netuid: 7 },
  );
  cleanups.push(async () => {
    peer.close();
    abort.abort();
    await served.closed;
  });
  return peer;
}

describe.each([
  ['loopback', createLoopback],
  ['grpc', createGrpcWire],
])('%s', (_name, make) => {
  const wire = () => make({ clock: systemClock });

  test('a file as large as a parameter file may be comes by its digest, and claims without one', async () => {
    const file = new Uint8Array(PARAMETER_FILE_BYTES).fill(7);
    const peer = await peerOf(wire(), (digest) => (toHex(digest) === toHex(sha256(file)) ? file : undefined));
    expect(await peer.content(sha256(file))).toEqual(file);
    expect(await peer.content(new Uint8Array(32))).toBeUndefined();
    expect(await peer.describe()).toMatchObject(CLAIMS);
  });

  test('a peer that has no files, or sends another, does not have it', async () => {
    expect(await (await peerOf(wire(), undefined)).content(new Uint8Array(32))).toBeUndefined();
    const liar = await peerOf(wire(), () => Uint8Array.of(1));
    expect(await liar.content(sha256(Uint8Array.of(2)))).toBeUndefined();
    const none = await peerOf(wire(), () => new Uint8Array());
    expect(await none.content(sha256(new Uint8Array()))).toEqual(new Uint8Array());
  });

  test('one caller takes five files at once and one a second after, and goes on describing', async () => {
    const peer = await peerOf(wire(), () => undefined);
    const ask = () => peer.content(new Uint8Array(32));
    for (let i = 0; i < 5; i++) expect(await ask()).toBeUndefined();
    await expect(ask()).rejects.toMatchObject({
      code: 'limit-exceeded',
      data: { what: 'contents-per-peer' },
    });
    expect(await peer.describe()).toMatchObject(CLAIMS);
  });

  test('who is admitted for files has two at once, one in two and a half seconds after, and nothing else', async () => {
    const file = Uint8Array.of(1);
    const peer = await peerOf(wire(), () => file, 'files');
    for (let i = 0; i < 2; i++) expect(await peer.content(sha256(file))).toEqual(file);
    await expect(peer.content(sha256(file))).rejects.toMatchObject({
      code: 'limit-exceeded',
      data: { what: 'contents-per-neuron' },
    });
    const denied = { code: 'permission-denied', data: { reason: 'not-admitted' } };
    await expect(peer.describe()).rejects.toMatchObject(denied);
    const session = peer.prove();
    await session.send({ case: 'arm', value: {} }).catch(() => {}); // refused while it is written
    await expect(session.receive()).rejects.toMatchObject(denied);
  });

  test('a file that is more than one answer comes in pieces, each from where it begins', async () => {
    const file = Uint8Array.from({ length: FILE_PIECE_BYTES + 5 }, (_, i) => i % 251);
    const asked: number[] = [];
    const peer = await peerOf(wire(), undefined, true, async (digest, offset) => {
      asked.push(offset);
      if (toHex(digest) !== toHex(sha256(file))) return undefined;
      return { data: file.subarray(offset, offset + FILE_PIECE_BYTES), fileBytes: file.length };
    });
    const digest = sha256(file);
    const first = await peer.piece(digest, 0);
    const second = await peer.piece(digest, FILE_PIECE_BYTES);
    expect([first?.fileBytes, first?.data.length, second?.data.length]).toEqual([
      FILE_PIECE_BYTES + 5,
      FILE_PIECE_BYTES,
      5,
    ]);
    expect(second!.data).toEqual(file.subarray(FILE_PIECE_BYTES));
    expect(await peer.piece(new Uint8Array(32), 0)).toBeUndefined();
    // not a piece's place: the handler is not even asked
    expect(await peer.piece(digest, 1)).toBeUndefined();
    expect(await peer.piece(digest, PIECED_FILE_BYTES)).toBeUndefined();
    expect(asked).toEqual([0, FILE_PIECE_BYTES, 0]);
  });

  test('a piece of a length that its file cannot have, or of a file that is too large, is none', async () => {
    const saying = async (length: number, fileBytes: number) => {
      const peer = await peerOf(wire(), undefined, true, async () => ({
        data: new Uint8Array(length),
        fileBytes,
      }));
      return peer.piece(new Uint8Array(32), 0);
    };
    expect((await saying(3, 3))?.fileBytes).toBe(3);
    expect(await saying(3, 4)).toBeUndefined();
    expect(await saying(0, 0)).toBeUndefined();
    expect(await saying(FILE_PIECE_BYTES, PIECED_FILE_BYTES + 1)).toBeUndefined();
  });

  test('who is admitted for files alone has pieces too, at a slower rate', async () => {
    const peer = await peerOf(wire(), undefined, 'files', async () => ({
      data: Uint8Array.of(1),
      fileBytes: 1,
    }));
    for (let i = 0; i < 20; i++) expect((await peer.piece(new Uint8Array(32), 0))?.fileBytes).toBe(1);
    await expect(peer.piece(new Uint8Array(32), 0)).rejects.toMatchObject({
      code: 'limit-exceeded',
      data: { what: 'pieces-per-neuron' },
    });
  });

  test('nobody who is not admitted has a file, and no larger one travels', async () => {
    const code = (promise: Promise<unknown>) =>
      promise.then(
        () => 'none',
        (error: unknown) => (isAssayError(error, 'permission-denied') ? error.code : 'another'),
      );
    const stranger = await peerOf(wire(), () => Uint8Array.of(1), false);
    expect(await code(stranger.content(sha256(Uint8Array.of(1))))).toBe('permission-denied');
    const large = new Uint8Array(PARAMETER_FILE_BYTES + 64 * 1024);
    await expect((await peerOf(wire(), () => large)).content(sha256(large))).rejects.toThrow();
  });
});

test('who is admitted for files alone takes no place among peers', async () => {
  const admitted: string[] = [];
  const clock = systemClock;
  const loopback = createLoopback({ clock });
  const wire: Wire = {
    connect: loopback.connect,
    listen: (address, handlers) =>
      loopback.listen(address, {
        ...handlers,
        describe: (arrived, origin) =>
          handlers.describe(arrived, { ...origin, admitted: (hotkey) => admitted.push(hotkey) }),
      }),
  };
  const file = Uint8Array.of(1);
  const neuron = await peerOf(wire, () => file, 'files');
  expect(await neuron.content(sha256(file))).toEqual(file);
  expect(admitted).toEqual([]);
  await (await peerOf(wire, () => file)).content(sha256(file));
  expect(admitted).toEqual([cast().validator.address]);
});
