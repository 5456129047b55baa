// Plain commits, their windows and reveals, as subtensor's subnets/weights.rs and guards/check_weights.rs have them.
import { describe, expect, it } from 'vitest';
import { commitHash, storageIndex } from '../../../src/chain/codec/weight-commits.js';
import {
  addCrowdedSubnet,
  createSubnetWorld,
  NETUID,
  type SubnetWorld,
  subtensor,
  writable,
} from './subnet-world.js';

const rowOf = (version: number) => ({
  uids: [0, 2],
  values: [version, 65_535],
  salt: [version],
  versionKey: 0n,
});
const hashOf = (who: string, version = 0, index = NETUID) => commitHash(who, index, rowOf(version));
const commit = (who: string, version = 0) =>
  subtensor('commit_weights', { netuid: NETUID, commit_hash: hashOf(who, version) });
const reveal = (version = 0) => {
  const { uids, values, salt, versionKey } = rowOf(version);
  return subtensor('reveal_weights', { netuid: NETUID, uids, values, salt, version_key: versionKey });
};
const weightsOf = ({ chain }: SubnetWorld, uid: number, index = NETUID) =>
  chain.query('SubtensorModule', 'Weights', index, uid);
const commitsOf = ({ chain, validator }: SubnetWorld, index = NETUID) =>
  chain.query('SubtensorModule', 'WeightCommits', index, validator);

