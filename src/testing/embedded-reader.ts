// Owns: what the embedded twin of the chain door reads. Does not own: writing (embedded-chain.ts), the localnet's blocks.
import { fromChainIp } from '../chain/address.js';
import type { ChainReader, Head, Neuron, PendingCommit, Subnet } from '../chain/chain.js';
import { runtime, runtimeVersion } from '../chain/codec/runtime.js';
import { blake2b256 } from '../chain/codec/storage.js';
import { storageIndex } from '../chain/codec/weight-commits.js';
import { toSchedule } from '../chain/schedule.js';
import type { Localnet } from '../localnet/localnet.js';
import { nodeOf } from '../localnet/node.js';
import { consensusStakeOf } from '../localnet/pallets/subtensor/children.js';
import type { StateView } from '../localnet/state.js';
import { equals } from '../model/bytes.js';
import { AssayError, isAssayError } from '../model/errors.js';
import { type Hotkey, type Netuid, toColdkey, toHotkey, toUid } from '../model/ids.js';

const S = runtime.SubtensorModule.storage;
const { BeaconConfig, LastStoredRound } = runtime.Drand.storage;

export function createEmbeddedReader(localnet: Localnet): ChainReader {
  const stateAt = (at: Uint8Array | undefined): { state: StateView; block: number } => {
    const head = localnet.head();
    if (at === undefined || equals(at, head.hash)) return { state: localnet.state(), block: head.number };
    for (let block = head.number - 1; block >= 0; block--)
      if (equals(localnet.blockHash(block), at)) return { state: localnet.state(block), block };
    throw unknown('block with that hash');
  };

  return {
    info: async () => ({
      name: 'Assay localnet',
      type: 'development',
      specVersion: runtimeVersion.spec_version,
      genesisHash: localnet.blockHash(0),
      blockTimeMs: nodeOf(localnet).options.blockTimeMs,
    }),
    head: async () => localnet.head(),
    finalizedHead: async () => localnet.finalized(),
    blockHash: async (number) => localnet.blockHash(number),
    subnet: async (netuid, at, mechanism = 0) => {
      const { state, block } = stateAt(at);
      return readSubnet(state, netuid, block, mechanism);
    },
    weights: async (netuid, uid, at, mechanism) =>
      stateAt(at).state.get(S.Weights, storageIndex(netuid, mechanism), uid),
    pendingCommits: async (netuid, hotkey, at, mechanism) =>
      readCommits(stateAt(at).state, storageIndex(netuid, mechanism), hotkey),
    beacon: async (at) => {
      const { state } = stateAt(at);
      const { public_key: publicKey, period, genesis_time } = state.get(BeaconConfig);
      const lastStoredRound = Number(state.get(LastStoredRound));
      const blockTimestampMs = Number(state.get(runtime.Timestamp.storage.Now));
      return {
        publicKey,
        periodSeconds: period,
        genesisSeconds: genesis_time,
        lastStoredRound,
        blockTimestampMs,
      };
    },
    balanceRao: async (address) => localnet.query('System', 'Account', address).data.free,
    alphaRao: async (hotkey, netuid) => localnet.query('SubtensorModule', 'TotalHotkeyAlpha', hotkey, netuid),
    watchHeads: (onHead, signal) => watchHeads(localnet, onHead, signal),
    watchBlocks: (from, onBlock, signal) => watchBlocks(localnet, from, onBlock, signal),
    close: async () => {},
  };
}

/** A reorganisation deeper than this shows less of what it took back. */
const HEADS_KEPT = 256;

