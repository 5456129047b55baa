// Owns: what a plain weight commit hashes, and where a mechanism's values are stored (subtensor subnets/{weights,mechanism}.rs).
// Does not own: time-locked commits (timelock.ts), when which may be sent.
import { encode, struct, u16, u64 } from './scale.js';
import { blake2b256 } from './storage.js';
import { accountId, u16s } from './types.js';

/** `GLOBAL_MAX_SUBNET_COUNT`: how far storage indices of one mechanism lie from those of the next. */
export const SUBNETS_PER_MECHANISM = 4096;

/** `get_mechanism_storage_index`: the key of Weights, Bonds, LastUpdate, Incentive and of commits. */
export const storageIndex = (netuid: number, mechanism = 0): number =>
  Math.min(65_535, netuid + SUBNETS_PER_MECHANISM * mechanism);

export interface RevealedRow {
  readonly uids: readonly number[];
  readonly values: readonly number[];
  readonly salt: readonly number[];
  readonly versionKey: bigint;
}

const preimage = struct('', {
  hotkey: accountId,
  index: u16,
  uids: u16s,
  values: u16s,
  salt: u16s,
  versionKey: u64,
});

/**
 * `get_commit_hash`: blake2-256 of the SCALE tuple. The reveal must bring exactly these lists: nothing is scaled before
 * it is hashed.
 *
 * @param hotkey SS58
 * @param index `storageIndex`
 * @returns 32 bytes
 * @throws RangeError when a value is no u16, or the version key no u64
 */
export const commitHash = (hotkey: string, index: number, row: RevealedRow): Uint8Array =>
  blake2b256(encode(preimage, { hotkey, index, ...row }));
