import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type ChainReader,
  type ChainWriter,
  connectSubtensor,
  type SubtensorReader,
} from '../../../src/chain/index.js';
import { parseSnapshot, snapshotText } from '../../../src/chain/snapshot-file.js';
import { devKeypair } from '../../../src/keys/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { toHotkey, toNetuid, toUid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { type LocalnetNode, landCalls, startLocalnet } from './localnet-node.js';
import { serveTampering, type TamperingProxy } from './tampering-proxy.js';

const TAO = 1_000_000_000n;
const netuid = toNetuid(1);
const owner = devKeypair('owner-hot');
const validator = devKeypair('validator');
const child = devKeypair('child');

let node: LocalnetNode;
let proxy: TamperingProxy;
let chain: ChainReader & SubtensorReader & ChainWriter;
/** the same node, which describes no runtime API: metadata V14 alone */
let plain: ChainReader & SubtensorReader & ChainWriter;
let plainProxy: TamperingProxy;
const requests: string[] = [];

const connect = (url: string) => connectSubtensor({ url, log: silentLog, clock: systemClock });

const land = (...calls: Parameters<typeof landCalls>[1]) => landCalls(node, calls);

const asRoot = (name: string, args: Record<string, unknown>) =>
  ['sudo', { call: { pallet: 'AdminUtils', name, args } }, node.root.address, 'Sudo'] as const;

beforeAll(async () => {
  node = await startLocalnet();
  proxy = await serveTampering(node.url);
  plainProxy = await serveTampering(node.url);
  plainProxy.tamper = ({ method, params }, result) =>
    method === 'state_call' && params[0] === 'Metadata_metadata_versions' ? '0x040e000000' : result;
  await land(['register_network', { hotkey: owner.address }]);
  await land(['start_call', { netuid }]);
  await land(
    ['burned_register', { netuid, hotkey: validator.address }],
    ['burned_register', { netuid, hotkey: child.address }],
  );
  // all mechanisms together have at most 256 uids
  await land(asRoot('sudo_set_max_allowed_uids', { netuid, max_allowed_uids: 128 }));
  await land(
    ['add_stake', { hotkey: validator.address, netuid, amount_staked: 500n * TAO }],
    ['add_stake', { hotkey: validator.address, netuid: 0, amount_staked: 70n * TAO + 1n }],
    ['serve_axon', axonOf('127.16.0.1'), validator.address],
    ['serve_axon_tls', { ...axonOf('127.16.0.2'), certificate: Uint8Array.of(1, 7, 7, 7) }, child.address],
    asRoot('sudo_set_mechanism_count', { netuid, mechanism_count: 2 }),
    asRoot('sudo_set_stake_threshold', { min_stake: 5n }),
    asRoot('sudo_set_commit_reveal_weights_enabled', { netuid, enabled: false }),
    asRoot('sudo_set_weights_set_rate_limit', { netuid, weights_set_rate_limit: 0n }),
  );
  await land(asRoot('sudo_set_tempo', { netuid, tempo: 20 }));
  // permits are given at an epoch, voting power follows at the next
  for (let i = 0; i < 41; i++) node.localnet.produceBlock();
  await land([
    'set_mechanism_weights',
    { netuid, mecid: 1, dests: [0, 1], weights: [0, 65535], version_key: 0n },
    validator.address,
  ]);
  chain = await connect(proxy.url);
  plain = await connect(plainProxy.url);
});
afterAll(async () => {
  await chain?.close();
  await plain?.close();
  await proxy?.close();
  await plainProxy?.close();
  await node?.goDown();
});
beforeEach(() => {
  requests.length = 0;
  proxy.tamper = ({ method }, result) => {
    if (method !== 'chain_getBlockHash') requests.push(method); // the client's own watch over the node
    return result;
  };
});

function axonOf(ip: string) {
  const value = ip.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  return {
    netuid,
    version: 1000,
    ip: value,
    port: 9000,
    ip_type: 4,
    protocol: 4,
    placeholder1: 0,
    placeholder2: 0,
  };
}

/** TaoWeight's default on the main network: 0.0526... of 2^64 - 1 */
const TAO_WEIGHT = 971_718_665_099_567_868n;

