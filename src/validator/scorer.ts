// Owns: what counts for pay, in step with the ledger: an epoch is paid by what stands before its `scored` entry and by nothing
// else, so that a second process comes to the same row. Does not own: folding and pay (scoring), entries (ledger).
import type { Hotkey } from '../model/ids.js';
import type { Outcome } from '../model/outcome.js';
import {
  createScoringState,
  type Facts,
  type Pay,
  policyDigest,
  restoreScoringState,
  type ScoringPolicy,
  type ScoringRule,
  type ScoringState,
} from '../scoring/index.js';
import type { KindsByName } from '../verification/parameter-file.js';
import {
  createTallies,
  DEFAULT_BREAKER,
  type Drift,
  type Hold,
  isMassFailure,
  readHold,
  type Tallies,
  withoutEvents,
} from './breaker.js';
import { type Classes, learnClasses } from './ledger/classes.js';
import type { BreakerEntry, BreakerLimits, LedgerEntry, ScoredEntry } from './ledger/entries.js';
import type { Ledger } from './ledger/ledger.js';
import type { LedgerFold } from './ledger/load.js';
import { scoreState } from './score.js';

/** What a scorer reads and writes. */
export type ScoredLedger = Pick<Ledger, 'append' | 'saveParams' | 'fold' | 'compacted' | 'readParams'>;

/** What a person says of scores that are held. */
export const DECISIONS = {
  /** the failure was not the miners': events since it began count for nobody */
  release: 'released',
  /** the miners failed: what was judged counts */
  accept: 'accepted',
} as const;
export type Decision = keyof typeof DECISIONS;

/** Where a word waits until it is written down. */
export interface Decisions {
  /** Does nothing where none waits. What `apply` rejects with waits on. */
  take(apply: (decision: Decision) => Promise<void>): Promise<void>;
}

/** How the breaker stands after an epoch's scores were due. */
export interface BreakerView extends Drift {
  /** the first epoch whose scores are held, and the one in which they count as judged if nobody says anything */
  readonly held?: { readonly since: number; readonly until: number } | undefined;
  /** more failed together than the limit, held or not */
  readonly tripped: boolean;
}

export interface Paid {
  /** u16 by hotkey */
  readonly row: ReadonlyMap<Hotkey, number>;
  /** undefined where scores are held, and the row is an older one's */
  readonly pay: Pay | undefined;
  readonly breaker: BreakerView;
}

export interface Scorer {
  /** All that is told to the ledger goes through it. */
  append(entry: LedgerEntry): Promise<void>;
  /**
   * Pays an epoch, and writes down by what; where so many fail together that scores are held, by what instead.
   * @returns undefined where there is nothing to say (`scoreState`)
   */
  pay(
    of: {
      readonly policy: ScoringPolicy;
      readonly epoch: number;
      /** at which `facts` were read */
      readonly block: number;
      readonly facts: Facts;
    },
    signal?: AbortSignal,
  ): Promise<Paid | undefined>;
  /** Ends a hold. @returns false where nothing is held */
  decide(decision: Decision, at: { readonly epoch: number; readonly block: number }): Promise<boolean>;
}

