// Owns: the chain door's twin without a network: reader and writer over a localnet in the same process.
// Does not own: the localnet's clock and blocks, which somebody else runs.
import { assertPort, fromChainIp, toChainIp } from '../chain/address.js';
import type { ChainReader, ChainWriter, Landed, Neuron, Subnet, SudoCall } from '../chain/chain.js';
import { adminUtils } from '../chain/codec/pallets/admin-utils.js';
import { type RuntimeCall, runtime, runtimeVersion } from '../chain/codec/runtime.js';
import { u64 } from '../chain/codec/scale.js';
import { toSchedule } from '../chain/schedule.js';
import { assertRow } from '../chain/weights.js';
import type { Localnet, Receipt } from '../localnet/localnet.js';
import type { StateView } from '../localnet/state.js';
import { equals } from '../model/bytes.js';
import { AssayError, isAssayError } from '../model/errors.js';
import { type Netuid, toColdkey, toHotkey, toNetuid, toUid } from '../model/ids.js';

const S = runtime.SubtensorModule.storage;

/** Calls go into the next block unsigned (whoever holds the localnet is trusted); everything else is the chain's own. */
export function createEmbeddedChain(localnet: Localnet): ChainReader & ChainWriter {
  const stateAt = (at: Uint8Array | undefined): { state: StateView; block: number } => {
    const head = localnet.head();
    if (at === undefined || equals(at, head.hash)) return { state: localnet.state(), block: head.number };
    for (let block = head.number - 1; block >= 0; block--)
      if (equals(localnet.blockHash(block), at)) return { state: localnet.state(block), block };
    throw new AssayError('chain-unknown', 'no block with that hash', { what: 'block' });
  };

  async function send(call: RuntimeCall, signer: string): Promise<Receipt> {
    const rejected = (error: string) => {
      const name = `${call.pallet}.${call.name}`;
      // the chain client names errors without their pallet
      const short = error.slice(error.indexOf('.') + 1);
      return new AssayError('chain-rejected', `${name}: ${short}`, { call: name, error: short });
    };
    const receipt = await localnet.submit(call, signer).catch((error: unknown) => {
      throw isAssayError(error, 'chain-rejected') ? rejected(error.data.error) : error;
    });
    if (receipt.error !== undefined) throw rejected(receipt.error);
    return receipt;
  }

  const landed = ({ block, blockHash, extrinsicHash }: Receipt): Landed => ({
    block,
    blockHash,
    extrinsicHash,
  });

  return {
    info: async () => ({
      name: 'Assay localnet',
      type: 'development',
      specVersion: runtimeVersion.spec_version,
      genesisHash: localnet.blockHash(0),
    }),
    head: async () => localnet.head(),
    blockHash: async (number) => localnet.blockHash(number),
    subnet: async (netuid, at) => {
      const { state, block } = stateAt(at);
      return readSubnet(state, netuid, block);
    },
    weights: async (netuid, uid, at) => stateAt(at).state.get(S.Weights, netuid, uid),
    balanceRao: async (address) => localnet.query('System', 'Account', address).data.free,
    alphaRao: async (hotkey, netuid) => localnet.query('SubtensorModule', 'TotalHotkeyAlpha', hotkey, netuid),
    watchHeads: (onHead, signal) =>
      new Promise((resolve, reject) => {
        const stop = localnet.onBlock((head) => {
          try {
            onHead(head);
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
      }),
    close: async () => {},

    transfer: async (from, to, value) =>
      landed(
        await send(
          {
            pallet: 'Balances',
            name: 'transfer_keep_alive',
            args: { dest: { type: 'Id', value: [to] }, value },
          },
          from.address,
        ),
      ),
    async registerNetwork(coldkey, hotkey) {
      const receipt = await send(
        { pallet: 'SubtensorModule', name: 'register_network', args: { hotkey } },
        coldkey.address,
      );
      for (const event of receipt.events)
        if (event.name === 'NetworkAdded') return { ...landed(receipt), netuid: toNetuid(event.data[0]) };
      throw new AssayError('not-landed', 'register_network: no NetworkAdded', {
        call: 'register_network',
        expected: 'NetworkAdded',
        got: receipt.events.map(({ name }) => name).join(', '),
      });
    },
    startCall: async (coldkey, netuid) =>
      landed(
        await send({ pallet: 'SubtensorModule', name: 'start_call', args: { netuid } }, coldkey.address),
      ),
    async burnedRegister(coldkey, netuid, hotkey) {
      const receipt = await send(
        { pallet: 'SubtensorModule', name: 'burned_register', args: { netuid, hotkey } },
        coldkey.address,
      );
      return { ...landed(receipt), uid: toUid(localnet.query('SubtensorModule', 'Uids', netuid, hotkey)!) };
    },
    addStake: async (coldkey, netuid, hotkey, amount_staked) =>
      landed(
        await send(
          { pallet: 'SubtensorModule', name: 'add_stake', args: { hotkey, netuid, amount_staked } },
          coldkey.address,
        ),
      ),
    async serveAxon(hotkey, netuid, axon) {
      const { value: ip, type: ip_type } = toChainIp(axon.ip);
      assertPort(axon);
      const args = {
        netuid,
        version: 1000,
        ip,
        port: axon.port,
        ip_type,
        protocol: 4,
        placeholder1: 0,
        placeholder2: 0,
      };
      return landed(await send({ pallet: 'SubtensorModule', name: 'serve_axon', args }, hotkey.address));
    },
    async setWeights(hotkey, netuid, row, version_key) {
      assertRow(row);
      const args = {
        netuid,
        dests: row.map(([uid]) => uid),
        weights: row.map(([, value]) => value),
        version_key,
      };
      return landed(await send({ pallet: 'SubtensorModule', name: 'set_weights', args }, hotkey.address));
    },
    sudo: async (root, call) =>
      landed(await send({ pallet: 'Sudo', name: 'sudo', args: { call: toAdminCall(call) } }, root.address)),
  };
}

function readSubnet(state: StateView, netuid: Netuid, block: number): Subnet {
  if (!state.get(S.NetworksAdded, netuid))
    throw new AssayError('chain-unknown', `no subnet ${netuid}`, { what: `subnet ${netuid}` });
  const permits = state.get(S.ValidatorPermit, netuid);
  const active = state.get(S.Active, netuid);
  const lastUpdate = state.get(S.LastUpdate, netuid);
  const incentive = state.get(S.Incentive, netuid);
  const dividends = state.get(S.Dividends, netuid);
  const emission = state.get(S.Emission, netuid);
  const neurons = Array.from({ length: state.get(S.SubnetworkN, netuid) }, (_, uid): Neuron => {
    const hotkey = toHotkey(state.get(S.Keys, netuid, uid));
    const axon = state.get(S.Axons, netuid, hotkey);
    const ip = axon && fromChainIp(axon.ip, axon.ip_type);
    return {
      uid: toUid(uid),
      hotkey,
      coldkey: toColdkey(state.get(S.Owner, hotkey)),
      stakeRao: state.get(S.TotalHotkeyAlpha, hotkey, netuid),
      validatorPermit: permits[uid] ?? false,
      active: active[uid] ?? false,
      lastUpdate: lastUpdate[uid] ?? 0,
      registeredAt: state.get(S.BlockAtRegistration, netuid, uid),
      incentive: incentive[uid] ?? 0,
      dividends: dividends[uid] ?? 0,
      emissionRao: emission[uid] ?? 0n,
      axon: axon && ip !== undefined ? { ip, port: axon.port } : undefined,
    };
  });
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
    commitRevealEnabled: state.get(S.CommitRevealWeightsEnabled, netuid),
    neurons,
  };
}

/** By position to by name; a u64 is a bigint in the codec whatever the caller wrote. */
function toAdminCall({ call, args }: SudoCall): RuntimeCall {
  const definition = adminUtils.calls[call as keyof typeof adminUtils.calls];
  if (!definition)
    throw new AssayError('chain-unknown', `no call AdminUtils.${call}`, { what: `AdminUtils.${call}` });
  const named = Object.entries(definition.fields).map(([name, codec], i) => {
    const value = args[i];
    return [name, codec === u64 && typeof value === 'number' ? BigInt(value) : value];
  });
  // the names and types are the definition's own; a wrong value fails in its codec
  return { pallet: 'AdminUtils', name: call, args: Object.fromEntries(named) } as RuntimeCall;
}
