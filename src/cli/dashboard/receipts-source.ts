// Owns: a miner's receipts for its page, also while the miner writes them. Does not own: what pages make of them (dashboard).
import type { Receipts } from '../../dashboard/miner/receipts.js';
import { followReceipts } from '../../miner/receipts.js';
import type { Clock } from '../../model/clock.js';
import { isAssayError } from '../../model/errors.js';

export interface ReceiptsSource {
  problem(): string | undefined;
  /** What is there now. @throws AssayError `corrupt` */
  read(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

export function createReceiptsSource(
  { path, clock, everyMs = 2000 }: { path: string; clock: Pick<Clock, 'sleep'>; everyMs?: number },
  into: Pick<Receipts, 'add'>,
): ReceiptsSource {
  const follow = followReceipts(path);
  let problem: string | undefined;
  const read = () => follow((row) => into.add(row));
  return {
    problem: () => problem,
    read,
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(everyMs, signal);
        if (signal.aborted) return;
        try {
          await read();
        } catch (error) {
          if (!isAssayError(error, 'corrupt')) throw error;
          problem = `The receipts are damaged, and nothing behind that place is shown: ${error.message}`;
          return;
        }
      }
    },
  };
}
