// Owns: which sequences go through the body together. Does not own: what comes of them.
import type { DecoderConfig } from '../decoder.js';

/** Lengths are padded to multiples: engines that compile a shape, or remember it, meet few. */
const BUCKET = 16;

/** Float32s that the runtime holds for one token at the widest place of a layer, and for the scores of its heads. */
const tokenFloats = ({ width, heads, kvHeads, headWidth, hidden }: DecoderConfig, length: number): number =>
  4 * width + 2 * (heads + 2 * kvHeads) * headWidth + 4 * hidden + 3 * heads * length;

export interface Batch {
  /** indices of sequences */
  readonly sequences: readonly number[];
  /** to which all are padded */
  readonly length: number;
}

/**
 * Sequences of like lengths together, the longest first; a batch needs at most `bytes` in the runtime, or holds one sequence.
 */
export function batchesOf(lengths: readonly number[], config: DecoderConfig, bytes: number): Batch[] {
  const order = [...lengths.keys()].sort((a, b) => lengths[b] - lengths[a] || a - b);
  const batches: Batch[] = [];
  for (let at = 0; at < order.length; ) {
    const length = Math.min(Math.ceil(lengths[order[at]] / BUCKET) * BUCKET, config.maxPositions);
    const each = 4 * length * tokenFloats(config, length);
    const count = Math.max(1, Math.floor(bytes / each));
    batches.push({ sequences: order.slice(at, at + count), length });
    at += count;
  }
  return batches;
}
