// Owns: a row of weights in the form that a subnet takes, as an operation, and when it will count. Does not own: the row
// (chain/weights), sending, a validator's own weights (validator/weights).
import type { Subnet, WeightRow } from '../../../chain/chain.js';
import {
  encodeWeightsPayload,
  revealTarget,
  roundForBlock,
  sealTimelocked,
} from '../../../chain/codec/timelock.js';
import { commitHash, storageIndex } from '../../../chain/codec/weight-commits.js';
import type { Operation } from '../../../chain/subtensor/operations/operation.js';
import {
  commitTimelockedWeights,
  commitWeights,
  setWeights,
} from '../../../chain/subtensor/operations/weights.js';
import { fromAddress } from '../../../keys/ss58.js';
import type { Clock } from '../../../model/clock.js';
import type { Random } from '../../../model/prng.js';
import type { KeptCommit } from '../../commit-file.js';
import { hashText } from '../../facts.js';
import type { ChainClient } from '../../networks.js';

/** u16 words: 128 bits */
const SALT_WORDS = 8;

export interface RowToSend {
  readonly hotkey: string;
  readonly subnet: Subnet;
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
  /** of the first epoch that uses it */
  readonly epochBlock: number | undefined;
}

/**
 * What the subnet wants now: rows in the open, their hash, or sealed.
 * @param parts time and randomness for the seal and the salt
 */
export async function toWeightsForm(
  parts: {
    readonly chain: Pick<ChainClient, 'beacon' | 'info'>;
    readonly clock: Clock;
    readonly random: Random;
  },
  sending: RowToSend,
): Promise<WeightsForm> {
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
  { chain, clock, random }: Parameters<typeof toWeightsForm>[0],
  { hotkey, subnet, mechanism, row, versionKey }: RowToSend,
  version: number,
): Promise<WeightsForm> {
  const [beacon, { blockTimeMs }] = await Promise.all([chain.beacon(), chain.info()]);
  const { netuid, block, tempo, revealPeriodEpochs, nextEpochBlock = block } = subnet;
  // a clock that is behind would lock to a round that is out already
  const storedAtMs = 1000 * (beacon.genesisSeconds + (beacon.lastStoredRound - 1) * beacon.periodSeconds);
  const unixMs = Math.max(clock.now(), beacon.lastStoredRound > 0 ? storedAtMs : 0);
  const target = revealTarget({ nextEpochBlock, tempo, revealPeriodEpochs });
  const revealRound = roundForBlock(beacon, { unixMs, block, blockTimeMs }, target);
  const payload = encodeWeightsPayload({
    hotkey: fromAddress(hotkey),
    uids: row.map(([uid]) => uid),
    values: row.map(([, value]) => value),
    versionKey,
  });
  const bytes = sealTimelocked(payload, revealRound, beacon.publicKey, random);
  return {
    form: 'timelocked',
    operation: commitTimelockedWeights({ netuid, mechanism, bytes, revealRound, version }),
    counts: { ...countsAfter(subnet), revealedFrom: target },
    revealRound,
  };
}

/** A commit of this epoch belongs to the one `revealPeriodEpochs` later, and counts when that one ends. */
function countsAfter({ nextEpochBlock, tempo, revealPeriodEpochs }: Subnet): Counts {
  if (nextEpochBlock === undefined) return { epochBlock: undefined };
  const revealedFrom = nextEpochBlock + (revealPeriodEpochs - 1) * tempo;
  return { revealedFrom, epochBlock: revealedFrom + tempo };
}
