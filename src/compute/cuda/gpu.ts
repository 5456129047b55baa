// Owns: a card as a `Gpu`: which kernels are loaded, addresses, waiting. Does not own: what a kernel is started with
// (kernels.ts), the driver's calls (driver.ts).
import type { Clock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import type { Gpu, GpuMemory } from '../gpu/gpu.js';
import type { CudaContext } from './driver.js';
import type { CudaPlan, Entry } from './kernels.js';

/** A step of ours takes milliseconds; a card that does not come back from one in this time hangs. */
const HUNG_MS = 30_000;
/** So long a thread asks again at once: labels are about as long, and sleeping is coarser than a millisecond. */
const SPIN_MS = 20;

/** @param functions of the plan's modules, as they are loaded */
export function createCudaGpu(
  context: CudaContext,
  {
    plan,
    functions,
  }: { readonly plan: Pick<CudaPlan, 'launches'>; readonly functions: (entry: Entry) => bigint },
  clock: Clock,
): Gpu {
  const held = new Map<GpuMemory, bigint>();
  const address = (memory: GpuMemory): bigint => {
    const found = held.get(memory);
    if (found === undefined) throw new RangeError('gpu: expected memory that is allocated');
    return found;
  };
  let hung: AssayError<'unreachable'> | undefined;
  let tellHung: (error: AssayError<'unreachable'>) => void = () => undefined;
  const hanging = new Promise<AssayError<'unreachable'>>((resolve) => {
    tellHung = resolve;
  });
  const name = `cuda: ${context.card.name}`;

  /** The driver has no call that tells us; asking costs a microsecond. */
  const done = async (): Promise<void> => {
    const from = clock.monotonic();
    // not until the card rests: other chains may keep it busy, each asking before this one looks
    const mark = context.mark();
    while (!context.passed(mark)) {
      if (hung) throw hung;
      const waited = clock.monotonic() - from;
      if (waited > HUNG_MS) {
        hung = new AssayError('unreachable', `${name}: a kernel has not ended for ${HUNG_MS / 1000} s`, {
          address: name,
        });
        tellHung(hung);
        throw hung;
      }
      if (waited < SPIN_MS) await new Promise((resolve) => setImmediate(resolve));
      else await clock.sleep(1);
    }
  };

  return {
    name,
    memoryBytes: context.card.memoryBytes,
    lost: Promise.race([context.lost, hanging]),
    async allocate(bytes) {
      const at = context.allocate(bytes);
      if (at === undefined) return undefined;
      const memory: GpuMemory = { bytes };
      held.set(memory, at);
      return memory;
    },
    free(memory) {
      context.free(address(memory));
      held.delete(memory);
    },
    write: (memory, at, bytes) => context.toDevice(address(memory) + BigInt(at), bytes),
    run(kernel, call) {
      for (const { entry, ...launch } of plan.launches(kernel, call, address))
        context.launch(functions(entry), launch);
    },
    async read(parts) {
      await done(); // a copy would hold this thread until then, and nobody could say stop
      return parts.map(({ memory, at, bytes }) => {
        const out = new Uint8Array(bytes);
        context.toHost(address(memory) + BigInt(at), out);
        return out;
      });
    },
    done,
    async close() {
      context.close();
    },
  };
}
