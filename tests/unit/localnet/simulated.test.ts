// The simulator's subnet beside the localnet's: the same blocks over the same state, equal to the last bit.
import { expect, it } from 'vitest';
import type { RuntimeCall } from '../../../src/chain/codec/runtime.js';
import { parseScenario } from '../../../src/emissions/simulator/scenario.js';
import { Subnet } from '../../../src/emissions/simulator/subnet.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createLocalnet, type Localnet } from '../../../src/localnet/localnet.js';

const TAO = 1_000_000_000n;
const TEMPO = 20;
const EPOCHS = 4;

const subtensor = (name: string, args: object) =>
  ({ pallet: 'SubtensorModule', name, args }) as unknown as RuntimeCall; // names and arguments are the chain's
const admin = (name: string, args: object) =>
  ({ pallet: 'Sudo', name: 'sudo', args: { call: { pallet: 'AdminUtils', name, args } } }) as RuntimeCall;

/** A subnet that gets TAO, with a staked validator that has its permit, and two miners; an epoch has just run. */
async function startLocalnet() {
  await readyKeys();
  const [alice, owner, ownerHotkey, validator, miner, other] = [
    'alice',
    'owner',
    'owner-hotkey',
    'validator',
    'miner',
    'other',
  ].map((name) => devKeypair(name).address) as [string, string, string, string, string, string];
  const chain = await createLocalnet({
    sudo: alice,
    balances: [
      [alice, 10_000n * TAO],
      [owner, 10_000n * TAO],
    ],
    manual: true,
    tempo: TEMPO,
  });
  const register = (hotkey: string) => subtensor('burned_register', { netuid: 1, hotkey });
  const steps: (readonly [RuntimeCall, string])[] = [
    [subtensor('register_network', { hotkey: ownerHotkey }), owner],
    [subtensor('start_call', { netuid: 1 }), owner],
    [admin('sudo_set_commit_reveal_weights_enabled', { netuid: 1, enabled: false }), alice],
    [admin('sudo_set_weights_set_rate_limit', { netuid: 1, weights_set_rate_limit: 0n }), alice],
    [admin('sudo_set_subnet_emission_enabled', { netuid: 1, enabled: true }), alice],
    [register(validator), alice],
    [register(miner), alice],
    [register(other), alice],
    [subtensor('add_stake', { hotkey: validator, netuid: 1, amount_staked: 50n * TAO }), alice],
  ];
  for (const [call, signer] of steps) expect((await land(chain, call, signer)).error).toBeUndefined();
  untilEpoch(chain);
  untilEpoch(chain);
  return { chain, hotkeys: [ownerHotkey, validator, miner, other] };
}

async function land(chain: Localnet, call: RuntimeCall, signer: string) {
  const receipt = chain.submit(call, signer);
  chain.produceBlock();
  return await receipt;
}

function untilEpoch(chain: Localnet): void {
  const index = chain.query('SubtensorModule', 'SubnetEpochIndex', 1);
  while (chain.query('SubtensorModule', 'SubnetEpochIndex', 1) === index) chain.produceBlock();
}

const stateOf = (chain: Localnet, hotkeys: readonly string[]) => ({
  taoRao: chain.query('SubtensorModule', 'SubnetTAO', 1),
  alphaRao: chain.query('SubtensorModule', 'SubnetAlphaIn', 1),
  alphaOutRao: chain.query('SubtensorModule', 'SubnetAlphaOut', 1),
  protocolAlphaRao: chain.query('SubtensorModule', 'SubnetProtocolAlpha', 1),
  movingPrice: chain.query('SubtensorModule', 'SubnetMovingPrice', 1),
  minerBurned: chain.query('SubtensorModule', 'MinerBurned', 1),
  burnRao: chain.query('SubtensorModule', 'Burn', 1),
  stakesRao: hotkeys.map((hotkey) => chain.query('SubtensorModule', 'TotalHotkeyAlpha', hotkey, 1)),
});

