// Owns: what a delta says of the training: how many weights moved, how far, and when that is strange. Does not own: the delta.
import { byteLength } from '../safetensors.js';
import type { Changes } from './changes.js';
import type { CheckpointManifest, ManifestDelta } from './manifest.js';

export interface DeltaStatistics {
  /** elements of bfloat16 in the checkpoint */
  readonly elements: number;
  readonly changed: number;
  readonly byOne: number;
  readonly bytes: number;
  /** changed / elements */
  readonly density: number;
  /** byOne / changed */
  readonly byOneShare: number;
}

export const elementsOf = ({ tensors }: Pick<CheckpointManifest, 'tensors'>): number =>
  tensors.reduce((sum, { dtype, shape }) => sum + (dtype === 'BF16' ? byteLength(dtype, shape) / 2 : 0), 0);

export function statisticsOf(
  manifest: Pick<CheckpointManifest, 'tensors'>,
  { changed, byOne, bytes }: Pick<ManifestDelta, 'changed' | 'byOne' | 'bytes'>,
): DeltaStatistics {
  const elements = elementsOf(manifest);
  const density = elements === 0 ? 0 : changed / elements;
  return { elements, changed, byOne, bytes, density, byOneShare: changed === 0 ? 0 : byOne / changed };
}

/** The first two bytes of zigzag are one up and one down. */
export function byOneOf({ steps }: Changes): number {
  let count = 0;
  for (let i = 0; i < steps.length; i++) if (steps[i]! < 2) count++;
  return count;
}

/** Fewer say nothing of what is usual. */
const LEAST_HISTORY = 3;
/** Densities of one training at one rate differ less; a wrong rate or type differs more. */
const JUMP = 3;

export interface DensityAlert {
  readonly density: number;
  /** median of those before */
  readonly usual: number;
}

/** undefined while it is as it was. @param before densities of earlier deltas from parents, in any order */
export function densityAlert(density: number, before: readonly number[]): DensityAlert | undefined {
  if (before.length < LEAST_HISTORY) return undefined;
  const sorted = [...before].sort((a, b) => a - b);
  const usual = sorted[sorted.length >>> 1]!;
  return density > JUMP * usual || density * JUMP < usual ? { density, usual } : undefined;
}

/** Bits that no code can go below, given only how many weights change and how often each step is taken; in bytes. */
export function entropyBytes(elements: number, steps: ReadonlyMap<number, number>): number {
  let changed = 0;
  for (const count of steps.values()) changed += count;
  if (changed === 0) return 0;
  const bits = (share: number): number => (share <= 0 ? 0 : -share * Math.log2(share));
  let perStep = 0;
  for (const count of steps.values()) perStep += bits(count / changed);
  const share = changed / elements;
  return (elements * (bits(share) + bits(1 - share)) + changed * perStep) / 8;
}

/** How often each step is taken: signed, in units of the last place. */
export function stepHistogram(
  { steps, escapes }: Changes,
  into = new Map<number, number>(),
): Map<number, number> {
  const counts = new Float64Array(255);
  for (let i = 0; i < steps.length; i++) if (steps[i]! < 255) counts[steps[i]!]!++;
  const add = (step: number, count: number): void => void into.set(step, (into.get(step) ?? 0) + count);
  for (let byte = 0; byte < 255; byte++)
    if (counts[byte]! > 0) add(byte & 1 ? -(byte + 1) / 2 : byte / 2 + 1, counts[byte]!);
  for (let i = 0; i < escapes.length; i += 2) add(((escapes[i]! | (escapes[i + 1]! << 8)) << 16) >> 16, 1);
  return into;
}
