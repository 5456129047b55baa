// Owns: the wire between validators and miners: signed calls and sessions, transports, limits, evidence of who said what.
// Does not own: what frames mean (validator, miner, verification), who is admitted (the chain), wallet files (keys).

export { isLoopback, isPublicAddress } from './address.js';
export { type Admin, type AdminOptions, serveAdmin } from './admin.js';
export { CERTIFICATE_BYTES, type Certificate, decodeCertificate } from './certificate.js';
export { dial } from './dial.js';
export { ECHO_LIMITS, type EchoParts } from './echo/answer.js';
export type { Transport } from './echo/codec.js';
export {
  askAll,
  askEcho,
  createEchoGuest,
  type EchoGuest,
  type EchoPorts,
  type EgressListener,
  listenForEgress,
  serveEchoes,
} from './echo/net.js';
export { drawPorts, judgeReach, type Reach, type Sighting } from './echo/reach.js';
export { type Direction, decodeHeader, HEADER_BYTES, type Header, type Method } from './envelope.js';
export { type EnvelopeFault, isRefusal } from './errors.js';
export { type SignedFrame, type VerifiedChain, verifyChain } from './evidence.js';
export {
  type Arm,
  ArmSchema,
  type Commit,
  CommitSchema,
  type DescribeRequest,
  DescribeRequestSchema,
  type DescribeResponse,
  DescribeResponseSchema,
  type Frame,
  FrameSchema,
  type Go,
  GoSchema,
  MinerService,
  type Open,
  type Opening,
  OpeningSchema,
  OpenSchema,
  type Ready,
  ReadySchema,
  type Receipt,
  ReceiptSchema,
  type Refusal,
  RefusalCode,
  RefusalSchema,
  type Signed,
  SignedSchema,
  type SlotClaim,
  SlotClaimSchema,
  VerdictKind,
} from './gen/assay/v1/miner_pb.js';
export { createGrpcWire, type GrpcWireOptions } from './grpc/wire.js';
export { DEFAULT_LIMITS, type Limits, OPENING_PIECE_BYTES } from './limits.js';
export { createLoopback, type LoopbackOptions } from './loopback.js';
export { serve } from './serve.js';
export { createServerIdentity, type ServerIdentity, type ServerKey } from './server-key.js';
export type {
  FrameBody,
  MinerPeer,
  PeerOptions,
  ProofSession,
  Received,
  Sent,
  Served,
  ServeHandlers,
  ServeOptions,
  ServeParts,
  SessionParts,
} from './session.js';
export type {
  Address,
  Arrived,
  Origin,
  Wire,
  WireChannel,
  WireHandlers,
  WireListener,
  WireStream,
} from './wire.js';
