// Owns: `assay checkpoint diff`. Does not own: the delta (inference/checkpoint).
import { deflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { encodeDelta, type TensorChange } from '../../../inference/checkpoint/delta.js';
import { changeOf } from '../../../inference/checkpoint/publish.js';
import { entropyBytes, stepHistogram } from '../../../inference/checkpoint/statistics.js';
import { openSafetensors } from '../../../inference/safetensors.js';
import { equals } from '../../../model/bytes.js';
import { openWeights, percent } from '../../checkpoints.js';
import { loadFlags } from '../../config.js';
import { factLines } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { createProgress } from '../../progress.js';
import { Table } from '../../table.js';

const MIB = 2 ** 20;
/** Rows of the table; all steps are in JSON. */
const SHOWN = 12;
const schema = z.strictObject({ json: z.boolean().default(false) });

export async function diff(
  before: string,
  after: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const { json } = loadFlags(schema, flags);
  const from = await openWeights(before);
  const to = await openWeights(after).catch(async (error: unknown) => {
    await from.close();
    throw error;
  });
  const progress = createProgress({ unit: 'MiB', total: Math.ceil(to.size / MIB) });
  try {
    const [base, next] = [await openSafetensors(from, before), await openSafetensors(to, after)];
    const shapeOf = ({ name, dtype, shape }: (typeof base.tensors)[number]) => `${name} ${dtype} [${shape}]`;
    const other = next.tensors.findIndex(
      (entry, i) => !base.tensors[i] || shapeOf(entry) !== shapeOf(base.tensors[i]),
    );
    if (other !== -1 || base.tensors.length !== next.tensors.length)
      throw invalid(
        after,
        `the tensors of ${before} in their order`,
        other === -1 ? 'fewer' : shapeOf(next.tensors[other]!),
      );
    const changes: TensorChange[] = [];
    const steps = new Map<number, number>();
    let [elements, rawBytes, rawTensors] = [0, 0, 0];
    for (const [i, entry] of next.tensors.entries()) {
      signal.throwIfAborted();
      const [was, is] = [await base.read(base.tensors[i]!), await next.read(entry)];
      if (entry.dtype === 'BF16') elements += entry.bytes / 2;
      if (!equals(was, is)) {
        const change = changeOf(i, entry.dtype === 'BF16', was, is);
        changes.push(change);
        if ('steps' in change) stepHistogram(change.steps, steps);
        else {
          rawBytes += change.raw.length;
          rawTensors++;
        }
      }
      progress.update((entry.at + entry.bytes) / MIB);
    }
    progress.end();
    const changed = [...steps.values()].reduce((sum, count) => sum + count, 0);
    const byOne = (steps.get(1) ?? 0) + (steps.get(-1) ?? 0);
    const root = new Uint8Array(32);
    const bytes = {
      whole: to.size,
      pairs: 6 * changed + rawBytes,
      pairsDeflated: deflateRawSync(pairsOf(changes, changed)).length + rawBytes,
      delta: encodeDelta({ baseRoot: root, resultRoot: root, changes }).length,
      entropyBound: Math.ceil(entropyBytes(elements, steps)) + rawBytes,
    };
    const density = elements === 0 ? 0 : changed / elements;
    const histogram = [...steps].sort(([a, p], [b, q]) => q - p || a - b);
    if (json) {
      const tensors = { all: next.tensors.length, changed: changes.length, raw: rawTensors };
      printJson({ elements, changed, density, byOne, tensors, bytes, steps: histogram });
      return EXIT.ok;
    }
    print(
      factLines([
        ['elements of bfloat16', elements],
        ['changed', `${changed}, ${percent(density)}`],
        ['of these by one step', percent(changed === 0 ? 0 : byOne / changed)],
        ['tensors changed', `${changes.length} of ${next.tensors.length}, ${rawTensors} of them sent whole`],
      ]),
    );
    const sizes = new Table({ head: ['codec', 'bytes', 'times smaller'] });
    for (const [name, size] of Object.entries(bytes))
      sizes.push([name, size, size === 0 ? '' : (to.size / size).toFixed(1)]);
    print(sizes.toString());
    const table = new Table({ head: ['step', 'weights', 'share'] });
    for (const [step, count] of histogram.slice(0, SHOWN))
      table.push([step, count, percent(count / changed)]);
    if (histogram.length > 0) print(table.toString());
    if (histogram.length > SHOWN) print(`and ${histogram.length - SHOWN} other steps`);
    return EXIT.ok;
  } finally {
    progress.end();
    await from.close();
    await to.close();
  }
}

/** The usual form of sparse updates: an index of 32 bits and the step's two bytes, array by array. */
function pairsOf(changes: readonly TensorChange[], changed: number): Uint8Array {
  const out = new Uint8Array(6 * changed);
  const view = new DataView(out.buffer);
  let n = 0;
  for (const change of changes) {
    if (!('steps' in change)) continue;
    const { gaps, steps } = change.steps;
    let at = 0;
    let index = -1;
    for (let i = 0; i < steps.length; i++, n++) {
      let gap = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = gaps[at++]!;
        gap += (byte & 127) * scale;
        if (byte < 128) break;
      }
      index += gap + 1;
      view.setUint32(4 * n, index, true);
      view.setUint16(4 * changed + 2 * n, steps[i]!, true);
    }
  }
  return out;
}
