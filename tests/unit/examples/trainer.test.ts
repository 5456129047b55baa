import { describe, expect, test } from 'vitest';
import { AdamW } from '../../../examples/trainer/adamw.js';
import { addProduct, type Floats } from '../../../examples/trainer/matmul.js';
import { Network } from '../../../examples/trainer/network.js';
import {
  advantages,
  clippedPolicy,
  crossEntropy,
  logProbabilityOf,
  type Sampled,
} from '../../../examples/trainer/objectives.js';
import {
  createLocalRollouts,
  type Rollouts,
  type VerifiedRollout,
} from '../../../examples/trainer/rollouts.js';
import { createSums, run, sumsPolicy } from '../../../examples/trainer/run.js';
import { SMALL, Trainer, type WindowReport } from '../../../examples/trainer/train.js';
import type { DecoderConfig } from '../../../src/inference/decoder.js';
import { encodeMaster, openMaster, seededWeights } from '../../../src/inference/master.js';
import { createPlainModel } from '../../../src/inference/plain/model.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { byteTokenizer } from '../../../src/verification/environments/tokenizer.js';

const { signal } = new AbortController();
/** Every part there is, as small as it can be: grouped heads, two layers. */
const config: DecoderConfig = {
  vocabulary: 11,
  width: 8,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headWidth: 4,
  hidden: 12,
  maxPositions: 16,
  ropeTheta: 100,
  normEpsilon: 1e-5,
  tied: false,
};
const sequences = [Uint32Array.of(1, 5, 3, 9, 2), Uint32Array.of(10, 4, 4)];
const at = [
  { sequence: 0, position: 1 },
  { sequence: 0, position: 4 },
  { sequence: 1, position: 2 },
];
const inDoubles = (given: DecoderConfig) =>
  new Map([...seededWeights(given, 'gradient')].map(([name, values]) => [name, Float64Array.from(values)]));

/** Largest difference between the gradient and the slope between two points around each weight, against the tensor's largest slope. */
function gradientError(
  network: Network,
  lossOf: (logits: Floats) => { loss: number; dLogits: Floats },
): number {
  const pass = network.forward(sequences, at);
  pass.backward(lossOf(pass.logits).dLogits);
  const loss = (): number => lossOf(network.forward(sequences, at).logits).loss;
  const step = 1e-5;
  let worst = 0;
  for (const [name, weight] of network.weights) {
    const gradient = network.gradients.get(name)!;
    const slopes = Float64Array.from(weight, (value, i) => {
      weight[i] = value + step;
      const above = loss();
      weight[i] = value - step;
      const below = loss();
      weight[i] = value;
      return (above - below) / (2 * step);
    });
    const largest = slopes.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-6);
    for (const [i, slope] of slopes.entries())
      worst = Math.max(worst, Math.abs(slope - gradient[i]!) / largest);
  }
  return worst;
}

describe('the gradient is the slope', () => {
  for (const tied of [false, true])
    test(`of the cross-entropy by every weight, ${tied ? 'tied' : 'untied'}`, () => {
      const given = { ...config, tied };
      const error = gradientError(new Network(given, inDoubles(given)), (logits) =>
        crossEntropy(logits, [3, 7, 0]),
      );
      console.log(`largest error of the gradient, ${tied ? 'tied' : 'untied'}: ${error.toExponential(1)}`);
      expect(error).toBeLessThan(1e-6);
    });

  test('of the clipped objective, with candidates and a temperature', () => {
    const network = new Network(config, inDoubles(config));
    const candidates = Int32Array.of(3, 7, 0, 5, 9);
    const { logits } = network.forward(sequences, at);
    const sampled = [3, 7, 0].map((token, place): Sampled => {
      const row = logits.subarray(place * 11, (place + 1) * 11);
      // ratios e^.1, 1, e^-.1: inside a clip of .2
      const logProbability = logProbabilityOf(row, { token, candidates }, 0.7) - 0.1 * (1 - place);
      return { token, candidates, logProbability, advantage: place === 1 ? -1.5 : 0.8 };
    });
    const error = gradientError(network, (given) => clippedPolicy(given, sampled, 0.7, 0.2));
    console.log(`largest error of the gradient, clipped objective: ${error.toExponential(1)}`);
    expect(error).toBeLessThan(1e-6);
  });
});

