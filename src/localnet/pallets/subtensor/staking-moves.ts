// Owns: alpha from one hotkey, coldkey or subnet to another (subtensor staking/move_stake.rs). Each call checks in the
// chain's order. Left out: conviction locks, which would hold some of it back or move with it.
import { runtime } from '../../../chain/codec/runtime.js';
import { U64F64 } from '../../../emissions/fixed.js';
import { type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { isStable, priceOf } from './pools.js';
import {
  addStakeTo,
  becomeDelegate,
  type Holding,
  hotkeyExists,
  ownerOf,
  stakeOf,
  takeStakeFrom,
} from './staking.js';
import {
  largestOrder,
  MIN_STAKE,
  moveTao,
  simulate,
  stakeIntoSubnet,
  unstakeFromSubnet,
} from './staking-swaps.js';

const S = runtime.SubtensorModule.storage;
const TAO = U64F64.fromInteger(1_000_000_000n);
const U64_MAX = (1n << 64n) - 1n;

interface BetweenSubnets {
  readonly origin_netuid: number;
  readonly destination_netuid: number;
  readonly alpha_amount: bigint;
}

interface Transition {
  readonly from: Holding;
  readonly to: Holding;
  /** more than there is means all of it */
  readonly alphaRao: bigint;
  readonly limit?: { readonly priceRao: bigint; readonly allowPartial: boolean };
  /** whether both subnets must allow transfers */
  readonly isTransfer?: boolean;
}

/** To another hotkey, for the same coldkey. */
export function moveStake(
  args: BetweenSubnets & { readonly origin_hotkey: string; readonly destination_hotkey: string },
  context: CallContext,
): void {
  const coldkey = ensureSigned(context.origin);
  const { origin_hotkey, destination_hotkey, origin_netuid, destination_netuid } = args;
  const tao = transition(context, {
    from: { hotkey: origin_hotkey, coldkey, netuid: origin_netuid },
    to: { hotkey: destination_hotkey, coldkey, netuid: destination_netuid },
    alphaRao: args.alpha_amount,
  });
  const data = [coldkey, origin_hotkey, origin_netuid, destination_hotkey, destination_netuid, tao] as const;
  context.emit({ pallet: 'SubtensorModule', name: 'StakeMoved', data });
}

/** To another coldkey, on the same hotkey. */
export function transferStake(
  args: BetweenSubnets & { readonly destination_coldkey: string; readonly hotkey: string },
  context: CallContext,
): void {
  const coldkey = ensureSigned(context.origin);
  const { destination_coldkey, hotkey, origin_netuid, destination_netuid } = args;
  const tao = transition(context, {
    from: { hotkey, coldkey, netuid: origin_netuid },
    to: { hotkey, coldkey: destination_coldkey, netuid: destination_netuid },
    alphaRao: args.alpha_amount,
    isTransfer: true,
  });
  const data = [coldkey, destination_coldkey, hotkey, origin_netuid, destination_netuid, tao] as const;
  context.emit({ pallet: 'SubtensorModule', name: 'StakeTransferred', data });
}

/** To another subnet, for the same keys; `limit_price` is of the origin's alpha in the destination's, ×10^9. */
export function swapStake(
  args: BetweenSubnets & {
    readonly hotkey: string;
    readonly limit_price?: bigint;
    readonly allow_partial?: boolean;
  },
  context: CallContext,
): void {
  const coldkey = ensureSigned(context.origin);
  const { hotkey, origin_netuid, destination_netuid, limit_price, allow_partial = false } = args;
  const limit =
    limit_price === undefined ? {} : { limit: { priceRao: limit_price, allowPartial: allow_partial } };
  const tao = transition(context, {
    from: { hotkey, coldkey, netuid: origin_netuid },
    to: { hotkey, coldkey, netuid: destination_netuid },
    alphaRao: args.alpha_amount,
    ...limit,
  });
  const data = [coldkey, hotkey, origin_netuid, destination_netuid, tao] as const;
  context.emit({ pallet: 'SubtensorModule', name: 'StakeSwapped', data });
}

/** `transition_stake_internal` @returns what was moved, in TAO */
function transition(context: CallContext, asked: Transition): bigint {
  const { state } = context;
  const { from, to, limit } = asked;
  const available = stakeOf(state, from);
  const alphaRao = asked.alphaRao < available ? asked.alphaRao : available;
  const largest =
    from.netuid !== to.netuid && limit !== undefined
      ? largestMove(state, from.netuid, to.netuid, limit.priceRao)
      : alphaRao;
  validateTransition(state, { ...asked, alphaRao }, largest);
  const moved = alphaRao < largest ? alphaRao : largest;
  return from.netuid === to.netuid
    ? moveWithinSubnet(context, from, to, moved)
    : moveBetweenSubnets(context, from, to, moved);
}

/** `validate_stake_transition` */
function validateTransition(state: StateView, asked: Transition, largest: bigint): void {
  const { from, to, alphaRao, limit, isTransfer = false } = asked;
  const isSameSubnet = from.netuid === to.netuid;
  const isSameHolder = from.coldkey === to.coldkey && from.hotkey === to.hotkey;
  ensure(!isSameHolder || !isSameSubnet, 'SameNetuid');
  ensure(state.get(S.NetworksAdded, from.netuid), 'SubnetNotExists');
  ensure(state.get(S.NetworksAdded, to.netuid), 'SubnetNotExists');
  ensure(state.get(S.SubtokenEnabled, from.netuid), 'SubtokenDisabled');
  ensure(state.get(S.SubtokenEnabled, to.netuid), 'SubtokenDisabled');
  ensure(hotkeyExists(state, from.hotkey), 'HotKeyAccountNotExists');
  ensure(hotkeyExists(state, to.hotkey), 'HotKeyAccountNotExists');
  ensure(alphaRao <= stakeOf(state, from), 'NotEnoughStakeToWithdraw');
  if (!isSameSubnet) {
    const offered = simulate(state, 'sell', from.netuid, alphaRao);
    ensure(offered !== undefined, 'InsufficientLiquidity');
    ensure(offered.paidOutRao > MIN_STAKE, 'AmountTooLow');
    ensure(limit?.allowPartial !== false || alphaRao <= largest, 'SlippageTooHigh');
  }
  if (!isTransfer) return;
  ensure(state.get(S.TransferToggle, from.netuid), 'TransferDisallowed');
  ensure(state.get(S.TransferToggle, to.netuid), 'TransferDisallowed');
}

/** One fee for both swaps: where it can be of alpha it is, and of TAO only when the alpha comes from root. */
function moveBetweenSubnets(context: CallContext, from: Holding, to: Holding, alpha: bigint): bigint {
  const isFromRoot = from.netuid === 0;
  const tao = unstakeFromSubnet(context, from, alpha, { dropFees: isFromRoot });
  if (from.coldkey !== to.coldkey) moveTao(context, from.coldkey, to.coldkey, tao);
  if (tao < MIN_STAKE) return tao; // it stays free TAO
  if (ownerOf(context.state, to.hotkey) !== to.coldkey) becomeDelegate(context.state, to.hotkey);
  stakeIntoSubnet(context, to, tao, { dropFees: !isFromRoot });
  return tao;
}

/** `transfer_stake_within_subnet`: no swap and no fee, and the events tell TAO at the present price. */
function moveWithinSubnet(context: CallContext, from: Holding, to: Holding, alpha: bigint): bigint {
  const { state, block } = context;
  const { netuid } = from;
  takeStakeFrom(context, from, alpha);
  addStakeTo(context, to.hotkey, to.coldkey, netuid, alpha);
  const tao = U64F64.toU64(U64F64.mul(priceOf(state, netuid), U64F64.fromInteger(alpha)));
  ensure(tao >= MIN_STAKE, 'AmountTooLow');
  state.put(S.LastColdkeyHotkeyStakeBlock, [to.coldkey, to.hotkey], block);
  for (const [name, who] of [
    ['StakeRemoved', from],
    ['StakeAdded', to],
  ] as const)
    context.emit({
      pallet: 'SubtensorModule',
      name,
      data: [who.coldkey, who.hotkey, tao, alpha, netuid, 0n],
    });
  return tao;
}

/**
 * How much may move before the origin's alpha is worth less than the limit in the destination's (`get_max_amount_move`).
 * Between two pools it is an estimate that knows nothing of their weights.
 *
 * @throws CallFailed as `largestOrder`
 */
function largestMove(state: StateView, from: number, to: number, limitPriceRao: bigint): bigint {
  const [isFromStable, isToStable] = [isStable(state, from), isStable(state, to)];
  if (isFromStable && isToStable) return limitPriceRao > 1_000_000_000n ? 0n : U64_MAX;
  if (isFromStable) {
    if (limitPriceRao === 0n) return U64_MAX;
    const inverse = U64F64.mul(U64F64.div(TAO, U64F64.fromInteger(limitPriceRao)), TAO);
    return largestOrder(state, 'buy', to, U64F64.toU64(inverse));
  }
  if (isToStable) return largestOrder(state, 'sell', from, limitPriceRao);
  return largestMoveBetweenPools(state, from, to, limitPriceRao);
}

function largestMoveBetweenPools(state: StateView, from: number, to: number, limitPriceRao: bigint): bigint {
  const reserve = (item: typeof S.SubnetTAO, netuid: number): bigint =>
    U64F64.fromInteger(state.get(item, netuid));
  const [tao1, tao2] = [reserve(S.SubnetTAO, from), reserve(S.SubnetTAO, to)];
  const [alpha1, alpha2] = [reserve(S.SubnetAlphaIn, from), reserve(S.SubnetAlphaIn, to)];
  if (tao1 === 0n || tao2 === 0n || alpha1 === 0n || alpha2 === 0n) return 0n;
  const limit = U64F64.div(U64F64.fromInteger(limitPriceRao), TAO);
  if (limit > U64F64.div(priceOf(state, from), priceOf(state, to))) return 0n;
  if (limitPriceRao === 0n) return U64_MAX;
  const sum = U64F64.add(tao1, tao2);
  const reached = U64F64.div(U64F64.mul(alpha2, U64F64.div(tao1, sum)), limit);
  return U64F64.toU64(U64F64.sub(reached, U64F64.mul(alpha1, U64F64.div(tao2, sum))));
}
