// Owns: weights set, committed, sealed and revealed, one subnet or several. Does not own: from scores to a row
// (../../weights.ts), when which is due (validator).

import { equals } from '../../../model/bytes.js';
import { maxUpscale } from '../../../model/max-upscale.js';
import type { WeightRow } from '../../chain.js';
import { commitHash, storageIndex } from '../../codec/weight-commits.js';
import { toSchedule } from '../../schedule.js';
import { assertRow } from '../../weights.js';
import { isDisabled, isEnabled, rateLimited, registered, subnetExists } from './checks.js';
import {
  type Check,
  type Effect,
  form,
  type Operation,
  operation,
  type Refusal,
  type State,
  SUBTENSOR,
  same,
  show,
  subtensorCall,
} from './operation.js';

export interface Place {
  readonly netuid: number;
  /** @default 0 */
  readonly mechanism?: number;
}

export interface SetRow extends Place {
  /** uids ascending, u16, explicit zeros allowed */
  readonly weights: WeightRow;
  readonly versionKey: bigint;
}

export interface RevealedRow extends SetRow {
  readonly salt: readonly number[];
}

export interface Sealed extends Place {
  /** at most 5000 */
  readonly bytes: Uint8Array;
  readonly revealRound: number;
  readonly version: number;
}

const MAX_SEALED_BYTES = 5000;

/**
 * The plain call for mechanism 0, which every runtime has and safe mode lets through; a runtime without it would take the
 * mechanism's.
 */
function toPlace(
  name: string,
  withMechanism: string,
  { netuid, mechanism = 0 }: Place,
  args: Operation['args'],
  rest: Pick<Operation, 'checks' | 'effects'>,
): Operation {
  const mechanismArgs = { netuid, mecid: mechanism, ...args };
  const signer = 'hotkey' as const;
  if (mechanism !== 0) return operation(SUBTENSOR, withMechanism, mechanismArgs, { signer, ...rest });
  const otherwise = [form(withMechanism, mechanismArgs)];
  return subtensorCall(name, { netuid, ...args }, { signer, otherwise, ...rest });
}

const uidsOf = (row: WeightRow) => row.map(([uid]) => uid);
const valuesOf = (row: WeightRow) => row.map(([, value]) => value);

/** @throws RangeError for a row that is not ascending u16 */
export function setWeights(row: SetRow): Operation {
  assertRow(row.weights);
  return toPlace(
    'set_weights',
    'set_mechanism_weights',
    row,
    { dests: uidsOf(row.weights), weights: valuesOf(row.weights), version_key: row.versionKey },
    {
      checks: [
        ...placeChecks(row),
        isDisabled('CommitRevealWeightsEnabled', row.netuid, 'CommitRevealEnabled', 'weights are committed'),
        rowAllowed(row),
        notTooSoon(row, 'SettingWeightsTooFast'),
      ],
      effects: [rowStored(row), updatedNow(row)],
    },
  );
}

/** @param hash of the row (`commitHash`), 32 bytes */
export function commitWeights(place: Place, hash: Uint8Array): Operation {
  if (hash.length !== 32) throw new RangeError(`commit hash: expected 32 bytes, got ${hash.length}`);
  return toPlace(
    'commit_weights',
    'commit_mechanism_weights',
    place,
    { commit_hash: hash },
    { checks: commitChecks(place), effects: [committed(place, hash), updatedNow(place)] },
  );
}

/** @throws RangeError for a row that is not ascending u16 */
export function revealWeights(row: RevealedRow): Operation {
  assertRow(row.weights);
  return toPlace(
    'reveal_weights',
    'reveal_mechanism_weights',
    row,
    {
      uids: uidsOf(row.weights),
      values: valuesOf(row.weights),
      salt: row.salt,
      version_key: row.versionKey,
    },
    {
      checks: [
        ...placeChecks(row),
        isEnabled(
          'CommitRevealWeightsEnabled',
          row.netuid,
          'CommitRevealDisabled',
          'weights are set directly',
        ),
        revealable(row),
        rowAllowed(row),
      ],
      effects: [rowStored(row), revealed(row)],
    },
  );
}

/** @throws RangeError for more bytes than the chain takes */
export function commitTimelockedWeights(sealed: Sealed): Operation {
  if (sealed.bytes.length === 0 || sealed.bytes.length > MAX_SEALED_BYTES)
    throw new RangeError(`sealed weights: expected 1..${MAX_SEALED_BYTES} bytes, got ${sealed.bytes.length}`);
  return toPlace(
    'commit_timelocked_weights',
    'commit_timelocked_mechanism_weights',
    sealed,
    { commit: sealed.bytes, reveal_round: sealed.revealRound, commit_reveal_version: sealed.version },
    {
      checks: [...commitChecks(sealed), sealable(sealed)],
      effects: [sealedKept(sealed), updatedNow(sealed)],
    },
  );
}

