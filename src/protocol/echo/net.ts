// Owns: echoes over sockets: a miner's ports that answer, a validator's question, the call back. Does not own: bytes (codec.ts),
// what follows (reach.ts).
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { setMaxListeners } from 'node:events';
import { connect, createServer, isIPv6, type Socket } from 'node:net';
import type { Keypair } from '../../keys/keypair.js';
import { childOf } from '../../model/abort.js';
import { toHex } from '../../model/bytes.js';
import { type Clock, withTimeout } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import type { Random } from '../../model/prng.js';
import { plainAddress, toNetwork } from '../address.js';
import { createEchoAnswers, ECHO_LIMITS, type EchoAnswers, type EchoParts } from './answer.js';
import {
  ANSWER_BYTES,
  encodeEchoRequest,
  isAnswer,
  REQUEST_BYTES,
  REQUEST_PREFIX,
  requestOf,
  TRANSPORTS,
  type Transport,
} from './codec.js';
import type { Sighting } from './reach.js';

/** Call backs that have not come whole: one a miner, at most so many at once. */
const EGRESS_CONNECTIONS = 256;

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
  const { clock } = parts;
  const { host, netuid, egressAddress } = options;
  const answers = createEchoAnswers(parts, { netuid });
  const closing: Promise<void>[] = [];
  const ports: number[] = [];
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  setMaxListeners(0, over); // every port and every connection waits for it
  const own = { answers, clock, ...(egressAddress === undefined ? {} : { egressAddress }) };

  try {
    for (const wanted of options.ports) {
      const server = createServer((socket) => {
        socket.on('error', () => socket.destroy());
        void echoOn(own, { socket, first: new Uint8Array(0), port }, over).finally(() => socket.destroy());
      });
      server.maxConnections = ECHO_LIMITS.connections;
      await bound(`${host}:${wanted}`, (done, failed) => {
        server.once('error', failed);
        server.listen(wanted, host, done);
      });
      server.on('error', () => {}); // of one connection that the system would not give: nobody else's ends by it
      closing.push(new Promise((resolve) => server.once('close', () => resolve())));
      const { port } = server.address() as { port: number }; // a TCP server's
      onceAborted(over, () => server.close());
      const udp = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
      udp.on('error', () => {});
      await bound(`${host}:${port}`, (done, failed) => {
        udp.once('error', failed);
        udp.bind(port, host, done);
      });
      closing.push(new Promise((resolve) => udp.once('close', () => resolve())));
      onceAborted(over, () => udp.close());
      udp.on('message', (bytes, from) => {
        if (from.port === 0) return; // nobody can be answered there
        const arrival = { transport: 'udp', port, from: from.address } as const;
        void answers.answer(bytes, arrival).then((due) => {
          if (due && !over.aborted) udp.send(due.echo, from.port, from.address);
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

/** Answers echoes at a port that others serve: what they take for a request's first bytes, and what is done with one. */
export interface EchoGuest {
  readonly prefix: Uint8Array;
  /**
   * Resolves when the request was answered, or was not worth it; the caller ends the connection.
   * @param first what was read already, `prefix` included
   */
  take(socket: Socket, first: Uint8Array): Promise<void>;
}

/** @param options.egressAddress address to call back from. @default the system's choice */
export function createEchoGuest(
  parts: EchoParts,
  { netuid, egressAddress }: { readonly netuid: number; readonly egressAddress?: string },
  signal: AbortSignal,
): EchoGuest {
  const answers = createEchoAnswers(parts, { netuid });
  const own = { answers, clock: parts.clock, ...(egressAddress === undefined ? {} : { egressAddress }) };
  return {
    prefix: REQUEST_PREFIX,
    take: (socket, first) => echoOn(own, { socket, first, port: socket.localPort ?? 0 }, signal),
  };
}

/** One connection: its request, the echo, the call back. */
async function echoOn(
  parts: { readonly answers: EchoAnswers; readonly clock: Clock; readonly egressAddress?: string },
  { socket, first, port }: { socket: Socket; first: Uint8Array; port: number },
  signal: AbortSignal,
): Promise<void> {
  const { answers, clock, egressAddress } = parts;
  const bytes = await readAll({ socket, first, length: REQUEST_BYTES }, clock, signal);
  const from = socket.remoteAddress;
  const due = bytes && from !== undefined && (await answers.answer(bytes, { transport: 'tcp', port, from }));
  if (!bytes || !due) return;
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.end(due.echo);
  if (due.callbackPort > 0) callBack(from, due.callbackPort);
  // until the asker has it: whoever destroys a socket drops what has not left
  const waited = childOf(signal);
  await Promise.race([closed, clock.sleep(ECHO_LIMITS.waitMs, waited.signal)]);
  waited.abort();

  function callBack(host: string, at: number): void {
    const caller = connect({
      host,
      port: at,
      ...(egressAddress === undefined ? {} : { localAddress: egressAddress }),
    });
    caller.on('error', () => caller.destroy()); // the validator's affair
    caller.end(answers.egress(bytes!)); // there, or nothing was due
    void clock.sleep(ECHO_LIMITS.waitMs, signal).then(() => caller.destroy());
  }
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
  const strangers = new Set<Socket>();
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    const from = socket.remoteAddress;
    admitStranger(strangers, socket);
    void readAll({ socket, length: ANSWER_BYTES }, clock, signal).then((bytes) => {
      const due = bytes && expected.get(toHex(requestOf(bytes)));
      if (bytes && due && from !== undefined && isAnswer(bytes, 'egress', due.request, due.miner))
        due.found(plainAddress(from));
      socket.destroy();
    });
  });
  await bound(`${options.host}:${options.port}`, (done, failed) => {
    server.once('error', failed);
    server.listen(options.port, options.host, done);
  });
  server.on('error', () => {}); // as above
  const { port } = server.address() as { port: number }; // a TCP server's
  onceAborted(signal, () => server.close());
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

/** Also where it aborted while the port was bound. */
function onceAborted(signal: AbortSignal, close: () => void): void {
  if (signal.aborted) close();
  else signal.addEventListener('abort', close, { once: true });
}

/** Anybody may connect: who comes too often pushes out itself, and what is too much the oldest. */
function admitStranger(strangers: Set<Socket>, socket: Socket): void {
  const place = toNetwork(socket.remoteAddress ?? '');
  const same = [...strangers].filter((other) => toNetwork(other.remoteAddress ?? '') === place);
  if (same.length >= ECHO_LIMITS.connections) same[0]!.destroy();
  else if (strangers.size >= EGRESS_CONNECTIONS)
    for (const oldest of [...strangers].slice(0, 1)) oldest.destroy();
  strangers.add(socket);
  socket.on('close', () => strangers.delete(socket));
}

/**
 * Asks one port of a miner. Never rejects: what does not answer has not been seen.
 * @param options.vantage address to dial from. @default the system's choice
 * @param options.skipBytes what the port says before it is asked anything. @default 0
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
    readonly vantage?: string;
    readonly skipBytes?: number;
  },
  signal: AbortSignal,
): Promise<Sighting> {
  const { keypair, clock, random, egress } = parts;
  const { netuid, miner, ip, port, transport, vantage, skipBytes = 0 } = options;
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
  const question = { ip, port, vantage, request, skipBytes };
  const bytes = await (transport === 'tcp' ? askTcp : askUdp)(question, clock, signal);
  const answered = bytes !== undefined && isAnswer(bytes, 'echo', request, miner);
  const from = answered ? await calledFrom : undefined;
  return { vantage: vantage ?? 'here', transport, port, answered, egress: from };
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
  readonly vantage: string | undefined;
  readonly request: Uint8Array;
  readonly skipBytes: number;
}

async function askTcp(
  question: Question,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const { ip, port, vantage, request, skipBytes } = question;
  const socket = connect({ host: ip, port, ...(vantage === undefined ? {} : { localAddress: vantage }) });
  socket.on('error', () => socket.destroy());
  socket.write(request);
  const bytes = await readAll({ socket, length: skipBytes + ANSWER_BYTES }, clock, signal);
  socket.destroy();
  return bytes?.subarray(skipBytes);
}

async function askUdp(
  question: Question,
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const { ip, port, vantage, request } = question;
  const socket: UdpSocket = createSocket(isIPv6(ip) ? 'udp6' : 'udp4');
  const done = childOf(signal);
  try {
    return await new Promise<Uint8Array | undefined>((resolve) => {
      socket.on('error', () => resolve(undefined));
      // only from where it was asked: anybody can send datagrams
      socket.on('message', (bytes, from) => {
        if (from.address === ip && from.port === port) resolve(bytes);
      });
      socket.bind(0, vantage, () => socket.send(request, port, ip));
      void clock.sleep(ECHO_LIMITS.waitMs, done.signal).then(() => resolve(undefined));
    });
  } finally {
    done.abort();
    socket.close();
  }
}

/** The first `length` bytes of a connection, `first` included, or undefined when they do not come in time. */
function readAll(
  { socket, length, first = new Uint8Array(0) }: { socket: Socket; length: number; first?: Uint8Array },
  clock: Clock,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const out = new Uint8Array(length);
    out.set(first);
    let filled = first.length;
    const done = childOf(signal);
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
    if (socket.destroyed) finish(undefined);
    else socket.resume(); // whoever read the first bytes may have done so by hand
    void clock.sleep(ECHO_LIMITS.waitMs, done.signal).then(() => finish(undefined));
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
