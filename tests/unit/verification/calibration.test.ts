import { describe, expect, test } from 'vitest';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import {
  advise,
  type Figures,
  figureOf,
  figuresOf,
  spreadOf,
} from '../../../src/verification/calibration.js';
import { measure, type Run } from '../../../src/verification/measure.js';

/** 2048 x 2048: 40 ms a label, of which 32 are the product and 4 hashing on two cores. */
const run = (change: Partial<Run> = {}): Run => ({
  productOpsPerS: (2 * 2048 ** 3) / 0.032,
  hashBytesPerS: (1.5 * 2048 ** 2) / 0.008,
  labels: 50,
  labelMs: 40,
  rootsMs: 20,
  labelsInWindow: 49,
  productShare: 0.8,
  passBytesPerS: 10e9,
  ...change,
});
const figures = (...runs: readonly Run[]): Figures => figuresOf(runs, { n: 2048, cores: 2 });
const set = { n: 2048, labels: 2048, nominalLabels: 49, windowMs: 2000 };
const GIB = 2 ** 30;

describe('figures', () => {
  test('are a median between extremes, of any number of runs', () => {
    expect(figureOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(figureOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(spreadOf(figureOf([90, 100, 120]))).toBeCloseTo(0.3);
    expect(spreadOf(figureOf([0]))).toBe(0);
    expect(() => figureOf([])).toThrow('values: expected at least one, got none');
  });

  test('share a label out among product, hashing on all cores and the rest', () => {
    const { productShare, hashShare, otherShare } = figures(run());
    expect(productShare.median).toBeCloseTo(0.8);
    expect(hashShare.median).toBeCloseTo(0.1);
    expect(otherShare.median).toBeCloseTo(0.1);
    expect(figures(run({ passBytesPerS: undefined })).passBytesPerS).toBeUndefined();
  });
});

describe('advice', () => {
  test('is none where a device does what its class says, and says what it looked at', () => {
    const { advice, notes } = advise(figures(run(), run()), set, 4 * GIB);
    expect(advice).toEqual([]);
    expect(notes).toEqual([
      'windowMs stays: one window for all classes, or slots of two windows on one device would be credited more than it can do',
      'a pass read 200 MiB, which caches may hold: no rate of memory (that takes 2 GiB)',
      'nominalLabels stays: 49 labels in a window, 49 count one',
    ]);
  });

  test('names what a faster device would change, and why', () => {
    expect(advise(figures(run()), { ...set, nominalLabels: 21 }, 4 * GIB).advice).toEqual([
      {
        parameter: 'nominalLabels',
        from: 21,
        to: 49,
        why: 'this device finishes 49 labels and their roots within 2000 ms (median; 40.0 ms a label, 20 ms for roots)',
      },
    ]);
    expect(advise(figures(run()), { ...set, nominalLabels: 46 }, 4 * GIB).advice).toEqual([]);
    expect(
      advise(figures(run({ labelsInWindow: 50 })), { ...set, labels: 50 }, 4 * GIB).advice,
    ).toMatchObject([{ parameter: 'labels', from: 50, to: 100 }]);
  });

  test('follows the rule for n with measured times: labels outlast the window, hashing stays small', () => {
    // 90 % of 1 GiB are 230 labels of 40 ms: 9 s. Twenty times as fast, they are full after 0.5 s
    const fast = run({
      productOpsPerS: (2 * 2048 ** 3) / 0.0016,
      hashBytesPerS: (1.5 * 2048 ** 2) / 0.0002,
      labelMs: 2,
      labelsInWindow: 49,
    });
    expect(advise(figures(run()), set, GIB).advice).toEqual([]);
    expect(advise(figures(fast), set, 8 * GIB).advice).toEqual([]);
    expect(advise(figures(fast), set, 4 * GIB).advice).toMatchObject([
      {
        parameter: 'n',
        from: 2048,
        to: 4096,
        why: 'the smallest at which 230 labels in 90 % of memory last 3312 ms, and hashing stays at 2.8 % of a label',
      },
    ]);
    const slowHash = run({
      hashBytesPerS: (1.5 * 2048 ** 2) / 0.016,
      productShare: 0.6,
      productOpsPerS: (2 * 2048 ** 3) / 0.024,
    });
    expect(advise(figures(slowHash), set, 4 * GIB).advice).toEqual([]);
    expect(
      advise(figures({ ...slowHash, hashBytesPerS: (1.5 * 2048 ** 2) / 0.02 }), set, 8 * GIB).advice,
    ).toMatchObject([{ parameter: 'n', from: 2048, to: 4096 }]);
  });

  test('is none on a host where runs differ, and for a device that finishes no label', () => {
    const { advice, notes } = advise(figures(run(), run({ labelMs: 60 })), { ...set, nominalLabels: 1 }, GIB);
    expect(advice).toEqual([]);
    expect(notes[1]).toMatch(
      /^products or labels differ by 40 % between runs, more than 15 %: end what else runs here/,
    );
    const slow = advise(figures(run({ labelMs: 3000, labelsInWindow: 0 })), set, GIB);
    expect(slow.advice).toEqual([]);
    expect(slow.notes.at(-1)).toBe(
      'one label takes 3000 ms, and the window ends after 2000: a class of smaller n is for this device',
    );
  });
});

describe('measuring', () => {
  /** Every look at the clock takes a while: whatever is done between two costs 10 ms. */
  const clock = () => {
    let now = 0;
    return () => {
      now += 10;
      return now;
    };
  };
  const parts = (now = clock()) => ({
    devices: { compute: createReferenceCompute() },
    random: createSeededRandom('measure'),
    now,
  });
  const never = new AbortController().signal;

  test('ends a run with its window or its memory, and finishes at least one label', async () => {
    const steps: string[] = [];
    const spec = { n: 64, capacity: 40, windowMs: 55, runs: 2 };
    const runs = await measure({ ...parts(), onStep: (what) => steps.push(what) }, spec, never);
    expect(steps).toEqual([
      'packing the operand',
      'run 1 of 2: product',
      'run 1 of 2: hashing',
      'run 1 of 2: labels',
      'run 2 of 2: product',
      'run 2 of 2: hashing',
      'run 2 of 2: labels',
    ]);
    // asked before each label after the first: 10, 20, ... 50 ms are within 55
    expect(runs.map(({ labels }) => labels)).toEqual([6, 6]);
    expect(runs[0]).toMatchObject({
      productOpsPerS: (2 * 64 ** 3) / 0.01,
      rootsMs: 10,
      passBytesPerS: (6 * 64 ** 2) / 0.01,
    });
    const short = await measure(parts(), { ...spec, capacity: 2, runs: 1 }, never);
    expect(short[0]).toMatchObject({ labels: 2, labelsInWindow: 2 });
    const late = await measure(parts(), { ...spec, windowMs: 1, runs: 1 }, never);
    expect(late[0]).toMatchObject({ labels: 1, labelsInWindow: 0 });
  });

  test('of labels smaller than a block says nothing of passes', async () => {
    const [one] = await measure(parts(), { n: 16, capacity: 4, windowMs: 50, runs: 1 }, never);
    expect(one!.passBytesPerS).toBeUndefined();
  });

  test('ends when it is told to', async () => {
    const stop = new AbortController();
    const work = measure(
      { ...parts(), onStep: (what) => what === 'run 1 of 9: labels' && stop.abort(new Error('enough')) },
      { n: 64, capacity: 40, windowMs: 55, runs: 9 },
      stop.signal,
    );
    await expect(work).rejects.toThrow('enough');
  });
});
