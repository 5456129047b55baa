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
  type ScoringState,
} from '../scoring/index.js';
import type { KindsByName } from '../verification/parameter-file.js';
import { type Classes, learnClasses } from './ledger/classes.js';
import type { LedgerEntry } from './ledger/entries.js';
import type { Ledger } from './ledger/ledger.js';
import { scoreState } from './score.js';

/** What a scorer reads and writes. */
export type ScoredLedger = Pick<Ledger, 'append' | 'saveParams' | 'fold' | 'compacted' | 'readParams'>;

export interface Scorer {
  /** All that is told to the ledger goes through it. */
  append(entry: LedgerEntry): Promise<void>;
  /**
   * Pays an epoch, and writes down by what.
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
  ): Promise<Pay | undefined>;
}

/** The ledger is read once, and again when the owner publishes another policy. */
export function createScorer({
  ledger,
  kinds,
}: {
  readonly ledger: ScoredLedger;
  readonly kinds: KindsByName;
}): Scorer {
  let now: { readonly digest: string; readonly state: ScoringState; readonly classes: Classes } | undefined;
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
    const { state, classes } = now;
    await classes.learn(outcome);
    state.outcome(outcome);
  }

  async function stateBy(policy: ScoringPolicy, signal?: AbortSignal): Promise<ScoringState> {
    const digest = policyDigest(policy);
    if (now?.digest === digest) return now.state;
    meanwhile = [];
    try {
      const classes = now?.classes ?? (await learnClasses(ledger, kinds, signal));
      const compacted = ledger.compacted();
      const parts = { classOf: classes.of };
      const state =
        compacted?.policy === digest
          ? restoreScoringState(policy, compacted.state, parts)
          : createScoringState(policy, parts);
      await ledger.fold(state, {}, signal);
      for (let i = 0; i < meanwhile.length; i++) {
        await classes.learn(meanwhile[i]!); // more may come while it is looked up
        state.outcome(meanwhile[i]!);
      }
      now = { digest, state, classes };
      return state;
    } finally {
      meanwhile = undefined;
    }
  }

  return {
    async append(entry) {
      if (entry.type === 'outcome') {
        await ledger.append(entry);
        return tell(entry.outcome);
      }
      return inTurn(async () => {
        await ledger.append(entry);
        if (entry.type === 'event-started') now?.state.started(entry);
        if (entry.type === 'event-completed') now?.state.completed(entry);
      });
    },
    pay({ policy, epoch, block, facts }, signal) {
      return inTurn(async () => {
        const pay = scoreState(await stateBy(policy, signal), epoch)?.pay(facts);
        if (!pay) return undefined;
        const digest = policyDigest(policy);
        await ledger.saveParams(digest, policy);
        const row: readonly (readonly [Hotkey, number])[] = [...pay.u16];
        await ledger.append({ type: 'scored', epoch, block, policy: digest, facts, row });
        return pay;
      });
    },
  };
}
