import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { type ChainReader, type ChainWriter, connectSubtensor, type Head } from '../../../src/chain/index.js';
import { devKeypair } from '../../../src/keys/index.js';
import { createLocalnet } from '../../../src/localnet/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { createLog, type LogLevel } from '../../../src/model/log.js';
import { type LocalnetNode, startLocalnet } from './localnet-node.js';

// the least pauses: what is tested is that it comes back, not when
const limits = {
  reconnectMinMs: 1,
  reconnectMaxMs: 20,
  readRetryMinMs: 1,
  readRetryMaxMs: 20,
  fatePollMs: 5,
};

describe('an outage of the node', () => {
  let node: LocalnetNode;
  let chain: ChainReader & ChainWriter;
  const lines: string[] = [];
  const log = (level: LogLevel = 'info') =>
    createLog((line) => lines.push((JSON.parse(line) as { msg: string }).msg), { level });

  async function start(): Promise<void> {
    lines.length = 0;
    node = await startLocalnet();
    chain = await connectSubtensor({ url: node.url, log: log(), clock: systemClock, limits });
  }
  afterEach(async () => {
    await chain.close();
    await node.goDown();
  });

  it('is ridden out by reads that were asked for meanwhile', async () => {
    await start();
    node.localnet.produceBlock();
    expect((await chain.head()).number).toBe(1);
    await node.goDown();
    const head = chain.head();
    const subnet = chain.balanceRao(node.root.address);
    await node.comeUp();
    expect((await head).number).toBe(1);
    expect(await subnet).toBe(10n ** 15n);
    expect(lines).toEqual(['chain connection lost', 'chain connection restored']);
  });

  it('leaves watchHeads watching, over several', async () => {
    await start();
    const heads: Head[] = [];
    let seen: () => void = () => {};
    const stop = new AbortController();
    const watching = chain.watchHeads((head) => {
      heads.push(head);
      seen();
    }, stop.signal);
    const sees = (number: number) =>
      new Promise<void>((resolve) => {
        seen = () => heads.at(-1)?.number === number && resolve();
        seen();
      });
    await sees(0);
    for (let outage = 0; outage < 3; outage++) {
      await node.goDown();
      node.localnet.produceBlock(); // heads seen by nobody
      await node.comeUp();
      await chain.head(); // connected again
      const { number } = node.localnet.produceBlock();
      await sees(number);
    }
    stop.abort();
    await watching;
    const numbers = heads.map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(numbers.at(-1)).toBe(6);
  });

  it('makes a write fail as unreachable when there is no node to send it to', async () => {
    await start();
    const to = devKeypair('to').address;
    await node.goDown();
    await expect(chain.transfer(node.root, to, 1_000_000n)).rejects.toMatchObject({ code: 'unreachable' });
    await node.comeUp();
    await chain.head();
    expect(await node.localnet.rpc('author_pendingExtrinsics')).toEqual([]);
  });

  it('does not lose a write: what was included meanwhile is found by its block', async () => {
    await start();
    const to = devKeypair('to').address;
    const pending = chain.transfer(node.root, to, 1_000_000n);
    await inPool(1);
    await node.goDown();
    node.localnet.produceBlock(); // it is in this one, and nobody was told
    node.localnet.produceBlock();
    await node.comeUp();
    expect((await pending).block).toBe(1);
    expect(await chain.balanceRao(to)).toBe(1_000_000n);
  });

  it('does not send a write again: what the pool still has lands once, and the next one takes the nonce after it', async () => {
    await start();
    const to = devKeypair('to').address;
    const pending = chain.transfer(node.root, to, 1_000_000n);
    await inPool(1);
    await node.goDown();
    await node.comeUp();
    await chain.head();
    const next = chain.transfer(node.root, to, 2_000_000n);
    await inPool(2);
    node.localnet.produceBlock();
    expect([(await pending).block, (await next).block]).toEqual([1, 1]);
    expect(await chain.balanceRao(to)).toBe(3_000_000n);
  });

  it('does not hide that another chain came up in its place', async () => {
    await start();
    await node.goDown();
    const other = await createLocalnet({ sudo: devKeypair('other').address, manual: true, genesisMs: 1 });
    const head = chain.head();
    await node.comeUp(other);
    await expect(head).rejects.toMatchObject({
      code: 'refused',
      data: { reason: expect.stringContaining('genesis') },
    });
    await expect(chain.head()).rejects.toMatchObject({ code: 'refused' });
    expect(lines).toContain('another chain answers');
  });

  it('ends reads and watchers when the chain is closed', async () => {
    await start();
    await node.goDown();
    const head = chain.head();
    const watching = chain.watchHeads(() => {}, new AbortController().signal);
    await chain.close();
    await expect(head).rejects.toMatchObject({ code: 'unreachable' });
    await watching;
    await expect(chain.head()).rejects.toMatchObject({ code: 'unreachable' });
  });

  async function inPool(count: number): Promise<void> {
    for (;;) {
      const pending = await node.localnet.rpc('author_pendingExtrinsics');
      if (Array.isArray(pending) && pending.length >= count) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
});

describe('connecting', () => {
  const clock = systemClock;
  const log = createLog(() => {});

  it('waits for a node that is not up yet', async () => {
    const node = await startLocalnet();
    await node.goDown();
    const connecting = connectSubtensor({ url: node.url, log, clock, limits });
    await node.comeUp();
    const chain = await connecting;
    expect((await chain.head()).number).toBe(0);
    await chain.close();
    await node.goDown();
  });

  it('gives up in time where nobody listens', async () => {
    const connecting = connectSubtensor({
      url: `ws://127.0.0.1:${await freePort()}`,
      log,
      clock,
      limits: { ...limits, connectTimeoutMs: 50 },
    });
    await expect(connecting).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('gives up in time on a server that never answers', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const connecting = connectSubtensor({
      url: `ws://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
      log,
      clock,
      limits: { ...limits, connectTimeoutMs: 50 },
    });
    await expect(connecting).rejects.toMatchObject({ code: 'unreachable' });
    for (const socket of server.clients) socket.terminate();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  it('stops trying when aborted', async () => {
    const stop = new AbortController();
    const connecting = connectSubtensor({
      url: `ws://127.0.0.1:${await freePort()}`,
      log,
      clock,
      limits,
      signal: stop.signal,
    });
    const fails = expect(connecting).rejects.toThrow('enough');
    stop.abort(new Error('enough'));
    await fails;
  });

  it.each(['http://127.0.0.1:1', 'nonsense', ''])('refuses the url %j', async (url) => {
    await expect(connectSubtensor({ url, log, clock })).rejects.toMatchObject({ code: 'invalid-input' });
  });
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address ? address.port : 0;
}
