import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, createServer as createTlsServer } from 'node:tls';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { systemClock as clock } from '../../../src/model/clock.js';
import { isAssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog as log } from '../../../src/model/log.js';
import { systemRandom as random } from '../../../src/model/prng.js';
import { dial } from '../../../src/protocol/dial.js';
import { DescribeResponseSchema } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { createGrpcWire } from '../../../src/protocol/grpc/wire.js';
import { serve } from '../../../src/protocol/serve.js';
import {
  createServerIdentity,
  type ServerIdentity,
  type ServerKey,
  serverName,
  trustAnchorPem,
} from '../../../src/protocol/server-key.js';
import type { Served } from '../../../src/protocol/session.js';

const NETUID = 7;
const oldIdentity = createServerIdentity(new Uint8Array(32).fill(1));
const newIdentity = createServerIdentity(new Uint8Array(32).fill(2));
const stranger = createServerIdentity(new Uint8Array(32).fill(3));
const wire = createGrpcWire({ clock });
const ends: (() => unknown)[] = [];

beforeAll(readyKeys);
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serveWith(identities: readonly ServerIdentity[], port = 0): Promise<number> {
  return (await serveEchoing(identities, port)).port;
}

/** Sessions are answered frame by frame for as long as they go on. */
async function serveEchoing(identities: readonly ServerIdentity[], port = 0): Promise<Served> {
  const stop = new AbortController();
  const served = await serve(
    {
      wire,
      keypair: devKeypair('miner'),
      clock,
      log,
      random,
      admit: () => true,
      handlers: {
        describe: async () => create(DescribeResponseSchema, { version: '1' }),
        async prove(session) {
          while (await session.receive()) await session.send({ case: 'ready', value: {} });
        },
      },
    },
    { host: '127.0.0.1', port, netuid: NETUID, identities },
    stop.signal,
  );
  ends.push(() => {
    stop.abort();
    return served.closed;
  });
  return served;
}

function dialOver(port: number, serverKey?: ServerKey) {
  const peer = dial(
    { wire, keypair: devKeypair('validator'), clock, log, random },
    {
      address: { host: '127.0.0.1', port, serverKey },
      hotkey: toHotkey(devKeypair('miner').address),
      netuid: NETUID,
      limits: { describeDeadlineMs: 30_000 },
    },
  );
  ends.push(() => peer.close());
  return peer;
}

/** What the miner says of itself over a channel pinned to `serverKey`; plaintext without. */
async function describeOver(port: number, serverKey?: ServerKey): Promise<string> {
  return (await dialOver(port, serverKey).describe()).version;
}

