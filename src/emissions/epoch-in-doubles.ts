// Owns: the epoch of epoch.ts in doubles: the same output to the last bit, in a fraction of the time (measured:
// benchmarks/emissions). Does not own: the rules; epoch.ts says what each step is, and property tests hold this to it.
import {
  div,
  divByInverse,
  EXP_LIMIT,
  exp,
  fromU16Proportion,
  mul,
  mulAmount,
  ONE,
  toU16Proportion,
} from './doubles.js';
import {
  assertInput,
  bondsCountBefore,
  type EpochInput,
  type EpochOutput,
  electorate,
  runEpoch,
} from './epoch.js';
import { createAlpha, type LiquidAlpha } from './liquid-alpha.js';
import { type PackedRows, packRows, toRows } from './packed-rows.js';

/** Rows one after the other: those of row r are from `starts[r]` to `starts[r + 1]`. No row has a column twice. */
interface Matrix {
  readonly starts: Int32Array;
  readonly columns: Uint16Array;
  /** raw I32F32; integers while they wait to be normalised */
  readonly values: Float64Array;
  /** whether the columns of every row ascend; otherwise they are in stored order */
  readonly ascending: boolean;
}

/** A uid is a u16. A column of bonds of as many rows sums to less than 2^48, which `div` divides by. */
const MAX_NEURONS = 65_535;

/**
 * `runEpoch`, faster. What doubles cannot hold exactly (a moving average above 1) is left to it, and so are rows that
 * name a column twice.
 *
 * @throws RangeError as `runEpoch` does
 */
export function runEpochInDoubles(input: EpochInput): EpochOutput {
  const { n } = input;
  if (n > MAX_NEURONS || input.bondsMovingAverage > 1_000_000) return runEpoch(input);
  assertInput(input);
  workspace.release();
  const { active, stake, oldPermits, newPermits } = electorateInDoubles(input);
  const activeStake = normalized(stake.map((share, uid) => (active[uid] && oldPermits[uid] ? share : 0)));

  const weights = gatherWeights(input, oldPermits);
  const held = gatherBonds(input);
  if (weights === undefined || held === undefined) return runEpoch(input);
  normalizeRows(weights);
  const consensus = consensusWeights(activeStake, weights, fromU16Proportion(input.kappa));
  const clipped = clipAtConsensus(weights, consensus);
  const incentive = normalized(ranks(clipped, activeStake));

  const parts: BondParts = {
    input,
    weights: weightsForBonds(weights, clipped, fromU16Proportion(input.bondsPenalty)),
    held,
    consensus,
    activeStake,
    incentive,
  };
  const { dividends, bonds } = input.yuma3On ? yuma3Bonds(parts) : classicBonds(parts);

  const combined = incentive.map((value, uid) => value + dividends[uid]!);
  const total = sum(combined);
  const byStake = sum(activeStake) === 0 ? stake : activeStake;
  const paid = (shares: Float64Array): bigint[] => toRao(shares, total, input.raoEmission);
  return {
    consensus: toU16s(consensus),
    incentive: toU16s(incentive),
    dividends: toU16s(dividends),
    validatorTrust: toU16s(rowSums(clipped)),
    stakeWeight: toU16s(stake),
    active,
    newPermits,
    bonds: toRows(toPacked(bonds, newPermits)),
    // nobody was weighed (emergency mode): stake is paid
    emission: paid(total === 0 ? byStake : combined),
    serverEmission: paid(incentive),
    validatorEmission: paid(total === 0 ? byStake : dividends),
  };
}

interface Electorate {
  readonly active: boolean[];
  readonly stake: Float64Array;
  readonly oldPermits: boolean[];
  readonly newPermits: boolean[];
}

/** epoch.ts `electorate` */
function electorateInDoubles(input: EpochInput): Electorate {
  const { block, activityCutoff, ownerUid } = input;
  const stake = stakeShares(input);
  const newPermits = topNonzero(stake, input.maxValidators);
  const oldPermits = input.validatorPermits.slice();
  if (ownerUid !== undefined) {
    oldPermits[ownerUid] = true;
    newPermits[ownerUid] = true;
  }
  const active = input.lastUpdate.map((updated) => updated + activityCutoff >= block);
  return { active, stake, oldPermits, newPermits };
}

