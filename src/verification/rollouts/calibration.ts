// Owns: what is concluded from measured windows: the tolerance, the bound of honest mismatches, what lies are let through; the
// artefact that carries it, its one spelling, its digest. Does not own: measuring (testing/rollouts/calibrate.ts), files, keys.
import {
  digest,
  hexOf,
  integerIn,
  name,
  oneOf,
  type Read,
  readFields,
  shown,
} from '../../inference/spec/fields.js';
import { exp, ln } from '../../inference/spec/log.js';
import { type Policy, parsePolicy, policyJson } from '../../inference/spec/policy.js';
import { type Profile, parseProfile, profileDigest, profileJson } from '../../inference/spec/profile.js';
import { MARGIN_UNIT } from '../../inference/spec/race.js';
import { lengthPrefixed, taggedHash } from '../../inference/spec/tagged.js';
import { concat, equals, fromUtf8, toHex, utf8 } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import { invalid } from '../../model/invalid-input.js';
import { createSeededRandom } from '../../model/prng.js';
import { WINDOWS } from './credit.js';
import { isConvicted, NEW_DETECTOR, observe } from './detector.js';
import { type DrawRules, MAX_DRAWS } from './draw.js';
import type { Verify } from './manifest.js';
import type { AuditRules } from './rules.js';

const MILLION = 1_000_000;
const BILLION = 1_000_000_000;
/** Of every bound: 95 % confidence, one-sided. */
const RARE = 0.05;

/** A check is not claimed to find a lie of which it lets more through. */
export const FAR_LIMIT_PPM = 50_000;

/** Place, from 1, of the score that at most `alphaPpm` of further honest ones exceed: ceil((n + 1)(1 - alpha)). */
export const conformalIndex = (n: number, alphaPpm: number): number =>
  Math.ceil(((n + 1) * (MILLION - alphaPpm)) / MILLION);

/**
 * Whatever scores are distributed like, a further one of the same kind exceeds it with a chance of at most alpha.
 * @throws RangeError for fewer scores than that takes
 */
export function conformalQuantile(scores: readonly number[], alphaPpm: number): number {
  const index = conformalIndex(scores.length, alphaPpm);
  if (index > scores.length)
    throw new RangeError(
      `scores: expected at least ${Math.ceil(MILLION / alphaPpm) - 1} for ${alphaPpm} in a million, got ${scores.length}`,
    );
  return [...scores].sort((a, b) => a - b)[index - 1]!;
}

/**
 * The bound of Clopper and Pearson from above, in 10^-9: the lowest rate under which so few of so many have a chance of at most 5 %.
 * By the logarithm that verdicts are made with, so that it is one number everywhere.
 */
export function mismatchBoundPpb(wrong: number, of: number): number {
  if (!(Number.isInteger(wrong) && Number.isInteger(of) && wrong >= 0 && of >= 1 && wrong <= of))
    throw new RangeError(`wrong: expected an integer in 0..of, got ${wrong} of ${of}`);
  let low = 0;
  let high = BILLION;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (chanceOfAtMost(wrong, of, middle / BILLION) <= RARE) high = middle;
    else low = middle;
  }
  return high;
}

/** The same from below: of so many at least that share is wrong. */
export const surelyWrongPpb = (wrong: number, of: number): number =>
  BILLION - mismatchBoundPpb(of - wrong, of);

function chanceOfAtMost(most: number, n: number, rate: number): number {
  if (most === n) return 1;
  const [odds, none] = [ln(rate) - ln(1 - rate), n * ln(1 - rate)];
  let choices = 0; // ln C(n, j)
  let sum = 0;
  for (let j = 0; j <= most; j++) {
    if (j > 0) choices += ln(n - j + 1) - ln(j);
    sum += exp(Math.min(0, choices + j * odds + none));
  }
  return sum;
}

/** What was counted of one lie over windows of one miner. */
export interface AttackCounts {
  readonly name: string;
  /** any of which must find it; none: nothing is claimed */
  readonly checks: readonly string[];
  /** `bytes`: refused at once or never; `tokens`: by draws, and convicted by the detector */
  readonly of: 'bytes' | 'tokens';
  readonly windows: number;
  /** windows in which none of the checks found anything */
  readonly missed: number;
  /** rollouts drawn and judged, and of them the wrong ones */
  readonly judged: number;
  readonly wrong: number;
}

export interface AttackRow extends AttackCounts {
  /**
   * False accepts. Of bytes: windows that were missed. Of tokens: miners who are not convicted before the first window of theirs is
   * paid out, at the rate of wrong rollouts that is sure.
   */
  readonly farPpm: number;
  /** median at the measured rate; 0: not in `MOST_WINDOWS` */
  readonly windowsToConvict: number;
}