function watchHeads(
  localnet: Localnet,
  onHead: (head: Head, retracted?: readonly Head[]) => void,
  signal: AbortSignal,
): Promise<void> {
  /** oldest first */
  const seen: Head[] = [];
  return new Promise((resolve, reject) => {
    const stop = localnet.onBlock((head) => {
      const retracted: Head[] = [];
      while (seen.length > 0 && !isOnChain(localnet, seen.at(-1)!)) retracted.push(seen.pop()!);
      seen.push(head);
      if (seen.length > HEADS_KEPT) seen.shift();
      try {
        onHead(head, retracted.length > 0 ? retracted : undefined);
      } catch (error) {
        stop();
        reject(error); // a broken consumer must not become a silent one, nor stop the chain
      }
    });
    const end = () => {
      stop();
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

function isOnChain(localnet: Localnet, { number, hash }: Head): boolean {
  try {
    return number <= localnet.head().number && equals(localnet.blockHash(number), hash);
  } catch (error) {
    if (isAssayError(error, 'chain-unknown')) return true; // forgotten: too old to be taken back
    throw error;
  }
}

async function watchBlocks(
  localnet: Localnet,
  from: number,
  onBlock: (block: Head) => void | Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let wake = (): void => {};
  const stop = localnet.onBlock(() => wake());
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  try {
    for (let next = from; !signal.aborted; ) {
      if (next > localnet.finalized().number)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      else await onBlock({ number: next, hash: localnet.blockHash(next++) });
    }
  } finally {
    stop();
    signal.removeEventListener('abort', onAbort);
  }
}

function readCommits(state: StateView, index: number, hotkey: Hotkey): PendingCommit[] {
  const commits: PendingCommit[] = [];
  for (const [hash, epoch, block] of state.get(S.WeightCommits, index, hotkey) ?? [])
    commits.push({ kind: 'plain', hash, epoch, block });
  for (const [, epoch] of state.keys(S.TimelockedWeightCommits, index))
    for (const [who, block, sealed, round] of state.get(S.TimelockedWeightCommits, index, epoch))
      if (who === hotkey)
        commits.push({
          kind: 'timelocked',
          hash: blake2b256(sealed),
          epoch,
          block,
          revealRound: Number(round),
        });
  return commits.sort((a, b) => a.block - b.block);
}

function readSubnet(state: StateView, netuid: Netuid, block: number, mechanism: number): Subnet {
  if (!state.get(S.NetworksAdded, netuid)) throw unknown(`subnet ${netuid}`);
  const mechanismCount = state.get(S.MechanismCountCurrent, netuid);
  if (mechanism >= mechanismCount) throw unknown(`mechanism ${mechanism} of subnet ${netuid}`);
  const neurons = readNeurons(state, netuid, storageIndex(netuid, mechanism));
  const ownerHotkey = toHotkey(state.get(S.SubnetOwnerHotkey, netuid));
  const tempo = state.get(S.Tempo, netuid);
  return {
    netuid,
    block,
    tempo,
    ...toSchedule({
      netuid,
      block,
      tempo,
      lastEpochBlock: state.get(S.LastEpochBlock, netuid),
      epochIndex: state.get(S.SubnetEpochIndex, netuid),
      pendingEpochAt: state.get(S.PendingEpochAt, netuid),
    }),
    ownerHotkey,
    ownerColdkey: toColdkey(state.get(S.SubnetOwner, netuid)),
    ownerUid: neurons.find(({ hotkey }) => hotkey === ownerHotkey)?.uid,
    weightsRateLimit: Number(state.get(S.WeightsSetRateLimit, netuid)),
    weightsVersionKey: state.get(S.WeightsVersionKey, netuid),
    minAllowedWeights: state.get(S.MinAllowedWeights, netuid),
    stakeThresholdRao: state.get(S.StakeThreshold),
    commitRevealEnabled: state.get(S.CommitRevealWeightsEnabled, netuid),
    revealPeriodEpochs: Number(state.get(S.RevealPeriodEpochs, netuid)),
    timelockVersion: state.get(S.CommitRevealWeightsVersion),
    mechanismCount,
    neurons,
  };
}

function readNeurons(state: StateView, netuid: Netuid, index: number): Neuron[] {
  const permits = state.get(S.ValidatorPermit, netuid);
  const active = state.get(S.Active, netuid);
  const lastUpdate = state.get(S.LastUpdate, index);
  const incentive = state.get(S.Incentive, index);
  const dividends = state.get(S.Dividends, netuid);
  const emission = state.get(S.Emission, netuid);
  return Array.from({ length: state.get(S.SubnetworkN, netuid) }, (_, uid): Neuron => {
    const hotkey = toHotkey(state.get(S.Keys, netuid, uid));
    return {
      uid: toUid(uid),
      hotkey,
      coldkey: toColdkey(state.get(S.Owner, hotkey)),
      stakeRao: state.get(S.TotalHotkeyAlpha, hotkey, netuid),
      consensusStakeRao: consensusStakeOf(state, hotkey, netuid).rao,
      validatorPermit: permits[uid] ?? false,
      active: active[uid] ?? false,
      lastUpdate: lastUpdate[uid] ?? 0,
      registeredAt: state.get(S.BlockAtRegistration, netuid, uid),
      incentive: incentive[uid] ?? 0,
      dividends: dividends[uid] ?? 0,
      emissionRao: emission[uid] ?? 0n,
      axon: readAxon(state, netuid, hotkey),
    };
  });
}

function readAxon(state: StateView, netuid: Netuid, hotkey: Hotkey): Neuron['axon'] {
  const axon = state.get(S.Axons, netuid, hotkey);
  if (!axon || axon.ip === 0n || axon.port === 0) return undefined; // taken back
  const ip = fromChainIp(axon.ip, axon.ip_type);
  if (ip === undefined) return undefined;
  const certificate = state.get(S.NeuronCertificates, netuid, hotkey);
  if (!certificate) return { ip, port: axon.port };
  const { algorithm, public_key: publicKey } = certificate;
  return { ip, port: axon.port, serverKey: { algorithm, publicKey } };
}

const unknown = (what: string): AssayError<'chain-unknown'> =>
  new AssayError('chain-unknown', `no ${what}`, { what });
