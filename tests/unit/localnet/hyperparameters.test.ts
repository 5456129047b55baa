// Who may change a subnet's parameters, when, how often, within what bounds. Orders, bounds and events as in subtensor
// pallets/admin-utils/src/lib.rs, utils/{misc,rate_limiting}.rs, subnets/{uids,mechanism}.rs at spec 425.
import { describe, expect, it } from 'vitest';
import { adminUtils } from '../../../src/chain/codec/pallets/admin-utils.js';
import { type RuntimeCall, runtime } from '../../../src/chain/codec/runtime.js';
import { storageIndex } from '../../../src/chain/codec/weight-commits.js';
import { SUDO_EFFECTS } from '../../../src/chain/subtensor/sudo-effects.js';
import { appendNeuron } from '../../../src/localnet/pallets/subtensor/neurons.js';
import { stakeOf, subnetAccount } from '../../../src/localnet/pallets/subtensor/staking.js';
import { admin, type BlockWorld, createSubnetWorld, subtensor } from '../../support/block-world.js';

const S = runtime.SubtensorModule.storage;
const immunity = (value: number): RuntimeCall =>
  admin('sudo_set_immunity_period', { netuid: 1, immunity_period: value });

/** Neurons of these names, appended to subnet 1 as of `block`. */
function seat(world: BlockWorld, names: readonly string[], block: number): void {
  for (const name of names)
    appendNeuron({ state: world.state, block, emit: () => {} }, 1, world.address(name));
}

