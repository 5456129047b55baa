// Owns: what the leaderboard and a miner's page know of a chain at one block. Does not own: reading it (cli), weights of all
// validators (subnet/).
import type { Neuron } from '../chain/chain.js';
import { isOfOwner } from '../emissions/coinbase.js';
import type { Coldkey, Hotkey } from '../model/ids.js';

export interface ChainFacts {
  readonly block: number;
  /** the chain's epoch index */
  readonly epoch: number;
  /** from one epoch to the next */
  readonly epochBlocks: number;
  readonly nextEpochBlock: number | undefined;
  readonly blockTimeMs: number;
  readonly neurons: readonly Neuron[];
  /** the subnet's: pay of this hotkey, and of every other that the coldkey owns, the chain burns */
  readonly ownerHotkey: Hotkey;
  readonly ownerColdkey: Coldkey;
  /** TAO for 1 alpha, rao; undefined where nobody says */
  readonly priceRao: bigint | undefined;
  /** this validator's row as the chain shows it, of 1; undefined where nobody here is a validator */
  readonly weights: ReadonlyMap<string, number> | undefined;
  readonly isCommitReveal: boolean;
  /** rows of this validator that are sealed still */
  readonly sealed: readonly {
    readonly epoch: number;
    readonly block: number;
    readonly revealMs: number | undefined;
  }[];
  /** unix ms at which it was read */
  readonly readMs: number;
}

/** Whether the chain burns what it is given. */
export const isBurned = ({ ownerHotkey, ownerColdkey }: ChainFacts, neuron: Neuron): boolean =>
  isOfOwner(neuron, { hotkey: ownerHotkey, coldkey: ownerColdkey });

/** What the last epoch assigned for incentive alone; rao. */
export interface MinerEmission {
  readonly allRao: bigint;
  /** of incentives, as the chain counts them */
  readonly shares: number;
  of(neuron: Neuron): bigint;
}

/** A neuron's emission is for incentive and dividends together: whoever has no dividends tells what a share of incentive is. */
export function minerEmission(neurons: readonly Neuron[]): MinerEmission {
  const miners = neurons.filter(({ incentive }) => incentive > 0);
  const shares = miners.reduce((sum, { incentive }) => sum + incentive, 0);
  const pure = miners.filter(({ dividends }) => dividends === 0);
  const pureShares = pure.reduce((sum, { incentive }) => sum + incentive, 0);
  const pureRao = pure.reduce((sum, { emissionRao }) => sum + emissionRao, 0n);
  const allRao = pureShares === 0 ? 0n : (pureRao * BigInt(shares)) / BigInt(pureShares);
  return {
    allRao,
    shares,
    of: ({ incentive, dividends, emissionRao }) =>
      dividends === 0 ? emissionRao : shares === 0 ? 0n : (allRao * BigInt(incentive)) / BigInt(shares),
  };
}

const DAY_MS = 86_400_000;

type Pace = Pick<ChainFacts, 'epochBlocks' | 'blockTimeMs'>;

/** What the last epoch assigned, for as many epochs as a day has; rao. */
export const perDayRao = ({ epochBlocks, blockTimeMs }: Pace, epochRao: bigint): bigint =>
  (epochRao * BigInt(DAY_MS)) / BigInt(Math.max(1, Math.round(blockTimeMs * epochBlocks)));
