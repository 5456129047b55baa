// Owns: a block's TAO: minted, shared out, into the pools (subtensor block_emission.rs, run_coinbase.rs, tao.rs).
// Does not own: shares and terms (emissions/). Left out: Balances' events of minting, which have no reader here.
import { runtime } from '../../../chain/codec/runtime.js';
import { blockEmission, TOTAL_SUPPLY_RAO } from '../../../emissions/coinbase.js';
import { emitIntoPool, type SubnetTerms, subnetTerms } from '../../../emissions/injection.js';
import { type SubnetMarket, taoEmissions } from '../../../emissions/shares.js';
import type { BlockContext } from '../../dispatch.js';
import { issue } from '../balances.js';
import { isFirstSwap, markSwapped, poolOf, putPool } from './pools.js';
import { subnetAccount } from './staking.js';

const S = runtime.SubtensorModule.storage;
const { TotalIssuance } = runtime.Balances.storage;

/** A subnet that emits, as it was before this block's injections. */
export interface EmittingSubnet {
  readonly netuid: number;
  readonly market: SubnetMarket;
  readonly alphaEmissionRao: bigint;
  /** raw U96F32 */
  readonly rootProportion: bigint;
}

/** Mints by the curve; what no subnet takes was never issued. */
export function emitTao(context: BlockContext, emitting: readonly EmittingSubnet[]): void {
  const { state } = context;
  const byCurve = blockEmission(state.get(S.TotalIssuance));
  const room = TOTAL_SUPPLY_RAO - state.get(TotalIssuance);
  const mintedRao = byCurve < room ? byCurve : room > 0n ? room : 0n;
  const emissions = taoEmissions(
    emitting.map(({ market }) => market),
    mintedRao,
  );
  // all terms come from the pools before anybody's injection
  const terms = emitting.map(({ netuid, alphaEmissionRao, rootProportion }, index) =>
    subnetTerms({
      taoEmission: emissions[index]!,
      pool: poolOf(state, netuid),
      rootProportion,
      alphaEmissionRao,
    }),
  );
  let spentRao = 0n;
  emitting.forEach(({ netuid }, index) => {
    spentRao += inject(context, netuid, terms[index]!);
  });
  state.put(S.TotalIssuance, [], state.get(S.TotalIssuance) + spentRao);
  // the chain's curve notes its last answer here, and it is asked for every subnet's alpha after TAO
  const lastAnswer = emitting.at(-1)?.alphaEmissionRao ?? byCurve;
  if (state.get(S.BlockEmission) !== lastAnswer) state.put(S.BlockEmission, [], lastAnswer);
}

/** `inject_and_maybe_swap` for one subnet. @returns the TAO that its account got */
function inject(context: BlockContext, netuid: number, terms: SubnetTerms): bigint {
  const { state } = context;
  const emitted = emitIntoPool(poolOf(state, netuid), terms, { isFirstSwap: isFirstSwap(state, netuid) });
  const { taoInRao, alphaInRao, excessTaoRao, boughtAlphaRao, hasSwapped } = emitted;
  putPool(state, netuid, emitted.pool);
  state.put(S.SubnetTaoInEmission, [netuid], taoInRao);
  state.put(S.SubnetAlphaInEmission, [netuid], alphaInRao);
  state.put(S.SubnetExcessTao, [netuid], excessTaoRao);
  if (hasSwapped) {
    markSwapped(state, netuid);
    const held = state.get(S.SubnetProtocolAlpha, netuid) + boughtAlphaRao;
    state.put(S.SubnetProtocolAlpha, [netuid], held);
    state.put(S.SubnetAlphaOut, [netuid], state.get(S.SubnetAlphaOut, netuid) + boughtAlphaRao);
    state.put(S.SubnetVolume, [netuid], state.get(S.SubnetVolume, netuid) + terms.excessTaoRao);
  }
  // of the whole order, also where the pool took less of it; the flow is what the pool took
  const stakedRao = taoInRao + (hasSwapped ? terms.excessTaoRao : 0n);
  if (stakedRao > 0n) state.put(S.TotalStake, [], state.get(S.TotalStake) + stakedRao);
  const pooledRao = taoInRao + excessTaoRao;
  if (pooledRao > 0n)
    state.put(S.SubnetProtocolFlow, [netuid], state.get(S.SubnetProtocolFlow, netuid) + pooledRao);
  // a buy that failed has been paid for: its TAO lies in the subnet's account
  const spentRao = taoInRao + terms.excessTaoRao;
  if (spentRao > 0n) issue(context, subnetAccount(netuid), spentRao);
  return spentRao;
}
