// Owns: when a hotkey and an owner may act again. Does not own: refusing to act (writer.ts, the chain).
import type { Hotkey, Netuid } from '../../model/ids.js';
import type { FreezeWindow, RateLimit } from '../operator-reads.js';
import { unknownBlock } from './blocks.js';
import type { Connection } from './connection.js';
import { scheduleOf, scheduleReads } from './epochs.js';
import { featuresOf } from './features.js';
import { MODULE, storageIndex, uidOf } from './neurons.js';
import { asBoolean, asCapped, asList, asNumber, asRecord } from './plain.js';
import type { Runtime } from './runtime.js';
import { accountOf, hasItem, itemOf, NOTHING, type Read, readAll, readOr, requiredOf } from './storage.js';
import { stateAt } from './subnet.js';

/** TransactionType of subtensor utils/rate_limiting.rs, as TransactionKeyLastBlock is keyed. */
const TRANSACTION = {
  setChildren: 0,
  setChildkeyTake: 1,
  setWeightsVersionKey: 4,
  mechanismCount: 7,
  mechanismEmission: 8,
  trimUids: 9,
  setTempo: 11,
} as const;

/** Limits that subtensor has as constants (rate_limiting.rs, lib.rs), which no node tells. */
const FIXED_BLOCKS = {
  setChildren: 150,
  setTempo: 360,
  mechanismCount: 7_200,
  mechanismEmission: 7_200,
  trimUids: 216_000,
  ownerHotkey: 50_400,
} as const;

/** Five turns of requests: two for the block, who acts, when they last did, by uid. */
export async function readRateLimits(
  connection: Connection,
  netuid: Netuid,
  hotkey: Hotkey,
  at?: Uint8Array,
): Promise<readonly RateLimit[]> {
  const { runtime, at: hash } = await stateAt(connection, at);
  const one = (name: string) => readOr(runtime, MODULE, name, [netuid], asCapped, 0);
  const value = (name: string) => readOr(runtime, MODULE, name, [], asCapped, 0);
  const [
    added,
    owner,
    uid,
    mechanisms,
    tempo,
    weights,
    serving,
    childTake,
    delegateTake,
    network,
    version,
    updates,
  ] = await readAll(
    connection,
    [
      requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
      accountOf(runtime, MODULE, 'SubnetOwner', [netuid]),
      uidOf(runtime, netuid, hotkey),
      readOr(runtime, MODULE, 'MechanismCountCurrent', [netuid], asNumber, 1),
      one('Tempo'),
      one('WeightsSetRateLimit'),
      one('ServingRateLimit'),
      value('TxChildkeyTakeRateLimit'),
      value('TxDelegateTakeRateLimit'),
      value('NetworkRateLimit'),
      value('WeightsVersionKeyRateLimit'),
      value('OwnerHyperparamRateLimit'),
    ],
    hash,
  );
  if (!added) throw unknownBlock(`subnet ${netuid}`);
  const limits: Pending[] = [
    ...(uid === undefined ? [] : weightLimits(runtime, netuid, uid, mechanisms, weights)),
    served(runtime, 'serve_axon', 'Axons', netuid, hotkey, serving),
    served(runtime, 'serve_prometheus', 'Prometheus', netuid, hotkey, serving),
    transaction(
      runtime,
      'set_children',
      'hotkey',
      hotkey,
      netuid,
      TRANSACTION.setChildren,
      FIXED_BLOCKS.setChildren,
    ),
    transaction(
      runtime,
      'set_childkey_take',
      'hotkey',
      hotkey,
      netuid,
      TRANSACTION.setChildkeyTake,
      childTake,
    ),
    delegateTakeLimit(runtime, hotkey, delegateTake),
    networkLimit(runtime, network),
    ...(owner === undefined || !hasItem(runtime, MODULE, 'LastRateLimitedBlock')
      ? []
      : ownerLimits(runtime, netuid, owner, { tempo, version, updates })),
  ];
  const last = await readAll(
    connection,
    limits.map((limit) => limit.last),
    hash,
  );
  return limits.map(({ action, by, limitBlocks, isExclusive }, i) => {
    const lastBlock = last[i] ?? 0;
    const isFree = lastBlock === 0 || limitBlocks === 0;
    return {
      action,
      by,
      limitBlocks,
      lastBlock,
      allowedAt: isFree ? 0 : lastBlock + limitBlocks + (isExclusive ? 1 : 0),
    };
  });
}

interface Pending extends Pick<RateLimit, 'action' | 'by' | 'limitBlocks'> {
  readonly last: Read<number | undefined>;
  /** the block at the limit itself is still refused */
  readonly isExclusive?: boolean;
}

function weightLimits(
  runtime: Runtime,
  netuid: Netuid,
  uid: number,
  mechanisms: number,
  limitBlocks: number,
): Pending[] {
  return Array.from({ length: mechanisms }, (_, mechanism) => ({
    action: mechanism === 0 ? 'set_weights' : `set_mechanism_weights ${mechanism}`,
    by: 'hotkey',
    limitBlocks,
    last: requiredOf(
      runtime,
      MODULE,
      'LastUpdate',
      [storageIndex(netuid, mechanism)],
      (plain) => asList(asNumber)(plain)[uid] ?? 0,
    ),
  }));
}

function served(
  runtime: Runtime,
  action: string,
  item: string,
  netuid: Netuid,
  hotkey: Hotkey,
  limitBlocks: number,
): Pending {
  const last = readOr(runtime, MODULE, item, [netuid, hotkey], (plain) => asNumber(asRecord(plain).block), 0);
  return { action, by: 'hotkey', limitBlocks, last };
}

