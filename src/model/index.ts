// Owns: values without IO that every room shares: ids, bytes, hashes, trees, verdicts, outcomes, errors, time, logs.
// Does not own: what they are used for; keys and addresses (keys).
export {
  compare,
  concat,
  equals,
  fromHex,
  fromUtf8,
  toHex,
  u16le,
  u32le,
  u64le,
  utf8,
} from './bytes.js';
export { canonicalJson } from './canonical-json.js';
export { type Clock, systemClock, withTimeout } from './clock.js';
export { type Credit, creditShare, NO_CREDIT, RESOURCES, type Resource } from './credit.js';
export { AssayError, type ErrorCode, type ErrorCodes, isAssayError } from './errors.js';
export { sha256 } from './hash.js';
export {
  type Coldkey,
  type Hotkey,
  type Netuid,
  toColdkey,
  toHotkey,
  toNetuid,
  toUid,
  type Uid,
} from './ids.js';
export { createLog, type Log, type LogLevel, silentLog } from './log.js';
export {
  climb,
  createMerkleTree,
  HASH_BYTES,
  hashInto,
  type MerkleTree,
  pathLength,
} from './merkle.js';
export type { Outcome } from './outcome.js';
export { createSeededRandom, type Random, shuffled, systemRandom } from './prng.js';
export {
  accepted,
  CAUSES,
  type Cause,
  inconclusive,
  isAboutContent,
  REJECTIONS,
  type Rejection,
  rejected,
  type Verdict,
  verdictToString,
} from './verdict.js';
export { VERSION } from './version.js';
