// Owns: one reading of a subnet as its page shows it. Does not own: reading a chain, markup (page.ts).
import type { Subnet, WeightRow } from '../../chain/chain.js';
import type { FreezeWindow, Prices, SubnetSummary } from '../../chain/operator-reads.js';
import { type Agreement, agreementOf } from './agreement.js';
import type { ChangeBook, ListedHyperparameter, SeenChange } from './changes.js';
import { type EmissionView, emissionOf } from './emission.js';
import { type HeatMap, heatMapOf } from './heat-map.js';

/** What was read at one block. What this chain or node could not say is undefined. */
export interface SubnetReading {
  readonly subnet: Subnet;
  readonly blockTimeMs: number;
  readonly summary: SubnetSummary | undefined;
  readonly prices: Prices | undefined;
  readonly hyperparameters: readonly ListedHyperparameter[];
  readonly freeze: FreezeWindow | undefined;
  /** by uid, as stored; undefined where it could not be read */
  readonly weights: readonly WeightRow[] | undefined;
  /** they are as they were there */
  readonly weightsBlock: number;
  /** unix ms */
  readonly readMs: number;
}

export interface EpochClock {
  readonly epoch: number;
  readonly block: number;
  readonly tempo: number;
  readonly lastEpochBlock: number;
  readonly nextEpochBlock: number | undefined;
  /** 0..1; undefined where tempo is 0 */
  readonly done: number | undefined;
  readonly blocksLeft: number | undefined;
  readonly msLeft: number | undefined;
}

export interface SubnetView {
  readonly reading: SubnetReading;
  readonly emission: EmissionView;
  readonly clock: EpochClock;
  readonly agreement: Agreement | undefined;
  readonly heatMap: HeatMap | undefined;
  readonly changes: readonly SeenChange[];
  /** first block of which this dashboard knows the hyperparameters */
  readonly watchedSince: number | undefined;
}

const HALF = 32_767;

/** In steps: 64 rows of 4,096 weights take some ten milliseconds. */
export function* subnetView(reading: SubnetReading, book: ChangeBook): Generator<void, SubnetView> {
  const { subnet, blockTimeMs, hyperparameters, weights } = reading;
  const numberOf = (name: string): number | undefined => {
    const entry = hyperparameters.find((each) => each.entry.name === name)?.entry;
    return entry?.kind === 'integer' ? Number(entry.value) : undefined;
  };
  const cutIsOff = hyperparameters.some(
    ({ entry }) => entry.name === 'owner_cut_enabled' && entry.kind === 'boolean' && !entry.value,
  );
  const agreement = weights && (yield* agreementOf(subnet, weights, numberOf('kappa') ?? HALF));
  yield;
  return {
    reading,
    emission: emissionOf(subnet, { blockTimeMs, ...(cutIsOff ? { ownerCut: 0 } : {}) }),
    clock: clockOf(subnet, blockTimeMs),
    agreement,
    heatMap: agreement && heatMapOf(agreement),
    changes: book.changes(),
    watchedSince: book.since(),
  };
}

export function clockOf(
  { epochIndex, block, tempo, lastEpochBlock, nextEpochBlock }: Subnet,
  blockTimeMs: number,
): EpochClock {
  const length = nextEpochBlock === undefined ? undefined : nextEpochBlock - lastEpochBlock;
  const blocksLeft = nextEpochBlock === undefined ? undefined : Math.max(0, nextEpochBlock - block);
  return {
    epoch: epochIndex,
    block,
    tempo,
    lastEpochBlock,
    nextEpochBlock,
    done:
      length === undefined || length <= 0
        ? undefined
        : Math.min(1, Math.max(0, (block - lastEpochBlock) / length)),
    blocksLeft,
    msLeft: blocksLeft === undefined ? undefined : blocksLeft * blockTimeMs,
  };
}
