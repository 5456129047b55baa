// Owns: a person's word on scores that are held, from a command to the validator that runs: one small file in its data folder, taken
// once. Does not own: what follows from it (validator/scorer.ts).
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DECISIONS, type Decision, type Decisions } from '../validator/scorer.js';
import { openWholeFile } from './whole-file.js';

const fileIn = (data: string): string => join(data, 'breaker-decision');

/** The newest word counts. */
export async function writeDecision(data: string, decision: Decision): Promise<void> {
  const file = await openWholeFile(fileIn(data), `--data ${data}`, 0o600);
  await file.write(decision);
}

export async function readDecision(data: string): Promise<Decision | undefined> {
  const text = await readFile(fileIn(data), 'utf8').catch(() => '');
  return Object.hasOwn(DECISIONS, text) ? (text as Decision) : undefined;
}

/** What is in it is looked at at every block, and gone when it was taken: not before, or a full disk would have it forgotten. */
export const decisionsIn = (data: string): Decisions => ({
  async take(apply) {
    const decision = await readDecision(data);
    if (!decision) return;
    await apply(decision);
    if ((await readDecision(data)) === decision) await rm(fileIn(data), { force: true });
  },
});
