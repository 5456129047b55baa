// Owns: what a slot's seed binds. Everything in it is fixed before the last nonce is revealed.
import { compare, concat, u16le, u32le, utf8 } from '../model/bytes.js';
import { sha256 } from '../model/hash.js';

const EVENT = utf8('assay/1/event');
const NONCE = utf8('assay/1/nonce');
const SEED = utf8('assay/1/seed');
const PLACE = utf8('assay/1/place');
const PASS_NONCE = utf8('assay/1/pass-nonce');
const PASS = utf8('assay/1/pass');

/** 32 bytes, names one subnet-wide event: the same for every validator that sees the same chain. */
export function eventId(event: { netuid: number; block: number; basis: Uint8Array }): Uint8Array {
  return sha256(EVENT, u16le(event.netuid), u32le(event.block), event.basis);
}

/** What Arm carries: binds the validator to a nonce before the beacon is known. */
export const nonceCommitment = (nonce: Uint8Array, salt: Uint8Array): Uint8Array =>
  sha256(NONCE, nonce, salt);

/**
 * What Arm carries for the Pass. A commitment of its own, under a tag of its own: Go opens the other one, and must leave this
 * one closed until the Pass.
 */
export const passCommitment = (nonce: Uint8Array, salt: Uint8Array): Uint8Array =>
  sha256(PASS_NONCE, nonce, salt);

/**
 * The slot's seed, 32 bytes (ARCHITECTURE.md, An event).
 * @param parts.nonces the included 16-byte nonces, in any order
 * @param parts.hotkey 32-byte public key of the miner
 */
export function slotSeed(parts: {
  beacon: Uint8Array;
  nonces: readonly Uint8Array[];
  hotkey: Uint8Array;
  worker: string;
  slot: number;
  eventId: Uint8Array;
  paramsId: Uint8Array;
}): Uint8Array {
  const worker = utf8(parts.worker);
  const nonces = [...parts.nonces].sort(compare);
  return sha256(
    SEED,
    parts.beacon,
    u16le(nonces.length),
    concat(...nonces),
    parts.hotkey,
    u16le(worker.length),
    worker,
    u32le(parts.slot),
    parts.eventId,
    parts.paramsId,
  );
}

/**
 * Randomness of the Pass, 32 bytes: nobody knows it before the last included validator has sent its own.
 * @param parts.seed the slot's
 * @param parts.beacon 32 bytes: hash of the block that the hold's draw picks
 * @param parts.nonces the included 16-byte nonces of the Pass, in any order
 */
export function passSeed(parts: {
  seed: Uint8Array;
  beacon: Uint8Array;
  nonces: readonly Uint8Array[];
}): Uint8Array {
  const nonces = [...parts.nonces].sort(compare);
  return sha256(PASS, parts.seed, parts.beacon, u16le(nonces.length), concat(...nonces));
}

/**
 * A slot's name, 32 bytes, the same at every event: what lasts from one to the next (a plot) is bound to it.
 * @param parts.hotkey 32-byte public key of the miner
 */
export function slotPlace(parts: { hotkey: Uint8Array; worker: string; slot: number }): Uint8Array {
  const worker = utf8(parts.worker);
  return sha256(PLACE, parts.hotkey, u16le(worker.length), worker, u32le(parts.slot));
}
