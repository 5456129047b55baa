// Owns: whose fault it is that a verifier thread ended on a question, or threw. Does not own: threads (examiner.ts), when there
// is one to spare (verifiers.ts).
import type { Answer, Examiner, Secret, ThreadQuestion } from './examiner.js';

/** A question that a thread left unanswered, and what for, each time. */
export interface Unanswered {
  readonly secret: Secret;
  readonly question: Omit<ThreadQuestion, 'evidence'> & {
    readonly evidence: Omit<ThreadQuestion['evidence'], 'opening'>;
  };
  /** in a buffer of its own, each time anew: it is handed over */
  opening(): Uint8Array;
  readonly failures: unknown[];
}

/** So often a question must end a thread before it is what ends them. */
const ENOUGH = 2;
/** A machine that takes longer than this part of `silentMs` for a question about nothing is no judge of a thread's silence. */
const CHECK_PART = 0.1;

/**
 * Asks on threads that were never asked anything else, until one answers or the question was left unanswered twice in all. Before
 * it, the thread answers one that nobody sent: the same challenge and projections, and no evidence. Afterwards another fresh thread
 * answers that once more. So what ends threads by itself (no memory, no module, a machine that stands still) is not held against
 * whoever sent the question.
 * @returns undefined where the question alone is what ends threads
 * @throws the failure where the machine cannot judge
 */
export async function tryAgain(
  parts: { readonly fresh: () => Examiner; readonly silentMs: number },
  unanswered: Unanswered,
): Promise<Answer | undefined> {
  const { fresh, silentMs } = parts;
  const { secret, question, failures } = unanswered;
  try {
    while (failures.length < ENOUGH) {
      const answer = await onFresh(async (examiner) => {
        await check(examiner);
        return examiner.ask(secret, withOpening(unanswered), silentMs).catch((error: unknown) => {
          failures.push(error);
          return undefined;
        });
      });
      if (answer) return answer;
    }
    await onFresh(check);
    return undefined;
  } catch (unfit) {
    throw failures.at(-1) ?? unfit;
  }

  async function onFresh<T>(use: (examiner: Examiner) => Promise<T>): Promise<T> {
    const examiner = fresh();
    try {
      return await use(examiner);
    } finally {
      await examiner.end();
    }
  }

  async function check(examiner: Examiner): Promise<void> {
    const none = new Uint8Array();
    const evidence = {
      ...question.evidence,
      commits: question.evidence.commits.map(() => none),
      request: none,
    };
    await examiner.ask(
      secret,
      withOpening({ question: { ...question, evidence }, opening: () => new Uint8Array() }),
      silentMs * CHECK_PART,
    );
  }
}

export const withOpening = ({
  question,
  opening,
}: Pick<Unanswered, 'question' | 'opening'>): ThreadQuestion => ({
  ...question,
  evidence: { ...question.evidence, opening: opening() },
});
