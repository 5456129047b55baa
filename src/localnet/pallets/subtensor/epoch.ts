// Owns: carrying storage into an epoch and its results back. Does not own: consensus and shares (emissions/).
import { runtime } from '../../../chain/codec/runtime.js';
import {
  distributeEmission,
  epochEmission,
  type Payee,
  type PendingEmission,
} from '../../../emissions/coinbase.js';
import type { EpochInput, EpochOutput } from '../../../emissions/epoch.js';
import { runEpochInDoubles } from '../../../emissions/epoch-in-doubles.js';
import type { LiquidAlpha } from '../../../emissions/liquid-alpha.js';
import { activityCutoffBlocks } from '../../../emissions/schedule.js';
import { consensusStake } from '../../../emissions/stake.js';
import type { BlockContext } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { addStakeTo, addToPool, ownerOf } from './staking.js';

const S = runtime.SubtensorModule.storage;

export function runSubnetEpoch(context: BlockContext, netuid: number, pending: PendingEmission): void {
  const { state } = context;
  const n = state.get(S.SubnetworkN, netuid);
  const hotkeys = Array.from({ length: n }, (_, uid) => state.get(S.Keys, netuid, uid));
  const input = epochInput(state, netuid, context.block, hotkeys, epochEmission(pending));
  const output = runEpochInDoubles(input);
  writeOutput(context, netuid, output);
  pay(context, netuid, hotkeys, pending, output);
}

function epochInput(
  state: StateView,
  netuid: number,
  block: number,
  hotkeys: readonly string[],
  raoEmission: bigint,
): EpochInput {
  const n = hotkeys.length;
  const uids = Array.from({ length: n }, (_, uid) => uid);
  const taoWeight = state.get(S.TaoWeight);
  const stakes = hotkeys.map((hotkey) =>
    consensusStake({
      alphaRao: state.get(S.TotalHotkeyAlpha, hotkey, netuid),
      rootTaoRao: state.get(S.TotalHotkeyAlpha, hotkey, 0),
      taoWeight,
    }),
  );
  const tempo = state.get(S.Tempo, netuid);
  const lastUpdate = state.get(S.LastUpdate, netuid);
  const permits = state.get(S.ValidatorPermit, netuid);
  return {
    n,
    block,
    tempo,
    activityCutoff: activityCutoffBlocks(state.get(S.ActivityCutoffFactorMilli, netuid), tempo),
    lastUpdate: uids.map((uid) => lastUpdate[uid] ?? 0),
    blockAtRegistration: uids.map((uid) => state.get(S.BlockAtRegistration, netuid, uid)),
    kappa: state.get(S.Kappa, netuid),
    bondsPenalty: state.get(S.BondsPenalty, netuid),
    bondsMovingAverage: Number(state.get(S.BondsMovingAverage, netuid)),
    maxValidators: state.get(S.MaxAllowedValidators, netuid),
    stakeThreshold: state.get(S.StakeThreshold),
    stakes: stakes.map(({ rao }) => rao),
    stakeFractions: stakes.map(({ fraction }) => fraction),
    ownerUid: state.get(S.Uids, netuid, state.get(S.SubnetOwnerHotkey, netuid)),
    weights: uids.map((uid) => state.get(S.Weights, netuid, uid)),
    bonds: uids.map((uid) => state.get(S.Bonds, netuid, uid)),
    validatorPermits: uids.map((uid) => permits[uid] ?? false),
    lastMechanismStep: state.get(S.LastMechansimStepBlock, netuid),
    // commits are not kept here yet, so nobody has one pending
    commitReveal: state.get(S.CommitRevealWeightsEnabled, netuid)
      ? { earliestCommit: uids.map(() => undefined) }
      : undefined,
    yuma3On: state.get(S.Yuma3On, netuid),
    liquidAlpha: state.get(S.LiquidAlphaOn, netuid) ? liquidAlphaOf(state, netuid) : undefined,
    raoEmission,
  };
}