/** A stake with its fraction, their sum, its inverse and the product: five roundings, together below 2^-50 of 2^32. */
const SHARE_MARGIN = 2 ** -18;

/** Shares of the filtered stake: floor(raw·2^32 / Σ raw), as truncating twice, at 64 bits and at 32, is one floor. */
function stakeShares(input: EpochInput): Float64Array {
  const { stakes, stakeFractions, stakeThreshold, ownerUid } = input;
  const shares = new Float64Array(stakes.length);
  const counted: number[] = [];
  let total = 0n;
  for (let uid = 0; uid < stakes.length; uid++) {
    const rao = stakes[uid]!;
    if (rao < stakeThreshold && uid !== ownerUid) continue;
    const fraction = stakeFractions?.[uid] ?? 0n;
    if (rao === 0n && fraction === 0n) continue;
    counted.push(uid);
    total += fraction === 0n ? rao << 64n : (rao << 64n) + fraction;
  }
  // I64F64 would saturate
  if (total >> 127n !== 0n) return Float64Array.from(electorate(input).stake, Number);
  const inverse = ONE / (Number(total) / 2 ** 64);
  for (const uid of counted) {
    const rao = stakes[uid]!;
    const fraction = stakeFractions?.[uid] ?? 0n;
    const raw = Number(rao) + (fraction === 0n ? 0 : Number(fraction) / 2 ** 64);
    const share = raw * inverse;
    const floor = Math.floor(share);
    const rest = share - floor;
    shares[uid] =
      rest > SHARE_MARGIN && rest < 1 - SHARE_MARGIN
        ? floor
        : Number((((rao << 64n) + fraction) << 32n) / total);
  }
  return shares;
}

/** permits.ts `isTopKNonzero` */
function topNonzero(stake: Float64Array, k: number): boolean[] {
  const permits = Array.from(stake, (share) => share > 0);
  const ranked = stake.filter((share) => share > 0).sort();
  const excess = ranked.length - k;
  if (excess <= 0) return permits;
  const border = ranked[excess] ?? Number.POSITIVE_INFINITY;
  // of the equals at the border the lowest uids go
  let equalsToGo = excess - ranked.indexOf(border);
  for (let uid = 0; uid < stake.length; uid++) {
    const share = stake[uid]!;
    if (share < border || (share === border && equalsToGo-- > 0)) permits[uid] = false;
  }
  return permits;
}

/** Integers as stored, of the rows and towards the columns that count (epoch.ts `countsWeight`). */
function gatherWeights(input: EpochInput, oldPermits: readonly boolean[]): Matrix | undefined {
  const { lastUpdate, commitReveal, ownerUid } = input;
  const bounds = lastUpdate.map((updated, row) => {
    if (!oldPermits[row]) return Number.NEGATIVE_INFINITY;
    // committed at the block of the registration still counts
    return Math.min(updated, (commitReveal?.earliestCommit[row] ?? Number.POSITIVE_INFINITY) + 1);
  });
  return gather(packRows(input, 'weights'), input, bounds, (row) => (row === ownerUid ? -1 : row), false);
}

/** Yuma3 bonds as proportions, classic ones as integers, of the columns that count (epoch.ts `countsBond`). */
function gatherBonds(input: EpochInput): Matrix | undefined {
  const bounds = new Array<number>(input.n).fill(bondsCountBefore(input));
  return gather(packRows(input, 'bonds'), input, bounds, () => -1, input.yuma3On);
}

/**
 * Undefined where a row names a column twice.
 *
 * @param bounds by row: columns registered before that block count
 * @param skipped by row: a column that does not
 * @param proportions takes u16 as such, and not as integers
 */
