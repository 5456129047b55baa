// Owns: the vectors of labels as a device is held to them. Does not own: the vectors (scripts/golden.mjs makes them).
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Compute } from '../../src/compute/compute.js';
import { fromHex, toHex } from '../../src/model/bytes.js';
import { sha256 } from '../../src/model/hash.js';

export interface ChainVector {
  readonly n: number;
  readonly capacity: number;
  readonly basis: string;
  readonly seed: string;
  readonly products: readonly string[];
  readonly labels: readonly string[];
  readonly roots: readonly { count: number; rowRoot: string; columnRoot: string }[];
  readonly rowPath: { label: number; index: number; count: number; path: string };
  readonly columnPath: { label: number; index: number; count: number; path: string };
  readonly pass?: { key: string; count: number; leaves: string; firstLeaf: string };
}

const file = new URL('../vectors/compute/labels.json', import.meta.url);
export const { chains } = JSON.parse(readFileSync(file, 'utf8')) as { chains: readonly ChainVector[] };

/** Every value of one chain. */
export async function expectVector(
  openLabels: NonNullable<Compute['openLabels']>,
  vector: ChainVector,
): Promise<void> {
  const { n, capacity } = vector;
  const labels = await openLabels({
    n,
    capacity,
    basis: fromHex(vector.basis),
    seed: fromHex(vector.seed),
  });
  await labels.extend(capacity, () => true, new AbortController().signal);
  for (let label = 1; label <= capacity; label++) {
    const places = Array.from({ length: n }, (_, index) => ({ label, index }));
    const products = (await labels.accumulators(places)).map(({ buffer }) => new Uint8Array(buffer));
    expect(toHex(sha256(...products))).toBe(vector.products[label - 1]);
    expect(toHex(sha256(...(await labels.rows(places))))).toBe(vector.labels[label - 1]);
  }
  for (const { count, rowRoot, columnRoot } of vector.roots) {
    const roots = await labels.roots(count);
    expect([toHex(roots.rowRoot), toHex(roots.columnRoot)]).toEqual([rowRoot, columnRoot]);
  }
  const { rowPath, columnPath, pass } = vector;
  expect((await labels.rowPaths(rowPath.count, [rowPath])).map(toHex)).toEqual([rowPath.path]);
  expect((await labels.columnPaths(columnPath.count, [columnPath])).map(toHex)).toEqual([columnPath.path]);
  if (pass) {
    expect(toHex(await labels.pass(pass.count, fromHex(pass.key)))).toBe(pass.leaves);
    const leaf = await labels.passLeaf(pass.count, fromHex(pass.key), 0);
    expect(toHex(sha256(leaf))).toBe(pass.firstLeaf);
  }
  labels.release();
}
