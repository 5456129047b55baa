// Owns: what goes on in a validator's events, from what it tells anyhow: its spans, its ledger's entries, its status. Does not own:
// the events (validator), how they are shown (page.ts).
import type { Hotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import type { Span, Tracer } from '../../model/trace.js';
import { isDeclined, type Verdict, verdictToString } from '../../model/verdict.js';
import type { EventEntry, ScoredEntry } from '../../validator/ledger/entries.js';
import type { ValidatorStatus } from '../../validator/status.js';
import type { ChainFacts } from '../chain-facts.js';

/** Where a session is: asked to get ready, at work since the Go, its opening being verified, over. */
export const STAGES = ['armed', 'challenged', 'verifying', 'judged'] as const;
export type Stage = (typeof STAGES)[number];

export interface SessionView {
  readonly miner: Hotkey;
  readonly kind: string;
  readonly slot: number;
  readonly stage: Stage;
  /** unix ms by which the first phases are over; undefined before the Go, and where nobody said how long they are */
  readonly dueMs: number | undefined;
  readonly outcome?:
    | { readonly id: string; readonly verdict: Verdict; readonly measuredMs: number | undefined }
    | undefined;
}

export interface Counts {
  readonly accepted: number;
  readonly rejected: number;
  readonly inconclusive: number;
  /** of inconclusive ones those that miners declined */
  readonly declined: number;
}

export interface RoundView {
  readonly purpose: 'event' | 'check';
  readonly block: number;
  readonly epoch: number;
  /** `announced`: its block has not come; `dropped`: it counts for nobody; `unended`: nobody wrote its end where it was due */
  readonly state: 'announced' | 'running' | 'complete' | 'dropped' | 'unended';
  /** unix ms at which its block was seen */
  readonly goMs: number | undefined;
  readonly counts: Counts;
  /** sessions by stage, of those that are known */
  readonly stages: Readonly<Record<Stage, number>>;
  /** of the newest rounds; [] of older ones */
  readonly sessions: readonly SessionView[];
  /** whether sessions are known before they are judged: a ledger alone says nothing of them */
  readonly isWatched: boolean;
}

export interface VerdictView {
  readonly outcome: Outcome;
  readonly text: string;
}

export interface RoundsView {
  readonly status: ValidatorStatus | undefined;
  /** newest first */
  readonly rounds: readonly RoundView[];
  /** newest first */
  readonly verdicts: readonly VerdictView[];
}

export interface RoundsBook {
  // as a fold of the ledger
  started(entry: EventEntry): void;
  completed(entry: EventEntry): void;
  outcome(outcome: Outcome): void;
  scored(entry: ScoredEntry): void;
  /** The same tracer; what it is told is noted. */
  traced(inner: Tracer): Tracer;
  status(status: ValidatorStatus): void;
  view(): RoundsView;
  /** Another number after each change. */
  revision(): number;
}

const KEPT_ROUNDS = 32;
/** Rounds whose sessions are kept. */
const WATCHED_ROUNDS = 4;
/** Of one round: more slots than a subnet's hotkeys offer are counted and not listed. */
const KEPT_SESSIONS = 8192;
const KEPT_VERDICTS = 60;
/** A validator tells of an event as it writes it down: of one that it has not told of by then, it knows nothing. */
const TOLD_WITHIN_MS = 5000;

interface Session {
  readonly miner: Hotkey;
  readonly kind: string;
  readonly slot: number;
  readonly windowMs: number | undefined;
  stage: Stage;
  outcome?: SessionView['outcome'];
}

interface Round {
  readonly purpose: 'event' | 'check';
  readonly block: number;
  epoch: number;
  /** unix ms at which it was told of first */
  readonly toldMs: number;
  isOver: 'complete' | 'dropped' | 'unended' | undefined;
  goMs: number | undefined;
  isWatched: boolean;
  readonly counts: { -readonly [name in keyof Counts]: number };
  readonly sessions: Map<string, Session>;
}

export interface RoundsBookOptions {
  /** unix ms */
  now(): number;
  /** No session is open for longer: where no end is told by then there is none, or verifiers have a backlog. @default 15 min */
  readonly longestMs?: number | undefined;
  /** Where the chain is, where it is read. */
  head?(): Pick<ChainFacts, 'block' | 'blockTimeMs'> | undefined;
}

export function createRoundsBook({
  now,
  longestMs = 15 * 60_000,
  head = () => undefined,
}: RoundsBookOptions): RoundsBook {
  /** in the order of their blocks */
  const rounds: Round[] = [];
  const byEvent = new Map<string, Round>();
  const verdicts: VerdictView[] = [];
  let status: ValidatorStatus | undefined;
  let revision = 0;

  function roundOf(purpose: Round['purpose'], block: number, epoch: number): Round {
    const known = rounds.find((each) => each.block === block && each.purpose === purpose);
    if (known) return known;
    const made: Round = {
      purpose,
      block,
      epoch,
      toldMs: now(),
      isOver: undefined,
      goMs: undefined,
      isWatched: false,
      counts: { accepted: 0, rejected: 0, inconclusive: 0, declined: 0 },
      sessions: new Map(),
    };
    const at = rounds.findIndex((each) => each.block > block);
    rounds.splice(at < 0 ? rounds.length : at, 0, made);
    while (rounds.length > KEPT_ROUNDS) {
      const gone = rounds.shift()!;
      for (const [event, round] of byEvent) if (round === gone) byEvent.delete(event);
    }
    for (const older of rounds.slice(0, -WATCHED_ROUNDS)) if (!isOpen(older)) older.sessions.clear();
    return made;
  }

  /** somebody is seen at work on it */
  const isOpen = ({ isOver, isWatched }: Round): boolean => isWatched && !isOver;

  function end(round: Round, how: NonNullable<Round['isOver']>): void {
    round.isOver = how;
    if (rounds.indexOf(round) < rounds.length - WATCHED_ROUNDS) round.sessions.clear();
    revision++;
  }

  /** Rounds that nobody is seen at work on: of their end only the ledger tells. */
  const leftOpen = () => rounds.filter(({ isOver, isWatched }) => !isOver && !isWatched);

  /** Ends those of whose end nobody told. */
  function look(): void {
    const chain = head();
    for (const round of leftOpen()) {
      // told of it just now, it may be a block of long ago
      const sinceMs = chain ? (chain.block - round.block) * chain.blockTimeMs : 0;
      const ageMs = Math.max(now() - round.toldMs, sinceMs);
      // begun by a process before this one, which counts for nobody
      if (status && now() - round.toldMs >= TOLD_WITHIN_MS) end(round, 'dropped');
      else if (ageMs >= longestMs) end(round, 'unended');
    }
  }

  const sessionOf = (
    round: Round,
    of: Pick<Session, 'miner' | 'kind' | 'slot'>,
    windowMs?: number,
  ): Session | undefined => {
    const key = `${of.miner} ${of.kind} ${of.slot}`;
    const known = round.sessions.get(key);
    if (known) return known;
    if (round.sessions.size >= KEPT_SESSIONS) return undefined;
    const { miner, kind, slot } = of;
    const made: Session = { miner, kind, slot, windowMs, stage: 'armed' };
    round.sessions.set(key, made);
    return made;
  };

  const purposeOf = ({ liveness }: EventEntry): Round['purpose'] => (liveness ? 'check' : 'event');

  /** What of a span is ours; undefined for others' spans. */
  function noted(
    name: string,
    about: Readonly<Record<string, unknown>>,
  ): ((end: SpanEnd) => void) | undefined {
    const { block, epoch, kind, slot, miner, windowMs } = about;
    if (typeof block !== 'number') return undefined;
    if (name === 'event' || name === 'check') {
      const round = roundOf(name, block, typeof epoch === 'number' ? epoch : 0);
      round.isWatched = true;
      return ({ error }) => {
        // an event that completed has said so in the ledger; one in which nobody claimed a slot counts for nobody
        if (!round.isOver)
          end(round, error !== undefined || round.sessions.size === 0 ? 'dropped' : 'complete');
      };
    }
    if (name !== 'session' && name !== 'verification') return undefined;
    if (typeof kind !== 'string' || typeof slot !== 'number' || typeof miner !== 'string') return undefined;
    // of a round that is not kept any more nothing is noted
    const round = [...rounds]
      .reverse()
      .find((each) => each.block === block && (each.purpose === 'check') === (kind === 'liveness'));
    if (!round) return undefined;
    const session = sessionOf(
      round,
      { miner: miner as Hotkey, kind, slot },
      typeof windowMs === 'number' ? windowMs : undefined,
    );
    if (!session) return undefined;
    if (name === 'verification' && session.stage !== 'judged') session.stage = 'verifying';
    return () => {
      session.stage = 'judged';
    };
  }

  function watch(span: Span, note: (end: SpanEnd) => void): Span {
    let isOver = false;
    return {
      get traceparent() {
        return span.traceparent;
      },
      set: (name, value) => span.set(name, value),
      end(error) {
        if (!isOver) {
          isOver = true;
          note({ error });
          revision++;
        }
        span.end(error);
      },
    };
  }

  return {
    started(entry) {
      byEvent.set(entry.event, roundOf(purposeOf(entry), entry.block, entry.epoch));
      revision++;
    },
    completed(entry) {
      const round = byEvent.get(entry.event) ?? roundOf(purposeOf(entry), entry.block, entry.epoch);
      end(round, 'complete');
      for (const before of leftOpen())
        if (before.purpose === round.purpose && before.block < round.block) end(before, 'unended');
    },
    scored({ epoch }) {
      for (const before of leftOpen()) if (before.epoch <= epoch) end(before, 'unended');
    },
    outcome(outcome) {
      const { kind, eventBlock, epoch, miner, slot, verdict, id, measuredMs } = outcome;
      const round =
        byEvent.get(outcome.event) ?? roundOf(kind === 'liveness' ? 'check' : 'event', eventBlock, epoch);
      round.counts[verdict.kind]++;
      if (isDeclined(verdict)) round.counts.declined++;
      const isListed = rounds.indexOf(round) >= rounds.length - WATCHED_ROUNDS || isOpen(round);
      const session = isListed ? sessionOf(round, { miner, kind, slot }) : undefined;
      if (session) {
        session.stage = 'judged';
        session.outcome = { id, verdict, measuredMs };
      }
      verdicts.unshift({ outcome, text: verdictToString(verdict) });
      verdicts.splice(KEPT_VERDICTS);
      revision++;
    },
    traced: (inner) => ({
      start(name, about = {}, parent) {
        const span = inner.start(name, about, parent);
        const note = noted(name, about);
        if (!note) return span;
        revision++;
        return watch(span, note);
      },
    }),
    status(next) {
      const isNews =
        next.head !== status?.head || next.running !== status.running || next.queue !== status.queue;
      status = next;
      for (const round of rounds)
        if (
          round.goMs === undefined &&
          round.isOver === undefined &&
          next.head >= round.block &&
          round.isWatched
        )
          round.goMs = now();
      if (isNews) revision++;
    },
    view() {
      look();
      return { status, rounds: [...rounds].reverse().map(toView), verdicts: [...verdicts] };
    },
    revision() {
      look();
      return revision;
    },
  };
}

interface SpanEnd {
  readonly error: unknown;
}

function toView({ purpose, block, epoch, isOver, goMs, counts, sessions, isWatched }: Round): RoundView {
  const stages: { [name in Stage]: number } = { armed: 0, challenged: 0, verifying: 0, judged: 0 };
  const views = [...sessions.values()].map(
    ({ miner, kind, slot, windowMs, stage: own, outcome }): SessionView => {
      const stage = isOver ? 'judged' : own === 'armed' && goMs !== undefined ? 'challenged' : own;
      stages[stage]++;
      const dueMs = goMs === undefined || windowMs === undefined ? undefined : goMs + windowMs;
      return { miner, kind, slot, stage, dueMs, ...(outcome ? { outcome } : {}) };
    },
  );
  const hasBegun = goMs !== undefined || !isWatched;
  return {
    purpose,
    block,
    epoch,
    state: isOver ?? (hasBegun ? 'running' : 'announced'),
    goMs,
    counts: { ...counts },
    stages,
    sessions: views,
    isWatched,
  };
}
