// Owns: echoes over sockets: a miner's ports that answer, a validator's question, the call back. Does not own: bytes (codec.ts),
// what follows (reach.ts).
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { setMaxListeners } from 'node:events';
import { connect, createServer, isIPv6, type Socket } from 'node:net';
import type { Keypair } from '../../keys/keypair.js';
import { toAddress } from '../../keys/ss58.js';
import { equals, toHex } from '../../model/bytes.js';
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import type { Random } from '../../model/prng.js';
import {
  ANSWER_BYTES,
  decodeEchoRequest,
  type EchoRequest,
  encodeAnswer,
  encodeEchoRequest,
  isAnswer,
  isSignedRequest,
  REQUEST_BYTES,
  requestOf,
  TRANSPORTS,
  type Transport,
} from './codec.js';
import type { Sighting } from './reach.js';

/** Bounds of what anybody can make an echo port do. */
export const ECHO_LIMITS = {
  /** requests answered a second, at all ports together: a signature check and one signature each (0.5 ms) */
  perSecond: 20,
  /** connections open at once on one port */
  connections: 16,
  /** from accepting to a whole request, and for calling back */
  waitMs: 3_000,
  /** clocks may differ by this */
  skewMs: 30_000,
  /** a request's expiry may be this far ahead */
  lifeMs: 30_000,
  /** nonces remembered: more than `perSecond` lets in while one is fresh */
  nonces: 4096,
} as const;

export interface EchoParts {
  readonly keypair: Keypair;
  readonly clock: Clock;
  /** which validators are answered */
  readonly admit: (validator: Hotkey) => Promise<boolean> | boolean;
}

export interface EchoPorts {
  readonly ports: readonly number[];
  /** resolves once the signal aborted and nothing is left */
  readonly closed: Promise<void>;
}

/**
 * Answers echoes over TCP and UDP at each of `ports` until aborted.
 * @param options.egressAddress address to call back from. @default the system's choice
 * @throws AssayError `unreachable` when a port cannot be bound
 */
