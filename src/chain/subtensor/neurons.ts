// Owns: the storage items of one neuron, and how they are read. Does not own: which neurons (metagraph.ts).
import { type Hotkey, type Netuid, toUid, type Uid } from '../../model/ids.js';
import { fromChainIp } from '../address.js';
import type { Axon, ServerKey, WeightRow } from '../chain.js';
import { asBigint, asBytes, asList, asNumber, asPair, asRecord } from './plain.js';
import type { Runtime } from './runtime.js';
import { optionOf, type Read, readOr, requiredOf } from './storage.js';

export const MODULE = 'SubtensorModule';

/** NetUidStorageIndex of subtensor's subnets/mechanism.rs: where a mechanism's matrices are kept. */
export const storageIndex = (netuid: Netuid, mechanism: number): number => netuid + 4096 * mechanism;

export const asRow = (plain: unknown): WeightRow => asList(asPair(asNumber, asNumber))(plain);

export const weightsOf = (runtime: Runtime, netuid: Netuid, uid: Uid, mechanism = 0): Read<WeightRow> =>
  requiredOf(runtime, MODULE, 'Weights', [storageIndex(netuid, mechanism), uid], asRow);

export const alphaOf = (runtime: Runtime, hotkey: string, netuid: number): Read<bigint> =>
  requiredOf(runtime, MODULE, 'TotalHotkeyAlpha', [hotkey, netuid], asBigint);

export const uidOf = (runtime: Runtime, netuid: Netuid, hotkey: Hotkey): Read<Uid | undefined> =>
  optionOf(runtime, MODULE, 'Uids', [netuid, hotkey], (plain) => toUid(asNumber(plain)));

export const balanceOf = (runtime: Runtime, address: string): Read<bigint> =>
  requiredOf(runtime, 'System', 'Account', [address], (plain) =>
    asBigint(asRecord(asRecord(plain).data).free),
  );

/** AxonInfo as stored. */
export interface AxonRecord {
  readonly block: number;
  readonly version: number;
  readonly ip: bigint;
  readonly ipType: number;
  readonly port: number;
}

export function asAxonRecord(plain: unknown): AxonRecord {
  const record = asRecord(plain);
  return {
    block: asNumber(record.block),
    version: asNumber(record.version),
    ip: asBigint(record.ip),
    ipType: asNumber(record.ipType),
    port: asNumber(record.port),
  };
}

export const axonOf = (runtime: Runtime, netuid: Netuid, hotkey: string): Read<AxonRecord | undefined> =>
  optionOf(runtime, MODULE, 'Axons', [netuid, hotkey], asAxonRecord);

export const asServerKey = (plain: unknown): ServerKey => {
  const { algorithm, publicKey } = asRecord(plain);
  return { algorithm: asNumber(algorithm), publicKey: asBytes(publicKey) };
};

export const serverKeyOf = (runtime: Runtime, netuid: Netuid, hotkey: string): Read<ServerKey | undefined> =>
  readOr(runtime, MODULE, 'NeuronCertificates', [netuid, hotkey], asServerKey, undefined);

/** The unspecified address (0.0.0.0, ::) is how an axon is taken back: nobody can be reached there. */
export function toAxon(record: AxonRecord, serverKey: ServerKey | undefined): Axon | undefined {
  const { ip, ipType, port } = record;
  const text = ip === 0n || port === 0 ? undefined : fromChainIp(ip, ipType);
  if (text === undefined) return undefined;
  return { ip: text, port, ...(serverKey && { serverKey }) };
}
