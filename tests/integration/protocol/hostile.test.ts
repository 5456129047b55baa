// Peers that speak no gRPC, half of it, or nothing: bounded by limits. Time-outs here run on real timers and are made short;
// nothing is asserted about how long anything took.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import { promisify } from 'node:util';
import { Client, credentials } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Keypair, readyKeys } from '../../../src/keys/keypair.js';
import { systemClock } from '../../../src/model/clock.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { systemRandom } from '../../../src/model/prng.js';
import { serveAdmin } from '../../../src/protocol/admin.js';
import { encodeSigned } from '../../../src/protocol/codec.js';
import { dial } from '../../../src/protocol/dial.js';
import type { Signed } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { createGrpcWire } from '../../../src/protocol/grpc/wire.js';
import type { Limits } from '../../../src/protocol/limits.js';
import { serve } from '../../../src/protocol/serve.js';
import type { ProofSession, ServeHandlers } from '../../../src/protocol/session.js';
import { soon } from '../../support/soon.js';
import { cast, envelope, frameBytes } from '../../unit/protocol/builders.js';

beforeAll(readyKeys);

const cleanups: (() => Promise<unknown> | unknown)[] = [];
const unhandled: unknown[] = [];
const note = (error: unknown) => unhandled.push(error);
process.on('unhandledRejection', note);
process.on('uncaughtException', note);
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  expect(unhandled).toEqual([]);
});

async function start(
  limits: Partial<Limits> = {},
  handlers: Partial<ServeHandlers> = {},
  admitted: readonly (keyof ReturnType<typeof cast>)[] = ['validator', 'stranger'],
) {
  const abort = new AbortController();
  const served = await serve(
    {
      wire: createGrpcWire({ clock: systemClock, limits }),
      keypair: cast().miner,
      clock: systemClock,
      log: silentLog,
      random: systemRandom,
      admit: (hotkey) => admitted.some((name) => cast()[name].address === hotkey),
      handlers: {
        describe: async () => ({ version: '1' }),
        prove: async (session) => {
          while (await session.receive());
        },
        ...handlers,
      },
    },
    { host: '127.0.0.1', port: 0, netuid: 7, limits },
    abort.signal,
  );
  const close = () => {
    abort.abort();
    return served.closed;
  };
  cleanups.push(close);
  return { served, close };
}

function peerOf(
  address: { host: string; port: number },
  limits: Partial<Limits> = {},
  keypair = cast().validator,
) {
  const peer = dial(
    {
      wire: createGrpcWire({ clock: systemClock, limits }),
      keypair,
      clock: systemClock,
      log: silentLog,
      random: systemRandom,
    },
    { address, hotkey: toHotkey(cast().miner.address), netuid: 7, limits },
  );
  cleanups.push(() => peer.close());
  return peer;
}

/** @param localAddress any of 127.0.0.0/8, each of which counts as an address of its own */
function tcp(address: { host: string; port: number }, localAddress = '127.0.0.1'): Socket {
  const socket = connectTcp({ port: address.port, host: address.host, localAddress });
  socket.on('error', () => {});
  socket.resume();
  cleanups.push(() => socket.destroy());
  return socket;
}

function h2(address: { host: string; port: number }, localAddress = '127.0.0.1'): http2.ClientHttp2Session {
  const session = http2.connect(`http://${address.host}:${address.port}`, {
    createConnection: () =>
      connectTcp({ port: address.port, host: address.host, localAddress, noDelay: true }),
  });
  session.on('error', () => {});
  cleanups.push(() => session.destroy());
  return session;
}

/** Gone, by a reset or in order: `once` of node:events would reject at the first error. */
const closed = (connection: { once(event: 'close', listener: () => void): unknown }): Promise<void> =>
  new Promise((resolve) => void connection.once('close', () => resolve()));

const headers = (method: string) => ({
  ':method': 'POST',
  ':path': `/assay.v1.MinerService/${method}`,
  'content-type': 'application/grpc',
  te: 'trailers',
});

/** A message as gRPC frames it: not compressed, and its length. */
function framed(message: Signed): Buffer {
  const bytes = encodeSigned(message);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => expect.fail('resolved'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AssayError);
  return (error as AssayError).code;
}

