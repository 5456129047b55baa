// Owns: a link over TCP: a port that serves tickets, and pulls. Does not own: what travels (../spec/link.ts), who meets whom.
//
// A port of its own, and no TLS: content is keyed, checked and worth nothing afterwards, so encrypting it again would measure
// ciphers; and a gigabyte through the port that carries sessions would hold up Commits (measured: npm run bench -- verification).
import { randomBytes } from 'node:crypto';
import { connect, createServer, isIP, type Server, type Socket } from 'node:net';
import { childOf } from '../../model/abort.js';
import { equals } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import type { Ed25519Key } from '../../model/ed25519.js';
import { ed25519Verifier } from '../../model/ed25519.js';
import { AssayError } from '../../model/errors.js';
import { HASH_BYTES } from '../../model/merkle.js';
import type { Link, PullEnd, PullTicket, Segment, ServeShape, ServeTicket, StreamShape } from '../link.js';
import { contentOf, digestLeaves, LEAF_BYTES, segmentMessage, segmentTree } from '../spec/link.js';
import { encodeHello, HELLO_BYTES, isHello, NONCE_BYTES, SegmentReader, ticketOf } from './frames.js';
import { createShaper, type Shaper } from './shaper.js';

/** Bounds of what strangers can make us hold; tickets bound the rest. */
export interface LinkLimits {
  /** Connections that have shown no ticket yet; for one more, the oldest goes. */
  readonly strangers: number;
  /** The same from one address: receivers of one round that share one, and half-open ones. */
  readonly strangersPerAddress: number;
  /** From accepting to a good hello. A ticket that we have not been told of is waited for as long: our own Go may be behind. */
  readonly helloMs: number;
  /** From dialling to the source's nonce; then it is dialled again. */
  readonly connectMs: number;
  /** The pause before dialling a source again that could not be reached. */
  readonly retryMs: number;
}

export const DEFAULT_LINK_LIMITS: LinkLimits = {
  strangers: 256,
  strangersPerAddress: 32,
  helloMs: 2_000,
  connectMs: 1_000,
  retryMs: 50,
};

/** Serves something else at the same port: what it takes for itself, by the first bytes. */
export interface LinkGuest {
  /** shorter than a hello, and what no ticket begins with */
  readonly prefix: Uint8Array;
  /** Resolves when the connection is done with; it is within `helloMs`. @param first the bytes that were read, `prefix` included */
  take(socket: Socket, first: Uint8Array): Promise<void>;
}

export interface TcpLinkParts {
  readonly clock: Clock;
  /** signs our segments */
  readonly key: Ed25519Key;
  /** @default none */
  readonly guest?: LinkGuest;
}

export interface TcpLinkOptions {
  readonly host: string;
  /** 0 picks a free one */
  readonly port: number;
  /** address that we dial from. @default the system's choice */
  readonly localAddress?: string;
  /** Whether an address that others told us of may be dialled: a source that it may not is unreachable. @default any */
  readonly mayDial?: (host: string) => boolean;
  /** what this host gives all its tickets together, and takes. @default no bound */
  readonly upBytesPerS?: number;
  readonly downBytesPerS?: number;
  /** @default DEFAULT_LINK_LIMITS */
  readonly limits?: Partial<LinkLimits>;
}

export interface TcpLink extends Link {
  /** resolves once the signal aborted and nothing is left */
  readonly closed: Promise<void>;
}

/** What is made and digested at once: large enough to amortise a call, small enough to share a thread. */
const CHUNK_BYTES = 1 << 18;

/**
 * Segments that a receiver asks for before they come, one byte for each more: some 300 ms at a source's share of the rate, longer than
 * any round trip. Asking keeps the receiver in charge of who sends: a stream that it merely stops reading goes on filling
 * the system's buffers, at the expense of the others and for nothing (measured: three quarters of a round on slow links).
 */
const ASKED_AHEAD = 8;
const ONE_MORE = Uint8Array.of(1);

