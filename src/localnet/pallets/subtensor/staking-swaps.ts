// Owns: TAO into a subnet and out of it, and what that writes: pool, counters, flows (subtensor staking/stake_utils.rs,
// coinbase/tao.rs). Does not own: the pool's arithmetic (emissions/amm.ts), what a call must fulfil.
import { runtime } from '../../../chain/codec/runtime.js';
import {
  type Swap,
  type SwapOptions,
  swapAlphaForTao,
  swapFee,
  swapTaoForAlpha,
} from '../../../emissions/amm.js';
import { isAssayError } from '../../../model/errors.js';
import { type BlockContext, CallFailed, ensure, moduleError } from '../../dispatch.js';
import type { State, StateView } from '../../state.js';
import { canWithdraw, spendableAlive, transfer } from '../balances.js';
import { isStable, markSwapped, poolForSwap, putPool } from './pools.js';
import {
  addStakeTo,
  canAddStake,
  type Holding,
  palletAccount,
  subnetAccount,
  takeStakeFrom,
} from './staking.js';

const S = runtime.SubtensorModule.storage;
const { TotalIssuance } = runtime.Balances.storage;
const { FeeRate } = runtime.Swap.storage;
const U64_MAX = (1n << 64n) - 1n;
const MAX_INPUT_RESERVES = 1_000n;
/** a stable subnet's price, rao per alpha */
const PAR = 1_000_000_000n;

/** `DefaultMinStake`: 0.002 TAO */
export const MIN_STAKE = 2_000_000n;

/** How an order is filled. */
export interface Terms {
  /** rao per alpha @default the widest the chain knows */
  readonly limitPriceRao?: bigint;
  /** @default false */
  readonly dropFees?: boolean;
}

type Side = 'buy' | 'sell';

/**
 * The order as the pool would fill it now; nothing is written. A subnet without pool (root) swaps 1:1 without a fee.
 *
 * @throws CallFailed of pallet Swap: `SwapInputTooLarge`, `ReservesTooLow`, `PriceLimitExceeded`
 */
function quote(state: StateView, side: Side, netuid: number, amount: bigint, terms: Terms = {}): Swap {
  const pool = poolForSwap(state, netuid);
  if (isStable(state, netuid)) return atPar(pool, side, amount);
  const options: SwapOptions = {
    feeRate: terms.dropFees ? 0 : state.get(FeeRate, netuid),
    ...(terms.limitPriceRao === undefined ? {} : { limitPriceRao: terms.limitPriceRao }),
  };
  try {
    return (side === 'buy' ? swapTaoForAlpha : swapAlphaForTao)(pool, amount, options);
  } catch (error) {
    if (!isAssayError(error, 'chain-rejected')) throw error;
    throw moduleError('Swap', error.data.error as 'PriceLimitExceeded'); // one of the three above
  }
}

function atPar(pool: Swap['pool'], side: Side, amount: bigint): Swap {
  const less = (reserve: bigint): bigint => (reserve > amount ? reserve - amount : 0n);
  const after =
    side === 'buy'
      ? { taoRao: pool.taoRao + amount, alphaRao: less(pool.alphaRao) }
      : { taoRao: less(pool.taoRao), alphaRao: pool.alphaRao + amount };
  return { paidInRao: amount, feeRao: 0n, paidOutRao: amount, pool: { ...pool, ...after } };
}

/** `sim_swap`: undefined when the pool cannot take the order at all. */
export function simulate(state: StateView, side: Side, netuid: number, amount: bigint): Swap | undefined {
  try {
    return quote(state, side, netuid, amount);
  } catch (error) {
    if (error instanceof CallFailed) return undefined;
    throw error;
  }
}

/** What the least stake costs, its fee included (`validate_add_stake`). */
export function minimumBuy(state: StateView, netuid: number): bigint {
  const simulated = simulate(state, 'buy', netuid, MIN_STAKE)?.feeRao;
  if (simulated !== undefined) return MIN_STAKE + simulated;
  return MIN_STAKE + (isStable(state, netuid) ? 0n : swapFee(MIN_STAKE, state.get(FeeRate, netuid)));
}

