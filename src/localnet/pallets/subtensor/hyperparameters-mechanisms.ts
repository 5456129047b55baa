// Owns: how many mechanisms a subnet has and how they share its emission (subtensor subnets/mechanism.rs).
// Does not own: what their epochs do.
import { runtime } from '../../../chain/codec/runtime.js';
import { storageIndex } from '../../../chain/codec/weight-commits.js';
import { type BlockContext, ensure } from '../../dispatch.js';

const S = runtime.SubtensorModule.storage;
/** `DefaultMaxAllowedUids`: over all mechanisms of a subnet together */
const MAX_UIDS = 256;
/** `MAX_MECHANISM_COUNT_PER_SUBNET` */
const MAX_COUNT = 16;
const ALL = 65_535;

/** `ensure_max_uids_over_all_mechanisms` @throws CallFailed `TooManyUIDsPerMechanism` */
export const ensureUidsFit = (maxUids: number, mechanisms: number): void =>
  ensure(maxUids * mechanisms <= MAX_UIDS, 'TooManyUIDsPerMechanism');

/** `do_set_mechanism_count`: what the mechanisms that go had is lost, and any change makes the shares equal again. */
export function setMechanismCount(context: BlockContext, netuid: number, count: number): void {
  const { state } = context;
  ensure(state.get(S.NetworksAdded, netuid), 'MechanismDoesNotExist');
  ensure(count > 0 && count <= state.get(S.MaxMechanismCount), 'InvalidValue');
  ensureUidsFit(state.get(S.MaxAllowedUids, netuid), count);
  const before = state.get(S.MechanismCountCurrent, netuid);
  if (count === before) return;
  for (let mechanism = count; mechanism < before; mechanism++) clearMechanism(context, netuid, mechanism);
  state.put(S.MechanismCountCurrent, [netuid], count);
  state.delete(S.MechanismEmissionSplit, netuid);
}

function clearMechanism({ state }: BlockContext, netuid: number, mechanism: number): void {
  const index = storageIndex(netuid, mechanism);
  for (const [, uid] of state.keys(S.Weights, index)) state.delete(S.Weights, index, uid);
  state.delete(S.Incentive, index);
  state.delete(S.LastUpdate, index);
  for (const [, uid] of state.keys(S.Bonds, index)) state.delete(S.Bonds, index, uid);
  for (const [, who] of state.keys(S.WeightCommits, index)) state.delete(S.WeightCommits, index, who);
  for (const [, epoch] of state.keys(S.TimelockedWeightCommits, index))
    state.delete(S.TimelockedWeightCommits, index, epoch);
}

/** `do_set_max_mechanism_count`, of all subnets; those that have more keep them. */
export function setMaxMechanismCount({ state }: BlockContext, count: number): void {
  ensure(count > 0 && count <= MAX_COUNT, 'InvalidValue');
  state.put(S.MaxMechanismCount, [], count);
}

/** `do_set_emission_split`: of 65535 together; undefined: equal shares. Mechanisms beyond the list get nothing. */
export function setEmissionSplit(
  { state }: BlockContext,
  netuid: number,
  split: readonly number[] | undefined,
): void {
  ensure(state.get(S.NetworksAdded, netuid), 'MechanismDoesNotExist');
  if (split === undefined) {
    state.delete(S.MechanismEmissionSplit, netuid);
    return;
  }
  ensure(split.length > 0 && split.length <= state.get(S.MechanismCountCurrent, netuid), 'InvalidValue');
  ensure(split.reduce((sum, share) => sum + share, 0) === ALL, 'InvalidValue');
  state.put(S.MechanismEmissionSplit, [netuid], split);
}
