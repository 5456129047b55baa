// Owns: fewer uids than there are neurons: who goes, and closing up the others (subtensor subnets/uids.rs
// `trim_to_max_allowed_uids`).
import { runtime } from '../../../chain/codec/runtime.js';
import { type BlockContext, ensure } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { mechanismIndices } from './mechanisms.js';
import { ownerProtectedUids } from './neurons.js';

const S = runtime.SubtensorModule.storage;
/** `MaxImmuneUidsPercentage` */
const MAX_IMMUNE_PERCENT = 80;

/** Keeps the `maxUids` that earn most, and all that may not be removed, in their order. */
export function trimUids(context: BlockContext, netuid: number, maxUids: number): void {
  const { state } = context;
  ensure(state.get(S.NetworksAdded, netuid), 'SubnetNotExists');
  ensure(maxUids >= state.get(S.MinAllowedUids, netuid), 'InvalidValue');
  ensure(maxUids <= state.get(S.MaxAllowedUids, netuid), 'InvalidValue');
  state.put(S.MaxAllowedUids, [netuid], maxUids);
  const n = state.get(S.SubnetworkN, netuid);
  if (n <= maxUids) return;

  const immune = immuneUids(context, netuid, n);
  const immunePercent = maxUids === 0 ? 100 : Math.floor((100 * immune.size) / maxUids);
  ensure(immunePercent < MAX_IMMUNE_PERCENT, 'TrimmingWouldExceedMaxImmunePercentage');
  const removed = new Set(leastEarning(state, netuid, n, immune).slice(0, n - maxUids));
  const kept = Array.from({ length: n }, (_, uid) => uid).filter((uid) => !removed.has(uid));
  const mechanisms = mechanismIndices(state, netuid);
  for (const uid of removed) forgetNeuron(context, netuid, uid, mechanisms);
  closeUpLists(context, netuid, kept, mechanisms);
  moveNeurons(context, netuid, kept, mechanisms);
  state.put(S.SubnetworkN, [netuid], maxUids);
}

/** The owner's protected keys, and whoever registered within the immunity period. */
function immuneUids({ state, block }: BlockContext, netuid: number, n: number): ReadonlySet<number> {
  const period = state.get(S.ImmunityPeriod, netuid);
  const immune = new Set(ownerProtectedUids(state, netuid));
  for (let uid = 0; uid < n; uid++)
    if (block - state.get(S.BlockAtRegistration, netuid, uid) < period) immune.add(uid);
  return immune;
}

/** Those that may go, the least earning first; of equals the highest uid. */
function leastEarning(
  state: StateView,
  netuid: number,
  n: number,
  immune: ReadonlySet<number>,
): readonly number[] {
  const emission = state.get(S.Emission, netuid);
  const earned = (uid: number): bigint => emission[uid] ?? 0n;
  return Array.from({ length: n }, (_, uid) => uid)
    .filter((uid) => !immune.has(uid))
    .sort((a, b) => (earned(a) === earned(b) ? b - a : earned(a) < earned(b) ? -1 : 1));
}

function forgetNeuron(
  { state }: BlockContext,
  netuid: number,
  uid: number,
  mechanisms: readonly number[],
): void {
  const hotkey = state.get(S.Keys, netuid, uid);
  state.delete(S.Uids, netuid, hotkey);
  state.delete(S.IsNetworkMember, hotkey, netuid);
  state.delete(S.AlphaDividendsPerSubnet, netuid, hotkey);
  state.delete(S.Axons, netuid, hotkey);
  state.delete(S.NeuronCertificates, netuid, hotkey);
  state.delete(S.Prometheus, netuid, hotkey);
  state.delete(S.Keys, netuid, uid);
  state.delete(S.BlockAtRegistration, netuid, uid);
  for (const index of mechanisms) {
    state.delete(S.Weights, index, uid);
    state.delete(S.Bonds, index, uid);
  }
}

function closeUpLists(
  { state }: BlockContext,
  netuid: number,
  kept: readonly number[],
  mechanisms: readonly number[],
): void {
  const pick = <T>(list: readonly T[], blank: T): T[] => kept.map((uid) => list[uid] ?? blank);
  state.put(S.Emission, [netuid], pick(state.get(S.Emission, netuid), 0n));
  for (const item of [S.Active, S.ValidatorPermit])
    state.put(item, [netuid], pick(state.get(item, netuid), false));
  for (const item of [S.Consensus, S.Dividends, S.ValidatorTrust, S.StakeWeight])
    state.put(item, [netuid], pick(state.get(item, netuid), 0));
  for (const item of [S.Incentive, S.LastUpdate])
    for (const index of mechanisms) state.put(item, [index], pick(state.get(item, index), 0));
}

/** To the left, without gaps, in their order; rows lose what they held of those removed. */
function moveNeurons(
  { state }: BlockContext,
  netuid: number,
  kept: readonly number[],
  mechanisms: readonly number[],
): void {
  const placeOf = new Map(kept.map((uid, place) => [uid, place]));
  kept.forEach((uid, place) => {
    const hotkey = state.get(S.Keys, netuid, uid);
    const registeredAt = state.get(S.BlockAtRegistration, netuid, uid);
    if (place !== uid) {
      state.delete(S.Keys, netuid, uid);
      state.delete(S.BlockAtRegistration, netuid, uid);
    }
    state.put(S.Keys, [netuid, place], hotkey);
    state.put(S.BlockAtRegistration, [netuid, place], registeredAt);
    state.put(S.Uids, [netuid, hotkey], place);
    for (const index of mechanisms)
      for (const item of [S.Weights, S.Bonds]) {
        const row = state.get(item, index, uid).flatMap(([target, value]) => {
          const moved = placeOf.get(target);
          return moved === undefined ? [] : [[moved, value] as const];
        });
        if (place !== uid) state.delete(item, index, uid);
        state.put(item, [index, place], row); // also where it is empty, as the chain's `mutate` leaves it
      }
  });
}
