// Time-locked commits on the localnet, and the beacon they open by (subtensor coinbase/reveal_commits.rs, pallet drand).
import { describe, expect, it } from 'vitest';
import { type RuntimeEvent, runtime } from '../../../src/chain/codec/runtime.js';
import { blake2b256 } from '../../../src/chain/codec/storage.js';
import {
  createLocalBeacon,
  encodeWeightsPayload,
  sealTimelocked,
  verifyRound,
} from '../../../src/chain/codec/timelock.js';
import { publicKeyOf } from '../../../src/chain/codec/types.js';
import { storageIndex } from '../../../src/chain/codec/weight-commits.js';
import { LIMITS } from '../../../src/localnet/limits.js';
import { createBeacon, publishRounds } from '../../../src/localnet/pallets/drand.js';
import { State } from '../../../src/localnet/state.js';
import { fromHex, toHex } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { addCrowdedSubnet, createSubnetWorld, NETUID, type SubnetWorld, subtensor } from './subnet-world.js';

const C = runtime.Commitments.storage;
const D = runtime.Drand.storage;
const S = runtime.SubtensorModule.storage;
const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const beaconKey = createLocalBeacon('assay localnet').publicKey;

const sealed = (who: string, round: number, row = { uids: [0, 2], values: [0, 9], versionKey: 0n }) =>
  sealTimelocked(
    encodeWeightsPayload({ hotkey: publicKeyOf(who), ...row }),
    round,
    beaconKey,
    createSeededRandom(`${who}/${round}`),
  );
const commit = (bytes: Uint8Array, round: number, version = 4) =>
  subtensor('commit_timelocked_weights', {
    netuid: NETUID,
    commit: bytes,
    reveal_round: BigInt(round),
    commit_reveal_version: version,
  });
const lastRound = ({ chain }: SubnetWorld): number => Number(chain.query('Drand', 'LastStoredRound'));
const weightsOf = ({ chain }: SubnetWorld, uid = 1) => chain.query('SubtensorModule', 'Weights', NETUID, uid);
const heldAt = ({ chain }: SubnetWorld, epoch: number) =>
  chain.query('SubtensorModule', 'TimelockedWeightCommits', NETUID, epoch);
const revealsIn = ({ chain }: SubnetWorld): unknown[] =>
  chain
    .events(chain.head().number)
    .flatMap(({ event }) => (event.name === 'TimelockedWeightsRevealed' ? [event.data] : []));

