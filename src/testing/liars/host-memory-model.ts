// Owns: what a cheat with host memory can do in the time there is: cores, memory, links, disks to rounds, steps, credit. Pure.
// Does not own: provers whose bytes are wrong (host-memory.ts).
import { labelCompressions } from '../../compute/spec/host-labels.js';
import { LEAF_STEPS, STEP_READS } from '../../compute/spec/host-walk.js';
import { creditFor, hashedPerByte } from '../../verification/kinds/host-memory/credit.js';
import type { HostMemoryParams } from '../../verification/kinds/host-memory/params.js';

/** A machine, and what it can reach. Rates are of the whole machine. */
export interface HostFigures {
  readonly memoryBytes: number;
  readonly memoryBytesPerS: number;
  /** one step of the walk with all four reads in memory, its hashes included */
  readonly stepNs: number;
  /** SHA-256 over many messages at once, all cores */
  readonly hashBytesPerS: number;
  /** a chunk made again while somebody waits for it */
  readonly regenerateNs: number;
  /** memory of other hosts and of devices */
  readonly link: Reach;
  readonly disk: Reach;
}

export interface Reach {
  readonly bytesPerS: number;
  readonly readNs: number;
}

/** Shares of the claimed bytes that are not in memory, by what stands in for them. */
export interface Missing {
  /** made again from what is there: the narrow state, the compressing storer */
  readonly regenerated?: number;
  /** fetched from, or digested in, memory elsewhere */
  readonly linked?: number;
  /** swapped out */
  readonly onDisk?: number;
}

export interface HostCheat {
  readonly claimedBytes: number;
  readonly missing: Missing;
  /** both ways, ms. @default 0 */
  readonly networkMs?: number;
}

export interface HostOutcome {
  /** bytes of labels that it gets done in the time of the fill: no more of the claimed ones count */
  readonly filledBytes: number;
  /** really in memory at the Pass */
  readonly heldBytes: number;
  readonly roundS: number;
  readonly stepNs: number;
  readonly rounds: number;
  readonly leaves: number;
  readonly creditedBytes: number;
  readonly creditedBytesPerS: number;
  /** what it would be credited without a walk, where rounds are held against labels made again and nothing else */
  readonly withoutWalk: number;
}

/** Hosts by published figures, and what the best of their kind can reach. */
export const HOSTS = {
  desktop: {
    memoryBytes: 8 * 2 ** 30,
    memoryBytesPerS: 40e9,
    stepNs: 250,
    hashBytesPerS: 8 * 3.7e9,
    regenerateNs: 450,
    link: { bytesPerS: 1.25e9, readNs: 3000 },
    disk: { bytesPerS: 7e9, readNs: 70_000 },
  },
  server: {
    memoryBytes: 64 * 2 ** 30,
    memoryBytesPerS: 150e9,
    stepNs: 250,
    hashBytesPerS: 32 * 3.7e9,
    regenerateNs: 450,
    link: { bytesPerS: 12.5e9, readNs: 2000 },
    disk: { bytesPerS: 14e9, readNs: 70_000 },
  },
  large: {
    memoryBytes: 512 * 2 ** 30,
    memoryBytesPerS: 460e9,
    stepNs: 250,
    hashBytesPerS: 128 * 6e9,
    regenerateNs: 400,
    link: { bytesPerS: 50e9, readNs: 1500 },
    disk: { bytesPerS: 100e9, readNs: 70_000 },
  },
} as const satisfies Readonly<Record<string, HostFigures>>;

/**
 * One session of a cheat all of whose bytes are right. Everything overlaps that can: memory is read while labels are made again and
 * links and disks are busy. It may stop reading rounds early to walk longer, and does where that is credited more.
 */
export function hostMemoryOutcome(
  params: HostMemoryParams,
  host: HostFigures,
  cheat: HostCheat,
): HostOutcome {
  const { regenerated = 0, linked = 0, onDisk = 0 } = cheat.missing;
  const networkS = (cheat.networkMs ?? 0) / 1000;
  const fillS = Math.max(0, params.fillMs / 1000 - networkS);
  const hashedForFill = (labelCompressions(params) * 64) / params.labelBytes;
  const filledBytes = Math.min(cheat.claimedBytes, Math.floor((fillS * host.hashBytesPerS) / hashedForFill));
  const away = Math.min(1, regenerated + linked + onDisk);
  const heldBytes = Math.min(filledBytes * (1 - away), host.memoryBytes);

  const ways = [
    { share: regenerated, bytesPerS: host.hashBytesPerS / hashedPerByte(params), readNs: host.regenerateNs },
    { share: linked, ...host.link },
    { share: onDisk, ...host.disk },
  ];
  const roundS = Math.max(
    (filledBytes * (1 - away)) / host.memoryBytesPerS,
    ...ways.map(({ share, bytesPerS }) => (share > 0 ? (filledBytes * share) / bytesPerS : 0)),
  );
  const stepNs = meanStepNs(host.stepNs, ways);

  const passS = params.passMs / 1000 - networkS;
  const walkS = params.walkMs / 1000 - networkS;
  const most = Math.min(params.maxRounds, Math.floor(passS / roundS));
  let best = { creditedBytes: 0, creditedBytesPerS: 0, rounds: 0, leaves: 0 };
  for (let rounds = 1; rounds <= most; rounds++) {
    const leaves = Math.min(
      params.maxLeaves,
      Math.floor(((walkS - rounds * roundS) * 1e9) / (stepNs * LEAF_STEPS)),
    );
    if (leaves < 1 || filledBytes < params.minBytes || filledBytes > params.maxBytes) continue;
    const credited = creditFor(params, { bytes: filledBytes, rounds, leaves });
    const creditedBytes = credited.hostBytes ?? 0;
    if (rounds > 1 && creditedBytes < best.creditedBytes) continue;
    const creditedBytesPerS = credited.hostBytesPerS ?? 0;
    best = { ...best, creditedBytes, creditedBytesPerS, rounds, leaves };
  }
  // a walk of one leaf in all its time bounds nothing
  const blind = { ...params, linkBytesPerS: 0, diskBytesPerS: 0 };
  const withoutWalk =
    most < 1 ? 0 : (creditFor(blind, { bytes: filledBytes, rounds: most, leaves: 1 }).hostBytes ?? 0);
  return { filledBytes, heldBytes, roundS, stepNs, ...best, withoutWalk };
}

/** A step waits for the slowest of its reads. */
function meanStepNs(stepNs: number, ways: readonly { share: number; readNs: number }[]): number {
  const slowestFirst = ways.filter(({ share }) => share > 0).toSorted((a, b) => b.readNs - a.readNs);
  let mean = 0;
  let noneSoFar = 1;
  let share = 0;
  for (const way of slowestFirst) {
    share = Math.min(1, share + way.share);
    const noneYet = (1 - share) ** STEP_READS;
    mean += (noneSoFar - noneYet) * Math.max(stepNs, way.readNs);
    noneSoFar = noneYet;
  }
  return mean + noneSoFar * stepNs;
}

/**
 * Smallest missing share, in steps of a thousandth, at which `outcome` says less than `atLeast`; undefined where there is none.
 * @param cheatOf the cheat with so much missing
 */
export function hostMemoryCrossing(
  params: HostMemoryParams,
  host: HostFigures,
  cheatOf: (share: number) => HostCheat,
  { of, atLeast }: { readonly of: (outcome: HostOutcome) => number; readonly atLeast: number },
): number | undefined {
  for (let step = 0; step <= 1000; step++)
    if (of(hostMemoryOutcome(params, host, cheatOf(step / 1000))) < atLeast) return step / 1000;
  return undefined;
}
