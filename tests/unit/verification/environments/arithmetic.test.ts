import { describe, expect, test } from 'vitest';
import { BEGIN_OF_TEXT, END_OF_TEXT } from '../../../../src/inference/spec/byte-ids.js';
import { utf8 } from '../../../../src/model/bytes.js';
import { createArithmetic } from '../../../../src/verification/environments/arithmetic.js';
import { goldenSeed } from '../../../../src/verification/environments/digest.js';
import { byteTokenizer } from '../../../../src/verification/environments/tokenizer.js';

const parts = { tokenizer: byteTokenizer };
const { signal } = new AbortController();
const environment = createArithmetic({ operators: '+-*', digits: 2, form: 'question' }, parts);
const grade = (key: string, text: string) =>
  environment.grade({ prompt: new Uint32Array(), key }, Uint32Array.of(...utf8(text), END_OF_TEXT), signal);
const rewardOf = async (key: string, text: string): Promise<number | string> => {
  const given = await grade(key, text);
  return given.kind === 'graded' ? given.rewardMillis : given.kind;
};

test('a prompt begins with the id that prompts begin with, and its key is what it asks for', () => {
  for (let i = 0; i < 300; i++) {
    const { prompt, key } = environment.task(goldenSeed(i));
    expect(prompt[0]).toBe(BEGIN_OF_TEXT);
    const [, a, operator, b] = /^Q: (\d{1,2})([+*-])(\d{1,2})=\? A:$/.exec(byteTokenizer.decode(prompt))!;
    const value = { '+': Number(a) + Number(b), '-': Number(a) - Number(b), '*': Number(a) * Number(b) }[
      operator!
    ];
    expect(key).toBe(String(value));
  }
});

test('operators and numbers come about as often as one another', () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 3000; i++) {
    const text = byteTokenizer.decode(environment.task(goldenSeed(i)).prompt);
    for (const word of [/[+*-]/.exec(text)![0], `a<50 ${Number(/\d+/.exec(text)![0]) < 50}`])
      counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  // 6 standard deviations of 1000 of 3000, and of 1500: 155 and 164
  for (const operator of '+-*') expect(Math.abs(counts.get(operator)! - 1000)).toBeLessThan(155);
  expect(Math.abs(counts.get('a<50 true')! - 1500)).toBeLessThan(164);
});

describe('the answer of a completion is its last number', () => {
  const cases: [key: string, text: string, reward: number | string][] = [
    ['42', '42', 1000],
    ['42', ' 42', 1000],
    ['42', 'The answer is 42.', 1000],
    ['42', '17+25=42', 1000],
    ['42', '0042', 1000],
    ['42', '+42', 1000],
    ['42', '41 42', 1000],
    ['42', '42 41', 0],
    ['42', '42\nQ: 1+1=? A: 2', 0],
    ['2', '42\nQ: 1+1=? A: 2', 1000],
    ['42', '4 2', 0],
    ['42', '4.2', 0],
    ['42', '42.0', 0],
    ['0', '42.0', 0],
    ['4200', '4,200', 0],
    ['200', '4,200', 0],
    ['42', '42,', 1000],
    ['42', '...42...', 1000],
    ['42', '', 0],
    ['42', 'forty-two', 0],
    ['42', '\uff14\uff12', 0],
    ['-6', '-6', 1000],
    ['-6', '= -6', 1000],
    ['-6', '\u22126', 0],
    ['6', '-6', 0],
    ['6', '12-6', 1000],
    ['-6', '12-6', 0],
    ['0', '-0', 1000],
    ['0', '000', 1000],
    ['42', '42\0', 1000],
    ['42', '1e3 42', 1000],
    ['42', '42 1e', 0],
    ['7', `${'0'.repeat(63)}7`, 1000],
    ['7', `${'0'.repeat(64)}7`, 'limit'],
    ['7', '1'.repeat(60_000), 'limit'],
    ['7', `${'1'.repeat(60_000)} 7`, 1000],
  ];
  for (const [key, text, reward] of cases)
    test(`${JSON.stringify(text.slice(0, 30))} for ${key}: ${reward}`, async () => {
      expect(await rewardOf(key, text)).toBe(reward);
    });

  test('bytes that are no UTF-8 are no digits and hide none', async () => {
    const task = { prompt: new Uint32Array(), key: '42' };
    const of = async (...ids: number[]) => {
      const given = await environment.grade(task, Uint32Array.from(ids), signal);
      return given.kind === 'graded' ? given.rewardMillis : given.kind;
    };
    expect(await of(0xff, 0x34, 0x32, 0xc0)).toBe(1000);
    expect(await of(0x34, 0xff, 0x32)).toBe(0);
    // an id without text between two digits is no space: what a reader would see counts
    expect(await of(0x34, END_OF_TEXT, 0x32)).toBe(1000);
  });

  test('the tokens of the answer are said', async () => {
    expect(await grade('42', 'It is 42.')).toEqual({ kind: 'graded', rewardMillis: 1000, answer: [6, 8] });
    expect(await grade('42', '-7')).toEqual({ kind: 'graded', rewardMillis: 0, answer: [0, 2] });
    // two tokens for one character before it: [2, 4) counts tokens
    expect(await grade('42', 'é42')).toEqual({ kind: 'graded', rewardMillis: 1000, answer: [2, 4] });
  });
});

test('parameters that are not what they must be are refused by name', () => {
  const good = { operators: '+', digits: 1, form: 'equation' };
  const refused: [object, RegExp][] = [
    [{ ...good, digits: 0 }, /params\.digits: expected an integer in 1\.\.9, got 0/],
    [{ ...good, digits: 10 }, /params\.digits/],
    [{ ...good, operators: '' }, /params\.operators/],
    [{ ...good, operators: '*+' }, /params\.operators/],
    [{ ...good, operators: '++' }, /params\.operators/],
    [{ ...good, operators: '/' }, /params\.operators/],
    [{ ...good, form: 'poem' }, /params\.form/],
    [{ ...good, digit: 2 }, /params\.digit: expected one of .*did you mean digits/],
    [{ operators: '+', digits: 1 }, /params\.form/],
  ];
  for (const [params, message] of refused) expect(() => createArithmetic(params, parts)).toThrow(message);
});

test('each parameter shows in the digest', () => {
  const digests = [
    { operators: '+', digits: 1, form: 'equation' },
    { operators: '-', digits: 1, form: 'equation' },
    { operators: '+', digits: 2, form: 'equation' },
    { operators: '+', digits: 1, form: 'question' },
  ].map((params) => Buffer.from(createArithmetic(params, parts).digest).toString('hex'));
  expect(new Set(digests).size).toBe(4);
});
