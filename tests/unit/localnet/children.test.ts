// Child keys, takes and root seats: on a state without a chain around it.
import { describe, expect, it } from 'vitest';
import { type RuntimeCall, runtime } from '../../../src/chain/codec/runtime.js';
import {
  activatePendingChildren,
  consensusStakeOf,
  familyOf,
  linkRootValidators,
  outsidersOf,
  setAutoParentDelegation,
  setChildren,
} from '../../../src/localnet/pallets/subtensor/children.js';
import { customCode, guardCall } from '../../../src/localnet/pallets/subtensor/guards.js';
import { rootRegister } from '../../../src/localnet/pallets/subtensor/root.js';
import { createHotkey } from '../../../src/localnet/pallets/subtensor/staking.js';
import {
  decreaseTake,
  increaseTake,
  setChildkeyTake,
} from '../../../src/localnet/pallets/subtensor/takes.js';
import { removeStake } from '../../../src/localnet/pallets/subtensor/unstaking.js';
import { createPalletWorld, type PalletWorld, TAO } from '../../support/pallet-world.js';

const S = runtime.SubtensorModule.storage;
const U64_MAX = 2n ** 64n - 1n;
const HALF = 2n ** 63n;

async function startWorld() {
  const world = await createPalletWorld({
    pools: [[1_000n * TAO, 1_000n * TAO]],
    balances: { alice: 100n * TAO, bob: 100n * TAO },
    hotkeys: { parent: 'alice', child: 'bob', second: 'bob', third: 'alice' },
  });
  world.state.put(S.PendingChildKeyCooldown, [], 10);
  return world;
}

const asked = (world: PalletWorld, children: readonly (readonly [bigint, string])[], hotkey = 'parent') => ({
  hotkey: world.address(hotkey),
  netuid: 1,
  children: children.map(([proportion, name]) => [proportion, world.address(name)] as const),
});

