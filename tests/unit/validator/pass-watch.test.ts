import { describe, expect, test } from 'vitest';
import type { Head } from '../../../src/chain/chain.js';
import { toHex, u32le, utf8 } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { watchPass } from '../../../src/validator/pass-watch.js';
import { drawsPass, passBlock } from '../../../src/verification/draw.js';

const HOLD = { first: 2, last: 4 };
const hashOf = (seed: number, block: number) =>
  new Uint8Array(sha256(utf8('watch'), u32le(seed), u32le(block)));
/** A chain whose Pass is `offset` blocks after block 100. */
async function chain(offset: number): Promise<number> {
  for (let seed = 0; ; seed++)
    if ((await passBlock(100, HOLD, async (block) => hashOf(seed, block))).block === 100 + offset)
      return seed;
}

/** What was seen, told heads `offsets` one after the other at 10 ms a block. */
async function watched(
  seed: number,
  offsets: readonly number[],
  hashes = (offset: number) => hashOf(seed, 100 + offset),
) {
  const reads: number[] = [];
  const watch = watchPass({ block: 100, hold: HOLD }, async (block) => {
    reads.push(block - 100);
    return hashOf(seed, block);
  });
  for (const offset of offsets)
    watch.onHead({ number: 100 + offset, hash: hashes(offset) } as Head, offset * 10);
  const seen = await Promise.race([
    watch.seen.catch((error: Error) => error.message),
    new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined))),
  ]);
  return { seen, reads };
}

describe('the block of the Pass is seen', () => {
  test.each([2, 3, 4])(
    '%i blocks after the event, with its hash and the time of its head',
    async (offset) => {
      const seed = await chain(offset);
      const { seen, reads } = await watched(seed, [0, 1, 2, 3, 4, 5]);
      expect(seen).toEqual({ hash: hashOf(seed, 100 + offset), seenAt: offset * 10 });
      expect(reads).toEqual([]);
    },
  );

  test('not before it is there', async () => {
    expect((await watched(await chain(4), [0, 1, 2, 3])).seen).toBeUndefined();
  });

  test('where one that did not draw was skipped: its hash is read', async () => {
    const seed = await chain(4);
    const { seen, reads } = await watched(seed, [1, 2, 4]);
    expect(seen).toMatchObject({ seenAt: 40 });
    expect(reads).toEqual([3]);
  });

  test('too late where it was itself skipped: that is a miss, and says which block', async () => {
    expect((await watched(await chain(3), [1, 2, 4])).seen).toBe('the Pass, block 103, was not seen');
    expect((await watched(await chain(4), [1, 2, 3, 5])).seen).toBe('the Pass, block 104, was not seen');
    expect((await watched(await chain(2), [1, 9])).seen).toBe('the Pass, block 102, was not seen');
  });

  test('where the chain took back a block that did not draw, and the other one does', async () => {
    const seed = await chain(4);
    let fork = 0;
    while (!drawsPass(hashOf(1000 + fork, 103), 3, HOLD)) fork++;
    let told = 0;
    const { seen } = await watched(seed, [2, 3, 3], (offset) =>
      offset === 3 && told++ > 0 ? hashOf(1000 + fork, 103) : hashOf(seed, 100 + offset),
    );
    expect(toHex((seen as { hash: Uint8Array }).hash)).toBe(toHex(hashOf(1000 + fork, 103)));
  });

  test('never, once it was given up', async () => {
    const watch = watchPass({ block: 100, hold: HOLD }, async () => new Uint8Array(32));
    watch.miss(new Error('stopping'));
    watch.onHead({ number: 104, hash: new Uint8Array(32) } as Head, 0);
    await expect(watch.seen).rejects.toThrow('stopping');
  });
});