describe('the public port', () => {
  test('drops a connection that says nothing', async () => {
    const { served } = await start({ keepaliveMs: 30, keepaliveTimeoutMs: 1000 }); // the peer below has to answer in time
    await closed(tcp(served));
    await peerOf(served).describe();
  });

  test('drops a connection that speaks something else', async () => {
    const { served } = await start();
    const socket = tcp(served);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await closed(socket);
    await peerOf(served).describe();
  });

  test('ends a call that brings no message, and a stream that brings no frame', async () => {
    const { served } = await start({ firstFrameMs: 30 });
    const session = h2(served);
    for (const method of ['Describe', 'Prove']) {
      const stream = session.request(headers(method));
      stream.on('error', () => {});
      const [trailers] = (await once(stream, 'response')) as [Record<string, string>];
      const status =
        trailers['grpc-status'] ??
        ((await once(stream, 'trailers')) as [Record<string, string>])[0]['grpc-status'];
      expect([method, Number(status)]).toEqual([method, 4]);
    }
  });

  test('ends half a message', async () => {
    const { served } = await start({ firstFrameMs: 30 });
    const stream = h2(served).request(headers('Describe'));
    stream.write(Buffer.from([0, 0, 0, 1, 0, 1, 2, 3]));
    const [response] = (await once(stream, 'response')) as [Record<string, string>];
    expect(Number(response['grpc-status'])).toBe(4);
  });

  test('does not wait for ever for a peer that does not read', async () => {
    const limits = { streamIdleMs: 500 }; // its first frame has to come in time
    let handlerEnded: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      handlerEnded = resolve;
    });
    const { served } = await start(limits, {
      async prove(session) {
        try {
          await session.receive();
          const data = new Uint8Array(256 * 1024);
          for (let piece = 0; ; piece++)
            await session.send({ case: 'opening', value: { piece, last: false, data } });
        } finally {
          handlerEnded();
        }
      },
    });
    const session = h2(served);
    const stream = session.request(headers('Prove'));
    stream.on('error', () => {});
    stream.pause();
    const { validator, miner } = cast();
    const message = framed(
      envelope({
        from: validator,
        to: miner,
        header: { method: 'prove', sentAt: Date.now() },
        body: frameBytes({ case: 'arm', value: {} }),
      }),
    );
    stream.write(message);
    await ended;
    await closed(session); // grpc-js cannot reset one stream, so the connection went
    await peerOf(served).describe();
  });

  test('survives resets, broken connections and rubbish, and answers the next', async () => {
    const { served } = await start();
    const session = h2(served);
    for (let i = 0; i < 20; i++) {
      const stream = session.request(headers(i % 2 ? 'Prove' : 'Describe'));
      stream.on('error', () => {});
      stream.write(Buffer.from([0, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff]));
      if (i % 3 === 0) stream.close(http2.constants.NGHTTP2_CANCEL);
      else stream.end();
    }
    const peer = peerOf(served);
    await peer.describe();
    session.destroy();
    const rubbish = tcp(served);
    rubbish.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    rubbish.end(Buffer.alloc(4096, 0xff));
    await closed(rubbish);
    await peer.describe();
  });

  test('binds the address it was given, and only that', async () => {
    const abort = new AbortController();
    const { miner } = cast();
    const served = await serve(
      {
        wire: createGrpcWire({ clock: systemClock }),
        keypair: miner,
        clock: systemClock,
        log: silentLog,
        random: systemRandom,
        admit: () => true,
        handlers: { describe: async () => ({}), prove: async () => {} },
      },
      { host: '127.17.0.1', port: 0, netuid: 7 },
      abort.signal,
    );
    await peerOf({ host: '127.17.0.1', port: served.port }).describe();
    expect(await codeOf(peerOf({ host: '127.18.0.1', port: served.port }).describe())).toBe('unreachable');
    abort.abort();
    await served.closed;
  });
});

