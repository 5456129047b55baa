// Owns: links that need no network: hosts on one fluid network under any clock, and a host whose sources are all honest and
// instantaneous. Does not own: real sockets (compute/tcp).
import type {
  Link,
  LinkOffer,
  PullEnd,
  PullTicket,
  Segment,
  ServeShape,
  ServeTicket,
  StreamShape,
} from '../../compute/link.js';
import {
  type Content,
  contentOf,
  digestLeaves,
  LEAF_BYTES,
  segmentMessage,
  segmentTree,
} from '../../compute/spec/link.js';
import { toHex, utf8 } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import { type Ed25519Key, ed25519FromSeed, ed25519Verifier } from '../../model/ed25519.js';
import { sha256 } from '../../model/hash.js';
import { HASH_BYTES } from '../../model/merkle.js';

/** What several hosts share: an uplink, a switch. */
export interface Pipe {
  readonly bytesPerS: number;
}

export interface HostLink {
  readonly address: string;
  readonly upBytesPerS: number;
  readonly downBytesPerS: number;
  /** one way to the middle of the network. @default 0 */
  readonly latencyMs?: number;
  /** share of packets lost on the way to it: bounds each stream by its round trip (Mathis et al. 1997). @default 0 */
  readonly loss?: number;
  /** other pipes that all its traffic goes through, each way */
  readonly upThrough?: readonly Pipe[];
  readonly downThrough?: readonly Pipe[];
  /** what it sends instead of a segment's content; signed as if it were. @default the content */
  readonly corrupt?: (content: Uint8Array, segment: number) => Uint8Array;
}

export interface VirtualNetwork {
  /** A host and its link; the port counts up from 40000. */
  host(host: HostLink): Link;
}

interface Flow {
  readonly pipes: readonly Pipe[];
  readonly maxBytesPerS: number;
  readonly segmentBytes: number;
  /** bytes until the next segment is whole */
  left: number;
  rate: number;
  /** a segment is whole: false when it was the last */
  onSegment(): boolean;
}

const MSS_BYTES = 1460;
/** As long as a real port waits for its own Go (compute/tcp/link.ts). */
const TICKET_WAIT_MS = 2000;

/**
 * Streams share pipes max-min fairly, as long-lived TCP streams of like round trips do. Nothing happens between changes: time leaps
 * from one whole segment to the next.
 */
