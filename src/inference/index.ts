// The door of `assay/inference`. Owns: language models and the forced stream that their tokens are chosen by. Does not own: what
// is audited of rollouts (assay/verification), who generates or judges them (assay/miner, assay/validator).
export { type Disk, nodeDisk } from './checkpoint/disk.js';
export { compareHeads, type Head, parseHead, type SignedHead, signHead } from './checkpoint/head.js';
export {
  type Checkpoint,
  type CheckpointManifest,
  type ManifestDelta,
  type ManifestTensor,
  parseCheckpoint,
} from './checkpoint/manifest.js';
export { type Published, type PublishInput, publishCheckpoint } from './checkpoint/publish.js';
export {
  type Pulled,
  type PullInput,
  type PullProgress,
  type PullStep,
  pullCheckpoint,
} from './checkpoint/pull.js';
export { type DeltaStatistics, type DensityAlert, statisticsOf } from './checkpoint/statistics.js';
export {
  type CheckpointStore,
  type Collected,
  type CollectOptions,
  openStore,
  type Source,
} from './checkpoint/store.js';
export { type Finding, verifyStore } from './checkpoint/verify.js';
export { assertConfig, type DecoderConfig, type RopeScaling, tensorsOf } from './decoder.js';
export {
  type Choose,
  decode,
  type Generated,
  type GenerateOptions,
  type GenerateParts,
  generate,
  type Progress,
  type Step,
  streamChoice,
  type Wanted,
} from './generate.js';
export type { Compared } from './import/compare-cut.js';
export { type Imported, type ImportOptions, importModel } from './import/import-model.js';
export { openTokenizer, type TextTokenizer } from './import/tokenizer.js';
export type { Candidates, Decoding, Hidden, LanguageModel, Position } from './language-model.js';
export {
  encodeMaster,
  type Master,
  openMaster,
  seededMaster,
  seededWeights,
  type Weights,
} from './master.js';
export {
  type ModelDescription,
  type ModelFile,
  type ModelFolder,
  openModelFolder,
} from './model-folder.js';
export { createOnnxModel, type OnnxModelOptions } from './onnx/model.js';
export { PROVIDERS, type Provider } from './onnx/runtime.js';
export { type OpenOptions, openLanguageModel, openModelTokenizer } from './open-model.js';
export { createPlainModel } from './plain/model.js';
export {
  type ByteSource,
  encodeSafetensors,
  fileSource,
  type Layout,
  memorySource,
  openSafetensors,
  parseSafetensors,
  type Safetensors,
  type TensorEntry,
  type TensorShape,
  type TensorType,
} from './safetensors.js';
export { BEGIN_OF_TEXT, BYTE_VOCABULARY, END_OF_TEXT } from './spec/byte-ids.js';
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
export { createSwappingModel, type SwappingModel } from './swapping.js';
export { MINIATURE, TINY } from './tiny.js';