describe('strangers', () => {
  const arm = { case: 'arm' as const, value: {} };
  /** What an admitted validator does in an event, over a connection of its own. */
  async function event(address: { host: string; port: number }, sessions = 1) {
    const peer = peerOf(address);
    await Promise.all(
      Array.from({ length: sessions }, async () => {
        const session = peer.prove();
        await session.send(arm);
        expect((await session.receive())?.frame.body.case).toBe('ready');
        session.end();
        expect(await session.receive()).toBeUndefined();
      }),
    );
    expect((await peer.describe()).version).toBe('1');
    return peer;
  }
  const answering: Partial<ServeHandlers> = {
    async prove(session) {
      while (await session.receive()) await session.send({ case: 'ready', value: {} });
    },
  };
  const addresses = (count: number) => Array.from({ length: count }, (_, n) => `127.0.1.${n + 1}`);
  const open = (socket: Socket | http2.ClientHttp2Session) => !socket.destroyed;

  /** Streams without a message, until the server has seen the last of them. */
  async function stall(session: http2.ClientHttp2Session, count: number): Promise<void> {
    if (session.destroyed) return;
    for (let i = 0; i < count; i++) session.request(headers('Prove')).on('error', () => {});
    await new Promise<void>((resolve) => {
      session.once('close', resolve);
      session.ping(() => resolve()); // answered in order; an error means that the session is gone
    });
  }

  test('from two addresses hold all streams they can: a validator gets Describe, and a session for each slot', async () => {
    const { served } = await start({}, answering);
    const before = await event(served);
    const flood = addresses(2).flatMap((from) => Array.from({ length: 6 }, () => h2(served, from)));
    await Promise.all(flood.map((session) => stall(session, 80)));
    await event(served, 64); // a connection that the server has not seen
    await before.describe();
    // one stream more than an address has, on one connection, and the connection goes
    await Promise.all(flood.map((session) => stall(session, 512)));
    await soon(() => expect(flood.filter(open).length).toBe(0));
    await event(served, 64);
  });

  test('from eight addresses go on opening streams: a validator still gets each of its events', async () => {
    const { served } = await start({}, answering);
    // in a process of its own, or it would fight for our event loop and not for our places; it ends by itself if we do not
    const script = `
      const headers = ${JSON.stringify(headers('Prove'))}, until = Date.now() + 60_000;
      const flood = async (localAddress) => {
        const held = [];
        while (Date.now() < until) {
          const session = http2.connect('http://${served.host}:${served.port}', {
            createConnection: () => net.connect({ host: '${served.host}', port: ${served.port}, localAddress }),
          });
          session.on('error', () => {});
          await new Promise((resolve) => {
            session.once('close', resolve);
            for (let i = 0; i < 80; i++) session.request(headers).on('error', () => {});
            session.ping(() => resolve());
          });
          held.push(session);
          if (held.length > 4) held.shift().destroy();
          console.log('again');
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      for (const address of ${JSON.stringify(addresses(8))}) flood(address);
    `;
    const flood = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    cleanups.push(() => flood.kill('SIGKILL'));
    setPriority(flood.pid!, 19); // nor for the time of a machine that has none to spare
    let rounds = 0;
    flood.stdout.on('data', (lines: Buffer) => {
      rounds += lines.toString().split('again').length - 1;
    });
    await soon(() => expect(rounds).toBeGreaterThan(8));
    for (let i = 0; i < 5; i++) {
      const before = rounds;
      (await event(served)).close();
      await soon(() => expect(rounds).toBeGreaterThan(before)); // it still goes on
    }
  });

  test('from eight addresses hold all connections they can: a validator still gets its event', async () => {
    const { served } = await start({}, answering);
    const before = await event(served);
    const flood = addresses(8).flatMap((from) => Array.from({ length: 40 }, () => tcp(served, from)));
    await Promise.all(flood.map((socket) => once(socket, 'connect')));
    await soon(() => expect(flood.filter(open).length).toBe(256));
    await event(served, 64);
    await before.describe();
    expect(flood.filter(open).length).toBeGreaterThan(250);
  });

  test('lose their connection when nobody admits them in time, whatever they say; a validator keeps its own', async () => {
    const { served } = await start({ strangerMs: 1500 }, answering); // the peer has to be admitted in time
    const peer = peerOf(served);
    await peer.describe();
    const session = peer.prove();
    await session.send(arm);
    await session.receive();
    const [silent, polite] = [tcp(served), h2(served)];
    polite.request(headers('Prove')).on('error', () => {});
    const talking = setInterval(() => polite.destroyed || polite.ping(() => {}), 5);
    cleanups.push(() => clearInterval(talking));
    await Promise.all([closed(silent), closed(polite)]);
    await session.send(arm); // no second connection would know this session
    expect((await session.receive())?.frame.body.case).toBe('ready');
    session.cancel();
  });

  test('take so many connections from one address; the newcomer is let in, and the oldest goes', async () => {
    const { served } = await start({ strangerConnectionsPerAddress: 2 });
    const kept = [tcp(served), tcp(served)];
    await Promise.all(kept.map((socket) => once(socket, 'data')));
    const other = tcp(served, '127.0.1.1');
    await once(other, 'data');
    const third = tcp(served);
    await Promise.all([closed(kept[0]!), once(third, 'data')]);
    const gone = closed(kept[1]!);
    await peerOf(served).describe();
    await gone;
    expect([third, other].map(open)).toEqual([true, true]);
  });

  test('take so many streams from one address; the newest stays, and the oldest is told', async () => {
    const { served } = await start({ strangerStreamsPerAddress: 2 });
    const sessions = [h2(served), h2(served), h2(served)];
    const streams: http2.ClientHttp2Stream[] = [];
    for (const session of sessions) {
      const stream = session.request(headers('Prove'));
      stream.on('error', () => {});
      streams.push(stream);
      if (streams.length < 3) await new Promise<void>((resolve) => session.ping(() => resolve()));
    }
    const [response] = (await once(streams[0]!, 'response')) as [Record<string, string>];
    expect([response['grpc-status'], response['assay-reason']]).toEqual(['8', 'stranger-streams']);
    await peerOf(served).describe();
  });

  test('over the rate of their address lose the connection, calls and connections; a peer’s calls do not count', async () => {
    const { served } = await start(
      { strangerConnectionsPerSecondPerAddress: 1, strangerCallsPerSecondPerAddress: 1 },
      answering,
    );
    const from = '127.0.1.1';
    const session = h2(served, from);
    await stall(session, 5); // a burst is five seconds of the rate
    expect(open(session)).toBe(true);
    await stall(session, 5);
    await soon(() => expect(open(session)).toBe(false));
    const more = Array.from({ length: 8 }, () => tcp(served, from));
    await soon(() => expect(more.filter(open).length).toBeLessThan(6));
    const peer = await event(served);
    for (let i = 0; i < 20; i++) await peer.describe();
  });

  test('that bring more bytes than their address may lose the connection, pings and window updates too; a peer’s bytes do not count', async () => {
    const { served } = await start({ strangerBytesPerSecondPerAddress: 4096 }, answering);
    const flood = tcp(served, '127.0.1.1');
    const gone = closed(flood);
    const ping = Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    flood.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    flood.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    flood.write(Buffer.concat(Array.from({ length: (4096 * 6) / 17 }, () => ping)));
    const quiet = tcp(served, '127.0.1.2');
    await gone;
    expect(open(quiet)).toBe(true);
    const peer = await event(served, 64); // 64 first frames are more than that
    for (let i = 0; i < 20; i++) await peer.describe();
  });

  test('without a permit stay strangers, however well they sign', async () => {
    const { validator, miner, stranger } = cast();
    const { served } = await start({ strangerConnectionsPerAddress: 1 }, {}, ['validator']);
    /** A connection that has described, and its answer's status. */
    const describing = async (from: Keypair) => {
      const session = h2(served);
      const stream = session.request(headers('Describe'));
      stream.end(framed(envelope({ from, to: miner, header: { sentAt: Date.now() } })));
      stream.resume();
      const [response] = (await once(stream, 'response')) as [Record<string, string>];
      return { session, status: response['grpc-status'] ?? 'answered' };
    };
    const unpermitted = await describing(stranger);
    const gone = closed(unpermitted.session);
    const permitted = await describing(validator);
    expect([unpermitted.status, permitted.status]).toEqual(['7', 'answered']);
    await gone; // the newcomer took its place, and the next take nobody's but each other's
    for (let i = 0; i < 3; i++) await once(tcp(served), 'data');
    expect(open(permitted.session)).toBe(true);
  });
});