describe('a plain commit', () => {
  it('is revealed in the epoch after it and in no other', async () => {
    const world = await createSubnetWorld();
    const { validator, land, outcome, chain } = world;
    const { block, events } = await land(commit(validator), validator);
    expect(events.slice(0, -1).map(({ name, data }) => [name, data])).toEqual([
      ['WeightsCommitted', [validator, NETUID, hashOf(validator)]],
    ]);
    expect(commitsOf(world)).toEqual([[hashOf(validator), world.epoch(), block, 0]]);
    expect(chain.query('SubtensorModule', 'LastUpdate', NETUID)[1]).toBe(block);
    expect(await outcome(reveal(), validator)).toBe('RevealTooEarly');

    world.toEpoch();
    expect(weightsOf(world, 1)).toEqual([]);
    const revealed = await land(reveal(), validator);
    expect(revealed.error).toBeUndefined();
    expect(revealed.events.slice(0, -1).map(({ name, data }) => [name, data])).toEqual([
      ['WeightsSet', [NETUID, 1]],
      ['WeightsRevealed', [validator, NETUID, hashOf(validator)]],
    ]);
    expect(weightsOf(world, 1)).toEqual([
      [0, 0],
      [2, 65_535],
    ]);
    expect(commitsOf(world)).toBeUndefined();
    // the commit is what LastUpdate speaks of, not the reveal
    expect(chain.query('SubtensorModule', 'LastUpdate', NETUID)[1]).toBe(block);
    expect(await outcome(reveal(), validator)).toBe('NoWeightsCommitFound');
  });

  it('cannot be revealed once its epoch has passed, and makes room for others then', async () => {
    const world = await createSubnetWorld();
    const { validator, land, outcome } = world;
    await land(commit(validator), validator);
    world.toEpoch();
    world.toEpoch();
    // the pool's guard looks at the window alone
    expect(await outcome(reveal(), validator)).toBe('RevealTooEarly');
    await land(commit(validator, 1), validator);
    expect(commitsOf(world)?.map(([hash]) => hash)).toEqual([hashOf(validator, 1)]);
  });

  it('waits as many epochs as the subnet says', async () => {
    const world = await createSubnetWorld();
    const { validator, land, outcome } = world;
    await world.sudo('sudo_set_commit_reveal_weights_interval', { netuid: NETUID, interval: 2n });
    await land(commit(validator), validator);
    world.toEpoch();
    expect(await outcome(reveal(), validator)).toBe('RevealTooEarly');
    world.toEpoch();
    expect(await outcome(reveal(), validator)).toBe('ok');
  });

  it('belongs to the coming epoch where that one is due but put off', async () => {
    const world = await createSubnetWorld();
    const { chain, alice, land } = world;
    await addCrowdedSubnet(world);
    const ofSecond = subtensor('commit_weights', { netuid: 2, commit_hash: hashOf(alice, 0, 2) });
    const { block } = await land(ofSecond, alice);
    expect(chain.events(block).map(({ event }) => event.name)).toContain('EpochDeferred');
    const epoch = chain.query('SubtensorModule', 'SubnetEpochIndex', 2);
    expect(chain.query('SubtensorModule', 'WeightCommits', 2, alice)).toEqual([
      [hashOf(alice, 0, 2), epoch + 1, block, 0],
    ]);
  });

  it('is one of ten at most; a reveal gives up those before it', async () => {
    const world = await createSubnetWorld();
    const { validator, land, outcome, chain } = world;
    await world.sudo('sudo_set_tempo', { netuid: NETUID, tempo: 30 });
    for (let version = 0; version < 10; version++)
      expect(await outcome(commit(validator, version), validator)).toBe('ok');
    expect(await outcome(commit(validator, 10), validator)).toBe('TooManyUnrevealedCommits');
    world.toEpoch();
    expect((await land(reveal(7), validator)).error).toBeUndefined();
    expect(commitsOf(world)?.map(([hash]) => hash)).toEqual([8, 9].map((v) => hashOf(validator, v)));
    expect(await outcome(reveal(3), validator)).toBe('NoWeightsCommitFound');
    expect(chain.query('SubtensorModule', 'Weights', NETUID, 1)).toEqual([
      [0, 7],
      [2, 65_535],
    ]);
  });

  it('is refused by the chain’s own word', async () => {
    const world = await createSubnetWorld();
    const { validator, alice, outcome, sudo } = world;
    expect(await outcome(commit(alice), alice)).toBe('HotKeyNotRegisteredInSubNet');
    expect(await outcome(subtensor('commit_weights', { netuid: 9, commit_hash: hashOf(alice) }), alice)).toBe(
      'MechanismDoesNotExist',
    );
    await sudo('sudo_set_weights_set_rate_limit', { netuid: NETUID, weights_set_rate_limit: 100n });
    expect(await outcome(commit(validator), validator)).toBe('CommittingWeightsTooFast');
    await sudo('sudo_set_weights_set_rate_limit', { netuid: NETUID, weights_set_rate_limit: 0n });
    await sudo('sudo_set_stake_threshold', { min_stake: 10n ** 15n });
    expect(await outcome(commit(validator), validator)).toBe('NotEnoughStakeToSetWeights');
    await sudo('sudo_set_stake_threshold', { min_stake: 0n });
    await sudo('sudo_set_commit_reveal_weights_enabled', { netuid: NETUID, enabled: false });
    expect(await outcome(commit(validator), validator)).toBe('CommitRevealDisabled');
  });

  it('stops direct weights, and is needed no more when commit-reveal is off', async () => {
    const world = await createSubnetWorld();
    const { validator, outcome, sudo } = world;
    const args = { netuid: NETUID, dests: [2], weights: [1], version_key: 0n };
    expect(await outcome(subtensor('set_weights', args), validator)).toBe('CommitRevealEnabled');
    const ofMechanism = subtensor('set_mechanism_weights', { ...args, mecid: 0 });
    expect(await outcome(ofMechanism, validator)).toBe('CommitRevealEnabled');
    await sudo('sudo_set_commit_reveal_weights_enabled', { netuid: NETUID, enabled: false });
    expect(await outcome(ofMechanism, validator)).toBe('ok');
  });

  it('whose row the chain does not take stays revealable', async () => {
    const world = await createSubnetWorld();
    const { validator, outcome, land } = world;
    const row = { uids: [0, 7], values: [1, 1], salt: [], versionKey: 0n };
    const hash = commitHash(validator, NETUID, row);
    await land(subtensor('commit_weights', { netuid: NETUID, commit_hash: hash }), validator);
    world.toEpoch();
    const { uids, values, salt } = row;
    const call = subtensor('reveal_weights', { netuid: NETUID, uids, values, salt, version_key: 0n });
    expect(await outcome(call, validator)).toBe('UidVecContainInvalidOne');
    expect(commitsOf(world)?.length).toBe(1);
  });
});