interface Serving extends ServeTicket {
  readonly shape: ServeShape;
  /** monotonic ms */
  readonly until: number;
  readonly signal: AbortSignal;
  used: boolean;
}

/** Listens until aborted. @throws AssayError `unreachable` when the port cannot be bound */
export async function openTcpLink(
  parts: TcpLinkParts,
  options: TcpLinkOptions,
  signal: AbortSignal,
): Promise<TcpLink> {
  const { clock, key } = parts;
  const limits: LinkLimits = { ...DEFAULT_LINK_LIMITS, ...options.limits };
  const tickets = new Map<string, Serving>();
  const waiting = new Map<string, Set<() => void>>();
  const strangers = new Set<Socket>();
  const sockets = new Set<Socket>();
  const up = createShaper(clock, options.upBytesPerS);
  const down = createShaper(clock, options.downBytesPerS);

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy()); // the receiver's affair
    void receive(socket).finally(() => socket.destroy());
  });
  await listen(server, options);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('link: expected a TCP address');
  const closed = new Promise<void>((resolve) => {
    server.on('close', resolve);
  });
  const stop = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });

  return {
    name: 'tcp',
    offer: { port: address.port, linkKey: key.publicKey },
    closed,

    serve(list, shape, until) {
      const over = clock.monotonic() + shape.forMs;
      for (const ticket of list) {
        const id = idOf(ticket.ticket);
        if (tickets.has(id)) continue; // used or not: a ticket is good for one stream
        tickets.set(id, { ...ticket, shape, until: over, signal: until, used: false });
        for (const wake of waiting.get(id) ?? []) wake();
      }
      const forget = () => {
        for (const { ticket } of list) tickets.delete(idOf(ticket));
      };
      const inner = AbortSignal.any([until, signal]);
      void clock.sleep(shape.forMs, inner).then(forget);
    },

    pull: (ticket, shape, pace, onSegment, until) =>
      pull(
        { clock, limits, down, options, sockets },
        ticket,
        shape,
        pace,
        onSegment,
        AbortSignal.any([until, signal]),
      ),
  };

  /** One connection from its first byte to its last. */
  async function receive(socket: Socket): Promise<void> {
    admit(socket);
    const nonce = Uint8Array.from(randomBytes(NONCE_BYTES));
    const timer = childOf(signal);
    void clock.sleep(limits.helloMs, timer.signal).then(() => {
      if (!timer.signal.aborted) socket.destroy();
    });
    try {
      socket.write(nonce);
      const hello = await readExactly(socket, HELLO_BYTES);
      if (!hello) return;
      const { guest } = parts;
      if (guest && equals(hello.subarray(0, guest.prefix.length), guest.prefix))
        return await guest.take(socket, hello);
      const serving = await ticketFor(ticketOf(hello), socket);
      if (!serving || serving.used || !isHello(hello, serving.pass, nonce)) return;
      serving.used = true;
      strangers.delete(socket);
      timer.abort();
      await stream(socket, serving);
    } finally {
      timer.abort();
      strangers.delete(socket);
    }
  }

  function admit(socket: Socket): void {
    const from = socket.remoteAddress;
    const same = [...strangers].filter((other) => other.remoteAddress === from);
    if (same.length >= limits.strangersPerAddress) same[0].destroy();
    else if (strangers.size >= limits.strangers)
      for (const oldest of [...strangers].slice(0, 1)) oldest.destroy();
    strangers.add(socket);
    socket.on('close', () => strangers.delete(socket));
  }

  /** The ticket, once we have been told of it; undefined when the connection ends first. */
  async function ticketFor(ticket: Uint8Array, socket: Socket): Promise<Serving | undefined> {
    const id = idOf(ticket);
    const known = tickets.get(id);
    if (known) return known;
    return new Promise((resolve) => {
      const wakers = waiting.get(id) ?? new Set();
      waiting.set(id, wakers);
      const wake = () => {
        wakers.delete(wake);
        if (wakers.size === 0) waiting.delete(id);
        socket.off('close', wake);
        resolve(tickets.get(id));
      };
      wakers.add(wake);
      socket.once('close', wake);
      if (socket.destroyed) wake();
    });
  }

  /** Content and signatures, no faster than the cap, and no further than the ticket or its time. */
  async function stream(socket: Socket, serving: Serving): Promise<void> {
    const { ticket, key: contentKey, shape, until } = serving;
    const inner = AbortSignal.any([serving.signal, signal]);
    const over = new AbortController();
    // also ends a stream whose receiver does not read: it holds one socket until then, and no memory but the socket's
    void clock
      .sleep(until - clock.monotonic(), AbortSignal.any([over.signal, inner]))
      .then(() => socket.destroy());
    const content = contentOf(contentKey);
    const cap = createShaper(clock, shape.capBytesPerS);
    const segmentBytes = shape.segmentLeaves * LEAF_BYTES;
    const digests = new Uint8Array(shape.segmentLeaves * HASH_BYTES);
    let asked = 0;
    let wake: () => void = () => {};
    socket.on('data', (bytes: Buffer) => {
      // whatever a receiver says, it gets its ticket's segments and no more
      for (const more of bytes) asked = Math.min(shape.maxSegments, asked + more);
      wake();
    });
    socket.once('close', () => wake());
    socket.resume();
    try {
      for (let segment = 0; segment < shape.maxSegments; segment++) {
        while (segment >= asked && !socket.destroyed)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        for (let at = 0; at < segmentBytes; ) {
          const bytes = Math.min(CHUNK_BYTES, segmentBytes - at);
          await cap.take(bytes, inner);
          await up.take(bytes, inner);
          if (socket.destroyed || inner.aborted) return;
          const chunk = content.next(bytes);
          digestLeaves(chunk, digests, (at / LEAF_BYTES) * HASH_BYTES);
          await write(socket, chunk);
          at += bytes;
        }
        await write(socket, key.sign(segmentMessage(ticket, segment, segmentTree(digests).root)));
      }
      // until the receiver has it all: whoever closes on what the other still says resets the connection, and that drops it
      if (!socket.destroyed)
        await new Promise<void>((resolve) => {
          socket.once('close', () => resolve());
          socket.end();
        });
    } finally {
      over.abort();
    }
  }
}

