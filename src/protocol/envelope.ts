// Owns: the header's bytes and its checks that need no key: layout, parties, freshness.
// Does not own: session keys (certificate.ts), replay and admission (door.ts), order of frames (frames.ts).
import { create } from '@bufbuild/protobuf';
import { equals, utf8 } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { sha256 } from '../model/hash.js';
import { type EnvelopeFault, invalidInput, unauthenticated } from './errors.js';
import { type Signed, SignedSchema } from './gen/assay/v1/miner_pb.js';
import type { Limits } from './limits.js';
import type { Arrived } from './wire.js';

/** Before every layout of ours that is signed; one byte naming the layout follows. */
export const TAG = utf8('assay/1');
const LAYOUT = 1;

const DIRECTIONS = ['request', 'response'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Codes on the wire: index + 1. New methods are appended. */
const METHODS = ['describe', 'prove'] as const;
export type Method = (typeof METHODS)[number];

export interface Header {
  /** request: from the dialling end; response: from the listening end */
  readonly direction: Direction;
  readonly method: Method;
  readonly netuid: number;
  /** hotkeys, 32 bytes each */
  readonly sender: Uint8Array;
  readonly receiver: Uint8Array;
  /** 16 bytes chosen by the dialling end; answers and frames echo it */
  readonly callId: Uint8Array;
  /** 0, 1, 2, ... in each direction of one call */
  readonly sequence: number;
  /** unix ms on the sender's clock */
  readonly sentAt: number;
  readonly expiresAt: number;
  /** SHA-256 */
  readonly bodyHash: Uint8Array;
}

export const HEADER_BYTES = 144;
export const CALL_ID_BYTES = 16;

/** offset: 0 tag(7) 7 layout(1) 8 direction(1) 9 method(1) 10 netuid(2) 12 sender(32) 44 receiver(32) 76 call(16) 92 sequence(4) 96 sent(8) 104 expires(8) 112 body(32); little-endian */
export function encodeHeader(header: Header): Uint8Array {
  const out = new Uint8Array(HEADER_BYTES);
  const view = new DataView(out.buffer);
  out.set(TAG, 0);
  out[7] = LAYOUT;
  out[8] = DIRECTIONS.indexOf(header.direction);
  out[9] = METHODS.indexOf(header.method) + 1;
  view.setUint16(10, header.netuid, true);
  out.set(header.sender, 12);
  out.set(header.receiver, 44);
  out.set(header.callId, 76);
  view.setUint32(92, header.sequence, true);
  writeTime(view, 96, header.sentAt);
  writeTime(view, 104, header.expiresAt);
  out.set(header.bodyHash, 112);
  return out;
}

/** @throws AssayError `invalid-input` unless `bytes` are exactly one header */
export function decodeHeader(bytes: Uint8Array): Header {
  if (bytes.length !== HEADER_BYTES)
    throw invalidInput('header', `${HEADER_BYTES} bytes`, `${bytes.length} bytes`);
  if (!equals(bytes.subarray(0, 7), TAG) || bytes[7] !== LAYOUT)
    throw invalidInput('header', 'domain tag assay/1, layout 1', 'another');
  const direction = DIRECTIONS[bytes[8]!];
  if (direction === undefined) throw invalidInput('header', 'a direction', `code ${bytes[8]}`);
  const method = METHODS[bytes[9]! - 1];
  if (method === undefined) throw invalidInput('header', 'a method', `code ${bytes[9]}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    direction,
    method,
    netuid: view.getUint16(10, true),
    sender: bytes.subarray(12, 44),
    receiver: bytes.subarray(44, 76),
    callId: bytes.subarray(76, 92),
    sequence: view.getUint32(92, true),
    sentAt: readTime(view, 96, 'header'),
    expiresAt: readTime(view, 104, 'header'),
    bodyHash: bytes.subarray(112, 144),
  };
}

/** What the receiving end knows before a message comes. */
export interface Expectation {
  readonly direction: Direction;
  readonly method: Method;
  readonly netuid: number;
  readonly receiver: Uint8Array;
  readonly sequence: number;
  /** absent at the door, where anybody may knock */
  readonly sender?: Uint8Array;
  /** absent at the door, where the caller chooses it */
  readonly callId?: Uint8Array;
}

/**
 * Parses and compares: everything that costs no signature check.
 * @throws AssayError `invalid-input` for bytes that are no envelope, `unauthenticated` for one of something else
 */
export function readEnvelope(message: Signed, expect: Expectation): Header {
  if (message.header.length === 0) throw unauthenticated('missing-envelope');
  const header = decodeHeader(message.header);
  if (message.signature.length !== 64)
    throw invalidInput('signature', '64 bytes', `${message.signature.length} bytes`);
  const refuseUnless = (good: boolean, fault: EnvelopeFault): void => {
    if (!good) throw unauthenticated(fault);
  };
  refuseUnless(header.direction === expect.direction, 'wrong-direction');
  refuseUnless(header.method === expect.method, 'wrong-method');
  refuseUnless(header.netuid === expect.netuid, 'wrong-netuid');
  refuseUnless(equals(header.receiver, expect.receiver), 'wrong-receiver');
  if (expect.sender) refuseUnless(equals(header.sender, expect.sender), 'wrong-sender');
  if (expect.callId) refuseUnless(equals(header.callId, expect.callId), 'wrong-call');
  refuseUnless(header.sequence <= expect.sequence, 'sequence-gap');
  refuseUnless(header.sequence >= expect.sequence, 'sequence-repeat');
  refuseUnless(equals(sha256(message.body), header.bodyHash), 'body-hash');
  return header;
}

/** unix ms at which the message came: a reader that took its time does not make it old */
export const arrivalTime = (clock: Clock, arrived: Arrived): number =>
  clock.now() - (clock.monotonic() - arrived.at);

/**
 * Unix ms of a monotonic time, by one reading of the wall clock: what began before that clock was stepped does not notice.
 * Exact at the moment of the reading, so that a frame of that moment is never before its certificate.
 */
export function readWallClock(clock: Clock): (at: number) => number {
  const wall = clock.now();
  const since = clock.monotonic();
  return (at) => wall + (at - since);
}

/**
 * @param now unix ms on our clock when the message arrived
 * @throws AssayError `unauthenticated` with the sender's clock minus ours
 */
export function checkFreshness(header: Header, now: number, limits: Limits): void {
  const life = header.expiresAt - header.sentAt;
  if (life <= 0 || life > limits.envelopeMs) throw unauthenticated('envelope-lifetime');
  const offset = header.sentAt - now;
  // an offset that clocks alone can explain is skew; beyond that the message is old
  if (now > header.expiresAt + limits.skewMs) throw unauthenticated('expired', offset);
  if (Math.abs(offset) > limits.skewMs) throw unauthenticated('skew', offset);
}

/** Header, signature and body as one message; `sign` is the session key's. */
export function seal(
  header: Omit<Header, 'bodyHash'>,
  body: Uint8Array,
  sign: (bytes: Uint8Array) => Uint8Array,
  certificate?: Uint8Array,
): Signed {
  const bytes = encodeHeader({ ...header, bodyHash: sha256(body) });
  return create(SignedSchema, {
    header: bytes,
    signature: sign(bytes),
    body,
    ...(certificate ? { certificate } : {}),
  });
}

/** unix ms as u64; both halves by hand, since BigInt costs more than the rest of the header */
export function writeTime(view: DataView, at: number, ms: number): void {
  view.setUint32(at, ms % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(ms / 2 ** 32), true);
}

/** @throws AssayError `invalid-input` beyond 2^53 - 1 */
export function readTime(view: DataView, at: number, what: string): number {
  const high = view.getUint32(at + 4, true);
  if (high >= 2 ** 21) throw invalidInput(what, 'a time below 2^53 ms', 'a later one');
  return high * 2 ** 32 + view.getUint32(at, true);
}
