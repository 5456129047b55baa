// Owns: several deltas in a row as one. Does not own: their files (delta.ts).
// Steps modulo 2^16 add up, so nobody needs the masters in between.
import { words16 } from '../bf16.js';
import { follow } from './apply.js';
import { type Changes, createChangeWriter } from './changes.js';
import { type Delta, readChanges, type StepsFrame, type TensorChange } from './delta.js';

interface Sparse {
  readonly positions: Float64Array;
  /** modulo 2^16 */
  readonly steps: Int32Array;
}

/**
 * From the base of the first to the result of the last.
 * @param elementsOf of tensor i
 * @throws AssayError `invalid-input` for streams that no encoder writes
 */
export function composeDeltas(
  deltas: readonly Delta[],
  elementsOf: (tensor: number) => number,
): TensorChange[] {
  const tensors = new Set(deltas.flatMap(({ frames }) => frames.map(({ tensor }) => tensor)));
  const changes: TensorChange[] = [];
  for (const tensor of [...tensors].sort((a, b) => a - b)) {
    const elements = elementsOf(tensor);
    let raw: Uint8Array | undefined;
    let sum: Sparse | undefined;
    for (const { frames } of deltas) {
      const frame = frames.find((each) => each.tensor === tensor);
      if (frame === undefined) continue;
      if (frame.kind === 'raw') {
        raw = new Uint8Array(frame.bytes); // whatever it was before
        sum = undefined;
      } else if (raw) follow(frame, words16(raw));
      else sum = added(sum, sparseOf(frame, elements));
    }
    if (raw) changes.push({ tensor, raw });
    else if (sum) {
      const steps = changesOf(sum);
      if (steps.count > 0) changes.push({ tensor, elements, steps });
    }
  }
  return changes;
}

function sparseOf(frame: StepsFrame, elements: number): Sparse {
  const reader = readChanges(frame, elements); // refuses more changes than elements
  const [positions, steps] = [new Float64Array(frame.count), new Int32Array(frame.count)];
  reader.read(positions, steps);
  reader.read(positions.subarray(0, 0), steps); // that its streams end here
  return { positions, steps };
}

/** Two ascending lists as one. */
function added(a: Sparse | undefined, b: Sparse): Sparse {
  if (a === undefined) return b;
  const most = a.positions.length + b.positions.length;
  const [positions, steps] = [new Float64Array(most), new Int32Array(most)];
  let n = 0;
  for (let i = 0, j = 0; i < a.positions.length || j < b.positions.length; n++) {
    const left = a.positions[i] ?? Number.POSITIVE_INFINITY;
    const right = b.positions[j] ?? Number.POSITIVE_INFINITY;
    positions[n] = Math.min(left, right);
    if (left <= right) steps[n]! += a.steps[i++]!;
    if (right <= left) steps[n]! += b.steps[j++]!;
  }
  return { positions: positions.subarray(0, n), steps: steps.subarray(0, n) };
}

function changesOf({ positions, steps }: Sparse): Changes {
  const writer = createChangeWriter();
  for (let i = 0; i < positions.length; i++) {
    const step = steps[i]! & 0xffff;
    if (step !== 0) writer.add(positions[i]!, step); // there and back is nothing
  }
  return writer.finish();
}
