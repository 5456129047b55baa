// Owns: for how many tokens a rollout is paid, what a forfeit costs, which groups a trainer may take. Does not own: whether a
// rollout is right (the audit), what a paid token is worth (scoring).
import type { RolloutFile } from './file.js';
import { STOPS } from './rollout.js';

/**
 * Pay is counted in thousandths of a completion token, so that a prompt token may cost a fraction of one and every validator
 * adds whole numbers.
 */
export const MILLIS = 1000;

interface Groups {
  has(group: number): boolean;
}

/** How long a window's rollouts are; of every file that was read, before any is paid. */
export interface Lengths {
  /**
   * A key's file, once.
   * @param broken groups that are left out: what costs nothing to make moves nobody's pay; a file of nothing else is none
   */
  add(file: RolloutFile, broken: Groups): void;
  /** of the medians of the files added; 0 without any */
  median(): number;
}

/**
 * The median of the keys' medians, each time the lower of two in the middle. Not that of all rollouts: whoever handed in more than
 * the others together, all of it unpaid for all it cared, would set what everybody is paid.
 */
export function createLengths(maxTokens: number): Lengths {
  const medians: number[] = [];
  return {
    add(file, broken) {
      const lengths: number[] = [];
      for (let place = 0; place < file.count; place++) {
        if (broken.has(file.groups[place]!)) continue;
        const length = file.offsets[place + 1]! - file.offsets[place]!;
        if (length > maxTokens) throw new RangeError(`length: expected at most ${maxTokens}, got ${length}`);
        lengths.push(length);
      }
      if (lengths.length > 0) medians.push(lowerMedian(lengths));
    },
    median: () => lowerMedian(medians),
  };
}

/** 0 of none. */
function lowerMedian(numbers: readonly number[]): number {
  const ascending = Float64Array.from(numbers).sort();
  return ascending[(ascending.length - 1) >> 1] ?? 0;
}

/**
 * Paid completion tokens of one rollout. Work is paid by the token and audited by the rollout: without a bound, one rollout padded
 * to the maximum earned that of thirty. Twice the median leaves honest long ones their pay; one that was cut is not known to
 * have come to an end and gets the median at most.
 */
export function paidLength(length: number, stop: (typeof STOPS)[number], median: number): number {
  return Math.min(length, stop === 'cap' ? median : 2 * median);
}

/** What a right rollout is paid, whole: its tokens and its prompt's. */
export const millisOf = (
  { length, stop }: { readonly length: number; readonly stop: (typeof STOPS)[number] },
  {
    median,
    promptMillis,
    promptTokens,
  }: { readonly median: number; readonly promptMillis: number; readonly promptTokens: number },
): number => paidLength(length, stop, median) * MILLIS + promptTokens * promptMillis;

export interface Pay {
  /** thousandths of a token of each rollout, by place: audits are drawn by them too */
  readonly rollouts: Float64Array;
  /** of all rollouts, less what forfeits cost; never below 0 */
  readonly millis: number;
}

/**
 * @param parts.median of the environment, over all miners of this window: `createLengths`
 * @param parts.promptMillis price of a prompt token in thousandths of a completion token, whole, for each rollout of the group; as
 *   measured: prefill is cheaper than decoding, and a group may share it
 * @param parts.promptTokens of a group's prompt
 * @param parts.forfeits how many groups were given up: each costs this miner the median of its groups' pay, so that giving up what
 *   is dear costs two groups
 * @param parts.broken groups of an invalid rollout (structure.ts): not paid, and each costs what a forfeit does
 * @param parts.unpaid places of rollouts that an audit did not find valid
 */
export function payOf(
  file: RolloutFile,
  parts: {
    readonly median: number;
    readonly promptMillis: number;
    readonly promptTokens: (group: number) => number;
    readonly forfeits: number;
    readonly broken: Groups & { readonly size: number };
    readonly unpaid: { has(place: number): boolean };
  },
): Pay {
  const { median, promptMillis, promptTokens, forfeits, broken, unpaid } = parts;
  if (!Number.isInteger(promptMillis) || promptMillis < 0)
    throw new RangeError(`promptMillis: expected a whole number, got ${promptMillis}`);
  const rollouts = new Float64Array(file.count);
  const groups: number[] = [];
  let sum = 0;
  for (let place = 0; place < file.count; place++) {
    const group = file.groups[place]!;
    if (broken.has(group)) continue;
    if (place === 0 || group !== file.groups[place - 1]) groups.push(0);
    const length = file.offsets[place + 1]! - file.offsets[place]!;
    const stop = STOPS[file.stops[place]!]!;
    const millis = millisOf({ length, stop }, { median, promptMillis, promptTokens: promptTokens(group) });
    // what a group would have earned: being found wrong must not make a forfeit cheap
    groups[groups.length - 1]! += millis;
    if (unpaid.has(place)) continue;
    rollouts[place] = millis;
    sum += millis;
  }
  const given = forfeits + broken.size;
  return { rollouts, millis: Math.max(0, sum - given * lowerMedian(groups)) };
}

/**
 * Groups from 0 to below the first gap: what a trainer may take. Groups behind a gap are paid, but were they trained on, giving
 * up a group would choose the batch.
 * @param broken as of structure.ts, ascending
 */
export function trainingGroups(
  { groups, forfeits }: { readonly groups: number; readonly forfeits: readonly number[] },
  broken: Iterable<number>,
): number {
  const [first = groups] = broken;
  return Math.min(forfeits[0] ?? groups, first);
}
