// Owns: entries of a ledger as windows, and what of them does not belong together. Pure. Does not own: the file (ledger.ts), whether
// a verdict is right (replay.ts).
import type { Hotkey } from '../../model/ids.js';
import type { Collected } from './collect.js';
import { isJudged, type ProvenEntry, type RolloutEntry } from './ledger.js';

export interface WindowHistory {
  readonly window: number;
  /** undefined: it lapsed before anything was fetched */
  readonly collected?: Collected;
  readonly verdicts: ReadonlyMap<Hotkey, Uint8Array>;
  /** undefined: still to be judged */
  readonly end?: 'judged' | 'lapsed';
  /** Proofs, of this or earlier windows, that count from its end on. */
  readonly proven: readonly ProvenEntry[];
  /** of one that lapsed */
  readonly why?: string;
}

/** What no validator of ours writes: a line is missing, is there twice, or is of another place. */
export interface LedgerFlaw {
  readonly window: number;
  readonly miner?: Hotkey;
  readonly why: string;
}

/** Windows in the order in which they began; the first of two that contradict each other stands. */
export function historyOf(entries: readonly RolloutEntry[]): {
  readonly windows: readonly WindowHistory[];
  readonly flaws: readonly LedgerFlaw[];
} {
  interface Growing extends WindowHistory {
    readonly verdicts: Map<Hotkey, Uint8Array>;
    readonly proven: ProvenEntry[];
    end?: 'judged' | 'lapsed';
    why?: string;
  }
  const windows = new Map<number, Growing>();
  const flaws: LedgerFlaw[] = [];
  let newest = -1;
  /** windows that were handed something in end in their order, so what stands behind one's end was known before the next one's */
  let ended: Growing | undefined;
  const begin = (own: Growing): void => {
    if (own.window < newest)
      flaws.push({ window: own.window, why: `it begins behind window ${newest}, a later one` });
    newest = Math.max(newest, own.window);
    windows.set(own.window, own);
  };

  for (const entry of entries) {
    const { window } = entry;
    const known = windows.get(window);
    const flaw = (why: string, miner?: Hotkey) =>
      flaws.push({ window, ...(miner === undefined ? {} : { miner }), why });
    if (entry.type === 'collected') {
      if (known) flaw('it begins a second time');
      else begin({ window, collected: entry, verdicts: new Map(), proven: [] });
    } else if (entry.type === 'lapsed') {
      if (!known) begin({ window, verdicts: new Map(), proven: [], end: 'lapsed', why: entry.why });
      else if (known.end) flaw(`it lapses, and is ${known.end} already`);
      else {
        Object.assign(known, { end: 'lapsed', why: entry.why });
        ended = known;
      }
    } else if (entry.type === 'proven') {
      const { miner, place } = entry;
      const isOpen = [...windows.values()].some(({ end, verdicts }) => !end && verdicts.size > 0);
      const isTwice = provenOf(
        [...windows.values()].flatMap(({ proven }) => proven),
        entry,
      ).some((each) => each.place === place);
      if (known?.end !== 'judged' || !known.verdicts.has(miner)) flaw('a proof, and no verdict of it', miner);
      else if (isOpen) flaw('a proof between the verdicts of a window', miner);
      else if (isTwice) flaw('a second proof of one rollout', miner);
      else ended?.proven.push(entry);
    } else if (!known?.collected) {
      flaw(`${entry.type === 'verdict' ? 'a verdict' : 'judged'}, and what was handed in is not here`);
    } else if (known.end) {
      flaw(`${entry.type === 'verdict' ? 'a verdict' : 'judged once more'} behind its end`);
    } else if (entry.type === 'verdict') {
      const { miner, record } = entry;
      if (known.verdicts.has(miner)) flaw('a second verdict', miner);
      else if (known.collected.deliveries.some((each) => each.miner === miner && isJudged(each)))
        known.verdicts.set(miner, record);
      else flaw('a verdict, and nothing of this miner was delivered', miner);
    } else {
      for (const each of known.collected.deliveries)
        if (isJudged(each) && !known.verdicts.has(each.miner))
          flaw('judged, and the verdict is not here', each.miner);
      known.end = 'judged';
      ended = known;
    }
  }

  const all = [...windows.values()];
  // windows are judged in their order, so one without an end is not followed by one that is judged
  const lastJudged = all.findLastIndex(({ collected, end, verdicts }) =>
    collected ? end !== undefined || verdicts.size > 0 : false,
  );
  for (const { window, end } of all.slice(0, Math.max(0, lastJudged)))
    if (!end) flaws.push({ window, why: 'neither judged nor lapsed, and a later window is' });
  return { windows: all, flaws };
}

/** Of one miner's window. */
export const provenOf = (
  proven: readonly ProvenEntry[],
  of: { readonly window: number; readonly miner: Hotkey },
): readonly ProvenEntry[] => proven.filter(({ window, miner }) => window === of.window && miner === of.miner);
