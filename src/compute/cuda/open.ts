// Owns: an NVIDIA card as a device of this process. Does not own: the process that it needs (../process), what is exact
// (../gpu/exact.ts).
import { type Clock, systemClock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import type { Compute } from '../compute.js';
import { createGpuCompute } from '../gpu/compute.js';
import { exactCompute } from '../gpu/exact.js';
import type { Gpu } from '../gpu/gpu.js';
import { type CudaContext, type OpenCudaOptions, openCuda } from './driver.js';
import { createCudaGpu } from './gpu.js';
import { createCudaPlan, type Entry, productModuleOf } from './kernels.js';
import { readModule } from './modules.js';

export interface OpenCardOptions extends OpenCudaOptions {
  readonly log: Log;
  readonly clock?: Clock;
}

/**
 * Compared with the plain device before it is given.
 * @throws AssayError `unsupported` with what is missing: the driver, a card, int8 tensor cores, kernels, exactness
 */
export async function openCard(options: OpenCardOptions): Promise<Compute> {
  const { log } = options;
  const { gpu, context, product } = await openCardGpu(options);
  const compute = await exactCompute(createGpuCompute(gpu));
  const { driver, card } = context;
  log.info('cuda backend', { ...card, driver, product, freeBytes: context.freeBytes() });
  return compute;
}

/** The card below labels, for whoever measures single kernels. It was compared with nothing. */
export async function openCardGpu({ clock = systemClock, ...options }: OpenCardOptions): Promise<{
  readonly gpu: Gpu;
  readonly context: CudaContext;
  readonly product: string;
}> {
  const context = await openCuda(options);
  try {
    const { capability, name } = context.card;
    const product = productModuleOf({ major: Math.floor(capability / 10), minor: capability % 10 });
    const plan = createCudaPlan(product);
    const functions = new Map<Entry, bigint>();
    for (const { name: module, entries } of plan.modules) {
      const entryOf = context.load(await readModule(module));
      for (const entry of entries) functions.set(entry, entryOf(entry));
    }
    const found = (entry: Entry): bigint => {
      const kernel = functions.get(entry);
      if (kernel !== undefined) return kernel;
      throw new AssayError('internal', `kernel ${entry}: not in what ${name} has loaded`, { what: entry });
    };
    return { gpu: createCudaGpu(context, { plan, functions: found }, clock), context, product };
  } catch (error) {
    context.close();
    throw error;
  }
}
