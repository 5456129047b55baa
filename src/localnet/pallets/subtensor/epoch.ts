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
import { joinMechanisms, type SubnetEpoch, splitEmission } from '../../../emissions/mechanisms.js';
import { activityCutoffBlocks } from '../../../emissions/schedule.js';
import type { BlockContext } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { consensusStakeOf, familyOf, outsidersOf } from './children.js';
import { earliestCommits } from './commits-timelocked.js';
import { mechanismIndices } from './mechanisms.js';
import { addStakeTo, addToPool, ownerOf } from './staking.js';
import { announceAutoStakes } from './staking-calls.js';

const S = runtime.SubtensorModule.storage;

export function runSubnetEpoch(context: BlockContext, netuid: number, pending: PendingEmission): void {
  const { state, block } = context;
  const n = state.get(S.SubnetworkN, netuid);
  const hotkeys = Array.from({ length: n }, (_, uid) => state.get(S.Keys, netuid, uid));
  const indices = mechanismIndices(state, netuid);
  const split = state.get(S.MechanismEmissionSplit, netuid);
  const parts = splitEmission(epochEmission(pending), indices.length, split);
  const shared = sharedInput(state, netuid, block, hotkeys);
  const outputs = indices.map((index, mecid) => {
    const own = mechanismInput(state, netuid, block, index, hotkeys);
    const output = runEpochInDoubles({ ...shared, ...own, raoEmission: parts[mecid]! });
    writeMechanism(context, index, output);
    return output;
  });
  // one alone is what joining it would give
  const output = outputs.length === 1 ? outputs[0]! : joinMechanisms(outputs, parts);
  writeOutput(context, netuid, output);
  pay(context, netuid, hotkeys, pending, output);
}

type OfMechanism = 'lastUpdate' | 'weights' | 'bonds' | 'commitReveal';

function mechanismInput(
  state: StateView,
  netuid: number,
  block: number,
  index: number,
  hotkeys: readonly string[],
): Pick<EpochInput, OfMechanism> {
  const uids = new Map(hotkeys.map((hotkey, uid) => [hotkey, uid]));
  const lastUpdate = state.get(S.LastUpdate, index);
  return {
    lastUpdate: hotkeys.map((_, uid) => lastUpdate[uid] ?? 0),
    weights: hotkeys.map((_, uid) => state.get(S.Weights, index, uid)),
    bonds: hotkeys.map((_, uid) => state.get(S.Bonds, index, uid)),
    commitReveal: state.get(S.CommitRevealWeightsEnabled, netuid)
      ? { earliestCommit: earliestCommits(state, netuid, index, block, uids) }
      : undefined,
  };
}

/** What is the same for all mechanisms: also permits, which the last epoch of them all granted. */
function sharedInput(
  state: StateView,
  netuid: number,
  block: number,
  hotkeys: readonly string[],
): Omit<EpochInput, OfMechanism | 'raoEmission'> {
  const n = hotkeys.length;
  const uids = Array.from({ length: n }, (_, uid) => uid);
  const stakes = hotkeys.map((hotkey) => consensusStakeOf(state, hotkey, netuid));
  const tempo = state.get(S.Tempo, netuid);
  const permits = state.get(S.ValidatorPermit, netuid);
  return {
    n,
    block,
    tempo,
    activityCutoff: activityCutoffBlocks(state.get(S.ActivityCutoffFactorMilli, netuid), tempo),
    blockAtRegistration: uids.map((uid) => state.get(S.BlockAtRegistration, netuid, uid)),
    kappa: state.get(S.Kappa, netuid),
    bondsPenalty: state.get(S.BondsPenalty, netuid),
    bondsMovingAverage: Number(state.get(S.BondsMovingAverage, netuid)),
    maxValidators: state.get(S.MaxAllowedValidators, netuid),
    stakeThreshold: state.get(S.StakeThreshold),
    stakes: stakes.map(({ rao }) => rao),
    stakeFractions: stakes.map(({ fraction }) => fraction),
    ownerUid: state.get(S.Uids, netuid, state.get(S.SubnetOwnerHotkey, netuid)),
    validatorPermits: uids.map((uid) => permits[uid] ?? false),
    lastMechanismStep: state.get(S.LastMechansimStepBlock, netuid),
    yuma3On: state.get(S.Yuma3On, netuid),
    liquidAlpha: state.get(S.LiquidAlphaOn, netuid) ? liquidAlphaOf(state, netuid) : undefined,
  };
}

function liquidAlphaOf(state: StateView, netuid: number): LiquidAlpha {
  const [low, high] = state.get(S.AlphaValues, netuid);
  return { low, high, steepness: state.get(S.AlphaSigmoidSteepness, netuid) };
}

