// Owns: asking whoever sits at the terminal. Does not own: what is asked.
import { createInterface } from 'node:readline/promises';
import { AssayError } from '../model/errors.js';

/**
 * True for `y` or `yes`, anything else is no.
 * @throws AssayError `invalid-config` where nobody can be asked: a script must say --yes
 */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) {
    const problem = '--yes: is required where nobody can be asked (no terminal)';
    throw new AssayError('invalid-config', problem, { source: 'flags', problems: [problem] });
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  } finally {
    lines.close();
  }
}