const MOST_WINDOWS = 3000;
const RUNS = 400;
const MEDIAN_RUNS = 21;

/** @param boundPpb of honest rollouts, as the detector will be told */
export function attackRow(counts: AttackCounts, perWindow: number, boundPpb: number): AttackRow {
  const { of, windows, missed, judged, wrong } = counts;
  if (of === 'bytes')
    return { ...counts, farPpm: Math.ceil((missed * MILLION) / windows), windowsToConvict: 0 };
  const convictedIn = (run: number, ratePpb: number, most: number): number | undefined => {
    const random = createSeededRandom(`calibration ${run}`);
    let detector = NEW_DETECTOR;
    for (let window = 1; window <= most; window++)
      for (let i = 0; i < perWindow; i++) {
        detector = observe(detector, random.below(BILLION) < ratePpb, boundPpb);
        if (isConvicted(detector)) return window;
      }
    return undefined;
  };
  const sure = judged === 0 ? 0 : surelyWrongPpb(wrong, judged);
  let free = RUNS;
  if (sure > 0)
    for (let run = 0; run < RUNS; run++) if (convictedIn(run, sure, WINDOWS) !== undefined) free--;
  const measured = judged === 0 ? 0 : Math.round((wrong / judged) * BILLION);
  const times =
    measured === 0
      ? []
      : Array.from({ length: MEDIAN_RUNS }, (_, run) => convictedIn(run, measured, MOST_WINDOWS) ?? 0);
  // those that were never convicted are the longest
  times.sort((a, b) => (a || MOST_WINDOWS + 1) - (b || MOST_WINDOWS + 1));
  return {
    ...counts,
    farPpm: Math.round((free / RUNS) * MILLION),
    windowsToConvict: times[MEDIAN_RUNS >> 1] ?? 0,
  };
}

export const isCovered = ({ checks, farPpm }: Pick<AttackRow, 'checks' | 'farPpm'>): boolean =>
  checks.length > 0 && farPpm <= FAR_LIMIT_PPM;

/** One part of what was measured, on windows of its own. */
export interface Corpus {
  readonly seed: string;
  readonly rollouts: number;
  readonly tokens: number;
  /** over the Merkle roots of its windows, in order */
  readonly digest: Uint8Array;
}

export interface Calibration {
  readonly miner: Profile;
  readonly verifier: Profile;
  readonly environment: { readonly id: string; readonly version: number; readonly digest: Uint8Array };
  readonly policy: Policy;
  /** how the weights came to be: of random ones every rate of lies is too high */
  readonly weights: 'random' | 'trained' | 'unknown';
  readonly draw: DrawRules;
  readonly noise: Corpus & {
    /** share of rollouts that may differ by more than the quantile */
    readonly alphaPpm: number;
    /** of twice the largest difference of a logit in a rollout, miner against verifier: 2^-20 */
    readonly quantile: number;
    /** mean of 1 - sum p^2 */
    readonly giniPpm: number;
  };
  /** delta: 2^-20 logits */
  readonly tolerance: number;
  readonly acceptance: Corpus & { readonly wrong: number; readonly boundPpb: number };
  /** expected places in a rollout of maxTokens where two tokens are legal, in millionths; e to it is how many legal rollouts there are */
  readonly freedomPpm: number;
  readonly attacks: { readonly seed: string; readonly rows: readonly AttackRow[] };
  /** lies that a check is named for and that are known to go through: the operator's to answer for */
  readonly without: readonly string[];
}

/** lambda T, lambda = delta times the mean Gini impurity (docs/rollouts/stream.md). */
export const freedomPpmOf = (tolerance: number, giniPpm: number, tokens: number): number =>
  Math.round((tolerance / MARGIN_UNIT) * giniPpm * tokens);

/** e^(lambda T) for people. */
export const legalRollouts = ({ freedomPpm }: Pick<Calibration, 'freedomPpm'>): number =>
  1 / exp(-Math.min(700, freedomPpm / MILLION));

/** Lies for which a check is named that lets too many through, and that nobody answers for. */
export const unanswered = ({ attacks, without }: Pick<Calibration, 'attacks' | 'without'>): string[] =>
  attacks.rows
    .filter((row) => row.checks.length > 0 && !isCovered(row) && !without.includes(row.name))
    .map(({ name }) => name);

/** What audits are then judged by. */
export const rulesOf = (
  { draw, tolerance, acceptance, policy }: Calibration,
  promptMillis: number,
): AuditRules => ({
  draw,
  tolerance,
  bounds: [{ upTo: policy.maxTokens, ppb: acceptance.boundPpb }],
  promptMillis,
});

