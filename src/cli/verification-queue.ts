// Owns: a validator's queue from its data folder: opened, worked on, what an earlier process left recorded, closed. Does not own: the
// queue (validator/queue), threads.
import { toHex } from '../model/bytes.js';
import { toHotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Ledger } from '../validator/ledger/ledger.js';
import type { EvidenceStore } from '../validator/queue/evidence-store.js';
import type { Stamp } from '../validator/queue/job.js';
import { openJobBook } from '../validator/queue/job-book.js';
import { createJournalQueue, type JournalQueue } from '../validator/queue/journal-queue.js';
import { openQueueKey, type QueueKey } from '../validator/queue/queue-key.js';
import { createQueueVerifiers, type QueueVerifiers } from '../validator/queue/queue-verifiers.js';
import { recoverOutcomes, withSettling } from '../validator/queue/recover.js';
import type { Verifiers } from '../validator/verifiers.js';
import { dataPaths, systemParts } from './assemble.js';
import type { Known } from './subnet-module.js';

export interface VerificationQueue {
  readonly verifiers: QueueVerifiers;
  /** What an outcome is recorded by: its job is settled then. */
  readonly ledger: Ledger;
  readonly queue: JournalQueue;
  /** When it resolves nobody writes to the ledger from here. */
  close(): Promise<void>;
}

/** What a queue made of jobs in a folder may become: the same jobs, and who else does them. */
export type WrapQueue = (
  inner: JournalQueue,
  of: { readonly key: QueueKey; readonly stamp: Stamp; readonly evidence: EvidenceStore },
) => Promise<JournalQueue>;

/**
 * @param parts.verifiers who judges what this process has in hand
 * @param at.keyFile made where there is none. @default beside the queue
 * @param at.wrap @default the jobs are done here
 */
export async function openVerificationQueue(
  parts: {
    readonly verifiers: Verifiers;
    readonly ledger: Ledger;
    readonly log: Log;
    readonly known: Pick<Known, 'kinds' | 'build'>;
  },
  at: {
    readonly data: string;
    readonly genesisHash: Uint8Array;
    readonly netuid: number;
    readonly hotkey: string;
    readonly keyFile?: string | undefined;
    readonly wrap?: WrapQueue | undefined;
  },
  signal: AbortSignal,
): Promise<VerificationQueue> {
  const { verifiers: own, log } = parts;
  const { kinds, build } = parts.known;
  const { clock, random } = systemParts;
  const folder = dataPaths.queue(at.data);
  const self = toHotkey(at.hotkey);
  const key = await openQueueKey(at.keyFile ?? dataPaths.queueKey(at.data), { make: true });
  const deployment = { genesis: toHex(at.genesisHash), netuid: at.netuid, hotkey: self };
  const stamp: Stamp = { deployment, build };
  const book = await openJobBook({ key, stamp, clock, log }, folder);
  const journal = createJournalQueue({ book, log });
  const queue = at.wrap ? await at.wrap(journal, { key, stamp, evidence: book.evidence }) : journal;
  const verifiers = createQueueVerifiers({ queue, verifiers: own, kinds, random, self }, signal);
  const ledger = withSettling(parts.ledger, { queue, log });
  const recovered = recoverOutcomes({ queue, ledger, kinds, clock, log }, signal).catch((error: unknown) => {
    log.error('jobs of an earlier process are left for the next one', { error });
  });

  return {
    verifiers,
    ledger,
    queue,
    async close() {
      await verifiers.close();
      await queue.close();
      await recovered;
    },
  };
}
