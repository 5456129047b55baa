// Owns: what the trainer asks for rollouts, and a first answer: it generates them itself, with the stream that miners would be held to.
// Does not own: how they are used (train.ts). Miners and an audit take this one's place without the trainer noticing.
import type { DecoderConfig } from '../../src/inference/decoder.js';
import type { LanguageModel } from '../../src/inference/language-model.js';
import { openMaster } from '../../src/inference/master.js';
import { createPlainModel } from '../../src/inference/plain/model.js';
import { type Policy, policyDigest, temperatureOf } from '../../src/inference/spec/policy.js';
import { choose, rowOf } from '../../src/inference/spec/race.js';
import { promptSeed, streamKey, streamRoot } from '../../src/inference/spec/stream.js';
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

/** Rollouts made in this process, one batch a window, over the plain decoder. */
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
      const rollouts: VerifiedRollout[] = [];
      const tasks = Array.from({ length: groups }, (_, group) => environment.task(promptSeed(root, group)));
      const rows = tasks.flatMap(({ prompt }, group) =>
        Array.from({ length: policy.rolloutsPerGroup }, (_, index) => ({ prompt, group, index })),
      );
      const completions = await generate(
        model,
        policy,
        rows.map(({ prompt, group, index }) => ({ prompt, key: streamKey(root, group, index) })),
        signal,
      );
      for (const [i, { prompt, group, index }] of rows.entries()) {
        const tokens = completions[i]!;
        const grade = await environment.grade(tasks[group]!, tokens, signal);
        if (grade.kind === 'fault') throw new Error(`environment: ${grade.why}`);
        // a completion that drove its grader to a limit is worth nothing, and is learned from as such
        const rewardMillis = grade.kind === 'graded' ? grade.rewardMillis : 0;
        rollouts.push({ group, index, prompt, tokens, rewardMillis });
      }
      return rollouts;
    } finally {
      await model.close();
    }
  };

interface Asked {
  readonly prompt: Uint32Array;
  readonly key: ReturnType<typeof streamKey>;
}

/** The tokens that the stream demands, all rows at once. */
async function generate(
  model: LanguageModel,
  policy: Policy,
  asked: readonly Asked[],
  signal: AbortSignal,
): Promise<Uint32Array[]> {
  const temperature = temperatureOf(policy);
  const completions: number[][] = asked.map(() => []);
  let open = asked.map((_, row) => row);
  const decoding = await model.open(
    asked.map(({ prompt }) => prompt),
    policy.candidates,
    signal,
  );
  try {
    for (let position = 0; open.length > 0; position++) {
      const candidates = decoding.candidates();
      const advance = open.map((row, place) => {
        const choice = choose(rowOf(candidates, place), temperature, { key: asked[row]!.key, position });
        if (choice.kind === 'fault') throw new Error(`model: ${choice.why}`);
        completions[row]!.push(choice.token);
        const ended = policy.stopIds.includes(choice.token) || position + 1 === policy.maxTokens;
        return ended ? undefined : choice.token;
      });
      open = open.filter((_, place) => advance[place] !== undefined);
      if (open.length > 0) await decoding.advance(advance, signal);
    }
  } finally {
    decoding.release();
  }
  return completions.map((tokens) => Uint32Array.from(tokens));
}
