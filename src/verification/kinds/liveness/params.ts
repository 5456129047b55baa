// Owns: the content-addressed parameter table of the liveness check. Does not own: what may follow from it (docs/proofs/liveness.md).
import {
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
import type { ComputeParams } from '../compute/params.js';

/** Everything two ends must agree on before a session; named on the wire by its digest. */
export interface LivenessParams {
  readonly kind: 'liveness';
  /** name in the table, e.g. `live` */
  readonly class: string;
  /** side of the square operands: a power of two, 16..16384 */
  readonly n: number;
  /** labels owed: all of them or nothing */
  readonly labels: number;
  /** samples each validator opens */
  readonly samples: number;
  /** private projections, each modulo a prime of its own: 2 or 3 */
  readonly projections: number;
  /** from a validator's own Go to the arrival of Commit */
  readonly windowMs: number;
  /** a Go that we come to later than this after we saw the event's block is not sent: ours to answer for */
  readonly goLeadMs: number;
  /** from Open to the last byte of the opening */
  readonly openingTimeoutMs: number;
  /** earns nothing anyway; says where it may be used */
  readonly localnetOnly: boolean;
}

const SAMPLED = { samples: 16, projections: 2, goLeadMs: 1000 } as const;

/** The table. Changing any number makes another set with another id. */
export const LIVENESS_PARAMS: readonly LivenessParams[] = [
  {
    // a few milliseconds on one core: for tests and demos
    kind: 'liveness',
    class: 'live-small',
    n: 64,
    labels: 8,
    ...SAMPLED,
    windowMs: 1000,
    openingTimeoutMs: 10_000,
    localnetOnly: true,
  },
  {
    // 0.14 tera-operations: 200 ms for whoever does 0.7 a millisecond, and 300 ms of network
    kind: 'liveness',
    class: 'live',
    n: 1024,
    labels: 64,
    ...SAMPLED,
    windowMs: 500,
    openingTimeoutMs: openingTimeout(1),
    localnetOnly: false,
  },
];

export const LIVENESS_TABLE: ReadonlyMap<string, LivenessParams> = paramsTable(LIVENESS_PARAMS);

export const livenessParamsByClass = (name: string): LivenessParams | undefined =>
  LIVENESS_PARAMS.find((params) => params.class === name);

/** The chain that is asked for, as `compute` names it; a seed binds the set's own address, so neither passes for the other. */
export const chainOf = ({ kind: _, ...params }: LivenessParams): ComputeParams => ({
  ...params,
  kind: 'compute',
  nominalLabels: params.labels,
  paceOpsPerS: 0,
});

const CHECKS: Checks<LivenessParams> = {
  kind: exactly('liveness'),
  class: className,
  n: powerOfTwo(16, 16_384),
  labels: integer(1, 1024),
  samples: integer(1, 1024),
  projections: integer(2, 3),
  windowMs: integer(1, 600_000),
  goLeadMs: integer(1, 60_000),
  openingTimeoutMs: integer(1, 3_600_000),
  localnetOnly: flag,
};

/**
 * Canonical parameters from a parsed JSON value.
 * @throws AssayError `invalid-input` naming the key
 */
export const parseParams = (value: unknown): LivenessParams => checkedParams(CHECKS, value);
