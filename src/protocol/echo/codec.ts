// Owns: the bytes of an echo: what a validator asks at a port, what the miner answers. Pure but for the keys' signatures.
// Does not own: sockets (net.ts), what answers say of an address (reach.ts).
import { type Keypair, verifySignature } from '../../keys/keypair.js';
import { concat, equals } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { readTime, TAG, writeTime } from '../envelope.js';
import { invalidInput } from '../errors.js';

export const TRANSPORTS = ['tcp', 'udp'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** "Whoever holds `miner` and hears this at `port`, answer before it expires." */
export interface EchoRequest {
  readonly netuid: number;
  /** hotkeys, 32 bytes each */
  readonly validator: Uint8Array;
  readonly miner: Uint8Array;
  /** 16 bytes, of the validator's choice */
  readonly nonce: Uint8Array;
  readonly transport: Transport;
  readonly port: number;
  /**
   * Port at the address that this came from, to be called back from wherever this miner's connections leave; 0 for none. Never
   * another address, and never for a datagram: or miners could be made to call third parties.
   */
  readonly callbackPort: number;
  /** unix ms on the validator's clock */
  readonly expiresAt: number;
}

/** What an answer is for: one cannot stand for the other. */
export type Answer = 'echo' | 'egress';

const LAYOUTS = { request: 16, echo: 17, egress: 18 } as const;
const SIGNATURE_BYTES = 64;
const SIGNED_BYTES = 103;
export const REQUEST_BYTES = SIGNED_BYTES + SIGNATURE_BYTES;
/** What no other first message of ours begins with: a port that serves something else can tell. */
export const REQUEST_PREFIX: Uint8Array = concat(TAG, Uint8Array.of(LAYOUTS.request));
/** Shorter than what it answers: a forged source address gains nobody anything. */
export const ANSWER_BYTES = 8 + 32 + SIGNATURE_BYTES;

/** offset: 0 tag(7) 7 layout(1) 8 netuid(2) 10 validator(32) 42 miner(32) 74 nonce(16) 90 transport(1) 91 port(2) 93 callback(2) 95 expires(8), then the validator's sr25519 signature */
export function encodeEchoRequest(keypair: Keypair, request: Omit<EchoRequest, 'validator'>): Uint8Array {
  const out = new Uint8Array(SIGNED_BYTES);
  const view = new DataView(out.buffer);
  out.set(TAG, 0);
  out[7] = LAYOUTS.request;
  view.setUint16(8, request.netuid, true);
  out.set(keypair.publicKey, 10);
  out.set(request.miner, 42);
  out.set(request.nonce, 74);
  out[90] = TRANSPORTS.indexOf(request.transport) + 1;
  view.setUint16(91, request.port, true);
  view.setUint16(93, request.callbackPort, true);
  writeTime(view, 95, request.expiresAt);
  return concat(out, keypair.sign(out));
}

/** Layout only. @throws AssayError `invalid-input` unless `bytes` are exactly one request */
export function decodeEchoRequest(bytes: Uint8Array): EchoRequest {
  if (bytes.length !== REQUEST_BYTES)
    throw invalidInput('echo', `${REQUEST_BYTES} bytes`, `${bytes.length} bytes`);
  if (!equals(bytes.subarray(0, 7), TAG) || bytes[7] !== LAYOUTS.request)
    throw invalidInput('echo', `domain tag assay/1, layout ${LAYOUTS.request}`, 'another');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const transport = TRANSPORTS[bytes[90] - 1];
  if (transport === undefined) throw invalidInput('echo', 'a transport', `code ${bytes[90]}`);
  return {
    netuid: view.getUint16(8, true),
    validator: bytes.slice(10, 42),
    miner: bytes.slice(42, 74),
    nonce: bytes.slice(74, 90),
    transport,
    port: view.getUint16(91, true),
    callbackPort: view.getUint16(93, true),
    expiresAt: readTime(view, 95, 'echo'),
  };
}

/** Whether the validator that the request names has signed it. */
export const isSignedRequest = (bytes: Uint8Array): boolean =>
  bytes.length === REQUEST_BYTES &&
  verifySignature(bytes.subarray(SIGNED_BYTES), bytes.subarray(0, SIGNED_BYTES), bytes.subarray(10, 42));

/** 0 tag(7) 7 layout(1) 8 SHA-256 of the request(32), then the miner's sr25519 signature */
export function encodeAnswer(keypair: Keypair, answer: Answer, request: Uint8Array): Uint8Array {
  const signed = signedAnswer(answer, request);
  return concat(signed, keypair.sign(signed));
}

/** Whether `miner` gave this answer to this request. Total. */
export function isAnswer(bytes: Uint8Array, answer: Answer, request: Uint8Array, miner: Uint8Array): boolean {
  const signed = signedAnswer(answer, request);
  return (
    bytes.length === ANSWER_BYTES &&
    equals(bytes.subarray(0, signed.length), signed) &&
    verifySignature(bytes.subarray(signed.length), signed, miner)
  );
}

/** SHA-256 of the request that an answer names, whoever signed it. */
export const requestOf = (answer: Uint8Array): Uint8Array => answer.slice(8, 40);

const signedAnswer = (answer: Answer, request: Uint8Array): Uint8Array =>
  concat(TAG, Uint8Array.of(LAYOUTS[answer]), sha256(request));
