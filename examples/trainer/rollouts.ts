// Owns: what the trainer asks for rollouts, and a first answer: it generates them itself, with the stream that miners would be held to.
// Does not own: how they are used (train.ts). Miners and an audit take this one's place without the trainer noticing.
import type { DecoderConfig } from '../../src/inference/decoder.js';
import { generate, streamChoice } from '../../src/inference/generate.js';
import { openMaster } from '../../src/inference/master.js';
import { createPlainModel } from '../../src/inference/plain/model.js';
import { type Policy, policyDigest } from '../../src/inference/spec/policy.js';
import { promptSeed, streamRoot } from '../../src/inference/spec/stream.js';
import { taggedHash } from '../../src/inference/spec/tagged.js';
import { u32le, utf8 } from '../../src/model/bytes.js';
import { sha256 } from '../../src/model/hash.js';
import type { Environment } from '../../src/verification/environments/environment.js';

/** What the trainer publishes for a window. */
export interface Checkpoint {
  readonly window: number;
  readonly config: DecoderConfig;
  /** the master file: bf16 */
  readonly master: Uint8Array;
}

/** One that somebody answers for: its tokens are the policy's under the checkpoint, its reward is the environment's. */
export interface VerifiedRollout {
  readonly group: number;
  readonly index: number;
  readonly prompt: Uint32Array;
  /** the completion, its stop id included */
  readonly tokens: Uint32Array;
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
  /** stands for the beacon */
  readonly seed: string;
}

/** Rollouts made in this process, over the plain decoder. */
export const createLocalRollouts =
  ({ environment, groups, seed }: LocalOptions): Rollouts =>
  async (policy, { window, config, master }, signal) => {
    const context = {
      beacon: {
        kind: 'dev-chain' as const,
        round: BigInt(window),
        signature: taggedHash('example-beacon', utf8(seed), u32le(window)),
      },
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
      const parts = { model, policy, choose: streamChoice(policy, root) };
      const generated = await generate(parts, wanted, { batch: policy.rolloutsPerGroup }, signal);
      const rollouts: VerifiedRollout[] = [];
      for (const { group, index, tokens } of generated) {
        const task = tasks[group]!;
        const grade = await environment.grade(task, tokens, signal);
        if (grade.kind === 'fault') throw new Error(`environment: ${grade.why}`);
        // a completion that drove its grader to a limit is worth nothing, and is learned from as such
        const rewardMillis = grade.kind === 'graded' ? grade.rewardMillis : 0;
        rollouts.push({ group, index, prompt: task.prompt, tokens, rewardMillis });
      }
      return rollouts;
    } finally {
      await model.close();
    }
  };
