// Owns: the dialling end over grpc-js: one connection a channel, deadlines, keepalive, bounded reading.
import { isIPv4, isIPv6 } from 'node:net';
import { type ChannelCredentials, Client, credentials, InterceptingCall, Metadata } from '@grpc/grpc-js';
import type { AssayError } from '../../model/errors.js';
import { decodeSigned, encodeSigned } from '../codec.js';
import { cancelled, limitExceeded, peerEnded, timedOut, unreachable } from '../errors.js';
import { MinerService } from '../gen/assay/v1/miner_pb.js';
import type { Limits } from '../limits.js';
import { assertPinned, type ServerKey, serverName, trustAnchorPem } from '../server-key.js';
import type { Address, DialAddress, WireChannel, WireStream } from '../wire.js';
import { toDefinition } from './service.js';
import { fromGrpcStatus } from './status.js';
import { GrpcStream } from './stream.js';

/** What one stream may have in flight before its sender waits: an opening piece or two, whatever the round trip. */
const WINDOW_BYTES = 1024 * 1024;

export function connectGrpc(address: DialAddress, limits: Limits, monotonic: () => number): WireChannel {
  const name = `${address.host}:${address.port}`;
  const { serverKey } = address;
  const client = new Client(toTarget(address), serverKey ? pinned(serverKey) : credentials.createInsecure(), {
    ...(serverKey ? { 'grpc.ssl_target_name_override': serverName(serverKey) } : {}),
    'grpc.max_receive_message_length': limits.responseBytes,
    'grpc.max_send_message_length': limits.requestBytes,
    'grpc.keepalive_time_ms': limits.keepaliveMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    'grpc.client_idle_timeout_ms': limits.connectionIdleMs,
    'grpc.initial_reconnect_backoff_ms': Math.min(200, limits.reconnectMs),
    'grpc.max_reconnect_backoff_ms': limits.reconnectMs,
    'grpc-node.flow_control_window': WINDOW_BYTES,
    'grpc.enable_retries': 0, // a call is signed for one attempt
    // grpc-js reports a write as done once it is in this buffer, connected or not (retrying-call.ts, also with retries off): without it
    // `flushMs` would measure nothing, and nothing would push back
    'grpc.per_rpc_retry_buffer_size': 0,
    'grpc.enable_http_proxy': 0, // grpc-js would read http_proxy from the environment
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1, // no connection shared with another channel to the same address
    'grpc.enable_channelz': 0,
  });
  const describeMethod = toDefinition(MinerService.method.describe, monotonic);
  const proveMethod = toDefinition(MinerService.method.prove, monotonic);
  const open = new Set<(error: AssayError) => void>();
  let closed = false;

  return {
    describe(message, deadlineMs, signal) {
      return new Promise((resolve, reject) => {
        if (closed) throw unreachable(name);
        if (signal?.aborted) throw cancelled();
        const bytes = encodeSigned(message);
        if (bytes.length > limits.requestBytes)
          throw limitExceeded('message', limits.requestBytes, bytes.length);
        const call = client.makeUnaryRequest(
          describeMethod.path,
          describeMethod.requestSerialize,
          describeMethod.responseDeserialize,
          bytes,
          { deadline: Date.now() + deadlineMs }, // grpc counts in real time, whatever our clock
          (error, response) => {
            open.delete(abandon);
            signal?.removeEventListener('abort', onAbort);
            if (error?.code === 4 && error.metadata.get('assay-reason').length === 0)
              return reject(timedOut('describe', deadlineMs)); // our own deadline
            if (error) return reject(fromGrpcStatus(error, name, 'describe'));
            if (!response) return reject(peerEnded('describe'));
            try {
              resolve({ message: decodeSigned(response.bytes), at: response.at });
            } catch (bad) {
              reject(bad);
            }
          },
        );
        const abandon = (error: AssayError) => {
          reject(error);
          call.cancel();
        };
        const onAbort = () => abandon(cancelled());
        open.add(abandon);
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    },

    prove(traceparent) {
      if (closed) return brokenStream(unreachable(name)); // grpc-js would throw here, where a channel never fails
      let gate: Gate | undefined;
      const metadata = new Metadata();
      if (traceparent !== undefined) metadata.set('traceparent', traceparent);
      const call = client.makeBidiStreamRequest(
        proveMethod.path,
        proveMethod.requestSerialize,
        proveMethod.responseDeserialize,
        metadata,
        {
          interceptors: [
            (options, next) => {
              gate = new Gate(next(options));
              return gate;
            },
          ],
        },
      );
      const stream = new GrpcStream({
        call,
        maxSendBytes: limits.requestBytes,
        unreadMessages: limits.unreadMessages,
        pause: () => gate?.shut(),
        resume: () => gate?.open(),
        abort: () => call.cancel(),
      });
      const abandon = (error: AssayError) => stream.cancel(error);
      // 'status' comes once and last, after every message; 'error' says the same before it, and must have a listener
      call.on('error', () => {});
      call.on('status', (status) => {
        open.delete(abandon);
        if (status.code === 0) {
          stream.ended();
          stream.finish(peerEnded('prove'));
        } else stream.finish(fromGrpcStatus(status, name, 'prove'));
      });
      open.add(abandon);
      return stream;
    },

    close() {
      closed = true;
      for (const abandon of [...open]) abandon(unreachable(name));
      client.close();
    },
  };
}

/** One that never was: its calls say why. */
const brokenStream = (error: AssayError): WireStream => ({
  send: () => Promise.reject(error),
  receive: () => Promise.reject(error),
  end: () => {},
  cancel: () => {},
  closed: Promise.resolve(),
});

/**
 * The key is the only root, so the usual verification refuses every other: a check of ours alone would not do, since with
 * verification off Node never calls it. It is made all the same, as a second lock.
 */
function pinned(serverKey: ServerKey): ChannelCredentials {
  const anchor = Buffer.from(trustAnchorPem(serverKey));
  return credentials.createSsl(anchor, null, null, {
    checkServerIdentity: (_name, { raw }) => {
      try {
        assertPinned(raw, serverKey);
        return undefined;
      } catch (error) {
        return error as Error; // an AssayError
      }
    },
  });
}

/** Withholds reads: grpc-js' own streams read 16 messages ahead, which from many hostile peers is gigabytes. */
class Gate extends InterceptingCall {
  #shut = false;
  #wanted = false;

  shut(): void {
    this.#shut = true;
  }

  open(): void {
    this.#shut = false;
    if (!this.#wanted) return;
    this.#wanted = false;
    super.startRead();
  }

  override startRead(): void {
    if (this.#shut) this.#wanted = true;
    else super.startRead();
  }
}

function toTarget({ host, port }: Address): string {
  if (isIPv4(host)) return `ipv4:${host}:${port}`;
  if (isIPv6(host)) return `ipv6:[${host}]:${port}`;
  return `dns:${host}:${port}`;
}
