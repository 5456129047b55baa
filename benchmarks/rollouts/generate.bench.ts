// What a miner gains where rows join a running batch and a group's prompt is prefilled once: rollouts of uneven lengths, against batches
// that wait for their longest and prompts that are each their own. Weights are random and lengths drawn: speed hangs on neither.
import { availableParallelism } from 'node:os';
import type { DecoderConfig } from '../../src/inference/decoder.js';
import { type Choose, generate, type Wanted } from '../../src/inference/generate.js';
import type { LanguageModel } from '../../src/inference/language-model.js';
import { seededWeights } from '../../src/inference/master.js';
import { createOnnxModel } from '../../src/inference/onnx/model.js';
import { END_OF_TEXT } from '../../src/inference/spec/byte-ids.js';
import type { Policy } from '../../src/inference/spec/policy.js';
import { TINY } from '../../src/inference/tiny.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { GPT2_SIZE } from './gpt2-size.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

interface Plan {
  readonly name: string;
  readonly config: DecoderConfig;
  readonly prompt: number;
  readonly groups: number;
  readonly rolloutsPerGroup: number;
  readonly batch: number;
  /** of completions: an exponential law, cut at four times its mean */
  readonly meanTokens: number;
  readonly repeats: number;
}

const { signal } = new AbortController();

export default async function bench(emit: Emit): Promise<void> {
  const shape = { groups: 6, rolloutsPerGroup: 8, batch: 16 };
  const plans: Plan[] = [
    { ...shape, name: 'tiny', config: TINY, prompt: 128, meanTokens: 48, repeats: 3 },
    { ...shape, name: 'gpt2-size', config: GPT2_SIZE, prompt: 128, groups: 3, meanTokens: 16, repeats: 2 },
  ];
  for (const plan of plans) {
    const weights = seededWeights(plan.config, 'bench');
    const master = { config: plan.config, weights, digest: new Uint8Array(32) };
    let model: LanguageModel;
    try {
      model = await createOnnxModel(master, { memoryBytes: 2 ** 32 });
    } catch (error) {
      console.error(`skipped: ${error instanceof Error ? error.message : error}`);
      return;
    }
    try {
      await uneven(emit, model, plan);
    } finally {
      await model.close();
    }
  }
}

async function uneven(emit: Emit, model: LanguageModel, plan: Plan): Promise<void> {
  const { groups, rolloutsPerGroup, batch, meanTokens, repeats } = plan;
  const random = createSeededRandom('generate-bench');
  const promptOf = (): Uint32Array => Uint32Array.from({ length: plan.prompt }, () => random.below(256));
  const policy: Policy = {
    temperature: '1',
    candidates: 64,
    maxTokens: 4 * meanTokens,
    stopIds: [END_OF_TEXT],
    rolloutsPerGroup,
    environmentDigest: new Uint8Array(32),
  };
  const lengths = Array.from({ length: groups * rolloutsPerGroup }, () => {
    const drawn = Math.ceil(-meanTokens * Math.log((random.below(2 ** 20) + 0.5) / 2 ** 20));
    return Math.min(drawn, policy.maxTokens);
  });
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const choose: Choose = (row, { group, index }, position) =>
    position === lengths[group * rolloutsPerGroup + index]! - 1
      ? END_OF_TEXT
      : row.ids.find((id) => id !== END_OF_TEXT)!;
  const wantedWith = (prompt: (group: number) => Uint32Array): Wanted[] =>
    lengths.map((_, i) => {
      const group = Math.floor(i / rolloutsPerGroup);
      return { group, index: i % rolloutsPerGroup, prompt: prompt(group) };
    });
  const shared = Array.from({ length: groups }, promptOf);
  const once = wantedWith((group) => shared[group]!);
  const each = wantedWith(promptOf);

  const parts = { model, policy, choose };
  const joining = (wanted: Wanted[]) => generate(parts, wanted, { batch }, signal);
  const waves = async (wanted: Wanted[]): Promise<void> => {
    for (let from = 0; from < wanted.length; from += batch)
      await generate(parts, wanted.slice(from, from + batch), { batch }, signal);
  };
  const ways: Record<string, () => Promise<unknown>> = {
    before: () => waves(each),
    'rows join': () => joining(each),
    'prompts once': () => waves(once),
    both: () => joining(once),
  };
  const best: Record<string, number> = {};
  for (let repeat = 0; repeat < repeats; repeat++)
    for (const [way, run] of Object.entries(ways)) {
      const started = performance.now();
      await run();
      best[way] = Math.min(best[way] ?? Number.POSITIVE_INFINITY, performance.now() - started);
    }
  const bench = `${plan.name}, ${lengths.length} rollouts of ${Math.min(...lengths)} to ${Math.max(...lengths)} tokens after ${plan.prompt}, B=${batch}, ${availableParallelism()} threads`;
  const rate = (way: string): number => (tokens * 1000) / best[way]!;
  for (const way of ['rows join', 'prompts once', 'both'])
    emit({ bench, metric: way, value: rate(way), unit: 'token/s', baseline: rate('before') });
}