/** `ensure_{add,remove}_stake_input_within_swap_limit` @throws CallFailed `InsufficientLiquidity` */
export const ensureWithinSwapLimit = (state: StateView, side: Side, netuid: number, amount: bigint): void =>
  ensure(isStable(state, netuid) || amount <= largestInput(state, side, netuid), 'InsufficientLiquidity');

function largestInput(state: StateView, side: Side, netuid: number): bigint {
  const reserve = state.get(side === 'buy' ? S.SubnetTAO : S.SubnetAlphaIn, netuid);
  const largest = reserve * MAX_INPUT_RESERVES;
  return largest > U64_MAX ? U64_MAX : largest;
}

/**
 * What can be spent before the price reaches the limit, fee included (`get_max_amount_add`, `get_max_amount_remove`).
 *
 * @throws CallFailed of pallet Swap: `PriceLimitExceeded` when it is there already, `ReservesTooLow`
 */
export function largestOrder(state: StateView, side: Side, netuid: number, limitPriceRao: bigint): bigint {
  if (isStable(state, netuid)) {
    const isOpen = side === 'buy' ? limitPriceRao >= PAR : limitPriceRao <= PAR;
    return isOpen ? U64_MAX : 0n;
  }
  const filled = quote(state, side, netuid, largestInput(state, side, netuid), { limitPriceRao });
  return filled.paidInRao + filled.feeRao;
}

/**
 * `transfer_tao_to_subnet`: the payer's account stays alive, so of all it has a little less is paid.
 *
 * @returns what was paid
 * @throws CallFailed `InsufficientBalance` when nothing can be
 */
export function payIntoSubnet(
  context: BlockContext,
  coldkey: string,
  netuid: number,
  amount: bigint,
): bigint {
  if (amount === 0n) return 0n;
  const spendable = spendableAlive(context.state, coldkey);
  const paid = amount < spendable ? amount : spendable;
  ensure(paid > 0n, 'InsufficientBalance');
  transfer(context, coldkey, subnetAccount(netuid), paid, true);
  return paid;
}

/** `transfer_tao`: the payer's account may die, and its dust leaves both counts of what is issued. */
export function moveTao(context: BlockContext, from: string, to: string, amount: bigint): void {
  const { state } = context;
  ensure(canWithdraw(state, from, amount), 'InsufficientBalance');
  const before = state.get(TotalIssuance);
  transfer(context, from, to, amount, false);
  const dust = before - state.get(TotalIssuance);
  if (dust > 0n) state.put(S.TotalIssuance, [], lessThan(state.get(S.TotalIssuance), dust));
}

/** `swap_tao_for_alpha`; of TAO that already lies in the subnet's account. */
export function buyAlpha(context: BlockContext, netuid: number, amount: bigint, terms: Terms = {}): Swap {
  const { state } = context;
  const swap = quote(state, 'buy', netuid, amount, terms);
  putReserves(state, netuid, swap);
  state.put(S.SubnetAlphaOut, [netuid], state.get(S.SubnetAlphaOut, netuid) + swap.paidOutRao);
  // of the whole amount, also where the pool took less of it
  state.put(S.TotalStake, [], state.get(S.TotalStake) + amount);
  state.put(S.SubnetVolume, [netuid], state.get(S.SubnetVolume, netuid) + amount);
  return swap;
}

/** `swap_alpha_for_tao`: the fee's alpha neither enters the pool nor leaves AlphaOut. */
function sellAlpha(context: BlockContext, netuid: number, amount: bigint, terms: Terms): Swap {
  const { state } = context;
  const swap = quote(state, 'sell', netuid, amount, terms);
  putReserves(state, netuid, swap);
  state.put(S.SubnetAlphaOut, [netuid], lessThan(state.get(S.SubnetAlphaOut, netuid), swap.paidInRao));
  state.put(S.TotalStake, [], lessThan(state.get(S.TotalStake), swap.paidOutRao));
  state.put(S.SubnetVolume, [netuid], state.get(S.SubnetVolume, netuid) + swap.paidOutRao);
  return swap;
}

