import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { encodeSectors, plotOver } from '../../../src/compute/disk/memory.js';
import { leafBytes, plotRoot, rangeTree, sectorBytes } from '../../../src/compute/spec/plot.js';
import { fromHex, toHex } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { drawOrder } from '../../../src/verification/kinds/storage/questions.js';

interface PlotVector {
  readonly sectorBlocks: number;
  readonly passes: number;
  readonly leafBlocks: number;
  readonly pieceBlocks: number;
  readonly place: string;
  readonly key: string;
  readonly sectors: readonly string[];
  readonly root: string;
  readonly leafDigest: string;
  readonly range: string;
}

const file = new URL('../../vectors/compute/plots.json', import.meta.url);
const { plots, orders } = JSON.parse(readFileSync(file, 'utf8')) as {
  plots: readonly PlotVector[];
  orders: readonly { readonly sectors: number; readonly key: string; readonly order: readonly number[] }[];
};
const script = (name: string): string => fileURLToPath(new URL(`../../../scripts/${name}`, import.meta.url));
const python = spawnSync('python3', ['--version']).status === 0;
if (!python) console.warn('skipping the second implementation of the vectors: no python3 here');
const { signal } = new AbortController();

describe('the vectors of plots', () => {
  test.each(plots)('are what the kernel and a disk give, $sectorBlocks blocks', async (vector) => {
    const { sectorBlocks, passes, leafBlocks, pieceBlocks } = vector;
    const name = { place: fromHex(vector.place), sectorBlocks, passes, leafBlocks };
    const key = fromHex(vector.key);
    const count = vector.sectors.length;
    const data = encodeSectors(name, count);
    const size = sectorBytes(name);
    for (const [i, digest] of vector.sectors.entries())
      expect(toHex(sha256(data.subarray(i * size, (i + 1) * size)))).toBe(digest);
    expect(leafBytes(name)).toBe(1024 * leafBlocks);
    const plot = plotOver(name, data);
    expect(toHex(plotRoot(name, count, plot.tree.root))).toBe(vector.root);
    const asked = { sectors: Uint32Array.of(count - 1), leaves: Uint32Array.of(0) };
    expect(toHex(await plot.digestLeaves(key, asked, signal))).toBe(vector.leafDigest);
    const leftMs = (): number => Number.POSITIVE_INFINITY;
    const order = Uint32Array.from({ length: count }, (_, i) => i);
    const range = { key, order, pieceBytes: 1024 * pieceBlocks, leftMs };
    expect(toHex(rangeTree(await plot.digestRange(range, signal)).root)).toBe(vector.range);
  });

  test.each(orders)('are the orders that the Pass draws, $sectors sectors', ({ sectors, key, order }) => {
    expect([...drawOrder(fromHex(key), sectors, order.length)]).toEqual(order);
  });

  test('are what the plain reference gives', () => {
    const said = execFileSync(process.execPath, [script('golden-plots.mjs'), '--check'], {
      encoding: 'utf8',
    });
    expect(said).toBe('');
  });

  test.skipIf(!python)('are confirmed by a second implementation', () => {
    const said = execFileSync('python3', [script('golden_plots_check.py')], { encoding: 'utf8' });
    expect(said).toBe('46 values, 0 differ\n');
  });
});
