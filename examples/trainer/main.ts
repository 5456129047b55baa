// Owns: the example at the command line: warm-up until some sums are right, then windows of rollouts whose rewards rise.
// npx tsx examples/trainer/main.ts [--windows 30] [--groups 64] [--digits 1] [--seed a]
import { parseArgs } from 'node:util';
import type { Policy } from '../../src/inference/spec/policy.js';
import { END_OF_TEXT } from '../../src/inference/tiny.js';
import { createArithmetic } from '../../src/verification/environments/arithmetic.js';
import { byteTokenizer } from '../../src/verification/environments/tokenizer.js';
import { createLocalRollouts } from './rollouts.js';
import { SMALL, Trainer } from './train.js';

const { values } = parseArgs({
  options: {
    windows: { type: 'string', default: '30' },
    groups: { type: 'string', default: '64' },
    digits: { type: 'string', default: '1' },
    seed: { type: 'string', default: 'trainer' },
    rate: { type: 'string', default: '1e-3' },
  },
});
const digits = Number(values.digits);
const environment = createArithmetic(
  { operators: '+', digits, form: 'equation' },
  { tokenizer: byteTokenizer },
);
const policy: Policy = {
  temperature: '1',
  candidates: 64,
  maxTokens: digits + 3,
  stopIds: [END_OF_TEXT],
  rolloutsPerGroup: 8,
  environmentDigest: environment.digest,
};
const { signal } = new AbortController();
const trainer = new Trainer({ config: SMALL, environment, seed: values.seed });

/** Enough for GRPO to find groups in which some are right and some are not. */
const WARM_REWARD = 150;
const WARM_STEPS = 20;
const MOST_WARM_STEPS = 2000;
const started = performance.now();
const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`;
const trial = createLocalRollouts({ environment, groups: 16, seed: `${values.seed} trial` });

for (let step = 0, reward = 0; reward < WARM_REWARD && step < MOST_WARM_STEPS; step += WARM_STEPS) {
  let loss = 0;
  for (let i = 0; i < WARM_STEPS; i++) loss += trainer.warmUp(32, 2e-3) / WARM_STEPS;
  const rollouts = await trial(policy, trainer.checkpoint(0), signal);
  reward = rollouts.reduce((sum, { rewardMillis }) => sum + rewardMillis, 0) / rollouts.length;
  console.log(
    `warm-up ${step + WARM_STEPS}: loss ${loss.toFixed(3)}, reward ${(reward / 1000).toFixed(3)}, ${seconds()}`,
  );
}

const rollouts = createLocalRollouts({ environment, groups: Number(values.groups), seed: values.seed });
for (let window = 1; window <= Number(values.windows); window++) {
  const report = await trainer.window(
    { rollouts, policy },
    { window, learningRate: Number(values.rate), groupsPerStep: 16, epochs: 2 },
    signal,
  );
  console.log(
    `window ${window}: reward ${(report.rewardMillis / 1000).toFixed(3)}, ${report.groups} groups to learn from, ` +
      `ratio ${report.ratio.toFixed(3)}, clipped ${(100 * report.clipped).toFixed(1)} %, ` +
      `weights changed ${(100 * report.changed).toFixed(1)} %, ${seconds()}`,
  );
}
