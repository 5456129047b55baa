// add_stake and its kin, alpha destroyed, miners' auto stake: on a state without a chain around it.
import { describe, expect, it } from 'vitest';
import { EXISTENTIAL_DEPOSIT } from '../../../src/chain/codec/pallets/balances.js';
import { runtime } from '../../../src/chain/codec/runtime.js';
import {
  palletAccount,
  subnetAccount,
  tryAssociateHotkey,
} from '../../../src/localnet/pallets/subtensor/staking.js';
import {
  addStake,
  addStakeBurn,
  addStakeLimit,
  burnAlpha,
  recycleAlpha,
  setAutoStakeHotkey,
} from '../../../src/localnet/pallets/subtensor/staking-calls.js';
import { largestOrder } from '../../../src/localnet/pallets/subtensor/staking-swaps.js';
import { createPalletWorld, type PalletWorld, TAO } from '../../support/pallet-world.js';

const S = runtime.SubtensorModule.storage;
const { Account } = runtime.System.storage;

const startWorld = () =>
  createPalletWorld({
    pools: [[1_000n * TAO, 1_000n * TAO]],
    balances: { alice: 10_000n * TAO, bob: 100n * TAO },
    hotkeys: { validator: 'alice' },
  });

const order = (world: PalletWorld, amount_staked: bigint, hotkey = 'validator', netuid = 1) => ({
  hotkey: world.address(hotkey),
  netuid,
  amount_staked,
});

describe('staking', () => {
  // 10 TAO less 33/65535 of it against 1000 : 1000; computed with Python integers
  const FEE = 5_035_477n;
  const ALPHA = 9_896_053_816n;

  it('moves TAO to the subnet and alpha out of its pool, and burns the fee (stake_into_subnet)', async () => {
    const world = await startWorld();
    const { state } = world;
    expect(world.call('bob', addStake, order(world, 10n * TAO))).toBeUndefined();
    expect(world.stake('validator', 'bob', 1)).toBe(ALPHA);
    expect(world.free('bob')).toBe(90n * TAO);
    const held = state.get(Account, subnetAccount(1)).data.free;
    expect(held).toBe(1_010n * TAO - FEE);
    expect(state.get(S.SubnetTAO, 1)).toBe(held);
    expect(state.get(Account, palletAccount('burntnsr')).data.free).toBe(FEE);
    expect([state.get(S.SubnetAlphaIn, 1), state.get(S.SubnetAlphaOut, 1)]).toEqual([
      1_000n * TAO - ALPHA,
      ALPHA,
    ]);
    expect([state.get(S.SubnetTaoFlow, 1), state.get(S.TotalStake)]).toEqual([10n * TAO - FEE, 10n * TAO]);
    const [validator, bob] = [world.address('validator'), world.address('bob')];
    expect(state.get(S.StakingHotkeys, bob)).toEqual([validator]);
    expect(state.get(S.LastColdkeyHotkeyStakeBlock, bob, validator)).toBe(1);
    expect(world.events.at(-1)).toEqual({
      pallet: 'SubtensorModule',
      name: 'StakeAdded',
      data: [bob, validator, 10n * TAO, ALPHA, 1, FEE],
    });
  });

  it('is kept as the shares of today, while the shares of old stay empty', async () => {
    const world = await startWorld();
    world.call('bob', addStake, order(world, 10n * TAO));
    const keys = [world.address('validator'), world.address('bob'), 1] as const;
    expect(world.state.get(S.AlphaV2, ...keys)).toEqual({
      mantissa: 989_605_381_600_000_000_000n,
      exponent: -11n,
    });
    expect(world.state.has(S.Alpha, ...keys)).toBe(false);
  });

  it('of everything leaves the existential deposit behind (transfer_tao_to_subnet)', async () => {
    const world = await startWorld();
    expect(world.call('bob', addStake, order(world, 100n * TAO))).toBeUndefined();
    expect(world.free('bob')).toBe(EXISTENTIAL_DEPOSIT);
    expect(world.events.at(-1)).toMatchObject({
      name: 'StakeAdded',
      data: { 2: 100n * TAO - EXISTENTIAL_DEPOSIT },
    });
  });

  it('is refused in the order of the chain', async () => {
    const world = await startWorld();
    const refused = (amount: bigint, hotkey?: string, netuid?: number) =>
      world.call('bob', addStake, order(world, amount, hotkey, netuid));
    expect([
      refused(1_000_000n * TAO + 1n, 'nobody'),
      refused(1n, 'nobody', 7),
      // the fee of the least stake is 1007
      refused(2_001_006n, 'nobody'),
      refused(101n * TAO, 'nobody'),
      refused(2_001_007n, 'nobody'),
    ]).toEqual([
      'SubtensorModule.InsufficientLiquidity',
      'SubtensorModule.SubnetNotExists',
      'SubtensorModule.AmountTooLow',
      'SubtensorModule.NotEnoughBalanceToStake',
      'SubtensorModule.HotKeyAccountNotExists',
    ]);
    world.state.put(S.SubtokenEnabled, [1], false);
    expect(refused(1n)).toBe('SubtensorModule.SubtokenDisabled');
  });
});

