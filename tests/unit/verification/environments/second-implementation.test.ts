import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { toHex } from '../../../../src/model/bytes.js';
import { createEnvironment } from '../../../../src/verification/environments/catalogue.js';
import { byteTokenizer } from '../../../../src/verification/environments/tokenizer.js';

/** Those of docs/rollouts/environments.md. */
const ENVIRONMENTS: [string, object][] = [
  ['arithmetic', { operators: '+-*', digits: 9, form: 'question' }],
  ['logic', { puzzles: 'both', people: 5 }],
  ['code', { runtime: 'node-20', examples: 4, tests: 16, cpuSeconds: 2, memoryMiB: 64 }],
];

test('a second implementation, written from the page, makes the same prompts and keys', (context) => {
  const run = spawnSync('python3', ['scripts/golden_environments.py'], { encoding: 'utf8' });
  if (run.error) {
    console.log('the second implementation of environments: skipped, no python3 here');
    context.skip();
  }
  expect(run.stderr).toBe('');
  const digests = ENVIRONMENTS.map(
    ([id, params]) => `${id} ${toHex(createEnvironment(id, params, { tokenizer: byteTokenizer }).digest)}\n`,
  );
  expect(run.stdout).toBe(digests.join(''));
});