const FORMAT = 'assay-rollouts-calibration/1';
const HEAD = lengthPrefixed(utf8('assay/rollouts/calibration/1'));
export const MAX_CALIBRATION_BYTES = 1 << 20;

const json = (value: Calibration): Record<string, unknown> => ({
  format: FORMAT,
  ...value,
  miner: profileJson(value.miner),
  verifier: profileJson(value.verifier),
  environment: { ...value.environment, digest: toHex(value.environment.digest) },
  policy: policyJson(value.policy),
  noise: { ...value.noise, digest: toHex(value.noise.digest) },
  acceptance: { ...value.acceptance, digest: toHex(value.acceptance.digest) },
});

/** Its one spelling: canonical JSON. */
export const calibrationBytes = (value: Calibration): Uint8Array => utf8(canonicalJson(json(value)));
export const calibrationDigest = (value: Calibration): Uint8Array =>
  taggedHash('calibration-digest', calibrationBytes(value));

/** @param key of the subnet's owner, or of whoever measured */
export function signCalibration(
  value: Calibration,
  key: { readonly publicKey: Uint8Array; sign(message: Uint8Array): Uint8Array },
): Uint8Array {
  const signature = key.sign(concat(HEAD, calibrationBytes(value)));
  return utf8(
    `${canonicalJson({ calibration: json(value), hotkey: toHex(key.publicKey), signature: toHex(signature) })}\n`,
  );
}

export interface LoadedCalibration {
  readonly calibration: Calibration;
  readonly digest: Uint8Array;
  readonly hotkey: Uint8Array;
}

const text: Read<string> = (value, at) => {
  if (typeof value === 'string' && value.length >= 1 && value.length <= 256) return value;
  throw invalid(at, 'a text of 1..256 characters', shown(value));
};
const list =
  <T>(each: Read<T>, most: number): Read<readonly T[]> =>
  (value, at) => {
    if (!Array.isArray(value) || value.length > most)
      throw invalid(at, `a list of at most ${most}`, shown(value));
    return value.map((one, i) => each(one, `${at}[${i}]`));
  };
const record =
  <T extends object>(reads: { readonly [K in keyof T]: Read<T[K]> }): Read<T> =>
  (value, at) =>
    readFields<T>(value, at, reads);
const count = integerIn(0, Number.MAX_SAFE_INTEGER);
const share = integerIn(0, MILLION);
const corpus = { seed: text, rollouts: integerIn(1, 2 ** 32), tokens: count, digest };
const row = record<AttackRow>({
  name,
  checks: list(name, 8),
  of: oneOf('bytes', 'tokens'),
  windows: integerIn(1, MILLION),
  missed: count,
  judged: count,
  wrong: count,
  farPpm: share,
  windowsToConvict: integerIn(0, MOST_WINDOWS),
});
const calibration = record<Calibration & { format: string }>({
  format: oneOf(FORMAT),
  miner: parseProfile,
  verifier: parseProfile,
  environment: record({ id: name, version: integerIn(0, 0xffff_ffff), digest }),
  policy: parsePolicy,
  weights: oneOf('random', 'trained', 'unknown'),
  draw: record({
    rollouts: integerIn(1, MAX_DRAWS),
    deep: integerIn(0, MAX_DRAWS),
    positions: integerIn(0, 65_536),
  }),
  noise: record({ ...corpus, alphaPpm: integerIn(1, MILLION - 1), quantile: count, giniPpm: share }),
  tolerance: count,
  acceptance: record({ ...corpus, wrong: count, boundPpb: integerIn(1, BILLION) }),
  freedomPpm: count,
  attacks: record({ seed: text, rows: list(row, 256) }),
  without: list(name, 256),
});

/**
 * A calibration as validators load it: by its digest, in its one spelling, signed, and one that follows from its own counts.
 * @param expected what the validator has: the digest that its subnet names, the engines that it judges with and for
 * @throws AssayError `invalid-input` naming what is wrong
 */