test('what left the range of the clip is no longer pushed, what came back into it is', () => {
  const logits = Float64Array.of(0, 0);
  const candidates = Int32Array.of(0, 1);
  const at2 = (ratio: number, advantage: number) =>
    clippedPolicy(
      logits,
      [{ token: 0, candidates, logProbability: Math.log(0.5 / ratio), advantage }],
      1,
      0.2,
    );
  expect(at2(1.5, 1).clipped).toBe(1);
  expect([...at2(1.5, 1).dLogits]).toEqual([0, 0]);
  expect(at2(1.5, 1).loss).toBeCloseTo(-1.2, 12);
  expect(at2(0.5, 1).clipped).toBe(0);
  expect(at2(0.5, 1).dLogits[0]).toBeCloseTo(-0.25, 12);
  expect(at2(0.5, -1).clipped).toBe(1);
  expect(at2(1.5, -1).dLogits[0]).toBeCloseTo(0.75, 12);
});

test('advantages of a group', () => {
  expect(advantages([0, 1, 0, 1])).toEqual([-1, 1, -1, 1]);
  expect(advantages([1, 1, 1])).toEqual([0, 0, 0]);
});

test('the tiled product is the product, whatever the sides', () => {
  const random = createSeededRandom('product');
  const of = (length: number) => Float64Array.from({ length }, () => random.below(2000) / 1000 - 1);
  for (const [n, m, k] of [
    [1, 1, 1],
    [4, 4, 3],
    [5, 7, 6],
    [9, 3, 2],
    [8, 13, 5],
  ] as const) {
    const [a, b, c] = [of(n * k), of(m * k), of(n * m)];
    const expected = Array.from(c, (value, at) => {
      const [i, j] = [Math.floor(at / m), at % m];
      return value + a.subarray(i * k, (i + 1) * k).reduce((sum, x, p) => sum + x * b[j * k + p]!, 0);
    });
    addProduct(c, a, b, n, m, k);
    for (const [i, value] of expected.entries()) expect(c[i]).toBeCloseTo(value, 12);
  }
});

test('its logits are those of the model that miners run', async () => {
  const weights = seededWeights(config, 'twin');
  const model = createPlainModel(openMaster(config, encodeMaster(config, weights)));
  const hidden = await model.prefill(sequences, signal);
  const found = await hidden.head(at, config.vocabulary, signal);
  const { logits } = new Network(config, weights).forward(sequences, at);
  for (let i = 0; i < found.ids.length; i++) {
    const place = Math.floor(i / found.perRow);
    expect(Math.abs(found.logits[i]! - logits[place * config.vocabulary + found.ids[i]!]!)).toBeLessThan(
      1e-5,
    );
  }
  hidden.release();
  await model.close();
});

test('AdamW moves each weight by the learning rate at first, against its gradient', () => {
  const network = new Network(config, inDoubles(config));
  const before = new Map([...network.weights].map(([name, values]) => [name, values.slice()]));
  const pass = network.forward(sequences, at);
  pass.backward(crossEntropy(pass.logits, [3, 7, 0]).dLogits);
  const signs = new Map([...network.gradients].map(([name, values]) => [name, values.map(Math.sign)]));
  new AdamW(network).step({ learningRate: 1e-3, decay: 0 });
  for (const [name, values] of network.weights)
    for (const [i, value] of values.entries())
      if (signs.get(name)![i] !== 0)
        expect((before.get(name)![i]! - value) * signs.get(name)![i]!).toBeCloseTo(1e-3, 4);
  for (const gradient of network.gradients.values()) expect(gradient.every((g) => g === 0)).toBe(true);
});