describe('a time-locked commit', () => {
  it('applies itself right before the next epoch’s consensus', async () => {
    const world = await createSubnetWorld();
    const { chain, validator, land } = world;
    const round = lastRound(world) + 2;
    const bytes = sealed(validator, round);
    const { block, events } = await land(commit(bytes, round), validator);
    expect(events.slice(0, -1).map(({ name, data }) => [name, data])).toEqual([
      ['TimelockedWeightsCommitted', [validator, NETUID, blake2b256(bytes), BigInt(round)]],
    ]);
    const epoch = world.epoch();
    expect(heldAt(world, epoch)).toEqual([[validator, block, bytes, BigInt(round)]]);
    world.toEpoch();
    expect(revealsIn(world)).toEqual([[NETUID, validator]]);
    expect(heldAt(world, epoch)).toEqual([]);
    expect(weightsOf(world)).toEqual([
      [0, 0],
      [2, 65_535],
    ]);
    expect(chain.query('SubtensorModule', 'LastUpdate', NETUID)[1]).toBe(block);
    // the row was there when consensus was found
    expect(chain.query('SubtensorModule', 'Incentive', NETUID)).toEqual([0, 0, 65_535]);
  });

  it('waits within its epoch for a round that is late', async () => {
    const world = await createSubnetWorld();
    const { validator, land } = world;
    const round = lastRound(world) + 4; // four seconds of 250 ms blocks: after the boundary
    await land(commit(sealed(validator, round), round), validator);
    const epoch = world.epoch();
    world.toEpoch();
    expect([revealsIn(world), heldAt(world, epoch).length]).toEqual([[], 1]);
    while (lastRound(world) < round) world.blocks(1);
    expect(weightsOf(world)).toEqual([]);
    world.blocks(1);
    expect(world.epoch()).toBe(epoch + 1);
    expect(revealsIn(world)).toEqual([[NETUID, validator]]);
    expect(weightsOf(world).length).toBe(2);
  });

  it('is dropped without a word when its round comes after its epoch', async () => {
    const world = await createSubnetWorld();
    const { validator, land } = world;
    await land(commit(sealed(validator, 10_000), 10_000), validator);
    const epoch = world.epoch();
    world.toEpoch();
    world.toEpoch();
    expect([heldAt(world, epoch), revealsIn(world), weightsOf(world)]).toEqual([[], [], []]);
  });

  it('is dropped without a word when it is another’s, broken, or of a row that the chain refuses', async () => {
    const world = await createSubnetWorld();
    const { validator, ownerHotkey, land } = world;
    const round = lastRound(world) + 2;
    const tooFar = { uids: [0, 9], values: [1, 1], versionKey: 0n };
    const infinite = sealed(validator, round);
    infinite.fill(0, 0, 96);
    infinite[0] = 0xc0; // U is the point at infinity
    for (const [bytes, who] of [
      [sealed(ownerHotkey, round), validator],
      [infinite, validator],
      [new Uint8Array(300).fill(7), validator],
      [sealed(validator, round, tooFar), validator],
      [sealed(validator, round + 1), validator],
      [sealed(ownerHotkey, round), ownerHotkey],
    ] as const)
      expect((await land(commit(bytes, round), who)).error).toBeUndefined();
    const epoch = world.epoch();
    world.toEpoch();
    expect(revealsIn(world)).toEqual([[NETUID, ownerHotkey]]);
    expect([heldAt(world, epoch), weightsOf(world), weightsOf(world, 0).length]).toEqual([[], [], 2]);
  });

  it('is refused by the chain’s own word', async () => {
    const world = await createSubnetWorld();
    const { chain, alice, validator, outcome } = world;
    const round = lastRound(world) + 1;
    const bytes = sealed(validator, round);
    expect(await outcome(commit(bytes, round, 3), validator)).toBe('IncorrectCommitRevealVersion');
    expect(await outcome(commit(bytes, 1), validator)).toBe('InvalidRevealRound');
    expect(await outcome(commit(bytes, round + 9), alice)).toBe('HotKeyNotRegisteredInSubNet');
    await expect(chain.submit(commit(new Uint8Array(5001), round + 9), validator)).rejects.toThrow(
      'BoundedVec<u8, 5000>',
    );
    const legacy = subtensor('commit_crv3_mechanism_weights', {
      netuid: NETUID,
      mecid: 0,
      commit: bytes,
      reveal_round: BigInt(round + 9),
    });
    expect(await outcome(legacy, validator)).toBe('ok');
    await world.sudo('sudo_set_commit_reveal_version', { version: 5 });
    expect(await outcome(legacy, validator)).toBe('IncorrectCommitRevealVersion');
  });

  it('is one of ten at most of a hotkey and an epoch', async () => {
    const world = await createSubnetWorld();
    await world.sudo('sudo_set_tempo', { netuid: NETUID, tempo: 30 });
    const bytes = sealed(world.validator, 9000);
    for (let i = 0; i < 10; i++) expect(await world.outcome(commit(bytes, 9000), world.validator)).toBe('ok');
    expect(await world.outcome(commit(bytes, 9000), world.validator)).toBe('TooManyUnrevealedCommits');
    expect(await world.outcome(commit(bytes, 9000), world.ownerHotkey)).toBe('ok');
  });

  it('is of one mechanism, and opens also in the older form that names nobody', async () => {
    const world = await createSubnetWorld();
    const { chain, validator, land, sudo } = world;
    await sudo('sudo_set_max_allowed_uids', { netuid: NETUID, max_allowed_uids: 64 });
    await sudo('sudo_set_mechanism_count', { netuid: NETUID, mechanism_count: 2 });
    const round = lastRound(world) + 1;
    // uids [0], values [5], version key 0
    const legacy = fromHex('040000' + '040500' + '0000000000000000');
    const call = subtensor('commit_timelocked_mechanism_weights', {
      netuid: NETUID,
      mecid: 1,
      commit: sealTimelocked(legacy, round, beaconKey, createSeededRandom('legacy')),
      reveal_round: BigInt(round),
      commit_reveal_version: 4,
    });
    expect((await land(call, validator)).error).toBeUndefined();
    while (lastRound(world) < round) world.blocks(1);
    world.toEpoch();
    world.blocks(1);
    expect(weightsOf(world)).toEqual([]);
    expect(chain.query('SubtensorModule', 'Weights', storageIndex(NETUID, 1), 1)).toEqual([[0, 65_535]]);
  });

  it('of an epoch that is put off is opened in the block that runs it', async () => {
    const world = await createSubnetWorld();
    const { chain, alice, land } = world;
    let round = 0;
    await addCrowdedSubnet(world, async () => {
      round = lastRound(world) + 1;
      const self = { uids: [0], values: [1], versionKey: 0n };
      const call = subtensor('commit_timelocked_weights', {
        netuid: 2,
        commit: sealed(alice, round, self),
        reveal_round: BigInt(round),
        commit_reveal_version: 4,
      });
      expect((await land(call, alice)).error).toBeUndefined();
    });
    expect(lastRound(world)).toBeGreaterThanOrEqual(round);
    const { number } = chain.produceBlock();
    expect(chain.events(number).map(({ event }) => event.name)).toContain('EpochDeferred');
    expect(chain.query('SubtensorModule', 'Weights', 2, 0)).toEqual([]);
    chain.produceBlock();
    expect(revealsIn(world)).toEqual([[2, alice]]);
    expect(chain.query('SubtensorModule', 'LastEpochBlock', 2)).toBe(number + 1);
    expect(chain.query('SubtensorModule', 'Weights', 2, 0)).toEqual([[0, 65_535]]);
  });
});

