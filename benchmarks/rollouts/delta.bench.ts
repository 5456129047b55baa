// How small a delta of a bfloat16 checkpoint is, and how fast it is made and applied, at one changed weight in a hundred of which
// 85 % move by one unit in the last place. Weights are synthetic, as are their changes: their statistics are printed.
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants, deflateRawSync } from 'node:zlib';
import { applyDelta, follow } from '../../src/inference/checkpoint/apply.js';
import { encodeDelta, parseDelta, type TensorChange } from '../../src/inference/checkpoint/delta.js';
import { type Checkpoint, signCheckpoint } from '../../src/inference/checkpoint/manifest.js';
import { openMasterFile, tensorDigest } from '../../src/inference/checkpoint/master-file.js';
import { changeOf } from '../../src/inference/checkpoint/publish.js';
import { entropyBytes, stepHistogram } from '../../src/inference/checkpoint/statistics.js';
import { encodeSafetensors, memorySource } from '../../src/inference/safetensors.js';
import { devKeypair, readyKeys } from '../../src/keys/keypair.js';
import { sha256 } from '../../src/model/hash.js';

interface Row {
  readonly bench: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline?: number;
}

const BENCH = 'rollouts/delta';
/** 64 Mi weights in matrices of 8 MiB: a hundred megabytes and more, so that no cache holds it. */
const TENSORS = 16;
const SIDE = 2048;
const ELEMENTS = SIDE * SIDE;
const RUNS = 3;
const MB = 1e6;
const never = new AbortController().signal;

export default async (emit: (row: Row) => void): Promise<void> => {
  await readyKeys();
  const random = xorshift(0x9e3779b9);
  const before = Array.from({ length: TENSORS }, () => weights(random));
  const after = before.map((words) => moved(words, random));
  const tensors = (all: readonly Uint16Array[]) =>
    encodeSafetensors(
      all.map((words, i) => ({ name: `w${i}`, dtype: 'BF16', shape: [SIDE, SIDE], data: bytesOf(words) })),
    );
  const [base, next] = [tensors(before), tensors(after)];
  const bytes = next.length;

  const steps = new Map<number, number>();
  const [baseCheckpoint, target] = [await checkpointOf(base), await checkpointOf(next)];
  const diff = (): TensorChange[] =>
    before.map((words, i) => changeOf(i, true, bytesOf(words), bytesOf(after[i]!)));
  for (const change of diff()) if ('steps' in change) stepHistogram(change.steps, steps);
  const changed = [...steps.values()].reduce((sum, count) => sum + count, 0);
  const byOne = steps.get(1)! + steps.get(-1)!;
  const bound = entropyBytes(TENSORS * ELEMENTS, steps);
  emit({ bench: BENCH, metric: 'changed weights', value: (100 * changed) / (TENSORS * ELEMENTS), unit: '%' });
  emit({ bench: BENCH, metric: 'of these by one step', value: (100 * byOne) / changed, unit: '%' });
  emit({ bench: BENCH, metric: 'entropy bound', value: bytes / bound, unit: 'times smaller' });

  // with the digests that a trainer needs: of every tensor, and of the file
  let delta = new Uint8Array(0);
  const encodeMs = await best(async () => {
    for (const words of after) sha256(bytesOf(words));
    sha256(next);
    delta = new Uint8Array(
      encodeDelta({ baseRoot: baseCheckpoint.root, resultRoot: target.root, changes: diff() }),
    );
  });

  const pairs = pairsOf(before, after, changed);
  const deflated = deflateRawSync(pairs).length;
  const started = performance.now();
  const brotli = brotliCompressSync(pairs, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }).length;
  const pairsMs = performance.now() - started;
  emit({
    bench: BENCH,
    metric: 'delta',
    value: bytes / delta.length,
    unit: 'times smaller',
    baseline: bytes / Math.min(deflated, brotli),
  });
  emit({
    bench: BENCH,
    metric: '(int32, value) pairs, deflate',
    value: bytes / deflated,
    unit: 'times smaller',
  });
  emit({
    bench: BENCH,
    metric: '(int32, value) pairs, brotli 5',
    value: bytes / brotli,
    unit: 'times smaller',
  });
  emit({
    bench: BENCH,
    metric: 'pairs, brotli 5, compression alone',
    value: bytes / MB / (pairsMs / 1000),
    unit: 'MB/s of master',
  });
  const whole = wholeFile(next);
  emit({ bench: BENCH, metric: 'whole file, deflate 1', value: whole.ratio, unit: 'times smaller' });
  emit({
    bench: BENCH,
    metric: 'encode, with digests',
    value: bytes / MB / (encodeMs / 1000),
    unit: 'MB/s of master',
    baseline: whole.mbPerS,
  });

  const decodeMs = await best(async () => {
    const { frames } = parseDelta(delta);
    for (const frame of frames) {
      const words = before[frame.tensor]!.slice();
      if (frame.kind === 'steps') follow(frame, words);
      if (!same(sha256(bytesOf(words)), target.manifest.tensors[frame.tensor]!.sha256))
        throw new Error('the delta does not lead to its target');
    }
  });
  emit({
    bench: BENCH,
    metric: "decode and apply, with tensors' digests",
    value: bytes / MB / (decodeMs / 1000),
    unit: 'MB/s of master',
  });

  // as a miner does it: header, layout and one digest, the file's
  const wholeMs = await best(async () => {
    const file = createHash('sha256');
    const input = { base: baseCheckpoint, baseMaster: memorySource(base), target, delta: parseDelta(delta) };
    await applyDelta(input, async (piece) => void file.update(piece), never);
    if (!same(file.digest(), target.manifest.master.sha256)) throw new Error('the file is another');
  });
  emit({
    bench: BENCH,
    metric: "decode and apply, with the file's digest",
    value: bytes / MB / (wholeMs / 1000),
    unit: 'MB/s of master',
  });
  const disk = writeAndSync(next);
  emit({ bench: BENCH, metric: 'write of the new master', value: disk.writeMs, unit: 'ms' });
  emit({ bench: BENCH, metric: 'fsync of the new master', value: disk.syncMs, unit: 'ms' });
};

