// Owns: a subnet of another chain put into a localnet's state. Does not own: the file that it comes in
// (chain/snapshot-file.ts), the block that it becomes (begin.ts).
import { encodeJson } from '../chain/codec/from-json.js';
import { runtime } from '../chain/codec/runtime.js';
import type { AnyStorageItem } from '../chain/codec/storage.js';
import { SNAPSHOT_ITEMS, type SnapshotValue, type SubnetSnapshot } from '../chain/snapshot-file.js';
import { AssayError } from '../model/errors.js';
import type { BlockContext } from './dispatch.js';
import { issue } from './pallets/balances.js';
import { addStakeTo, createHotkey, subnetAccount } from './pallets/subtensor/staking.js';
import type { State } from './state.js';

const S = runtime.SubtensorModule.storage;
/** Rows of mechanism m are kept at netuid + m * 4096 (`get_mechanism_storage_index`). */
const INDEX_STRIDE = 4096;

export interface KeysOfNeuron {
  /** SS58 */
  readonly hotkey: string;
  readonly coldkey: string;
}

/** Where a localnet begins: a subnet as somebody else's chain had it. */
export interface SubnetFork {
  readonly snapshot: SubnetSnapshot;
  /** takes the owner's place, also as a neuron where the owner is one */
  readonly owner?: KeysOfNeuron;
  /** take the places of these neurons */
  readonly neurons?: readonly (KeysOfNeuron & { readonly uid: number })[];
}

/**
 * Puts a subnet into a state that has root and no other subnet, as of the snapshot's block, whose number the state must
 * be at. Everything keeps its block numbers, so that the next epoch comes when it would have come. Those who stake on a
 * hotkey are not in a snapshot: all of it becomes the stake of the hotkey's coldkey.
 *
 * @throws AssayError `invalid-input` for a value that is none of the item's, keys that stand for no neuron, a subnet of
 * more mechanisms than one
 */
export function forkSubnet(
  state: State,
  snapshot: SubnetSnapshot,
  options: Pick<SubnetFork, 'owner' | 'neurons'> = {},
): void {
  const { netuid } = snapshot;
  ensureOneMechanism(snapshot);
  const neurons = withOwnKeys(snapshot, options);
  const owner = options.owner ?? snapshot.owner;
  // no block is being made, so there are no events
  const context: BlockContext = { state, block: snapshot.block.number, emit: () => {} };

  state.put(S.NetworksAdded, [netuid], true);
  state.put(S.TotalNetworks, [], state.get(S.TotalNetworks) + 1);
  state.put(S.SubnetOwner, [netuid], owner.coldkey);
  state.put(S.SubnetOwnerHotkey, [netuid], owner.hotkey);
  createHotkey(context, owner.coldkey, owner.hotkey);
  neurons.forEach((neuron, uid) => {
    putNeuron(context, netuid, uid, neuron);
  });
  putColumns(state, netuid, neurons);
  for (const [item, rows] of [
    [S.Weights, snapshot.weights],
    [S.Bonds, snapshot.bonds ?? []],
  ] as const)
    for (const { mechanism, uid, row } of rows)
      state.put(item, [netuid + mechanism * INDEX_STRIDE, uid], row);

  // after the stake, which counts what it adds
  for (const group of ['hyperparameters', 'schedule', 'pool', 'emission'] as const)
    putValues(state, S, SNAPSHOT_ITEMS[group], snapshot[group], [netuid]);
  putValues(state, runtime.Swap.storage, SNAPSHOT_ITEMS.swap, snapshot.swap, [netuid]);
  // the accounts that the pools' TAO lies in
  issue(context, subnetAccount(netuid), state.get(S.SubnetTAO, netuid));
  issue(context, subnetAccount(0), snapshot.rootTaoRao);
  state.put(S.SubnetTAO, [0], snapshot.rootTaoRao);
  state.put(S.SubnetAlphaOut, [0], snapshot.rootTaoRao);
  // emission falls with what was ever issued: on the other chain, not here
  putValues(state, S, SNAPSHOT_ITEMS.chain, snapshot.chain, []);
  if ('TotalIssuance' in snapshot.chain)
    state.put(runtime.Balances.storage.TotalIssuance, [], state.get(S.TotalIssuance));
}

type Neuron = SubnetSnapshot['neurons'][number];

