// Owns: the listening end over grpc-js, and the bounds it needs before anybody is known: connections, streams, patience.
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { decodeSigned, encodeSigned } from '../codec.js';
import { limitExceeded, peerEnded, timedOut, unreachable } from '../errors.js';
import { MinerService } from '../gen/assay/v1/miner_pb.js';
import type { Limits } from '../limits.js';
import type { Address, Origin, WireHandlers, WireListener } from '../wire.js';
import { type Bytes, PUBLIC_SERVICES, toDefinition } from './service.js';
import { toGrpcStatus } from './status.js';
import { GrpcStream } from './stream.js';

export async function listenGrpc(
  address: Address,
  handlers: WireHandlers,
  limits: Limits,
  monotonic: () => number,
): Promise<WireListener> {
  const sockets = new Sockets(limits);
  const streams = new Set<GrpcStream>();
  const serving = new Set<Promise<void>>();
  const server = new Server({
    'grpc.max_receive_message_length': limits.requestBytes,
    'grpc.max_send_message_length': limits.responseBytes,
    'grpc.max_concurrent_streams': limits.streamsPerAddress,
    'grpc.keepalive_time_ms': limits.keepaliveMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.max_connection_idle_ms': limits.connectionIdleMs,
    'grpc.enable_channelz': 0,
    interceptors: [boundStreams(limits)],
  });

  const describe: handleUnaryCall<Bytes, Uint8Array> = (call, callback) => {
    const origin = toOrigin(call.getPeer());
    const answer = async (): Promise<Uint8Array> => {
      const message = decodeSigned(call.request.bytes);
      const bytes = encodeSigned(await handlers.describe({ message, at: call.request.at }, origin));
      if (bytes.length > limits.responseBytes)
        throw limitExceeded('message', limits.responseBytes, bytes.length);
      return bytes;
    };
    answer().then(
      (bytes) => callback(null, bytes),
      (error: unknown) => callback(toGrpcStatus(error)),
    );
  };

  const prove: handleBidiStreamingCall<Bytes, Uint8Array> = (call) => {
    const peer = call.getPeer();
    let patience: NodeJS.Timeout | undefined;
    // a peer that does not read keeps a stream open for ever, and grpc-js cannot reset one: its connection goes instead
    const giveUpLater = () => {
      patience ??= setTimeout(() => sockets.destroy(peer), limits.streamIdleMs).unref();
    };
    const stream = new GrpcStream({
      call,
      maxSendBytes: limits.responseBytes,
      unreadMessages: limits.unreadMessages,
      pause: () => call.pause(),
      resume: () => call.resume(),
      abort: (error) => {
        call.emit('error', toGrpcStatus(error)); // grpc-js ends the call with this status
        giveUpLater();
      },
    });
    streams.add(stream);
    call.on('error', () => {}); // ours above, or writes that failed: 'cancelled' follows
    call.on('end', () => {
      // Node ends the readable side of a reset stream before it says so; asking grpc-js for anything makes it look, and then
      // 'cancelled' comes first. Without this a broken connection would read as an end in good order.
      call.sendMetadata(new Metadata());
      setImmediate(() => stream.ended());
    });
    call.on('cancelled', () => {
      clearTimeout(patience);
      stream.finish(unreachable(peer));
    });
    const handling = handlers
      .prove(stream, toOrigin(peer))
      .then(
        () => {
          call.end();
          giveUpLater();
          stream.finish(peerEnded('prove'));
        },
        (error: unknown) => stream.cancel(error as never), // toGrpcStatus takes anything
      )
      .finally(() => {
        if (call.cancelled) clearTimeout(patience);
        streams.delete(stream);
        serving.delete(handling);
      });
    serving.add(handling);
  };

  const implementations: Record<string, UntypedServiceImplementation> = {
    [MinerService.typeName]: { describe, prove },
  };
  for (const service of PUBLIC_SERVICES) {
    const definition: Record<string, MethodDefinition<Uint8Array, Bytes>> = {};
    for (const method of service.methods) definition[method.localName] = toDefinition(method, monotonic);
    server.addService(definition, implementations[service.typeName]!);
  }

  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const port = await sockets.listen(address, (socket) => injector.injectConnection(socket));

  return {
    host: address.host,
    port,
    async close() {
      const freed = sockets.stop();
      for (const stream of [...streams]) stream.cancel(unreachable(`${address.host}:${port}`));
      await Promise.all(serving);
      server.forceShutdown();
      sockets.destroyAll(limits.closeMs);
      await freed;
    },
  };
}