describe('a hyperparameter', () => {
  it('is the owner’s to set, root’s, and nobody else’s', async () => {
    const world = await createSubnetWorld(['stranger']);
    expect(world.land('stranger', immunity(7)).error).toBe('BadOrigin');
    const { error, events } = world.land('owner', immunity(7));
    expect(error).toBeUndefined();
    expect(events).toEqual([{ pallet: 'SubtensorModule', name: 'ImmunityPeriodSet', data: [1, 7] }]);
    expect(world.asRoot(immunity(8)).error).toBeUndefined();
    expect(world.state.get(S.ImmunityPeriod, 1)).toBe(8);
  });

  it('that is root’s alone is refused from the owner', async () => {
    const world = await createSubnetWorld();
    expect(world.land('owner', admin('sudo_set_kappa', { netuid: 1, kappa: 1 })).error).toBe('BadOrigin');
    const window = admin('sudo_set_admin_freeze_window', { window: 3 });
    expect(world.land('owner', window).error).toBe('BadOrigin');
    expect(world.asRoot(window).error).toBeUndefined();
    expect(world.state.get(S.AdminFreezeWindow)).toBe(3);
  });

  it('changes once in two tempos by its owner, each by itself, and as often as root likes', async () => {
    const world = await createSubnetWorld();
    world.asRoot(admin('sudo_set_tempo', { netuid: 1, tempo: 20 }));
    expect(world.land('owner', immunity(7)).error).toBeUndefined();
    const key = { type: 'OwnerHyperparamUpdate', value: [1, 'ImmunityPeriod'] } as const;
    const changed = world.block();
    expect(world.state.get(S.LastRateLimitedBlock, key)).toBe(changed);
    expect(world.land('owner', immunity(8)).error).toBe('SubtensorModule.TxRateLimitExceeded');
    expect(world.asRoot(immunity(9)).error).toBeUndefined();
    const other = admin('sudo_set_rho', { netuid: 1, rho: 11 });
    expect(world.land('owner', other)).toMatchObject({ error: undefined, events: [] });
    world.skip(changed + 39 - world.block() - 1);
    expect(world.land('owner', immunity(10)).error).toBe('SubtensorModule.TxRateLimitExceeded');
    expect(world.block()).toBe(changed + 39);
    expect(world.land('owner', immunity(10)).error).toBeUndefined();
  });

  it('of weights has a limit of five tempos, kept by account under the transaction’s number', async () => {
    const world = await createSubnetWorld();
    world.asRoot(admin('sudo_set_tempo', { netuid: 1, tempo: 20 }));
    const version = (key: bigint): RuntimeCall =>
      admin('sudo_set_weights_version_key', { netuid: 1, weights_version_key: key });
    expect(world.land('owner', version(1n)).error).toBeUndefined();
    const changed = world.block();
    expect(world.state.get(S.TransactionKeyLastBlock, world.address('owner'), 1, 4)).toBe(changed);
    world.skip(98);
    expect(world.land('owner', version(2n)).error).toBe('SubtensorModule.TxRateLimitExceeded');
    expect(world.land('owner', version(2n)).error).toBeUndefined();
    expect(world.block()).toBe(changed + 100);
  });

  it('is fixed in the last ten blocks before an epoch, for root as well', async () => {
    const world = await createSubnetWorld();
    world.asRoot(admin('sudo_set_tempo', { netuid: 1, tempo: 30 }));
    const next = world.state.get(S.LastEpochBlock, 1) + 30;
    world.pass(next - 10 - world.block() - 1);
    expect(world.asRoot(immunity(7)).error).toBeUndefined();
    expect(world.block()).toBe(next - 10);
    expect(world.asRoot(immunity(8)).error).toBe('SubtensorModule.AdminActionProhibitedDuringWeightsWindow');
    expect(world.land('owner', immunity(8)).error).toBe(
      'SubtensorModule.AdminActionProhibitedDuringWeightsWindow',
    );
    // these do not ask
    expect(world.asRoot(admin('sudo_set_kappa', { netuid: 1, kappa: 5 })).error).toBeUndefined();
    world.pass(next - world.block());
    expect(world.asRoot(immunity(8)).error).toBeUndefined();
  });

  it('asks for origin, limit, window and subnet in this order', async () => {
    const world = await createSubnetWorld();
    const absent = admin('sudo_set_immunity_period', { netuid: 9, immunity_period: 1 });
    expect(world.land('owner', absent).error).toBe('BadOrigin');
    expect(world.asRoot(absent).error).toBe('AdminUtils.SubnetDoesNotExist');
    expect(world.land('owner', immunity(7)).error).toBeUndefined();
    world.asRoot(admin('sudo_set_admin_freeze_window', { window: 1000 }));
    expect(world.land('owner', immunity(8)).error).toBe('SubtensorModule.TxRateLimitExceeded');
    expect(world.asRoot(absent).error).toBe('SubtensorModule.AdminActionProhibitedDuringWeightsWindow');
    expect(world.state.get(S.ImmunityPeriod, 1)).toBe(7);
  });

  it.each([
    ['sudo_set_alpha_values', { alpha_low: 2000, alpha_high: 3000 }, 'SubtensorModule.LiquidAlphaDisabled'],
    ['sudo_set_commit_reveal_weights_interval', { interval: 101n }, 'SubtensorModule.RevealPeriodTooLarge'],
    ['sudo_set_commit_reveal_weights_interval', { interval: 0n }, 'SubtensorModule.RevealPeriodTooSmall'],
    ['sudo_set_activity_cutoff', { activity_cutoff: 359 }, 'SubtensorModule.ActivityCutoffTooLow'],
    [
      'sudo_set_bonds_moving_average',
      { bonds_moving_average: 975_001n },
      'AdminUtils.BondsMovingAverageMaxReached',
    ],
    ['sudo_set_alpha_sigmoid_steepness', { steepness: -1 }, 'AdminUtils.NegativeSigmoidSteepness'],
    ['sudo_set_min_burn', { min_burn: 1_000_000_000n }, 'AdminUtils.ValueNotInBounds'],
    ['sudo_set_max_burn', { max_burn: 100_000_000n }, 'AdminUtils.ValueNotInBounds'],
    ['sudo_set_burn_half_life', { burn_half_life: 36_101 }, 'AdminUtils.InvalidValue'],
    ['sudo_set_burn_increase_mult', { burn_increase_mult: (3n << 64n) + 1n }, 'AdminUtils.InvalidValue'],
    ['sudo_set_owner_immune_neuron_limit', { immune_neurons: 11 }, 'SubtensorModule.InvalidValue'],
    [
      'sudo_set_max_allowed_uids',
      { max_allowed_uids: 63 },
      'AdminUtils.MaxAllowedUidsLessThanMinAllowedUids',
    ],
    [
      'sudo_set_max_allowed_uids',
      { max_allowed_uids: 257 },
      'AdminUtils.MaxAllowedUidsGreaterThanDefaultMaxAllowedUids',
    ],
    ['sudo_set_min_childkey_take_per_subnet', { take: 11_797 }, 'AdminUtils.InvalidValue'],
    ['sudo_set_mechanism_count', { mechanism_count: 0 }, 'SubtensorModule.InvalidValue'],
    ['sudo_set_mechanism_count', { mechanism_count: 3 }, 'SubtensorModule.InvalidValue'],
    ['sudo_set_mechanism_count', { mechanism_count: 2 }, 'SubtensorModule.TooManyUIDsPerMechanism'],
    ['sudo_set_mechanism_emission_split', { maybe_split: [65_534] }, 'SubtensorModule.InvalidValue'],
    ['sudo_set_mechanism_emission_split', { maybe_split: [1, 65_534] }, 'SubtensorModule.InvalidValue'],
    ['sudo_trim_to_max_allowed_uids', { max_n: 63 }, 'SubtensorModule.InvalidValue'],
    [
      'sudo_set_network_pow_registration_allowed',
      { registration_allowed: true },
      'AdminUtils.POWRegistrationDisabled',
    ],
  ])('%s %o is refused', async (name, args, error) => {
    const world = await createSubnetWorld();
    expect(world.land('owner', admin(name, { netuid: 1, ...args })).error).toBe(error);
  });

  it('holds liquid alpha’s bounds once it is on', async () => {
    const world = await createSubnetWorld();
    world.asRoot(admin('sudo_set_liquid_alpha_enabled', { netuid: 1, enabled: true }));
    const values = (alpha_low: number, alpha_high: number): RuntimeCall =>
      admin('sudo_set_alpha_values', { netuid: 1, alpha_low, alpha_high });
    expect(world.asRoot(values(1638, 1637)).error).toBe('SubtensorModule.AlphaHighTooLow');
    expect(world.asRoot(values(1637, 1638)).error).toBe('SubtensorModule.AlphaLowOutOfRange');
    expect(world.asRoot(values(3001, 3000)).error).toBe('SubtensorModule.AlphaLowOutOfRange');
    expect(world.asRoot(values(1638, 3000)).error).toBeUndefined();
    expect(world.state.get(S.AlphaValues, 1)).toEqual([1638, 3000]);
  });

  it('of a subnet’s owner hotkey changes once a week, whoever asks, and to no subnet’s account', async () => {
    const world = await createSubnetWorld();
    const set = (hotkey: string): RuntimeCall => admin('sudo_set_sn_owner_hotkey', { netuid: 1, hotkey });
    expect(world.land('owner', set(subnetAccount(1))).error).toBe('SubtensorModule.CannotUseSystemAccount');
    const next = world.address('next');
    expect(world.land('owner', set(next)).events).toEqual([
      { pallet: 'SubtensorModule', name: 'SubnetOwnerHotkeySet', data: [1, next] },
    ]);
    expect(world.state.get(S.SubnetOwnerHotkey, 1)).toBe(next);
    expect(world.asRoot(set(world.address('other'))).error).toBe('SubtensorModule.TxRateLimitExceeded');
    world.skip(50_398);
    expect(world.asRoot(set(world.address('other'))).error).toBeUndefined();
  });

  it('is told by AdminUtils’ own events where the chain does so', async () => {
    const world = await createSubnetWorld();
    const { events } = world.land(
      'owner',
      admin('sudo_set_bonds_reset_enabled', { netuid: 1, enabled: true }),
    );
    expect(events).toEqual([
      { pallet: 'SubtensorModule', name: 'BondsResetOnSet', data: [1, true] },
      { pallet: 'AdminUtils', name: 'BondsResetToggled', data: { netuid: 1, enabled: true } },
    ]);
  });
});

