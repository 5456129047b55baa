import { createGrpcWire, type GrpcWireOptions } from '../../../src/protocol/grpc/wire.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import { createServerIdentity } from '../../../src/protocol/server-key.js';
import type { Wire } from '../../../src/protocol/wire.js';
import { wireConformance } from '../../../src/testing/conformance/wire.js';

const identity = createServerIdentity(new Uint8Array(32).fill(7));

/** The same transport, every channel of it over TLS. */
function overTls(create: (options: GrpcWireOptions) => Wire): (options: GrpcWireOptions) => Wire {
  return (options) => {
    const wire = create(options);
    return {
      listen: (address, handlers) => wire.listen({ ...address, identities: [identity] }, handlers),
      connect: (address) => wire.connect({ ...address, serverKey: identity.serverKey }),
    };
  };
}

wireConformance('loopback', createLoopback);
wireConformance('loopback with a server key', overTls(createLoopback));
wireConformance('grpc', createGrpcWire);
wireConformance('grpc over TLS', overTls(createGrpcWire));