/** `persist_mechanism_epoch_terms` */
function writeMechanism({ state, emit }: BlockContext, index: number, output: EpochOutput): void {
  state.put(S.Incentive, [index], output.incentive);
  emit({
    pallet: 'SubtensorModule',
    name: 'IncentiveAlphaEmittedToMiners',
    data: { netuid: index, emissions: output.serverEmission },
  });
  output.bonds.forEach((row, uid) => {
    if (row.length > 0 || state.has(S.Bonds, index, uid)) state.put(S.Bonds, [index, uid], row);
  });
}

/** `persist_netuid_epoch_terms` */
function writeOutput({ state }: BlockContext, netuid: number, output: SubnetEpoch): void {
  state.put(S.Active, [netuid], output.active);
  state.put(S.Consensus, [netuid], output.consensus);
  state.put(S.Dividends, [netuid], output.dividends);
  state.put(S.ValidatorTrust, [netuid], output.validatorTrust);
  state.put(S.StakeWeight, [netuid], output.stakeWeight);
  state.put(S.Emission, [netuid], output.emission);
  state.put(S.ValidatorPermit, [netuid], output.newPermits);
}

/** `distribute_emission`: every credit becomes stake; what the owner's miners earned leaves circulation. */
function pay(
  context: BlockContext,
  netuid: number,
  hotkeys: readonly string[],
  pending: PendingEmission,
  output: SubnetEpoch,
): void {
  const { state } = context;
  const owner = {
    hotkey: state.get(S.SubnetOwnerHotkey, netuid),
    coldkey: state.get(S.SubnetOwner, netuid),
  };
  const recycles = state.get(S.RecycleOrBurn, netuid) === 'Recycle';
  const outsiders = outsidersOf(state, hotkeys, netuid);
  const payees = hotkeys.map((hotkey, uid) => toPayee(state, netuid, hotkey, uid, output));
  announceAutoStakes(context, netuid, payees, owner);
  const payout = distributeEmission({
    pending,
    payees,
    owner,
    recycleOrBurn: recycles ? 'recycle' : 'burn',
    taoWeight: state.get(S.TaoWeight),
    outsiders,
    ckBurn: state.get(S.CKBurn),
  });

  for (const { hotkey, coldkey, amountRao } of payout.credits) {
    if (coldkey !== undefined) addStakeTo(context, hotkey, coldkey, netuid, amountRao);
    else addToPool(context, hotkey, netuid, amountRao);
  }
  const recycledRao = payout.recycledRao + payout.recycledOfParentsRao;
  const alphaOut = state.get(S.SubnetAlphaOut, netuid);
  if (recycledRao > 0n)
    state.put(S.SubnetAlphaOut, [netuid], alphaOut > recycledRao ? alphaOut - recycledRao : 0n);
  state.put(S.MinerBurned, [netuid], payout.minerBurned);
  const earners = [...hotkeys, ...outsiders.map(({ hotkey }) => hotkey)];
  const dividends = [...payout.alphaDividendsRao, ...payout.outsiderAlphaDividendsRao];
  const known = new Set(earners);
  for (const [, hotkey] of state.keys(S.AlphaDividendsPerSubnet, netuid))
    if (!known.has(hotkey)) state.delete(S.AlphaDividendsPerSubnet, netuid, hotkey);
  earners.forEach((hotkey, position) => {
    const dividend = dividends[position]!;
    if (dividend > 0n) state.put(S.AlphaDividendsPerSubnet, [netuid, hotkey], dividend);
    else state.delete(S.AlphaDividendsPerSubnet, netuid, hotkey);
    const total = state.get(S.TotalHotkeyAlpha, hotkey, netuid);
    if (total > 0n || state.has(S.TotalHotkeyAlphaLastEpoch, hotkey, netuid))
      state.put(S.TotalHotkeyAlphaLastEpoch, [hotkey, netuid], total);
  });
}

function toPayee(state: StateView, netuid: number, hotkey: string, uid: number, output: SubnetEpoch): Payee {
  const coldkey = ownerOf(state, hotkey);
  const autoStakeHotkey = state.get(S.AutoStakeDestination, coldkey, netuid);
  const family = familyOf(state, hotkey, netuid);
  return {
    hotkey,
    coldkey,
    serverEmissionRao: output.serverEmission[uid]!,
    validatorEmissionRao: output.validatorEmission[uid]!,
    alphaStakeRao: state.get(S.TotalHotkeyAlpha, hotkey, netuid),
    rootStakeRao: state.get(S.TotalHotkeyAlpha, hotkey, 0),
    take: state.get(S.Delegates, hotkey),
    ...(autoStakeHotkey === undefined ? {} : { autoStakeHotkey }),
    ...(family === undefined ? {} : { family }),
  };
}