describe('a channel over TLS', () => {
  test('carries signed calls to a server with the key that the axon names', async () => {
    const port = await serveWith([oldIdentity]);
    expect(await describeOver(port, oldIdentity.serverKey)).toBe('1');
  });

  test('is never made to a server with another key, nor by plaintext to one that has TLS, nor by TLS to one that has none', async () => {
    const port = await serveWith([stranger]);
    await expect(describeOver(port, oldIdentity.serverKey)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(describeOver(port)).rejects.toSatisfy(
      (error) => isAssayError(error, 'unreachable') || isAssayError(error, 'timeout'),
    );
    const plain = await serveWith([]);
    await expect(describeOver(plain, oldIdentity.serverKey)).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('follows a rotation: while both keys answer, each client gets the one it asked for', async () => {
    const port = await serveWith([newIdentity, oldIdentity]);
    expect(await describeOver(port, newIdentity.serverKey)).toBe('1');
    expect(await describeOver(port, oldIdentity.serverKey)).toBe('1');
    await expect(describeOver(port, stranger.serverKey)).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('changes keys while it serves: sessions of the old one go on, both answer, and after the next change the old one does not', async () => {
    const served = await serveEchoing([oldIdentity]);
    const { port } = served;
    const session = dialOver(port, oldIdentity.serverKey).prove();
    const frame = { case: 'arm', value: { slot: 1 } } as const;
    await session.send(frame);
    expect((await session.receive())?.frame.body.case).toBe('ready');
    await expect(describeOver(port, newIdentity.serverKey)).rejects.toMatchObject({ code: 'unreachable' });

    served.rekey([newIdentity, oldIdentity]);
    await session.send(frame);
    expect((await session.receive())?.frame.body.case).toBe('ready');
    expect(await describeOver(port, newIdentity.serverKey)).toBe('1');
    expect(await describeOver(port, oldIdentity.serverKey)).toBe('1');

    served.rekey([newIdentity]);
    await session.send(frame);
    expect((await session.receive())?.frame.body.case).toBe('ready');
    await expect(describeOver(port, oldIdentity.serverKey)).rejects.toMatchObject({ code: 'unreachable' });
    session.end();
  });

  test('speaks TLS 1.3 and HTTP/2 only', async () => {
    const port = await serveWith([oldIdentity]);
    const failure = (options: object) =>
      new Promise<string>((resolve) => {
        const { serverKey } = oldIdentity;
        const trusted = { ca: trustAnchorPem(serverKey), servername: serverName(serverKey) };
        const socket = connectTls({ host: '127.0.0.1', port, ...trusted, ALPNProtocols: ['h2'], ...options });
        socket.on('secureConnect', () => socket.on('data', () => resolve('data')));
        socket.on('error', (error) => resolve(error.message));
        socket.on('close', () => resolve('closed'));
      });
    expect(await failure({ maxVersion: 'TLSv1.2' })).not.toBe('data');
    expect(await failure({ ALPNProtocols: ['http/1.1'] })).not.toBe('data');
    expect(await failure({})).toBe('data'); // HTTP/2 settings
  });

  test('survives strangers who send nothing, rubbish, or go in the middle of the handshake', async () => {
    const port = await serveWith([oldIdentity]);
    const sockets: Socket[] = [];
    for (const first of ['', 'GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x02\x00\x01'])
      await new Promise<void>((resolve) => {
        const socket = connectTcp(port, '127.0.0.1', () => {
          socket.write(first, () => resolve());
        });
        socket.on('error', () => {});
        sockets.push(socket);
      });
    expect(await describeOver(port, oldIdentity.serverKey)).toBe('1');
    for (const socket of sockets) socket.destroy();
    expect(await describeOver(port, oldIdentity.serverKey)).toBe('1');
  });

  test('is bound: a session certificate that was made for another channel is refused', async () => {
    // a man in the middle with the old key, which leaked, and the new server behind it
    const behind = await serveWith([newIdentity]);
    const port = await relay(behind);
    await expect(describeOver(port, oldIdentity.serverKey)).rejects.toMatchObject({
      code: 'unauthenticated',
      data: { reason: 'wrong-channel' },
    });
  });
});

/** Takes calls with the old key and passes their bytes on to the server of the new one. */
async function relay(to: number): Promise<number> {
  const listener = await wire.listen(
    { host: '127.0.0.1', port: 0, identities: [oldIdentity] },
    {
      async describe({ message }) {
        const channel = wire.connect({ host: '127.0.0.1', port: to, serverKey: newIdentity.serverKey });
        ends.push(() => channel.close());
        return (await channel.describe(message, 30_000)).message;
      },
      prove: async () => {},
    },
  );
  ends.push(() => listener.close());
  return listener.port;
}

describe('why the key is the root of trust and not a check of ours', () => {
  test('an unverified connection never calls checkServerIdentity: it would have accepted anybody', async () => {
    const port = await serveWith([stranger]);
    let asked = 0;
    await new Promise<void>((resolve, reject) => {
      const socket = connectTls({
        host: '127.0.0.1',
        port,
        rejectUnauthorized: false,
        ALPNProtocols: ['h2'],
        checkServerIdentity: () => {
          asked++;
          return new Error('not the pinned key');
        },
      });
      socket.on('secureConnect', () => {
        socket.destroy();
        resolve();
      });
      socket.on('error', reject);
    });
    expect(asked).toBe(0);
  });

  test('a server with a key of its own under the names of ours is refused, also where Node is told to verify nothing', async () => {
    const port = await serveAs(stranger, oldIdentity);
    await expect(describeOver(port, oldIdentity.serverKey)).rejects.toMatchObject({ code: 'unreachable' });
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      await expect(describeOver(port, oldIdentity.serverKey)).rejects.toMatchObject({ code: 'unreachable' });
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    }
  });
});

/** A listener with the key of `impostor` that answers to the server name of `victim`. */
async function serveAs(impostor: ServerIdentity, victim: ServerIdentity): Promise<number> {
  const { keyPem: key, certificatePem: cert } = impostor;
  const asked: string[] = [];
  const server = createTlsServer({
    key,
    cert,
    ALPNProtocols: ['h2'],
    SNICallback: (name, done) => {
      asked.push(name);
      done(null, createSecureContext({ key, cert }));
    },
  });
  server.on('tlsClientError', () => {});
  ends.push(() => {
    expect(asked).toContain(serverName(victim.serverKey)); // the client did come, and asked for the pinned key
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
