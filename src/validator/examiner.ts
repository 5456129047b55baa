// Owns: one verifier thread: a question at a time, and its end as the error of whatever it had in hand. Does not own: whose
// turn it is (verifiers.ts), what it runs (serve-verdicts.ts).
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import { startThread } from '../model/thread.js';
import type { Verdict } from '../model/verdict.js';
import type { Challenge, Evidence } from '../verification/proof.js';

/** To a thread: what an event's projections under one parameter set are drawn from; then questions under them; then to forget them. */
export type ThreadOrder =
  | {
      readonly draw: number;
      readonly kind: string;
      readonly params: unknown;
      readonly basis: Uint8Array;
      readonly entropy: Uint8Array;
    }
  | {
      readonly verify: number;
      /** may be another than the one that drew: kinds share secrets of one name */
      readonly kind: string;
      readonly challenge: Challenge<unknown>;
      readonly evidence: Evidence;
    }
  | { readonly forget: readonly number[] };

export type ThreadReply = Answer | { readonly error: unknown };

export interface Answer {
  readonly verdict: Verdict;
  /** the bytes that were handed over */
  readonly opening: Uint8Array;
}

/** The randomness of one event and parameter set, in this process's memory only; threads that meet a question under it are given it once. */
export interface Secret {
  readonly id: number;
  readonly introduction: Extract<ThreadOrder, { draw: number }>;
}

export type ThreadQuestion = Extract<ThreadOrder, { verify: number }>;

export interface Examiner {
  /** secrets that it was given */
  readonly holds: ReadonlySet<number>;
  /**
   * The opening is handed over: it must have a buffer of its own. One question at a time.
   * @throws what verifying threw there; AssayError `internal` when the thread ended, or gave no answer within `silentMs` and was ended
   */
  ask(secret: Secret, question: ThreadQuestion, silentMs: number): Promise<Answer>;
  forget(secrets: readonly number[]): void;
  /** Resolves when nothing of it is left; what it has in hand is rejected. */
  end(): Promise<void>;
}

/** A thread's own heap; openings lie outside it, and nothing that verify allocates grows with what evidence claims. */
const THREAD_HEAP_MB = 256;

/** @param onEnd called once, before what it had in hand is rejected; `asked` where somebody called `end` */
export function startExaminer(
  { clock, module, data }: { readonly clock: Clock; readonly module: URL; readonly data?: unknown },
  onEnd: (ending: { readonly code: number; readonly cause: unknown; readonly asked: boolean }) => void,
): Examiner {
  const worker = startThread(module, {
    resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
    workerData: data,
  });
  const holds = new Set<number>();
  let inHand: ((reply: ThreadReply) => void) | undefined;
  let isOver: { readonly error: unknown } | undefined;
  let cause: unknown;
  let asked = false;
  worker.on('message', (reply: ThreadReply) => inHand?.(reply));
  worker.on('error', (error) => {
    cause = error;
  });
  worker.on('exit', (code) => {
    isOver = { error: threadEnded(code, cause) };
    onEnd({ code, cause, asked });
    inHand?.(isOver);
  });

  return {
    holds,
    async ask(secret, question, silentMs) {
      if (isOver) throw isOver.error;
      const answered = new AbortController();
      const reply = await new Promise<ThreadReply>((resolve) => {
        inHand = resolve;
        void endIfSilent(silentMs, answered.signal);
        if (!holds.has(secret.id)) worker.postMessage(secret.introduction);
        holds.add(secret.id);
        worker.postMessage(question, [question.evidence.opening.buffer as ArrayBuffer]);
      });
      inHand = undefined;
      answered.abort();
      if ('error' in reply) throw reply.error;
      return reply;
    },
    forget(secrets) {
      const held = secrets.filter((id) => holds.delete(id));
      if (held.length > 0) worker.postMessage({ forget: held } satisfies ThreadOrder);
    },
    async end() {
      asked = true;
      await worker.terminate();
    },
  };

  async function endIfSilent(silentMs: number, answered: AbortSignal): Promise<void> {
    await clock.sleep(silentMs, answered);
    if (!answered.aborted) await worker.terminate();
  }
}

function threadEnded(code: number, cause: unknown): AssayError<'internal'> {
  const what = `a verifier thread ended with exit code ${code}`;
  return new AssayError('internal', what, { what }, cause === undefined ? {} : { cause });
}
