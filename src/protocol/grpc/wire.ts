// Owns: the gRPC transport of the seam in ../wire.ts. Its keepalive and deadlines run on real timers.
import type { Clock } from '../../model/clock.js';
import { type Limits, toLimits } from '../limits.js';
import type { Wire } from '../wire.js';
import { connectGrpc } from './client.js';
import { listenGrpc } from './server.js';

export interface GrpcWireOptions {
  /** stamps arrivals */
  readonly clock: Clock;
  /** @default limits.ts */
  readonly limits?: Partial<Limits>;
}

/** HTTP/2, over TLS with keys that the chain names, or in plaintext, which `dial` and `serve` keep on loopback. */
export function createGrpcWire(options: GrpcWireOptions): Wire {
  const limits = toLimits(options.limits);
  const monotonic = () => options.clock.monotonic();
  return {
    listen: (address, handlers) => listenGrpc(address, handlers, limits, monotonic),
    connect: (address) => connectGrpc(address, limits, monotonic),
  };
}
