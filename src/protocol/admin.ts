// Owns: gRPC health on an address of its own; it has no room for an envelope, so it never meets the public port.
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { assertPlaintextAllowed } from './address.js';
import { unreachable } from './errors.js';
import { MinerService } from './gen/assay/v1/miner_pb.js';
import type { Address } from './wire.js';

export interface Admin extends Address {
  /** what health answers from now on, for the server and for the miner's service. Starts as serving. */
  setServing(serving: boolean): void;
  readonly closed: Promise<void>;
}

export interface AdminOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** 0 picks a free one */
  readonly port: number;
}

/** @throws AssayError `insecure-address`, `unreachable` when the address cannot be bound */
export async function serveAdmin(options: AdminOptions, signal: AbortSignal): Promise<Admin> {
  const { host = '127.0.0.1' } = options;
  assertPlaintextAllowed(host);
  const health = new HealthImplementation();
  const setServing = (serving: boolean) => {
    for (const service of ['', MinerService.typeName])
      health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING');
  };
  setServing(true);
  const server = new Server({
    'grpc.max_receive_message_length': 4096,
    'grpc.max_concurrent_streams': 16,
    'grpc.max_connection_idle_ms': 60_000,
  });
  health.addToServer(server);
  const target = `${host.includes(':') ? `[${host}]` : host}:${options.port}`;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(target, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(unreachable(target, error));
      else resolve(bound);
    });
  });
  const closed = new Promise<void>((resolve) => {
    const stop = () => {
      setServing(false);
      server.tryShutdown(() => resolve());
      server.forceShutdown();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  return { host, port, setServing, closed };
}
