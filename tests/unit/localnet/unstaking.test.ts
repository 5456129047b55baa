// remove_stake and its kin, and stake on the move: on a state without a chain around it.
import { describe, expect, it } from 'vitest';
import { runtime } from '../../../src/chain/codec/runtime.js';
import type { CallContext } from '../../../src/localnet/dispatch.js';
import { palletAccount, subnetAccount } from '../../../src/localnet/pallets/subtensor/staking.js';
import {
  moveStake,
  swapStake,
  transferStake,
} from '../../../src/localnet/pallets/subtensor/staking-moves.js';
import { largestOrder } from '../../../src/localnet/pallets/subtensor/staking-swaps.js';
import {
  clearSmallNomination,
  removeStake,
  removeStakeFullLimit,
  removeStakeLimit,
  unstakeAll,
  unstakeAllAlpha,
} from '../../../src/localnet/pallets/subtensor/unstaking.js';
import { createPalletWorld, type PalletWorld, TAO } from '../../support/pallet-world.js';

const S = runtime.SubtensorModule.storage;
const { Account } = runtime.System.storage;
const U64_MAX = 2n ** 64n - 1n;

const startWorld = () =>
  createPalletWorld({
    pools: [
      [1_000n * TAO, 1_000n * TAO],
      [2_000n * TAO, 1_000n * TAO],
    ],
    balances: { alice: 100n * TAO, bob: 100n * TAO, carol: 100n * TAO },
    hotkeys: { validator: 'alice', other: 'alice' },
  });

const amountOf = (world: PalletWorld, amount_unstaked: bigint, netuid = 1, hotkey = 'validator') => ({
  hotkey: world.address(hotkey),
  netuid,
  amount_unstaked,
});