describe('the least that a nominator may have', () => {
  it('sells what is too little once root raises it, of nominators alone', async () => {
    const world = await createSubnetWorld(['nominator']);
    const { state, address } = world;
    const TAO = 1_000_000_000n;
    const stake = (coldkey: string, amount_staked: bigint) =>
      world.land(
        coldkey,
        subtensor('add_stake', { hotkey: address('owner-hotkey'), netuid: 1, amount_staked }),
      );
    expect(stake('nominator', TAO / 100n).error).toBeUndefined();
    expect(stake('owner', TAO / 100n).error).toBeUndefined();
    const alphaOf = (coldkey: string) =>
      stakeOf(state, { hotkey: address('owner-hotkey'), coldkey: address(coldkey), netuid: 1 });
    const owned = alphaOf('owner');
    const raise = (times: bigint) =>
      world.asRoot(admin('sudo_set_nominator_min_required_stake', { min_stake: times * 1_000_000n }));
    // of 0.002 TAO: four times it is less than the 0.01 staked
    expect(raise(4n).error).toBeUndefined();
    expect(alphaOf('nominator')).toBeGreaterThan(0n);
    // six times is more, but the chain compares the new factor with the old amount, 8 000 000 rao
    expect(raise(6n).error).toBeUndefined();
    expect(alphaOf('nominator')).toBeGreaterThan(0n);
    world.asRoot(admin('sudo_set_nominator_min_required_stake', { min_stake: 0n }));
    const { error, events } = raise(6n);
    expect(error).toBeUndefined();
    expect(events.map(({ name }) => name)).toContain('StakeRemoved');
    expect([alphaOf('nominator'), alphaOf('owner')]).toEqual([0n, owned]);
  });
});

