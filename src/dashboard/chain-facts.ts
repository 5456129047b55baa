// Owns: what the leaderboard and a miner's page know of a chain at one block. Does not own: reading it (cli), weights of all
// validators (subnet/).
import type { Neuron } from '../chain/chain.js';
import type { Hotkey } from '../model/ids.js';

export interface ChainFacts {
  readonly block: number;
  /** the chain's epoch index */
  readonly epoch: number;
  /** from one epoch to the next */
  readonly epochBlocks: number;
  readonly nextEpochBlock: number | undefined;
  readonly blockTimeMs: number;
  readonly neurons: readonly Neuron[];
  /** whose pay the chain burns */
  readonly ownerHotkey: Hotkey;
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

const DAY_MS = 86_400_000;

type Pace = Pick<ChainFacts, 'epochBlocks' | 'blockTimeMs'>;

/** What the last epoch assigned, for as many epochs as a day has; rao. */
export const perDayRao = ({ epochBlocks, blockTimeMs }: Pace, epochRao: bigint): bigint =>
  (epochRao * BigInt(DAY_MS)) / BigInt(Math.max(1, Math.round(blockTimeMs * epochBlocks)));
