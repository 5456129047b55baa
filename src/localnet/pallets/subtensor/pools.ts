// Owns: a subnet's pool and prices in storage: reserves here, weights in pallet Swap. Does not own: the pool's arithmetic
// (emissions/amm.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import { EQUAL_WEIGHT, type Pool, price } from '../../../emissions/amm.js';
import { I96F32, U64F64 } from '../../../emissions/fixed.js';
import type { State, StateView } from '../../state.js';

const S = runtime.SubtensorModule.storage;
const { PalSwapInitialized, SwapBalancer } = runtime.Swap.storage;

export const poolOf = (state: StateView, netuid: number): Pool => ({
  taoRao: state.get(S.SubnetTAO, netuid),
  alphaRao: state.get(S.SubnetAlphaIn, netuid),
  taoWeight: state.get(SwapBalancer, netuid).quote,
});

/** Such a subnet swaps 1:1 and has no pool to price anything; here that is root alone. */
export const isStable = (state: StateView, netuid: number): boolean =>
  state.get(S.SubnetMechanism, netuid) === 0;

/** `current_alpha_price`, raw U64F64 */
export const priceOf = (state: StateView, netuid: number): bigint =>
  isStable(state, netuid) ? U64F64.one : price(poolOf(state, netuid));

/** `get_moving_alpha_price`, raw I96F32 */
export const movingPriceOf = (state: StateView, netuid: number): bigint =>
  isStable(state, netuid) ? I96F32.one : state.get(S.SubnetMovingPrice, netuid);

/** `get_median_subnet_alpha_price`: of all that have a price, raw U64F64; 1 where none has. */
export function medianPrice(state: StateView, netuids: readonly number[]): bigint {
  const prices = netuids
    .map((netuid) => priceOf(state, netuid))
    .filter((each) => each > 0n)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const upper = prices[prices.length >> 1];
  if (upper === undefined) return U64F64.one;
  return prices.length % 2 === 1 ? upper : U64F64.add(prices[prices.length / 2 - 1]!, upper) >> 1n;
}

export const isFirstSwap = (state: StateView, netuid: number): boolean =>
  !state.get(PalSwapInitialized, netuid);

/** The pool as an order meets it: the first one ever starts from equal weights (`maybe_initialize_palswap`). */
export function poolForSwap(state: StateView, netuid: number): Pool {
  const pool = poolOf(state, netuid);
  return isFirstSwap(state, netuid) ? { ...pool, taoWeight: EQUAL_WEIGHT } : pool;
}

export function putPool(state: State, netuid: number, pool: Pool): void {
  state.put(S.SubnetTAO, [netuid], pool.taoRao);
  state.put(S.SubnetAlphaIn, [netuid], pool.alphaRao);
  state.put(SwapBalancer, [netuid], { quote: pool.taoWeight ?? EQUAL_WEIGHT });
}

/** After a swap that went through. */
export function markSwapped(state: State, netuid: number): void {
  if (isFirstSwap(state, netuid)) state.put(PalSwapInitialized, [netuid], true);
}