describe('a limit on the price', () => {
  // subtensor tests/staking.rs, test_max_amount_add_dynamic: 0.05 % fee, to its own tolerance of 0.1 %
  it.each([
    [1_000_000n, 1_000_000n, 4_000_000_000n, 1_000_500],
    [1_000_000n, 1_000_000n, 16_000_000_000n, 3_001_500],
    [1_000_000_000_000n, 1_000_000_000_000n, 16_000_000_000n, 3_001_500_000_000],
    [150_000_000_000n, 100_000_000_000n, 6_000_000_000n, 150_075_000_000],
  ])('of %d TAO to %d alpha admits what brings the price to %d', async (tao, alpha, limit, expected) => {
    const { state } = await createPalletWorld({ pools: [[tao, alpha]] });
    expect(Number(largestOrder(state, 'buy', 1, limit)) / expected).toBeCloseTo(1, 3);
  });

  it('that the price has reached names the swap’s own error', async () => {
    const world = await createPalletWorld({
      pools: [[150n * TAO, 100n * TAO]],
      balances: { bob: 100n * TAO },
      hotkeys: { validator: 'alice' },
    });
    const limited = { ...order(world, TAO), limit_price: 1_500_000_000n, allow_partial: true };
    expect(world.call('bob', addStakeLimit, limited)).toBe('Swap.PriceLimitExceeded');
    expect(largestOrder(world.state, 'buy', 0, 999_999_999n)).toBe(0n);
    expect(largestOrder(world.state, 'buy', 0, 1_000_000_000n)).toBe(2n ** 64n - 1n);
  });

  it('takes part of an order, or refuses it', async () => {
    const world = await startWorld();
    const limited = { ...order(world, 90n * TAO), limit_price: 1_100_000_000n };
    const asked = (allow_partial: boolean) => world.call('bob', addStakeLimit, { ...limited, allow_partial });
    expect(asked(false)).toBe('SubtensorModule.SlippageTooHigh');
    expect(asked(true)).toBeUndefined();
    // 1000·(√1.1 − 1) TAO with its fee of 33/65502
    const paid = 100n * TAO - world.free('bob');
    expect(Number(paid)).toBeCloseTo(48_833_439_000, -6);
    // rounding may end a hair before the limit
    const price = (world.state.get(S.SubnetTAO, 1) * 10n ** 9n) / world.state.get(S.SubnetAlphaIn, 1);
    expect(1_100_000_000n - price).toBeLessThan(10n);
    // whoever is staked on by others is a delegate
    expect(world.state.has(S.Delegates, world.address('validator'))).toBe(true);
  });
});

