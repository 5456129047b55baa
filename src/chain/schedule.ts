// Owns: which epoch a block lies in, by the stateful schedule or the legacy one. Does not own: running an epoch.

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
 * epoch comes first. Legacy: an epoch wherever (block + netuid + 1) mod (tempo + 1) is 0.
 */
export function toSchedule(state: ScheduleState): Schedule {
  const { netuid, block, tempo, lastEpochBlock, epochIndex, pendingEpochAt = 0 } = state;
  if (lastEpochBlock === undefined || epochIndex === undefined) return legacySchedule(netuid, block, tempo);
  if (tempo === 0) return { lastEpochBlock, epochIndex, nextEpochBlock: undefined };
  const automatic = lastEpochBlock + tempo;
  return {
    lastEpochBlock,
    epochIndex,
    nextEpochBlock: pendingEpochAt > 0 ? Math.min(automatic, pendingEpochAt) : automatic,
  };
}

function legacySchedule(netuid: number, block: number, tempo: number): Schedule {
  if (tempo === 0) return { lastEpochBlock: 0, epochIndex: 0, nextEpochBlock: undefined };
  const period = tempo + 1;
  const sinceEpoch = (block + netuid + 1) % period;
  return {
    lastEpochBlock: Math.max(0, block - sinceEpoch),
    epochIndex: Math.floor((block + netuid + 1) / period),
    nextEpochBlock: block - sinceEpoch + period,
  };
}
