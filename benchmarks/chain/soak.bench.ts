// Memory of a client over 10,000 blocks, each of which it follows twice (best heads, finalised blocks) and reads a subnet
// of at its hash; a transfer each 10 blocks, and each 1,000 blocks all connections are dropped. The node is a process of
// its own. Baseline: a plain ApiPromise that follows the same number of blocks and reads five items of that subnet by
// api.at, without writes and outages.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ApiPromise, WsProvider } from '@polkadot/api';
import { connectSubtensor } from '../../src/chain/subtensor/connect.js';
import { devKeypair, keypairFromUri, readyKeys } from '../../src/keys/index.js';
import { systemClock } from '../../src/model/clock.js';
import { toNetuid } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import type { Order } from './soak-node.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const BLOCKS = 10_000;
const SAMPLE_EVERY = 500;
/** by then code is compiled and caches are as large as they get */
const WARM_BLOCKS = 2_000;
const ROOT = toNetuid(0);

export default async function bench(emit: Emit): Promise<void> {
  await readyKeys();
  const ours = await withNode(soakOurs);
  const plain = await withNode(soakPlain);
  const bench = `client over ${BLOCKS} blocks`;
  const compared = (metric: string, of: (soak: Soak) => number, unit: string) =>
    emit({ bench, metric, value: of(ours), unit, baseline: of(plain) });
  compared('heap growth per 1,000 blocks after the first 2,000', ({ heap }) => slope(heap), 'MiB');
  compared('blocks followed', ({ seconds }) => BLOCKS / seconds, 'blocks/s');
  // the baseline runs in the same process afterwards, on top of what is loaded by then
  emit({ bench, metric: 'heap at the end', value: ours.heap.at(-1)!, unit: 'MiB' });
  emit({ bench, metric: 'resident set at the end', value: ours.residentMiB, unit: 'MiB' });
}

interface Soak {
  /** MiB after a collection, each SAMPLE_EVERY blocks */
  readonly heap: readonly number[];
  readonly residentMiB: number;
  readonly seconds: number;
}

interface SoakNode {
  readonly url: string;
  order(order: Order): void;
}

async function soakOurs({ url, order }: SoakNode): Promise<Soak> {
  const chain = await connectSubtensor({ url, log: silentLog, clock: systemClock });
  const stop = new AbortController();
  const heads = latest();
  const finals = latest();
  const watching = Promise.all([
    chain.watchHeads(heads.set, stop.signal),
    chain.watchBlocks(0, finals.set, stop.signal),
  ]);
  const root = keypairFromUri('//Alice');
  const to = devKeypair('soak').address;
  const result = await soak(async (number) => {
    const landing = number % 10 === 0 ? chain.transfer(root, to, 1_000_000n) : undefined;
    order(landing ? 'carry' : 'block');
    const head = await heads.reaches(number);
    await Promise.all([chain.subnet(ROOT, head.hash), finals.reaches(number - 2), landing]);
    if (number % 1_000 === 500) {
      order('drop');
      await lost(chain);
      await chain.head();
    }
  });
  stop.abort();
  await watching;
  await chain.close();
  return result;
}

function lost(chain: {
  status(): { state: string };
  onStatus(listener: (status: { state: string }) => void): () => void;
}): Promise<void> {
  return new Promise((resolve) => {
    const stop = chain.onStatus(({ state }) => {
      if (state === 'connected') return;
      stop();
      resolve();
    });
  });
}

async function soakPlain({ url, order }: SoakNode): Promise<Soak> {
  const provider = new WsProvider(url);
  // as any user of it writes: its types are not exact about optional properties
  const api = await ApiPromise.create({ provider: provider as never, noInitWarn: true });
  const heads = latest();
  const unsubscribe = await api.rpc.chain.subscribeNewHeads((header) =>
    heads.set({ number: header.number.toNumber(), hash: header.hash.toU8a() }),
  );
  const items = ['tempo', 'subnetworkN', 'lastUpdate', 'emission', 'incentive'] as const;
  const result = await soak(async (number) => {
    order('block');
    const { hash } = await heads.reaches(number);
    const { query } = await api.at(hash);
    await Promise.all(items.map((item) => query.subtensorModule![item]!(0)));
  });
  unsubscribe();
  await api.disconnect();
  return result;
}

async function soak(step: (number: number) => Promise<void>): Promise<Soak> {
  const heap: number[] = [];
  const begin = performance.now();
  for (let number = 1; number <= BLOCKS; number++) {
    await step(number);
    if (number % SAMPLE_EVERY !== 0) continue;
    globalThis.gc?.();
    heap.push(process.memoryUsage().heapUsed / 2 ** 20);
    console.error(`block ${number}: ${heap.at(-1)!.toFixed(1)} MiB`);
  }
  const seconds = (performance.now() - begin) / 1_000;
  return { heap, residentMiB: process.memoryUsage().rss / 2 ** 20, seconds };
}

/** Least squares over the samples after WARM_BLOCKS, MiB per 1,000 blocks. */
function slope(heap: readonly number[]): number {
  const points = heap
    .map((value, i) => [((i + 1) * SAMPLE_EVERY) / 1_000, value] as const)
    .filter(([thousands]) => thousands * 1_000 > WARM_BLOCKS);
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const up = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  return up / points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
}

interface Numbered {
  readonly number: number;
  readonly hash: Uint8Array;
}

/** The newest block told of, and waiting for one. */
function latest() {
  let now: Numbered | undefined;
  let wake = () => {};
  return {
    set(head: Numbered): void {
      now = head;
      wake();
    },
    reaches: (number: number) =>
      new Promise<Numbered>((resolve) => {
        wake = () => {
          if (now && now.number >= number) resolve(now);
        };
        wake();
      }),
  };
}

async function withNode<T>(run: (node: SoakNode) => Promise<T>): Promise<T> {
  const child: ChildProcess = fork(fileURLToPath(new URL('./soak-node.ts', import.meta.url)), [], {
    execArgv: ['--import', import.meta.resolve('tsx')],
  });
  const [url] = (await once(child, 'message')) as [string];
  try {
    return await run({ url, order: (order) => void child.send(order) });
  } finally {
    child.disconnect();
  }
}
