// Owns: one block out of a stretch, drawn by the blocks themselves: uniform, and known to nobody before it is there.
// Does not own: what is drawn for (validator/schedule.ts), where hashes come from.
import { utf8 } from '../model/bytes.js';
import { sha256 } from '../model/hash.js';

/** Blocks after the event's block between which the Pass is drawn, both inclusive. */
export interface Hold {
  readonly first: number;
  readonly last: number;
}

const PASS_TAG = utf8('assay/1/pass-block');

/**
 * Whether a candidate is the one, given that none before it was: with probability 1 / `left`, from its own hash.
 * @param left candidates that are left, this one included: the last one always is
 */
export function draws(tag: Uint8Array, hash: Uint8Array, left: number): boolean {
  // 48 bits: the remainder's bias is below left / 2^48
  return Buffer.from(sha256(tag, hash)).readUIntBE(0, 6) % left === 0;
}

/** Whether the block `offset` after the event's is the Pass, given that none before it was. */
export const drawsPass = (hash: Uint8Array, offset: number, hold: Hold): boolean =>
  draws(PASS_TAG, hash, hold.last - offset + 1);

/**
 * The block of the Pass: its number, and its hash, which is the beacon of the Pass.
 * @param hashOf hash of a block after `eventBlock`; asked in order, and for none behind the one that is drawn
 */
export async function passBlock(
  eventBlock: number,
  hold: Hold,
  hashOf: (block: number) => Promise<Uint8Array>,
): Promise<{ readonly block: number; readonly hash: Uint8Array }> {
  for (let offset = hold.first; ; offset++) {
    const block = eventBlock + offset;
    const hash = await hashOf(block);
    if (drawsPass(hash, offset, hold)) return { block, hash };
  }
}

/** A stretch that has a block, all of them behind the event's and none further than `atMost`. */
export const isHold = ({ first, last }: Hold, atMost: number): boolean =>
  Number.isInteger(first) && Number.isInteger(last) && first >= 1 && first <= last && last <= atMost;
