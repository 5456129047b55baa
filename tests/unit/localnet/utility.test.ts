// Batches and balances (subtensor pallets/utility/src/lib.rs, runtime NoNestingCallFilter; Substrate pallet-balances).
import { describe, expect, it } from 'vitest';
import { type RuntimeCall, runtime } from '../../../src/chain/codec/runtime.js';
import {
  type BlockWorld,
  createBlockWorld,
  createSubnetWorld,
  subtensor,
} from '../../support/block-world.js';
import fc from '../../support/properties.js';

const { Account } = runtime.System.storage;
const TAO = 1_000_000_000n;

const batch = (name: 'batch' | 'batch_all' | 'force_batch', calls: readonly RuntimeCall[]): RuntimeCall =>
  ({ pallet: 'Utility', name, args: { calls } }) as RuntimeCall; // one of the three, whichever
const free = (world: BlockWorld, name: string): bigint =>
  world.state.get(Account, world.address(name)).data.free;
const pay = (world: BlockWorld, to: string, value: bigint): RuntimeCall => ({
  pallet: 'Balances',
  name: 'transfer_keep_alive',
  args: { dest: { type: 'Id', value: [world.address(to)] }, value },
});
const names = (events: readonly { readonly name: string }[]): readonly string[] =>
  events.map(({ name }) => name);
const TOO_MUCH = 20_000n * TAO;

describe('a batch', () => {
  it('stops at the first failure and keeps what was done before it', async () => {
    const world = await createBlockWorld(['alice', 'bob']);
    const calls = [pay(world, 'bob', TAO), pay(world, 'bob', TOO_MUCH), pay(world, 'bob', TAO)];
    const { error, events } = world.land('alice', batch('batch', calls));
    expect(error).toBeUndefined();
    expect(names(events)).toEqual(['Transfer', 'ItemCompleted', 'BatchInterrupted']);
    expect(events.at(-1)).toMatchObject({
      data: { index: 1, error: { type: 'Token', value: ['FundsUnavailable'] } },
    });
    expect(free(world, 'bob')).toBe(10_001n * TAO);
  });

  it('of all or nothing fails with the error of the one that failed', async () => {
    const world = await createBlockWorld(['alice', 'bob']);
    const calls = [pay(world, 'bob', TAO), pay(world, 'bob', TOO_MUCH)];
    expect(world.land('alice', batch('batch_all', calls))).toMatchObject({
      error: 'Token.FundsUnavailable',
      events: [],
    });
    expect(free(world, 'bob')).toBe(10_000n * TAO);
    const { events } = world.land('alice', batch('batch_all', calls.slice(0, 1)));
    expect(names(events)).toEqual(['Transfer', 'ItemCompleted', 'BatchCompleted']);
  });

  it('that is forced does what it can and says that something failed', async () => {
    const world = await createBlockWorld(['alice', 'bob']);
    const calls = [pay(world, 'bob', TOO_MUCH), pay(world, 'bob', TAO)];
    const { error, events } = world.land('alice', batch('force_batch', calls));
    expect(error).toBeUndefined();
    expect(names(events)).toEqual(['ItemFailed', 'Transfer', 'ItemCompleted', 'BatchCompletedWithErrors']);
    expect(free(world, 'bob')).toBe(10_001n * TAO);
  });

  it('moves what its kind lets through, whatever the order of good and bad calls', async () => {
    const world = await createBlockWorld(['alice', 'bob']);
    const kinds = fc.constantFrom('batch', 'batch_all', 'force_batch');
    fc.assert(
      fc.property(kinds, fc.array(fc.boolean(), { maxLength: 6 }), (kind, areGood) => {
        const before = free(world, 'bob');
        const calls = areGood.map((good) => pay(world, 'bob', good ? 1n : TOO_MUCH));
        const { error } = world.land('alice', batch(kind, calls));
        const firstBad = areGood.includes(false) ? areGood.indexOf(false) : areGood.length;
        const isWhole = firstBad === areGood.length;
        const moved = {
          batch: firstBad,
          batch_all: isWhole ? firstBad : 0,
          force_batch: areGood.filter((good) => good).length,
        }[kind];
        expect(free(world, 'bob') - before).toBe(BigInt(moved));
        expect(error).toBe(kind === 'batch_all' && !isWhole ? 'Token.FundsUnavailable' : undefined);
      }),
    );
  });

  it('in a batch is filtered, before anything of it is done', async () => {
    const world = await createBlockWorld(['alice', 'bob']);
    const inner = batch('force_batch', []);
    for (const name of ['batch', 'batch_all', 'force_batch'] as const)
      expect(world.land('alice', batch(name, [pay(world, 'bob', TAO), inner]))).toMatchObject({
        error: 'System.CallFiltered',
        events: [],
      });
    expect(free(world, 'bob')).toBe(10_000n * TAO);
  });

  it('of root may nest, and its calls are root’s', async () => {
    const world = await createSubnetWorld();
    const set = {
      pallet: 'AdminUtils',
      name: 'sudo_set_kappa',
      args: { netuid: 1, kappa: 5 },
    } as const satisfies RuntimeCall;
    const { error } = world.asRoot(batch('batch_all', [batch('batch', [set])]));
    expect(error).toBeUndefined();
    expect(world.state.get(runtime.SubtensorModule.storage.Kappa, 1)).toBe(5);
  });

  it('meets the guards at every call in it', async () => {
    const world = await createSubnetWorld();
    const serve = subtensor('serve_prometheus', { netuid: 1, version: 1, ip: 0n, port: 1, ip_type: 4 });
    const { events } = world.land('owner-hotkey', batch('force_batch', [serve]));
    expect(events[0]).toMatchObject({ name: 'ItemFailed', data: { error: { type: 'Module' } } });
  });

  it('has at most 10922 calls', async () => {
    const world = await createBlockWorld(['alice']);
    const remark: RuntimeCall = { pallet: 'System', name: 'remark', args: { remark: new Uint8Array() } };
    const many = Array.from({ length: 10_923 }, () => remark);
    expect(world.land('alice', batch('batch', many)).error).toBe('Utility.TooManyCalls');
    expect(world.land('alice', batch('batch', many.slice(1))).error).toBeUndefined();
  });
});

