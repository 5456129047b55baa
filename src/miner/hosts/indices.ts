// Owns: which index within the hotkey a slot of a host has: the same one for ever. Does not own: where that is kept (cli), slots.
import { AssayError } from '../../model/errors.js';
import { SESSION_LIMITS } from '../../protocol/limits.js';
import { HOST_LIMITS } from './limits.js';

export interface IndexEntry {
  readonly worker: string;
  /** as the host counts */
  readonly number: number;
  readonly index: number;
}

/** Where they are kept between two lives of a miner. */
export interface IndexStore {
  read(): Promise<readonly IndexEntry[]>;
  /** Resolves when they would survive the process: only then is a host told of them. */
  write(entries: readonly IndexEntry[]): Promise<void>;
}

/** Slots of the miner's own host come before: as many as are challenged of one hotkey, so that none of them is ever in the way. */
export const FIRST_HOST_INDEX = SESSION_LIMITS.slotsPerMiner;

/**
 * The entries with one for each number of `worker`: those there are, and for new ones the next index that nobody ever had. A plot
 * is made for an index, and a level is earned by one: another slot must not come by either.
 * @throws AssayError `limit-exceeded`
 */
export function withIndices(
  entries: readonly IndexEntry[],
  worker: string,
  numbers: readonly number[],
): readonly IndexEntry[] {
  const missing = [...new Set(numbers)].filter(
    (number) => !entries.some((entry) => entry.worker === worker && entry.number === number),
  );
  if (missing.length === 0) return entries;
  const total = entries.length + missing.length;
  if (total > HOST_LIMITS.indices)
    throw new AssayError(
      'limit-exceeded',
      `slots of hosts: ${total} had an index so far, at most ${HOST_LIMITS.indices} may`,
      { what: 'slots of hosts', limit: HOST_LIMITS.indices, got: total },
    );
  const next = Math.max(FIRST_HOST_INDEX - 1, ...entries.map(({ index }) => index)) + 1;
  return [...entries, ...missing.map((number, i) => ({ worker, number, index: next + i }))];
}
