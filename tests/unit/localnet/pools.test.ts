// Prices, orders and what they write, on a state without a chain around it.
import { describe, expect, it } from 'vitest';
import { runtime } from '../../../src/chain/codec/runtime.js';
import { swapFee } from '../../../src/emissions/amm.js';
import { U96F32 } from '../../../src/emissions/fixed.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import type { CallContext } from '../../../src/localnet/dispatch.js';
import { writeGenesis } from '../../../src/localnet/genesis.js';
import { emitTao } from '../../../src/localnet/pallets/subtensor/injection.js';
import { medianPrice, movingPriceOf, priceOf } from '../../../src/localnet/pallets/subtensor/pools.js';
import { addStake } from '../../../src/localnet/pallets/subtensor/staking-calls.js';
import { State } from '../../../src/localnet/state.js';

const S = runtime.SubtensorModule.storage;
const TAO = 1_000_000_000n;
const ONE = 1n << 64n;

function withPools(...pools: readonly (readonly [taoRao: bigint, alphaRao: bigint])[]): State {
  const state = new State(1);
  pools.forEach(([taoRao, alphaRao], index) => {
    const netuid = index + 1;
    state.put(S.NetworksAdded, [netuid], true);
    state.put(S.SubtokenEnabled, [netuid], true);
    state.put(S.SubnetMechanism, [netuid], 1);
    state.put(S.SubnetTAO, [netuid], taoRao);
    state.put(S.SubnetAlphaIn, [netuid], alphaRao);
  });
  return state;
}

describe('prices', () => {
  it('are the reserves’ ratio, and 1 where a subnet has no pool', () => {
    const state = withPools([700n, 100n]);
    state.put(S.SubnetMovingPrice, [1], 5n);
    expect([priceOf(state, 1), movingPriceOf(state, 1)]).toEqual([7n * ONE, 5n]);
    expect([priceOf(state, 0), movingPriceOf(state, 0)]).toEqual([ONE, 1n << 32n]);
  });

  it('have a median over those above zero (median_subnet_alpha_price_…)', () => {
    const state = withPools([700n, 100n], [200n, 100n], [500n, 100n], [0n, 100n], [800n, 100n]);
    expect(medianPrice(state, [])).toBe(ONE);
    expect(medianPrice(state, [4])).toBe(ONE);
    expect(medianPrice(state, [1, 2, 3])).toBe(5n * ONE);
    expect(medianPrice(state, [2, 5, 4])).toBe(5n * ONE);
    expect(medianPrice(state, [1, 2, 3, 5])).toBe(6n * ONE);
  });
});

/** A pool just below the highest price that the chain buys at, 10^6 TAO per alpha. */
const dear = [999_500_000_000n, 1_000_000n] as const;

async function staker(state: State) {
  await readyKeys();
  const [coldkey, hotkey] = ['alice', 'validator'].map((name) => devKeypair(name).address) as [
    string,
    string,
  ];
  writeGenesis(state, { sudo: coldkey, balances: [[coldkey, 10_000n * TAO]], fastBlocks: false });
  state.put(S.Owner, [hotkey], coldkey);
  const emitted: unknown[] = [];
  const context: CallContext = {
    state,
    block: 1,
    emit: (event) => void emitted.push(event),
    origin: { type: 'signed', who: coldkey },
    dispatch: () => undefined,
  };
  const stake = (netuid: number, amount_staked: bigint) =>
    addStake({ hotkey, netuid, amount_staked }, context);
  return { coldkey, hotkey, context, stake, emitted };
}

describe('an order', () => {
  it("pays the subnet's own fee rate, for the least stake as well", async () => {
    const state = withPools([1_000n * TAO, 1_000n * TAO]);
    const { coldkey, hotkey, stake, emitted } = await staker(state);
    state.put(runtime.Swap.storage.FeeRate, [1], 6_553); // 10 %
    expect(() => stake(1, 2_199_999n)).toThrow('AmountTooLow');
    const feeRao = swapFee(TAO, 6_553);
    expect(feeRao).toBe(99_992_370n);
    stake(1, TAO);
    expect(state.get(S.SubnetTAO, 1)).toBe(1_001n * TAO - feeRao);
    const alpha = state.get(S.TotalHotkeyAlpha, hotkey, 1);
    // the event tells what was transferred, fee and all (stake_into_subnet)
    expect(emitted.at(-1)).toMatchObject({
      name: 'StakeAdded',
      data: [coldkey, hotkey, TAO, alpha, 1, feeRao],
    });
  });

  it('counts in full as stake and volume where the pool takes only a part (swap_tao_for_alpha)', async () => {
    const state = withPools(dear);
    const { stake } = await staker(state);
    stake(1, 10n * TAO);
    const paid = state.get(S.SubnetTAO, 1) - dear[0];
    // to 10^6 from 0.9995·10^6: (√(1/0.9995) − 1) of the reserve
    expect(Number(paid)).toBeCloseTo(249_968_756, -4);
    expect([state.get(S.TotalStake), state.get(S.SubnetVolume, 1)]).toEqual([10n * TAO, 10n * TAO]);
  });

  it('leaves a subnet without a pool without weights', async () => {
    const state = withPools();
    const { hotkey, stake } = await staker(state);
    stake(0, 5n * TAO);
    expect([state.get(S.SubnetTAO, 0), state.get(S.TotalHotkeyAlpha, hotkey, 0)]).toEqual([
      5n * TAO,
      5n * TAO,
    ]);
    expect(state.has(runtime.Swap.storage.SwapBalancer, 0)).toBe(false);
    expect(state.has(runtime.Swap.storage.PalSwapInitialized, 0)).toBe(false);
  });

  it('of the chain counts in full as well, and its flow is what the pool took (inject_and_maybe_swap)', async () => {
    const state = withPools(dear);
    const { context } = await staker(state);
    const market = { movingPrice: U96F32.one, minerBurned: 0n, emissionEnabled: true };
    emitTao(context, [{ netuid: 1, market, alphaEmissionRao: TAO, rootProportion: 0n }]);
    const paid = state.get(S.SubnetTAO, 1) - dear[0];
    expect(paid).toBeGreaterThan(0n);
    expect(paid).toBeLessThan(TAO);
    expect([state.get(S.TotalStake), state.get(S.SubnetVolume, 1)]).toEqual([TAO, TAO]);
    expect([state.get(S.SubnetExcessTao, 1), state.get(S.SubnetProtocolFlow, 1)]).toEqual([paid, paid]);
    expect(state.get(runtime.Swap.storage.PalSwapInitialized, 1)).toBe(true);
  });
});
