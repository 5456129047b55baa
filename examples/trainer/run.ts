// Owns: the example from end to end: warm-up until some sums are right, then windows of rollouts whose rewards rise. Does not own: the
// command line (main.ts), where rollouts come from (the function that is handed in).
import type { DecoderConfig } from '../../src/inference/decoder.js';
import { END_OF_TEXT } from '../../src/inference/spec/byte-ids.js';
import type { Policy } from '../../src/inference/spec/policy.js';
import { createArithmetic } from '../../src/verification/environments/arithmetic.js';
import type { Environment } from '../../src/verification/environments/environment.js';
import { byteTokenizer } from '../../src/verification/environments/tokenizer.js';
import { createLocalRollouts, type Rollouts } from './rollouts.js';
import { Trainer, type WindowReport } from './train.js';

/** Sums as short as they can be: every token costs a forward and a backward. */
export const createSums = (digits: number): Environment =>
  createArithmetic({ operators: '+', digits, form: 'equation' }, { tokenizer: byteTokenizer });

/** An answer of digits + 1 digits, a stop id, and one token to be wrong with. */
export const sumsPolicy = (digits: number, environment: Environment): Policy => ({
  temperature: '1',
  candidates: 64,
  maxTokens: digits + 3,
  stopIds: [END_OF_TEXT],
  rolloutsPerGroup: 8,
  environmentDigest: environment.digest,
});

export interface WarmUpReport {
  readonly steps: number;
  /** nats a token, mean of the last steps */
  readonly loss: number;
  readonly rewardMillis: number;
}

/** Until enough is right for groups in which some are right and some are not: those are what GRPO learns from. */
const WARM_REWARD = 150;
const WARM_STEPS = 20;
const WARM_BATCH = 32;
const WARM_RATE = 2e-3;
const MOST_WARM_STEPS = 2000;

/** Steps by heart until the reward is there. Deterministic: whoever has the seed has the checkpoint. */
export async function warmUp(
  { trainer, trial, policy }: { trainer: Trainer; trial: Rollouts; policy: Policy },
  onReport: (report: WarmUpReport) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let steps = WARM_STEPS; steps <= MOST_WARM_STEPS; steps += WARM_STEPS) {
    let loss = 0;
    for (let i = 0; i < WARM_STEPS; i++) loss += trainer.warmUp(WARM_BATCH, WARM_RATE) / WARM_STEPS;
    const rollouts = await trial(policy, trainer.checkpoint(0), signal);
    const rewardMillis = rollouts.reduce((sum, rollout) => sum + rollout.rewardMillis, 0) / rollouts.length;
    onReport({ steps, loss, rewardMillis });
    if (rewardMillis >= WARM_REWARD) return;
  }
  throw new Error(`warm-up: ${MOST_WARM_STEPS} steps, and too little is right`);
}

export interface RunOptions {
  readonly config: DecoderConfig;
  readonly digits: number;
  readonly seed: string;
  readonly windows: number;
  /** of each window */
  readonly groups: number;
  readonly learningRate: number;
}

export async function run(
  { config, digits, seed, windows, groups, learningRate }: RunOptions,
  report: {
    readonly warmUp: (report: WarmUpReport) => void;
    readonly window: (report: WindowReport) => void;
  },
  signal: AbortSignal,
): Promise<void> {
  const environment = createSums(digits);
  const policy = sumsPolicy(digits, environment);
  const trainer = new Trainer({ config, environment, seed });
  const trial = createLocalRollouts({ environment, groups: 16, seed: `${seed} trial` });
  await warmUp({ trainer, trial, policy }, report.warmUp, signal);
  const rollouts = createLocalRollouts({ environment, groups, seed });
  for (let window = 1; window <= windows; window++)
    report.window(
      await trainer.window(
        { rollouts, policy },
        { window, learningRate, groupsPerStep: 16, epochs: 2 },
        signal,
      ),
    );
}
