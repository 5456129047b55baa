// Owns: one subnet of any chain as a snapshot of one block. Does not own: the file (chain/snapshot-file.ts).
import { Bool, Enum, GenericAccountId, Int, Option, Struct, Text, UInt } from '@polkadot/types';
import type { Codec } from '@polkadot/types/types';
import { toAddress } from '../../keys/ss58.js';
import { toHex } from '../../model/bytes.js';
import type { Netuid } from '../../model/ids.js';
import type { Neuron, WeightRow } from '../chain.js';
import { SNAPSHOT_FORM, SNAPSHOT_ITEMS, type SnapshotValue, type SubnetSnapshot } from '../snapshot-file.js';
import { unknownBlock } from './blocks.js';
import type { Connection } from './connection.js';
import { readNeurons, ZERO_ACCOUNT } from './metagraph.js';
import { alphaOf, asRow, MODULE, storageIndex } from './neurons.js';
import { asBigint, asBoolean, asList, asNumber, plainOf } from './plain.js';
import type { Runtime } from './runtime.js';
import {
  accountOf,
  codecOf,
  hasItem,
  isMap,
  type Read,
  readAll,
  readLists,
  readOr,
  requiredOf,
  storedOf,
} from './storage.js';
import { type StateAt, stateAt } from './subnet.js';

/**
 * All from the state of one block; requests side by side, a page of keys each.
 * @throws AssayError `chain-unknown` for no such subnet
 */
export async function readSnapshot(
  connection: Connection,
  netuid: Netuid,
  at?: Uint8Array,
): Promise<SubnetSnapshot> {
  const state = await stateAt(connection, at);
  const { runtime, block, at: hash } = state;
  const [{ runtimeVersion, genesisHash }, neurons, head] = await Promise.all([
    connection.apiAt(hash),
    readNeurons(connection, { ...state, netuid, mechanism: 0 }),
    readHead(connection, state, netuid),
  ]);
  if (!head.added || !neurons) throw unknownBlock(`subnet ${netuid}`);
  const [items, rows, matrices] = await Promise.all([
    readItems(connection, runtime, netuid, hash),
    readNeuronRows(connection, state, netuid, neurons),
    readMatrices(connection, state, netuid, { mechanisms: head.mechanisms, n: neurons.length }),
  ]);
  return {
    ...SNAPSHOT_FORM,
    genesisHash: genesisHash.toHex(),
    specVersion: runtimeVersion.specVersion.toNumber(),
    block: { number: block, hash },
    netuid,
    ...items,
    rootTaoRao: head.rootTaoRao,
    owner: { coldkey: head.ownerColdkey ?? ZERO_ACCOUNT, hotkey: head.ownerHotkey ?? ZERO_ACCOUNT },
    neurons: rows,
    ...matrices,
  };
}

async function readHead(connection: Connection, { runtime, at }: StateAt, netuid: Netuid) {
  const [added, mechanisms, rootTaoRao, ownerColdkey, ownerHotkey] = await readAll(
    connection,
    [
      requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
      readOr(runtime, MODULE, 'MechanismCountCurrent', [netuid], asNumber, 1),
      requiredOf(runtime, MODULE, 'SubnetTAO', [ROOT], asBigint),
      accountOf(runtime, MODULE, 'SubnetOwner', [netuid]),
      accountOf(runtime, MODULE, 'SubnetOwnerHotkey', [netuid]),
    ],
    at,
  );
  return { added, mechanisms, rootTaoRao, ownerColdkey, ownerHotkey };
}

const ROOT = 0;

type Values = { [name: string]: SnapshotValue };
const GROUPS = ['chain', 'hyperparameters', 'schedule', 'pool', 'emission', 'swap'] as const;

/** Every item of the list that this runtime has, defaults included: the snapshot says what was in force. */
async function readItems(
  connection: Connection,
  runtime: Runtime,
  netuid: Netuid,
  at: string,
): Promise<Record<(typeof GROUPS)[number], Values>> {
  const places = GROUPS.flatMap((group) =>
    SNAPSHOT_ITEMS[group].map((name) => ({
      group,
      name,
      pallet: group === 'swap' ? 'Swap' : MODULE,
      args: group === 'chain' ? [] : [netuid],
    })),
  )
    // of an older runtime, where a value of today was kept by subnet (TaoWeight), there is none for the chain
    .filter(
      ({ pallet, name, args }) =>
        hasItem(runtime, pallet, name) && isMap(runtime, pallet, name) === args.length > 0,
    );
  const codecs = await readAll(
    connection,
    places.map(({ pallet, name, args }) => codecOf(runtime, pallet, name, args)),
    at,
  );
  const found: Record<(typeof GROUPS)[number], Values> = {
    chain: {},
    hyperparameters: {},
    schedule: {},
    pool: {},
    emission: {},
    swap: {},
  };
  places.forEach(({ group, name }, i) => {
    const value = snapshotValueOf(codecs[i]!); // one codec for each place
    if (value !== undefined) found[group][name] = value;
  });
  return found;
}

