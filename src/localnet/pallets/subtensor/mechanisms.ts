// Owns: which mechanisms a subnet has, and where their values lie (subtensor subnets/mechanism.rs).
// Does not own: how many there are and how emission is split (admin-utils.ts), what an epoch does with them (epoch.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import { SUBNETS_PER_MECHANISM, storageIndex } from '../../../chain/codec/weight-commits.js';
import { ensure } from '../../dispatch.js';
import type { StateView } from '../../state.js';

const S = runtime.SubtensorModule.storage;

const exists = (state: StateView, netuid: number, mecid: number): boolean =>
  state.get(S.NetworksAdded, netuid) && mecid < state.get(S.MechanismCountCurrent, netuid);

/** `ensure_mechanism_exists` */
export function ensureMechanism(state: StateView, netuid: number, mecid: number): void {
  ensure(exists(state, netuid, mecid), 'MechanismDoesNotExist');
}

/** Storage indices of a subnet's mechanisms, in order. */
export const mechanismIndices = (state: StateView, netuid: number): number[] =>
  Array.from({ length: state.get(S.MechanismCountCurrent, netuid) }, (_, mecid) =>
    storageIndex(netuid, mecid),
  );

/** `get_netuid_and_subid`: whose mechanism an index is, undefined where there is none. */
export function netuidOf(state: StateView, index: number): number | undefined {
  const netuid = index % SUBNETS_PER_MECHANISM;
  return exists(state, netuid, Math.floor(index / SUBNETS_PER_MECHANISM)) ? netuid : undefined;
}