/** The listening socket and what it accepted: grpc-js alone bounds neither, and cannot drop one connection. */
class Sockets {
  readonly #limits: Limits;
  readonly #open = new Map<string, Socket>();
  readonly #byAddress = new Map<string, number>();
  #server: NetServer | undefined;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  listen(address: Address, accept: (socket: Socket) => void): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket, accept));
    server.maxConnections = this.#limits.connections;
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(unreachable(`${address.host}:${address.port}`, error)));
      server.listen({ host: address.host, port: address.port }, () => {
        const bound = server.address();
        resolve(typeof bound === 'object' && bound ? bound.port : address.port);
      });
    });
  }

  /** Resolves when the last connection is gone. */
  stop(): Promise<void> {
    return new Promise((resolve) => this.#server?.close(() => resolve()));
  }

  destroy(peer: string): void {
    this.#open.get(peer)?.destroy();
  }

  /** Lets what was written leave first, but not for longer than `graceMs`. */
  destroyAll(graceMs: number): void {
    for (const socket of this.#open.values()) {
      socket.end();
      const patience = setTimeout(() => socket.destroy(), graceMs).unref();
      socket.once('close', () => clearTimeout(patience));
    }
  }

  #accept(socket: Socket, accept: (socket: Socket) => void): void {
    const from = socket.remoteAddress;
    const count = this.#byAddress.get(from ?? '') ?? 0;
    if (from === undefined || count >= this.#limits.connectionsPerAddress) {
      socket.destroy();
      return;
    }
    const peer = `${from}:${socket.remotePort}`;
    this.#byAddress.set(from, count + 1);
    this.#open.set(peer, socket);
    socket.once('close', () => {
      this.#open.delete(peer);
      const left = this.#byAddress.get(from)! - 1;
      if (left === 0) this.#byAddress.delete(from);
      else this.#byAddress.set(from, left);
    });
    accept(socket);
  }
}

/** Counts every stream of every method, and ends those that bring no message. */
function boundStreams(limits: Limits): ServerInterceptor {
  let total = 0;
  const byAddress = new Map<string, number>();

  return (method, call) => {
    const { address } = toOrigin(call.getPeer());
    let patience: NodeJS.Timeout | undefined;
    let counted = false;
    const guarded: ServerInterceptingCall = new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const here = byAddress.get(address) ?? 0;
            if (total >= limits.streams)
              return guarded.sendStatus(toGrpcStatus(limitExceeded('streams', limits.streams, total + 1)));
            if (here >= limits.streamsPerAddress)
              return guarded.sendStatus(
                toGrpcStatus(limitExceeded('streams-per-address', limits.streamsPerAddress, here + 1)),
              );
            counted = true;
            total++;
            byAddress.set(address, here + 1);
            // a stream's first frame is waited for by its session; a unary call has nobody who waits
            if (!method.requestStream)
              patience = setTimeout(
                () => guarded.sendStatus(toGrpcStatus(timedOut('first-frame', limits.firstFrameMs))),
                limits.firstFrameMs,
              ).unref();
            pass(metadata);
          },
          onReceiveHalfClose: (pass) => {
            clearTimeout(patience);
            pass();
          },
          onCancel: () => {
            clearTimeout(patience);
            if (counted) {
              counted = false;
              total--;
              const left = byAddress.get(address)! - 1;
              if (left === 0) byAddress.delete(address);
              else byAddress.set(address, left);
            }
          },
        }),
    });
    return guarded;
  };
}

/** grpc-js names a peer `address:port`, IPv6 without brackets. */
const toOrigin = (peer: string): Origin => ({ address: peer.slice(0, peer.lastIndexOf(':')) });