async function pull(
  context: {
    clock: Clock;
    limits: LinkLimits;
    down: Shaper;
    options: TcpLinkOptions;
    sockets: Set<Socket>;
  },
  ticket: PullTicket,
  shape: StreamShape,
  pace: { leftMs(): number },
  onSegment: (segment: Segment) => Promise<void> | undefined,
  signal: AbortSignal,
): Promise<PullEnd> {
  const { clock, limits } = context;
  if (isIP(ticket.host) === 0 || context.options.mayDial?.(ticket.host) === false) return 'unreachable';
  const done = new AbortController();
  const over = AbortSignal.any([signal, done.signal]);
  const left = pace.leftMs();
  const state = { count: 0, ended: undefined as PullEnd | undefined };
  const timeUp = Number.isFinite(left)
    ? clock.sleep(left, over).then((): PullEnd => {
        state.ended ??= 'over';
        return 'over';
      })
    : new Promise<PullEnd>((resolve) =>
        over.addEventListener('abort', () => resolve('over'), { once: true }),
      );
  try {
    for (;;) {
      const attempt = once(context, ticket, shape, state, onSegment, over);
      const end = await Promise.race([attempt, timeUp]);
      const again = end === 'unreachable' && Number.isFinite(left) && pace.leftMs() > 0;
      if (!again || signal.aborted) return end;
      await clock.sleep(limits.retryMs, over);
      if (signal.aborted || state.ended) return state.ended ?? 'over';
    }
  } finally {
    state.ended ??= 'over';
    done.abort();
  }
}

