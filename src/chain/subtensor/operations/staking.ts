// Owns: stake in and out, and between keys and subnets; recycling and burning of alpha. Does not own: children, takes
// (delegation.ts). Amounts of TAO and of alpha are in rao; prices in rao of TAO for one alpha.
import {
  canPay,
  holdsAnyStake,
  holdsStake,
  hotkeyExists,
  isEnabled,
  notRoot,
  priceWithin,
  subnetExists,
} from './checks.js';
import {
  type Check,
  emitted,
  type Operation,
  SIGNER,
  type State,
  SUBTENSOR,
  subtensorCall,
} from './operation.js';

/** A price that a trade may not pass. */
export interface PriceLimit {
  readonly limitPriceRao: bigint;
  /** serve what the limit allows rather than nothing @default false */
  readonly allowPartial?: boolean;
}

const started = (netuid: number): readonly Check[] =>
  netuid === 0 ? [] : [isEnabled('SubtokenEnabled', netuid, 'SubtokenDisabled', 'trading has not begun')];

const leastStake = (state: State): bigint | undefined => {
  const least = state.constant(SUBTENSOR, 'InitialMinStake');
  return least === undefined ? undefined : BigInt(least as number);
};

/** InitialMinStake is 0.002 TAO; the swap's fee, which comes on top, only the chain knows. */
const enough =
  (amountRao: bigint): Check =>
  async (state) => {
    const least = leastStake(state);
    if (least === undefined || amountRao >= least) return undefined;
    return { error: 'AmountTooLow', detail: `${amountRao} rao, the least is ${least}` };
  };

/**
 * `validate_add_stake` of staking/stake_utils.rs.
 * @param isPartial a price limit may leave less to be paid than `amountRao`, though no less than the smallest stake
 */
const stakeChecks = (
  netuid: number,
  hotkey: string,
  amountRao: bigint,
  isPartial = false,
): readonly Check[] => [
  subnetExists(netuid),
  ...started(netuid),
  enough(amountRao),
  canPay(isPartial ? async (state) => leastStake(state) ?? 0n : amountRao, 'NotEnoughBalanceToStake'),
  hotkeyExists(hotkey),
];

// not TotalHotkeyAlpha: others may add to it or take from it in the same block
const stakeEffects = (netuid: number, hotkey: string) => [
  emitted('StakeAdded', [SIGNER, hotkey, undefined, undefined, netuid]),
];

export const addStake = (netuid: number, hotkey: string, amountRao: bigint): Operation =>
  subtensorCall(
    'add_stake',
    { hotkey, netuid, amount_staked: amountRao },
    { checks: stakeChecks(netuid, hotkey, amountRao), effects: stakeEffects(netuid, hotkey) },
  );

export const addStakeLimit = (
  netuid: number,
  hotkey: string,
  amountRao: bigint,
  { limitPriceRao, allowPartial = false }: PriceLimit,
): Operation =>
  subtensorCall(
    'add_stake_limit',
    { hotkey, netuid, amount_staked: amountRao, limit_price: limitPriceRao, allow_partial: allowPartial },
    {
      checks: [
        ...stakeChecks(netuid, hotkey, amountRao, allowPartial),
        priceWithin(netuid, limitPriceRao, 'buy'),
      ],
      effects: stakeEffects(netuid, hotkey),
    },
  );

/** `validate_remove_stake`. */
const unstakeChecks = (netuid: number, hotkey: string, alphaRao: bigint): readonly Check[] => [
  subnetExists(netuid),
  hotkeyExists(hotkey),
  async () =>
    alphaRao === 0n ? { error: 'AmountTooLow', detail: 'nothing is to be taken away' } : undefined,
  holdsStake(hotkey, netuid, alphaRao),
];

// not TotalHotkeyAlpha: an epoch in the same block may have given more than was taken
const unstakeEffects = (hotkey: string, netuid?: number) => [
  emitted('StakeRemoved', [SIGNER, hotkey, undefined, undefined, netuid]),
];

export const removeStake = (netuid: number, hotkey: string, alphaRao: bigint): Operation =>
  subtensorCall(
    'remove_stake',
    { hotkey, netuid, amount_unstaked: alphaRao },
    { checks: unstakeChecks(netuid, hotkey, alphaRao), effects: unstakeEffects(hotkey, netuid) },
  );

export const removeStakeLimit = (
  netuid: number,
  hotkey: string,
  alphaRao: bigint,
  { limitPriceRao, allowPartial = false }: PriceLimit,
): Operation =>
  subtensorCall(
    'remove_stake_limit',
    { hotkey, netuid, amount_unstaked: alphaRao, limit_price: limitPriceRao, allow_partial: allowPartial },
    {
      checks: [...unstakeChecks(netuid, hotkey, alphaRao), priceWithin(netuid, limitPriceRao, 'sell')],
      effects: unstakeEffects(hotkey, netuid),
    },
  );

/** All of one subnet. @param limitPriceRao none: at any price */
export const removeAllStake = (netuid: number, hotkey: string, limitPriceRao?: bigint): Operation =>
  subtensorCall(
    'remove_stake_full_limit',
    { hotkey, netuid, limit_price: limitPriceRao },
    {
      checks: [
        subnetExists(netuid),
        hotkeyExists(hotkey),
        holdsAnyStake(hotkey, (of) => of === netuid),
        ...(limitPriceRao === undefined ? [] : [priceWithin(netuid, limitPriceRao, 'sell')]),
      ],
      effects: unstakeEffects(hotkey, netuid),
    },
  );

