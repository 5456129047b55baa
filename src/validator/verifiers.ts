// Owns: where content is verified: on this thread, or on threads of their own (verifier-thread.ts); and how long the private
// projections of an event live. Does not own: verdicts (verification), when an event may be judged (judge.ts).
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import type { Random } from '../model/prng.js';
import { moduleBeside, startThread } from '../model/thread.js';
import type { Verdict } from '../model/verdict.js';
import { type AnyProofKind, kinds as ourKinds } from '../verification/kinds/index.js';
import { type Challenge, type Evidence, secretKey } from '../verification/proof.js';

/** One session's content. Its opening is handed over: on threads it is gone here until the answer brings it back. */
export interface Question {
  readonly kind: AnyProofKind;
  readonly paramsId: string;
  readonly challenge: Challenge<unknown>;
  readonly evidence: Evidence;
}

export interface Answer {
  readonly verdict: Verdict;
  /** the bytes that were handed over */
  readonly opening: Uint8Array;
}

/**
 * The verifier of one event. It draws the private projections at the first question under a parameter set, so that it must not
 * be asked before the event's last commit.
 */
export interface EventVerifier {
  /** @throws what went wrong on our side, never because of what the evidence says; the opening may be lost with it */
  verify(question: Question): Promise<Answer>;
  /** Forgets the projections; nothing may be asked afterwards. */
  close(): void;
}

export interface EventRandomness {
  /** 32 bytes: the epoch's */
  readonly basis: Uint8Array;
  readonly random: Random;
}

export interface Verifiers {
  forEvent(event: EventRandomness): EventVerifier;
}

/** On the thread that asks: the twin for a clock that jumps. */
export const verifyHere: Verifiers = {
  forEvent({ basis, random }) {
    const secrets = new Map<string, unknown>();
    return {
      async verify({ kind, paramsId, challenge, evidence }) {
        const key = secretKey(kind, paramsId, challenge.params);
        if (!secrets.has(key)) secrets.set(key, kind.drawSecret(challenge.params, basis, random));
        const verdict = kind.verify(challenge, evidence, secrets.get(key));
        return { verdict, opening: evidence.opening };
      },
      close: () => secrets.clear(),
    };
  },
};

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

export interface VerifierPool extends Verifiers {
  /** Ends every thread; whatever still runs is rejected. */
  close(): Promise<void>;
}

/** What a thread runs, and the kinds that it knows: the same objects as here. */
export interface ThreadModule {
  readonly url: URL;
  readonly kinds: Readonly<Record<string, AnyProofKind | undefined>>;
}

/** One core stays with sessions, whose times are what is measured. */
export const DEFAULT_VERIFIER_THREADS = Math.max(1, Math.min(availableParallelism() - 1, 16));

/** A thread's own heap; openings lie outside it, and nothing that verify allocates grows with what evidence claims. */
const THREAD_HEAP_MB = 256;
/** The dearest check takes a minute of one core (a plot's registration): a thread that is silent for so long hangs. */
const SILENT_MS = 300_000;

const OUR_MODULE: ThreadModule = { url: moduleBeside(import.meta.url, 'verifier-thread'), kinds: ourKinds };

