// Owns: honest events run until there are enough sessions, and what became of them. Does not own: the events (kinds.ts).
import { setImmediate as turn } from 'node:timers/promises';
import { createSeededRandom } from '../../model/prng.js';
import { verdictToString } from '../../model/verdict.js';
import { HONEST_KINDS } from './kinds.js';
import { LINE_MODELS } from './models.js';

/** What became of the honest sessions of one kind over one line. */
export interface HonestRow {
  readonly kind: string;
  readonly line: string;
  readonly sessions: number;
  readonly accepted: number;
  /** those that were not, by verdict, with the first event in which each was seen */
  readonly others: Readonly<Record<string, { readonly count: number; readonly first: number }>>;
}

/**
 * @param options.sessions of all lines together: they take turns
 * @param options.onSessions told how many there are
 */
export async function runHonest(
  kind: string,
  options: { readonly sessions: number; readonly seed: string; readonly onSessions?: (done: number) => void },
  signal: AbortSignal,
): Promise<readonly HonestRow[]> {
  const play = HONEST_KINDS[kind];
  if (!play)
    throw new RangeError(`kind: expected one of ${Object.keys(HONEST_KINDS).join(', ')}, got ${kind}`);
  const rows = LINE_MODELS.map(({ name }) => ({
    kind,
    line: name,
    sessions: 0,
    accepted: 0,
    others: {} as Record<string, { count: number; first: number }>,
  }));
  let done = 0;
  for (let event = 0; done < options.sessions; event++) {
    const at = event % LINE_MODELS.length;
    const row = rows[at]!;
    const random = createSeededRandom(`${options.seed}/honest/${kind}/${event}`);
    for (const verdict of await play(LINE_MODELS[at]!, random)) {
      row.sessions++;
      done++;
      if (verdict.kind === 'accepted') row.accepted++;
      else {
        const name = verdictToString(verdict);
        const known = row.others[name] ?? { count: 0, first: event };
        row.others[name] = { ...known, count: known.count + 1 };
      }
    }
    options.onSessions?.(done);
    await turn(); // signals are seen between events
    signal.throwIfAborted();
  }
  return rows;
}
