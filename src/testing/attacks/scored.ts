// Owns: what the default policy makes of events of simulated slots. Does not own: the policy (scoring/policies).

import { type Credit, NO_CREDIT } from '../../model/credit.js';
import { toColdkey, toHotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import { accepted, type Cause, inconclusive, rejected, type Verdict } from '../../model/verdict.js';
import {
  DEFAULT_POLICY,
  parsePolicy,
  payOf,
  type ScoringPolicy,
  scoringStateOf,
} from '../../scoring/index.js';

/** What one slot came to in one event; a slot that is not named was not there. */
export interface SlotResult {
  readonly hotkey: string;
  readonly slot?: number;
  /** in nominal devices; 0 is a rejection */
  readonly share: number;
  /** what was proven, where it is not just so many nominal devices */
  readonly credit?: Credit;
  /** nobody's fault by the validator's word */
  readonly voided?: Cause;
}

const VALIDATOR = toHotkey('validator');

/** A nominal device proves one of it. */
const DEVICE = 'opsPerS';
const IN_DEVICES = parsePolicy({
  ...DEFAULT_POLICY,
  pools: [{ name: 'proven', share: 1, prices: { [DEVICE]: { of: 1, counts: 1 } } }],
});

/** The sum over all hotkeys that the default policy gives an epoch with these events: in nominal devices. */
export const scoreOf = (events: readonly (readonly SlotResult[])[]): number => scoredAt(IN_DEVICES, events);

/** The same of results that say what was proven: at the prices that count. */
export const paidFor = (events: readonly (readonly SlotResult[])[]): number =>
  scoredAt(DEFAULT_POLICY, events);

function scoredAt(policy: ScoringPolicy, events: readonly (readonly SlotResult[])[]): number {
  const outcomes = events.flatMap((slots, event) => slots.map((slot) => outcomeOf(slot, `${event}`)));
  const completed = events.map((_, event) => ({ event: `${event}`, epoch: 1 }));
  const neurons = new Map(outcomes.map(({ miner }) => [miner, { coldkey: toColdkey(miner) }]));
  const state = scoringStateOf(policy, { outcomes, completed, through: 1 });
  const { pools } = payOf(state, { epoch: 1, facts: { neurons, owner: VALIDATOR } });
  return pools.reduce((sum, { worth }) => sum + worth, 0);
}

function outcomeOf({ hotkey, slot = 0, share, credit, voided }: SlotResult, event: string): Outcome {
  const verdict: Verdict = voided ? inconclusive(voided) : share > 0 ? accepted : rejected('window');
  return {
    id: `${event}/${hotkey}/${slot}`,
    event,
    eventBlock: Number(event),
    epoch: 1,
    netuid: 1,
    validator: VALIDATOR,
    miner: toHotkey(hotkey),
    kind: 'compute',
    paramsId: '00',
    slot,
    verdict,
    measuredMs: undefined,
    ownDelayMs: 0,
    credit: verdict.kind === 'accepted' ? (credit ?? { [DEVICE]: share }) : NO_CREDIT,
    share: verdict.kind === 'accepted' ? share : 0,
    at: 0,
  };
}
