// Owns: miners that lie about a window of rollouts, and the honest one they are told from: each a way to work. Does not own: the
// walk through windows (miner/rollouts), which is the same for all; whether they are caught (verification/rollouts).
import { type Generated, generate, streamChoice, type Wanted } from '../../inference/generate.js';
import type { LanguageModel } from '../../inference/language-model.js';
import { promptSeed } from '../../inference/spec/stream.js';
import { taggedHash } from '../../inference/spec/tagged.js';
import type { Work } from '../../miner/rollouts/run.js';
import { createWork, type Make, type WorkOptions, type WorkParts } from '../../miner/rollouts/work.js';
import { u32le } from '../../model/bytes.js';
import type { Rollout } from '../../verification/rollouts/rollout.js';
import { writeSubmission } from '../../verification/rollouts/submission.js';

export const ROLLOUT_MINERS = ['honest', 'best-of-n', 'stale', 'int8', 'copies'] as const;
export type RolloutMinerKind = (typeof ROLLOUT_MINERS)[number];

export const WHAT_IT_DOES: Readonly<Record<RolloutMinerKind, string>> = {
  honest: 'generates what its stream demands',
  'best-of-n': 'samples every rollout four times without its stream and hands in the best graded',
  stale: "runs the checkpoint before the window's",
  int8: 'runs the weights rounded to 8 bits',
  copies: "hands in another miner's rollouts under its own name",
};

export interface LiarParts extends WorkParts {
  /** of the checkpoint before; for `stale` */
  readonly staleModel: (checkpointDigest: Uint8Array) => Promise<LanguageModel>;
  /** for `int8` */
  readonly int8Model: (checkpointDigest: Uint8Array) => Promise<LanguageModel>;
  /** what another miner has for the window by now, if it has; for `copies` */
  readonly victims: (window: number) => Promise<readonly Rollout[] | undefined>;
}

export function workOf(kind: RolloutMinerKind, parts: LiarParts, options: WorkOptions): Work {
  switch (kind) {
    case 'honest':
      return createWork(parts, options);
    case 'best-of-n':
      return createWork({ ...parts, make: bestOf(4, parts) }, options);
    case 'stale':
      return createWork({ ...parts, modelOf: parts.staleModel }, options);
    case 'int8':
      return createWork({ ...parts, modelOf: parts.int8Model }, options);
    case 'copies':
      return copy(parts, options);
  }
}

/** Each sample on a stream of its own, the best kept: a reward that was selected, not earned. */
const bestOf = (samples: number, { environment }: Pick<WorkParts, 'environment'>): Make =>
  async function* ({ model, policy, root, wanted, batch = 16 }, signal) {
    const queue = wanted[Symbol.iterator]();
    for (;;) {
      const some: Wanted[] = [];
      for (let next = queue.next(); !next.done; next = queue.next())
        if (some.push(next.value) === batch) break;
      if (some.length === 0) return;
      const best: { readonly made: Generated; readonly reward: number }[] = [];
      for (let sample = 0; sample < samples; sample++) {
        const choose = streamChoice(policy, taggedHash('best-of-n', root, u32le(sample)));
        for (const [i, made] of (
          await generate({ model, policy, choose }, some, { batch }, signal)
        ).entries()) {
          const task = environment.task(promptSeed(root, made.group));
          const grade = await environment.grade(task, made.tokens, signal);
          const reward = grade.kind === 'graded' ? grade.rewardMillis : 0;
          if (reward > (best[i]?.reward ?? -1)) best[i] = { made, reward };
        }
      }
      yield { ended: best.map(({ made }) => made) };
    }
  };

/** How often a copier looks whether its victim has committed. */
const LOOK_MS = 250;

const copy =
  ({ victims, modelOf, keypair, clock }: LiarParts, { policy }: WorkOptions): Work =>
  async ({ context }, until, signal) => {
    const { vocabulary } = await modelOf(context.checkpointDigest, signal);
    while (clock.now() < until && !signal.aborted) {
      const rollouts = await victims(context.window);
      if (rollouts && rollouts.length > 0) {
        const groups = new Set(rollouts.map(({ group }) => group)).size;
        const work = { window: context, policy, hotkey: keypair.publicKey, groups, forfeits: [], vocabulary };
        return writeSubmission(rollouts, { ...work, profileDigest: new Uint8Array(32) }, keypair.sign);
      }
      await clock.sleep(LOOK_MS, signal);
    }
    return undefined;
  };
