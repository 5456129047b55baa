// Owns: small functions to be written in JavaScript, and whether one that was written computes the right thing. Does not own: the
// process in which it runs (the sandbox that is handed in).
import { type Check, type Checks, checkedParams, integer } from '../checked-params.js';
import { readCompletion } from './answer.js';
import { environmentDigest } from './digest.js';
import { createDraws } from './draws.js';
import type { Environment, Task } from './environment.js';
import type { EnvironmentParts } from './parts.js';

export interface CodeParams {
  /** whose JavaScript judges, such as `node-20`: grades of two could differ, so it is part of the environment */
  readonly runtime: string;
  /** examples of the prompt at least; more where they would leave a choice; 2..8 */
  readonly examples: number;
  /** pairs of numbers that the program is tried with; 4..64 */
  readonly tests: number;
  /** of processor time for one completion; 1..10 */
  readonly cpuSeconds: number;
  /** of its heap; 16..256 */
  readonly memoryMiB: number;
}

const ID = 'code';
const VERSION = 1;
/** Longer ones are not run: the longest function of the family has some 20 characters. */
export const MAX_PROGRAM_CHARS = 4096;
/** A result has at most 6 characters; a program that says more says something else. */
const RESULT_CHARS = 8;

const runtime: Check = {
  expected: 'a runtime such as "node-20"',
  holds: (v) => typeof v === 'string' && /^node-[1-9][0-9]$/.test(v),
};
const CHECKS: Checks<CodeParams> = {
  runtime,
  examples: integer(2, 8),
  tests: integer(4, 64),
  cpuSeconds: integer(1, 10),
  memoryMiB: integer(16, 256),
};

/**
 * Given a few values of a function of two whole numbers, the model writes its body. The whole completion is the program; it is worth 1000
 * where it gives every value that was not shown and nothing otherwise. Those values never enter its process: it can only be right.
 * @throws AssayError `invalid-input` naming the parameter
 */
export function createCode(given: unknown, { tokenizer, sandbox, counter }: EnvironmentParts): Environment {
  const params = checkedParams(CHECKS, given);
  const { cpuSeconds, memoryMiB, tests } = params;
  const limits = { cpuSeconds, memoryMiB, outputChars: RESULT_CHARS * tests };
  const task = (seed: Uint8Array): Task => {
    const { examples, inputs, outputs } = drawFunction(seed, params);
    return { prompt: tokenizer.encode(promptOf(examples)), key: { inputs, outputs } };
  };
  return {
    id: ID,
    version: VERSION,
    digest: environmentDigest(ID, VERSION, params, task),
    task,
    async grade({ key }, completion, signal) {
      signal.throwIfAborted();
      const read = readCompletion(completion, tokenizer, counter);
      if (read.kind === 'limit') return read.grade;
      if (read.text.length > MAX_PROGRAM_CHARS) return { kind: 'limit', which: 'program' };
      if (!sandbox) return { kind: 'fault', why: 'no sandbox here' };
      if (sandbox.runtime !== params.runtime)
        return {
          kind: 'fault',
          why: `the environment's programs are for ${params.runtime}, here is ${sandbox.runtime}`,
        };
      const { inputs, outputs } = key as { inputs: [number, number][]; outputs: string }; // made by `task` above
      const result = await sandbox.run(programOf(read.text, inputs), limits, signal);
      if (result.kind === 'fault') return { kind: 'fault', why: result.why };
      // which of its limits a program met first depends on the machine; that it met one should not
      if (result.kind === 'limit') return { kind: 'limit', which: 'sandbox' };
      const right = result.kind === 'value' && result.value === outputs;
      return { kind: 'graded', rewardMillis: right ? 1000 : 0, answer: [0, completion.length] };
    },
  };
}

type Two = readonly [number, number];
type Example = readonly [number, number, number];

const promptOf = (examples: readonly Example[]): string =>
  `${examples.map(([a, b, value]) => `// f(${a}, ${b}) = ${value}\n`).join('')}const f = (a, b) =>`;

/** The completion stands behind the arrow, as in the prompt; a comment at its end must not swallow what follows. */
const programOf = (completion: string, inputs: readonly Two[]): string =>
  `'use strict';\nconst f = (a, b) =>${completion}\n;\n${JSON.stringify(inputs)}.map(([a, b]) => f(a, b)).join();`;

type Member = (a: number, b: number) => number;

/** The family that functions are of: it is published, so that examples leave no choice to who knows it. */
export const FAMILY: readonly Member[] = [
  ...span(-3, 3).flatMap((x) =>
    span(-3, 3).flatMap((y) =>
      x === 0 && y === 0
        ? []
        : span(-9, 9).map(
            (c): Member =>
              (a, b) =>
                x * a + y * b + c,
          ),
    ),
  ),
  ...span(-9, 9).flatMap((c): Member[] => [
    (a, b) => a * b + c,
    (a, b) => Math.min(a, b) + c,
    (a, b) => Math.max(a, b) + c,
    (a, b) => Math.abs(a - b) + c,
  ]),
];

function span(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Far more than needed: each example leaves some tenth of the family. */
const MAX_EXAMPLES = 64;

function drawFunction(
  seed: Uint8Array,
  { examples: wanted, tests }: CodeParams,
): { examples: Example[]; inputs: Two[]; outputs: string } {
  const draws = createDraws(ID, seed);
  const member = FAMILY[draws.below(FAMILY.length)]!;
  let left = FAMILY;
  const examples: Example[] = [];
  while (examples.length < MAX_EXAMPLES && (examples.length < wanted || left.length > 1)) {
    const [a, b] = [draws.below(20), draws.below(20)];
    examples.push([a, b, member(a, b)]);
    left = left.filter((other) => other(a, b) === member(a, b));
  }
  const inputs = Array.from({ length: tests }, (): Two => [draws.below(199) - 99, draws.below(199) - 99]);
  return { examples, inputs, outputs: inputs.map(([a, b]) => member(a, b)).join() };
}
