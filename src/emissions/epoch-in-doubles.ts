// Owns: the epoch of epoch.ts in doubles: the same output to the last bit, in a fraction of the time (measured:
// benchmarks/emissions). Does not own: the rules; epoch.ts says what each step is, and property tests hold this to it.
import { div, EXP_LIMIT, exp, fromU16Proportion, mul, ONE, toU16Proportion } from './doubles.js';
import {
  assertLengths,
  countsBond,
  countsWeight,
  type EpochInput,
  type EpochOutput,
  electorate,
  runEpoch,
  type U16Row,
} from './epoch.js';
import { createAlpha, type LiquidAlpha } from './liquid-alpha.js';

/** Rows one after the other: those of row r are from `starts[r]` to `starts[r + 1]`, in stored order. */
interface Matrix {
  readonly starts: Int32Array;
  readonly columns: Uint16Array;
  /** raw I32F32; integers while they wait to be normalised */
  readonly values: Float64Array;
}

/** Sums of up to this many rows of bonds stay within what `div` divides by. */
const MAX_NEURONS = 1024;

/**
 * `runEpoch`, faster. What doubles cannot hold exactly (more than 1024 neurons, a moving average above 1) is left to it.
 *
 * @throws RangeError when a list does not have `n` entries
 */
export function runEpochInDoubles(input: EpochInput): EpochOutput {
  const { n } = input;
  if (n > MAX_NEURONS || input.bondsMovingAverage > 1_000_000) return runEpoch(input);
  assertLengths(input);
  const { active, stake: rawStake, oldPermits, newPermits } = electorate(input);
  const stake = Float64Array.from(rawStake, Number);
  const activeStake = normalized(stake.map((share, uid) => (active[uid] && oldPermits[uid] ? share : 0)));

  const weights = gather(input.weights, n, countsWeight(input, oldPermits), (value) => value);
  normalizeRows(weights);
  const consensus = consensusWeights(activeStake, weights, fromU16Proportion(input.kappa));
  const clipped = clipAtConsensus(weights, consensus);
  const incentive = normalized(ranks(clipped, activeStake));

  const parts: BondParts = {
    input,
    weights: weightsForBonds(weights, clipped, fromU16Proportion(input.bondsPenalty)),
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
    bonds: newPermits.map((permit, uid) => (permit ? toU16Row(bonds, uid) : [])),
    // nobody was weighed (emergency mode): stake is paid
    emission: paid(total === 0 ? byStake : combined),
    serverEmission: paid(incentive),
    validatorEmission: paid(total === 0 ? byStake : dividends),
  };
}

function gather(
  rows: readonly U16Row[],
  n: number,
  counts: (row: number, column: number) => boolean,
  toRaw: (value: number) => number,
): Matrix {
  const out = createMatrix(
    n,
    rows.reduce((count, row) => count + row.length, 0),
  );
  let at = 0;
  for (let row = 0; row < n; row++) {
    const entries = rows[row]!;
    for (let k = 0; k < entries.length; k++) {
      const entry = entries[k]!;
      const column = entry[0];
      if (column >= n || !counts(row, column)) continue;
      out.columns[at] = column;
      out.values[at++] = toRaw(entry[1]);
    }
    out.starts[row + 1] = at;
  }
  return out;
}

const createMatrix = (n: number, entries: number): Matrix => ({
  starts: new Int32Array(n + 1),
  columns: new Uint16Array(entries),
  values: new Float64Array(entries),
});