describe('the pool', () => {
  it('refuses reveals with the codes of the chain’s extension', async () => {
    const world = await createSubnetWorld();
    const { chain, validator } = world;
    const { customCode, guardCall } = await import('../../../src/localnet/pallets/subtensor/guards.js');
    const context = { state: chain.state() as never, block: chain.head().number + 1, emit: () => {} };
    const codeOf = (name: string, args: object): number | undefined => {
      const failure = guardCall(validator, subtensor(name, args), context);
      return failure && customCode(failure);
    };
    const { uids, values, salt } = rowOf(0);
    const lists = { uids_list: [uids], values_list: [values], salts_list: [salt] };
    expect([
      codeOf('reveal_weights', { netuid: NETUID, uids, values, salt, version_key: 0n }),
      codeOf('batch_reveal_weights', { netuid: NETUID, ...lists, version_keys: [] }),
      codeOf('batch_commit_weights', { netuids: [NETUID], commit_hashes: [] }),
      codeOf('batch_set_weights', { netuids: [NETUID], weights: [], version_keys: [0n] }),
      // a mechanism that does not exist has no rate to pass
      codeOf('commit_mechanism_weights', { netuid: NETUID, mecid: 3, commit_hash: hashOf(validator) }),
      codeOf('commit_weights', { netuid: NETUID, commit_hash: hashOf(validator) }),
    ]).toEqual([16, 18, 18, 18, 6, undefined]);
    await world.land(commit(validator), validator);
    expect(codeOf('reveal_weights', { netuid: NETUID, uids, values, salt, version_key: 0n })).toBe(17);
  });
});

describe('batches', () => {
  it('of commits succeed whatever becomes of each, and say which failed', async () => {
    const world = await createSubnetWorld();
    const { validator, land } = world;
    const call = subtensor('batch_commit_weights', {
      netuids: [NETUID, 5],
      commit_hashes: [hashOf(validator), hashOf(validator, 1)],
    });
    const { error, events } = await land(call, validator);
    expect(error).toBeUndefined();
    expect(events.map(({ name }) => name)).toEqual([
      'WeightsCommitted',
      'BatchCompletedWithErrors',
      'BatchWeightItemFailed',
      'BatchWeightsCompleted',
      'ExtrinsicSuccess',
    ]);
    expect(commitsOf(world)?.length).toBe(1);
  });

  it('of rows fail by item while commit-reveal is on', async () => {
    const world = await createSubnetWorld();
    const { validator, land, sudo } = world;
    const call = subtensor('batch_set_weights', {
      netuids: [NETUID],
      weights: [[[2, 5]]],
      version_keys: [0n],
    });
    const failed = await land(call, validator);
    expect(failed.events.map(({ name }) => name).slice(0, 2)).toEqual([
      'BatchCompletedWithErrors',
      'BatchWeightItemFailed',
    ]);
    await sudo('sudo_set_commit_reveal_weights_enabled', { netuid: NETUID, enabled: false });
    const { events } = await land(call, validator);
    expect(events.map(({ name }) => name)).toEqual([
      'WeightsSet',
      'BatchWeightsCompleted',
      'ExtrinsicSuccess',
    ]);
    expect(weightsOf(world, 1)).toEqual([[2, 65_535]]);
  });

  it('of reveals are all or none, and each takes its own commit away', async () => {
    const world = await createSubnetWorld();
    const { validator, land, outcome } = world;
    for (const version of [1, 2, 3]) await land(commit(validator, version), validator);
    const batch = (versions: readonly number[]) => {
      const rows = versions.map(rowOf);
      return subtensor('batch_reveal_weights', {
        netuid: NETUID,
        uids_list: rows.map(({ uids }) => uids),
        values_list: rows.map(({ values }) => values),
        salts_list: rows.map(({ salt }) => salt),
        version_keys: rows.map(() => 0n),
      });
    };
    expect(await outcome(batch([1]), validator)).toBe('RevealTooEarly');
    world.toEpoch();
    expect(await outcome(batch([1, 9]), validator)).toBe('NoWeightsCommitFound');
    // the guard sees each row's commit there, the second reveal of one finds it gone
    expect(await outcome(batch([1, 1]), validator)).toBe('InvalidRevealCommitHashNotMatch');
    expect(weightsOf(world, 1)).toEqual([]);
    const { error, events } = await land(batch([3, 1]), validator);
    expect(error).toBeUndefined();
    expect(events.map(({ name }) => name)).toEqual([
      'WeightsSet',
      'WeightsSet',
      'WeightsBatchRevealed',
      'ExtrinsicSuccess',
    ]);
    expect(commitsOf(world)?.map(([hash]) => hash)).toEqual([hashOf(validator, 2)]);
    expect(weightsOf(world, 1)).toEqual([
      [0, 1],
      [2, 65_535],
    ]);
  });
});

