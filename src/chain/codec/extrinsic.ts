// Owns: signed extrinsics of format 4: layout, the bytes that are signed, mortality. Does not own: keys, the pool.
import { concat } from '../../model/bytes.js';
import { type RuntimeCall, runtimeCall } from './runtime.js';
import {
  type Codec,
  type Instead,
  Reader,
  readCompact,
  type ValueOf,
  Writer,
  writeCompact,
} from './scale.js';
import { blake2b256 } from './storage.js';
import { multiAddress, multiSignature } from './types.js';

const FORMAT = 4;
const SIGNED = 0x80;
/** Payloads beyond this are hashed before they are signed (sp_runtime generic/unchecked_extrinsic.rs). */
const MAX_PAYLOAD = 256;

/** Mortal: valid for `period` blocks (a power of two, 4..65536) from the latest block = `phase` mod period. */
export type Era =
  | { readonly type: 'immortal' }
  | { readonly type: 'mortal'; readonly period: number; readonly phase: number };

/** What a transaction's extensions carry, in the order of SIGNED_EXTENSIONS. */
export interface Extra {
  readonly era: Era;
  readonly nonce: number;
  readonly tip: bigint;
  /** CheckMetadataHash: 0 = off; the chain knows no other here */
  readonly mode: number;
}

export interface SignedExtrinsic {
  readonly address: ValueOf<typeof multiAddress>;
  readonly signature: ValueOf<typeof multiSignature>;
  readonly extra: Extra;
  readonly call: RuntimeCall;
  /** as sent: a signature is over these bytes, not over our re-encoding */
  readonly callBytes: Uint8Array;
  readonly extraBytes: Uint8Array;
}
export type Extrinsic =
  | ({ readonly signed: true } & SignedExtrinsic)
  | { readonly signed: false; readonly call: RuntimeCall; readonly callBytes: Uint8Array };

/** What a signature also covers without it being sent. */
export interface SigningContext {
  readonly specVersion: number;
  readonly transactionVersion: number;
  readonly genesisHash: Uint8Array;
  /** hash of the era's birth block; of the genesis block when immortal */
  readonly eraHash: Uint8Array;
}

export const eraCodec: Pick<Codec<Era>, 'encode' | 'decode'> = {
  encode(era, out) {
    if (era.type === 'immortal') return out.u8(0);
    const { period, phase } = era;
    if (period < 4 || period > 65_536 || (period & (period - 1)) !== 0 || phase < 0 || phase >= period)
      throw new RangeError(
        `era: expected a period of 2^2..2^16 and a phase below it, got ${period}/${phase}`,
      );
    const quantize = Math.max(period >> 12, 1);
    const low = Math.min(15, Math.max(1, Math.log2(period) - 1));
    out.uint(low | ((phase / quantize) << 4), 2);
  },
  decode(input) {
    const first = input.u8();
    if (first === 0) return { type: 'immortal' };
    const encoded = first + input.u8() * 256;
    const period = 2 << (encoded % 16);
    const phase = (encoded >> 4) * Math.max(period >> 12, 1);
    if (period < 4 || phase >= period) throw new RangeError('era: the phase lies beyond the period');
    return { type: 'mortal', period, phase };
  },
};

/** The block an era starts with, seen from block `current` (sp_runtime generic/era.rs). */
export function eraBirth(era: Era, current: number): number {
  if (era.type === 'immortal') return 0;
  const { period, phase } = era;
  return Math.floor((Math.max(current, phase) - phase) / period) * period + phase;
}

/** First block that is too late; Infinity when immortal. */
export const eraDeath = (era: Era, current: number): number =>
  era.type === 'immortal' ? Number.POSITIVE_INFINITY : eraBirth(era, current) + era.period;

/** The era of `period` blocks that starts at block `current`. */
export function mortalEra(current: number, period: number): Era {
  const quantize = Math.max(period >> 12, 1);
  return { type: 'mortal', period, phase: Math.floor((current % period) / quantize) * quantize };
}

export function encodeExtra(extra: Extra): Uint8Array {
  const out = new Writer();
  eraCodec.encode(extra.era, out);
  writeCompact(extra.nonce, out);
  writeCompact(extra.tip, out);
  out.u8(extra.mode);
  return out.finish();
}

/** The bytes a signature is over. */
export function signingPayload(
  callBytes: Uint8Array,
  extraBytes: Uint8Array,
  context: SigningContext,
): Uint8Array {
  const out = new Writer();
  out.uint(context.specVersion, 4);
  out.uint(context.transactionVersion, 4);
  out.raw(context.genesisHash);
  out.raw(context.eraHash);
  out.u8(0); // Option<metadata hash>: None, mode 0
  const payload = concat(callBytes, extraBytes, out.finish());
  return payload.length > MAX_PAYLOAD ? blake2b256(payload) : payload;
}

/** Length-prefixed, as it is submitted and stored in a block. */
export function encodeSigned(
  extrinsic: Pick<SignedExtrinsic, 'address' | 'signature' | 'callBytes' | 'extraBytes'>,
): Uint8Array {
  const body = new Writer();
  body.u8(FORMAT | SIGNED);
  multiAddress.encode(extrinsic.address, body);
  multiSignature.encode(extrinsic.signature, body);
  body.raw(extrinsic.extraBytes);
  body.raw(extrinsic.callBytes);
  return prefixed(body.finish());
}

/** An inherent: the block author's own, without signature. */
export const encodeInherent = (callBytes: Uint8Array): Uint8Array =>
  prefixed(concat(Uint8Array.of(FORMAT), callBytes));

function prefixed(body: Uint8Array): Uint8Array {
  const out = new Writer();
  writeCompact(body.length, out);
  out.raw(body);
  return out.finish();
}

/**
 * @param instead codecs that stand for others in the runtime that the bytes are for
 * @throws RangeError naming what was wrong
 */
export function decodeExtrinsic(bytes: Uint8Array, instead?: Instead): Extrinsic {
  const input = new Reader(bytes, instead);
  const length = readCompact(input);
  if (length !== BigInt(input.remaining))
    throw new RangeError(`extrinsic: a length of ${length} before ${input.remaining} bytes`);
  const version = input.u8();
  if ((version & 0x7f) !== FORMAT) throw new RangeError(`extrinsic: format ${version & 0x7f}, expected 4`);
  if ((version & SIGNED) === 0) return { signed: false, ...decodeCall(input, bytes) };
  const address = multiAddress.decode(input);
  const signature = multiSignature.decode(input);
  const extraAt = bytes.length - input.remaining;
  const era = eraCodec.decode(input);
  const nonce = readCompact(input);
  if (nonce > 0xffff_ffffn) throw new RangeError(`extrinsic: nonce ${nonce} is no u32`);
  const tip = readCompact(input);
  const mode = input.u8();
  if (mode !== 0) throw new RangeError(`extrinsic: CheckMetadataHash mode ${mode}, expected 0`);
  const extraBytes = bytes.slice(extraAt, bytes.length - input.remaining);
  const extra = { era, nonce: Number(nonce), tip, mode };
  return { signed: true, address, signature, extra, extraBytes, ...decodeCall(input, bytes) };
}

function decodeCall(input: Reader, bytes: Uint8Array): { call: RuntimeCall; callBytes: Uint8Array } {
  const callBytes = bytes.slice(bytes.length - input.remaining);
  const call = runtimeCall.decode(input);
  if (input.remaining > 0) throw new RangeError(`extrinsic: ${input.remaining} bytes after the call`);
  return { call, callBytes };
}
