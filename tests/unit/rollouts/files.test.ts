import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { equals } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { silentLog } from '../../../src/model/log.js';
import { FILE_PIECE_BYTES } from '../../../src/protocol/limits.js';
import { createDownload, type Download, fetchFile, type Holder } from '../../../src/rollouts/fetch.js';
import {
  createMemoryShelf,
  manifestName,
  openShelf,
  ownName,
  type Shelf,
} from '../../../src/rollouts/shelf.js';

const folders: string[] = [];
afterEach(async () => {
  for (const dir of folders.splice(0)) await rm(dir, { recursive: true });
});
const folder = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'assay-shelf-'));
  folders.push(dir);
  return dir;
};

/** Not toEqual, which takes a second for a megabyte. */
const isFile = (bytes: Uint8Array | undefined) => bytes !== undefined && equals(bytes, FILE);
const FILE = Uint8Array.from({ length: 5 * FILE_PIECE_BYTES + 7 }, (_, i) => (i * 7 + (i >> 9)) % 256);

describe.each([
  ['in memory', async () => createMemoryShelf({ maxBytes: 100 })],
  ['in a folder', async () => openShelf(await folder(), { maxBytes: 100 })],
])('a shelf %s', (_name, make: () => Promise<Shelf>) => {
  test('keeps files by digest until their windows are forgotten, within its bytes', async () => {
    const shelf = await make();
    const [a, b] = [new Uint8Array(40).fill(1), new Uint8Array(60).fill(2)];
    expect(await shelf.put(1, a)).toEqual(sha256(a));
    await shelf.put(2, b);
    await shelf.put(1, b); // handed in twice: the later window's stays
    await expect(shelf.put(3, Uint8Array.of(1))).rejects.toMatchObject({ code: 'limit-exceeded' });
    await shelf.forget(2);
    expect(await shelf.read(sha256(a))).toBeUndefined();
    expect(await shelf.read(sha256(b))).toEqual(b);
    expect(await shelf.piece(sha256(b), 0)).toEqual({ data: b, fileBytes: 60 });
    expect(await shelf.piece(sha256(b), FILE_PIECE_BYTES)).toBeUndefined();
    await shelf.put(3, a);
  });
});

test('a folder has its files after a restart, none that a crash cut short', async () => {
  const dir = await folder();
  const shelf = await openShelf(dir);
  const digest = await shelf.put(4, FILE);
  const name = new Uint8Array(32).fill(5);
  expect(await shelf.put(4, Uint8Array.of(9, 9), name)).toEqual(name);
  await writeFile(join(dir, `5-${'0'.repeat(64)}.part`), 'half');
  const again = await openShelf(dir);
  expect(await readdir(dir)).toHaveLength(2);
  expect(isFile(await again.read(digest))).toBe(true);
  expect(await again.read(name)).toEqual(Uint8Array.of(9, 9));
  expect((await again.piece(digest, 5 * FILE_PIECE_BYTES))?.data).toEqual(FILE.slice(5 * FILE_PIECE_BYTES));
});

test('a file that is being written is waited for by whoever has or wants the same', async () => {
  const shelf = await openShelf(await folder());
  const writes = [shelf.put(1, FILE), shelf.put(1, FILE)];
  expect(isFile(await shelf.read(sha256(FILE)))).toBe(true);
  await Promise.all(writes);
  const again = [shelf.put(2, FILE), shelf.put(3, FILE)];
  expect((await shelf.piece(sha256(FILE), 0))?.fileBytes).toBe(FILE.length);
  await Promise.all(again);
  await shelf.forget(3);
  expect(isFile(await shelf.read(sha256(FILE)))).toBe(true);
});

describe('a file by its digest', () => {
  const { signal } = new AbortController();
  const asked: [string, number][] = [];
  const holder = (
    name: string,
    has: (index: number) => Uint8Array | undefined,
    fileBytes = FILE.length,
  ): Holder => ({
    async piece(_digest, offset) {
      const index = offset / FILE_PIECE_BYTES;
      asked.push([name, index]);
      const data = has(index);
      return data && { data, fileBytes };
    },
  });
  const right = (index: number) => FILE.subarray(index * FILE_PIECE_BYTES, (index + 1) * FILE_PIECE_BYTES);
  const wanted = { name: sha256(FILE), maxBytes: 64 * 2 ** 20 };
  const fetch = (...holders: Holder[]) => fetchFile({ log: silentLog }, { wanted, holders }, signal);

  test('another holder goes on where one ended', async () => {
    asked.length = 0;
    const ends = holder('ends', (index) => (index < 3 ? right(index) : undefined));
    expect(isFile(await fetch(ends, holder('has', right)))).toBe(true);
    expect(asked.filter(([name]) => name === 'has').map(([, index]) => index)).toEqual([3, 4, 5]);
  });

  test('wrong pieces of one cost its own time, and the others are asked for all', async () => {
    const lies = holder('lies', (index) => (index < 2 ? right(index).map((byte) => byte ^ 1) : undefined));
    expect(isFile(await fetch(lies, holder('has', right)))).toBe(true);
    const wrong = holder('wrong', (index) => right(index).map((byte) => byte ^ 1));
    expect(isFile(await fetch(wrong, holder('has', right)))).toBe(true);
    expect(await fetch(wrong, lies)).toBeUndefined();
  });

  test('who says another length than the one that was signed, or too much, is not asked on', async () => {
    asked.length = 0;
    const large = holder('large', right, 65 * 2 ** 20);
    const signed = { ...wanted, bytes: FILE.length };
    const other = holder('other', right, FILE.length + 1);
    expect(
      await fetchFile({ log: silentLog }, { wanted: signed, holders: [other, large] }, signal),
    ).toBeUndefined();
    expect(asked).toEqual([
      ['other', 0],
      ['large', 0],
    ]);
  });
});

