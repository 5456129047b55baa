// Owns: a second process that recomputes a validator's rows from its ledger alone. Does not own: recomputing (validator/ledger).
import { execFile } from 'node:child_process';
import { AssayError } from '../../model/errors.js';
import type { ReplayedAll } from '../../validator/ledger/replay-all.js';
import { EXIT } from '../output.js';
import { ENVIRONMENT, MAIN } from './processes.js';

/** Judging thousands of outcomes again takes minutes; a demo has some dozens. */
const REPLAY_MS = 120_000;
const MOST_BYTES = 64 * 2 ** 20;

/** @throws AssayError `unreachable` with what the process said, where it said nothing of rows */
export function replayedElsewhere(
  data: string,
  signal: AbortSignal,
  program: readonly string[] = [MAIN],
): Promise<ReplayedAll> {
  const args = [...program, 'validator', 'replay', '--all', '--data', data, '--json'];
  return new Promise((resolve, reject) => {
    const options = { env: ENVIRONMENT, signal, timeout: REPLAY_MS, maxBuffer: MOST_BYTES };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const isAnswer = !error || error.code === EXIT.failed;
      try {
        if (isAnswer) return resolve(JSON.parse(stdout) as ReplayedAll); // that command's own document
      } catch {
        // said below
      }
      // what to do about it stands below the error
      const lines = stderr.trim().split('\n');
      const said = lines.find((line) => line.startsWith('error: '))?.slice('error: '.length) ?? lines.at(-1);
      const why = said || error?.message || 'no document';
      reject(new AssayError('unreachable', `replay of ${data}: ${why}`, { address: data }));
    });
  });
}
