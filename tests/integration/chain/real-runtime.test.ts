import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SendOptions, Signed, Subnet } from '../../../src/chain/chain.js';
import { commitHash, storageIndex } from '../../../src/chain/codec/weight-commits.js';
import {
  addStakeLimit,
  batchCommitWeights,
  decreaseTake,
  type Features,
  increaseTake,
  moveStake,
  registerLimit,
  removeStake,
  revealWeights,
  serveAxon,
  servePrometheus,
  setChildren,
  setCommitment,
  setIdentity,
  setWeights,
  startCall,
  swapStake,
  transfer,
  unstakeAll,
} from '../../../src/chain/index.js';
import { devKeypair, type Keypair } from '../../../src/keys/keypair.js';
import { systemClock } from '../../../src/model/clock.js';
import { isAssayError } from '../../../src/model/errors.js';
import { type Netuid, toHotkey, toUid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { type ChainFixture, chainConformance } from '../../../src/testing/conformance/chain.js';
import { memoryWeightsBook } from '../../../src/validator/weights/book.js';
import { createPublisher, type Progress } from '../../../src/validator/weights/publish.js';
import { openRuntimeNode, type RuntimeChain, type RuntimeNode } from './runtime-node.js';

// `assay localnet start --runtime SPEC --manual` serves one (docs/decisions/0008-real-runtime.md)
const url = process.env.ASSAY_TEST_RUNTIME_URL;
if (!url) console.warn('skipped: no real Subtensor runtime; ASSAY_TEST_RUNTIME_URL names its node');

const TAO = 1_000_000_000n;
const TEMPO = 24;
/** Before the next block, so that few are made while a call’s effect is read. */
const SETTLE_MS = 100;
const cases = () => chainConformance(async () => fixtureOf(node));
let node: RuntimeNode;
const fixtureOf = async (on: RuntimeNode): Promise<ChainFixture> => {
  await on.rewind();
  const chain = await on.connect();
  return {
    chain: withOlderWays(chain, on),
    root: on.root,
    nextBlock: () => on.newBlocks(1, SETTLE_MS),
    close: chain.close,
  };
};

/** What this runtime has not, needs no switching off and no starting. */
function withOlderWays(chain: RuntimeChain, on: RuntimeNode): RuntimeChain {
  const started = new Set<number>();
  const optional = new Set(['sudo_set_yuma3_enabled', 'sudo_set_admin_freeze_window']);
  return {
    ...chain,
    async registerNetwork(...args) {
      const landed = await chain.registerNetwork(...args);
      const pool = [[[landed.netuid], (1000n * TAO).toString()]];
      await on.set({ SubtensorModule: { SubnetTAO: pool, SubnetAlphaIn: pool } });
      return landed;
    },
    async startCall(...args) {
      try {
        return await chain.startCall(...args);
      } catch (error) {
        // it runs already; who starts it twice is told so
        if (isAssayError(error, 'unsupported') && !started.has(args[1])) {
          started.add(args[1]);
          return undefined as never;
        }
        throw error;
      }
    },
    async sudo(root, call) {
      try {
        return await chain.sudo(root, call);
      } catch (error) {
        if (optional.has(call.call) && isAssayError(error, 'chain-unknown')) return undefined as never;
        throw error;
      }
    },
  };
}

type Facts = Features & { readonly specVersion: number };

/** Cases of the suite that ask for what this runtime has not; each with what is said instead. */
const LACKING: readonly {
  readonly name: RegExp;
  readonly when: (facts: Facts) => boolean;
  readonly says: object;
}[] = [
  {
    name: /and starts it$/,
    when: ({ epochs }) => epochs === 'modulo',
    says: { message: expect.stringContaining('it has no call SubtensorModule.start_call') },
  },
  { name: /time-locked|beacon/, when: ({ beacon }) => !beacon, says: { code: 'unsupported' } },
  {
    name: /of each mechanism/,
    when: ({ mechanisms }) => !mechanisms,
    says: { code: 'chain-unknown', data: { what: 'call AdminUtils.sudo_set_mechanism_count' } },
  },
  // this build runs its consensus in every block: whoever registers has a permit in the next one
  {
    name: /why a call was rejected/,
    when: ({ specVersion }) => specVersion === 218,
    says: { message: 'Missing expected rejection.', stack: expect.stringContaining('rejectsAs') },
  },
  {
    name: /^grants permits/,
    when: ({ specVersion }) => specVersion === 218,
    says: { actual: true, expected: false },
  },
];

describe.skipIf(!url)('the chain’s conformance on a real runtime', { timeout: 300_000 }, () => {
  let facts: Facts;
  beforeAll(async () => {
    node = await openRuntimeNode(url!);
    const chain = await node.connect();
    facts = { ...(await chain.features()), ...(await chain.info()) };
    await chain.close();
  });
  for (const { name, run } of cases()) {
    // Chopsticks takes every hash for one of block 0, and its block 0 is that hash from then on
    if (name.startsWith('does not know blocks')) continue;
    it(name, async () => {
      const lack = LACKING.find((one) => one.name.test(name) && one.when(facts));
      if (lack) await expect(run()).rejects.toMatchObject(lack.says);
      else await run();
    });
  }
});

describe.skipIf(!url)('the chain client on a real runtime', { timeout: 120_000 }, () => {
  const ROW = [
    [0, 0],
    [2, 5],
  ] as const;
  const STORED = [
    [0, 0],
    [2, 65_535],
  ];
  let chain: RuntimeChain;
  let netuid: Netuid;
  let [validator, miner, stranger] = [] as Keypair[] as [Keypair, Keypair, Keypair];
  const land = <T>(call: Promise<T>): Promise<T> => node.land(chain, call);
  const submit = (signer: Keypair, ...rest: Rest) => land(chain.submit(signer, ...rest));
  const sudo = (call: string, ...args: (number | boolean)[]) =>
    land(chain.sudo(node.root, { call, args: [netuid, ...args] }));
  const until = async (met: (subnet: Subnet) => boolean): Promise<Subnet> => {
    for (let blocks = 0; blocks < 100; blocks++) {
      const subnet = await chain.subnet(netuid);
      if (met(subnet)) return subnet;
      await node.newBlocks(1);
    }
    throw new Error('it did not come within 100 blocks');
  };
  const eventsSince = async (from: number): Promise<readonly string[]> => {
    const names: string[] = [];
    const { number } = await chain.head();
    for (let block = from; block <= number; block++)
      names.push(...(await chain.events(await chain.blockHash(block))).map((event) => event.name));
    return names;
  };

  beforeAll(async () => {
    node = await openRuntimeNode(url!);
    [validator, miner, stranger] = [devKeypair('validator'), devKeypair('miner'), devKeypair('stranger')];
    chain = await node.connect();
    ({ netuid } = await land(chain.registerNetwork(node.root, toHotkey(devKeypair('owner-hot').address))));
    const pool = [[[netuid], (1000n * TAO).toString()]];
    await node.set({ SubtensorModule: { SubnetTAO: pool, SubnetAlphaIn: pool } });
    await sudo('sudo_set_tempo', TEMPO);
    await sudo('sudo_set_weights_set_rate_limit', 0);
    for (const { address } of [validator, miner])
      await land(chain.burnedRegister(node.root, netuid, toHotkey(address)));
    await land(chain.addStake(node.root, netuid, toHotkey(validator.address), 100n * TAO));
    await until(({ neurons }) => neurons[1]!.validatorPermit);
  });
  afterAll(() => chain?.close());

  it('takes stake back, moves it, and says what the runtime has not', async () => {
    const [alpha] = await chain.stakesOf(node.root.address);
    await submit(node.root, removeStake(netuid, validator.address, TAO));
    const move = { hotkey: validator.address, fromNetuid: netuid, toNetuid: netuid, alphaRao: TAO };
    await submit(node.root, moveStake({ ...move, toHotkey: miner.address }));
    expect(await chain.alphaRao(toHotkey(miner.address), netuid)).toBe(TAO - 1n); // of shares, rounded down
    expect(alpha!.hotkey).toBe(validator.address);
    for (const [operation, lacks] of [
      [registerLimit(netuid, stranger.address, TAO), 'register_limit'],
      [addStakeLimit(netuid, validator.address, TAO, { limitPriceRao: TAO }), 'add_stake_limit'],
      [swapStake({ ...move, toNetuid: 0 }), 'swap_stake'],
      [unstakeAll(validator.address), 'unstake_all'],
      [startCall(netuid), 'start_call'],
      [setWeights({ netuid, mechanism: 1, weights: ROW, versionKey: 0n }), 'set_mechanism_weights'],
      [batchCommitWeights([{ netuid, hash: new Uint8Array(32) }]), 'batch_commit_weights'],
    ] as const)
      await expect(chain.submit(node.root, operation), lacks).rejects.toMatchObject({
        code: 'unsupported',
        data: { why: expect.stringContaining(`no call SubtensorModule.${lacks}`) },
      });
  });

  it('serves axons with and without TLS key, and is refused before the limit by client and chain alike', async () => {
    const axon = { ip: '127.16.0.1', port: 9000 };
    const serverKey = { algorithm: 1, publicKey: new Uint8Array(32).fill(7) };
    const { block } = await submit(miner, serveAxon(netuid, axon));
    await submit(validator, serveAxon(netuid, { ip: '2001:db8::1', port: 9001, serverKey }));
    await submit(miner, servePrometheus(netuid, { ip: '127.16.0.1', port: 9100 }));
    const { neurons } = await chain.subnet(netuid);
    expect(neurons[2]!.axon).toEqual(axon);
    expect(neurons[1]!.axon).toEqual({ ip: '2001:db8::1', port: 9001, serverKey });
    await rejectsAs('ServingRateLimitExceeded', submit(miner, serveAxon(netuid, axon)), { unsent: true });
    await rejectsAs('ServingRateLimitExceeded', submit(miner, serveAxon(netuid, axon), { check: false }));
    const limits = await chain.rateLimits(netuid, toHotkey(miner.address));
    expect(limits.find(({ action }) => action === 'serve_axon')).toMatchObject({
      lastBlock: block,
      allowedAt: block + 50,
    });
  });

  it('publishes commitments of as many fields as the runtime takes, and names variants that it has not', async () => {
    const raw = { kind: 'raw', bytes: Uint8Array.of(97, 98, 99) } as const;
    await submit(miner, setCommitment(netuid, [raw]));
    expect((await chain.commitments(netuid))[0]).toMatchObject({ hotkey: miner.address, fields: [raw] });
    await rejectsAs('TooManyFieldsInCommitmentInfo', submit(miner, setCommitment(netuid, [raw, raw])), {
      unsent: true,
    });
    const sealed = { kind: 'timelocked', encrypted: Uint8Array.of(1), revealRound: 5 } as const;
    await expect(submit(miner, setCommitment(netuid, [sealed]))).rejects.toMatchObject({
      code: 'unsupported',
      data: { why: 'its Commitments.set_commitment knows no TimelockEncrypted' },
    });
  });

  it('keeps identity, children and takes, each with its limits', async () => {
    const { root } = node;
    const child = { hotkey: miner.address, proportion: 2n ** 62n };
    await submit(root, setIdentity({ name: 'alice', url: 'https://a.test' }));
    expect(await chain.identityOf(root.address)).toEqual({ name: 'alice', url: 'https://a.test' });
    await submit(root, setChildren(netuid, validator.address, [child]));
    await rejectsAs('TxRateLimitExceeded', submit(root, setChildren(netuid, validator.address, [])), {
      unsent: true,
    });
    await submit(root, decreaseTake(validator.address, 6000));
    await submit(root, increaseTake(validator.address, 7000));
    await rejectsAs('DelegateTxRateLimitExceeded', submit(root, increaseTake(validator.address, 8000)), {
      unsent: true,
    });
    const delegates = await chain.delegates();
    expect(delegates.find(({ hotkey }) => hotkey === validator.address)!.take).toBe(7000);
  });

  it('previews by a dry run and the fee that the runtime asks', async () => {
    const good = await chain.preview(node.root, transfer(stranger.address, TAO));
    expect(good).toMatchObject({ call: 'Balances.transfer_keep_alive', refusals: [], dryRun: { ok: true } });
    const before = await chain.balanceRao(node.root.address);
    await submit(node.root, transfer(stranger.address, TAO));
    expect(before - (await chain.balanceRao(node.root.address))).toBe(TAO + good.feeRao!);
    const poor = await chain.preview(devKeypair('poor'), transfer(stranger.address, TAO));
    expect(poor.refusals[0]).toMatchObject({ error: 'Token.NotExpendable' });
    expect(poor.dryRun).toMatchObject({ ok: false, error: 'Payment' });
  });

  it('sets weights, which are as stored, and not again before the limit', async () => {
    const { blockHash } = await land(chain.setWeights(validator, netuid, ROW, 0n));
    expect(await chain.weights(netuid, toUid(1), blockHash)).toEqual(STORED);
    await rejectsAs('HotKeyNotRegisteredInSubNet', land(chain.setWeights(stranger, netuid, ROW, 0n)));
    await rejectsAs(
      'UidVecContainInvalidOne',
      land(
        chain.setWeights(
          validator,
          netuid,
          [
            [0, 1],
            [9, 1],
          ],
          0n,
        ),
      ),
    );
    await sudo('sudo_set_weights_set_rate_limit', 1000);
    await rejectsAs('SettingWeightsTooFast', land(chain.setWeights(validator, netuid, ROW, 0n)));
    await sudo('sudo_set_weights_set_rate_limit', 0);
  });

  it('commits a row, reveals it in the next epoch and neither earlier nor otherwise', async () => {
    await sudo('sudo_set_commit_reveal_weights_enabled', true);
    const reveal = { weights: ROW, salt: [1, 2, 3, 4], versionKey: 0n };
    const uids = [0, 2];
    const hash = commitHash(validator.address, storageIndex(netuid, 0), {
      uids,
      values: [0, 5],
      salt: reveal.salt,
      versionKey: 0n,
    });
    await until(({ nextEpochBlock, block }) => nextEpochBlock! - block > 12);
    const { block } = await land(chain.commitWeights(validator, netuid, hash));
    const { epochIndex } = await chain.subnet(netuid);
    expect(await chain.pendingCommits(netuid, toHotkey(validator.address))).toMatchObject([
      { kind: 'plain', epoch: epochIndex, block },
    ]);
    await rejectsAs('CommitRevealEnabled', land(chain.setWeights(validator, netuid, ROW, 0n)));
    await rejectsAs('RevealTooEarly', land(chain.revealWeights(validator, netuid, reveal)));
    // the runtime's own count: the first head on which a reveal would be taken
    const { nextEpochBlock } = await chain.subnet(netuid);
    const isTaken = async () => {
      const { dryRun } = await chain.preview(validator, revealWeights({ netuid, ...reveal }));
      return dryRun.by !== 'none' && dryRun.ok;
    };
    while (!(await isTaken())) await node.newBlocks(1);
    expect((await chain.head()).number + 1).toBe(nextEpochBlock);
    expect((nextEpochBlock! + netuid + 1) % (TEMPO + 1)).toBe(0);
    await until((subnet) => subnet.epochIndex > epochIndex);
    await rejectsAs(
      'InvalidRevealCommitHashNotMatch',
      land(chain.revealWeights(validator, netuid, { ...reveal, salt: [9] })),
    );
    const revealed = await land(chain.revealWeights(validator, netuid, reveal));
    expect(await chain.weights(netuid, toUid(1), revealed.blockHash)).toEqual(STORED);
    expect(await chain.pendingCommits(netuid, toHotkey(validator.address))).toEqual([]);
  });

  it('finds signed bytes in their block, sends them once more where none has them, and knows when it is too late', async () => {
    const signed: Signed[] = [];
    const keep = { onSigned: async (one: Signed) => void signed.push(one) };
    const refuse = {
      onSigned: async (one: Signed) => {
        signed.push(one);
        throw new Error('the disk is full');
      },
    };
    const commit = (byte: number, options?: SendOptions) =>
      land(chain.commitWeights(validator, netuid, new Uint8Array(32).fill(byte), 0, options));
    const landed = await commit(1, keep);
    expect(await land(chain.resend(signed[0]!))).toEqual(landed);
    await expect(commit(2, refuse)).rejects.toThrow('the disk is full');
    expect((await land(chain.resend(signed[1]!))).block).toBeGreaterThan(landed.block);
    await expect(commit(3, refuse)).rejects.toThrow('the disk is full');
    await commit(4);
    await rejectsAs('Stale', land(chain.resend(signed[2]!)));
    const { number } = await chain.head();
    await expect(commit(5, { ...refuse, deathBlock: number + 5 })).rejects.toThrow('the disk is full');
    expect(signed[3]!.deathBlock).toBeLessThanOrEqual(number + 5);
    await node.newBlocks(6);
    await rejectsAs('AncientBirthBlock', land(chain.resend(signed[3]!)));
  });

  it('lands calls of one account that are sent at once, each once', async () => {
    const to = devKeypair('parallel').address;
    const sums = [1n, 2n, 3n, 4n, 5n].map((rao) => TAO + rao);
    const landed = await land(Promise.all(sums.map((sum) => chain.transfer(node.root, to, sum))));
    expect(new Set(landed.map(({ extrinsicHash }) => String(extrinsicHash))).size).toBe(5);
    expect(await chain.balanceRao(to)).toBe(5n * TAO + 15n);
  });

  it('tells of new heads and of every final block from the one asked for', async () => {
    const stop = new AbortController();
    const from = (await chain.head()).number - 5;
    const heads: number[] = [];
    const blocks: number[] = [];
    const watching = [
      chain.watchHeads(({ number }) => void heads.push(number), stop.signal),
      chain.watchBlocks(from, ({ number }) => void blocks.push(number), stop.signal),
    ];
    for (let i = 0; blocks.length < 9 || heads.length < 3; i++) {
      if (i > 50) throw new Error('no heads');
      await node.newBlocks(1);
      await systemClock.sleep(20);
    }
    stop.abort();
    await Promise.all(watching);
    expect(blocks.slice(0, 9)).toEqual(Array.from({ length: 9 }, (_, i) => from + i));
    expect([...heads].sort((a, b) => a - b)).toEqual(heads);
  });

  for (const form of ['set', 'plain'] as const)
    it(`publishes an epoch’s weights exactly once, in the form “${form}”`, async () => {
      await sudo('sudo_set_commit_reveal_weights_enabled', form === 'plain');
      const book = memoryWeightsBook();
      const publisher = createPublisher(
        {
          reader: chain,
          writer: chain,
          keypair: validator,
          book,
          random: createSeededRandom(form),
          log: silentLog,
        },
        { netuid },
      );
      const { epochIndex: epoch, block: from } = await until(
        ({ nextEpochBlock, block }) => nextEpochBlock! - block === 12,
      );
      const scores = async () =>
        new Map([
          [toHotkey(devKeypair('owner-hot').address), 1],
          [toHotkey(miner.address), form === 'set' ? 2 : 4],
        ]);
      const progress: Progress[] = [];
      for (let steps = 0; steps === 0 || publisher.isUnfinished; steps++) {
        if (steps > 4 * TEMPO) throw new Error(`unfinished: ${JSON.stringify(progress)}`);
        await land(publisher.step({ epoch, scores }, async (one) => void progress.push(one)));
      }
      expect(progress.filter(({ is }) => is !== 'waiting').map(({ is }) => is)).toEqual(
        form === 'set' ? ['sent', 'applied'] : ['sent', 'revealed', 'applied'],
      );
      const names = await eventsSince(from + 1);
      const count = (name: string) => names.filter((one) => one === name).length;
      expect([count('WeightsSet'), count('WeightsCommitted'), count('WeightsRevealed')]).toEqual(
        form === 'set' ? [1, 0, 0] : [1, 1, 1],
      );
      expect(await chain.weights(netuid, toUid(1))).toEqual([
        [0, form === 'set' ? 32_768 : 16_384],
        [2, 65_535],
      ]);
    });
});

type Rest = Parameters<RuntimeChain['submit']> extends [unknown, ...infer Others] ? Others : never;

const rejectsAs = (error: string, call: Promise<unknown>, data: object = {}): Promise<void> =>
  expect(call).rejects.toMatchObject({ code: 'chain-rejected', data: { error, ...data } });
