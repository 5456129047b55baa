// A vantage and whoever asks it, over sockets of this machine.
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import type { Head } from '../../../src/chain/chain.js';
import { clockCheck, skewOf, watchBlockTimes } from '../../../src/cli/doctor/clock.js';
import { axonPortCheck } from '../../../src/cli/doctor/ports.js';
import { askVantage, reachChecks, type Seen } from '../../../src/cli/doctor/reach.js';
import { serveVantage } from '../../../src/cli/doctor/vantage.js';
import { createHandClock } from '../../support/hand-clock.js';

const AT = 1_700_000_000_000;
const HERE = '127.0.0.1';
let stop = new AbortController();
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  stop.abort();
  await Promise.all(closing.splice(0).map((close) => close()));
  stop = new AbortController();
});

async function vantage(now = AT, host = HERE) {
  const clock = { ...createHandClock(), now: () => now, monotonic: () => 0 };
  const { port, closed } = await serveVantage({ clock }, { host, port: 0 }, stop.signal);
  closing.push(() => closed);
  return `${HERE}:${port}`;
}

/** A port that nobody has. */
async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, HERE, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const ask = (from: string, ports: readonly number[], now: () => number = () => AT) =>
  askVantage({ from, ports, now }, stop.signal);

/** Of a question by hand; `own` is the header that whoever asks for itself sends. */
const statusFrom = (
  from: string,
  path: string,
  {
    method = 'GET',
    own = 'assay-vantage/1',
    more = {},
  }: { method?: string; own?: string; more?: Readonly<Record<string, string>> } = {},
): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const headers = { ...(own === '' ? {} : { 'sec-assay-vantage': own }), ...more };
    request(`http://${from}${path}`, { method, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });

describe('a vantage', () => {
  test('says which ports of whoever asks take a connection, and whence the question came', async () => {
    const miner = createTcpServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => miner.listen(0, HERE, resolve));
    closing.push(() => new Promise((resolve) => miner.close(resolve)));
    const { port } = miner.address() as AddressInfo;
    const unused = await freePort();
    expect(await ask(await vantage(), [port, unused])).toEqual({
      format: 'assay-vantage/1',
      seen: HERE,
      at: AT,
      ports: [
        { port, answered: true },
        { port: unused, answered: true },
      ],
      // where nobody did, so that a port is known before there is a miner
      listenedOurselves: [unused],
      forbidden: [],
      skew: { leastMs: 0, mostMs: 0 },
    });
    // and nothing is left that listens there
    const again = createTcpServer();
    await new Promise<void>((resolve) => again.listen(unused, HERE, resolve));
    await new Promise((resolve) => again.close(resolve));
  });

  test('dials the address that asked alone, takes a few ports, and not for ever', async () => {
    const from = await vantage();
    const statusOf = (path: string, method = 'GET') => statusFrom(from, path, { method });
    for (const path of [
      '/',
      '/reach?ports=',
      '/reach?ports=0',
      '/reach?ports=70000',
      '/reach?ports=1&host=203.0.113.9',
      '/reach?ports=1,2,3,4,5,6,7,8,9',
    ])
      expect([path, await statusOf(path)]).toEqual([path, 400]);
    expect(await statusOf('/reach?ports=1', 'POST')).toBe(400);
    const unused = await freePort();
    const asked = [];
    for (let i = 0; i < 5; i++) asked.push(await statusOf(`/reach?ports=${unused}`));
    expect(asked).toEqual([200, 200, 200, 429, 429]);
    await expect(ask(from, [unused])).rejects.toThrow('it was asked too often: try again in some seconds');
  });

  test('is not asked through a proxy or a browser, nor from its own host: none of their ports are the asker’s', async () => {
    const from = await vantage();
    for (const name of ['x-forwarded-for', 'via', 'origin', 'sec-fetch-site'])
      expect([name, await statusFrom(from, '/reach?ports=1', { more: { [name]: 'any' } })]).toEqual([
        name,
        400,
      ]);
    // a page whose name was pointed here, a preview of a link: they send what is an address and no more
    for (const own of ['', 'assay-vantage/2'])
      expect([own, await statusFrom(from, '/reach?ports=1', { own })]).toEqual([own, 400]);
    // a proxy on the host of the vantage may leave such headers out
    const outward = await vantage(AT, '0.0.0.0');
    await expect(ask(outward, [1])).rejects.toThrow('it refused the question: ask it directly');
    // and so may one that reaches it by an address of its network
    const own = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    if (own === undefined) console.log('skipped in part: this machine has no address but loopback');
    else
      await expect(ask(outward.replace(HERE, own), [1])).rejects.toThrow(
        'it refused the question: ask it directly',
      );
  });

  test.each([
    ['somewhere', '--from: expected host:port of assay miner vantage, got somewhere'],
    ['host:0', /expected host:port/],
    ['[::zz]:80', /expected host:port/],
    ['http://host:80/', /expected host:port/],
  ])('that is named %s is no address', async (from, message) => {
    await expect(ask(from, [1])).rejects.toThrow(message);
  });

  test('that is none, is away, or talks without end is said to be', async () => {
    const fake = async (body: string): Promise<string> => {
      const server: Server = createServer((_, response) => response.end(body));
      await new Promise<void>((resolve) => server.listen(0, HERE, resolve));
      closing.push(async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      });
      return `${HERE}:${(server.address() as AddressInfo).port}`;
    };
    await expect(ask(await fake('<html>'), [1])).rejects.toThrow(
      'expected an answer of assay miner vantage, got status 200',
    );
    await expect(ask(await fake('{"format":"assay-vantage/2"}'), [1])).rejects.toThrow('expected an answer');
    await expect(ask(await fake('x'.repeat(10_000)), [1])).rejects.toThrow('its answer is too long');
    const said = (changes: object) =>
      fake(
        JSON.stringify({
          format: 'assay-vantage/1',
          seen: HERE,
          at: AT,
          ports: [{ port: 1, answered: true }],
          ...changes,
        }),
      );
    await expect(ask(await said({}), [1])).resolves.toMatchObject({ seen: HERE });
    // words of a stranger, for a terminal
    await expect(ask(await said({ seen: '\x1b[2J203.0.113.5' }), [1])).rejects.toThrow('expected an answer');
    await expect(ask(await said({}), [1, 2])).rejects.toThrow('got one about other ports');
    await expect(ask(`${HERE}:${await freePort()}`, [1])).rejects.toMatchObject({ code: 'unreachable' });
  });
});

