// Owns: plain commits of weights and their reveals, the commits of time-locked rows, and which epoch each belongs to
// (subtensor subnets/weights.rs). Does not own: opening what is time-locked (commits-timelocked.ts), the pool's checks
// (commits-guard.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import type { FieldsValue } from '../../../chain/codec/scale.js';
import { blake2b256 } from '../../../chain/codec/storage.js';
import { commitHash, storageIndex } from '../../../chain/codec/weight-commits.js';
import { shouldRunEpoch } from '../../../emissions/schedule.js';
import { equals } from '../../../model/bytes.js';
import { type CallContext, ensure, ensureSigned, moduleError } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { ensureMechanism } from './mechanisms.js';
import { passesWeightsRateLimit, runBatch, storeWeights, touch } from './weights.js';

const S = runtime.SubtensorModule.storage;
type Calls = typeof runtime.SubtensorModule.calls;
type Args<N extends keyof Calls> = FieldsValue<Calls[N]['fields']>;
type Commit = readonly [hash: Uint8Array, epoch: number, block: number, unused: number];

/** Commits of one hotkey that may wait at once: plain ones of a mechanism, or time-locked ones of a mechanism's epoch. */
const MAX_PENDING = 10;

/** `should_run_epoch` by what is stored. */
export const isEpochDue = (state: StateView, netuid: number, block: number): boolean =>
  shouldRunEpoch(
    {
      tempo: state.get(S.Tempo, netuid),
      lastEpochBlock: state.get(S.LastEpochBlock, netuid),
      pendingEpochAt: state.get(S.PendingEpochAt, netuid),
      blocksSinceLastStep: state.get(S.BlocksSinceLastStep, netuid),
    },
    block,
  );

/** `current_epoch_with_lookahead`: an epoch that is due counts, also while it is put off. */
export const currentEpoch = (state: StateView, netuid: number, block: number): number =>
  state.get(S.SubnetEpochIndex, netuid) + (isEpochDue(state, netuid, block) ? 1 : 0);

export const revealPeriod = (state: StateView, netuid: number): number =>
  Number(state.get(S.RevealPeriodEpochs, netuid));

/** `is_commit_expired` */
export const isExpired = (state: StateView, netuid: number, block: number, epoch: number): boolean =>
  currentEpoch(state, netuid, block) > epoch + revealPeriod(state, netuid);

/** `is_reveal_block_range`: the one epoch in which a commit may be revealed. */
export const isRevealable = (state: StateView, netuid: number, block: number, epoch: number): boolean =>
  currentEpoch(state, netuid, block) === epoch + revealPeriod(state, netuid);

export const commitWeights = (args: Args<'commit_weights'>, context: CallContext): void =>
  commitMechanismWeights({ ...args, mecid: 0 }, context);

export function commitMechanismWeights(
  { netuid, mecid, commit_hash: hash }: Args<'commit_mechanism_weights'>,
  context: CallContext,
): void {
  const { state, block } = context;
  ensureMechanism(state, netuid, mecid);
  const index = storageIndex(netuid, mecid);
  const hotkey = ensureSigned(context.origin);
  ensure(state.get(S.CommitRevealWeightsEnabled, netuid), 'CommitRevealDisabled');
  const uid = mayCommit(hotkey, netuid, index, context);
  const { live } = splitExpired(state, netuid, block, state.get(S.WeightCommits, index, hotkey) ?? []);
  ensure(live.length < MAX_PENDING, 'TooManyUnrevealedCommits');
  const commit: Commit = [hash, currentEpoch(state, netuid, block), block, 0];
  state.put(S.WeightCommits, [index, hotkey], [...live, commit]);
  context.emit({ pallet: 'SubtensorModule', name: 'WeightsCommitted', data: [hotkey, index, hash] });
  touch(state, index, uid, block);
}

/** The call succeeds whatever becomes of its commits: what failed is told by events. */
export function batchCommitWeights(
  { netuids, commit_hashes: hashes }: Args<'batch_commit_weights'>,
  context: CallContext,
): void {
  const hotkey = ensureSigned(context.origin);
  ensure(netuids.length === hashes.length, 'InputLengthsUnequal');
  runBatch(hotkey, netuids, context, (netuid, index) => {
    commitWeights({ netuid, commit_hash: hashes[index]! }, context);
  });
}

export const commitTimelockedWeights = (
  args: Args<'commit_timelocked_weights'>,
  context: CallContext,
): void => commitTimelockedMechanismWeights({ ...args, mecid: 0 }, context);

/** The older name is of version 4, whatever version the chain asks for. */
export const commitCrv3MechanismWeights = (
  args: Args<'commit_crv3_mechanism_weights'>,
  context: CallContext,
): void => commitTimelockedMechanismWeights({ ...args, commit_reveal_version: 4 }, context);

export function commitTimelockedMechanismWeights(
  args: Args<'commit_timelocked_mechanism_weights'>,
  context: CallContext,
): void {
  const { state, block } = context;
  const { netuid, mecid, commit, reveal_round: round, commit_reveal_version: version } = args;
  ensureMechanism(state, netuid, mecid);
  const index = storageIndex(netuid, mecid);
  const hotkey = ensureSigned(context.origin);
  ensure(state.get(S.CommitRevealWeightsEnabled, netuid), 'CommitRevealDisabled');
  ensure(version === state.get(S.CommitRevealWeightsVersion), 'IncorrectCommitRevealVersion');
  const uid = mayCommit(hotkey, netuid, index, context);
  const epoch = currentEpoch(state, netuid, block);
  const commits = state.get(S.TimelockedWeightCommits, index, epoch);
  ensure(commits.filter(([who]) => who === hotkey).length < MAX_PENDING, 'TooManyUnrevealedCommits');
  state.put(S.TimelockedWeightCommits, [index, epoch], [...commits, [hotkey, block, commit, round]]);
  context.emit({
    pallet: 'SubtensorModule',
    name: 'TimelockedWeightsCommitted',
    data: [hotkey, index, blake2b256(commit), round],
  });
  touch(state, index, uid, block);
}

