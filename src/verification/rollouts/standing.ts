// Owns: what a validator remembers of a miner from window to window, and its bytes. Does not own: verdicts (verdict.ts), the
// ledger they are kept in.
import { concat, u32le, u64le } from '../../model/bytes.js';
import { readBytes } from './byte-reader.js';
import {
  type Conviction,
  creditOf,
  pooled,
  vestedMillis,
  WINDOWS,
  type WindowCount,
  type WindowCredit,
} from './credit.js';
import {
  DETECTOR_BYTES,
  type Detector,
  decodeDetector,
  encodeDetector,
  isAtRest,
  isConvicted,
  NEW_DETECTOR,
  observe,
} from './detector.js';
import { type DrawRules, MAX_DRAWS } from './draw.js';

export interface Standing {
  readonly detector: Detector;
  /** window of the first wrong rollout since all values of the detector were last at most 1 */
  readonly since?: number;
  /** of the last twelve windows, ascending */
  readonly counts: readonly WindowCount[];
  readonly credits: readonly WindowCredit[];
  /** of the last 24 windows, those in which a committed file did not come: `anewFrom` */
  readonly missed: readonly number[];
  /** until this window more rollouts are drawn: a proof or the scan speaks against the miner, and neither convicts */
  readonly closerUntil?: number;
  readonly conviction?: Conviction;
}

export const NEW_STANDING: Standing = { detector: NEW_DETECTOR, counts: [], credits: [], missed: [] };

/** Of each rollout that was judged, in the order of the draw. */
export interface Trial {
  readonly wrong: boolean;
  readonly boundPpb: number;
}

/** After one window that was judged whole. */
export function afterWindow(
  before: Standing,
  window: number,
  found: {
    readonly trials: readonly Trial[];
    readonly count: WindowCount;
    readonly paidMillis: number;
    readonly groups: number;
    readonly perWindow: number;
  },
): Standing {
  let { detector, since } = before;
  for (const { wrong, boundPpb } of found.trials) {
    detector = observe(detector, wrong, boundPpb);
    if (wrong) since ??= window;
    else if (isAtRest(detector)) since = undefined;
  }
  const counts = found.count.audited > 0 ? pooled(before.counts, found.count) : before.counts;
  const missed = recentlyMissed(before, window);
  const anew = anewFrom(missed);
  const creditBy = (of: readonly WindowCount[]): number =>
    creditOf(found.paidMillis, found.groups, of, found.perWindow);
  // the worse of both: who was often wrong would else be better off for not handing in
  const creditMillis =
    found.count.audited > 0
      ? Math.min(creditBy(counts), creditBy(counts.filter((one) => one.window > anew)))
      : 0;
  const { since: _, ...rest } = before;
  return {
    ...rest,
    detector,
    ...(since === undefined ? {} : { since }),
    counts,
    credits: creditsWith(before, { window, creditMillis }),
    missed,
  };
}

const creditsWith = ({ credits }: Standing, own: WindowCredit): WindowCredit[] =>
  [...credits.filter(({ window }) => window !== own.window && window > own.window - WINDOWS), own].sort(
    (a, b) => a.window - b.window,
  );

/** After a window whose manifest was committed, and refused, or whose file did not come in time. */
export function afterMissing(before: Standing, window: number): Standing {
  const missed = [...recentlyMissed(before, window).filter((one) => one !== window), window];
  return { ...before, credits: creditsWith(before, { window, creditMillis: 0 }), missed };
}

/**
 * After a window whose file the verifier itself could not keep: nothing is known of it, and it is worth what the newest one before
 * was. Only while an audit is among the eleven before: a key that is never judged is worth nothing, whosever fault it is.
 */
export function afterOurs(before: Standing, window: number): Standing {
  const wasAudited = before.counts.some((one) => one.window < window && one.window > window - WINDOWS);
  const last = before.credits.findLast((one) => one.window < window);
  const creditMillis = (wasAudited && last?.creditMillis) || 0;
  const credits = creditsWith(before, { window, creditMillis });
  return { ...before, credits, missed: recentlyMissed(before, window) };
}

/** One of twelve windows ago is the other of a pair whose second ends to matter in twelve more. */
const recentlyMissed = ({ missed }: Standing, window: number): number[] =>
  missed.filter((one) => one > window - 2 * WINDOWS);