describe('set_children', () => {
  it('waits for its cooldown and then for the next epoch (do_set_pending_children)', async () => {
    const world = await startWorld();
    const args = asked(world, [[HALF, 'child']]);
    world.block = 5;
    expect(world.call('alice', setChildren, args)).toBeUndefined();
    expect(world.events).toEqual([
      { pallet: 'SubtensorModule', name: 'SetChildrenScheduled', data: [args.hotkey, 1, 15, args.children] },
    ]);
    const at = (block: number) => {
      world.block = block;
      activatePendingChildren(world.context, 1);
      return world.state.get(S.ChildKeys, args.hotkey, 1);
    };
    expect(at(15)).toEqual([]);
    expect(at(16)).toEqual(args.children);
    expect(world.state.get(S.ParentKeys, world.address('child'), 1)).toEqual([[HALF, args.hotkey]]);
    expect(world.state.has(S.PendingChildKeys, 1, args.hotkey)).toBe(false);
    expect(world.events.at(-1)).toMatchObject({ name: 'SetChildren' });
  });

  it('takes effect at once before the subnet starts', async () => {
    const world = await startWorld();
    world.state.put(S.SubtokenEnabled, [1], false);
    expect(world.call('alice', setChildren, asked(world, [[1n, 'child']]))).toBeUndefined();
    expect(world.state.get(S.ChildKeys, world.address('parent'), 1)).toEqual([[1n, world.address('child')]]);
  });

  it('replaces what was set, on both sides', async () => {
    const world = await startWorld();
    world.state.put(S.SubtokenEnabled, [1], false);
    world.call('alice', setChildren, asked(world, [[1n, 'child']], 'third'));
    world.call(
      'alice',
      setChildren,
      asked(world, [
        [2n, 'child'],
        [3n, 'second'],
      ]),
    );
    const parents = (name: string) => world.state.get(S.ParentKeys, world.address(name), 1);
    const [parent, third] = [world.address('parent'), world.address('third')];
    expect(parents('child')).toEqual([
      [1n, third],
      [2n, parent],
    ]);
    world.block = 151;
    expect(world.call('alice', setChildren, asked(world, [[5n, 'second']]))).toBeUndefined();
    expect([parents('child'), parents('second')]).toEqual([[[1n, third]], [[5n, parent]]]);
    world.block = 301;
    expect(world.call('alice', setChildren, asked(world, []))).toBeUndefined();
    expect(world.state.has(S.ChildKeys, parent, 1)).toBe(false);
    expect(world.state.has(S.ParentKeys, world.address('second'), 1)).toBe(false);
  });

  it('is refused in the order of the chain', async () => {
    const world = await startWorld();
    const refused = (who: string, args: ReturnType<typeof asked>) =>
      world.call(who, setChildren, args)?.replace('SubtensorModule.', '');
    const good = asked(world, [[1n, 'child']]);
    expect(refused('bob', { ...good, netuid: 0 })).toBe('RegistrationNotPermittedOnRootSubnet');
    expect(refused('bob', { ...good, netuid: 9 })).toBe('SubnetNotExists');
    expect(refused('bob', good)).toBe('NonAssociatedColdKey');
    expect(
      refused(
        'alice',
        asked(world, [
          [1n, 'child'],
          [1n, 'child'],
          [1n, 'parent'],
        ]),
      ),
    ).toBe('DuplicateChild');
    expect(refused('alice', asked(world, [[1n, 'parent']]))).toBe('InvalidChild');
    const six = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [U64_MAX, name] as const);
    expect(refused('alice', asked(world, six))).toBe('TooManyChildren');
    expect(
      refused(
        'alice',
        asked(world, [
          [U64_MAX, 'child'],
          [1n, 'second'],
        ]),
      ),
    ).toBe('ProportionOverflow');
    world.state.put(S.StakeThreshold, [], TAO);
    expect(refused('alice', good)).toBe('NotEnoughStakeToSetChildkeys');
    // nobody needs stake to have no children, nor the subnet's owner hotkey
    expect(refused('alice', asked(world, []))).toBeUndefined();
    expect(refused('alice', good)).toBe('TxRateLimitExceeded');
    world.state.put(S.SubnetOwnerHotkey, [1], good.hotkey);
    world.block = 150;
    expect(refused('alice', good)).toBe('TxRateLimitExceeded');
    world.block = 151;
    expect(refused('alice', good)).toBeUndefined();
  });

  it('never makes two hotkeys lend to each other, also when both were waiting', async () => {
    const world = await startWorld();
    world.call('alice', setChildren, asked(world, [[1n, 'child']]));
    expect(world.call('bob', setChildren, asked(world, [[1n, 'parent']], 'child'))).toBeUndefined();
    world.block = 12;
    activatePendingChildren(world.context, 1);
    const links = ['parent', 'child'].map(
      (name) => world.state.get(S.ChildKeys, world.address(name), 1).length,
    );
    expect(links.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(world.state.keys(S.PendingChildKeys, 1)).toEqual([]);
    world.block = 200;
    const loser =
      links[0] === 1 ? (['bob', 'child', 'parent'] as const) : (['alice', 'parent', 'child'] as const);
    expect(world.call(loser[0], setChildren, asked(world, [[1n, loser[2]]], loser[1]))).toBe(
      'SubtensorModule.ChildParentInconsistency',
    );
  });
});

