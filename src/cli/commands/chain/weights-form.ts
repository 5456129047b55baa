// Owns: a row of weights in the form that a subnet takes, as an operation, and when it will count. Does not own: the row
// (chain/weights), sending, a validator's own weights (validator/weights).
import type { Subnet, WeightRow } from '../../../chain/chain.js';
import { commitHash, storageIndex } from '../../../chain/codec/weight-commits.js';
import { sealRow } from '../../../chain/sealed-weights.js';
import type { Operation } from '../../../chain/subtensor/operations/operation.js';
import {
  commitTimelockedWeights,
  commitWeights,
  setWeights,
} from '../../../chain/subtensor/operations/weights.js';
import type { Random } from '../../../model/prng.js';
import type { KeptCommit } from '../../commit-file.js';
import { hashText } from '../../facts.js';
import type { ChainClient } from '../../networks.js';

/** u16 words: 128 bits */
const SALT_WORDS = 8;

export interface RowToSend {
  readonly hotkey: string;
  readonly subnet: Subnet;
  /** of the block that `subnet` is of */
  readonly at: Uint8Array;
  readonly mechanism: number;
  readonly row: WeightRow;
  readonly versionKey: bigint;
}

export type WeightsForm =
  | { readonly form: 'set'; readonly operation: Operation; readonly counts: Counts }
  | {
      readonly form: 'plain';
      readonly operation: Operation;
      readonly counts: Counts;
      /** without which it can never be revealed */
      readonly kept: Omit<KeptCommit, 'genesisHash'>;
    }
  | {
      readonly form: 'timelocked';
      readonly operation: Operation;
      readonly counts: Counts;
      readonly revealRound: number;
    };

/** Blocks as far as they can be told now; undefined where tempo is 0. */
export interface Counts {
  /** from which on the row can be seen, or must be revealed */
  readonly revealedFrom?: number | undefined;
  /** of the first epoch that uses it; a plain commit that is not revealed before it is lost */
  readonly epochBlock: number | undefined;
}

interface Parts {
  readonly chain: Pick<ChainClient, 'beacon' | 'info'>;
  /** for the seal and the salt */
  readonly random: Random;
}

/** What the subnet wants now: rows in the open, their hash, or sealed. */
export async function toWeightsForm(parts: Parts, sending: RowToSend): Promise<WeightsForm> {
  const { subnet, row, versionKey, mechanism } = sending;
  const { netuid, nextEpochBlock } = subnet;
  if (!subnet.commitRevealEnabled) {
    const operation = setWeights({ netuid, mechanism, weights: row, versionKey });
    return { form: 'set', operation, counts: { epochBlock: nextEpochBlock } };
  }
  return subnet.timelockVersion === undefined
    ? toPlainCommit(parts.random, sending)
    : toSealed(parts, sending, subnet.timelockVersion);
}

/** A hash now, the row in the epoch `revealPeriodEpochs` later. */
export function toPlainCommit(
  random: Random,
  { hotkey, subnet, mechanism, row, versionKey }: RowToSend,
): Extract<WeightsForm, { form: 'plain' }> {
  const { netuid } = subnet;
  const words = new Uint16Array(random.bytes(2 * SALT_WORDS).slice().buffer);
  const salt = [...words];
  const columns = { uids: row.map(([uid]) => uid), values: row.map(([, value]) => value) };
  const hash = commitHash(hotkey, storageIndex(netuid, mechanism), { ...columns, salt, versionKey });
  return {
    form: 'plain',
    operation: commitWeights({ netuid, mechanism }, hash),
    counts: countsAfter(subnet),
    kept: { netuid, mechanism, hotkey, weights: row, salt, versionKey, hash: hashText(hash) },
  };
}

async function toSealed(
  { chain, random }: Parts,
  { hotkey, subnet, at, mechanism, row, versionKey }: RowToSend,
  version: number,
): Promise<WeightsForm> {
  const [beacon, { blockTimeMs }] = await Promise.all([chain.beacon(at), chain.info()]);
  const { netuid } = subnet;
  const sealed = sealRow({ row, versionKey, subnet, beacon, blockTimeMs, hotkey, random });
  const { bytes, revealRound, revealBlock } = sealed;
  return {
    form: 'timelocked',
    operation: commitTimelockedWeights({ netuid, mechanism, bytes, revealRound, version }),
    counts: { ...countsAfter(subnet), revealedFrom: revealBlock },
    revealRound,
  };
}

/**
 * A commit belongs to the epoch `revealPeriodEpochs` after its own, and counts when that one ends.
 * @param epoch of the commit
 */
export function countsAfter(
  {
    nextEpochBlock,
    epochIndex,
    tempo,
    revealPeriodEpochs,
  }: Pick<Subnet, 'nextEpochBlock' | 'epochIndex' | 'tempo' | 'revealPeriodEpochs'>,
  epoch = epochIndex,
): Counts {
  if (nextEpochBlock === undefined) return { epochBlock: undefined };
  const revealedFrom = nextEpochBlock + (epoch - epochIndex + revealPeriodEpochs - 1) * tempo;
  return { revealedFrom, epochBlock: revealedFrom + tempo };
}