export async function serveEchoes(
  parts: EchoParts,
  options: {
    readonly host: string;
    readonly ports: readonly number[];
    readonly netuid: number;
    readonly egressAddress?: string;
  },
  signal: AbortSignal,
): Promise<EchoPorts> {
  const { keypair, clock, admit } = parts;
  const { host, netuid, egressAddress } = options;
  const seen = new Set<string>();
  let allowance: number = ECHO_LIMITS.perSecond;
  let refilledAt = clock.monotonic();
  const closing: Promise<void>[] = [];
  const ports: number[] = [];
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  setMaxListeners(0, over); // every port and every connection waits for it

  /** The answer, where one is due. */
  async function answer(
    bytes: Uint8Array,
    transport: Transport,
    port: number,
  ): Promise<EchoRequest | undefined> {
    if (bytes.length !== REQUEST_BYTES || !takeAllowance()) return undefined;
    let request: EchoRequest;
    try {
      request = decodeEchoRequest(bytes);
    } catch {
      return undefined; // anybody can knock; nothing is owed to what is no request
    }
    const ours =
      request.netuid === netuid &&
      request.transport === transport &&
      request.port === port &&
      equals(request.miner, keypair.publicKey);
    const leftMs = request.expiresAt - clock.now();
    const fresh = leftMs > -ECHO_LIMITS.skewMs && leftMs <= ECHO_LIMITS.lifeMs + ECHO_LIMITS.skewMs;
    const id = toHex(request.nonce);
    if (!ours || !fresh || seen.has(id) || !isSignedRequest(bytes)) return undefined;
    seen.add(id);
    if (seen.size > ECHO_LIMITS.nonces) for (const oldest of [...seen].slice(0, 1)) seen.delete(oldest);
    return (await admit(toHotkey(toAddress(request.validator)))) ? request : undefined;
  }

  function takeAllowance(): boolean {
    const now = clock.monotonic();
    allowance = Math.min(
      ECHO_LIMITS.perSecond,
      allowance + ((now - refilledAt) * ECHO_LIMITS.perSecond) / 1000,
    );
    refilledAt = now;
    if (allowance < 1) return false;
    allowance--;
    return true;
  }

  async function serveTcp(socket: Socket, port: number): Promise<void> {
    const bytes = await readAll(socket, REQUEST_BYTES, clock, over);
    const request = bytes && (await answer(bytes, 'tcp', port));
    if (!bytes || !request) return;
    socket.end(encodeAnswer(keypair, 'echo', bytes));
    const from = socket.remoteAddress;
    if (request.callbackPort > 0 && from !== undefined) callBack(from, request.callbackPort, bytes);
  }

  function callBack(host: string, port: number, request: Uint8Array): void {
    const socket = connect({
      host,
      port,
      ...(egressAddress === undefined ? {} : { localAddress: egressAddress }),
    });
    socket.on('error', () => socket.destroy()); // the validator's affair
    socket.end(encodeAnswer(keypair, 'egress', request));
    void clock.sleep(ECHO_LIMITS.waitMs, over).then(() => socket.destroy());
  }

  try {
    for (const wanted of options.ports) {
      const server = createServer((socket) => {
        socket.on('error', () => socket.destroy());
        void serveTcp(socket, port).finally(() => {
          if (socket.writableEnded) void clock.sleep(ECHO_LIMITS.waitMs, over).then(() => socket.destroy());
          else socket.destroy();
        });
      });
      server.maxConnections = ECHO_LIMITS.connections;
      await bound(`${host}:${wanted}`, (done, failed) => {
        server.once('error', failed);
        server.listen(wanted, host, done);
      });
      closing.push(new Promise((resolve) => server.once('close', () => resolve())));
      over.addEventListener('abort', () => server.close(), { once: true });
      const { port } = server.address() as { port: number }; // a TCP server's
      const udp = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
      udp.on('error', () => {});
      await bound(`${host}:${port}`, (done, failed) => {
        udp.once('error', failed);
        udp.bind(port, host, done);
      });
      closing.push(new Promise((resolve) => udp.once('close', () => resolve())));
      over.addEventListener('abort', () => udp.close(), { once: true });
      udp.on('message', (bytes, from) => {
        void answer(bytes, 'udp', port).then((request) => {
          if (request && !over.aborted)
            udp.send(encodeAnswer(keypair, 'echo', bytes), from.port, from.address);
        });
      });
      ports.push(port);
    }
  } catch (error) {
    stop.abort();
    throw error;
  }
  return { ports, closed: Promise.all(closing).then(() => {}) };
}

export interface EgressListener {
  readonly port: number;
  /** Where the call back to `request` came from; undefined when none came in time. */
  expect(request: Uint8Array, miner: Uint8Array): Promise<string | undefined>;
}

/** A validator's port that miners call back to, until aborted. */
export async function listenForEgress(
  parts: { clock: Clock },
  options: { host: string; port: number },
  signal: AbortSignal,
): Promise<EgressListener> {
  const { clock } = parts;
  const expected = new Map<
    string,
    { request: Uint8Array; miner: Uint8Array; found: (from: string) => void }
  >();
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    const from = socket.remoteAddress;
    void readAll(socket, ANSWER_BYTES, clock, signal).then((bytes) => {
      const due = bytes && expected.get(toHex(requestOf(bytes)));
      if (bytes && due && from !== undefined && isAnswer(bytes, 'egress', due.request, due.miner))
        due.found(from);
      socket.destroy();
    });
  });
  server.maxConnections = 8 * ECHO_LIMITS.connections;
  await bound(`${options.host}:${options.port}`, (done, failed) => {
    server.once('error', failed);
    server.listen(options.port, options.host, done);
  });
  signal.addEventListener('abort', () => server.close(), { once: true });
  const { port } = server.address() as { port: number }; // a TCP server's
  return {
    port,
    async expect(request, miner) {
      const id = toHex(sha256(request));
      const found = new Promise<string>((resolve) => {
        expected.set(id, { request, miner, found: resolve });
      });
      try {
        return await withTimeout(clock, ECHO_LIMITS.waitMs, found, () => new Error('not called back'));
      } catch {
        return undefined; // it did not come: that is the finding
      } finally {
        expected.delete(id);
      }
    },
  };
}

/**
 * Asks one port of a miner. Never rejects: what does not answer has not been seen.
 * @param options.vantage address to dial from
 */
