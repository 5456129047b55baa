import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ChainObserver, ChainReader, ChainStatus, ChainWriter, Head } from '../../../src/chain/chain.js';
import type { ChainLimits } from '../../../src/chain/limits.js';
import { connectSubtensor } from '../../../src/chain/subtensor/connect.js';
import { NEW_HEADS } from '../../../src/chain/subtensor/connection.js';
import { unreachable } from '../../../src/chain/subtensor/errors.js';
import { transfer } from '../../../src/chain/subtensor/operations/balances.js';
import { openSocket } from '../../../src/chain/subtensor/socket.js';
import { devKeypair, readyKeys } from '../../../src/keys/index.js';
import { toHex } from '../../../src/model/bytes.js';
import { systemClock } from '../../../src/model/clock.js';
import { createLog } from '../../../src/model/log.js';
import { type ScriptedNode, serveScripted } from './scripted-node.js';

type Chain = ChainReader & ChainWriter & ChainObserver;

// the least pauses: what is tested is what happens, not when
const QUICK: Partial<ChainLimits> = {
  reconnectMinMs: 1,
  reconnectMaxMs: 20,
  readRetryMinMs: 1,
  readRetryMaxMs: 20,
  healthEveryMs: 5,
  seekEveryMs: 10,
  compareEveryMs: 60_000,
};

let nodes: ScriptedNode[] = [];
let chain: Chain | undefined;
const lines: { msg: string; [key: string]: unknown }[] = [];
const log = createLog((line) => lines.push(JSON.parse(line) as (typeof lines)[number]), { level: 'info' });

beforeEach(() => {
  lines.length = 0;
});
afterEach(async () => {
  await chain?.close();
  await Promise.all(nodes.map((node) => node.close()));
  nodes = [];
  chain = undefined;
});

async function serve(...options: Parameters<typeof serveScripted>): Promise<ScriptedNode> {
  const node = await serveScripted(...options);
  nodes.push(node);
  return node;
}

async function connect(
  urls: readonly string[],
  limits: Partial<ChainLimits> = {},
  genesis?: string,
): Promise<Chain> {
  chain = await connectSubtensor({ urls, genesis, log, clock: systemClock, limits: { ...QUICK, ...limits } });
  return chain;
}

/** Resolves when the status is as asked for. */
function until(of: ChainObserver, is: (status: ChainStatus) => boolean): Promise<ChainStatus> {
  return new Promise((resolve) => {
    const look = (status: ChainStatus) => {
      if (!is(status)) return;
      stop();
      resolve(status);
    };
    let stop = () => {};
    stop = of.onStatus(look);
    look(of.status());
  });
}
const at = (node: ScriptedNode) => (status: ChainStatus) =>
  status.state === 'connected' && status.url === node.url;
const numberOf = (head: Head | undefined) => head?.number;

