// Owns: the listening socket, what it accepted, and the calls on it: strangers in pools of their own, so that admitted peers never wait for them.
// Does not own: who is admitted (door.ts), what a call is (server.ts).
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { AssayError } from '../../model/errors.js';
import type { Hotkey } from '../../model/ids.js';
import { toNetwork } from '../address.js';
import { PLAINTEXT_CHANNEL } from '../certificate.js';
import { limitExceeded, unreachable } from '../errors.js';
import type { Limits } from '../limits.js';
import { Pool } from '../pool.js';
import { Buckets } from '../rate.js';
import type { Address } from '../wire.js';

/** A stranger's age is counted in turns of our own event loop: while it stands still, what a peer sent lies unread. */
const SWEEPS = 60;

/** Addresses whose rates are known at once; a flood from more forgets the longest unused. */
const NETWORKS = 4096;

/** A call of any method, from its headers to its end. */
export interface Call {
  /** what limits count as one place */
  readonly network: string;
  /** see Origin */
  readonly channel: Uint8Array;
  /** The call, its connection and everything else on it are the hotkey's from here on. @throws AssayError `limit-exceeded` */
  admit(hotkey: Hotkey): void;
  /** Its place is free again. */
  end(): void;
}

interface Connection {
  readonly socket: Socket;
  /** the TLS socket over it, once there is one */
  top: Socket;
  /** which of our keys it was made with; zeros on plaintext */
  channel: Uint8Array;
  /** `address:port`, as grpc-js names it too */
  readonly peer: string;
  readonly network: string;
  readonly calls: Set<Begun>;
  /** undefined while a stranger's */
  hotkey: Hotkey | undefined;
  /** calls begun by a stranger, ended or not: grpc-js cannot reset what was refused, so its memory goes with the connection */
  begun: number;
  sweeps: number;
  /** bytes that came over it as of the last sweep */
  heard: number;
}

export type Accept = (socket: Socket, secured: (top: Socket, channel: Uint8Array) => void) => void;

interface Begun {
  readonly connection: Connection;
  readonly refuse: (error: AssayError) => void;
}

