// Whatever is staked, sold, moved, burned and registered, in whatever order: no TAO and no alpha comes from nowhere.
import { describe, expect, it } from 'vitest';
import { runtime } from '../../../src/chain/codec/runtime.js';
import { burnedRegister } from '../../../src/localnet/pallets/subtensor/neurons.js';
import { addToPool, subnetAccount } from '../../../src/localnet/pallets/subtensor/staking.js';
import {
  addStake,
  addStakeBurn,
  addStakeLimit,
  burnAlpha,
  recycleAlpha,
} from '../../../src/localnet/pallets/subtensor/staking-calls.js';
import { moveStake, transferStake } from '../../../src/localnet/pallets/subtensor/staking-moves.js';
import {
  removeStake,
  removeStakeLimit,
  unstakeAll,
  unstakeAllAlpha,
} from '../../../src/localnet/pallets/subtensor/unstaking.js';
import { createPalletWorld, type PalletWorld, TAO } from '../../support/pallet-world.js';
import fc from '../../support/properties.js';

const S = runtime.SubtensorModule.storage;
const { Account } = runtime.System.storage;
const { TotalIssuance } = runtime.Balances.storage;
const COLDKEYS = ['alice', 'bob', 'carol'] as const;
const HOTKEYS = ['validator', 'other'] as const;
const NETUIDS = [0, 1, 2];

const startWorld = () =>
  createPalletWorld({
    pools: [
      [1_000n * TAO, 3_000n * TAO],
      [500n * TAO, 200n * TAO],
    ],
    balances: { alice: 400n * TAO, bob: 400n * TAO, carol: 105n * TAO },
    hotkeys: { validator: 'alice', other: 'bob' },
  });

/** Everybody has something everywhere. */
async function startCrowded(): Promise<PalletWorld> {
  const world = await startWorld();
  for (const coldkey of COLDKEYS)
    for (const hotkey of HOTKEYS) {
      for (const netuid of [1, 2]) world.grant(hotkey, coldkey, netuid, 30n * TAO);
      const root = { hotkey: world.address(hotkey), netuid: 0, amount_staked: 50n * TAO };
      expect(world.call(coldkey, addStake, root)).toBeUndefined();
    }
  return world;
}

