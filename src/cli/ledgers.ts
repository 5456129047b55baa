// Owns: opening a ledger for a command: which folder, which epochs, whose. Does not own: what is in it (validator/ledger).
import { isAssayError } from '../model/errors.js';
import { learnClasses } from '../validator/ledger/classes.js';
import { type LedgerReader, openLedgerReader } from '../validator/ledger/ledger.js';
import type { KindsByName } from '../verification/parameter-file.js';
import { dataPaths } from './assemble.js';
import { errnoOf, invalid } from './invalid-input.js';
import { EXIT, printError, stderrLog } from './output.js';
import { sayWhile } from './progress.js';

/** Of the chain's index, both inside. */
export interface Epochs {
  readonly fromEpoch: number;
  readonly toEpoch: number;
}

/** @param text `7`, `7..9`, `7..`, `..9`; undefined for all. @throws AssayError `invalid-input` */
export function parseEpochs(text: string | undefined): Epochs {
  if (text === undefined) return { fromEpoch: 0, toEpoch: Number.POSITIVE_INFINITY };
  const [, from, dots, to] = /^(\d{1,10})?(\.\.)?(\d{1,10})?$/.exec(text) ?? [];
  const isRange = dots !== undefined && (from !== undefined || to !== undefined);
  if (!isRange && (from === undefined || to !== undefined))
    throw invalid('--epoch', 'an epoch or a range of them, such as 7, 7..9, 7.. or ..9', text.slice(0, 32));
  const fromEpoch = Number(from ?? 0);
  const toEpoch = isRange ? (to === undefined ? Number.POSITIVE_INFINITY : Number(to)) : fromEpoch;
  if (fromEpoch > toEpoch) throw invalid('--epoch', 'the first epoch before the last', text);
  return { fromEpoch, toEpoch };
}

/**
 * A ledger that is torn or was altered is a wrong file, like any other: whatever a command would say of it is worth nothing.
 * @returns what `work` returns; 2 where it does not hold, which is said
 */
export async function refusingCorrupt(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!isAssayError(error, 'corrupt')) throw error;
    printError(error, false);
    return EXIT.usage;
  }
}

/**
 * Opens the ledger of a data folder, which checks its links and signatures, works, closes it.
 * @param netuid whose it must be. @default any
 * @returns as `refusingCorrupt`
 * @throws AssayError `invalid-input` where there is none, or one of another subnet
 */
export const withLedger = (
  data: string,
  work: (ledger: LedgerReader) => Promise<number>,
  { netuid }: { readonly netuid?: number | undefined } = {},
): Promise<number> =>
  refusingCorrupt(async () => {
    const ledger = await sayWhile('reading the ledger', () =>
      openLedgerReader({ dir: dataPaths.ledger(data), log: stderrLog('warn') }).catch((error: unknown) => {
        if (errnoOf(error) === 'ENOTDIR')
          throw invalid(`--data ${data}`, 'the data folder of a validator', 'a file', error);
        throw error;
      }),
    );
    try {
      const its = ledger.owner?.netuid;
      if (netuid !== undefined && its !== netuid)
        throw invalid(`--data ${data}`, `the ledger of subnet ${netuid}`, `one of subnet ${its}`);
      return await work(ledger);
    } finally {
      await ledger.close();
    }
  });

/** What `StateParts.classOf` takes. */
export const classesIn = async (
  ledger: Pick<LedgerReader, 'fold' | 'readParams'>,
  kinds: KindsByName,
  signal?: AbortSignal,
): Promise<(paramsId: string) => string | undefined> => (await learnClasses(ledger, kinds, signal)).of;
