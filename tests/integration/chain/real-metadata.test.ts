import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ChainReader,
  type ChainWriter,
  connectSubtensor,
  type SubtensorReader,
} from '../../../src/chain/index.js';
import { parseSnapshot, SNAPSHOT_ITEMS, snapshotText } from '../../../src/chain/snapshot-file.js';
import { devKeypair, readyKeys, toAddress } from '../../../src/keys/index.js';
import type { Keypair } from '../../../src/keys/keypair.js';
import { fromHex } from '../../../src/model/bytes.js';
import { systemClock } from '../../../src/model/clock.js';
import { toHotkey, toNetuid, toUid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { type CannedNode, serveCanned } from './canned-node.js';

// metadata V16 of Subtensor's mainnet, spec 424; not part of the repository (CONTRIBUTING.md, Tests)
const path = process.env.ASSAY_TEST_METADATA;
if (!path) console.warn("skipped: no real chain's metadata; ASSAY_TEST_METADATA names its file");

const CLIENT = fileURLToPath(new URL('../../../src/chain/subtensor', import.meta.url));

describe.skipIf(!path)('with the metadata of a real Subtensor', () => {
  const netuid = toNetuid(7);
  let node: CannedNode;
  let chain: ChainReader & SubtensorReader & ChainWriter;
  beforeAll(async () => {
    await readyKeys();
    [owner, miner, cold] = [devKeypair('owner'), devKeypair('miner'), devKeypair('cold')];
    node = await serveCanned(readFileSync(path!));
    chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
  });
  afterAll(async () => {
    await chain?.close();
    await node?.close();
  });

  const S = 'subtensorModule';
  let owner: Keypair;
  let miner: Keypair;
  let cold: Keypair;
  const NO_AXON = {
    block: 0,
    version: 0,
    ip: 0,
    port: 0,
    ipType: 0,
    protocol: 0,
    placeholder1: 0,
    placeholder2: 0,
  };

  it('reads a subnet by one call for its neurons, defaults included', async () => {
    node.set(S, 'networksAdded', [netuid], true);
    node.set(S, 'subnetOwner', [netuid], cold.address);
    node.set(S, 'subnetOwnerHotkey', [netuid], owner.address);
    node.set(S, 'lastEpochBlock', [netuid], 30);
    node.set(S, 'subnetEpochIndex', [netuid], 65);
    node.set(S, 'tempo', [netuid], 20);
    node.set(S, 'pendingEpochAt', [netuid], 44);
    node.set(S, 'totalHotkeyAlpha', [miner.address, netuid], '18446744073709551615');
    node.set(S, 'commitRevealWeightsEnabled', [netuid], false);
    node.set(S, 'weightsVersionKey', [netuid], '9007199254740993');
    node.set(S, 'stakeThreshold', [], '1000000000000');
    node.set(S, 'mechanismCountCurrent', [netuid], 2);
    node.set(S, 'neuronCertificates', [netuid, miner.address], { publicKey: '0x0102', algorithm: 1 });
    node.answer('SubnetInfoRuntimeApi_get_selective_mechagraph', {
      netuid,
      hotkeys: [owner.address, miner.address],
      coldkeys: [cold.address, cold.address],
      axons: [
        NO_AXON,
        { ...NO_AXON, block: 13, ip: '42540766411282592856903984951653826561', port: 8091, ipType: 6 },
      ],
      // shorter than the subnet until its next epoch
      validatorPermit: [true],
      dividends: [65534],
      active: [true, true],
      lastUpdate: [40, 12],
      incentives: [0, 65535],
      emission: [0, '18446744073709551615'],
      blockAtRegistration: [0, 12],
      totalStake: [0, '9007199254740995'],
    });
    expect(await chain.subnet(netuid, undefined, 1)).toEqual({
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
      stakeThresholdRao: 1_000_000_000_000n,
      commitRevealEnabled: false,
      revealPeriodEpochs: 1,
      timelockVersion: 4,
      mechanismCount: 2,
      neurons: [
        {
          uid: 0,
          hotkey: owner.address,
          coldkey: cold.address,
          stakeRao: 0n,
          consensusStakeRao: 0n,
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
          consensusStakeRao: 9007199254740995n,
          validatorPermit: false,
          active: true,
          lastUpdate: 12,
          registeredAt: 12,
          incentive: 65535,
          dividends: 0,
          emissionRao: 18446744073709551615n,
          axon: {
            ip: '2001:db8::1',
            port: 8091,
            serverKey: { algorithm: 1, publicKey: Uint8Array.of(1, 2) },
          },
        },
      ],
    });
    // SelectiveMetagraphIndex: hotkeys, coldkeys, axons, active, permits, last updates, emission, dividends, incentives,
    // registrations, total stake
    expect(node.asked.at(-1)).toEqual({
      api: 'SubnetInfoRuntimeApi_get_selective_mechagraph',
      args: [7, 1, [52, 53, 55, 56, 57, 59, 60, 61, 62, 66, 69]],
    });
    await expect(chain.subnet(netuid, undefined, 2)).rejects.toMatchObject({ code: 'chain-unknown' });
    // a node that declares a chain type of its own is no place for simulated devices
    expect(await chain.info()).toMatchObject({ type: 'live', blockTimeMs: 12_000 });
  });

  it('reads rows and commits of a mechanism where the chain keeps them', async () => {
    const row = [
      [0, 0],
      [1, 65535],
    ];
    node.set(S, 'weights', [netuid + 4096, 0], row);
    node.set(S, 'bonds', [netuid, 0], row);
    node.set(S, 'subnetworkN', [netuid], 2);
    expect(await chain.weights(netuid, toUid(0), undefined, 1)).toEqual(row);
    expect(await chain.weights(netuid, toUid(0))).toEqual([]);
    expect(await chain.bondsMatrix(netuid)).toEqual([row, []]);
    expect(await chain.alphaRao(toHotkey(miner.address), netuid)).toBe(18446744073709551615n);

    const hash = `0x${'ab'.repeat(32)}`;
    node.set(S, 'weightCommits', [netuid + 4096, miner.address], [[hash, 64, 39, 0]]);
    node.set(
      S,
      'timelockedWeightCommits',
      [netuid + 4096, 65],
      [
        [owner.address, 41, '0x00', 9],
        [miner.address, 40, '0x616263', 1000],
      ],
    );
    expect(await chain.pendingCommits(netuid, toHotkey(miner.address), undefined, 1)).toEqual([
      { kind: 'plain', hash: fromHex(hash), epoch: 64, block: 39 },
      {
        kind: 'timelocked',
        // blake2b-256 of "abc": hashlib.blake2b(b"abc", digest_size=32)
        hash: fromHex('bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319'),
        epoch: 65,
        block: 40,
        revealRound: 1000,
      },
    ]);
    expect(await chain.pendingCommits(netuid, toHotkey(miner.address))).toEqual([]);
  });

  it('reads quicknet from BeaconConfig’s default', async () => {
    node.set('drand', 'lastStoredRound', [], 4242);
    expect(await chain.beacon()).toEqual({
      // drand chain 52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971
      publicKey: fromHex(
        '83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
      ),
      periodSeconds: 3,
      genesisSeconds: 1_692_803_367,
      blockTimestampMs: 0, // the canned node has no time
      lastStoredRound: 4242,
    });
  });

  it('has every storage item and runtime API that the client names, but for those of older runtimes', () => {
    const names = { item: new Set<string>(), api: new Set<string>() };
    for (const file of readdirSync(CLIENT).filter((name) => name.endsWith('.ts'))) {
      const source = readFileSync(join(CLIENT, file), 'utf8');
      for (const [, name] of source.matchAll(/(?:MODULE|\bM),\s*'([A-Z]\w+)'/g))
        names.item.add(`SubtensorModule.${name}`);
      for (const [, pallet, name] of source.matchAll(/'(System|Drand|Swap|Commitments)',\s*'(\w+)'/g))
        names.item.add(`${pallet}.${name}`);
      for (const [, name] of source.matchAll(/'(\w+Api_\w+)'/g)) names.api.add(name!);
    }
    for (const group of ['chain', 'hyperparameters', 'schedule', 'pool', 'emission'] as const)
      for (const name of SNAPSHOT_ITEMS[group]) names.item.add(`SubtensorModule.${name}`);
    for (const name of SNAPSHOT_ITEMS.swap) names.item.add(`Swap.${name}`);
    expect(names.item.size).toBeGreaterThan(90);
    expect([...names.item].filter((name) => !node.has.item(name)).sort()).toEqual([
      'SubtensorModule.NetworkLastRegistered',
    ]);
    expect(names.api.size).toBeGreaterThan(10);
    expect([...names.api].filter((name) => !node.has.api(name))).toEqual([]);
  });

  it('finds in its metadata all that the main network has', async () => {
    expect(await chain.features()).toEqual({
      epochs: 'stateful',
      mechanisms: true,
      plainCommits: true,
      timelockedCommits: true,
      beacon: true,
      serverKeys: true,
      registerLimit: true,
      stakeLimits: true,
      freezeWindow: true,
      metagraph: 'selective-mechagraph',
      hyperparameters: 'v3',
      subnetList: 'dynamic-info',
      stakeInfo: 'runtime-api',
      simulatedSwaps: true,
    });
  });

  it('reads hyperparameters with the kind that each says it has', async () => {
    node.answer('SubnetInfoRuntimeApi_get_subnet_hyperparams_v3', [
      { name: 'kappa', value: { U16: 32767 } },
      { name: 'max_burn', value: { TaoBalance: '18446744073709551615' } },
      { name: 'subnet_is_active', value: { Bool: true } },
      { name: 'alpha_sigmoid_steepness', value: { I32F32: { bits: '-4294967296000' } } },
      { name: 'burn_increase_mult', value: { U64F64: { bits: '23243057612586254336' } } },
    ]);
    expect(await chain.hyperparameters(netuid)).toEqual([
      { name: 'kappa', kind: 'integer', value: 32767n },
      { name: 'max_burn', kind: 'rao', value: 18446744073709551615n },
      { name: 'subnet_is_active', kind: 'boolean', value: true },
      { name: 'alpha_sigmoid_steepness', kind: 'fixed', value: { bits: -4294967296000n, fractionBits: 32 } },
      { name: 'burn_increase_mult', kind: 'fixed', value: { bits: 23243057612586254336n, fractionBits: 64 } },
    ]);
  });

  it('reads names of which each byte is an integer of its own, and fixed point as its bits', async () => {
    const bytes = [...new TextEncoder().encode('τεστ')]; // all of 64 and more: two bytes each in SCALE
    node.answer('SubnetInfoRuntimeApi_get_all_dynamic_info', [
      null,
      {
        netuid,
        ownerHotkey: owner.address,
        ownerColdkey: cold.address,
        subnetName: bytes,
        tokenSymbol: [206, 177],
        tempo: 360,
        taoIn: 5,
        alphaIn: '9007199254740993',
        alphaOut: 7,
        networkRegisteredAt: 3,
        subnetIdentity: { subnetName: 'τεστ', discord: '0xff' },
        movingPrice: { bits: 233 },
      },
    ]);
    node.answer('SwapRuntimeApi_current_alpha_price_all', [{ netuid, price: '625422962132' }]);
    expect(await chain.subnets()).toEqual([
      {
        netuid,
        name: 'τεστ',
        symbol: 'α',
        ownerHotkey: owner.address,
        ownerColdkey: cold.address,
        tempo: 360,
        registeredAt: 3,
        priceRao: 625_422_962_132n,
        movingPrice: { bits: 233n, fractionBits: 32 },
        taoInRao: 5n,
        alphaInRao: 9007199254740993n,
        alphaOutRao: 7n,
        identity: { subnetName: 'τεστ', discord: '\ufffd' },
      },
    ]);
  });

  it('reads stakes, delegates, child keys, prices and swaps', async () => {
    node.answer('StakeInfoRuntimeApi_get_stake_info_for_coldkey', [
      { hotkey: miner.address, coldkey: cold.address, netuid, stake: '9007199254740993', isRegistered: true },
    ]);
    expect(await chain.stakesOf(cold.address)).toEqual([
      { hotkey: miner.address, netuid, alphaRao: 9007199254740993n, isRegistered: true },
    ]);
    expect(node.asked.at(-1)!.args).toEqual([cold.address]);

    node.answer('DelegateInfoRuntimeApi_get_delegates', [
      {
        delegateSs58: owner.address,
        ownerSs58: cold.address,
        take: 11796,
        nominators: [[miner.address, [[netuid, '9007199254740993']]]],
        registrations: [netuid],
        validatorPermits: [],
      },
    ]);
    expect(await chain.delegates()).toEqual([
      {
        hotkey: owner.address,
        coldkey: cold.address,
        take: 11796,
        nominators: [{ coldkey: miner.address, stakes: [{ netuid, alphaRao: 9007199254740993n }] }],
        registrations: [netuid],
        validatorPermits: [],
      },
    ]);

    node.set(S, 'childKeys', [owner.address, netuid], [['18446744073709551615', miner.address]]);
    node.set(S, 'pendingChildKeys', [netuid, owner.address], [[['1', miner.address]], 7200]);
    expect(await chain.childKeys(toHotkey(owner.address), netuid)).toEqual({
      children: [{ hotkey: miner.address, proportion: 18446744073709551615n }],
      parents: [],
      pending: { children: [{ hotkey: miner.address, proportion: 1n }], effectiveAt: 7200 },
      take: 0,
    });

    node.answer('SwapRuntimeApi_current_alpha_price', '625422962132');
    node.answer('SubnetRegistrationRuntimeApi_get_network_registration_cost', '1999067460404');
    expect(await chain.prices(netuid)).toEqual({
      alphaRao: 625_422_962_132n,
      registrationRao: 100_000_000n,
      subnetRao: 1_999_067_460_404n,
    });
    node.answer('SwapRuntimeApi_sim_swap_alpha_for_tao', {
      taoAmount: 9,
      alphaAmount: 8,
      taoFee: 1,
      alphaFee: 2,
    });
    expect(await chain.simulateSwap(netuid, { sell: 'alpha', amountRao: 2n ** 63n })).toEqual({
      taoRao: 9n,
      alphaRao: 8n,
      taoFeeRao: 1n,
      alphaFeeRao: 2n,
    });
    expect(node.asked.at(-1)!.args).toEqual([7, '9223372036854775808']);
  });

  it('reads commitments of every kind', async () => {
    node.set('commitments', 'commitmentOf', [netuid, miner.address], {
      deposit: 5,
      block: 41,
      info: {
        fields: [
          { None: null },
          { Raw3: '0x616263' },
          { Sha256: `0x${'11'.repeat(32)}` },
          { TimelockEncrypted: { encrypted: '0x0102', revealRound: 77 } },
          { ResetBondsFlag: null },
          { BigRaw: `0x${'22'.repeat(200)}` },
        ],
      },
    });
    node.set('commitments', 'revealedCommitments', [netuid, miner.address], [['0x6869', 40]]);
    expect(await chain.commitments(netuid)).toEqual([
      {
        hotkey: miner.address,
        block: 41,
        depositRao: 5n,
        fields: [
          { kind: 'none' },
          { kind: 'raw', bytes: Uint8Array.of(0x61, 0x62, 0x63) },
          { kind: 'hash', algorithm: 'Sha256', digest: new Uint8Array(32).fill(0x11) },
          { kind: 'timelocked', bytes: Uint8Array.of(1, 2), revealRound: 77 },
          { kind: 'reset-bonds' },
          { kind: 'raw', bytes: new Uint8Array(200).fill(0x22) },
        ],
        revealed: [{ block: 40, bytes: Uint8Array.of(0x68, 0x69) }],
      },
    ]);
  });

  it('reads what hotkeys announced, identities and balances', async () => {
    node.set(S, 'axons', [netuid, miner.address], {
      ...NO_AXON,
      block: 13,
      version: 1000,
      ip: 0x7f100001,
      port: 9000,
      ipType: 4,
    });
    node.set(S, 'prometheus', [netuid, miner.address], {
      block: 14,
      version: 1,
      ip: 0,
      port: 9100,
      ipType: 4,
    });
    expect(await chain.announcements(netuid)).toEqual([
      {
        hotkey: miner.address,
        axon: { ip: '127.16.0.1', port: 9000, block: 13, version: 1000 },
        prometheus: { ip: '0.0.0.0', port: 9100, block: 14, version: 1 },
        serverKey: { algorithm: 1, publicKey: Uint8Array.of(1, 2) },
      },
    ]);
    node.set(S, 'identitiesV2', [cold.address], { name: 'ξ', url: 'https://example.org' });
    expect(await chain.identityOf(cold.address)).toEqual({ name: 'ξ', url: 'https://example.org' });
    expect(await chain.identityOf(miner.address)).toBeUndefined();
    node.set('system', 'account', [cold.address], {
      providers: 1,
      data: { free: '18446744073709551615', reserved: 3 },
    });
    expect(await chain.balances([cold.address, miner.address])).toEqual([
      { address: cold.address, freeRao: 18446744073709551615n, reservedRao: 3n },
      { address: miner.address, freeRao: 0n, reservedRao: 0n },
    ]);
    expect(await chain.existentialDepositRao()).toBe(500n);
  });

  it('says from which block on each action is free again', async () => {
    node.set(S, 'uids', [netuid, miner.address], 1);
    node.set(S, 'lastUpdate', [netuid], [40, 12]);
    node.set(S, 'lastUpdate', [netuid + 4096], [0, 0]);
    node.set(S, 'transactionKeyLastBlock', [cold.address, netuid, 4], 20);
    node.set(S, 'lastRateLimitedBlock', [{ LastTxBlockDelegateTake: miner.address }], 10);
    node.set(S, 'lastRateLimitedBlock', [{ OwnerHyperparamUpdate: [netuid, 'Kappa'] }], 30);
    const limits = await chain.rateLimits(netuid, toHotkey(miner.address));
    const of = (name: string) => limits.find(({ action }) => action === name);
    expect(of('set_weights')).toEqual({
      action: 'set_weights',
      by: 'hotkey',
      limitBlocks: 100,
      lastBlock: 12,
      allowedAt: 112,
    });
    expect(of('set_mechanism_weights 1')).toMatchObject({ lastBlock: 0, allowedAt: 0 });
    expect(of('serve_axon')).toMatchObject({ limitBlocks: 50, lastBlock: 13, allowedAt: 63 });
    // 5 tempos of 20 blocks
    expect(of('sudo_set_weights_version_key')).toMatchObject({
      by: 'owner',
      limitBlocks: 100,
      lastBlock: 20,
      allowedAt: 120,
    });
    // the only one whose last refused block is the limit itself: exceeds_tx_delegate_take_rate_limit
    expect(of('increase_take')).toMatchObject({ limitBlocks: 216_000, lastBlock: 10, allowedAt: 216_011 });
    expect(of('owner hyperparameter Kappa')).toMatchObject({ limitBlocks: 40, lastBlock: 30, allowedAt: 70 });
    expect(of('owner hyperparameter TriggerEpoch')).toMatchObject({ allowedAt: 0 });
    // an epoch is forced at block 44: owners' parameters are frozen until then
    expect(await chain.freezeWindow(netuid)).toEqual({ windowBlocks: 10, next: { from: 42, until: 44 } });
    node.set(S, 'pendingEpochAt', [netuid], 0);
    expect(await chain.freezeWindow(netuid)).toEqual({ windowBlocks: 10, next: { from: 41, until: 50 } });
    node.set(S, 'pendingEpochAt', [netuid], 44);
  });

  it('decodes the events of a block', async () => {
    node.set(
      'system',
      'events',
      [],
      // one: ApplyExtrinsic(1); System.ExtrinsicSuccess of weight (0, 0), class Normal, Pays::Yes; no topics
      '0x040001000000000000000000',
    );
    expect(await chain.events()).toMatchObject([
      { pallet: 'System', name: 'ExtrinsicSuccess', extrinsic: 1, types: ['DispatchEventInfo'] },
    ]);
  });

  it('asks what an extrinsic costs, and takes a snapshot that the file’s format accepts', async () => {
    node.answer('TransactionPaymentApi_query_info', {
      weight: { refTime: 1, proofSize: 1 },
      class: 'Normal',
      partialFee: '9007199254740993',
    });
    expect(await chain.feeRao(Uint8Array.of(0x0c, 1, 2, 3))).toBe(9007199254740993n);
    expect(node.asked.at(-1)).toEqual({ api: 'TransactionPaymentApi_query_info', args: ['0x010203', 4] });
    const snapshot = parseSnapshot(snapshotText(await chain.snapshot(netuid)), 'snapshot');
    expect(snapshot).toMatchObject({
      specVersion: 424,
      netuid: 7,
      owner: { coldkey: cold.address, hotkey: owner.address },
      hyperparameters: {
        Tempo: 20,
        WeightsVersionKey: '9007199254740993',
        AlphaValues: [45875, 58982],
        RecycleOrBurn: 'Burn',
      },
      pool: { SubnetMovingPrice: '0' },
      // Perquintill of one half
      swap: { SwapBalancer: { quote: '500000000000000000' } },
      weights: [
        {
          mechanism: 1,
          uid: 0,
          row: [
            [0, 0],
            [1, 65535],
          ],
        },
      ],
      bonds: [
        {
          mechanism: 0,
          uid: 0,
          row: [
            [0, 0],
            [1, 65535],
          ],
        },
      ],
    });
    expect(snapshot.neurons[1]).toMatchObject({
      hotkey: miner.address,
      alphaRao: 18446744073709551615n,
      axon: { ip: '2131755009', ip_type: 4, port: 9000 },
    });
    expect(snapshot.neurons[1]).not.toHaveProperty('take');
    expect(snapshot.schedule).not.toHaveProperty('FirstEmissionBlockNumber');
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
