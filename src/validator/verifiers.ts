// Owns: where content is verified: on this thread, or on threads of their own (verifier-thread.ts); whose question comes next; and
// how long the private projections of an event live. Does not own: one thread (examiner.ts), whose fault its end is
// (second-try.ts), verdicts (verification), when an event may be judged (judge.ts).
import { availableParallelism } from 'node:os';
import type { Clock } from '../model/clock.js';
import type { Log } from '../model/log.js';
import type { Random } from '../model/prng.js';
import { moduleBeside } from '../model/thread.js';
import { rejected } from '../model/verdict.js';
import { type AnyProofKind, kinds as ourKinds } from '../verification/kinds/index.js';
import { type Challenge, type Evidence, secretKey } from '../verification/proof.js';
import { type Answer, type Examiner, type Secret, startExaminer } from './examiner.js';
import type { QueueStatus } from './queue/job-queue.js';
import { tryAgain, type Unanswered, withOpening } from './second-try.js';

/** One session's content. Its opening is handed over: on threads it is gone here until the answer brings it back. */
export interface Question {
  readonly kind: AnyProofKind;
  readonly paramsId: string;
  readonly challenge: Challenge<unknown>;
  readonly evidence: Evidence;
  /** whose evidence it is: miners are served in turn. @default nobody's */
  readonly from?: string;
  /** Makes the opening's bytes once more from where they are kept. @default a copy is kept while a thread has them */
  readonly again?: () => Uint8Array;
  /** Called when its turn has come, before anything of it is verified. */
  readonly given?: (() => void) | undefined;
  /** Of a session whose outcome somebody records. @default nobody's: somebody looks again */
  readonly outcome?: SessionOutcome | undefined;
}

/** What a question is known by wherever it outlives this process, and what makes its outcome there. */
export interface SessionOutcome {
  readonly id: string;
  /** SHA-256 of the opening */
  readonly openingDigest: Uint8Array;
  note(): Uint8Array;
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
  /** 32 bytes: names it where others verify. @default nobody else does */
  readonly id?: Uint8Array | undefined;
  /** 32 bytes: the epoch's */
  readonly basis: Uint8Array;
  readonly random: Random;
}

export interface Verifiers {
  forEvent(event: EventRandomness): EventVerifier;
  /** Since it was made. @default nothing is counted */
  tally?(): VerifierTally;
  /** What waits, where a queue stands before them. @default none does */
  queue?(): QueueStatus;
}

/** Questions that a thread left unanswered: it died, was silent, or verifying threw. */
export interface VerifierTally {
  /** times that a thread did */
  readonly failures: number;
  /** questions that another thread answered */
  readonly answered: number;
  /** questions that nobody survives: `rejected('poison')` */
  readonly poison: number;
  /** questions that nobody could judge, by our own fault */
  readonly unjudged: number;
}

/** On the thread that asks: the twin for a clock that jumps. */
export const verifyHere: Verifiers = {
  forEvent({ basis, random }) {
    const secrets = new Map<string, unknown>();
    return {
      async verify({ kind, paramsId, challenge, evidence, given }) {
        given?.();
        const key = secretKey(kind, paramsId, challenge.params);
        if (!secrets.has(key)) secrets.set(key, kind.drawSecret(challenge.params, basis, random));
        const verdict = kind.verify(challenge, evidence, secrets.get(key));
        return { verdict, opening: evidence.opening };
      },
      close: () => secrets.clear(),
    };
  },
};

export interface VerifierPool extends Verifiers {
  /** Ends every thread; whatever still runs is rejected. */
  close(): Promise<void>;
}

/** What a thread runs, and the kinds that it knows: the same objects as here. */
export interface ThreadModule {
  readonly url: URL;
  readonly kinds: Readonly<Record<string, AnyProofKind | undefined>>;
  /** what each thread is started with: `workerData`. @default nothing */
  readonly data?: unknown;
}

/** One core stays with sessions, whose times are what is measured. */
export const DEFAULT_VERIFIER_THREADS = Math.max(1, Math.min(availableParallelism() - 1, 16));