/** One row for each of several subnets, mechanism 0. A part may fail while the others are set. */
export function batchSetWeights(rows: readonly Omit<SetRow, 'mechanism'>[]): Operation {
  for (const { weights } of rows) assertRow(weights);
  assertDistinct(rows);
  return subtensorCall(
    'batch_set_weights',
    {
      netuids: rows.map(({ netuid }) => netuid),
      weights: rows.map(({ weights }) => weights.map(([uid, value]) => [uid, value])),
      version_keys: rows.map(({ versionKey }) => versionKey),
    },
    {
      signer: 'hotkey',
      items: {
        rule: 'weights-by-netuid',
        of: rows.map((row) => ({
          label: `subnet ${row.netuid}`,
          effects: [rowStored(row), updatedNow(row)],
        })),
      },
    },
  );
}

/** One hash for each of several subnets, mechanism 0. A part may fail while the others are committed. */
export function batchCommitWeights(
  commits: readonly { readonly netuid: number; readonly hash: Uint8Array }[],
): Operation {
  assertDistinct(commits);
  return subtensorCall(
    'batch_commit_weights',
    { netuids: commits.map(({ netuid }) => netuid), commit_hashes: commits.map(({ hash }) => hash) },
    {
      signer: 'hotkey',
      items: {
        rule: 'weights-by-netuid',
        of: commits.map(({ netuid, hash }) => ({
          label: `subnet ${netuid}`,
          effects: [committed({ netuid }, hash), updatedNow({ netuid })],
        })),
      },
    },
  );
}

/** Several commits of one subnet, oldest first: all are revealed or none; the last row is the one that stays. */
export function batchRevealWeights(
  netuid: number,
  rows: readonly Omit<RevealedRow, keyof Place>[],
): Operation {
  for (const { weights } of rows) assertRow(weights);
  const last = rows.at(-1);
  if (!last) throw new RangeError('batch reveal: expected at least one row');
  return subtensorCall(
    'batch_reveal_weights',
    {
      netuid,
      uids_list: rows.map(({ weights }) => uidsOf(weights)),
      values_list: rows.map(({ weights }) => valuesOf(weights)),
      salts_list: rows.map(({ salt }) => salt),
      version_keys: rows.map(({ versionKey }) => versionKey),
    },
    {
      signer: 'hotkey',
      checks: [
        ...placeChecks({ netuid }),
        isEnabled('CommitRevealWeightsEnabled', netuid, 'CommitRevealDisabled', 'weights are set directly'),
        ...rows.map((row) => revealable({ netuid, ...row })),
      ],
      effects: [rowStored({ netuid, ...last }), ...rows.map((row) => revealed({ netuid, ...row }))],
    },
  );
}

function assertDistinct(parts: readonly { readonly netuid: number }[]): void {
  // the chain names a failed part by its subnet alone
  if (parts.length === 0 || new Set(parts.map(({ netuid }) => netuid)).size < parts.length)
    throw new RangeError('batch of weights: expected each subnet once, and at least one');
}

// Checks, in the order of subnets/weights.rs.

const placeChecks = ({ netuid, mechanism = 0 }: Place): readonly Check[] => [
  async () =>
    netuid === 0
      ? { error: 'CanNotSetRootNetworkWeights', detail: 'subnet 0 is the root network' }
      : undefined,
  subnetExists(netuid),
  async (state) => {
    if (mechanism === 0) return undefined;
    const count = state.has('MechanismCountCurrent')
      ? await state.integer('MechanismCountCurrent', netuid)
      : 1n;
    return BigInt(mechanism) < count
      ? undefined
      : { error: 'MechanismDoesNotExist', detail: `subnet ${netuid} has ${count} of them` };
  },
  registered(netuid),
  enoughStake(netuid),
];

const commitChecks = (place: Place): readonly Check[] => [
  ...placeChecks(place),
  isEnabled('CommitRevealWeightsEnabled', place.netuid, 'CommitRevealDisabled', 'weights are set directly'),
  notTooSoon(place, 'CommittingWeightsTooFast'),
];

/**
 * `check_weights_min_stake`, where state alone can tell: with parents or children the stake is not the hotkey's own, and
 * the chain decides.
 */
