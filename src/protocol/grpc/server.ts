// Owns: the listening end over grpc-js: its calls as a handler sees them, and patience with those who are slow.
// Does not own: how many may come, and who goes first (connections.ts).

import type { Socket } from 'node:net';
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
import { toTraceparent } from '../../model/trace.js';
import { decodeSigned, encodeSigned } from '../codec.js';
import { limitExceeded, peerEnded, timedOut, unreachable } from '../errors.js';
import { MinerService } from '../gen/assay/v1/miner_pb.js';
import type { Limits } from '../limits.js';
import type { ListenAddress, Origin, WireHandlers, WireListener } from '../wire.js';
import { type Call, Connections } from './connections.js';
import { type Bytes, PUBLIC_SERVICES, toDefinition } from './service.js';
import { toGrpcStatus } from './status.js';
import { GrpcStream } from './stream.js';
import { acceptTls } from './tls.js';

export async function listenGrpc(
  address: ListenAddress,
  handlers: WireHandlers,
  limits: Limits,
  monotonic: () => number,
): Promise<WireListener> {
  const connections = new Connections(limits, monotonic);
  const places = new WeakMap<Metadata, Call>();
  const streams = new Set<GrpcStream>();
  const serving = new Set<Promise<void>>();
  const server = new Server({
    'grpc.max_receive_message_length': limits.requestBytes,
    'grpc.max_send_message_length': limits.responseBytes,
    // twice, since those that ended or were refused count until their peer closed them too
    'grpc.max_concurrent_streams': 2 * limits.streamsPerPeer,
    'grpc.keepalive_time_ms': limits.keepaliveMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.max_connection_idle_ms': limits.connectionIdleMs,
    'grpc.enable_channelz': 0,
    interceptors: [placeCalls(connections, places, limits)],
  });

  const describe: handleUnaryCall<Bytes, Uint8Array> = (call, callback) => {
    const origin = toOrigin(places.get(call.metadata));
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
      patience ??= setTimeout(() => connections.destroy(peer), limits.streamIdleMs).unref();
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
      .prove(stream, {
        ...toOrigin(places.get(call.metadata)),
        traceparent: toTraceparent(call.metadata.get('traceparent')[0]),
      })
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
  const inject = (socket: Socket) => injector.injectConnection(socket);
  const { identities = [] } = address;
  const tls = identities.length > 0 ? acceptTls(identities, inject) : undefined;
  const port = await connections.listen(address, tls?.accept ?? inject);

  return {
    host: address.host,
    port,
    rekey: (next) => tls?.rekey(next),
    async close() {
      const freed = connections.stop();
      for (const stream of [...streams]) stream.cancel(unreachable(`${address.host}:${port}`));
      await Promise.all(serving);
      server.forceShutdown();
      connections.destroyAll(limits.closeMs);
      await freed;
    },
  };
}

/** Gives every call of every method its place among the connections, and ends unary ones that bring no message. */
function placeCalls(
  connections: Connections,
  places: WeakMap<Metadata, Call>,
  limits: Limits,
): ServerInterceptor {
  return (method, intercepted) => {
    let patience: NodeJS.Timeout | undefined;
    let place: Call | undefined;
    const refuse = (error: unknown) => call.sendStatus(toGrpcStatus(error));
    const call: ServerInterceptingCall = new ServerInterceptingCall(intercepted, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            try {
              place = connections.begin(intercepted.getPeer(), refuse);
            } catch (error) {
              return refuse(error);
            }
            places.set(metadata, place);
            // a stream's first frame is waited for by its session; a unary call has nobody who waits
            if (!method.requestStream)
              patience = setTimeout(
                () => refuse(timedOut('first-frame', limits.firstFrameMs)),
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
            place?.end();
          },
        }),
    });
    return call;
  };
}

/** @param place found by the metadata object, the one thing of a call that interceptors and handlers both see */
function toOrigin(place: Call | undefined): Origin {
  if (!place) throw new TypeError('call: expected a place given by the interceptor, got none');
  return { address: place.network, channel: place.channel, admitted: place.admit };
}