function transaction(
  runtime: Runtime,
  action: string,
  by: RateLimit['by'],
  account: string,
  netuid: Netuid,
  kind: number,
  limitBlocks: number,
): Pending {
  const last = readOr(runtime, MODULE, 'TransactionKeyLastBlock', [account, netuid, kind], asNumber, 0);
  return { action, by, limitBlocks, last };
}

/** A key of LastRateLimitedBlock; where the runtime has not that item yet, what kept it before. */
const rateLimited = (
  runtime: Runtime,
  key: object,
  before: Read<number> | undefined,
): Read<number | undefined> =>
  hasItem(runtime, MODULE, 'LastRateLimitedBlock')
    ? requiredOf(runtime, MODULE, 'LastRateLimitedBlock', [key], asNumber)
    : (before ?? NOTHING);

const delegateTakeLimit = (runtime: Runtime, hotkey: Hotkey, limitBlocks: number): Pending => ({
  action: 'increase_take',
  by: 'hotkey',
  limitBlocks,
  isExclusive: true,
  last: rateLimited(
    runtime,
    { LastTxBlockDelegateTake: hotkey },
    readOr(runtime, MODULE, 'LastTxBlockDelegateTake', [hotkey], asNumber, 0),
  ),
});

const networkLimit = (runtime: Runtime, limitBlocks: number): Pending => ({
  action: 'register_network',
  by: 'anyone',
  limitBlocks,
  last: rateLimited(
    runtime,
    { NetworkLastRegistered: null },
    readOr(runtime, MODULE, 'NetworkLastRegistered', [], asNumber, 0),
  ),
});

function ownerLimits(
  runtime: Runtime,
  netuid: Netuid,
  owner: string,
  { tempo, version, updates }: { readonly tempo: number; readonly version: number; readonly updates: number },
): Pending[] {
  const by = 'owner' as const;
  const keyed = (action: string, kind: number, limitBlocks: number) =>
    transaction(runtime, action, by, owner, netuid, kind, limitBlocks);
  return [
    keyed('sudo_set_weights_version_key', TRANSACTION.setWeightsVersionKey, tempo * version),
    ...(hasItem(runtime, MODULE, 'MechanismCountCurrent')
      ? [
          keyed('sudo_set_mechanism_count', TRANSACTION.mechanismCount, FIXED_BLOCKS.mechanismCount),
          keyed(
            'sudo_set_mechanism_emission_split',
            TRANSACTION.mechanismEmission,
            FIXED_BLOCKS.mechanismEmission,
          ),
          keyed('sudo_trim_to_max_allowed_uids', TRANSACTION.trimUids, FIXED_BLOCKS.trimUids),
        ]
      : []),
    ...(runtime.calls.has(`${MODULE}.set_tempo`)
      ? [keyed('set_tempo', TRANSACTION.setTempo, FIXED_BLOCKS.setTempo)]
      : []),
    {
      action: 'sudo_set_sn_owner_hotkey',
      by,
      limitBlocks: FIXED_BLOCKS.ownerHotkey,
      last: rateLimited(runtime, { SetSNOwnerHotkey: netuid }, undefined),
    },
    ...ownerParameters(runtime).map((name) => ({
      action: `owner hyperparameter ${name}`,
      by,
      limitBlocks: tempo * updates,
      last: rateLimited(runtime, { OwnerHyperparamUpdate: [netuid, name] }, undefined),
    })),
  ];
}

/** Which hyperparameters the runtime limits one by one: the enum beside the netuid in OwnerHyperparamUpdate. */
function ownerParameters(runtime: Runtime): readonly string[] {
  const { lookup } = runtime.registry;
  const { type } = itemOf(runtime, MODULE, 'LastRateLimitedBlock').meta;
  const key = lookup.getSiType(type.asMap.key).def;
  const variants = key.isVariant ? key.asVariant.variants : [];
  const parameter = variants.find(({ name }) => name.eq('OwnerHyperparamUpdate'))?.fields[1];
  const names = parameter && lookup.getSiType(parameter.type).def;
  if (!names?.isVariant) return [];
  return names.asVariant.variants.map(({ name }) => name.toString()).filter((name) => name !== 'Unknown');
}

/** subtensor utils/misc.rs is_in_admin_freeze_window: the last blocks before an epoch, or all until one that is pending. */
export async function readFreezeWindow(
  connection: Connection,
  netuid: Netuid,
  at?: Uint8Array,
): Promise<FreezeWindow | undefined> {
  const { runtime, block, at: hash } = await stateAt(connection, at);
  const { epochs, freezeWindow } = featuresOf(runtime);
  if (!freezeWindow) return undefined;
  const [added, windowBlocks, ...found] = await readAll(
    connection,
    [
      requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
      requiredOf(runtime, MODULE, 'AdminFreezeWindow', [], asNumber),
      ...scheduleReads(runtime, netuid),
    ],
    hash,
  );
  if (!added) throw unknownBlock(`subnet ${netuid}`);
  const [, , , pendingEpochAt = 0] = found;
  const { tempo, lastEpochBlock, nextEpochBlock } = scheduleOf(netuid, block, found);
  if (nextEpochBlock === undefined) return { windowBlocks, next: undefined };
  if (pendingEpochAt > block) return { windowBlocks, next: { from: block, until: pendingEpochAt } };
  // remaining = next - block, in the modulo schedule one less; frozen while remaining < window
  const until = epochs === 'modulo' ? nextEpochBlock : lastEpochBlock + tempo;
  const from = until - windowBlocks + (epochs === 'modulo' ? 0 : 1);
  return { windowBlocks, next: { from: Math.max(from, lastEpochBlock), until } };
}