test('a hotkey has so many connections; for one more its oldest goes', async () => {
  const { served } = await start({ connectionsPerPeer: 2 });
  const peers = [peerOf(served), peerOf(served), peerOf(served)] as const;
  const sessions: ProofSession[] = [];
  const ends: Promise<string>[] = [];
  for (const peer of peers) {
    const session = peer.prove();
    sessions.push(session);
    await session.send({ case: 'arm', value: {} });
    await peer.describe();
    ends.push(codeOf(session.receive()));
  }
  expect(await ends[0]).toBe('unreachable');
  for (const session of sessions.slice(1)) {
    await session.send({ case: 'arm', value: {} }); // these go on
    session.cancel();
  }
  expect(await Promise.all(ends)).toEqual(['unreachable', 'refused', 'refused']);
});

test('streams of admitted peers have a bound of their own, and are free again when they end', async () => {
  const { served } = await start({ streams: 3 });
  const peer = peerOf(served);
  await peer.describe();
  const held = Array.from({ length: 3 }, () => peer.prove());
  for (const session of held) await session.send({ case: 'arm', value: {} });
  await soon(async () => expect(await codeOf(peer.describe())).toBe('limit-exceeded'));
  for (const session of held) session.cancel();
  await soon(() => peer.describe());
});

describe('a caller', () => {
  test('of an address that accepts and says nothing gives up, calls and sessions', async () => {
    const silent = createServer((socket) => {
      socket.on('error', () => {});
      cleanups.push(() => socket.destroy());
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    cleanups.push(() => silent.close());
    const { port } = silent.address() as { port: number };
    const peer = peerOf({ host: '127.0.0.1', port }, { describeDeadlineMs: 50, connectMs: 50 });
    expect(await codeOf(peer.describe())).toBe('timeout');
    const session = peer.prove();
    const sending = codeOf(session.send({ case: 'arm', value: {} })); // grpc-js alone would call it sent
    expect(await codeOf(session.receive())).toBe('timeout');
    expect(await sending).toBe('timeout');
  });

  test('of something that is no gRPC gets a typed error', async () => {
    const web = createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\nEVIL');
    }).listen(0, '127.0.0.1');
    await once(web, 'listening');
    cleanups.push(() => web.close());
    const { port } = web.address() as { port: number };
    const error = await peerOf({ host: '127.0.0.1', port }, { describeDeadlineMs: 2000 })
      .describe()
      .catch((reason: AssayError) => reason);
    expect(error).toBeInstanceOf(AssayError);
    expect(JSON.stringify([(error as AssayError).message, (error as AssayError).data])).not.toContain('EVIL');
  });

  test('reaches a server again that came back', async () => {
    const { served, close } = await start();
    const peer = peerOf(served, { reconnectMs: 50 });
    await peer.describe();
    await close();
    expect(await codeOf(peer.describe())).toBe('unreachable');
    const abort = new AbortController();
    const again = await serve(
      {
        wire: createGrpcWire({ clock: systemClock }),
        keypair: cast().miner,
        clock: systemClock,
        log: silentLog,
        random: systemRandom,
        admit: () => true,
        handlers: { describe: async () => ({ version: '2' }), prove: async () => {} },
      },
      { host: served.host, port: served.port, netuid: 7 },
      abort.signal,
    );
    await soon(async () => expect((await peer.describe()).version).toBe('2'));
    abort.abort();
    await again.closed;
  });
});

