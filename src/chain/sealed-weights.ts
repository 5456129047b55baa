// Owns: a row of weights sealed for the round in which the chain opens it. Does not own: the encryption and the rounds'
// arithmetic (codec/timelock.ts), sending.
import { fromAddress } from '../keys/ss58.js';
import type { Random } from '../model/prng.js';
import type { Beacon, Subnet, WeightRow } from './chain.js';
import { blake2b256 } from './codec/storage.js';
import { encodeWeightsPayload, revealTarget, roundForBlock, sealTimelocked } from './codec/timelock.js';

interface RowToSeal {
  readonly row: WeightRow;
  readonly versionKey: bigint;
  /** as of the head */
  readonly subnet: Pick<Subnet, 'block' | 'tempo' | 'revealPeriodEpochs' | 'nextEpochBlock'>;
  /** of the same block: the round follows from the chain's own time, ours decides nothing */
  readonly beacon: Beacon;
  readonly blockTimeMs: number;
  /** SS58, of who commits it */
  readonly hotkey: string;
  readonly random: Random;
}

interface SealedRow {
  readonly bytes: Uint8Array;
  readonly revealRound: number;
  /** block about which that round is out */
  readonly revealBlock: number;
  /** blake2-256 of `bytes`, as TimelockedWeightsCommitted names it */
  readonly hash: Uint8Array;
}

/** @throws AssayError `limit-exceeded` for more entries than a commit holds */
export function sealRow({
  row,
  versionKey,
  subnet,
  beacon,
  blockTimeMs,
  hotkey,
  random,
}: RowToSeal): SealedRow {
  const { block, tempo, revealPeriodEpochs, nextEpochBlock = block } = subnet;
  const revealBlock = revealTarget({ nextEpochBlock, tempo, revealPeriodEpochs });
  const now = { unixMs: beacon.blockTimestampMs, block, blockTimeMs };
  const revealRound = roundForBlock(beacon, now, revealBlock);
  const payload = encodeWeightsPayload({
    hotkey: fromAddress(hotkey),
    uids: row.map(([uid]) => uid),
    values: row.map(([, value]) => value),
    versionKey,
  });
  const bytes = sealTimelocked(payload, revealRound, beacon.publicKey, random);
  return { bytes, revealRound, revealBlock, hash: blake2b256(bytes) };
}
