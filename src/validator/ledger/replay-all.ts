// Owns: judging and paying again all that a ledger has. Does not own: one outcome (replay.ts), what a policy pays (scoring).

import { isAssayError } from '../../model/errors.js';
import type { Hotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import { isDeclined, verdictToString } from '../../model/verdict.js';
import {
  createScoringState,
  parsePolicy,
  restoreScoringState,
  type ScoringState,
  type StateParts,
} from '../../scoring/index.js';
import { createTallies, isMassFailure, readHold, type Tallies, withoutEvents } from '../breaker.js';
import { scoreState } from '../score.js';
import type { BreakerEntry, ScoredEntry } from './entries.js';
import type { LedgerReader } from './ledger.js';
import type { EpochRange } from './load.js';
import { type ReplayParts, replayOutcome } from './replay.js';

export interface ReplayAllParts extends Omit<ReplayParts, 'ledger'>, StateParts {
  readonly ledger: Pick<LedgerReader, 'fold' | 'segments' | 'compacted' | 'inSegment' | 'readParams'>;
}

export interface ReplayAllOptions extends EpochRange {
  /** Outcomes that are judged at once. @default 2 */
  readonly concurrency?: number | undefined;
  /** @default nobody is told */
  readonly onProgress?: ((done: { readonly outcomes: number; readonly judged: number }) => void) | undefined;
}

/** An epoch that was paid. */
export interface ReplayedRow {
  readonly epoch: number;
  readonly policy: string;
  /** the breaker held its scores: it was paid what the last one before was */
  readonly held?: boolean | undefined;
  /** made again from the outcomes before it: the same u16 for every hotkey */
  readonly agrees: boolean;
  /** where it does not: by hotkey, what is recorded and what follows; 0 for who is not in a row */
  readonly differences: readonly {
    readonly hotkey: Hotkey;
    readonly recorded: number;
    readonly due: number;
  }[];
}

export interface ReplayedAll {
  /** Read, with every link and signature checked on the way. */
  readonly outcomes: number;
  /** judged again from their bytes, with the same verdict and every check */
  readonly agreeing: number;
  readonly disagreeing: readonly {
    readonly id: string;
    readonly recorded: string;
    readonly now: string;
    readonly failed: readonly string[];
  }[];
  /** not judged again: sessions or openings that are kept no longer, or never were */
  readonly notKept: number;
  /** not judged again: inconclusive by a fault of the validator's own; the session is read where it is kept */
  readonly inconclusive: number;
  /** not judged again: of another build's parameters or kinds */
  readonly unsupported: number;
  readonly rows: readonly ReplayedRow[];
}

/** Of one outcome, what could not be judged again. */
type Left = 'notKept' | 'inconclusive' | 'unsupported';

/**
 * Rows are made of all that stands before them in the ledger, whatever the range: a range says which of them are looked at, and
 * which outcomes are judged again. A second process comes to the same.
 * @throws AssayError `corrupt` naming file and record where the ledger does not hold; `unsupported` where a row was paid by a policy
 * that names a rule which is not among `rules`: paid by another it would not be the row
 */
export async function replayAll(
  parts: ReplayAllParts,
  { fromEpoch = 0, toEpoch = Number.POSITIVE_INFINITY, concurrency = 2, onProgress }: ReplayAllOptions = {},
  signal?: AbortSignal,
): Promise<ReplayedAll> {
  const inRange = (epoch: number) => epoch >= fromEpoch && epoch <= toEpoch;
  const rows = await replayRows(parts, inRange, signal);
  const counts: Record<Left, number> = { notKept: 0, inconclusive: 0, unsupported: 0 };
  const disagreeing: ReplayedAll['disagreeing'][number][] = [];
  let [outcomes, agreeing, judged] = [0, 0, 0];

  async function judge({ id, verdict }: Outcome, from: ReplayParts['ledger']): Promise<void> {
    const recorded = verdictToString(verdict);
    const left = await leftOf(async () => {
      const { agrees, verdict: now, checks } = await replayOutcome({ ...parts, ledger: from }, id);
      if (agrees) agreeing++;
      else {
        const failed = checks.filter(({ ok }) => !ok).map(({ name }) => name);
        disagreeing.push({ id, recorded, now: verdictToString(now), failed });
      }
    });
    if (left) counts[left]++;
    onProgress?.({ outcomes, judged: ++judged });
  }

  // one segment's at a time: a ledger's would not fit
  const { ledger } = parts;
  const segments = ledger.segments().filter((epoch) => epoch >= fromEpoch && epoch <= toEpoch + 1);
  for (const segment of segments) {
    const own: Outcome[] = [];
    const outcome = (each: Outcome) => void (inRange(each.epoch) && own.push(each));
    await ledger.fold({ outcome }, { fromEpoch: segment, toEpoch: segment }, signal);
    outcomes += own.length;
    const from = await ledger.inSegment(segment);
    const queue = own.values();
    const worker = async () => {
      for (const outcome of queue) {
        signal?.throwIfAborted();
        const { verdict } = outcome;
        if (verdict.kind !== 'inconclusive' || isDeclined(verdict)) await judge(outcome, from);
        else {
          counts.inconclusive++;
          await leftOf(async () => void (await from.find(outcome.id)));
        }
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker));
  }
  return { outcomes, agreeing, disagreeing, ...counts, rows };
}

async function leftOf(judge: () => Promise<void>): Promise<Left | undefined> {
  try {
    await judge();
    return undefined;
  } catch (error) {
    if (isAssayError(error, 'evidence-expired')) return 'notKept';
    if (isAssayError(error, 'unsupported')) return 'unsupported';
    throw error;
  }
}

/** One state for each policy that the ledger was paid by, folded side by side. */
export async function replayRows(
  {
    ledger,
    classOf,
    rules,
  }: StateParts & { readonly ledger: Pick<LedgerReader, 'fold' | 'compacted' | 'readParams'> },
  inRange: (epoch: number) => boolean,
  signal?: AbortSignal,
): Promise<readonly ReplayedRow[]> {
  const policies = new Set<string>();
  await ledger.fold(
    { scored: ({ epoch, policy }) => void (inRange(epoch) && policies.add(policy)) },
    {},
    signal,
  );
  const compacted = ledger.compacted();
  const states = new Map<string, ScoringState>();
  for (const digest of policies) {
    const policy = parsePolicy(await ledger.readParams(digest), undefined, rules);
    const state =
      compacted?.policy === digest
        ? restoreScoringState(policy, compacted.state, { classOf, rules })
        : createScoringState(policy, { classOf, rules });
    states.set(digest, state);
  }
  const { voided } = await readHold(ledger, signal);
  const tallies = createTallies();
  let last: ScoredEntry | undefined;
  const rows: ReplayedRow[] = [];
  const each = (tell: (state: ScoringState) => void) => {
    for (const state of states.values()) tell(state);
  };
  const counted = withoutEvents(
    {
      started: (event) => each((state) => state.started(event)),
      outcome: (outcome) => each((state) => state.outcome(outcome)),
      completed: (event) => each((state) => state.completed(event)),
    },
    voided,
  );
  await ledger.fold(
    {
      started: counted.started,
      outcome(outcome) {
        counted.outcome(outcome);
        tallies.outcome(outcome);
      },
      completed(event) {
        counted.completed(event);
        tallies.completed(event);
      },
      scored(entry) {
        last = entry;
        if (inRange(entry.epoch)) rows.push(rowAgain(states.get(entry.policy)!, entry));
      },
      breaker(entry) {
        if (entry.row && inRange(entry.epoch)) rows.push(heldAgain(tallies, entry, last));
      },
    },
    {},
    signal,
  );
  return rows;
}

function rowAgain(state: ScoringState, { epoch, policy, facts, row }: ScoredEntry): ReplayedRow {
  const due = scoreState(state, epoch)?.pay(facts).u16 ?? new Map<Hotkey, number>();
  const differences = differencesOf(row, due);
  return { epoch, policy, agrees: differences.length === 0, differences };
}

/** What is set while scores are held is the row of the last epoch that was paid; and they were held for a reason. */
function heldAgain(
  tallies: Tallies,
  { is, epoch, row = [], neurons, limits }: BreakerEntry,
  last: ScoredEntry | undefined,
): ReplayedRow {
  const differences = differencesOf(row, new Map(last?.row));
  const hadReason =
    is !== 'tripped' ||
    (neurons !== undefined && limits !== undefined && isMassFailure(tallies.drift(epoch, neurons), limits));
  const agrees = hadReason && differences.length === 0;
  return { epoch, policy: last?.policy ?? '', held: true, agrees, differences };
}

function differencesOf(
  row: ScoredEntry['row'],
  due: ReadonlyMap<Hotkey, number>,
): ReplayedRow['differences'] {
  const recorded = new Map(row);
  return [...new Set([...recorded.keys(), ...due.keys()])]
    .map((hotkey) => ({ hotkey, recorded: recorded.get(hotkey) ?? 0, due: due.get(hotkey) ?? 0 }))
    .filter((each) => each.recorded !== each.due);
}
