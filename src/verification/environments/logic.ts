// Owns: puzzles with one answer: who stands where, and who lies. Does not own: which part of a completion is its answer (answer.ts).
import { type Check, type Checks, checkedParams, integer } from '../checked-params.js';
import { lastWord } from './answer.js';
import { environmentDigest } from './digest.js';
import { createDraws, type Draws } from './draws.js';
import type { Environment, Task } from './environment.js';
import { gradeByAnswer } from './grade.js';
import type { EnvironmentParts } from './parts.js';

const PUZZLES = ['order', 'truth'] as const;

export interface LogicParams {
  /** `order`: who is the k-th oldest; `truth`: who lies; `both`: one or the other, evenly */
  readonly puzzles: (typeof PUZZLES)[number] | 'both';
  /** 3..5 */
  readonly people: number;
}

const ID = 'logic';
const VERSION = 1;

const puzzles: Check = {
  expected: '"order", "truth" or "both"',
  holds: (v) => v === 'order' || v === 'truth' || v === 'both',
};
const CHECKS: Checks<LogicParams> = { puzzles, people: integer(3, 5) };

/**
 * A completion is worth 1000 where its last word is the answer, letter for letter, and nothing otherwise. Guessing is worth 1/people in
 * `order` and 1/2^people in `truth`.
 * @throws AssayError `invalid-input` naming the parameter
 */
export function createLogic(given: unknown, { tokenizer, counter }: EnvironmentParts): Environment {
  const params = checkedParams(CHECKS, given);
  const task = (seed: Uint8Array): Task => {
    const draws = createDraws(ID, seed);
    const which = params.puzzles === 'both' ? PUZZLES[draws.below(PUZZLES.length)]! : params.puzzles;
    const { text, answer } =
      which === 'order' ? orderPuzzle(draws, params.people) : truthPuzzle(draws, params.people);
    return { prompt: tokenizer.encode(`Q: ${text} A:`), key: answer };
  };
  return {
    id: ID,
    version: VERSION,
    digest: environmentDigest(ID, VERSION, params, task),
    task,
    grade: gradeByAnswer(
      { tokenizer, counter },
      { find: lastWord, limit: 'letters', isRight: (answer, key) => answer === key },
    ),
  };
}

export interface Puzzle {
  readonly text: string;
  readonly answer: string;
}

const nameOf = (person: number): string => String.fromCharCode(65 + person);

/** Clues in random order until only one person can be the one asked for; then those that were not needed are left out. */
export function orderPuzzle(draws: Draws, people: number): Puzzle {
  const oldestFirst = draws.order(people);
  const asked = draws.below(people);
  const answer = oldestFirst[asked]!;
  const rank = (order: readonly number[], person: number): number => order.indexOf(person);
  const pairs = [...pairsOf(people)].map(([a, b]): readonly [number, number] =>
    rank(oldestFirst, a) < rank(oldestFirst, b) ? [a, b] : [b, a],
  );
  const orders = permutations(people);
  /** whether nobody but `answer` can be there; with all pairs there is one order, so adding them comes to an end */
  const decided = (clues: readonly (readonly [number, number])[]): boolean =>
    orders.every(
      (order) =>
        order[asked] === answer ||
        clues.some(([older, younger]) => rank(order, older) > rank(order, younger)),
    );
  let clues: (readonly [number, number])[] = [];
  for (const at of draws.order(pairs.length)) {
    if (decided(clues)) break;
    clues.push(pairs[at]!);
  }
  for (const clue of [...clues]) {
    const without = clues.filter((other) => other !== clue);
    if (decided(without)) clues = without;
  }
  const text = clues
    .map(([older, younger]) => `${nameOf(older)} is older than ${nameOf(younger)}.`)
    .join(' ');
  return { text: `${text} Who is number ${asked + 1} of ${people}, oldest first?`, answer: nameOf(answer) };
}

/** What somebody says of two people: that both, or at least one of them, are as said. */
interface Statement {
  readonly both: boolean;
  readonly claims: readonly (readonly [person: number, truthful: boolean])[];
}

/** Half of all draws have one solution (measured: .51 to .55 of 300, for 3 to 5 people); after so many there is one at hand. */
const TRUTH_DRAWS = 256;

/** Everybody always lies or never does, and says one thing; drawn until only one assignment fits. */
export function truthPuzzle(draws: Draws, people: number, attempts = TRUTH_DRAWS): Puzzle {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const statements = Array.from({ length: people }, (_, speaker) => drawStatement(draws, people, speaker));
    const [solution, another] = solutions(statements);
    if (solution !== undefined && another === undefined) return shown(statements, solution);
  }
  // A says "A lies or B lies": a liar would have spoken the truth, so A does and B lies; all others say that A speaks the truth, and do
  const statements: Statement[] = [
    {
      both: false,
      claims: [
        [0, false],
        [1, false],
      ],
    },
  ];
  statements.push({
    both: true,
    claims: [
      [0, false],
      [1, true],
    ],
  });
  while (statements.length < people)
    statements.push({
      both: true,
      claims: [
        [0, true],
        [1, false],
      ],
    });
  return shown(statements, solutions(statements)[0]!);
}

function drawStatement(draws: Draws, people: number, speaker: number): Statement {
  const others = draws.order(people).filter((person) => person !== speaker);
  return {
    both: draws.below(2) === 1,
    claims: others.slice(0, 2).map((person) => [person, draws.below(2) === 1] as const),
  };
}

/** Assignments, person by person whether truthful, in which everybody's statement is as true as its speaker. */
function solutions(statements: readonly Statement[]): boolean[][] {
  const people = statements.length;
  const found: boolean[][] = [];
  for (let bits = 0; bits < 2 ** people; bits++) {
    const truthful = statements.map((_, person) => ((bits >> person) & 1) === 1);
    const fits = statements.every(({ both, claims }, speaker) => {
      const holds = ([person, claimed]: readonly [number, boolean]): boolean => truthful[person] === claimed;
      return (both ? claims.every(holds) : claims.some(holds)) === truthful[speaker];
    });
    if (fits) found.push(truthful);
  }
  return found;
}

function shown(statements: readonly Statement[], solution: readonly boolean[]): Puzzle {
  const says = statements.map(({ both, claims }, speaker) => {
    const parts = claims.map(
      ([person, truthful]) => `${nameOf(person)} ${truthful ? 'tells the truth' : 'lies'}`,
    );
    return `${nameOf(speaker)} says: ${parts.join(both ? ' and ' : ' or ')}.`;
  });
  const order = solution.map((_, person) => nameOf(person)).join(', ');
  return {
    text: `Each always lies or always tells the truth. ${says.join(' ')} Write T or L for each of ${order}.`,
    answer: solution.map((truthful) => (truthful ? 'T' : 'L')).join(''),
  };
}

function* pairsOf(count: number): Generator<readonly [number, number]> {
  for (let a = 0; a < count; a++) for (let b = a + 1; b < count; b++) yield [a, b];
}

function permutations(count: number): number[][] {
  if (count === 0) return [[]];
  return permutations(count - 1).flatMap((rest) =>
    Array.from({ length: count }, (_, at) => [...rest.slice(0, at), count - 1, ...rest.slice(at)]),
  );
}
