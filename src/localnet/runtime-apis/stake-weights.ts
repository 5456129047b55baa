// Owns: what a hotkey's stake weighs in consensus, part by part as the runtime APIs tell it. Does not own: the arithmetic
// (emissions/stake.ts), who lends to whom (pallets/subtensor/children.ts).
import { runtime } from '../../chain/codec/runtime.js';
import { inheritedStake } from '../../emissions/children.js';
import { type ConsensusStake, consensusStake } from '../../emissions/stake.js';
import { relationsOf } from '../pallets/subtensor/children.js';
import type { StateView } from '../state.js';

const S = runtime.SubtensorModule.storage;
const ROOT = 0;

export interface StakeWeight {
  /** alpha + root TAO × weight */
  readonly total: ConsensusStake;
  /** after children and parents, rao */
  readonly alphaRao: bigint;
  readonly taoRao: bigint;
}

/** `get_stake_weights_for_hotkey_on_subnet` */
export function stakeWeightOf(state: StateView, hotkey: string, netuid: number): StakeWeight {
  const own = {
    alphaRao: state.get(S.TotalHotkeyAlpha, hotkey, netuid),
    rootTaoRao: state.get(S.TotalHotkeyAlpha, hotkey, ROOT),
  };
  const relations = relationsOf(state, hotkey, netuid);
  const { alphaRao, rootTaoRao } = inheritedStake(own, relations);
  const total = consensusStake({ ...own, taoWeight: state.get(S.TaoWeight) }, relations);
  return { total, alphaRao, taoRao: rootTaoRao };
}
