// Owns: alpha stake as shares of a hotkey's pool, and buying it. Does not own: the pool's arithmetic (emissions/amm.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import { addressOf } from '../../../chain/codec/types.js';
import { type Swap, swapFee, swapTaoForAlpha } from '../../../emissions/amm.js';
import { concat, u16le, utf8 } from '../../../model/bytes.js';
import { isAssayError } from '../../../model/errors.js';
import { type BlockContext, type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { canWithdraw, issue, transfer } from '../balances.js';
import { isStable, markSwapped, poolForSwap, putPool } from './pools.js';

const S = runtime.SubtensorModule.storage;
const { FeeRate } = runtime.Swap.storage;
/** `DefaultMinStake`: 0.002 TAO */
const MIN_STAKE = 2_000_000n;
/** U64F64 */
const ONE_SHARE = 1n << 64n;

export const ownerOf = (state: StateView, hotkey: string): string => state.get(S.Owner, hotkey);
export const hotkeyExists = (state: StateView, hotkey: string): boolean => state.has(S.Owner, hotkey);

/** The account that holds a subnet's TAO: `PalletId(*b"subtensr").into_sub_account_truncating(netuid)`. */
export function subnetAccount(netuid: number): string {
  const seed = concat(utf8('modlsubtensr'), u16le(netuid));
  return addressOf(concat(seed, new Uint8Array(32 - seed.length)));
}

/** Adds alpha to one staker; the others keep theirs. */
export function addStakeTo(
  { state }: BlockContext,
  hotkey: string,
  coldkey: string,
  netuid: number,
  amount: bigint,
): void {
  const alpha = state.get(S.TotalHotkeyAlpha, hotkey, netuid);
  const total = state.get(S.TotalHotkeyShares, hotkey, netuid);
  const shares = total === 0n || alpha === 0n ? amount * ONE_SHARE : (amount * total) / alpha;
  state.put(S.TotalHotkeyAlpha, [hotkey, netuid], alpha + amount);
  state.put(S.TotalHotkeyShares, [hotkey, netuid], total + shares);
  state.put(S.Alpha, [hotkey, coldkey, netuid], state.get(S.Alpha, hotkey, coldkey, netuid) + shares);
  const staking = state.get(S.StakingHotkeys, coldkey);
  if (!staking.includes(hotkey)) state.put(S.StakingHotkeys, [coldkey], [...staking, hotkey]);
}

/** Adds alpha to all who stake on `hotkey`, pro rata: the shares stay, their worth grows. */
export function addToPool({ state }: BlockContext, hotkey: string, netuid: number, amount: bigint): boolean {
  if (state.get(S.TotalHotkeyShares, hotkey, netuid) === 0n) return false;
  state.put(S.TotalHotkeyAlpha, [hotkey, netuid], state.get(S.TotalHotkeyAlpha, hotkey, netuid) + amount);
  return true;
}

/** `create_account_if_non_existent` */
export function createHotkey({ state }: BlockContext, coldkey: string, hotkey: string): void {
  if (hotkeyExists(state, hotkey)) return;
  state.put(S.Owner, [hotkey], coldkey);
  state.put(S.OwnedHotkeys, [coldkey], [...state.get(S.OwnedHotkeys, coldkey), hotkey]);
}

/**
 * Moves the TAO in and the alpha out, as `swap_tao_for_alpha`; a subnet without pool (root) swaps 1:1. The fee, and what
 * the pool did not take, stay with the subnet's account.
 */
export function buyAlpha(context: BlockContext, coldkey: string, netuid: number, amount: bigint): Swap {
  const { state } = context;
  const swap = simulateBuy(state, netuid, amount);
  transfer(context, coldkey, subnetAccount(netuid), amount, true);
  if (isStable(state, netuid)) state.put(S.SubnetTAO, [netuid], swap.pool.taoRao);
  else {
    putPool(state, netuid, swap.pool);
    markSwapped(state, netuid);
  }
  state.put(S.SubnetAlphaOut, [netuid], state.get(S.SubnetAlphaOut, netuid) + swap.paidOutRao);
  // of the whole amount, also where the pool took less of it
  state.put(S.TotalStake, [], state.get(S.TotalStake) + amount);
  state.put(S.SubnetVolume, [netuid], state.get(S.SubnetVolume, netuid) + amount);
  return swap;
}

/** @throws CallFailed `InsufficientLiquidity` */
function simulateBuy(state: StateView, netuid: number, amount: bigint): Swap {
  const pool = poolForSwap(state, netuid);
  if (isStable(state, netuid))
    return {
      paidInRao: amount,
      feeRao: 0n,
      paidOutRao: amount,
      pool: { ...pool, taoRao: pool.taoRao + amount },
    };
  let swap: Swap | undefined;
  try {
    swap = swapTaoForAlpha(pool, amount, { feeRate: feeRateOf(state, netuid) });
  } catch (error) {
    if (!isAssayError(error, 'chain-rejected')) throw error; // whichever it is, the pool cannot fill the order
  }
  ensure(swap !== undefined, 'InsufficientLiquidity');
  return swap;
}

const feeRateOf = (state: StateView, netuid: number): number => state.get(FeeRate, netuid);

/** Checks in the order of `validate_add_stake` (subtensor staking/stake_utils.rs). */
export function addStake(
  args: { readonly hotkey: string; readonly netuid: number; readonly amount_staked: bigint },
  context: CallContext,
): void {
  const { state } = context;
  const coldkey = ensureSigned(context.origin);
  const { hotkey, netuid, amount_staked: amount } = args;
  ensure(state.get(S.NetworksAdded, netuid), 'SubnetNotExists');
  ensure(state.get(S.SubtokenEnabled, netuid), 'SubtokenDisabled');
  const fee = isStable(state, netuid) ? 0n : swapFee(MIN_STAKE, feeRateOf(state, netuid));
  ensure(amount >= MIN_STAKE + fee, 'AmountTooLow');
  ensure(canWithdraw(state, coldkey, amount), 'NotEnoughBalanceToStake');
  ensure(hotkeyExists(state, hotkey), 'HotKeyAccountNotExists');
  const offered = simulateBuy(state, netuid, amount);
  ensure(offered.paidInRao >= MIN_STAKE, 'AmountTooLow');
  ensure(offered.paidOutRao > 0n, 'InsufficientLiquidity');
  const swap = buyAlpha(context, coldkey, netuid, amount);
  addStakeTo(context, hotkey, coldkey, netuid, swap.paidOutRao);
  // the fee goes to the block's author, and a localnet's blocks have none: it is burned (`stake_into_subnet`)
  if (swap.feeRao > 0n) issue(context, subnetAccount(netuid), -swap.feeRao);
  const data = [coldkey, hotkey, amount, swap.paidOutRao, netuid, swap.feeRao] as const;
  context.emit({ pallet: 'SubtensorModule', name: 'StakeAdded', data });
}
