// Owns: what a subnet's owner decides about its epochs: tempo, an epoch now, when validators count as inactive
// (subtensor coinbase/tempo_control.rs). Does not own: when epochs run (emissions/schedule.ts, block-step.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import { blocksUntilNextEpoch, MAX_TEMPO } from '../../../emissions/schedule.js';
import { type BlockContext, type CallContext, ensure } from '../../dispatch.js';
import {
  ensureNotTooSoon,
  ensureOwner,
  ensureOwnerOrRoot,
  ensureWindowOpen,
  recordAction,
} from './hyperparameters.js';

const S = runtime.SubtensorModule.storage;
const MIN_TEMPO = 360;
const MIN_CUTOFF_FACTOR_MILLI = 1000;
const MAX_CUTOFF_FACTOR_MILLI = 50_000;

/** The owner's: root has sudo_set_tempo, without these bounds. */
export function setTempo(
  { netuid, tempo }: { readonly netuid: number; readonly tempo: number },
  context: CallContext,
): void {
  const owner = ensureOwner(context, netuid);
  ensure(tempo >= MIN_TEMPO && tempo <= MAX_TEMPO, 'TempoOutOfBounds');
  ensureWindowOpen(context, netuid);
  ensureNotTooSoon(context, owner, netuid, 'TempoUpdate');
  applyTempo(context, netuid, tempo);
  recordAction(context, owner, netuid, 'TempoUpdate');
}

/** `apply_tempo_with_cycle_reset`: the cycle starts anew; an epoch that was triggered stays so. */
export function applyTempo({ state, block, emit }: BlockContext, netuid: number, tempo: number): void {
  state.put(S.Tempo, [netuid], tempo);
  emit({ pallet: 'SubtensorModule', name: 'TempoSet', data: [netuid, tempo] });
  state.put(S.LastEpochBlock, [netuid], block);
}

export function setActivityCutoffFactor(
  { netuid, factor_milli }: { readonly netuid: number; readonly factor_milli: number },
  context: CallContext,
): void {
  const owner = ensureOwnerOrRoot(context, netuid);
  ensure(
    factor_milli >= MIN_CUTOFF_FACTOR_MILLI && factor_milli <= MAX_CUTOFF_FACTOR_MILLI,
    'ActivityCutoffFactorMilliOutOfBounds',
  );
  if (owner !== undefined) {
    ensureWindowOpen(context, netuid);
    ensureNotTooSoon(context, owner, netuid, 'ActivityCutoffFactorMilli');
  }
  context.state.put(S.ActivityCutoffFactorMilli, [netuid], factor_milli);
  const data = { netuid, factor_milli };
  context.emit({ pallet: 'SubtensorModule', name: 'ActivityCutoffFactorMilliSet', data });
  if (owner !== undefined) recordAction(context, owner, netuid, 'ActivityCutoffFactorMilli');
}

/** Not now but after a freeze window, so that nobody's weights are cut off without warning. */
export function triggerEpoch({ netuid }: { readonly netuid: number }, context: CallContext): void {
  const { state, block } = context;
  const owner = ensureOwner(context, netuid);
  ensure(!state.get(S.CommitRevealWeightsEnabled, netuid), 'DynamicTempoBlockedByCommitReveal');
  ensure(state.get(S.PendingEpochAt, netuid) === 0, 'EpochTriggerAlreadyPending');
  const window = state.get(S.AdminFreezeWindow);
  const schedule = { tempo: state.get(S.Tempo, netuid), lastEpochBlock: state.get(S.LastEpochBlock, netuid) };
  ensure(blocksUntilNextEpoch(schedule, block) >= window, 'AutoEpochAlreadyImminent');
  ensureNotTooSoon(context, owner, netuid, 'TriggerEpoch');
  const fires_at = block + window;
  state.put(S.PendingEpochAt, [netuid], fires_at);
  recordAction(context, owner, netuid, 'TriggerEpoch');
  context.emit({ pallet: 'SubtensorModule', name: 'EpochTriggered', data: { netuid, by: owner, fires_at } });
}
