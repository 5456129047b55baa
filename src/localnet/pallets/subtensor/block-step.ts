// Owns: what happens in every block before its extrinsics (subtensor coinbase/{block_step,run_coinbase}.rs).
// Left out: root claims, the moving averages of TAO flows.
import { runtime } from '../../../chain/codec/runtime.js';
import {
  accrueBlock,
  blockEmission,
  type PendingEmission,
  rootProportion,
} from '../../../emissions/coinbase.js';
import { nextMovingPrice } from '../../../emissions/moving-price.js';
import { decayBurn } from '../../../emissions/registration.js';
import { isRootSelling, type SubnetMarket } from '../../../emissions/shares.js';
import type { BlockContext } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { activatePendingChildren } from './children.js';
import { isEpochDue } from './commits.js';
import { revealTimelocked } from './commits-timelocked.js';
import { runSubnetEpoch } from './epoch.js';
import { emitTao } from './injection.js';
import { subnets } from './networks.js';
import { movingPriceOf, priceOf } from './pools.js';

const S = runtime.SubtensorModule.storage;
const ROOT = 0;

export function blockStep(context: BlockContext): void {
  const { state } = context;
  const all = subnets(state);
  updatePrice(context, ROOT);
  for (const netuid of all) updatePrice(context, netuid);
  revealTimelocked(context, all);
  const emitting = all.filter((netuid) => isEmitting(state, netuid));
  const markets = emitting.map((netuid) => marketOf(state, netuid));
  // of the issuance before the injections, which change it
  const alphaEmissions = emitting.map((netuid) => blockEmission(alphaIssuance(state, netuid)));
  const rootSell = isRootSelling(markets);
  emitTao(
    context,
    emitting.map((netuid, index) => ({
      netuid,
      market: markets[index]!,
      alphaEmissionRao: alphaEmissions[index]!,
      rootProportion: rootProportionOf(state, netuid),
    })),
  );
  emitting.forEach((netuid, index) => {
    accrue(context, netuid, alphaEmissions[index]!, rootSell);
  });
  runDueEpochs(context, all);
  for (const netuid of emitting) moveAverage(context, netuid);
  for (const netuid of emitting) state.put(S.RootProp, [netuid], rootProportionOf(state, netuid));
  for (const netuid of all)
    if (state.get(S.LastEpochBlock, netuid) === context.block) activatePendingChildren(context, netuid);
}

/** `update_registration_prices_for_networks` */
function updatePrice({ state, block }: BlockContext, netuid: number): void {
  if (state.get(S.RegistrationsThisBlock, netuid) !== 0) state.put(S.RegistrationsThisBlock, [netuid], 0);
  // root's epochs never run, so that from block 100 on one is always due
  if (netuid === ROOT && state.get(S.RegistrationsThisInterval, ROOT) !== 0 && isEpochDue(state, ROOT, block))
    state.put(S.RegistrationsThisInterval, [ROOT], 0);
  if (block <= 1) return;
  const bounds = { minBurnRao: state.get(S.MinBurn, netuid), maxBurnRao: state.get(S.MaxBurn, netuid) };
  const burn = state.get(S.Burn, netuid);
  const decayed = decayBurn(burn, state.get(S.BurnHalfLife, netuid), bounds);
  if (decayed !== burn) state.put(S.Burn, [netuid], decayed);
}

/** `get_subnets_to_emit_to`. SubnetEmissionEnabled is about TAO alone: alpha accrues without it. */
const isEmitting = (state: StateView, netuid: number): boolean =>
  state.has(S.FirstEmissionBlockNumber, netuid) &&
  state.get(S.SubtokenEnabled, netuid) &&
  state.get(S.NetworkRegistrationAllowed, netuid);

const marketOf = (state: StateView, netuid: number): SubnetMarket => ({
  movingPrice: movingPriceOf(state, netuid),
  minerBurned: state.get(S.MinerBurned, netuid),
  emissionEnabled: state.get(S.SubnetEmissionEnabled, netuid),
});

