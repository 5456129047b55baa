import { beforeAll, describe, expect, test } from 'vitest';
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
import { createSums, run, sumsPolicy, warmUp } from '../../../examples/trainer/run.js';
import { createSubnet, type WindowAccount } from '../../../examples/trainer/subnet.js';
import { SMALL, Trainer, type WindowReport } from '../../../examples/trainer/train.js';
import type { DecoderConfig } from '../../../src/inference/decoder.js';
import { encodeMaster, openMaster, seededWeights } from '../../../src/inference/master.js';
import { createPlainModel } from '../../../src/inference/plain/model.js';
import { readyKeys } from '../../../src/keys/keypair.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { byteTokenizer } from '../../../src/verification/environments/tokenizer.js';
import { createMemoryDisk } from '../../support/memory-disk.js';

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
      const given = { ...config, tied, layers: tied ? 1 : 2 };
      const error = gradientError(new Network(given, inDoubles(given)), (logits) =>
        crossEntropy(logits, [3, 7, 0]),
      );
      console.log(`largest error of the gradient, ${tied ? 'tied' : 'untied'}: ${error.toExponential(1)}`);
      expect(error).toBeLessThan(1e-6);
    });

  test('of the clipped objective by every logit, with candidates and a temperature', () => {
    const random = createSeededRandom('clipped');
    const logits = Float64Array.from({ length: 33 }, () => random.below(4000) / 1000 - 2);
    const candidates = Int32Array.of(3, 7, 0, 5, 9);
    const sampled = [3, 7, 0].map((token, place): Sampled => {
      const row = logits.subarray(place * 11, (place + 1) * 11);
      // ratios e^.1, 1, e^-.1: inside a clip of .2
      const logProbability = logProbabilityOf(row, { token, candidates }, 0.7) - 0.1 * (1 - place);
      return { token, candidates, logProbability, advantage: place === 1 ? -1.5 : 0.8 };
    });
    const lossOf = (i: number, by: number): number =>
      clippedPolicy(
        logits.map((logit, j) => logit + (i === j ? by : 0)),
        sampled,
        0.7,
        0.2,
      ).loss;
    const { dLogits } = clippedPolicy(logits, sampled, 0.7, 0.2);
    for (const [i, slope] of dLogits.entries())
      expect((lossOf(i, 1e-5) - lossOf(i, -1e-5)) / 2e-5).toBeCloseTo(slope, 9);
    expect(Math.max(...dLogits)).toBeGreaterThan(0.05);
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
  beforeAll(readyKeys);
  const environment = createSums(1);
  const policy = { ...sumsPolicy(1, environment), rolloutsPerGroup: 4 };
  const small: DecoderConfig = { ...SMALL, width: 32, layers: 1, hidden: 48 };
  const trained = (seed = 'a', steps = 25) => {
    const trainer = new Trainer({ config: small, environment, seed });
    const losses = Array.from({ length: steps }, () => trainer.warmUp(16, 4e-3));
    return { trainer, losses };
  };

  test('warms up: the loss falls, the checkpoint hangs on the seed alone', () => {
    const one = trained();
    const [few, same, other] = [trained('a', 3), trained('a', 3), trained('b', 3)];
    // ln 258 nats: knows nothing
    expect(one.losses[0]).toBeGreaterThan(4);
    expect(one.losses.at(-1)).toBeLessThan(1.8);
    const masterOf = ({ trainer }: typeof one): string =>
      Buffer.from(trainer.checkpoint(0).master).toString('hex');
    expect(masterOf(few)).toBe(masterOf(same));
    expect(masterOf(few)).not.toBe(masterOf(other));
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

    // p when sampled is what was verified, not what this trainer thinks: half as likely, and every ratio is 2
    const few = createLocalRollouts({ environment, groups: 6, seed: 'halved' });
    const halved: Rollouts = async (...given) =>
      (await few(...given)).map((one) => ({
        ...one,
        logProbabilities: one.logProbabilities.map((p) => p - Math.LN2),
      }));
    const half = await trainer.window({ rollouts: halved, policy }, { ...options, window: 3 }, signal);
    expect(half.error.mean).toBeCloseTo(1, 3);
    expect(half.ratio).toBeGreaterThan(1.8);
    expect(report.error.max).toBeLessThan(1e-4);
    expect(Math.abs(report.ratio - 1)).toBeLessThan(0.1);
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

  test('is warm when enough is right, and not before', async () => {
    const rewards = [149, 150, 1000];
    const trainer = new Trainer({
      config: { ...config, vocabulary: 258, maxPositions: 32 },
      environment,
      seed: 'a',
    });
    const reports: number[] = [];
    const trial: Rollouts = async () => [
      {
        group: 0,
        index: 0,
        prompt: Uint32Array.of(1),
        tokens: Uint32Array.of(1),
        logProbabilities: Float64Array.of(0),
        rewardMillis: rewards[reports.length]!,
      },
    ];
    const before = trainer.checkpoint(0).master;
    await warmUp(
      { trainer, trial, policy, enoughMillis: 150 },
      ({ rewardMillis }) => reports.push(rewardMillis),
      signal,
    );
    expect(reports).toEqual([149, 150]);
    expect(trainer.checkpoint(0).master).not.toEqual(before);
  });

  test('runs from a seed to a window of rollouts, and says what they were worth', async () => {
    const warm: number[] = [];
    const windows: WindowReport[] = [];
    const accounts: WindowAccount[] = [];
    await run(
      { disk: createMemoryDisk(), folder: '/run', openModel: async (master) => createPlainModel(master) },
      {
        config: small,
        digits: 1,
        seed: 'a',
        windows: 1,
        miners: ['honest'],
        groups: 2,
        learningRate: 1e-3,
        warmUpMillis: 1,
      },
      {
        warmUp: ({ rewardMillis }) => warm.push(rewardMillis),
        window: (report, account) => {
          windows.push(report);
          accounts.push(account);
        },
      },
      signal,
    );
    expect(warm.at(-1)).toBeGreaterThanOrEqual(1);
    expect(warm.slice(0, -1).every((reward) => reward < 1)).toBe(true);
    expect(windows.map(({ window, rollouts }) => [window, rollouts])).toEqual([[1, 16]]);
    expect(accounts[0]!.miners.map(({ consumed }) => consumed)).toEqual([2]);
  });

  test('trains on what honest miners did; of those who lie the wrong groups are gone, and proved', async () => {
    const { trainer } = trained('a', 8);
    const all = sumsPolicy(1, environment);
    const accounts: WindowAccount[] = [];
    const made: (readonly VerifiedRollout[])[] = [];
    const reports: WindowReport[] = [];
    const miners = ['honest', 'stale', 'cold', 'steered'] as const;
    const subnet = createSubnet(
      {
        disk: createMemoryDisk(),
        folder: '/subnet',
        openModel: async (master) => createPlainModel(master),
        onWindow: (account) => accounts.push(account),
      },
      { config: small, environment, miners, groups: 2, seed: 'test' },
    );
    const rollouts: Rollouts = async (...given) => {
      const verified = await subnet.rollouts(...given);
      made.push(verified);
      return verified;
    };
    for (const window of [1, 2]) {
      const options = { window, learningRate: 1e-3, groupsPerStep: 8, epochs: 1 };
      reports.push(await trainer.window({ rollouts, policy: all }, options, signal));
      // far enough that who is a window behind writes other tokens
      for (let i = 0; i < 8; i++) trainer.warmUp(16, 4e-3);
    }
    await subnet.close();

    const [first, second] = accounts.map((account) => account.miners);
    const pulled = (account: typeof first) =>
      account!.map(({ pulled: steps }) => steps.map(({ kind }) => kind));
    expect(pulled(first)).toEqual(Array(4).fill(['whole']));
    // the second runs what it has
    expect(pulled(second)).toEqual([['delta'], [], ['delta'], ['delta']]);
    expect(accounts[0]).toMatchObject({ isAnchor: true, delta: undefined });
    expect(accounts[1]!.delta!.bytes).toBeLessThan(accounts[1]!.masterBytes);
    // signatures are random and so are streams; eight rollouts of a group all right by chance are one in millions
    for (const [honest, , , steered] of [first!, second!]) {
      expect(honest).toMatchObject({ handedIn: 2, consumed: 2, proofs: 0, witness: undefined });
      expect(steered).toMatchObject({ handedIn: 2, consumed: 0, witness: 'confirmed' });
    }
    expect(first![1]).toMatchObject({ consumed: 2, proofs: 0 });
    expect(second![1]).toMatchObject({ witness: 'confirmed' });
    expect(second![1]!.consumed).toBeLessThan(2);
    expect(first![2]!.proofs + second![2]!.proofs).toBeGreaterThan(0);
    for (const [i, account] of accounts.entries()) {
      const consumed = account.miners.reduce((sum, miner) => sum + miner.consumed, 0);
      expect(made[i]).toHaveLength(8 * consumed);
      expect(account.tokens).toBe(made[i]!.reduce((sum, { tokens }) => sum + tokens.length, 0));
      expect(new Set(made[i]!.map(({ group, index }) => `${group}/${index}`)).size).toBe(8 * consumed);
      expect(reports[i]!.rollouts).toBe(8 * consumed);
      // one engine here, and a forward of the trainer's own
      expect(account.error.max).toBeLessThan(1e-6);
      expect(reports[i]!.error.max).toBeLessThan(1e-4);
    }
  });
});