describe('inherited stake', () => {
  it('counts for the child and no longer for the parent, alpha and root alike', async () => {
    const world = await startWorld();
    const { state } = world;
    state.put(S.SubtokenEnabled, [1], false);
    state.put(S.TaoWeight, [], U64_MAX);
    world.grant('parent', 'alice', 1, 80n * TAO);
    world.grant('parent', 'alice', 0, 20n * TAO);
    world.grant('child', 'bob', 1, 10n * TAO);
    world.call('alice', setChildren, asked(world, [[U64_MAX / 4n, 'child']]));
    const stake = (name: string) => consensusStakeOf(state, world.address(name), 1).rao;
    // a quarter of 2^64 − 1 is 2^30 − 1 parts of 2^32: of 80·10^9 rao 18.6 less than 20·10^9, of 20·10^9 4.7 less than 5·10^9
    expect(stake('parent')).toBe(75_000_000_022n);
    expect(stake('child')).toBe(34_999_999_976n);
    expect(stake('second')).toBe(0n);
  });

  it('makes families and outsiders for the epoch’s dividends', async () => {
    const world = await startWorld();
    const { state } = world;
    state.put(S.SubtokenEnabled, [1], false);
    world.grant('parent', 'alice', 1, 80n * TAO);
    state.put(S.Delegates, [world.address('parent')], 1_000);
    state.put(S.MinChildkeyTakePerSubnet, [1], 77);
    world.call('alice', setChildren, asked(world, [[HALF, 'child']]));
    const [parent, child] = [world.address('parent'), world.address('child')];
    const asParent = { hotkey: parent, coldkey: world.address('alice') };
    expect(familyOf(state, child, 1)).toEqual({
      childProportions: [],
      parents: [{ ...asParent, proportion: HALF, alphaRao: 80n * TAO, rootTaoRao: 0n }],
      childkeyTake: 77,
    });
    expect(familyOf(state, world.address('second'), 1)).toBeUndefined();
    expect(outsidersOf(state, [child, world.address('second')], 1)).toEqual([
      { ...asParent, alphaStakeRao: 80n * TAO, rootStakeRao: 0n, take: 1_000 },
    ]);
    expect(outsidersOf(state, [parent, child], 1)).toEqual([]);
  });
});

describe('takes', () => {
  const take = (world: PalletWorld, value: number) => ({ hotkey: world.address('parent'), take: value });

  it('fall at once and rise after the limit, from the last change in either direction', async () => {
    const world = await startWorld();
    world.state.put(S.TxDelegateTakeRateLimit, [], 100n);
    expect(world.call('alice', decreaseTake, take(world, 5_000))).toBeUndefined();
    expect(world.events).toMatchObject([{ name: 'TakeDecreased', data: { 2: 5_000 } }]);
    expect(world.call('alice', decreaseTake, take(world, 5_000))).toBe('SubtensorModule.DelegateTakeTooLow');
    expect(world.call('alice', increaseTake, take(world, 5_000))).toBe('SubtensorModule.DelegateTakeTooLow');
    expect(world.call('alice', increaseTake, take(world, 11_797))).toBe(
      'SubtensorModule.DelegateTakeTooHigh',
    );
    world.block = 101;
    expect(world.call('alice', increaseTake, take(world, 6_000))).toBe(
      'SubtensorModule.DelegateTxRateLimitExceeded',
    );
    world.block = 102;
    expect(world.call('alice', increaseTake, take(world, 6_000))).toBeUndefined();
    expect(world.state.get(S.Delegates, world.address('parent'))).toBe(6_000);
  });

  it.each([
    ['alice', 'parent', 11_797, 27],
    ['alice', 'nobody', 1, 4],
    ['bob', 'parent', 1, 25],
    ['alice', 'parent', 5, 26],
  ])('of %s for %s at %i never enter the pool (Custom %i)', async (who, hotkey, value, code) => {
    const world = await startWorld();
    world.state.put(S.MinDelegateTake, [], code === 26 ? 6 : 0);
    const args = { hotkey: world.address(hotkey), take: value };
    const call: RuntimeCall = { pallet: 'SubtensorModule', name: 'increase_take', args };
    const failure = guardCall(world.address(who), call, world.context);
    expect(failure && customCode(failure)).toBe(code);
  });

  it('of a child rise once a limit and stay within the subnet’s bounds', async () => {
    const world = await startWorld();
    const set = (value: number, who = 'bob') =>
      world.call(who, setChildkeyTake, { hotkey: world.address('child'), netuid: 1, take: value });
    world.state.put(S.TxChildkeyTakeRateLimit, [], 100n);
    world.state.put(S.MinChildkeyTakePerSubnet, [1], 50);
    expect([set(60, 'alice'), set(49), set(11_797), set(60)]).toEqual([
      'SubtensorModule.NonAssociatedColdKey',
      'SubtensorModule.InvalidChildkeyTake',
      'SubtensorModule.InvalidChildkeyTake',
      undefined,
    ]);
    world.block = 50;
    expect([set(61), set(55)]).toEqual(['SubtensorModule.TxChildkeyTakeRateLimitExceeded', undefined]);
    // the decrease counted too
    world.block = 149;
    expect(set(61)).toBe('SubtensorModule.TxChildkeyTakeRateLimitExceeded');
    world.block = 150;
    expect(set(61)).toBeUndefined();
  });
});

