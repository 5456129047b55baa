// Owns: labels of which few rows are products and the rest noise, for measuring a verifier at sizes that no CPU multiplies in a
// benchmark's time. A verifier that is asked to look at those rows does all that it does for honest work.
import type { Compute } from '../../src/compute/compute.js';
import type { Labels, LabelsSpec } from '../../src/compute/labels.js';
import { createChain, fold } from '../../src/compute/spec/chain.js';
import { createPlainLabels } from '../../src/compute/spec/plain-labels.js';
import { Transcript } from '../../src/compute/spec/transcript.js';
import { createSeededRandom, type Random } from '../../src/model/prng.js';
import { acquireOperand } from '../../src/verification/kinds/compute/operand.js';
import type { Pace } from '../../src/verification/proof.js';

/** Rows that are products, of a label that has any. */
const PRODUCT_ROWS = 16;

/**
 * A device that makes such labels.
 * @param asked labels of which places will be asked for: the others are noise altogether
 */
export const withSparseLabels = (inner: Compute, asked: readonly number[]): Compute => ({
  ...inner,
  openLabels: (spec) => sparseLabels(inner, spec, new Set(asked)),
});

async function sparseLabels(compute: Compute, spec: LabelsSpec, asked: ReadonlySet<number>): Promise<Labels> {
  const { n } = spec;
  const operand = await acquireOperand(compute, spec.basis, n);
  const transcript = new Transcript(createChain(spec.seed, n, spec.capacity));
  const noise = createSeededRandom('sparse');
  return {
    ...createPlainLabels(spec, operand, transcript),
    get count() {
      return transcript.count;
    },
    async extend(upTo, more) {
      const a = new Int8Array(n * n);
      while (transcript.count < upTo && more()) {
        const label = noise.bytes(n * n);
        if (asked.has(transcript.next)) {
          transcript.operand(new Uint8Array(a.buffer));
          await operand.exclusive(async (multiplier) => {
            const c = await multiplier.multiply(a.subarray(0, PRODUCT_ROWS * n));
            fold(c.subarray(0, PRODUCT_ROWS * n), label.subarray(0, PRODUCT_ROWS * n));
          });
        }
        transcript.append(label);
      }
      return transcript.count;
    },
  };
}

/** A pace that lets so many steps through: what `whileItFits` makes of it. */
export function steps(count: number): Pace {
  let left = count;
  return { leftMs: () => 10 * left-- + 5 };
}

/** Places of label `label` whose product is one. */
export const samplesOf = (
  random: Random,
  n: number,
  label: number,
  count: number,
): { label: number; row: number; agreementRow: number }[] =>
  Array.from({ length: count }, () => ({
    label,
    row: random.below(PRODUCT_ROWS),
    agreementRow: random.below(n),
  }));

/** The first seed under which `labels` have a column tree to go through, as nearly all labels of a full chain have. */
export function seedWithBackEdges(random: Random, n: number, labels: readonly number[]): Uint8Array {
  for (;;) {
    const seed = random.bytes(32);
    const { backEdges } = createChain(seed, n, Math.max(...labels));
    if (labels.every((label) => backEdges[label]! > 0)) return seed;
  }
}
