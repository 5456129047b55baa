// Owns: pure rules from outcomes to scores, with a reason for every zero.
// Does not own: verdicts (verification), evidence (validator/ledger), rows on a chain (chain), payouts (emissions).
export { PRICES, type PriceList, type Prices, worthOf } from './prices.js';
export type { Rule, RuleInput, Scores, ZeroReason } from './rule.js';
export { type RuleName, rules } from './rules/index.js';
export { type ProvenSlotsParams, provenSlots, TURN_EPOCHS } from './rules/proven-slots.js';
