// Owns: the content-addressed parameter table of the memory proof, and what its commits credit. Does not own: what a byte pays.
import { DIGEST_LEAF_BYTES, digestPathLength } from '../../../compute/spec/digest.js';
import type { Credit } from '../../../model/credit.js';
import { HASH_BYTES, pathLength } from '../../../model/merkle.js';
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
import {
  ADVERSARY_EFFICIENCY,
  DEVICES,
  type DeviceFigures,
  deriveParams,
  EFFICIENCY,
  HOST_MEMORY_BYTES_PER_S,
  PASS_EFFICIENCY,
  WINDOW_MS,
} from '../../classes.js';
import { sampleBytes } from '../compute/codec.js';
import { computeOps } from '../compute/params.js';

/** Everything two ends must agree on before a session; named on the wire by `paramsId`. */
export interface MemoryParams {
  readonly kind: 'memory';
  /** name in the table; part of the address */
  readonly class: string;
  /** side of the square operands: a power of two, 64..16384 */
  readonly n: number;
  /** capacity: labels that fill the memory credited at most, n^2 bytes each */
  readonly labels: number;
  /** labels that a device counting one finishes within the window */
  readonly nominalLabels: number;
  /** samples of labels made within the window */
  readonly samples: number;
  /** samples of labels made after it */
  readonly fillSamples: number;
  /** digests looked at */
  readonly passSamples: number;
  /** private projections, each modulo a prime of its own: 2 or 3 */
  readonly projections: number;
  /** from a validator's own Go to the arrival of the first Commit: what is paid as work */
  readonly windowMs: number;
  /** from the same Go to the arrival of the second: all labels that will be read */
  readonly fillMs: number;
  /** from a validator's own Pass to the arrival of the third */
  readonly passMs: number;
  /** rounds that a Commit can name at most: 32 bytes each, in one frame */
  readonly maxRounds: number;
  /** rounds that a device counting one finishes */
  readonly nominalRounds: number;
  /** operations a second that somebody who keeps fewer labels could spend on making them again: 0.75 of the published peak */
  readonly regenerationOpsPerS: number;
  /** bytes a second that can reach the device from its host, one direction */
  readonly linkBytesPerS: number;
  /** bytes a second of host memory, from which digests could be made where the labels are not on the device */
  readonly hostBytesPerS: number;
  readonly goLeadMs: number;
  readonly openingTimeoutMs: number;
  readonly localnetOnly: boolean;
  /** rates a simulated device of this class declares; 0 for real devices */
  readonly paceOpsPerS: number;
  readonly paceBytesPerS: number;
}

/** Bytes under one digest. */
export const BLOCK_BYTES = 4096;

/** Blocks of `labels` labels: labels are whole blocks. */
export const blocksOf = ({ n }: Pick<MemoryParams, 'n'>, labels: number): number =>
  (labels * n ** 2) / BLOCK_BYTES;

/** Rows that are opened for a block: the one that holds it, or those that it consists of. */
export const rowsOfBlock = ({ n }: Pick<MemoryParams, 'n'>): number => Math.max(1, BLOCK_BYTES / n);

/** Where a block lies: label from 1, the first of its rows, and the byte within them. */
export function placeOf(
  { n }: Pick<MemoryParams, 'n'>,
  block: number,
): { label: number; row: number; at: number } {
  const perLabel = n ** 2 / BLOCK_BYTES;
  const byte = (block % perLabel) * BLOCK_BYTES;
  return { label: 1 + Math.floor(block / perLabel), row: Math.floor(byte / n), at: byte % n };
}

/**
 * Work over the window, as `compute` has it; then M = labels n^2 bytes and R rounds in W_p: a round had t = W_p / R, in which
 * somebody with less could have made t G bytes of labels again and had t X bytes digested elsewhere. What is left was there:
 * M_c = M - t (G + X), read at R M_c / W_p. Slow rounds cost bytes by themselves.
 * @param rounds undefined before the third commit
 */
export function creditFor(
  params: MemoryParams,
  made: { windowLabels: number; labels: number | undefined; rounds: number | undefined },
): Credit {
  const perS = 1000 / params.windowMs;
  const work = {
    opsPerS: computeOps({ n: params.n, labels: made.windowLabels }) * perS,
    hashBytesPerS: 1.5 * params.n ** 2 * made.windowLabels * perS,
  };
  if (made.labels === undefined || made.rounds === undefined) return work;
  const bytes = made.labels * params.n ** 2;
  const roundS = params.passMs / 1000 / made.rounds;
  // who names a slower class than its own shows by its work what it could make again
  const opsPerS = Math.max(params.regenerationOpsPerS, REGENERATION * work.opsPerS);
  const regenerated = opsPerS / (2 * params.n);
  // also where a host's memory was proven busy at the same Pass: nothing says that it is this card's host (docs/proofs/memory.md)
  const elsewhere = Math.max(params.linkBytesPerS, params.hostBytesPerS);
  const deviceBytes = Math.max(0, bytes - roundS * (regenerated + elsewhere));
  return { ...work, deviceBytes, deviceBytesPerS: deviceBytes / roundS };
}

/** What a device of the class that counts one is credited. */
export function nominalFor(params: MemoryParams): Credit {
  const { nominalLabels: windowLabels, labels, nominalRounds: rounds } = params;
  const { opsPerS, deviceBytes, deviceBytesPerS } = creditFor(params, { windowLabels, labels, rounds });
  return { opsPerS: opsPerS!, deviceBytes: deviceBytes!, deviceBytesPerS: deviceBytesPerS! };
}

