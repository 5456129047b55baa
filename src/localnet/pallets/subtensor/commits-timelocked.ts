// Owns: opening time-locked commits in the epoch they are for (subtensor coinbase/reveal_commits.rs).
// Does not own: taking commits (commits.ts), the encryption (chain/codec/timelock.ts), pulses (pallets/drand.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import { decodeWeightsPayload, openTimelocked, type WeightsPayload } from '../../../chain/codec/timelock.js';
import { addressOf } from '../../../chain/codec/types.js';
import { isAssayError } from '../../../model/errors.js';
import { type BlockContext, CallFailed } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { currentEpoch, isEpochDue, isExpired, revealPeriod } from './commits.js';
import { mechanismIndices } from './mechanisms.js';
import { storeWeights } from './weights.js';

const S = runtime.SubtensorModule.storage;
const { Pulses } = runtime.Drand.storage;

/**
 * `reveal_crv3_commits`, before the coinbase: rows whose epoch has come are set, in order of commit. Those whose pulse is
 * missing wait; those that cannot be opened or set are dropped without a word, as the chain drops them.
 *
 * @param netuids ascending, without root
 */
export function revealTimelocked(context: BlockContext, netuids: readonly number[]): void {
  const deferred = deferredEpochs(context, netuids);
  for (const netuid of netuids) if (!deferred.has(netuid)) revealOf(context, netuid);
}

/** `epochs_deferred_this_block`: due, but beyond the number of epochs that one block may run. */
function deferredEpochs({ state, block }: BlockContext, netuids: readonly number[]): ReadonlySet<number> {
  const due = netuids.filter((netuid) => isEpochDue(state, netuid, block));
  return new Set(due.slice(state.get(S.MaxEpochsPerBlock)));
}

function revealOf(context: BlockContext, netuid: number): void {
  const { state, block } = context;
  const epoch = currentEpoch(state, netuid, block);
  const due = Math.max(0, epoch - revealPeriod(state, netuid));
  mechanismIndices(state, netuid).forEach((index, mecid) => {
    const epochs = state.keys(S.TimelockedWeightCommits, index).map(([, committed]) => committed);
    for (const committed of epochs)
      if (committed < due) state.delete(S.TimelockedWeightCommits, index, committed);
    if (epoch < revealPeriod(state, netuid) || !epochs.includes(due)) return;
    const waiting = state.get(S.TimelockedWeightCommits, index, due).filter(([hotkey, , sealed, round]) => {
      const pulse = state.get(Pulses, round);
      if (pulse) reveal(context, { hotkey, netuid, mecid, index }, sealed, pulse.signature);
      return !pulse;
    });
    if (waiting.length > 0) state.put(S.TimelockedWeightCommits, [index, due], waiting);
    else state.delete(S.TimelockedWeightCommits, index, due);
  });
}

function reveal(
  context: BlockContext,
  to: { readonly hotkey: string; readonly netuid: number; readonly mecid: number; readonly index: number },
  sealed: Uint8Array,
  signature: Uint8Array,
): void {
  const { hotkey, netuid, mecid, index } = to;
  try {
    const row = decodeWeightsPayload(openTimelocked(sealed, signature));
    if (!isOf(hotkey, row)) return; // somebody else's row, copied
    const { uids: dests, values: weights, versionKey } = row;
    storeWeights(hotkey, { netuid, mecid, dests, weights, versionKey }, context);
  } catch (error) {
    if (error instanceof CallFailed || isAssayError(error, 'invalid-input')) return;
    throw error;
  }
  context.emit({ pallet: 'SubtensorModule', name: 'TimelockedWeightsRevealed', data: [index, hotkey] });
}

const isOf = (hotkey: string, row: WeightsPayload): boolean =>
  row.hotkey === undefined || addressOf(row.hotkey) === hotkey;

/**
 * By uid the block of the earliest commit that waits, plain or time-locked: what the epoch hides of newcomers from rows
 * that were made before they came (epoch/run_epoch.rs).
 */
export function earliestCommits(
  state: StateView,
  netuid: number,
  index: number,
  block: number,
  uids: ReadonlyMap<string, number>,
): (number | undefined)[] {
  const earliest = new Array<number | undefined>(uids.size).fill(undefined);
  const note = (hotkey: string, committed: number): void => {
    const uid = uids.get(hotkey);
    if (uid !== undefined) earliest[uid] = Math.min(earliest[uid] ?? committed, committed);
  };
  const lives = (epoch: number): boolean => !isExpired(state, netuid, block, epoch);
  for (const [, hotkey] of state.keys(S.WeightCommits, index)) {
    const first = state.get(S.WeightCommits, index, hotkey)?.find(([, epoch]) => lives(epoch));
    if (first) note(hotkey, first[2]);
  }
  for (const [, epoch] of state.keys(S.TimelockedWeightCommits, index))
    if (lives(epoch))
      for (const [hotkey, committed] of state.get(S.TimelockedWeightCommits, index, epoch))
        note(hotkey, committed);
  return earliest;
}
