// Owns: which tile of the product suits an adapter: the one that is fastest there. Does not own: the tiles' code
// (product.wgsl.ts).
import type { Clock } from '../../model/clock.js';
import type { Device } from './api.js';
import { createWebGpu } from './gpu.js';
import { LARGE_TILE, type ProductTile, TILES } from './product.wgsl.js';

/** 2^33 products of bytes: a tenth of a second where it is slow. */
const SIDE = 2048;
const REPEATS = 3;

/** Names of cards say little about their registers: each is tried. Of two that are alike the first is taken. */
export async function fastestTile(
  device: Device,
  { packed, clock }: { readonly packed: boolean; readonly clock: Pick<Clock, 'monotonic'> },
): Promise<ProductTile> {
  let best: { readonly tile: ProductTile; readonly ms: number } | undefined;
  for (const tile of TILES) {
    const gpu = await createWebGpu(device, { name: 'webgpu', packed, tile, kernels: ['product'] });
    const [a, b, to] = [
      await gpu.allocate(SIDE ** 2),
      await gpu.allocate(SIDE ** 2),
      await gpu.allocate(4 * SIDE ** 2),
    ];
    try {
      if (!a || !b || !to) return LARGE_TILE;
      let ms = Number.POSITIVE_INFINITY;
      for (let i = 0; i <= REPEATS; i++) {
        const from = clock.monotonic();
        gpu.run('product', { a, b, to, rows: SIDE, n: SIDE });
        await gpu.done();
        if (i > 0) ms = Math.min(ms, clock.monotonic() - from); // the first one also loads it
      }
      if (!best || ms < 0.97 * best.ms) best = { tile, ms };
    } finally {
      for (const memory of [a, b, to]) if (memory) gpu.free(memory);
    }
  }
  return best?.tile ?? LARGE_TILE;
}