describe('the localnet’s beacon', () => {
  it('publishes a round each period, signed by the key it names', async () => {
    const world = await createSubnetWorld();
    const { chain } = world;
    const config = chain.query('Drand', 'BeaconConfig');
    expect([config.period, config.public_key]).toEqual([1, beaconKey]);
    // 250 ms blocks: a new round in one of four
    const before = lastRound(world);
    world.blocks(8);
    expect(lastRound(world)).toBe(before + 2);
    for (const round of [1, before + 2]) {
      const pulse = chain.query('Drand', 'Pulses', BigInt(round))!;
      expect(pulse.round).toBe(BigInt(round));
      expect(toHex(pulse.randomness)).toBe(toHex(sha256(pulse.signature)));
      expect(verifyRound(round, pulse.signature, config.public_key)).toBe(true);
    }
    expect(chain.query('Drand', 'OldestStoredRound')).toBe(1n);
    expect(chain.query('Drand', 'Pulses', BigInt(before + 3))).toBeUndefined();
  });

  it('has a period and a key of one’s choice', async () => {
    const { chain } = await createSubnetWorld({ beacon: { seed: 'mine', periodSeconds: 2 } });
    const config = chain.query('Drand', 'BeaconConfig');
    expect(config.period).toBe(2);
    expect(config.public_key).toEqual(createLocalBeacon('mine').publicKey);
    expect(createBeacon(12_000).periodSeconds).toBe(3);
    expect(createBeacon(250).periodSeconds).toBe(1);
    expect(() => createBeacon(60_000, { periodSeconds: 3 })).toThrow(
      'beacon.periodSeconds: expected an integer of at least 4, got 3',
    );
  });

  it('after a pause signs a bounded number of rounds a block, and none that would be forgotten at once', () => {
    const state = new State(10);
    const beacon = createBeacon(250);
    const events: string[] = [];
    const publish = (block: number, seconds: number): void => {
      state.open(block);
      const emit = ({ name }: { readonly name: string }) => void events.push(name);
      publishRounds({ state, block, emit }, beacon, seconds * 1000);
    };
    const last = (): bigint => state.get(D.LastStoredRound);
    publish(1, 1_000_000);
    expect([last(), state.get(D.OldestStoredRound)]).toEqual([1n, 1n]);
    publish(2, 1_000_100);
    expect(last()).toBe(BigInt(1 + LIMITS.roundsPerBlock));
    // beyond what is kept: on with the first round that will be
    const now = 1_000_000 + 3 * LIMITS.keptRounds;
    publish(3, now);
    expect(last()).toBe(BigInt(2 * LIMITS.keptRounds + 1 + LIMITS.roundsPerBlock));
    expect(state.get(D.OldestStoredRound)).toBe(101n);
    expect(state.has(D.Pulses, 1n)).toBe(false);
    expect(events).toEqual(['NewPulse', 'NewPulse', 'NewPulse']);
  });

  it('after a long pause opens what waits for a round of it, however many there are', () => {
    const state = new State(10);
    const beacon = createBeacon(250);
    const published: bigint[][] = [];
    const publish = (block: number, seconds: number): void => {
      state.open(block);
      const context = {
        state,
        block,
        emit: (event: RuntimeEvent) => {
          if (event.name === 'NewPulse') published.push([...event.data.rounds]);
        },
      };
      publishRounds(context, beacon, seconds * 1000);
    };
    publish(1, 1_000_000);
    const commits = Array.from(
      { length: LIMITS.roundsPerBlock + 2 },
      (_, i) => [ALICE, 1, new Uint8Array(), BigInt(10 + i)] as const,
    );
    state.put(S.TimelockedWeightCommits, [1, 0], commits);
    state.put(C.TimelockedIndex, [], [[1, ALICE]]);
    const field = {
      type: 'TimelockEncrypted',
      value: { encrypted: new Uint8Array(), reveal_round: 5n },
    } as const;
    state.put(C.CommitmentOf, [1, ALICE], { deposit: 0n, block: 1, info: { fields: [field] } });
    const later = 1_000_000 + 3 * LIMITS.keptRounds;
    publish(2, later);
    publish(3, later);
    expect(published[1]).toEqual([5n, ...Array.from({ length: 15 }, (_, i) => BigInt(10 + i))]);
    const first = BigInt(2 * LIMITS.keptRounds + 2);
    expect(published[2]?.slice(0, 4)).toEqual([25n, 26n, 27n, first]);
    expect(state.get(D.LastStoredRound)).toBe(first + BigInt(LIMITS.roundsPerBlock - 1));
    // and keeps them until that has been opened
    publish(4, later);
    expect(state.get(D.OldestStoredRound)).toBe(5n);
    expect([5n, 10n, 27n].map((round) => state.has(D.Pulses, round))).toEqual([true, true, true]);
    state.delete(S.TimelockedWeightCommits, 1, 0);
    state.put(C.TimelockedIndex, [], []);
    publish(5, later);
    expect(state.has(D.Pulses, 27n)).toBe(false);
  });

  it('says nothing on a chain that follows another', () => {
    const state = new State(10);
    state.open(1);
    state.put(D.BeaconConfig, [], D.BeaconConfig.fallback);
    publishRounds({ state, block: 1, emit: () => {} }, createBeacon(250), 1_800_000_000_000);
    expect(state.get(D.LastStoredRound)).toBe(0n);
  });
});