function gather(
  rows: PackedRows,
  { n, blockAtRegistration }: EpochInput,
  bounds: readonly number[],
  skipped: (row: number) => number,
  proportions: boolean,
): Matrix | undefined {
  const registered = Float64Array.from(blockAtRegistration);
  const starts = new Int32Array(n + 1);
  const { columns, values } = workspace.take(rows.columns.length);
  const stored = rows.columns;
  let ascending = true;
  let next = 0;
  for (let row = 0; row < n; row++) {
    const bound = bounds[row]!;
    const skip = skipped(row);
    const end = rows.starts[row + 1]!;
    let highest = -1;
    for (let at = rows.starts[row]!; at < end; at++) {
      const column = stored[at]!;
      if (column <= highest) ascending = false;
      highest = column;
      if (column === skip || registered[column]! >= bound) continue;
      const value = rows.values[at]!;
      columns[next] = column;
      values[next++] = proportions ? fromU16Proportion(value) : value;
    }
    starts[row + 1] = next;
  }
  const matrix = { starts, columns, values, ascending };
  return ascending || hasDistinctColumns(matrix) ? matrix : undefined;
}

function hasDistinctColumns({ starts, columns }: Matrix): boolean {
  const lastRow = new Int32Array(starts.length).fill(-1);
  for (let row = 0; row + 1 < starts.length; row++)
    for (let at = starts[row]!; at < starts[row + 1]!; at++) {
      const column = columns[at]!;
      if (lastRow[column] === row) return false;
      lastRow[column] = row;
    }
  return true;
}

const createMatrix = (n: number, entries: number, ascending = true): Matrix => ({
  starts: new Int32Array(n + 1),
  ...workspace.take(entries),
  ascending,
});

interface Entries {
  readonly columns: Uint16Array;
  readonly values: Float64Array;
}

/**
 * What the matrices of one epoch lie in is used again by the next: with 64 validators of 4,096 neurons it is 13 MB,
 * which cost more to allocate and collect than to compute with. No value outlives its epoch, but the memory does: it is
 * kept for the life of the thread, as large as the largest epoch needed it, up to `MAX_KEPT_ENTRIES` of 10 bytes (5 MiB)
 * for each of the eight matrices that an epoch makes at most. Larger ones are left to the garbage collector.
 */
class Workspace {
  readonly #kept: Entries[] = [];
  #taken = 0;

  /** Everything taken may be taken again. */
  release(): void {
    this.#taken = 0;
  }

  /** With at least as many entries, of any content. */
  take(entries: number): Entries {
    const kept = this.#kept[this.#taken];
    if (kept !== undefined && kept.values.length >= entries) {
      this.#taken++;
      return kept;
    }
    const fresh = { columns: new Uint16Array(entries), values: new Float64Array(entries) };
    if (entries <= MAX_KEPT_ENTRIES) this.#kept[this.#taken++] = fresh;
    return fresh;
  }
}
/** the bonds and the weights of 64 validators of 4,096 neurons together */
const MAX_KEPT_ENTRIES = 2 ** 19;
const workspace = new Workspace();

/** The same with the columns of every row ascending. */
function inAscendingColumns(matrix: Matrix): Matrix {
  if (matrix.ascending) return matrix;
  const { starts, columns, values } = matrix;
  const out = { ...createMatrix(0, starts.at(-1)!), starts };
  const at = new Int32Array(starts.length);
  for (let row = 0; row + 1 < starts.length; row++) {
    const sorted = columns.slice(starts[row], starts[row + 1]).sort();
    for (let k = starts[row]!; k < starts[row + 1]!; k++) at[columns[k]!] = k;
    out.columns.set(sorted, starts[row]);
    for (let k = starts[row]!; k < starts[row + 1]!; k++) out.values[k] = values[at[out.columns[k]!]!]!;
  }
  return out;
}

function normalizeRows({ starts, values }: Matrix): void {
  for (let row = 0; row + 1 < starts.length; row++) {
    const end = starts[row + 1]!;
    let total = 0;
    for (let at = starts[row]!; at < end; at++) total += values[at]!;
    if (total === 0) continue;
    const inverse = ONE / total;
    for (let at = starts[row]!; at < end; at++) values[at] = divByInverse(values[at]!, total, inverse);
  }
}

