// Owns: which backend opens a graphics processor. Does not own: the backends (../cuda, ../webgpu), which devices there are
// (../find-devices.ts).
import type { Clock } from '../../model/clock.js';
import type { Log } from '../../model/log.js';
import type { ProductModule } from '../cuda/kernels.js';
import type { GpuCompute } from './compute.js';

export type GpuChoice =
  /** @see openWebGpu */
  | { readonly device: 'webgpu'; readonly adapter?: string; readonly allowSoftware?: boolean }
  | {
      readonly device: 'cuda';
      /** of a card or of a slice of one, as the driver's tools show it; without it the first card that there is */
      readonly uuid?: string;
      /** what it is not to multiply with: it took a process with it */
      readonly without?: readonly ProductModule[];
    };

/**
 * In this process: whoever serves slots with it takes a process of its own for it (../process), since a driver that fails ends
 * the process that it runs in.
 * @throws AssayError `unsupported` with what is missing and the fix
 */
export async function openGpu(
  choice: GpuChoice,
  {
    onFault,
    ...parts
  }: {
    readonly log: Log;
    readonly clock: Clock;
    /** @see openCard */
    readonly onFault?: (product: ProductModule) => void;
  },
): Promise<GpuCompute> {
  if (choice.device === 'webgpu') {
    const { openWebGpu } = await import('../webgpu/open.js');
    return openWebGpu({ ...parts, ...choice });
  }
  // the driver looks at it once, when it starts: of several cards this process is to see one
  const { uuid, without = [] } = choice;
  if (uuid !== undefined) process.env.CUDA_VISIBLE_DEVICES = uuid;
  const [{ openCard }, { withState }] = await Promise.all([
    import('../cuda/open.js'),
    import('../cuda/beside.js'),
  ]);
  const card = await openCard({ ...parts, without, ...(onFault ? { onFault } : {}) });
  return uuid === undefined ? card : withState(card, uuid, parts);
}