/** All of every subnet, root included, to the coldkey's balance. */
export const unstakeAll = (hotkey: string): Operation =>
  subtensorCall(
    'unstake_all',
    { hotkey },
    {
      checks: [hotkeyExists(hotkey), holdsAnyStake(hotkey, () => true)],
      effects: unstakeEffects(hotkey),
    },
  );

/** All alpha of every subnet, as TAO on root. */
export const unstakeAllAlpha = (hotkey: string): Operation =>
  subtensorCall(
    'unstake_all_alpha',
    { hotkey },
    {
      checks: [hotkeyExists(hotkey), holdsAnyStake(hotkey, (netuid) => netuid !== 0)],
      effects: [...unstakeEffects(hotkey), emitted('StakeAdded', [SIGNER, hotkey, undefined, undefined, 0])],
    },
  );

export interface StakeMove {
  readonly hotkey: string;
  readonly fromNetuid: number;
  readonly toNetuid: number;
  /** of the subnet that it leaves */
  readonly alphaRao: bigint;
}

/** `validate_stake_transition`. */
const moveChecks = (
  { hotkey, fromNetuid, toNetuid, alphaRao }: StakeMove,
  changesHands: boolean,
): readonly Check[] => [
  async () =>
    !changesHands && fromNetuid === toNetuid
      ? { error: 'SameNetuid', detail: `it is in subnet ${toNetuid} already` }
      : undefined,
  subnetExists(fromNetuid),
  subnetExists(toNetuid),
  ...started(fromNetuid),
  ...started(toNetuid),
  hotkeyExists(hotkey),
  holdsStake(hotkey, fromNetuid, alphaRao),
];

/** To another hotkey, or another subnet, or both. */
export const moveStake = (move: StakeMove & { readonly toHotkey: string }): Operation =>
  subtensorCall(
    'move_stake',
    {
      origin_hotkey: move.hotkey,
      destination_hotkey: move.toHotkey,
      origin_netuid: move.fromNetuid,
      destination_netuid: move.toNetuid,
      alpha_amount: move.alphaRao,
    },
    {
      checks: [...moveChecks(move, move.toHotkey !== move.hotkey), hotkeyExists(move.toHotkey)],
      effects: [emitted('StakeMoved', [SIGNER, move.hotkey, move.fromNetuid, move.toHotkey, move.toNetuid])],
    },
  );

/** To another coldkey, behind the same hotkey. */
export const transferStake = (move: StakeMove & { readonly toColdkey: string }): Operation => {
  const allowed = (netuid: number) =>
    isEnabled('TransferToggle', netuid, 'TransferDisallowed', 'stake may not change its owner');
  return subtensorCall(
    'transfer_stake',
    {
      destination_coldkey: move.toColdkey,
      hotkey: move.hotkey,
      origin_netuid: move.fromNetuid,
      destination_netuid: move.toNetuid,
      alpha_amount: move.alphaRao,
    },
    {
      checks: [...moveChecks(move, true), allowed(move.fromNetuid), allowed(move.toNetuid)],
      effects: [
        emitted('StakeTransferred', [SIGNER, move.toColdkey, move.hotkey, move.fromNetuid, move.toNetuid]),
      ],
    },
  );
};

/** To another subnet. @param limit the price of one alpha left, in alpha of the other subnet, as rao */
export function swapStake(move: StakeMove, limit?: PriceLimit): Operation {
  const args = {
    hotkey: move.hotkey,
    origin_netuid: move.fromNetuid,
    destination_netuid: move.toNetuid,
    alpha_amount: move.alphaRao,
  };
  const rest = {
    checks: moveChecks(move, false),
    effects: [emitted('StakeSwapped', [SIGNER, move.hotkey, move.fromNetuid, move.toNetuid])],
  };
  if (!limit) return subtensorCall('swap_stake', args, rest);
  return subtensorCall(
    'swap_stake_limit',
    { ...args, limit_price: limit.limitPriceRao, allow_partial: limit.allowPartial ?? false },
    rest,
  );
}

/** Alpha that leaves the supply for good: it may be issued again (`recycle`) or not (`burn`). The amount is capped to the stake. */
const destroy =
  (call: 'recycle_alpha' | 'burn_alpha', event: string) =>
  (netuid: number, hotkey: string, alphaRao: bigint): Operation =>
    subtensorCall(
      call,
      { hotkey, amount: alphaRao, netuid },
      {
        checks: [
          subnetExists(netuid),
          notRoot(netuid, 'CannotBurnOrRecycleOnRootSubnet'),
          ...started(netuid),
          hotkeyExists(hotkey),
        ],
        effects: [emitted(event, [SIGNER, hotkey, undefined, netuid])],
      },
    );
export const recycleAlpha = destroy('recycle_alpha', 'AlphaRecycled');
export const burnAlpha = destroy('burn_alpha', 'AlphaBurned');

/** Buys alpha and burns it at once; once a tempo for each subnet. @param limitPriceRao none: at any price */
export const addStakeBurn = (
  netuid: number,
  hotkey: string,
  amountRao: bigint,
  limitPriceRao?: bigint,
): Operation =>
  subtensorCall(
    'add_stake_burn',
    { hotkey, netuid, amount: amountRao, limit: limitPriceRao },
    {
      checks: [
        ...stakeChecks(netuid, hotkey, amountRao),
        notRoot(netuid, 'CannotBurnOrRecycleOnRootSubnet'),
        ...(limitPriceRao === undefined ? [] : [priceWithin(netuid, limitPriceRao, 'buy')]),
      ],
      effects: [emitted('AddStakeBurn', [netuid, hotkey, amountRao])],
    },
  );