/** Of the others a snapshot has the rows alone: without LastUpdate and Incentive they would begin anew. */
function ensureOneMechanism({ hyperparameters, schedule, pool, emission }: SubnetSnapshot): void {
  const { MechanismCountCurrent: count = 1 } = { ...hyperparameters, ...schedule, ...pool, ...emission };
  if (count !== 1)
    throw unfit('snapshot: MechanismCountCurrent', 'a subnet of one mechanism', JSON.stringify(count));
}

function withOwnKeys(
  { neurons, owner: theirs }: SubnetSnapshot,
  { owner, neurons: own = [] }: Pick<SubnetFork, 'owner' | 'neurons'>,
): readonly Neuron[] {
  const out = neurons.map((neuron): Neuron => ({ ...neuron }));
  const replace = (uid: number, { hotkey, coldkey }: KeysOfNeuron): void => {
    const neuron = out[uid];
    if (!neuron) throw unfit('keys', `a uid below ${out.length}`, `${uid}`);
    out[uid] = { ...neuron, hotkey, coldkey };
  };
  if (owner) {
    const uid = out.findIndex(({ hotkey }) => hotkey === theirs.hotkey);
    if (uid >= 0) replace(uid, owner);
  }
  for (const keys of own) replace(keys.uid, keys);
  const hotkeys = new Set(out.map(({ hotkey }) => hotkey));
  if (hotkeys.size < out.length)
    throw unfit('keys', 'a hotkey of its own for each neuron', 'one that two have');
  return out;
}

function putNeuron(context: BlockContext, netuid: number, uid: number, neuron: Neuron): void {
  const { state } = context;
  const { hotkey, coldkey, alphaRao, rootRao, take, registeredAt, axon } = neuron;
  createHotkey(context, coldkey, hotkey);
  state.put(S.Keys, [netuid, uid], hotkey);
  state.put(S.Uids, [netuid, hotkey], uid);
  state.put(S.IsNetworkMember, [hotkey, netuid], true);
  state.put(S.BlockAtRegistration, [netuid, uid], registeredAt);
  if (take !== undefined) state.put(S.Delegates, [hotkey], take);
  if (alphaRao > 0n) addStakeTo(context, hotkey, coldkey, netuid, alphaRao);
  if (rootRao > 0n) addStakeTo(context, hotkey, coldkey, 0, rootRao);
  if (axon) putValue(state, S.Axons, [netuid, hotkey], axon);
}

function putColumns(state: State, netuid: number, neurons: readonly Neuron[]): void {
  state.put(S.SubnetworkN, [netuid], neurons.length);
  const column = <T>(of: (neuron: Neuron) => T): T[] => neurons.map(of);
  state.put(
    S.LastUpdate,
    [netuid],
    column(({ lastUpdate }) => lastUpdate),
  );
  state.put(
    S.Active,
    [netuid],
    column(({ active }) => active),
  );
  state.put(
    S.ValidatorPermit,
    [netuid],
    column(({ validatorPermit }) => validatorPermit),
  );
  state.put(
    S.Consensus,
    [netuid],
    column(({ consensus }) => consensus),
  );
  state.put(
    S.Incentive,
    [netuid],
    column(({ incentive }) => incentive),
  );
  state.put(
    S.Dividends,
    [netuid],
    column(({ dividends }) => dividends),
  );
  state.put(
    S.ValidatorTrust,
    [netuid],
    column(({ validatorTrust }) => validatorTrust),
  );
  state.put(
    S.Emission,
    [netuid],
    column(({ emissionRao }) => emissionRao),
  );
}

/** Of what the chain has, the part that the localnet keeps. */
function putValues(
  state: State,
  items: Readonly<Record<string, AnyStorageItem>>,
  names: readonly string[],
  values: Readonly<Record<string, SnapshotValue>>,
  keys: readonly unknown[],
): void {
  for (const name of names) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    const item = Object.hasOwn(items, name) ? items[name] : undefined;
    if (value !== undefined && item !== undefined) putValue(state, item, keys, value);
  }
}

function putValue(state: State, item: AnyStorageItem, keys: readonly unknown[], value: SnapshotValue): void {
  try {
    state.putRaw(item.key(...keys), encodeJson(item.value, value));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw unfit(`snapshot: ${item.name}`, 'a value of its type', error.message, error);
  }
}

const unfit = (what: string, expected: string, got: string, cause?: unknown): AssayError =>
  new AssayError(
    'invalid-input',
    `${what}: expected ${expected}, got ${got}`,
    { what, expected, got },
    cause === undefined ? {} : { cause },
  );
