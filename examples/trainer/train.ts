// Owns: learning: sums by heart until some are right, then from rewards alone. Does not own: gradients (network.ts), where rollouts come
// from (rollouts.ts).
import { toBfloat16 } from '../../src/inference/bf16.js';
import type { DecoderConfig } from '../../src/inference/decoder.js';
import { encodeMaster, seededWeights } from '../../src/inference/master.js';
import { BYTE_VOCABULARY, END_OF_TEXT } from '../../src/inference/spec/byte-ids.js';
import { type Policy, temperatureOf } from '../../src/inference/spec/policy.js';
import { taggedHash } from '../../src/inference/spec/tagged.js';
import { u32le, utf8 } from '../../src/model/bytes.js';
import { createSeededRandom, shuffled } from '../../src/model/prng.js';
import type { Environment, Task } from '../../src/verification/environments/environment.js';
import { AdamW } from './adamw.js';
import { Network } from './network.js';
import { advantages, clippedPolicy, crossEntropy, logProbabilityOf, type Sampled } from './objectives.js';
import {
  type Checkpoint,
  type RatioError,
  type Rollouts,
  ratioError,
  type VerifiedRollout,
} from './rollouts.js';

/** Some 90 thousand weights: sums of one digit are learned in minutes on two slow cores. */
export const SMALL: DecoderConfig = {
  vocabulary: BYTE_VOCABULARY,
  width: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headWidth: 16,
  hidden: 128,
  maxPositions: 32,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
  tied: false,
};

export interface TrainOptions {
  readonly config: DecoderConfig;
  readonly environment: Environment;
  /** weights, warm-up and batches hang on it and on nothing else */
  readonly seed: string;
}

export interface WindowReport {
  readonly window: number;
  readonly rollouts: number;
  /** mean of all rollouts that the window's checkpoint made, before it was trained on them */
  readonly rewardMillis: number;
  /** groups in which some did better than others: the only ones to learn from */
  readonly groups: number;
  readonly steps: number;
  /** mean over the steps, of p / p when sampled */
  readonly ratio: number;
  /** share of tokens that the clip left out */
  readonly clipped: number;
  /** share of bf16 weights that the window changed: what a delta has to carry */
  readonly changed: number;
  /** p by this trainer's own forward of the published weights over p as verified, less 1 */
  readonly error: RatioError;
}

/** Right completions of environments whose keys are texts to be written, byte by byte. */
export const answerOf = ({ key }: Pick<Task, 'key'>): number[] => [...utf8(String(key)), END_OF_TEXT];

export class Trainer {
  readonly config: DecoderConfig;
  readonly #environment: Environment;
  readonly #seed: string;
  /** fp32; a checkpoint is these rounded to bf16 */
  readonly #network: Network;
  readonly #optimiser: AdamW;
  #steps = 0;

