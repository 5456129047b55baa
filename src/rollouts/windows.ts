// Owns: which blocks begin and end a window, and what of the chain belongs to it. Pure. Does not own: waiting (follow.ts).
import type { Commitment } from '../chain/operator-reads.js';

/** The same for all miners and validators of a subnet: who differs works on other windows. */
export interface WindowPlan {
  /** block S_0 of window 0 */
  readonly firstBlock: number;
  /** from one window's first block to the next one's */
  readonly everyBlocks: number;
  /** from a window's first block S to D, the last one that a commitment may be in; at most `everyBlocks` */
  readonly workBlocks: number;
  /**
   * A round of a window comes out so long after the block that it follows, by that block's timestamp: longer than a block's author
   * can shift its timestamp, than finality and than clocks differ.
   * @default 60_000
   */
  readonly beaconDelayMs?: number | undefined;
  /** The window's checkpoint is the one that its trainer had committed so many blocks before S. @default 5 */
  readonly headLeadBlocks?: number | undefined;
  /** An audit whose round has not come expires unpaid. @default a day */
  readonly auditExpiryMs?: number | undefined;
}

export const BEACON_DELAY_MS = 60_000;
export const HEAD_LEAD_BLOCKS = 5;
export const AUDIT_EXPIRY_MS = 24 * 60 * 60_000;
/** A window's number is a u32 wherever it is hashed. */
const MAX_WINDOW = 0xffff_ffff;

/** @throws RangeError */
export function assertWindowPlan(plan: WindowPlan): void {
  const { firstBlock, everyBlocks, workBlocks, headLeadBlocks = HEAD_LEAD_BLOCKS } = plan;
  const whole = (what: string, value: number, least: number) => {
    if (!Number.isSafeInteger(value) || value < least)
      throw new RangeError(`${what}: expected an integer of at least ${least}, got ${value}`);
  };
  whole('headLeadBlocks', headLeadBlocks, 0);
  whole('firstBlock', firstBlock, headLeadBlocks);
  whole('everyBlocks', everyBlocks, 1);
  whole('workBlocks', workBlocks, 1);
  if (workBlocks > everyBlocks)
    throw new RangeError(`workBlocks: expected at most everyBlocks (${everyBlocks}), got ${workBlocks}`);
}

/** S: its timestamp begins the wait for the window's round, its state is the roster. */
export const startBlock = ({ firstBlock, everyBlocks }: WindowPlan, window: number): number =>
  firstBlock + window * everyBlocks;

/** D: what stands in its state is what was handed in. */
export const deadlineBlock = (plan: WindowPlan, window: number): number =>
  startBlock(plan, window) + plan.workBlocks;

/** The first window whose S is not before a block. */
export function nextWindow({ firstBlock, everyBlocks }: WindowPlan, block: number): number {
  const window = Math.max(0, Math.ceil((block - firstBlock) / everyBlocks));
  if (window > MAX_WINDOW) throw new RangeError(`window: expected at most ${MAX_WINDOW}, got ${window}`);
  return window;
}

/** At a block: the window under way while its D is still ahead, otherwise the next one. */
export function windowAt(plan: WindowPlan, block: number): number {
  const next = nextWindow(plan, block);
  const isOpen = next > 0 && startBlock(plan, next) > block && deadlineBlock(plan, next - 1) > block;
  return isOpen ? next - 1 : next;
}

/**
 * What a hotkey handed in for a window: the digest in field 0 of its commitment, as the state of block D has it, if it was made
 * after S. One value and one clock: nobody can show two validators two manifests, or replace one later.
 */
export function committedDigest(
  commitment: Pick<Commitment, 'block' | 'fields'> | undefined,
  { after, upTo }: { readonly after: number; readonly upTo: number },
): Uint8Array | undefined {
  if (!commitment || commitment.block <= after || commitment.block > upTo) return undefined;
  const [field] = commitment.fields;
  return field?.kind === 'hash' && field.algorithm === 'Sha256' ? field.digest : undefined;
}
