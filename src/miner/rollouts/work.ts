// Owns: an honest miner's work for a window: its groups in order, in batches, until time or quota is over. Does not own: decoding
// (inference/generate.ts), records (verification/rollouts), the walk (run.ts).
import { type Generated, generate, streamChoice, type Wanted } from '../../inference/generate.js';
import type { LanguageModel } from '../../inference/language-model.js';
import type { Policy } from '../../inference/spec/policy.js';
import { profileDigest } from '../../inference/spec/profile.js';
import { promptSeed, streamRoot } from '../../inference/spec/stream.js';
import type { Keypair } from '../../keys/keypair.js';
import type { Clock } from '../../model/clock.js';
import type { Log } from '../../model/log.js';
import type { Environment } from '../../verification/environments/environment.js';
import type { Rollout } from '../../verification/rollouts/rollout.js';
import { writeSubmission } from '../../verification/rollouts/submission.js';
import type { Work } from './run.js';

export interface WorkParts {
  /** The model of a checkpoint; the same one again for the same digest. */
  readonly modelOf: (checkpointDigest: Uint8Array, signal: AbortSignal) => Promise<LanguageModel>;
  readonly environment: Environment;
  readonly keypair: Keypair;
  readonly clock: Clock;
  readonly log: Log;
  /** @default each token by the race of the window's stream */
  readonly make?: Make | undefined;
}

/** Completions of one batch, as wanted. */
export type Make = (
  batch: {
    readonly model: LanguageModel;
    readonly policy: Policy;
    /** of the window and the hotkey */
    readonly root: Uint8Array;
    readonly wanted: readonly Wanted[];
  },
  signal: AbortSignal,
) => Promise<readonly Generated[]>;

const makeByStream: Make = ({ model, policy, root, wanted }, signal) =>
  generate({ model, policy, choose: streamChoice(policy, root) }, wanted, { batch: wanted.length }, signal);

export interface WorkOptions {
  readonly policy: Policy;
  /** rollouts that may be handed in for one window */
  readonly quota: number;
  /** rows that are decoded together. @default 16 */
  readonly batch?: number | undefined;
}

/** A batch that takes longer than those before it must still end in time: so much of the longest is kept back. */
const SPARE = 1.5;

/**
 * Groups are begun while the longest batch so far, and half of it, still fits. What a batch did not finish in time is not handed in;
 * groups are whole, and none is given up.
 */
export function createWork(parts: WorkParts, { policy, quota, batch = 16 }: WorkOptions): Work {
  const { environment, keypair, clock, log, make = makeByStream } = parts;
  const { rolloutsPerGroup } = policy;
  const perBatch = Math.max(1, Math.floor(batch / rolloutsPerGroup));
  return async ({ context }, until, signal) => {
    const model = await parts.modelOf(context.checkpointDigest, signal);
    const root = streamRoot(context, keypair.publicKey);
    const most = Math.floor(quota / rolloutsPerGroup);
    const rollouts: Rollout[] = [];
    let groups = 0;
    let longestMs = 0;
    while (groups < most && !signal.aborted) {
      const begun = clock.now();
      if (begun + SPARE * longestMs >= until) break;
      const count = Math.min(perBatch, most - groups);
      const wanted = Array.from({ length: count }, (_, i) => groups + i).flatMap((group) => {
        const { prompt } = environment.task(promptSeed(root, group));
        return Array.from({ length: rolloutsPerGroup }, (_, index): Wanted => ({ group, index, prompt }));
      });
      const made = await make({ model, policy, root, wanted }, signal);
      const now = clock.now();
      longestMs = Math.max(longestMs, now - begun);
      if (now >= until) {
        log.warn('a batch took longer than there was time: it is not handed in', { window: context.window });
        break;
      }
      rollouts.push(...made);
      groups += count;
    }
    if (groups === 0 || signal.aborted) return undefined;
    const { vocabulary, profile } = model;
    const work = { window: context, policy, hotkey: keypair.publicKey, groups, forfeits: [], vocabulary };
    return writeSubmission(rollouts, { ...work, profileDigest: profileDigest(profile) }, keypair.sign);
  };
}
