// Owns: the next step of an epoch's weights, from what is written down and what the chain says. Pure.
// Does not own: taking it (publish.ts).
import type { PendingCommit, Subnet, WeightRow } from '../../chain/chain.js';
import { alreadySetThisEpoch, canSetWeights } from '../../chain/weights.js';
import { toHex } from '../../model/bytes.js';
import type { Uid } from '../../model/ids.js';
import type { WeightsRecord } from './book.js';

/** One look at the chain: of the best block what can be done, of the finalised one what has been. */
export interface Seen {
  /** best block */
  readonly block: number;
  readonly finalized: number;
  /** of the best block */
  readonly subnet: Subnet;
  readonly uid: Uid | undefined;
  /** our row as stored in the best block */
  readonly row: WeightRow;
  /** the same in the finalised one */
  readonly finalRow: WeightRow;
  /** our commits in the finalised block */
  readonly finalPending: readonly PendingCommit[];
  /** whether the block of `included` or `revealed` is still the chain's at its height */
  isOnChain(at: { readonly block: number; readonly blockHash: string }): boolean;
}

export type Next =
  /** sign and send a new row */
  | { readonly do: 'send' }
  /** find out what became of signed bytes, sending them again unless they are in a block */
  | { readonly do: 'resend' }
  | { readonly do: 'reveal' }
  | { readonly do: 'resend-reveal' }
  | { readonly do: 'retracted' }
  | { readonly do: 'reveal-retracted' }
  | { readonly do: 'applied' }
  | { readonly do: 'fail'; readonly reason: Failure }
  /** nothing to do before `atBlock`, or where it is absent before the chain changes */
  | { readonly do: 'wait'; readonly reason: string; readonly atBlock?: number };

export type Failure =
  /** the epoch ended before they were sent */
  | 'epoch-passed'
  /** the epoch's weights were set by somebody else with this hotkey, or by an earlier book that is lost */
  | 'set-elsewhere'
  /** a commit that no block has any more, though its block is final */
  | 'commit-vanished'
  /** the reveal's epoch went by */
  | 'reveal-missed'
  /** the chain dropped a time-locked commit without applying it */
  | 'reveal-failed'
  /** nobody looked in the epoch in which it should have been revealed, and another row stands there now */
  | 'reveal-unseen'
  /** a row that is not what was sent */
  | 'row-differs'
  /** its blocks are forgotten, or its bytes are of a runtime that is gone: nobody can tell any more */
  | 'fate-unknown';

/** After refusal number n nothing is sent for 2^n blocks, at most this many. */
const MAX_PAUSE = 64;

export function decide(record: WeightsRecord, seen: Seen): Next {
  const { subnet } = seen;
  switch (record.stage) {
    case 'computed':
      return beforeSending(record, seen);
    case 'submitted':
      return afterSending(record, seen);
    case 'included':
      if (!seen.isOnChain(record.included!)) return { do: 'retracted' };
      if (record.sending!.form === 'set') return readBack(record, seen, record.included!.block);
      if (record.sending!.form === 'timelocked') return sealed(record, seen);
      return hashed(record, seen);
    case 'reveal-submitted':
      return { do: 'resend-reveal' };
    case 'revealed':
      if (!seen.isOnChain(record.revealed!)) return { do: 'reveal-retracted' };
      return readBack(record, seen, record.revealed!.block);
    default:
      return { do: 'wait', reason: `finished in epoch ${subnet.epochIndex}` };
  }
}

function beforeSending(record: WeightsRecord, { block, subnet, uid }: Seen): Next {
  if (subnet.epochIndex !== record.epoch) return { do: 'fail', reason: 'epoch-passed' };
  if (uid === undefined) return { do: 'wait', reason: 'not-registered' };
  if (alreadySetThisEpoch(subnet, uid)) return { do: 'fail', reason: 'set-elsewhere' };
  // an epoch that is due or about to be: what is sent now would be the next one's
  if (subnet.nextEpochBlock === undefined || block + 1 >= subnet.nextEpochBlock)
    return { do: 'wait', reason: 'epoch-about-to-end' };
  const possible = canSetWeights({ subnet, uid, block: block + 1 });
  if (!possible.ok) {
    const { reason, atBlock } = possible;
    return { do: 'wait', reason, ...(atBlock === undefined ? {} : { atBlock }) };
  }
  if (record.refusedAt === undefined) return { do: 'send' };
  const atBlock = record.refusedAt + Math.min(MAX_PAUSE, 2 ** record.refusals);
  return block >= atBlock ? { do: 'send' } : { do: 'wait', reason: record.lastError ?? 'refused', atBlock };
}

