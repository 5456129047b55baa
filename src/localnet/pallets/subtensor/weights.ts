// Owns: who may set which weights, and storing them (subtensor subnets/weights.rs). Does not own: commits (commits.ts),
// normalisation (emissions/weights.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import { SUBNETS_PER_MECHANISM, storageIndex } from '../../../chain/codec/weight-commits.js';
import { maxUpscale } from '../../../emissions/weights.js';
import {
  type BlockContext,
  type CallContext,
  CallFailed,
  type DispatchError,
  ensure,
  ensureSigned,
  moduleError,
} from '../../dispatch.js';
import type { State, StateView } from '../../state.js';
import { consensusStakeOf } from './children.js';
import { ensureMechanism, netuidOf } from './mechanisms.js';
import { withEntry } from './neurons.js';

const S = runtime.SubtensorModule.storage;

/** One row for one mechanism, as any call brings it. */
export interface Row {
  readonly netuid: number;
  readonly mecid: number;
  readonly dests: readonly number[];
  readonly weights: readonly number[];
  readonly versionKey: bigint;
}
interface SetWeights extends Pick<Row, 'netuid' | 'dests' | 'weights'> {
  readonly version_key: bigint;
}

export const setWeights = (args: SetWeights, context: CallContext): void =>
  setMechanismWeights({ ...args, mecid: 0 }, context);

export function setMechanismWeights(
  { version_key, ...args }: SetWeights & Pick<Row, 'mecid'>,
  context: CallContext,
): void {
  ensure(!context.state.get(S.CommitRevealWeightsEnabled, args.netuid), 'CommitRevealEnabled');
  storeWeights(ensureSigned(context.origin), { ...args, versionKey: version_key }, context);
}

/** The call succeeds whatever becomes of its rows: what failed is told by events. */
export function batchSetWeights(
  args: {
    readonly netuids: readonly number[];
    readonly weights: readonly (readonly (readonly [uid: number, value: number])[])[];
    readonly version_keys: readonly bigint[];
  },
  context: CallContext,
): void {
  const hotkey = ensureSigned(context.origin);
  const { netuids, weights, version_keys: versionKeys } = args;
  ensure(netuids.length === weights.length && netuids.length === versionKeys.length, 'InputLengthsUnequal');
  runBatch(hotkey, netuids, context, (netuid, index) => {
    if (context.state.get(S.CommitRevealWeightsEnabled, netuid))
      throw moduleError('SubtensorModule', 'CommitRevealEnabled');
    const row = weights[index]!;
    const dests = row.map(([uid]) => uid);
    const values = row.map(([, value]) => value);
    storeWeights(
      hotkey,
      { netuid, mecid: 0, dests, weights: values, versionKey: versionKeys[index]! },
      context,
    );
  });
}

/** Items by netuid, each on its own: none of them writes anything before it can no longer fail. */
export function runBatch(
  hotkey: string,
  netuids: readonly number[],
  context: BlockContext,
  run: (netuid: number, index: number) => void,
): void {
  const failures: (readonly [netuid: number, error: DispatchError])[] = [];
  netuids.forEach((netuid, index) => {
    try {
      run(netuid, index);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      failures.push([netuid, error.error]);
    }
  });
  const pallet = 'SubtensorModule';
  if (failures.length > 0) context.emit({ pallet, name: 'BatchCompletedWithErrors', data: [] });
  for (const data of failures) context.emit({ pallet, name: 'BatchWeightItemFailed', data });
  context.emit({ pallet, name: 'BatchWeightsCompleted', data: [netuids, hotkey] });
}

/**
 * `internal_set_weights`: checks in the chain's order; the first that fails is what the caller learns.
 *
 * @throws CallFailed
 */
export function storeWeights(hotkey: string, row: Row, context: BlockContext): void {
  const { state, block } = context;
  const { netuid, mecid, dests, weights, versionKey } = row;
  const index = storageIndex(netuid, mecid);
  ensure(netuid !== 0, 'CanNotSetRootNetworkWeights');
  ensure(dests.length === weights.length, 'WeightVecNotEqualSize');
  ensureMechanism(state, netuid, mecid);
  const n = state.get(S.SubnetworkN, netuid);
  ensure(dests.length <= n, 'UidsLengthExceedUidsInSubNet');
  const uid = state.get(S.Uids, netuid, hotkey);
  ensure(uid !== undefined, 'HotKeyNotRegisteredInSubNet');
  ensure(hasWeightsStake(state, hotkey, netuid), 'NotEnoughStakeToSetWeights');
  const leastKey = state.get(S.WeightsVersionKey, netuid);
  ensure(leastKey === 0n || versionKey >= leastKey, 'IncorrectWeightVersionKey');
  // with commit-reveal the commit was limited, and is what LastUpdate speaks of
  const limited = !state.get(S.CommitRevealWeightsEnabled, netuid);
  ensure(!limited || passesWeightsRateLimit(state, index, uid, block), 'SettingWeightsTooFast');
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
  const stored = dests.map((dest, position) => [dest, upscaled[position]!] as const);
  state.put(S.Weights, [index, uid], stored);
  if (limited) touch(state, index, uid, block);
  context.emit({ pallet: 'SubtensorModule', name: 'WeightsSet', data: [index, uid] });
}

/** `set_last_update_for_uid`: the list of a mechanism that is newer than its neurons begins with this. */
export function touch(state: State, index: number, uid: number, block: number): void {
  const known = state.get(S.LastUpdate, index);
  const n = state.get(S.SubnetworkN, index % SUBNETS_PER_MECHANISM);
  const blank = new Array<number>(Math.max(0, n - known.length)).fill(0);
  state.put(S.LastUpdate, [index], withEntry([...known, ...blank], uid, block, 0));
}

/** `check_weights_min_stake`; the owner's hotkey is exempt. */
export function hasWeightsStake(state: StateView, hotkey: string, netuid: number): boolean {
  if (hotkey === state.get(S.SubnetOwnerHotkey, netuid) && state.has(S.Uids, netuid, hotkey)) return true;
  return consensusStakeOf(state, hotkey, netuid).rao >= state.get(S.StakeThreshold);
}

/** `check_rate_limit`: LastUpdate is also set at registration, so a newcomer waits one full limit. */
export function passesWeightsRateLimit(state: StateView, index: number, uid: number, block: number): boolean {
  const netuid = netuidOf(state, index);
  if (netuid === undefined) return false;
  const last = state.get(S.LastUpdate, index)[uid] ?? 0;
  return last === 0 || BigInt(block - last) >= state.get(S.WeightsSetRateLimit, netuid);
}
