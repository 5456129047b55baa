// Owns: what tokens alone say of the stream: integer scores of every token of a rollout, their sums, the chance of such a sum
// without the stream. Does not own: which sums belong together, what follows from them (verification/rollouts).
import { SCORE_UNIT } from './distribution.js';
import { ln } from './log.js';
import { firstWord } from './philox.js';
import type { StreamKey } from './stream.js';

const BUCKETS = 65_536;
/** more would not sum exactly, however they score: 2^32 of the highest entry are 3.4e15 */
const MAX_TOKENS = 2 ** 32;

/** By the upper 16 bits of a token's word. */
export interface ScanTables {
  /** mean of -ln(1 - u) over the bucket, in 2^-16 */
  readonly race: Int32Array;
  /** mean of -ln(-ln u) over four points of the bucket, in 2^-16 */
  readonly gumbel: Int32Array;
  /** of all entries of `gumbel`: 2^16 times what a token without the stream scores */
  readonly gumbelSum: number;
}

/** Both are made in some 20 ms at first use; their digests are pinned in docs/rollouts/stream.md. */
export function scanTables(): ScanTables {
  made ??= makeTables();
  return made;
}
let made: ScanTables | undefined;

function makeTables(): ScanTables {
  const race = new Int32Array(BUCKETS);
  const gumbel = new Int32Array(BUCKETS);
  let gumbelSum = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    race[bucket] = rounded(meanRace(BUCKETS - 1 - bucket));
    gumbel[bucket] = rounded(meanGumbel(bucket));
    gumbelSum += gumbel[bucket]!;
  }
  return { race, gumbel, gumbelSum };
}

const rounded = (score: number): number => Math.floor(score * SCORE_UNIT + 0.5);

/**
 * Mean of -ln w over w in [i, i + 1] / 65536. About the middle c = i + 1/2 it is ln(65536 / c) + sum of (1 / 2c)^2k / (2k (2k + 1));
 * the closed form i ln i would lose seven digits.
 */
function meanRace(i: number): number {
  if (i === 0) return 1 - ln(1 / BUCKETS);
  const middle = i + 0.5;
  const ratio = 0.5 / middle;
  const square = ratio * ratio;
  let power = 1;
  let series = 0;
  for (let k = 1; k <= 16; k++) {
    power *= square;
    series += power / (2 * k * (2 * k + 1));
  }
  return series - ln(middle / BUCKETS);
}

/** The mean has no closed form. Four points leave 1.3e-6 nats of bias, all of it in the last bucket. */
function meanGumbel(bucket: number): number {
  let sum = 0;
  for (let point = 0; point < 4; point++) sum += -ln(-ln((bucket + (point + 0.5) / 4) / BUCKETS));
  return sum / 4;
}

/** Sums over tokens, all exact. */
export interface ScanSum {
  readonly tokens: number;
  /** of `race`: 2^16 a token without the stream, more with it */
  readonly race: number;
  /** of `gumbel` */
  readonly gumbel: number;
}

export const NO_SCAN: ScanSum = { tokens: 0, race: 0, gumbel: 0 };

/** Every token of a completion, by its index in it. */
export function scanRollout({ k0, k1 }: StreamKey, tokens: Uint32Array): ScanSum {
  const { race, gumbel } = scanTables();
  let raceSum = 0;
  let gumbelSum = 0;
  for (let position = 0; position < tokens.length; position++) {
    const bucket = firstWord(tokens[position]!, position, k0, k1) >>> 16;
    raceSum += race[bucket]!;
    gumbelSum += gumbel[bucket]!;
  }
  return { tokens: tokens.length, race: raceSum, gumbel: gumbelSum };
}

/** @throws RangeError beyond 2^32 tokens */
export function addScans(a: ScanSum, b: ScanSum): ScanSum {
  const tokens = a.tokens + b.tokens;
  if (tokens > MAX_TOKENS) throw new RangeError(`scan: expected at most 2^32 tokens, got ${tokens}`);
  return { tokens, race: a.race + b.race, gumbel: a.gumbel + b.gumbel };
}

/** `unforcedBits` is an integer of this unit: 2^-10 of a bit. */
export const BIT_UNIT = 2 ** 10;
const LN2 = 0.6931471805599453;

/**
 * At most -log2 of the chance that tokens chosen without the stream score so much, in 2^-10 bits: 20480 is one in 2^20 or less.
 * Chernoff's bound for the sum of as many exponentials; a bucket's mean has no heavier tail than what it is the mean of, half a
 * unit a token is taken off for the rounding of the table, and one unit of the result for that of these few lines.
 */
export function unforcedBits({ tokens, race }: ScanSum): number {
  if (tokens === 0) return 0;
  const mean = (race - tokens / 2) / SCORE_UNIT / tokens;
  if (mean <= 1) return 0;
  const nats = tokens * (mean - 1 - ln(mean));
  return Math.max(0, Math.floor((nats / LN2) * BIT_UNIT) - 1);
}

/** Entropy in nats at which the tokens were sampled, as the stream tells it, in 2^-16; below 0 by chance or without the stream. */
export function sampledEntropy({ tokens, gumbel }: ScanSum): number {
  if (tokens === 0) return 0;
  const above = BigInt(gumbel) * BigInt(BUCKETS) - BigInt(tokens) * BigInt(scanTables().gumbelSum);
  const unit = BigInt(tokens) * BigInt(BUCKETS);
  // floor, of negative ones too
  return Number(above >= 0n ? above / unit : -((-above + unit - 1n) / unit));
}

/** What the audited rows let expect. */
export interface Predicted {
  readonly rows: number;
  /** sum of `liftOf` over them */
  readonly lift: number;
}

export interface ScanFinding {
  /** `no-information`: honest tokens were expected to score less than 4 standard deviations above others; never a pass */
  readonly kind: 'measured' | 'no-information';
  readonly unforcedBits: number;
}

/** One hypothesis: these tokens were chosen without this stream. Of one miner, environment and checkpoint. */
export function scanFinding(sum: ScanSum, { rows, lift }: Predicted): ScanFinding {
  // (lift / rows / 2^16)^2 * tokens >= 4^2, in integers
  const power = BigInt(Math.max(0, lift)) ** 2n * BigInt(sum.tokens);
  const enough = rows > 0 && power >= 16n * BigInt(rows) ** 2n * BigInt(SCORE_UNIT) ** 2n;
  return { kind: enough ? 'measured' : 'no-information', unforcedBits: unforcedBits(sum) };
}
