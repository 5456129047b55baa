// Whether lying pays, with the shipped constants: shares f of the rollouts from nearly none to all, and what a conviction costs
// from one window of pay to twelve.
import { describe, expect, it } from 'vitest';
import { lowerBound } from '../../../../src/model/binomial.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { WINDOWS } from '../../../../src/verification/rollouts/credit.js';
import {
  isBroken,
  isConvicted,
  NEW_DETECTOR,
  observe,
} from '../../../../src/verification/rollouts/detector.js';
import { drawRulesFor } from '../../../../src/verification/rollouts/draw.js';
import { paidLength } from '../../../../src/verification/rollouts/paid.js';
import { FP32_BOUND_PPB } from '../../../../src/verification/rollouts/rules.js';
import {
  afterWindow,
  NEW_STANDING,
  settle,
  weightMillis,
} from '../../../../src/verification/rollouts/standing.js';

const MEDIAN = 300;
const CAP = 8192;
const SHARES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 0.99, 1];
/** of a model of at most 1,024 wide, and of a wider one, where only the rollouts judged whole find an edit */
const NARROW = drawRulesFor(576).rollouts;
const WIDE = drawRulesFor(2048).deep;

/**
 * A share f of rollouts padded: a token is edited and the rest repeats, to the cap or, ended by an edit, to twice the median. Free
 * to make, so that all work goes into the others: `gain` is pay for the same work, `drawn` the share of draws that hit one.
 */
function padding(f: number, paid = Math.max(paidLength(CAP, 'cap', MEDIAN), paidLength(CAP, 'eos', MEDIAN))) {
  const all = f * paid + (1 - f) * MEDIAN;
  return { gain: all / MEDIAN / Math.max(1 - f, 1e-3), drawn: (f * paid) / all };
}

/** Share of pay that is credited in the long run, with `drawn` of the audited rollouts not valid. */
function credited(drawn: number, perWindow: number): number {
  const audits = WINDOWS * perWindow;
  const full = lowerBound(audits, audits, [1n, 20n]);
  let [mean, chance] = [0, (1 - drawn) ** audits]; // of no bad one
  for (let bad = 0; bad <= audits && (chance > 1e-12 || bad < drawn * audits); bad++) {
    if (chance > 1e-9) mean += (chance * lowerBound(audits - bad, audits, [1n, 20n])) / full;
    chance *= drawn < 1 ? ((audits - bad) / (bad + 1)) * (drawn / (1 - drawn)) : 0;
  }
  return mean;
}

/** Convictions a window, by the shipped detector. */
function convictionRate(drawn: number, perWindow: number): number {
  const random = createSeededRandom(`rate ${drawn} ${perWindow}`);
  let [windows, convictions] = [0, 0];
  let detector = NEW_DETECTOR;
  while (windows < 400) {
    windows++;
    for (let i = 0; i < perWindow; i++)
      detector = observe(detector, random.below(2 ** 32) < drawn * 2 ** 32, FP32_BOUND_PPB);
    if (!isConvicted(detector)) continue;
    convictions++;
    detector = NEW_DETECTOR;
  }
  return convictions / windows;
}

describe('padding a share of the rollouts', () => {
  it('paid up to its cap would have quadrupled pay at a tenth of them; bounded by the median it adds a fifth', () => {
    expect(padding(0.1, CAP).gain).toBeCloseTo(4.03, 2);
    expect(padding(0.1).gain).toBeCloseTo(1.22, 2);
    expect(padding(0.4).gain).toBeCloseTo(2.33, 2);
    expect(padding(0.1).drawn).toBeCloseTo(0.18, 2);
  });

  it('is worth less than what being seen costs at three windows of pay, though only two of eight are judged whole', () => {
    const seen = (f: number) => 1 - (1 - padding(f).drawn) ** WIDE;
    expect(1 + 3 * seen(0.1)).toBeCloseTo(1.99, 2);
    expect(1 + 3 * seen(0.4)).toBeCloseTo(3.45, 2);
    for (const f of [0.1, 0.4]) expect(padding(f).gain).toBeLessThan(1 + 3 * seen(f));
    // the rule it replaced: paid to the cap, drawn alike, one judged whole
    expect(padding(0.1, CAP).gain).toBeGreaterThan(1 + 12 * 0.1);
  });

  it('does not pay at any share, whatever a conviction costs from one window on', () => {
    for (const perWindow of [NARROW, WIDE])
      for (const f of SHARES) {
        const { gain, drawn } = padding(f);
        const pay = gain * credited(drawn, perWindow);
        const rate = convictionRate(drawn, perWindow);
        for (let windows = 1; windows <= 12; windows++)
          expect(pay, `${perWindow} drawn, share ${f}, ${windows} windows`).toBeLessThan(
            1 + windows * rate + 1e-9,
          );
      }
  });

  it('would break exactly even if credit were the share found valid: its lower bound is what deters', () => {
    for (const f of [0.05, 0.4, 0.9]) {
      const { gain, drawn } = padding(f);
      expect(gain * (1 - drawn)).toBeCloseTo(1, 9);
      expect(gain * credited(drawn, NARROW)).toBeLessThan(0.97);
    }
  });
});