function liquidAlphaOf(state: StateView, netuid: number): LiquidAlpha {
  const [low, high] = state.get(S.AlphaValues, netuid);
  return { low, high, steepness: state.get(S.AlphaSigmoidSteepness, netuid) };
}

function writeOutput({ state }: BlockContext, netuid: number, output: EpochOutput): void {
  state.put(S.Active, [netuid], output.active);
  state.put(S.Consensus, [netuid], output.consensus);
  state.put(S.Incentive, [netuid], output.incentive);
  state.put(S.Dividends, [netuid], output.dividends);
  state.put(S.ValidatorTrust, [netuid], output.validatorTrust);
  state.put(S.StakeWeight, [netuid], output.stakeWeight);
  state.put(S.Emission, [netuid], output.emission);
  state.put(S.ValidatorPermit, [netuid], output.newPermits);
  output.bonds.forEach((row, uid) => {
    if (row.length > 0 || state.has(S.Bonds, netuid, uid)) state.put(S.Bonds, [netuid, uid], row);
  });
}

/** `distribute_emission`: every credit becomes stake; what the owner's miners earned leaves circulation. */
function pay(
  context: BlockContext,
  netuid: number,
  hotkeys: readonly string[],
  pending: PendingEmission,
  output: EpochOutput,
): void {
  const { state } = context;
  const owner = {
    hotkey: state.get(S.SubnetOwnerHotkey, netuid),
    coldkey: state.get(S.SubnetOwner, netuid),
  };
  const recycles = state.get(S.RecycleOrBurn, netuid) === 'Recycle';
  const payout = distributeEmission({
    pending,
    payees: hotkeys.map((hotkey, uid) => toPayee(state, netuid, hotkey, uid, output)),
    owner,
    recycleOrBurn: recycles ? 'recycle' : 'burn',
    taoWeight: state.get(S.TaoWeight),
  });

  for (const { hotkey, coldkey, amountRao } of payout.credits) {
    // a dividend for a hotkey without stakers has nobody to go to but its owner
    if (coldkey !== undefined) addStakeTo(context, hotkey, coldkey, netuid, amountRao);
    else if (!addToPool(context, hotkey, netuid, amountRao))
      addStakeTo(context, hotkey, ownerOf(state, hotkey), netuid, amountRao);
  }
  if (payout.recycledRao > 0n)
    state.put(S.SubnetAlphaOut, [netuid], state.get(S.SubnetAlphaOut, netuid) - payout.recycledRao);
  state.put(S.MinerBurned, [netuid], payout.minerBurned);
  hotkeys.forEach((hotkey, uid) => {
    const dividend = payout.alphaDividendsRao[uid]!;
    if (dividend > 0n) state.put(S.AlphaDividendsPerSubnet, [netuid, hotkey], dividend);
    else state.delete(S.AlphaDividendsPerSubnet, netuid, hotkey);
    const total = state.get(S.TotalHotkeyAlpha, hotkey, netuid);
    if (total > 0n || state.has(S.TotalHotkeyAlphaLastEpoch, hotkey, netuid))
      state.put(S.TotalHotkeyAlphaLastEpoch, [hotkey, netuid], total);
  });
  context.emit({
    pallet: 'SubtensorModule',
    name: 'IncentiveAlphaEmittedToMiners',
    data: { netuid, emissions: output.serverEmission },
  });
}

function toPayee(state: StateView, netuid: number, hotkey: string, uid: number, output: EpochOutput): Payee {
  const coldkey = ownerOf(state, hotkey);
  const autoStakeHotkey = state.get(S.AutoStakeDestination, coldkey, netuid);
  return {
    hotkey,
    coldkey,
    serverEmissionRao: output.serverEmission[uid]!,
    validatorEmissionRao: output.validatorEmission[uid]!,
    alphaStakeRao: state.get(S.TotalHotkeyAlpha, hotkey, netuid),
    rootStakeRao: state.get(S.TotalHotkeyAlpha, hotkey, 0),
    take: state.get(S.Delegates, hotkey),
    ...(autoStakeHotkey === undefined ? {} : { autoStakeHotkey }),
  };
}