const seen = (changes: Partial<Seen> = {}): Seen => ({
  format: 'assay-vantage/1',
  seen: '203.0.113.5',
  at: AT,
  ports: [{ port: 8091, answered: true }],
  listenedOurselves: [],
  forbidden: [],
  skew: { leastMs: -40, mostMs: 60 },
  ...changes,
});
const from = 'vantage:8099';

describe('what follows from it', () => {
  test('is that a port is open, or how to open it', () => {
    const axon = { ip: '203.0.113.5', port: 8091 };
    expect(reachChecks(seen(), { from, axon }).map(({ state, said }) => `${state}: ${said}`)).toEqual([
      'ok: took a connection of vantage:8099 to 203.0.113.5 (somebody listens there already)',
      'ok: 203.0.113.5, as vantage:8099 sees it and as the chain names it',
      'ok: no difference to vantage:8099 beyond the 100 ms of the question',
    ]);
    const [closed] = reachChecks(
      seen({ ports: [{ port: 8091, answered: false }], listenedOurselves: [8091] }),
      { from, axon },
    );
    expect(closed).toEqual({
      about: 'port 8091',
      state: 'failed',
      said: 'vantage:8099 could not connect to 203.0.113.5 (we listened there, as nobody did)',
      fix: "open TCP 8091 in this host's firewall and its provider's; behind a router, lead it to this host",
    });
  });

  test('is nothing of a port at which nobody listens and this user may not', () => {
    const changes = { ports: [{ port: 80, answered: false }], forbidden: [80] };
    const [port] = reachChecks(seen(changes), { from, axon: undefined });
    expect(port).toEqual({
      about: 'port 80',
      state: 'unknown',
      said: 'vantage:8099 could not connect to 203.0.113.5, and we may not listen there meanwhile',
      fix: 'start the miner and ask again, or ask as a user who may listen on port 80',
    });
  });

  test('is that connections leave from another address than the chain names', () => {
    const [, address] = reachChecks(seen(), { from, axon: { ip: '198.51.100.9', port: 8091 } });
    expect(address).toMatchObject({ state: 'warning', said: expect.stringContaining('198.51.100.9') });
    const [, none] = reachChecks(seen(), { from, axon: undefined });
    expect(none).toMatchObject({ state: 'ok', said: expect.stringContaining('--announce-ip') });
  });

  test.each([
    [{ leastMs: 1500, mostMs: 1600 }, 'ok'],
    [{ leastMs: 5000, mostMs: 5100 }, 'warning'],
    [{ leastMs: -40_100, mostMs: -40_000 }, 'failed'],
  ])('is how far the clocks are apart for certain: %o', (skew, state) => {
    expect(reachChecks(seen({ skew }), { from, axon: undefined }).at(-1)).toMatchObject({
      about: 'clock',
      state,
    });
  });
});

