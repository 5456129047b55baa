// Owns: what one class costs on one device, measured: products, hashing, labels, passes, several times over.
// Does not own: what follows for parameters (calibration.ts), where devices and times come from.
import type { Devices } from '../compute/compute.js';
import { operandMatrix } from '../compute/spec/chain.js';
import { sha256 } from '../model/hash.js';
import type { Random } from '../model/prng.js';
import { hashedBytes } from './classes.js';
import { openLabels } from './kinds/compute/labels.js';

export interface MeasureSpec {
  readonly n: number;
  /** labels that there is memory for: a run ends with them, or with its window */
  readonly capacity: number;
  readonly windowMs: number;
  readonly runs: number;
}

export interface MeasureParts {
  readonly devices: Pick<Devices, 'compute'>;
  readonly random: Random;
  /** ms on a monotonic source */
  readonly now: () => number;
  /** told before each thing that takes time */
  readonly onStep?: (what: string) => void;
}

/** One run. Amounts a second unless the name says otherwise. */
export interface Run {
  readonly productOpsPerS: number;
  /** SHA-256 on one thread, which is what one core adds */
  readonly hashBytesPerS: number;
  /** labels that were finished, and passed over: at least one, however long it takes */
  readonly labels: number;
  /** product, hashes and all between them */
  readonly labelMs: number;
  /** both top trees, which a Commit needs */
  readonly rootsMs: number;
  /** labels and their roots within the window */
  readonly labelsInWindow: number;
  /** of labelMs: the product as it was measured by itself; the rest is tweak, transposition, fold, hashing and waiting */
  readonly productShare: number;
  /** undefined where labels are smaller than a block */
  readonly passBytesPerS: number | undefined;
}

/** A product takes rows of labels; of large ones so many say the same and take less time. */
const PRODUCT_ROWS = 2048;
const HASHED_BYTES = 8 << 20;
/** So long that a call costs nothing beside its bytes. */
const HASH_CHUNK = 64 * 1024;
const BLOCK = 4096;

/**
 * Nothing of the first product counts: packing, threads and caches settle in it.
 * @throws the signal's reason when it aborts
 */
export async function measure(
  { devices, random, now, onStep = () => {} }: MeasureParts,
  spec: MeasureSpec,
  signal: AbortSignal,
): Promise<readonly Run[]> {
  const { n, capacity, windowMs, runs } = spec;
  const basis = random.bytes(32);
  onStep('packing the operand');
  const rows = Math.min(n, PRODUCT_ROWS);
  const multiplier = await devices.compute.loadOperand(operandMatrix(basis, n), n);
  const a = new Int8Array(random.bytes(rows * n).slice().buffer);
  const done: Run[] = [];
  try {
    await multiplier.multiply(a);
    await devices.compute.prepareLabels?.(basis, n);
    for (let run = 0; run < runs; run++) {
      signal.throwIfAborted();
      onStep(`run ${run + 1} of ${runs}: product`);
      const productOpsPerS = await rateOf(2 * rows * n * n, () => multiplier.multiply(a));
      onStep(`run ${run + 1} of ${runs}: hashing`);
      const hashBytesPerS = await rateOf(HASHED_BYTES, async () => hashChunks(random.bytes(HASH_CHUNK)));
      signal.throwIfAborted();
      onStep(`run ${run + 1} of ${runs}: labels`);
      done.push({ productOpsPerS, hashBytesPerS, ...(await labelsOf(productOpsPerS)) });
    }
  } finally {
    multiplier.release();
  }
  return done;

  async function labelsOf(productOpsPerS: number): Promise<Omit<Run, 'productOpsPerS' | 'hashBytesPerS'>> {
    const params = { n, labels: capacity };
    const labels = await openLabels(devices, { params, basis, seed: random.bytes(32) });
    try {
      const from = now();
      let asked = 0; // labels count those of earlier calls only, until one ends
      const more = () => asked++ === 0 || now() - from < windowMs;
      const count = await labels.extend(capacity, more, signal);
      const labelMs = (now() - from) / count;
      const rootsFrom = now();
      await labels.roots(count);
      const rootsMs = now() - rootsFrom;
      const bytes = count * n * n;
      const passBytesPerS =
        n * n >= BLOCK ? await rateOf(bytes, () => labels.pass(count, random.bytes(32))) : undefined;
      return {
        labels: count,
        labelMs,
        rootsMs,
        labelsInWindow: Math.min(capacity, Math.max(0, Math.floor((windowMs - rootsMs) / labelMs))),
        productShare: (2 * n ** 3 * 1000) / productOpsPerS / labelMs,
        passBytesPerS,
      };
    } finally {
      labels.release();
    }
  }

  async function rateOf(amount: number, work: () => Promise<unknown>): Promise<number> {
    const from = now();
    await work();
    return (amount * 1000) / Math.max(now() - from, Number.EPSILON);
  }
}

function hashChunks(chunk: Uint8Array): void {
  for (let done = 0; done < HASHED_BYTES; done += HASH_CHUNK) sha256(chunk);
}

/** Hashing of one label on so many cores: beside the product's, what cannot be saved. */
export const hashShare = ({ hashBytesPerS, labelMs }: Run, n: number, cores: number): number =>
  (hashedBytes(n) * 1000) / (hashBytesPerS * cores) / labelMs;
