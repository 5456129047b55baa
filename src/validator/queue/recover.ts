// Owns: the outcome of a session whose verdict this validator owed when its process ended: what is kept of it, and recording it.
// Does not own: jobs (journal-queue.ts), outcomes of events that go on (round.ts).
import { fromBinary } from '@bufbuild/protobuf';
import { Packr } from 'msgpackr';
import { raceAbort } from '../../model/abort.js';
import { concat, equals } from '../../model/bytes.js';
import type { Clock } from '../../model/clock.js';
import { creditShare, NO_CREDIT } from '../../model/credit.js';
import type { Log } from '../../model/log.js';
import { inconclusive, type Verdict } from '../../model/verdict.js';
import { FrameSchema } from '../../protocol/gen/assay/v1/miner_pb.js';
import type { ProofKinds } from '../assign.js';
import type { OutcomeEntry, SessionFrame } from '../ledger/entries.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Job, JobEnd } from './job.js';
import type { JournalQueue, Recovered } from './journal-queue.js';

const packr = new Packr({ useRecords: false, mapsAsObjects: true });

/** A frame whose data is the opening's next bytes: those are kept once, with the job. */
interface CutFrame extends Omit<SessionFrame, 'body'> {
  readonly head: Uint8Array;
  readonly bytes: number;
}

/** @param entry of a complete session, as it would be recorded where nobody judges it */
export function toNote({ outcome, session }: OutcomeEntry): Uint8Array {
  return packr.pack({ outcome, session: { ...session, frames: session.frames.map(cut) } });
}

/**
 * The note is our own, under the queue's mark; the ledger looks at what it is made of.
 * @param opening what was cut from it; without it the session has no frames
 */
export function fromNote(note: Uint8Array, opening: Uint8Array | undefined): OutcomeEntry {
  const { outcome, session } = packr.unpack(note) as {
    outcome: OutcomeEntry['outcome'];
    session: Omit<OutcomeEntry['session'], 'frames'> & { frames: readonly (SessionFrame | CutFrame)[] };
  };
  if (!opening) return { type: 'outcome', outcome, session: { ...session, frames: [] } };
  let at = 0;
  const frames = session.frames.map((frame): SessionFrame => {
    if (!('head' in frame)) return frame;
    const { head, bytes, ...rest } = frame;
    at += bytes;
    return { ...rest, body: concat(head, opening.subarray(at - bytes, at)) };
  });
  return { type: 'outcome', outcome, session: { ...session, frames } };
}

function cut(frame: SessionFrame): SessionFrame | CutFrame {
  if (frame.kind !== 'opening') return frame;
  const { body, ...rest } = frame;
  const { body: message } = fromBinary(FrameSchema, body);
  if (message.case !== 'opening') return frame;
  const { data } = message.value;
  const from = body.length - data.length;
  // the last field, as everybody writes it: who does not has its frame kept whole, and the bytes twice
  if (!equals(body.subarray(from), data)) return frame;
  return { ...rest, head: body.subarray(0, from), bytes: data.length };
}

/**
 * Records what each recovered job comes to, once: an outcome that the ledger has already is not looked at again. The events of
 * these sessions ended with the process that began them, and are completed by nobody: no score rests on them.
 * A round's outcome hangs on others' sessions, which are gone: it is our fault, and says so.
 */
export async function recoverOutcomes(
  parts: {
    readonly queue: Pick<JournalQueue, 'recovered' | 'settle'>;
    readonly ledger: Pick<Ledger, 'append' | 'saveParams' | 'outcomes'>;
    readonly kinds: ProofKinds;
    readonly clock: Clock;
    readonly log: Log;
  },
  signal: AbortSignal,
): Promise<void> {
  const { queue, ledger, clock, log } = parts;
  if (queue.recovered.length === 0) return;
  log.info('jobs of an earlier process are taken up again', { jobs: queue.recovered.length });
  // in turn, as the queue takes them up: what is kept of one at a time is in memory
  for (const each of queue.recovered) await recover(each);

  async function recover({ job, kept, end }: Recovered): Promise<void> {
    try {
      const { note, opening } = await kept();
      const entry = note && fromNote(note, opening);
      if (entry && !isRecorded(entry)) await record(job, entry, await raceAbort(signal, end));
      await queue.settle(job.id);
    } catch (error) {
      if (signal.aborted) return;
      log.error('a session of an earlier process has no outcome', { outcome: job.id, error });
    }
  }

  /** Of its epoch and later ones alone: a ledger of months is not read for it. */
  function isRecorded({ outcome: { id, epoch } }: OutcomeEntry): boolean {
    return ledger.outcomes({ fromEpoch: epoch }).some((known) => known.id === id);
  }

  async function record(job: Job, entry: OutcomeEntry, end: JobEnd): Promise<void> {
    const outcome = { ...entry.outcome, ...judged(parts.kinds, job, end), at: clock.now() };
    await ledger.saveParams(job.paramsId, job.params);
    await ledger.append({ ...entry, outcome });
  }
}

/** An outcome is written down: nothing of its job is needed any more. */
export function withSettling(
  ledger: Ledger,
  { queue, log }: { readonly queue: Pick<JournalQueue, 'settle'>; readonly log: Log },
): Ledger {
  return {
    ...ledger,
    async append(entry) {
      await ledger.append(entry);
      if (entry.type !== 'outcome') return;
      // what stays is found settled at the next start
      await queue.settle(entry.outcome.id).catch((error: unknown) => {
        log.warn('what was kept of a job could not be removed', { outcome: entry.outcome.id, error });
      });
    },
  };
}

function judged(
  kinds: ProofKinds,
  job: Job,
  end: JobEnd,
): Pick<OutcomeEntry['outcome'], 'verdict' | 'credit' | 'share'> {
  const kind = kinds[job.kind];
  const verdict: Verdict =
    !kind || kind.round || end.kind === 'set-aside' ? inconclusive('validator-fault') : end.verdict;
  if (!kind || verdict.kind !== 'accepted') return { verdict, credit: NO_CREDIT, share: 0 };
  const params = kind.parseParams(job.params);
  const credit = kind.credit(params, job.commits) || NO_CREDIT;
  return { verdict, credit, share: creditShare(credit, kind.facts(params).nominal) };
}
