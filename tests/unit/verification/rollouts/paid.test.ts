import { describe, expect, it } from 'vitest';
import type { RolloutFile } from '../../../../src/verification/rollouts/file.js';
import {
  createLengths,
  paidLength,
  payOf,
  trainingGroups,
} from '../../../../src/verification/rollouts/paid.js';
import type { Rollout } from '../../../../src/verification/rollouts/rollout.js';

/** Two rollouts a group. */
const fileOf = (...ends: (readonly [length: number, stop?: Rollout['stop']])[]): RolloutFile => ({
  count: ends.length,
  groups: Uint32Array.from(ends, (_, i) => i >> 1),
  indices: Uint16Array.from(ends, (_, i) => i & 1),
  stops: Uint8Array.from(ends, ([, stop]) => (stop === 'cap' ? 1 : 0)),
  offsets: Uint32Array.from([
    0,
    ...ends.map((_, i) => ends.slice(0, i + 1).reduce((sum, [length]) => sum + length, 0)),
  ]),
  tokens: new Uint32Array(ends.reduce((sum, [length]) => sum + length, 0)),
});
const PARTS = {
  median: 10,
  promptMillis: 0,
  promptTokens: () => 0,
  forfeits: 0,
  broken: new Set<number>(),
  unpaid: new Set<number>(),
};

describe('the median length of a window', () => {
  const none = new Set<number>();

  it("is that of the keys' medians, each time the lower of two in the middle", () => {
    const lengths = createLengths(100);
    expect(lengths.median()).toBe(0);
    lengths.add(fileOf([100]), none);
    expect(lengths.median()).toBe(100);
    lengths.add(fileOf([3]), none);
    expect(lengths.median()).toBe(3);
    lengths.add(fileOf([7], [9], [5], [8]), none);
    expect(lengths.median()).toBe(7);
    lengths.add(fileOf([5]), none);
    expect(lengths.median()).toBe(5);
    expect(() => lengths.add(fileOf([101]), none)).toThrow('expected at most 100');
  });

  it('is moved by one key no further than to the next one, however much it hands in', () => {
    const lengths = createLengths(100);
    for (const own of [10, 11, 12]) lengths.add(fileOf([own], [own]), none);
    lengths.add(fileOf(...Array.from({ length: 1000 }, () => [100, 'cap'] as const)), none);
    expect(lengths.median()).toBe(11);
  });

  it('is moved by no group with an invalid rollout: nobody is paid for those, so they cost nothing to make', () => {
    const lengths = createLengths(100);
    lengths.add(fileOf([5], [7]), none);
    // all of it: then it is no key of the window
    lengths.add(fileOf([0], [0], [0], [0], [0], [9]), new Set([0, 1, 2]));
    expect(lengths.median()).toBe(5);
    lengths.add(fileOf([3], [3], [8], [9]), new Set([0]));
    lengths.add(fileOf([9]), none);
    expect(lengths.median()).toBe(8);
  });
});

describe('the pay of a rollout', () => {
  it('is for its length up to twice the median, and to the median when it was cut', () => {
    expect(paidLength(4, 'eos', 10)).toBe(4);
    expect(paidLength(20, 'eos', 10)).toBe(20);
    expect(paidLength(21, 'eos', 10)).toBe(20);
    expect(paidLength(8192, 'cap', 10)).toBe(10);
    expect(paidLength(8, 'cap', 10)).toBe(8);
  });

  it('makes padding to the maximum worth one and no more rollout of the median', () => {
    const honest = payOf(fileOf([10], [10], [10], [10]), PARTS).millis;
    const padded = payOf(fileOf([10], [10], [10], [8192, 'cap']), PARTS).millis;
    expect(honest).toBe(40_000);
    expect(padded).toBe(40_000);
  });

  it('adds the prompt of its group at its price, and nothing for a rollout that was found wrong', () => {
    const pay = payOf(fileOf([10], [4], [6], [1]), {
      ...PARTS,
      promptMillis: 35,
      promptTokens: (group) => [100, 7][group]!,
      unpaid: new Set([1]),
    });
    expect([...pay.rollouts]).toEqual([13_500, 0, 6245, 1245]);
    expect(pay.millis).toBe(20_990);
    expect(() => payOf(fileOf([1]), { ...PARTS, promptMillis: 0.5 })).toThrow('whole number');
  });

  it('loses the median of its groups for each one given up, and is never negative', () => {
    const file = fileOf([10], [10], [1], [1], [5], [5]);
    expect(payOf(file, PARTS).millis).toBe(32_000);
    expect(payOf(file, { ...PARTS, forfeits: 1 }).millis).toBe(22_000);
    expect(payOf(file, { ...PARTS, forfeits: 9 }).millis).toBe(0);
    // of four groups the lower of the two in the middle: 10 of 2, 10, 12, 20
    const four = fileOf([10], [10], [1], [1], [5], [5], [6], [6]);
    expect(payOf(four, { ...PARTS, forfeits: 1 }).millis).toBe(34_000);
    // rollouts that are found wrong do not make the forfeit cheaper
    expect(payOf(file, { ...PARTS, forfeits: 1, unpaid: new Set([2, 3]) }).millis).toBe(20_000);
    expect(payOf(fileOf(), { ...PARTS, forfeits: 1 }).millis).toBe(0);
  });

  it('takes a group with an invalid rollout for one given up, whole and at its price', () => {
    const file = fileOf([10], [10], [6], [0], [5], [5]);
    const pay = payOf(file, { ...PARTS, broken: new Set([1]) });
    expect([...pay.rollouts]).toEqual([10_000, 10_000, 0, 0, 5000, 5000]);
    // 30 less the lower of 10 and 20: what was left out is no part of the price, or empty groups would make it nothing
    expect(pay.millis).toBe(20_000);
    const empty = fileOf([10], [10], [0], [0], [0], [0], [0], [0]);
    expect(payOf(empty, { ...PARTS, broken: new Set([1, 2, 3]) }).millis).toBe(0);
    expect(payOf(file, { ...PARTS, broken: new Set([0, 1, 2]) }).millis).toBe(0);
  });

  it('goes beyond the first gap, where training ends', () => {
    const none = new Set<number>();
    expect(trainingGroups({ groups: 9, forfeits: [] }, none)).toBe(9);
    expect(trainingGroups({ groups: 9, forfeits: [4, 7] }, none)).toBe(4);
    expect(trainingGroups({ groups: 9, forfeits: [0] }, none)).toBe(0);
    expect(trainingGroups({ groups: 9, forfeits: [4, 7] }, new Set([5]))).toBe(4);
    expect(trainingGroups({ groups: 9, forfeits: [4, 7] }, new Set([2, 3]))).toBe(2);
  });
});
