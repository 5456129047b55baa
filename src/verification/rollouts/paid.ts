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
const NONE: Groups = new Set<number>();

/** How many rollouts have each length; of every file of the window that was read, before any is paid. */
export interface Lengths {
  /** @param broken groups that are left out: what costs nothing to make moves nobody's pay. @default none */
  add(file: RolloutFile, broken?: Groups): void;
  /** of all rollouts added, the lower of two in the middle; 0 without any */
  median(): number;
}

/** Counts, not a sorted list: a window's hundred thousands of rollouts are one array of maxTokens + 1 numbers. */
export function createLengths(maxTokens: number): Lengths {
  const counts = new Float64Array(maxTokens + 1);
  let total = 0;
  return {
    add(file, broken = NONE) {
      for (let place = 0; place < file.count; place++) {
        if (broken.has(file.groups[place]!)) continue;
        const length = file.offsets[place + 1]! - file.offsets[place]!;
        if (length > maxTokens) throw new RangeError(`length: expected at most ${maxTokens}, got ${length}`);
        counts[length]!++;
        total++;
      }
    },
    median() {
      let below = 0;
      for (let length = 0; length <= maxTokens; length++) {
        below += counts[length]!;
        if (total > 0 && 2 * below >= total) return length;
      }
      return 0;
    },
  };
}

/**
 * Paid completion tokens of one rollout. Work is paid by the token and audited by the rollout: without a bound, one rollout padded
 * to the maximum earned that of thirty. Twice the median leaves honest long ones their pay; one that was cut is not known to
 * have come to an end and gets the median at most.
 */
export function paidLength(length: number, stop: (typeof STOPS)[number], median: number): number {
  return Math.min(length, stop === 'cap' ? median : 2 * median);
}

export interface Pay {
  /** thousandths of a token of each rollout, by place: audits are drawn by them too */
  readonly rollouts: Float64Array;
  /** of all rollouts, less what forfeits cost; never below 0 */
  readonly millis: number;
}

/**
 * @param parts.median of the environment, over all miners' rollouts of this window
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
    const paid = paidLength(length, STOPS[file.stops[place]!]!, median);
    const millis = paid * MILLIS + promptTokens(group) * promptMillis;
    // what a group would have earned: being found wrong must not make a forfeit cheap
    groups[groups.length - 1]! += millis;
    if (unpaid.has(place)) continue;
    rollouts[place] = millis;
    sum += millis;
  }
  groups.sort((a, b) => a - b);
  const price = groups[(groups.length - 1) >> 1] ?? 0;
  return { rollouts, millis: Math.max(0, sum - (forfeits + broken.size) * price) };
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