describe('a subnet', () => {
  it('is the same by one runtime call as key by key from storage, for each mechanism', async () => {
    expect((await chain.features()).metagraph).toBe('selective-mechagraph');
    expect((await plain.features()).metagraph).toBe('storage');
    for (const mechanism of [0, 1]) {
      const told = await chain.subnet(netuid, undefined, mechanism);
      expect(told).toEqual(await plain.subnet(netuid, undefined, mechanism));
      expect(told.neurons).toHaveLength(3);
    }
    const { neurons, ...subnet } = await chain.subnet(netuid, undefined, 1);
    expect(subnet).toMatchObject({
      mechanismCount: 2,
      stakeThresholdRao: 5n,
      commitRevealEnabled: false,
      timelockVersion: 4,
      ownerUid: 0,
    });
    expect(neurons[1]).toMatchObject({ lastUpdate: subnet.block, axon: { ip: '127.16.0.1', port: 9000 } });
    expect(neurons[2]!.axon?.serverKey).toEqual({ algorithm: 1, publicKey: Uint8Array.of(7, 7, 7) });
    // alpha + root TAO x TaoWeight (0.18 of 70 TAO and 1 rao, rounded down)
    const { stakeRao, consensusStakeRao } = neurons[1]!;
    expect(consensusStakeRao! - stakeRao).toBe(
      ((70n * TAO + 1n) * ((TAO_WEIGHT << 32n) / (2n ** 64n - 1n))) >> 32n,
    );
  });

  it('takes as many requests with 40 neurons as with three', async () => {
    await chain.subnet(netuid);
    const few = requests.splice(0);
    for (let i = 0; i < 37; i += 8)
      await land(
        ...Array.from(
          { length: Math.min(8, 37 - i) },
          (_, j) => ['burned_register', { netuid, hotkey: devKeypair(`crowd-${i + j}`).address }] as const,
        ),
      );
    expect((await chain.subnet(netuid)).neurons).toHaveLength(40);
    expect(requests).toEqual(few);
    // header; the runtime before and after the block; parameters beside the metagraph; what is stored by hotkey
    expect(few).toEqual([
      'chain_getHeader',
      'state_getRuntimeVersion',
      'state_getRuntimeVersion',
      'state_queryStorageAt',
      'state_call',
      'state_queryStorageAt',
    ]);
  });

  it('does not guess the consensus stake of a hotkey with child keys when no runtime API says it', async () => {
    await land([
      'sudo',
      { call: { pallet: 'SubtensorModule', name: 'set_pending_childkey_cooldown', args: { cooldown: 5 } } },
      node.root.address,
      'Sudo',
    ]);
    await land([
      'set_children',
      { hotkey: validator.address, netuid, children: [[2n ** 63n, child.address]] },
    ]);
    const { effectiveAt } = (await chain.childKeys(toHotkey(validator.address), netuid)).pending!;
    while (node.localnet.head().number < effectiveAt + 21) node.localnet.produceBlock();
    expect((await chain.childKeys(toHotkey(validator.address), netuid)).children).toEqual([
      { hotkey: child.address, proportion: 2n ** 63n },
    ]);
    const [told, stored] = [await chain.subnet(netuid), await plain.subnet(netuid)];
    expect(stored.neurons.map((neuron) => neuron.consensusStakeRao === undefined)).toEqual(
      stored.neurons.map(({ uid }) => uid === 1 || uid === 2),
    );
    expect(told.neurons[1]!.consensusStakeRao).toBeLessThan(told.neurons[1]!.stakeRao);
    expect(told.neurons[2]!.consensusStakeRao).toBeGreaterThan(0n);
  });

  it('has no mechanism beyond its count', async () => {
    for (const client of [chain, plain]) {
      const unknown = { code: 'chain-unknown', data: { what: 'mechanism 2 of subnet 1' } };
      await expect(client.subnet(netuid, undefined, 2)).rejects.toMatchObject(unknown);
      await expect(client.weightsMatrix(netuid, undefined, 2)).rejects.toMatchObject(unknown);
      await expect(client.subnet(toNetuid(9))).rejects.toMatchObject({ data: { what: 'subnet 9' } });
    }
  });
});

