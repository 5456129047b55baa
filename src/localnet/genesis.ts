// Owns: the state of block 0.
import { EXISTENTIAL_DEPOSIT } from '../chain/codec/pallets/balances.js';
import { runtime } from '../chain/codec/runtime.js';
import { publicKeyOf } from '../chain/codec/types.js';
import type { BlockContext } from './dispatch.js';
import { issue } from './pallets/balances.js';
import { makeFast } from './pallets/subtensor/durations.js';
import type { State } from './state.js';

const S = runtime.SubtensorModule.storage;
const ROOT = 0;

export interface Genesis {
  /** SS58 address of the sudo key */
  readonly sudo: string;
  /** free TAO by SS58 address, rao */
  readonly balances: readonly (readonly [address: string, rao: bigint])[];
  /** as Subtensor's fast-runtime build (pallets/subtensor/durations.ts) */
  readonly fastBlocks: boolean;
}

/** @throws AssayError `invalid-input` for an address that is none. @throws RangeError below the existential deposit */
export function writeGenesis(state: State, { sudo, balances, fastBlocks }: Genesis): void {
  publicKeyOf(sudo);
  state.put(runtime.Sudo.storage.Key, [], sudo);
  // genesis has no events: nobody could have sent the calls
  const context: BlockContext = { state, block: 0, emit: () => {} };
  for (const [address, rao] of balances) {
    if (rao < EXISTENTIAL_DEPOSIT)
      throw new RangeError(`balance of ${address}: expected at least ${EXISTENTIAL_DEPOSIT} rao, got ${rao}`);
    issue(context, address, rao);
  }
  // root exists from the start: 1:1 against TAO, no neurons of its own here
  state.put(S.NetworksAdded, [ROOT], true);
  state.put(S.TotalNetworks, [], 1);
  state.put(S.Tempo, [ROOT], 100);
  state.put(S.SubtokenEnabled, [ROOT], true);
  state.put(S.MaxAllowedUids, [ROOT], 64);
  state.put(S.TargetRegistrationsPerInterval, [ROOT], 1);
  state.put(S.TotalIssuance, [], state.get(runtime.Balances.storage.TotalIssuance));
  if (fastBlocks) makeFast(state);
}
