// Owns: what a cheat with host memory can do in the time there is: cores, memory, links, disks to rounds, steps, credit. Pure.
// Does not own: provers whose bytes are wrong (host-memory.ts).
import { labelCompressions } from '../../compute/spec/host-labels.js';
import { LEAF_STEPS } from '../../compute/spec/host-walk.js';
import { creditFor, hashedPerByte } from '../../verification/kinds/host-memory/credit.js';
import type { HostMemoryParams } from '../../verification/kinds/host-memory/params.js';

/** A machine, and what it can reach. Rates are of the whole machine. */
export interface HostFigures {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly memoryBytesPerS: number;
  /** one step of the walk whose label is in memory, its hashes included */
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

/** Shares of the claimed bytes that are not in the host's memory. */
export interface Missing {
  /** made again from what is there: the narrow state, the compressing storer */
  readonly regenerated?: number;
  /** on disks */
  readonly onDisk?: number;
  /** on disks, and made again where that is sooner: rounds by both, steps by whichever suits */
  readonly either?: number;
  /** in memory elsewhere */
  readonly linked?: number;
}

export interface HostCheat {
  readonly claimedBytes: number;
  readonly missing: Missing;
  /** @default the host's cores */
  readonly lanes?: number;
  /** both ways, ms. @default 0 */
  readonly networkMs?: number;
}

export interface HostOutcome {
  /** bytes of labels that it gets done in the time of the fill: no more of the claimed ones count */
  readonly filledBytes: number;
  /** really in memory at the Pass, its own or elsewhere */
  readonly heldBytes: number;
  /** in its own */
  readonly ownBytes: number;
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
    cores: 8,
    memoryBytes: 8 * 2 ** 30,
    memoryBytesPerS: 40e9,
    stepNs: 400,
    hashBytesPerS: 8 * 3.7e9,
    regenerateNs: 500,
    link: { bytesPerS: 1.25e9, readNs: 3000 },
    disk: { bytesPerS: 7e9, readNs: 70_000 },
  },
  server: {
    cores: 32,
    memoryBytes: 64 * 2 ** 30,
    memoryBytesPerS: 150e9,
    stepNs: 400,
    hashBytesPerS: 32 * 3.7e9,
    regenerateNs: 500,
    link: { bytesPerS: 12.5e9, readNs: 2000 },
    disk: { bytesPerS: 14e9, readNs: 70_000 },
  },
  large: {
    cores: 128,
    memoryBytes: 512 * 2 ** 30,
    memoryBytesPerS: 460e9,
    stepNs: 400,
    hashBytesPerS: 128 * 6e9,
    regenerateNs: 500,
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
  const { regenerated = 0, linked = 0, onDisk = 0, either = 0 } = cheat.missing;
  const { lanes = host.cores, networkMs = 0 } = cheat;
  const networkS = networkMs / 1000;
  const fillS = Math.max(0, params.fillMs / 1000 - networkS);
  const hashedForFill = (labelCompressions(params) * 64) / params.labelBytes;
  const filledBytes = Math.min(cheat.claimedBytes, Math.floor((fillS * host.hashBytesPerS) / hashedForFill));
  const own = Math.max(0, 1 - regenerated - linked - onDisk - either);
  const ownBytes = Math.min(filledBytes * own, host.memoryBytes);
  const heldBytes = ownBytes + filledBytes * linked;

  const made = host.hashBytesPerS / hashedPerByte(params);
  const brought = (share: number, bytesPerS: number): number =>
    share > 0 ? (filledBytes * share) / bytesPerS : 0;
  const roundS = Math.max(
    brought(own, host.memoryBytesPerS),
    brought(linked, host.link.bytesPerS),
    brought(regenerated, made),
    brought(onDisk, host.disk.bytesPerS),
    brought(regenerated + onDisk + either, made + host.disk.bytesPerS),
  );
  const makeNs = Math.max(host.regenerateNs, (lanes * params.labelBytes * 1e9) / made);
  const stepNs = meanStepNs(host, makeNs, cheat.missing);

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
    const credited = creditFor(params, { lanes, bytes: filledBytes, rounds, leaves });
    const creditedBytes = credited.hostBytes ?? 0;
    if (rounds > 1 && creditedBytes < best.creditedBytes) continue;
    best = { creditedBytes, creditedBytesPerS: credited.hostBytesPerS ?? 0, rounds, leaves };
  }
  const withoutWalk = roundsAlone(params, { bytes: filledBytes, rounds: most });
  return { filledBytes, heldBytes, ownBytes, roundS, stepNs, ...best, withoutWalk };
}

/** Bytes that rounds alone would credit, held against labels made again and nothing else: as it was first designed. */
export function roundsAlone(
  params: HostMemoryParams,
  { bytes, rounds }: { readonly bytes: number; readonly rounds: number },
): number {
  if (rounds < 1) return 0;
  const roundS = params.passMs / 1000 / rounds;
  return Math.max(0, Math.floor(bytes - (roundS * params.hashBytesPerS) / hashedPerByte(params)));
}

/**
 * Mean time of a step. Cores make chunks again for all lanes while others of them wait for disks and links, so the longer of the two
 * counts; what may come either way is divided so that both take as long.
 */
function meanStepNs(
  { stepNs, disk, link }: HostFigures,
  makeNs: number,
  { regenerated = 0, linked = 0, onDisk = 0, either = 0 }: Missing,
): number {
  const own = Math.max(0, 1 - linked - onDisk - either); // what is made again is waited for beside the rest
  const waitedNs = (made: number): number =>
    own * stepNs +
    linked * Math.max(stepNs, link.readNs) +
    onDisk * disk.readNs +
    made * stepNs +
    (either - made) * disk.readNs;
  // regenerated + made chunks at makeNs for a whole label, against the waiting with the rest of `either` on disk
  const balanced = (waitedNs(0) - regenerated * makeNs) / (makeNs + disk.readNs - stepNs);
  const made = Math.min(either, Math.max(0, balanced));
  return Math.max((regenerated + made) * makeNs, waitedNs(made));
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