/** `update_moving_price` */
function moveAverage({ state, block }: BlockContext, netuid: number): void {
  const start = Math.max(0, (state.get(S.FirstEmissionBlockNumber, netuid) ?? 0) - 1);
  const moved = nextMovingPrice({
    movingPrice: movingPriceOf(state, netuid),
    price: priceOf(state, netuid),
    movingAlpha: state.get(S.SubnetMovingAlpha),
    blocksSinceStart: Math.max(0, block - start),
    halvingBlocks: Number(state.get(S.EMAPriceHalvingBlocks, netuid)),
  });
  state.put(S.SubnetMovingPrice, [netuid], moved);
}

const alphaIssuance = (state: StateView, netuid: number): bigint =>
  state.get(S.SubnetAlphaIn, netuid) + state.get(S.SubnetAlphaOut, netuid);

const rootProportionOf = (state: StateView, netuid: number): bigint =>
  rootProportion({
    rootTaoRao: state.get(S.SubnetTAO, 0),
    alphaIssuanceRao: alphaIssuance(state, netuid),
    taoWeight: state.get(S.TaoWeight),
  });

/** One block's alpha, minted into AlphaOut and set aside. */
function accrue({ state }: BlockContext, netuid: number, alphaEmissionRao: bigint, rootSell: boolean): void {
  const out = state.get(S.SubnetAlphaOut, netuid) + alphaEmissionRao;
  state.put(S.SubnetAlphaOutEmission, [netuid], alphaEmissionRao);
  state.put(S.SubnetAlphaOut, [netuid], out);
  const ownerCut = state.get(S.OwnerCutEnabled, netuid) ? state.get(S.SubnetOwnerCut) : 0;
  const { pending, recycledRao } = accrueBlock(pendingOf(state, netuid), {
    alphaEmissionRao,
    ownerCut,
    rootProportion: rootProportionOf(state, netuid),
    rootSell,
  });
  putPending({ state }, netuid, pending);
  state.put(S.SubnetAlphaOut, [netuid], out > recycledRao ? out - recycledRao : 0n);
}

/** `drain_pending`: at most MaxEpochsPerBlock epochs, by netuid; the others move to the next block. */
function runDueEpochs(context: BlockContext, netuids: readonly number[]): void {
  const { state, block } = context;
  let ran = 0;
  for (const netuid of netuids) {
    state.put(S.BlocksSinceLastStep, [netuid], state.get(S.BlocksSinceLastStep, netuid) + 1);
    if (!isEpochDue(state, netuid, block)) continue;
    if (ran >= state.get(S.MaxEpochsPerBlock)) {
      state.put(S.PendingEpochAt, [netuid], block + 1);
      const data = { netuid, from_block: block, to_block: block + 1 };
      context.emit({ pallet: 'SubtensorModule', name: 'EpochDeferred', data });
      continue;
    }
    runEpochOf(context, netuid);
    ran++;
    state.put(S.LastEpochBlock, [netuid], block);
    state.put(S.PendingEpochAt, [netuid], 0);
    state.put(S.SubnetEpochIndex, [netuid], state.get(S.SubnetEpochIndex, netuid) + 1);
  }
}

function runEpochOf(context: BlockContext, netuid: number): void {
  const { state, block } = context;
  const pending = pendingOf(state, netuid);
  putPending(context, netuid, { serverRao: 0n, validatorRao: 0n, rootRao: 0n, ownerCutRao: 0n });
  runSubnetEpoch(context, netuid, pending);
  state.put(S.BlocksSinceLastStep, [netuid], 0);
  // after the distribution: the epoch itself masks bonds by the previous one's block
  state.put(S.LastMechansimStepBlock, [netuid], block);
}

const pendingOf = (state: StateView, netuid: number): PendingEmission => ({
  serverRao: state.get(S.PendingServerEmission, netuid),
  validatorRao: state.get(S.PendingValidatorEmission, netuid),
  rootRao: state.get(S.PendingRootAlphaDivs, netuid),
  ownerCutRao: state.get(S.PendingOwnerCut, netuid),
});

function putPending({ state }: Pick<BlockContext, 'state'>, netuid: number, pending: PendingEmission): void {
  state.put(S.PendingServerEmission, [netuid], pending.serverRao);
  state.put(S.PendingValidatorEmission, [netuid], pending.validatorRao);
  state.put(S.PendingRootAlphaDivs, [netuid], pending.rootRao);
  state.put(S.PendingOwnerCut, [netuid], pending.ownerCutRao);
}
