// Owns: a person's word on scores that are held, from a command to the validator that runs: one small file in its data folder, taken
// once. Does not own: what follows from it (validator/scorer.ts).
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DECISIONS, type Decision } from '../validator/scorer.js';

const fileIn = (data: string): string => join(data, 'breaker-decision');

/** The newest word counts. */
export async function writeDecision(data: string, decision: Decision): Promise<void> {
  const path = fileIn(data);
  await writeFile(`${path}.tmp`, decision, { mode: 0o600, flush: true });
  await rename(`${path}.tmp`, path);
}

export async function readDecision(data: string): Promise<Decision | undefined> {
  const text = await readFile(fileIn(data), 'utf8').catch(() => '');
  return Object.hasOwn(DECISIONS, text) ? (text as Decision) : undefined;
}

/** What is in it is looked at at every block, and gone when it was. */
export const decisionsIn = (data: string): { take(): Promise<Decision | undefined> } => ({
  async take() {
    const decision = await readDecision(data);
    if (decision) await rm(fileIn(data), { force: true });
    return decision;
  },
});
