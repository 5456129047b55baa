// Owns: what both ends of a session agree on before it: the numbers of a parameter set, and how strictly they are read.
// Does not own: the work (prove.ts), what is paid for it (policy.json).
import { type Credit, HASH_BYTES } from 'assay/model';
import {
  type Checks,
  checkedParams,
  className,
  exactly,
  flag,
  integer,
  paramsTable,
} from 'assay/verification';

export interface HashCellsParams {
  readonly kind: 'hash-cells';
  /** name in the table */
  readonly class: string;
  /** SHA-256, so many times over, make one cell */
  readonly steps: number;
  /** the most cells that a slot may commit to */
  readonly cells: number;
  /** what a device of this class is expected to make in the window: it counts one */
  readonly nominalCells: number;
  /** cells that each validator looks at */
  readonly samples: number;
  /** from the Go to the arrival of the Commit */
  readonly windowMs: number;
  /** a validator later than this with its Go does not send it: its own lateness */
  readonly goLeadMs: number;
  /** from Open to the last byte of the opening */
  readonly openingTimeoutMs: number;
  /** true: no live chain pays for it */
  readonly localnetOnly: boolean;
}

const CHECKS: Checks<HashCellsParams> = {
  kind: exactly('hash-cells'),
  class: className,
  steps: integer(1, 65_536),
  cells: integer(2, 65_536),
  nominalCells: integer(1, 65_536),
  samples: integer(1, 256),
  windowMs: integer(100, 10_000),
  goLeadMs: integer(0, 10_000),
  openingTimeoutMs: integer(100, 60_000),
  localnetOnly: flag,
};

/** @throws AssayError `invalid-input` naming the key */
export const parseParams = (value: unknown): HashCellsParams => checkedParams(CHECKS, value);

/**
 * The set that this subnet's owner publishes. Changing any number makes another set, with another address on the wire.
 * It stays on localnets: a chip that is made for SHA-256 does a million times what a processor does.
 */
export const EXAMPLE: HashCellsParams = parseParams({
  kind: 'hash-cells',
  class: 'example',
  steps: 128,
  cells: 65_536,
  nominalCells: 4096,
  samples: 16,
  windowMs: 1000,
  goLeadMs: 1000,
  openingTimeoutMs: 5000,
  localnetOnly: true,
});

export const TABLE: ReadonlyMap<string, HashCellsParams> = paramsTable([EXAMPLE]);

/** Over the window and never over a slot's own time: slots that share a processor are paid for it once. */
export const creditOf = ({ steps, windowMs }: HashCellsParams, cells: number): Credit => ({
  hashBytesPerS: Math.floor((cells * steps * HASH_BYTES * 1000) / windowMs),
});
