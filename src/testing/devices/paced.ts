// Owns: a simulated device: one timeline, real arithmetic, declared speed. Does not own: how it is reached (remote.ts).
import { type Compute, type Multiplier, operandRows } from '../../compute/compute.js';
import type { Labels } from '../../compute/labels.js';
import { createPlainLabels } from '../../compute/spec/plain-labels.js';
import type { Clock } from '../../model/clock.js';
import { acquireOperand } from '../../verification/kinds/compute/operand.js';

/**
 * A kernel submitted within this long after the previous one ended counts as queued behind it, as a GPU's stream
 * would have it; otherwise timers that fire late would add up over the kernels of a job.
 */
const QUEUE_SLACK_MS = 60;

export interface PaceOptions {
  readonly clock: Clock;
  /** integer operations a second */
  readonly opsPerS: number;
  /** bytes a second that a pass reads. @default as fast as it can */
  readonly bytesPerS?: number;
}

/**
 * `inner`'s results at the declared rates: kernel by kernel, each starts when the device is free and ends no earlier than its
 * operations or bytes divided by the rate. All users of the returned device share its timeline.
 */
export function createPacedDevice(inner: Compute, pace: PaceOptions): Compute {
  const { clock, opsPerS, bytesPerS = Number.POSITIVE_INFINITY } = pace;
  let freeAt = Number.NEGATIVE_INFINITY;

  /** Real work within the time that the kernel takes on the device's timeline. */
  async function kernel<T>(ms: number, work: () => Promise<T>): Promise<T> {
    const now = clock.monotonic();
    const start = now - freeAt < QUEUE_SLACK_MS ? freeAt : now;
    const end = start + ms;
    freeAt = end;
    const result = await work();
    const left = end - clock.monotonic();
    if (left > 0) await clock.sleep(left);
    return result;
  }

  const paced = (multiplier: Multiplier): Multiplier => ({
    n: multiplier.n,
    multiply: (a) =>
      kernel((2 * operandRows(a, multiplier.n) * multiplier.n ** 2 * 1000) / opsPerS, () =>
        multiplier.multiply(a),
      ),
    release: () => multiplier.release(),
  });

  /** Labels that the inner device keeps multiply there: their time is taken label by label, and by rows of openings. */
  const ownPace = (labels: Labels): PropertyDescriptorMap => {
    const { n } = labels.spec;
    const extend: Labels['extend'] = async (upTo, more, signal) => {
      while (labels.count < upTo && more()) {
        const before = labels.count;
        const one = (): Promise<number> => labels.extend(before + 1, () => true, signal);
        if ((await kernel((2 * n ** 3 * 1000) / opsPerS, one)) === before) break; // no room for another
      }
      return labels.count;
    };
    const accumulators: Labels['accumulators'] = (places) =>
      kernel((2 * places.length * n ** 2 * 1000) / opsPerS, () => labels.accumulators(places));
    return { extend: { value: extend }, accumulators: { value: accumulators } };
  };

  const device: Compute = {
    name: `paced(${inner.name})`,
    loadOperand: async (b, n) => paced(await inner.loadOperand(b, n)),
    async openLabels(spec) {
      const { n } = spec;
      const own = await inner.openLabels?.(spec);
      const labels = own ?? createPlainLabels(spec, await acquireOperand(device, spec.basis, n));
      const pass: Labels['pass'] = (count, key) =>
        kernel((count * n ** 2 * 1000) / bytesPerS, () => labels.pass(count, key));
      // getters stay getters
      return Object.create(labels, { pass: { value: pass }, ...(own ? ownPace(own) : {}) }) as Labels;
    },
    async prepareLabels(basis, n) {
      if (inner.prepareLabels) await inner.prepareLabels(basis, n);
      else (await acquireOperand(device, basis, n)).release();
    },
    ...(inner.close ? { close: () => inner.close!() } : {}),
  };
  return device;
}