/** One connection. `state.ended` set from outside stops the count. */
async function once(
  context: Parameters<typeof pull>[0],
  ticket: PullTicket,
  shape: StreamShape,
  state: { count: number; ended: PullEnd | undefined },
  onSegment: (segment: Segment) => Promise<void> | undefined,
  signal: AbortSignal,
): Promise<PullEnd> {
  const { clock, limits, down, options, sockets } = context;
  const socket = connect({
    host: ticket.host,
    port: ticket.port,
    noDelay: true,
    ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
  });
  sockets.add(socket);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => socket.destroy());
  socket.once('close', () => sockets.delete(socket));
  const drop = () => socket.destroy();
  if (signal.aborted) drop();
  else signal.addEventListener('abort', drop, { once: true });
  const greeted = new AbortController();
  void clock.sleep(limits.connectMs, AbortSignal.any([greeted.signal, signal])).then(() => {
    if (!greeted.signal.aborted) drop();
  });
  try {
    const nonce = await readExactly(socket, NONCE_BYTES);
    greeted.abort();
    if (!nonce) return 'unreachable';
    socket.write(encodeHello(ticket.ticket, ticket.pass, nonce));
    socket.write(Uint8Array.of(Math.min(ASKED_AHEAD, shape.maxSegments)));
    const reader = new SegmentReader(shape.segmentLeaves);
    const isSigned = ed25519Verifier(ticket.linkKey);
    let end: PullEnd | undefined;
    const take = (digests: Uint8Array, signature: Uint8Array): boolean => {
      if (state.ended) end = state.ended;
      else if (!isSigned(segmentMessage(ticket.ticket, state.count, segmentTree(digests).root), signature))
        end = 'bad-signature';
      else {
        state.count++;
        void Promise.resolve(onSegment({ digests, signature })).then(() => {
          if (socket.writable) socket.write(ONE_MORE);
        });
        if (state.count >= shape.maxSegments) end = 'complete';
      }
      return end === undefined;
    };
    let received = false;
    socket.on('data', (chunk: Buffer) => {
      received = true;
      if (!reader.take(chunk, take)) socket.destroy();
      else if (down.isBounded) {
        socket.pause();
        void down.take(chunk.length, signal).then(() => socket.resume());
      }
    });
    socket.resume(); // it was read by hand until here
    await closed;
    return end ?? (received ? 'ended' : 'refused');
  } finally {
    greeted.abort();
    signal.removeEventListener('abort', drop);
    socket.destroy();
  }
}

/** The first `length` bytes, or undefined when the connection ends before; what follows stays in the socket. */
function readExactly(socket: Socket, length: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const finish = (bytes: Uint8Array | undefined) => {
      socket.off('readable', onReadable);
      socket.off('close', onEnd);
      socket.off('end', onEnd);
      resolve(bytes);
    };
    const onReadable = () => {
      const bytes = socket.read(length) as Buffer | null;
      if (bytes?.length === length) finish(Uint8Array.from(bytes));
      else if (bytes) finish(undefined); // it ended with fewer
    };
    const onEnd = () => finish(undefined);
    socket.on('readable', onReadable);
    socket.once('end', onEnd);
    socket.once('close', onEnd);
    if (socket.destroyed) onEnd();
    else onReadable();
  });
}

/** Resolves when there is room for more, or the socket is gone: at most one chunk waits beyond the socket's own buffer. */
function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (socket.destroyed || socket.write(bytes)) return Promise.resolve();
  return new Promise((resolve) => {
    const go = () => {
      socket.off('drain', go);
      socket.off('close', go);
      resolve();
    };
    socket.once('drain', go);
    socket.once('close', go);
  });
}

function listen(server: Server, { host, port }: TcpLinkOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const address = `${host}:${port}`;
      reject(new AssayError('unreachable', `link: cannot listen on ${address}`, { address }, { cause }));
    });
    server.listen(port, host, () => {
      server.on('error', () => {}); // of one connection that the system would not give: nobody else's ends by it
      resolve();
    });
  });
}

const idOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
