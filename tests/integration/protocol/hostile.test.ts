// Peers that speak no gRPC, half of it, or nothing: bounded by limits. Time-outs here run on real timers and are made short;
// nothing is asserted about how long anything took.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { Client, credentials } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { readyKeys } from '../../../src/keys/keypair.js';
import { systemClock } from '../../../src/model/clock.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { systemRandom } from '../../../src/model/prng.js';
import { serveAdmin } from '../../../src/protocol/admin.js';
import { encodeSigned } from '../../../src/protocol/codec.js';
import { dial } from '../../../src/protocol/dial.js';
import { createGrpcWire } from '../../../src/protocol/grpc/wire.js';
import type { Limits } from '../../../src/protocol/limits.js';
import { serve } from '../../../src/protocol/serve.js';
import type { ServeHandlers } from '../../../src/protocol/session.js';
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

async function start(limits: Partial<Limits> = {}, handlers: Partial<ServeHandlers> = {}) {
  const abort = new AbortController();
  const served = await serve(
    {
      wire: createGrpcWire({ clock: systemClock, limits }),
      keypair: cast().miner,
      clock: systemClock,
      log: silentLog,
      random: systemRandom,
      admit: () => true,
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

function peerOf(address: { host: string; port: number }, limits: Partial<Limits> = {}) {
  const peer = dial(
    {
      wire: createGrpcWire({ clock: systemClock, limits }),
      keypair: cast().validator,
      clock: systemClock,
      log: silentLog,
      random: systemRandom,
    },
    { address, hotkey: toHotkey(cast().miner.address), netuid: 7, limits },
  );
  cleanups.push(() => peer.close());
  return peer;
}

function tcp(address: { host: string; port: number }): Socket {
  const socket = connectTcp(address.port, address.host);
  socket.on('error', () => {});
  socket.resume();
  cleanups.push(() => socket.destroy());
  return socket;
}

function h2(address: { host: string; port: number }): http2.ClientHttp2Session {
  const session = http2.connect(`http://${address.host}:${address.port}`);
  session.on('error', () => {});
  cleanups.push(() => session.destroy());
  return session;
}

const headers = (method: string) => ({
  ':method': 'POST',
  ':path': `/assay.v1.MinerService/${method}`,
  'content-type': 'application/grpc',
  te: 'trailers',
});

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
    const { served } = await start({ keepaliveMs: 30, keepaliveTimeoutMs: 30 });
    await once(tcp(served), 'close');
    await peerOf(served).describe();
  });

  test('drops a connection that speaks something else', async () => {
    const { served } = await start();
    const socket = tcp(served);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
    await peerOf(served).describe();
  });

  test('takes so many connections from one address, and no more', async () => {
    const { served } = await start({ connectionsPerAddress: 2 });
    const kept = [tcp(served), tcp(served)];
    await Promise.all(kept.map((socket) => once(socket, 'data')));
    await once(tcp(served), 'close');
    kept[0]!.destroy();
    await vi.waitFor(() => peerOf(served).describe());
  });

  test('takes so many streams, whoever opens them, and is free again when they end', async () => {
    const { served } = await start({ streams: 3 });
    const session = h2(served);
    const held = Array.from({ length: 3 }, () => session.request(headers('Prove')));
    for (const stream of held) stream.on('error', () => {});
    await once(session, 'remoteSettings');
    await vi.waitFor(async () => expect(await codeOf(peerOf(served).describe())).toBe('limit-exceeded'));
    for (const stream of held) stream.close();
    await vi.waitFor(() => peerOf(served).describe());
  });

  test('takes so many streams from one address', async () => {
    const { served } = await start({ streamsPerAddress: 2 });
    const sessions = [h2(served), h2(served)];
    for (const session of sessions) session.request(headers('Prove')).on('error', () => {});
    await Promise.all(sessions.map((session) => once(session, 'remoteSettings')));
    await vi.waitFor(async () => expect(await codeOf(peerOf(served).describe())).toBe('limit-exceeded'));
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
    const limits = { streamIdleMs: 60 };
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
    const message = encodeSigned(
      envelope({
        from: validator,
        to: miner,
        header: { method: 'prove', sentAt: Date.now() },
        body: frameBytes({ case: 'arm', value: {} }),
      }),
    );
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    stream.write(Buffer.concat([prefix, message]));
    await ended;
    await once(session, 'close'); // grpc-js cannot reset one stream, so the connection went
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
    await once(rubbish, 'close');
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
    await vi.waitFor(async () => expect((await peer.describe()).version).toBe('2'), { timeout: 20_000 });
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
