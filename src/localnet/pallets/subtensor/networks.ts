// Owns: subnets: registration, their initial parameters, start (subtensor subnets/subnet.rs). Dissolution is left out.
import { runtime } from '../../../chain/codec/runtime.js';
import { blockEmission, DEFAULT_BLOCK_EMISSION_RAO } from '../../../emissions/coinbase.js';
import { U64F64 } from '../../../emissions/fixed.js';
import { initialLastEpochBlock } from '../../../emissions/schedule.js';
import { type BlockContext, badOrigin, type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { canWithdraw } from '../balances.js';
import { linkRootValidators } from './children.js';
import { putSubnetIdentity, type SubnetIdentity } from './identity.js';
import { appendNeuron } from './neurons.js';
import { medianPrice } from './pools.js';
import { createHotkey, hotkeyExists, isSubnetAccount, ownerOf } from './staking.js';
import { payIntoSubnet } from './staking-swaps.js';

const S = runtime.SubtensorModule.storage;
export const LAST_REGISTERED = { type: 'NetworkLastRegistered', value: [] } as const;
/** `InitialTempo` */
const DEFAULT_TEMPO = 360;
/** `DefaultNeuronBurnCost`: 1 TAO */
const FIRST_BURN = 1_000_000_000n;
const DYNAMIC = 1;

/** All but root, ascending. */
export const subnets = (state: StateView): number[] =>
  state
    .keys(S.NetworksAdded)
    .map(([netuid]) => netuid)
    .filter((netuid) => netuid !== 0 && state.get(S.NetworksAdded, netuid))
    .sort((a, b) => a - b);

export function registerNetwork(
  { hotkey, identity }: { readonly hotkey: string; readonly identity: SubnetIdentity | undefined },
  context: CallContext,
): void {
  const { state, block } = context;
  const coldkey = ensureSigned(context.origin);
  ensure(!hotkeyExists(state, hotkey) || ownerOf(state, hotkey) === coldkey, 'NonAssociatedColdKey');
  ensure(!isSubnetAccount(hotkey), 'CannotUseSystemAccount');
  ensure(passesNetworkRateLimit(state, block), 'NetworkTxRateLimitExceeded');
  const known = subnets(state);
  // the chain would dissolve its weakest subnet here
  ensure(known.length < state.get(S.SubnetLimit), 'SubnetLimitReached');
  const lock = lockCost(state, block);
  ensure(canWithdraw(state, coldkey, lock), 'CannotAffordLockCost');

  const startPrice = medianPrice(state, known);
  let netuid = 1;
  while (known.includes(netuid)) netuid++;
  initNetwork(context, netuid, context.newSubnetTempo ?? DEFAULT_TEMPO);
  const paid = payIntoSubnet(context, coldkey, netuid, lock);
  state.put(S.NetworkLastLockCost, [], paid);
  state.put(S.LastRateLimitedBlock, [LAST_REGISTERED], block);
  createHotkey(context, coldkey, hotkey);
  appendNeuron(context, netuid, hotkey);
  state.put(S.SubnetMechanism, [netuid], DYNAMIC);
  state.put(S.NetworkRegisteredAt, [netuid], block);
  state.put(S.RegisteredSubnetCounter, [netuid], state.get(S.RegisteredSubnetCounter, netuid) + 1n);
  // the whole lock becomes the pool's, at the median price of those before
  const least = state.get(S.NetworkMinLockCost);
  const pooled = paid > least ? paid : least;
  state.put(S.SubnetTAO, [netuid], pooled);
  state.put(S.SubnetAlphaIn, [netuid], U64F64.toU64(U64F64.div(U64F64.fromInteger(pooled), startPrice)));
  state.put(S.SubnetAlphaOut, [netuid], 0n);
  state.put(S.SubnetOwner, [netuid], coldkey);
  state.put(S.SubnetOwnerHotkey, [netuid], hotkey);
  context.emit({ pallet: 'SubtensorModule', name: 'SubnetOwnerHotkeySet', data: [netuid, hotkey] });
  state.put(S.SubnetLocked, [netuid], paid);
  state.put(S.TotalStake, [], state.get(S.TotalStake) + pooled);
  if (identity !== undefined) putSubnetIdentity(context, netuid, identity);
  linkRootValidators(context, netuid);
  context.emit({ pallet: 'SubtensorModule', name: 'NetworkAdded', data: [netuid, DYNAMIC] });
  // since June 2026 a new subnet gets TAO only after root enabled it
  state.put(S.SubnetEmissionEnabled, [netuid], false);
}

/** `init_new_network` */
function initNetwork({ state, block, emit }: BlockContext, netuid: number, tempo: number): void {
  state.put(S.SubnetworkN, [netuid], 0);
  state.put(S.NetworksAdded, [netuid], true);
  state.put(S.Tempo, [netuid], tempo);
  state.put(S.LastEpochBlock, [netuid], initialLastEpochBlock(netuid, tempo, block));
  state.put(S.TotalNetworks, [], state.get(S.TotalNetworks) + 1);
  state.put(S.NetworkRegistrationAllowed, [netuid], true);
  state.put(S.MaxAllowedUids, [netuid], 256);
  state.put(S.MaxAllowedValidators, [netuid], 64);
  state.put(S.MinAllowedWeights, [netuid], 1);
  state.put(S.ImmunityPeriod, [netuid], 5000);
  emit({ pallet: 'SubtensorModule', name: 'RegistrationAllowed', data: [netuid, true] });
  emit({ pallet: 'SubtensorModule', name: 'MaxAllowedUidsSet', data: [netuid, 256] });
  emit({ pallet: 'SubtensorModule', name: 'MaxAllowedValidatorsSet', data: [netuid, 64] });
  emit({ pallet: 'SubtensorModule', name: 'MinAllowedWeightSet', data: [netuid, 1] });
  emit({ pallet: 'SubtensorModule', name: 'ImmunityPeriodSet', data: [netuid, 5000] });
  state.put(S.Yuma3On, [netuid], true);
  state.put(S.Burn, [netuid], FIRST_BURN);
  state.put(S.Kappa, [netuid], state.get(S.Kappa, netuid));
  state.put(S.ActivityCutoff, [netuid], state.get(S.ActivityCutoff, netuid));
}

export function startCall({ netuid }: { readonly netuid: number }, context: CallContext): void {
  const { state, block } = context;
  ensure(state.get(S.NetworksAdded, netuid), 'SubnetNotExists');
  if (ensureSigned(context.origin) !== state.get(S.SubnetOwner, netuid)) throw badOrigin();
  ensure(!state.has(S.FirstEmissionBlockNumber, netuid), 'FirstEmissionBlockNumberAlreadySet');
  const earliest = state.get(S.NetworkRegisteredAt, netuid) + state.get(S.StartCallDelay);
  ensure(block >= earliest, 'NeedWaitingMoreBlocksToStarCall');
  state.put(S.FirstEmissionBlockNumber, [netuid], block + 1);
  state.put(S.SubtokenEnabled, [netuid], true);
  context.emit({
    pallet: 'SubtensorModule',
    name: 'FirstEmissionBlockNumberSet',
    data: [netuid, block + 1],
  });
}

/** One registration per NetworkRateLimit blocks on the whole chain. */
export function passesNetworkRateLimit(state: StateView, block: number): boolean {
  const limit = state.get(S.NetworkRateLimit);
  const last = state.get(S.LastRateLimitedBlock, LAST_REGISTERED);
  return limit === 0n || last === 0 || BigInt(block - last) >= limit;
}

/** `get_network_lock_cost`: twice the last one, falling by the interval (which shrinks as the block emission halves). */
export function lockCost(state: StateView, block: number): bigint {
  const last = state.get(S.NetworkLastLockCost);
  const lastBlock = state.get(S.LastRateLimitedBlock, LAST_REGISTERED);
  const emission = blockEmission(state.get(runtime.Balances.storage.TotalIssuance));
  const interval = (state.get(S.NetworkLockReductionInterval) * emission) / DEFAULT_BLOCK_EMISSION_RAO;
  const decay = interval === 0n ? 0n : (last / interval) * BigInt(block - lastBlock);
  const grown = last * (lastBlock === 0 ? 1n : 2n);
  const floor = state.get(S.NetworkMinLockCost);
  const cost = grown > decay ? grown - decay : 0n;
  return cost > floor ? cost : floor;
}
