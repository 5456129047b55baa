// What decoding and auditing cost on onnxruntime-node. Weights are random: speed does not hang on them. The verifier's work is what an audit
// does: one prefill, the head at 32 positions, the logits of the token and of a stop id everywhere. The best of a few runs counts: what
// is slower had company.
import { availableParallelism } from 'node:os';
import type { DecoderConfig } from '../../src/inference/decoder.js';
import type { LanguageModel } from '../../src/inference/language-model.js';
import { type Master, seededWeights } from '../../src/inference/master.js';
import { BODY, decoderData, decoderGraphs, MASKED } from '../../src/inference/onnx/graphs.js';
import { createOnnxModel } from '../../src/inference/onnx/model.js';
import { loadRuntime, openSession, type Runtime, type Tensor } from '../../src/inference/onnx/runtime.js';
import { GraphWriter } from '../../src/inference/onnx/writer.js';
import { TINY } from '../../src/inference/tiny.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { GPT2_SIZE } from './gpt2-size.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const LENGTH = 512;
const SAMPLED = 32;
const PARTS = 3;
const { signal } = new AbortController();

interface Plan {
  readonly name: string;
  readonly config: DecoderConfig;
  /** tokens before the decoding that is timed */
  readonly context: number;
  readonly steps: number;
  /** sequences of one audit */
  readonly audited: number;
  readonly repeats: number;
}

export default async function bench(emit: Emit): Promise<void> {
  let runtime: Runtime;
  try {
    runtime = await loadRuntime();
  } catch (error) {
    console.error(`skipped: ${error instanceof Error ? error.message : error}`);
    return;
  }
  const plans: Plan[] = [
    { name: 'tiny', config: TINY, context: 256, steps: 24, audited: 8, repeats: 5 },
    { name: 'gpt2-size', config: GPT2_SIZE, context: 128, steps: 4, audited: 4, repeats: 3 },
  ];
  for (const plan of plans) {
    const { name, config } = plan;
    const weights = seededWeights(config, 'bench');
    const master: Master = { config, weights, digest: new Uint8Array(32) };
    const bench = `${name}, ${availableParallelism()} threads`;
    const model = await createOnnxModel(master, { memoryBytes: 2 ** 32 });
    try {
      const verifier = await audit(emit, bench, model, plan);
      for (const rows of [1, 8, 32]) {
        const miner = await decode(model, plan, rows);
        emit({ bench, metric: `decode, B=${rows}, context ${plan.context}`, value: miner, unit: 'token/s' });
        emit({
          bench,
          metric: `audit over decode, B=${rows}`,
          value: verifier,
          unit: 'token/s',
          baseline: miner,
        });
      }
    } finally {
      await model.close();
    }
    await splitHead(emit, bench, runtime, master, plan);
  }
}

const random = createSeededRandom('model-bench');
const text = (length: number, { vocabulary }: DecoderConfig): Uint32Array =>
  Uint32Array.from({ length }, () => random.below(vocabulary));

async function decode(model: LanguageModel, { config, context, steps }: Plan, rows: number): Promise<number> {
  const prompts = Array.from({ length: rows }, () => text(context, config));
  const decoding = await model.open(prompts, 64, signal);
  const next = (): number[] => {
    const { ids, perRow } = decoding.candidates();
    return prompts.map((_, row) => ids[row * perRow]);
  };
  await decoding.advance(next(), signal);
  let best = Number.POSITIVE_INFINITY;
  for (let part = 0; part < PARTS; part++) {
    const started = performance.now();
    for (let step = 0; step < steps; step++) await decoding.advance(next(), signal);
    best = Math.min(best, performance.now() - started);
  }
  decoding.release();
  return (rows * steps * 1000) / best;
}

