// A subnet from nothing to its second paid epoch, seen by a client that shares no code with the node.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startNode, TAO, type TestNode } from './node.js';

const TEMPO = 20;
const ipv4 = (a: number, b: number, c: number, d: number) => a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;

describe('a subnet on the localnet, through a bare ApiPromise', () => {
  let node: TestNode;
  const keys = () => ({
    alice: node.pair('Alice'),
    owner: node.pair('Bob'),
    ownerHotkey: node.pair('owner-hotkey'),
    validator: node.pair('validator'),
    miner: node.pair('miner'),
    otherMiner: node.pair('other-miner'),
  });
  const tx = () => node.api.tx.subtensorModule!;
  const admin = () => node.api.tx.adminUtils!;
  const query = () => node.api.query.subtensorModule!;
  const sudo = (call: Parameters<TestNode['land']>[0]) =>
    node.land(node.api.tx.sudo!.sudo!(call), keys().alice);
  const big = async (item: string, ...args: unknown[]) => BigInt((await query()[item]!(...args)).toString());
  /** up to and including the next epoch's block */
  async function untilEpoch(): Promise<string> {
    const index = Number(await query().subnetEpochIndex!(1));
    let hash = '';
    while (Number(await query().subnetEpochIndex!(1)) === index) hash = await node.newBlock();
    return hash;
  }

  beforeAll(async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {}); // polkadot.js prints what it also throws
    node = await startNode();
  });
  afterAll(() => node.close());

  it('registers a network as the chain starts one', async () => {
    const { owner, ownerHotkey } = keys();
    const landed = await node.land(tx().registerNetwork!(ownerHotkey.address), owner);
    expect(landed.error).toBeUndefined();
    expect(landed.events).toContain('subtensorModule.NetworkAdded');
    expect((await query().subnetOwner!(1)).toString()).toBe(owner.address);
    expect((await query().keys!(1, 0)).toString()).toBe(ownerHotkey.address);
    const started = await Promise.all(
      [
        'tempo',
        'yuma3On',
        'commitRevealWeightsEnabled',
        'subnetEmissionEnabled',
        'weightsSetRateLimit',
        'burn',
      ].map(async (item) => (await query()[item]!(1)).toJSON()),
    );
    expect(started).toEqual([360, true, true, false, 100, 1_000_000_000]);
    expect(await big('subnetTAO', 1)).toBe(1000n * TAO);
    expect(await big('lastEpochBlock', 1)).toBe(0n);
  });

  it('refuses stake before start_call and admits it after', async () => {
    const { owner, ownerHotkey } = keys();
    const early = await node.land(tx().addStake!(ownerHotkey.address, 1, TAO), owner);
    expect(early.error).toBe('subtensorModule.SubtokenDisabled');
    expect((await node.land(tx().startCall!(1), owner)).error).toBeUndefined();
    const again = await node.land(tx().startCall!(1), owner);
    expect(again.error).toBe('subtensorModule.FirstEmissionBlockNumberAlreadySet');
  });

  it('takes hyperparameters from sudo only, and tells the inner result', async () => {
    const { owner } = keys();
    const calls = [
      admin().sudoSetYuma3Enabled!(1, false),
      admin().sudoSetCommitRevealWeightsEnabled!(1, false),
      admin().sudoSetWeightsSetRateLimit!(1, 0),
      admin().sudoSetServingRateLimit!(1, 0),
      admin().sudoSetSubnetEmissionEnabled!(1, true),
    ];
    for (const call of calls) expect((await sudo(call)).error).toBeUndefined();
    await expect(node.land(node.api.tx.sudo!.sudo!(calls[0]!), owner)).rejects.toThrow(
      '1010: Invalid Transaction: Invalid signing address',
    );
    expect((await node.land(admin().sudoSetKappa!(1, 1), owner)).error).toBe('BadOrigin');
    expect((await sudo(admin().sudoSetKappa!(99, 1))).error).toBe('adminUtils.SubnetDoesNotExist');
    expect((await sudo(admin().sudoSetTempo!(1, TEMPO))).error).toBeUndefined();
    expect((await query().tempo!(1)).toJSON()).toBe(TEMPO);
  });

  it('registers neurons at a price that rises with each', async () => {
    const { alice, validator, miner, otherMiner } = keys();
    const before = await big('burn', 1);
    for (const { address } of [validator, miner, otherMiner])
      expect((await node.land(tx().burnedRegister!(1, address), alice)).error).toBeUndefined();
    expect((await query().subnetworkN!(1)).toJSON()).toBe(4);
    expect((await query().uids!(1, otherMiner.address)).toJSON()).toBe(3);
    expect(await big('burn', 1)).toBeGreaterThan(before);
    const twice = await node.land(tx().burnedRegister!(1, miner.address), alice);
    expect(twice.error).toBe('subtensorModule.HotKeyAlreadyRegisteredInSubNet');
  });

  it('admits a loopback address of its own, not 127.0.0.1 nor ::1', async () => {
    const { miner, alice } = keys();
    const axon = (ip: number, type = 4, port = 8091) => tx().serveAxon!(1, 1, ip, port, type, 4, 0, 0);
    // as on Subtensor the pool refuses already, with the code of InvalidIpAddress
    for (const [bad, code] of [
      [axon(ipv4(127, 0, 0, 1)), 11],
      [axon(1, 6), 11],
      [axon(0xffff_ffff), 11],
      [axon(ipv4(127, 17, 0, 1), 4, 0), 13],
      [axon(ipv4(127, 17, 0, 1), 5), 255],
    ] as const)
      await expect(node.land(bad, miner)).rejects.toThrow(`1010: Invalid Transaction: Custom error: ${code}`);
    await expect(node.land(axon(ipv4(127, 17, 0, 1)), alice)).rejects.toThrow('Custom error: 10');
    expect((await node.land(axon(ipv4(127, 17, 0, 1)), miner)).error).toBeUndefined();
    const stored = (await query().axons!(1, miner.address)).toJSON();
    expect(stored).toMatchObject({ ip: ipv4(127, 17, 0, 1), port: 8091, ipType: 4, protocol: 4 });
  });

  it('turns TAO into alpha stake at the pool price', async () => {
    const { alice, validator } = keys();
    const tooLow = await node.land(tx().addStake!(validator.address, 1, 2_000_000), alice);
    expect(tooLow.error).toBe('subtensorModule.AmountTooLow');
    const nobody = await node.land(tx().addStake!(node.pair('nobody').address, 1, TAO), alice);
    expect(nobody.error).toBe('subtensorModule.HotKeyAccountNotExists');
    const landed = await node.land(tx().addStake!(validator.address, 1, 100n * TAO), alice);
    expect(landed.events).toContain('subtensorModule.StakeAdded');
    const alpha = await big('totalHotkeyAlpha', validator.address, 1);
    expect(alpha).toBeGreaterThan(85n * TAO);
    expect(alpha).toBeLessThan(100n * TAO);
  });

  it('grants permits at the first epoch, lets weights count at the second, and burns what the owner mined', async () => {
    const { validator, miner, otherMiner, ownerHotkey } = keys();
    const weights = tx().setWeights!(1, [0, 2, 3], [100, 300, 100], 0);
    await untilEpoch();
    expect((await query().validatorPermit!(1)).toJSON()).toEqual([true, true, false, false]);
    const unpermitted = await node.land(tx().setWeights!(1, [0, 2], [1, 1], 0), miner);
    expect(unpermitted.error).toBe('subtensorModule.NeuronNoValidatorPermit');
    expect((await node.land(weights, validator)).events).toContain('subtensorModule.WeightsSet');
    expect((await query().weights!(1, 1)).toJSON()).toEqual([
      [0, 21845],
      [2, 65535],
      [3, 21845],
    ]);
    expect(await big('totalHotkeyAlpha', miner.address, 1)).toBe(0n);

    const circulating = async () => (await big('subnetAlphaOut', 1)) - (await big('subnetProtocolAlpha', 1));
    const outBefore = await circulating();
    const blockBefore = node.localnet.head().number;
    const hash = await untilEpoch();
    const earned = await Promise.all(
      [miner, otherMiner].map(({ address }) => big('totalHotkeyAlpha', address, 1)),
    );
    expect(earned[0]).toBeGreaterThan(0n);
    // 3 : 1, up to the fixed point's last digit
    const difference = earned[0]! - 3n * earned[1]!;
    expect(difference * difference).toBeLessThan(100n);
    const incentive = (await query().incentive!(1)).toJSON();
    // 0.2 and 0.6 of 65535, floored from just below: the chain's fixed point
    expect(incentive).toEqual([13106, 0, 39320, 13106]);

    const events = (await (await node.at(hash)).query.system!.events!()).toHuman() as {
      event: { method: string; data: { emissions: string[] } };
    }[];
    const paid = events.find(({ event }) => event.method === 'IncentiveAlphaEmittedToMiners')!.event.data;
    const ownerShare = BigInt(paid.emissions[0]!.replaceAll(',', ''));
    expect(ownerShare).toBe(earned[1]);
    const burned = (await query().minerBurned!(1)).toJSON() as { bits: number };
    expect(Number(burned.bits) / 2 ** 32).toBeCloseTo(0.2, 5);
    // the owner has the 18 % cut, and nothing of the incentive
    const cut = await big('totalHotkeyAlpha', ownerHotkey.address, 1);
    expect(cut).toBeGreaterThan(0n);
    // burned alpha stays in AlphaOut: only what blocks mint was added, and what the chain bought for itself
    expect((await circulating()) - outBefore).toBe(BigInt(node.localnet.head().number - blockBefore) * TAO);
  });

  it('conserves alpha and TAO', async () => {
    const hotkeys = await query().totalHotkeyAlpha!.entries();
    const staked = hotkeys.reduce((sum, [, value]) => sum + BigInt(value.toString()), 0n);
    const pending = (
      await Promise.all(
        ['pendingServerEmission', 'pendingValidatorEmission', 'pendingRootAlphaDivs', 'pendingOwnerCut'].map(
          (item) => big(item, 1),
        ),
      )
    ).reduce((sum, value) => sum + value, 0n);
    const held = await big('subnetProtocolAlpha', 1);
    const unassigned = (await big('subnetAlphaOut', 1)) - held - staked - pending;
    // the second epoch burned a fifth of the miners' half; the rest is floors, below a rao a neuron and block
    const { emissions } = await lastPaid(node);
    expect(unassigned - emissions[0]!).toBeGreaterThanOrEqual(0n);
    expect(unassigned - emissions[0]!).toBeLessThan(500n);

    const accounts = await node.api.query.system!.account!.entries();
    const free = accounts.reduce(
      (sum, [, info]) => sum + BigInt((info as unknown as { data: { free: bigint } }).data.free.toString()),
      0n,
    );
    expect(free).toBe(BigInt((await node.api.query.balances!.totalIssuance!()).toString()));
  });

  it("emits a block's TAO by buying alpha while root stakes nothing, and tells the price of weighted reserves", async () => {
    const before = [
      await big('subnetTAO', 1),
      await big('subnetProtocolAlpha', 1),
      await big('totalIssuance'),
    ];
    await node.newBlock();
    const after = [
      await big('subnetTAO', 1),
      await big('subnetProtocolAlpha', 1),
      await big('totalIssuance'),
    ];
    // no root proportion, so nothing is injected; of 10^9 rao the share of 32 fraction bits loses less than one
    expect(await big('subnetExcessTao', 1)).toBe(after[0]! - before[0]!);
    expect(after[0]! - before[0]!).toBeGreaterThanOrEqual(TAO - 1n);
    expect(after[2]! - before[2]!).toBe(after[0]! - before[0]!);
    expect(after[1]!).toBeGreaterThan(before[1]!);
    expect([await big('subnetTaoInEmission', 1), await big('subnetAlphaInEmission', 1)]).toEqual([0n, 0n]);
    const balancer = (await node.api.query.swap!.swapBalancer!(1)).toJSON() as { quote: number | string };
    expect(Number(balancer.quote)).toBeCloseTo(5e17, -12);
    const raw = await node.api.rpc.state.call('SwapRuntimeApi_current_alpha_price', '0x0100');
    const told = Buffer.from(raw.toHex().slice(2), 'hex').readBigUInt64LE();
    const plain = (after[0]! * TAO) / (await big('subnetAlphaIn', 1));
    expect(Math.abs(Number(told - plain))).toBeLessThan(3);
    expect((await query().subnetMovingPrice!(1)).toJSON()).not.toEqual({ bits: 0 });
  });
});

async function lastPaid(node: TestNode): Promise<{ emissions: bigint[] }> {
  for (let number = node.localnet.head().number; number > 0; number--)
    for (const { event } of node.localnet.events(number))
      if (event.name === 'IncentiveAlphaEmittedToMiners') return { emissions: [...event.data.emissions] };
  throw new Error('no epoch yet');
}
