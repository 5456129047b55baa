import { describe, expect, test } from 'vitest';
import { liftOf, SCORE_UNIT } from '../../../../src/inference/spec/distribution.js';
import { choose, type Row } from '../../../../src/inference/spec/race.js';
import {
  addScans,
  BIT_UNIT,
  NO_SCAN,
  sampledEntropy,
  scanFinding,
  scanRollout,
  scanTables,
  unforcedBits,
} from '../../../../src/inference/spec/scan.js';
import { toHex } from '../../../../src/model/bytes.js';
import { sha256 } from '../../../../src/model/hash.js';
import { createSeededRandom } from '../../../../src/model/prng.js';

const KEY = { k0: 7, k1: 8 };
const digestOf = (table: Int32Array) => toHex(sha256(new Uint8Array(table.buffer)));

/** Logits of one token with probability p, and of eight that share the rest. */
function rowOf(p: number): Row {
  const rest = Math.log((1 - p) / 8);
  return {
    ids: Int32Array.from({ length: 9 }, (_, i) => i),
    logits: Float32Array.of(Math.log(p), ...Array<number>(8).fill(rest)),
  };
}

/** Tokens of a rollout whose rows are all the same. */
function sampled(row: Row, length: number, key = KEY): Uint32Array {
  return Uint32Array.from({ length }, (_, position) => {
    const choice = choose(row, 1, { key, position });
    if (choice.kind === 'fault') throw new Error(choice.why);
    return choice.token;
  });
}

describe('the tables', () => {
  test('are the same integers for ever', () => {
    const { race, gumbel, gumbelSum } = scanTables();
    expect(digestOf(race)).toBe('ba9f261dd5c99a16269c570dbde64c733645c58f4175fefeb0c23d36f39e6491');
    expect(digestOf(gumbel)).toBe('48e2e120a8570b7dc01ea6a981d1a7f630cf4a7d8bb800aa752e4f70f19c35f0');
    expect(gumbel.reduce((a, b) => a + b, 0)).toBe(gumbelSum);
    expect([race[0], race[32_768], race[65_535], gumbel[0], gumbel[65_535]]).toEqual([
      1, 45_427, 792_353, -162_765, 786_845,
    ]);
  });

  test('mean 1 and, all but a millionth, the Euler constant', () => {
    const { race, gumbelSum } = scanTables();
    expect(race.reduce((a, b) => a + b, 0) / 2 ** 32).toBeCloseTo(1, 8);
    expect(gumbelSum / 2 ** 32).toBeCloseTo(0.5772156649, 5);
  });

  test('are means over their buckets', () => {
    const { race, gumbel } = scanTables();
    for (const bucket of [0, 1, 17, 40_000, 65_000, 65_534]) {
      let [raceSum, gumbelSum] = [0, 0];
      for (let i = 0; i < 4096; i++) {
        const u = (bucket + (i + 0.5) / 4096) / 65_536;
        raceSum -= Math.log(1 - u);
        gumbelSum -= Math.log(-Math.log(u));
      }
      expect(Math.abs(race[bucket]! - (raceSum / 4096) * SCORE_UNIT)).toBeLessThan(1);
      // four points of a bucket: a little off where it bends most
      expect(Math.abs(gumbel[bucket]! - (gumbelSum / 4096) * SCORE_UNIT)).toBeLessThan(
        bucket === 65_534 ? 100 : 600,
      );
    }
  });
});

describe('the scan', () => {
  test('of tokens of another stream finds nothing, of their own finds the lift that rows predict', () => {
    const row = rowOf(0.6);
    const length = 4000;
    const lift = liftOf(row, 1) as number;
    const own = scanRollout(KEY, sampled(row, length));
    const other = scanRollout(KEY, sampled(row, length, { k0: 9, k1: 9 }));
    // standard deviations of the mean: 0.016 and about twice that
    expect(Math.abs(other.race / length / SCORE_UNIT - 1)).toBeLessThan(0.065);
    expect(Math.abs(own.race / length / SCORE_UNIT - 1 - lift / SCORE_UNIT)).toBeLessThan(0.13);
    expect(unforcedBits(other)).toBeLessThan(8 * BIT_UNIT);
    expect(unforcedBits(own)).toBeGreaterThan(300 * BIT_UNIT);
    const entropy = -(0.6 * Math.log(0.6) + 0.4 * Math.log(0.05));
    expect(Math.abs(sampledEntropy(own) / SCORE_UNIT - entropy)).toBeLessThan(0.1);
    expect(Math.abs(sampledEntropy(other) / SCORE_UNIT)).toBeLessThan(0.1);
  });

  test('adds up', () => {
    const tokens = sampled(rowOf(0.5), 50);
    const whole = scanRollout(KEY, tokens);
    const twice = addScans(whole, whole);
    expect(twice).toEqual({ tokens: 100, race: 2 * whole.race, gumbel: 2 * whole.gumbel });
    expect(addScans(NO_SCAN, whole)).toEqual(whole);
    expect(() => addScans(whole, { tokens: 2 ** 32, race: 0, gumbel: 0 })).toThrow(RangeError);
  });

  test('knows the position of a token', () => {
    const forwards = scanRollout(KEY, Uint32Array.of(1, 2, 3));
    expect(scanRollout(KEY, Uint32Array.of(3, 2, 1))).not.toEqual(forwards);
    expect(scanRollout(KEY, new Uint32Array(0))).toEqual(NO_SCAN);
  });
});

