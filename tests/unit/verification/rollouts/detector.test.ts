import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../src/model/bytes.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import {
  BETS_MILLIS,
  type Detector,
  decodeDetector,
  encodeDetector,
  isAboveBound,
  isBroken,
  isConvicted,
  isEvasive,
  NEW_DETECTOR,
  observe,
  statisticMillis,
} from '../../../../src/verification/rollouts/detector.js';
import golden from '../../../vectors/rollouts-audit.json' with { type: 'json' };

/** of zero in 20,000 honest rollouts, with 95 % confidence 1.5e-4 */
const BOUND = 200_000;

const sequence = (wrongs: string, boundPpb = BOUND, from: Detector = NEW_DETECTOR): Detector =>
  [...wrongs].reduce((detector, wrong) => observe(detector, wrong === '1', boundPpb), from);

/** Windows until conviction, of `audits` rollouts each wrong with `rate`. */
function windowsToConvict(rate: number, audits: number, seed: string, from = NEW_DETECTOR): number {
  const random = createSeededRandom(seed);
  let detector = from;
  for (let window = 1; window <= 3000; window++) {
    for (let i = 0; i < audits; i++)
      detector = observe(detector, random.below(2 ** 32) < rate * 2 ** 32, BOUND);
    if (isConvicted(detector)) return window;
  }
  return Number.POSITIVE_INFINITY;
}
const honest = (rollouts: number): Detector => sequence('0'.repeat(rollouts));

describe('the detector of wrong rollouts', () => {
  it('is that of the golden vectors, to the unit', () => {
    for (const { wrong, boundPpb, values } of golden.detectors)
      for (let k = 1; k <= wrong.length; k++)
        expect(sequence(wrong.slice(0, k), boundPpb).values.map(String)).toEqual(values[k - 1]);
    expect(golden.detectors).toHaveLength(7);
  });

  it('convicts at the third of wrong rollouts in a row, not at the second', () => {
    expect(isConvicted(sequence('11'))).toBe(false);
    expect(isConvicted(sequence('111'))).toBe(true);
    expect(statisticMillis(NEW_DETECTOR)).toBe(1000n);
  });

  it('does not convict a rollout however wrong: it is one', () => {
    expect(isConvicted(sequence('1'))).toBe(false);
    expect(statisticMillis(sequence('1'))).toBe(657_118n); // the mean of 25.995, 100.98, 500.9 and 2000.6 less the rounding
  });

  it('forgets: a thousand honest windows change nothing about when a liar is convicted', () => {
    const banked = honest(8000);
    // sampled at .9 of the temperature: 4 % of the tokens of code were wrong (measured), so of 60 tokens one is in nine of ten cases
    const rate = 0.9;
    for (let seed = 0; seed < 20; seed++) {
      expect(windowsToConvict(rate, 6, `hot ${seed}`, banked)).toBeLessThanOrEqual(2);
      expect(windowsToConvict(rate, 6, `hot ${seed}`)).toBe(windowsToConvict(rate, 6, `hot ${seed}`, banked));
    }
    for (const value of banked.values) expect(value).toBeGreaterThan(2n ** 31n);
  });

  it('finds a fifth of the rollouts wrong within a few windows, and one in a hundred in the end', () => {
    const times = (rate: number, runs: number) =>
      Array.from({ length: runs }, (_, i) => windowsToConvict(rate, 6, `rate ${rate} ${i}`)).sort(
        (a, b) => a - b,
      );
    const [fifth, hundredth] = [times(0.2, 40), times(0.01, 20)];
    expect([fifth[20], fifth[39]]).toEqual([4, 10]);
    expect([hundredth[10], hundredth[19]]).toEqual([144, 228]);
  });

  it('convicts no honest miner in two million rollouts at the bound, nor at twice it', () => {
    // Monte Carlo over gaps between wrong rollouts: a run of right ones only lets values fall
    for (const [rate, runs] of [
      [2e-4, 400],
      [4e-4, 400],
    ] as const) {
      const random = createSeededRandom(`honest ${rate}`);
      let detector = NEW_DETECTOR;
      let convicted = 0;
      for (let i = 0; i < runs; i++) {
        const gap = Math.floor(Math.log((random.below(2 ** 32) + 1) / 2 ** 32) / Math.log1p(-rate));
        // beyond 3,000 right ones all values are below 1: the rest of the gap changes nothing
        for (let k = 0; k < Math.min(gap, 3000); k++) detector = observe(detector, false, BOUND);
        detector = observe(detector, true, BOUND);
        if (isConvicted(detector)) convicted++;
      }
      expect(convicted).toBe(0);
    }
  });

  it('multiplies, on average over the bound, by no more than one', () => {
    // exact: with wrong ones at exactly the bound the mean factor is 1 for each bet, less the rounding
    for (const bound of [1, 200_000, 30_000_000, 500_000_000, 10 ** 9]) {
      const [right, wrong] = [observe(NEW_DETECTOR, false, bound), observe(NEW_DETECTOR, true, bound)];
      for (let i = 0; i < BETS_MILLIS.length; i++) {
        const mean = right.values[i]! * BigInt(10 ** 9 - bound) + wrong.values[i]! * BigInt(bound);
        expect(mean).toBeLessThanOrEqual(2n ** 32n * 10n ** 9n);
        expect(mean).toBeGreaterThan((2n ** 32n - 2n) * 10n ** 9n);
      }
    }
  });

  it('stays within its error of real numbers, and below them', () => {
    const random = createSeededRandom('error');
    let detector = NEW_DETECTOR;
    const real = BETS_MILLIS.map(() => 1);
    for (let k = 1; k <= 5000; k++) {
      const wrong = random.below(700) === 0;
      detector = observe(detector, wrong, BOUND);
      for (const [i, bet] of BETS_MILLIS.entries()) {
        const factor = 1 - bet / 1000 + (wrong ? bet / 1000 / 2e-4 : 0);
        real[i] = Math.max(1, real[i]!) * factor;
        const ratio = Number(detector.values[i]) / 2 ** 32 / real[i]!;
        expect(ratio).toBeLessThanOrEqual(1 + 1e-11); // the comparison's own doubles
        expect(ratio).toBeGreaterThan((1 - 2 ** -31) ** k - 1e-11);
      }
    }
  });

  it('is the same after its bytes, which have one spelling', () => {
    const detector = sequence('10110');
    expect(decodeDetector(encodeDetector(detector))).toEqual(detector);
    expect(toHex(encodeDetector(NEW_DETECTOR))).toBe('00000000010000000000000000000000'.repeat(4));
    const top = sequence('1'.repeat(40), 1);
    expect(top.values).toEqual([2n ** 96n, 2n ** 96n, 2n ** 96n, 2n ** 96n]);
    expect(decodeDetector(encodeDetector(top))).toEqual(top);
    expect(() => decodeDetector(new Uint8Array(64).fill(255))).toThrow(RangeError);
    expect(() => decodeDetector(new Uint8Array(63))).toThrow(RangeError);
  });

  it('refuses a bound that is none', () => {
    for (const bound of [0, -1, 0.5, 10 ** 9 + 1])
      expect(() => observe(NEW_DETECTOR, true, bound)).toThrow(RangeError);
  });
});

