// Owns: a language model without weights: logits are a hash of the last tokens under a prior like that of text. For tests and
// simulations of thousands of rollouts in seconds. Does not own: real models (inference/plain, inference/onnx).
import {
  assertJoining,
  assertPlaces,
  assertSequences,
  assertTokens,
  countOfCandidates,
  idsPerPosition,
} from '../../inference/asked.js';
import type { Candidates, Decoding, Hidden, LanguageModel } from '../../inference/language-model.js';
import { utf8 } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';

export interface TableOptions {
  /** another seed is another model */
  readonly seed?: string;
  /** @default 64 */
  readonly vocabulary?: number;
  /** @default 4096 */
  readonly maxPositions?: number;
  /**
   * of the prior: the logit of the token ranked r is -exponent * ln(r + 1); higher is less entropy
   * @default 1.6
   */
  readonly exponent?: number;
  /** ids whose logit is fixed, so that rollouts end: 1 in e^(top - stopLogit). @default the last id */
  readonly stopIds?: readonly number[];
  /** @default -3 */
  readonly stopLogit?: number;
  /** largest difference to the logits of the same seed without noise: an engine of its own rounding. @default 0 */
  readonly noise?: number;
  /** of the noise. @default '' */
  readonly noiseSeed?: string;
}

export function createTableModel({
  seed = 'table',
  vocabulary = 64,
  maxPositions = 4096,
  exponent = 1.6,
  stopIds = [vocabulary - 1],
  stopLogit = -3,
  noise = 0,
  noiseSeed = '',
}: TableOptions = {}): LanguageModel {
  const sizes = { vocabulary, maxPositions };
  const prior = Float64Array.from({ length: vocabulary }, (_, rank) => -exponent * Math.log(rank + 1));
  const base = wordOf(seed);
  const noiseBase = wordOf(`noise ${noiseSeed}`);
  const order = new Float64Array(vocabulary);
  const logits = new Float32Array(vocabulary);

  /** The three last tokens decide, so that decoding and prefill cannot differ. */
  function logitsAfter(tokens: ArrayLike<number>, length: number): Float32Array {
    let context = base;
    for (let i = Math.max(0, length - 3); i < length; i++) context = mix(context ^ (tokens[i]! + 1));
    for (let id = 0; id < vocabulary; id++) {
      const word = mix(context ^ Math.imul(id + 1, 0x9e37_79b1));
      // ranks drawn with repetition are like those of text; the fraction keeps logits apart
      logits[id] = prior[word % vocabulary]! + (word >>> 16) * 2 ** -22;
    }
    for (const id of stopIds) logits[id] = stopLogit;
    if (noise > 0)
      for (let id = 0; id < vocabulary; id++)
        logits[id]! += noise * (mix(context ^ noiseBase ^ Math.imul(id + 1, 0x85eb_ca6b)) * 2 ** -31 - 1);
    return logits;
  }

  function candidatesOf(
    rows: readonly { readonly tokens: ArrayLike<number>; readonly length: number }[],
    perRow: number,
  ): Candidates {
    const ids = new Int32Array(rows.length * perRow);
    const out = new Float32Array(rows.length * perRow);
    rows.forEach(({ tokens, length }, row) => {
      const all = logitsAfter(tokens, length);
      // a native sort of numbers: those of a logit in steps of 2^-30, then those of an id. Equal ones fall to the lowest
      for (let id = 0; id < vocabulary; id++) order[id] = Math.round(-all[id]! * 2 ** 30) * 65_536 + id;
      order.sort();
      for (let i = 0; i < perRow; i++) {
        const id = ((order[i]! % 65_536) + 65_536) % 65_536;
        ids[row * perRow + i] = id;
        out[row * perRow + i] = all[id]!;
      }
    });
    return { rows: rows.length, perRow, ids, logits: out };
  }

  return {
    ...sizes,
    profile: {
      engine: 'table',
      engineVersion: '1',
      provider: 'cpu',
      dtype: 'fp32',
      kvDtype: 'fp32',
      isa: 'any',
      graphDigest: sha256(utf8('assay/table-model/1')),
      weightsDigest: sha256(utf8(JSON.stringify([seed, vocabulary, exponent, stopIds, stopLogit]))),
    },

    async open(prompts, candidates, signal) {
      assertSequences('prompt', prompts, sizes);
      signal.throwIfAborted();
      const perRow = countOfCandidates(candidates, sizes);
      let rows = prompts.map((prompt) => [...prompt]);
      return {
        candidates: () =>
          candidatesOf(
            rows.map((tokens) => ({ tokens, length: tokens.length })),
            perRow,
          ),
        async advance(tokens, signal, joining = []) {
          assertTokens(
            tokens,
            rows.map(({ length }) => length),
            sizes,
          );
          assertJoining(joining, tokens, prompts.length, sizes);
          signal.throwIfAborted();
          rows.forEach((row, i) => {
            const token = tokens[i];
            if (token !== undefined) row.push(token);
          });
          rows = [...rows.filter((_, i) => tokens[i] !== undefined), ...joining.map((prompt) => [...prompt])];
        },
        release() {
          rows = [];
        },
      } satisfies Decoding;
    },

    async prefill(sequences, signal) {
      assertSequences('sequence', sequences, sizes);
      signal.throwIfAborted();
      const lengths = sequences.map(({ length }) => length);
      return {
        async head(at, candidates, signal) {
          assertPlaces(at, lengths);
          signal.throwIfAborted();
          return candidatesOf(
            at.map(({ sequence, position }) => ({ tokens: sequences[sequence]!, length: position + 1 })),
            countOfCandidates(candidates, sizes),
          );
        },
        async logitsOf(at, ids, signal) {
          assertPlaces(at, lengths);
          signal.throwIfAborted();
          const perPosition = idsPerPosition(at, ids, sizes);
          const out = new Float32Array(ids.length);
          at.forEach(({ sequence, position }, n) => {
            const all = logitsAfter(sequences[sequence]!, position + 1);
            for (let i = n * perPosition; i < (n + 1) * perPosition; i++) out[i] = all[ids[i]!]!;
          });
          return out;
        },
        release() {},
      } satisfies Hidden;
    },

    async close() {},
  };
}

const wordOf = (text: string): number => Buffer.from(sha256(utf8(text))).readUInt32LE(0);

/** 32 bits well stirred (Wellons' lowbias32). */
function mix(word: number): number {
  let x = word >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb_352d);
  x = Math.imul(x ^ (x >>> 15), 0x846c_a68b);
  return (x ^ (x >>> 16)) >>> 0;
}
