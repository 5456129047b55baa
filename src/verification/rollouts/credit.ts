// Owns: what a miner's window of rollouts is worth, and when it is paid out. Does not own: what is valid (audit.ts), what a
// rollout is paid (paid.ts), where the ledger lies.
import { lowerBound, type Ratio } from '../../model/binomial.js';

/** Windows over which validity is pooled, and credit is vested. */
export const WINDOWS = 12;
/** With fewer groups a window is paid in proportion: those who stop at a lucky streak are not worth the audit. */
export const MIN_GROUPS = 32;
/** Shares of valid rollouts are bounded from below with 95 % confidence. */
const LIMIT: Ratio = [1n, 20n];

/** Audited rollouts of a miner in one window, and how many of them were valid; `inconclusive` for its own bytes is audited, not valid. */
export interface WindowCount {
  readonly window: number;
  readonly audited: number;
  readonly valid: number;
}

/** Counts that still matter in `window`, with that window's own; ascending by window. */
export function pooled(history: readonly WindowCount[], own: WindowCount): WindowCount[] {
  const kept = history.filter(({ window }) => window < own.window && window > own.window - WINDOWS);
  return [...kept, own].sort((a, b) => a.window - b.window);
}

/**
 * Credit of one window, in thousandths of tokens, rounded down: what is paid times the share of rollouts that are surely valid,
 * relative to that of a miner all of whose audits of twelve windows were valid. A new key has few audits, so its share is small
 * at first: all valid, it loses 0.9 windows of pay until it has twelve windows of six.
 * @param paidMillis of the rollouts that were not found wrong, less what forfeits cost (paid.ts)
 * @param groups that are paid: neither given up nor with an invalid rollout
 * @param counts of up to twelve windows, this one included
 * @param perWindow rollouts drawn of a miner and window
 */
export function creditOf(
  paidMillis: number,
  groups: number,
  counts: readonly WindowCount[],
  perWindow: number,
): number {
  const audited = counts.reduce((sum, { audited }) => sum + audited, 0);
  if (audited === 0) return 0;
  const valid = counts.reduce((sum, { valid }) => sum + valid, 0);
  const full = lowerBound(WINDOWS * perWindow, WINDOWS * perWindow, LIMIT);
  const share = Math.min(lowerBound(valid, audited, LIMIT), full);
  const credit =
    (BigInt(paidMillis) * BigInt(Math.min(groups, MIN_GROUPS)) * BigInt(share)) /
    (BigInt(MIN_GROUPS) * BigInt(full));
  return Number(credit);
}

/** Credit of a window of which less turns out to be paid: the one is in proportion to the other. Rounded down. */
export function creditLeft(
  { creditMillis, paidMillis }: { readonly creditMillis: number; readonly paidMillis: number },
  lessMillis: number,
): number {
  if (paidMillis === 0) return 0;
  const left = BigInt(Math.max(0, paidMillis - lessMillis));
  return Number((BigInt(creditMillis) * left) / BigInt(paidMillis));
}

export interface WindowCredit {
  readonly window: number;
  readonly creditMillis: number;
}

export interface Conviction {
  /** in which the detector reached its mark */
  readonly window: number;
  /** of the first wrong rollout since its values were last all at 1 */
  readonly since: number;
}

/**
 * What a miner's weight is made of in `window`: the mean of its credit of the last twelve windows, those without an entry
 * counting nothing; rounded down. So a window is paid out over twelve, and at a conviction 5.5 windows of steady pay are still
 * owed: they are not paid, neither what came before the first fault. From that window on a convicted key is worth nothing.
 */
export function vestedMillis(
  ledger: readonly WindowCredit[],
  window: number,
  conviction?: Conviction,
): number {
  if (conviction && window >= conviction.since) return 0;
  const sum = ledger
    .filter((entry) => entry.window <= window && entry.window > window - WINDOWS)
    .reduce((all, { creditMillis }) => all + BigInt(creditMillis), 0n);
  return Number(sum / BigInt(WINDOWS));
}
