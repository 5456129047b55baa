import { describe, test } from 'vitest';
import { createNodeSandbox } from '../../../src/sandbox/node-child.js';
import { environmentConformance } from '../../../src/testing/conformance/environment.js';
import { createEnvironment } from '../../../src/verification/environments/catalogue.js';
import type { EnvironmentParts } from '../../../src/verification/environments/parts.js';
import { byteTokenizer } from '../../../src/verification/environments/tokenizer.js';

const parts: EnvironmentParts = { tokenizer: byteTokenizer };
/** Decoding once, each character once, and of two searches 17 halvings each at most; measured: 30. */
const STEPS_PER_TOKEN = 36;

describe('arithmetic', () => {
  const params = { operators: '+-*', digits: 9, form: 'question' };
  for (const { name, run } of environmentConformance({
    make: (given) => createEnvironment('arithmetic', params, given),
    parts,
    digest: 'ecc44e0cdc90533620602e1d81df8cb53f3b441cc92293e2c731f64a132d637c',
    solve: ({ key }) => ` It is ${key}.`,
    fail: () => ' -x 999',
    stepsPerToken: STEPS_PER_TOKEN,
  }))
    test(name, run);
});

describe('logic', () => {
  const params = { puzzles: 'both', people: 5 };
  for (const { name, run } of environmentConformance({
    make: (given) => createEnvironment('logic', params, given),
    parts,
    digest: '87e3c527ae942ecbf45ed66e403af6846ab805524cbfff30c4d7142098ee6d59',
    solve: ({ key }) => ` So it must be ${key}.`,
    fail: () => ' 42',
    stepsPerToken: STEPS_PER_TOKEN,
  }))
    test(name, run);
});

const sandbox = createNodeSandbox();
const trial = await sandbox.run(
  `''`,
  { cpuSeconds: 1, memoryMiB: 64, outputChars: 1 },
  new AbortController().signal,
);
if (trial.kind === 'fault') console.log(`the environment of code: skipped, ${trial.why}`);

describe.skipIf(trial.kind === 'fault')('code', () => {
  // the runtime of whoever tests; the pinned digest is of one runtime, and shows in each that nothing else moved
  const pinned = '00ede789e1be575be75dce9d179c732cedbfcb2f266088ce7eed30858acc2a36';
  const runtime = sandbox.runtime === 'node-20' ? pinned : undefined;
  const params = { runtime: sandbox.runtime, examples: 4, tests: 16, cpuSeconds: 2, memoryMiB: 64 };
  const make = (given: EnvironmentParts) => createEnvironment('code', params, given);
  for (const { name, run } of environmentConformance({
    make,
    parts: { ...parts, sandbox },
    digest: runtime ?? Buffer.from(make(parts).digest).toString('hex'),
    solve: ({ key }) => {
      // by heart: any program that gives these values is right, however it does
      const { inputs, outputs } = key as { inputs: [number, number][]; outputs: string };
      const values = outputs.split(',');
      const table = Object.fromEntries(inputs.map((pair, i) => [pair.join(), Number(values[i])]));
      return ` (${JSON.stringify(table)})[a + ',' + b]`;
    },
    fail: () => ' a',
    stepsPerToken: 1,
    hostile: 19,
  }))
    test(name, run);
});
