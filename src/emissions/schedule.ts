// Owns: when a subnet's epoch runs (subtensor coinbase/run_coinbase.rs, 2026 stateful schedule).
// Does not own: the per-block cap on epochs, nor what an epoch does.

/** Above this many blocks without a successful epoch the chain runs one regardless (`MAX_TEMPO`). */
export const MAX_TEMPO = 50_400;

export interface EpochSchedule {
  readonly tempo: number;
  readonly lastEpochBlock: number;
  /** 0: none (`PendingEpochAt`) */
  readonly pendingEpochAt: number;
  readonly blocksSinceLastStep: number;
}

/** `should_run_epoch` */
export function shouldRunEpoch(schedule: EpochSchedule, block: number): boolean {
  const { tempo, lastEpochBlock, pendingEpochAt, blocksSinceLastStep } = schedule;
  if (tempo === 0) return false;
  if (pendingEpochAt > 0 && block >= pendingEpochAt) return true;
  if (blocksSinceLastStep > MAX_TEMPO) return true;
  return Math.max(0, block - lastEpochBlock) >= tempo;
}

/** `get_next_epoch_start_block`: may lie in the past while an epoch is deferred; undefined when tempo is 0. */
export function nextEpochBlock(
  schedule: Pick<EpochSchedule, 'tempo' | 'lastEpochBlock' | 'pendingEpochAt'>,
): number | undefined {
  const { tempo, lastEpochBlock, pendingEpochAt } = schedule;
  if (tempo === 0) return undefined;
  const automatic = lastEpochBlock + tempo;
  return pendingEpochAt > 0 ? Math.min(automatic, pendingEpochAt) : automatic;
}

/** `blocks_until_next_auto_epoch`; Infinity stands for the chain's u64::MAX when tempo is 0. */
export function blocksUntilNextEpoch(
  schedule: Pick<EpochSchedule, 'tempo' | 'lastEpochBlock'>,
  block: number,
): number {
  if (schedule.tempo === 0) return Number.POSITIVE_INFINITY;
  return Math.max(0, schedule.lastEpochBlock + schedule.tempo - block);
}

/** `get_activity_cutoff_blocks`: at least 1. 13889 ‰ of tempo 360 is 5000. */
export function activityCutoffBlocks(factorMilli: number, tempo: number): number {
  return Math.max(1, Math.floor((factorMilli * tempo) / 1000));
}

/** `LastEpochBlock` of a subnet registered at `block`: staggered by netuid (`init_new_network`). */
export function initialLastEpochBlock(netuid: number, tempo: number, block: number): number {
  return Math.max(0, block - (netuid % Math.max(1, tempo)));
}
