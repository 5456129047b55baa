// Owns: when a miner's wrong rollouts are too many for honest noise. Does not own: what a wrong rollout is (audit.ts), what a
// conviction costs (credit.ts), where bounds come from (calibration).

import { isRare } from '../../model/binomial.js';
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

/** What one miner's audits of the last twelve windows came to. */
export interface MinerCounts {
  readonly audited: number;
  readonly wrong: number;
}

/** Fewer miners say nothing about the verifier: one liar among three is no sign of a broken one. */
const MIN_MINERS = 10;
const LIMIT = [1n, 10_000n] as const;

/**
 * Whether nobody is convicted in this window, because the fault may be the verifier's: a driver, a conversion, a bound taken too
 * low. Two tests, over miners that are not convicted:
 * - more than 30 % of those audited in this window have a wrong rollout in it;
 * - so many have one in the last twelve windows as happens once in 10^4 while every rate is at its bound. A miner counts once,
 *   however much was wrong: a liar's many faults are the liar's, a fault of the verifier is everybody's.
 */
export function isBroken(
  window: readonly MinerCounts[],
  twelveWindows: readonly MinerCounts[],
  boundPpb: number,
): boolean {
  const now = window.filter(({ audited }) => audited > 0);
  const struck = (miners: readonly MinerCounts[]): number => miners.filter(({ wrong }) => wrong > 0).length;
  if (now.length >= MIN_MINERS && 10 * struck(now) > 3 * now.length) return true;
  const pool = twelveWindows.filter(({ audited }) => audited > 0);
  if (pool.length < MIN_MINERS) return false;
  // the chance of one wrong rollout in so many is at most their number times the bound
  const most = Math.max(...pool.map(({ audited }) => audited)) * boundPpb;
  return isRare(struck(pool), pool.length, [BigInt(Math.min(most, BILLION)), BigInt(BILLION)], LIMIT);
}

/**
 * Whether one miner's bytes drive graders and limits out of bounds more often than the others' do: an alarm for a human, for
 * what cannot be judged is already not valid.
 * @param own inconclusive ones of all of the miner's audits; `others` the same of everybody else together
 */
export function isEvasive(
  own: { readonly inconclusive: number; readonly audited: number },
  others: { readonly inconclusive: number; readonly audited: number },
): boolean {
  if (own.audited === 0) return false;
  // one more that was: a pool without any is no proof that there are none
  return isRare(
    own.inconclusive,
    own.audited,
    [BigInt(others.inconclusive + 1), BigInt(others.audited + 1)],
    LIMIT,
  );
}
