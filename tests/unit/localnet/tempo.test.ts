// The owner's tempo, its trigger, and the block step that heeds them (subtensor coinbase/{tempo_control,run_coinbase}.rs).
import { describe, expect, it } from 'vitest';
import { runtime } from '../../../src/chain/codec/runtime.js';
import { admin, createSubnetWorld, subtensor } from '../../support/block-world.js';

const S = runtime.SubtensorModule.storage;
const tempo = (value: number) => subtensor('set_tempo', { netuid: 1, tempo: value });
const trigger = subtensor('trigger_epoch', { netuid: 1 });

describe('set_tempo', () => {
  it('is the owner’s alone, within bounds, and begins the cycle anew', async () => {
    const world = await createSubnetWorld();
    expect(world.asRoot(tempo(400)).error).toBe('BadOrigin');
    expect(world.land('owner', tempo(359)).error).toBe('SubtensorModule.TempoOutOfBounds');
    expect(world.land('owner', tempo(50_401)).error).toBe('SubtensorModule.TempoOutOfBounds');
    expect(world.land('owner', tempo(50_400))).toMatchObject({
      error: undefined,
      events: [{ name: 'TempoSet', data: [1, 50_400] }],
    });
    expect(world.state.get(S.Tempo, 1)).toBe(50_400);
    expect(world.state.get(S.LastEpochBlock, 1)).toBe(world.block());
  });

  it('may be called again after 360 blocks', async () => {
    const world = await createSubnetWorld();
    expect(world.land('owner', tempo(1000)).error).toBeUndefined();
    expect(world.state.get(S.TransactionKeyLastBlock, world.address('owner'), 1, 11)).toBe(world.block());
    world.skip(358);
    expect(world.land('owner', tempo(1001)).error).toBe('SubtensorModule.TxRateLimitExceeded');
    expect(world.land('owner', tempo(1001)).error).toBeUndefined();
  });

  it('has no bounds as root’s sudo_set_tempo', async () => {
    const world = await createSubnetWorld();
    expect(world.asRoot(admin('sudo_set_tempo', { netuid: 1, tempo: 15 })).error).toBeUndefined();
    expect([world.state.get(S.Tempo, 1), world.state.get(S.LastEpochBlock, 1)]).toEqual([15, world.block()]);
  });
});

describe('trigger_epoch', () => {
  it('runs an epoch a freeze window later, once, and not the automatic one besides', async () => {
    const world = await createSubnetWorld();
    world.asRoot(admin('sudo_set_tempo', { netuid: 1, tempo: 40 }));
    const triggered = world.land('owner', trigger);
    const fires_at = world.block() + 10;
    expect(triggered.events).toEqual([
      {
        pallet: 'SubtensorModule',
        name: 'EpochTriggered',
        data: { netuid: 1, by: world.address('owner'), fires_at },
      },
    ]);
    const epochs = world.state.get(S.SubnetEpochIndex, 1);
    world.pass(9);
    expect(world.state.get(S.SubnetEpochIndex, 1)).toBe(epochs);
    world.pass(1);
    expect(world.block()).toBe(fires_at);
    expect(world.state.get(S.SubnetEpochIndex, 1)).toBe(epochs + 1);
    expect([world.state.get(S.PendingEpochAt, 1), world.state.get(S.LastEpochBlock, 1)]).toEqual([
      0,
      fires_at,
    ]);
    world.pass(39);
    expect(world.state.get(S.SubnetEpochIndex, 1)).toBe(epochs + 1);
    world.pass(1);
    expect(world.state.get(S.SubnetEpochIndex, 1)).toBe(epochs + 2);
  });

  it('freezes the hyperparameters until it fired', async () => {
    const world = await createSubnetWorld();
    world.land('owner', trigger);
    const change = admin('sudo_set_rho', { netuid: 1, rho: 3 });
    expect(world.asRoot(change).error).toBe('SubtensorModule.AdminActionProhibitedDuringWeightsWindow');
    world.pass(8);
    expect(world.asRoot(change).error).toBeUndefined();
  });

  it('is refused with commit-reveal on, while one is pending, and right before the automatic one', async () => {
    const world = await createSubnetWorld();
    const commitReveal = (enabled: boolean) =>
      world.asRoot(admin('sudo_set_commit_reveal_weights_enabled', { netuid: 1, enabled }));
    commitReveal(true);
    expect(world.land('owner', trigger).error).toBe('SubtensorModule.DynamicTempoBlockedByCommitReveal');
    commitReveal(false);
    expect(world.asRoot(trigger).error).toBe('BadOrigin');
    expect(world.land('owner', trigger).error).toBeUndefined();
    expect(world.land('owner', trigger).error).toBe('SubtensorModule.EpochTriggerAlreadyPending');
    world.pass(10);
    world.asRoot(admin('sudo_set_tempo', { netuid: 1, tempo: 20 }));
    world.pass(10);
    expect(world.land('owner', trigger).error).toBe('SubtensorModule.AutoEpochAlreadyImminent');
    world.pass(10);
    expect(world.land('owner', trigger).error).toBe('SubtensorModule.TxRateLimitExceeded');
  });
});

describe('set_activity_cutoff_factor', () => {
  it('is limited for the owner, in the freeze window too, and free for root', async () => {
    const world = await createSubnetWorld();
    const set = (factor_milli: number) =>
      subtensor('set_activity_cutoff_factor', { netuid: 1, factor_milli });
    const tooFar = 'SubtensorModule.ActivityCutoffFactorMilliOutOfBounds';
    expect(world.land('owner', set(999)).error).toBe(tooFar);
    expect(world.asRoot(set(50_001)).error).toBe(tooFar);
    expect(world.land('owner', set(1000)).error).toBeUndefined();
    expect(world.land('owner', set(1001)).error).toBe('SubtensorModule.TxRateLimitExceeded');
    world.asRoot(admin('sudo_set_admin_freeze_window', { window: 1000 }));
    expect(world.land('owner', set(1001)).error).toBe(
      'SubtensorModule.AdminActionProhibitedDuringWeightsWindow',
    );
    expect(world.asRoot(set(2000)).error).toBeUndefined();
    expect(world.state.get(S.ActivityCutoffFactorMilli, 1)).toBe(2000);
  });
});