describe('a key that lies until it is convicted, and begins anew at no price', () => {
  /** Mean weight a window over `windows`, in honest windows of pay, by the shipped ledger. */
  function earned(gain: number, drawn: number, seed: string, windows = 80): number {
    const random = createSeededRandom(`ledger ${seed}`);
    let standing = NEW_STANDING;
    let sum = 0;
    for (let window = 1; window <= windows; window++) {
      const wrongs = Array.from({ length: NARROW }, () => random.below(2 ** 32) < drawn * 2 ** 32);
      const wrong = wrongs.filter((one) => one).length;
      standing = settle(
        afterWindow(standing, window, {
          trials: wrongs.map((wrong) => ({ wrong, boundPpb: FP32_BOUND_PPB })),
          count: { window, audited: NARROW, valid: NARROW - wrong },
          paidMillis: Math.round(1e6 * gain),
          groups: 40,
          perWindow: NARROW,
        }),
        window,
        false,
      );
      sum += weightMillis(standing, window) / 1e6;
      if (standing.conviction) standing = NEW_STANDING;
    }
    return sum / windows;
  }
  const mean = (gain: number, drawn: number) =>
    ['a', 'b', 'c', 'd'].reduce((sum, seed) => sum + earned(gain, drawn, seed), 0) / 4;
  const honest = earned(1, 0, 'honest');

  it('earns less by padding than by work', () => {
    expect(honest).toBeCloseTo(1 - (5.5 + 0.925) / 80, 2);
    for (const f of [0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 0.95]) {
      const { gain, drawn } = padding(f);
      // the smallest share is mostly not drawn in so few windows: it gains its two thousandths
      expect(mean(gain, drawn), `share ${f}`).toBeLessThan(f < 0.01 ? honest * 1.01 : honest);
    }
  });

  it('earns less by a model of eight bits at twice the speed, in code and in arithmetic', () => {
    // of 100 rollouts of 512 tokens judged whole, 68 and 28 were wrong (measured on a trained decoder)
    for (const drawn of [0.68, 0.28]) expect(mean(2, drawn)).toBeLessThan(0.25 * honest);
  });

  it('earns more where hardly a rollout is wrong: that is what the tolerance leaves', () => {
    // weights rounded to 16 bits in arithmetic: 8 in 100 rollouts, at a twentieth more speed, and at twice the speed
    expect(mean(1.05, 0.08)).toBeLessThan(honest);
    expect(mean(2, 0.005)).toBeGreaterThan(honest);
  });
});

