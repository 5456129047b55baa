// Owns: what every chain backend must do, whoever wrote it. Does not own: the chain's economics (emissions' tests).
import assert from 'node:assert/strict';
import type {
  ChainReader,
  ChainWriter,
  Head,
  Landed,
  PendingCommit,
  Signed,
  Subnet,
} from '../../chain/chain.js';
import { blake2b256 } from '../../chain/codec/storage.js';
import {
  encodeWeightsPayload,
  revealTarget,
  roundForBlock,
  sealTimelocked,
} from '../../chain/codec/timelock.js';
import { commitHash, storageIndex } from '../../chain/codec/weight-commits.js';
import { alreadySetThisEpoch, canSetWeights } from '../../chain/weights.js';
import { devKeypair, type Keypair } from '../../keys/keypair.js';
import { toHex } from '../../model/bytes.js';
import { type ErrorCode, isAssayError } from '../../model/errors.js';
import { type Netuid, toHotkey, toNetuid, toUid, type Uid } from '../../model/ids.js';
import { createSeededRandom } from '../../model/prng.js';
import type { ConformanceCase } from './proof.js';

export interface ChainFixture {
  readonly chain: ChainReader & ChainWriter;
  /** may call sudo and has at least 10,000 TAO */
  readonly root: Keypair;
  /** Resolves when the chain has one more block: made on request, or waited for. */
  nextBlock(): Promise<void>;
  close(): Promise<void>;
}

const TAO = 1_000_000_000n;
/** Nothing here needs so many blocks: something hangs. */
const MAX_BLOCKS = 400;

/**
 * The cases, for any test runner; each makes its own chain with `create`:
 *
 *     for (const { name, run } of chainConformance(create)) test(name, run);
 */