function normalizeRows({ starts, values }: Matrix): void {
  for (let row = 0; row + 1 < starts.length; row++) {
    const end = starts[row + 1]!;
    let total = 0;
    for (let at = starts[row]!; at < end; at++) total += values[at]!;
    if (total === 0) continue;
    for (let at = starts[row]!; at < end; at++) values[at] = div(values[at]!, total);
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

function divideColumns({ starts, columns, values }: Matrix, divisors: Float64Array): void {
  const count = starts.at(-1)!;
  for (let at = 0; at < count; at++) {
    const divisor = divisors[columns[at]!]!;
    if (divisor !== 0) values[at] = div(values[at]!, divisor);
  }
}

function rowSums({ starts, values }: Matrix): Float64Array {
  const sums = new Float64Array(starts.length - 1);
  for (let row = 0; row < sums.length; row++)
    for (let at = starts[row]!; at < starts[row + 1]!; at++) sums[row]! += values[at]!;
  return sums;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function normalized(values: Float64Array): Float64Array {
  const total = sum(values);
  return total === 0 ? values : values.map((value) => div(value, total));
}

function consensusWeights(stake: Float64Array, weights: Matrix, majority: number): Float64Array {
  const { starts, columns, values } = weights;
  const voters = Array.from(stake.keys()).filter((row) => stake[row]! > 0);
  const shares = normalized(Float64Array.from(voters, (row) => stake[row]!));
  const scores = new Float64Array(stake.length * voters.length);
  voters.forEach((row, k) => {
    for (let at = starts[row]!; at < starts[row + 1]!; at++)
      scores[columns[at]! * voters.length + k] = values[at]!;
  });
  const median = createMedian(shares, sum(shares) - majority);
  return stake.map((_, column) =>
    median(scores.subarray(column * voters.length, (column + 1) * voters.length)),
  );
}

/** consensus.ts `weightedMedian` */
export function createMedian(stake: Float64Array, minority: number): (score: Float64Array) => number {
  const total = sum(stake);
  const all = Int32Array.from(stake.keys());
  // two of each: one round's list is read while the next one's are written
  const lowers = [new Int32Array(stake.length), new Int32Array(stake.length)];
  const uppers = [new Int32Array(stake.length), new Int32Array(stake.length)];
  return (score) => {
    let part = all;
    let size = all.length;
    let low = 0;
    let high = total;
    for (let round = 0; round <= stake.length; round++) {
      if (size === 0) return 0;
      if (size === 1) return score[part[0]!]!;
      const pivot = score[part[size >> 1]!]!;
      const lower = lowers[round & 1]!;
      const upper = uppers[round & 1]!;
      let lowerSize = 0;
      let upperSize = 0;
      let lowerStake = 0;
      let upperStake = 0;
      for (let k = 0; k < size; k++) {
        const index = part[k]!;
        const value = score[index]!;
        if (value < pivot) {
          lowerStake += stake[index]!;
          lower[lowerSize++] = index;
        } else if (value > pivot) {
          upperStake += stake[index]!;
          upper[upperSize++] = index;
        }
      }
      if (minority < low + lowerStake && lowerSize > 0) {
        part = lower;
        size = lowerSize;
        high = low + lowerStake;
      } else if (high - upperStake <= minority && upperSize > 0) {
        part = upper;
        size = upperSize;
        low = high - upperStake;
      } else {
        return pivot;
      }
    }
    return 0;
  };
}

function clipAtConsensus({ starts, columns, values }: Matrix, consensus: Float64Array): Matrix {
  const out = createMatrix(consensus.length, values.length);
  let next = 0;
  for (let row = 0; row < consensus.length; row++) {
    for (let at = starts[row]!; at < starts[row + 1]!; at++) {
      const bound = consensus[columns[at]!]!;
      const value = values[at]!;
      if (bound === 0 && value > 0) continue;
      out.columns[next] = columns[at]!;
      out.values[next++] = Math.min(value, bound);
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
    for (let at = starts[row]!; at < starts[row + 1]!; at++) out[columns[at]!]! += mul(values[at]!, share);
  }
  return out;
}

/** Σ_j floor(vector_j·m_ij), by row */
function timesColumns({ starts, columns, values }: Matrix, vector: Float64Array): Float64Array {
  return vector.map((_, row) => {
    let total = 0;
    for (let at = starts[row]!; at < starts[row + 1]!; at++) {
      const factor = vector[columns[at]!]!;
      if (factor !== 0) total += mul(values[at]!, factor);
    }
    return total;
  });
}

function weightsForBonds(weights: Matrix, clipped: Matrix, penalty: number): Matrix {
  if (penalty === 0) return weights;
  if (penalty === ONE) return clipped;
  const n = weights.starts.length - 1;
  const out = createMatrix(n, weights.values.length);
  const full = new Float64Array(n);
  const bound = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    spread(weights, row, full);
    spread(clipped, row, bound);
    for (let column = 0; column < n; column++) full[column]! += mul(bound[column]! - full[column]!, penalty);
    appendPositive(out, row, full);
  }
  return out;
}

/** One row by column; a repeated column keeps its last value. */
function spread({ starts, columns, values }: Matrix, row: number, dense: Float64Array): void {
  dense.fill(0);
  for (let at = starts[row]!; at < starts[row + 1]!; at++) dense[columns[at]!] = values[at]!;
}

/** The row after those that `out` has. */
function appendPositive(out: Matrix, row: number, dense: Float64Array): void {
  let next = out.starts[row]!;
  for (let column = 0; column < dense.length; column++) {
    const value = dense[column]!;
    if (value <= 0) continue;
    out.columns[next] = column;
    out.values[next++] = value;
  }
  out.starts[row + 1] = next;
}

interface BondParts {
  readonly input: EpochInput;
  readonly weights: Matrix;
  readonly consensus: Float64Array;
  readonly activeStake: Float64Array;
  readonly incentive: Float64Array;
}

interface Bonds {
  readonly dividends: Float64Array;
  readonly bonds: Matrix;
}

function classicBonds({ input, weights, activeStake, incentive }: BondParts): Bonds {
  const held = gather(input.bonds, input.n, countsBond(input), (value) => value);
  normalizeColumns(held);
  const delta = { ...weights, values: weights.values.slice() };
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

function yuma3Bonds({ input, weights, consensus, activeStake, incentive }: BondParts): Bonds {
  const held = gather(input.bonds, input.n, countsBond(input), fromU16Proportion);
  const bonds =
    input.liquidAlpha !== undefined && sum(consensus) !== 0
      ? liquidMovingAverage(weights, held, consensus, input.liquidAlpha)
      : movingAverage(weights, held, input.bondsMovingAverage);
  const shares = { ...bonds, values: bonds.values.slice() };
  normalizeColumns(shares);
  const earned = timesColumns(shares, incentive);
  return { dividends: normalized(earned.map((value, uid) => mul(value, activeStake[uid]!))), bonds };
}

/** @param average millionths; the product is below 2^52 and its quotient at least 10^-6 away from the next integer */
function movingAverage(newer: Matrix, older: Matrix, average: number): Matrix {
  const rest = Math.floor((average * ONE) / 1_000_000);
  const alpha = ONE - rest;
  const n = newer.starts.length - 1;
  const out = createMatrix(n, newer.values.length + older.values.length);
  const dense = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    dense.fill(0);
    addScaled(dense, newer, row, alpha);
    addScaled(dense, older, row, rest);
    appendPositive(out, row, dense);
  }
  return out;
}

function addScaled(
  dense: Float64Array,
  { starts, columns, values }: Matrix,
  row: number,
  factor: number,
): void {
  for (let at = starts[row]!; at < starts[row + 1]!; at++) dense[columns[at]!]! += mul(values[at]!, factor);
}

function liquidMovingAverage(
  weights: Matrix,
  bonds: Matrix,
  consensus: Float64Array,
  liquidAlpha: LiquidAlpha,
): Matrix {
  const n = consensus.length;
  const out = createMatrix(n, weights.values.length);
  const alphaOf = createAlphaOf(liquidAlpha);
  const held = new Float64Array(n);
  const seenWeights = new Float64Array(n);
  const seenBonds = new Float64Array(n);
  let next = 0;
  for (let row = 0; row < n; row++) {
    spread(bonds, row, held);
    spreadSeen(weights, row, seenWeights);
    spreadSeen(bonds, row, seenBonds);
    for (let at = weights.starts[row]!; at < weights.starts[row + 1]!; at++) {
      const column = weights.columns[at]!;
      const weight = seenWeights[column]!;
      const bond = seenBonds[column]!;
      const moved = weight >= bond ? weight - consensus[column]! : bond - weight;
      const alpha = alphaOf(Math.max(0, moved));
      const grown = mul(held[column]!, ONE - alpha) + mul(weights.values[at]!, alpha);
      if (grown === 0) continue;
      out.columns[next] = column;
      out.values[next++] = Math.min(grown, ONE);
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

const toU16s = (raw: Float64Array): number[] => Array.from(raw, toU16Proportion);

function toU16Row({ starts, columns, values }: Matrix, row: number): U16Row {
  const entries: (readonly [number, number])[] = [];
  for (let at = starts[row]!; at < starts[row + 1]!; at++)
    entries.push([columns[at]!, toU16Proportion(values[at]!)]);
  return entries;
}

/** Each share of `total` in rao; of 1 when there is none. */
function toRao(shares: Float64Array, total: number, raoEmission: bigint): bigint[] {
  return Array.from(shares, (share) => {
    if (share === 0) return 0n;
    return (BigInt(total === 0 ? share : div(share, total)) * raoEmission) >> 32n;
  });
}
