// Owns: whether a device's labels are those of the specification, operation by operation. Does not own: what happens to a
// device that is wrong (probe.ts).
import { toHex } from '../model/bytes.js';
import { createSeededRandom } from '../model/prng.js';
import { createReferenceCompute } from './cpu/reference.js';
import type { Labels, LabelsSpec, Place } from './labels.js';
import { createChain, operandMatrix } from './spec/chain.js';
import { createPlainLabels } from './spec/plain-labels.js';

/**
 * The first operation of `openLabels` whose bytes differ from plain labels, or undefined: a chain is extended in two parts,
 * with tops over fewer labels than there are, opened, passed over and released.
 * @param n at least 64, so that there are blocks to pass over
 */
export async function wrongLabels(
  openLabels: (spec: LabelsSpec) => Promise<Labels>,
  n: number,
): Promise<string | undefined> {
  const random = createSeededRandom(`probe-labels-${n}`);
  const spec = { basis: random.bytes(32), seed: random.bytes(32), n, capacity: 9 };
  const multiplier = await createReferenceCompute().loadOperand(operandMatrix(spec.basis, n), n);
  const plain = createPlainLabels(spec, {
    exclusive: (use) => use(multiplier),
    release: () => multiplier.release(),
  });
  const tested = await openLabels(spec);
  try {
    for (const [name, operation] of operations(spec, random.bytes(32))) {
      const expected = shown(await operation(plain));
      const got = shown(await operation(tested));
      if (got !== expected) return `${name}, n ${n}: ${clip(got, expected)}, expected ${clip(expected, got)}`;
    }
  } finally {
    tested.release();
    plain.release();
  }
  return undefined;
}

type Operation = (labels: Labels) => Promise<unknown>;

function operations({ seed, n, capacity }: LabelsSpec, key: Uint8Array): [string, Operation][] {
  const { signal } = new AbortController();
  const first = capacity - 3;
  const { backEdges, referenced } = createChain(seed, n, capacity);
  const places: Place[] = [...backEdges.keys()].slice(1).map((label) => ({
    label,
    index: (label * 29) % n,
  }));
  const withOrigin = [...places, { label: 0, index: n - 1 }];
  const inColumns = referenced.map((label) => ({ label, index: (label * 31) % n }));
  const to =
    (upTo: number): Operation =>
    (labels) =>
      labels.extend(upTo, () => true, signal);
  return [
    ['extend', to(first)],
    ['roots', (labels) => labels.roots(first)],
    ['extend', to(capacity)],
    ['roots over fewer', (labels) => labels.roots(first)],
    ['roots', (labels) => labels.roots(capacity)],
    ['rows', (labels) => labels.rows(withOrigin)],
    ['columns', (labels) => labels.columns(withOrigin)],
    ['accumulators', (labels) => labels.accumulators(places)],
    ['row paths', (labels) => labels.rowPaths(capacity, places)],
    ['column paths', (labels) => labels.columnPaths(capacity, inColumns)],
    ['pass', (labels) => labels.pass(capacity, key)],
    ['pass leaf', (labels) => labels.passLeaf(capacity, key, 0)],
  ];
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array || value instanceof Int32Array)
    return toHex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value).map(shown).join(' ');
}

/** From a little before where it differs. */
function clip(text: string, other: string): string {
  const at = [...text].findIndex((char, i) => char !== other[i]);
  return `...${text.slice(Math.max(0, at - 4), at + 28)}...`;
}
