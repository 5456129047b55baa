import { describe, expect, test } from 'vitest';
import { createReferenceCompute } from '../../../../src/compute/cpu/reference.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { achieved } from '../../../../src/verification/calibration/figures.js';
import {
  type LabelsRun,
  type LabelsSet,
  labelFindings,
  measureLabels,
} from '../../../../src/verification/calibration/labels.js';

/** 2048 x 2048: 40 ms a label, of which 32 are the product and 4 hashing on two cores. */
const run = (change: Partial<LabelsRun> = {}): LabelsRun => ({
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
const GIB = 2 ** 30;
const set: LabelsSet = {
  n: 2048,
  labels: 2048,
  nominal: { name: 'nominalLabels', labels: 49 },
  windowMs: 2000,
};
const counting = (labels: number, change: Partial<LabelsSet> = {}): LabelsSet => ({
  ...set,
  nominal: { ...set.nominal, labels },
  ...change,
});
const advise = (runs: readonly LabelsRun[], of: LabelsSet, memoryBytes: number) =>
  labelFindings(runs, of, { cores: 2, memoryBytes });
const named = (name: string, runs: readonly LabelsRun[], of = set) =>
  advise(runs, of, 4 * GIB).figures.find((figure) => figure.name === name);

describe('figures of labels', () => {
  test('share a label out among product, hashing on all cores and the rest', () => {
    expect(named('of a label: product', [run()])?.median).toBeCloseTo(0.8);
    expect(named('of a label: hashing', [run()])?.median).toBeCloseTo(0.1);
    expect(named('of a label: the rest', [run()])?.median).toBeCloseTo(0.1);
    expect(named('a pass over all labels', [run({ passBytesPerS: undefined })])).toBeUndefined();
  });

  test('say what they reach of the product alone, and what the class would be by them', () => {
    const labels = named('labels', [run()], counting(21))!;
    expect(achieved(labels)).toBeCloseTo(0.8);
    expect(labels.parameter).toEqual({ name: 'nominalLabels', set: 21, here: 49 });
    const passes = { rounds: 10, labels: 100, withinMs: 750 };
    // 7.5 GB are 17.9 times 100 labels of 4 MiB
    expect(named('a pass over all labels', [run()], { ...set, passes })?.parameter).toEqual({
      name: 'nominalRounds',
      set: 10,
      here: 17,
    });
  });
});

describe('advice', () => {
  test('is none where a device does what its class says, and says what it looked at', () => {
    const { advice, notes, limits } = advise([run(), run()], set, 4 * GIB);
    expect(advice).toEqual([]);
    expect(notes).toEqual([
      'windowMs stays: one window for all classes, or slots of two windows on one device would be credited more than it can do',
      'nominalLabels stays: 49 here, 49 count one',
    ]);
    expect(limits).toEqual([
      expect.stringMatching(/^a miner keeps a tenth of each step/),
      'a pass read 200 MiB, which caches may hold: no rate of memory (that takes 2 GiB)',
    ]);
  });

  test('names what a faster device would change, and why', () => {
    expect(advise([run()], counting(21), 4 * GIB).advice).toEqual([
      {
        parameter: 'nominalLabels',
        from: 21,
        to: 49,
        why: 'this device finishes 49 labels and their roots within 2000 ms (median; 40.0 ms a label, 20 ms for roots)',
      },
    ]);
    expect(advise([run()], counting(46), 4 * GIB).advice).toEqual([]);
    expect(advise([run({ labelsInWindow: 50 })], counting(49, { labels: 50 }), 4 * GIB).advice).toMatchObject(
      [{ parameter: 'labels', from: 50, to: 100 }],
    );
  });

  test('is about rounds too where the class has them, and where a pass is more than a cache holds', () => {
    const passes = { rounds: 10, labels: 1000, withinMs: 2000 };
    expect(advise([run({ labels: 600 })], { ...set, passes }, 4 * GIB).advice).toEqual([
      {
        parameter: 'nominalRounds',
        from: 10,
        to: 4,
        why: '1000 labels are read 4 times within 2000 ms at this rate',
      },
    ]);
    expect(advise([run()], { ...set, passes }, 4 * GIB).advice).toEqual([]);
  });

  test('is none where all labels are owed: they fit, or the device does not pass', () => {
    const owed = (labels: number) => advise([run()], counting(labels, { labels: undefined }), 4 * GIB);
    expect(owed(49)).toMatchObject({ advice: [] });
    expect(owed(49).notes.at(-1)).toBe('all 49 labels are owed, and 49 fit: nothing to change');
    expect(owed(50).notes.at(-1)).toBe(
      'all 50 labels are owed within 2000 ms, and 49 fit: this device does not pass',
    );
  });

  test('follows the rule for n with measured times: labels outlast the window, hashing stays small', () => {
    // 90 % of 1 GiB are 230 labels of 40 ms: 9 s. Twenty times as fast, they are full after 0.5 s
    const fast = run({
      productOpsPerS: (2 * 2048 ** 3) / 0.0016,
      hashBytesPerS: (1.5 * 2048 ** 2) / 0.0002,
      labelMs: 2,
      labelsInWindow: 49,
    });
    expect(advise([run()], set, GIB).advice).toEqual([]);
    expect(advise([fast], set, 8 * GIB).advice).toEqual([]);
    expect(advise([fast], set, 4 * GIB).advice).toMatchObject([
      {
        parameter: 'n',
        from: 2048,
        to: 4096,
        why: 'the smallest at which 230 labels in 90 % of memory last 3312 ms, and hashing stays at 2.8 % of a label',
      },
    ]);
    const slowHash = {
      hashBytesPerS: (1.5 * 2048 ** 2) / 0.016,
      productShare: 0.6,
      productOpsPerS: (2 * 2048 ** 3) / 0.024,
    };
    expect(advise([run(slowHash)], set, 4 * GIB).advice).toEqual([]);
    expect(
      advise([run({ ...slowHash, hashBytesPerS: (1.5 * 2048 ** 2) / 0.02 })], set, 8 * GIB).advice,
    ).toMatchObject([{ parameter: 'n', from: 2048, to: 4096 }]);
  });

  test('is none on a host where runs differ, and for a device that finishes no label', () => {
    const { advice, notes } = advise([run(), run({ labelMs: 60 })], counting(1), GIB);
    expect(advice).toEqual([]);
    expect(notes[1]).toMatch(
      /^products or labels differ by 40 % between runs, more than 15 %: end what else runs here/,
    );
    const slow = advise([run({ labelMs: 3000, labelsInWindow: 0 })], set, GIB);
    expect(slow.advice).toEqual([]);
    expect(slow.notes.at(-1)).toBe(
      'one label takes 3000 ms, and the window ends after 2000: a class of smaller n is for this device',
    );
  });
});

describe('measuring labels', () => {
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
    const runs = await measureLabels({ ...parts(), onStep: (what) => steps.push(what) }, spec, never);
    expect(steps).toEqual([
      'packing the operand',
      'run 1 of 2: product and hashing',
      'run 1 of 2: labels',
      'run 2 of 2: product and hashing',
      'run 2 of 2: labels',
    ]);
    // asked before each label after the first: 10, 20, ... 50 ms are within 55
    expect(runs.map(({ labels }) => labels)).toEqual([6, 6]);
    expect(runs[0]).toMatchObject({
      productOpsPerS: (2 * 64 ** 3) / 0.01,
      rootsMs: 10,
      passBytesPerS: (6 * 64 ** 2) / 0.01,
    });
    const short = await measureLabels(parts(), { ...spec, capacity: 2, runs: 1 }, never);
    expect(short[0]).toMatchObject({ labels: 2, labelsInWindow: 2 });
    const late = await measureLabels(parts(), { ...spec, windowMs: 1, runs: 1 }, never);
    expect(late[0]).toMatchObject({ labels: 1, labelsInWindow: 0 });
  });

  test('asks a device for its kernels where it can be asked, and calls no product through it', async () => {
    const { devices, ...others } = parts();
    const rates = { productOpsPerS: 8e12, hashBytesPerS: 6e10, transposeBytesPerS: 3e12 };
    const noProducts = { ...devices.compute, loadOperand: devices.compute.loadOperand };
    let loaded = 0;
    noProducts.loadOperand = (b, n) => {
      loaded++;
      return devices.compute.loadOperand(b, n);
    };
    const asked = { ...others, devices: { compute: noProducts }, kernels: async () => rates };
    const spec = { n: 64, capacity: 4, windowMs: 55, runs: 2 };
    const runs = await measureLabels(asked, spec, never);
    expect(runs).toMatchObject([rates, rates]);
    expect(loaded).toBe(1); // for labels, and for nothing else
    const published = { opsPerS: 16e12, memoryBytesPerS: 4e12, hashBytesPerS: 12e10 };
    const { figures } = labelFindings(runs, { ...set, published }, { cores: 1, memoryBytes: GIB });
    const shares = figures.flatMap(({ name, peak, median }) =>
      peak?.of === 'the data sheet' ? [[name, median / peak.value]] : [],
    );
    expect(shares.slice(0, 3)).toEqual([
      ['product alone', 0.5],
      ['SHA-256', 0.5],
      ['transposition', 0.75],
    ]);
    expect(shares.map(([name]) => name)).toContain('a pass over all labels');
  });

  test('of labels smaller than a block says nothing of passes', async () => {
    const [one] = await measureLabels(parts(), { n: 16, capacity: 4, windowMs: 50, runs: 1 }, never);
    expect(one!.passBytesPerS).toBeUndefined();
  });

  test('ends when it is told to', async () => {
    const stop = new AbortController();
    const work = measureLabels(
      { ...parts(), onStep: (what) => what === 'run 1 of 9: labels' && stop.abort(new Error('enough')) },
      { n: 64, capacity: 40, windowMs: 55, runs: 9 },
      stop.signal,
    );
    await expect(work).rejects.toThrow('enough');
  });
});
