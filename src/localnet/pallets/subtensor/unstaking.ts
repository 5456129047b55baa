// Owns: selling alpha for TAO (subtensor staking/remove_stake.rs). Each call checks in the chain's order. Left out:
// conviction locks, so that all of a stake is available.
import { runtime } from '../../../chain/codec/runtime.js';
import { type CallContext, CallFailed, ensure, ensureSigned } from '../../dispatch.js';
import type { State, StateView } from '../../state.js';
import { priceOf } from './pools.js';
import {
  allNetuids,
  type Holding,
  hotkeyExists,
  ownsHotkey,
  stakeOf,
  takeStakeFrom,
  totalStakeOf,
} from './staking.js';
import {
  ensureWithinSwapLimit,
  largestOrder,
  MIN_STAKE,
  simulate,
  stakeIntoSubnet,
  unstakeFromSubnet,
} from './staking-swaps.js';

const S = runtime.SubtensorModule.storage;

interface RemoveStake {
  readonly hotkey: string;
  readonly netuid: number;
  readonly amount_unstaked: bigint;
}

/** More than there is means all of it. */
export function removeStake({ hotkey, netuid, amount_unstaked }: RemoveStake, context: CallContext): void {
  const { state } = context;
  const from = { hotkey, coldkey: ensureSigned(context.origin), netuid };
  ensure(state.get(S.SubtokenEnabled, netuid), 'SubtokenDisabled');
  const available = stakeOf(state, from);
  const amount = amount_unstaked < available ? amount_unstaked : available;
  ensureWithinSwapLimit(state, 'sell', netuid, amount);
  validateRemoveStake(state, from, amount);
  unstakeFromSubnet(context, from, amount);
  afterUnstaking(context, from);
}

/** More than there is fails here, and a subnet that was not started sells as well: as the chain has it. */
export function removeStakeLimit(
  args: RemoveStake & { readonly limit_price: bigint; readonly allow_partial: boolean },
  context: CallContext,
): void {
  const { state } = context;
  const { hotkey, netuid, amount_unstaked: amount, limit_price: limitPriceRao } = args;
  const from = { hotkey, coldkey: ensureSigned(context.origin), netuid };
  ensureWithinSwapLimit(state, 'sell', netuid, amount);
  const largest = largestOrder(state, 'sell', netuid, limitPriceRao);
  validateRemoveStake(state, from, amount, { largest, allowPartial: args.allow_partial });
  unstakeFromSubnet(context, from, amount < largest ? amount : largest, { limitPriceRao });
  afterUnstaking(context, from);
}

export function removeStakeFullLimit(
  args: { readonly hotkey: string; readonly netuid: number; readonly limit_price: bigint | undefined },
  context: CallContext,
): void {
  const { hotkey, netuid, limit_price } = args;
  const coldkey = ensureSigned(context.origin);
  const order = { hotkey, netuid, amount_unstaked: stakeOf(context.state, { hotkey, coldkey, netuid }) };
  if (limit_price === undefined) removeStake(order, context);
  else removeStakeLimit({ ...order, limit_price, allow_partial: false }, context);
}

/** Everything on every subnet, root too; what cannot be sold stays, and nothing to sell is no failure. */
export function unstakeAll({ hotkey }: { readonly hotkey: string }, context: CallContext): void {
  const coldkey = ensureSigned(context.origin);
  ensure(hotkeyExists(context.state, hotkey), 'HotKeyAccountNotExists');
  for (const netuid of allNetuids(context.state)) sellWhole(context, { hotkey, coldkey, netuid });
}

/** Everything but root's, which it becomes. @throws CallFailed `AmountTooLow` when there was nothing to sell */
export function unstakeAllAlpha({ hotkey }: { readonly hotkey: string }, context: CallContext): void {
  const coldkey = ensureSigned(context.origin);
  ensure(hotkeyExists(context.state, hotkey), 'HotKeyAccountNotExists');
  let tao = 0n;
  for (const netuid of allNetuids(context.state))
    if (netuid !== 0) tao += sellWhole(context, { hotkey, coldkey, netuid });
  stakeIntoSubnet(context, { hotkey, coldkey, netuid: 0 }, tao);
}

/** @returns the TAO, 0 where nothing could be sold */
function sellWhole(context: CallContext, from: Holding): bigint {
  const { state } = context;
  if (!state.get(S.SubtokenEnabled, from.netuid)) return 0n;
  const alpha = stakeOf(state, from);
  if (alpha === 0n || simulate(state, 'sell', from.netuid, alpha) === undefined) return 0n;
  const tao = unstakeFromSubnet(context, from, alpha);
  clearSmallNomination(context, from);
  return tao;
}

/** `validate_remove_stake` */
function validateRemoveStake(
  state: StateView,
  from: Holding,
  amount: bigint,
  { largest, allowPartial } = { largest: amount, allowPartial: false },
): void {
  ensure(state.get(S.NetworksAdded, from.netuid), 'SubnetNotExists');
  ensure(amount > 0n, 'AmountTooLow');
  const available = stakeOf(state, from);
  ensure(available >= amount, 'NotEnoughStakeToWithdraw');
  const offered = simulate(state, 'sell', from.netuid, amount);
  ensure(offered !== undefined, 'InsufficientLiquidity');
  ensure(available === amount || offered.paidOutRao >= MIN_STAKE, 'AmountTooLow');
  ensure(allowPartial || amount <= largest, 'SlippageTooHigh');
  ensure(hotkeyExists(state, from.hotkey), 'HotKeyAccountNotExists');
}

function afterUnstaking(context: CallContext, from: Holding): void {
  clearSmallNomination(context, from);
  dropPendingChildren(context.state, from.hotkey);
}

/** Who has not the stake to set children any more does not get those that wait. */
function dropPendingChildren(state: State, hotkey: string): void {
  if (totalStakeOf(state, hotkey) >= state.get(S.StakeThreshold)) return;
  for (const netuid of allNetuids(state)) state.delete(S.PendingChildKeys, netuid, hotkey);
}

/**
 * What is too little for a nominator is sold, and where it cannot be sold it is gone
 * (`clear_small_nomination_if_required`). With `NominatorMinRequiredStake` at its default of 0 nothing is.
 */
export function clearSmallNomination(context: CallContext, holding: Holding): void {
  const { state } = context;
  const { hotkey, coldkey, netuid } = holding;
  const factor = state.get(S.NominatorMinRequiredStake);
  const price = priceOf(state, netuid);
  if (factor === 0n || price === 0n || ownsHotkey(state, coldkey, hotkey)) return;
  const least = (((MIN_STAKE * factor) / 1_000_000n) << 64n) / price;
  const left = stakeOf(state, holding);
  if (left === 0n || left >= least) return;
  try {
    unstakeFromSubnet(context, holding, left);
  } catch (error) {
    // too little for the pool, or to open the account that it is paid to: what was done of it stays done, as there
    if (!(error instanceof CallFailed)) throw error;
    takeStakeFrom(context, holding, stakeOf(state, holding));
  }
}
