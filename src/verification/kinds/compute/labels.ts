// Owns: labels for a challenge, on whatever device there is, and samples of them as they are opened. For every kind over labels.
import type { Devices } from '../../../compute/compute.js';
import type { Labels, LabelsSpec } from '../../../compute/labels.js';
import type { Chain } from '../../../compute/spec/chain.js';
import { createPlainLabels } from '../../../compute/spec/plain-labels.js';
import type { Challenge } from '../../proof.js';
import { encodeAccumulator, type Sample, type SampleOpening, type Shape } from './codec.js';
import { acquireOperand } from './operand.js';

export const labelsSpec = ({ params, basis, seed }: Challenge<Shape>): LabelsSpec => ({
  basis,
  seed,
  n: params.n,
  capacity: params.labels,
});

/** The device's own labels, or plain ones over what it multiplies. */
export async function openLabels(
  { compute }: Pick<Devices, 'compute'>,
  challenge: Challenge<Shape>,
): Promise<Labels> {
  const spec = labelsSpec(challenge);
  if (compute.openLabels) return compute.openLabels(spec);
  return createPlainLabels(spec, await acquireOperand(compute, spec.basis, spec.n));
}

const EMPTY = new Uint8Array(0);

/**
 * In the order of `samples`; what the verifier makes from the seed is left empty.
 * @param count labels under the roots that the paths lead to
 */
export async function openSamples(
  labels: Labels,
  chain: Chain,
  count: number,
  samples: readonly Sample[],
): Promise<SampleOpening[]> {
  const { backEdges } = chain;
  const here = samples.map(({ label, row }) => ({ label, index: row }));
  const beyondFirst = samples.filter(({ label }) => label > 1);
  const previous = beyondFirst.map(({ label, row }) => ({ label: label - 1, index: row }));
  const withBack = samples.filter(({ label }) => backEdges[label] > 0);
  const columns = withBack.map(({ label, row }) => ({ label: backEdges[label], index: row }));
  const agreement = withBack.map(({ label, agreementRow }) => ({
    label: backEdges[label],
    index: agreementRow,
  }));
  const [accumulators, labelPaths] = [await labels.accumulators(here), await labels.rowPaths(count, here)];
  const [rows, rowPaths] = [await labels.rows(previous), await labels.rowPaths(count, previous)];
  const [backColumns, columnPaths] = [
    await labels.columns(columns),
    await labels.columnPaths(count, columns),
  ];
  const [others, otherPaths] = [await labels.rows(agreement), await labels.rowPaths(count, agreement)];
  let p = 0;
  let b = 0;
  return samples.map(({ label }, s) => {
    const [first, fromOrigin] = [label === 1, backEdges[label] === 0];
    const opened = {
      previousRow: first ? EMPTY : rows[p],
      backColumn: fromOrigin ? EMPTY : backColumns[b],
      agreementRow: fromOrigin ? EMPTY : others[b],
      accumulator: encodeAccumulator(accumulators[s]),
      previousRowPath: first ? EMPTY : rowPaths[p],
      backColumnPath: fromOrigin ? EMPTY : columnPaths[b],
      agreementRowPath: fromOrigin ? EMPTY : otherPaths[b],
      labelRowPath: labelPaths[s],
    };
    if (!first) p++;
    if (!fromOrigin) b++;
    return opened;
  });
}

/** What can be made before the seed is known: B, packed for the device. */
export async function prepareLabels(
  { compute }: Pick<Devices, 'compute'>,
  basis: Uint8Array,
  n: number,
): Promise<void> {
  if (compute.openLabels) await compute.prepareLabels?.(basis, n);
  else (await acquireOperand(compute, basis, n)).release();
}
