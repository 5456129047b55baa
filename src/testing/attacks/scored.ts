// Owns: what the scoring rule makes of events of simulated slots. Does not own: the rule (scoring/rules).

import { type Credit, NO_CREDIT } from '../../model/credit.js';
import { toHotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import { accepted, type Cause, inconclusive, rejected, type Verdict } from '../../model/verdict.js';
import { PRICES, type PriceList } from '../../scoring/prices.js';
import { provenSlots } from '../../scoring/rules/proven-slots.js';

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
const IN_DEVICES: PriceList = { real: { [DEVICE]: 1 }, simulated: {} };

/** The sum over all hotkeys that the real rule gives an epoch with these events: in nominal devices. */
export const scoreOf = (events: readonly (readonly SlotResult[])[]): number => scoredAt(IN_DEVICES, events);

/** The same of results that say what was proven: at the prices that count. */
export const paidFor = (events: readonly (readonly SlotResult[])[]): number => scoredAt(PRICES, events);

function scoredAt(prices: PriceList, events: readonly (readonly SlotResult[])[]): number {
  const outcomes = events.flatMap((slots, event) => slots.map((slot) => outcomeOf(slot, `${event}`)));
  const completed = events.map((_, event) => ({ event: `${event}`, epoch: 1 }));
  const { scores } = provenSlots({ outcomes, completed, epoch: 1 }, { prices });
  return [...scores.values()].reduce((sum, score) => sum + score, 0);
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
