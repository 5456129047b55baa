// Owns: a hotkey's place, stake and settings passing to another of the same coldkey (subtensor swap/swap_hotkey.rs). Left
// out: conviction locks, voting power and root claims, which are not kept here.
import { runtime } from '../../../chain/codec/runtime.js';
import { publicKeyOf } from '../../../chain/codec/types.js';
import { compare } from '../../../model/bytes.js';
import { type BlockContext, type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { State, StateView } from '../../state.js';
import { canWithdraw, issue, spendableAlive } from '../balances.js';
import { moveLinks } from './children-links.js';
import { durationOf } from './durations.js';
import { mechanismIndices } from './mechanisms.js';
import {
  addStakeTo,
  allNetuids,
  hotkeyExists,
  isSubnetAccount,
  ownsHotkey,
  stakeOf,
  takeStakeFrom,
} from './staking.js';

const S = runtime.SubtensorModule.storage;
/** `KeySwapCost` and `KeySwapOnSubnetCost`: 0.1 and 0.001 TAO */
const COST = 100_000_000n;
const COST_ON_SUBNET = 1_000_000n;

interface Swap {
  readonly coldkey: string;
  readonly from: string;
  readonly to: string;
  /** stake, dividends and delegators stay with the old hotkey */
  readonly keepStake: boolean;
}

const lastTx = (who: string) => ({ type: 'LastTxBlock', value: [who] }) as const;
const lastTake = (who: string) => ({ type: 'LastTxBlockDelegateTake', value: [who] }) as const;
const lastChildkey = (who: string) => ({ type: 'LastTxBlockChildKeyTake', value: [who] }) as const;

/** On one subnet, or on all when `netuid` is undefined. */
export function swapHotkey(
  args: {
    readonly hotkey: string;
    readonly new_hotkey: string;
    readonly netuid: number | undefined;
    /** @default false, as the older call has it */
    readonly keep_stake?: boolean;
  },
  context: CallContext,
): void {
  const { hotkey: from, new_hotkey: to, netuid, keep_stake: keepStake = false } = args;
  const { state, block } = context;
  const coldkey = ensureSigned(context.origin);
  ensure(ownsHotkey(state, coldkey, from), 'NonAssociatedColdKey');
  ensure(!hotkeyExists(state, to) || ownsHotkey(state, coldkey, to), 'NonAssociatedColdKey');
  ensure(from !== to, 'NewHotKeyIsSameWithOld');
  const limit = state.get(S.TxRateLimit);
  const last = state.get(S.LastRateLimitedBlock, lastTx(coldkey));
  ensure(limit === 0n || last === 0 || BigInt(block - last) > limit, 'HotKeySetTxRateLimitExceeded');
  const places = netuid === undefined ? allNetuids(state) : [netuid];
  ensure(!places.some((place) => state.get(S.IsNetworkMember, to, place)), 'HotKeyAlreadyRegisteredInSubNet');
  const isCleanForRoot = !places.includes(0) || state.get(S.TotalHotkeyAlpha, to, 0) === 0n;
  ensure(isCleanForRoot, 'NewHotKeyNotCleanForRootSwap');
  for (const key of [lastTx, lastTake, lastChildkey]) copyLimit(state, key(from), key(to));
  const swap = { coldkey, from, to, keepStake };
  if (netuid === undefined) swapEverywhere(context, swap);
  else swapOnSubnet(context, swap, netuid);
  state.put(S.LastRateLimitedBlock, [lastTx(coldkey)], block);
}

/** `do_swap_hotkey` without a netuid. */
function swapEverywhere(context: BlockContext, swap: Swap): void {
  const { state, block } = context;
  const { coldkey, from, to } = swap;
  const affected = allNetuids(state).filter(
    (netuid) => state.get(S.IsNetworkMember, from, netuid) || state.get(S.ChildKeys, from, netuid).length > 0,
  );
  const interval = durationOf(state, 'hotkeySwap');
  for (const netuid of affected) {
    const last = state.get(S.LastHotkeySwapOnNetuid, netuid, coldkey);
    ensure(last === 0 || last + interval < block, 'HotKeySwapOnSubnetIntervalNotPassed');
  }
  recycleCost(context, coldkey, COST);
  swapAll(context, swap);
  for (const netuid of affected) state.put(S.LastHotkeySwapOnNetuid, [netuid, coldkey], block);
  const data = { coldkey, old_hotkey: from, new_hotkey: to };
  context.emit({ pallet: 'SubtensorModule', name: 'HotkeySwapped', data });
}

/** `perform_hotkey_swap_on_all_subnets` */
function swapAll(context: BlockContext, swap: Swap): void {
  const { state } = context;
  const { coldkey, from, to } = swap;
  const stakers = new Set(state.keys(S.AlphaV2, from).map(([, staker]) => staker));
  state.delete(S.Owner, from);
  ensure(!isSubnetAccount(to), 'CannotUseSystemAccount');
  state.put(S.Owner, [to], coldkey);
  const owned = state.get(S.OwnedHotkeys, coldkey);
  const withNew = owned.includes(to) ? owned : [...owned, to];
  state.put(
    S.OwnedHotkeys,
    [coldkey],
    withNew.filter((hotkey) => hotkey !== from),
  );
  for (const netuid of allNetuids(state)) swapOne(context, swap, netuid);
  for (const key of [lastTx, lastTake, lastChildkey]) state.delete(S.LastRateLimitedBlock, key(from));
  if (state.has(S.Delegates, from)) {
    state.put(S.Delegates, [to], state.get(S.Delegates, from));
    state.delete(S.Delegates, from);
  }
  if (swap.keepStake) return;
  for (const staker of stakers) {
    const staking = state.get(S.StakingHotkeys, staker);
    if (!staking.includes(from)) continue;
    const others = staking.filter((hotkey) => hotkey !== from && hotkey !== to);
    state.put(S.StakingHotkeys, [staker], [...others, to]);
  }
}

/** `swap_hotkey_on_subnet`: the old hotkey keeps its owner. On a chain younger than the interval it is too early. */
function swapOnSubnet(context: BlockContext, swap: Swap, netuid: number): void {
  const { state, block } = context;
  const { coldkey, from, to } = swap;
  const last = state.get(S.LastHotkeySwapOnNetuid, netuid, coldkey);
  ensure(last + durationOf(state, 'hotkeySwap') < block, 'HotKeySwapOnSubnetIntervalNotPassed');
  ensure(!isSubnetAccount(to), 'CannotUseSystemAccount');
  recycleCost(context, coldkey, COST_ON_SUBNET);
  state.put(S.Owner, [to], coldkey);
  const owned = state.get(S.OwnedHotkeys, coldkey);
  if (!owned.includes(to)) state.put(S.OwnedHotkeys, [coldkey], [...owned, to]);
  swapOne(context, swap, netuid);
  state.put(S.LastHotkeySwapOnNetuid, [netuid, coldkey], block);
  const data = { coldkey, old_hotkey: from, new_hotkey: to, netuid };
  context.emit({ pallet: 'SubtensorModule', name: 'HotkeySwappedOnSubnet', data });
}

/** `recycle_tao` of the price: it was never issued. */
function recycleCost(context: BlockContext, coldkey: string, cost: bigint): void {
  const { state } = context;
  ensure(canWithdraw(state, coldkey, cost), 'NotEnoughBalanceToPaySwapHotKey');
  ensure(cost <= spendableAlive(state, coldkey), 'InsufficientBalance');
  issue(context, coldkey, -cost);
  const issued = state.get(S.TotalIssuance);
  state.put(S.TotalIssuance, [], issued > cost ? issued - cost : 0n);
}

/** `perform_hotkey_swap_on_one_subnet` */
function swapOne(context: BlockContext, swap: Swap, netuid: number): void {
  const { state } = context;
  const { from, to } = swap;
  if (state.get(S.IsNetworkMember, from, netuid)) swapSeat(state, netuid, from, to);
  if (state.has(S.ChildkeyTake, from, netuid)) {
    state.put(S.ChildkeyTake, [to, netuid], state.get(S.ChildkeyTake, from, netuid));
    state.delete(S.ChildkeyTake, from, netuid);
  }
  moveLinks(state, netuid, from, to);
  if (state.has(S.AutoStakeDestinationColdkeys, from, netuid)) {
    const coldkeys = state.get(S.AutoStakeDestinationColdkeys, from, netuid);
    for (const coldkey of coldkeys) state.put(S.AutoStakeDestination, [coldkey, netuid], to);
    state.delete(S.AutoStakeDestinationColdkeys, from, netuid);
    state.put(S.AutoStakeDestinationColdkeys, [to, netuid], coldkeys);
  }
  if (state.get(S.SubnetOwnerHotkey, netuid) === from) {
    state.put(S.SubnetOwnerHotkey, [netuid], to);
    context.emit({ pallet: 'SubtensorModule', name: 'SubnetOwnerHotkeySet', data: [netuid, to] });
  }
  if (!swap.keepStake) swapStakeOn(context, netuid, from, to);
}

/** The uid, and what the neuron announced and committed. */
function swapSeat(state: State, netuid: number, from: string, to: string): void {
  state.delete(S.IsNetworkMember, from, netuid);
  state.put(S.IsNetworkMember, [to, netuid], true);
  const uid = state.get(S.Uids, netuid, from);
  if (uid !== undefined) {
    state.delete(S.Uids, netuid, from);
    state.put(S.Uids, [netuid, to], uid);
    state.put(S.Keys, [netuid, uid], to);
  }
  moveValue(state, S.Prometheus, [netuid, from], [netuid, to]);
  moveValue(state, S.Axons, [netuid, from], [netuid, to]);
  moveValue(state, S.NeuronCertificates, [netuid, from], [netuid, to]);
  for (const index of mechanismIndices(state, netuid))
    moveValue(state, S.WeightCommits, [index, from], [index, to]);
}

type OptionalItem =
  | typeof S.Prometheus
  | typeof S.Axons
  | typeof S.NeuronCertificates
  | typeof S.WeightCommits;

function moveValue(
  state: State,
  item: OptionalItem,
  from: readonly [number, string],
  to: readonly [number, string],
): void {
  const value = state.get(item as typeof S.Axons, ...from); // the value goes back where it came from, unread
  if (value === undefined) return;
  state.delete(item as typeof S.Axons, ...from);
  state.put(item as typeof S.Axons, to, value);
}

function swapStakeOn(context: BlockContext, netuid: number, from: string, to: string): void {
  const { state } = context;
  const lastEpoch = state.get(S.TotalHotkeyAlphaLastEpoch, from, netuid);
  if (lastEpoch > 0n) {
    state.delete(S.TotalHotkeyAlphaLastEpoch, from, netuid);
    const sum = state.get(S.TotalHotkeyAlphaLastEpoch, to, netuid) + lastEpoch;
    state.put(S.TotalHotkeyAlphaLastEpoch, [to, netuid], sum);
  }
  const dividend = state.get(S.AlphaDividendsPerSubnet, netuid, from);
  if (dividend > 0n) {
    state.delete(S.AlphaDividendsPerSubnet, netuid, from);
    const sum = state.get(S.AlphaDividendsPerSubnet, netuid, to) + dividend;
    state.put(S.AlphaDividendsPerSubnet, [netuid, to], sum);
  }
  for (const coldkey of stakersOf(state, from, netuid)) {
    const holding = { hotkey: from, coldkey, netuid };
    const alpha = stakeOf(state, holding);
    takeStakeFrom(context, holding, alpha);
    addStakeTo(context, to, coldkey, netuid, alpha);
  }
  if (netuid !== 0 || !state.has(S.AutoParentDelegationEnabled, from)) return;
  state.put(S.AutoParentDelegationEnabled, [to], state.get(S.AutoParentDelegationEnabled, from));
  state.delete(S.AutoParentDelegationEnabled, from);
}

const stakersOf = (state: StateView, hotkey: string, netuid: number): string[] =>
  state
    .keys(S.AlphaV2, hotkey)
    .filter(([, , place]) => place === netuid)
    .map(([, coldkey]) => coldkey)
    .sort((a, b) => compare(publicKeyOf(a), publicKeyOf(b)));

function copyLimit(
  state: State,
  from: Parameters<typeof S.LastRateLimitedBlock.key>[0] & object,
  to: Parameters<typeof S.LastRateLimitedBlock.key>[0] & object,
): void {
  const block = state.get(S.LastRateLimitedBlock, from);
  if (block > 0) state.put(S.LastRateLimitedBlock, [to], block);
}
