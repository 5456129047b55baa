// Owns: what of its declared maintenance a running miner shows and heeds. Does not own: where statements are written (cli), which of
// them count for a validator (parameters/maintenance.ts).
import { z } from 'zod';
import { fromHex, toHex } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import { invalid } from '../model/invalid-input.js';
import type { Log } from '../model/log.js';
import { SESSION_LIMITS } from '../protocol/limits.js';
import { type Maintenance, readMaintenance } from '../protocol/maintenance.js';
import type { Slot } from './slot.js';

/** A statement as it was signed, and what it says. */
export interface Statement extends Maintenance {
  readonly bytes: Uint8Array;
}

/** How soon a running miner sees what was written. */
const LOOK_MS = 2_000;

const FILE = z.strictObject({
  declarations: z
    .array(
      z
        .string()
        .max(2 * SESSION_LIMITS.maintenanceBytes)
        .regex(/^([0-9a-f]{2})+$/i, 'expected pairs of hexadecimal digits'),
    )
    .max(SESSION_LIMITS.declarations),
});

/** @throws AssayError `invalid-input` */
export function parseStatements(value: unknown, what: string): readonly Statement[] {
  const parsed = FILE.safeParse(value);
  if (!parsed.success)
    throw invalid(what, '{ "declarations": [hex] }', parsed.error.issues[0]!.message, parsed.error);
  return parsed.data.declarations.map((text) => {
    const bytes = fromHex(text);
    return { ...readMaintenance(bytes), bytes };
  });
}

export const statementsJson = (statements: readonly Statement[]): object => ({
  declarations: statements.map(({ bytes }) => toHex(bytes)),
});

/**
 * What is shown from now on: all of it as long as there is room, then without the oldest that is over, since whoever has not asked yet
 * must hear of an early end too.
 * @throws AssayError `limit-exceeded` when there are more to come than Describe may show
 */
export function withStatement(
  statements: readonly Statement[],
  statement: Statement,
  head: number,
): readonly Statement[] {
  const all = [...statements.filter(({ serial }) => serial !== statement.serial), statement];
  const limit = SESSION_LIMITS.declarations;
  if (all.length <= limit) return all;
  const over = all.findIndex(({ untilBlock }) => untilBlock <= head);
  if (over >= 0) return all.toSpliced(over, 1);
  throw new AssayError('limit-exceeded', `maintenance: at most ${limit} declarations at a time`, {
    what: 'declarations',
    limit,
    got: all.length,
  });
}

export interface Declarations {
  /** The slot as it is while declarations count: no event in one of them is begun. */
  heed(slot: Slot): Slot;
  /** as Describe shows them */
  statements(): readonly Uint8Array[];
  /** Looks at what is written, until aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** @param parts.read what is written now */
export async function createDeclarations(parts: {
  readonly clock: Clock;
  readonly log: Log;
  readonly read: () => Promise<readonly Statement[]>;
}): Promise<Declarations> {
  const { clock, log, read } = parts;
  let statements = await read();
  const covers = (worker: string, block: number): boolean =>
    statements.some(
      ({ fromBlock, untilBlock, workers }) =>
        fromBlock <= block && block < untilBlock && (workers.length === 0 || workers.includes(worker)),
    );
  return {
    heed: (slot) => ({
      ...slot,
      declines: (block) => (covers(slot.claim.worker, block) ? 'maintenance' : slot.declines?.(block)),
    }),
    statements: () => statements.map(({ bytes }) => bytes),
    async run(signal) {
      let said = '';
      while (!signal.aborted) {
        await clock.sleep(LOOK_MS, signal);
        if (signal.aborted) return;
        try {
          statements = await read();
          said = '';
        } catch (error) {
          if (String(error) !== said)
            log.error('maintenance is not read, the last declarations hold', { error });
          said = String(error);
        }
      }
    },
  };
}