/** Signed for an epoch, it must not be sent in the next; what is in a pool may land until it dies. */
function afterSending({ epoch, sending }: WeightsRecord, { subnet, block, finalized }: Seen): Next {
  const { head, row, signed } = sending!;
  if (block < head) return { do: 'wait', reason: 'node-behind', atBlock: head };
  // dead: what the last blocks of its life hold is decided when they are final
  if (block >= signed.deathBlock)
    return finalized + 1 < signed.deathBlock ? { do: 'wait', reason: 'not final yet' } : { do: 'resend' };
  const dies = (reason: string): Next => ({ do: 'wait', reason, atBlock: signed.deathBlock });
  if (subnet.epochIndex !== epoch) return dies('epoch-passed');
  // a uid that was registered anew since must not get the weight of who had it before
  const isAnew = row.some(
    ([uid, value]) => value > 0 && (subnet.neurons[uid]?.registeredAt ?? head + 1) > head,
  );
  return isAnew ? dies('registered-anew') : { do: 'resend' };
}

/** A row is done when the block that stored it is final and the row is there. */
function readBack(record: WeightsRecord, seen: Seen, storedIn: number): Next {
  const { finalized, finalRow, subnet, uid } = seen;
  if (finalized < storedIn) return { do: 'wait', reason: 'not final yet', atBlock: storedIn };
  // it was read back in its own block when it was sent; a later epoch's row may stand there by now
  if (subnet.epochIndex > lastEpochOf(record)) return { do: 'applied' };
  // re-registered since: the row of the old uid went with it
  if (uid === undefined) return { do: 'fail', reason: 'row-differs' };
  return sameRow(finalRow, record.sending!.row) ? { do: 'applied' } : { do: 'fail', reason: 'row-differs' };
}

/** Revealed by the chain itself at the start of the epoch `revealPeriodEpochs` after the commit's. */
function sealed(record: WeightsRecord, seen: Seen): Next {
  const { subnet, finalized, finalRow } = seen;
  const due = record.commitEpoch! + subnet.revealPeriodEpochs;
  const isPending = isStillPending(record, seen);
  if (finalized < record.included!.block) return notFinal(record);
  if (subnet.epochIndex < due)
    return isPending ? untilEpoch(subnet, 'sealed') : { do: 'fail', reason: 'commit-vanished' };
  if (finalized < subnet.lastEpochBlock) return { do: 'wait', reason: 'not final yet' };
  // while the beacon's round is not on the chain it is tried again in every block of this epoch
  if (isPending && subnet.epochIndex === due) return { do: 'wait', reason: 'beacon-round-missing' };
  if (isPending) return { do: 'fail', reason: 'reveal-missed' };
  if (sameRow(finalRow, record.sending!.row)) return { do: 'applied' };
  return { do: 'fail', reason: subnet.epochIndex === due ? 'reveal-failed' : 'reveal-unseen' };
}

/** To be revealed by us, in exactly one epoch. */
function hashed(record: WeightsRecord, seen: Seen): Next {
  const { subnet, block } = seen;
  const due = record.commitEpoch! + subnet.revealPeriodEpochs;
  if (subnet.epochIndex > due) return { do: 'fail', reason: 'reveal-missed' };
  if (seen.finalized < record.included!.block) return notFinal(record);
  if (!isStillPending(record, seen)) return { do: 'fail', reason: 'commit-vanished' };
  if (subnet.epochIndex < due) return untilEpoch(subnet, 'hashed');
  if (record.refusedAt === undefined || record.refusals === 0) return { do: 'reveal' };
  const atBlock = record.refusedAt + Math.min(MAX_PAUSE, 2 ** record.refusals);
  return block >= atBlock ? { do: 'reveal' } : { do: 'wait', reason: record.lastError ?? 'refused', atBlock };
}

/** Looked at again in every block: a fork may take it back. */
const notFinal = ({ included }: WeightsRecord): Next => ({
  do: 'wait',
  reason: 'not final yet',
  atBlock: included!.block,
});

/** The last one in which nothing of ours comes after it. */
const lastEpochOf = ({ epoch, sending, commitEpoch }: WeightsRecord): number =>
  sending!.form === 'set' ? epoch : Math.max(epoch, (commitEpoch ?? epoch) + 1);

const isStillPending = ({ sending }: WeightsRecord, { finalPending }: Seen): boolean =>
  finalPending.some(({ hash }) => toHex(hash) === sending!.commit);

const untilEpoch = ({ nextEpochBlock }: Subnet, reason: string): Next => ({
  do: 'wait',
  reason,
  ...(nextEpochBlock === undefined ? {} : { atBlock: nextEpochBlock }),
});

const sameRow = (a: WeightRow, b: WeightRow): boolean =>
  a.length === b.length && a.every(([uid, value], i) => uid === b[i]![0] && value === b[i]![1]);
