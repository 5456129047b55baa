// Owns: one Yuma epoch of one mechanism, bit for bit (subtensor epoch/run_epoch.rs `epoch_mechanism`, the sparse form
// that the chain executes). Does not own: storage, several mechanisms (mechanisms.ts), paying it out (coinbase.ts).
import { weightsForBonds } from './bonds.js';
import { classicBonds } from './classic-bonds.js';
import { clipAtConsensus, consensusWeights } from './consensus.js';
import {
  fromU16Proportion,
  I32F32,
  I64F64,
  I96F32,
  normalize,
  normalizeBy,
  sum,
  toU16Proportion,
} from './fixed.js';
import type { LiquidAlpha } from './liquid-alpha.js';
import { isTopKNonzero } from './permits.js';
import { filterEntries, normalizeRows, rowSums, type SparseMatrix, timesRows } from './sparse-matrix.js';
import { stakeShares } from './stake.js';
import { yuma3Bonds } from './yuma3-bonds.js';

/** (uid, u16) pairs in stored order. */
export type U16Row = readonly (readonly [uid: number, value: number])[];

/**
 * The state an epoch reads. Every list is by uid and has `n` entries. Blocks and counts are non-negative safe integers,
 * amounts u64.
 */
export interface EpochInput {
  readonly n: number;
  readonly block: number;
  readonly tempo: number;
  /** blocks (schedule.ts `activityCutoffBlocks`) */
  readonly activityCutoff: number;
  /** of this mechanism */
  readonly lastUpdate: readonly number[];
  readonly blockAtRegistration: readonly number[];
  /** u16 */
  readonly kappa: number;
  /** u16 */
  readonly bondsPenalty: number;
  /** millionths, u64 */
  readonly bondsMovingAverage: number;
  readonly maxValidators: number;
  readonly stakeThreshold: bigint;
  /** consensus stake, whole rao */
  readonly stakes: readonly bigint[];
  /** what `stakes` cut off, in units of 2^-64 rao (`consensusStake`); without root stake there is none */
  readonly stakeFractions?: readonly bigint[];
  /** uid of `SubnetOwnerHotkey`, undefined when it is not registered */
  readonly ownerUid: number | undefined;
  /** rows as stored: max-upscaled u16, explicit zeros included; uids from `n` on do not count */
  readonly weights: readonly U16Row[];
  /** rows as the last epoch stored them */
  readonly bonds: readonly U16Row[];
  /** as stored by the last epoch, shared by all mechanisms */
  readonly validatorPermits: readonly boolean[];
  /** `LastMechansimStepBlock` (sic); 0 before the first epoch */
  readonly lastMechanismStep: number;
  /**
   * Commit-reveal, undefined when it is off: by uid the block of the earliest unexpired commit (plain or time-locked),
   * undefined for none.
   */
  readonly commitReveal: { readonly earliestCommit: readonly (number | undefined)[] } | undefined;
  readonly yuma3On: boolean;
  /** undefined when it is off; has no effect on classic bonds */
  readonly liquidAlpha: LiquidAlpha | undefined;
  readonly raoEmission: bigint;
}

/** What an epoch writes. Lists are by uid. */
export interface EpochOutput {
  /** u16 */
  readonly consensus: readonly number[];
  /** u16 */
  readonly incentive: readonly number[];
  /** u16 */
  readonly dividends: readonly number[];
  /** u16 */
  readonly validatorTrust: readonly number[];
  /** u16 */
  readonly stakeWeight: readonly number[];
  readonly active: readonly boolean[];
  readonly newPermits: readonly boolean[];
  /** all rows are overwritten: one without a new permit loses its bonds */
  readonly bonds: readonly U16Row[];
  /** rao, `Emission`: what pruning goes by */
  readonly emission: readonly bigint[];
  /** rao, earned as a miner */
  readonly serverEmission: readonly bigint[];
  /** rao, earned as a validator */
  readonly validatorEmission: readonly bigint[];
}

/**
 * The reference: BigInt throughout, to be read beside the chain's. `runEpochInDoubles` gives the same in less time.
 *
 * @throws RangeError naming what no chain could hold, e.g. `weights[0][1]`: a list without `n` entries, a number beyond
 *   its type on the chain
 */
