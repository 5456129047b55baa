// Owns: the content-addressed parameter table of the storage proof. Does not own: what a byte pays (scoring).
import { type PlotName, type PlotShape, sectorBytes } from '../../../compute/spec/plot.js';
import { AssayError } from '../../../model/errors.js';
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
import { WINDOW_MS } from '../../classes.js';
import type { Challenge } from '../../proof.js';

/** Everything two ends must agree on before a session; named on the wire by its digest. */
export interface StorageParams extends PlotShape {
  readonly kind: 'storage';
  /** name in the table, e.g. `nvme` */
  readonly class: string;
  /** smaller plots, and larger ones, are no commits */
  readonly minSectors: number;
  readonly maxSectors: number;
  /** k: leaves of distinct sectors that are owed a digest within `answerMs` of the Pass */
  readonly leaves: number;
  /** how many of those digests a validator has opened */
  readonly openedLeaves: number;
  /** blocks of a piece: what a range is digested in; a power of two of leaves */
  readonly pieceBlocks: number;
  /** most sectors that a range can name: more than any disk of the class reads within `rangeMs` */
  readonly maxRange: number;
  /** and no more than one in so many of its plot, or a small plot in memory would be paid as a fast disk */
  readonly rangeOneIn: number;
  readonly openedPieces: number;
  /** sectors that a validator encodes itself, in every session */
  readonly encodings: number;
  /** sectors that a cheat is taken to make anew in a second: docs/proofs/storage.md, Who regenerates */
  readonly regeneratedPerS: number;
  /** sectors, and bytes read a second, of a disk that counts one */
  readonly nominalSectors: number;
  readonly nominalBytesPerS: number;
  /** from a validator's own Go to the arrival of the first Commit, for every slot of the event */
  readonly windowMs: number;
  /** from the Pass to the arrival of the digests of the leaves */
  readonly answerMs: number;
  /** from the Pass to the arrival of the range */
  readonly rangeMs: number;
  /** a Go that we come to later than this after we saw the event's block is not sent: ours to answer for */
  readonly goLeadMs: number;
  /** from Open to the last byte of the opening */
  readonly openingTimeoutMs: number;
  /** earns on localnets only */
  readonly localnetOnly: boolean;
}

/** The table. Changing any number makes another set with another id, and plots of another shape are other plots. */
export const STORAGE_PARAMS: readonly StorageParams[] = [
  {
    // sectors of 8 KiB in half a millisecond: for tests and demos
    kind: 'storage',
    class: 'small',
    sectorBlocks: 8,
    passes: 2,
    leafBlocks: 1,
    minSectors: 16,
    maxSectors: 1024,
    leaves: 16,
    openedLeaves: 8,
    pieceBlocks: 2,
    maxRange: 256,
    rangeOneIn: 1,
    openedPieces: 4,
    encodings: 2,
    regeneratedPerS: 1,
    nominalSectors: 64,
    nominalBytesPerS: 131_072,
    windowMs: WINDOW_MS,
    answerMs: 1000,
    rangeMs: 2000,
    goLeadMs: 1000,
    openingTimeoutMs: 10_000,
    localnetOnly: true,
  },
  {
    // solid-state disks that read 30,000 leaves a second, and a gigabyte in sectors of 1 MiB; sized from published figures
    kind: 'storage',
    class: 'nvme',
    sectorBlocks: 1024,
    passes: 2048,
    leafBlocks: 4,
    minSectors: 16_384,
    maxSectors: 16_777_216,
    leaves: 16_384,
    openedLeaves: 64,
    pieceBlocks: 16,
    maxRange: 131_072,
    rangeOneIn: 32,
    openedPieces: 32,
    encodings: 1,
    regeneratedPerS: 1200,
    nominalSectors: 1_048_576,
    nominalBytesPerS: 1_073_741_824,
    windowMs: WINDOW_MS,
    answerMs: 1000,
    rangeMs: 4000,
    goLeadMs: 1000,
    openingTimeoutMs: openingTimeout(1),
    localnetOnly: false,
  },
];

export const STORAGE_TABLE: ReadonlyMap<string, StorageParams> = paramsTable(STORAGE_PARAMS);