describe('unstaking', () => {
  // 10 alpha less 33/65535 of it against 1000 : 1000
  const FEE = 5_035_477n;
  const TAO_OUT = 9_896_053_816n;

  it('pays out of the subnet’s account; the alpha of the fee is nobody’s and still counted (unstake_from_subnet)', async () => {
    const world = await startWorld();
    const { state } = world;
    world.grant('validator', 'bob', 1, 50n * TAO);
    state.put(S.TotalStake, [], 3_000n * TAO);
    expect(world.call('bob', removeStake, amountOf(world, 10n * TAO))).toBeUndefined();
    expect([world.stake('validator', 'bob', 1), world.free('bob')]).toEqual([
      40n * TAO,
      100n * TAO + TAO_OUT,
    ]);
    expect(state.get(Account, subnetAccount(1)).data.free).toBe(1_000n * TAO - TAO_OUT);
    expect([state.get(S.SubnetTAO, 1), state.get(S.SubnetAlphaIn, 1)]).toEqual([
      1_000n * TAO - TAO_OUT,
      1_010n * TAO - FEE,
    ]);
    expect(state.get(S.SubnetAlphaOut, 1)).toBe(40n * TAO + FEE);
    expect([state.get(S.SubnetTaoFlow, 1), state.get(S.SubnetVolume, 1)]).toEqual([-TAO_OUT, TAO_OUT]);
    expect(state.get(S.TotalStake)).toBe(3_000n * TAO - TAO_OUT);
    expect(world.events.at(-1)).toEqual({
      pallet: 'SubtensorModule',
      name: 'StakeRemoved',
      data: [world.address('bob'), world.address('validator'), TAO_OUT, 10n * TAO - FEE, 1, FEE],
    });
  });

  it('of more than there is takes all of it, but not with a limit', async () => {
    const world = await startWorld();
    world.grant('validator', 'bob', 1, 5n * TAO);
    const limited = { ...amountOf(world, 6n * TAO), limit_price: 0n, allow_partial: true };
    expect(world.call('bob', removeStakeLimit, limited)).toBe('SubtensorModule.NotEnoughStakeToWithdraw');
    expect(world.call('bob', removeStake, amountOf(world, 6n * TAO))).toBeUndefined();
    expect(world.stake('validator', 'bob', 1)).toBe(0n);
    expect(world.state.has(S.TotalHotkeyAlpha, world.address('validator'), 1)).toBe(false);
    expect(world.call('bob', removeStake, amountOf(world, 1n))).toBe('SubtensorModule.AmountTooLow');
  });

  it('of root returns TAO for TAO, and the chain counts the alpha as the pool’s (test_remove_root_updates_counters)', async () => {
    const world = await startWorld();
    const { state } = world;
    world.grant('validator', 'bob', 0, TAO);
    state.put(S.SubnetTAO, [0], TAO);
    state.put(S.TotalStake, [], TAO);
    state.put(Account, [subnetAccount(0)], {
      ...state.get(Account, subnetAccount(0)),
      providers: 1,
      data: { ...state.get(Account, subnetAccount(0)).data, free: TAO },
    });
    expect(world.call('bob', removeStake, amountOf(world, TAO, 0))).toBeUndefined();
    expect(world.free('bob')).toBe(101n * TAO);
    const root = [S.SubnetTAO, S.SubnetAlphaIn, S.SubnetAlphaOut].map((item) => state.get(item, 0));
    expect([...root, state.get(S.SubnetVolume, 0), state.get(S.TotalStake)]).toEqual([0n, TAO, 0n, TAO, 0n]);
  });

  it('leaves no less than what is worth 0.002 TAO, unless it leaves nothing', async () => {
    const world = await startWorld();
    world.grant('validator', 'bob', 1, 2_000_000n);
    expect(world.call('bob', removeStake, amountOf(world, 1_999_999n))).toBe('SubtensorModule.AmountTooLow');
    expect(world.call('bob', removeStake, amountOf(world, 2_000_000n))).toBeUndefined();
  });

  it('is refused in the order of the chain', async () => {
    const world = await startWorld();
    world.grant('validator', 'bob', 1, 2_000_000n * TAO);
    expect(world.call('bob', removeStake, amountOf(world, 1n, 9))).toBe('SubtensorModule.SubtokenDisabled');
    // a thousand times the pool
    const whole = amountOf(world, 1_000_000n * TAO + 1n);
    expect(world.call('bob', removeStake, whole)).toBe('SubtensorModule.InsufficientLiquidity');
    // and with a limit a subnet need not be there to have no limit
    const limited = { ...amountOf(world, 1n, 9), limit_price: 0n, allow_partial: false };
    expect(world.call('bob', removeStakeLimit, limited)).toBe('SubtensorModule.SubnetNotExists');
    expect(
      world.call('bob', removeStakeLimit, { ...amountOf(world, 0n), limit_price: 0n, allow_partial: false }),
    ).toBe('SubtensorModule.AmountTooLow');
  });

  it('stops at a limit and keeps the rest staked, or refuses', async () => {
    const world = await startWorld();
    world.grant('validator', 'bob', 1, 500n * TAO);
    const limited = { ...amountOf(world, 500n * TAO), limit_price: 810_000_000n };
    const asked = (allow_partial: boolean) =>
      world.call('bob', removeStakeLimit, { ...limited, allow_partial });
    expect(asked(false)).toBe('SubtensorModule.SlippageTooHigh');
    expect(asked(true)).toBeUndefined();
    // 1000·(1/√0.81 − 1) alpha and its fee of 33/65502
    const sold = 500n * TAO - world.stake('validator', 'bob', 1);
    expect(Number(sold)).toBeCloseTo(111_167_089_000, -6);
    const full = { hotkey: limited.hotkey, netuid: 1, limit_price: 810_000_001n };
    expect(world.call('bob', removeStakeFullLimit, full)).toBe('Swap.PriceLimitExceeded');
    expect(world.call('bob', removeStakeFullLimit, { ...full, limit_price: undefined })).toBeUndefined();
    expect(world.stake('validator', 'bob', 1)).toBe(0n);
    expect(largestOrder(world.state, 'sell', 0, 1_000_000_001n)).toBe(0n);
    expect(largestOrder(world.state, 'sell', 0, 1_000_000_000n)).toBe(U64_MAX);
  });

  it('keeps staked what the pool does not take at any price', async () => {
    // just above the lowest price there is, 10^-6
    const pool = [10n * TAO, 9_995_002_498_750_625n] as const;
    const world = await createPalletWorld({
      pools: [pool],
      balances: { bob: TAO },
      hotkeys: { validator: 'alice' },
    });
    world.grant('validator', 'bob', 1, 10n ** 14n);
    expect(world.call('bob', removeStake, amountOf(world, 10n ** 14n))).toBeUndefined();
    const sold = world.state.get(S.SubnetAlphaIn, 1) - pool[1];
    const removed = world.events.at(-1);
    const fee = removed?.name === 'StakeRemoved' ? removed.data[5] : undefined;
    expect(world.stake('validator', 'bob', 1)).toBe(10n ** 14n - sold - fee!);
    // (√1.0005 − 1) of the reserve
    expect(Number(sold) / 2.498e12).toBeCloseTo(1, 2);
    expect(world.state.get(S.TotalHotkeyAlpha, world.address('validator'), 1) + fee!).toBe(
      world.state.get(S.SubnetAlphaOut, 1),
    );
  });

  it('of all subnets leaves what cannot be sold, and is no failure with nothing to sell', async () => {
    const world = await startWorld();
    const all = { hotkey: world.address('validator') };
    expect(world.call('bob', unstakeAll, { hotkey: world.address('nobody') })).toBe(
      'SubtensorModule.HotKeyAccountNotExists',
    );
    expect(world.call('bob', unstakeAll, all)).toBeUndefined();
    expect(world.events).toEqual([]);
    world.grant('validator', 'bob', 1, TAO);
    world.grant('validator', 'bob', 2, 2_000_000n * TAO);
    expect(world.call('bob', unstakeAll, all)).toBeUndefined();
    expect([1, 2].map((netuid) => world.stake('validator', 'bob', netuid))).toEqual([0n, 2_000_000n * TAO]);
  });

  it('of all alpha becomes root stake', async () => {
    const world = await startWorld();
    const all = { hotkey: world.address('validator') };
    expect(world.call('bob', unstakeAllAlpha, all)).toBe('SubtensorModule.AmountTooLow');
    world.grant('validator', 'bob', 1, 10n * TAO);
    const before = world.free('bob');
    expect(world.call('bob', unstakeAllAlpha, all)).toBeUndefined();
    expect([world.stake('validator', 'bob', 0), world.free('bob')]).toEqual([TAO_OUT, before]);
    expect(world.events.map(({ name }) => name).filter((name) => name.startsWith('Stake'))).toEqual([
      'StakeRemoved',
      'StakeAdded',
    ]);
  });

  it('below the threshold takes children away that still wait', async () => {
    const world = await startWorld();
    world.grant('validator', 'alice', 1, 10n * TAO);
    const pending = [2, world.address('validator')] as const;
    const wait = () => world.state.put(S.PendingChildKeys, pending, [[[1n, world.address('other')]], 99]);
    world.state.put(S.StakeThreshold, [], 5n * TAO);
    wait();
    world.call('alice', removeStake, amountOf(world, TAO));
    expect(world.state.has(S.PendingChildKeys, ...pending)).toBe(true);
    world.call('alice', removeStake, amountOf(world, 8n * TAO));
    expect(world.state.has(S.PendingChildKeys, ...pending)).toBe(false);
  });

  it('sells what is left of a nomination that became too small, but not the owner’s', async () => {
    const world = await startWorld();
    world.state.put(S.NominatorMinRequiredStake, [], 1_000_000_000n); // 1000 times 0.002 TAO
    for (const coldkey of ['alice', 'bob']) {
      world.grant('validator', coldkey, 1, 3n * TAO);
      expect(world.call(coldkey, removeStake, amountOf(world, 2n * TAO))).toBeUndefined();
    }
    expect(['alice', 'bob'].map((coldkey) => world.stake('validator', coldkey, 1))).toEqual([TAO, 0n]);
  });
});

