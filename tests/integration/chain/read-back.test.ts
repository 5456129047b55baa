import { ApiPromise, WsProvider } from '@polkadot/api';
import { xxhashAsHex } from '@polkadot/util-crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChainReader, type ChainWriter, connectSubtensor } from '../../../src/chain/index.js';
import { devKeypair } from '../../../src/keys/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { type Netuid, toHotkey, toUid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { type LocalnetNode, startLocalnet } from './localnet-node.js';
import { serveTampering, type TamperingProxy } from './tampering-proxy.js';

const prefixOf = (pallet: string, item: string) => xxhashAsHex(pallet, 128) + xxhashAsHex(item, 128).slice(2);

let node: LocalnetNode;
let proxy: TamperingProxy;
let chain: ChainReader & ChainWriter;
let netuid: Netuid;
const owner = devKeypair('owner-hot');

beforeEach(async () => {
  node = await startLocalnet();
  proxy = await serveTampering(node.url);
  chain = await connectSubtensor({ url: proxy.url, log: silentLog, clock: systemClock });
  ({ netuid } = await node.land(chain.registerNetwork(node.root, toHotkey(owner.address))));
  for (const [call, value] of [
    ['sudo_set_commit_reveal_weights_enabled', false],
    ['sudo_set_weights_set_rate_limit', 0],
    ['sudo_set_serving_rate_limit', 0],
  ] as const)
    await node.land(chain.sudo(node.root, { call, args: [netuid, value] }));
});
afterEach(async () => {
  await chain.close();
  await proxy.close();
  await node.goDown();
});

/** From now on the state shows nothing under this item. */
function hide(pallet: string, item: string): void {
  const prefix = prefixOf(pallet, item);
  proxy.tamper = ({ method }, result) => {
    if (method !== 'state_queryStorageAt') return result;
    const [first] = result as [{ block: string; changes: [string, string | null][] }];
    return [
      {
        ...first,
        changes: first.changes.map(([key, value]) => [key, key.startsWith(prefix) ? null : value]),
      },
    ];
  };
}

describe('a write that is in a block without its effect', () => {
  const axon = { ip: '127.17.0.1', port: 4001 };
  const miner = toHotkey(devKeypair('miner').address);
  it.each([
    ['serveAxon', 'SubtensorModule', 'Axons', () => chain.serveAxon(owner, netuid, axon)],
    ['setWeights', 'SubtensorModule', 'Weights', () => chain.setWeights(owner, netuid, [[0, 65535]], 0n)],
    ['setWeights', 'SubtensorModule', 'LastUpdate', () => chain.setWeights(owner, netuid, [[0, 65535]], 0n)],
    ['burnedRegister', 'SubtensorModule', 'Uids', () => chain.burnedRegister(node.root, netuid, miner)],
    ['registerNetwork', 'SubtensorModule', 'SubnetOwner', () => chain.registerNetwork(node.root, miner)],
    ['startCall', 'SubtensorModule', 'FirstEmissionBlockNumber', () => chain.startCall(node.root, netuid)],
    ['transfer', 'System', 'Events', () => chain.transfer(node.root, owner.address, 1_000_000n)],
    [
      'sudo',
      'SubtensorModule',
      'Tempo',
      () => chain.sudo(node.root, { call: 'sudo_set_tempo', args: [netuid, 77] }),
    ],
  ] as const)('%s without %s.%s does not count as done', async (_name, pallet, item, write) => {
    hide(pallet, item);
    await expect(node.land(write())).rejects.toMatchObject({ code: 'not-landed' });
  });

  it('a server key that the chain dropped does not count as announced', async () => {
    hide('SubtensorModule', 'NeuronCertificates');
    const serverKey = { algorithm: 1, publicKey: new Uint8Array(32).fill(3) };
    await expect(node.land(chain.serveAxon(owner, netuid, { ...axon, serverKey }))).rejects.toMatchObject({
      code: 'not-landed',
      data: { call: 'SubtensorModule.serve_axon_tls' },
    });
  });

  it.each([
    ['commitWeights', 'WeightCommits', () => chain.commitWeights(owner, netuid, new Uint8Array(32).fill(1))],
    [
      'commitTimelockedWeights',
      'TimelockedWeightCommits',
      () => {
        const bytes = new Uint8Array(500).fill(1);
        return chain.commitTimelockedWeights(owner, netuid, { bytes, revealRound: 10 ** 9, version: 4 });
      },
    ],
  ] as const)('%s without its entry in %s does not count as done', async (_name, item, write) => {
    const on = { call: 'sudo_set_commit_reveal_weights_enabled', args: [netuid, true] };
    await node.land(chain.sudo(node.root, on));
    hide('SubtensorModule', item);
    await expect(node.land(write())).rejects.toMatchObject({ code: 'not-landed' });
  });

  it('addStake without its event does not count as done', async () => {
    await node.land(chain.startCall(node.root, netuid));
    hide('System', 'Events');
    const write = chain.addStake(node.root, netuid, toHotkey(owner.address), 5_000_000_000n);
    await expect(node.land(write)).rejects.toMatchObject({
      code: 'not-landed',
      data: { call: 'SubtensorModule.add_stake' },
    });
  });
});

