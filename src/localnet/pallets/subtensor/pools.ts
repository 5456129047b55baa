// Owns: a subnet's pool in storage: reserves here, weights in pallet Swap. Does not own: its arithmetic (emissions/amm.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import { EQUAL_WEIGHT, type Pool } from '../../../emissions/amm.js';
import type { State, StateView } from '../../state.js';

const S = runtime.SubtensorModule.storage;
const { PalSwapInitialized, SwapBalancer } = runtime.Swap.storage;

export const poolOf = (state: StateView, netuid: number): Pool => ({
  taoRao: state.get(S.SubnetTAO, netuid),
  alphaRao: state.get(S.SubnetAlphaIn, netuid),
  taoWeight: state.get(SwapBalancer, netuid).quote,
});

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
