// Owns: commits that wait for their reveal, and the beacon that opens them. Does not own: sealing and opening.
import { blake2AsU8a } from '@polkadot/util-crypto';
import { fromHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import type { Hotkey, Netuid } from '../../model/ids.js';
import type { Beacon, PendingCommit } from '../chain.js';
import { legacyEpochIndex } from '../schedule.js';
import { unknownBlock } from './blocks.js';
import type { Connection } from './connection.js';
import { featuresOf } from './features.js';
import { MODULE, storageIndex } from './neurons.js';
import { asBoolean, asBytes, asCapped, asList, asNumber, asRecord } from './plain.js';
import { hasItem, optionOf, readAll, readOr, requiredOf } from './storage.js';
import { type StateAt, stateAt } from './subnet.js';

/** Five turns of requests: two for the block, the counters beside the plain commits, the time-locked ones by epoch. */
export async function readPendingCommits(
  connection: Connection,
  netuid: Netuid,
  hotkey: Hotkey,
  at?: Uint8Array,
  mechanism = 0,
): Promise<readonly PendingCommit[]> {
  const state = await stateAt(connection, at);
  const { runtime } = state;
  const index = storageIndex(netuid, mechanism);
  const [added, mechanismCount, tempo, epoch, period, queue] = await readAll(
    connection,
    [
      requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
      readOr(runtime, MODULE, 'MechanismCountCurrent', [netuid], asNumber, 1),
      requiredOf(runtime, MODULE, 'Tempo', [netuid], asNumber),
      readOr(runtime, MODULE, 'SubnetEpochIndex', [netuid], asNumber, undefined),
      readOr(runtime, MODULE, 'RevealPeriodEpochs', [netuid], asNumber, 1),
      readOr(runtime, MODULE, 'WeightCommits', [index, hotkey], asList(asQueued), []),
    ],
    state.at,
  );
  if (!added) throw unknownBlock(`subnet ${netuid}`);
  if (mechanism >= mechanismCount) throw unknownBlock(`mechanism ${mechanism} of subnet ${netuid}`);
  // (hash, epoch, block, unused) since epochs are counted; (hash, block, first and last block to reveal in) before
  const plain = queue.map(({ hash, second, third }): PendingCommit => {
    const [of, block] =
      epoch === undefined ? [legacyEpochIndex(netuid, second, tempo), second] : [second, third];
    return { kind: 'plain', hash, epoch: of, block };
  });
  const current = epoch ?? legacyEpochIndex(netuid, state.block, tempo);
  const sealed = await readTimelocked(connection, state, { index, hotkey, current, period });
  return [...plain, ...sealed].sort((a, b) => a.block - b.block);
}

interface Queued {
  readonly hash: Uint8Array;
  readonly second: number;
  readonly third: number;
}

function asQueued(plain: unknown): Queued {
  const [hash, second, third] = asList((part) => part)(plain);
  return { hash: asBytes(hash), second: asNumber(second), third: asNumber(third) };
}

interface Window {
  readonly index: number;
  readonly hotkey: Hotkey;
  readonly current: number;
  readonly period: number;
}

/** A commit is kept under its epoch until that lies `period` back; one ahead while an epoch is due and did not run yet. */
async function readTimelocked(
  connection: Connection,
  { runtime, at }: StateAt,
  { index, hotkey, current, period }: Window,
): Promise<readonly PendingCommit[]> {
  if (!featuresOf(runtime).timelockedCommits) return [];
  const first = Math.max(0, current - period - 1);
  const epochs = Array.from({ length: current + 1 - first + 1 }, (_, i) => first + i);
  const buckets = await readAll(
    connection,
    epochs.map((epoch) =>
      requiredOf(runtime, MODULE, 'TimelockedWeightCommits', [index, epoch], (plain) =>
        sealedBy(hotkey, plain),
      ),
    ),
    at,
  );
  return epochs.flatMap(
    (epoch, i) => buckets[i]!.map((sealed) => ({ kind: 'timelocked' as const, epoch, ...sealed })), // read for each epoch
  );
}

/** Others' commits in the bucket are not looked at: what they hold is theirs to choose. */
const sealedBy = (hotkey: Hotkey, plain: unknown) =>
  asList(asList((part) => part))(plain)
    .filter(([who]) => who === hotkey)
    .map(asSealed);

function asSealed([, block, bytes, revealRound]: readonly unknown[]) {
  return {
    block: asNumber(block),
    hash: blake2AsU8a(asBytes(bytes)),
    revealRound: asCapped(revealRound),
  };
}

/** drand quicknet (chain hash 52db9ba7...), by which Subtensor's main network seals: subtensor pallets/drand. */
const QUICKNET = {
  publicKey: fromHex(
    '83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
  ),
  periodSeconds: 3,
  genesisSeconds: 1_692_803_367,
} as const;

export async function readBeacon(connection: Connection, at?: Uint8Array): Promise<Beacon> {
  const { runtime, at: hash } = await stateAt(connection, at);
  if (!featuresOf(runtime).beacon) throw noBeacon('time-locked commits');
  const [config, lastStoredRound, blockTimestampMs] = await readAll(
    connection,
    [
      readOr(runtime, 'Drand', 'BeaconConfig', [], asConfig, QUICKNET),
      requiredOf(runtime, 'Drand', 'LastStoredRound', [], asNumber),
      requiredOf(runtime, 'Timestamp', 'Now', [], asNumber),
    ],
    hash,
  );
  return { ...config, lastStoredRound, blockTimestampMs };
}

const noBeacon = (what: string): AssayError<'unsupported'> =>
  new AssayError('unsupported', 'this chain has no beacon', { what, why: 'its runtime has no pallet Drand' });

export async function readPulse(
  connection: Connection,
  round: bigint,
  at?: Uint8Array,
): Promise<Uint8Array | undefined> {
  const { runtime, at: hash } = await stateAt(connection, at);
  if (!hasItem(runtime, 'Drand', 'Pulses')) throw noBeacon('rounds of a beacon');
  const [signature] = await readAll(
    connection,
    [optionOf(runtime, 'Drand', 'Pulses', [round], (plain) => asBytes(asRecord(plain).signature))],
    hash,
  );
  return signature;
}

function asConfig(plain: unknown): Omit<Beacon, 'lastStoredRound' | 'blockTimestampMs'> {
  const { publicKey, period, genesisTime } = asRecord(plain);
  return {
    publicKey: asBytes(publicKey),
    periodSeconds: asNumber(period),
    genesisSeconds: asNumber(genesisTime),
  };
}
