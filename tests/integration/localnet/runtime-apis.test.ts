// The localnet's runtime APIs through a bare ApiPromise, which knows of them what metadata V15 says and nothing else.
import type { Codec } from '@polkadot/types/types';
import { hexToU8a, u8aToHex } from '@polkadot/util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RuntimeCall, runtimeApis } from '../../../src/chain/codec/runtime.js';
import { startNode, TAO, type TestNode } from './node.js';

const ZERO_ACCOUNT = '5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM';
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

describe('runtime APIs of the localnet', () => {
  let node: TestNode;
  let keys: Record<'alice' | 'owner' | 'ownerHotkey' | 'validator' | 'miner', string>;
  type Methods = Record<string, (...args: unknown[]) => Promise<Codec>>;
  const apis = () => node.api.call as unknown as Record<string, Methods>;
  const subnets = () => apis().subnetInfoRuntimeApi!;
  const json = async (answer: Promise<Codec>) => (await answer).toJSON() as Record<string, unknown>;

  async function land(call: RuntimeCall, signer: string): Promise<void> {
    const receipt = node.localnet.submit(call, signer);
    node.localnet.produceBlock();
    expect((await receipt).error).toBeUndefined();
  }
  const subtensor = (name: string, args: object) =>
    ({ pallet: 'SubtensorModule', name, args }) as unknown as RuntimeCall; // the localnet names what it does not know
  const admin = (name: string, args: object) =>
    ({ pallet: 'Sudo', name: 'sudo', args: { call: { pallet: 'AdminUtils', name, args } } }) as RuntimeCall;

  beforeAll(async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {}); // polkadot.js prints what it also throws
    node = await startNode({ tempo: 20 });
    const address = (name: string) => node.pair(name).address;
    keys = {
      alice: address('Alice'),
      owner: address('Bob'),
      ownerHotkey: address('owner-hotkey'),
      validator: address('validator'),
      miner: address('miner'),
    };
    const { alice, owner, ownerHotkey, validator, miner } = keys;
    const netuid = 1;
    await land(subtensor('register_network', { hotkey: ownerHotkey }), owner);
    await land(subtensor('start_call', { netuid }), owner);
    await land(admin('sudo_set_commit_reveal_weights_enabled', { netuid, enabled: false }), alice);
    await land(admin('sudo_set_weights_set_rate_limit', { netuid, weights_set_rate_limit: 0n }), alice);
    await land(subtensor('burned_register', { netuid, hotkey: validator }), alice);
    await land(subtensor('burned_register', { netuid, hotkey: miner }), alice);
    await land(subtensor('add_stake', { netuid, hotkey: validator, amount_staked: 50n * TAO }), alice);
    await land(subtensor('add_stake', { netuid: 0, hotkey: validator, amount_staked: 7n * TAO }), alice);
    // somebody else's stake with a limit makes a delegate of a hotkey
    const limits = { limit_price: 2n * TAO, allow_partial: true };
    await land(
      subtensor('add_stake_limit', { netuid: 0, hotkey: validator, amount_staked: 3n * TAO, ...limits }),
      owner,
    );
    const endpoint = { ip: 0x7f110001n, ip_type: 4, protocol: 4, placeholder1: 0, placeholder2: 0 };
    await land(subtensor('serve_axon', { netuid, version: 1000, port: 8091, ...endpoint }), miner);
    for (let i = 0; i < 20; i++) node.localnet.produceBlock();
    const row = { netuid, dests: [2], weights: [65535], version_key: 0n };
    await land(subtensor('set_weights', row), validator);
    for (let i = 0; i < 40; i++) node.localnet.produceBlock();
  });
  afterAll(() => node.close());

  it('are described by metadata V15, which @polkadot/api asks for beside V14', async () => {
    expect(node.api.runtimeMetadata.version).toBe(15);
    expect(hexToU8a(await node.provider.send('state_getMetadata', []))[4]).toBe(14);
    expect((await apis().metadata!.metadataVersions!()).toJSON()).toEqual([14, 15]);
    const version = (await apis().core!.version!()) as Codec & { apis: { length: number } };
    expect(version.apis).toHaveLength(Object.keys(runtimeApis).length);
  });

  it('answer with what their description decodes, every one of them', async () => {
    const { registry } = node.api;
    const { latest } = { latest: node.api.runtimeMetadata.asLatest };
    let called = 0;
    for (const { name, methods } of latest.apis)
      for (const method of methods) {
        const inputs = method.inputs.map(({ name: input, type }) =>
          input.toString() === 'uxt'
            ? node.api.tx.system!.remark!('0x00')
            : registry.createType(registry.createLookupType(type)),
        );
        const section = `${name.toString()[0]!.toLowerCase()}${name.toString().slice(1)}`;
        const answer = await apis()[section]![camel(method.name.toString())]!(...inputs);
        expect(answer.toU8a().length).toBeGreaterThan(0);
        called++;
      }
    expect(called).toBe(50);
  });

  it('tell a whole metagraph as storage has it', async () => {
    const { alice, owner, ownerHotkey, validator, miner } = keys;
    const metagraph = await json(subnets().getMetagraph!(1));
    const query = (item: string, ...args: unknown[]) => node.api.query.subtensorModule![item]!(...args);
    expect(metagraph).toMatchObject({
      netuid: 1,
      name: [...utf8('apex')],
      ownerHotkey,
      ownerColdkey: owner,
      block: node.localnet.head().number,
      tempo: 20,
      numUids: 3,
      maxUids: 256,
      activityCutoff: 277, // floor(13889 · 20 / 1000)
      maxWeightsLimit: 65535,
      rho: 10,
      kappa: 32767,
      alphaLow: 45875,
      alphaHigh: 58982,
      difficulty: 10_000_000,
      registrationAllowed: true,
      hotkeys: [ownerHotkey, validator, miner],
      coldkeys: [owner, alice, alice],
      identities: [null, null, null],
      pruningScore: [],
      trust: [],
      rank: [],
    });
    for (const [field, item] of [
      ['incentives', 'incentive'],
      ['dividends', 'dividends'],
      ['consensus', 'consensus'],
      ['emission', 'emission'],
      ['lastUpdate', 'lastUpdate'],
      ['active', 'active'],
      ['validatorPermit', 'validatorPermit'],
      ['alphaIn', 'subnetAlphaIn'],
      ['burn', 'burn'],
    ] as const)
      expect(metagraph[field]).toEqual((await query(item, 1)).toJSON());
    const axons = metagraph.axons as Record<string, unknown>[];
    expect(axons[1]).toMatchObject({ block: 0, ip: 0, port: 0 });
    expect(axons[2]).toMatchObject({ ip: 0x7f110001, port: 8091, ipType: 4, protocol: 4 });
    const [alpha, tao, total] = ['alphaStake', 'taoStake', 'totalStake'].map(
      (field) => (metagraph[field] as number[])[1]!,
    ) as [number, number, number];
    expect(alpha).toBe(Number((await query('totalHotkeyAlpha', validator, 1)).toString()));
    expect(tao).toBe(10e9);
    // TaoWeight 971718665099567868 / (2^64 − 1) with 32 fraction bits: 226245882 / 2^32 of 10 TAO
    expect(total).toBe(alpha + 526_769_743);
  });

  it('answer for a block of the past from its state', async () => {
    const { number } = node.localnet.head();
    const at = await node.api.at(await node.api.rpc.chain.getBlockHash(number - 30));
    const before = await json(
      (at.call as unknown as Record<string, Methods>).subnetInfoRuntimeApi!.getMetagraph!(1),
    );
    expect(before.block).toBe(number - 30);
  });

  it('tell the fields of a selective metagraph that were asked for', async () => {
    // 52 hotkeys, 3 identity, 72 validators, 9999 nothing; the netuid is index 0, and 0 without it
    const selective = await json(subnets().getSelectiveMetagraph!(1, [52, 3, 72, 9999, 52]));
    const present = Object.entries(selective).filter(([, value]) => value !== null);
    expect(Object.fromEntries(present)).toEqual({
      netuid: 0,
      hotkeys: [keys.ownerHotkey, keys.validator, keys.miner],
      validators: [0, 2, 1], // by rising stake
    });
    const bytes = await node.provider.send('state_call', [
      'SubnetInfoRuntimeApi_get_selective_metagraph',
      '0x0100080300ffff',
    ]);
    // Some, netuid 0, 72 absent fields but the third: an identity that was asked for and is not there
    expect(bytes).toBe(`0x0100${'00'.repeat(2)}0100${'00'.repeat(70)}`);
    const mechanism = await json(subnets().getSelectiveMechagraph!(1, 1, [7, 62]));
    expect([mechanism.netuid, mechanism.incentives]).toEqual([1, []]);
    expect(mechanism.block).toBe(node.localnet.head().number);
  });

  it('tell what neurons and owners said of themselves', async () => {
    const { alice, owner, miner } = keys;
    const none = new Uint8Array();
    const chosen = { discord: none, description: none, additional: none, github_repo: none };
    const identity = {
      ...chosen,
      subnet_name: utf8('Fünf'),
      subnet_contact: none,
      subnet_url: none,
      logo_url: none,
    };
    await land(subtensor('set_subnet_identity', { netuid: 1, ...identity }), owner);
    await land(subtensor('set_identity', { ...chosen, name: utf8('Alice'), url: none, image: none }), alice);
    const info = { fields: [{ type: 'Raw2', value: [utf8('hi')] }] };
    const commit = { pallet: 'Commitments', name: 'set_commitment', args: { netuid: 1, info } };
    await land(commit as RuntimeCall, miner);
    const block = node.localnet.head().number;
    const metagraph = await json(subnets().getSelectiveMetagraph!(1, [0, 1, 3, 54, 73]));
    expect(metagraph).toMatchObject({
      netuid: 1,
      name: [...utf8('Fünf')], // every byte compact: ü is 0xc3 0xbc and takes four
      identity: { subnetName: u8aToHex(utf8('Fünf')), discord: '0x' },
      identities: [null, { name: u8aToHex(utf8('Alice')) }, { name: u8aToHex(utf8('Alice')) }],
      // as storage has it: deposit 0 as u64, the block as u32, one field of variant Raw2 and its bytes
      commitments: [[miner, [...Array(8).fill(0), block & 255, block >> 8, 0, 0, 4, 3, ...utf8('hi')]]],
    });
    expect(await json(subnets().getSubnetInfoV2!(1))).toMatchObject({
      identity: { subnetName: u8aToHex(utf8('Fünf')) },
      owner,
      subnetworkN: 3,
      scalingLawPower: 50,
      networkConnect: [],
    });
    expect(await json(subnets().getDynamicInfo!(1))).toMatchObject({
      subnetName: [...utf8('Fünf')],
      tempo: 20,
    });
  });

  it('tell mechanisms apart and what does not exist from what does', async () => {
    expect((await json(subnets().getMechagraph!(1, 0))).netuid).toBe(1);
    expect(await json(subnets().getMechagraph!(1, 1))).toBeNull();
    for (const method of ['getMetagraph', 'getSubnetInfo', 'getSubnetState', 'getDynamicInfo'])
      expect(await json(subnets()[method]!(9))).toBeNull();
    expect(await json(subnets().getSubnetAccountId!(9))).toBeNull();
    // as on the chain: a subnet that is none has the default tempo
    expect(await json(subnets().getNextEpochStartBlock!(9))).toBe(360);
    const epoch = await node.api.query.subtensorModule!.lastEpochBlock!(1);
    expect(await json(subnets().getNextEpochStartBlock!(1))).toBe(Number(epoch.toString()) + 20);
  });

  it('tell hyperparameters in all three forms', async () => {
    const first = await json(subnets().getSubnetHyperparams!(1));
    const second = await json(subnets().getSubnetHyperparamsV2!(1));
    expect(second).toMatchObject(first);
    expect(second).toMatchObject({
      weightsRateLimit: 0,
      commitRevealWeightsEnabled: false,
      yumaVersion: 3,
      subnetIsActive: true,
      transfersEnabled: true,
      userLiquidityEnabled: false,
      alphaSigmoidSteepness: { bits: 1000 * 2 ** 32 },
    });
    const third = (await json(subnets().getSubnetHyperparamsV3!(1))) as unknown as {
      name: string;
      value: object;
    }[];
    const entries = third.map(({ name, value }) => [Buffer.from(hexToU8a(name)).toString(), value] as const);
    expect(entries.length).toBe(33);
    expect(entries[0]).toEqual(['kappa', { u16: 32767 }]);
    expect(Object.fromEntries(entries)).toMatchObject({
      tempo: { u16: 20 },
      activity_cutoff: { u64: 277 },
      activity_cutoff_factor: { u32: 13889 },
      min_burn: { taoBalance: 500_000 },
      owner_cut_enabled: { bool: true },
      min_childkey_take: { u16: 0 },
    });
  });

  it('tell neurons with their rows, and without', async () => {
    const neurons = apis().neuronInfoRuntimeApi!;
    const [, validator] = (await json(neurons.getNeurons!(1))) as unknown as Record<string, unknown>[];
    expect(validator).toMatchObject({
      hotkey: keys.validator,
      coldkey: keys.alice,
      uid: 1,
      netuid: 1,
      active: true,
      validatorPermit: true,
      weights: [[2, 65535]],
      rank: 0,
      pruningScore: 65535,
      prometheusInfo: { block: 0, version: 0, ip: 0, port: 0, ipType: 0 },
    });
    const { weights: _, bonds: __, ...lite } = validator!;
    expect(await json(neurons.getNeuronLite!(1, 1))).toEqual(lite);
    expect(await json(neurons.getNeuron!(1, 3))).toBeNull();
    expect(await json(neurons.getNeurons!(9))).toEqual([]);
  });

  it('tell stake by its owner, and what of it is free', async () => {
    const stakes = apis().stakeInfoRuntimeApi!;
    const { alice, validator } = keys;
    const infos = (await json(stakes.getStakeInfoForColdkey!(alice))) as unknown as Record<string, unknown>[];
    expect(infos.map(({ netuid, hotkey }) => [netuid, hotkey])).toContainEqual([0, validator]);
    const root = infos.find(({ netuid }) => netuid === 0);
    expect(root).toMatchObject({ coldkey: alice, stake: 7e9, locked: 0, isRegistered: false });
    expect(await json(stakes.getStakeInfoForHotkeyColdkeyNetuid!(validator, alice, 0))).toEqual(root);
    expect(await json(stakes.getStakeInfoForColdkeys!([]))).toEqual([]);
    const free = await stakes.getStakeAvailabilityForColdkeys!([alice], [0]);
    expect(free.toJSON()).toEqual({ [alice]: { 0: { total: 7e9, locked: 0, available: 7e9 } } });
    // an empty request is none: netuids are left out only where there is no list
    expect((await stakes.getStakeAvailabilityForColdkeys!([alice], [])).toJSON()).toEqual({ [alice]: {} });
    // 33/65535 of 1 TAO, truncated; nothing within one position, nothing on root
    const fee = (from: unknown, to: unknown) => json(stakes.getStakeFee!(from, alice, to, alice, TAO));
    expect(await fee(null, [validator, 1])).toBe(503_547);
    expect(await fee([validator, 1], [validator, 1])).toBe(0);
    expect(await fee([validator, 1], [validator, 0])).toBe(0);
  });

  it('simulate a purchase as it then happens', async () => {
    const { alice, validator } = keys;
    const swaps = apis().swapRuntimeApi!;
    const simulated = await json(swaps.simSwapTaoForAlpha!(1, TAO));
    expect(simulated).toMatchObject({ taoFee: 503_547, taoAmount: 1e9 - 503_547, alphaFee: 0 });
    expect(simulated.alphaSlippage).toBeGreaterThan(0);
    const stake = async () =>
      BigInt((await node.api.query.subtensorModule!.totalHotkeyAlpha!(validator, 1)).toString());
    const before = await stake();
    const price = await json(swaps.currentAlphaPrice!(1));
    expect(await json(swaps.currentAlphaPriceAll!())).toEqual([
      { netuid: 0, price: 1_000_000_000 },
      { netuid: 1, price },
    ]);
    await land(subtensor('add_stake', { netuid: 1, hotkey: validator, amount_staked: TAO }), alice);
    expect((await stake()) - before).toBe(BigInt(simulated.alphaAmount as number));
    expect(await json(swaps.simSwapAlphaForTao!(0, 5))).toMatchObject({ taoAmount: 5, alphaAmount: 5 });
    expect(await json(swaps.simSwapAlphaForTao!(1, 2n ** 64n - 1n))).toMatchObject({ taoAmount: 0 });
  });

  it('tell delegates with their nominators', async () => {
    const delegates = apis().delegateInfoRuntimeApi!;
    const { alice, owner, validator } = keys;
    const info = await json(delegates.getDelegate!(validator));
    const stakes = apis().stakeInfoRuntimeApi!;
    const own = (await json(stakes.getStakeInfoForHotkeyColdkeyNetuid!(validator, alice, 1))).stake;
    expect(info).toMatchObject({
      delegateSs58: validator,
      take: 11_796,
      // by the bytes of their accounts
      nominators: [
        [owner, [[0, 3e9]]],
        [
          alice,
          [
            [0, 7e9],
            [1, own],
          ],
        ],
      ],
      ownerSs58: alice,
      registrations: [1],
      validatorPermits: [1],
    });
    expect(await json(delegates.getDelegate!(ZERO_ACCOUNT))).toBeNull();
    const delegated = (await json(delegates.getDelegated!(alice))) as unknown as [
      Record<string, unknown>,
      unknown,
    ][];
    expect(
      delegated.map(([{ delegateSs58, nominators }, stake]) => [delegateSs58, nominators, stake]),
    ).toContainEqual([validator, [], [0, 7e9]]);
  });

  it('are mirrored in JSON-RPC as bytes, but for four that answer in JSON', async () => {
    const { provider } = node;
    const call = async (name: string, data = '0x') => [
      ...hexToU8a(await provider.send('state_call', [name, data])),
    ];
    expect(await provider.send('neuronInfo_getNeuronsLite', [1])).toEqual(
      await call('NeuronInfoRuntimeApi_get_neurons_lite', '0x0100'),
    );
    const publicKey = node.pair('validator').publicKey;
    expect(await provider.send('delegateInfo_getDelegate', [[...publicKey]])).toEqual(
      await call('DelegateInfoRuntimeApi_get_delegate', u8aToHex(publicKey)),
    );
    expect(await provider.send('subnetInfo_getSelectiveMetagraph', [1, [0, 52]])).toEqual(
      await call('SubnetInfoRuntimeApi_get_selective_metagraph', '0x01000800003400'),
    );
    const hash = await provider.send('chain_getBlockHash', [0]);
    expect(await provider.send('subnetInfo_getSubnetInfo_v2', [1, hash])).toEqual([0]);
    expect(await provider.send('subnetInfo_getColdkeyAutoStakeHotkey', [keys.alice, 1])).toEqual([0]);
    expect(await provider.send('subnetInfo_getLockCost', [])).toBe(
      Number((await apis().subnetRegistrationRuntimeApi!.getNetworkRegistrationCost!()).toString()),
    );
    expect(await provider.send('subnetInfo_getSubnetToPrune', [])).toBeNull();
    expect(await provider.send('swap_currentAlphaPriceAll', [])).toHaveLength(2);
    for (const [method, params] of [
      ['subnetInfo_getMetagraph', []],
      ['subnetInfo_getMetagraph', [65536]],
      ['delegateInfo_getDelegate', [[1, 2, 3]]],
      ['subnetInfo_getColdkeyAutoStakeHotkey', ['nobody', 1]],
    ] as const)
      await expect(provider.send(method, [...params])).rejects.toThrow('Invalid params');
  });

  it('refuse bytes that are not their arguments, and names that are not theirs', async () => {
    const call = (name: string, data: string) => node.provider.send('state_call', [name, data]);
    await expect(call('SubnetInfoRuntimeApi_get_metagraph', '0x01')).rejects.toThrow('expected 2 more bytes');
    await expect(call('SubnetInfoRuntimeApi_get_metagraph', '0x010000')).rejects.toThrow('1 bytes left over');
    await expect(call('SubnetInfoRuntimeApi_constructor', '0x')).rejects.toThrow('is not found');
  });
});