describe('several endpoints', () => {
  it('are tried in the order given, and the next one is used when the first dies', async () => {
    const [a, b] = [await serve(), await serve()];
    const reader = await connect([a.url, b.url]);
    expect(reader.status()).toMatchObject({
      state: 'connected',
      url: a.url,
      specVersion: 1,
      sickness: undefined,
    });
    expect(b.connections).toBe(0);
    await a.close();
    await until(reader, at(b));
    expect((await reader.head()).number).toBe(0);
    expect(lines.map(({ msg }) => msg)).toEqual(['chain connection lost', 'chain connection restored']);
    expect(lines[1]).toMatchObject({ url: b.url, from: a.url });
  });

  it('are skipped when they serve another chain, and never asked again', async () => {
    const [a, b] = [await serve({ genesis: 'other' }), await serve()];
    const reader = await connect([a.url, b.url], {}, b.blocks[0]!.hash);
    expect(reader.status().url).toBe(b.url);
    b.drop();
    await until(reader, (status) => status.state === 'away');
    await until(reader, at(b));
    expect(a.asked.get('chain_getBlockHash')).toBe(1);
  });

  it('are skipped when they speak no WebSocket', async () => {
    const http = await serveHttp(200);
    const b = await serve();
    expect((await connect([http.url, b.url])).status().url).toBe(b.url);
    await http.close();
  });

  it('are left when the subscription is silent while the node goes on', async () => {
    const a = await serve();
    const reader = await connect([a.url], { stallMinMs: 20, stallBlocks: 0 });
    await asked(a, 'chain_subscribeNewHeads', 1); // or the first head told would be the one made quietly
    await until(reader, (status) => status.sickness === 'stalled');
    a.push({ quiet: true });
    await until(reader, (status) => status.state === 'away');
    await until(reader, (status) => status.state === 'connected' && numberOf(status.head) === 1);
    expect(lines.map(({ msg }) => msg)).toContain('chain node tells of no heads');
  });

  it('are left when they stall and another goes on', async () => {
    const [a, b] = [await serve(), await serve()];
    const reader = await connect([a.url, b.url], { stallMinMs: 20, stallBlocks: 0 });
    for (let i = 0; i < 5; i++) b.push();
    await until(reader, at(b));
    expect(numberOf(reader.status().head)).toBe(5);
    expect(lines.find(({ msg }) => msg === 'chain node left for a better one')).toMatchObject({
      from: a.url,
      to: b.url,
      why: 'stalled',
      ahead: 5,
    });
  });

  it('are kept when all of them stall: the chain stands still, not the node', async () => {
    const [a, b] = [await serve(), await serve()];
    const reader = await connect([a.url, b.url], { stallMinMs: 10, stallBlocks: 0 });
    await until(reader, (status) => status.sickness === 'stalled');
    await asked(b, 'chain_getBlockHash', 3); // looked at several times
    expect(reader.status()).toMatchObject({ state: 'connected', url: a.url, sickness: 'stalled' });
    a.push();
    await until(reader, (status) => status.sickness === undefined);
    expect(lines.map(({ msg }) => msg)).toContain('chain node is well again');
  });

  it('are left when they lag behind another though nothing else shows it', async () => {
    const [a, b] = [await serve(), await serve()];
    for (let i = 0; i < 3; i++) b.push();
    const reader = await connect([a.url, b.url], { compareEveryMs: 10 });
    await until(reader, at(b));
    expect(lines.at(-1)).toMatchObject({ why: 'lagging', ahead: 3 });
  });

  it('are passed over at first when their head is old by the clock, and taken when nothing is better', async () => {
    const now = 1_800_000_000_000;
    const clock = { ...systemClock, now: () => now };
    const old = await serve({ chainType: 'Live', timestampMs: now - 3_600_000 });
    const fresh = await serve({ chainType: 'Live', timestampMs: now });
    const options = { log, clock, limits: QUICK };
    const reader = await connectSubtensor({ ...options, urls: [old.url, fresh.url] });
    expect(reader.status().url).toBe(fresh.url);
    await reader.close();
    chain = await connectSubtensor({ ...options, url: old.url });
    const status = await until(chain, ({ sickness }) => sickness !== undefined);
    expect(status).toMatchObject({ sickness: 'lagging', headAgeMs: 3_600_000 });
  });

  it('are kept when the finalised number goes back on the same chain: several nodes behind one address', async () => {
    const a = await serve();
    for (let i = 0; i < 4; i++) a.push();
    a.finalize(3);
    const reader = await connect([a.url]);
    await asked(a, 'chain_subscribeFinalizedHeads', 1);
    const before = a.asked.get('chain_getBlockHash') ?? 0;
    a.finalize(2);
    await asked(a, 'chain_getBlockHash', before + 1); // that of block 3
    a.finalize(4);
    // of a final block no listener is told
    while (numberOf(reader.status().finalized) !== 4) await new Promise((resolve) => setImmediate(resolve));
    expect(reader.status()).toMatchObject({ state: 'connected', lastError: undefined });
    expect(a.asked.get('chain_subscribeFinalizedHeads')).toBe(1);
  });

  it('are left when they call final what no node has yet', async () => {
    const [a, b] = [await serve(), await serve()];
    for (let i = 0; i < 4; i++) a.push();
    b.copy(a);
    for (const node of [a, b]) node.finalize(2);
    const reader = await connect([a.url, b.url]);
    await asked(a, 'chain_subscribeFinalizedHeads', 1);
    const seen: number[] = [];
    const stop = new AbortController();
    const watching = reader.watchBlocks(3, ({ number }) => void seen.push(number), stop.signal);
    await asked(a, 'chain_subscribeFinalizedHeads', 2);
    for (const subscription of ['sub2', 'sub4']) {
      const result = { ...a.blocks[2]!.header, number: '0xee6b2800' }; // 4_000_000_000
      const params = { subscription, result };
      a.shout(JSON.stringify({ jsonrpc: '2.0', method: 'chain_finalizedHead', params }));
    }
    await until(reader, at(b));
    expect(numberOf(reader.status().finalized)).toBe(2);
    b.finalize(4);
    while (seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await watching;
    expect(seen).toEqual([3, 4]);
  });

  it('are not left for one whose numbers are not those of its blocks', async () => {
    const [a, b] = [await serve(), await serve()];
    for (let i = 0; i < 4; i++) a.push();
    b.copy(a);
    for (const node of [a, b]) node.finalize(2);
    b.answers.chain_getHeader = ([hash]) => ({
      ...b.blocks.find((block) => block.hash === hash)!.header,
      number: '0xffff',
    });
    const reader = await connect([a.url, b.url], { compareEveryMs: 10 });
    await asked(b, 'chain_getBlockHash', 5); // looked at more than once
    expect(reader.status()).toMatchObject({ state: 'connected', url: a.url });
  });

  it('are not left for one that is further on another fork', async () => {
    const [a, b] = [await serve(), await serve()];
    for (let i = 0; i < 4; i++) a.push();
    a.finalize(3);
    for (let i = 0; i < 20; i++) b.push({ salt: 'fork' });
    b.finalize(1); // by what is final there, it is only behind
    const reader = await connect([a.url, b.url], { compareEveryMs: 10 });
    await asked(b, 'chain_getBlockHash', 6);
    expect(reader.status()).toMatchObject({ state: 'connected', url: a.url });
  });

  it('are taken though sick when the next one does not answer in time', async () => {
    const silent = createTcpServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const old = await serve({ chainType: 'Live', timestampMs: 1 });
    const reader = await connect([old.url, `ws://127.0.0.1:${port}`], { connectTimeoutMs: 2000 });
    expect(reader.status()).toMatchObject({ state: 'connected', url: old.url });
    await reader.close();
    while (old.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    silent.close();
  });

  it('leave no socket behind when connecting is aborted', async () => {
    const silent = createTcpServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const old = await serve({ chainType: 'Live', timestampMs: 1 });
    const stop = new AbortController();
    const urls = [old.url, `ws://127.0.0.1:${port}`];
    const connecting = connectSubtensor({
      urls,
      log,
      clock: systemClock,
      limits: QUICK,
      signal: stop.signal,
    });
    await asked(old, 'state_getStorage', 1);
    await new Promise<void>((resolve) => silent.once('connection', () => resolve()));
    stop.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
    while (old.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    silent.close();
  });

  it('are connected to again whatever a listener to the status throws', async () => {
    const a = await serve();
    const reader = await connect([a.url]);
    let told = 0;
    reader.onStatus(() => {
      told++;
      throw new Error('broken');
    });
    a.drop();
    while (told < 2) await new Promise((resolve) => setImmediate(resolve));
    await until(reader, at(a));
    expect(lines.map(({ msg }) => msg)).toContain('chain status listener failed');
  });

  it('are waited for while they answer with errors of their own', async () => {
    const a = await serve();
    let times = 0;
    const method = a.answers;
    method.chain_getFinalizedHead = () => {
      if (++times > 3) return a.blocks[0]!.hash;
      throw Object.assign(new Error('too many requests'), { code: times === 1 ? -32601 : -32005 });
    };
    const reader = await connect([a.url]);
    expect(reader.status()).toMatchObject({ state: 'connected', url: a.url });
    expect(times).toBe(4);
  });

  it('are refused in the end when they answer with nothing but errors', async () => {
    const a = await serve();
    a.answers.chain_getFinalizedHead = () => {
      throw new Error('still starting');
    };
    await expect(connect([a.url], { connectTimeoutMs: 1000 })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('still starting'),
    });
  });

  it('are given up when what was final is taken back', async () => {
    const [a, b] = [await serve(), await serve()];
    for (let i = 0; i < 4; i++) a.push();
    a.finalize(3);
    const reader = await connect([a.url, b.url]);
    b.copy(a);
    a.rewind(1);
    for (let i = 0; i < 2; i++) a.push({ salt: 'fork' });
    a.finalize(2);
    await until(reader, at(b));
    expect(reader.status().finalized?.number).toBe(3);
    b.drop();
    await until(reader, (status) => status.state === 'away');
    await until(reader, at(b)); // a would have been next
  });

  it('are refused when what was final is another block there', async () => {
    const [a, b] = [await serve(), await serve()];
    for (let i = 0; i < 4; i++) a.push();
    for (let i = 0; i < 6; i++) b.push({ salt: 'fork' });
    a.finalize(3);
    b.finalize(5);
    const reader = await connect([a.url, b.url]);
    a.drop();
    await until(reader, (status) => status.state === 'away');
    const { lastError } = await until(reader, at(a));
    expect(lastError).toMatchObject({
      code: 'refused',
      data: { reason: expect.stringContaining(`block 3 was final as ${a.blocks[3]!.hash}`) },
    });
  });

  it('end the connection when the only one takes back what was final', async () => {
    const a = await serve();
    for (let i = 0; i < 4; i++) a.push();
    a.finalize(3);
    const reader = await connect([a.url]);
    a.rewind(2);
    a.push({ salt: 'fork' });
    a.finalize(3);
    await until(reader, (status) => status.state === 'closed');
    await expect(reader.head()).rejects.toMatchObject({
      code: 'refused',
      data: { reason: expect.stringContaining(`${a.url} had block 3`) },
    });
  });

  it.each([
    ['no JSON', 'hello'],
    ['no object', '[]'],
    ['no id', '{"jsonrpc":"2.0","result":1}'],
    ['a notification for nothing', '{"jsonrpc":"2.0","method":"x"}'],
  ])('are left when they send nonsense: %s', async (_, text) => {
    const [a, b] = [await serve(), await serve()];
    const reader = await connect([a.url, b.url]);
    a.shout(text);
    await until(reader, at(b));
    expect(reader.status().lastError).toMatchObject({ code: 'invalid-input' });
  });

  it('are left when an answer is not of its type, and the read is answered by the next', async () => {
    const [a, b] = [await serve(), await serve()];
    b.push();
    const reader = await connect([a.url, b.url]);
    a.answers.chain_getHeader = () => ({ number: 7 });
    expect((await reader.head()).number).toBe(1);
    expect(reader.status().url).toBe(b.url);
  });

  it.each([
    ['a number', { number: '0xzz' }],
    ['a number of a u32', { number: '0x100000000' }],
    ['a parent', { parentHash: '0x12' }],
    ['a digest', { digest: { logs: ['0xff'] } }],
  ])('are left when a header has not %s', async (_, wrong) => {
    const [a, b] = [await serve(), await serve()];
    b.push();
    const reader = await connect([a.url, b.url]);
    a.answers.chain_getHeader = () => ({ ...a.blocks[0]!.header, ...wrong });
    expect((await reader.head()).number).toBe(1);
    expect(reader.status().url).toBe(b.url);
  });

  it.each([['0xzz'], [''], [7], [{}]])('are left when the hash of a block is %j', async (hash) => {
    const [a, b] = [await serve(), await serve()];
    b.copy(a);
    const reader = await connect([a.url, b.url]);
    a.answers.chain_getBlockHash = () => hash;
    expect(`0x${toHex(await reader.blockHash(0))}`).toBe(b.blocks[0]!.hash);
    expect(reader.status().url).toBe(b.url);
  });

  it('are left when they do not answer in time, and the read is answered by the next', async () => {
    const [a, b] = [await serve(), await serve()];
    b.push();
    const reader = await connect([a.url, b.url], { requestTimeoutMs: 1000 });
    a.answers.chain_getHeader = () => undefined;
    expect((await reader.head()).number).toBe(1);
    expect(reader.status().url).toBe(b.url);
  });

  it('have time to catch up with what the last one had', async () => {
    const [a, b] = [await serve(), await serve()];
    const known = a.push();
    const reader = await connect([a.url, b.url]);
    await a.close();
    await until(reader, at(b));
    const answers: string[] = [];
    b.answers.chain_getHeader = ([hash]) => {
      const found = b.blocks.find((block) => block.hash === hash);
      answers.push(found ? 'found' : 'unknown');
      if (answers.length === 3) b.copy(a);
      return found?.header ?? null;
    };
    // of the state that a read needs this node has nothing: what counts is that the block was waited for
    await reader.weights(1 as never, 0 as never, Buffer.from(known.hash.slice(2), 'hex')).catch(() => {});
    expect(answers.slice(0, 4)).toEqual(['unknown', 'unknown', 'unknown', 'found']);
  });
});

describe('a runtime upgrade', () => {
  it('is noticed, and the new types are in force with the next use', async () => {
    const a = await serve();
    const reader = await connect([a.url]);
    a.push({ specVersion: 2 });
    await until(reader, (status) => status.specVersion === 2);
    expect((await reader.info()).specVersion).toBe(2);
    expect(lines.at(-1)).toMatchObject({ msg: 'chain runtime upgraded', from: 1, to: 2 });
  });

  it('during an outage is noticed with the next connection', async () => {
    const a = await serve();
    const reader = await connect([a.url]);
    a.drop();
    a.push({ specVersion: 2, quiet: true });
    await until(reader, (status) => status.specVersion === 2);
    expect((await reader.info()).specVersion).toBe(2);
  });

  it('keeps a bounded number of versions', async () => {
    const a = await serve();
    const reader = await connect([a.url], { runtimesKept: 2 });
    for (let spec = 2; spec <= 5; spec++) {
      a.push({ specVersion: spec });
      await until(reader, (status) => status.specVersion === spec);
    }
    expect(a.asked.get('state_getMetadata')).toBe(5);
    a.push({ specVersion: 4 }); // still kept
    await until(reader, (status) => status.specVersion === 4);
    expect(a.asked.get('state_getMetadata')).toBe(5);
    a.push({ specVersion: 2 }); // gone
    await until(reader, (status) => status.specVersion === 2);
    expect(a.asked.get('state_getMetadata')).toBe(6);
  });
});

describe('watching heads', () => {
  it('tells which blocks a fork took back', async () => {
    const a = await serve();
    const reader = await connect([a.url]);
    const seen: (readonly [number, readonly number[] | undefined])[] = [];
    const stop = new AbortController();
    let wake = () => {};
    const watching = reader.watchHeads((head, retracted) => {
      seen.push([head.number, retracted?.map(({ number }) => number)]);
      wake();
    }, stop.signal);
    const count = (least: number) =>
      new Promise<void>((resolve) => {
        wake = () => seen.length >= least && resolve();
        wake();
      });
    await count(1);
    for (let i = 0; i < 3; i++) a.push();
    await count(4);
    const [, , two, three] = a.blocks;
    a.rewind(1);
    a.push({ salt: 'fork', quiet: true });
    const tip = a.push({ salt: 'fork' });
    await count(5);
    stop.abort();
    await watching;
    expect(seen).toEqual([
      [0, undefined],
      [1, undefined],
      [2, undefined],
      [3, undefined],
      [3, [3, 2]],
    ]);
    expect([two!.hash, three!.hash]).not.toContain(tip.hash);
  });
});

describe('watching blocks', () => {
  async function collect(reader: Chain, from: number) {
    const seen: Head[] = [];
    const stop = new AbortController();
    let wake = () => {};
    const watching = reader.watchBlocks(
      from,
      (block) => {
        seen.push(block);
        wake();
      },
      stop.signal,
    );
    const upTo = (number: number) =>
      new Promise<void>((resolve) => {
        wake = () => seen.at(-1)?.number === number && resolve();
        wake();
      });
    return { seen, upTo, watching, stop };
  }

  it('tells of each final block once and in order, from any number, over an outage and another node', async () => {
    const [a, b] = [await serve(), await serve()];
    for (let i = 0; i < 9; i++) a.push();
    a.finalize(4);
    const reader = await connect([a.url, b.url], { blockHashesPerRequest: 2 });
    const { seen, upTo, watching, stop } = await collect(reader, 1);
    await upTo(4);
    b.copy(a);
    for (let i = 0; i < 9; i++) b.push();
    await a.close();
    b.finalize(13);
    await upTo(13);
    stop.abort();
    await watching;
    expect(seen.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(seen.map(({ hash }) => `0x${toHex(hash)}`)).toEqual(b.blocks.slice(1, 14).map(({ hash }) => hash));
  });

  it('waits for a consumer that is busy across an outage, and calls each block by its own number', async () => {
    const a = await serve();
    for (let i = 0; i < 8; i++) a.push();
    a.finalize(8);
    const reader = await connect([a.url]);
    const seen: string[] = [];
    const stop = new AbortController();
    let busy = 0;
    let release = () => {};
    let wake = () => {};
    const held = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const watching = reader.watchBlocks(
      1,
      async ({ number, hash }) => {
        expect(++busy).toBe(1);
        seen.push(`${number} ${a.blocks.findIndex((block) => block.hash === `0x${toHex(hash)}`)}`);
        if (number === 3) {
          wake();
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }
        busy--;
      },
      stop.signal,
    );
    await held;
    a.drop();
    await until(reader, (status) => status.state === 'away');
    await asked(a, 'chain_subscribeFinalizedHeads', 4); // the connection's own and this one, again
    await reader.head(); // answered after what the two were told at once
    release();
    while (seen.length < 8) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await watching;
    expect(seen).toEqual(['1 1', '2 2', '3 3', '4 4', '5 5', '6 6', '7 7', '8 8']);
  });

  it('returns after its consumer, and fails with one that fails after an outage', async () => {
    const a = await serve();
    for (let i = 0; i < 3; i++) a.push();
    a.finalize(3);
    const reader = await connect([a.url]);
    for (const failing of [false, true]) {
      const stop = new AbortController();
      let fulfil = () => {};
      let isDone = false;
      let wake = () => {};
      const held = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const watching = reader.watchBlocks(
        1,
        async () => {
          wake();
          await new Promise<void>((resolve) => {
            fulfil = resolve;
          });
          isDone = true;
          if (failing) throw unreachable('ws://elsewhere');
        },
        stop.signal,
      );
      await held;
      if (failing) {
        a.drop();
        await until(reader, (status) => status.state === 'away');
        await until(reader, at(a));
        fulfil();
        await expect(watching).rejects.toMatchObject({ data: { address: 'ws://elsewhere' } });
      } else {
        stop.abort();
        await new Promise((resolve) => setImmediate(resolve));
        let isOver = false;
        const over = watching.then(() => {
          isOver = true;
        });
        await new Promise((resolve) => setImmediate(resolve));
        expect(isOver).toBe(false);
        fulfil();
        await over;
        expect(isDone).toBe(true);
      }
    }
  });

  it.each([[['0xzz']], [7]])(
    'goes on at another node when this one answers %j for hashes',
    async (answer) => {
      const [a, b] = [await serve(), await serve()];
      for (let i = 0; i < 3; i++) a.push();
      b.copy(a);
      for (const node of [a, b]) node.finalize(2);
      const reader = await connect([a.url, b.url]);
      a.answers.chain_getBlockHash = ([at]) => {
        if (Array.isArray(at)) return answer;
        return a.blocks[at === undefined ? 3 : Number(at)]?.hash ?? null;
      };
      const { seen, upTo, watching, stop } = await collect(reader, 2);
      await upTo(2);
      stop.abort();
      await watching;
      expect(seen.map(({ hash }) => `0x${toHex(hash)}`)).toEqual([b.blocks[2]!.hash]);
      expect(reader.status().url).toBe(b.url);
    },
  );

  it('names the blocks that the node no longer keeps', async () => {
    const a = await serve();
    for (let i = 0; i < 9; i++) a.push();
    a.finalize(8);
    a.answers.chain_getBlockHash = ([numbers]) => {
      if (Array.isArray(numbers)) return numbers.map((n: number) => (n < 6 ? null : a.blocks[n]!.hash));
      return numbers === undefined ? a.blocks.at(-1)!.hash : (a.blocks[Number(numbers)]?.hash ?? null);
    };
    const reader = await connect([a.url]);
    const { watching } = await collect(reader, 2);
    await expect(watching).rejects.toMatchObject({ code: 'chain-unknown', data: { what: 'blocks 2 to 5' } });
  });

  it('waits for a slow consumer, and fails with one that fails', async () => {
    const a = await serve();
    for (let i = 0; i < 5; i++) a.push();
    a.finalize(4);
    const reader = await connect([a.url]);
    const begun: number[] = [];
    let busy = 0;
    const watching = reader.watchBlocks(
      0,
      async ({ number }) => {
        begun.push(number);
        expect(++busy).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        busy--;
        if (number === 3) throw new Error('full');
      },
      new AbortController().signal,
    );
    await expect(watching).rejects.toThrow('full');
    expect(begun).toEqual([0, 1, 2, 3]);
  });
});

describe('bad endpoints', () => {
  const limits = { ...QUICK, connectTimeoutMs: 2_000 };
  const fails = (url: string, genesis?: string) => expect(connect([url], limits, genesis)).rejects;

  it('HTTP address', async () => {
    await fails('http://127.0.0.1:9944').toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('an HTTP address cannot be subscribed to'),
    });
  });

  it.each([200, 400, 404, 426])('server that answers a WebSocket request with HTTP %i', async (status) => {
    const { url, close } = await serveHttp(status);
    await fails(url).toMatchObject({
      code: 'refused',
      message: expect.stringContaining(`answers with HTTP status ${status}`),
    });
    await close();
  });

  it('server that speaks another protocol', async () => {
    const server = createTcpServer((socket) => socket.resume().end('SSH-2.0-OpenSSH_9.6\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await fails(`ws://127.0.0.1:${port}`).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('no WebSocket is served there'),
    });
    await new Promise((resolve) => server.close(resolve));
  });

  it('TLS asked of a server that has none', async () => {
    const a = await serve();
    await fails(a.url.replace('ws:', 'wss:')).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('TLS'),
    });
  });

  it('a name that does not resolve', async () => {
    await fails('ws://no-such-host.invalid:9944').toMatchObject({ code: 'unreachable' });
  });

  it('a node of another chain than the network has', async () => {
    const a = await serve();
    const expected = `0x${'11'.repeat(32)}`;
    await fails(a.url, expected).toMatchObject({
      code: 'refused',
      data: { reason: expect.stringContaining(`has genesis ${a.blocks[0]!.hash}, expected ${expected}`) },
    });
  });

  it('a genesis hash that is none', async () => {
    await fails('ws://127.0.0.1:1', '0x12').toMatchObject({ code: 'invalid-input' });
  });

  it.each([
    ['truncated metadata', 'state_getMetadata', (hex: string) => hex.slice(0, hex.length / 2)],
    ['no metadata', 'state_getMetadata', () => 7],
    ['no runtime version', 'state_getRuntimeVersion', () => null],
    ['no block hash', 'chain_getBlockHash', () => '0x12'],
  ])('a node with %s', async (_, method, answer) => {
    const a = await serve();
    const whole = a.metadata;
    a.answers[method] = () => answer(whole);
    await fails(a.url).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('is no node that this client understands'),
    });
  });
});