describe('the admin address', () => {
  const check = (client: Client, service = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = healthService.Check!;
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize as (b: Buffer) => { status: string },
        { service },
        (error, answer) => (error ? reject(error) : resolve(answer!.status)),
      );
    });

  test('answers health, says when it does not serve, and ends', async () => {
    const abort = new AbortController();
    const admin = await serveAdmin({ port: 0 }, abort.signal);
    expect(admin.host).toBe('127.0.0.1');
    const client = new Client(`${admin.host}:${admin.port}`, credentials.createInsecure());
    cleanups.push(() => client.close());
    expect(await check(client)).toBe('SERVING');
    expect(await check(client, 'assay.v1.MinerService')).toBe('SERVING');
    admin.setServing(false);
    expect(await check(client)).toBe('NOT_SERVING');
    await expect(check(client, 'nobody')).rejects.toMatchObject({ code: 5 });
    abort.abort();
    await admin.closed;
    await expect(check(client)).rejects.toMatchObject({ code: 14 });
  });

  test('is plaintext, so it stays on loopback unless told', async () => {
    expect(await codeOf(serveAdmin({ host: '0.0.0.0', port: 0 }, AbortSignal.abort()))).toBe(
      'insecure-address',
    );
  });
});

test('a process that closed its peers and servers ends by itself', async () => {
  const script = `
    import { readyKeys, devKeypair } from './src/keys/keypair.ts';
    import { systemClock } from './src/model/clock.ts';
    import { silentLog } from './src/model/log.ts';
    import { systemRandom } from './src/model/prng.ts';
    import { dial } from './src/protocol/dial.ts';
    import { serve } from './src/protocol/serve.ts';
    import { createGrpcWire } from './src/protocol/grpc/wire.ts';
    await readyKeys();
    const miner = devKeypair('miner'), abort = new AbortController();
    const parts = { wire: createGrpcWire({ clock: systemClock }), clock: systemClock, log: silentLog, random: systemRandom };
    const served = await serve({ ...parts, keypair: miner, admit: () => true, handlers: {
      describe: async () => ({ version: '1' }),
      prove: async (s) => { await s.receive(); await s.send({ case: 'ready', value: {} }); },
    } }, { host: '127.0.0.1', port: 0, netuid: 7 }, abort.signal);
    const peer = dial({ ...parts, keypair: devKeypair('validator') }, { address: served, hotkey: miner.address, netuid: 7 });
    await peer.describe();
    const session = peer.prove();
    await session.send({ case: 'arm', value: {} });
    await session.receive(); await session.receive();
    peer.prove();
    peer.close();
    abort.abort();
    await served.closed;
    console.log('ended');
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script],
    { timeout: 50_000 },
  );
  expect(stdout).toContain('ended');
});
