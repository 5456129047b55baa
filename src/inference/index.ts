// The door of `assay/inference`. Owns: language models and the forced stream that their tokens are chosen by. Does not own: what
// is audited of rollouts (assay/verification), who generates or judges them (assay/miner, assay/validator).
export { type DecoderConfig, tensorsOf } from './decoder.js';
export type { Candidates, Decoding, Hidden, LanguageModel, Position } from './language-model.js';
export {
  type Likelihood,
  liftOf,
  likelihoodOf,
  raceZ,
  SCORE_UNIT,
  Z_UNIT,
} from './spec/distribution.js';
export { exp, ln } from './spec/log.js';
export { philox } from './spec/philox.js';
export {
  type Policy,
  parsePolicy,
  policyBytes,
  policyDigest,
  policyJson,
  temperatureOf,
} from './spec/policy.js';
export { type Profile, parseProfile, profileBytes, profileDigest, profileJson } from './spec/profile.js';
export {
  type Choice,
  choose,
  type Judged,
  type Judgement,
  judge,
  type LogitFault,
  MARGIN_UNIT,
  type Place,
  type RaceRules,
  type Row,
  rowOf,
  type SentinelCase,
  type Sighted,
  sentinel,
  toleranceUnits,
} from './spec/race.js';
export {
  addScans,
  BIT_UNIT,
  NO_SCAN,
  type Predicted,
  type ScanFinding,
  type ScanSum,
  type ScanTables,
  sampledEntropy,
  scanFinding,
  scanRollout,
  scanTables,
  unforcedBits,
} from './spec/scan.js';
export {
  gumbelOf,
  promptSeed,
  type StreamKey,
  streamKey,
  streamRoot,
  uniformOf,
  wordAt,
} from './spec/stream.js';
export {
  BEACONS,
  type BeaconKind,
  type BeaconRound,
  parseWindow,
  type WindowContext,
  windowBytes,
  windowDigest,
  windowJson,
} from './spec/window.js';