/** The fill may take so much longer than planned, and is over by a whole half second. */
const FILL_SLACK = 1.5;
/** What nobody's kernel exceeds, by what honest ones reach. */
const REGENERATION = ADVERSARY_EFFICIENCY / EFFICIENCY;
/** As long as the window of the work: an honest path of 100 ms costs 5 %. */
const PASS_MS = WINDOW_MS;
/** Their roots leave room in a frame for the nonces of some 200 validators. */
const MAX_ROUNDS = 128;
const REAL = { samples: 64, fillSamples: 32, passSamples: 64, projections: 2, goLeadMs: 1000 } as const;

/** Not measured: what the vendor's figures give by the rules of classes.ts. */
function forCard(device: DeviceFigures): MemoryParams {
  const { n, memoryLabels: labels, nominalLabels, fillMs } = deriveParams(device);
  const roundMs = (labels * n ** 2 * 1000) / (PASS_EFFICIENCY * device.memoryBytesPerS);
  const shape = { n, labels, ...REAL };
  return {
    kind: 'memory',
    class: device.class,
    n,
    labels,
    nominalLabels,
    samples: REAL.samples,
    fillSamples: REAL.fillSamples,
    passSamples: REAL.passSamples,
    projections: REAL.projections,
    windowMs: WINDOW_MS,
    fillMs: Math.max(2 * WINDOW_MS, Math.ceil((FILL_SLACK * fillMs) / 500) * 500),
    passMs: PASS_MS,
    maxRounds: MAX_ROUNDS,
    nominalRounds: Math.floor(PASS_MS / roundMs),
    regenerationOpsPerS: ADVERSARY_EFFICIENCY * device.peakOpsPerS,
    linkBytesPerS: device.linkBytesPerS,
    hostBytesPerS: HOST_MEMORY_BYTES_PER_S,
    goLeadMs: REAL.goLeadMs,
    openingTimeoutMs: openingTimeout(Math.ceil(openingBytes(shape) / 1e6)),
    localnetOnly: false,
    paceOpsPerS: 0,
    paceBytesPerS: 0,
  };
}

/** What the opening's size hangs on. */
type OpeningShape = Pick<MemoryParams, 'n' | 'labels' | 'samples' | 'fillSamples' | 'passSamples'>;

/** Upper bound of an honest opening; a few bytes above it. */
export function openingBytes(params: OpeningShape): number {
  const { n, labels, samples, fillSamples, passSamples } = params;
  const path = (pathLength(n) + pathLength(labels)) * HASH_BYTES;
  const digestsPath = digestPathLength(blocksOf(params, labels)) * HASH_BYTES;
  // four fields and the message around them, each a tag and a length of at most four bytes
  const pass = Math.max(n, BLOCK_BYTES) + path + DIGEST_LEAF_BYTES + digestsPath + 5 * 5;
  const prefix = HASH_BYTES + pathLength(labels) * HASH_BYTES + 3 * 5;
  const roots = 5 * (HASH_BYTES + 2);
  return (samples + fillSamples) * sampleBytes(params) + passSamples * pass + 2 * prefix + roots;
}

/**
 * The table. Changing any number makes another set with another id: old evidence is judged by the numbers it was made under.
 * docs/proofs/memory.md derives them.
 */
export const MEMORY_PARAMS: readonly MemoryParams[] = [
  {
    // 1.2 MB at 24 MB/s: 48 labels within the window are 1.5 s, 72 are 2.25 s, a round over them is 49 ms
    kind: 'memory',
    class: 'paced-memory',
    n: 128,
    labels: 72,
    nominalLabels: 48,
    samples: 32,
    fillSamples: 32,
    passSamples: 32,
    projections: 2,
    windowMs: 2000,
    fillMs: 2750,
    passMs: 750,
    maxRounds: 128,
    nominalRounds: 10,
    regenerationOpsPerS: 134_217_728,
    linkBytesPerS: 250_000,
    hostBytesPerS: 500_000,
    goLeadMs: 500,
    openingTimeoutMs: 10_000,
    localnetOnly: true,
    paceOpsPerS: 134_217_728,
    paceBytesPerS: 24_000_000,
  },
  ...DEVICES.map(forCard),
];

export const memoryParamsByClass = (name: string): MemoryParams | undefined =>
  MEMORY_PARAMS.find((params) => params.class === name);

/** By content address, lower-case hex. */
export const MEMORY_TABLE: ReadonlyMap<string, MemoryParams> = paramsTable(MEMORY_PARAMS);

const CHECKS: Checks<MemoryParams> = {
  kind: exactly('memory'),
  class: className,
  n: powerOfTwo(64, 16_384),
  labels: integer(1, 65_536),
  nominalLabels: integer(1, 65_536),
  samples: integer(1, 1024),
  fillSamples: integer(1, 1024),
  passSamples: integer(1, 1024),
  projections: integer(2, 3),
  windowMs: integer(1, 600_000),
  fillMs: integer(1, 600_000),
  passMs: integer(1, 600_000),
  maxRounds: integer(1, MAX_ROUNDS),
  nominalRounds: integer(1, MAX_ROUNDS),
  regenerationOpsPerS: amount,
  linkBytesPerS: amount,
  hostBytesPerS: amount,
  goLeadMs: integer(1, 60_000),
  openingTimeoutMs: integer(1, 3_600_000),
  localnetOnly: flag,
  paceOpsPerS: amount,
  paceBytesPerS: amount,
};

/**
 * Canonical parameters from a parsed JSON value.
 * @throws AssayError `invalid-input` naming the key
 */
export const parseParams = (value: unknown): MemoryParams => checkedParams(CHECKS, value);