describe('the port of an axon, as it is seen from its own host', () => {
  const eth0 = { name: 'eth0', addresses: ['203.0.113.5'], mtu: 1500, megabitsPerS: undefined };
  const host = { network: [eth0], facts: { at: 0, openPorts: [8091] } };

  test.each([
    [{ ip: '203.0.113.5', port: 8091 }, true, 'ok', /no firewall lay between/],
    [{ ip: '198.51.100.9', port: 8091 }, true, 'ok', /through the router and back/],
    [{ ip: '203.0.113.5', port: 9 }, false, 'failed', /nothing listens/],
    [{ ip: '198.51.100.9', port: 8091 }, false, 'unknown', /many routers/],
    [{ ip: '198.51.100.9', port: 9 }, false, 'warning', /nothing listens on port 9/],
  ])('%o, answering: %s', (axon, answers, state, said) => {
    expect(axonPortCheck(axon, host, answers)).toMatchObject({ state, said: expect.stringMatching(said) });
  });
});

describe('a clock by the blocks of a chain', () => {
  const LIVE = { type: 'live', name: 'A chain' } as const;
  const skew = (...lateMs: readonly number[]) =>
    skewOf(
      lateMs.map((late) => ({ timestampMs: AT, seenMs: AT + late })),
      12_000,
    );

  test('is bounded from both sides by the block that came soonest', () => {
    expect(skew(3000, 1500, 9000)).toEqual({ leastMs: -14_500, mostMs: 1500 });
    expect(skew()).toBeUndefined();
  });

  test.each([
    [skew(1500), 'ok', /^within 14\.5 s of the blocks of A chain/],
    [skew(-1000), 'ok', /^within 17 s/],
    [skew(-3000), 'warning', /^at least 3 s behind/],
    [skew(-20_000), 'failed', /^at least 20 s behind/],
    [skew(20_000), 'warning', /^at least 4 s ahead of/],
    [skew(60_000), 'failed', /^at least 44 s ahead of/],
    [undefined, 'unknown', /^no block of A chain/],
  ])('%o', (found, state, said) => {
    const check = clockCheck(found, LIVE);
    expect(check).toMatchObject({ state, said: expect.stringMatching(said) });
    // every line that is not well says what to do
    expect(check.fix === undefined).toBe(state === 'ok');
  });

  test('of whoever tries things out is nobody’s fault', () => {
    expect(clockCheck(skew(60_000), { type: 'local', name: 'A localnet' })).toMatchObject({
      state: 'unknown',
    });
  });

  test('leaves out the block that was there before it looked, and ends by itself where none comes', async () => {
    const head = (number: number): Head => ({ number, hash: Uint8Array.of(number) });
    let now = AT;
    const chain = (heads: readonly Head[]) => ({
      watchHeads: async (onHead: (head: Head) => void, signal: AbortSignal) => {
        for (const each of heads) {
          now += 1000;
          onHead(each);
        }
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      beacon: async (hash?: Uint8Array) => ({ blockTimestampMs: AT + 500 * hash![0]! }) as never, // all that is read of it
    });
    const of = { now: () => now, most: 2, withinMs: 20 };
    expect(await watchBlockTimes(chain([head(1), head(2), head(3)]), of, stop.signal)).toEqual([
      { timestampMs: AT + 1000, seenMs: AT + 2000 },
      { timestampMs: AT + 1500, seenMs: AT + 3000 },
    ]);
    expect(await watchBlockTimes(chain([head(1)]), of, stop.signal)).toEqual([]);
  });
});