export const storageParamsByClass = (name: string): StorageParams | undefined =>
  STORAGE_PARAMS.find((params) => params.class === name);

/**
 * The plot that a challenge is about.
 * @throws RangeError when the caller did not say whose: its own mistake, never the miner's
 */
export function plotName({ params, place }: Challenge<StorageParams>): PlotName {
  if (place?.length !== 32) throw new RangeError(`place: expected 32 bytes, got ${place?.length ?? 'none'}`);
  const { sectorBlocks, passes, leafBlocks } = params;
  return { place, sectorBlocks, passes, leafBlocks };
}

/** Share of a plot that the assumed cheat need not store: what it can make anew while the answers are owed. */
export const missingShare = (params: StorageParams): number =>
  Math.min(1, (params.regeneratedPerS * params.answerMs) / (1000 * params.leaves));

/** Bytes that a plot of `sectors` is credited. */
export const creditedBytes = (params: StorageParams, sectors: number): number =>
  Math.floor(sectors * sectorBytes(params) * (1 - missingShare(params)));

/** Bytes a second that a range of `sectors` is credited: over the whole time from the Pass, never over a slot's own. */
export const creditedBytesPerS = (params: StorageParams, sectors: number): number =>
  Math.floor((sectors * sectorBytes(params) * 1000) / params.rangeMs);

const MS = integer(1, 600_000);
const SECTORS = integer(1, 2 ** 26);
const SAMPLES = integer(1, 1024);
/** Blocks that a verifier fills for one session: a minute of one core. What takes it much longer passes for evidence that ends threads. */
const MOST_FILLED = 2 ** 27;

const CHECKS: Checks<StorageParams> = {
  kind: exactly('storage'),
  class: className,
  sectorBlocks: powerOfTwo(8, 1024),
  passes: integer(2, 1_048_576),
  leafBlocks: powerOfTwo(1, 1024),
  minSectors: SECTORS,
  maxSectors: SECTORS,
  leaves: integer(1, 65_536),
  openedLeaves: SAMPLES,
  pieceBlocks: powerOfTwo(1, 1024),
  maxRange: integer(1, 2 ** 20),
  rangeOneIn: integer(1, 2 ** 20),
  openedPieces: SAMPLES,
  encodings: SAMPLES,
  regeneratedPerS: integer(1, 1_000_000),
  nominalSectors: SECTORS,
  nominalBytesPerS: amount,
  windowMs: MS,
  answerMs: MS,
  rangeMs: MS,
  goLeadMs: integer(1, 60_000),
  openingTimeoutMs: integer(1, 3_600_000),
  localnetOnly: flag,
};

/** What one key alone does not say: each line names the key that has to give way. */
const TOGETHER: readonly (readonly [
  key: keyof StorageParams,
  expected: string,
  holds: (p: StorageParams) => boolean,
])[] = [
  ['leafBlocks', 'at most sectorBlocks', (p) => p.leafBlocks <= p.sectorBlocks],
  ['pieceBlocks', 'at least leafBlocks', (p) => p.pieceBlocks >= p.leafBlocks],
  ['pieceBlocks', 'at most sectorBlocks', (p) => p.pieceBlocks <= p.sectorBlocks],
  ['minSectors', 'at least leaves, which lie in distinct sectors', (p) => p.minSectors >= p.leaves],
  ['maxSectors', 'at least minSectors', (p) => p.maxSectors >= p.minSectors],
  ['rangeMs', 'at least answerMs, which it follows', (p) => p.rangeMs >= p.answerMs],
  [
    'encodings',
    `at most ${MOST_FILLED} blocks filled by them in a session (encodings passes sectorBlocks)`,
    (p) => p.encodings * p.passes * p.sectorBlocks <= MOST_FILLED,
  ],
];

/**
 * Canonical parameters from a parsed JSON value.
 * @throws AssayError `invalid-input` naming the key
 */
export function parseParams(value: unknown): StorageParams {
  const params = checkedParams(CHECKS, value);
  for (const [key, expected, holds] of TOGETHER) {
    if (holds(params)) continue;
    const what = `params.${key}`;
    const got = String(params[key]);
    throw new AssayError('invalid-input', `${what}: expected ${expected}, got ${got}`, {
      what,
      expected,
      got,
    });
  }
  return params;
}