describe('alpha', () => {
  it('is recycled out of AlphaOut, or burned and still counted there', async () => {
    const world = await startWorld();
    world.grant('validator', 'bob', 1, 100n * TAO);
    const destroy = { hotkey: world.address('validator'), amount: 30n * TAO, netuid: 1 };
    expect(world.call('bob', recycleAlpha, destroy)).toBeUndefined();
    expect([world.stake('validator', 'bob', 1), world.state.get(S.SubnetAlphaOut, 1)]).toEqual([
      70n * TAO,
      70n * TAO,
    ]);
    expect(world.call('bob', burnAlpha, { ...destroy, amount: 80n * TAO })).toBeUndefined();
    expect([world.stake('validator', 'bob', 1), world.state.get(S.SubnetAlphaOut, 1)]).toEqual([
      0n,
      70n * TAO,
    ]);
    // more than there was means all of it
    expect(world.events).toEqual([
      {
        pallet: 'SubtensorModule',
        name: 'AlphaBurned',
        data: [world.address('bob'), world.address('validator'), 70n * TAO, 1],
      },
    ]);
    expect(world.call('bob', burnAlpha, { ...destroy, netuid: 0 })).toBe(
      'SubtensorModule.CannotBurnOrRecycleOnRootSubnet',
    );
    expect(world.call('bob', burnAlpha, { ...destroy, netuid: 9 })).toBe('SubtensorModule.SubnetNotExists');
    expect(world.call('bob', burnAlpha, { ...destroy, hotkey: world.address('nobody') })).toBe(
      'SubtensorModule.HotKeyAccountNotExists',
    );
  });

  it('is bought and burned in one call, all of it or none', async () => {
    const world = await startWorld();
    const asked = { hotkey: world.address('validator'), netuid: 1, amount: 10n * TAO };
    expect(world.call('bob', addStakeBurn, { ...asked, limit: 1_000_000_001n })).toBe(
      'SubtensorModule.SlippageTooHigh',
    );
    expect(world.call('bob', addStakeBurn, { ...asked, limit: undefined })).toBeUndefined();
    expect(world.stake('validator', 'bob', 1)).toBe(0n);
    expect(world.state.get(S.SubnetAlphaOut, 1)).toBe(9_896_053_816n);
    expect(world.events.at(-1)).toMatchObject({
      name: 'AddStakeBurn',
      data: { netuid: 1, amount: 10n * TAO, alpha: 9_896_053_816n },
    });
  });
});

describe('a hotkey', () => {
  it('belongs to who first claims it, unless it is a subnet’s own account', async () => {
    const world = await startWorld();
    const claim = (who: string, hotkey: string) => world.call(who, tryAssociateHotkey, { hotkey });
    const hotkey = world.address('fresh');
    expect([claim('bob', hotkey), claim('alice', hotkey)]).toEqual([undefined, undefined]);
    expect(world.state.get(S.Owner, hotkey)).toBe(world.address('bob'));
    expect(world.state.get(S.OwnedHotkeys, world.address('bob'))).toEqual([hotkey]);
    expect(claim('bob', subnetAccount(77))).toBe('SubtensorModule.CannotUseSystemAccount');
  });

  it('is where a coldkey’s miners stake what they earn, one for each subnet', async () => {
    const world = await startWorld();
    const [validator, other, alice] = ['validator', 'other', 'alice'].map((name) => world.address(name)) as [
      string,
      string,
      string,
    ];
    const set = (hotkey: string, netuid = 1) => world.call('alice', setAutoStakeHotkey, { netuid, hotkey });
    expect([set(validator, 9), set(validator)]).toEqual([
      'SubtensorModule.SubnetNotExists',
      'SubtensorModule.HotKeyNotRegisteredInSubNet',
    ]);
    world.state.put(S.Uids, [1, validator], 0);
    world.state.put(S.Uids, [1, other], 1);
    expect([set(validator), set(validator), set(other)]).toEqual([
      undefined,
      'SubtensorModule.SameAutoStakeHotkeyAlreadySet',
      undefined,
    ]);
    expect(world.state.get(S.AutoStakeDestination, alice, 1)).toBe(other);
    expect(world.state.get(S.AutoStakeDestinationColdkeys, validator, 1)).toEqual([]);
    expect(world.state.get(S.AutoStakeDestinationColdkeys, other, 1)).toEqual([alice]);
  });
});