/** The quickest of a few: others share the machine. */
async function best(work: () => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now();
    await work();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

async function checkpointOf(master: Uint8Array): Promise<Checkpoint> {
  const keypair = devKeypair('trainer');
  const { file, header } = await openMasterFile(memorySource(master), 'master');
  const tensors = [];
  for (const entry of file.tensors) {
    const { name, dtype, shape } = entry;
    tensors.push({ name, dtype, shape, sha256: await tensorDigest(file, entry) });
  }
  const facts = { bytes: master.length, sha256: sha256(master) };
  const rest = { parent: undefined, isAnchor: true, deltas: [] };
  return signCheckpoint(
    { modelId: 'bench', step: 0, trainer: keypair.publicKey, master: facts, header, tensors, ...rest },
    keypair,
  );
}

/** Signs and mantissas at random, exponents as of weights around 0.01. */
function weights(random: () => number): Uint16Array {
  const words = new Uint16Array(ELEMENTS);
  for (let i = 0; i < words.length; i++) words[i] = (random() & 0x80ff) | 0x3c00;
  return words;
}

function moved(words: Uint16Array, random: () => number): Uint16Array {
  const out = words.slice();
  for (let i = 0; i < out.length; i++) {
    if (random() % 100 !== 0) continue;
    const draw = random() % 100;
    const size = draw < 85 ? 1 : draw < 95 ? 2 : draw < 98 ? 3 : 4 + (random() % 8);
    out[i]! += random() & 0x10000 ? size : -size;
  }
  return out;
}

function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** The usual form of sparse updates: all indices, then all new values. */
function pairsOf(before: readonly Uint16Array[], after: readonly Uint16Array[], changed: number): Uint8Array {
  const [indices, values] = [new Uint32Array(changed), new Uint16Array(changed)];
  let n = 0;
  for (const [t, words] of after.entries())
    for (let i = 0; i < words.length; i++)
      if (words[i] !== before[t]![i]) {
        indices[n] = t * ELEMENTS + i;
        values[n++] = words[i]!;
      }
  return Buffer.concat([new Uint8Array(indices.buffer), new Uint8Array(values.buffer)]);
}

/** A quarter of it stands for all: every tensor is alike. */
function wholeFile(file: Uint8Array): { ratio: number; mbPerS: number } {
  const part = file.subarray(0, file.length >>> 2);
  const started = performance.now();
  const { length } = deflateRawSync(part, { level: 1 });
  return { ratio: part.length / length, mbPerS: part.length / MB / ((performance.now() - started) / 1000) };
}

function writeAndSync(file: Uint8Array): { writeMs: number; syncMs: number } {
  const folder = mkdtempSync(join(tmpdir(), 'assay-delta-'));
  try {
    const fd = openSync(join(folder, 'master'), 'w');
    const started = performance.now();
    for (let at = 0; at < file.length; ) at += writeSync(fd, file, at);
    const written = performance.now();
    fsyncSync(fd);
    const synced = performance.now();
    closeSync(fd);
    return { writeMs: written - started, syncMs: synced - written };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const bytesOf = (words: Uint16Array): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
