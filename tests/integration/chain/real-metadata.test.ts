import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChainReader, type ChainWriter, connectSubtensor } from '../../../src/chain/index.js';
import { devKeypair, readyKeys, toAddress } from '../../../src/keys/index.js';
import { systemClock } from '../../../src/model/clock.js';
import { toHotkey, toNetuid, toUid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { type CannedNode, serveCanned } from './canned-node.js';

// metadata V16 of Subtensor's mainnet, spec 424; not part of the repository (CONTRIBUTING.md, Tests)
const path = process.env.ASSAY_TEST_METADATA;
if (!path) console.warn("skipped: no real chain's metadata; ASSAY_TEST_METADATA names its file");

describe.skipIf(!path)('with the metadata of a real Subtensor', () => {
  const netuid = toNetuid(7);
  let node: CannedNode;
  let chain: ChainReader & ChainWriter;
  beforeAll(async () => {
    await readyKeys();
    node = await serveCanned(readFileSync(path!));
    chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
  });
  afterAll(async () => {
    await chain?.close();
    await node?.close();
  });

  it('reads a subnet, defaults included', async () => {
    const [owner, miner, cold] = [devKeypair('owner'), devKeypair('miner'), devKeypair('cold')];
    const S = 'subtensorModule';
    node.set(S, 'networksAdded', [netuid], true);
    node.set(S, 'subnetworkN', [netuid], 2);
    node.set(S, 'keys', [netuid, 0], owner.address);
    node.set(S, 'keys', [netuid, 1], miner.address);
    node.set(S, 'owner', [owner.address], cold.address);
    node.set(S, 'owner', [miner.address], cold.address);
    node.set(S, 'subnetOwner', [netuid], cold.address);
    node.set(S, 'subnetOwnerHotkey', [netuid], owner.address);
    node.set(S, 'lastEpochBlock', [netuid], 30);
    node.set(S, 'subnetEpochIndex', [netuid], 65);
    node.set(S, 'tempo', [netuid], 20);
    node.set(S, 'pendingEpochAt', [netuid], 44);
    node.set(S, 'validatorPermit', [netuid], [true]);
    node.set(S, 'active', [netuid], [true, true]);
    node.set(S, 'lastUpdate', [netuid], [40, 12]);
    node.set(S, 'incentive', [netuid], [0, 65535]);
    node.set(S, 'dividends', [netuid], [65534]);
    node.set(S, 'emission', [netuid], [0, '18446744073709551615']);
    node.set(S, 'blockAtRegistration', [netuid, 1], 12);
    node.set(S, 'totalHotkeyAlpha', [miner.address, netuid], '18446744073709551615');
    node.set(S, 'commitRevealWeightsEnabled', [netuid], false);
    node.set(S, 'weightsVersionKey', [netuid], '9007199254740993');
    node.set(
      S,
      'weights',
      [netuid, 0],
      [
        [0, 0],
        [1, 65535],
      ],
    );
    node.set(S, 'axons', [netuid, miner.address], {
      block: 13,
      ip: '42540766411282592856903984951653826561',
      port: 8091,
      ipType: 6,
    });
    const subnet = await chain.subnet(netuid);
    expect(subnet).toEqual({
      netuid,
      block: 42,
      tempo: 20,
      lastEpochBlock: 30,
      epochIndex: 65,
      nextEpochBlock: 44,
      ownerHotkey: owner.address,
      ownerColdkey: cold.address,
      ownerUid: 0,
      weightsRateLimit: 100,
      weightsVersionKey: 9007199254740993n,
      minAllowedWeights: 1024,
      commitRevealEnabled: false,
      neurons: [
        {
          uid: 0,
          hotkey: owner.address,
          coldkey: cold.address,
          stakeRao: 0n,
          validatorPermit: true,
          active: true,
          lastUpdate: 40,
          registeredAt: 0,
          incentive: 0,
          dividends: 65534,
          emissionRao: 0n,
          axon: undefined,
        },
        {
          uid: 1,
          hotkey: miner.address,
          coldkey: cold.address,
          stakeRao: 18446744073709551615n,
          validatorPermit: false,
          active: true,
          lastUpdate: 12,
          registeredAt: 12,
          incentive: 65535,
          dividends: 0,
          emissionRao: 18446744073709551615n,
          axon: { ip: '2001:db8::1', port: 8091 },
        },
      ],
    });
    expect(await chain.weights(netuid, toUid(0))).toEqual([
      [0, 0],
      [1, 65535],
    ]);
    expect(await chain.alphaRao(toHotkey(miner.address), netuid)).toBe(18446744073709551615n);
    // a node that declares a chain type of its own is no place for simulated devices
    expect((await chain.info()).type).toBe('live');
  });

  it('encodes and signs every call as this runtime wants it', async () => {
    const cold = devKeypair('cold');
    const hot = devKeypair('hot');
    const to = toAddress(new Uint8Array(32).fill(7));
    const hotkey = toHotkey(hot.address);
    const longRow = Array.from({ length: 100 }, (_, uid) => [uid, 65535 - uid] as const);
    const writes = [
      () => chain.transfer(cold, to, 2n ** 63n),
      () => chain.registerNetwork(cold, hotkey),
      () => chain.startCall(cold, netuid),
      () => chain.burnedRegister(cold, netuid, hotkey),
      () => chain.addStake(cold, netuid, hotkey, 5_000_000_000n),
      () => chain.serveAxon(hot, netuid, { ip: '127.16.0.1', port: 9000 }),
      () => chain.setWeights(hot, netuid, longRow, 2n ** 40n),
      () => chain.sudo(cold, { call: 'sudo_set_tempo', args: [netuid, 20] }),
      () => chain.sudo(cold, { call: 'sudo_set_subnet_emission_enabled', args: [netuid, true] }),
    ];
    for (const write of writes)
      await expect(write()).rejects.toMatchObject({ code: 'chain-rejected', data: { error: 'BadRequest' } });
    expect(node.refused.map(({ call, signed }) => [call, signed])).toEqual([
      ['balances.transferKeepAlive', true],
      ['subtensorModule.registerNetwork', true],
      ['subtensorModule.startCall', true],
      ['subtensorModule.burnedRegister', true],
      ['subtensorModule.addStake', true],
      ['subtensorModule.serveAxon', true],
      ['subtensorModule.setWeights', true],
      ['sudo.sudo', true],
      ['sudo.sudo', true],
    ]);
    expect(node.refused[0]!.args).toEqual([{ id: to }, '9223372036854775808']);
    expect(node.refused[4]!.args).toEqual([hot.address, 7, 5_000_000_000]);
    expect(node.refused[5]!.args).toEqual([7, 1000, 0x7f100001, 9000, 4, 4, 0, 0]);
    expect(node.refused[6]!.args).toEqual([
      7,
      longRow.map(([uid]) => uid),
      longRow.map(([, value]) => value),
      2 ** 40,
    ]);
    expect(node.refused[7]!.args).toEqual([
      { callIndex: expect.any(String), args: { netuid: 7, tempo: 20 } },
    ]);
  });

  it('names a call, a block and a subnet that this chain does not have', async () => {
    await expect(
      chain.sudo(devKeypair('cold'), { call: 'sudo_set_nothing', args: [1] }),
    ).rejects.toMatchObject({
      code: 'chain-unknown',
      data: { what: 'call AdminUtils.sudo_set_nothing' },
    });
    await expect(chain.sudo(devKeypair('cold'), { call: 'sudo_set_tempo', args: [1] })).rejects.toMatchObject(
      {
        code: 'invalid-input',
      },
    );
    await expect(chain.subnet(toNetuid(8))).rejects.toMatchObject({ code: 'chain-unknown' });
    await expect(chain.subnet(netuid, new Uint8Array(32).fill(1))).rejects.toMatchObject({
      code: 'chain-unknown',
    });
    await expect(chain.blockHash(43)).rejects.toMatchObject({ code: 'chain-unknown' });
  });
});