describe('a ring of keys that lie at once, so that nobody be convicted', () => {
  /** Mean weight a window of one of `ring` keys, each beginning anew at no price when it is convicted, among `miners`. */
  function earned(miners: number, ring: number, seed: string, lie: { gain: number; drawn: number }) {
    const windows = 60;
    const random = createSeededRandom(`ring ${seed}`);
    const fresh = () => ({ standing: NEW_STANDING, wrong: [] as number[] });
    let keys = Array.from({ length: ring }, fresh);
    let [sum, broken] = [0, 0];
    for (let window = 1; window <= windows; window++) {
      for (const key of keys) {
        const wrongs = Array.from({ length: NARROW }, () => random.below(2 ** 32) < lie.drawn * 2 ** 32);
        const wrong = wrongs.filter((one) => one).length;
        key.wrong = [...key.wrong.slice(1 - WINDOWS), wrong];
        key.standing = afterWindow(key.standing, window, {
          trials: wrongs.map((wrong) => ({ wrong, boundPpb: FP32_BOUND_PPB })),
          count: { window, audited: NARROW, valid: NARROW - wrong },
          paidMillis: Math.round(1e6 * lie.gain),
          groups: 40,
          perWindow: NARROW,
        });
      }
      const counts = [
        ...keys.map(({ wrong }) => ({
          audited: NARROW * wrong.length,
          wrong: wrong.reduce((a, b) => a + b, 0),
        })),
        ...Array.from({ length: miners - ring }, () => ({ audited: NARROW * WINDOWS, wrong: 0 })),
      ];
      const isOpen = isBroken(counts, FP32_BOUND_PPB);
      if (isOpen) broken++;
      keys = keys.map((key) => {
        const standing = settle(key.standing, window, isOpen);
        sum += weightMillis(standing, window) / 1e6;
        return standing.conviction ? fresh() : { ...key, standing };
      });
    }
    return { weight: sum / windows / ring, broken };
  }
  const eightBits = { gain: 2, drawn: 0.28 };

  it('is convicted all the same, and earns a quarter of honest pay, up to three keys in ten', () => {
    for (const [miners, ring] of [
      [256, 14],
      [64, 7],
      [64, 19],
      [20, 5],
      [10, 3],
    ] as const) {
      const { weight, broken } = earned(miners, ring, `${ring} of ${miners}`, eightBits);
      expect(broken, `${ring} of ${miners}`).toBe(0);
      expect(weight, `${ring} of ${miners}`).toBeLessThan(0.25);
    }
  });

  it('of nearly half the keys is spared while it lies: the price of not convicting the honest for our fault', () => {
    const { weight, broken } = earned(20, 9, 'half', eightBits);
    expect(broken).toBeGreaterThan(50);
    expect(weight).toBeGreaterThan(1);
    expect(weight).toBeLessThan(1.35);
  });

  it('that breaks the verifier’s model instead of being found wrong earns less than honest work', () => {
    // a window in which such a rollout is drawn is worth nothing; the others are paid as if all were valid
    for (const f of SHARES.filter((share) => share < 0.99)) {
      const { gain, drawn } = padding(f);
      expect(gain * (1 - drawn) ** WIDE, `share ${f}`).toBeLessThan(1);
    }
  });
});

describe('keys of one machine that each work only in the windows whose prompts are cheapest for them', () => {
  /** One key in turn of `keys`, all its rollouts valid, against a key that is there in every window: pay of the whole machine. */
  const ramp = (keys: number): number => {
    const standings = Array.from({ length: keys }, () => NEW_STANDING);
    let [paid, honest] = [0, 0];
    let always = NEW_STANDING;
    const found = { trials: [], paidMillis: 1_000_000, groups: 64, perWindow: NARROW };
    const settled = (before: typeof NEW_STANDING, window: number) =>
      afterWindow(before, window, { ...found, count: { window, audited: NARROW, valid: NARROW } });
    for (let window = 1; window <= 10 * WINDOWS; window++) {
      standings[window % keys] = settled(standings[window % keys]!, window);
      always = settled(always, window);
      if (window <= 8 * WINDOWS) continue;
      paid += standings.reduce((sum, one) => sum + weightMillis(one, window), 0);
      honest += weightMillis(always, window);
    }
    return paid / honest;
  };

  it('lose a step of their ramp for each window without them, which is more than the choice among 64 groups gives', () => {
    // derived: best of 2, 4 and 16 keys, with cost for a paid token varying by 60 % between groups, before prompts are paid
    for (const [keys, gain] of [
      [2, 0.04],
      [4, 0.08],
      [16, 0.14],
    ] as const)
      expect((1 + gain) * ramp(keys)).toBeLessThan(1);
    expect(Math.round(100 * ramp(2))).toBe(96);
    expect(Math.round(100 * ramp(4))).toBe(88);
  });
});