/** Of a miner whose evidence was found to end threads no more is tried in the event once trying has cost so much: it would hold up everybody's. */
const TRIED_MS = 60_000;
/** Openings come at the same time: one of those that can be verified is accepted within so long. */
const DOUBT_MS = 10_000;
/** The dearest check that a parameter set may ask for takes a minute of one core (encodings of `storage`): a thread that is silent for so long hangs. */
const SILENT_MS = 300_000;

const OUR_MODULE: ThreadModule = { url: moduleBeside(import.meta.url, 'verifier-thread'), kinds: ourKinds };

/** What is known of one event's questions. */
interface Scene {
  /** parameter sets under which a thread accepted evidence */
  readonly accepted: Set<string>;
  /** of each parameter set, whose evidence ended a thread */
  readonly failed: Map<string, Set<string | undefined>>;
  /** who sent evidence that ended a thread and is not answered since: its other questions are asked where they cost nobody else */
  readonly suspects: Set<string | undefined>;
  /** what trying again cost, of those whose evidence was found to be what ends threads, ms */
  readonly triedMs: Map<string | undefined, number>;
  /** questions of each that were given to a thread */
  readonly served: Map<string | undefined, number>;
}

interface Job extends Unanswered {
  readonly scene: Scene;
  readonly from: string | undefined;
  /** kind and parameter set */
  readonly key: string;
  readonly given: (() => void) | undefined;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** Under these parameters several miners' evidence ended threads, and nobody's was accepted so far. */
interface Doubt {
  /** found to be what ends threads, or that they are not to be had */
  readonly job: Job;
  /** what finding that took, ms */
  readonly tookMs: number;
  /** under the same parameters, not tried again yet */
  readonly behind: readonly Job[];
  readonly settled: AbortController;
}

/**
 * At most `threads` checks at once, others wait in turn, miner by miner; how many bytes may wait is the opening gate's to say. Kinds
 * that threads do not know are verified here.
 *
 * A question that a thread leaves unanswered (it dies, hangs, or verifying throws) costs nobody else's, and is asked again, alone, on
 * one thread more, when no other waits (second-try.ts). Where the question is what ends threads, it is `rejected('poison')`: or who
 * finds bytes that do could choose not to be judged. Unless the evidence of several miners under its parameters ended threads and
 * nobody's was accepted, nor is within ten seconds and what is asked by then: then nothing under them can be verified here, and that is our fault.
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
    /** @default a thread */
    readonly examiner?: typeof startExaminer;
  },
  signal: AbortSignal,
): VerifierPool {
  const { clock, log, threads: most = DEFAULT_VERIFIER_THREADS, module = OUR_MODULE } = parts;
  const { silentMs = SILENT_MS, examiner: begin = startExaminer } = parts;
  const threads = new Set<Examiner>();
  const busy = new Map<Examiner, Job>();
  /** beside the others: each for one question that was left unanswered */
  const fresh = new Set<Examiner>();
  const waiting: Job[] = [];
  const unanswered: Job[] = [];
  const doubts = new Set<Doubt>();
  let trying: Job | undefined;
  let over: { readonly reason: unknown } | undefined;
  let secrets = 0;
  const tally = { failures: 0, answered: 0, poison: 0, unjudged: 0 };

  function start(among: Set<Examiner>): Examiner {
    const examiner = begin({ clock, module: module.url, data: module.data }, ({ code, cause, asked }) => {
      among.delete(examiner);
      busy.delete(examiner);
      if (!asked) log.warn('a verifier thread ended', { code, error: cause });
    });
    among.add(examiner);
    return examiner;
  }

  /**
   * One that has drawn this secret already, or any that is idle, or a new one.
   * @returns undefined while all that there can be are busy
   * @throws what the machine says that has none to give, and gave none before
   */
  function threadFor({ secret }: Job): Examiner | undefined {
    const idle = [...threads].filter((examiner) => !busy.has(examiner));
    const best = idle.find(({ holds }) => holds.has(secret.id)) ?? idle[0];
    if (best || threads.size >= most) return best;
    try {
      return start(threads);
    } catch (error) {
      if (threads.size === 0) throw error;
      log.warn('no further verifier thread', { threads: threads.size, error });
      return undefined;
    }
  }

  /** Of whoever had fewest of its questions asked in its event: a long queue of one's is no other's. */
  function first(): number {
    let best = 0;
    const servedOf = ({ scene, from }: Job): number => scene.served.get(from) ?? 0;
    for (let at = 1; at < waiting.length; at++)
      if (servedOf(waiting[at]!) < servedOf(waiting[best]!)) best = at;
    return best;
  }

  function next(): void {
    while (over === undefined && waiting.length > 0) {
      const at = first();
      const job = waiting[at]!;
      const isSuspect = job.scene.suspects.has(job.from);
      let thread: Examiner | undefined;
      try {
        thread = isSuspect ? undefined : threadFor(job);
      } catch (error) {
        waiting.splice(at, 1);
        giveUp(job, error);
        continue;
      }
      if (!isSuspect && !thread) return;
      waiting.splice(at, 1);
      job.scene.served.set(job.from, (job.scene.served.get(job.from) ?? 0) + 1);
      if (thread) void give(thread, job);
      else unanswered.push(job);
    }
    // alone: what others' questions need is no part of it
    if (over !== undefined || trying || busy.size > 0) return;
    trying = unanswered.shift();
    if (trying) void tryOnce(trying);
  }

  async function give(thread: Examiner, job: Job): Promise<void> {
    busy.set(thread, job);
    try {
      job.given?.();
      answer(job, await thread.ask(job.secret, withOpening(job), silentMs));
    } catch (error) {
      if (over !== undefined) job.reject(over.reason);
      else fail(job, error);
    } finally {
      busy.delete(thread);
      next();
    }
  }

  function answer(job: Job, got: Answer): void {
    if (got.verdict.kind === 'accepted') {
      job.scene.accepted.add(job.key);
      for (const each of doubts) if (isSame(each.job, job)) settle(each);
    }
    job.resolve(got);
  }

  /** Somebody was accepted: it is the evidence. What was not tried is, when there is time. */
  function settle(doubt: Doubt): void {
    const { job, tookMs, behind, settled } = doubt;
    doubts.delete(doubt);
    settled.abort();
    convict(job, tookMs);
    unanswered.push(...behind);
  }

  async function wait(job: Job, tookMs: number): Promise<void> {
    if (over !== undefined) return giveUp(job, over.reason);
    const behind = takenFrom(unanswered, (other) => isSame(other, job));
    const doubt: Doubt = { job, tookMs, behind, settled: new AbortController() };
    doubts.add(doubt);
    const isAsked = () => [...busy.values(), ...waiting].some((other) => isSame(other, job));
    do await clock.sleep(DOUBT_MS, doubt.settled.signal);
    while (doubts.has(doubt) && isAsked());
    if (doubts.delete(doubt)) giveUpAll([job, ...behind], job.failures.at(-1));
  }

  function fail(job: Job, error: unknown): void {
    log.warn('a question was not answered: it is asked again', {
      miner: job.from,
      kind: job.question.kind,
      error,
    });
    note(job, [error]);
    unanswered.push(job);
  }

  function note(job: Job, failures: readonly unknown[]): void {
    const { scene, key, from } = job;
    if (failures.length === 0) return;
    tally.failures += failures.length;
    job.failures.push(...failures);
    scene.suspects.add(from);
    scene.failed.set(key, (scene.failed.get(key) ?? new Set()).add(from));
  }

  async function tryOnce(job: Job): Promise<void> {
    const { scene, from } = job;
    const spentMs = scene.triedMs.get(from) ?? 0;
    const beganAt = clock.monotonic();
    const failures = [...job.failures];
    try {
      if (spentMs > TRIED_MS) return convict(job, 0);
      job.given?.(); // a suspect's comes here at once
      const alone = (): Examiner => {
        if (over !== undefined) throw over.reason;
        return start(fresh);
      };
      const got = await tryAgain({ fresh: alone, silentMs }, { ...job, failures });
      note(job, failures.slice(job.failures.length));
      if (got) {
        if (job.failures.length > 0) tally.answered++;
        scene.suspects.delete(from);
        answer(job, got);
      } else {
        const tookMs = clock.monotonic() - beganAt;
        if (isEverybodys(job)) void wait(job, tookMs);
        else convict(job, tookMs);
      }
    } catch (error) {
      // who waits behind it would learn the same of the machine
      giveUpAll([job, ...unanswered.splice(0)], error);
    } finally {
      trying = undefined;
      next();
    }
  }

  /** Nobody can judge it, by our own fault. */
  function giveUp(job: Job, error: unknown): void {
    if (over === undefined) tally.unjudged++;
    job.reject(over === undefined ? error : over.reason);
  }

  function giveUpAll(jobs: readonly Job[], error: unknown): void {
    for (const job of jobs) giveUp(job, error);
  }

  const isEverybodys = ({ scene, key }: Job): boolean =>
    !scene.accepted.has(key) && (scene.failed.get(key)?.size ?? 0) > 1;

  const isSame = (a: Job, b: Job): boolean => a.scene === b.scene && a.key === b.key;

  /** @param tookMs what it took to find out */
  function convict(job: Job, tookMs: number): void {
    const { triedMs } = job.scene;
    triedMs.set(job.from, (triedMs.get(job.from) ?? 0) + tookMs);
    tally.poison++;
    log.error('evidence that ends whoever verifies it', {
      miner: job.from,
      kind: job.question.kind,
      error: job.failures.at(-1),
    });
    job.resolve({ verdict: rejected('poison'), opening: job.opening() });
  }

  function ask(
    scene: Scene,
    secret: Secret,
    { kind, paramsId, challenge, evidence, from, again, given }: Question,
  ): Promise<Answer> {
    if (over !== undefined) return Promise.reject(over.reason);
    return new Promise((resolve, reject) => {
      // a view is sent with all of its buffer, and a frame's may be larger than its body
      const commits = evidence.commits.map((commit) => Uint8Array.from(commit));
      const { opening: _own, ...rest } = evidence;
      const question = { verify: secret.id, kind: kind.kind, challenge, evidence: { ...rest, commits } };
      const opening = handedOver(ownBytes(evidence.opening), again);
      const key = `${kind.kind}/${paramsId}`;
      waiting.push({ scene, secret, question, opening, failures: [], from, key, given, resolve, reject });
      next();
    });
  }

  async function end(reason: unknown): Promise<void> {
    over ??= { reason };
    const doubted = [...doubts].flatMap(({ job, behind }) => [job, ...behind]);
    for (const { settled } of doubts) settled.abort();
    doubts.clear();
    const jobs = [...waiting.splice(0), ...unanswered.splice(0), ...doubted];
    const ended = [...threads, ...fresh].map((examiner) => examiner.end());
    for (const job of jobs) job.reject(over.reason);
    await Promise.all(ended);
  }
  const onAbort = (): void => void end(signal.reason);
  if (signal.aborted) over = { reason: signal.reason };
  else signal.addEventListener('abort', onAbort, { once: true });

  return {
    forEvent(event) {
      const here = verifyHere.forEvent(event);
      const drawn = new Map<string, Secret>();
      const scene: Scene = {
        accepted: new Set(),
        failed: new Map(),
        suspects: new Set(),
        triedMs: new Map(),
        served: new Map(),
      };

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
          return ask(scene, secretOf(question), question);
        },
        close() {
          here.close();
          const ids = [...drawn.values()].map(({ id }) => id);
          for (const { introduction } of drawn.values()) introduction.entropy.fill(0);
          drawn.clear();
          for (const examiner of threads) examiner.forget(ids);
        },
      };
    },
    tally: () => ({ ...tally }),
    async close() {
      signal.removeEventListener('abort', onAbort);
      await end(new Error('verifiers: closed'));
    },
  };
}

/** Those that `isOne` says, in their order; they are in `list` no more. */
function takenFrom<T>(list: T[], isOne: (each: T) => boolean): T[] {
  const taken = list.filter(isOne);
  const left = list.filter((each) => !isOne(each));
  list.splice(0, list.length, ...left);
  return taken;
}

/** Bytes with a buffer of their own: only a whole buffer can be handed over, and small ones share Node's pool. */
export const ownBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.length === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer)
    : Uint8Array.from(bytes);

/** The bytes to hand over: these first, then what `again` makes; without it a copy of them is kept as soon as they go. */
function handedOver(first: Uint8Array, again: (() => Uint8Array) | undefined): () => Uint8Array {
  let left: Uint8Array | undefined = first;
  let kept: Uint8Array | undefined;
  return () => {
    const now = left ?? ownBytes(again ? again() : kept!.slice());
    if (left && !again) kept = left.slice();
    left = undefined;
    return now;
  };
}
