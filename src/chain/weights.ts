// Owns: scores to the row the chain stores, and when it may be set. Does not own: scores, nor sending the row.
import type { Hotkey, Uid } from '../model/ids.js';
import type { Subnet, WeightRow } from './chain.js';

/** Weights are u16 proportions; the chain stores rows scaled so that the largest is this. */
const MAX = 65535;

export interface WeightRowInput {
  /** by hotkey, finite and >= 0; the scale does not matter */
  readonly scores: ReadonlyMap<Hotkey, number>;
  readonly subnet: Pick<Subnet, 'neurons' | 'minAllowedWeights'>;
  /**
   * Uids weighted before (the stored row will do): those without a score now get an explicit zero. With Yuma3 and liquid
   * alpha an absent entry drops its bond at once, a zero lets it decay (subtensor epoch/run_epoch.rs
   * `compute_bonds_sparse`, which walks the entries of the weight row).
   * @default []
   */
  readonly earlier?: WeightRow;
}

export interface WeightRowResult {
  /** uid ascending (the chain's liquid-alpha cursor misreads any other order); [] when no registered hotkey scored */
  readonly row: WeightRow;
  /** hotkeys with a score above zero that the subnet does not know (any more), in the order of `scores` */
  readonly dropped: readonly Hotkey[];
}

/**
 * The row to set. Values are max-upscaled here, so that what is sent is what is stored. An empty row means that nobody
 * earned: sending all zeros would erase this validator's vote, and what then to do is the caller's decision.
 * @throws RangeError when a score is negative or not finite
 */
export function toWeightRow({ scores, subnet, earlier = [] }: WeightRowInput): WeightRowResult {
  const uids = new Map(subnet.neurons.map((neuron) => [neuron.hotkey, neuron.uid]));
  const byUid = new Map<Uid, number>();
  const dropped: Hotkey[] = [];
  for (const [hotkey, score] of scores) {
    if (!Number.isFinite(score) || score < 0)
      throw new RangeError(`score of ${hotkey}: expected a finite number >= 0, got ${score}`);
    const uid = uids.get(hotkey);
    if (uid !== undefined) byUid.set(uid, score);
    else if (score > 0) dropped.push(hotkey);
  }
  const largest = Math.max(0, ...byUid.values());
  if (largest === 0) return { row: [], dropped };

  const row = new Map<Uid, number>();
  // score <= largest, so the quotient is in [0, 1] and every step is one correctly rounded IEEE operation: the same
  // row on every machine
  for (const [uid, score] of byUid) if (score > 0) row.set(uid, Math.round((score / largest) * MAX));
  const before = new Set(earlier.map(([uid]) => uid));
  for (const { uid } of subnet.neurons) if (before.has(uid) && !row.has(uid)) row.set(uid, 0);
  pad(row, subnet);
  return { row: [...row].sort(([a], [b]) => a - b), dropped };
}

/** WeightVecLengthIsLow unless a row has min(MinAllowedWeights, n) entries; zeros count (subnets/weights.rs). */
function pad(row: Map<Uid, number>, { neurons, minAllowedWeights }: WeightRowInput['subnet']): void {
  const needed = Math.min(minAllowedWeights, neurons.length);
  for (const { uid } of neurons) {
    if (row.size >= needed) return;
    if (!row.has(uid)) row.set(uid, 0);
  }
}

export type WeightsRefusal =
  /** no neuron of the subnet has this uid */
  | 'not-registered'
  /** consensus stake below StakeThreshold */
  | 'stake-too-low'
  /** no validator permit (yet): permits are granted at an epoch */
  | 'no-permit'
  /** WeightsSetRateLimit since LastUpdate, which registration sets too */
  | 'rate-limit';

export type CanSetWeights =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: WeightsRefusal;
      /** first block in which this reason is gone, where the chain's state tells */
      readonly atBlock?: number;
    };

/**
 * Whether the chain would take weights (or a commit of them: the same rules) from `uid` in block `block`, as far as state
 * tells. Where the runtime does not say what consensus stake a neuron has, too little of it shows only when sent
 * (`NotEnoughStakeToSetWeights`).
 * @param options.block the block that would carry them: the head's number + 1
 */
export function canSetWeights({
  subnet,
  uid,
  block,
}: {
  readonly subnet: Pick<
    Subnet,
    'neurons' | 'stakeThresholdRao' | 'weightsRateLimit' | 'ownerUid' | 'nextEpochBlock'
  >;
  readonly uid: Uid;
  readonly block: number;
}): CanSetWeights {
  const neuron = subnet.neurons.find((candidate) => candidate.uid === uid);
  if (!neuron) return { ok: false, reason: 'not-registered' };
  // the owner's hotkey needs neither stake nor permit (subtensor subnets/weights.rs `check_weights_min_stake`,
  // `check_validator_permit`)
  const isOwner = uid === subnet.ownerUid;
  if (
    !isOwner &&
    neuron.consensusStakeRao !== undefined &&
    neuron.consensusStakeRao < subnet.stakeThresholdRao
  )
    return { ok: false, reason: 'stake-too-low' };
  if (!isOwner && !neuron.validatorPermit)
    return {
      ok: false,
      reason: 'no-permit',
      ...(subnet.nextEpochBlock === undefined ? {} : { atBlock: subnet.nextEpochBlock }),
    };
  // LastUpdate 0 passes, as in subnets/weights.rs check_rate_limit
  const free = neuron.lastUpdate === 0 ? 0 : neuron.lastUpdate + subnet.weightsRateLimit;
  if (block < free) return { ok: false, reason: 'rate-limit', atBlock: free };
  return { ok: true };
}

/**
 * True when weights set by `uid` will be used, unless set again, by the coming epoch for the first time. An epoch runs
 * in on_initialize, before its block's extrinsics: weights set in the epoch's own block belong to the next one.
 * Registration sets LastUpdate too and is told apart by BlockAtRegistration.
 */
export function alreadySetThisEpoch(subnet: Pick<Subnet, 'neurons' | 'lastEpochBlock'>, uid: Uid): boolean {
  const neuron = subnet.neurons.find((candidate) => candidate.uid === uid);
  if (!neuron || neuron.lastUpdate === neuron.registeredAt) return false;
  return neuron.lastUpdate >= subnet.lastEpochBlock;
}

export function assertRow(weights: WeightRow): void {
  let last = -1;
  for (const [uid, value] of weights) {
    if (!Number.isInteger(uid) || uid <= last || uid > 65535)
      throw new RangeError(`weights: expected u16 uids in ascending order, got ${uid} after ${last}`);
    if (!Number.isInteger(value) || value < 0 || value > 65535)
      throw new RangeError(`weight of uid ${uid}: expected an integer in 0..65535, got ${value}`);
    last = uid;
  }
}