interface Job {
  readonly secret: Secret;
  readonly order: Extract<ThreadOrder, { verify: number }>;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** The randomness of one event and parameter set, in this process's memory only; threads that meet a question under it are given it once. */
interface Secret {
  readonly id: number;
  readonly introduction: Extract<ThreadOrder, { draw: number }>;
}

interface Thread {
  readonly worker: Worker;
  readonly holds: Set<number>;
  job: Job | undefined;
  /** stops the watch over the job in hand */
  unwatch: AbortController;
}

/**
 * At most `threads` checks at once, others wait in turn; how many bytes may wait is the opening gate's to say. A thread that dies or
 * hangs costs the question in its hand, nothing else: the next one starts another. Kinds that threads do not know are verified here.
 *
 * Every thread draws the same projections, from 32 bytes that are drawn once for an event and parameter set. Neither leaves the
 * process, and both are forgotten with the event.
 */
export function createVerifierPool(
  parts: {
    readonly clock: Clock;
    readonly log: Log;
    /** @default DEFAULT_VERIFIER_THREADS */
    readonly threads?: number;
    /** in place of the kinds that this build knows */
    readonly module?: ThreadModule;
    /** after so long without an answer a thread is ended. @default 300_000 */
    readonly silentMs?: number;
  },
  signal: AbortSignal,
): VerifierPool {
  const { clock, log, threads: most = DEFAULT_VERIFIER_THREADS, module = OUR_MODULE } = parts;
  const { silentMs = SILENT_MS } = parts;
  const threads = new Set<Thread>();
  const waiting: Job[] = [];
  let over: { readonly reason: unknown } | undefined;
  let secrets = 0;

  function start(): Thread {
    const worker = startThread(module.url, { resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB } });
    const thread: Thread = { worker, holds: new Set(), job: undefined, unwatch: new AbortController() };
    threads.add(thread);
    let cause: unknown;
    worker.on('message', (reply: ThreadReply) => settle(thread, reply));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', (code) => {
      threads.delete(thread);
      thread.unwatch.abort();
      if (over === undefined) log.warn('a verifier thread ended', { code, error: cause });
      thread.job?.reject(threadEnded(code, cause));
      next();
    });
    return thread;
  }

  function settle(thread: Thread, reply: ThreadReply): void {
    const { job } = thread;
    thread.job = undefined;
    thread.unwatch.abort();
    if ('error' in reply) job?.reject(reply.error);
    else job?.resolve(reply);
    next();
  }

  /** One that has drawn this secret already, or any that is idle, or a new one. */
  function threadFor({ secret }: Job): Thread | undefined {
    const idle = [...threads].filter(({ job }) => job === undefined);
    const best = idle.find(({ holds }) => holds.has(secret.id)) ?? idle[0];
    return best ?? (threads.size < most ? start() : undefined);
  }

  function next(): void {
    while (over === undefined && waiting.length > 0) {
      const thread = threadFor(waiting[0]!);
      if (!thread) return;
      give(thread, waiting.shift()!);
    }
  }

  function give(thread: Thread, job: Job): void {
    const { worker, holds } = thread;
    const { secret, order } = job;
    thread.job = job;
    thread.unwatch = new AbortController();
    void endIfSilent(thread, thread.unwatch.signal);
    if (!holds.has(secret.id)) worker.postMessage(secret.introduction);
    holds.add(secret.id);
    worker.postMessage(order, [order.evidence.opening.buffer as ArrayBuffer]); // ownBytes() has seen to it
  }

  async function endIfSilent({ worker }: Thread, watch: AbortSignal): Promise<void> {
    await clock.sleep(silentMs, watch);
    if (!watch.aborted) await worker.terminate();
  }

  function ask(secret: Secret, { kind, challenge, evidence }: Question): Promise<Answer> {
    if (over !== undefined) return Promise.reject(over.reason);
    return new Promise((resolve, reject) => {
      const opening = ownBytes(evidence.opening);
      // a view is sent with all of its buffer, and a frame's may be larger than its body
      const commits = evidence.commits.map((commit) => Uint8Array.from(commit));
      const order = {
        verify: secret.id,
        kind: kind.kind,
        challenge,
        evidence: { ...evidence, commits, opening },
      };
      waiting.push({ secret, order, resolve, reject });
      next();
    });
  }

  async function end(reason: unknown): Promise<void> {
    over ??= { reason };
    const jobs = [...waiting.splice(0), ...[...threads].map(({ job }) => job)];
    const ended = [...threads].map(({ worker }) => worker.terminate());
    for (const job of jobs) job?.reject(over.reason);
    await Promise.all(ended);
  }
  const onAbort = (): void => void end(signal.reason);
  if (signal.aborted) over = { reason: signal.reason };
  else signal.addEventListener('abort', onAbort, { once: true });

  return {
    forEvent(event) {
      const here = verifyHere.forEvent(event);
      const drawn = new Map<string, Secret>();

      function secretOf({ kind, paramsId, challenge }: Question): Secret {
        const key = secretKey(kind, paramsId, challenge.params);
        let secret = drawn.get(key);
        if (!secret) {
          const id = secrets++;
          const entropy = event.random.bytes(32);
          const { params } = challenge;
          const introduction = { draw: id, kind: kind.kind, params, basis: event.basis, entropy };
          secret = { id, introduction };
          drawn.set(key, secret);
        }
        return secret;
      }

      return {
        async verify(question) {
          const { kind } = question;
          // an owner's table makes another object of the same kind
          if (module.kinds[kind.kind]?.verify !== kind.verify) return here.verify(question);
          return ask(secretOf(question), question);
        },
        close() {
          here.close();
          const ids = [...drawn.values()].map(({ id }) => id);
          for (const { introduction } of drawn.values()) introduction.entropy.fill(0);
          drawn.clear();
          for (const { worker, holds } of threads) {
            const held = ids.filter((id) => holds.delete(id));
            if (held.length > 0) worker.postMessage({ forget: held } satisfies ThreadOrder);
          }
        },
      };
    },
    async close() {
      signal.removeEventListener('abort', onAbort);
      await end(new Error('verifiers: closed'));
    },
  };
}

/** Bytes with a buffer of their own: only a whole buffer can be handed over, and small ones share Node's pool. */
export const ownBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.length === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer)
    : Uint8Array.from(bytes);

function threadEnded(code: number, cause: unknown): AssayError<'internal'> {
  const what = `a verifier thread ended with exit code ${code}`;
  return new AssayError('internal', what, { what }, cause === undefined ? {} : { cause });
}