describe('a second client without any of our code', () => {
  it('reads the same state', async () => {
    await node.land(chain.startCall(node.root, netuid));
    await node.land(chain.addStake(node.root, netuid, toHotkey(owner.address), 5_000_000_000n));
    await node.land(chain.serveAxon(owner, netuid, { ip: '127.17.0.1', port: 4001 }));
    const { block, blockHash } = await node.land(chain.setWeights(owner, netuid, [[0, 65535]], 0n));

    // as never: WsProvider's ttl getter may give undefined, which exactOptionalPropertyTypes does not admit
    const api = await ApiPromise.create({ provider: new WsProvider(node.url) as never, noInitWarn: true });
    const at = await api.at(blockHash);
    const query = at.query.subtensorModule!;
    expect((await query.weights!(netuid, 0)).toJSON()).toEqual([[0, 65535]]);
    expect((await query.keys!(netuid, 0)).toString()).toBe(owner.address);
    expect((await query.axons!(netuid, owner.address)).toJSON()).toMatchObject({
      ip: 0x7f110001,
      port: 4001,
      ipType: 4,
    });
    expect((await query.lastUpdate!(netuid)).toJSON()).toEqual([block]);
    const alpha = BigInt((await query.totalHotkeyAlpha!(owner.address, netuid)).toString());
    await api.disconnect();

    const subnet = await chain.subnet(netuid, blockHash);
    expect(subnet.neurons[0]).toMatchObject({ stakeRao: alpha, lastUpdate: block, hotkey: owner.address });
    expect(await chain.weights(netuid, toUid(0), blockHash)).toEqual([[0, 65535]]);
  });
});

describe('two clients with one key', () => {
  it('land all they send, though each counts for itself', async () => {
    const other = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
    const to = devKeypair('to').address;
    const sends = [chain, other].flatMap((client) =>
      Array.from({ length: 5 }, (_, i) => client.transfer(node.root, to, 1_000_000n + BigInt(i))),
    );
    await node.land(Promise.all(sends));
    expect(await chain.balanceRao(to)).toBe(2n * 5_000_010n);
    await other.close();
  });
});

describe('an embedded localnet', () => {
  it('is a development chain, on which simulated devices may earn', async () => {
    expect((await chain.info()).type).toBe('development');
  });
});

describe('state of a block under an older runtime', () => {
  it('is read by that runtime’s metadata', async () => {
    const { hash } = await chain.head();
    proxy.tamper = ({ method, params }, result) =>
      method === 'state_getRuntimeVersion' && params.length > 0
        ? { ...(result as object), specVersion: 1 }
        : result;
    expect((await chain.subnet(netuid, hash)).ownerHotkey).toBe(owner.address);
  });
});

describe('malformed answers', () => {
  it.each([
    ['chain_getHeader', { number: 5 }],
    ['chain_getHeader', 'text'],
    ['state_queryStorageAt', null],
    ['state_queryStorageAt', [{ changes: [[1, 2]] }]],
  ])('of %s are an error that names the method: %j', async (method, answer) => {
    proxy.tamper = (request, result) => (request.method === method ? answer : result);
    await expect(chain.subnet(netuid)).rejects.toMatchObject({
      code: 'invalid-input',
      data: { what: `answer to ${method}` },
    });
  });

  it.each([
    ['cut short', (_key: string, value: string | null) => value?.slice(0, 4) ?? null],
    ['no hex', (_key: string, value: string | null) => value && '0xzz'],
    ['numbers', () => 7],
    [
      'accounts cut short',
      (key: string, value: string | null) =>
        key.startsWith(prefixOf('SubtensorModule', 'SubnetOwner')) ? (value?.slice(0, -2) ?? null) : value,
    ],
  ])('storage values that are %s are none', async (_what, change) => {
    tamperStorage((first) => ({
      ...first,
      changes: first.changes.map(([key, value]) => [key, change(key, value)]),
    }));
    await expect(chain.subnet(netuid)).rejects.toMatchObject({
      code: 'invalid-input',
      data: { what: 'answer to state_queryStorageAt' },
    });
  });

  it('keys that the node does not name, and another block’s state, are no answer', async () => {
    tamperStorage((first) => ({ ...first, changes: first.changes.slice(0, -1) }));
    await expect(chain.subnet(netuid)).rejects.toMatchObject({
      data: {
        what: 'answer to state_queryStorageAt',
        got: expect.stringMatching(/^nothing about 1 of \d+ keys$/),
      },
    });
    tamperStorage((first) => ({ ...first, block: `0x${'11'.repeat(32)}` }));
    await expect(chain.subnet(netuid)).rejects.toMatchObject({
      data: { what: 'answer to state_queryStorageAt', got: 'the state of another block' },
    });
    tamperStorage((first) => first);
    expect((await chain.subnet(netuid)).netuid).toBe(netuid);
  });

  interface Page {
    readonly block: string;
    readonly changes: readonly (readonly [string, string | null])[];
  }
  function tamperStorage(change: (first: Page) => unknown): void {
    proxy.tamper = ({ method }, result) =>
      method === 'state_queryStorageAt' ? [change((result as [Page])[0])] : result;
  }

  it('to a subscription end as our error too, and the client lives on', async () => {
    proxy.tamper = ({ method }, result) => (method === 'system_accountNextIndex' ? 'many' : result);
    await expect(chain.transfer(node.root, owner.address, 1n)).rejects.toMatchObject({
      code: 'invalid-input',
    });
    proxy.tamper = (_request, result) => result;
    await node.land(chain.transfer(node.root, owner.address, 1_000_000n));
  });
});
