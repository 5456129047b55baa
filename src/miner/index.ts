// Owns: the miner's side: announce, admit, answer, the slots it is paid for, the receipts it keeps.
// Does not own: devices (compute), what is proven (verification), signatures and sockets (protocol).
export type { FollowedSlots, SlotsUnder } from './follow.js';
export { type MinerOptions, type MinerParts, runMiner } from './miner.js';
export {
  type KeptReceipt,
  noReceipts,
  openReceipts,
  type ReceiptRow,
  type ReceiptStore,
  readReceipts,
} from './receipts.js';
export {
  type RolloutMinerOptions,
  type RolloutMinerParts,
  type RolloutMinerStatus,
  runRolloutMiner,
  type Work,
} from './rollouts/run.js';
export { createWork, type Make, type WorkOptions, type WorkParts } from './rollouts/work.js';
export { createLocalSlot, type Slot, type SlotClaim, type SlotJob } from './slot.js';
