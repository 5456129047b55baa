// Owns: reading a validator's ledger for pages, also while the validator writes it. Does not own: what pages make of it (dashboard).
import type { Clock } from '../../model/clock.js';
import { isAssayError } from '../../model/errors.js';
import type { Hotkey } from '../../model/ids.js';
import { followLedger } from '../../validator/ledger/follow.js';
import type { LedgerFold } from '../../validator/ledger/load.js';

export interface LedgerSourceOptions {
  /** the ledger's own */
  readonly dir: string;
  readonly clock: Pick<Clock, 'sleep'>;
  /** newest epochs that are read at first */
  readonly segments: number;
  /** @default 1 s */
  readonly everyMs?: number | undefined;
  readonly onSegment?: ((epoch: number, left: number) => void) | undefined;
}

export interface LedgerSource {
  /** whose it is; undefined while nothing was written */
  owner(): Hotkey | undefined;
  netuid(): number | undefined;
  /** why nothing more is read; undefined while it is */
  problem(): string | undefined;
  /** What is there now. @throws AssayError `corrupt` */
  read(signal?: AbortSignal): Promise<boolean>;
  run(signal: AbortSignal, onNews: () => void): Promise<void>;
}

export function createLedgerSource(options: LedgerSourceOptions, into: LedgerFold): LedgerSource {
  const { dir, clock, segments, everyMs = 1000, onSegment } = options;
  const follower = followLedger(dir, { segments, onSegment });
  let problem: string | undefined;
  return {
    owner: () => follower.owner?.hotkey,
    netuid: () => follower.owner?.netuid,
    problem: () => problem,
    read: (signal) => follower.poll(into, signal),
    async run(signal, onNews) {
      while (!signal.aborted) {
        await clock.sleep(everyMs, signal);
        if (signal.aborted) return;
        try {
          if (await follower.poll(into, signal)) onNews();
        } catch (error) {
          if (signal.aborted) return;
          if (!isAssayError(error, 'corrupt')) throw error;
          // what stands before it was told and holds; nothing behind it can be believed
          problem = `The ledger is damaged, and nothing behind that place is shown: ${error.message}`;
          onNews();
          return;
        }
      }
    },
  };
}