export function chainConformance(create: () => Promise<ChainFixture>): readonly ConformanceCase[] {
  const on =
    (run: (world: World) => Promise<void>): (() => Promise<void>) =>
    async () => {
      const fixture = await create();
      try {
        await run(createWorld(fixture));
      } finally {
        await fixture.close();
      }
    };

  return [
    {
      name: 'names its blocks by number and by hash',
      run: on(async ({ chain, nextBlock }) => {
        const info = await chain.info();
        assert.equal(info.genesisHash.length, 32);
        assert.deepEqual(await chain.blockHash(0), info.genesisHash);
        await nextBlock();
        const head = await chain.head();
        assert.deepEqual(await chain.blockHash(head.number), head.hash);
        assert.ok(head.number >= 1);
      }),
    },
    {
      name: 'does not know blocks and subnets that do not exist',
      run: on(async ({ chain, nextBlock }) => {
        await nextBlock();
        const { number } = await chain.head();
        await fails('chain-unknown', chain.blockHash(number + 1000));
        await fails('chain-unknown', chain.subnet(toNetuid(4000)));
        const nowhere = new Uint8Array(32).fill(0xee);
        await fails('chain-unknown', chain.subnet(toNetuid(1), nowhere));
        await fails('chain-unknown', chain.weights(toNetuid(1), toUid(0), nowhere));
      }),
    },
    {
      name: 'tells of each new head, in order, until aborted',
      run: on(async ({ chain, nextBlock, until }) => {
        const heads: Head[] = [];
        const stop = new AbortController();
        const watching = chain.watchHeads((head) => heads.push(head), stop.signal);
        for (let i = 0; i < 3; i++) await nextBlock();
        await until(() => heads.length >= 3);
        stop.abort();
        await watching;
        heads.slice(1).forEach((head, i) => {
          assert.equal(head.number, heads[i]!.number + 1);
        });
        assert.deepEqual(await chain.blockHash(heads[0]!.number), heads[0]!.hash);
        const seen = heads.length;
        await nextBlock();
        assert.equal(heads.length, seen);
      }),
    },
    {
      name: 'rejects watchHeads when its consumer breaks',
      run: on(async ({ chain, nextBlock }) => {
        const watching = chain.watchHeads(() => {
          throw new Error('consumer');
        }, new AbortController().signal);
        const broken = assert.rejects(watching, /consumer/);
        await nextBlock();
        await broken;
      }),
    },
    {
      name: 'moves exactly what was transferred, and says where it landed',
      run: on(async ({ chain, root, land }) => {
        const to = devKeypair('to').address;
        assert.equal(await chain.balanceRao(to), 0n);
        const landed = await land(chain.transfer(root, to, 3n * TAO));
        assert.equal(await chain.balanceRao(to), 3n * TAO);
        await assertLanded(chain, landed);
      }),
    },
    {
      name: 'lands parallel transfers of one account, each once',
      run: on(async ({ chain, root, land }) => {
        const to = devKeypair('to').address;
        const sums = Array.from({ length: 10 }, (_, i) => TAO + BigInt(i));
        const landed = await land(Promise.all(sums.map((sum) => chain.transfer(root, to, sum))));
        assert.equal(
          new Set(landed.map(({ extrinsicHash }) => Buffer.from(extrinsicHash).toString('hex'))).size,
          10,
        );
        assert.equal(
          await chain.balanceRao(to),
          sums.reduce((a, b) => a + b),
        );
      }),
    },
    {
      name: 'rejects what the sender cannot pay and goes on with the same account',
      run: on(async ({ chain, root, land }) => {
        const poor = devKeypair('poor');
        await land(chain.transfer(root, poor.address, TAO));
        const results = await land(
          Promise.allSettled([
            chain.transfer(poor, root.address, 1000n * TAO),
            chain.transfer(poor, devKeypair('to').address, TAO / 4n),
          ]),
        );
        assert.equal(results[0]!.status, 'rejected');
        assert.ok(results[0]!.status === 'rejected' && isAssayError(results[0]!.reason, 'chain-rejected'));
        assert.equal(results[1]!.status, 'fulfilled');
        assert.equal(await chain.balanceRao(devKeypair('to').address), TAO / 4n);
      }),
    },
    {
      name: 'registers a network whose owner has uid 0, and starts it',
      run: on(async ({ chain, land, root }) => {
        const hot = toHotkey(devKeypair('owner-hot').address);
        const { netuid, ...landed } = await land(chain.registerNetwork(root, hot));
        await assertLanded(chain, landed);
        const subnet = await chain.subnet(netuid);
        assert.equal(subnet.ownerColdkey, root.address);
        assert.equal(subnet.ownerHotkey, hot);
        assert.equal(subnet.ownerUid, 0);
        assert.deepEqual(
          subnet.neurons.map(({ uid, hotkey, coldkey }) => [uid, hotkey, coldkey]),
          [[0, hot, root.address]],
        );
        await land(chain.startCall(root, netuid));
        await rejectsAs('FirstEmissionBlockNumberAlreadySet', land(chain.startCall(root, netuid)));
      }),
    },
    {
      name: 'registers, stakes and serves, and one snapshot shows it all',
      run: on(async (world) => {
        const { chain, root, land } = world;
        const netuid = await openSubnet(world);
        const miner = devKeypair('miner');
        const hotkey = toHotkey(miner.address);
        const { uid } = await land(chain.burnedRegister(root, netuid, hotkey));
        assert.equal(uid, 1);
        await land(chain.addStake(root, netuid, hotkey, 10n * TAO));
        const landed = await land(chain.serveAxon(miner, netuid, { ip: '127.17.0.1', port: 4001 }));
        const subnet = await chain.subnet(netuid, landed.blockHash);
        const neuron = subnet.neurons[1]!;
        assert.equal(subnet.block, landed.block);
        assert.deepEqual(neuron.axon, { ip: '127.17.0.1', port: 4001 });
        assert.equal(neuron.hotkey, hotkey);
        assert.equal(neuron.coldkey, root.address);
        assert.equal(neuron.lastUpdate, neuron.registeredAt);
        assert.ok(neuron.stakeRao > 0n);
        assert.ok((await chain.alphaRao(hotkey, netuid)) >= neuron.stakeRao);
        assert.equal(alreadySetThisEpoch(subnet, uid), false);

        await land(chain.serveAxon(miner, netuid, { ip: '2001:db8::1', port: 4002 }));
        assert.deepEqual((await chain.subnet(netuid)).neurons[1]!.axon, { ip: '2001:db8::1', port: 4002 });
        // the older block still says what it said
        assert.deepEqual((await chain.subnet(netuid, landed.blockHash)).neurons[1]!.axon?.port, 4001);
      }),
    },
    {
      name: 'names why a call was rejected, by the chain’s own word',
      run: on(async (world) => {
        const { chain, root, land } = world;
        const netuid = await openSubnet(world);
        const miner = devKeypair('miner');
        const stranger = devKeypair('stranger');
        const hotkey = toHotkey(miner.address);
        await land(chain.burnedRegister(root, netuid, hotkey));
        await rejectsAs('HotKeyAlreadyRegisteredInSubNet', land(chain.burnedRegister(root, netuid, hotkey)));
        await rejectsAs(
          ['SubnetNotExists', 'SubNetworkDoesNotExist'],
          land(chain.burnedRegister(root, toNetuid(999), toHotkey(stranger.address))),
        );
        await rejectsAs(
          'InvalidIpAddress',
          land(chain.serveAxon(miner, netuid, { ip: '127.0.0.1', port: 1 })),
        );
        await rejectsAs('InvalidIpAddress', land(chain.serveAxon(miner, netuid, { ip: '::1', port: 1 })));
        await rejectsAs(
          'HotKeyNotRegisteredInNetwork',
          land(chain.serveAxon(stranger, netuid, { ip: '127.17.0.1', port: 1 })),
        );
        await rejectsAs('NeuronNoValidatorPermit', land(chain.setWeights(miner, netuid, [[0, 65535]], 0n)));
        await fails('chain-rejected', land(chain.sudo(miner, { call: 'sudo_set_tempo', args: [netuid, 5] })));
        await fails('chain-unknown', chain.sudo(root, { call: 'sudo_set_no_such_thing', args: [netuid] }));
        assert.equal((await chain.subnet(netuid)).tempo, TEMPO);
      }),
    },
    {
      name: 'takes wrong arguments for bugs',
      run: on(async ({ chain, root }) => {
        const one = toNetuid(1);
        await assert.rejects(chain.serveAxon(root, one, { ip: 'localhost', port: 1 }), RangeError);
        await assert.rejects(chain.serveAxon(root, one, { ip: '1.2.3.4', port: 0 }), RangeError);
        await assert.rejects(
          chain.setWeights(
            root,
            one,
            [
              [2, 1],
              [1, 1],
            ],
            0n,
          ),
          RangeError,
        );
        await assert.rejects(chain.setWeights(root, one, [[1, 70000]], 0n), RangeError);
        await fails('invalid-input', chain.transfer(root, 'nobody', 1n));
      }),
    },
    {
      name: 'grants permits at an epoch, stores weights as the chain scales them, and knows when it may set again',
      run: on(async (world) => {
        const { chain, root, land } = world;
        const netuid = await openSubnet(world);
        const validator = devKeypair('validator');
        const hotkey = toHotkey(validator.address);
        const { uid } = await land(chain.burnedRegister(root, netuid, hotkey));
        await land(chain.burnedRegister(root, netuid, toHotkey(devKeypair('miner').address)));
        await land(chain.addStake(root, netuid, hotkey, 100n * TAO));
        const before = await chain.subnet(netuid);
        assert.equal(before.neurons[uid]!.validatorPermit, false);
        assert.equal(
          canSetWeights({ subnet: before, uid, block: before.block + 1 }).ok,
          false,
          'without a permit',
        );

        const granted = await untilEpoch(world, netuid, before.epochIndex + 1);
        assert.equal(granted.neurons[uid]!.validatorPermit, true);
        assert.ok(granted.lastEpochBlock > before.lastEpochBlock);
        assert.equal(granted.nextEpochBlock, granted.lastEpochBlock + TEMPO);
        assert.deepEqual(canSetWeights({ subnet: granted, uid, block: granted.block + 1 }), { ok: true });
        assert.equal(alreadySetThisEpoch(granted, uid), false);

        const row = [
          [0, 0],
          [2, 2],
        ] as const;
        const landed = await land(chain.setWeights(validator, netuid, row, granted.weightsVersionKey));
        assert.deepEqual(await chain.weights(netuid, uid, landed.blockHash), [
          [0, 0],
          [2, 65535],
        ]);
        const after = await chain.subnet(netuid, landed.blockHash);
        assert.equal(after.neurons[uid]!.lastUpdate, landed.block);
        assert.equal(alreadySetThisEpoch(after, uid), true);
        assert.deepEqual(await chain.weights(netuid, toUid(0)), []);

        await land(chain.sudo(root, { call: 'sudo_set_weights_set_rate_limit', args: [netuid, 1000] }));
        const limited = await chain.subnet(netuid);
        assert.deepEqual(canSetWeights({ subnet: limited, uid, block: limited.block + 1 }), {
          ok: false,
          reason: 'rate-limit',
          atBlock: landed.block + 1000,
        });
        await rejectsAs('SettingWeightsTooFast', land(chain.setWeights(validator, netuid, row, 0n)));

        await land(chain.sudo(root, { call: 'sudo_set_weights_set_rate_limit', args: [netuid, 0] }));
        const next = await untilEpoch(world, netuid, after.epochIndex + 1);
        assert.equal(alreadySetThisEpoch(next, uid), false, 'a new epoch has begun');
        assert.ok(next.neurons[2]!.incentive > 0, 'the weights counted');
      }),
    },
    {
      name: 'takes no direct weights while commit-reveal is on',
      run: on(async (world) => {
        const { chain, root, land } = world;
        const { netuid, validator, uid } = await openWithCommits(world);
        assert.equal((await chain.subnet(netuid)).commitRevealEnabled, true);
        await rejectsAs('CommitRevealEnabled', land(chain.setWeights(validator, netuid, [[2, 1]], 0n)));
        const off = { call: 'sudo_set_commit_reveal_weights_enabled', args: [netuid, false] };
        await land(chain.sudo(root, off));
        await rejectsAs('CommitRevealDisabled', land(chain.commitWeights(validator, netuid, ANY_HASH)));
        await land(chain.setWeights(validator, netuid, [[2, 1]], 0n));
        assert.deepEqual(await chain.weights(netuid, uid), [[2, 65535]]);
      }),
    },
    {
      name: 'holds a plain commit until it is revealed, in the epoch after it',
      run: on(async (world) => {
        const { chain, land } = world;
        const { netuid, validator, uid } = await openWithCommits(world);
        const hotkey = toHotkey(validator.address);
        const { hash, reveal } = plainCommit(validator, netuid);
        const { epochIndex } = await chain.subnet(netuid);
        const landed = await land(chain.commitWeights(validator, netuid, hash));
        assert.deepEqual(await pendingOf(chain, netuid, hotkey), [
          { kind: 'plain', hash: toHex(hash), epoch: epochIndex, block: landed.block },
        ]);
        assert.equal((await chain.subnet(netuid)).neurons[uid]!.lastUpdate, landed.block);
        await rejectsAs(NOT_IN_WINDOW, land(chain.revealWeights(validator, netuid, reveal)));

        await untilEpoch(world, netuid, epochIndex + 1);
        const other = { ...reveal, salt: [9] };
        await rejectsAs(NO_SUCH_COMMIT, land(chain.revealWeights(validator, netuid, other)));
        assert.deepEqual(await chain.weights(netuid, uid), []);
        const revealed = await land(chain.revealWeights(validator, netuid, reveal));
        assert.deepEqual(await chain.weights(netuid, uid, revealed.blockHash), [
          [0, 0],
          [2, 65535],
        ]);
        assert.deepEqual(await chain.pendingCommits(netuid, hotkey), []);
        // as it was before the reveal
        assert.equal((await pendingOf(chain, netuid, hotkey, landed.blockHash)).length, 1);
      }),
    },
    {
      name: 'does not reveal a commit whose epoch has passed',
      run: on(async (world) => {
        const { chain, land } = world;
        const { netuid, validator, uid } = await openWithCommits(world);
        const { hash, reveal } = plainCommit(validator, netuid);
        const { epochIndex } = await chain.subnet(netuid);
        await land(chain.commitWeights(validator, netuid, hash));
        await untilEpoch(world, netuid, epochIndex + 2);
        // which check meets it first is the runtime's choice
        const names = [...NOT_IN_WINDOW, 'ExpiredWeightCommit', ...NO_SUCH_COMMIT];
        await rejectsAs(names, land(chain.revealWeights(validator, netuid, reveal)));
        assert.deepEqual(await chain.weights(netuid, uid), []);
      }),
    },
    {
      name: 'applies a time-locked commit by itself, in the epoch after it',
      run: on(async (world) => {
        const { chain, land, until } = world;
        const { netuid, validator, uid } = await openWithCommits(world);
        const hotkey = toHotkey(validator.address);
        const [beacon, info, before] = [await chain.beacon(), await chain.info(), await chain.subnet(netuid)];
        const storedAtMs =
          1000 * (beacon.genesisSeconds + (beacon.lastStoredRound - 1) * beacon.periodSeconds);
        const now = { unixMs: storedAtMs, block: before.block, blockTimeMs: info.blockTimeMs };
        const target = revealTarget({ ...before, nextEpochBlock: before.nextEpochBlock! });
        const revealRound = roundForBlock(beacon, now, target);
        const row = { uids: [0, 2], values: [0, 3], versionKey: 0n };
        const payload = encodeWeightsPayload({ hotkey: validator.publicKey, ...row });
        const bytes = sealTimelocked(
          payload,
          revealRound,
          beacon.publicKey,
          createSeededRandom('conformance'),
        );
        const commit = { bytes, revealRound, version: before.timelockVersion! };

        const wrong = { ...commit, version: before.timelockVersion! + 1 };
        await rejectsAs(
          'IncorrectCommitRevealVersion',
          land(chain.commitTimelockedWeights(validator, netuid, wrong)),
        );
        const seen = { ...commit, revealRound: beacon.lastStoredRound - 1 };
        await rejectsAs('InvalidRevealRound', land(chain.commitTimelockedWeights(validator, netuid, seen)));
        const landed = await land(chain.commitTimelockedWeights(validator, netuid, commit));
        const epoch = (await chain.subnet(netuid, landed.blockHash)).epochIndex;
        assert.deepEqual(await pendingOf(chain, netuid, hotkey), [
          { kind: 'timelocked', hash: toHex(blake2b256(bytes)), epoch, block: landed.block, revealRound },
        ]);

        await until(async () => (await chain.weights(netuid, uid)).length > 0);
        const after = await chain.subnet(netuid);
        assert.equal(after.epochIndex, epoch + 1);
        assert.ok((await chain.beacon()).lastStoredRound >= revealRound, 'opened by its round');
        assert.deepEqual(await chain.weights(netuid, uid), [
          [0, 0],
          [2, 65535],
        ]);
        assert.deepEqual(await chain.pendingCommits(netuid, hotkey), []);
        assert.equal(after.neurons[uid]!.lastUpdate, landed.block, 'the commit is what was limited');
      }),
    },
    {
      name: 'has a beacon whose rounds come with the blocks',
      run: on(async ({ chain, nextBlock, until }) => {
        await nextBlock();
        const { publicKey, periodSeconds, genesisSeconds, lastStoredRound } = await chain.beacon();
        const { hash } = await chain.head();
        assert.equal(publicKey.length, 96);
        assert.ok(periodSeconds >= 1 && genesisSeconds > 0 && lastStoredRound >= 1);
        await until(async () => (await chain.beacon()).lastStoredRound > lastStoredRound);
        assert.equal((await chain.beacon(hash)).lastStoredRound, lastStoredRound, 'as of a block');
        assert.deepEqual((await chain.beacon()).publicKey, publicKey);
      }),
    },
    {
      name: 'keeps rows, commits and LastUpdate of each mechanism apart',
      run: on(async (world) => {
        const { chain, root, land } = world;
        const { netuid, validator, uid } = await openWithCommits(world);
        const hotkey = toHotkey(validator.address);
        await land(chain.sudo(root, { call: 'sudo_set_max_allowed_uids', args: [netuid, 128] }));
        await land(chain.sudo(root, { call: 'sudo_set_mechanism_count', args: [netuid, 2] }));
        await fails('chain-unknown', chain.subnet(netuid, undefined, 2));
        const { mechanismCount, epochIndex } = await chain.subnet(netuid, undefined, 1);
        assert.equal(mechanismCount, 2);

        const { hash, reveal } = plainCommit(validator, netuid, 1);
        const landed = await land(chain.commitWeights(validator, netuid, hash, 1));
        assert.deepEqual(await chain.pendingCommits(netuid, hotkey), []);
        const pending = await pendingOf(chain, netuid, hotkey, undefined, 1);
        assert.deepEqual(
          pending.map(({ block }) => block),
          [landed.block],
        );
        const lastUpdateOf = async (mechanism: number): Promise<number> =>
          (await chain.subnet(netuid, undefined, mechanism)).neurons[uid]!.lastUpdate;
        assert.equal(await lastUpdateOf(1), landed.block);
        assert.ok((await lastUpdateOf(0)) < landed.block);

        await untilEpoch(world, netuid, epochIndex + 1);
        await land(chain.revealWeights(validator, netuid, reveal, 1));
        assert.deepEqual(await chain.weights(netuid, uid), []);
        assert.deepEqual(await chain.weights(netuid, uid, undefined, 1), [
          [0, 0],
          [2, 65535],
        ]);
        await untilEpoch(world, netuid, epochIndex + 2);
        const incentives = [];
        for (const mechanism of [0, 1])
          incentives.push((await chain.subnet(netuid, undefined, mechanism)).neurons[2]!.incentive);
        assert.equal(incentives[0], 0);
        assert.ok(incentives[1]! > 0, 'the row counted in its own mechanism');
      }),
    },
    {
      name: 'hands out what it signed before it is sent, and makes sure of it later, once',
      run: on(async (world) => {
        const { chain, land } = world;
        const { netuid, validator, uid } = await openWithCommits(world);
        const signed: Signed[] = [];
        const keep = { onSigned: async (one: Signed) => void signed.push(one) };
        const landed = await land(chain.commitWeights(validator, netuid, ANY_HASH, 0, keep));
        assert.deepEqual(signed[0]!.hash, landed.extrinsicHash);
        assert.ok(signed[0]!.deathBlock > landed.block);
        const again = await land(chain.resend(signed[0]!));
        assert.deepEqual([again.block, again.blockHash], [landed.block, landed.blockHash]);

        const refuse = {
          onSigned: async (one: Signed) => {
            signed.push(one);
            throw new Error('the disk is full');
          },
        };
        await assert.rejects(
          land(chain.commitWeights(validator, netuid, ANY_HASH, 0, refuse)),
          /disk is full/,
        );
        const count = async () => (await chain.pendingCommits(netuid, toHotkey(validator.address))).length;
        assert.equal(await count(), 1, 'nothing was sent');
        const late = await land(chain.resend(signed[1]!));
        assert.equal((await chain.subnet(netuid, late.blockHash)).neurons[uid]!.lastUpdate, late.block);
        assert.equal(await count(), 2);

        await assert.rejects(
          land(chain.commitWeights(validator, netuid, ANY_HASH, 0, refuse)),
          /disk is full/,
        );
        await land(chain.commitWeights(validator, netuid, ANY_HASH)); // takes the nonce
        await rejectsAs('Stale', land(chain.resend(signed[2]!)));
      }),
    },
  ];
}