const miners = (count: number, struck: number, audited = 72, wrong = 1) =>
  Array.from({ length: count }, (_, i) => ({ audited, wrong: i < struck ? wrong : 0 }));

describe('the breaker', () => {
  it('lets three miners in ten lie without sparing one of them', () => {
    for (const [count, liars] of [
      [10, 3],
      [20, 5],
      [64, 7],
      [256, 14],
      [256, 76],
    ] as const)
      for (const wrong of [1, 6, 72]) {
        expect(isBroken(miners(count, liars, 72, wrong), BOUND), `${liars} of ${count}`).toBe(false);
        expect(isBroken(miners(count, liars, 6, Math.min(wrong, 6)), BOUND)).toBe(false);
      }
  });

  it('opens where so many more have a wrong rollout than three in ten', () => {
    for (const [count, struck] of [
      [10, 5],
      [20, 9],
      [64, 23],
      [256, 84],
    ] as const) {
      expect(isBroken(miners(count, struck - 1), BOUND), `${struck - 1} of ${count}`).toBe(false);
      expect(isBroken(miners(count, struck), BOUND), `${struck} of ${count}`).toBe(true);
      // those who were not audited say nothing
      expect(isBroken([...miners(count, struck), ...miners(count, 0, 0)], BOUND)).toBe(true);
    }
  });

  it('says nothing of a handful of miners, and bears more than are computed exactly', () => {
    expect(isBroken(miners(9, 9), BOUND)).toBe(false);
    expect(isBroken([], BOUND)).toBe(false);
    expect(isBroken(miners(10, 10), BOUND)).toBe(true);
    expect(isBroken(miners(6000, 1800), BOUND)).toBe(false);
    expect(isBroken(miners(6000, 6000), BOUND)).toBe(true);
  });

  it('opens at honest rates, beside liars of three in ten, in one window of a hundred at most', () => {
    const random = createSeededRandom('breaker');
    let open = 0;
    for (let window = 0; window < 200; window++) {
      const pool = Array.from({ length: 64 }, (_, miner) => {
        let wrong = miner < 19 ? 1 : 0;
        for (let i = 0; i < 72; i++) if (random.below(5000) === 0) wrong++;
        return { audited: 72, wrong };
      });
      if (isBroken(pool, BOUND)) open++;
    }
    expect(open).toBeLessThanOrEqual(2);
  });

  it('keeps a verifier that fails from convicting the honest', () => {
    for (const rate of [0.02, 0.05, 0.2, 1]) {
      const random = createSeededRandom(`failing ${rate}`);
      const all = Array.from({ length: 64 }, () => ({
        detector: NEW_DETECTOR,
        wrong: [] as number[],
        convicted: false,
      }));
      for (let window = 0; window < 24; window++) {
        for (const miner of all) {
          let wrong = 0;
          for (let i = 0; i < 6; i++) {
            const is = random.below(2 ** 32) < rate * 2 ** 32;
            if (is) wrong++;
            miner.detector = observe(miner.detector, is, BOUND);
          }
          miner.wrong = [...miner.wrong.slice(-11), wrong];
        }
        const free = all.filter(({ convicted }) => !convicted);
        const counts = free.map(({ wrong }) => ({
          audited: 6 * wrong.length,
          wrong: wrong.reduce((a, b) => a + b, 0),
        }));
        if (!isBroken(counts, BOUND)) for (const miner of free) miner.convicted = isConvicted(miner.detector);
      }
      expect(all.filter(({ convicted }) => convicted).length, `rate ${rate}`).toBeLessThanOrEqual(1);
      expect(all.filter(({ detector }) => isConvicted(detector)).length).toBeGreaterThan(
        rate < 0.05 ? 0 : 32,
      );
    }
  });
});

