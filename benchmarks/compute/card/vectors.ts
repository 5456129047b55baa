// Owns: the vectors of labels as a device is held to them, without a test runner. Does not own: the vectors (scripts/golden.mjs
// makes them).
import { readFile } from 'node:fs/promises';
import type { Compute } from '../../../src/compute/compute.js';
import { fromHex, toHex } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';

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

export async function readChains(file: URL): Promise<readonly ChainVector[]> {
  return (JSON.parse(await readFile(file, 'utf8')) as { chains: readonly ChainVector[] }).chains;
}

/** The first value of a chain that is another one, or undefined; and how many were compared. */
export async function wrongVector(
  openLabels: NonNullable<Compute['openLabels']>,
  vector: ChainVector,
): Promise<{ readonly values: number; readonly wrong: string | undefined }> {
  const { n, capacity, rowPath, columnPath, pass } = vector;
  const labels = await openLabels({ n, capacity, basis: fromHex(vector.basis), seed: fromHex(vector.seed) });
  let values = 0;
  let wrong: string | undefined;
  const compare = (what: string, got: string | undefined, expected: string): void => {
    values++;
    if (got !== expected) wrong ??= `n ${n}, ${what}: ${got}, expected ${expected}`;
  };
  try {
    await labels.extend(capacity, () => true, new AbortController().signal);
    for (let label = 1; label <= capacity; label++) {
      const places = Array.from({ length: n }, (_, index) => ({ label, index }));
      const products = (await labels.accumulators(places)).map(
        ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
      );
      compare(`product ${label}`, toHex(sha256(...products)), vector.products[label - 1]);
      compare(`label ${label}`, toHex(sha256(...(await labels.rows(places)))), vector.labels[label - 1]);
    }
    for (const { count, ...expected } of vector.roots) {
      const roots = await labels.roots(count);
      compare(`row root of ${count}`, toHex(roots.rowRoot), expected.rowRoot);
      compare(`column root of ${count}`, toHex(roots.columnRoot), expected.columnRoot);
    }
    compare('row path', toHex((await labels.rowPaths(rowPath.count, [rowPath]))[0]), rowPath.path);
    const [inColumns] = await labels.columnPaths(columnPath.count, [columnPath]);
    compare('column path', toHex(inColumns), columnPath.path);
    if (pass) {
      compare('pass', toHex(await labels.pass(pass.count, fromHex(pass.key))), pass.leaves);
      const leaf = await labels.passLeaf(pass.count, fromHex(pass.key), 0);
      compare('leaf of the pass', toHex(sha256(leaf)), pass.firstLeaf);
    }
  } finally {
    labels.release();
  }
  return { values, wrong };
}
