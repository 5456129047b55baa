import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { decisionsIn, readDecision, writeDecision } from '../../../src/cli/breaker-file.js';
import type { Decision } from '../../../src/validator/scorer.js';

let data: string;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'assay-breaker-'));
});
afterEach(() => rm(data, { recursive: true }));

test('a word waits until it is written down, is taken once, and a newer one is not lost with it', async () => {
  const taken: Decision[] = [];
  const take = (apply: (decision: Decision) => Promise<void> = async () => {}) =>
    decisionsIn(data).take(async (decision) => {
      await apply(decision);
      taken.push(decision);
    });
  await take();
  await writeDecision(data, 'release');
  await expect(take(() => Promise.reject(new Error('no room')))).rejects.toThrow('no room');
  expect([taken, await readDecision(data)]).toEqual([[], 'release']);
  await take(() => writeDecision(data, 'accept'));
  expect([taken, await readDecision(data)]).toEqual([['release'], 'accept']);
  await take();
  await take();
  expect([taken, await readDecision(data)]).toEqual([['release', 'accept'], undefined]);
});