describe('a file that comes in several turns', () => {
  const wanted = { name: sha256(FILE), bytes: FILE.length, maxBytes: FILE.length };
  const right = (index: number) => FILE.subarray(index * FILE_PIECE_BYTES, (index + 1) * FILE_PIECE_BYTES);
  const turn = async (download: Download, ...holders: Holder[]) => {
    const end = new AbortController();
    const done = download.from(holders, end.signal);
    // all that can come has come
    await new Promise((resolve) => setImmediate(resolve));
    end.abort();
    return done;
  };
  const silent: Holder = {
    piece: (_name, _offset, signal) =>
      new Promise((_resolve, reject) => signal!.addEventListener('abort', () => reject(new Error('late')))),
  };

  test('is asked on where it ended, and held no longer than it is wanted', async () => {
    const download = createDownload({ log: silentLog }, wanted);
    let asked: number[] = [];
    let has = 3;
    const holder: Holder = {
      piece: async (_name, offset) => {
        const index = offset / FILE_PIECE_BYTES;
        asked.push(index);
        return index < has ? { data: right(index), fileBytes: FILE.length } : undefined;
      },
    };
    expect(await turn(download, holder)).toBeUndefined();
    expect(download.heldBytes()).toBe(3 * FILE_PIECE_BYTES);
    [asked, has] = [[], 6];
    expect(isFile(await turn(download, holder))).toBe(true);
    expect(asked).toEqual([3, 4, 5]);
    expect(download.cameBytes()).toBe(FILE.length);
    download.drop();
    expect(download.heldBytes()).toBe(0);
  });

  test('is asked of others first, once one has kept us waiting', async () => {
    const download = createDownload({ log: silentLog }, wanted);
    const has: Holder = {
      piece: async (_name, offset) => ({ data: right(offset / FILE_PIECE_BYTES), fileBytes: FILE.length }),
    };
    expect(await turn(download, silent, has)).toBeUndefined();
    expect(isFile(await turn(download, silent, has))).toBe(true);
  });

  test('is not asked again of who alone gave another', async () => {
    const download = createDownload({ log: silentLog }, wanted);
    let times = 0;
    const lies: Holder = {
      piece: async (_name, offset) => {
        times++;
        return { data: right(offset / FILE_PIECE_BYTES).map((byte) => byte ^ 1), fileBytes: FILE.length };
      },
    };
    expect(await turn(download, lies)).toBeUndefined();
    expect(times).toBe(6);
    expect(await turn(download, lies)).toBeUndefined();
    expect(times).toBe(6);
  });

  test('of a length that nobody signed for is not spoiled by who says a wrong one', async () => {
    const said: Holder = {
      piece: async (_name, offset) =>
        offset === 0 ? { data: right(0), fileBytes: 9 * FILE.length } : undefined,
    };
    const has: Holder = {
      piece: async (_name, offset) => ({ data: right(offset / FILE_PIECE_BYTES), fileBytes: FILE.length }),
    };
    const loose = { name: sha256(FILE), maxBytes: 64 * 2 ** 20 };
    const { signal } = new AbortController();
    const file = await fetchFile({ log: silentLog }, { wanted: loose, holders: [said, has] }, signal);
    expect(isFile(file)).toBe(true);
  });
});

test.each([
  ['in memory', async () => createMemoryShelf()],
  ['in a folder', async () => openShelf(await folder())],
])(
  'a shelf %s has a space of names for manifests, and one of which nothing is handed out',
  async (_name, make) => {
    const shelf = await make();
    const body = Uint8Array.of(1, 2, 3);
    const digest = sha256(body);
    await shelf.put(1, body);
    await shelf.put(1, Uint8Array.of(4), manifestName(digest));
    await shelf.put(1, Uint8Array.of(5), ownName(digest));
    expect((await shelf.piece(digest, 0))?.data).toEqual(body);
    expect((await shelf.piece(manifestName(digest), 0))?.data).toEqual(Uint8Array.of(4));
    expect(await shelf.piece(ownName(digest), 0)).toBeUndefined();
    expect(await shelf.read(ownName(digest))).toEqual(Uint8Array.of(5));
    for (const none of [
      new Uint8Array(0),
      digest.subarray(1),
      new Uint8Array(40),
      manifestName(manifestName(digest)),
    ])
      expect(await shelf.piece(none, 0)).toBeUndefined();
  },
);
