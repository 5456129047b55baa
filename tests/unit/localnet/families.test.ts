// Child keys and auto stake on a whole chain: what an epoch makes of them.
import { describe, expect, it } from 'vitest';
import type { RuntimeCall } from '../../../src/chain/codec/runtime.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createLocalnet, type Localnet, type Receipt } from '../../../src/localnet/localnet.js';

const TAO = 1_000_000_000n;
const U64_MAX = 2n ** 64n - 1n;
const address = (name: string): string => devKeypair(name).address;

async function land(chain: Localnet, call: RuntimeCall, signer: string): Promise<Receipt> {
  const receipt = chain.submit(call, address(signer));
  chain.produceBlock();
  return await receipt;
}
const subtensor = (name: string, args: object) =>
  ({ pallet: 'SubtensorModule', name, args }) as unknown as RuntimeCall; // names and arguments are what is tested
const admin = (name: string, args: object) =>
  ({ pallet: 'Sudo', name: 'sudo', args: { call: { pallet: 'AdminUtils', name, args } } }) as RuntimeCall;

/** A subnet of the owner's uid 0, a child without stake of its own at uid 1 and a miner at uid 2; tempo 20. */
async function startSubnet() {
  await readyKeys();
  const chain = await createLocalnet({
    sudo: address('alice'),
    balances: ['alice', 'owner', 'nominator'].map((name) => [address(name), 10_000n * TAO] as const),
    manual: true,
  });
  const steps: (readonly [RuntimeCall, string])[] = [
    [subtensor('register_network', { hotkey: address('owner-hotkey') }), 'owner'],
    [admin('sudo_set_yuma3_enabled', { netuid: 1, enabled: false }), 'alice'],
    [admin('sudo_set_commit_reveal_weights_enabled', { netuid: 1, enabled: false }), 'alice'],
    [admin('sudo_set_weights_set_rate_limit', { netuid: 1, weights_set_rate_limit: 0n }), 'alice'],
    [subtensor('burned_register', { netuid: 1, hotkey: address('child') }), 'alice'],
    [subtensor('burned_register', { netuid: 1, hotkey: address('miner') }), 'alice'],
    [subtensor('try_associate_hotkey', { hotkey: address('parent') }), 'nominator'],
    [
      subtensor('set_children', {
        hotkey: address('parent'),
        netuid: 1,
        children: [[U64_MAX, address('child')]],
      }),
      'nominator',
    ],
    [subtensor('set_childkey_take', { hotkey: address('child'), netuid: 1, take: 6_553 }), 'alice'],
    [subtensor('start_call', { netuid: 1 }), 'owner'],
    [subtensor('add_stake', { netuid: 1, hotkey: address('parent'), amount_staked: 50n * TAO }), 'nominator'],
    [admin('sudo_set_tempo', { netuid: 1, tempo: 20 }), 'alice'],
  ];
  for (const [call, signer] of steps) expect((await land(chain, call, signer)).error).toBeUndefined();
  const blocks = (count: number) => {
    for (let i = 0; i < count; i++) chain.produceBlock();
  };
  return { chain, blocks };
}

describe('a child', () => {
  it('validates with its parents’ stake and shares the dividends with them', async () => {
    const { chain, blocks } = await startSubnet();
    blocks(20);
    // no stake of its own, and yet
    expect(chain.query('SubtensorModule', 'ValidatorPermit', 1)).toEqual([true, true, false]);
    const weigh = subtensor('set_weights', { netuid: 1, dests: [2], weights: [1], version_key: 0n });
    expect((await land(chain, weigh, 'child')).error).toBeUndefined();
    const alpha = (hotkey: string) => chain.query('SubtensorModule', 'TotalHotkeyAlpha', address(hotkey), 1);
    const [lent, own] = [Number(alpha('parent')), Number(alpha('child'))];
    blocks(20);
    expect(chain.query('SubtensorModule', 'Dividends', 1)).toEqual([0, 65_535, 0]);
    const [toParent, toChild] = [Number(alpha('parent')) - lent, Number(alpha('child')) - own];
    // by what each has in it, less the tenth that the child takes of the parent's
    const expected = (own + 0.1 * lent) / (own + lent);
    expect(expected).toBeLessThan(0.15);
    expect(toChild / (toParent + toChild)).toBeCloseTo(expected, 4);
    const paid = (hotkey: string) =>
      Number(chain.query('SubtensorModule', 'AlphaDividendsPerSubnet', 1, address(hotkey)));
    // net of the 18 % that both take of their stakers by default
    expect(paid('child') / (paid('child') + paid('parent'))).toBeCloseTo(expected, 4);
  });

  it('loses it when the parent takes it back, after the cooldown and an epoch', async () => {
    const { chain, blocks } = await startSubnet();
    // 150 blocks between two changes
    blocks(150);
    const back = subtensor('set_children', { hotkey: address('parent'), netuid: 1, children: [] });
    const receipt = await land(chain, back, 'nominator');
    expect(receipt.events.map(({ name }) => name)).toContain('SetChildrenScheduled');
    const stakeOfChild = () => chain.query('SubtensorModule', 'StakeWeight', 1)[1];
    blocks(15);
    expect(stakeOfChild()).toBeGreaterThan(50_000);
    blocks(45);
    // what it earned meanwhile is its own
    expect(stakeOfChild()).toBeLessThan(20_000);
    expect(chain.query('SubtensorModule', 'ChildKeys', address('parent'), 1)).toEqual([]);
  });
});

describe('a miner', () => {
  it('has its incentive staked where its coldkey wants it', async () => {
    const { chain, blocks } = await startSubnet();
    const auto = subtensor('set_coldkey_auto_stake_hotkey', { netuid: 1, hotkey: address('child') });
    expect((await land(chain, auto, 'alice')).error).toBeUndefined();
    blocks(20);
    const weigh = subtensor('set_weights', { netuid: 1, dests: [2], weights: [1], version_key: 0n });
    await land(chain, weigh, 'child');
    const epoch = chain.query('SubtensorModule', 'SubnetEpochIndex', 1);
    while (chain.query('SubtensorModule', 'SubnetEpochIndex', 1) === epoch) chain.produceBlock();
    const added = chain
      .events(chain.head().number)
      .map(({ event }) => event)
      .filter(({ name }) => name === 'AutoStakeAdded');
    expect(added).toMatchObject([
      {
        data: {
          destination: address('child'),
          hotkey: address('child'),
          owner: address('alice'),
          incentive: 0n,
        },
      },
      { data: { destination: address('child'), hotkey: address('miner'), owner: address('alice') } },
    ]);
    expect(chain.query('SubtensorModule', 'TotalHotkeyAlpha', address('miner'), 1)).toBe(0n);
  });
});