describe('a balance', () => {
  const all = (world: BlockWorld, keep_alive: boolean): RuntimeCall => ({
    pallet: 'Balances',
    name: 'transfer_all',
    args: { dest: { type: 'Id', value: [world.address('bob')] }, keep_alive },
  });

  it('goes as a whole, or down to the existential deposit of 500 rao', async () => {
    const world = await createBlockWorld(['alice', 'bob']);
    expect(world.land('alice', all(world, true)).error).toBeUndefined();
    expect(free(world, 'alice')).toBe(500n);
    const { error, events } = world.land('alice', all(world, false));
    expect(error).toBeUndefined();
    expect(names(events)).toContain('KilledAccount');
    expect([free(world, 'alice'), free(world, 'bob')]).toEqual([0n, 20_000n * TAO]);
  });

  it('is what root says, and the issuance with it; below the existential deposit it is nothing', async () => {
    const world = await createBlockWorld(['alice']);
    const { TotalIssuance } = runtime.Balances.storage;
    const set = (name: string, new_free: bigint): RuntimeCall => ({
      pallet: 'Balances',
      name: 'force_set_balance',
      args: { who: { type: 'Id', value: [world.address(name)] }, new_free },
    });
    expect(world.land('alice', set('alice', TAO)).error).toBe('BadOrigin');
    const before = world.state.get(TotalIssuance);
    const { events } = world.asRoot(set('carol', 7n * TAO));
    expect(names(events)).toEqual(['NewAccount', 'Endowed', 'BalanceSet', 'Sudid']);
    expect(world.state.get(TotalIssuance)).toBe(before + 7n * TAO);
    expect(names(world.asRoot(set('carol', 499n)).events)).toEqual(['KilledAccount', 'BalanceSet', 'Sudid']);
    expect([free(world, 'carol'), world.state.get(TotalIssuance)]).toEqual([0n, before]);
  });
});
