// Owns: reading a ledger while another process writes it: each entry once, as it comes. Does not own: what is made of them, one
// segment (segment.ts).
import { drain, goesOn, type LedgerFold, segmentPath, segmentsOf, toVisitor } from './load.js';
import { headOf, readSegment, type SegmentEnd } from './segment.js';
import type { LedgerOwner } from './signed.js';

export interface LedgerFollower {
  /** undefined while nothing was written */
  readonly owner: LedgerOwner | undefined;
  /**
   * Tells what was written since the last call, in its order; links and signatures are checked on the way. One call at a time.
   * @returns whether there was anything
   * @throws AssayError `corrupt` naming file and record; what stands before it was told
   */
  poll(into: LedgerFold, signal?: AbortSignal): Promise<boolean>;
}

export interface FollowOptions {
  /** Of what is there at the first call only the newest segments are told. @default all */
  readonly segments?: number | undefined;
  /** epoch of the segment that is being read, and how many there are behind it */
  readonly onSegment?: ((epoch: number, left: number) => void) | undefined;
}

/** Follows the ledger in `dir`; changes nothing. The folder may be empty, or not there yet. */
export function followLedger(
  dir: string,
  { segments: newest, onSegment }: FollowOptions = {},
): LedgerFollower {
  let owner: LedgerOwner | undefined;
  /** the segment that was read last, and how far */
  let at: { readonly epoch: number; readonly end: SegmentEnd | undefined } | undefined;

  return {
    get owner() {
      return owner;
    },
    async poll(into, signal) {
      const all = await segmentsOf(dir);
      const begun = at === undefined && newest !== undefined ? all.slice(-newest) : all;
      const todo = begun.filter((epoch) => at === undefined || epoch >= at.epoch);
      const visitor = toVisitor(into);
      let told = false;
      /** one that is listed has gone: what comes next does not go on from what was read last */
      let isGap = false;
      for (const [i, epoch] of todo.entries()) {
        const path = segmentPath(dir, epoch);
        const isLast = i === todo.length - 1;
        const from = at?.epoch === epoch ? at.end : undefined;
        if (from?.closed) continue;
        // of one that was compacted since, nobody can say whether what stands here goes on from it
        const before = !isGap && at && at.epoch !== epoch && all.includes(at.epoch) ? at.end : undefined;
        onSegment?.(epoch, todo.length - 1 - i);
        const steps = readSegment(
          path,
          { isLast, from },
          {
            ...visitor,
            entry(entry) {
              if (entry.type === 'segment')
                goesOn(path, entry, before && { owner: before.owner, head: headOf(before) }, {
                  owner,
                  isPart: true,
                });
              visitor.entry?.(entry);
            },
          },
        );
        const end = await drain(steps, signal).catch((error: unknown) => {
          // compacted meanwhile: what it said is in the ones behind it no more, and nowhere else
          if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
          throw error;
        });
        if (!end) {
          isGap = true; // of the last one: begun, and nothing of it is on the disk yet
          continue;
        }
        told ||= from === undefined || end.complete > from.complete;
        owner = end.owner;
        at = { epoch, end };
        isGap = false;
      }
      return told;
    },
  };
}