const enoughStake =
  (netuid: number): Check =>
  async (state) => {
    const hotkey = state.signer;
    const [threshold, owner, alpha, root, taoWeight, children, parents] = await Promise.all([
      state.has('StakeThreshold') ? state.integer('StakeThreshold') : 0n,
      state.account('SubnetOwnerHotkey', netuid),
      state.integer('TotalHotkeyAlpha', hotkey, netuid),
      state.integer('TotalHotkeyAlpha', hotkey, 0),
      state.has('TaoWeight') ? state.integer('TaoWeight') : 0n,
      state.has('ChildKeys') ? state.get('ChildKeys', hotkey, netuid) : [],
      state.has('ParentKeys') ? state.get('ParentKeys', hotkey, netuid) : [],
    ]);
    const alone = [children, parents].every((keys) => !Array.isArray(keys) || keys.length === 0);
    if (threshold === 0n || owner === hotkey || !alone) return undefined;
    const stake = alpha + (root * taoWeight) / 2n ** 64n;
    return stake >= threshold
      ? undefined
      : { error: 'NotEnoughStakeToSetWeights', detail: `stake ${stake} rao, the threshold is ${threshold}` };
  };

const rowAllowed =
  ({ netuid, weights, versionKey }: SetRow): Check =>
  async (state): Promise<Refusal | undefined> => {
    const [n, least, key, uid, permits, owner] = await Promise.all([
      state.integer('SubnetworkN', netuid),
      state.integer('MinAllowedWeights', netuid),
      state.integer('WeightsVersionKey', netuid),
      state.get('Uids', netuid, state.signer),
      state.get('ValidatorPermit', netuid),
      state.account('SubnetOwnerHotkey', netuid),
    ]);
    const size = BigInt(weights.length);
    if (size > n)
      return { error: 'UidsLengthExceedUidsInSubNet', detail: `${size} entries for ${n} neurons` };
    if (key !== 0n && versionKey < key)
      return { error: 'IncorrectWeightVersionKey', detail: `key ${versionKey}, the subnet wants ${key}` };
    const toItself = weights.length === 1 && weights[0]?.[0] === uid;
    const permitted = Array.isArray(permits) && permits[Number(uid)] === true;
    if (!toItself && !permitted && owner !== state.signer)
      return { error: 'NeuronNoValidatorPermit', detail: `uid ${uid} of subnet ${netuid} has none` };
    const unknown = weights.find(([to]) => BigInt(to) >= n);
    if (unknown) return { error: 'UidVecContainInvalidOne', detail: `uid ${unknown[0]} of ${n}` };
    const needed = least < n ? least : n;
    return !toItself && size < needed
      ? { error: 'WeightVecLengthIsLow', detail: `${size} entries, at least ${needed} are wanted` }
      : undefined;
  };

const notTooSoon =
  ({ netuid, mechanism = 0 }: Place, error: string): Check =>
  async (state) => {
    const [uid, updates, limit] = await Promise.all([
      state.get('Uids', netuid, state.signer),
      state.get('LastUpdate', storageIndex(netuid, mechanism)),
      state.integer('WeightsSetRateLimit', netuid),
    ]);
    const last = Array.isArray(updates) ? (updates[Number(uid)] as number | bigint | undefined) : undefined;
    return rateLimited(error, `weights in subnet ${netuid}`, BigInt(last ?? 0), limit, state.block);
  };

const sealable =
  ({ version, revealRound }: Sealed): Check =>
  async (state) => {
    const [wanted, stored] = await Promise.all([
      state.has('CommitRevealWeightsVersion') ? state.integer('CommitRevealWeightsVersion') : BigInt(version),
      state.has('Drand.LastStoredRound') ? state.integer('Drand.LastStoredRound') : 0n,
    ]);
    if (BigInt(version) !== wanted)
      return {
        error: 'IncorrectCommitRevealVersion',
        detail: `version ${version}, the chain takes ${wanted}`,
      };
    return BigInt(revealRound) < stored
      ? { error: 'InvalidRevealRound', detail: `round ${revealRound}, the chain has ${stored} already` }
      : undefined;
  };

/**
 * A commit is revealed in the epoch that lies RevealPeriodEpochs after its own. The present epoch is SubnetEpochIndex, or
 * one more while an epoch is due by the next block: only what neither allows is refused here.
 */
const revealable =
  (row: RevealedRow): Check =>
  async (state) => {
    const hash = hashOf(row, state);
    const commits = await commitsOf(row, state);
    const own = commits.find(([committedHash]) => equals(committedHash, hash));
    if (!own) return { error: 'NoWeightsCommitFound', detail: `${commits.length} commits, none of this row` };
    if (!state.has('SubnetEpochIndex')) return undefined;
    const [index, period, next] = await Promise.all([
      state.integer('SubnetEpochIndex', row.netuid),
      state.integer('RevealPeriodEpochs', row.netuid),
      nextEpoch(row.netuid, state),
    ]);
    const due = BigInt(own[1]) + period;
    const isNextDue = next !== undefined && next <= state.block; // the block that would carry it
    if (due > (isNextDue ? index + 1n : index))
      return {
        error: 'RevealTooEarly',
        detail: `epoch ${due}, now is ${index}`,
        // of a later epoch than the next only its own state will tell
        ...(next !== undefined && due === index + 1n ? { atBlock: next } : {}),
      };
    return due < index
      ? { error: 'ExpiredWeightCommit', detail: `epoch ${due}, now is ${index}` }
      : undefined;
  };