describe('the root network', () => {
  it('has seats for all until it is full, then for whoever is richer than the poorest', async () => {
    const world = await startWorld();
    const { state } = world;
    state.put(S.MaxAllowedUids, [0], 2);
    const register = (hotkey: string) => {
      state.put(S.RegistrationsThisBlock, [0], 0);
      state.put(S.RegistrationsThisInterval, [0], 0);
      return world.call('alice', rootRegister, { hotkey: world.address(hotkey) });
    };
    expect([register('parent'), register('third'), register('parent')]).toEqual([
      undefined,
      undefined,
      'SubtensorModule.HotKeyAlreadyRegisteredInSubNet',
    ]);
    world.grant('parent', 'alice', 0, 3n * TAO);
    world.grant('third', 'alice', 0, 2n * TAO);
    world.grant('rich', 'alice', 0, 2n * TAO);
    expect(register('rich')).toBe('SubtensorModule.StakeTooLowForRoot');
    world.grant('rich', 'alice', 0, 1n);
    expect(register('rich')).toBeUndefined();
    expect(world.events).toEqual([
      { pallet: 'SubtensorModule', name: 'NeuronRegistered', data: [0, 1, world.address('rich')] },
    ]);
    expect(state.get(S.Keys, 0, 1)).toBe(world.address('rich'));
    expect(state.has(S.Uids, 0, world.address('third'))).toBe(false);
    expect(state.get(S.Delegates, world.address('rich'))).toBe(11_796);
    expect(
      world.call('bob', removeStake, { hotkey: world.address('rich'), netuid: 0, amount_unstaked: 1n }),
    ).toBe('SubtensorModule.AmountTooLow');
  });

  it('takes one a block and three an interval', async () => {
    const world = await startWorld();
    const register = (hotkey: string) => world.call('alice', rootRegister, { hotkey: world.address(hotkey) });
    expect([register('a'), register('b')]).toEqual([
      undefined,
      'SubtensorModule.TooManyRegistrationsThisBlock',
    ]);
    for (const hotkey of ['b', 'c']) {
      world.state.put(S.RegistrationsThisBlock, [0], 0);
      expect(register(hotkey)).toBeUndefined();
    }
    world.state.put(S.RegistrationsThisBlock, [0], 0);
    expect(register('d')).toBe('SubtensorModule.TooManyRegistrationsThisInterval');
  });

  it('lends to the owner of a new subnet, but for those who opted out', async () => {
    const world = await startWorld();
    const { state } = world;
    state.put(S.SubtokenEnabled, [1], false);
    for (const hotkey of ['parent', 'third']) {
      state.put(S.RegistrationsThisBlock, [0], 0);
      world.call('alice', rootRegister, { hotkey: world.address(hotkey) });
    }
    const optOut = { hotkey: world.address('third'), enabled: false };
    expect(world.call('bob', setAutoParentDelegation, optOut)).toBe('SubtensorModule.NonAssociatedColdKey');
    expect(world.call('alice', setAutoParentDelegation, optOut)).toBeUndefined();
    const owner = world.address('owner');
    createHotkey(world.context, world.address('bob'), owner);
    state.put(S.SubnetOwnerHotkey, [1], owner);
    linkRootValidators(world.context, 1);
    expect(state.get(S.ParentKeys, owner, 1)).toEqual([[U64_MAX, world.address('parent')]]);
  });
});
