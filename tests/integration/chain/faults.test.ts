// The client against localnets that are told to misbehave. Two manual ones with the same options are two nodes of one chain:
// equal calls give equal hashes.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChainLimits } from '../../../src/chain/limits.js';
import { connectSubtensor } from '../../../src/chain/subtensor/connect.js';
import { devKeypair } from '../../../src/keys/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { type LocalnetNode, startLocalnet } from './localnet-node.js';

const QUICK: Partial<ChainLimits> = {
  reconnectMinMs: 1,
  reconnectMaxMs: 20,
  readRetryMinMs: 1,
  readRetryMaxMs: 20,
  fatePollMs: 5,
  healthEveryMs: 5,
  seekEveryMs: 10,
};

describe('two nodes of one chain', () => {
  let a: LocalnetNode;
  let b: LocalnetNode;
  let chain: Awaited<ReturnType<typeof connectSubtensor>>;

  beforeEach(async () => {
    [a, b] = [await startLocalnet(), await startLocalnet()];
  });
  afterEach(async () => {
    await chain.close();
    await Promise.all([a.goDown(), b.goDown()]);
  });
  const both = (count = 1) => {
    for (let i = 0; i < count; i++) for (const { localnet } of [a, b]) localnet.produceBlock();
  };
  const connect = async (limits: Partial<ChainLimits> = {}) => {
    const options = { log: silentLog, clock: systemClock, limits: { ...QUICK, ...limits } };
    chain = await connectSubtensor({ ...options, urls: [a.url, b.url] });
  };
  const uses = ({ url }: LocalnetNode) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (chain.status().url !== url || chain.status().state !== 'connected') return;
        stop();
        resolve();
      };
      let stop = () => {};
      stop = chain.onStatus(look);
      look();
    });

  it('answer a read at a block the same, whichever is up', async () => {
    await connect();
    both(3);
    const hash = await chain.blockHash(2);
    const before = await chain.subnet(0 as never, hash);
    await a.goDown();
    expect(await chain.subnet(0 as never, hash)).toEqual(before);
    expect(chain.status().url).toBe(b.url);
  });

  it('decide a write together: sent to one, found on the other, taken for nothing twice', async () => {
    await connect();
    const to = devKeypair('to').address;
    const sending = chain.transfer(a.root, to, 1_000_000n);
    for (;;) {
      const [bytes] = (await a.localnet.rpc('author_pendingExtrinsics')) as string[];
      if (bytes !== undefined) {
        await b.localnet.rpc('author_submitExtrinsic', [bytes]); // as gossip would
        break;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await a.goDown();
    both();
    expect((await sending).block).toBe(1);
    expect(chain.status().url).toBe(b.url);
    expect(await chain.balanceRao(to)).toBe(1_000_000n);
  });

  it('are changed while heads and blocks are watched, and no block is missed', async () => {
    await connect();
    const seen: number[] = [];
    const stop = new AbortController();
    let wake = () => {};
    const watching = chain.watchBlocks(
      0,
      ({ number }) => {
        seen.push(number);
        wake();
      },
      stop.signal,
    );
    const upTo = (number: number) =>
      new Promise<void>((resolve) => {
        wake = () => seen.at(-1) === number && resolve();
        wake();
      });
    both(4);
    await upTo(2); // finality is two blocks behind
    await a.goDown();
    both(5);
    await upTo(7);
    await a.comeUp();
    await b.goDown();
    await uses(a);
    both(2);
    await upTo(9);
    stop.abort();
    await watching;
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('are told apart by how far they are', async () => {
    await a.localnet.rpc('dev_lag', [6]);
    both(8);
    await connect({ compareEveryMs: 10 });
    await uses(b);
    expect((await chain.head()).number).toBe(8);
  });
});

describe('a node that reorganises', () => {
  it('has its heads told with what they take back', async () => {
    const node = await startLocalnet();
    const options = { log: silentLog, clock: systemClock, limits: QUICK };
    const chain = await connectSubtensor({ ...options, url: node.url });
    const seen: (readonly [number, readonly number[] | undefined])[] = [];
    const stop = new AbortController();
    let wake = () => {};
    const watching = chain.watchHeads((head, retracted) => {
      seen.push([head.number, retracted?.map(({ number }) => number)]);
      wake();
    }, stop.signal);
    const once = (is: (newest: (typeof seen)[number] | undefined) => boolean) =>
      new Promise<void>((resolve) => {
        wake = () => is(seen.at(-1)) && resolve();
        wake();
      });
    await once((newest) => newest?.[0] === 0);
    for (let number = 1; number <= 4; number++) {
      node.localnet.produceBlock();
      await once((newest) => newest?.[0] === number);
    }
    await node.localnet.rpc('dev_reorg', [2]);
    node.localnet.produceBlock();
    await once((newest) => newest?.[1] !== undefined);
    stop.abort();
    await watching;
    const [, retracted] = seen.find(([, back]) => back !== undefined)!;
    expect(retracted).toEqual([4, 3]);
    await chain.close();
    await node.goDown();
  });
});
