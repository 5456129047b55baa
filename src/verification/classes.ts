// Owns: what parameters follow from what cards are said to do, and which class a proven vector has. Pure.
// Does not own: the cards (cards.ts), a kind's parameter sets (kinds/<kind>/params.ts), what a class earns (scoring).
import type { Credit } from '../model/credit.js';
import { AssayError } from '../model/errors.js';
import { CARDS, type CardFigures } from './cards.js';

/** A card that a class is named after. */
export interface DeviceFigures extends CardFigures {
  /** name of the class in every kind's table */
  readonly class: string;
}

/** Figures of the catalogue (cards.ts) under their classes: docs/proofs/parameters.md says which sheet each is from. */
export const DEVICES: readonly DeviceFigures[] = CARDS.flatMap(({ class: name, figures }) =>
  name === undefined ? [] : [{ class: name, ...figures }],
);

/**
 * One window for all sets that credit the same amounts: two slots of different windows on one device would be credited more than
 * it can do (2 s and 3 s: a third more), since the longer one works on when the shorter is paid. Links have a round of their own
 * (kinds/bandwidth/params.ts), the same for all of them.
 */
export const WINDOW_MS = 2000;
/** of published memory: kernels, operands, trees and the driver need the rest */
export const FILL = 0.9;
/** of published peak that honest kernels are planned with; general matrix products reach 58 to 77 % */
export const EFFICIENCY = 0.6;
/** of published peak that nobody's kernel exceeds for long: what an adversary regenerates labels with */
export const ADVERSARY_EFFICIENCY = 0.75;
/** of published memory bandwidth that a pass over all of it reaches */
export const PASS_EFFICIENCY = 0.85;
/** labels at least, so that a share of them is a share and not all or nothing */
export const MIN_LABELS = 64;
/** of a label's time that may be hashing: above it the proof of products is a test of SHA-256 */
export const MAX_HASH_SHARE = 0.2;
/** of its bound that SHA-256 is planned with */
const HASH_EFFICIENCY = 0.7;
/** integer units of a multiprocessor, and instructions of one compression of 64 bytes */
const HASH_LANES = 64;
const HASH_INSTRUCTIONS = 1450;
/** A host's memory: what could stand in for a device's. */
export const HOST_MEMORY_BYTES_PER_S = 250e9;
/** Two row trees' worth at most, the column tree of about half of the labels. */
export const hashedBytes = (n: number): number => 1.5 * n * n;

/** What one n means on one device. */
export interface Fit {
  readonly n: number;
  /** that fill FILL of the memory */
  readonly memoryLabels: number;
  /** one label: its product at EFFICIENCY of peak, then its hashes */
  readonly labelMs: number;
  /** all of `memoryLabels` */
  readonly fillMs: number;
  /** of `labelMs` */
  readonly hashShare: number;
}

/** What follows for every kind from what a device is said to do. */
export interface DerivedParams extends Fit {
  readonly class: string;
  readonly windowMs: number;
  /** the most that a Commit can name: the window at the full published peak, which no device exceeds */
  readonly capacityLabels: number;
  /** the window at EFFICIENCY, hashing included, as far as memory goes: counts one */
  readonly nominalLabels: number;
  /** memory is full before the window is over at any n that the chain of labels allows: an honest device rests */
  readonly restsInWindow: boolean;
  /** G: bytes of labels that could be made again in a second */
  readonly regenBytesPerS: number;
  /** X: bytes that could come from elsewhere in a second, or be digested there */
  readonly outsideBytesPerS: number;
  /** what a device of the class is expected to prove */
  readonly nominal: Credit;
}

const SIDES = [2048, 4096, 8192, 16_384] as const;

/** SHA-256 on the integer units of the card. */
export const hashBytesPerS = ({ multiprocessors, clockHz }: DeviceFigures): number =>
  ((HASH_EFFICIENCY * multiprocessors * HASH_LANES * clockHz) / HASH_INSTRUCTIONS) * 64;

export function fitOf(device: DeviceFigures, n: number): Fit {
  const memoryLabels = Math.floor((FILL * device.memoryBytes) / (n * n));
  const productMs = (2 * n ** 3 * 1000) / (EFFICIENCY * device.peakOpsPerS);
  const hashMs = (hashedBytes(n) * 1000) / hashBytesPerS(device);
  const labelMs = productMs + hashMs;
  return { n, memoryLabels, labelMs, fillMs: memoryLabels * labelMs, hashShare: hashMs / labelMs };
}

