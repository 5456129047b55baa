// Owns: the example's miners: an honest one, and three who lie about tokens. Does not own: the work that all of them do (miner/rollouts),
// whether they are found (verification/rollouts).
import { decode, streamChoice } from '../../src/inference/generate.js';
import type { LanguageModel } from '../../src/inference/language-model.js';
import type { Policy } from '../../src/inference/spec/policy.js';
import { promptSeed, streamRoot } from '../../src/inference/spec/stream.js';
import type { WindowContext } from '../../src/inference/spec/window.js';
import type { Keypair } from '../../src/keys/keypair.js';
import { createWork, type Make } from '../../src/miner/rollouts/work.js';
import { systemClock } from '../../src/model/clock.js';
import { silentLog } from '../../src/model/log.js';
import type { Environment } from '../../src/verification/environments/environment.js';
import type { Submission } from '../../src/verification/rollouts/submission.js';
import { type Noting, noting } from './rollouts.js';
import { answerOf } from './train.js';

export const MINER_KINDS = ['honest', 'stale', 'cold', 'steered'] as const;
/** `stale`: the checkpoint of the window before; `cold`: temperature 0.7; `steered`: the right answer, whatever the stream says */
export type MinerKind = (typeof MINER_KINDS)[number];

const COLD = '0.7';
/** Rows that are decoded together. */
const BATCH = 256;

export interface MinersParts {
  readonly environment: Environment;
  readonly keypair: Keypair;
  readonly party: { modelOf(digest: Uint8Array, signal: AbortSignal): Promise<LanguageModel> };
}

export interface Made {
  readonly submission: Submission;
  /** what its own engine thought; it stays with the miner */
  readonly likelihoods: Noting['likelihoods'];
}

export function createMinersWork(does: MinerKind, { environment, keypair, party }: MinersParts) {
  let before: Uint8Array | undefined;
  return async (
    { context, policy, quota }: { context: WindowContext; policy: Policy; quota: number },
    signal: AbortSignal,
  ): Promise<Made> => {
    const current = context.checkpointDigest;
    const used = does === 'stale' && before ? before : current;
    before = current;
    const sampled = does === 'cold' ? { ...policy, temperature: COLD } : policy;
    const { choose, likelihoods } = noting(
      policy,
      streamChoice(sampled, streamRoot(context, keypair.publicKey)),
    );
    const byStream: Make = ({ model, wanted, batch }, aborted) =>
      decode({ model, policy, choose }, wanted, { batch }, aborted);
    async function* byAnswer({ root, wanted }: Parameters<Make>[0]): ReturnType<Make> {
      for (const { group, index } of wanted) {
        const tokens = Uint32Array.from(answerOf(environment.task(promptSeed(root, group))));
        yield { ended: [{ group, index, stop: 'eos', tokens }] };
      }
    }
    const work = createWork(
      {
        modelOf: (_, aborted) => party.modelOf(used, aborted),
        environment,
        keypair,
        clock: systemClock,
        log: silentLog,
        make: does === 'steered' ? byAnswer : byStream,
      },
      { policy, quota, batch: BATCH },
    );
    const submission = await work({ context }, Number.POSITIVE_INFINITY, signal);
    if (!submission) throw new Error('a miner without rollouts');
    return { submission, likelihoods };
  };
}