interface World extends ChainFixture {
  /** Makes blocks until `write` is decided. */
  land<T>(write: Promise<T>): Promise<T>;
  /** Makes blocks until `condition` holds. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
}

function createWorld(fixture: ChainFixture): World {
  const { chain, nextBlock } = fixture;
  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let blocks = 0; !(await condition()); blocks++) {
      assert.ok(blocks < MAX_BLOCKS, `nothing happened within ${MAX_BLOCKS} blocks`);
      await nextBlock();
      await chain.head(); // one round trip a block, or blocks would outrun what is on its way to the node
    }
  }
  return {
    ...fixture,
    until,
    async land(write) {
      let decided = false;
      const mark = () => {
        decided = true;
      };
      write.then(mark, mark);
      await until(() => decided);
      return write;
    },
  };
}

const TEMPO = 20;

/** A started subnet on which tests need not wait: no commit-reveal, no rate limits, classic bonds. */
async function openSubnet({ chain, root, land }: World): Promise<Netuid> {
  const { netuid } = await land(chain.registerNetwork(root, toHotkey(devKeypair('owner-hot').address)));
  await land(chain.startCall(root, netuid));
  const sudo = (call: string, ...args: (number | boolean)[]) =>
    land(chain.sudo(root, { call, args: [netuid, ...args] }));
  await sudo('sudo_set_commit_reveal_weights_enabled', false);
  await sudo('sudo_set_yuma3_enabled', false);
  await sudo('sudo_set_weights_set_rate_limit', 0);
  await sudo('sudo_set_serving_rate_limit', 0);
  await sudo('sudo_set_tempo', TEMPO);
  return netuid;
}

const LONG_TEMPO = 80;
const ANY_HASH = new Uint8Array(32).fill(7);

/** A subnet with a validator that has a permit (uid 1) and a miner (uid 2), just after an epoch; commit-reveal is on. */
async function openWithCommits(
  world: World,
): Promise<{ readonly netuid: Netuid; readonly validator: Keypair; readonly uid: Uid }> {
  const { chain, root, land } = world;
  const netuid = await openSubnet(world);
  const validator = devKeypair('validator');
  const hotkey = toHotkey(validator.address);
  const { uid } = await land(chain.burnedRegister(root, netuid, hotkey));
  await land(chain.burnedRegister(root, netuid, toHotkey(devKeypair('miner').address)));
  await land(chain.addStake(root, netuid, hotkey, 100n * TAO));
  const { epochIndex } = await chain.subnet(netuid);
  await untilEpoch(world, netuid, epochIndex + 1);
  // room for calls between two epochs, and parameters that may be changed at any time
  await land(chain.sudo(root, { call: 'sudo_set_admin_freeze_window', args: [0] }));
  await land(chain.sudo(root, { call: 'sudo_set_tempo', args: [netuid, LONG_TEMPO] }));
  await land(chain.sudo(root, { call: 'sudo_set_commit_reveal_weights_enabled', args: [netuid, true] }));
  return { netuid, validator, uid };
}

function plainCommit(validator: Keypair, netuid: Netuid, mechanism = 0) {
  const weights = [
    [0, 0],
    [2, 5],
  ] as const;
  const reveal = { weights, salt: [1, 2, 3, 4, 5, 6, 7, 8], versionKey: 0n };
  const hash = commitHash(validator.address, storageIndex(netuid, mechanism), {
    uids: weights.map(([uid]) => uid),
    values: weights.map(([, value]) => value),
    salt: reveal.salt,
    versionKey: reveal.versionKey,
  });
  return { hash, reveal };
}

/** With hashes as text, which compare whatever kind of bytes they are. */
async function pendingOf(
  chain: ChainReader,
  ...args: Parameters<ChainReader['pendingCommits']>
): Promise<readonly (Omit<PendingCommit, 'hash'> & { readonly hash: string })[]> {
  const commits = await chain.pendingCommits(...args);
  return commits.map((commit) => ({ ...commit, hash: toHex(commit.hash) }));
}

async function untilEpoch({ chain, until }: World, netuid: Netuid, epochIndex: number): Promise<Subnet> {
  let subnet = await chain.subnet(netuid);
  await until(async () => {
    subnet = await chain.subnet(netuid);
    return subnet.epochIndex >= epochIndex;
  });
  return subnet;
}

async function assertLanded(chain: ChainReader, { block, blockHash, extrinsicHash }: Landed): Promise<void> {
  assert.deepEqual(await chain.blockHash(block), blockHash);
  assert.equal(extrinsicHash.length, 32);
}

async function fails(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isAssayError(error, code), `expected ${code}, got ${error}`);
    return true;
  });
}

/** Rejected with the chain's name (one of its names) for it: in the pool or in a block, as the chain pleases. */
async function rejectsAs(name: string | readonly string[], promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isAssayError(error, 'chain-rejected'), `expected chain-rejected, got ${error}`);
    if (typeof name === 'string') assert.equal(error.data.error, name);
    else assert.ok(name.includes(error.data.error), `expected one of ${name}, got ${error.data.error}`);
    return true;
  });
}

/** The pallet's name, and the pool's for the same (subtensor `CustomTransactionError`). */
const NOT_IN_WINDOW = ['RevealTooEarly', 'CommitBlockNotInRevealRange'];
const NO_SUCH_COMMIT = ['NoWeightsCommitFound', 'CommitNotFound', 'InvalidRevealCommitHashNotMatch'];
