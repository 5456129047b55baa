// Owns: the ports of a running role, open on loopback with the limits that they ship with, and changed bytes sent to them. Does not own: how
// bytes are changed (mutate.ts), what reads bytes without a socket (decoders.ts).
import { once } from 'node:events';
import http2 from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { create, toBinary } from '@bufbuild/protobuf';
import { type WebSocket, WebSocketServer } from 'ws';
import { CHAIN_LIMITS } from '../../src/chain/limits.js';
import { openSocket, RpcFailure, type RpcSocket } from '../../src/chain/subtensor/socket.js';
import { serveMetrics } from '../../src/cli/metrics.js';
import { devKeypair } from '../../src/keys/index.js';
import { createHosts } from '../../src/miner/hosts/hosts.js';
import { serveHosts } from '../../src/miner/hosts/tls.js';
import { concat, utf8 } from '../../src/model/bytes.js';
import { type Clock, systemClock } from '../../src/model/clock.js';
import { AssayError } from '../../src/model/errors.js';
import { silentLog } from '../../src/model/log.js';
import { createSeededRandom, systemRandom } from '../../src/model/prng.js';
import { encodeSigned } from '../../src/protocol/codec.js';
import { HostFrameSchema } from '../../src/protocol/gen/assay/v1/hosts_pb.js';
import { createGrpcWire } from '../../src/protocol/grpc/wire.js';
import { createLoopback } from '../../src/protocol/loopback.js';
import { serve } from '../../src/protocol/serve.js';
import { createServerIdentity } from '../../src/protocol/server-key.js';
import type { Call, Served } from '../../src/protocol/session.js';
import type { Wire, WireChannel } from '../../src/protocol/wire.js';
import { openEvidenceDoor } from '../../src/validator/queue/evidence-door.js';
import { authorizationOf, EVIDENCE_PATH } from '../../src/validator/queue/evidence-request.js';
import { toQueueKey } from '../../src/validator/queue/queue-key.js';
import { kinds } from '../../src/verification/kinds/index.js';
import { DESCRIBES, FRAMES, NETUID, type Reader, signerOf } from './decoders.js';

