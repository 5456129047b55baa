// Owns: which jobs were added and what they came to, so that each comes to one end. Does not own: how.
import type { JobEnd } from './job.js';

/** Of jobs that ended so many are known: an event's, and those of some before it. */
const KNOWN = 16_384;

export interface KnownEnds {
  of(id: string): Promise<JobEnd> | undefined;
  /** From now on what `id` comes to; one that fails is forgotten, and may be added again. @returns `end` */
  know(id: string, end: Promise<JobEnd>): Promise<JobEnd>;
}

export function createKnownEnds(): KnownEnds {
  const under = new Map<string, Promise<JobEnd>>();
  const ended = new Map<string, Promise<JobEnd>>();
  return {
    of: (id) => under.get(id) ?? ended.get(id),
    know(id, end) {
      under.set(id, end);
      const forget = () => under.delete(id);
      end.then(() => {
        forget();
        ended.set(id, end);
        if (ended.size > KNOWN) ended.delete(ended.keys().next().value!);
      }, forget);
      return end;
    },
  };
}
