import { describe, expect, test } from 'vitest';
import { END_OF_TEXT } from '../../../../src/inference/spec/byte-ids.js';
import { utf8 } from '../../../../src/model/bytes.js';
import { goldenSeed } from '../../../../src/verification/environments/digest.js';
import { createDraws } from '../../../../src/verification/environments/draws.js';
import { createLogic, orderPuzzle, truthPuzzle } from '../../../../src/verification/environments/logic.js';
import { byteTokenizer } from '../../../../src/verification/environments/tokenizer.js';

const parts = { tokenizer: byteTokenizer };
const { signal } = new AbortController();
const drawsOf = (i: number) => createDraws('logic-test', goldenSeed(i));

/** Solves from the text alone, by trying everything: written for the test, and shares nothing with the generator. */
function orderAnswers(text: string): Set<string> {
  const clues = [...text.matchAll(/([A-E]) is older than ([A-E])\./g)].map(([, a, b]) => [a!, b!]);
  const [, asked, people] = /number (\d) of (\d)/.exec(text)!;
  const answers = new Set<string>();
  const walk = (order: string[]): void => {
    if (order.length < Number(people)) {
      for (const name of 'ABCDE'.slice(0, Number(people))) if (!order.includes(name)) walk([...order, name]);
    } else if (clues.every(([a, b]) => order.indexOf(a!) < order.indexOf(b!)))
      answers.add(order[Number(asked) - 1]!);
  };
  walk([]);
  return answers;
}

function truthAnswers(text: string): string[] {
  const statements = [...text.matchAll(/([A-E]) says: ([^.]*)\./g)].map(([, , said]) => said!);
  const answers: string[] = [];
  for (let bits = 0; bits < 2 ** statements.length; bits++) {
    const letters = statements.map((_, i) => (bits & (1 << i) ? 'T' : 'L'));
    const holds = (claim: string): boolean =>
      letters['ABCDE'.indexOf(claim[0]!)] === (claim.endsWith('lies') ? 'L' : 'T');
    const fits = statements.every((said, i) => {
      const value = said.includes(' or ') ? said.split(' or ').some(holds) : said.split(' and ').every(holds);
      return value === (letters[i] === 'T');
    });
    if (fits) answers.push(letters.join(''));
  }
  return answers;
}

describe('a puzzle has one answer', () => {
  for (const people of [3, 4, 5]) {
    test(`order, ${people} people`, () => {
      const seen = new Set<string>();
      for (let i = 0; i < 100; i++) {
        const { text, answer } = orderPuzzle(drawsOf(i), people);
        expect([...orderAnswers(text)]).toEqual([answer]);
        seen.add(answer);
      }
      expect(seen.size).toBe(people);
    });

    test(`truth, ${people} people`, () => {
      for (let i = 0; i < 100; i++) {
        const { text, answer } = truthPuzzle(drawsOf(i), people);
        expect(truthAnswers(text)).toEqual([answer]);
      }
    });

    test(`truth, ${people} people, when no draw had one solution`, () => {
      const { text, answer } = truthPuzzle(drawsOf(0), people, 0);
      expect(truthAnswers(text)).toEqual([answer]);
    });
  }

  test('order leaves out clues that are not needed', () => {
    for (let i = 0; i < 50; i++) {
      const { text } = orderPuzzle(drawsOf(i), 4);
      for (const [clue] of text.matchAll(/[A-E] is older than [A-E]\. /g))
        expect(orderAnswers(text.replace(clue, '')).size).toBeGreaterThan(1);
    }
  });
});

describe('the answer of a completion is its last word', () => {
  const environment = createLogic({ puzzles: 'order', people: 3 }, parts);
  const grade = (key: string, text: string) =>
    environment.grade({ prompt: new Uint32Array(), key }, Uint32Array.of(...utf8(text), END_OF_TEXT), signal);
  const cases: [key: string, text: string, reward: number | string][] = [
    ['B', 'B', 1000],
    ['B', ' It is B.', 1000],
    ['B', 'A or B', 1000],
    ['B', 'B or A', 0],
    ['B', 'b', 0],
    ['B', 'B\nQ: Who? A: C', 0],
    ['B', 'AB', 0],
    ['B', 'B 2', 1000],
    ['B', '', 0],
    ['B', '\u0412', 0],
    ['TLT', 'T L T', 0],
    ['TLT', 'TLT', 1000],
    ['B', 'x'.repeat(64), 0],
    ['B', 'x'.repeat(65), 'limit'],
  ];
  for (const [key, text, reward] of cases)
    test(`${JSON.stringify(text.slice(0, 30))} for ${key}: ${reward}`, async () => {
      const given = await grade(key, text);
      expect(given.kind === 'graded' ? given.rewardMillis : given.kind).toBe(reward);
    });
});

test('both kinds come, and parameters are refused by name', () => {
  const environment = createLogic({ puzzles: 'both', people: 4 }, parts);
  const orders = Array.from({ length: 200 }, (_, i) =>
    byteTokenizer.decode(environment.task(goldenSeed(i)).prompt).includes('older'),
  ).filter(Boolean).length;
  expect(Math.abs(orders - 100)).toBeLessThan(43);
  expect(() => createLogic({ puzzles: 'both', people: 2 }, parts)).toThrow(/params\.people/);
  expect(() => createLogic({ puzzles: 'chess', people: 3 }, parts)).toThrow(/params\.puzzles/);
  expect(() => createLogic({ puzzle: 'both', people: 3 }, parts)).toThrow(/did you mean puzzles/);
});
