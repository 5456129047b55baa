// Owns: what Subtensor's fast-runtime build shortens (`prod_or_fast!`), and which of the two builds a chain is as.
// Does not own: the limits that are the same in both (hyperparameters.ts, the calls).
import { runtime } from '../../../chain/codec/runtime.js';
import { bool } from '../../../chain/codec/scale.js';
import { storageOf, value } from '../../../chain/codec/storage.js';
import type { State, StateView } from '../../state.js';

const S = runtime.SubtensorModule.storage;
/** Not on Subtensor, where the build decides: a chain stays what it began as, whoever goes on with it. */
const { LocalnetFastBlocks } = storageOf('SubtensorModule', { LocalnetFastBlocks: value(bool, false) });

/** Blocks, as the main network has them and as the fast runtime has them. */
const DURATIONS = {
  /** `HotkeySwapOnSubnetInterval` */
  hotkeySwap: [7200, 1],
  /** `MechanismCountSetRateLimit` */
  mechanismCount: [7200, 1],
  /** `MechanismEmissionRateLimit` */
  mechanismEmission: [7200, 1],
  /** `MaxUidsTrimmingRateLimit` */
  trimming: [216_000, 1],
} as const;

export const durationOf = (state: StateView, name: keyof typeof DURATIONS): number =>
  DURATIONS[name][state.get(LocalnetFastBlocks) ? 1 : 0];

/** Makes a chain at genesis one of the fast runtime, whose other differences are values in storage. */
export function makeFast(state: State): void {
  state.put(LocalnetFastBlocks, [], true);
  state.put(S.MaxEpochsPerBlock, [], 32);
  state.put(S.PendingChildKeyCooldown, [], 15);
  state.put(S.TxChildkeyTakeRateLimit, [], 5n);
  // our own: a localnet begins without subnets, and nobody should wait for them
  state.put(S.NetworkRateLimit, [], 0n);
}