/** The simulator from where the localnet stands. */
function continueFrom(chain: Localnet, hotkeys: readonly string[]): Subnet {
  const now = stateOf(chain, hotkeys);
  const start = chain.query('SubtensorModule', 'FirstEmissionBlockNumber', 1)!;
  const tokens = (rao: bigint): number => Number(rao) / 1e9;
  const subnet = new Subnet(
    parseScenario({
      name: 'as-localnet',
      title: 'As the localnet',
      epochs: EPOCHS,
      network: {
        taoIssuance: tokens(chain.query('SubtensorModule', 'TotalIssuance')),
        rootTao: 0,
        otherPrices: 0,
      },
      subnet: {
        tempo: TEMPO,
        ageBlocks: chain.head().number - start + 1,
        pool: { tao: tokens(now.taoRao), alpha: tokens(now.alphaRao) },
        alphaOut: tokens(now.alphaOutRao),
        movingPrice: Number(now.movingPrice) / 2 ** 32,
        burn: { start: tokens(now.burnRao) },
      },
      validators: [{ name: 'validator', stakeAlpha: 0 }],
    }),
  );
  subnet.protocolAlphaRao = now.protocolAlphaRao;
  now.stakesRao.forEach((stakeRao, uid) => {
    subnet.place({ group: uid - 1, member: 0, take: 11_796, rootRao: 0n, stakeRao });
  });
  subnet.grantPermits();
  return subnet;
}

it.each([
  [
    'all goes to miners',
    'Burn',
    [
      [2, 65_535],
      [3, 20_000],
    ],
  ],
  [
    "half of it to the owner's uid, burned",
    'Burn',
    [
      [0, 65_535],
      [2, 65_535],
    ],
  ],
  [
    "most of it to the owner's uid, recycled",
    'Recycle',
    [
      [0, 65_535],
      [2, 20_000],
      [3, 0],
    ],
  ],
] as const)('agree on pool, alpha, prices and every stake: %s', async (_, mode, row) => {
  const { chain, hotkeys } = await startLocalnet();
  const subnet = continueFrom(chain, hotkeys);
  subnet.follow(
    parseScenario({
      ...subnet.scenario,
      subnet: { ...subnet.scenario.subnet, recycleOrBurn: mode === 'Burn' ? 'burn' : 'recycle' },
    }),
  );
  const alice = devKeypair('alice').address;
  const recycleOrBurn = admin('sudo_set_recycle_or_burn', { netuid: 1, recycle_or_burn: mode });
  expect((await land(chain, recycleOrBurn, alice)).error).toBeUndefined();
  const weights = {
    netuid: 1,
    dests: row.map(([uid]) => uid),
    weights: row.map(([, value]) => value),
    version_key: 0n,
  };
  const set = subtensor('set_weights', weights);
  expect((await land(chain, set, hotkeys[1]!)).error).toBeUndefined();
  subnet.runTo(subnet.block + 2);
  subnet.setWeights(1, 0, {
    uids: Uint16Array.from(row.map(([uid]) => uid)),
    values: Uint16Array.from(row.map(([, value]) => value)),
  });

  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    untilEpoch(chain);
    subnet.runTo(subnet.nextEpochBlock - 1);
    subnet.runEpochBlock();
    const { taoRao, alphaRao } = subnet.pool;
    const { alphaOutRao, protocolAlphaRao, movingPrice, minerBurned, burnRao } = subnet;
    const stakesRao = subnet.neurons.map(({ stakeRao }) => stakeRao);
    const simulated = {
      taoRao,
      alphaRao,
      alphaOutRao,
      protocolAlphaRao,
      movingPrice,
      minerBurned,
      burnRao,
      stakesRao,
    };
    expect(simulated).toEqual(stateOf(chain, hotkeys));
  }
  expect(subnet.totals.excessTaoRao).toBeGreaterThan(0n);
});
