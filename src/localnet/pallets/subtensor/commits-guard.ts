// Owns: what the chain checks of calls about weights before they enter the pool, and again before they are carried out
// (subtensor guards/{check_weights,check_rate_limits}.rs). Does not own: the calls (weights.ts, commits.ts).
import { type RuntimeCall, runtime } from '../../../chain/codec/runtime.js';
import type { FieldsValue } from '../../../chain/codec/scale.js';
import { commitHash, storageIndex } from '../../../chain/codec/weight-commits.js';
import { type BlockContext, ensure } from '../../dispatch.js';
import { isRectangular, isRevealable, positionOf, revealsOf } from './commits.js';
import { hasWeightsStake, passesWeightsRateLimit } from './weights.js';

const S = runtime.SubtensorModule.storage;
const { LastStoredRound } = runtime.Drand.storage;
type Calls = typeof runtime.SubtensorModule.calls;

/** @throws CallFailed */
export function checkWeightsCall(who: string, call: RuntimeCall, context: BlockContext): void {
  if (call.pallet !== 'SubtensorModule') return;
  const { state } = context;
  switch (call.name) {
    case 'set_weights':
    case 'set_mechanism_weights': {
      const { netuid } = call.args;
      ensureStake(who, [netuid], context);
      if (state.get(S.CommitRevealWeightsEnabled, netuid)) return;
      ensureRate(who, call.args, 'SettingWeightsTooFast', context);
      return;
    }
    case 'commit_weights':
    case 'commit_mechanism_weights':
      ensureStake(who, [call.args.netuid], context);
      ensureRate(who, call.args, 'CommittingWeightsTooFast', context);
      return;
    case 'commit_timelocked_weights':
    case 'commit_timelocked_mechanism_weights':
    case 'commit_crv3_mechanism_weights':
      ensureStake(who, [call.args.netuid], context);
      // a round that the chain has seen could be opened at once
      ensure(call.args.reveal_round >= state.get(LastStoredRound), 'InvalidRevealRound');
      return;
    case 'reveal_weights':
    case 'reveal_mechanism_weights':
      ensureStake(who, [call.args.netuid], context);
      checkReveal(who, 'mecid' in call.args ? call.args : { ...call.args, mecid: 0 }, context);
      return;
    case 'batch_set_weights': {
      const { netuids, weights, version_keys } = call.args;
      const equal = netuids.length === weights.length && netuids.length === version_keys.length;
      ensure(equal, 'InputLengthsUnequal');
      ensureStake(who, netuids, context);
      return;
    }
    case 'batch_commit_weights':
      ensure(call.args.netuids.length === call.args.commit_hashes.length, 'InputLengthsUnequal');
      ensureStake(who, call.args.netuids, context);
      return;
    case 'batch_reveal_weights': {
      ensure(isRectangular(call.args), 'InputLengthsUnequal');
      ensureStake(who, [call.args.netuid], context);
      const hashes = revealsOf(who, call.args).map(({ hash }) => hash);
      checkHashes(who, call.args.netuid, call.args.netuid, hashes, context);
    }
  }
}

function ensureStake(who: string, netuids: readonly number[], { state }: BlockContext): void {
  for (const netuid of netuids) ensure(hasWeightsStake(state, who, netuid), 'NotEnoughStakeToSetWeights');
}

/** Who is not registered passes here: the call itself says so. */
function ensureRate(
  who: string,
  { netuid, ...rest }: { readonly netuid: number; readonly mecid?: number },
  error: 'SettingWeightsTooFast' | 'CommittingWeightsTooFast',
  { state, block }: BlockContext,
): void {
  const uid = state.get(S.Uids, netuid, who);
  if (uid === undefined) return;
  ensure(passesWeightsRateLimit(state, storageIndex(netuid, rest.mecid), uid, block), error);
}

function checkReveal(
  who: string,
  args: FieldsValue<Calls['reveal_mechanism_weights']['fields']>,
  context: BlockContext,
): void {
  const { netuid, mecid, uids, values, salt, version_key: versionKey } = args;
  const index = storageIndex(netuid, mecid);
  checkHashes(who, netuid, index, [commitHash(who, index, { uids, values, salt, versionKey })], context);
}

/** A commit that expired but was not dropped yet is "too early" here as well. */
function checkHashes(
  who: string,
  netuid: number,
  index: number,
  hashes: readonly Uint8Array[],
  { state, block }: BlockContext,
): void {
  const commits = state.get(S.WeightCommits, index, who);
  ensure(commits !== undefined, 'NoWeightsCommitFound');
  for (const hash of hashes) {
    const commit = commits[positionOf(hash, commits)];
    ensure(commit !== undefined, 'NoWeightsCommitFound');
    ensure(isRevealable(state, netuid, block, commit[1]), 'RevealTooEarly');
  }
}
