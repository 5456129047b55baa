// Bytes on the wire for a rollout of 512 tokens, and how fast files are written and read. Tokens are synthetic and no model's: ids
// with the frequencies of words (Zipf, exponent 1.05), lowest ids most frequent, as tokenizers number them, or in no order; sums of the
// byte-level environment. Baselines of the bytes: what else the same tokens could travel as, and 8 bytes a token, which is what the
// best-known commitment scheme adds beside the tokens. Baseline of the rates: zlib alone on two bytes an id.
import { brotliCompressSync, constants, deflateSync, inflateSync } from 'node:zlib';
import { sha256 } from '../../src/model/hash.js';
import { encodeColumn } from '../../src/verification/rollouts/columns.js';
import { decodeFile, encodeFile } from '../../src/verification/rollouts/file.js';
import { treeOf } from '../../src/verification/rollouts/record.js';
import type { Rollout } from '../../src/verification/rollouts/rollout.js';
import { sums, uniform, zipf } from '../../tests/support/rollout-files.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const VOCABULARY = 32_000;
const LENGTH = 512;
const ROLLOUTS = 1024;
const COMMITMENT_BYTES_PER_TOKEN = 8;

export default async function bench(emit: Emit): Promise<void> {
  const random = uniform('wire.bench');
  const word = zipf(VOCABULARY, random);
  const anyId = Uint32Array.from({ length: VOCABULARY }, (_, id) => id);
  for (let i = VOCABULARY - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [anyId[i], anyId[j]] = [anyId[j]!, anyId[i]!];
  }
  const words = Array.from({ length: ROLLOUTS }, (_, at) => rollout(at, () => word()));
  const corpora: readonly (readonly [name: string, rollouts: readonly Rollout[]])[] = [
    ['words', words],
    ['words, ids in no order', words.map(({ tokens }, at) => rollout(at, (i) => anyId[tokens[i]!]!))],
    ['bytes of sums', sums(2000, 8, random)],
  ];
  for (const [name, rollouts] of corpora) {
    const tokens = Uint32Array.from(rollouts.flatMap((each) => [...each.tokens]));
    const emitBytes = (metric: string, bytes: number, baseline?: number) => {
      const value = (bytes * LENGTH) / tokens.length;
      emit({ bench: name, metric, value, unit: 'B/512 tokens', ...(baseline !== undefined && { baseline }) });
    };
    const file = encodeFile(rollouts);
    emitBytes('file', file.length, COMMITMENT_BYTES_PER_TOKEN * LENGTH);
    emitBytes('entropy of the ids alone', (entropyBits(tokens) * tokens.length) / 8);
    const varints = encodeColumn(tokens);
    emitBytes('varints with brotli 5', brotli(varints, 5).length);
    emitBytes('varints with brotli 9', brotli(varints, 9).length);
    emitBytes('two bytes with zlib', deflateSync(little(tokens, 2)).length);
    emitBytes('three bytes with zlib', deflateSync(little(tokens, 3)).length);
    emitBytes('two planes with zlib', deflateSync(planes(tokens)).length);

    const expected = {
      rollouts: rollouts.length,
      tokens: tokens.length,
      fileBytes: file.length,
      fileSha256: sha256(file),
      maxTokens: LENGTH,
    };
    const two = little(tokens, 2);
    const plain = deflateSync(two);
    const rate = (metric: string, work: () => unknown, baseline?: () => unknown) =>
      emit({
        bench: name,
        metric,
        value: rateOf(work, tokens.length),
        unit: 'M tokens/s',
        ...(baseline && { baseline: rateOf(baseline, tokens.length) }),
      });
    rate(
      'write',
      () => encodeFile(rollouts),
      () => deflateSync(two),
    );
    rate(
      'read',
      () => decodeFile(file, expected),
      () => inflateSync(plain),
    );
    rate('leaves and root', () => treeOf(rollouts, rollouts.length));
  }
}

function rollout(at: number, token: (i: number) => number): Rollout {
  const tokens = Uint32Array.from({ length: LENGTH }, (_, i) => token(i));
  return { group: at >> 4, index: at & 15, stop: 'cap', tokens };
}

/** Best of five: other processes only slow it. */
function rateOf(work: () => unknown, tokens: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run++) {
    const from = performance.now();
    work();
    best = Math.min(best, performance.now() - from);
  }
  return tokens / best / 1000;
}

const brotli = (bytes: Uint8Array, quality: number): Uint8Array =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_LGWIN]: 24 },
  });

function little(tokens: Uint32Array, width: number): Uint8Array {
  const out = new Uint8Array(tokens.length * width);
  for (let i = 0; i < tokens.length; i++)
    for (let k = 0; k < width; k++) out[i * width + k] = tokens[i]! >>> (8 * k);
  return out;
}

function planes(tokens: Uint32Array): Uint8Array {
  const out = new Uint8Array(tokens.length * 2);
  for (let i = 0; i < tokens.length; i++) {
    out[i] = tokens[i]! >>> 8;
    out[tokens.length + i] = tokens[i]!;
  }
  return out;
}

function entropyBits(tokens: Uint32Array): number {
  const counts = new Map<number, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / tokens.length) * Math.log2(count / tokens.length);
  return bits;
}
