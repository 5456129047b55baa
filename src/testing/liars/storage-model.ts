// Owns: what a cheat with storage can do in the time there is: cores, cards, disk, network to answers, chances, credit. Pure.
// Does not own: provers that act it out (storage.ts).
import { sectorBytes } from '../../compute/spec/plot.js';
import { mostOfRange } from '../../verification/kinds/storage/codec.js';
import {
  creditedBytes,
  creditedBytesPerS,
  type StorageParams,
} from '../../verification/kinds/storage/params.js';

/** What answers in a plot's name. */
export interface StorageCheat {
  /** claimed */
  readonly sectors: number;
  /** share of the claimed leaves that is not stored, spread evenly */
  readonly missingShare: number;
  /** leaves a second that it makes anew: whole sectors, or single leaves where an encoding allows it */
  readonly regeneratedPerS: number;
  readonly disk: DiskModel;
  /** both ways, ms */
  readonly networkMs: number;
}

export interface DiskModel {
  /** of one random read, ms */
  readonly latencyMs: number;
  /** random reads that it serves at once */
  readonly queue: number;
  /** of what is one behind the other */
  readonly bytesPerS: number;
}

/** Solid-state disks by published figures, and a disk that turns. */
export const DISKS = {
  nvme: { latencyMs: 0.09, queue: 32, bytesPerS: 5e9 },
  sata: { latencyMs: 0.15, queue: 8, bytesPerS: 5.3e8 },
  turning: { latencyMs: 8, queue: 1, bytesPerS: 2e8 },
} as const satisfies Readonly<Record<string, DiskModel>>;

export interface StorageOutcome {
  /** leaves of the k that have no digest when it is owed, on average */
  readonly unanswered: number;
  /** chance that the opened leaves are all answered ones */
  readonly acceptance: number;
  /** what acceptance credits, and what it comes to on average */
  readonly creditedBytes: number;
  readonly expectedBytes: number;
  /** really stored */
  readonly storedBytes: number;
  readonly creditedBytesPerS: number;
}

/** Whole sectors that a disk reads in a second, wherever they lie: what they wait for is waited for side by side. */
export function sectorsPerS({ latencyMs, queue, bytesPerS }: DiskModel, params: StorageParams): number {
  const transferMs = (sectorBytes(params) * 1000) / bytesPerS;
  return Math.min(1000 / transferMs, (1000 * queue) / (latencyMs + transferMs));
}

/** Sectors of an order that are read when the disk may read `fromDisk`, and what is held in memory costs nothing. */
export function readOf(
  order: Iterable<number>,
  isHeld: (sector: number) => boolean,
  fromDisk: number,
): number {
  let read = 0;
  let left = fromDisk;
  for (const sector of order) {
    if (!isHeld(sector) && --left < 0) break;
    read++;
  }
  return read;
}

/**
 * What is read at most, but for a chance of `chance`, in the best of `tries` orders, when the disk may read `fromDisk` sectors and
 * a share of the plot is held in memory: docs/proofs/storage.md, Range.
 */
export function mostRead(
  { fromDisk, heldShare }: { readonly fromDisk: number; readonly heldShare: number },
  { tries, chance }: { readonly tries: number; readonly chance: number },
): number {
  const surprise = (read: number): number => read * divergence((read - fromDisk) / read, heldShare);
  const allowed = Math.log(tries) - Math.log(chance);
  let [within, beyond] = [fromDisk / (1 - heldShare), fromDisk / (1 - heldShare)];
  while (surprise(beyond) <= allowed) beyond *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (within + beyond) / 2;
    if (surprise(middle) <= allowed) within = middle;
    else beyond = middle;
  }
  return within;
}

/** Kullback-Leibler: how much a share of `seen` surprises, a draw, where `p` was expected. */
const divergence = (seen: number, p: number): number =>
  seen <= p ? 0 : seen * Math.log(seen / p) + (1 - seen) * Math.log((1 - seen) / (1 - p));

/**
 * One session of a cheat whose plot is rightly encoded. It reads and makes anew at the same time, and asks of its range no more than
 * it can read: what is not stored costs it nothing there.
 */
export function storageOutcome(params: StorageParams, cheat: StorageCheat): StorageOutcome {
  const { sectors, missingShare, disk } = cheat;
  const { leaves: k } = params;
  const answerS = Math.max(0, params.answerMs - cheat.networkMs) / 1000;
  const rangeS = Math.max(0, params.rangeMs - cheat.networkMs) / 1000;
  const reads = Math.floor((answerS * 1000 * disk.queue) / disk.latencyMs);
  const regenerated = Math.floor(cheat.regeneratedPerS * answerS);
  const unansweredOf = (missing: number): number =>
    Math.max(0, missing - regenerated) + Math.max(0, k - missing - reads);
  const mean = (of: (missing: number) => number): number => meanOf(k, missingShare, of);
  const acceptance = mean((missing) => (1 - unansweredOf(missing) / k) ** params.openedLeaves);
  const credited = creditedBytes(params, sectors);
  const read = Math.floor(rangeS * sectorsPerS(disk, params));
  return {
    unanswered: mean(unansweredOf),
    acceptance,
    creditedBytes: credited,
    expectedBytes: acceptance * credited,
    storedBytes: sectors * sectorBytes(params) * (1 - missingShare),
    creditedBytesPerS: creditedBytesPerS(params, Math.max(1, Math.min(read, mostOfRange(params, sectors)))),
  };
}

/** Smallest missing share, in steps of a thousandth, that is accepted with less than `acceptance`; undefined when none is. */
export function crossing(
  params: StorageParams,
  cheat: Omit<StorageCheat, 'missingShare'>,
  acceptance = 0.5,
): number | undefined {
  const caught = (step: number): boolean =>
    storageOutcome(params, { ...cheat, missingShare: step / 1000 }).acceptance < acceptance;
  // what is missing more is never accepted more
  let [passes, fails] = [-1, 1001];
  while (fails - passes > 1) {
    const step = (passes + fails) >> 1;
    if (step > 1000 || caught(step)) fails = step;
    else passes = step;
  }
  return fails > 1000 ? undefined : fails / 1000;
}

/** Chance that a share `wrong` of wrongly encoded sectors outlives `encodings` of them. */
export const survives = (wrong: number, encodings: number): number => (1 - wrong) ** encodings;

/** Mean of `of` over a binomial number out of `n`; probabilities by logarithms, since those of 65,536 leaves are tiny. */
export function meanOf(n: number, p: number, of: (count: number) => number): number {
  if (p <= 0 || p >= 1) return of(p <= 0 ? 0 : n);
  const odds = Math.log(p) - Math.log1p(-p);
  let log = n * Math.log1p(-p);
  let sum = 0;
  let all = 0;
  for (let i = 0; i <= n; i++) {
    const chance = Math.exp(log);
    all += chance;
    sum += chance * of(i);
    log += Math.log(n - i) - Math.log(i + 1) + odds;
  }
  return sum / all; // what rounding has added to the chances, it has added to both
}
