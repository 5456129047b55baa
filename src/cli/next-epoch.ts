// Owns: what the next epoch of a subnet will read, made of a chain's state as it is now. Does not own: the epoch (emissions),
// reading the chain.
import type { PendingCommit, Subnet, WeightRow } from '../chain/chain.js';
import type { SnapshotValue, SubnetSnapshot } from '../chain/snapshot-file.js';
import { epochEmission } from '../emissions/coinbase.js';
import type { EpochInput, U16Row } from '../emissions/epoch.js';
import { splitEmission } from '../emissions/mechanisms.js';
import { activityCutoffBlocks } from '../emissions/schedule.js';
import { consensusStake } from '../emissions/stake.js';
import { AssayError } from '../model/errors.js';

/** All of one block. */
export interface ChainNow {
  /** of `mechanism` */
  readonly subnet: Subnet;
  readonly snapshot: SubnetSnapshot;
  readonly mechanism: number;
  /** by uid */
  readonly pending: readonly (readonly PendingCommit[])[];
}

export interface NextEpoch {
  readonly input: EpochInput;
  /** Whose stake is known in whole rao only: it lends or borrows some. An epoch counts fractions of one as well. */
  readonly roundedStakes: readonly number[];
}

/**
 * What stays as it is until then: rows, bonds, stakes, hyperparameters. Who registers or stakes meanwhile is not in it.
 * @throws AssayError `unsupported` where the chain has no epoch as this build knows it
 */
export function nextEpoch({ subnet, snapshot, mechanism, pending }: ChainNow): NextEpoch {
  const { neurons, nextEpochBlock: block, tempo } = subnet;
  if (block === undefined) throw unsupported(`subnet ${subnet.netuid} has no epochs: its tempo is 0`);
  const { hyperparameters, chain, schedule, emission } = snapshot;
  const n = neurons.length;
  const taoWeight = amountIn(chain, 'TaoWeight');
  const roundedStakes: number[] = [];
  const stakes = neurons.map(({ uid, consensusStakeRao }) => {
    const { alphaRao, rootRao } = snapshot.neurons[uid]!; // read in the same block
    const own = consensusStake({ alphaRao, rootTaoRao: rootRao, taoWeight });
    if (consensusStakeRao === undefined || consensusStakeRao === own.rao) return own;
    roundedStakes.push(uid);
    return { rao: consensusStakeRao, fraction: 0n };
  });
  const rowsOf = (rows: SubnetSnapshot['weights']): U16Row[] => {
    const all = Array.from({ length: n }, (): U16Row => []);
    for (const { mechanism: of, uid, row } of rows) if (of === mechanism) all[uid] = row;
    return all;
  };
  const { bonds } = snapshot;
  if (!bonds) throw unsupported('its bonds could not be read');
  const aside = epochEmission({
    serverRao: amountIn(emission, 'PendingServerEmission'),
    validatorRao: amountIn(emission, 'PendingValidatorEmission'),
    rootRao: amountIn(emission, 'PendingRootAlphaDivs'),
    ownerCutRao: 0n, // not shared out by consensus
  });
  const split = hyperparameters.MechanismEmissionSplit;
  const parts = splitEmission(
    aside,
    subnet.mechanismCount,
    Array.isArray(split) ? split.map(Number) : undefined,
  );
  const input: EpochInput = {
    n,
    block,
    tempo,
    activityCutoff: activityCutoffBlocks(numberIn(hyperparameters, 'ActivityCutoffFactorMilli'), tempo),
    lastUpdate: neurons.map(({ lastUpdate }) => lastUpdate),
    blockAtRegistration: neurons.map(({ registeredAt }) => registeredAt),
    kappa: numberIn(hyperparameters, 'Kappa'),
    bondsPenalty: numberIn(hyperparameters, 'BondsPenalty'),
    bondsMovingAverage: numberIn(hyperparameters, 'BondsMovingAverage'),
    maxValidators: numberIn(hyperparameters, 'MaxAllowedValidators'),
    stakeThreshold: amountIn(chain, 'StakeThreshold'),
    stakes: stakes.map(({ rao }) => rao),
    stakeFractions: stakes.map(({ fraction }) => fraction),
    ownerUid: subnet.ownerUid,
    weights: rowsOf(snapshot.weights),
    bonds: rowsOf(bonds),
    validatorPermits: neurons.map(({ validatorPermit }) => validatorPermit),
    lastMechanismStep: numberIn(schedule, 'LastMechansimStepBlock'),
    commitReveal: subnet.commitRevealEnabled
      ? { earliestCommit: neurons.map(({ uid }) => earliestOf(pending[uid] ?? [], subnet)) }
      : undefined,
    yuma3On: hyperparameters.Yuma3On === true,
    liquidAlpha: hyperparameters.LiquidAlphaOn === true ? liquidAlphaIn(hyperparameters) : undefined,
    raoEmission: parts[mechanism]!, // there are as many as mechanisms
  };
  return { input, roundedStakes };
}

/** The same with a row set by then, in the next block. */
export const withRow = (
  input: EpochInput,
  { uid, row, block }: { readonly uid: number; readonly row: WeightRow; readonly block: number },
): EpochInput => ({
  ...input,
  weights: input.weights.map((own, i) => (i === uid ? row : own)),
  lastUpdate: input.lastUpdate.map((own, i) => (i === uid ? block : own)),
  // it counts as if it were revealed already
  commitReveal: input.commitReveal && {
    earliestCommit: input.commitReveal.earliestCommit.map((own, i) => (i === uid ? undefined : own)),
  },
});

/**
 * At the epoch the chain counts one more epoch than now: what could have been revealed in this one is dropped by then, and what is
 * time-locked to that one is opened before it.
 */
const earliestOf = (pending: readonly PendingCommit[], subnet: Subnet): number | undefined =>
  pending.find(
    ({ kind, epoch }) =>
      epoch + subnet.revealPeriodEpochs > subnet.epochIndex + (kind === 'timelocked' ? 1 : 0),
  )?.block;

function liquidAlphaIn(values: SubnetSnapshot['hyperparameters']): NonNullable<EpochInput['liquidAlpha']> {
  const pair = values.AlphaValues;
  if (!Array.isArray(pair) || pair.length !== 2) throw unsupported('its liquid alpha has no bounds');
  return {
    low: Number(pair[0]),
    high: Number(pair[1]),
    steepness: numberIn(values, 'AlphaSigmoidSteepness'),
  };
}

type Values = Readonly<Record<string, SnapshotValue>>;

const amountIn = (values: Values, name: string): bigint => {
  const value = values[name];
  if (typeof value !== 'string' && typeof value !== 'number') throw unsupported(`it has no ${name}`);
  return BigInt(value);
};

const numberIn = (values: Values, name: string): number => Number(amountIn(values, name));

const unsupported = (why: string): AssayError<'unsupported'> =>
  new AssayError('unsupported', `next epoch: ${why}`, { what: 'next epoch', why });