describe('a nomination that became too small', () => {
  it('is cleared without a payout that would not open the account', async () => {
    const world = await startWorld();
    const { state } = world;
    world.grant('validator', 'nobody', 1, 300n);
    state.put(S.NominatorMinRequiredStake, [], 1_000_000_000n);
    const holding = { hotkey: world.address('validator'), coldkey: world.address('nobody'), netuid: 1 };
    const clear = (of: typeof holding, context: CallContext) => clearSmallNomination(context, of);
    expect(world.call('nobody', clear, holding)).toBeUndefined();
    expect([world.stake('validator', 'nobody', 1), world.free('nobody')]).toEqual([0n, 0n]);
  });
});

describe('stake moves', () => {
  const between = (world: PalletWorld, origin: number, destination: number, alpha_amount: bigint) => ({
    hotkey: world.address('validator'),
    origin_netuid: origin,
    destination_netuid: destination,
    alpha_amount,
  });

  it('within a subnet without a swap or a fee', async () => {
    const world = await startWorld();
    world.grant('validator', 'bob', 2, 10n * TAO);
    const pool = () =>
      [S.SubnetTAO, S.SubnetAlphaIn, S.SubnetAlphaOut].map((item) => world.state.get(item, 2));
    const before = pool();
    const { hotkey: origin_hotkey, ...rest } = between(world, 2, 2, 4n * TAO);
    const destination_hotkey = world.address('other');
    expect(world.call('bob', moveStake, { ...rest, origin_hotkey, destination_hotkey })).toBeUndefined();
    expect([world.stake('validator', 'bob', 2), world.stake('other', 'bob', 2)]).toEqual([
      6n * TAO,
      4n * TAO,
    ]);
    expect(pool()).toEqual(before);
    const bob = world.address('bob');
    // at the price of 2
    expect(world.events).toEqual([
      {
        pallet: 'SubtensorModule',
        name: 'StakeRemoved',
        data: [bob, origin_hotkey, 8n * TAO, 4n * TAO, 2, 0n],
      },
      {
        pallet: 'SubtensorModule',
        name: 'StakeAdded',
        data: [bob, destination_hotkey, 8n * TAO, 4n * TAO, 2, 0n],
      },
      {
        pallet: 'SubtensorModule',
        name: 'StakeMoved',
        data: [bob, origin_hotkey, 2, destination_hotkey, 2, 8n * TAO],
      },
    ]);
    const little = { ...rest, alpha_amount: 999_999n, origin_hotkey, destination_hotkey };
    expect(world.call('bob', moveStake, little)).toBe('SubtensorModule.AmountTooLow');
  });

  it('to another subnet pays one fee, of the alpha it leaves', async () => {
    const world = await startWorld();
    world.grant('validator', 'bob', 1, 10n * TAO);
    expect(world.call('bob', swapStake, between(world, 1, 2, 10n * TAO))).toBeUndefined();
    const [removed, added] = world.events.filter(({ name }) => name.startsWith('Stake'));
    const tao = 9_896_053_816n;
    expect(removed).toMatchObject({ name: 'StakeRemoved', data: { 2: tao, 5: 5_035_477n } });
    expect(added).toMatchObject({ name: 'StakeAdded', data: { 2: tao, 5: 0n } });
    // 1000·(1 − 2000/(2000 + 9.896…))
    expect(Number(world.stake('validator', 'bob', 2))).toBeCloseTo(4_923_664_000, -4);
    expect(world.events.at(-1)).toMatchObject({ name: 'StakeSwapped', data: { 4: tao } });
    // nothing burned: the fee was alpha
    expect(world.state.get(Account, palletAccount('burntnsr')).data.free).toBe(0n);
  });

  it('from root pays the fee in TAO', async () => {
    const world = await startWorld();
    world.grant('validator', 'bob', 1, 20n * TAO);
    world.call('bob', unstakeAllAlpha, { hotkey: world.address('validator') });
    expect(world.call('bob', swapStake, between(world, 0, 1, TAO))).toBeUndefined();
    expect(world.events.at(-1)).toMatchObject({ name: 'StakeSwapped', data: { 4: TAO } });
    expect(world.events.filter(({ name }) => name === 'StakeAdded')).toMatchObject([
      { data: { 2: TAO, 5: 503_547n } },
    ]);
  });

  it('to another coldkey only where both subnets allow it', async () => {
    const world = await startWorld();
    world.grant('validator', 'bob', 1, 10n * TAO);
    const transfer = { ...between(world, 1, 2, 4n * TAO), destination_coldkey: world.address('carol') };
    world.state.put(S.TransferToggle, [2], false);
    expect(world.call('bob', transferStake, transfer)).toBe('SubtensorModule.TransferDisallowed');
    world.state.put(S.TransferToggle, [2], true);
    expect(world.call('bob', transferStake, transfer)).toBeUndefined();
    expect(world.stake('validator', 'carol', 2)).toBeGreaterThan(0n);
    expect([world.free('bob'), world.free('carol')]).toEqual([100n * TAO, 100n * TAO]);
    // carol does not own the hotkey: it takes for her from now on
    expect(world.state.has(S.Delegates, world.address('validator'))).toBe(true);
  });

  it('are refused in the order of the chain', async () => {
    const world = await startWorld();
    world.grant('validator', 'bob', 1, 10n * TAO);
    const refused = (origin: number, destination: number, amount = TAO) =>
      world.call('bob', swapStake, between(world, origin, destination, amount));
    expect([refused(1, 1), refused(1, 9), refused(9, 1)]).toEqual([
      'SubtensorModule.SameNetuid',
      'SubtensorModule.SubnetNotExists',
      'SubtensorModule.SubnetNotExists',
    ]);
    // what is moved must be worth more than 0.002 TAO, and nothing at all is not
    expect([refused(1, 2, 1_000_000n), refused(2, 1)]).toEqual([
      'SubtensorModule.AmountTooLow',
      'SubtensorModule.AmountTooLow',
    ]);
    world.state.put(S.SubtokenEnabled, [2], false);
    expect(refused(1, 2)).toBe('SubtensorModule.SubtokenDisabled');
  });

  // subtensor tests/staking.rs, test_max_amount_move_dynamic_dynamic: 150 TAO to 100 alpha against 100 to 100
  it.each([
    [100_000_000n, 560_000_000_000, 6],
    [500_000_000n, 80_000_000_000, 6],
    [1_000_000_000n, 20_000_000_000, 3],
    [1_250_000_000n, 8_000_000_000, 3],
  ])('stop at a limit of %d between two pools', async (limit_price, expected, digits) => {
    const world = await createPalletWorld({
      pools: [
        [150n * TAO, 100n * TAO],
        [100n * TAO, 100n * TAO],
      ],
      balances: { bob: 100n * TAO },
      hotkeys: { validator: 'alice' },
    });
    world.grant('validator', 'bob', 1, 1_000n * TAO);
    const limited = { ...between(world, 1, 2, 1_000n * TAO), limit_price, allow_partial: true };
    expect(world.call('bob', swapStake, { ...limited, allow_partial: false })).toBe(
      'SubtensorModule.SlippageTooHigh',
    );
    expect(world.call('bob', swapStake, limited)).toBeUndefined();
    const moved = 1_000n * TAO - world.stake('validator', 'bob', 1);
    expect(Math.abs(Number(moved) - expected)).toBeLessThan(10 ** digits);
  });

  it('do not start beyond their limit', async () => {
    const world = await startWorld();
    world.grant('validator', 'bob', 1, 10n * TAO);
    // one alpha of subnet 1 is worth half of subnet 2's
    const limited = { ...between(world, 1, 2, TAO), limit_price: 500_000_001n };
    expect(world.call('bob', swapStake, { ...limited, allow_partial: false })).toBe(
      'SubtensorModule.SlippageTooHigh',
    );
  });
});
