// What one participant puts on the chain must not keep others from reading it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectSubtensor } from '../../../src/chain/index.js';
import { parseSnapshot, snapshotText } from '../../../src/chain/snapshot-file.js';
import { devKeypair } from '../../../src/keys/index.js';
import { fromHex } from '../../../src/model/bytes.js';
import { systemClock } from '../../../src/model/clock.js';
import { toHotkey, toNetuid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import fc from '../../support/properties.js';
import { type CannedNode, serveCanned } from './canned-node.js';
import { startLocalnet } from './localnet-node.js';

const S = 'subtensorModule';
const netuid = toNetuid(7);
const good = devKeypair('good');
const evil = devKeypair('evil');
const U64 = '18446744073709551615';
const U128 = (2n ** 128n - 1n).toString();
/** 2^53 - 1 */
const CAP = 9007199254740991;

let node: CannedNode;
let chain: Awaited<ReturnType<typeof connectSubtensor>>;

beforeAll(async () => {
  const localnet = await startLocalnet();
  const metadata = await localnet.localnet.rpc('state_getMetadata');
  await localnet.goDown();
  node = await serveCanned(fromHex(String(metadata)));
  chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
  node.set(S, 'networksAdded', [netuid], true);
  node.set(S, 'subnetEpochIndex', [netuid], 65);
  node.set(S, 'tempo', [netuid], 20);
});
afterAll(async () => {
  await chain?.close();
  await node?.close();
});

describe('values that somebody else chose', () => {
  it('a commit for a round that never comes leaves the others their commits', async () => {
    node.set(
      S,
      'timelockedWeightCommits',
      [netuid, 65],
      [
        [evil.address, 40, '0x07', U64],
        [good.address, 41, '0x616263', 1000],
      ],
    );
    expect(await chain.pendingCommits(netuid, toHotkey(good.address))).toMatchObject([
      { kind: 'timelocked', block: 41, revealRound: 1000 },
    ]);
    expect(await chain.pendingCommits(netuid, toHotkey(evil.address))).toMatchObject([
      { kind: 'timelocked', block: 40, revealRound: CAP },
    ]);
  });

  it('no commitment of anybody hides the others', async () => {
    const raw = (length: number) => ({ [`Raw${length}`]: `0x${'ff'.repeat(length)}` });
    const lists: readonly (readonly object[])[] = [
      [],
      [{ None: null }, { ResetBondsFlag: null }, raw(0)],
      [raw(1), raw(2), raw(32)],
      [raw(127), raw(128)],
      [{ TimelockEncrypted: { encrypted: '0x', revealRound: U64 } }],
    ];
    const who = lists.map((_, i) => devKeypair(`committer ${i}`).address);
    lists.forEach((fields, i) => {
      node.set('commitments', 'commitmentOf', [netuid, who[i]], {
        deposit: U64,
        block: 41,
        info: { fields },
      });
    });
    node.set('commitments', 'commitmentOf', [netuid, good.address], {
      deposit: 5,
      block: 41,
      info: { fields: [{ Raw3: '0x616263' }] },
    });
    const found = new Map((await chain.commitments(netuid)).map(({ hotkey, fields }) => [hotkey, fields]));
    expect(found.get(toHotkey(good.address))).toEqual([{ kind: 'raw', bytes: Uint8Array.of(97, 98, 99) }]);
    expect(who.map((hotkey) => found.get(toHotkey(hotkey))?.map(({ kind }) => kind))).toEqual([
      [],
      ['none', 'reset-bonds', 'raw'],
      ['raw', 'raw', 'raw'],
      ['raw', 'raw'],
      ['timelocked'],
    ]);
    expect(found.get(toHotkey(who[4]!))).toEqual([
      { kind: 'timelocked', bytes: new Uint8Array(), revealRound: CAP },
    ]);
  });

  it('no axon and no rate limit keeps a subnet, its announcements or its snapshot from being read', async () => {
    const neurons = [good, evil, devKeypair('third'), devKeypair('fourth')];
    const axon = { block: 1, version: 1, ip: 0x7f110001, port: 4001, ipType: 4, protocol: 4 };
    const axons = [
      axon,
      { ...axon, ip: U128, ipType: 4, version: 4294967295 },
      { ...axon, ip: U128, ipType: 255, port: 65535 },
      { ...axon, ip: 0, ipType: 0, port: 0 },
    ];
    node.set(S, 'subnetworkN', [netuid], neurons.length);
    neurons.forEach(({ address }, uid) => {
      node.set(S, 'keys', [netuid, uid], address);
      node.set(S, 'axons', [netuid, address], axons[uid]);
      node.set(S, 'neuronCertificates', [netuid, address], {
        publicKey: `0x${'ff'.repeat(64)}`,
        algorithm: 255,
      });
      node.set(S, 'totalHotkeyAlpha', [address, netuid], U64);
      node.set(S, 'weights', [netuid, uid], [[uid, 65535]]);
    });
    const hotkeys = neurons.map(({ address }) => address);
    node.answer('SubnetInfoRuntimeApi_get_selective_mechagraph', {
      netuid,
      hotkeys,
      coldkeys: hotkeys,
      axons,
      validatorPermit: [],
      dividends: [],
      active: [],
      lastUpdate: [],
      incentives: [],
      emission: [U64],
      blockAtRegistration: [],
      totalStake: [U64],
    });
    node.set(S, 'weightsSetRateLimit', [netuid], U64);
    node.set(S, 'servingRateLimit', [netuid], U64);
    const subnet = await chain.subnet(netuid);
    expect(subnet.weightsRateLimit).toBe(CAP);
    expect(await chain.rateLimits(netuid, toHotkey(good.address))).toContainEqual(
      expect.objectContaining({ limitBlocks: CAP }),
    );
    expect(subnet.neurons.map((neuron) => neuron.axon?.ip)).toEqual([
      '127.17.0.1',
      undefined,
      undefined,
      undefined,
    ]);
    expect((await chain.announcements(netuid)).map((one) => one.axon?.ip).sort()).toEqual([
      '127.17.0.1',
      undefined,
      undefined,
      undefined,
    ]);
    const snapshot = parseSnapshot(snapshotText(await chain.snapshot(netuid)), 'snapshot');
    expect(snapshot.neurons).toHaveLength(4);
  });

  it('names that are no UTF-8, of subnets and of coldkeys, are shown as far as they go', async () => {
    const bytes = '0xff61fe';
    node.set(S, 'identitiesV2', [evil.address], { name: bytes, url: bytes });
    expect(await chain.identityOf(evil.address)).toEqual({ name: '\uFFFDa\uFFFD', url: '\uFFFDa\uFFFD' });
    node.set(S, 'tokenSymbol', [netuid], bytes);
    node.answer('SubnetInfoRuntimeApi_get_all_dynamic_info', [
      null,
      { netuid, subnetName: [255, 97], tokenSymbol: [255], subnetIdentity: { subnetName: bytes } },
    ]);
    expect((await chain.subnets()).find((subnet) => subnet.netuid === netuid)?.symbol).toContain('\uFFFD');
  });

  it('children of any proportion are read', async () => {
    node.set(S, 'parentKeys', [good.address, netuid], [[U64, evil.address]]);
    expect((await chain.childKeys(toHotkey(good.address), netuid)).parents).toEqual([
      { hotkey: evil.address, proportion: 2n ** 64n - 1n },
    ]);
  });

  it('whatever rounds and bytes others commit, one’s own are read', async () => {
    const commit = fc.tuple(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(commit, { maxLength: 5 }), async (commits) => {
        const others = commits.map(([round, bytes]) => [
          evil.address,
          40,
          `0x${Buffer.from(bytes).toString('hex')}`,
          String(round),
        ]);
        node.set(S, 'timelockedWeightCommits', [netuid, 65], [...others, [good.address, 41, '0x616263', 9]]);
        expect(await chain.pendingCommits(netuid, toHotkey(good.address))).toHaveLength(1);
      }),
      { numRuns: 20 },
    );
  });
});
