// Owns: one validator's publisher on a chain that can die, be cut off or be reorganised at any step. No clock: blocks are made
// when everything that could be done without one is done.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChainReader, ChainWriter } from '../../src/chain/chain.js';
import { runtime } from '../../src/chain/codec/runtime.js';
import { devKeypair, keypairFromUri, readyKeys } from '../../src/keys/index.js';
import { createLocalnet } from '../../src/localnet/localnet.js';
import { nodeOf } from '../../src/localnet/node.js';
import { AssayError } from '../../src/model/errors.js';
import { type Netuid, toHotkey } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { createEmbeddedChain } from '../../src/testing/embedded-chain.js';
import {
  openWeightsBook,
  type Step,
  type WeightsBook,
  type WeightsRecord,
} from '../../src/validator/weights/book.js';
import { createPublisher, type Progress, type Publisher } from '../../src/validator/weights/publish.js';

const S = runtime.SubtensorModule.storage;
const TAO = 1_000_000_000n;
const TEMPO = 16;
/** Blocks before the epoch's end at which weights are due. */
const LEAD = 10;
const OUTAGE_BLOCKS = 3;
const MINERS = ['miner-1', 'miner-2'] as const;

/** Another row in every epoch, or nobody could see which one stands there. */
export const rowOf = (epoch: number) => [
  [1, Math.round(65535 / (epoch + 1))],
  [2, 65535],
];

export type FormUnderTest = 'set' | 'plain' | 'timelocked';
export type Fault = 'validator dies' | 'node dies' | 'network drops' | 'reorganisation';
/** Where a fault strikes: around a line of the book, or when the pool has the extrinsic and no block does. */
export type Point =
  | `before ${Step['step']}`
  | `after ${Step['step']}`
  | 'in the pool'
  | 'reveal in the pool'
  | 'one block after included';

export interface WeightsWorld {
  readonly netuid: Netuid;
  readonly progress: readonly Progress[];
  /** how often the fault struck */
  readonly struck: number;
  records(): readonly WeightsRecord[];
  /** Makes blocks until the chain's epoch index is `epoch`. */
  untilEpoch(epoch: number): Promise<void>;
  /** Makes blocks until what is now the head is final and was looked at. */
  untilFinal(): Promise<void>;
  /** Makes blocks until the record of `epoch` is at `stage`. */
  untilStage(epoch: number, stage: WeightsRecord['stage']): Promise<void>;
  /** Of the subnet, by root; in a block of its own. */
  setVersionKey(key: number): Promise<void>;
  /** events of the canonical chain, by name, with their block and the epoch that it lies in */
  events(): readonly { readonly name: string; readonly block: number; readonly epoch: number }[];
  epoch(): Promise<number>;
  /** our row in the last block of `epoch` */
  rowAtEndOf(epoch: number): readonly (readonly [number, number])[];
  close(): Promise<void>;
}

