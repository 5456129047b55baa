// Owns: grading by the answer that a completion ends with. Does not own: which part of it that is (answer.ts), what is right.
import { answerTokens, type Found, readCompletion, type StepCounter } from './answer.js';
import type { Environment } from './environment.js';
import type { Tokenizer } from './tokenizer.js';

/**
 * Grades by the answer that a completion ends with: 1000 where it is right, else 0, as where there is none.
 * @param rule.find which part of the text is the answer
 * @param rule.limit what a `limit` names where the answer is too long
 */
export function gradeByAnswer(
  { tokenizer, counter }: { readonly tokenizer: Tokenizer; readonly counter: StepCounter | undefined },
  {
    find,
    limit,
    isRight,
  }: {
    readonly find: (text: string, counter?: StepCounter) => Found;
    readonly limit: string;
    readonly isRight: (answer: string, key: unknown) => boolean;
  },
): Environment['grade'] {
  return async ({ key }, completion, signal) => {
    signal.throwIfAborted();
    const read = readCompletion(completion, tokenizer, counter);
    if (read.kind === 'limit') return read.grade;
    const found = find(read.text, counter);
    if (found === 'too-long') return { kind: 'limit', which: limit };
    if (found === 'none') return { kind: 'graded', rewardMillis: 0 };
    return {
      kind: 'graded',
      rewardMillis: isRight(found.text, key) ? 1000 : 0,
      answer: answerTokens(completion, found, tokenizer, counter),
    };
  };
}
