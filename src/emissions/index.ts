// Owns: the economics of a subnet as pure functions in the chain's arithmetic (epoch, coinbase, pool, prices), schedules of
// others, the simulator and its report. Does not own: storage, keys, extrinsics (localnet), files and threads (cli).
export {
  DEFAULT_FEE_RATE,
  EQUAL_WEIGHT,
  initialPool,
  injectLiquidity,
  type Pool,
  price,
  priceRao,
  type Swap,
  type SwapOptions,
  slippageRao,
  swapAlphaForTao,
  swapFee,
  swapTaoForAlpha,
} from './amm.js';
export { type CaseCheck, checkEpochCase } from './cases/check.js';
export { casesOf, type EpochCase, parseEpochCases, type StatedCase } from './cases/parse.js';
export { type EpochCaseResult, runEpochCase } from './cases/run.js';
export { formatEpochResults, readCaseText } from './cases/text.js';
export {
  type FamilyDividends,
  familyDividends,
  inheritedStake,
  NO_RELATIONS,
  type OwnStake,
  type Parent,
  type Relations,
} from './children.js';
export {
  accrueBlock,
  blockEmission,
  DEFAULT_BLOCK_EMISSION_RAO,
  DEFAULT_OWNER_CUT,
  DEFAULT_TAKE,
  distributeEmission,
  epochEmission,
  type Family,
  NO_PENDING,
  type Outsider,
  type Payee,
  type Payout,
  type PendingEmission,
  rootProportion,
  type StakeCredit,
  TOTAL_SUPPLY_RAO,
  withoutTake,
} from './coinbase.js';
export { type EpochInput, type EpochOutput, runEpoch, type U16Row } from './epoch.js';
export { runEpochInDoubles } from './epoch-in-doubles.js';
export { emitIntoPool, type PoolEmission, type SubnetTerms, subnetTerms } from './injection.js';
export type { LiquidAlpha } from './liquid-alpha.js';
export { joinMechanisms, type SubnetEpoch, splitEmission } from './mechanisms.js';
export { DEFAULT_HALVING_BLOCKS, DEFAULT_MOVING_ALPHA, nextMovingPrice } from './moving-price.js';
export { neuronToPrune, type PruneCandidate } from './pruning.js';
export {
  type BurnBounds,
  bumpBurn,
  DEFAULT_BURN_HALF_LIFE,
  DEFAULT_BURN_INCREASE,
  decayBurn,
  decayFactor,
} from './registration.js';
export type { ChartLibrary } from './report/page.js';
export { type ReportParts, renderReport } from './report/report.js';
export {
  activityCutoffBlocks,
  blocksUntilNextEpoch,
  type EpochSchedule,
  initialLastEpochBlock,
  MAX_TEMPO,
  nextEpochBlock,
  shouldRunEpoch,
} from './schedule.js';
export { type AccessRates, accessRates, type BudgetAccess } from './schedules/budget-access.js';
export {
  type CurveRow,
  type CurveSchedule,
  curveRows,
  type DailySchedule,
  type DayRow,
  dailyRows,
  isDaily,
  parseSchedule,
  type Schedule,
  type ScheduleData,
} from './schedules/evaluate.js';
export { type TailEpoch, tailEpoch } from './schedules/linear-decay.js';
export { type JobSettlement, jobTopUp, lockedStakeWeight, settleJob } from './schedules/metering.js';
export {
  type CardWeights,
  cardWeights,
  pricePerCard,
  type Ratio,
  superlinearScore,
} from './schedules/pay-curves.js';
export { SCHEDULE_PRESETS, type SchedulePresetName } from './schedules/presets.js';
export { type Split, splitAmount } from './schedules/split.js';
export { parseTokens } from './schedules/token-amount.js';
export {
  isRootSelling,
  nextFlowEma,
  type ShareRule,
  type SubnetMarket,
  shareRuleAt,
  taoEmissions,
} from './shares.js';
export { type Deviation, deviationsOf } from './simulator/deviations.js';
export type { GroupResult } from './simulator/groups.js';
export { metricNamed, metricsOf } from './simulator/metrics.js';
export { type Hours, type PayRule, payForCapacity, payIfRented } from './simulator/pay-rules.js';
export {
  parseScenario,
  type Scenario,
  type ScenarioFile,
  scenarioJsonSchema,
  withParameter,
  withParameters,
} from './simulator/scenario.js';
export { scenarioNamed, scenarios } from './simulator/scenarios/index.js';
export { type SearchInput, type SearchResult, search } from './simulator/search.js';
export type { Series } from './simulator/series.js';
export {
  type SimulateOptions,
  type SimulationResult,
  simulate,
} from './simulator/simulate.js';
export {
  parseAxes,
  pointsOf,
  type SweepAxis,
  type SweepResult,
  type SweepRow,
  type SweepValue,
  scenarioAt,
} from './simulator/sweep.js';
export { type Judgement, judgeTarget, parseTarget, type Target } from './simulator/target.js';
export { type ConsensusStake, consensusStake } from './stake.js';
export { isMaxLimited, maxUpscale } from './weights.js';