export function createVirtualNetwork(parts: { clock: Clock }): VirtualNetwork {
  const { clock } = parts;
  const servers = new Map<string, Server>();
  const flows = new Set<Flow>();
  let advancedTo = clock.monotonic();
  let timer = new AbortController();
  let port = 40_000;

  interface Host extends HostLink {
    readonly key: Ed25519Key;
    readonly up: Pipe;
    readonly down: Pipe;
  }

  interface Server {
    readonly serving: Map<string, Serving>;
    readonly host: Host;
    /** who dialled before the host was told of the ticket: its own Go may be behind */
    readonly waiting: Set<() => void>;
  }

  /** The ticket, once the server has been told of it, as a real port waits; undefined when time is up first. */
  async function ticketAt(server: Server, id: string, timeUp: Promise<void>): Promise<Serving | undefined> {
    const patience = new AbortController();
    let isOver = false;
    const over = Promise.race([timeUp, clock.sleep(TICKET_WAIT_MS, patience.signal)]).then(() => {
      isOver = true;
    });
    while (!server.serving.has(id) && !isOver) {
      let wake = () => {};
      const told = new Promise<void>((resolve) => {
        wake = resolve;
      });
      server.waiting.add(wake);
      await Promise.race([told, over]);
      server.waiting.delete(wake);
    }
    patience.abort();
    return server.serving.get(id);
  }

  /** Brings every flow to now, hands out what became whole, and sleeps until the next does. */
  function advance(): void {
    const now = clock.monotonic();
    const seconds = (now - advancedTo) / 1000;
    advancedTo = now;
    for (const flow of flows) {
      flow.left -= flow.rate * seconds;
      while (flow.left <= 1e-6 && flows.has(flow)) {
        flow.left += flow.segmentBytes;
        if (!flow.onSegment()) flows.delete(flow);
      }
    }
    shareFairly([...flows]);
    timer.abort();
    const next = Math.min(...[...flows].map(({ left, rate }) => (left / rate) * 1000));
    if (!Number.isFinite(next)) return;
    timer = new AbortController();
    const { signal } = timer;
    void clock.sleep(next, signal).then(() => {
      if (!signal.aborted) advance();
    });
  }

  async function pull(
    own: Host,
    ticket: PullTicket,
    shape: StreamShape,
    pace: { leftMs(): number },
    onSegment: (segment: Segment) => Promise<void> | undefined,
    signal: AbortSignal,
  ): Promise<PullEnd> {
    const server = servers.get(`${ticket.host}:${ticket.port}`);
    if (!server) return 'unreachable';
    const { host } = server;
    const roundTripMs = 2 * ((own.latencyMs ?? 0) + (host.latencyMs ?? 0));
    const over = new AbortController();
    const ends = AbortSignal.any([signal, over.signal]);
    const left = pace.leftMs();
    const timeUp = new Promise<void>((resolve) => {
      ends.addEventListener('abort', () => resolve(), { once: true });
      if (Number.isFinite(left)) void clock.sleep(left, ends).then(() => resolve());
    });
    // a connection, the source's nonce, our hello, its first byte
    await Promise.race([clock.sleep(2 * roundTripMs, ends), timeUp]);
    if (signal.aborted || pace.leftMs() <= 0) return 'over';
    const serving = await ticketAt(server, toHex(ticket.ticket), timeUp);
    const known = serving && !serving.used && clock.monotonic() < serving.until;
    if (!known || toHex(serving.pass) !== toHex(ticket.pass)) return 'refused';
    serving.used = true;
    const source = createSource(host, serving);
    const isSigned = ed25519Verifier(ticket.linkKey);
    const lost = 1 - (1 - (own.loss ?? 0)) * (1 - (host.loss ?? 0));
    const mathis =
      lost === 0 ? Number.POSITIVE_INFINITY : (1.22 * MSS_BYTES * 1000) / (roundTripMs * Math.sqrt(lost));
    const segmentBytes = shape.segmentLeaves * LEAF_BYTES;
    let count = 0;
    let end: PullEnd | undefined;
    let finish: () => void = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const flow: Flow = {
      pipes: [host.up, ...(host.upThrough ?? []), ...(own.downThrough ?? []), own.down],
      maxBytesPerS: Math.min(serving.shape.capBytesPerS, mathis),
      segmentBytes,
      left: segmentBytes,
      rate: 0,
      onSegment() {
        const segment = source(count);
        const root = segmentTree(segment.digests).root;
        if (!isSigned(segmentMessage(ticket.ticket, count, root), segment.signature)) end = 'bad-signature';
        else {
          count++;
          const wait = onSegment(segment);
          if (wait) hold(wait);
          if (count >= shape.maxSegments) end = 'complete';
          else if (count >= serving.shape.maxSegments || clock.monotonic() >= serving.until) end = 'ended';
        }
        if (end) finish();
        return end === undefined;
      },
    };
    /** Not read for a while: others have its share. */
    const hold = (wait: Promise<void>): void => {
      flows.delete(flow);
      void wait.then(() => {
        if (end || over.signal.aborted) return;
        advance();
        flows.add(flow);
        advance();
      });
    };
    advance();
    flows.add(flow);
    advance();
    await Promise.race([finished, timeUp]);
    end ??= 'over';
    over.abort();
    advance();
    if (flows.delete(flow)) advance();
    return end;
  }

  return {
    host(options) {
      const own: Host = {
        ...options,
        key: linkKeyOf(`${options.address}:${port}`),
        up: { bytesPerS: options.upBytesPerS },
        down: { bytesPerS: options.downBytesPerS },
      };
      const offer: LinkOffer = { port: port++, linkKey: own.key.publicKey };
      const serving = new Map<string, Serving>();
      const server: Server = { serving, host: own, waiting: new Set() };
      servers.set(`${own.address}:${offer.port}`, server);
      return {
        name: 'virtual',
        offer,
        serve(tickets, shape, signal) {
          const until = clock.monotonic() + shape.forMs;
          for (const ticket of tickets) {
            const id = toHex(ticket.ticket);
            if (!serving.has(id)) serving.set(id, { ...ticket, shape, until, used: false });
          }
          for (const wake of [...server.waiting]) wake();
          const forget = () => {
            for (const { ticket } of tickets) serving.delete(toHex(ticket));
          };
          signal.addEventListener('abort', forget, { once: true });
        },
        pull: (ticket, shape, pace, onSegment, signal) => pull(own, ticket, shape, pace, onSegment, signal),
      };
    },
  };
}

