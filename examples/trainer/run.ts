// Owns: the example from end to end: warm-up until some sums are right, then windows of verified rollouts whose rewards rise. Does not own:
// the command line (main.ts), what miners do and what is checked of it (subnet.ts).
import type { DecoderConfig } from '../../src/inference/decoder.js';
import { END_OF_TEXT } from '../../src/inference/spec/byte-ids.js';
import type { Policy } from '../../src/inference/spec/policy.js';
import { createArithmetic } from '../../src/verification/environments/arithmetic.js';
import type { Environment } from '../../src/verification/environments/environment.js';
import { byteTokenizer } from '../../src/verification/environments/tokenizer.js';
import type { MinerKind } from './miners.js';
import { createLocalRollouts, type Rollouts } from './rollouts.js';
import { createSubnet, type SubnetParts, type WindowAccount } from './subnet.js';
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

const WARM_STEPS = 20;
const WARM_BATCH = 32;
const WARM_RATE = 2e-3;
const MOST_WARM_STEPS = 2000;

/** Steps by heart until the reward is there. Deterministic: whoever has the seed has the checkpoint. */
export async function warmUp(
  {
    trainer,
    trial,
    policy,
    enoughMillis,
  }: { trainer: Trainer; trial: Rollouts; policy: Policy; enoughMillis: number },
  onReport: (report: WarmUpReport) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let steps = WARM_STEPS; steps <= MOST_WARM_STEPS; steps += WARM_STEPS) {
    let loss = 0;
    for (let i = 0; i < WARM_STEPS; i++) loss += trainer.warmUp(WARM_BATCH, WARM_RATE) / WARM_STEPS;
    const rollouts = await trial(policy, trainer.checkpoint(0), signal);
    const rewardMillis = rollouts.reduce((sum, rollout) => sum + rollout.rewardMillis, 0) / rollouts.length;
    onReport({ steps, loss, rewardMillis });
    if (rewardMillis >= enoughMillis) return;
  }
  throw new Error(`warm-up: ${MOST_WARM_STEPS} steps, and too little is right`);
}

export interface RunOptions {
  readonly config: DecoderConfig;
  readonly digits: number;
  readonly seed: string;
  readonly windows: number;
  readonly miners: readonly MinerKind[];
  /** of each miner, in each window */
  readonly groups: number;
  readonly learningRate: number;
  /** reward at which the warm-up ends: some right and some wrong in a group is what GRPO learns from */
  readonly warmUpMillis: number;
}

export async function run(
  parts: Omit<SubnetParts, 'onWindow'>,
  { config, digits, seed, windows, miners, groups, learningRate, warmUpMillis }: RunOptions,
  report: {
    readonly warmUp: (report: WarmUpReport) => void;
    readonly window: (report: WindowReport, account: WindowAccount) => void;
  },
  signal: AbortSignal,
): Promise<void> {
  const environment = createSums(digits);
  const policy = sumsPolicy(digits, environment);
  const trainer = new Trainer({ config, environment, seed });
  const trial = createLocalRollouts({ environment, groups: 16, seed: `${seed} trial` });
  await warmUp({ trainer, trial, policy, enoughMillis: warmUpMillis }, report.warmUp, signal);
  let account: WindowAccount | undefined;
  const onWindow = (given: WindowAccount): void => {
    account = given;
  };
  const subnet = createSubnet({ ...parts, onWindow }, { config, environment, miners, groups, seed });
  try {
    for (let window = 1; window <= windows; window++) {
      const trained = await trainer.window(
        { rollouts: subnet.rollouts, policy },
        { window, learningRate, groupsPerStep: 16, epochs: 2 },
        signal,
      );
      report.window(trained, account!); // each window of the subnet gives one
    }
  } finally {
    await subnet.close();
  }
}
