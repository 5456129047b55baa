// The door of `assay/rollouts`. Owns: windows on a chain, rounds of beacons, files of windows and where they are had: what miners,
// validators and trainers of rollouts share. Does not own: what is generated and judged (assay/miner, assay/validator), what is in
// a file (assay/verification).
export {
  type AskRound,
  type Beacon,
  createChainBeacon,
  createQuicknetBeacon,
  isRound,
} from './beacon.js';
export { askDrand, type HttpGet } from './drand-http.js';
export { fetchFile, type Holder, type Wanted } from './fetch.js';
export {
  checkpointOf,
  type FollowParts,
  type HandedIn,
  handedIn,
  type OpenWindow,
  openWindow,
  untilFinal,
  untilRound,
  type WindowChain,
  type WindowRules,
} from './follow.js';
export { createHolders, type Holders } from './holders.js';
export { createMemoryShelf, openShelf, SHELF_BYTES, type Shelf, shelfBytesFor } from './shelf.js';
export {
  AUDIT_EXPIRY_MS,
  assertWindowPlan,
  BEACON_DELAY_MS,
  committedDigest,
  deadlineBlock,
  HEAD_LEAD_BLOCKS,
  nextWindow,
  startBlock,
  type WindowPlan,
} from './windows.js';