describe('a mechanism', () => {
  it('loses all that it had when it is taken away, and the shares become equal', async () => {
    const world = await createSubnetWorld([], { fastBlocks: false });
    const { state } = world;
    const count = (mechanism_count: number): RuntimeCall =>
      admin('sudo_set_mechanism_count', { netuid: 1, mechanism_count });
    state.put(S.MaxAllowedUids, [1], 128);
    expect(world.asRoot(count(2)).error).toBeUndefined();
    const split = admin('sudo_set_mechanism_emission_split', { netuid: 1, maybe_split: [1, 65_534] });
    expect(world.asRoot(split).error).toBeUndefined();
    expect(state.get(S.MechanismEmissionSplit, 1)).toEqual([1, 65_534]);
    const second = storageIndex(1, 1);
    state.put(S.Weights, [second, 0], [[0, 1]]);
    state.put(S.Bonds, [second, 0], [[0, 1]]);
    state.put(S.Weights, [1, 0], [[0, 1]]);
    expect(world.asRoot(count(1)).error).toBeUndefined();
    expect([state.has(S.Weights, second, 0), state.has(S.Bonds, second, 0)]).toEqual([false, false]);
    expect([state.has(S.LastUpdate, second), state.has(S.MechanismEmissionSplit, 1)]).toEqual([false, false]);
    expect(state.get(S.Weights, 1, 0)).toEqual([[0, 1]]);
    expect(world.land('owner', count(2)).error).toBeUndefined();
    expect(world.land('owner', count(1)).error).toBe('SubtensorModule.TxRateLimitExceeded');
  });
});

describe('with fast blocks', () => {
  it('an owner changes mechanisms and trims in every block', async () => {
    const world = await createSubnetWorld();
    world.state.put(S.MaxAllowedUids, [1], 128);
    for (const mechanism_count of [2, 1, 2]) {
      const call = admin('sudo_set_mechanism_count', { netuid: 1, mechanism_count });
      expect(world.land('owner', call).error).toBeUndefined();
    }
    for (const maybe_split of [[65_535, 0], undefined]) {
      const call = admin('sudo_set_mechanism_emission_split', { netuid: 1, maybe_split });
      expect(world.land('owner', call).error).toBeUndefined();
    }
    for (const max_n of [100, 90]) {
      const call = admin('sudo_trim_to_max_allowed_uids', { netuid: 1, max_n });
      expect(world.land('owner', call).error).toBeUndefined();
    }
    expect(world.state.get(S.TxChildkeyTakeRateLimit)).toBe(5n);
  });
});

