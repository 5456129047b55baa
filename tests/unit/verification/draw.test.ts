import { describe, expect, test } from 'vitest';
import { toHex, u32le, utf8 } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { drawsPass, isHold, passBlock } from '../../../src/verification/draw.js';
import { nonceCommitment, passCommitment, passSeed } from '../../../src/verification/seed.js';
import { bytes16, bytes32 } from '../../support/sessions.js';

const HOLD = { first: 6, last: 8 };
const hashesOf = (seed: number) => async (block: number) =>
  new Uint8Array(sha256(utf8('hold'), u32le(seed), u32le(block)));

describe('the block of the Pass', () => {
  test('is one of the hold, each as often as the others', async () => {
    const counts = [0, 0, 0];
    for (let seed = 0; seed < 3000; seed++) {
      const { block, hash } = await passBlock(100, HOLD, hashesOf(seed));
      expect(toHex(hash)).toBe(toHex(await hashesOf(seed)(block)));
      counts[block - 106]!++;
    }
    const chi2 = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chi2).toBeLessThan(13.8); // 2 degrees of freedom, one in a thousand
  });

  test('is not asked for before it is there: no block behind the drawn one is read', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const read: number[] = [];
      const { block } = await passBlock(100, HOLD, (wanted) => {
        read.push(wanted);
        return hashesOf(seed)(wanted);
      });
      expect(read).toEqual([106, 107, 108].slice(0, block - 105));
    }
  });

  test('is the last one where no other drew, whatever its hash', () => {
    for (let i = 0; i < 50; i++) expect(drawsPass(bytes32(`${i}`), HOLD.last, HOLD)).toBe(true);
  });

  test('hangs on a tag of its own: where events are drawn says nothing about it', async () => {
    const same = { first: 7, last: 7 };
    expect((await passBlock(100, same, hashesOf(1))).block).toBe(107);
  });

  test('lies in a stretch of whole blocks after the event', () => {
    expect(isHold(HOLD, 8)).toBe(true);
    const bad = [
      HOLD,
      { first: 0, last: 1 },
      { first: 3, last: 2 },
      { first: 1.5, last: 2 },
      { first: 1, last: Number.NaN },
    ];
    expect(bad.map((hold) => isHold(hold, 7))).toEqual(Array(5).fill(false));
  });
});

describe('the randomness of the Pass', () => {
  const [A, B] = [bytes16('a'), bytes16('b')];
  const parts = { seed: bytes32('seed'), beacon: bytes32('beacon'), nonces: [A, B] };

  test('binds seed, beacon and nonces, in whatever order these arrived', () => {
    const passes = [
      parts,
      { ...parts, seed: bytes32('another') },
      { ...parts, beacon: bytes32('another') },
      { ...parts, nonces: [A] },
      { ...parts, nonces: [] },
    ].map((given) => toHex(passSeed(given)));
    expect(new Set(passes).size).toBe(passes.length);
    expect(toHex(passSeed({ ...parts, nonces: [B, A] }))).toBe(passes[0]);
  });

  test('is committed to apart from the nonce of Go: opening one says nothing of the other', () => {
    expect(toHex(passCommitment(A, B))).not.toBe(toHex(nonceCommitment(A, B)));
  });
});
