// Owns: which sequences go through the body together. Does not own: what comes of them.
import { AssayError } from '../../model/errors.js';
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
  /** of a sequence that is too long to go through at once, and alone therefore: tokens that go together */
  readonly piece: number | undefined;
}

/**
 * Sequences of like lengths together, the longest first; a batch needs at most `bytes` in the runtime.
 * @throws AssayError `limit-exceeded` where not even a few tokens of the longest do
 */
export function batchesOf(lengths: readonly number[], config: DecoderConfig, bytes: number): Batch[] {
  const order = [...lengths.keys()].sort((a, b) => lengths[b] - lengths[a] || a - b);
  const batches: Batch[] = [];
  for (let at = 0; at < order.length; ) {
    const length = Math.min(Math.ceil(lengths[order[at]] / BUCKET) * BUCKET, config.maxPositions);
    const count = Math.floor(bytes / (4 * length * tokenFloats(config, length)));
    // a piece has scores for all that came before it
    const piece = count > 0 ? undefined : pieceOf(length, config, bytes);
    batches.push({ sequences: order.slice(at, at + Math.max(1, count)), length, piece });
    at += Math.max(1, count);
  }
  return batches;
}

function pieceOf(length: number, config: DecoderConfig, bytes: number): number {
  const each = 4 * tokenFloats(config, length);
  const piece = Math.floor(bytes / each / BUCKET) * BUCKET;
  if (piece > 0) return piece;
  const what = 'workspace of the model';
  throw new AssayError(
    'limit-exceeded',
    `${what}: ${BUCKET} tokens of a sequence of ${length} need ${BUCKET * each} bytes, workspaceBytes allows ${bytes}; ` +
      'give it more, or shorter sequences',
    { what, limit: bytes, got: BUCKET * each },
  );
}
