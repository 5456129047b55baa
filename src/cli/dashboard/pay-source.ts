// Owns: why each hotkey was paid nothing, or less, in the newest epoch that was paid: its pay made again from the ledger's entries as
// they are read. Does not own: pay (scoring), what is shown of it (dashboard/miner).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PayWhy } from '../../dashboard/miner/page.js';
import type { ParameterFacts } from '../../dashboard/parameter-facts.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { Hotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import {
  createScoringState,
  DEFAULT_POLICY,
  type Pay,
  policyDigest,
  readPolicy,
  type ScoringPolicy,
  type ScoringRule,
  type ScoringState,
} from '../../scoring/index.js';
import type { EventEntry, ScoredEntry } from '../../validator/ledger/entries.js';
import type { LedgerFold } from '../../validator/ledger/load.js';
import { scoreState } from '../../validator/score.js';
import { errnoOf } from '../invalid-input.js';

export interface PaySource extends LedgerFold {
  /** undefined where it was paid in full, and where what was recorded could not be made again from what is known here */
  why(hotkey: string): PayWhy | undefined;
}

/** Until the first pay says which policy counts, entries wait: an epoch of a full subnet. */
const MOST_WAITING = 100_000;

type Waiting = (state: ScoringState) => void;

/**
 * @param sets folder in which the ledger keeps policies by digest
 * @param rules of the subnet's own, that policies name
 */
export function createPaySource(
  sets: string,
  parameters: ParameterFacts,
  rules: readonly ScoringRule[] = [],
): PaySource {
  let state: ScoringState | undefined;
  let by: string | undefined;
  let waiting: Waiting[] = [];
  let isWhole = true;
  let newest: { readonly epoch: number; readonly pay: Pay } | undefined;

  const tell = (entry: Waiting): void => {
    if (state) entry(state);
    else if (waiting.length < MOST_WAITING) waiting.push(entry);
    else isWhole = false;
  };

  function scored(entry: ScoredEntry): void {
    newest = undefined;
    if (entry.policy !== by) {
      // what was remembered under another policy is not carried over, as the validator's is not
      const policy = readKept(sets, entry.policy, rules);
      by = entry.policy;
      state = policy && createScoringState(policy, { classOf: (id) => parameters.set(id)?.className, rules });
      if (state && isWhole) for (const each of waiting) each(state);
      waiting = [];
      isWhole = true;
    }
    const pay = state && payAgain(state, entry);
    // only what is recorded is explained: a row that comes out otherwise has reasons that nobody here knows
    if (pay && isSameRow(pay.u16, entry.row)) newest = { epoch: entry.epoch, pay };
  }

  return {
    started: (event: EventEntry) => tell((into) => into.started(event)),
    completed: (event: EventEntry) => tell((into) => into.completed(event)),
    outcome: (outcome: Outcome) => tell((into) => into.outcome(outcome)),
    scored,
    why(hotkey) {
      const reason = newest?.pay.reasons.get(hotkey as Hotkey);
      if (!newest || !reason) return undefined;
      const { zero, cuts } = reason;
      return { epoch: newest.epoch, zero, cuts };
    },
  };
}

/** undefined where the rule fails that is here: it is not the one that paid */
function payAgain(state: ScoringState, { epoch, facts }: ScoredEntry): Pay | undefined {
  try {
    return scoreState(state, epoch)?.pay(facts);
  } catch (error) {
    if (isAssayError(error, 'rule-failed')) return undefined;
    throw error;
  }
}

function isSameRow(row: ReadonlyMap<Hotkey, number>, recorded: ScoredEntry['row']): boolean {
  const some = recorded.filter(([, value]) => value > 0);
  return some.length === row.size && some.every(([hotkey, value]) => row.get(hotkey) === value);
}

/** undefined for a policy that is not kept, that this build cannot read, or whose rule is not known here */
function readKept(sets: string, digest: string, rules: readonly ScoringRule[]): ScoringPolicy | undefined {
  if (digest === policyDigest(DEFAULT_POLICY)) return DEFAULT_POLICY;
  try {
    return readPolicy(readFileSync(join(sets, `${digest}.json`)), undefined, rules);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || error instanceof AssayError) return undefined;
    throw error;
  }
}