export function loadCalibration(
  bytes: Uint8Array,
  expected: {
    readonly digest?: Uint8Array;
    readonly hotkey?: Uint8Array;
    readonly verify: Verify;
    readonly miner?: Profile;
    readonly verifier?: Profile;
  },
): LoadedCalibration {
  const signed = read(bytes);
  const { format: _, ...value } = signed.calibration;
  const own = calibrationDigest(value);
  if (!equals(bytes, utf8(`${canonicalJson(spelled(value, signed))}\n`)))
    throw invalid('calibration', 'its one spelling', 'another');
  if (expected.digest && !equals(own, expected.digest))
    throw invalid('calibration', `digest ${toHex(expected.digest)}`, toHex(own));
  if (expected.hotkey && !equals(signed.hotkey, expected.hotkey))
    throw invalid('calibration', `one signed by ${toHex(expected.hotkey)}`, toHex(signed.hotkey));
  if (!expected.verify(signed.signature, concat(HEAD, calibrationBytes(value)), signed.hotkey))
    throw invalid('signature of the calibration', `one of ${toHex(signed.hotkey)}`, 'none of it');
  for (const side of ['miner', 'verifier'] as const) {
    const profile = expected[side];
    if (profile && !isSameEngine(profile, value[side]))
      throw invalid(`${side} of the calibration`, 'the profile that is judged here', 'another');
  }
  assertFollows(value);
  return { calibration: value, digest: own, hotkey: signed.hotkey };
}

/** Whatever decides rounding but the weights, which are others with each checkpoint. */
export const isSameEngine = (one: Profile, other: Profile): boolean =>
  equals(profileDigest(one), profileDigest({ ...other, weightsDigest: one.weightsDigest }));

interface Signed {
  readonly calibration: Calibration & { readonly format: string };
  readonly hotkey: Uint8Array;
  readonly signature: Uint8Array;
}

const spelled = (value: Calibration, { hotkey, signature }: Signed) => ({
  calibration: json(value),
  hotkey: toHex(hotkey),
  signature: toHex(signature),
});

function read(bytes: Uint8Array): Signed {
  if (bytes.length > MAX_CALIBRATION_BYTES)
    throw invalid('calibration', `at most ${MAX_CALIBRATION_BYTES} bytes`, `${bytes.length}`);
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch (error) {
    throw invalid('calibration', 'JSON in UTF-8', 'something else', error);
  }
  return readFields<Signed>(value, 'file', { calibration, hotkey: digest, signature: hexOf(64) });
}

/** What is concluded must be what its counts say; what would take simulations is looked at by `recomputed`. */
export function assertFollows(value: Calibration): void {
  const { noise: of, acceptance, attacks, tolerance, policy, draw, environment } = value;
  const must = (holds: boolean, what: string, expected: string, got: unknown): void => {
    if (!holds) throw invalid(`${what} of the calibration`, expected, String(got));
  };
  const seeds = [of.seed, acceptance.seed, attacks.seed];
  must(new Set(seeds).size === 3, 'seeds', 'three different ones', seeds.join(', '));
  const least = Math.ceil(MILLION / of.alphaPpm) - 1;
  must(of.rollouts >= least, 'rollouts', `${least} at least for its alpha`, of.rollouts);
  must(tolerance >= of.quantile, 'tolerance', `${of.quantile} at least, its quantile`, tolerance);
  const freedom = freedomPpmOf(tolerance, of.giniPpm, policy.maxTokens);
  must(value.freedomPpm === freedom, 'freedomPpm', `${freedom}`, value.freedomPpm);
  must(acceptance.wrong <= acceptance.rollouts, 'acceptance', 'fewer wrong than all', acceptance.wrong);
  const bound = mismatchBoundPpb(acceptance.wrong, acceptance.rollouts);
  must(acceptance.boundPpb === bound, 'boundPpb', `${bound}, which its counts give`, acceptance.boundPpb);
  must(draw.deep <= draw.rollouts, 'draw', 'no more judged whole than drawn', draw.deep);
  must(equals(policy.environmentDigest, environment.digest), 'policy', 'its environment', 'another');
  const names = attacks.rows.map(({ name }) => name);
  must(new Set(names).size === names.length, 'attacks', 'each lie once', names.length);
  for (const row of attacks.rows)
    must(
      row.missed <= row.windows && row.wrong <= row.judged,
      `attack ${row.name}`,
      'parts no larger than the whole',
      `${row.missed} of ${row.windows}, ${row.wrong} of ${row.judged}`,
    );
  const open = unanswered(value);
  must(open.length === 0, 'attacks', 'each found, or answered for in `without`', open.join(', '));
}

/** The calibration with all that is concluded made again from its counts: equal, or it was not made so. */
export const recomputed = (value: Calibration): Calibration => {
  const { noise: of, acceptance, attacks, draw, policy, tolerance } = value;
  const boundPpb = mismatchBoundPpb(acceptance.wrong, acceptance.rollouts);
  return {
    ...value,
    acceptance: { ...acceptance, boundPpb },
    freedomPpm: freedomPpmOf(tolerance, of.giniPpm, policy.maxTokens),
    attacks: { ...attacks, rows: attacks.rows.map((one) => attackRow(one, draw.rollouts, boundPpb)) },
  };
};
