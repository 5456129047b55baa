// Owns: the content-addressed parameter table of the bandwidth proof. Does not own: what a rate pays (scoring).

import type { ServeShape } from '../../../compute/link.js';
import { LEAF_BYTES } from '../../../compute/spec/link.js';
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

/** Everything that validator, sources and receivers must agree on before a round; named on the wire by `paramsId`. */
export interface BandwidthParams {
  readonly kind: 'bandwidth';
  /** name in the table, e.g. `link-1g`; part of the address */
  readonly class: string;
  /** peers that a host pulls from, and that pull from it */
  readonly sources: number;
  /** with fewer of either kind nothing is credited: order statistics of few are worth nothing */
  readonly minSources: number;
  /** leaves that a validator makes again, over all sources */
  readonly samples: number;
  /** leaves of 4 KiB that a source signs at once: a power of two */
  readonly segmentLeaves: number;
  /** the cap of one ticket */
  readonly maxSegments: number;
  /** the length of the common round: from a validator's own Go to the arrival of Commit */
  readonly windowMs: number;
  readonly goLeadMs: number;
  readonly openingTimeoutMs: number;
  /** what a link of the class is expected to carry, each way */
  readonly nominalBytesPerS: number;
  /** whether a host's peers must lie in networks (/16, IPv6: /32) of their own */
  readonly distinctNetworks: boolean;
  /** earns on localnets only */
  readonly localnetOnly: boolean;
}

/** A ticket may carry this much more than its share, so that one dead source of eight costs its receiver nothing. */
const HEADROOM = 1.25;

const capSegments = (rate: {
  bytesPerS: number;
  sources: number;
  windowMs: number;
  leaves: number;
}): number =>
  Math.ceil((HEADROOM * rate.bytesPerS * rate.windowMs) / 1000 / rate.sources / (rate.leaves * LEAF_BYTES));

/**
 * Segments take 30..40 ms at a source's share of the rate: what is not whole by the end is lost, half a segment of a round of
 * 3 s on average, and each costs a signature.
 */
const link = (name: string, bytesPerS: number, leaves: number): BandwidthParams => ({
  kind: 'bandwidth',
  class: name,
  sources: 8,
  minSources: 5,
  samples: 128,
  segmentLeaves: leaves,
  maxSegments: capSegments({ bytesPerS, sources: 8, windowMs: 3000, leaves }),
  windowMs: 3000,
  goLeadMs: 1000,
  openingTimeoutMs: openingTimeout(1),
  nominalBytesPerS: bytesPerS,
  distinctNetworks: true,
  localnetOnly: false,
});

/** The table. Classes are claimed by hand: 3.75 GB each way in a round of the largest is nobody's default. */
export const BANDWIDTH_PARAMS: readonly BandwidthParams[] = [
  {
    ...link('paced', 2_000_000, 4),
    sources: 3,
    minSources: 2,
    samples: 64,
    maxSegments: capSegments({ bytesPerS: 2_000_000, sources: 3, windowMs: 2000, leaves: 4 }),
    windowMs: 2000,
    openingTimeoutMs: 10_000,
    distinctNetworks: false,
    localnetOnly: true,
  },
  link('link-100m', 12_500_000, 16),
  link('link-1g', 125_000_000, 128),
  link('link-10g', 1_250_000_000, 1024),
];

export const segmentBytes = ({ segmentLeaves }: Pick<BandwidthParams, 'segmentLeaves'>): number =>
  segmentLeaves * LEAF_BYTES;

/** What a source may give one receiver, and how fast. */
export const serveShape = (params: BandwidthParams): ServeShape => ({
  segmentLeaves: params.segmentLeaves,
  maxSegments: params.maxSegments,
  capBytesPerS: (params.maxSegments * segmentBytes(params) * 1000) / params.windowMs,
  forMs: params.windowMs,
});

export const paramsByClass = (name: string): BandwidthParams | undefined =>
  BANDWIDTH_PARAMS.find((params) => params.class === name);

export const bandwidthTable: ReadonlyMap<string, BandwidthParams> = paramsTable(BANDWIDTH_PARAMS);

/** Bounds keep a brief and a commit below 8 KiB, and the count of leaves below 2^24 a source. */
const CHECKS: Checks<BandwidthParams> = {
  kind: exactly('bandwidth'),
  class: className,
  sources: integer(2, 16),
  minSources: integer(2, 16),
  samples: integer(1, 1024),
  segmentLeaves: powerOfTwo(1, 4096),
  maxSegments: integer(1, 4096),
  windowMs: integer(1, 600_000),
  goLeadMs: integer(1, 60_000),
  openingTimeoutMs: integer(1, 3_600_000),
  nominalBytesPerS: integer(1, Number.MAX_SAFE_INTEGER),
  distinctNetworks: flag,
  localnetOnly: flag,
};

/**
 * Canonical parameters from a parsed JSON value.
 * @throws AssayError `invalid-input` naming the key
 */
export const parseParams = (value: unknown): BandwidthParams => checkedParams(CHECKS, value);
