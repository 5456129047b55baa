// Owns: the content-addressed parameter table of the compute proof. Does not own: what a window pays (scoring).
import { toHex } from '../../../model/bytes.js';
import type { Credit } from '../../../model/credit.js';
import {
  amount,
  type Checks,
  checkedParams,
  className,
  exactly,
  flag,
  integer,
  openingTimeout,
  paramsTable,
  powerOfTwo,
} from '../../checked-params.js';
import { BY_SIZE, DERIVED, WINDOW_MS } from '../../classes.js';

/** Everything two ends must agree on before a session; named on the wire by `paramsId`. */
export interface ComputeParams {
  readonly kind: 'compute';
  /** name in the table, e.g. `paced`; part of the address, so that equal numbers of two classes stay two sets */
  readonly class: string;
  /** side of the square operands: a power of two, 16..16384 */
  readonly n: number;
  /** capacity: the most labels that a Commit can name, more than any device of the class finishes within the window */
  readonly labels: number;
  /** labels of a device that counts one: what the class is expected to finish */
  readonly nominalLabels: number;
  /** samples each validator opens */
  readonly samples: number;
  /** private projections, each modulo a prime of its own: 2 or 3 */
  readonly projections: number;
  /** from a validator's own Go to the arrival of Commit, for every slot of the event */
  readonly windowMs: number;
  /** a Go that we come to later than this after we saw the event's block is not sent: ours to answer for */
  readonly goLeadMs: number;
  /** from Open to the last byte of the opening */
  readonly openingTimeoutMs: number;
  /** earns on localnets only: the device's rate is a simulated one */
  readonly localnetOnly: boolean;
  /** rate a simulated device of this class declares, integer operations per second; 0 for real devices */
  readonly paceOpsPerS: number;
}

const REAL = { samples: 64, projections: 2, goLeadMs: 1000, localnetOnly: false, paceOpsPerS: 0 } as const;

/** Six bytes an element and four paths for each of 64 samples, in MB (docs/proofs/compute.md), rounded up. */
const OPENING_MB: Readonly<Record<number, number>> = { 2048: 1, 4096: 2, 8192: 4, 16384: 7 };

const forCard = (
  name: string,
  size: Pick<ComputeParams, 'n' | 'labels' | 'nominalLabels'>,
): ComputeParams => ({
  kind: 'compute',
  class: name,
  ...size,
  ...REAL,
  windowMs: WINDOW_MS,
  openingTimeoutMs: openingTimeout(OPENING_MB[size.n]!),
});

/**
 * The table. Changing any number makes another set with another id: old evidence is judged by the numbers it was made under.
 */
export const COMPUTE_PARAMS: readonly ComputeParams[] = [
  {
    // 48 labels of 2 * 128^3 operations at 2^27 a second are 1.5 s of device time in a window of 2 s, 64 the whole of it; what
    // they cost the CPU for real is a small part of that (measured: npm run bench -- verification)
    kind: 'compute',
    class: 'paced',
    n: 128,
    labels: 80,
    nominalLabels: 48,
    samples: 64,
    projections: 2,
    windowMs: 2000,
    goLeadMs: 1000,
    openingTimeoutMs: 10_000,
    localnetOnly: true,
    paceOpsPerS: 134_217_728,
  },
  {
    // a host's CPUs taken together; n so large that multiplying (n^3) outweighs hashing (n^2) by far. With onnxruntime-node 32
    // labels are 2.7 s of CPU, about 2 s of two idle cores (measured: npm run bench -- verification); two thirds count one
    kind: 'compute',
    class: 'cpu-2048',
    n: 2048,
    labels: 2048,
    nominalLabels: 21,
    ...REAL,
    windowMs: WINDOW_MS,
    openingTimeoutMs: openingTimeout(OPENING_MB[2048]!),
  },
  // what a card proves itself with before anybody knows its class: by n alone, 4 to 64 GiB of labels count one
  ...[
    { n: 4096, labels: 4096, nominalLabels: 4096 },
    { n: 8192, labels: 1024, nominalLabels: 512 },
    { n: 16_384, labels: 1024, nominalLabels: 256 },
  ].map((size) => forCard(`${BY_SIZE}${size.n}`, size)),
  ...DERIVED.map(({ class: name, n, capacityLabels, nominalLabels }) =>
    forCard(name, { n, labels: capacityLabels, nominalLabels }),
  ),
];

/** Integer operations of `labels` labels: a multiply and an add are two. */
export const computeOps = (params: Pick<ComputeParams, 'n' | 'labels'>): number =>
  2 * params.n ** 3 * params.labels;

/**
 * What `labels` finished within the window prove: always over the window, never over a slot's own time. Hashed are two trees at
 * most a label, the column tree of about half of them: n^2 and n^2 / 2 bytes.
 */
export function creditFor(params: ComputeParams, labels: number): Credit {
  const perS = 1000 / params.windowMs;
  return {
    opsPerS: computeOps({ n: params.n, labels }) * perS,
    hashBytesPerS: 1.5 * params.n ** 2 * labels * perS,
  };
}

/** By content address. */
export const COMPUTE_TABLE = paramsTable(COMPUTE_PARAMS);

/** The set that `id` addresses, if it is in the table. */
export const findParams = (id: Uint8Array): ComputeParams | undefined => COMPUTE_TABLE.get(toHex(id));

export const paramsByClass = (name: string): ComputeParams | undefined =>
  COMPUTE_PARAMS.find((params) => params.class === name);

const CHECKS: Checks<ComputeParams> = {
  kind: exactly('compute'),
  class: className,
  n: powerOfTwo(16, 16_384),
  labels: integer(1, 65_536),
  nominalLabels: integer(1, 65_536),
  samples: integer(1, 1024),
  projections: integer(2, 3),
  windowMs: integer(1, 600_000),
  goLeadMs: integer(1, 60_000),
  openingTimeoutMs: integer(1, 3_600_000),
  localnetOnly: flag,
  paceOpsPerS: amount,
};

/**
 * Canonical parameters from a parsed JSON value.
 * @throws AssayError `invalid-input` naming the key
 */
export const parseParams = (value: unknown): ComputeParams => checkedParams(CHECKS, value);
