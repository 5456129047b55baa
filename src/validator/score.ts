// Owns: the window of outcomes that an epoch is scored over. Does not own: the rule (scoring).
import type { Hotkey } from '../model/ids.js';
import { provenSlots, type ZeroReason } from '../scoring/index.js';
import type { Ledger } from './ledger/ledger.js';

export interface EpochScore {
  /** by hotkey, zeros included */
  readonly scores: ReadonlyMap<Hotkey, number>;
  readonly reasons: ReadonlyMap<Hotkey, ZeroReason>;
  /** The same, with what proven slots missed on the owner's hotkey: the chain burns what that earns. */
  withOwner(owner: Hotkey): ReadonlyMap<Hotkey, number>;
}

/** Epochs before the scored one that the rule may carry from. */
const CARRY_EPOCHS = 1;

/** Undefined when no event was completed in the epoch nor in those carried from: then there is nothing to say. */
export function scoreEpoch(
  ledger: Pick<Ledger, 'outcomes' | 'completedEvents'>,
  epoch: number,
): EpochScore | undefined {
  const fromEpoch = epoch - CARRY_EPOCHS;
  const completed = ledger.completedEvents({ fromEpoch });
  if (completed.length === 0) return undefined;
  const outcomes = ledger.outcomes({ fromEpoch });
  const { scores, reasons, unproven } = provenSlots(
    { outcomes, completed, epoch },
    { carryEpochs: CARRY_EPOCHS },
  );
  return {
    scores,
    reasons,
    withOwner: (owner) => new Map([...scores, [owner, (scores.get(owner) ?? 0) + unproven]]),
  };
}