/** @returns tokens a second of the whole audit */
async function audit(emit: Emit, bench: string, model: LanguageModel, plan: Plan): Promise<number> {
  const sequences = Array.from({ length: plan.audited }, () => text(LENGTH, plan.config));
  const everywhere = sequences.flatMap((ids, sequence) =>
    Array.from(ids, (_, position) => ({ sequence, position })),
  );
  const sampled = everywhere.filter(({ position }) => position % (LENGTH / SAMPLED) === 0);
  const asked = Int32Array.from(
    everywhere.flatMap(({ sequence, position }) => [sequences[sequence][position], 0]),
  );
  const tokens = plan.audited * LENGTH;
  const rates: { prefill: number; all: number; deep: number }[] = [];
  for (let i = 0; i <= plan.repeats; i++) {
    const started = performance.now();
    const hidden = await model.prefill(sequences, signal);
    const prefilled = performance.now();
    await hidden.head(sampled, 64, signal);
    await hidden.logitsOf(everywhere, asked, signal);
    const done = performance.now();
    await hidden.head(everywhere, 64, signal);
    const deep = performance.now() - done + (prefilled - started);
    hidden.release();
    // the first allocates
    if (i > 0)
      rates.push({
        prefill: (tokens * 1000) / (prefilled - started),
        all: (tokens * 1000) / (done - started),
        deep: (tokens * 1000) / deep,
      });
  }
  const of = (field: 'prefill' | 'all' | 'deep'): number => Math.max(...rates.map((rate) => rate[field]));
  emit({ bench, metric: `prefill, S=${LENGTH}`, value: of('prefill'), unit: 'token/s' });
  emit({ bench, metric: `audit, head at ${SAMPLED} of ${LENGTH}`, value: of('all'), unit: 'token/s' });
  emit({ bench, metric: 'audit, head everywhere', value: of('deep'), unit: 'token/s' });
  return of('all');
}

/** One sequence; the other way gives the logits of all positions and the whole vocabulary to JavaScript. */
async function splitHead(
  emit: Emit,
  bench: string,
  runtime: Runtime,
  { config, weights }: Master,
  { repeats }: Plan,
): Promise<void> {
  const { width, vocabulary, layers, kvHeads, headWidth, heads } = config;
  const { body, head } = decoderGraphs(config);
  const writer = new GraphWriter('all-logits');
  const states = writer.input('hidden', 'float', ['rows', width]);
  const logits = writer.op('Gemm', [states, writer.external('output', [vocabulary, width])], { transB: 1 });
  writer.output('logits', logits, 'float', ['rows', vocabulary]);
  const options = { provider: 'cpu', threads: 0, data: decoderData(config, weights) } as const;
  const [bodySession, headSession, allSession] = [
    await openSession(runtime, body, options),
    await openSession(runtime, head, options),
    await openSession(runtime, writer.finish(), options),
  ];

  const floats = (values: Float32Array, dims: number[]) => new runtime.Tensor('float32', values, dims);
  const integers = (values: number[], dims: number[]) =>
    new runtime.Tensor('int64', BigInt64Array.from(values, BigInt), dims);
  const group = heads / kvHeads;
  const mask = new Float32Array(LENGTH * group * LENGTH);
  for (let q = 0; q < LENGTH * group; q++)
    mask.fill(MASKED, q * LENGTH + Math.floor(q / group) + 1, (q + 1) * LENGTH);
  const feeds: Record<string, Tensor> = {
    [BODY.ids]: integers([...text(LENGTH, config)], [1, LENGTH]),
    [BODY.positions]: integers([...Array(LENGTH).keys()], [1, LENGTH]),
    [BODY.pastMask]: floats(new Float32Array(0), [1, 1, 1, 0]),
    [BODY.newMask]: floats(mask, [LENGTH * group, LENGTH]),
    [BODY.split]: integers([0, LENGTH], [2]),
  };
  for (let i = 0; i < layers; i++) {
    feeds[`${BODY.pastKeys}${i}`] = floats(new Float32Array(0), [1, kvHeads, headWidth, 0]);
    feeds[`${BODY.pastValues}${i}`] = floats(new Float32Array(0), [1, kvHeads, 0, headWidth]);
  }
  const run = async (positions: number): Promise<number> => {
    const started = performance.now();
    const { hidden } = await bodySession.run(feeds, [BODY.hidden]);
    const all = hidden.data as Float32Array; // as the graph says
    const taken = new Float32Array(positions * width);
    for (let i = 0; i < positions; i++) {
      const at = Math.floor((i * LENGTH) / positions) * width;
      taken.set(all.subarray(at, at + width), i * width);
    }
    const rows = floats(taken, [positions, width]);
    if (positions === LENGTH) await allSession.run({ hidden: rows }, ['logits']);
    else await headSession.run({ hidden: rows, k: integers([64], [1]) }, ['logits', 'ids']);
    return performance.now() - started;
  };
  const split: number[] = [];
  const full: number[] = [];
  for (let i = 0; i <= 2 * repeats; i++) {
    const [one, other] = [await run(SAMPLED), await run(LENGTH)];
    if (i === 0) continue; // allocates
    split.push(one);
    full.push(other);
  }
  const rate = (times: number[]): number => (LENGTH * 1000) / Math.min(...times);
  emit({
    bench,
    metric: `split head, ${SAMPLED} of ${LENGTH}, over all logits`,
    value: rate(split),
    unit: 'token/s',
    baseline: rate(full),
  });
  for (const session of [bodySession, headSession, allSession]) await session.release();
}
