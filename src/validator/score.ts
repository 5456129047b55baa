// Owns: the window of outcomes that an epoch is scored over. Does not own: the rule (scoring).
import type { Hotkey } from '../model/ids.js';
import { provenSlots, TURN_EPOCHS, type ZeroReason } from '../scoring/index.js';
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

/**
 * Undefined when no event was completed in the epoch nor in those carried from: then there is nothing to say, and
 * weights stay as they are. That ends once events were tried in all of these epochs: or miners who fell silent together
 * would be paid for ever on what they once proved. What nobody proves goes to the owner.
 */
export function scoreEpoch(
  ledger: Pick<Ledger, 'outcomes' | 'completedEvents' | 'startedEvents'>,
  epoch: number,
): EpochScore | undefined {
  const fromEpoch = epoch - CARRY_EPOCHS;
  const completed = ledger.completedEvents({ fromEpoch: epoch - TURN_EPOCHS });
  if (completed.every((event) => event.epoch < fromEpoch)) {
    const tried = new Set(ledger.startedEvents({ fromEpoch }).map((event) => event.epoch));
    for (let each = fromEpoch; each <= epoch; each++) if (!tried.has(each)) return undefined;
  }
  // of older ones only what was measured by turns counts still
  const outcomes = ledger
    .outcomes({ fromEpoch: epoch - TURN_EPOCHS })
    .filter((outcome) => outcome.epoch >= fromEpoch || outcome.byTurn);
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
