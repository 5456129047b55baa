// Owns: the block header's layout and hash.
import { Writer, writeCompact } from './scale.js';
import { blake2b256 } from './storage.js';

/** 32 bytes each. No digest items: the localnet has no consensus to record. */
export interface Header {
  readonly parentHash: Uint8Array;
  readonly number: number;
  readonly stateRoot: Uint8Array;
  readonly extrinsicsRoot: Uint8Array;
}

export function encodeHeader(header: Header): Uint8Array {
  const out = new Writer();
  out.raw(header.parentHash);
  writeCompact(header.number, out);
  out.raw(header.stateRoot);
  out.raw(header.extrinsicsRoot);
  writeCompact(0, out);
  return out.finish();
}

/** BlakeTwo256 of the encoded header: what clients compute from the header they are served. */
export const headerHash = (header: Header): Uint8Array => blake2b256(encodeHeader(header));
