// Owns: the vectors of labels as a device is held to them. Does not own: the vectors (scripts/golden.mjs makes them).
import { expect } from 'vitest';
import { type ChainVector, readChains, wrongVector } from '../../benchmarks/compute/card/vectors.js';
import type { Compute } from '../../src/compute/compute.js';

export const chains = await readChains(new URL('../vectors/compute/labels.json', import.meta.url));

/** Every value of one chain. */
export async function expectVector(
  openLabels: NonNullable<Compute['openLabels']>,
  vector: ChainVector,
): Promise<void> {
  expect((await wrongVector(openLabels, vector)).wrong).toBeUndefined();
}
