// Owns: a simulated device: one timeline, real arithmetic, declared speed. Does not own: how it is reached (remote.ts).
import { type Compute, operandRows } from '../../compute/compute.js';
import type { Clock } from '../../model/clock.js';

/**
 * A kernel submitted within this long after the previous one ended counts as queued behind it, as a GPU's stream
 * would have it; otherwise timers that fire late would add up over the kernels of a job.
 */
const QUEUE_SLACK_MS = 60;

/**
 * `inner`'s results at `opsPerS` integer operations per second: kernel by kernel, each starts when the device is free
 * and ends no earlier than its operations divided by the rate. All users of the returned device share its timeline.
 */
export function createPacedDevice(inner: Compute, pace: { clock: Clock; opsPerS: number }): Compute {
  const { clock, opsPerS } = pace;
  let freeAt = Number.NEGATIVE_INFINITY;

  return {
    name: `paced(${inner.name})`,
    async loadOperand(b, n) {
      const multiplier = await inner.loadOperand(b, n);
      return {
        n,
        async multiply(a) {
          const kernelMs = (2 * operandRows(a, n) * n ** 2 * 1000) / opsPerS;
          const now = clock.monotonic();
          const start = now - freeAt < QUEUE_SLACK_MS ? freeAt : now;
          const end = start + kernelMs;
          freeAt = end;
          const product = await multiplier.multiply(a);
          const left = end - clock.monotonic();
          if (left > 0) await clock.sleep(left);
          return product;
        },
        release: () => multiplier.release(),
      };
    },
  };
}