/** @returns the committer's uid */
function mayCommit(hotkey: string, netuid: number, index: number, { state, block }: CallContext): number {
  const uid = state.get(S.Uids, netuid, hotkey);
  ensure(uid !== undefined, 'HotKeyNotRegisteredInSubNet');
  ensure(passesWeightsRateLimit(state, index, uid, block), 'CommittingWeightsTooFast');
  return uid;
}

export const revealWeights = (args: Args<'reveal_weights'>, context: CallContext): void =>
  revealMechanismWeights({ ...args, mecid: 0 }, context);

export function revealMechanismWeights(args: Args<'reveal_mechanism_weights'>, context: CallContext): void {
  const { state, block } = context;
  const { netuid, mecid, uids, values, salt, version_key: versionKey } = args;
  const index = storageIndex(netuid, mecid);
  const hotkey = ensureSigned(context.origin);
  ensure(state.get(S.CommitRevealWeightsEnabled, netuid), 'CommitRevealDisabled');
  const { live, expired } = commitsOf(hotkey, netuid, index, context);
  const hash = commitHash(hotkey, index, { uids, values, salt, versionKey });
  const position = positionOf(hash, live);
  if (position < 0) {
    ensure(positionOf(hash, expired) < 0, 'ExpiredWeightCommit');
    throw moduleError(
      'SubtensorModule',
      live.length === 0 ? 'NoWeightsCommitFound' : 'InvalidRevealCommitHashNotMatch',
    );
  }
  ensure(isRevealable(state, netuid, block, live[position]![1]), 'RevealTooEarly');
  // a reveal gives up the commits before it
  putCommits(index, hotkey, live.slice(position + 1), context);
  storeWeights(hotkey, { netuid, mecid, dests: uids, weights: values, versionKey }, context);
  context.emit({ pallet: 'SubtensorModule', name: 'WeightsRevealed', data: [hotkey, index, hash] });
}

/** All or none; of the main mechanism alone. Each takes its own commit away and leaves the others. */
export function batchRevealWeights(args: Args<'batch_reveal_weights'>, context: CallContext): void {
  const { state, block } = context;
  const { netuid } = args;
  ensure(isRectangular(args), 'InputLengthsUnequal');
  const hotkey = ensureSigned(context.origin);
  ensure(state.get(S.CommitRevealWeightsEnabled, netuid), 'CommitRevealDisabled');
  const { live, expired } = commitsOf(hotkey, netuid, netuid, context);
  const reveals = revealsOf(hotkey, args);
  for (const { hash } of reveals) {
    const commit = live[positionOf(hash, live)];
    if (!commit) throw unknownCommit(hash, expired);
    ensure(isRevealable(state, netuid, block, commit[1]), 'RevealTooEarly');
  }
  for (const { hash, row } of reveals) {
    const position = positionOf(hash, live);
    if (position < 0) throw unknownCommit(hash, expired); // the same row twice
    live.splice(position, 1);
    storeWeights(hotkey, row, context);
  }
  putCommits(netuid, hotkey, live, context);
  const hashes = reveals.map(({ hash }) => hash);
  context.emit({ pallet: 'SubtensorModule', name: 'WeightsBatchRevealed', data: [hotkey, netuid, hashes] });
}

export const isRectangular = (args: Args<'batch_reveal_weights'>): boolean =>
  [args.values_list, args.salts_list, args.version_keys].every(
    ({ length }) => length === args.uids_list.length,
  );

/** What a batch reveals, with the hash that each row was committed by. */
export const revealsOf = (
  hotkey: string,
  { netuid, uids_list, values_list, salts_list, version_keys }: Args<'batch_reveal_weights'>,
) =>
  uids_list.map((dests, at) => {
    const [weights, salt, versionKey] = [values_list[at]!, salts_list[at]!, version_keys[at]!];
    const row = { netuid, mecid: 0, dests, weights, versionKey };
    return { row, hash: commitHash(hotkey, netuid, { uids: dests, values: weights, salt, versionKey }) };
  });

const unknownCommit = (hash: Uint8Array, expired: readonly Commit[]) =>
  moduleError(
    'SubtensorModule',
    positionOf(hash, expired) >= 0 ? 'ExpiredWeightCommit' : 'InvalidRevealCommitHashNotMatch',
  );

export const positionOf = (hash: Uint8Array, commits: readonly Commit[]): number =>
  commits.findIndex(([known]) => equals(known, hash));

function commitsOf(hotkey: string, netuid: number, index: number, { state, block }: CallContext) {
  const commits = state.get(S.WeightCommits, index, hotkey);
  ensure(commits !== undefined, 'NoWeightsCommitFound');
  return splitExpired(state, netuid, block, commits);
}

/** The queue is in order of commits, so what expired is in front. */
function splitExpired(state: StateView, netuid: number, block: number, commits: readonly Commit[]) {
  const first = commits.findIndex(([, epoch]) => !isExpired(state, netuid, block, epoch));
  const count = first < 0 ? commits.length : first;
  return { expired: commits.slice(0, count), live: commits.slice(count) };
}

function putCommits(index: number, hotkey: string, commits: readonly Commit[], { state }: CallContext): void {
  if (commits.length > 0) state.put(S.WeightCommits, [index, hotkey], commits);
  else state.delete(S.WeightCommits, index, hotkey);
}