const step = fc.record({
  kind: fc.constantFrom(
    'add',
    'add-limit',
    'add-burn',
    'remove',
    'remove',
    'remove-limit',
    'remove-limit',
    'move',
    'move',
    'transfer',
    'unstake-all',
    'unstake-all-alpha',
    'burn',
    'recycle',
    'dividend',
    'register',
  ),
  who: fc.constantFrom(...COLDKEYS),
  to: fc.constantFrom(...COLDKEYS),
  hotkey: fc.constantFrom(...HOTKEYS),
  toHotkey: fc.constantFrom(...HOTKEYS),
  netuid: fc.constantFrom(...NETUIDS),
  toNetuid: fc.constantFrom(...NETUIDS),
  rao: fc.oneof(fc.bigInt(0n, 10_000_000n), fc.bigInt(0n, 300n * TAO)),
  limitPrice: fc.bigInt(100_000_000n, 3_000_000_000n),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Alpha that the steps created and destroyed, by netuid. */
type Issued = Map<number, bigint>;

function take(world: PalletWorld, issued: Issued, { kind, who, netuid, rao, limitPrice, ...to }: Step): void {
  const hotkey = world.address(to.hotkey);
  const issue = (amount: bigint): void => void issued.set(netuid, (issued.get(netuid) ?? 0n) + amount);
  const staked = { hotkey, netuid, amount_staked: rao };
  const unstaked = { hotkey, netuid, amount_unstaked: rao };
  const limit = { limit_price: limitPrice, allow_partial: true };
  const move = { origin_netuid: netuid, destination_netuid: to.toNetuid, alpha_amount: rao };
  switch (kind) {
    case 'add':
      world.call(who, addStake, staked);
      return;
    case 'add-limit':
      world.call(who, addStakeLimit, { ...staked, ...limit });
      return;
    case 'add-burn':
      world.call(who, addStakeBurn, { hotkey, netuid, amount: rao, limit: undefined });
      return;
    case 'remove':
      world.call(who, removeStake, unstaked);
      return;
    case 'remove-limit':
      world.call(who, removeStakeLimit, { ...unstaked, ...limit });
      return;
    case 'move':
      world.call(who, moveStake, {
        ...move,
        origin_hotkey: hotkey,
        destination_hotkey: world.address(to.toHotkey),
      });
      return;
    case 'transfer':
      world.call(who, transferStake, { ...move, hotkey, destination_coldkey: world.address(to.to) });
      return;
    case 'unstake-all':
      world.call(who, unstakeAll, { hotkey });
      return;
    case 'unstake-all-alpha':
      world.call(who, unstakeAllAlpha, { hotkey });
      return;
    case 'burn':
      world.call(who, burnAlpha, { hotkey, amount: rao, netuid });
      return;
    case 'recycle': {
      const before = world.stake(to.hotkey, who, netuid);
      const error = world.call(who, recycleAlpha, { hotkey, amount: rao, netuid });
      if (error === undefined) issue(-(rao < before ? rao : before));
      return;
    }
    case 'dividend':
      if (netuid === 0) return;
      addToPool(world.context, hotkey, netuid, rao);
      world.state.put(S.SubnetAlphaOut, [netuid], world.state.get(S.SubnetAlphaOut, netuid) + rao);
      issue(rao);
      return;
    case 'register': {
      const before = alphaOf(world, netuid);
      const name = `miner ${world.state.get(S.SubnetworkN, netuid)}`;
      world.call(who, burnedRegister, { netuid, hotkey: world.address(name) });
      if (netuid !== 0) issue(alphaOf(world, netuid) - before);
      return;
    }
  }
}

const alphaOf = ({ state }: PalletWorld, netuid: number): bigint =>
  state.get(S.SubnetAlphaIn, netuid) + state.get(S.SubnetAlphaOut, netuid);

const freeOf = ({ state }: PalletWorld, account: string): bigint => state.get(Account, account).data.free;

/** What the last call took from stakers and left in AlphaOut: fees of sales, and what was burned. */
function noteUnowned({ events }: PalletWorld, unowned: Issued): void {
  for (const event of events) {
    if (event.pallet !== 'SubtensorModule') continue;
    const [netuid, rao] =
      event.name === 'StakeRemoved'
        ? [event.data[4], event.data[5]]
        : event.name === 'AlphaBurned'
          ? [event.data[3], event.data[2]]
          : [0, 0n];
    unowned.set(netuid, (unowned.get(netuid) ?? 0n) + rao);
  }
}

function assertBooks(world: PalletWorld, genesis: readonly bigint[], issued: Issued, unowned: Issued): void {
  const { state } = world;
  for (const netuid of NETUIDS) {
    let pools = 0n;
    for (const hotkey of HOTKEYS) {
      const pool = state.get(S.TotalHotkeyAlpha, world.address(hotkey), netuid);
      const values = COLDKEYS.reduce((sum, coldkey) => sum + world.stake(hotkey, coldkey, netuid), 0n);
      expect(values <= pool).toBe(true);
      pools += pool;
    }
    expect(state.get(S.SubnetAlphaOut, netuid)).toBe(pools + (unowned.get(netuid) ?? 0n));
    const held = freeOf(world, subnetAccount(netuid));
    expect(held >= state.get(S.SubnetTAO, netuid)).toBe(true);
    if (netuid === 0) expect(state.get(S.SubnetTAO, 0)).toBe(state.get(S.SubnetAlphaOut, 0));
    else expect(alphaOf(world, netuid)).toBe(genesis[netuid]! + (issued.get(netuid) ?? 0n));
  }
  const all = state.keys(Account).reduce((sum, [account]) => sum + freeOf(world, account), 0n);
  expect([state.get(TotalIssuance), state.get(S.TotalIssuance)]).toEqual([all, all]);
}

describe('the books', () => {
  it('balance after every call, in any order', async () => {
    const world = await startCrowded();
    const mark = world.state.mark();
    const genesis = NETUIDS.map((netuid) => alphaOf(world, netuid));
    const supply = world.state.get(TotalIssuance);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        world.state.rollback(mark);
        const issued: Issued = new Map();
        const unowned: Issued = new Map();
        for (const each of steps) {
          take(world, issued, each);
          if (each.kind !== 'dividend') noteUnowned(world, unowned);
          assertBooks(world, genesis, issued, unowned);
        }
        expect(world.state.get(TotalIssuance)).toBe(supply);
      }),
      { numRuns: 60 },
    );
  });

  it('give nobody more TAO back than was paid, whatever way the alpha went', async () => {
    const world = await startWorld();
    const mark = world.state.mark();
    const rao = fc.bigInt(5_000_000n, 300n * TAO);
    fc.assert(
      fc.property(rao, fc.constantFrom(1, 2), fc.constantFrom(0, 1, 2), (amount, first, second) => {
        world.state.rollback(mark);
        const hotkey = world.address('validator');
        const before = world.free('bob');
        const everything = 2n ** 64n - 1n;
        expect(world.call('bob', addStake, { hotkey, netuid: first, amount_staked: amount })).toBeUndefined();
        world.call('bob', moveStake, {
          origin_hotkey: hotkey,
          destination_hotkey: world.address('other'),
          origin_netuid: first,
          destination_netuid: second,
          alpha_amount: everything,
        });
        for (const each of HOTKEYS)
          expect(world.call('bob', unstakeAll, { hotkey: world.address(each) })).toBeUndefined();
        expect(NETUIDS.map((netuid) => world.stake('other', 'bob', netuid))).toEqual([0n, 0n, 0n]);
        // at the very least the fee is gone
        expect(world.free('bob') < before - amount / 2000n).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