function normalizeColumns(matrix: Matrix): void {
  divideColumns(matrix, columnSums(matrix));
}

function columnSums({ starts, columns, values }: Matrix): Float64Array {
  const count = starts.at(-1)!;
  const sums = new Float64Array(starts.length - 1);
  for (let at = 0; at < count; at++) sums[columns[at]!]! += values[at]!;
  return sums;
}

function columnMaxima({ starts, columns, values }: Matrix): Float64Array {
  const count = starts.at(-1)!;
  const maxima = new Float64Array(starts.length - 1);
  for (let at = 0; at < count; at++) {
    const column = columns[at]!;
    if (values[at]! > maxima[column]!) maxima[column] = values[at]!;
  }
  return maxima;
}

/** A divisor of 0 leaves its column, which has only zeros, as it is. */
function divideColumns({ starts, columns, values }: Matrix, divisors: Float64Array): void {
  const count = starts.at(-1)!;
  const inverses = inversesOf(divisors);
  for (let at = 0; at < count; at++) {
    const column = columns[at]!;
    values[at] = divByInverse(values[at]!, divisors[column]!, inverses[column]!);
  }
}

/** 0 where there is nothing to divide: what is divided is 0 then too. */
const inversesOf = (divisors: Float64Array): Float64Array =>
  divisors.map((divisor) => (divisor === 0 ? 0 : ONE / divisor));

