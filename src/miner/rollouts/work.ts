// Owns: an honest miner's work for a window: its groups in order, until time or quota is over. Does not own: decoding
// (inference/generate.ts), records (verification/rollouts), the walk (run.ts).
import { decode, type Generated, type Step, streamChoice, type Wanted } from '../../inference/generate.js';
import type { LanguageModel } from '../../inference/language-model.js';
import type { Policy } from '../../inference/spec/policy.js';
import { profileDigest } from '../../inference/spec/profile.js';
import { promptSeed, streamRoot } from '../../inference/spec/stream.js';
import type { Keypair } from '../../keys/keypair.js';
import type { Clock } from '../../model/clock.js';
import type { Log } from '../../model/log.js';
import type { Environment } from '../../verification/environments/environment.js';
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

/** Completions as they end, of what is wanted, which is asked for when there is room: that it is means that it is begun. */
export type Make = (
  of: {
    readonly model: LanguageModel;
    readonly policy: Policy;
    /** of the window and the hotkey */
    readonly root: Uint8Array;
    readonly wanted: Iterable<Wanted>;
    readonly batch: number | undefined;
  },
  signal: AbortSignal,
) => AsyncIterable<Pick<Step, 'ended'>>;

const makeByStream: Make = ({ model, policy, root, wanted, batch }, signal) =>
  decode({ model, policy, choose: streamChoice(policy, root) }, wanted, { batch }, signal);

export interface WorkOptions {
  readonly policy: Policy;
  /** rollouts that may be handed in for one window */
  readonly quota: number;
  /** rows that are decoded together. @default 16 */
  readonly batch?: number | undefined;
}

/** A group that takes longer than those before it must still end in time: so much of the longest is kept back. */
const SPARE = 1.5;

/**
 * Groups are begun one after the other, for as long as the longest so far, and half of it, still fits. Groups are whole, and none is given
 * up: those before the first that was not done in time are handed in.
 */
export function createWork(parts: WorkParts, { policy, quota, batch }: WorkOptions): Work {
  const { environment, keypair, clock, log, make = makeByStream } = parts;
  const { rolloutsPerGroup } = policy;
  return async ({ context }, until, signal) => {
    const model = await parts.modelOf(context.checkpointDigest, signal);
    const root = streamRoot(context, keypair.publicKey);
    const most = Math.floor(quota / rolloutsPerGroup);
    /** by group, each as its rollouts ended */
    const done: Generated[][] = [];
    /** those that are not done, in the order in which they were begun */
    const begunAt = new Map<number, number>();
    let longestMs = 0;

    function* wanted(): Generator<Wanted> {
      for (let group = 0; group < most; group++) {
        const now = clock.now();
        const [oldest = now] = begunAt.values();
        if (now + SPARE * Math.max(longestMs, now - oldest) >= until) return;
        begunAt.set(group, now);
        const { prompt } = environment.task(promptSeed(root, group));
        for (let index = 0; index < rolloutsPerGroup; index++) yield { group, index, prompt };
      }
    }

    for await (const { ended } of make({ model, policy, root, wanted: wanted(), batch }, signal)) {
      const now = clock.now();
      if (now >= until) break;
      for (const one of ended) {
        done[one.group] ??= [];
        if (done[one.group].push(one) < rolloutsPerGroup) continue;
        longestMs = Math.max(longestMs, now - begunAt.get(one.group)!); // it was wanted
        begunAt.delete(one.group);
      }
    }
    const [unfinished] = begunAt.keys();
    if (unfinished !== undefined)
      log.warn('groups took longer than there was time: they are not handed in', {
        window: context.window,
        from: unfinished,
      });
    const groups = unfinished ?? done.length;
    if (groups === 0 || signal.aborted) return undefined;
    const { vocabulary, profile } = model;
    const work = { window: context, policy, hotkey: keypair.publicKey, groups, forfeits: [], vocabulary };
    return writeSubmission(
      done.slice(0, groups).flatMap((group) => group.sort((a, b) => a.index - b.index)),
      { ...work, profileDigest: profileDigest(profile) },
      keypair.sign,
    );
  };
}