function putReserves(state: State, netuid: number, { pool }: Swap): void {
  if (!isStable(state, netuid)) {
    putPool(state, netuid, pool);
    markSwapped(state, netuid);
    return;
  }
  state.put(S.SubnetTAO, [netuid], pool.taoRao);
  if (pool.alphaRao !== state.get(S.SubnetAlphaIn, netuid))
    state.put(S.SubnetAlphaIn, [netuid], pool.alphaRao);
}

/**
 * `stake_into_subnet`
 *
 * @returns the alpha, rao
 * @throws CallFailed `AmountTooLow`, `InsufficientLiquidity`, `InsufficientBalance`, or pallet Swap's
 */
export function stakeIntoSubnet(context: BlockContext, to: Holding, tao: bigint, terms: Terms = {}): bigint {
  const { state, block } = context;
  const { hotkey, coldkey, netuid } = to;
  const paid = payIntoSubnet(context, coldkey, netuid, tao);
  const swap = buyAlpha(context, netuid, paid, terms);
  ensure(swap.paidOutRao > 0n, 'AmountTooLow');
  ensure(canAddStake(state, hotkey, netuid, swap.paidOutRao), 'InsufficientLiquidity');
  addStakeTo(context, hotkey, coldkey, netuid, swap.paidOutRao);
  burnFee(context, netuid, swap.feeRao);
  recordFlow(state, netuid, swap.paidInRao);
  state.put(S.LastColdkeyHotkeyStakeBlock, [coldkey, hotkey], block);
  const data = [coldkey, hotkey, paid, swap.paidOutRao, netuid, swap.feeRao] as const;
  context.emit({ pallet: 'SubtensorModule', name: 'StakeAdded', data });
  return swap.paidOutRao;
}

/**
 * `unstake_from_subnet`: what the limit leaves unsold stays staked.
 *
 * @returns the TAO that the coldkey got, rao
 * @throws CallFailed of pallet Swap, or `Token.BelowMinimum` when that is too little for an account that does not exist
 */
export function unstakeFromSubnet(
  context: BlockContext,
  from: Holding,
  alpha: bigint,
  terms: Terms = {},
): bigint {
  const { state, block } = context;
  const { hotkey, coldkey, netuid } = from;
  takeStakeFrom(context, from, alpha);
  const swap = sellAlpha(context, netuid, alpha, terms);
  const unsold = lessThan(alpha, swap.paidInRao + swap.feeRao);
  if (unsold > 0n) addStakeTo(context, hotkey, coldkey, netuid, unsold);
  moveTao(context, subnetAccount(netuid), coldkey, swap.paidOutRao);
  recordFlow(state, netuid, -swap.paidOutRao);
  state.put(S.LastColdkeyHotkeyStakeBlock, [coldkey, hotkey], block);
  const data = [coldkey, hotkey, swap.paidOutRao, swap.paidInRao, netuid, swap.feeRao] as const;
  context.emit({ pallet: 'SubtensorModule', name: 'StakeRemoved', data });
  return swap.paidOutRao;
}

/** `record_tao_inflow`, `record_tao_outflow` */
export const recordFlow = (state: State, netuid: number, rao: bigint): void =>
  state.put(S.SubnetTaoFlow, [netuid], state.get(S.SubnetTaoFlow, netuid) + rao);

/**
 * The fee goes to the block's author, and a localnet's blocks have none: it goes where nobody can spend it (`burn_tao`).
 * What is too little to open that account stays where it is, as the chain forgives the failure.
 */
function burnFee(context: BlockContext, netuid: number, feeRao: bigint): void {
  try {
    moveTao(context, subnetAccount(netuid), palletAccount('burntnsr'), feeRao);
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
  }
}

const lessThan = (value: bigint, by: bigint): bigint => (value > by ? value - by : 0n);
