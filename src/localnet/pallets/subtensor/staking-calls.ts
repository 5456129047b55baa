// Owns: putting TAO into alpha, and destroying alpha (subtensor staking/{add_stake,recycle_alpha}.rs). Each call checks in
// the chain's order. Left out: conviction locks, so that all of a stake is available; pallet AlphaAssets' counters.
import { runtime } from '../../../chain/codec/runtime.js';
import type { Payee } from '../../../emissions/coinbase.js';
import { type BlockContext, type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { canWithdraw } from '../balances.js';
import {
  becomeDelegate,
  canAddStake,
  type Holding,
  hotkeyExists,
  ownerOf,
  stakeOf,
  takeStakeFrom,
} from './staking.js';
import {
  ensureWithinSwapLimit,
  largestOrder,
  MIN_STAKE,
  minimumBuy,
  simulate,
  stakeIntoSubnet,
} from './staking-swaps.js';

const S = runtime.SubtensorModule.storage;

interface AddStake {
  readonly hotkey: string;
  readonly netuid: number;
  readonly amount_staked: bigint;
}

interface DestroyAlpha {
  readonly hotkey: string;
  readonly amount: bigint;
  readonly netuid: number;
}

/** @returns the alpha, rao */
export function addStake({ hotkey, netuid, amount_staked: amount }: AddStake, context: CallContext): bigint {
  const { state } = context;
  const to = { hotkey, coldkey: ensureSigned(context.origin), netuid };
  ensureWithinSwapLimit(state, 'buy', netuid, amount);
  validateAddStake(state, to, amount, { largest: amount, allowPartial: false });
  return stakeIntoSubnet(context, to, amount);
}

/** @returns the alpha, rao */
export function addStakeLimit(
  args: AddStake & { readonly limit_price: bigint; readonly allow_partial: boolean },
  context: CallContext,
): bigint {
  const { state } = context;
  const { hotkey, netuid, amount_staked: amount, limit_price: limitPriceRao } = args;
  const to = { hotkey, coldkey: ensureSigned(context.origin), netuid };
  ensureWithinSwapLimit(state, 'buy', netuid, amount);
  const largest = largestOrder(state, 'buy', netuid, limitPriceRao);
  validateAddStake(state, to, amount, { largest, allowPartial: args.allow_partial });
  if (ownerOf(state, hotkey) !== to.coldkey) becomeDelegate(state, hotkey);
  return stakeIntoSubnet(context, to, amount < largest ? amount : largest, { limitPriceRao });
}

/** `validate_add_stake` */
function validateAddStake(
  state: StateView,
  { hotkey, coldkey, netuid }: Holding,
  asked: bigint,
  { largest, allowPartial }: { readonly largest: bigint; readonly allowPartial: boolean },
): void {
  ensure(state.get(S.NetworksAdded, netuid), 'SubnetNotExists');
  ensure(state.get(S.SubtokenEnabled, netuid), 'SubtokenDisabled');
  ensure(asked >= minimumBuy(state, netuid), 'AmountTooLow');
  ensure(allowPartial || asked <= largest, 'SlippageTooHigh');
  const amount = asked < largest ? asked : largest;
  ensure(canWithdraw(state, coldkey, amount), 'NotEnoughBalanceToStake');
  ensure(hotkeyExists(state, hotkey), 'HotKeyAccountNotExists');
  const offered = simulate(state, 'buy', netuid, amount);
  ensure(offered !== undefined, 'InsufficientLiquidity');
  ensure(offered.paidInRao >= MIN_STAKE, 'AmountTooLow');
  ensure(offered.paidOutRao > 0n, 'InsufficientLiquidity');
  ensure(canAddStake(state, hotkey, netuid, offered.paidOutRao), 'InsufficientLiquidity');
}

/** Out of AlphaOut as well, so that the subnet's emission curve rewinds. */
export function recycleAlpha(args: DestroyAlpha, context: CallContext): void {
  const { state } = context;
  const { holding, amount } = takeAlpha(args, context);
  const { hotkey, coldkey, netuid } = holding;
  if (amount > 0n) state.put(S.SubnetAlphaOut, [netuid], state.get(S.SubnetAlphaOut, netuid) - amount);
  context.emit({ pallet: 'SubtensorModule', name: 'AlphaRecycled', data: [coldkey, hotkey, amount, netuid] });
}

/** AlphaOut stays: the alpha is issued and nobody's. */
export function burnAlpha(args: DestroyAlpha, context: CallContext): void {
  const { holding, amount } = takeAlpha(args, context);
  const { hotkey, coldkey, netuid } = holding;
  context.emit({ pallet: 'SubtensorModule', name: 'AlphaBurned', data: [coldkey, hotkey, amount, netuid] });
}

/** What both have in common: more than there is means all of it. */
function takeAlpha(
  { hotkey, amount: asked, netuid }: DestroyAlpha,
  context: CallContext,
): { readonly holding: Holding; readonly amount: bigint } {
  const { state } = context;
  const holding = { hotkey, coldkey: ensureSigned(context.origin), netuid };
  ensure(state.get(S.NetworksAdded, netuid), 'SubnetNotExists');
  ensure(netuid !== 0, 'CannotBurnOrRecycleOnRootSubnet');
  ensure(state.get(S.SubtokenEnabled, netuid), 'SubtokenDisabled');
  ensure(hotkeyExists(state, hotkey), 'HotKeyAccountNotExists');
  const available = stakeOf(state, holding);
  const amount = asked < available ? asked : available;
  ensure(state.get(S.SubnetAlphaOut, netuid) >= amount, 'InsufficientLiquidity');
  takeStakeFrom(context, holding, amount);
  return { holding, amount };
}

/** Buys and burns in one call; with a limit it is all or nothing. */
export function addStakeBurn(
  args: {
    readonly hotkey: string;
    readonly netuid: number;
    readonly amount: bigint;
    readonly limit: bigint | undefined;
  },
  context: CallContext,
): void {
  const { hotkey, netuid, amount, limit } = args;
  const order = { hotkey, netuid, amount_staked: amount };
  const alpha =
    limit === undefined
      ? addStake(order, context)
      : addStakeLimit({ ...order, limit_price: limit, allow_partial: false }, context);
  burnAlpha({ hotkey, amount: alpha, netuid }, context);
  context.emit({ pallet: 'SubtensorModule', name: 'AddStakeBurn', data: { netuid, hotkey, amount, alpha } });
}

/** An event for each miner whose incentive, be it 0, goes to another hotkey (`distribute_dividends_and_incentives`). */
export function announceAutoStakes(
  { emit }: BlockContext,
  netuid: number,
  payees: readonly Payee[],
  subnetOwner: { readonly hotkey: string; readonly coldkey: string },
): void {
  for (const { hotkey, coldkey, autoStakeHotkey: destination, serverEmissionRao: incentive } of payees) {
    const isWithheld = hotkey === subnetOwner.hotkey || coldkey === subnetOwner.coldkey;
    if (destination === undefined || isWithheld) continue;
    const data = { netuid, destination, hotkey, owner: coldkey, incentive };
    emit({ pallet: 'SubtensorModule', name: 'AutoStakeAdded', data });
  }
}

/** Where the incentive of this coldkey's miners on a subnet is staked. */
export function setAutoStakeHotkey(
  { netuid, hotkey }: { readonly netuid: number; readonly hotkey: string },
  context: CallContext,
): void {
  const { state } = context;
  const coldkey = ensureSigned(context.origin);
  ensure(state.get(S.NetworksAdded, netuid), 'SubnetNotExists');
  ensure(state.has(S.Uids, netuid, hotkey), 'HotKeyNotRegisteredInSubNet');
  const current = state.get(S.AutoStakeDestination, coldkey, netuid);
  ensure(current !== hotkey, 'SameAutoStakeHotkeyAlreadySet');
  if (current !== undefined) {
    const others = state.get(S.AutoStakeDestinationColdkeys, current, netuid);
    state.put(
      S.AutoStakeDestinationColdkeys,
      [current, netuid],
      others.filter((each) => each !== coldkey),
    );
  }
  state.put(S.AutoStakeDestination, [coldkey, netuid], hotkey);
  const coldkeys = state.get(S.AutoStakeDestinationColdkeys, hotkey, netuid);
  if (!coldkeys.includes(coldkey))
    state.put(S.AutoStakeDestinationColdkeys, [hotkey, netuid], [...coldkeys, coldkey]);
  context.emit({
    pallet: 'SubtensorModule',
    name: 'AutoStakeDestinationSet',
    data: { coldkey, netuid, hotkey },
  });
}