export async function askEcho(
  parts: { keypair: Keypair; clock: Clock; random: Random; egress?: EgressListener },
  options: {
    readonly netuid: number;
    /** 32-byte hotkey */
    readonly miner: Uint8Array;
    readonly ip: string;
    readonly port: number;
    readonly transport: Transport;
    readonly vantage: string;
  },
  signal: AbortSignal,
): Promise<Sighting> {
  const { keypair, clock, random, egress } = parts;
  const { netuid, miner, ip, port, transport, vantage } = options;
  const calls = transport === 'tcp' && egress !== undefined;
  const request = encodeEchoRequest(keypair, {
    netuid,
    miner,
    nonce: random.bytes(16),
    transport,
    port,
    callbackPort: calls ? egress.port : 0,
    expiresAt: Math.floor(clock.now()) + ECHO_LIMITS.lifeMs,
  });
  const calledFrom = calls ? egress.expect(request, miner) : undefined;
  const bytes = await (transport === 'tcp' ? askTcp : askUdp)({ ip, port, vantage, request }, clock, signal);
  const answered = bytes !== undefined && isAnswer(bytes, 'echo', request, miner);
  return { vantage, transport, port, answered, egress: answered ? await calledFrom : undefined };
}

/** Every drawn port over both transports, from each vantage. */
export async function askAll(
  parts: Parameters<typeof askEcho>[0] & {
    readonly egressOf?: (vantage: string) => EgressListener | undefined;
  },
  options: {
    readonly netuid: number;
    readonly miner: Uint8Array;
    readonly ip: string;
    readonly ports: readonly number[];
    readonly vantages: readonly string[];
  },
  signal: AbortSignal,
): Promise<Sighting[]> {
  const { vantages, ports, ...rest } = options;
  const asked = vantages.flatMap((vantage) =>
    ports.flatMap((port) =>
      TRANSPORTS.map((transport) => {
        const egress = parts.egressOf?.(vantage) ?? parts.egress;
        return askEcho(
          { ...parts, ...(egress ? { egress } : {}) },
          { ...rest, vantage, port, transport },
          signal,
        );
      }),
    ),
  );
  return Promise.all(asked);
}

interface Question {
  readonly ip: string;
  readonly port: number;
  readonly vantage: string;
  readonly request: Uint8Array;
}

async function askTcp(
  question: Question,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const { ip, port, vantage, request } = question;
  const socket = connect({ host: ip, port, localAddress: vantage });
  socket.on('error', () => socket.destroy());
  socket.write(request);
  const bytes = await readAll(socket, ANSWER_BYTES, clock, signal);
  socket.destroy();
  return bytes;
}

async function askUdp(
  question: Question,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const { ip, port, vantage, request } = question;
  const socket: UdpSocket = createSocket(isIPv6(ip) ? 'udp6' : 'udp4');
  const done = new AbortController();
  try {
    return await new Promise<Uint8Array | undefined>((resolve) => {
      const ends = AbortSignal.any([signal, done.signal]);
      socket.on('error', () => resolve(undefined));
      // only from where it was asked: anybody can send datagrams
      socket.on('message', (bytes, from) => {
        if (from.address === ip && from.port === port) resolve(bytes);
      });
      socket.bind(0, vantage, () => socket.send(request, port, ip));
      void clock.sleep(ECHO_LIMITS.waitMs, ends).then(() => resolve(undefined));
    });
  } finally {
    done.abort();
    socket.close();
  }
}

/** The first `length` bytes of a connection, or undefined when they do not come in time. */
function readAll(
  socket: Socket,
  length: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const out = new Uint8Array(length);
    let filled = 0;
    const done = new AbortController();
    const finish = (bytes: Uint8Array | undefined) => {
      done.abort();
      resolve(bytes);
    };
    socket.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, length - filled);
      out.set(part, filled);
      filled += part.length;
      if (filled === length) finish(out);
    });
    socket.once('close', () => finish(undefined));
    socket.once('end', () => finish(undefined));
    void clock
      .sleep(ECHO_LIMITS.waitMs, AbortSignal.any([done.signal, signal]))
      .then(() => finish(undefined));
  });
}

function bound(
  address: string,
  bind: (done: () => void, failed: (error: Error) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    bind(resolve, (cause) =>
      reject(new AssayError('unreachable', `echo: cannot listen on ${address}`, { address }, { cause })),
    );
  });
}