describe('trimming', () => {
  /** The owner at 0, then a to e at 1 to 5, who earn 5, 1, 9, 1, 3; only `immune` are still immune. */
  async function crowd(immune: readonly string[] = []): Promise<BlockWorld> {
    const world = await createSubnetWorld([], { fastBlocks: false });
    const { state } = world;
    world.skip(6000);
    world.pass(1);
    seat(world, ['a', 'b', 'c', 'd', 'e'], 1);
    state.put(S.Emission, [1], [0n, 5n, 1n, 9n, 1n, 3n]);
    state.put(S.MinAllowedUids, [1], 2);
    state.put(S.Consensus, [1], [0, 10, 20, 30, 40, 50]);
    for (const name of immune) {
      const uid = state.get(S.Uids, 1, world.address(name))!;
      state.put(S.BlockAtRegistration, [1, uid], world.block());
    }
    return world;
  }
  const trim = (max_n: number): RuntimeCall => admin('sudo_trim_to_max_allowed_uids', { netuid: 1, max_n });
  const seated = ({ state, address }: BlockWorld): readonly string[] =>
    Array.from({ length: state.get(S.SubnetworkN, 1) }, (_, uid) => {
      const hotkey = state.get(S.Keys, 1, uid);
      expect(state.get(S.Uids, 1, hotkey)).toBe(uid);
      return ['owner-hotkey', 'a', 'b', 'c', 'd', 'e'].find((name) => address(name) === hotkey)!;
    });

  it('removes those that earn least, of equals the later uid, and closes up', async () => {
    const world = await crowd();
    const { state } = world;
    state.put(
      S.Weights,
      [1, 3],
      [
        [1, 100],
        [4, 200],
        [5, 300],
      ],
    );
    state.put(
      S.Bonds,
      [1, 5],
      [
        [3, 7],
        [4, 8],
      ],
    );
    state.put(S.Axons, [1, world.address('d')], {
      block: 1n,
      version: 1,
      ip: 1n,
      port: 1,
      ip_type: 4,
      protocol: 4,
      placeholder1: 0,
      placeholder2: 0,
    });
    expect(world.land('owner', trim(5)).error).toBeUndefined();
    expect(seated(world)).toEqual(['owner-hotkey', 'a', 'b', 'c', 'e']);
    expect(state.get(S.Emission, 1)).toEqual([0n, 5n, 1n, 9n, 3n]);
    expect(state.get(S.Consensus, 1)).toEqual([0, 10, 20, 30, 50]);
    expect(state.get(S.Weights, 1, 3)).toEqual([
      [1, 100],
      [4, 300],
    ]);
    expect(state.get(S.Bonds, 1, 4)).toEqual([[3, 7]]);
    expect(state.has(S.Bonds, 1, 5)).toBe(false);
    expect(state.has(S.Axons, 1, world.address('d'))).toBe(false);
    expect(state.get(S.IsNetworkMember, world.address('d'), 1)).toBe(false);
    expect(state.get(S.MaxAllowedUids, 1)).toBe(5);
    expect(world.land('owner', trim(4)).error).toBe('SubtensorModule.TxRateLimitExceeded');
  });

  it('spares the immune and the owner’s key, however little they earn', async () => {
    const world = await crowd(['b', 'd']);
    expect(world.asRoot(trim(4)).error).toBeUndefined();
    expect(seated(world)).toEqual(['owner-hotkey', 'b', 'c', 'd']);
  });

  it('is refused where four fifths of what remains would be immune', async () => {
    const world = await crowd(['b', 'd', 'e']);
    expect(world.asRoot(trim(5)).error).toBe('SubtensorModule.TrimmingWouldExceedMaxImmunePercentage');
    expect(world.state.get(S.MaxAllowedUids, 1)).toBe(256);
    expect(seated(world)).toHaveLength(6);
  });

  it('to more than there are only lowers the limit', async () => {
    const world = await crowd();
    expect(world.asRoot(trim(100)).error).toBeUndefined();
    expect([world.state.get(S.MaxAllowedUids, 1), seated(world).length]).toEqual([100, 6]);
  });
});

describe('what a call of AdminUtils sets', () => {
  it('is an item that its last argument is a value of', () => {
    for (const [name, item] of Object.entries(SUDO_EFFECTS)) {
      const known = (adminUtils.calls as Readonly<Record<string, { fields: object }>>)[name];
      expect(Object.keys(S), name).toContain(item);
      if (known === undefined) continue; // the main network's, which the localnet does not have
      const { parts } = S[item as keyof typeof S];
      expect(Object.keys(known.fields).length - 1, name).toBe(parts.length);
    }
  });
});