function rowSums({ starts, values }: Matrix): Float64Array {
  const sums = new Float64Array(starts.length - 1);
  for (let row = 0; row < sums.length; row++) {
    let total = 0;
    for (let at = starts[row]!; at < starts[row + 1]!; at++) total += values[at]!;
    sums[row] = total;
  }
  return sums;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

function normalized(values: Float64Array): Float64Array {
  const total = sum(values);
  return total === 0 ? values : values.map((value) => (value === 0 ? 0 : div(value, total)));
}

/** Columns whose scores are laid out at a time: few enough for the processor's cache. */
const COLUMNS_AT_ONCE = 32;

function consensusWeights(stake: Float64Array, weights: Matrix, majority: number): Float64Array {
  const { starts, columns, values } = inAscendingColumns(weights);
  const n = stake.length;
  const voters = Int32Array.from(stake.keys()).filter((row) => stake[row]! > 0);
  const count = voters.length;
  const shares = normalized(Float64Array.from(voters, (row) => stake[row]!));
  const median = createMedian(shares, sum(shares) - majority);
  const next = voters.map((row) => starts[row]!);
  const scores = new Float64Array(count * COLUMNS_AT_ONCE);
  const consensus = new Float64Array(n);
  for (let first = 0; first < n; first += COLUMNS_AT_ONCE) {
    const last = Math.min(n, first + COLUMNS_AT_ONCE);
    let found = false;
    scores.fill(0);
    for (let k = 0; k < count; k++) {
      const end = starts[voters[k]! + 1]!;
      let at = next[k]!;
      if (at < end && columns[at]! < last) found = true;
      for (; at < end && columns[at]! < last; at++) scores[(columns[at]! - first) * count + k] = values[at]!;
      next[k] = at;
    }
    if (!found) continue; // nobody weighs any of them
    for (let column = first; column < last; column++)
      consensus[column] = median(scores, (column - first) * count);
  }
  return consensus;
}

/**
 * consensus.ts `weightedMedian` of the scores from an index on, one for each stake. With a minority between 0 and the
 * total, it is the lowest score at or below which more stake than the minority stands, whatever the pivots; beyond these
 * the lowest or the highest of all.
 */
export function createMedian(
  stake: Float64Array,
  minority: number,
): (scores: Float64Array, from: number) => number {
  const size = stake.length;
  const total = sum(stake);
  // two of each: one round's lists are read while the next one's are written
  const lists = [0, 1].map(() => ({
    lower: new Float64Array(size),
    lowerStakes: new Float64Array(size),
    upper: new Float64Array(size),
    upperStakes: new Float64Array(size),
  }));
  return (scores, from) => {
    let values = scores;
    let stakes = stake;
    let begin = from;
    let left = size;
    let low = 0;
    let high = total;
    for (let round = 0; left > 1; round++) {
      const { lower, lowerStakes, upper, upperStakes } = lists[round & 1]!;
      const pivot = values[begin + (left >> 1)]!;
      let lowerSize = 0;
      let upperSize = 0;
      let lowerStake = 0;
      let upperStake = 0;
      for (let k = 0; k < left; k++) {
        const value = values[begin + k]!;
        const share = stakes[k]!;
        const isLower = Number(value < pivot);
        const isUpper = Number(value > pivot);
        lower[lowerSize] = value;
        lowerStakes[lowerSize] = share;
        upper[upperSize] = value;
        upperStakes[upperSize] = share;
        lowerSize += isLower;
        upperSize += isUpper;
        lowerStake += share * isLower;
        upperStake += share * isUpper;
      }
      if (minority < low + lowerStake && lowerSize > 0) {
        values = lower;
        stakes = lowerStakes;
        left = lowerSize;
        high = low + lowerStake;
      } else if (high - upperStake <= minority && upperSize > 0) {
        values = upper;
        stakes = upperStakes;
        left = upperSize;
        low = high - upperStake;
      } else {
        return pivot;
      }
      begin = 0;
    }
    return left === 0 ? 0 : values[begin]!;
  };
}

function clipAtConsensus(weights: Matrix, consensus: Float64Array): Matrix {
  const { starts, columns, values } = weights;
  const out = createMatrix(consensus.length, starts.at(-1)!, weights.ascending);
  let next = 0;
  for (let row = 0; row < consensus.length; row++) {
    const end = starts[row + 1]!;
    for (let at = starts[row]!; at < end; at++) {
      const column = columns[at]!;
      const bound = consensus[column]!;
      const value = values[at]!;
      if (bound === 0 && value > 0) continue;
      out.columns[next] = column;
      out.values[next++] = value < bound ? value : bound;
    }
    out.starts[row + 1] = next;
  }
  return out;
}

function ranks({ starts, columns, values }: Matrix, stake: Float64Array): Float64Array {
  const out = new Float64Array(stake.length);
  for (let row = 0; row < stake.length; row++) {
    const share = stake[row]!;
    if (share === 0) continue;
    const end = starts[row + 1]!;
    for (let at = starts[row]!; at < end; at++) out[columns[at]!]! += mul(values[at]!, share);
  }
  return out;
}

/** Σ_j floor(vector_j·m_ij), by row */
function timesColumns({ starts, columns, values }: Matrix, vector: Float64Array): Float64Array {
  return vector.map((_, row) => {
    let total = 0;
    for (let at = starts[row]!; at < starts[row + 1]!; at++) total += mul(values[at]!, vector[columns[at]!]!);
    return total;
  });
}

function weightsForBonds(weights: Matrix, clipped: Matrix, penalty: number): Matrix {
  if (penalty === 0) return weights;
  if (penalty === ONE) return clipped;
  const full = inAscendingColumns(weights);
  const n = full.starts.length - 1;
  const out = createMatrix(n, full.starts[n]!);
  const bound = new Float64Array(n);
  let next = 0;
  for (let row = 0; row < n; row++) {
    if (full.starts[row] !== full.starts[row + 1]) spread(clipped, row, bound);
    for (let at = full.starts[row]!; at < full.starts[row + 1]!; at++) {
      const column = full.columns[at]!;
      const value = full.values[at]!;
      const kept = value + mul(bound[column]! - value, penalty);
      if (kept <= 0) continue;
      out.columns[next] = column;
      out.values[next++] = kept;
    }
    out.starts[row + 1] = next;
  }
  return out;
}

/** One row by column. */
function spread({ starts, columns, values }: Matrix, row: number, dense: Float64Array): void {
  dense.fill(0);
  for (let at = starts[row]!; at < starts[row + 1]!; at++) dense[columns[at]!] = values[at]!;
}

interface BondParts {
  readonly input: EpochInput;
  readonly weights: Matrix;
  readonly held: Matrix;
  readonly consensus: Float64Array;
  readonly activeStake: Float64Array;
  readonly incentive: Float64Array;
}

interface Bonds {
  readonly dividends: Float64Array;
  readonly bonds: Matrix;
}

function classicBonds({ input, weights, held, activeStake, incentive }: BondParts): Bonds {
  normalizeColumns(held);
  const delta = { ...weights, values: weights.values.slice(0, weights.starts.at(-1)) };
  for (let row = 0; row < input.n; row++)
    for (let at = delta.starts[row]!; at < delta.starts[row + 1]!; at++)
      delta.values[at] = mul(delta.values[at]!, activeStake[row]!);
  normalizeColumns(delta);
  const bonds = movingAverage(delta, held, input.bondsMovingAverage);
  normalizeColumns(bonds);
  const dividends = normalized(timesColumns(bonds, incentive));
  divideColumns(bonds, columnMaxima(bonds));
  return { dividends, bonds };
}

function yuma3Bonds({ input, weights, held, consensus, activeStake, incentive }: BondParts): Bonds {
  const bonds =
    input.liquidAlpha !== undefined && sum(consensus) !== 0
      ? liquidMovingAverage(weights, held, consensus, input.liquidAlpha)
      : movingAverage(weights, held, input.bondsMovingAverage);
  const earned = timesShares(bonds, incentive);
  return { dividends: normalized(earned.map((value, uid) => mul(value, activeStake[uid]!))), bonds };
}

/** Σ_j floor(vector_j·share_ij), by row, of each entry's share in its column. */
function timesShares(matrix: Matrix, vector: Float64Array): Float64Array {
  const { starts, columns, values } = matrix;
  const sums = columnSums(matrix);
  const inverses = inversesOf(sums);
  return vector.map((_, row) => {
    const end = starts[row + 1]!;
    let total = 0;
    for (let at = starts[row]!; at < end; at++) {
      const column = columns[at]!;
      const factor = vector[column]!;
      if (factor === 0) continue;
      total += mul(divByInverse(values[at]!, sums[column]!, inverses[column]!), factor);
    }
    return total;
  });
}

/** @param average millionths; the product is below 2^52 and its quotient at least 10^-6 away from the next integer */
function movingAverage(newer: Matrix, older: Matrix, average: number): Matrix {
  const rest = Math.floor((average * ONE) / 1_000_000);
  const alpha = ONE - rest;
  const { starts, columns, values } = inAscendingColumns(newer);
  const held = inAscendingColumns(older);
  const n = starts.length - 1;
  const out = createMatrix(n, starts[n]! + held.starts[n]!);
  let next = 0;
  for (let row = 0; row < n; row++) {
    const end = starts[row + 1]!;
    const heldEnd = held.starts[row + 1]!;
    let at = starts[row]!;
    let k = held.starts[row]!;
    while (at < end || k < heldEnd) {
      const newerColumn = at < end ? columns[at]! : n;
      const olderColumn = k < heldEnd ? held.columns[k]! : n;
      const column = newerColumn < olderColumn ? newerColumn : olderColumn;
      let value = 0;
      if (newerColumn === column) value += mul(values[at++]!, alpha);
      if (olderColumn === column) value += mul(held.values[k++]!, rest);
      if (value <= 0) continue;
      out.columns[next] = column;
      out.values[next++] = value;
    }
    out.starts[row + 1] = next;
  }
  return out;
}

function liquidMovingAverage(
  weights: Matrix,
  bonds: Matrix,
  consensus: Float64Array,
  liquidAlpha: LiquidAlpha,
): Matrix {
  const { starts, columns, values } = weights;
  const n = consensus.length;
  const out = createMatrix(n, starts[n]!, weights.ascending);
  const alphaOf = createAlphaOf(liquidAlpha);
  const held = new Float64Array(n);
  const seenBonds = bonds.ascending ? held : new Float64Array(n);
  const seenWeights = weights.ascending ? undefined : new Float64Array(n);
  let next = 0;
  for (let row = 0; row < n; row++) {
    const end = starts[row + 1]!;
    if (starts[row]! < end) {
      spread(bonds, row, held);
      if (!bonds.ascending) spreadSeen(bonds, row, seenBonds);
      if (seenWeights !== undefined) spreadSeen(weights, row, seenWeights);
    }
    for (let at = starts[row]!; at < end; at++) {
      const column = columns[at]!;
      const value = values[at]!;
      const weight = seenWeights === undefined ? value : seenWeights[column]!;
      const bond = seenBonds[column]!;
      const moved = weight >= bond ? weight - consensus[column]! : bond - weight;
      const alpha = alphaOf(moved > 0 ? moved : 0);
      const grown = mul(held[column]!, ONE - alpha) + mul(value, alpha);
      if (grown === 0) continue;
      out.columns[next] = column;
      out.values[next++] = grown < ONE ? grown : ONE;
    }
    out.starts[row + 1] = next;
  }
  return out;
}

/** What liquid-alpha.ts's cursor sees of a row: nothing behind a higher or equal column. */
function spreadSeen({ starts, columns, values }: Matrix, row: number, dense: Float64Array): void {
  dense.fill(0);
  let highest = -1;
  for (let at = starts[row]!; at < starts[row + 1]!; at++) {
    const column = columns[at]!;
    if (column <= highest) continue;
    highest = column;
    dense[column] = values[at]!;
  }
}

/** liquid-alpha.ts `createAlpha` of a difference between 0 and 1. */
function createAlphaOf(liquidAlpha: LiquidAlpha): (difference: number) => number {
  const { low, high, steepness } = liquidAlpha;
  const slope = Math.trunc((steepness * ONE) / -100);
  if (Math.abs(slope / 2) > EXP_LIMIT) {
    const exact = createAlpha(liquidAlpha);
    return (difference) => Number(exact(0n, BigInt(difference), 0n));
  }
  const lowest = fromU16Proportion(low);
  const highest = fromU16Proportion(high);
  const range = highest - lowest;
  const compute = (difference: number): number => {
    const power = exp(mul(slope, difference - ONE / 2));
    const alpha = lowest + mul(range, div(ONE, ONE + power));
    return Math.max(lowest, Math.min(highest, alpha));
  };
  // most weights are clipped at consensus and buy nothing beyond it
  const unmoved = compute(0);
  return (difference) => (difference === 0 ? unmoved : compute(difference));
}

function toU16s(raw: Float64Array): number[] {
  const values: number[] = [];
  for (let i = 0; i < raw.length; i++) values.push(toU16Proportion(raw[i]!));
  return values;
}

/** Without a permit a row loses its bonds. */
function toPacked({ starts, columns, values }: Matrix, permits: readonly boolean[]): PackedRows {
  const count = starts.at(-1)!;
  const packed = {
    starts: new Int32Array(starts.length),
    columns: new Uint16Array(count),
    values: new Uint16Array(count),
  };
  let next = 0;
  for (let row = 0; row < permits.length; row++) {
    if (permits[row])
      for (let at = starts[row]!; at < starts[row + 1]!; at++) {
        packed.columns[next] = columns[at]!;
        packed.values[next++] = toU16Proportion(values[at]!);
      }
    packed.starts[row + 1] = next;
  }
  return packed;
}

/** Each share of `total` in rao; of 1 when there is none. */
function toRao(shares: Float64Array, total: number, raoEmission: bigint): bigint[] {
  const rounded = Number(raoEmission);
  const amounts: bigint[] = [];
  for (let i = 0; i < shares.length; i++) {
    const share = shares[i]!;
    amounts.push(mulAmount(total === 0 || share === 0 ? share : div(share, total), raoEmission, rounded));
  }
  return amounts;
}
