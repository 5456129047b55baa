// Owns: one subnet at one block: its parameters, schedule and neurons. Does not own: single neurons' items (neurons.ts).
//
// Four turns of requests, however many neurons: the block's header; its runtime's version; the parameters beside the
// metagraph; what is stored by hotkey. Without a runtime API for the metagraph five.
import { toHex } from '../../model/bytes.js';
import { type Netuid, toColdkey, toHotkey, toNetuid } from '../../model/ids.js';
import type { Subnet } from '../chain.js';
import { readBlock, unknownBlock } from './blocks.js';
import type { Connection } from './connection.js';
import { scheduleOf, scheduleReads } from './epochs.js';
import { featuresOf } from './features.js';
import { readNeurons, ZERO_ACCOUNT } from './metagraph.js';
import { MODULE } from './neurons.js';
import { asBigint, asBoolean, asCapped, asNumber } from './plain.js';
import { type Runtime, runtimeAt } from './runtime.js';
import { accountOf, hasItem, type Read, readAll, readOr, requiredOf } from './storage.js';

/** A block whose state is read, and the types it has. */
export interface StateAt {
  readonly runtime: Runtime;
  readonly block: number;
  /** hex hash of the block */
  readonly at: string;
}

/** @throws AssayError `chain-unknown` when the node does not have the block. @param at hash; the best head without it */
export async function stateAt(connection: Connection, at?: Uint8Array): Promise<StateAt> {
  const block = await readBlock(connection, at && `0x${toHex(at)}`);
  return {
    runtime: await runtimeAt(connection, block.hash, block.parent),
    block: block.number,
    at: block.hash,
  };
}

export async function readSubnet(
  connection: Connection,
  netuid: Netuid,
  at?: Uint8Array,
  mechanism = 0,
): Promise<Subnet> {
  const state = await stateAt(connection, at);
  const [settings, neurons] = await Promise.all([
    readSettings(connection, state, netuid),
    readNeurons(connection, { ...state, netuid, mechanism }),
  ]);
  const { added, ...subnet } = settings;
  if (!added) throw unknownBlock(`subnet ${netuid}`);
  if (!neurons || mechanism >= subnet.mechanismCount)
    throw unknownBlock(`mechanism ${mechanism} of subnet ${netuid}`);
  const { ownerHotkey } = subnet;
  const owner =
    ownerHotkey === ZERO_ACCOUNT ? undefined : neurons.find(({ hotkey }) => hotkey === ownerHotkey);
  return { netuid: toNetuid(netuid), block: state.block, ...subnet, ownerUid: owner?.uid, neurons };
}

async function readSettings(connection: Connection, { runtime, block, at }: StateAt, netuid: Netuid) {
  const { timelockedCommits } = featuresOf(runtime);
  const number = (name: string) => requiredOf(runtime, MODULE, name, [netuid], asNumber);
  const optional = <D>(name: string, otherwise: D) =>
    readOr(runtime, MODULE, name, [netuid], asNumber, otherwise);
  const [
    added,
    ownerColdkey,
    ownerHotkey,
    weightsRateLimit,
    weightsVersionKey,
    minAllowedWeights,
    commitRevealEnabled,
    revealPeriodEpochs,
    mechanismCount,
    commitVersion,
    stakeThresholdRao,
    ...schedule
  ] = await readAll(
    connection,
    [
      requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
      accountOf(runtime, MODULE, 'SubnetOwner', [netuid]),
      accountOf(runtime, MODULE, 'SubnetOwnerHotkey', [netuid]),
      requiredOf(runtime, MODULE, 'WeightsSetRateLimit', [netuid], asCapped),
      requiredOf(runtime, MODULE, 'WeightsVersionKey', [netuid], asBigint),
      number('MinAllowedWeights'),
      readOr(runtime, MODULE, 'CommitRevealWeightsEnabled', [netuid], asBoolean, false),
      optional('RevealPeriodEpochs', 1),
      optional('MechanismCountCurrent', 1),
      readOr(runtime, MODULE, 'CommitRevealWeightsVersion', [], asNumber, undefined),
      stakeThresholdOf(runtime),
      ...scheduleReads(runtime, netuid),
    ],
    at,
  );
  return {
    added,
    ...scheduleOf(netuid, block, schedule),
    ownerHotkey: toHotkey(ownerHotkey ?? ZERO_ACCOUNT),
    ownerColdkey: toColdkey(ownerColdkey ?? ZERO_ACCOUNT),
    weightsRateLimit,
    weightsVersionKey,
    minAllowedWeights,
    stakeThresholdRao,
    commitRevealEnabled,
    revealPeriodEpochs,
    timelockVersion: timelockedCommits ? commitVersion : undefined,
    mechanismCount,
  };
}

/** WeightsMinStake was its name before March 2025. */
export const stakeThresholdOf = (runtime: Runtime): Read<bigint> =>
  readOr(
    runtime,
    MODULE,
    hasItem(runtime, MODULE, 'StakeThreshold') ? 'StakeThreshold' : 'WeightsMinStake',
    [],
    asBigint,
    0n,
  );