export interface Ports {
  readonly readers: readonly Reader[];
  /** Asks each port what it answers when it is asked well. @returns those that did not, and why */
  well(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
/** A peer that says nothing more after its bytes, and hears nothing. */
const SILENT_MS = 150;
/** An answer to what was asked well, on a machine that is busy. */
const ANSWER_MS = 20_000;
/** Addresses of 127.0.0.0/8 count as one each, so that no rate of one is ever reached. */
const ADDRESSES = 4000;

/** @param parts.fault told of what went wrong at our end of a call */
export async function openPorts(parts: { readonly fault: (error: unknown) => void }): Promise<Ports> {
  const stop = new AbortController();
  const closing: (() => Promise<unknown> | unknown)[] = [];
  const onCall = ({ error }: Call) => {
    if (error !== undefined && (!(error instanceof AssayError) || error.code === 'internal'))
      parts.fault(error);
  };
  const miner = (
    wire: Wire,
    clock: Clock,
    identities?: Parameters<typeof serve>[1]['identities'],
  ): Promise<Served> =>
    serve(
      {
        wire,
        keypair: devKeypair('miner'),
        clock,
        log: silentLog,
        random: systemRandom,
        admit: (hotkey) => hotkey === devKeypair('validator').address,
        onCall,
        handlers: {
          describe: async () => ({ version: '1' }),
          content: () => utf8('a file'),
          prove: async (session) => {
            while (await session.receive()) await session.send({ case: 'ready', value: {} });
          },
        },
      },
      { host: HOST, port: 0, netuid: NETUID, ...(identities ? { identities } : {}) },
      stop.signal,
    );

  let turn = 0;
  const nextAddress = (): string => {
    const n = turn++ % ADDRESSES;
    return `127.3.${Math.floor(n / 250)}.${1 + (n % 250)}`;
  };
  const dial = (port: number): Socket => {
    const socket = connect({ host: HOST, port, localAddress: nextAddress(), noDelay: true });
    return socket.on('error', () => {});
  };

  // the door itself, over a wire without a socket: the caller is one who may come in, and signs what it likes
  let ms = 0;
  const handClock: Clock = {
    now: () => systemClock.now() + ms,
    monotonic: () => systemClock.monotonic() + ms,
    sleep: systemClock.sleep,
  };
  const loopback = createLoopback({ clock: handClock });
  const inProcess = await miner(loopback, handClock);
  const channel: WireChannel = loopback.connect({ host: inProcess.host, port: inProcess.port });
  const sign = signerOf(handClock, 'fuzz of the door');

  const grpc = await miner(createGrpcWire({ clock: systemClock }), systemClock);
  const raw = rawCalls(() =>
    http2.connect(`http://${HOST}:${grpc.port}`, { createConnection: () => dial(grpc.port) }),
  );
  closing.push(raw.close);
  const signNow = signerOf(systemClock, 'fuzz of the port');

  const identity = createServerIdentity(createSeededRandom('fuzz').bytes(32));
  const tls = await miner(createGrpcWire({ clock: systemClock }), systemClock, [identity]);
  const hosts = await createHosts({
    clock: systemClock,
    log: silentLog,
    kinds,
    indices: { read: async () => [], write: async () => {} },
    readHosts: async () => [],
  });
  const hostsDoor = await serveHosts(
    { hosts, clock: systemClock, identity },
    { host: HOST, port: 0 },
    stop.signal,
  );
  const hello = await clientHello();

  const key = toQueueKey(new Uint8Array(32).fill(7));
  const digest = 'ab'.repeat(32);
  const evidence = await openEvidenceDoor(
    {
      store: { read: async (of) => (of === digest ? utf8('evidence') : undefined) },
      key,
      clock: systemClock,
      log: { ...silentLog, error: (_, data) => parts.fault(data?.error) },
    },
    { host: HOST, port: 0 },
  );
  closing.push(() => evidence.close());
  const path = `${EVIDENCE_PATH}${digest}`;
  const asked = (authorization: string): Uint8Array =>
    utf8(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`);

  const metrics = await serveMetrics(undefined, 0);
  closing.push(() => metrics.close());
  const got = (what: string): Uint8Array =>
    utf8(`GET ${what} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

  const node = await openNode();
  closing.push(node.close);

  const well = (body: Uint8Array) => channel.describe(sign(body, 'describe'), 5000);
  const readers: Reader[] = [
    {
      name: 'the door: calls of who may come in',
      form: 'protobuf',
      samples: DESCRIBES,
      share: 1,
      async read(body) {
        ms += 20;
        await well(body);
      },
    },
    {
      name: 'the door: frames of who may come in',
      form: 'protobuf',
      samples: FRAMES,
      share: 1,
      async read(body) {
        ms += 20;
        const stream = channel.prove();
        try {
          await stream.send(sign(body, 'prove'));
          stream.end();
          while (await stream.receive());
        } finally {
          stream.cancel();
        }
      },
    },
    {
      name: "the miner's port: signed calls",
      isPort: true,
      form: 'protobuf',
      get samples() {
        return DESCRIBES.map((body) => encodeSigned(signNow(body, 'describe')));
      },
      share: 0.5,
      read: (bytes) => raw.call('Describe', framed(bytes)),
    },
    {
      name: "the miner's port: messages of gRPC",
      isPort: true,
      form: 'bytes',
      get samples() {
        return FRAMES.map((body) => framed(encodeSigned(signNow(body, 'prove'))));
      },
      share: 0.5,
      read: (bytes) => raw.call('Prove', bytes),
    },
    {
      name: "the miner's port: bytes",
      isPort: true,
      form: 'bytes',
      samples: [concat(utf8('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), H2_SETTINGS, H2_PING), hello],
      share: 0.2,
      read: (bytes) => said(dial(grpc.port), bytes),
    },
    {
      name: "the miner's port: handshakes",
      isPort: true,
      form: 'bytes',
      samples: [hello],
      share: 0.2,
      read: (bytes) => said(dial(tls.port), bytes),
    },
    {
      name: 'the port for hosts: handshakes',
      isPort: true,
      form: 'bytes',
      samples: [hello],
      share: 0.1,
      read: (bytes) => said(dial(hostsDoor.port), bytes),
    },
    {
      name: 'the port for hosts: frames of a key that is not named',
      isPort: true,
      form: 'protobuf',
      samples: [
        toBinary(HostFrameSchema, create(HostFrameSchema, { body: { case: 'ping', value: { id: 1 } } })),
      ],
      share: 0.05,
      async read(bytes) {
        const { keyPem, certificatePem } = identity;
        const socket = connectTls({
          socket: dial(hostsDoor.port),
          key: keyPem,
          cert: certificatePem,
          rejectUnauthorized: false,
          ALPNProtocols: ['assay-hosts/1'],
        });
        socket.on('error', () => {});
        await said(socket, bytes);
      },
    },
    {
      name: 'the evidence door',
      isPort: true,
      form: 'lines',
      get samples() {
        return [asked(authorizationOf(key, path, systemClock.now())), asked('Assay 1:00')];
      },
      share: 0.3,
      read: async (bytes) => assertNotOurs(await said(dial(evidence.port), bytes)),
    },
    {
      name: 'metrics and health',
      isPort: true,
      form: 'lines',
      samples: ['/metrics', '/healthz', '/readyz'].map(got),
      share: 0.3,
      read: async (bytes) => assertNotOurs(await said(dial(metrics.port), bytes)),
    },
    {
      name: "answers of a chain's node",
      isPort: true,
      form: 'json',
      samples: node.samples,
      share: 1,
      read: node.ask,
    },
  ];

  return {
    readers,
    async well() {
      ms += 10_000;
      const asks: Readonly<Record<string, () => Promise<unknown>>> = {
        'the door': () => well(DESCRIBES[0]!),
        "the miner's port": () =>
          raw.call('Describe', framed(encodeSigned(signNow(DESCRIBES[0]!, 'describe'))), ANSWER_MS),
        'the evidence door': async () =>
          assertSays(
            await said(dial(evidence.port), asked(authorizationOf(key, path, systemClock.now())), ANSWER_MS),
            'evidence',
          ),
        'metrics and health': async () =>
          assertSays(await said(dial(metrics.port), got('/healthz'), ANSWER_MS), '"ok":true'),
        "the client of the chain's node": () => node.ask(node.samples[0]!),
      };
      const failed: string[] = [];
      for (const [name, ask] of Object.entries(asks))
        await ask().catch((error: unknown) => failed.push(`${name}: ${error}`));
      return failed;
    },
    async close() {
      stop.abort();
      channel.close();
      for (const close of closing) await close();
      await Promise.all([inProcess.closed, grpc.closed, tls.closed, hostsDoor.closed]);
    },
  };
}

const H2_SETTINGS = Uint8Array.of(0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100);
const H2_PING = Uint8Array.of(0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);

/** As gRPC frames it: not compressed, and its length. */
export function framed(message: Uint8Array): Uint8Array {
  const out = new Uint8Array(5 + message.length);
  new DataView(out.buffer).setUint32(1, message.length);
  out.set(message, 5);
  return out;
}

/** Calls over HTTP/2 sessions of nobody known: one is opened again when it was dropped. */
function rawCalls(open: () => http2.ClientHttp2Session) {
  let session: http2.ClientHttp2Session | undefined;
  return {
    /** @throws AssayError `refused` with the status, `unreachable` where the connection went */
    call(method: string, body: Uint8Array, withinMs = SILENT_MS): Promise<void> {
      if (!session || session.closed || session.destroyed) session = open().on('error', () => {});
      const stream = session.request({
        ':method': 'POST',
        ':path': `/assay.v1.MinerService/${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      return new Promise((resolve, reject) => {
        let status: string | undefined;
        const hear = (headers: http2.IncomingHttpHeaders) => {
          status ??= headers['grpc-status'] as string | undefined;
        };
        const late = setTimeout(() => stream.close(), withinMs);
        stream
          .on('response', hear)
          .on('trailers', hear)
          .on('error', () => {})
          .resume();
        stream.on('close', () => {
          clearTimeout(late);
          if (status === '0') return resolve();
          const reason = `status ${status ?? 'none'}`;
          reject(new AssayError('refused', reason, { reason }));
        });
        stream.end(body);
      });
    },
    close: () => session?.destroy(),
  };
}

/** Says it all at once and no more. @returns what came back until the other end closed */
async function said(socket: Socket, bytes: Uint8Array, withinMs = SILENT_MS): Promise<string> {
  let heard = '';
  const late = setTimeout(() => socket.destroy(), withinMs);
  socket.on('data', (chunk: Buffer) => {
    if (heard.length < 10_000) heard += chunk.toString('latin1');
  });
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  socket.end(bytes);
  await closed;
  clearTimeout(late);
  return heard;
}

function assertNotOurs(answer: string): void {
  if (/^HTTP\/1\.1 5\d\d/.test(answer) && !answer.startsWith('HTTP/1.1 503'))
    throw new Error(answer.slice(0, 100));
  if (!answer.startsWith('HTTP/1.1 200')) {
    const reason = answer.slice(9, 12) || 'closed';
    throw new AssayError('refused', reason, { reason });
  }
}

function assertSays(answer: string, what: string): void {
  if (!answer.includes(what)) throw new Error(`expected ${what}, got ${answer.slice(0, 200)}`);
}

/** The first flight of an honest client. */
async function clientHello(): Promise<Uint8Array> {
  const server: Server = createServer();
  server.listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server's
  const client = connectTls({ host: HOST, port, ALPNProtocols: ['h2'], servername: 'a.example' }).on(
    'error',
    () => {},
  );
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return Uint8Array.from(bytes);
}

/** A node that answers what it is told to, and our client of it. */
async function openNode() {
  const server = new WebSocketServer({ host: HOST, port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server's
  const result = { number: '0x2a', parentHash: `0x${'00'.repeat(32)}` };
  const answers = [
    { jsonrpc: '2.0', id: 0, result },
    { jsonrpc: '2.0', id: 0, error: { code: -32_601, message: 'Method not found' } },
    { jsonrpc: '2.0', method: 'chain_newHead', params: { subscription: 'a', result } },
  ].map((value) => utf8(JSON.stringify(value)));
  let next: Uint8Array = answers[0]!;
  server.on('connection', (socket: WebSocket) => {
    socket.on('message', (text) => {
      const { id } = JSON.parse(String(text)) as { readonly id: number };
      // ours where it kept the place of one
      socket.send(Buffer.from(next).toString().replace('"id":0', `"id":${id}`));
      // whatever that was, the question is answered
      socket.send(`{"jsonrpc":"2.0","id":${id},"result":null}`);
    });
  });
  let client: RpcSocket | undefined;
  let over = true;
  return {
    samples: answers,
    async ask(bytes: Uint8Array): Promise<void> {
      next = bytes;
      if (over || !client) {
        over = false;
        const { requestTimeoutMs, responseBytes } = CHAIN_LIMITS;
        client = await openSocket(
          { clock: systemClock, limits: { requestTimeoutMs, responseBytes } },
          `ws://${HOST}:${port}`,
        );
        client.onOver(() => {
          over = true;
        });
      }
      await client.request('chain_getHeader', []).catch((error: unknown) => {
        if (!(error instanceof RpcFailure)) throw error; // the node's own words
      });
    },
    close: () => {
      for (const socket of server.clients) socket.terminate();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