async function readNeuronRows(
  connection: Connection,
  { runtime, at }: StateAt,
  netuid: Netuid,
  neurons: readonly Neuron[],
): Promise<SubnetSnapshot['neurons']> {
  const vector = (name: string): Read<readonly number[]> =>
    readOr(runtime, MODULE, name, [netuid], asList(asNumber), []);
  const [[consensus = [], validatorTrust = []], rootRao, takes, axons] = await readLists(
    connection,
    [
      [vector('Consensus'), vector('ValidatorTrust')],
      neurons.map(({ hotkey }) => alphaOf(runtime, hotkey, ROOT)),
      neurons.map(({ hotkey }) =>
        storedOf(runtime, MODULE, 'Delegates', [hotkey], (codec) => asNumber(plainOf(codec))),
      ),
      neurons.map(({ hotkey }) => storedOf(runtime, MODULE, 'Axons', [netuid, hotkey], fieldsOf)),
    ],
    at,
  );
  return neurons.map((neuron, uid) => {
    const [take, axon] = [takes[uid], axons[uid]];
    return {
      hotkey: neuron.hotkey,
      coldkey: neuron.coldkey,
      alphaRao: neuron.stakeRao,
      rootRao: rootRao[uid]!, // read for each
      ...(take === undefined ? {} : { take }),
      registeredAt: neuron.registeredAt,
      lastUpdate: neuron.lastUpdate,
      active: neuron.active,
      validatorPermit: neuron.validatorPermit,
      consensus: consensus[uid] ?? 0,
      incentive: neuron.incentive,
      dividends: neuron.dividends,
      validatorTrust: validatorTrust[uid] ?? 0,
      emissionRao: neuron.emissionRao,
      ...(axon === undefined ? {} : { axon }),
    };
  });
}

async function readMatrices(
  connection: Connection,
  { runtime, at }: StateAt,
  netuid: Netuid,
  { mechanisms, n }: { readonly mechanisms: number; readonly n: number },
): Promise<Pick<SubnetSnapshot, 'weights' | 'bonds'>> {
  const places = Array.from({ length: mechanisms }, (_, mechanism) =>
    Array.from({ length: n }, (_row, uid) => ({ mechanism, uid })),
  ).flat();
  const of = (item: string) =>
    places.map(({ mechanism, uid }) =>
      requiredOf(runtime, MODULE, item, [storageIndex(netuid, mechanism), uid], asRow),
    );
  const [weights, bonds] = await readLists(connection, [of('Weights'), of('Bonds')], at);
  const kept = (rows: readonly WeightRow[]) =>
    places.flatMap((place, i) => {
      const row = rows[i]!.map(([to, value]): [number, number] => [to, value]); // read for each place
      return row.length === 0 ? [] : [{ ...place, row }];
    });
  return { weights: kept(weights), bonds: kept(bonds) };
}

/** As chain/snapshot-file.ts says of SnapshotValue; undefined for an optional that is absent. */
export function snapshotValueOf(codec: Codec): SnapshotValue | undefined {
  if (codec instanceof UInt || codec instanceof Int)
    return codec.bitLength() <= 32 ? codec.toNumber() : codec.toString();
  if (codec instanceof Bool) return codec.isTrue;
  if (codec instanceof Uint8Array)
    return codec instanceof GenericAccountId ? toAddress(codec) : `0x${toHex(codec)}`;
  if (codec instanceof Text) return codec.toString();
  if (codec instanceof Option) return codec.isSome ? snapshotValueOf(codec.unwrap()) : undefined;
  if (codec instanceof Enum) return codec.type;
  if (codec instanceof Struct) return structValue(codec);
  if (Array.isArray(codec)) return codec.map(snapshotValueOf).filter((part) => part !== undefined);
  return undefined; // Null: nothing is stored
}

/** Fixed point is a struct of one field `bits`; its number stands for it. */
function structValue(codec: Struct): SnapshotValue | undefined {
  const bits = codec.get('bits');
  return bits instanceof UInt || bits instanceof Int ? bits.toString() : fieldsOf(codec);
}

/** By the chain's own field names, which @polkadot/types writes in camelCase. */
function fieldsOf(codec: Codec): Values {
  const fields: Values = {};
  for (const [name, field] of codec as Codec & Iterable<[string, Codec]>) {
    const value = snapshotValueOf(field);
    if (value !== undefined) fields[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  return fields;
}