/** The newest missed window that is a second one in twelve: up to it a miner's good audits no longer count, its bad ones do. */
function anewFrom(missed: readonly number[]): number {
  const second = missed.findLast((one, i) => i > 0 && one - missed[i - 1]! < WINDOWS);
  return second ?? Number.NEGATIVE_INFINITY;
}

/** The detector is at its mark. Whether that convicts is settled over all miners: `settle`. */
export const isAtMark = ({ detector }: Standing): boolean => isConvicted(detector);

/** @param broken `isBroken` of all miners of the window: then nobody is convicted in it, and what speaks against them stays */
export function settle(standing: Standing, window: number, broken: boolean): Standing {
  if (standing.conviction || broken || !isAtMark(standing)) return standing;
  return { ...standing, conviction: { window, since: standing.since ?? window } };
}

/** What a weight is made of, in thousandths of tokens a window. */
export const weightMillis = (standing: Standing, window: number): number =>
  vestedMillis(standing.credits, window, standing.conviction);

const CLOSER_WINDOWS = 12;
const CLOSER = 4;

/** @param window of the finding */
export const lookCloser = (standing: Standing, window: number): Standing => ({
  ...standing,
  closerUntil: Math.max(standing.closerUntil ?? 0, window + CLOSER_WINDOWS),
});

/**
 * After a proof of a wrong rollout in a window that was judged: that window is worth what is left, and the miner is looked at more
 * closely. No trial for the detector: a lone proof was chosen because it hits.
 * @param at the newest judged window
 */
export const afterProof = (before: Standing, left: WindowCredit, at: number): Standing =>
  lookCloser(
    { ...before, credits: before.credits.map((one) => (one.window === left.window ? left : one)) },
    at,
  );

/** Four times as many draws while a miner is looked at more closely; its credit is bounded by the same counts. */
export function drawRulesOf(rules: DrawRules, { closerUntil }: Standing, window: number): DrawRules {
  if (closerUntil === undefined || window > closerUntil) return rules;
  const more = (count: number): number => Math.min(MAX_DRAWS, CLOSER * count);
  return { ...rules, rollouts: more(rules.rollouts), deep: more(rules.deep) };
}

const optional = (value: number | undefined): Uint8Array =>
  value === undefined ? Uint8Array.of(0) : concat(Uint8Array.of(1), u32le(value));

/** The fields in order; lists behind their counts, what may be missing behind a byte. */
export const encodeStanding = (standing: Standing): Uint8Array =>
  concat(
    encodeDetector(standing.detector),
    optional(standing.since),
    u32le(standing.counts.length),
    ...standing.counts.flatMap(({ window, audited, valid }) => [u32le(window), u32le(audited), u32le(valid)]),
    u32le(standing.credits.length),
    ...standing.credits.flatMap(({ window, creditMillis }) => [u32le(window), u64le(creditMillis)]),
    u32le(standing.missed.length),
    ...standing.missed.map(u32le),
    optional(standing.closerUntil),
    optional(standing.conviction?.window),
    optional(standing.conviction?.since),
  );

/** @throws RangeError for bytes that no standing has */
export function decodeStanding(bytes: Uint8Array): Standing {
  const reader = readBytes(bytes, 'standing');
  const maybe = (): number | undefined => (reader.oneOf([false, true]) ? reader.u32() : undefined);
  const detector = decodeDetector(reader.bytes(DETECTOR_BYTES));
  const since = maybe();
  const counts = reader.list(12, () => ({
    window: reader.u32(),
    audited: reader.u32(),
    valid: reader.u32(),
  }));
  const credits = reader.list(12, () => ({ window: reader.u32(), creditMillis: reader.u53() }));
  const missed = reader.list(4, () => reader.u32());
  const closerUntil = maybe();
  const [window, first] = [maybe(), maybe()];
  reader.end();
  if ((window === undefined) !== (first === undefined)) throw new RangeError('standing: half a conviction');
  return {
    detector,
    ...(since === undefined ? {} : { since }),
    counts,
    credits,
    missed,
    ...(closerUntil === undefined ? {} : { closerUntil }),
    ...(window === undefined || first === undefined ? {} : { conviction: { window, since: first } }),
  };
}