export function runEpoch(input: EpochInput): EpochOutput {
  assertInput(input);
  const { n } = input;
  const { active, stake, oldPermits, newPermits } = electorate(input);
  const activeStake = normalize(stake.map((share, uid) => (active[uid] && oldPermits[uid] ? share : 0n)));

  const weights = maskWeights(input, oldPermits);
  const consensus = consensusWeights(activeStake, weights, n, fromU16Proportion(input.kappa));
  const clipped = clipAtConsensus(weights, consensus);
  const validatorTrust = rowSums(clipped);
  const incentive = normalize(timesRows(clipped, activeStake, n));

  const parts = {
    weights: weightsForBonds(weights, clipped, n, fromU16Proportion(input.bondsPenalty)),
    activeStake,
    incentive,
    bondsMovingAverage: input.bondsMovingAverage,
  };
  const { dividends, bonds } = input.yuma3On
    ? yuma3Bonds({
        ...parts,
        bonds: currentBonds(input, fromU16Proportion),
        consensus,
        liquidAlpha: input.liquidAlpha,
      })
    : classicBonds({ ...parts, bonds: currentBonds(input, I32F32.fromInteger) });
  const shares = emissionShares(incentive, dividends, activeStake, stake);

  return {
    consensus: consensus.map(toU16Proportion),
    incentive: incentive.map(toU16Proportion),
    dividends: dividends.map(toU16Proportion),
    validatorTrust: validatorTrust.map(toU16Proportion),
    stakeWeight: stake.map(toU16Proportion),
    active,
    newPermits,
    bonds: bonds.map((entries, uid) =>
      newPermits[uid] ? entries.map(([column, value]) => [column, toU16Proportion(value)] as const) : [],
    ),
    emission: toRao(shares.combined, input.raoEmission),
    serverEmission: toRao(shares.server, input.raoEmission),
    validatorEmission: toRao(shares.validator, input.raoEmission),
  };
}

/** Who takes part, with what share of the stake (raw I32F32). */
export interface Electorate {
  readonly active: readonly boolean[];
  readonly stake: readonly bigint[];
  /** A validator newly among the top has no vote yet: only permits of the last epoch count for stake and weights. */
  readonly oldPermits: readonly boolean[];
  readonly newPermits: readonly boolean[];
}

export function electorate(input: EpochInput): Electorate {
  const { ownerUid } = input;
  const stake = stakeShares(filterStakes(input));
  return {
    active: input.lastUpdate.map((updated) => updated + input.activityCutoff >= input.block),
    stake,
    oldPermits: input.validatorPermits.map((permit, uid) => permit || uid === ownerUid),
    newPermits: isTopKNonzero(stake, input.maxValidators).map((permit, uid) => permit || uid === ownerUid),
  };
}

/** Raw I64F64 stakes; below the threshold (in whole rao) they count as 0, the owner's excepted. */
function filterStakes({ stakes, stakeFractions, stakeThreshold, ownerUid }: EpochInput): bigint[] {
  return stakes.map((rao, uid) => {
    if (rao < stakeThreshold && uid !== ownerUid) return 0n;
    return I64F64.add(I64F64.fromInteger(rao), stakeFractions?.[uid] ?? 0n);
  });
}

/** The weights that count. */
function maskWeights(input: EpochInput, oldPermits: readonly boolean[]): SparseMatrix {
  const rows = toMatrix(input, 'weights', I32F32.fromInteger);
  return normalizeRows(filterEntries(rows, countsWeight(input, oldPermits)));
}

/** Whether a weight counts: of a permitted row, towards another and towards a neuron the validator can have known. */
function countsWeight(
  { ownerUid, lastUpdate, blockAtRegistration, commitReveal }: EpochInput,
  oldPermits: readonly boolean[],
): (row: number, column: number) => boolean {
  return (row, column) => {
    if (!oldPermits[row]) return false;
    if (row === column && row !== ownerUid) return false;
    const registered = blockAtRegistration[column]!;
    if (lastUpdate[row]! <= registered) return false;
    // a uid that changed hands after the commit must not inherit what was meant for its predecessor
    const committed = commitReveal?.earliestCommit[row];
    return committed === undefined || committed >= registered;
  };
}

/** Stored bonds as far as they count. */
function currentBonds(input: EpochInput, toFixed: (value: number) => bigint): SparseMatrix {
  return filterEntries(toMatrix(input, 'bonds', toFixed), countsBond(input));
}

/** Whether a stored bond counts: not towards a uid registered since the last successful epoch. */
function countsBond(input: EpochInput): (row: number, column: number) => boolean {
  const before = bondsCountBefore(input);
  return (_, column) => before > input.blockAtRegistration[column]!;
}

/** Bonds count towards what was registered before this block. */
export function bondsCountBefore({ block, tempo, lastMechanismStep }: EpochInput): number {
  return lastMechanismStep === 0 ? Math.max(0, block - tempo) : lastMechanismStep + 1;
}

/**
 * Weights and classic bonds count as integers, for they are normalised next anyway; Yuma3 bonds are proportions. Who is
 * not there has no column.
 */
function toMatrix(
  input: EpochInput,
  name: 'weights' | 'bonds',
  toFixed: (value: number) => bigint,
): SparseMatrix {
  return input[name].map((entries, row) =>
    entries.flatMap((entry, k) => {
      const [uid, value] = entry;
      if (!isU16(uid) || !isU16(value)) throw wrongEntry(name, row, k, entry);
      return uid < input.n ? [[uid, toFixed(value)] as const] : [];
    }),
  );
}

interface EmissionShares {
  readonly server: readonly bigint[];
  readonly validator: readonly bigint[];
  readonly combined: readonly bigint[];
}

