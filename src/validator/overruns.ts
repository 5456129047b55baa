// Owns: whether an event is over before what follows it begins, told and counted. Does not own: when events are (schedule.ts), what is done
// in them (round.ts).
import type { Log } from '../model/log.js';

/** One event from its announcement on. */
export interface WatchedEvent {
  /** One more slot of it is judged and recorded. */
  judged(): void;
  /** It is complete, or dropped. @param head newest block by then */
  over(head: number): void;
}

export interface Overruns {
  watch(event: { readonly block: number; readonly eventBlocks: number }): WatchedEvent;
  /** An event, or a check, begins at this block. */
  begins(block: number): void;
  /** events that were not over as the next one, or a check, began */
  count(): number;
}

interface Open {
  readonly block: number;
  readonly eventBlocks: number;
  judged: number;
  /** how many were judged when the next began; undefined as long as none has */
  judgedAtNext: number | undefined;
}

/**
 * Openings that are still coming, and verifiers at work on them, take the event loop and the line from those that are timed: what is
 * lost by it looks like slow miners. The plan says when an event is over, and nobody but its validators sees that it is not.
 */
export function createOverruns(log: Log): Overruns {
  const open = new Set<Open>();
  let overlapped = 0;
  return {
    watch({ block, eventBlocks }) {
      const event: Open = { block, eventBlocks, judged: 0, judgedAtNext: undefined };
      open.add(event);
      return {
        judged() {
          event.judged++;
        },
        over(head) {
          open.delete(event);
          if (event.judgedAtNext === undefined) return;
          const needed = head - block + 1;
          log.warn('event took longer than the plan keeps for it: raise eventBlocks, or judge faster', {
            block,
            eventBlocks,
            needed,
            judgedLate: event.judged - event.judgedAtNext,
          });
        },
      };
    },
    begins(next) {
      for (const event of open) {
        const { block, eventBlocks, judged } = event;
        // one whose own block is to come is not under way yet
        if (block >= next || event.judgedAtNext !== undefined) continue;
        event.judgedAtNext = judged;
        overlapped++;
        log.warn('event is still under way as the next begins', { block, next, eventBlocks, judged });
      }
    },
    count: () => overlapped,
  };
}
