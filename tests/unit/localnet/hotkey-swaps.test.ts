// swap_hotkey on a state without a chain around it.
import { describe, expect, it } from 'vitest';
import { runtime } from '../../../src/chain/codec/runtime.js';
import { setChildren } from '../../../src/localnet/pallets/subtensor/children.js';
import { swapHotkey } from '../../../src/localnet/pallets/subtensor/hotkey-swaps.js';
import { appendNeuron } from '../../../src/localnet/pallets/subtensor/neurons.js';
import { createPalletWorld, type PalletWorld, TAO } from '../../support/pallet-world.js';

const S = runtime.SubtensorModule.storage;
const { TotalIssuance } = runtime.Balances.storage;

/** `old` is a neuron on subnet 1 with a child, a parent, a nominator and a take of its own. */
async function startWorld(): Promise<PalletWorld> {
  const world = await createPalletWorld({
    pools: [[1_000n * TAO, 1_000n * TAO]],
    balances: { alice: 10n * TAO, bob: 10n * TAO },
    hotkeys: { old: 'alice', child: 'bob', parent: 'bob' },
  });
  const { state } = world;
  state.put(S.SubtokenEnabled, [1], false);
  appendNeuron(world.context, 1, world.address('old'));
  const set = (who: string, hotkey: string, child: string) =>
    world.call(who, setChildren, {
      hotkey: world.address(hotkey),
      netuid: 1,
      children: [[7n, world.address(child)]],
    });
  expect([set('alice', 'old', 'child'), set('bob', 'parent', 'old')]).toEqual([undefined, undefined]);
  for (const coldkey of ['alice', 'bob']) world.grant('old', coldkey, 1, 30n * TAO);
  world.grant('old', 'bob', 0, 2n * TAO);
  state.put(S.Delegates, [world.address('old')], 123);
  return world;
}

const swap = (world: PalletWorld, keep_stake: boolean, netuid?: number) => ({
  hotkey: world.address('old'),
  new_hotkey: world.address('new'),
  netuid,
  keep_stake,
});

describe('a hotkey that is swapped', () => {
  it('hands over its uid, its family, its take and all stake on it', async () => {
    const world = await startWorld();
    const { state } = world;
    const [before, free] = [state.get(TotalIssuance), world.free('alice')];
    world.block = 9;
    expect(world.call('alice', swapHotkey, swap(world, false))).toBeUndefined();
    const [old, fresh] = [world.address('old'), world.address('new')];
    expect([state.get(S.Keys, 1, 0), state.get(S.Uids, 1, fresh), state.has(S.Uids, 1, old)]).toEqual([
      fresh,
      0,
      false,
    ]);
    expect([state.get(S.IsNetworkMember, fresh, 1), state.get(S.IsNetworkMember, old, 1)]).toEqual([
      true,
      false,
    ]);
    expect([state.has(S.Owner, old), state.get(S.OwnedHotkeys, world.address('alice'))]).toEqual([
      false,
      [fresh],
    ]);
    expect(state.get(S.ChildKeys, fresh, 1)).toEqual([[7n, world.address('child')]]);
    expect(state.get(S.ParentKeys, world.address('child'), 1)).toEqual([[7n, fresh]]);
    expect(state.get(S.ChildKeys, world.address('parent'), 1)).toEqual([[7n, fresh]]);
    expect(state.get(S.ParentKeys, old, 1)).toEqual([]);
    expect([state.get(S.Delegates, fresh), state.has(S.Delegates, old)]).toEqual([123, false]);
    expect(['alice', 'bob'].map((coldkey) => world.stake('new', coldkey, 1))).toEqual([30n * TAO, 30n * TAO]);
    expect([world.stake('new', 'bob', 0), world.stake('old', 'bob', 0)]).toEqual([2n * TAO, 0n]);
    expect(state.get(S.StakingHotkeys, world.address('bob'))).toEqual([
      world.address('child'),
      world.address('parent'),
      fresh,
    ]);
    // 0.1 TAO, gone from what is issued
    expect([free - world.free('alice'), before - state.get(TotalIssuance)]).toEqual([
      100_000_000n,
      100_000_000n,
    ]);
    expect(state.get(S.TotalIssuance)).toBe(state.get(TotalIssuance));
    expect(world.events.at(-1)).toMatchObject({
      name: 'HotkeySwapped',
      data: { old_hotkey: old, new_hotkey: fresh },
    });
  });

  it('may keep the stake behind', async () => {
    const world = await startWorld();
    expect(world.call('alice', swapHotkey, swap(world, true))).toBeUndefined();
    expect(['old', 'new'].map((hotkey) => world.stake(hotkey, 'bob', 1))).toEqual([30n * TAO, 0n]);
    expect(world.state.get(S.Keys, 1, 0)).toBe(world.address('new'));
  });

  it('on one subnet alone waits for a day of blocks, and costs less', async () => {
    const world = await startWorld();
    world.block = 7200;
    expect(world.call('alice', swapHotkey, swap(world, false, 1))).toBe(
      'SubtensorModule.HotKeySwapOnSubnetIntervalNotPassed',
    );
    world.block = 7201;
    const free = world.free('alice');
    expect(world.call('alice', swapHotkey, swap(world, false, 1))).toBeUndefined();
    expect(free - world.free('alice')).toBe(1_000_000n);
    expect([world.stake('new', 'bob', 1), world.stake('old', 'bob', 0)]).toEqual([30n * TAO, 2n * TAO]);
    expect(world.state.get(S.Owner, world.address('old'))).toBe(world.address('alice'));
  });

  it('is refused in the order of the chain', async () => {
    const world = await startWorld();
    const refused = (who: string, to: string) =>
      world
        .call(who, swapHotkey, { ...swap(world, false), new_hotkey: world.address(to) })
        ?.replace('SubtensorModule.', '');
    expect([refused('bob', 'new'), refused('alice', 'child'), refused('alice', 'old')]).toEqual([
      'NonAssociatedColdKey',
      'NonAssociatedColdKey',
      'NewHotKeyIsSameWithOld',
    ]);
    world.grant('staked', 'bob', 0, 1n);
    expect(refused('alice', 'staked')).toBe('NewHotKeyNotCleanForRootSwap');
    world.state.put(S.IsNetworkMember, [world.address('staked'), 1], true);
    expect(refused('alice', 'staked')).toBe('HotKeyAlreadyRegisteredInSubNet');
    world.block = 5;
    expect(refused('alice', 'new')).toBeUndefined();
    world.block = 1005;
    const again = { ...swap(world, false), hotkey: world.address('new'), new_hotkey: world.address('newer') };
    expect(world.call('alice', swapHotkey, again)).toBe('SubtensorModule.HotKeySetTxRateLimitExceeded');
    world.block = 1006;
    expect(world.call('alice', swapHotkey, again)).toBe(
      'SubtensorModule.HotKeySwapOnSubnetIntervalNotPassed',
    );
  });
});