export async function createWeightsWorld(options: {
  readonly form: FormUnderTest;
  readonly fault?: { readonly at: Point; readonly is: Fault; readonly epoch: number };
}): Promise<WeightsWorld> {
  await readyKeys();
  const folder = await mkdtemp(join(tmpdir(), 'assay-weights-'));
  const root = keypairFromUri('//Alice');
  const validator = devKeypair('validator');
  const random = createSeededRandom('weights');
  const open = () =>
    createLocalnet({
      sudo: root.address,
      balances: [[root.address, 1_000_000n * TAO]],
      manual: true,
      tempo: TEMPO,
      blockTimeMs: 12_000,
      // one round a block, and none where nothing is locked to them: each costs a signature
      beacon: { periodSeconds: options.form === 'timelocked' ? 12 : 86_400 },
      ...(options.fault?.is === 'node dies' ? { basePath: join(folder, 'chain') } : {}),
    });
  let localnet = await open();
  let chain = createEmbeddedChain(localnet);

  const land = async <T>(call: Promise<T>): Promise<T> => {
    localnet.produceBlock();
    return call;
  };
  const { netuid } = await land(chain.registerNetwork(root, toHotkey(validator.address)));
  await land(chain.startCall(root, netuid));
  for (const name of MINERS)
    await land(chain.burnedRegister(root, netuid, toHotkey(devKeypair(name).address)));
  const sudo = (call: string, ...args: (number | boolean)[]) =>
    land(chain.sudo(root, { call, args: [netuid, ...args] }));
  // without a rate limit a second row in one epoch would be taken: nothing but the publisher keeps it from being sent
  await sudo('sudo_set_weights_set_rate_limit', 0);
  await sudo('sudo_set_commit_reveal_weights_enabled', options.form !== 'set');
  for (let i = 0; i < 3; i++) localnet.produceBlock(); // final, so that a dead node has it all

  let generation = 0;
  let struck = 0;
  let outageUntil = 0;
  let strikeAfter = Number.POSITIVE_INFINITY;
  let nodeDown = deferred();
  const progress: Progress[] = [];
  let book: WeightsBook;
  let publisher: Publisher;
  let stepping: Promise<void> | undefined;

  /** @param within the publisher's own call, which a dead process never comes back from */
  async function strike(is: Fault, within = true): Promise<void> {
    struck++;
    if (is === 'validator dies') {
      generation++;
      await book.close();
      await begin();
      return within ? never() : undefined;
    }
    if (is === 'reorganisation') {
      const depth = Math.min(2, localnet.head().number - localnet.finalized().number);
      if (depth > 0) nodeOf(localnet).reorganise(depth);
      return;
    }
    if (is === 'network drops') outageUntil = localnet.head().number + OUTAGE_BLOCKS;
    else {
      const dead = nodeDown;
      nodeDown = deferred();
      localnet.close();
      localnet = await open();
      chain = createEmbeddedChain(localnet);
      dead.reject(unreachable());
    }
    if (within) throw unreachable();
  }

  const due = (at: Point, epoch: number): boolean => {
    const { fault } = options;
    return fault !== undefined && struck === 0 && fault.at === at && fault.epoch === epoch;
  };

  /** Only the living generation acts: a dead process writes and sends nothing, and hears nothing. */
  const alive = <T>(mine: number, work: () => Promise<T>): Promise<T> =>
    mine === generation ? work() : never();

  async function begin(): Promise<void> {
    const mine = ++generation;
    const { genesisHash } = await chain.info();
    const { number: head } = localnet.head();
    const place = { folder, genesisHash, hotkey: validator.address, head };
    const real = await openWeightsBook({ log: silentLog }, place);
    book = real;
    const watched: WeightsBook = {
      records: () => real.records(),
      close: () => real.close(),
      write: (place, step) =>
        alive(mine, async () => {
          if (due(`before ${step.step}`, place.epoch)) await strike(options.fault!.is);
          await alive(mine, () => real.write(place, step));
          if (due(`after ${step.step}`, place.epoch)) await strike(options.fault!.is);
          if (step.step === 'included' && due('one block after included', place.epoch))
            strikeAfter = localnet.head().number + 1;
        }),
    };
    const through =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      (...args: A): Promise<R> =>
        alive(mine, async () => {
          if (localnet.head().number < outageUntil) throw unreachable();
          const answer = call(...args);
          answer.catch(() => {}); // it may fail after the node is gone
          return alive(mine, () => Promise.race([answer, nodeDown.promise]));
        });
    const sending =
      <A extends unknown[], R>(at: Point, call: (...args: A) => Promise<R>) =>
      (...args: A): Promise<R> =>
        through(async () => {
          const sent = call(...args);
          sent.catch(() => {});
          const epoch = real.records().at(-1)?.epoch ?? -1;
          if (due(at, epoch)) {
            await Promise.race([
              pooled(),
              sent.then(
                () => {},
                () => {},
              ),
            ]);
            await strike(options.fault!.is);
          }
          return sent;
        })();
    const parts = {
      reader: wrapAll(() => readerOf(chain), through) as ChainReader,
      writer: {
        resend: through((...args: Parameters<ChainWriter['resend']>) => chain.resend(...args)),
        setWeights: sending('in the pool', (...args: Parameters<ChainWriter['setWeights']>) =>
          chain.setWeights(...args),
        ),
        commitWeights: sending('in the pool', (...args: Parameters<ChainWriter['commitWeights']>) =>
          chain.commitWeights(...args),
        ),
        commitTimelockedWeights: sending(
          'in the pool',
          (...args: Parameters<ChainWriter['commitTimelockedWeights']>) =>
            chain.commitTimelockedWeights(...args),
        ),
        revealWeights: sending('reveal in the pool', (...args: Parameters<ChainWriter['revealWeights']>) =>
          chain.revealWeights(...args),
        ),
      },
    };
    publisher = createPublisher(
      {
        ...parts,
        keypair: validator,
        book: watched,
        random,
        log: silentLog,
      },
      { netuid },
    );
    stepping = undefined;
  }

  const pooled = async (): Promise<void> => {
    while (nodeOf(localnet).pendingExtrinsics().length === 0) await turn();
  };

  /** One block, after everything that could happen before it. */
  async function tick(): Promise<void> {
    await settled();
    localnet.produceBlock();
    await settled();
    if (struck === 0 && localnet.head().number >= strikeAfter) await strike(options.fault!.is, false);
    if (stepping) return;
    const mine = generation;
    stepping = step().finally(() => {
      if (mine === generation) stepping = undefined;
    });
    await settled();
  }

  async function step(): Promise<void> {
    try {
      const { epochIndex, nextEpochBlock, block } = await chain.subnet(netuid);
      const isDue = nextEpochBlock! - block <= LEAD;
      const scores = async () =>
        new Map(MINERS.map((name, i) => [toHotkey(devKeypair(name).address), i * epochIndex + 1]));
      const due = isDue ? { epoch: epochIndex, scores } : undefined;
      await publisher.step(due, (is) => void progress.push(is));
    } catch (error) {
      // as the validator does: the next step decides anew
      if (!(error instanceof AssayError)) throw error;
    }
  }

  /** Until the step is over or waits for a block: the book's writes take what time the disk takes. */
  async function settled(): Promise<void> {
    for (let waiting = 0; stepping && waiting < 40; ) {
      await turn();
      waiting = nodeOf(localnet).pendingExtrinsics().length > 0 ? waiting + 1 : 0;
    }
  }

  /** Of a runtime without time-lock, where commits are plain. */
  function readerOf(full: ChainReader): ChainReader {
    if (options.form !== 'plain') return full;
    return {
      ...full,
      subnet: async (...args) => ({ ...(await full.subnet(...args)), timelockVersion: undefined }),
    };
  }

  await begin();
  const world: WeightsWorld = {
    netuid,
    progress,
    get struck() {
      return struck;
    },
    records: () => book.records(),
    epoch: async () => (await chain.subnet(netuid)).epochIndex,
    rowAtEndOf(epoch) {
      for (let block = localnet.head().number; block > 0; block--) {
        const state = localnet.state(block);
        if (state.get(S.SubnetEpochIndex, netuid) === epoch)
          return state.get(S.Weights, netuid, state.get(S.Uids, netuid, validator.address)!);
      }
      throw new RangeError(`epoch ${epoch}: not here yet`);
    },
    async untilEpoch(epoch) {
      for (let blocks = 0; (await world.epoch()) < epoch; blocks++) {
        if (blocks > 20 * TEMPO) throw new Error(`epoch ${epoch} did not come`);
        await tick();
      }
    },
    async untilStage(epoch, stage) {
      for (
        let blocks = 0;
        !book.records().some((each) => each.epoch === epoch && each.stage === stage);
        blocks++
      ) {
        if (blocks > 20 * TEMPO) throw new Error(`${stage} of epoch ${epoch} did not come`);
        await tick();
      }
    },
    async setVersionKey(key) {
      await settled();
      // or it could not be raised between a commit and its reveal in the next epoch; reveals may be further away elsewhere
      await land(chain.sudo(root, { call: 'sudo_set_admin_freeze_window', args: [0] }));
      await sudo('sudo_set_weights_version_key', key);
    },
    async untilFinal() {
      for (let blocks = 0; blocks < 5; blocks++) await tick();
    },
    events() {
      const out: { name: string; block: number; epoch: number }[] = [];
      for (let block = 0; block <= localnet.head().number; block++)
        for (const { event } of localnet.events(block))
          if (event.pallet === 'SubtensorModule')
            out.push({
              name: event.name,
              block,
              epoch: localnet.state(block).get(S.SubnetEpochIndex, netuid),
            });
      return out;
    },
    async close() {
      generation++;
      await settled();
      await book.close();
      localnet.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}

function wrapAll(
  target: () => object,
  wrap: (call: (...args: unknown[]) => Promise<unknown>) => (...args: unknown[]) => Promise<unknown>,
): unknown {
  return new Proxy(
    {},
    {
      get: (_, name) => {
        const call = (...args: unknown[]) => {
          const found = (target() as Record<PropertyKey, (...args: unknown[]) => Promise<unknown>>)[name]!;
          return found(...args);
        };
        return wrap(call);
      },
    },
  );
}

const unreachable = () => new AssayError('unreachable', 'cut off', { address: 'ws://127.0.0.1:9944' });
const never = <T>(): Promise<T> => new Promise<T>(() => {});
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function deferred() {
  let reject = (_: unknown) => {};
  const promise = new Promise<never>((_, failed) => {
    reject = failed;
  });
  promise.catch(() => {});
  return { promise, reject };
}
