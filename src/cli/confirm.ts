// Owns: asking whoever sits at the terminal. Does not own: what is asked.
import { createInterface } from 'node:readline';
import { AssayError } from '../model/errors.js';
import type { Terminal } from './prompt.js';

/**
 * True for `y` or `yes`; anything else is no, the end of the input and an interruption too.
 * @throws AssayError `invalid-config` where nobody can be asked: a script must say --yes
 */
export async function confirm(
  question: string,
  signal: AbortSignal,
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<boolean> {
  if (!('isTTY' in input && input.isTTY === true)) {
    const problem = '--yes: is required where nobody can be asked (no terminal)';
    throw new AssayError('invalid-config', problem, { source: 'flags', problems: [problem] });
  }
  if (signal.aborted) return false;
  const lines = createInterface({ input, output: output as NodeJS.WritableStream });
  const said = new Promise<string>((resolve) => {
    lines.once('close', () => resolve('')); // Ctrl-D
    signal.addEventListener('abort', () => resolve(''), { once: true });
    // a terminal in raw mode leaves Ctrl-C to us
    lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    lines.question(`${question} [y/N] `, resolve);
  });
  const answer = await said;
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}
