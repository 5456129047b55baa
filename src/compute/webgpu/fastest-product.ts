// Owns: which variant of the product suits an adapter: the one that is fastest there. Does not own: the variants
// (product.wgsl.ts).
import type { Clock } from '../../model/clock.js';
import { isAssayError } from '../../model/errors.js';
import type { Device } from './api.js';
import { createWebGpu } from './gpu.js';
import { defaultProduct, PRODUCT_VARIANTS, type ProductVariant } from './product.wgsl.js';

/** 2^33 products of bytes: a tenth of a second where it is slow. */
const SIDE = 2048;
const REPEATS = 3;
/** Of two that are alike the earlier one is taken. */
const FASTER = 0.97;

/** Names of adapters say little about their registers and instructions: each variant is tried. */
export async function fastestProduct(
  device: Device,
  { packed, clock }: { readonly packed: boolean; readonly clock: Pick<Clock, 'monotonic'> },
): Promise<ProductVariant> {
  let best = { product: defaultProduct(packed), ms: Number.POSITIVE_INFINITY };
  for (const product of PRODUCT_VARIANTS) {
    if (product.arithmetic === 'packed' && !packed) continue;
    const ms = await msOf(device, product);
    if (ms < FASTER * best.ms) best = { product, ms };
  }
  return best.product;

  async function msOf(on: Device, product: ProductVariant): Promise<number> {
    const gpu = await createWebGpu(on, { name: 'webgpu', packed, product, kernels: ['product'] }).catch(
      (error: unknown) => {
        if (isAssayError(error, 'unsupported')) return undefined; // too large for this driver's compiler: another one may do
        throw error;
      },
    );
    if (!gpu) return Number.POSITIVE_INFINITY;
    const square = SIDE ** 2;
    const [a, b, to] = [
      await gpu.allocate(square),
      await gpu.allocate(square),
      await gpu.allocate(4 * square),
    ];
    try {
      if (!a || !b || !to) return Number.POSITIVE_INFINITY;
      const times: number[] = [];
      for (let i = 0; i <= REPEATS; i++) {
        const from = clock.monotonic();
        gpu.run('product', { a, b, to, rows: SIDE, n: SIDE });
        await gpu.done();
        times.push(clock.monotonic() - from);
      }
      return Math.min(...times.slice(1)); // the first one also loads it
    } finally {
      for (const memory of [a, b, to]) if (memory) gpu.free(memory);
    }
  }
}
