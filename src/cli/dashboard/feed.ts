// Owns: telling several folds of one ledger, each entry once. Does not own: reading it (validator/ledger/follow.ts).
import type { LedgerFold } from '../../validator/ledger/load.js';

/** All of them in turn; what one throws is its bug, and ends the reading. */
export const tellFolds = (folds: readonly LedgerFold[]): LedgerFold => ({
  started: (event) => {
    for (const fold of folds) fold.started?.(event);
  },
  completed: (event) => {
    for (const fold of folds) fold.completed?.(event);
  },
  outcome: (outcome) => {
    for (const fold of folds) fold.outcome?.(outcome);
  },
  weights: (entry) => {
    for (const fold of folds) fold.weights?.(entry);
  },
  scored: (entry) => {
    for (const fold of folds) fold.scored?.(entry);
  },
  breaker: (entry) => {
    for (const fold of folds) fold.breaker?.(entry);
  },
  declared: (entry) => {
    for (const fold of folds) fold.declared?.(entry);
  },
});