/** grpc-js alone bounds neither connections nor calls, and cannot drop one connection. */
export class Connections {
  readonly #limits: Limits;
  readonly #monotonic: () => number;
  readonly #open = new Map<string, Connection>();
  /** by network */
  readonly #strangers: Pool<Connection>;
  readonly #strangerCalls: Pool<Begun>;
  /** by hotkey */
  readonly #peers: Pool<Connection>;
  readonly #peerCalls: Pool<Begun>;
  readonly #strangerConnectionRates: Buckets;
  readonly #strangerCallRates: Buckets;
  readonly #strangerByteRates: Buckets;
  #server: NetServer | undefined;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(limits: Limits, monotonic: () => number) {
    this.#limits = limits;
    this.#monotonic = monotonic;
    this.#strangerConnectionRates = new Buckets(limits.strangerConnectionsPerSecondPerAddress, NETWORKS);
    this.#strangerCallRates = new Buckets(limits.strangerCallsPerSecondPerAddress, NETWORKS);
    this.#strangerByteRates = new Buckets(limits.strangerBytesPerSecondPerAddress, NETWORKS);
    this.#strangers = new Pool(limits.strangerConnections, limits.strangerConnectionsPerAddress);
    this.#strangerCalls = new Pool(limits.strangerStreams, limits.strangerStreamsPerAddress);
    this.#peers = new Pool(limits.connections, limits.connectionsPerPeer);
    this.#peerCalls = new Pool(limits.streams, limits.streamsPerPeer);
  }

  /** @param accept may put TLS over the socket: then it says so, and with which key */
  listen(address: Address, accept: Accept): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket, accept));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(unreachable(`${address.host}:${address.port}`, error)));
      server.listen({ host: address.host, port: address.port }, () => {
        server.on('error', () => {}); // of one connection that the system would not give: nobody else's ends by it
        this.#sweeping = setInterval(() => this.#sweep(), this.#limits.strangerMs / SWEEPS).unref();
        const bound = server.address();
        resolve(typeof bound === 'object' && bound ? bound.port : address.port);
      });
    });
  }

  /** Resolves when the last connection is gone. */
  stop(): Promise<void> {
    clearInterval(this.#sweeping);
    return new Promise((resolve) => this.#server?.close(() => resolve()));
  }

  destroy(peer: string): void {
    this.#open.get(peer)?.socket.destroy();
  }

  /** Lets what was written leave first, but not for longer than `graceMs`. */
  destroyAll(graceMs: number): void {
    for (const { socket, top } of this.#open.values()) {
      top.end();
      const patience = setTimeout(() => socket.destroy(), graceMs).unref();
      socket.once('close', () => clearTimeout(patience));
    }
  }

  /**
   * @param refuse ends the call when its place is needed for another
   * @throws AssayError `limit-exceeded`, `unreachable` when its connection is gone
   */
  begin(peer: string, refuse: (error: AssayError) => void): Call {
    const connection = this.#open.get(peer);
    if (!connection) throw unreachable(peer);
    const { network, hotkey, channel } = connection;
    const begun: Begun = { connection, refuse };
    if (hotkey === undefined) this.#beginAsStranger(begun);
    else {
      this.#checkRoom(hotkey);
      this.#peerCalls.add(hotkey, begun);
    }
    connection.calls.add(begun);
    return {
      network,
      channel,
      admit: (hotkey) => this.#admit(begun, hotkey),
      end: () => this.#end(begun),
    };
  }

  #beginAsStranger(begun: Begun): void {
    const { connection } = begun;
    const { strangerStreamsPerAddress: each } = this.#limits;
    try {
      this.#strangerCallRates.take(connection.network, 'stranger-calls', this.#monotonic());
      if (++connection.begun > each) throw limitExceeded('stranger-streams', each, connection.begun);
    } catch (error) {
      this.#drop(connection); // no status: a flood must cost it more than us
      throw error;
    }
    const victim = this.#strangerCalls.victim(connection.network);
    if (victim) {
      this.#end(victim);
      victim.refuse(limitExceeded('stranger-streams', each, each + 1));
    }
    this.#strangerCalls.add(connection.network, begun);
  }

  /** @throws AssayError `limit-exceeded` */
  #checkRoom(hotkey: Hotkey): void {
    const { total, each, size } = this.#peerCalls;
    const own = this.#peerCalls.of(hotkey);
    if (own >= each) throw limitExceeded('streams-per-peer', each, own + 1);
    if (size >= total) throw limitExceeded('streams', total, size + 1);
  }

  #admit(begun: Begun, hotkey: Hotkey): void {
    const { connection } = begun;
    // a connection stays with the hotkey that it was first admitted for; and it may be gone by now
    if (connection.hotkey !== undefined || this.#open.get(connection.peer) !== connection) return;
    this.#checkRoom(hotkey);
    const victim = this.#peers.victim(hotkey);
    if (victim) this.#drop(victim);
    this.#strangers.delete(connection.network, connection);
    this.#peers.add(hotkey, connection);
    connection.hotkey = hotkey;
    const others = [...connection.calls].filter((call) => call !== begun);
    // unless it had to go while admission was asked, it comes first
    for (const call of connection.calls.has(begun) ? [begun, ...others] : others) {
      this.#strangerCalls.delete(connection.network, call);
      try {
        this.#checkRoom(hotkey);
        this.#peerCalls.add(hotkey, call);
      } catch (error) {
        connection.calls.delete(call);
        call.refuse(error as AssayError); // #checkRoom throws nothing else
      }
    }
  }

  #end(begun: Begun): void {
    const { connection } = begun;
    connection.calls.delete(begun);
    this.#strangerCalls.delete(connection.network, begun);
    if (connection.hotkey !== undefined) this.#peerCalls.delete(connection.hotkey, begun);
  }

  #accept(socket: Socket, accept: Accept): void {
    const from = socket.remoteAddress;
    if (from === undefined) {
      socket.destroy();
      return;
    }
    const network = toNetwork(from);
    try {
      this.#strangerConnectionRates.take(network, 'stranger-connections', this.#monotonic());
    } catch {
      socket.destroy(); // over its rate, and before an HTTP/2 session cost us anything
      return;
    }
    const victim = this.#strangers.victim(network);
    if (victim) this.#drop(victim);
    const connection: Connection = {
      socket,
      top: socket,
      channel: PLAINTEXT_CHANNEL,
      peer: `${from}:${socket.remotePort}`,
      network,
      calls: new Set(),
      hotkey: undefined,
      begun: 0,
      sweeps: 0,
      heard: 0,
    };
    this.#open.set(connection.peer, connection);
    this.#strangers.add(network, connection);
    socket.once('close', () => this.#forget(connection));
    accept(socket, (top, channel) => {
      connection.top = top;
      connection.channel = channel;
    });
  }

  #sweep(): void {
    const now = this.#monotonic();
    for (const connection of [...this.#strangers]) {
      // counted by the system: what HTTP/2 answers by itself is seen by nobody else here
      const heard = connection.socket.bytesRead;
      const more = heard - connection.heard;
      connection.heard = heard;
      try {
        this.#strangerByteRates.take(connection.network, 'stranger-bytes', now, more);
        if (++connection.sweeps > SWEEPS) this.#drop(connection);
      } catch {
        this.#drop(connection);
      }
    }
  }

  #drop(connection: Connection): void {
    this.#forget(connection);
    connection.socket.destroy();
  }

  #forget(connection: Connection): void {
    for (const call of connection.calls) this.#end(call);
    this.#strangers.delete(connection.network, connection);
    if (connection.hotkey !== undefined) this.#peers.delete(connection.hotkey, connection);
    if (this.#open.get(connection.peer) === connection) this.#open.delete(connection.peer);
  }
}
