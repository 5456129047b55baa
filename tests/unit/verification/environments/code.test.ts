import { expect, test } from 'vitest';
import { utf8 } from '../../../../src/model/bytes.js';
import type { Sandbox, SandboxResult } from '../../../../src/sandbox/sandbox.js';
import { createEnvironment } from '../../../../src/verification/environments/catalogue.js';
import { createCode, FAMILY, MAX_PROGRAM_CHARS } from '../../../../src/verification/environments/code.js';
import { goldenSeed } from '../../../../src/verification/environments/digest.js';
import { byteTokenizer } from '../../../../src/verification/environments/tokenizer.js';

const params = { runtime: 'node-20', examples: 3, tests: 8, cpuSeconds: 1, memoryMiB: 32 };
const { signal } = new AbortController();
/** What a sandbox answers is written down; which programs it was given is looked at. */
const answering = (result: SandboxResult) => {
  const programs: string[] = [];
  const sandbox: Sandbox = {
    runtime: 'node-20',
    run: async (program) => {
      programs.push(program);
      return result;
    },
  };
  return { programs, environment: createCode(params, { tokenizer: byteTokenizer, sandbox }) };
};
const text = (value: string): Uint32Array => Uint32Array.from(utf8(value));

test('the examples leave one function of the family', () => {
  const { environment } = answering({ kind: 'threw' });
  for (let i = 0; i < 256; i++) {
    const { prompt, key } = environment.task(goldenSeed(i));
    const examples = [...byteTokenizer.decode(prompt).matchAll(/f\((\d+), (\d+)\) = (-?\d+)/g)].map((m) =>
      m.slice(1).map(Number),
    );
    const left = FAMILY.filter((f) => examples.every(([a, b, value]) => f(a!, b!) === value));
    expect(left.length).toBe(1);
    const { inputs, outputs } = key as { inputs: [number, number][]; outputs: string };
    expect(inputs.map(([a, b]) => left[0]!(a, b)).join()).toBe(outputs);
  }
});

test('the values that are asked for are not in the program, nor in the prompt', async () => {
  const { environment, programs } = answering({ kind: 'threw' });
  const task = environment.task(goldenSeed(1));
  await environment.grade(task, text(' a'), signal);
  const { outputs } = task.key as { outputs: string };
  expect(programs).toHaveLength(1);
  expect(programs[0]).not.toContain(outputs);
  expect(byteTokenizer.decode(task.prompt)).not.toContain(outputs);
});

test('what the sandbox says becomes a grade', async () => {
  const gradeOf = async (result: SandboxResult) => {
    const { environment } = answering(result);
    return environment.grade(environment.task(goldenSeed(0)), text(' a'), signal);
  };
  const { outputs } = answering({ kind: 'threw' }).environment.task(goldenSeed(0)).key as { outputs: string };
  expect(await gradeOf({ kind: 'value', value: outputs })).toEqual({
    kind: 'graded',
    rewardMillis: 1000,
    answer: [0, 2],
  });
  expect(await gradeOf({ kind: 'value', value: `${outputs},1` })).toMatchObject({ rewardMillis: 0 });
  expect(await gradeOf({ kind: 'threw' })).toMatchObject({ rewardMillis: 0 });
  expect(await gradeOf({ kind: 'limit', which: 'ended' })).toEqual({ kind: 'limit', which: 'sandbox' });
  expect(await gradeOf({ kind: 'fault', why: 'no namespaces' })).toEqual({
    kind: 'fault',
    why: 'no namespaces',
  });
});

test('a program that is too long is not run; without the right sandbox none is', async () => {
  const { environment, programs } = answering({ kind: 'threw' });
  const task = environment.task(goldenSeed(0));
  const long = text(' '.repeat(MAX_PROGRAM_CHARS + 1));
  expect(await environment.grade(task, long, signal)).toEqual({ kind: 'limit', which: 'program' });
  expect(programs).toHaveLength(0);
  const without = createCode(params, { tokenizer: byteTokenizer });
  expect((await without.grade(task, text(' a'), signal)).kind).toBe('fault');
  const sandbox: Sandbox = { runtime: 'node-22', run: () => Promise.reject(new Error('was run')) };
  const other = createCode(params, { tokenizer: byteTokenizer, sandbox });
  expect(await other.grade(task, text(' a'), signal)).toMatchObject({
    kind: 'fault',
    why: expect.stringContaining('node-22'),
  });
});

test('parameters and names that are not what they must be are refused by name', () => {
  const parts = { tokenizer: byteTokenizer };
  expect(() => createCode({ ...params, runtime: 'deno' }, parts)).toThrow(/params\.runtime/);
  expect(() => createCode({ ...params, tests: 3 }, parts)).toThrow(/params\.tests/);
  expect(() => createCode({ ...params, cpuSecond: 3 }, parts)).toThrow(/did you mean cpuSeconds/);
  expect(() => createEnvironment('arithmetics', {}, parts)).toThrow(
    /environment: expected one of arithmetic, logic, code, got "arithmetics"; did you mean arithmetic/,
  );
  expect(() => createEnvironment('__proto__', {}, parts)).toThrow(/environment: expected one of/);
});
