import { createGrpcWire } from '../../../src/protocol/grpc/wire.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import { wireConformance } from '../../../src/testing/conformance/wire.js';

wireConformance('loopback', createLoopback);
wireConformance('grpc', createGrpcWire);
