import { describe, expect, test } from 'vitest';
import { createPlainHost } from '../../../../src/compute/host/plain.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { achieved } from '../../../../src/verification/calibration/figures.js';
import {
  type HostMemoryRun,
  hostMemoryFindings,
  measureHostMemory,
} from '../../../../src/verification/calibration/host-memory.js';
import { hostMemoryParamsByClass } from '../../../../src/verification/kinds/host-memory/params.js';

const GIB = 2 ** 30;
const never = new AbortController().signal;
const real = hostMemoryParamsByClass('host-8')!;
/** A host of eight lanes that does what counts one: 6 GiB in 56 s, 31 rounds of it in 8 s, 800,000 leaves in 8 s. */
const run = (change: Partial<HostMemoryRun> = {}): HostMemoryRun => ({
  lanes: 8,
  hashBytesPerS: 2e9,
  filledBytes: 6 * GIB,
  fillBytesPerS: (6 * GIB) / 56,
  passBytesPerS: (31.5 * 6 * GIB) / 8,
  stepNs: 1250,
  ...change,
});
const find = (runs: readonly HostMemoryRun[], bytes = 8 * GIB) => hostMemoryFindings(runs, real, bytes);

describe('findings about host memory', () => {
  test('are none for a host that does what counts one', () => {
    const { advice, notes, figures } = find([run(), run(), run()]);
    expect(advice).toEqual([]);
    expect(notes).toContain('nominalBytes stays: 6442450944 here, 6442450944 count one');
    expect(notes).toContain('nominalLeaves stays: 800000 here, 800000 count one');
    expect(notes.at(-1)).toMatch(
      /^by these a host is credited (\S+ GiB) of the \1 that count one \(100 %\)$/,
    );
    // 35.1 bytes are hashed for one of a label: 8 threads at 2 GB/s could fill 447 MB/s
    const filled = figures.find(({ name }) => name === 'labels filled')!;
    expect(achieved(filled)).toBeCloseTo((6 * GIB) / 56 / 447e6, 2);
    expect(achieved(figures.at(-1)!)).toBeCloseTo(300 / 1250);
  });

  test('name what a host with half of it would change', () => {
    const half = run({ lanes: 4, fillBytesPerS: (3 * GIB) / 56, stepNs: 2500 });
    expect(find([half]).advice).toMatchObject([
      { parameter: 'nominalLanes', from: 8, to: 4 },
      { parameter: 'nominalBytes', from: 6 * GIB, to: 3 * GIB },
      { parameter: 'nominalRounds', from: 31, to: 63 },
      { parameter: 'nominalLeaves', from: 800_000, to: 400_000 },
    ]);
    expect(find([run()], 2 * GIB).advice[0]).toMatchObject({
      parameter: 'nominalBytes',
      to: 2 * GIB,
      why: expect.stringContaining('has room for'),
    });
  });

  test('raise a bound that an honest host breaks', () => {
    expect(find([run({ hashBytesPerS: 7e9, stepNs: 250 })]).advice).toMatchObject([
      { parameter: 'nominalLeaves' },
      { parameter: 'hashBytesPerS', from: 48e9, to: 56e9 },
      { parameter: 'stepNs', from: 300, to: 250 },
    ]);
  });

  test('raise it whatever else runs there: noise makes nobody faster', () => {
    expect(find([run({ stepNs: 250 }), run({ stepNs: 5000 })]).advice).toEqual([
      expect.objectContaining({ parameter: 'stepNs', from: 300, to: 250 }),
    ]);
  });

  test('advise nothing where runs differ, and for a host that is too small for the class', () => {
    const { advice, notes } = find([run(), run({ stepNs: 2000 })]);
    expect(advice).toEqual([]);
    expect(notes.at(-1)).toMatch(/^rates differ by/);
    const small = find([run()], GIB / 2);
    expect(small.advice).toEqual([]);
    expect(small.notes.at(-1)).toMatch(/^512\.0 MiB is what .*; host-8 begins at 1\.00 GiB: a smaller class/);
  });
});

describe('measuring host memory', () => {
  const params = { ...hostMemoryParamsByClass('host-small')!, labelBytes: 256, infoBytes: 84, maxLeaves: 16 };
  /** Every look at the clock takes 10 ms. */
  const parts = () => {
    let now = 0;
    const clock = () => {
      now += 10;
      return now;
    };
    return { host: createPlainHost(), random: createSeededRandom('measure'), now: clock };
  };
  const spec = { params, bytes: 2 ** 16, runs: 2 };

  test('fills, reads and walks in each run', async () => {
    const steps: string[] = [];
    const measured = await measureHostMemory({ ...parts(), onStep: (what) => steps.push(what) }, spec, never);
    expect(steps.slice(0, 4)).toEqual([
      'run 1 of 2: hashing',
      'run 1 of 2: filling, up to 5 s',
      'run 1 of 2: reading',
      'run 1 of 2: walking',
    ]);
    expect(measured).toHaveLength(2);
    for (const { filledBytes, fillBytesPerS, passBytesPerS, stepNs } of measured) {
      expect(filledBytes).toBeGreaterThan(0);
      expect(filledBytes).toBeLessThanOrEqual(2 ** 16);
      expect(fillBytesPerS).toBeGreaterThan(0);
      expect(passBytesPerS).toBeGreaterThan(0);
      expect(stepNs).toBeGreaterThan(0);
    }
  });

  test('ends when it is told to, and releases its lanes', async () => {
    const stop = new AbortController();
    let released = 0;
    const { host, ...rest } = parts();
    const counting = {
      ...host,
      bytes: () => host.bytes(),
      openLanes: async (...given: Parameters<typeof host.openLanes>) => {
        const lanes = await host.openLanes(...given);
        const release = lanes.release.bind(lanes);
        lanes.release = () => {
          released++;
          release();
        };
        return lanes;
      },
    };
    const onStep = (what: string) => what === 'run 1 of 2: walking' && stop.abort(new Error('enough'));
    await expect(measureHostMemory({ ...rest, host: counting, onStep }, spec, stop.signal)).rejects.toThrow(
      'enough',
    );
    expect(released).toBe(1);
  });
});
