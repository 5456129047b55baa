// Owns: who may set which weights, and storing them (subtensor subnets/weights.rs). Normalisation: emissions/weights.ts.
import { runtime } from '../../../chain/codec/runtime.js';
import { consensusStake } from '../../../emissions/stake.js';
import { maxUpscale } from '../../../emissions/weights.js';
import { type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { withEntry } from './neurons.js';

const S = runtime.SubtensorModule.storage;

export interface SetWeights {
  readonly netuid: number;
  readonly dests: readonly number[];
  readonly weights: readonly number[];
  readonly version_key: bigint;
}

/** Checks in the chain's order; the first that fails is what the caller learns. */
export function setWeights(args: SetWeights, context: CallContext): void {
  const { state, block } = context;
  const hotkey = ensureSigned(context.origin);
  const { netuid, dests, weights, version_key } = args;
  const commitReveal = state.get(S.CommitRevealWeightsEnabled, netuid);
  ensure(!commitReveal, 'CommitRevealEnabled');
  ensure(netuid !== 0, 'CanNotSetRootNetworkWeights');
  ensure(dests.length === weights.length, 'WeightVecNotEqualSize');
  ensure(state.get(S.NetworksAdded, netuid), 'SubnetNotExists');
  const n = state.get(S.SubnetworkN, netuid);
  ensure(dests.length <= n, 'UidsLengthExceedUidsInSubNet');
  const uid = state.get(S.Uids, netuid, hotkey);
  ensure(uid !== undefined, 'HotKeyNotRegisteredInSubNet');
  ensure(hasWeightsStake(state, hotkey, netuid), 'NotEnoughStakeToSetWeights');
  const versionKey = state.get(S.WeightsVersionKey, netuid);
  ensure(versionKey === 0n || version_key >= versionKey, 'IncorrectWeightVersionKey');
  ensure(passesWeightsRateLimit(state, netuid, uid, block), 'SettingWeightsTooFast');
  // a neuron may always vouch for itself alone; the epoch ignores it
  const isSelfWeight = dests.length === 1 && dests[0] === uid;
  const isOwner = hotkey === state.get(S.SubnetOwnerHotkey, netuid);
  const permit = state.get(S.ValidatorPermit, netuid)[uid] ?? false;
  ensure(isSelfWeight || isOwner || permit, 'NeuronNoValidatorPermit');
  ensure(new Set(dests).size === dests.length, 'DuplicateUids');
  ensure(
    dests.every((dest) => dest < n),
    'UidVecContainInvalidOne',
  );
  const minimum = Math.min(state.get(S.MinAllowedWeights, netuid), n);
  ensure(isSelfWeight || dests.length >= minimum, 'WeightVecLengthIsLow');

  const upscaled = maxUpscale(weights);
  const row = dests.map((dest, index) => [dest, upscaled[index]!] as const);
  state.put(S.Weights, [netuid, uid], row);
  state.put(S.LastUpdate, [netuid], withEntry(state.get(S.LastUpdate, netuid), uid, block, 0));
  context.emit({ pallet: 'SubtensorModule', name: 'WeightsSet', data: [netuid, uid] });
}

/** `check_weights_min_stake`; the owner's hotkey is exempt. */
export function hasWeightsStake(state: StateView, hotkey: string, netuid: number): boolean {
  if (hotkey === state.get(S.SubnetOwnerHotkey, netuid)) return true;
  const stake = consensusStake({
    alphaRao: state.get(S.TotalHotkeyAlpha, hotkey, netuid),
    rootTaoRao: state.get(S.TotalHotkeyAlpha, hotkey, 0),
    taoWeight: state.get(S.TaoWeight),
  });
  return stake.rao >= state.get(S.StakeThreshold);
}

/** `check_rate_limit`: LastUpdate is also set at registration, so a newcomer waits one full limit. */
export function passesWeightsRateLimit(
  state: StateView,
  netuid: number,
  uid: number,
  block: number,
): boolean {
  const last = state.get(S.LastUpdate, netuid)[uid] ?? 0;
  return last === 0 || BigInt(block - last) >= state.get(S.WeightsSetRateLimit, netuid);
}
