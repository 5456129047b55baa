// Owns: SwapRuntimeApi (subtensor runtime/src/lib.rs). Does not own: the pool's arithmetic (emissions/amm.ts).
import { type RuntimeApis, runtime } from '../../chain/codec/runtime.js';
import type { Implementation } from '../../chain/codec/runtime-api.js';
import { priceRao, slippageRao } from '../../emissions/amm.js';
import { isStable, poolOf } from '../pallets/subtensor/pools.js';
import { allNetuids } from '../pallets/subtensor/staking.js';
import { simulate } from '../pallets/subtensor/staking-swaps.js';
import type { StateView } from '../state.js';
import type { At } from './at.js';

const { NetworksAdded } = runtime.SubtensorModule.storage;
/** a stable subnet's price, rao per alpha */
const PAR = 1_000_000_000n;

export const swapApi: Implementation<RuntimeApis['SwapRuntimeApi'], At> = {
  current_alpha_price: ({ netuid }, { state }) => alphaPriceRao(state, netuid),
  current_alpha_price_all: (_, { state }) =>
    allNetuids(state).map((netuid) => ({ netuid, price: alphaPriceRao(state, netuid) })),
  sim_swap_tao_for_alpha: ({ netuid, tao }, { state }) => {
    const { inRao, outRao, feeRao, lostRao } = simulated(state, 'buy', netuid, tao);
    return { ...NOTHING, tao_amount: inRao, alpha_amount: outRao, tao_fee: feeRao, alpha_slippage: lostRao };
  },
  sim_swap_alpha_for_tao: ({ netuid, alpha }, { state }) => {
    const { inRao, outRao, feeRao, lostRao } = simulated(state, 'sell', netuid, alpha);
    return { ...NOTHING, alpha_amount: inRao, tao_amount: outRao, alpha_fee: feeRao, tao_slippage: lostRao };
  },
};

const NOTHING = {
  tao_amount: 0n,
  alpha_amount: 0n,
  tao_fee: 0n,
  alpha_fee: 0n,
  tao_slippage: 0n,
  alpha_slippage: 0n,
};

const alphaPriceRao = (state: StateView, netuid: number): bigint =>
  isStable(state, netuid) ? PAR : priceRao(poolOf(state, netuid));

/** All zero when the pool cannot take the order; 1:1 in a stable subnet, and nothing for all where there is none. */
function simulated(state: StateView, side: 'buy' | 'sell', netuid: number, amount: bigint) {
  if (isStable(state, netuid)) {
    const swapped = state.get(NetworksAdded, netuid) ? amount : 0n;
    return { inRao: swapped, outRao: swapped, feeRao: 0n, lostRao: amount - swapped };
  }
  const swap = simulate(state, side, netuid, amount);
  if (!swap) return { inRao: 0n, outRao: 0n, feeRao: 0n, lostRao: 0n };
  return {
    inRao: swap.paidInRao,
    outRao: swap.paidOutRao,
    feeRao: swap.feeRao,
    lostRao: slippageRao(poolOf(state, netuid), side, amount, swap),
  };
}