describe('the alarm for rates above their bound', () => {
  it('rings when more are struck than the bound allows once in ten thousand', () => {
    // 256 miners, 72 audits each, .0144 struck by chance: 3.7 expected
    expect(isAboveBound(miners(256, 13), BOUND)).toBe(false);
    expect(isAboveBound(miners(256, 14), BOUND)).toBe(true);
    expect(isAboveBound(miners(9, 9), BOUND)).toBe(false);
  });

  it('counts a miner once: one liar does not ring it', () => {
    expect(isAboveBound(miners(256, 3, 72, 60), BOUND)).toBe(false);
  });

  it('is silent at honest rates', () => {
    const random = createSeededRandom('alarm');
    let rung = 0;
    for (let window = 0; window < 100; window++) {
      const pool = Array.from({ length: 64 }, () => {
        let wrong = 0;
        for (let i = 0; i < 72; i++) if (random.below(5000) === 0) wrong++;
        return { audited: 72, wrong };
      });
      if (isAboveBound(pool, BOUND)) rung++;
    }
    expect(rung).toBe(0);
  });
});

describe('the alarm for what cannot be judged', () => {
  it('rings for a miner far above all others', () => {
    expect(isEvasive({ inconclusive: 6, audited: 72 }, { inconclusive: 3, audited: 1440 })).toBe(true);
    expect(isEvasive({ inconclusive: 1, audited: 72 }, { inconclusive: 3, audited: 1440 })).toBe(false);
    expect(isEvasive({ inconclusive: 6, audited: 72 }, { inconclusive: 140, audited: 1440 })).toBe(false);
    expect(isEvasive({ inconclusive: 0, audited: 0 }, { inconclusive: 0, audited: 0 })).toBe(false);
    expect(isEvasive({ inconclusive: 6, audited: 6 }, { inconclusive: 0, audited: 0 })).toBe(false);
    // as many as are computed exactly, and more
    const others = { inconclusive: 100, audited: 100_000 };
    for (const audited of [4096, 4097, 10_000]) {
      expect(isEvasive({ inconclusive: Math.floor(audited / 20), audited }, others)).toBe(true);
      expect(isEvasive({ inconclusive: 3, audited }, others)).toBe(false);
    }
  });
});
