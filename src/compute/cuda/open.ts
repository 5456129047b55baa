// Owns: an NVIDIA card as a device of this process. Does not own: the process that it needs (../process), what is exact
// (../gpu/exact.ts).
import { type Clock, systemClock } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import { createGpuCompute, type GpuCompute } from '../gpu/compute.js';
import { exactCompute, wrongTiles } from '../gpu/exact.js';
import type { Gpu } from '../gpu/gpu.js';
import { type CudaContext, type OpenCudaOptions, openCuda } from './driver.js';
import { createCudaGpu } from './gpu.js';
import {
  type CudaPlan,
  createCudaPlan,
  type Entry,
  type ProductModule,
  productModulesOf,
} from './kernels.js';
import { readModule } from './modules.js';

export interface OpenCardOptions extends OpenCudaOptions {
  readonly log: Log;
  readonly clock?: Clock;
}

export interface OpenComparedCardOptions extends OpenCardOptions {
  /** what it is not to multiply with */
  readonly without?: readonly ProductModule[];
  /**
   * Told what took its context with it, or hangs, where there is another product: whoever opens the card then ends this process and
   * opens it in a new one, without that. Drivers promise nothing else to a process that had a fault. @default it is tried in this one
   */
  readonly onFault?: (product: ProductModule) => void;
}

/**
 * Compared with the plain device before it is given. Of what the card can multiply with, the best that loads and is exact.
 * @throws AssayError `unsupported` with what is missing: the driver, a card, int8 tensor cores, kernels, exactness
 */
export async function openCard({
  without: refused = [],
  onFault,
  ...options
}: OpenComparedCardOptions): Promise<GpuCompute> {
  const { log } = options;
  const without = [...refused];
  for (;;) {
    const { gpu, narrow, context, product, worse } = await openCardGpu(options, without);
    try {
      const compute = await exactCompute(createGpuCompute(gpu, { matrixUnits: true }), () =>
        wrongTiles(narrow),
      );
      const { driver, card } = context;
      log.info('cuda backend', { ...card, driver, product, freeBytes: context.freeBytes() });
      return { ...compute, gpu };
    } catch (error) {
      const another = error instanceof AssayError && worse.length > 0;
      if (another) notUsed(log, product, worse[0], error);
      if (onFault && isAssayError(error, 'unreachable')) {
        if (another) onFault(product);
        throw error; // not closed: that would wait for a kernel that hangs
      }
      context.close();
      if (!another) throw error;
      without.push(product);
    }
  }
}

/**
 * The card below labels, for whoever measures single kernels. It was compared with nothing.
 * @param without what it is not to multiply with
 */
export async function openCardGpu(
  { clock = systemClock, log, ...options }: OpenCardOptions,
  without: readonly ProductModule[] = [],
): Promise<{
  readonly gpu: Gpu;
  /** The same card as if it had two multiprocessors: blocks that stay take many tiles, which else only large sides show. */
  readonly narrow: Gpu;
  readonly context: CudaContext;
  readonly product: ProductModule;
  /** what else it could multiply with, the best first */
  readonly worse: readonly ProductModule[];
}> {
  const context = await openCuda(options);
  try {
    const { capability, name, multiprocessors } = context.card;
    const all = productModulesOf({ major: Math.floor(capability / 10), minor: capability % 10 });
    const products = all.filter((product) => !without.includes(product));
    for (const [index, product] of products.entries()) {
      const worse = products.slice(index + 1);
      const planFor = (count: number): CudaPlan => createCudaPlan(product, count);
      const functions = new Map<Entry, bigint>();
      try {
        for (const { name: module, entries } of planFor(multiprocessors).modules) {
          const entryOf = context.load(await readModule(module));
          for (const entry of entries) functions.set(entry, entryOf(entry));
        }
      } catch (error) {
        if (!(error instanceof AssayError) || worse.length === 0) throw error;
        notUsed(log, product, worse[0], error);
        continue;
      }
      const found = (entry: Entry): bigint => {
        const kernel = functions.get(entry);
        if (kernel !== undefined) return kernel;
        throw new AssayError('internal', `kernel ${entry}: not in what ${name} has loaded`, { what: entry });
      };
      const processor = (count: number): Gpu =>
        createCudaGpu(context, { plan: planFor(count), functions: found }, clock);
      return { gpu: processor(multiprocessors), narrow: processor(2), context, product, worse };
    }
    throw new RangeError(`openCardGpu: expected a product that is left, got none of ${all}`);
  } catch (error) {
    context.close();
    throw error;
  }
}

const notUsed = (log: Log, product: ProductModule, next: ProductModule, { message }: AssayError): void =>
  log.warn('cuda: a product is not used', { product, next, why: message });
