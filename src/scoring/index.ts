// Owns: a subnet's scoring policy and what it pays for outcomes, with a reason for every zero and every cut.
// Does not own: verdicts (verification), evidence (validator/ledger), rows on a chain (chain), payouts (emissions).

export { BEHAVIOURS, type Behaviour } from './behaviours.js';
export { type Deterrence, type DeterrenceReport, deterrence, type Shape } from './deterrence.js';
export {
  type Cut,
  type CutWhy,
  type Facts,
  type PaidNeuron,
  type Pay,
  type PoolPay,
  payOf,
  type Reason,
  type ZeroWhy,
} from './pay.js';
export { DEFAULT_POLICY, POLICIES, type PolicyName } from './policies/index.js';
export {
  encodePolicy,
  type KnownClasses,
  type MaintenanceRules,
  maintenanceRules,
  millionths,
  POLICY_BYTES,
  POLICY_FORMAT,
  type PolicySchedule,
  type Pool,
  parsePolicy,
  policyDigest,
  policySchema,
  readPolicy,
  type ScoringPolicy,
} from './policy.js';
export { PRICES, SIMULATED_PRICES, worthBy } from './prices.js';
export {
  createUsageBook,
  RECEIPT_BYTES,
  RECEIPT_FORMAT,
  type ReceiptRefusal,
  readReceipt,
  receiptDigest,
  receiptMessage,
  type UsageBook,
  type UsageReceipt,
} from './receipts.js';
export {
  assertRules,
  bindRule,
  type Division,
  defineScoringRule,
  type NameShape,
  type ParamsReader,
  type RuleChoice,
  type RuleClaim,
  type ScoringRule,
} from './rules.js';
export {
  createScoringState,
  isDrawn,
  ONE,
  restoreScoringState,
  type Sample,
  type Scored,
  type ScoredEvent,
  type ScoringState,
  type StateParts,
  scoringStateOf,
  TURN_EPOCHS,
} from './state.js';