/** Incentive and dividends as shares of their common sum. When nobody was weighed (emergency mode), stake is paid. */
function emissionShares(
  incentive: readonly bigint[],
  dividends: readonly bigint[],
  activeStake: readonly bigint[],
  stake: readonly bigint[],
): EmissionShares {
  const combined = incentive.map((value, uid) => I32F32.add(value, dividends[uid]!));
  const total = sum(combined);
  if (total === 0n) {
    const byStake = sum(activeStake) === 0n ? stake : activeStake;
    return { server: incentive, validator: byStake, combined: byStake };
  }
  return {
    server: normalizeBy(incentive, total),
    validator: normalizeBy(dividends, total),
    combined: normalizeBy(combined, total),
  };
}

function toRao(shares: readonly bigint[], raoEmission: bigint): bigint[] {
  const emission = I96F32.fromInteger(raoEmission);
  return shares.map((share) => I96F32.toU64(I96F32.mul(share, emission)));
}

const MAX_U16 = 65_535;
const U64_MAX = (1n << 64n) - 1n;

/**
 * What both epochs ask of their input before they begin. What rows hold is asserted where they are read, with the same
 * error in both.
 *
 * @throws RangeError naming the path, e.g. `stakes[3]`
 */
export function assertInput(input: EpochInput): void {
  const { n, ownerUid, liquidAlpha, stakeFractions, commitReveal } = input;
  assertLengths(input);
  assertInteger('kappa', input.kappa, 0, MAX_U16);
  assertInteger('bondsPenalty', input.bondsPenalty, 0, MAX_U16);
  // a u64 on the chain, whose largest are 2^64 as a double
  assertInteger('bondsMovingAverage', input.bondsMovingAverage, 0, 2 ** 64);
  for (const name of ['block', 'tempo', 'activityCutoff', 'maxValidators', 'lastMechanismStep'] as const)
    assertInteger(name, input[name], 0, Number.MAX_SAFE_INTEGER);
  if (liquidAlpha !== undefined) {
    assertInteger('liquidAlpha.low', liquidAlpha.low, 0, MAX_U16);
    assertInteger('liquidAlpha.high', liquidAlpha.high, 0, MAX_U16);
    assertInteger('liquidAlpha.steepness', liquidAlpha.steepness, -32_768, 32_767);
  }
  if (ownerUid !== undefined) assertInteger('ownerUid', ownerUid, 0, n - 1);
  assertU64('stakeThreshold', input.stakeThreshold);
  assertU64('raoEmission', input.raoEmission);
  assertBlocks('lastUpdate', input.lastUpdate);
  assertBlocks('blockAtRegistration', input.blockAtRegistration);
  if (commitReveal !== undefined)
    assertBlocks('commitReveal.earliestCommit', commitReveal.earliestCommit, true);
  assertU64s('stakes', input.stakes);
  if (stakeFractions !== undefined) assertU64s('stakeFractions', stakeFractions);
}

function assertLengths(input: EpochInput): void {
  const { n } = input;
  const lists = {
    lastUpdate: input.lastUpdate,
    blockAtRegistration: input.blockAtRegistration,
    stakes: input.stakes,
    stakeFractions: input.stakeFractions,
    weights: input.weights,
    bonds: input.bonds,
    validatorPermits: input.validatorPermits,
    'commitReveal.earliestCommit': input.commitReveal?.earliestCommit,
  };
  for (const [name, list] of Object.entries(lists)) {
    if (list !== undefined && list.length !== n)
      throw new RangeError(`${name}: expected ${n} entries, got ${list.length}`);
  }
}

function assertInteger(name: string, value: number, min: number, max: number): void {
  if (!(Number.isInteger(value) && value >= min && value <= max))
    throw new RangeError(`${name}: expected an integer from ${min} to ${max}, got ${value}`);
}

function assertBlocks(name: string, blocks: readonly (number | undefined)[], none = false): void {
  for (let uid = 0; uid < blocks.length; uid++) {
    const block = blocks[uid];
    if (none && block === undefined) continue;
    if (!(Number.isSafeInteger(block) && block! >= 0))
      throw new RangeError(`${name}[${uid}]: expected a block number, got ${block}`);
  }
}

function assertU64s(name: string, values: readonly bigint[]): void {
  for (let uid = 0; uid < values.length; uid++)
    if (!isU64(values[uid]!)) assertU64(`${name}[${uid}]`, values[uid]!);
}

function assertU64(name: string, value: bigint): void {
  if (!isU64(value)) throw new RangeError(`${name}: expected a bigint from 0 to ${U64_MAX}, got ${value}`);
}

const isU64 = (value: bigint): boolean => typeof value === 'bigint' && value >= 0n && value <= U64_MAX;

/** What to throw for an entry of a row that is no pair of u16. */
export function wrongEntry(
  name: 'weights' | 'bonds',
  row: number,
  k: number,
  [uid, value]: U16Row[number],
): RangeError {
  return new RangeError(
    `${name}[${row}][${k}]: expected a uid and a value of 0 to ${MAX_U16}, got [${uid}, ${value}]`,
  );
}

const isU16 = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= MAX_U16;
