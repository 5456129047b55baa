// Owns: what at-least must hold to: the suite that every scoring rule passes, and numbers of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toColdkey } from 'assay/model';
import { bindRule, ONE } from 'assay/scoring';
import { ruleConformance } from 'assay/testing';
import { atLeast } from '../src/at-least.js';

const suite = ruleConformance({
  rule: atLeast,
  params: { least: 0.5 },
  // a policy that says any of these is refused
  refused: [{}, { least: 0 }, { least: -1 }, { least: 1001 }, { least: '0.5' }, { least: 0.5, most: 2 }],
});
for (const { name, run } of suite) test(`at-least ${name}`, run);

/** What coldkeys with so much worth are weighed, in millionths of one. */
const weighed = (...worths: readonly number[]): readonly number[] =>
  bindRule(atLeast, { least: 0.5 })(
    worths.map((worth, i) => ({
      coldkey: toColdkey(`coldkey ${i}`),
      worth: (BigInt(worth * 1000) * BigInt(ONE)) / 1000n,
    })),
  ).map((weight) => Number((weight * 1_000_000n) / BigInt(ONE)));

test('who reaches the minimum is weighed by its worth, and who does not is not', () => {
  assert.deepEqual(weighed(4, 0.5, 0.375), [4_000_000, 500_000, 0]);
});

test('a liar that spreads one machine over four names has nothing of it', () => {
  assert.deepEqual(weighed(1, 4), [1_000_000, 4_000_000]);
  assert.deepEqual(weighed(0.25, 0.25, 0.25, 0.25, 4), [0, 0, 0, 0, 4_000_000]);
});

test('where nobody reaches it all are weighed by worth', () => {
  assert.deepEqual(weighed(0.25, 0.375), [250_000, 375_000]);
});