describe('a socket', () => {
  it('settles a subscription at once that is answered with no id', async () => {
    const a = await serve();
    a.answers.chain_subscribeNewHeads = () => null;
    const limits = { requestTimeoutMs: 60_000, responseBytes: 1_000_000 };
    const socket = await openSocket({ clock: systemClock, limits }, a.url);
    await expect(socket.subscribe(NEW_HEADS, [], () => {})).rejects.toMatchObject({ code: 'invalid-input' });
  });
});

describe('closing', () => {
  it('ends a write whose block is being read', async () => {
    const a = await serve();
    await readyKeys();
    const writer = await connect([a.url]);
    a.answers.author_submitAndWatchExtrinsic = () => {
      setImmediate(() =>
        a.shout(
          JSON.stringify({
            jsonrpc: '2.0',
            method: 'author_extrinsicUpdate',
            params: { subscription: 'w1', result: { inBlock: a.blocks[0]!.hash } },
          }),
        ),
      );
      return 'w1';
    };
    a.answers.chain_getBlock = () => undefined;
    const write = (writer as Awaited<ReturnType<typeof connectSubtensor>>).submit(
      devKeypair('from'),
      transfer(devKeypair('to').address, 1n),
      { check: false },
    );
    const failing = expect(write).rejects.toMatchObject({ code: 'unreachable' });
    await asked(a, 'chain_getBlock', 1);
    await writer.close();
    await failing; // a read would be tried again for a minute
  });
});

/** Once the method was asked so often. */
async function asked(node: ScriptedNode, method: string, times: number): Promise<void> {
  while ((node.asked.get(method) ?? 0) < times) await new Promise((resolve) => setImmediate(resolve));
}

async function serveHttp(status: number): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer((_request, response) => {
    response.statusCode = status;
    response.end('hello');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
