// Owns: one command from its start to the end of the process: signals, exit code, the last byte of output.
// Does not own: what signals mean (signals.ts), how errors look (output.ts).
import { EXIT, exitCodeOf, printError } from './output.js';
import { flushLogs } from './role-log.js';
import { abortOnSignals } from './signals.js';

/** Carries out a command and ends the process with the exit code that it answers. */
export type Run = (work: (signal: AbortSignal) => Promise<number>) => Promise<void>;

export const run: Run = async (work) => {
  const interruption = abortOnSignals();
  try {
    process.exitCode = interruption.exitCode(await work(interruption.signal));
  } catch (error) {
    const { signal } = interruption;
    if (signal.aborted && error === signal.reason) {
      process.stderr.write('interrupted\n');
      process.exitCode = interruption.exitCode(EXIT.interrupted);
    } else {
      printError(error, process.env['ASSAY_DEBUG'] === '1');
      process.exitCode = exitCodeOf(error);
    }
  }
  await flushLogs();
  await Promise.all([written(process.stdout), written(process.stderr)]);
  if (lost !== undefined) {
    process.stderr.write(`error: standard output cannot be written: ${lost.message} [unexpected]\n`);
    process.exitCode ||= EXIT.failed;
  }
  // clients of the chain keep timers alive; everything of ours has ended by now
  process.exit();
};

/** Why what was asked for is not there: a full disk, say. */
let lost: Error | undefined;

/** A reader that left (`| head`) wants no more; that is no fault. */
export function watchOutput(): void {
  process.stdout.on('error', (error: Error) => {
    if (!('code' in error) || error.code !== 'EPIPE') lost ??= error;
  });
}

/** A pipe takes 64 KiB at a time, and exit does not wait for the rest. */
const written = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    stream.write('', () => resolve());
  });
