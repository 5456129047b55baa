// Owns: the seam of verifiers over a queue: questions as jobs, and back as questions where this process judges them. Does not own:
// the queue, threads (verifiers.ts), what is recorded (round.ts).
import { setMaxListeners } from 'node:events';
import { toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import type { Random } from '../../model/prng.js';
import type { AnyProofKind } from '../../verification/kinds/index.js';
import type { EventVerifier, Question, Verifiers } from '../verifiers.js';
import type { Job } from './job.js';
import { createJobHandler } from './job-handler.js';
import type { JobHandler, JobQueue } from './job-queue.js';

export interface QueueVerifiers extends Verifiers {
  /** Hands back what is in hand here; nothing may be asked afterwards. */
  close(): Promise<void>;
}

/** A question whose job is under way, for when it is this process that has it in hand. */
interface Asked {
  readonly question: Question;
  readonly verifier: EventVerifier;
  /** its opening was handed to a thread */
  isTaken: boolean;
  /** as the thread gave it back */
  opening: Uint8Array;
}

/**
 * @param parts.verifiers who judges what this process has in hand: all of it, unless workers elsewhere are faster
 * @param parts.concurrency jobs in hand here at once; whose turn it is among them is the pool's to say. @default all
 */
export function createQueueVerifiers(
  {
    queue,
    verifiers,
    kinds,
    random,
    self,
    concurrency = Number.POSITIVE_INFINITY,
  }: {
    readonly queue: JobQueue;
    readonly verifiers: Verifiers;
    readonly kinds: Readonly<Record<string, AnyProofKind | undefined>>;
    readonly random: Random;
    /** whose evidence it is where a question does not say */
    readonly self: Hotkey;
    readonly concurrency?: number;
  },
  signal: AbortSignal,
): QueueVerifiers {
  const asked = new Map<string, Asked>();
  const others = createJobHandler({ verifiers, kinds, random });
  setMaxListeners(0, signal); // every job waits for it

  const handle: JobHandler = async (work, until) => {
    const own = asked.get(work.job.id);
    if (!own) return others.handle(work, until);
    const { question, verifier } = own;
    // handed over once: what is left of it here would be judged as an empty one
    const evidence = own.isTaken
      ? { ...question.evidence, opening: await work.opening() }
      : question.evidence;
    own.isTaken = true;
    const given = () => {
      question.given?.();
      work.begin();
    };
    const answer = await verifier.verify({ ...question, evidence, given });
    own.opening = answer.opening;
    return answer.verdict;
  };
  const stop = queue.work(handle, { concurrency });

  return {
    forEvent(event) {
      const here = verifiers.forEvent(event);
      const name = toHex(event.id ?? random.bytes(32));
      /** came to an end, and nothing says yet that it is recorded */
      const ended = new Set<string>();

      return {
        async verify(question) {
          const job = toJob(question, { event: name, self, random });
          const { opening } = question.evidence;
          const own: Asked = { question, verifier: here, isTaken: false, opening };
          asked.set(job.id, own);
          try {
            const end = await queue.add(job, { opening, note: question.outcome?.note() }, signal);
            ended.add(job.id);
            if (end.kind === 'done') return { verdict: end.verdict, opening: own.opening };
            const what = `job ${job.id} was set aside (${end.reason}): ${end.detail}`;
            throw new AssayError('internal', what, { what });
          } finally {
            asked.delete(job.id);
          }
        },
        close() {
          here.close();
          // whoever stops leaves to the next process what it did not record; what could not be removed is found settled there
          if (!signal.aborted) for (const id of ended) queue.settle(id).catch(() => {});
        },
      };
    },
    ...(verifiers.tally ? { tally: () => verifiers.tally!() } : {}),
    queue: () => queue.status(),
    async close() {
      await stop();
      others.close();
    },
  };
}

function toJob(
  question: Question,
  { event, self, random }: { readonly event: string; readonly self: Hotkey; readonly random: Random },
): Job {
  const { kind, paramsId, challenge, evidence, from, outcome } = question;
  const { opening, ...rest } = evidence;
  return {
    id: outcome?.id ?? toHex(random.bytes(16)),
    // what nobody records is somebody looking again
    priority: outcome ? 'session' : 'replay',
    event,
    from: from === undefined ? self : toHotkey(from),
    kind: kind.kind,
    paramsId,
    params: challenge.params as object, // parsed, of a parameter set
    basis: challenge.basis,
    seed: challenge.seed,
    place: challenge.place,
    brief: challenge.brief,
    ...rest,
    opening: { digest: outcome?.openingDigest ?? sha256(opening), bytes: opening.length },
  };
}
