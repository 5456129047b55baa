// Owns: which epoch a block lies in, by the stateful schedule or the older ones. Does not own: running an epoch.

/** What a subnet's state says about its schedule; the optional ones are absent from runtimes before May 2026. */
export interface ScheduleState {
  readonly netuid: number;
  readonly block: number;
  readonly tempo: number;
  readonly lastEpochBlock: number | undefined;
  readonly epochIndex: number | undefined;
  /** 0 when no epoch is forced or deferred */
  readonly pendingEpochAt: number | undefined;
}

export interface Schedule {
  readonly lastEpochBlock: number;
  readonly epochIndex: number;
  readonly nextEpochBlock: number | undefined;
}

/**
 * Stateful (subtensor coinbase/tempo_control.rs): the period is `tempo`, from LastEpochBlock; a forced or deferred
 * epoch comes first. In the weeks between the two changes of May 2026 the schedule was that already, while epochs were
 * still numbered by the block. Legacy: an epoch wherever (block + netuid + 1) mod (tempo + 1) is 0.
 */
export function toSchedule(state: ScheduleState): Schedule {
  const { netuid, block, tempo, lastEpochBlock, pendingEpochAt = 0 } = state;
  if (lastEpochBlock === undefined) return legacySchedule(netuid, block, tempo);
  const epochIndex = state.epochIndex ?? legacyEpochIndex(netuid, block, tempo);
  if (tempo === 0) return { lastEpochBlock, epochIndex, nextEpochBlock: undefined };
  const automatic = lastEpochBlock + tempo;
  return {
    lastEpochBlock,
    epochIndex,
    nextEpochBlock: pendingEpochAt > 0 ? Math.min(automatic, pendingEpochAt) : automatic,
  };
}

/** By which runtimes before May 2026 number epochs (subtensor subnets/weights.rs get_epoch_index). 0 for tempo 0. */
export const legacyEpochIndex = (netuid: number, block: number, tempo: number): number =>
  tempo === 0 ? 0 : Math.floor((block + netuid + 1) / (tempo + 1));

function legacySchedule(netuid: number, block: number, tempo: number): Schedule {
  const epochIndex = legacyEpochIndex(netuid, block, tempo);
  if (tempo === 0) return { lastEpochBlock: 0, epochIndex, nextEpochBlock: undefined };
  const period = tempo + 1;
  const sinceEpoch = (block + netuid + 1) % period;
  return {
    lastEpochBlock: Math.max(0, block - sinceEpoch),
    epochIndex,
    nextEpochBlock: block - sinceEpoch + period,
  };
}