interface Serving extends ServeTicket {
  readonly shape: ServeShape;
  readonly until: number;
  used: boolean;
}

/** The segments of a ticket, to be asked for in order. */
function createSource(
  host: { key: Ed25519Key; corrupt?: HostLink['corrupt'] },
  { ticket, key, shape }: Pick<Serving, 'ticket' | 'key'> & { shape: StreamShape },
): (segment: number) => Segment {
  const content: Content = contentOf(key);
  return (segment) => {
    const bytes = content.next(shape.segmentLeaves * LEAF_BYTES);
    const sent = host.corrupt?.(bytes, segment) ?? bytes;
    const digests = new Uint8Array(shape.segmentLeaves * HASH_BYTES);
    digestLeaves(sent, digests);
    const { root } = segmentTree(digests);
    return { digests, signature: host.key.sign(segmentMessage(ticket, segment, root)) };
  };
}

/** A key that only simulations have. */
const linkKeyOf = (name: string): Ed25519Key =>
  ed25519FromSeed(sha256(utf8('assay/virtual-link/1'), utf8(name)));

/** Max-min fair shares (Bertsekas and Gallager 1992, 6.5.2): raise all rates alike, and freeze those whose pipe or cap is full. */
function shareFairly(flows: readonly Flow[]): void {
  const open = new Set(flows);
  for (const flow of flows) flow.rate = 0;
  const room = new Map<Pipe, number>();
  for (const { pipes } of flows) for (const pipe of pipes) room.set(pipe, pipe.bytesPerS);
  while (open.size > 0) {
    const users = new Map<Pipe, number>();
    for (const { pipes } of open) for (const pipe of pipes) users.set(pipe, (users.get(pipe) ?? 0) + 1);
    let step = Number.POSITIVE_INFINITY;
    for (const [pipe, count] of users) step = Math.min(step, room.get(pipe)! / count);
    for (const flow of open) step = Math.min(step, flow.maxBytesPerS - flow.rate);
    for (const flow of open) {
      flow.rate += step;
      for (const pipe of flow.pipes) room.set(pipe, room.get(pipe)! - step);
    }
    const before = open.size;
    for (const flow of open) {
      const full = flow.pipes.some((pipe) => room.get(pipe)! <= 1e-9 * pipe.bytesPerS);
      if (full || flow.rate >= flow.maxBytesPerS * (1 - 1e-12)) open.delete(flow);
    }
    if (open.size === before) return; // rounding left a sliver: shares are as fair as doubles are
  }
}

/** What conformance gives a host: all tickets of a brief, served at once by sources of their own. */
export interface InstantLink extends Link {
  /** what an accomplice would tell: the content's key of a ticket, and its signer */
  reveal(ticket: Uint8Array): { readonly key: Uint8Array; readonly signer: Ed25519Key } | undefined;
}

interface InstantTicket {
  readonly ticket: Uint8Array;
  readonly key: Uint8Array;
  readonly signer: Ed25519Key;
  /** as of a host */
  readonly corrupt?: HostLink['corrupt'];
}

/** @param tickets key and signer of each ticket that can be pulled */
export function createInstantLink(tickets: readonly InstantTicket[]): InstantLink {
  const byTicket = new Map(tickets.map((each) => [toHex(each.ticket), each]));
  return {
    name: 'instant',
    offer: { port: 40_000, linkKey: linkKeyOf('instant').publicKey },
    reveal: (ticket) => byTicket.get(toHex(ticket)),
    serve() {},
    async pull({ ticket }, shape, _pace, onSegment, signal) {
      const known = byTicket.get(toHex(ticket));
      if (!known) return 'refused';
      const { signer: signingKey, corrupt } = known;
      const host = { key: signingKey, ...(corrupt ? { corrupt } : {}) };
      const source = createSource(host, { ...known, shape });
      for (let segment = 0; segment < shape.maxSegments; segment++) {
        await Promise.resolve(); // others pull as well, and whoever aborts must get a word in
        if (signal.aborted) return 'over';
        await onSegment(source(segment));
      }
      return 'complete';
    },
  };
}