describe('the chance without the stream', () => {
  /** P(Gamma(n, 1) >= s), exact: e^-s sum of s^k / k! for k < n. */
  function gammaTail(n: number, s: number): number {
    let term = Math.exp(-s);
    let sum = term;
    for (let k = 1; k < n; k++) {
      term *= s / k;
      sum += term;
    }
    return sum;
  }

  test.each([
    [1, 3],
    [10, 12],
    [10, 30],
    [100, 130],
    [400, 600],
  ])('is never understated: %i tokens that score %f', (tokens, score) => {
    const claimed = unforcedBits({ tokens, race: Math.floor(score * SCORE_UNIT), gumbel: 0 }) / BIT_UNIT;
    const exact = -Math.log2(gammaTail(tokens, score));
    expect(claimed).toBeLessThanOrEqual(exact);
    // and by no more than Chernoff's bound gives away
    expect(claimed).toBeGreaterThan(exact - 1 - 0.5 * Math.log2(2 * Math.PI * tokens) - 3);
  });

  test('is a half or more at the mean and below, and of no tokens', () => {
    for (const race of [0, 50 * SCORE_UNIT, 100 * SCORE_UNIT])
      expect(unforcedBits({ tokens: 100, race, gumbel: 0 })).toBe(0);
    expect(unforcedBits(NO_SCAN)).toBe(0);
  });

  test('takes off what the rounding of the table may have added', () => {
    expect(unforcedBits({ tokens: 2 ** 32, race: 2 ** 48 + 2 ** 31, gumbel: 0 })).toBe(0);
    expect(unforcedBits({ tokens: 2 ** 32, race: 2 ** 48 + 2 ** 33, gumbel: 0 })).toBeGreaterThan(0);
  });

  test('of 20,000 rollouts without their stream is below one in 2^k at most as often as that', () => {
    const random = createSeededRandom('no stream');
    const counts = [0, 0, 0];
    for (let i = 0; i < 20_000; i++) {
      const tokens = new Uint32Array(16).map(() => random.below(1000));
      const found = unforcedBits(scanRollout({ k0: i, k1: 3 }, tokens));
      for (const [j, bits] of [2, 4, 8].entries()) if (found >= bits * BIT_UNIT) counts[j]!++;
    }
    expect(counts[0]).toBeLessThan(20_000 / 4);
    expect(counts[1]).toBeLessThan(20_000 / 16);
    expect(counts[2]).toBeLessThan(20_000 / 256);
    expect(counts[0]).toBeGreaterThan(500);
  });
});

describe('the finding', () => {
  const sum = { tokens: 10_000, race: 10_500 * SCORE_UNIT, gumbel: 0 };

  test('says nothing where an honest miner had shown less than 4 standard deviations', () => {
    // 0.04 a token over 10,000: exactly 4
    const lift = Math.ceil(0.04 * SCORE_UNIT * 50);
    expect(scanFinding(sum, { rows: 50, lift }).kind).toBe('measured');
    expect(scanFinding(sum, { rows: 50, lift: lift - 1 }).kind).toBe('no-information');
    expect(scanFinding(sum, { rows: 0, lift: 0 }).kind).toBe('no-information');
    expect(scanFinding(sum, { rows: 50, lift: 0 }).kind).toBe('no-information');
    expect(scanFinding(sum, { rows: 50, lift: -lift }).kind).toBe('no-information');
  });

  test('gives the bound all the same', () => {
    expect(scanFinding(sum, { rows: 0, lift: 0 }).unforcedBits).toBe(unforcedBits(sum));
    expect(unforcedBits(sum)).toBeGreaterThan(16 * BIT_UNIT);
  });

  test('tells an entropy below none by the floor', () => {
    const { gumbelSum } = scanTables();
    expect(sampledEntropy({ tokens: 65_536, race: 0, gumbel: gumbelSum })).toBe(0);
    expect(sampledEntropy({ tokens: 65_536, race: 0, gumbel: gumbelSum - 1 })).toBe(-1);
    expect(sampledEntropy({ tokens: 65_536, race: 0, gumbel: gumbelSum + 65_536 })).toBe(1);
  });
});
