// Owns: sums, differences and products of two whole numbers. Does not own: which part of a completion is its answer (answer.ts).
import { type Check, type Checks, checkedParams, integer } from '../checked-params.js';
import { lastNumber } from './answer.js';
import { environmentDigest } from './digest.js';
import { createDraws } from './draws.js';
import type { Environment, Task } from './environment.js';
import { gradeByAnswer } from './grade.js';
import type { EnvironmentParts } from './parts.js';

export interface ArithmeticParams {
  /** of `+-*`, in this order, at least one */
  readonly operators: string;
  /** each number is uniform in 0 .. 10^digits - 1; 1..9 */
  readonly digits: number;
  /** `question`: `Q: 17+25=? A:`; `equation`: `17+25=`, for models to which every token is dear */
  readonly form: 'question' | 'equation';
}

const ID = 'arithmetic';
const VERSION = 1;

const operators: Check = {
  expected: 'some of the operators +-*, in this order, none twice',
  holds: (v) => typeof v === 'string' && v !== '' && /^\+?-?\*?$/.test(v),
};
const form: Check = {
  expected: '"question" or "equation"',
  holds: (v) => v === 'question' || v === 'equation',
};
const CHECKS: Checks<ArithmeticParams> = { operators, digits: integer(1, 9), form };

/**
 * A completion is worth 1000 where its last number is the right one and nothing otherwise: whatever else were paid (digits in the
 * right places, the form of an answer) a model would learn to harvest instead of adding up.
 * @throws AssayError `invalid-input` naming the parameter
 */
export function createArithmetic(given: unknown, { tokenizer, counter }: EnvironmentParts): Environment {
  const params = checkedParams(CHECKS, given);
  const task = (seed: Uint8Array): Task => {
    const draws = createDraws(ID, seed);
    const operator = params.operators[draws.below(params.operators.length)]!;
    const a = draws.below(10 ** params.digits);
    const b = draws.below(10 ** params.digits);
    const text = `${a}${operator}${b}=`;
    return {
      prompt: tokenizer.encode(params.form === 'equation' ? text : `Q: ${text}? A:`),
      key: String(resultOf(operator, BigInt(a), BigInt(b))),
    };
  };
  return {
    id: ID,
    version: VERSION,
    digest: environmentDigest(ID, VERSION, params, task),
    task,
    grade: gradeByAnswer(
      { tokenizer, counter },
      { find: lastNumber, limit: 'digits', isRight: (answer, key) => plain(answer) === key },
    ),
  };
}

function resultOf(operator: string, a: bigint, b: bigint): bigint {
  if (operator === '+') return a + b;
  return operator === '-' ? a - b : a * b;
}

/** Without the zeros that mean nothing; what is no whole number stays as it is, and equals none. */
function plain(number: string): string {
  const digits = number.replace(/^(-?)0+(?=\d)/, '$1');
  return digits === '-0' ? '0' : digits;
}
