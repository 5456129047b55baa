// Owns: the content-addressed parameter table of the host-memory proof. Does not own: what its commits credit (credit.ts),
// what a byte pays (scoring).
import {
  amount,
  type Check,
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

/** Everything two ends must agree on before a session; named on the wire by `paramsId`. */
export interface HostMemoryParams {
  readonly kind: 'host-memory';
  /** name in the table; part of the address */
  readonly class: string;
  /** a power of two, 256..4096 */
  readonly labelBytes: number;
  /** bytes of parents that every 32 bytes of a label hash: what a label costs */
  readonly infoBytes: number;
  /** lanes that a Commit can name */
  readonly maxLanes: number;
  /** bytes of labels, of all lanes, that a Commit can name */
  readonly minBytes: number;
  readonly maxBytes: number;
  /** rounds that a Commit can name: 32 bytes each, in one frame */
  readonly maxRounds: number;
  /** leaves of the walk of one lane that a Commit can name, eight steps each */
  readonly maxLeaves: number;
  /** of a host that counts one */
  readonly nominalLanes: number;
  readonly nominalBytes: number;
  readonly nominalRounds: number;
  readonly nominalLeaves: number;
  /** labels made again from their parents */
  readonly labelSamples: number;
  /** digests looked at, over all rounds */
  readonly digestSamples: number;
  /** steps of the walk taken again */
  readonly stepSamples: number;
  /** from a validator's own Go to the arrival of the first Commit */
  readonly windowMs: number;
  /** from the same Go to the arrival of the second: all labels that will be read */
  readonly fillMs: number;
  /** from a validator's own Pass to the arrival of the third: the rounds */
  readonly passMs: number;
  /** from the same Pass to the arrival of the fourth: the walk */
  readonly walkMs: number;
  /** bytes that all cores of a cheat's host hash in a second, at their best */
  readonly hashBytesPerS: number;
  /** time of the fastest step of the walk whose label is in memory */
  readonly stepNs: number;
  /** one chunk made again, however many cores there are */
  readonly regenerateNs: number;
  /** memory of other hosts and devices that is not proven busy: bytes that come over, and the time of one read */
  readonly linkBytesPerS: number;
  readonly linkReadNs: number;
  /** time of one read of the fastest disk; how many disks there are, and how much they bring, does not matter */
  readonly diskReadNs: number;
  /** bytes of labels from which a rate is credited: what no cache holds; 0 for never */
  readonly rateFromBytes: number;
  readonly goLeadMs: number;
  readonly openingTimeoutMs: number;
  readonly localnetOnly: boolean;
}

const GIB = 2 ** 30;

const REAL = {
  labelBytes: 4096,
  infoBytes: 918,
  maxLanes: 256,
  maxRounds: 200,
  maxLeaves: 2 ** 21,
  nominalLeaves: 800_000,
  labelSamples: 64,
  digestSamples: 64,
  stepSamples: 64,
  windowMs: 2000,
  fillMs: 56_000,
  passMs: 8000,
  walkMs: 16_000,
  stepNs: 300,
  regenerateNs: 500,
  linkReadNs: 1500,
  diskReadNs: 20_000,
  goLeadMs: 1000,
  openingTimeoutMs: openingTimeout(3),
  localnetOnly: false,
} as const;

/** SHA-256 of many messages at once, bytes a second and core (docs/proofs/host-memory.md, What a cheat hashes). */
const CORE_HASH_BYTES_PER_S = 6e9;

/**
 * The table. Changing any number makes another set with another id: old evidence is judged by the numbers it was made under.
 * docs/proofs/host-memory.md derives them.
 */
export const HOST_MEMORY_PARAMS: readonly HostMemoryParams[] = [
  {
    // 2 MiB: everything of it takes some tenths of a second on one core; a cheat's cores, links and drives are as slow as the memory is
    // small, and its walk is short
    kind: 'host-memory',
    class: 'host-small',
    labelBytes: 4096,
    infoBytes: 918,
    maxLanes: 16,
    minBytes: 2 ** 18,
    maxBytes: 2 ** 21,
    maxRounds: 8,
    maxLeaves: 256,
    nominalLanes: 2,
    nominalBytes: 2 ** 21,
    nominalRounds: 8,
    nominalLeaves: 256,
    labelSamples: 32,
    digestSamples: 32,
    stepSamples: 16,
    windowMs: 2000,
    fillMs: 5000,
    passMs: 1000,
    walkMs: 2000,
    hashBytesPerS: 13_000_000,
    stepNs: 300,
    regenerateNs: 500,
    linkBytesPerS: 250_000,
    linkReadNs: 1500,
    diskReadNs: 50_000_000,
    rateFromBytes: 0,
    goLeadMs: 1000,
    openingTimeoutMs: 10_000,
    localnetOnly: true,
  },
  {
    // 8 cores, 25 GB/s read by passes, 25 GbE
    kind: 'host-memory',
    class: 'host-8',
    ...REAL,
    minBytes: GIB,
    maxBytes: 8 * GIB,
    nominalLanes: 8,
    nominalBytes: 6 * GIB,
    nominalRounds: 31,
    hashBytesPerS: 8 * CORE_HASH_BYTES_PER_S,
    linkBytesPerS: 3.125e9,
    rateFromBytes: 2 * GIB,
  },
  {
    // 32 cores, 100 GB/s, 100 GbE
    kind: 'host-memory',
    class: 'host-64',
    ...REAL,
    minBytes: 4 * GIB,
    maxBytes: 64 * GIB,
    nominalLanes: 32,
    nominalBytes: 48 * GIB,
    nominalRounds: 15,
    hashBytesPerS: 32 * CORE_HASH_BYTES_PER_S,
    linkBytesPerS: 12.5e9,
    rateFromBytes: 4 * GIB,
  },
  {
    // 128 cores, 400 GB/s, one idle device or 400 GbE
    kind: 'host-memory',
    class: 'host-512',
    ...REAL,
    minBytes: 16 * GIB,
    maxBytes: 512 * GIB,
    nominalLanes: 128,
    nominalBytes: 400 * GIB,
    nominalRounds: 7,
    hashBytesPerS: 128 * CORE_HASH_BYTES_PER_S,
    linkBytesPerS: 50e9,
    rateFromBytes: 8 * GIB,
  },
];

export const hostMemoryParamsByClass = (name: string): HostMemoryParams | undefined =>
  HOST_MEMORY_PARAMS.find((params) => params.class === name);

/** By content address, lower-case hex. */
export const HOST_MEMORY_TABLE: ReadonlyMap<string, HostMemoryParams> = paramsTable(HOST_MEMORY_PARAMS);

const info: Check = {
  expected: 'a multiple of three in 3..1008',
  holds: (v) => integer(3, 1008).holds(v) && (v as number) % 3 === 0,
};

const CHECKS: Checks<HostMemoryParams> = {
  kind: exactly('host-memory'),
  class: className,
  labelBytes: powerOfTwo(256, 4096),
  infoBytes: info,
  maxLanes: integer(1, 256),
  minBytes: integer(1, 2 ** 40),
  maxBytes: integer(1, 2 ** 40),
  maxRounds: integer(1, 200),
  maxLeaves: integer(1, 2 ** 24),
  nominalLanes: integer(1, 256),
  nominalBytes: integer(1, 2 ** 40),
  nominalRounds: integer(1, 200),
  nominalLeaves: integer(1, 2 ** 24),
  labelSamples: integer(1, 1024),
  digestSamples: integer(1, 1024),
  stepSamples: integer(1, 1024),
  windowMs: integer(1, 600_000),
  fillMs: integer(1, 600_000),
  passMs: integer(1, 600_000),
  walkMs: integer(1, 600_000),
  hashBytesPerS: amount,
  stepNs: integer(1, 1_000_000),
  regenerateNs: integer(1, 1_000_000_000),
  linkBytesPerS: amount,
  linkReadNs: integer(1, 1_000_000_000),
  diskReadNs: integer(1, 1_000_000_000),
  rateFromBytes: integer(0, 2 ** 40),
  goLeadMs: integer(1, 60_000),
  openingTimeoutMs: integer(1, 3_600_000),
  localnetOnly: flag,
};

/**
 * Canonical parameters from a parsed JSON value.
 * @throws AssayError `invalid-input` naming the key
 */
export const parseParams = (value: unknown): HostMemoryParams => checkedParams(CHECKS, value);