/**
 * n is the smallest power of two in 2048..16384 at which memory is not full before the window ends and hashing stays below
 * MAX_HASH_SHARE, with at least MIN_LABELS; the largest with so many where there is none.
 */
export function deriveParams(device: DeviceFigures): DerivedParams {
  const fits = SIDES.map((n) => fitOf(device, n)).filter(({ memoryLabels }) => memoryLabels >= MIN_LABELS);
  const lasting = fits.find(lasts);
  const fit = lasting ?? fits.at(-1);
  if (!fit) throw tooSmall(device);
  const { n, memoryLabels, labelMs } = fit;
  const labelOps = 2 * n ** 3;
  const windows = WINDOW_MS / 1000;
  const nominalLabels = Math.min(Math.floor(WINDOW_MS / labelMs), memoryLabels);
  const regenBytesPerS = (ADVERSARY_EFFICIENCY * device.peakOpsPerS) / (2 * n);
  const outsideBytesPerS = Math.max(device.linkBytesPerS, HOST_MEMORY_BYTES_PER_S);
  const bytes = memoryLabels * n * n;
  const passBytesPerS = PASS_EFFICIENCY * device.memoryBytesPerS;
  // M_c = M - t_r (G + X), and R M_c / T: what is left when one pass takes t_r = M / pass rate
  const left = Math.max(0, 1 - (regenBytesPerS + outsideBytesPerS) / passBytesPerS);
  return {
    class: device.class,
    windowMs: WINDOW_MS,
    ...fit,
    capacityLabels: Math.ceil((device.peakOpsPerS * windows) / labelOps),
    nominalLabels,
    restsInWindow: lasting === undefined,
    regenBytesPerS,
    outsideBytesPerS,
    nominal: {
      opsPerS: (nominalLabels * labelOps) / windows,
      hashBytesPerS: (nominalLabels * hashedBytes(n)) / windows,
      deviceBytes: bytes * left,
      deviceBytesPerS: passBytesPerS * left,
    },
  };
}

const lasts = ({ fillMs, hashShare }: Fit): boolean => fillMs >= WINDOW_MS && hashShare <= MAX_HASH_SHARE;

const tooSmall = (device: DeviceFigures): AssayError => {
  const what = `${device.class}: memory`;
  const expected = `room for ${MIN_LABELS} labels of ${SIDES[0]} x ${SIDES[0]}`;
  const got = `${device.memoryBytes} bytes`;
  return new AssayError('invalid-input', `${what}: expected ${expected}, got ${got}`, {
    what,
    expected,
    got,
  });
};

/** Sets of compute for cards without a class begin so: they go by the side of a label alone. */
export const BY_SIZE = 'gpu-';

/** An honest path of 100 ms costs 5 % of a window of 2 s, and nothing is subtracted for it. */
export const CLASS_TOLERANCE = 0.95;

const COMPARED = ['opsPerS', 'deviceBytes', 'deviceBytesPerS'] as const;

/**
 * The class of what was proven, whatever the card is called: of those that it fully meets the nearest, in the logarithms of
 * its amounts. Undefined when it meets none, or when its memory was not proven: compute alone does not tell cards apart.
 */
export function classOf(
  proven: Credit,
  classes: readonly DerivedParams[] = DERIVED,
): DerivedParams | undefined {
  if (!COMPARED.every((resource) => proven[resource] !== undefined)) return undefined;
  let nearest: DerivedParams | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const each of classes) {
    const ratios = COMPARED.map((resource) => proven[resource]! / each.nominal[resource]!);
    if (!ratios.every((ratio) => ratio >= CLASS_TOLERANCE)) continue;
    const distance = ratios.reduce((sum, ratio) => sum + Math.log(ratio) ** 2, 0);
    if (distance < least) [least, nearest] = [distance, each];
  }
  return nearest;
}

export const DERIVED: readonly DerivedParams[] = DEVICES.map(deriveParams);

export const deviceByClass = (name: string): DeviceFigures | undefined =>
  DEVICES.find((device) => device.class === name);
