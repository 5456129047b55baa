// Owns: a graphics processor of any vendor as a device of this process. Does not own: the process that it needs
// (../process), what is exact (../gpu/exact.ts).
import type { Clock } from '../../model/clock.js';
import type { Log } from '../../model/log.js';
import { createGpuCompute, type GpuCompute } from '../gpu/compute.js';
import { exactCompute } from '../gpu/exact.js';
import { openAdapter } from './adapter.js';
import type { WebGpuDoor } from './api.js';
import { loadDawn, openDawn } from './dawn.js';
import { fastestProduct } from './fastest-product.js';
import { createWebGpu } from './gpu.js';
import { defaultProduct } from './product.wgsl.js';

export interface OpenWebGpuOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** part of the adapter's name, where there are several */
  readonly adapter?: string;
  /** @default false */
  readonly allowSoftware?: boolean;
}

/**
 * Compared with the plain device before it is given.
 * @throws AssayError `unsupported` with what is missing: the package, a driver, an adapter, exactness
 */
export async function openWebGpu({
  log,
  clock,
  adapter,
  allowSoftware = false,
}: OpenWebGpuOptions): Promise<GpuCompute> {
  const door = await openDawn(await loadDawn(), adapter);
  held.add(door);
  const { device, name, packed, software } = await openAdapter(door, { allowSoftware });
  const product = software ? defaultProduct(packed) : await fastestProduct(device, { packed, clock });
  const gpu = await createWebGpu(device, { name, packed, product });
  const compute = await exactCompute(createGpuCompute(gpu));
  log.info('webgpu backend', {
    adapter: name,
    software,
    packedDotProduct: packed,
    product,
    memoryBytes: gpu.memoryBytes,
  });
  return {
    ...compute,
    gpu,
    async close() {
      await compute.close?.();
      held.delete(door);
    },
  };
}

/** Dawn lives as long as somebody holds its door. */
const held = new Set<WebGpuDoor>();