/** undefined where no epoch comes: the tempo is 0. */
async function nextEpoch(netuid: number, state: State): Promise<number | undefined> {
  const [tempo, lastEpochBlock, pendingEpochAt] = await Promise.all([
    state.integer('Tempo', netuid),
    state.has('LastEpochBlock') ? state.integer('LastEpochBlock', netuid) : undefined,
    state.has('PendingEpochAt') ? state.integer('PendingEpochAt', netuid) : 0n,
  ]);
  const { nextEpochBlock } = toSchedule({
    netuid,
    block: state.block,
    tempo: Number(tempo),
    lastEpochBlock: lastEpochBlock === undefined ? undefined : Number(lastEpochBlock),
    epochIndex: undefined,
    pendingEpochAt: Number(pendingEpochAt),
  });
  return nextEpochBlock;
}

// Effects.

type Commit = readonly [hash: Uint8Array, epochOrBlock: number | bigint];

async function commitsOf({ netuid, mechanism = 0 }: Place, state: State): Promise<readonly Commit[]> {
  const list = await state.get('WeightCommits', storageIndex(netuid, mechanism), state.signer);
  return Array.isArray(list) ? (list as Commit[]) : []; // Vec<(H256, u64, u64, u64)>
}

const hashOf = ({ netuid, mechanism = 0, weights, salt, versionKey }: RevealedRow, { signer }: State) =>
  commitHash(signer, storageIndex(netuid, mechanism), {
    uids: uidsOf(weights),
    values: valuesOf(weights),
    salt,
    versionKey,
  });

const rowStored =
  ({ netuid, mechanism = 0, weights }: SetRow): Effect =>
  async ({ after }) => {
    const uid = await after.get('Uids', netuid, after.signer);
    if (typeof uid !== 'number') return { expected: `a uid of ${after.signer}`, got: 'none' };
    const row = await after.get('Weights', storageIndex(netuid, mechanism), uid);
    const scaled = maxUpscale(valuesOf(weights));
    const wanted = weights.map(([to], i) => [to, scaled[i]]);
    return same(wanted, row) ? undefined : { expected: `row ${show(wanted)}`, got: show(row) };
  };

const updatedNow =
  ({ netuid, mechanism = 0 }: Place): Effect =>
  async ({ after }) => {
    const [uid, updates] = await Promise.all([
      after.get('Uids', netuid, after.signer),
      after.get('LastUpdate', storageIndex(netuid, mechanism)),
    ]);
    const got: unknown = Array.isArray(updates) ? updates[Number(uid)] : undefined;
    return same(got, after.block) ? undefined : { expected: `LastUpdate ${after.block}`, got: show(got) };
  };

const committed =
  (place: Place, hash: Uint8Array): Effect =>
  async ({ after }) => {
    const commits = await commitsOf(place, after);
    return commits.some(([kept]) => equals(kept, hash))
      ? undefined
      : { expected: 'the hash among WeightCommits', got: `${commits.length} others` };
  };

const revealed =
  (row: RevealedRow): Effect =>
  async ({ after }) => {
    const hash = hashOf(row, after);
    const left = await commitsOf(row, after);
    return left.some(([kept]) => equals(kept, hash))
      ? { expected: 'the commit to be gone', got: 'it is in WeightCommits still' }
      : undefined;
  };

/** Under the epoch of its block: SubnetEpochIndex, or one more while an epoch is due and not yet run. */
const sealedKept =
  ({ netuid, mechanism = 0, bytes, revealRound }: Sealed): Effect =>
  async ({ after }) => {
    const index = after.has('SubnetEpochIndex')
      ? await after.integer('SubnetEpochIndex', netuid)
      : await blockEpoch(netuid, after);
    const keys = [index, index + 1n];
    const buckets = await Promise.all(
      keys.map((epoch) => after.get('TimelockedWeightCommits', storageIndex(netuid, mechanism), epoch)),
    );
    const wanted = [after.signer, after.block, bytes, revealRound];
    const kept = buckets.flatMap((bucket) => (Array.isArray(bucket) ? (bucket as unknown[]) : []));
    return kept.some((entry) => same(entry, wanted))
      ? undefined
      : { expected: `the commit for round ${revealRound} in epoch ${index}`, got: `${kept.length} others` };
  };

/** The number that epochs had before they were counted: (block + netuid + 1) / (tempo + 1). */
async function blockEpoch(netuid: number, state: State): Promise<bigint> {
  const tempo = await state.integer('Tempo', netuid);
  return BigInt(state.block + netuid + 1) / (tempo + 1n);
}
