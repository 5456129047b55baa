// Owns: what the trainer asks for rollouts, and the answer of one who generates them itself, unaudited: for trials. Does not own: how they
// are used (train.ts), miners and what is checked of them (subnet.ts).
import type { DecoderConfig } from '../../src/inference/decoder.js';
import { type Choose, generate, streamChoice, type Wanted } from '../../src/inference/generate.js';
import { openMaster } from '../../src/inference/master.js';
import { createPlainModel } from '../../src/inference/plain/model.js';
import { likelihoodOf } from '../../src/inference/spec/distribution.js';
import { type Policy, policyDigest, temperatureOf } from '../../src/inference/spec/policy.js';
import { promptSeed, streamRoot } from '../../src/inference/spec/stream.js';
import { taggedHash } from '../../src/inference/spec/tagged.js';
import type { BeaconRound } from '../../src/inference/spec/window.js';
import { u32le, utf8 } from '../../src/model/bytes.js';
import { sha256 } from '../../src/model/hash.js';
import type { Environment, Task } from '../../src/verification/environments/environment.js';

/** What the trainer publishes for a window. */
export interface Checkpoint {
  readonly window: number;
  readonly config: DecoderConfig;
  /** the master file: bf16 */
  readonly master: Uint8Array;
}

/** One that somebody answers for: its tokens are the policy's under the checkpoint, its reward is the environment's. */
export interface VerifiedRollout {
  /** of one prompt; no two miners' are the same */
  readonly group: number;
  readonly index: number;
  readonly prompt: Uint32Array;
  /** the completion, its stop id included */
  readonly tokens: Uint32Array;
  /** ln p of each token under the checkpoint, over the candidates at the policy's temperature; never the miner's word */
  readonly logProbabilities: Float64Array;
  readonly rewardMillis: number;
}

/** Rollouts of one window, in whatever order; incomplete groups are left out by the trainer. */
export type Rollouts = (
  policy: Policy,
  checkpoint: Checkpoint,
  signal: AbortSignal,
) => Promise<readonly VerifiedRollout[]>;

export interface LocalOptions {
  readonly environment: Environment;
  readonly groups: number;
  readonly seed: string;
}

/** Rollouts made in this process, over the plain decoder. */
export const createLocalRollouts =
  ({ environment, groups, seed }: LocalOptions): Rollouts =>
  async (policy, { window, config, master }, signal) => {
    const context = {
      beacon: beaconOf(seed, window),
      genesis: genesisOf(seed),
      netuid: 0,
      window,
      checkpointDigest: sha256(master),
      policyDigest: policyDigest(policy),
    };
    const root = streamRoot(context, new Uint8Array(32));
    const model = createPlainModel(openMaster(config, master));
    try {
      const tasks = Array.from({ length: groups }, (_, group) => environment.task(promptSeed(root, group)));
      const wanted = tasks.flatMap(({ prompt }, group) =>
        Array.from({ length: policy.rolloutsPerGroup }, (_, index) => ({ group, index, prompt })),
      );
      const { choose, likelihoods } = noting(policy, streamChoice(policy, root));
      const parts = { model, policy, choose };
      const generated = await generate(parts, wanted, { batch: policy.rolloutsPerGroup }, signal);
      const rollouts: VerifiedRollout[] = [];
      for (const { group, index, tokens } of generated) {
        const task = tasks[group]!;
        rollouts.push({
          group,
          index,
          prompt: task.prompt,
          tokens,
          logProbabilities: Float64Array.from(likelihoods(group, index)),
          rewardMillis: await rewardOf(environment, task, tokens, signal),
        });
      }
      return rollouts;
    } finally {
      await model.close();
    }
  };

/** In the place of a chain's first block. */
export const genesisOf = (seed: string): Uint8Array => taggedHash('trial-chain', utf8(seed));

/** In place of a public beacon, which nobody who took part knew before. */
export const beaconOf = (seed: string, window: number): BeaconRound => ({
  kind: 'dev-chain',
  round: BigInt(window),
  signature: taggedHash('example-beacon', utf8(seed), u32le(window)),
});

/** @throws when the environment itself is broken: nothing can be learned then */
export async function rewardOf(
  environment: Environment,
  task: Task,
  tokens: Uint32Array,
  signal: AbortSignal,
): Promise<number> {
  const grade = await environment.grade(task, tokens, signal);
  if (grade.kind === 'fault') throw new Error(`environment: ${grade.why}`);
  // a completion that drove its grader to a limit is worth nothing, and is learned from as such
  return grade.kind === 'graded' ? grade.rewardMillis : 0;
}

export interface Noting {
  readonly choose: Choose;
  /** ln p of the tokens chosen so far, as the engine that chose them had it */
  likelihoods(group: number, index: number): readonly number[];
}

/** A choice of which is kept how likely it was. */
export function noting(policy: Policy, choose: Choose): Noting {
  const temperature = temperatureOf(policy);
  const noted = new Map<string, number[]>();
  const nameOf = ({ group, index }: Pick<Wanted, 'group' | 'index'>): string => `${group}/${index}`;
  return {
    choose(row, of, position) {
      const token = choose(row, of, position);
      const found = likelihoodOf(row, temperature, token);
      const list = noted.get(nameOf(of)) ?? [];
      list[position] = found.kind === 'likelihood' ? found.logProbability : Number.NaN;
      noted.set(nameOf(of), list);
      return token;
    },
    likelihoods: (group, index) => noted.get(nameOf({ group, index })) ?? [],
  };
}

/** How far ratios of probabilities that should be 1 are from it, over tokens. */
export interface RatioError {
  readonly mean: number;
  readonly max: number;
}

export const ratioError = (errors: readonly number[]): RatioError => ({
  mean: errors.reduce((sum, error) => sum + error, 0) / Math.max(1, errors.length),
  max: errors.reduce((most, error) => Math.max(most, error), 0),
});
