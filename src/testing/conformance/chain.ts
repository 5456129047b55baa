// Owns: what every chain backend must do, whoever wrote it. Does not own: the chain's economics (emissions' tests).
import assert from 'node:assert/strict';
import type { ChainReader, ChainWriter, Head, Landed, Subnet } from '../../chain/chain.js';
import { alreadySetThisEpoch, canSetWeights } from '../../chain/weights.js';
import { devKeypair, type Keypair } from '../../keys/keypair.js';
import { type ErrorCode, isAssayError } from '../../model/errors.js';
import { type Netuid, toHotkey, toNetuid, toUid } from '../../model/ids.js';
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
          'SubnetNotExists',
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

/** Rejected with the chain's name for it: in the pool or in a block, as the chain pleases. */
async function rejectsAs(name: string, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isAssayError(error, 'chain-rejected'), `expected chain-rejected, got ${error}`);
    assert.equal(error.data.error, name);
    return true;
  });
}