/** The ledger is read once, and again when the owner publishes another policy. */
export function createScorer({
  ledger,
  kinds,
  rules,
  breaker: limits = DEFAULT_BREAKER,
}: {
  readonly ledger: ScoredLedger;
  readonly kinds: KindsByName;
  /** The subnet's own, which policies may name. @default none */
  readonly rules?: readonly ScoringRule[] | undefined;
  /** @default DEFAULT_BREAKER */
  readonly breaker?: BreakerLimits | undefined;
}): Scorer {
  let now: Folded | undefined;
  /** written while the ledger is read: the reading may have been past them */
  let meanwhile: Outcome[] | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  /** No event begins or ends between what is paid and its entry. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  };

  async function tell(outcome: Outcome): Promise<void> {
    meanwhile?.push(outcome);
    if (!now) return;
    const { classes, into } = now;
    await classes.learn(outcome);
    into.outcome(outcome);
  }

  async function foldedBy(policy: ScoringPolicy, signal?: AbortSignal): Promise<Folded> {
    const digest = policyDigest(policy);
    if (now?.digest === digest) return now;
    meanwhile = [];
    try {
      const hold = await readHold(ledger, signal);
      const classes = now?.classes ?? (await learnClasses(ledger, kinds, signal));
      const compacted = ledger.compacted();
      const parts = { classOf: classes.of, rules };
      const state =
        compacted?.policy === digest
          ? restoreScoringState(policy, compacted.state, parts)
          : createScoringState(policy, parts);
      const tallies = createTallies();
      const counted = withoutEvents(state, hold.voided);
      const into: Folded['into'] = {
        started: (event) => counted.started(event),
        outcome(outcome) {
          counted.outcome(outcome);
          tallies.outcome(outcome);
        },
        completed(event) {
          counted.completed(event);
          tallies.completed(event);
        },
      };
      await ledger.fold(into, {}, signal);
      for (let i = 0; i < meanwhile.length; i++) {
        await classes.learn(meanwhile[i]!); // more may come while it is looked up
        into.outcome(meanwhile[i]!);
      }
      now = { digest, state, classes, hold, tallies, into };
      return now;
    } finally {
      meanwhile = undefined;
    }
  }

  /** Written down before it counts. */
  async function note(hold: Hold, entry: BreakerEntry): Promise<void> {
    await ledger.append(entry);
    hold.breaker(entry);
  }

  return {
    async append(entry) {
      if (entry.type === 'outcome') {
        await ledger.append(entry);
        return tell(entry.outcome);
      }
      return inTurn(async () => {
        await ledger.append(entry);
        if (entry.type === 'event-started') {
          now?.into.started(entry);
          now?.hold.started(entry);
        }
        if (entry.type === 'event-completed') {
          now?.into.completed(entry);
          now?.hold.completed(entry);
        }
      });
    },
    pay({ policy, epoch, block, facts }, signal) {
      return inTurn(async () => {
        const { state, hold, tallies } = await foldedBy(policy, signal);
        const { neurons } = facts;
        const drift = tallies.drift(epoch, neurons);
        const tripped = isMassFailure(drift, limits);
        const at = { type: 'breaker', epoch, block } as const;
        const next = hold.next(epoch, drift, limits);
        if (next === 'expire') await note(hold, { ...at, is: 'expired', since: hold.held!.since });
        if (next === 'trip') {
          const { row } = hold.last!;
          await note(hold, { ...at, is: 'tripped', since: epoch, row, neurons, limits });
        }
        if (next === 'hold' && hold.heldEpoch !== epoch)
          await note(hold, { ...at, is: 'held', since: hold.held!.since, row: hold.held!.row });
        if (hold.held) {
          const { since, row } = hold.held;
          const held = { since, until: since + limits.holdEpochs };
          return { row: new Map(row), pay: undefined, breaker: { ...drift, tripped, held } };
        }
        const pay = scoreState(state, epoch)?.pay(facts);
        if (!pay) return undefined;
        const digest = policyDigest(policy);
        await ledger.saveParams(digest, policy);
        const { endedAt } = hold;
        const isResting = endedAt !== undefined && epoch - endedAt < limits.restEpochs;
        const entry: ScoredEntry = {
          ...{ type: 'scored', epoch, block, policy: digest, facts, row: [...pay.u16] },
          ...(isResting ? { heldUntil: endedAt } : {}),
        };
        await ledger.append(entry);
        hold.scored(entry);
        return { row: pay.u16, pay, breaker: { ...drift, tripped } };
      });
    },
    decide(decision, { epoch, block }) {
      return inTurn(async () => {
        const hold = now?.hold ?? (await readHold(ledger));
        if (!hold.held) return false;
        const { since } = hold.held;
        await note(hold, { type: 'breaker', is: DECISIONS[decision], epoch, block, since });
        // what was folded has the events in it that count no more
        if (decision === 'release') now = undefined;
        return true;
      });
    },
  };
}

interface Folded {
  readonly digest: string;
  readonly state: ScoringState;
  readonly classes: Classes;
  readonly hold: Hold;
  readonly tallies: Tallies;
  /** both of them */
  readonly into: Required<Pick<LedgerFold, 'started' | 'outcome' | 'completed'>>;
}
