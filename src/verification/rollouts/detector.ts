// Owns: when a miner's wrong rollouts are too many for honest noise. Does not own: what a wrong rollout is (audit.ts), what a
// conviction costs (credit.ts), where bounds come from (calibration).

import { isRare, MAX_TRIALS, type Ratio } from '../../model/binomial.js';
import { concat, u64le } from '../../model/bytes.js';

/**
 * Bets, in thousandths, each of which is best against another rate of wrong rollouts: a bet of lambda gains while the rate is
 * above some multiple of the bound, and loses lambda of its stake at every right one.
 */
export const BETS_MILLIS = [5, 20, 100, 400] as const;

/** Values are held in units of 2^-32. */
const ONE = 2n ** 32n;
/** Beyond it a conviction is as certain as it will be, and a value needs 16 bytes. */
const TOP = 2n ** 96n;
const BILLION = 1_000_000_000;
/** A miner is convicted when the mean of its values reaches this. */
export const CONVICTION = 10n ** 9n;

/**
 * One value a bet. Each is multiplied, at every audited rollout, by a number whose mean is at most 1 while wrong rollouts are no
 * more frequent than their bound, and is never below 1 before that: a past without fault buys nothing. The expected number of
 * rollouts of an honest miner until the mean of the values reaches 10^9 is at least 10^9.
 */
export interface Detector {
  readonly values: readonly bigint[];
}

export const NEW_DETECTOR: Detector = { values: BETS_MILLIS.map(() => ONE) };

/**
 * After one more audited rollout. Exact but for one rounding down a value, of less than 2^-32: a value is never above what
 * real numbers give, and after k rollouts since it was last reset to 1 not below that times (1 - 2^-31)^k.
 * @param boundPpb of the probability that an honest rollout of this profile and length is found wrong, in 10^-9
 */
export function observe(detector: Detector, wrong: boolean, boundPpb: number): Detector {
  if (!(Number.isInteger(boundPpb) && boundPpb >= 1 && boundPpb <= BILLION))
    throw new RangeError(`boundPpb: expected an integer in 1..${BILLION}, got ${boundPpb}`);
  const bound = BigInt(boundPpb);
  return {
    values: detector.values.map((value, i) => {
      const bet = BigInt(BETS_MILLIS[i]!);
      const stake = value < ONE ? ONE : value;
      // 1 - bet, or 1 - bet + bet / bound, over one denominator
      const next = wrong
        ? (stake * ((1000n - bet) * bound + bet * BigInt(BILLION))) / (1000n * bound)
        : (stake * (1000n - bet)) / 1000n;
      return next > TOP ? TOP : next;
    }),
  };
}

const sumOf = (detector: Detector): bigint => detector.values.reduce((all, value) => all + value, 0n);

export const isConvicted = (detector: Detector): boolean =>
  sumOf(detector) >= CONVICTION * ONE * BigInt(BETS_MILLIS.length);

/** The mean, in thousandths and rounded down: for tables. */
export const statisticMillis = (detector: Detector): bigint =>
  (sumOf(detector) * 1000n) / (ONE * BigInt(BETS_MILLIS.length));

export const DETECTOR_BYTES = 16 * BETS_MILLIS.length;

/** Each value in 16 bytes, little-endian. */
export const encodeDetector = ({ values }: Detector): Uint8Array =>
  concat(...values.flatMap((value) => [u64le(value & (2n ** 64n - 1n)), u64le(value >> 64n)]));

/** @throws RangeError for bytes that no detector has */
export function decodeDetector(bytes: Uint8Array): Detector {
  if (bytes.length !== DETECTOR_BYTES)
    throw new RangeError(`detector: expected ${DETECTOR_BYTES} bytes, got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = BETS_MILLIS.map(
    (_, i) => view.getBigUint64(16 * i, true) | (view.getBigUint64(16 * i + 8, true) << 64n),
  );
  if (values.some((value) => value > TOP)) throw new RangeError('detector: a value beyond 2^96');
  return { values };
}

/** Nothing speaks against the miner any more. */
export const isAtRest = ({ values }: Detector): boolean => values.every((value) => value <= ONE);

/** What the audits of the last twelve windows came to, of a miner that was audited in this window and is not convicted. */
export interface MinerCounts {
  readonly audited: number;
  readonly wrong: number;
}

/** Fewer miners say nothing about the verifier: one liar among three is no sign of a broken one. */
const MIN_MINERS = 10;
/** Three in ten may lie without anybody else being let off for it. */
const liarsAmong = (miners: number): number => Math.floor((3 * miners) / 10);
/** Of opening while everything is at its bound: it costs a convicted miner's rivals some windows of patience. */
const BREAKER_LIMIT: Ratio = [1n, 100n];
/** Of calling a human. */
const ALARM_LIMIT: Ratio = [1n, 10_000n];

/**
 * Whether nobody is convicted in this window, because the fault must be the verifier's: a driver, a conversion. Three miners in
 * ten are taken for liars; the others still have a wrong rollout so often as happens once in a hundred while every rate is at its
 * bound. So nobody is spared by a ring of three in ten, whatever it does. A miner counts once, however much was wrong, and only
 * while it hands in: neither one liar's many faults nor keys that are left behind weigh more.
 */
export function isBroken(miners: readonly MinerCounts[], boundPpb: number): boolean {
  const { struck, count, rate } = tally(miners, boundPpb);
  const liars = liarsAmong(count);
  return (
    count >= MIN_MINERS && struck > liars && isRareShare(struck - liars, count - liars, rate, BREAKER_LIMIT)
  );
}

/**
 * An alarm for a human: more miners have a wrong rollout than happens once in 10^4 at the bound. It spares nobody: some liars at
 * once look like this, as does a verifier that begins to fail.
 */
export function isAboveBound(miners: readonly MinerCounts[], boundPpb: number): boolean {
  const { struck, count, rate } = tally(miners, boundPpb);
  return count >= MIN_MINERS && isRareShare(struck, count, rate, ALARM_LIMIT);
}

/** The chance of one wrong rollout in so many is at most their number times the bound. */
function tally(miners: readonly MinerCounts[], boundPpb: number) {
  const audited = miners.filter((one) => one.audited > 0);
  const most = audited.reduce((all, one) => Math.max(all, one.audited), 0) * boundPpb;
  const rate: Ratio = [BigInt(Math.min(most, BILLION)), BigInt(BILLION)];
  return { struck: audited.filter(({ wrong }) => wrong > 0).length, count: audited.length, rate };
}

/** Of more than are computed exactly as many as are, of the same share: that says less. */
function isRareShare(successes: number, trials: number, rate: Ratio, limit: Ratio): boolean {
  const share = Math.min(1, MAX_TRIALS / trials);
  return isRare(Math.floor(successes * share), Math.floor(trials * share), rate, limit);
}

/**
 * Whether one miner's bytes drive graders, limits or our model out of bounds more often than the others' do: an alarm for a
 * human, for what cannot be judged is already not valid.
 * @param own inconclusive ones of all of the miner's audits; `others` the same of everybody else together
 */
export function isEvasive(
  own: { readonly inconclusive: number; readonly audited: number },
  others: { readonly inconclusive: number; readonly audited: number },
): boolean {
  if (own.audited === 0) return false;
  // one more that was: a pool without any is no proof that there are none
  const rate: Ratio = [BigInt(others.inconclusive + 1), BigInt(others.audited + 1)];
  return isRareShare(own.inconclusive, own.audited, rate, ALARM_LIMIT);
}