  constructor({ config, environment, seed }: TrainOptions) {
    this.config = config;
    this.#environment = environment;
    this.#seed = seed;
    this.#network = new Network(
      config,
      new Map([...seededWeights(config, seed)].map(([n, w]) => [n, w.slice()])),
    );
    this.#optimiser = new AdamW(this.#network);
  }

  checkpoint(window: number): Checkpoint {
    return { window, config: this.config, master: encodeMaster(this.config, this.#float32()) };
  }

  /**
   * One step on sums with their answers.
   * @returns the loss in nats a token, before the step
   */
  warmUp(batch: number, learningRate: number): number {
    const sequences: Uint32Array[] = [];
    const at: { sequence: number; position: number }[] = [];
    const targets: number[] = [];
    for (let i = 0; i < batch; i++) {
      const seed = taggedHash('example-warm-up', utf8(this.#seed), u32le(this.#steps), u32le(i));
      const task = this.#environment.task(seed);
      const { prompt } = task;
      const answer = answerOf(task);
      for (const [place, token] of answer.entries()) {
        at.push({ sequence: i, position: prompt.length - 1 + place });
        targets.push(token);
      }
      // its last id predicts nothing that is asked for
      sequences.push(Uint32Array.of(...prompt, ...answer.slice(0, -1)));
    }
    const pass = this.#network.forward(sequences, at);
    const { loss, dLogits } = crossEntropy(pass.logits, targets);
    pass.backward(dLogits);
    this.#optimiser.step({ learningRate });
    this.#steps++;
    return loss;
  }

  /** Publishes, has rollouts made, learns from those of complete groups. */
  async window(
    { rollouts, policy }: { rollouts: Rollouts; policy: Policy },
    { window, learningRate, groupsPerStep, epochs }: WindowOptions,
    signal: AbortSignal,
  ): Promise<WindowReport> {
    const before = this.#halves();
    const checkpoint = this.checkpoint(window);
    const all = await rollouts(policy, checkpoint, signal);
    const groups = completeGroups(all, policy.rolloutsPerGroup).filter(
      (group) => new Set(group.map(({ rewardMillis }) => rewardMillis)).size > 1,
    );
    const errors: number[] = [];
    const samples = groups.map((group) => this.#sampled(group, policy, errors));
    const random = createSeededRandom(`${this.#seed}\0${window}`);
    let [steps, ratio, clipped] = [0, 0, 0];
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = shuffled(samples, random);
      for (let from = 0; from < order.length; from += groupsPerStep) {
        signal.throwIfAborted();
        const batch = order.slice(from, from + groupsPerStep).flat();
        const pass = this.#network.forward(
          batch.map(({ sequence }) => sequence),
          placesOf(batch),
        );
        const temperature = temperatureOf(policy);
        const found = clippedPolicy(
          pass.logits,
          batch.flatMap(({ tokens }) => tokens),
          temperature,
          CLIP,
        );
        pass.backward(found.dLogits);
        this.#optimiser.step({ learningRate });
        steps++;
        ratio += found.ratio;
        clipped += found.clipped;
      }
    }
    const after = this.#halves();
    return {
      window,
      rollouts: all.length,
      rewardMillis: mean(all.map(({ rewardMillis }) => rewardMillis)),
      groups: groups.length,
      steps,
      ratio: steps === 0 ? 1 : ratio / steps,
      clipped: steps === 0 ? 0 : clipped / steps,
      changed: mean(Array.from(after, (half, i) => (half === before[i] ? 0 : 1))),
      error: ratioError(errors),
    };
  }

  /**
   * What the checkpoint that sampled a group saw at each of its tokens: probabilities as verified; which candidates raced, from a forward of
   * the published weights.
   */
  #sampled(group: readonly VerifiedRollout[], policy: Policy, errors: number[]): Episode[] {
    const gains = advantages(group.map(({ rewardMillis }) => rewardMillis));
    const episodes = group.map(({ prompt, tokens }) => ({
      sequence: Uint32Array.of(...prompt, ...tokens.slice(0, -1)),
      first: prompt.length - 1,
      count: tokens.length,
    }));
    const published = new Network(this.config, this.#rounded());
    const { logits } = published.forward(
      episodes.map(({ sequence }) => sequence),
      placesOf(episodes),
    );
    const { vocabulary } = this.config;
    let place = 0;
    return group.map(({ tokens, logProbabilities }, i) => ({
      ...episodes[i]!,
      tokens: Array.from(tokens, (token, t): Sampled => {
        const row = logits.subarray(place * vocabulary, (place + 1) * vocabulary);
        place++;
        const candidates = highest(row, policy.candidates, token);
        const logProbability = logProbabilities[t]!;
        const own = logProbabilityOf(row, { token, candidates }, temperatureOf(policy));
        errors.push(Math.abs(Math.exp(own - logProbability) - 1));
        return { token, candidates, logProbability, advantage: gains[i]! };
      }),
    }));
  }

  #float32(): Map<string, Float32Array> {
    return new Map([...this.#network.weights].map(([name, values]) => [name, Float32Array.from(values)]));
  }

  #halves(): Uint16Array {
    const all = [...this.#float32().values()].map(toBfloat16);
    const out = new Uint16Array(all.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const halves of all) {
      out.set(halves, at);
      at += halves.length;
    }
    return out;
  }

  #rounded(): Map<string, Float32Array> {
    return new Map(
      [...this.#float32()].map(([name, values]) => [
        name,
        new Float32Array(Uint32Array.from(toBfloat16(values), (half) => half << 16).buffer),
      ]),
    );
  }
}

export interface WindowOptions {
  readonly window: number;
  readonly learningRate: number;
  readonly groupsPerStep: number;
  /** times that the window's rollouts are gone through */
  readonly epochs: number;
}

/** How far a probability may move on one window's rollouts before they stop pushing it. */
const CLIP = 0.2;

interface Place {
  readonly sequence: Uint32Array;
  /** position that predicts the first token of the completion */
  readonly first: number;
  readonly count: number;
}

interface Episode extends Place {
  readonly tokens: readonly Sampled[];
}

const placesOf = (episodes: readonly Place[]) =>
  episodes.flatMap(({ first, count }, sequence) =>
    Array.from({ length: count }, (_, i) => ({ sequence, position: first + i })),
  );

/** Groups with every index once: what is missing could have been left out for its reward. */
export function completeGroups(all: readonly VerifiedRollout[], size: number): VerifiedRollout[][] {
  const groups = new Map<number, Map<number, VerifiedRollout>>();
  for (const rollout of all) {
    const group = groups.get(rollout.group) ?? new Map<number, VerifiedRollout>();
    groups.set(rollout.group, group.set(rollout.index, rollout));
  }
  return [...groups.entries()]
    .filter(([, group]) => group.size === size)
    .sort(([a], [b]) => a - b)
    .map(([, group]) => [...group.values()].sort((a, b) => a.index - b.index));
}

/** The candidates of a row; the token is one of them though another engine's rounding had it just outside. */
function highest(row: ArrayLike<number>, count: number, token: number): Int32Array {
  const ids = Int32Array.from({ length: row.length }, (_, id) => id)
    .sort((a, b) => row[b]! - row[a]! || a - b)
    .subarray(0, Math.min(count, row.length));
  return ids.includes(token) ? ids : Int32Array.of(...ids, token);
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