describe('the trainer', () => {
  const environment = createSums(1);
  const policy = { ...sumsPolicy(1, environment), rolloutsPerGroup: 4 };
  const small: DecoderConfig = { ...SMALL, width: 32, layers: 1, hidden: 48 };
  const trained = (seed = 'a') => {
    const trainer = new Trainer({ config: small, environment, seed });
    const losses = Array.from({ length: 25 }, () => trainer.warmUp(16, 4e-3));
    return { trainer, losses };
  };

  test('warms up: the loss falls, the checkpoint hangs on the seed alone', () => {
    const [one, two, other] = [trained(), trained(), trained('b')];
    // ln 258 nats: knows nothing
    expect(one.losses[0]).toBeGreaterThan(4);
    expect(one.losses.at(-1)).toBeLessThan(1.8);
    const masterOf = ({ trainer }: typeof one): string =>
      Buffer.from(trainer.checkpoint(0).master).toString('hex');
    expect(masterOf(one)).toBe(masterOf(two));
    expect(masterOf(one)).not.toBe(masterOf(other));
  });

  test('learns from rewards that the environment gave, of complete groups alone', async () => {
    const { trainer } = trained();
    const local = createLocalRollouts({ environment, groups: 24, seed: 'test' });
    let made: readonly VerifiedRollout[] = [];
    const rollouts: Rollouts = async (asked, checkpoint, given) => {
      made = await local(asked, checkpoint, given);
      for (const { prompt, tokens, rewardMillis } of made) {
        const [a, b] = byteTokenizer.decode(prompt).split(/[+=]/).map(Number);
        const text = byteTokenizer.decode(tokens);
        const right = /^\D*(\d+)\D*$/.exec(text)?.[1];
        if (right !== undefined) expect(rewardMillis).toBe(Number(right) === a! + b! ? 1000 : 0);
      }
      return made;
    };
    const options = { window: 1, learningRate: 1e-3, groupsPerStep: 8, epochs: 1 };
    const before = trainer.checkpoint(1).master;
    const report = await trainer.window({ rollouts, policy }, options, signal);
    expect(report.rollouts).toBe(96);
    expect(report.rewardMillis).toBeGreaterThan(0);
    expect(report.groups).toBeGreaterThan(0);
    expect(report.steps).toBe(Math.ceil(report.groups / 8));
    expect(report.changed).toBeGreaterThan(0.1);
    expect(trainer.checkpoint(1).master).not.toEqual(before);

    // a group of which one rollout is missing says nothing: with it gone from every group nothing is learned
    const after = trainer.checkpoint(2).master;
    const dropping: Rollouts = async () => made.filter(({ index }) => index !== 2);
    const idle = await trainer.window({ rollouts: dropping, policy }, { ...options, window: 2 }, signal);
    expect(idle.steps).toBe(0);
    expect(trainer.checkpoint(2).master).toEqual(after);
  });

  test('a step on one window makes what paid likelier', async () => {
    const { trainer } = trained();
    const local = createLocalRollouts({ environment, groups: 24, seed: 'test' });
    const made = await local(policy, trainer.checkpoint(1), signal);
    const paid = async (): Promise<number> => {
      const { config: given, master } = trainer.checkpoint(1);
      const network = new Network(given, openMaster(given, master).weights);
      const right = made.filter(({ rewardMillis }) => rewardMillis > 0);
      expect(right.length).toBeGreaterThan(3);
      let sum = 0;
      for (const { prompt, tokens } of right) {
        const sequence = Uint32Array.of(...prompt, ...tokens.slice(0, -1));
        const places = Array.from(tokens, (_, i) => ({ sequence: 0, position: prompt.length - 1 + i }));
        const { logits } = network.forward([sequence], places);
        sum -= crossEntropy(logits, [...tokens]).loss * tokens.length;
      }
      return sum / right.length;
    };
    const before = await paid();
    await trainer.window(
      { rollouts: async () => made, policy },
      { window: 1, learningRate: 1e-3, groupsPerStep: 24, epochs: 3 },
      signal,
    );
    expect(await paid()).toBeGreaterThan(before + 0.05);
  });

  test('runs from a seed to two windows of rollouts, and says what they were worth', async () => {
    const warm: number[] = [];
    const windows: WindowReport[] = [];
    await run(
      { config: small, digits: 1, seed: 'a', windows: 2, groups: 8, learningRate: 1e-3 },
      { warmUp: ({ rewardMillis }) => warm.push(rewardMillis), window: (report) => windows.push(report) },
      signal,
    );
    expect(warm.length).toBeGreaterThan(1);
    expect(warm[0]).toBeLessThan(150);
    expect(warm.at(-1)).toBeGreaterThanOrEqual(150);
    expect(windows.map(({ window, rollouts }) => [window, rollouts])).toEqual([
      [1, 64],
      [2, 64],
    ]);
    for (const { rewardMillis } of windows) expect(rewardMillis).toBeGreaterThan(0);
  });
});
