// Owns: attention of a batch over a cache beside its own keys, as operators of a graph. Does not own: where queries, keys and values come
// from (graphs.ts, import/fused-attention.ts).
import type { DecoderConfig } from '../decoder.js';

/** What writes a graph: `GraphWriter` of ours, `NodeWriter` into one of an export. */
export interface Operators {
  op(type: string, inputs: readonly string[], attributes?: Attributes): string;
  ops(type: string, inputs: readonly string[], outputs: number, attributes?: Attributes): string[];
  /** constants */
  integers(values: readonly number[]): string;
  scalar(value: number): string;
}
type Attributes = Readonly<Record<string, number | readonly number[]>>;

/** Shapes are those of the body's inputs and outputs; `query` is [batch, length, heads, head width]. */
export interface Attended {
  readonly query: string;
  readonly pastKeys: string;
  readonly pastValues: string;
  readonly newKeys: string;
  readonly newValues: string;
}

/**
 * Scores of past and new tokens are one softmax over both, so that the cache is read where it lies and never copied.
 * @returns what makes the values of one layer, [batch, length, heads x head width]
 */
export function splitAttention(
  g: Operators,
  { heads, kvHeads, headWidth }: Pick<DecoderConfig, 'heads' | 'kvHeads' | 'headWidth'>,
  {
    pastMask,
    newMask,
    split,
  }: { readonly pastMask: string; readonly newMask: string; readonly split: string },
  factor: number = 1 / Math.sqrt(headWidth),
): (of: Attended) => string {
  const group = heads / kvHeads;
  const grouped = g.integers([0, 0, kvHeads, group, headWidth]);
  const queries = g.integers([0, 0, -1, headWidth]);
  const ungrouped = g.integers([0, 0, -1, group, headWidth]);
  const flat = g.integers([0, 0, heads * headWidth]);
  const scale = g.scalar(factor);
  return ({ query: q, pastKeys, pastValues, newKeys, newValues }) => {
    // heads of a group are rows of one product with their keys: [batch, kv heads, length x group, head width]
    const byGroup = g.op('Transpose', [g.op('Reshape', [g.op('Mul', [q, scale]), grouped])], {
      perm: [0, 2, 1, 3, 4],
    });
    const query = g.op('Reshape', [byGroup, queries]);
    const past = g.op('Add', [g.op('MatMul', [query, pastKeys]), pastMask]);
    const own = g.op('Add', [g.op('MatMul', [query, newKeys]), newMask]);
    const shares = g.op('Softmax', [g.op('Concat', [past, own], { axis: -1 })], { axis: -1 });
    const [ofPast, ofOwn] = g.ops('Split', [shares, split], 2, { axis: -1 });
    const mixed = g.op('Add', [g.op('MatMul', [ofPast, pastValues]), g.op('MatMul', [ofOwn, newValues])]);
    const attended = g.op('Transpose', [g.op('Reshape', [mixed, ungrouped])], { perm: [0, 2, 1, 3, 4] });
    return g.op('Reshape', [attended, flat]);
  };
}