describe('what an epoch hides while a commit waits', () => {
  it('is whoever came after the commit', async () => {
    const world = await createSubnetWorld();
    const { chain, validator, alice, land, sudo } = world;
    await sudo('sudo_set_commit_reveal_weights_enabled', { netuid: NETUID, enabled: false });
    const late = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
    await land(subtensor('burned_register', { netuid: NETUID, hotkey: late }), alice);
    const set = { netuid: NETUID, dests: [2, 3], weights: [1, 1], version_key: 0n };
    expect((await land(subtensor('set_weights', set), validator)).error).toBeUndefined();
    await sudo('sudo_set_commit_reveal_weights_enabled', { netuid: NETUID, enabled: true });
    const incentive = () => chain.query('SubtensorModule', 'Incentive', NETUID);
    world.toEpoch();
    expect(incentive().slice(2)).toEqual([32_767, 32_767]);
    // as if the newcomer had registered after the commit that now waits
    const { block } = await land(commit(validator), validator);
    const { S, state } = writable(chain);
    state.put(S.BlockAtRegistration, [NETUID, 3], block + 1);
    state.put(S.BlockAtRegistration, [NETUID, 2], block);
    world.toEpoch();
    expect(incentive()[3]).toBe(0);
  });
});

describe('mechanisms', () => {
  const SECOND = storageIndex(NETUID, 1);

  async function withTwo(): Promise<SubnetWorld> {
    const world = await createSubnetWorld();
    await world.sudo('sudo_set_max_allowed_uids', { netuid: NETUID, max_allowed_uids: 64 });
    await world.sudo('sudo_set_mechanism_count', { netuid: NETUID, mechanism_count: 2 });
    return world;
  }

  it('have commits, rows and LastUpdate of their own', async () => {
    const world = await withTwo();
    const { chain, validator, land } = world;
    const { uids, values, salt } = rowOf(4);
    const hash = hashOf(validator, 4, SECOND);
    const call = subtensor('commit_mechanism_weights', { netuid: NETUID, mecid: 1, commit_hash: hash });
    const { block, error } = await land(call, validator);
    expect(error).toBeUndefined();
    expect(commitsOf(world)).toBeUndefined();
    expect(commitsOf(world, SECOND)?.map(([, , at]) => at)).toEqual([block]);
    // as long as there are neurons, though none of them came since the mechanism did
    expect(chain.query('SubtensorModule', 'LastUpdate', SECOND)).toEqual([0, block, 0]);
    expect(chain.query('SubtensorModule', 'LastUpdate', NETUID)[1]).toBeLessThan(block);
    world.toEpoch();
    const args = { netuid: NETUID, mecid: 1, uids, values, salt, version_key: 0n };
    expect((await land(subtensor('reveal_mechanism_weights', args), validator)).error).toBeUndefined();
    expect(weightsOf(world, 1)).toEqual([]);
    expect(weightsOf(world, 1, SECOND)).toEqual([
      [0, 4],
      [2, 65_535],
    ]);
  });

  it('share the emission, and pay by the rows of each', async () => {
    const world = await withTwo();
    const { chain, validator, alice, outcome, sudo } = world;
    await sudo('sudo_set_commit_reveal_weights_enabled', { netuid: NETUID, enabled: false });
    const split = { netuid: NETUID, maybe_split: [16_384, 49_151] };
    await sudo('sudo_set_mechanism_emission_split', split);
    const set = (mecid: number, dest: number, signer = validator) =>
      outcome(
        subtensor('set_mechanism_weights', {
          netuid: NETUID,
          mecid,
          dests: [dest],
          weights: [1],
          version_key: 0n,
        }),
        signer,
      );
    expect(await set(0, 2)).toBe('ok');
    expect(await set(1, 0)).toBe('ok');
    // of a mechanism that does not exist a neuron hears of its rate first, from the guard
    expect(await set(2, 0)).toBe('SettingWeightsTooFast');
    expect(await set(2, 0, alice)).toBe('MechanismDoesNotExist');
    world.toEpoch();
    expect(chain.query('SubtensorModule', 'Incentive', NETUID)).toEqual([0, 0, 65_535]);
    expect(chain.query('SubtensorModule', 'Incentive', SECOND)).toEqual([65_535, 0, 0]);
    const emitted = chain
      .events(chain.head().number)
      .flatMap(({ event }) => (event.name === 'IncentiveAlphaEmittedToMiners' ? [event.data] : []));
    expect(emitted.map(({ netuid }) => netuid)).toEqual([NETUID, SECOND]);
    const [first, second] = emitted.map(({ emissions }) => emissions.reduce((sum, each) => sum + each, 0n));
    // a quarter and three of them, rounded down to the rao
    expect(Number(second!) / Number(first!)).toBeCloseTo(49_151 / 16_384, 6);
  });

  it('each begin anew for whoever takes a seat', async () => {
    const world = await withTwo();
    const { chain, validator, alice, land, sudo } = world;
    await sudo('sudo_set_commit_reveal_weights_enabled', { netuid: NETUID, enabled: false });
    const row = { netuid: NETUID, mecid: 1, dests: [0, 2], weights: [1, 1], version_key: 0n };
    expect((await land(subtensor('set_mechanism_weights', row), validator)).error).toBeUndefined();
    const newcomers = [
      '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty',
      '5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y',
    ];
    const join = (hotkey: string) => land(subtensor('burned_register', { netuid: NETUID, hotkey }), alice);
    const lastUpdate = (): readonly number[] => chain.query('SubtensorModule', 'LastUpdate', SECOND);
    const appended = await join(newcomers[0]!);
    expect(appended.error).toBeUndefined();
    expect([lastUpdate().length, lastUpdate()[3]]).toEqual([4, appended.block]);
    expect(chain.query('SubtensorModule', 'Incentive', SECOND).length).toBe(4);

    // full, and nobody immune: the miner, who earned nothing, makes room
    const { S, state } = writable(chain);
    state.put(S.MaxAllowedUids, [NETUID], 4);
    state.put(S.ImmunityPeriod, [NETUID], 0);
    state.put(S.MinNonImmuneUids, [NETUID], 0);
    state.put(S.Bonds, [SECOND, 2], [[0, 1]]);
    const replaced = await join(newcomers[1]!);
    expect(replaced.events.find(({ name }) => name === 'NeuronRegistered')?.data).toEqual([
      NETUID,
      2,
      newcomers[1],
    ]);
    expect(lastUpdate()[2]).toBe(replaced.block);
    expect(weightsOf(world, 1, SECOND)).toEqual([
      [0, 65_535],
      [2, 0],
    ]);
    expect(chain.query('SubtensorModule', 'Bonds', SECOND, 2)).toEqual([]);
  });
});