describe('the rest of what a chain says', () => {
  it('has the same hyperparameters by the newest runtime API and from storage', async () => {
    const stored = new Map((await plain.hyperparameters(netuid)).map((entry) => [entry.name, entry]));
    const told = await chain.hyperparameters(netuid);
    expect(told.find(({ name }) => name === 'max_burn')).toEqual({
      name: 'max_burn',
      kind: 'rao',
      value: 100n * TAO,
    });
    for (const entry of told) if (stored.has(entry.name)) expect(stored.get(entry.name)).toEqual(entry);
    expect(told.filter(({ name }) => stored.has(name)).length).toBeGreaterThan(15);
  });

  it('lists subnets alike, but for what only the runtime knows: the price and the default name', async () => {
    const [told, stored] = [await chain.subnets(), await plain.subnets()];
    expect(told.map(({ netuid }) => netuid)).toEqual([0, 1]);
    expect(told.map((one) => ({ ...one, name: '', priceRao: undefined }))).toEqual(
      stored.map((one) => ({ ...one, name: '', priceRao: undefined })),
    );
    expect(told[1]!.priceRao).toBe((await chain.prices(netuid)).alphaRao);
    expect(stored[1]!.priceRao).toBeUndefined();
  });

  it('reads what a subnet makes in a block, and nothing of one that is not there', async () => {
    const told = (await chain.subnets())[1]!;
    expect(told.movingPrice!.bits).toBeGreaterThan(0n);
    for (const reader of [chain, plain]) {
      // 1 alpha while less than half of all has been made; DefaultSubnetOwnerCut
      expect(await reader.emission(netuid)).toEqual({
        alphaOutRao: TAO,
        ownerCut: 11_796,
        alphaIssuanceRao: told.alphaInRao + told.alphaOutRao,
        rootTaoRao: 70n * TAO + 1n,
        taoWeight: TAO_WEIGHT,
        // it alone has a price: root makes no alpha
        movingPrices: told.movingPrice,
      });
      await expect(reader.emission(toNetuid(9))).rejects.toMatchObject({ code: 'chain-unknown' });
    }
  });

  it('refuses to make amounts of shares where it cannot', async () => {
    await expect(plain.stakesOf(node.root.address)).rejects.toMatchObject({ code: 'unsupported' });
    const stakes = await chain.stakesOf(node.root.address);
    expect(stakes).toContainEqual({
      hotkey: validator.address,
      netuid: 0,
      alphaRao: 70n * TAO + 1n,
      isRegistered: false,
    });
  });

  it('shows rows, announcements, limits and events of a block', async () => {
    expect((await chain.weightsMatrix(netuid, undefined, 1)).slice(0, 3)).toEqual([
      [],
      [
        [0, 0],
        [1, 65535],
      ],
      [],
    ]);
    expect(await chain.weights(netuid, toUid(1), undefined, 1)).toEqual([
      [0, 0],
      [1, 65535],
    ]);
    const announced = await chain.announcements(netuid);
    expect(announced.map(({ hotkey }) => hotkey).sort()).toEqual([validator.address, child.address].sort());
    const { hash, number } = await chain.head();
    const limits = await chain.rateLimits(netuid, toHotkey(validator.address), hash);
    const served = limits.find(({ action }) => action === 'serve_axon')!;
    expect(served.allowedAt).toBe(served.lastBlock + 50);
    expect(served.lastBlock).toBeLessThan(number);
    await land(['serve_axon', axonOf('127.16.0.9'), validator.address]);
    expect(await chain.events()).toContainEqual(
      expect.objectContaining({ pallet: 'SubtensorModule', name: 'AxonServed', extrinsic: 1 }),
    );
    // as of the block before, nothing of it
    expect((await chain.subnet(netuid, hash)).neurons[1]!.axon?.ip).toBe('127.16.0.1');
  });

  it('shows commits until they are revealed', async () => {
    // the chain refuses this parameter in the window that it tells
    const { from, until } = (await chain.freezeWindow(netuid))!.next!;
    while (node.localnet.head().number < from - 1) node.localnet.produceBlock();
    const enable = asRoot('sudo_set_commit_reveal_weights_enabled', { netuid, enabled: true });
    await expect(land(enable)).rejects.toThrow('AdminActionProhibitedDuringWeightsWindow');
    while (node.localnet.head().number < until - 1) node.localnet.produceBlock();
    await land(enable);
    const commit = Uint8Array.of(1, 2, 3);
    await land([
      'commit_timelocked_weights',
      { netuid, commit, reveal_round: 10n ** 9n, commit_reveal_version: 4 },
      validator.address,
    ]);
    const { epochIndex, block } = await chain.subnet(netuid);
    for (const client of [chain, plain])
      expect(await client.pendingCommits(netuid, toHotkey(validator.address))).toEqual([
        {
          kind: 'timelocked',
          // hashlib.blake2b(bytes([1, 2, 3]), digest_size=32)
          hash: Uint8Array.from(
            Buffer.from('11c0e79b71c3976ccd0c02d1310e2516c08edc9d8b6f57ccd680d63a4d8e72da', 'hex'),
          ),
          epoch: epochIndex,
          block,
          revealRound: 1_000_000_000,
        },
      ]);
    expect(await chain.pendingCommits(netuid, toHotkey(child.address))).toEqual([]);
  });

  it('becomes a snapshot of one block, the same from both sources', async () => {
    const { hash } = await chain.head();
    const [told, stored] = [await chain.snapshot(netuid, hash), await plain.snapshot(netuid, hash)];
    expect(told).toEqual(stored);
    expect(parseSnapshot(snapshotText(told), 'snapshot')).toEqual(told);
    expect(told.weights).toEqual([
      {
        mechanism: 1,
        uid: 1,
        row: [
          [0, 0],
          [1, 65535],
        ],
      },
    ]);
  });

  it('is malformed when the node cuts an answer short', async () => {
    proxy.tamper = ({ method, params }, result) =>
      method === 'state_call' && String(params[0]).endsWith('mechagraph')
        ? String(result).slice(0, -2)
        : result;
    await expect(chain.subnet(netuid)).rejects.toMatchObject({
      code: 'invalid-input',
      data: { what: 'answer to SubnetInfoRuntimeApi_get_selective_mechagraph' },
    });
  });
});
