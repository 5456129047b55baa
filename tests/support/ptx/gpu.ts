// Owns: a `Gpu` that interprets the PTX that ships, started as a card would be. Does not own: PTX (machine.ts), plans (kernels.ts).
import { createCudaPlan, type ProductModule } from '../../../src/compute/cuda/kernels.js';
import { readModule } from '../../../src/compute/cuda/modules.js';
import type { Gpu, GpuMemory } from '../../../src/compute/gpu/gpu.js';
import { type Kernel, launch, prepare } from './machine.js';
import { GlobalMemory } from './memory.js';
import { parsePtx } from './parse.js';

/** So few that blocks which stay take several tiles. */
const MULTIPROCESSORS = 3;

export async function createInterpretedGpu(product: ProductModule): Promise<Gpu> {
  const plan = createCudaPlan(product, MULTIPROCESSORS);
  const kernels = new Map<string, Kernel>();
  for (const { name, entries } of plan.modules) {
    const module = parsePtx(await readModule(name));
    for (const entry of entries) kernels.set(entry, prepare(module.entries.get(entry)!));
  }
  const global = new GlobalMemory();
  const held = new Map<GpuMemory, number>();
  const address = (memory: GpuMemory): number => {
    const found = held.get(memory);
    if (found === undefined) throw new RangeError('gpu: expected memory that is allocated');
    return found;
  };
  return {
    name: `interpreted: ${product}`,
    memoryBytes: Number.MAX_SAFE_INTEGER,
    lost: new Promise(() => undefined),
    async allocate(bytes) {
      const memory: GpuMemory = { bytes };
      held.set(memory, global.allocate(bytes));
      return memory;
    },
    free(memory) {
      global.free(address(memory));
      held.delete(memory);
    },
    write: (memory, at, bytes) => global.bytesAt(address(memory)).set(bytes, at),
    run(kernel, call) {
      for (const { entry, ...how } of plan.launches(kernel, call, (memory) => BigInt(address(memory))))
        launch(kernels.get(entry)!, how, global);
    },
    read: async (parts) =>
      parts.map(({ memory, at, bytes }) => global.bytesAt(address(memory)).slice(at, at + bytes)),
    done: async () => undefined,
    async close() {
      held.clear();
    },
  };
}
