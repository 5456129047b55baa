// Owns: what every miner of the liars' room begins with: its groups, the honest way to make them, the bytes handed in. Does not own:
// lies (liars.ts), who judges (meet.ts).
import { type Choose, generate, streamChoice, type Wanted } from '../../../inference/generate.js';
import type { LanguageModel } from '../../../inference/language-model.js';
import { type Policy, policyDigest } from '../../../inference/spec/policy.js';
import { profileDigest } from '../../../inference/spec/profile.js';
import { promptSeed, streamRoot } from '../../../inference/spec/stream.js';
import { taggedHash } from '../../../inference/spec/tagged.js';
import type { WindowContext } from '../../../inference/spec/window.js';
import type { Keypair } from '../../../keys/keypair.js';
import { u32le, utf8 } from '../../../model/bytes.js';
import { sha256 } from '../../../model/hash.js';
import type { Environment } from '../../../verification/environments/environment.js';
import { encodeFile } from '../../../verification/rollouts/file.js';
import { signManifest } from '../../../verification/rollouts/manifest.js';
import { treeOf } from '../../../verification/rollouts/record.js';
import type { Manifest, Rollout } from '../../../verification/rollouts/rollout.js';
import { writeSubmission } from '../../../verification/rollouts/submission.js';

/** What liars may run in place of the window's checkpoint. */
export const SUBSTITUTES = ['int8', 'int4', 'stale-1', 'stale-2', 'stale-5', 'stale-10'] as const;
export type Substitute = (typeof SUBSTITUTES)[number];

export interface Mining {
  /** the window's checkpoint */
  readonly model: LanguageModel;
  readonly substitutes: Partial<Readonly<Record<Substitute, LanguageModel>>>;
  readonly environment: Environment;
  readonly policy: Policy;
  readonly window: WindowContext;
  readonly key: Pick<Keypair, 'publicKey' | 'sign'>;
  /** whose work is there to be taken */
  readonly victim: Pick<Keypair, 'publicKey' | 'sign'>;
  readonly groups: number;
  /** rows that are decoded together. @default 64 */
  readonly batch?: number;
}

export interface HandedIn {
  readonly manifest: Uint8Array;
  /** digest on the chain */
  readonly committed: Uint8Array;
  readonly file: Uint8Array;
}

/** A window of a corpus: everything of it hangs on the seed and the number. */
export const corpusWindow = (
  seed: string,
  window: number,
  of: { readonly policy: Policy; readonly checkpointDigest: Uint8Array },
): WindowContext => ({
  beacon: {
    kind: 'dev-chain',
    round: BigInt(2 * window),
    signature: taggedHash('corpus', utf8(seed), u32le(window)),
  },
  genesis: taggedHash('corpus-chain', utf8(seed)),
  netuid: 1,
  window,
  checkpointDigest: of.checkpointDigest,
  policyDigest: policyDigest(of.policy),
});

/** What a miner may do otherwise than it should. */
export interface Deviation {
  readonly model?: LanguageModel;
  /** a stream of one's own, in place of the window's */
  readonly root?: Uint8Array;
  readonly key?: Mining['key'];
  readonly policy?: Policy;
  readonly choose?: (honest: Choose) => Choose;
  /** which group's prompt is answered in the place of a group */
  readonly promptGroup?: (group: number) => number;
  readonly groups?: number;
}

/** All groups by the window's stream, but for the deviation. */
export async function mine(
  mining: Mining,
  deviation: Deviation,
  signal: AbortSignal,
): Promise<readonly Rollout[]> {
  const { window, environment } = mining;
  const { model = mining.model, key = mining.key, policy = mining.policy } = deviation;
  const { groups = mining.groups, promptGroup = (group) => group, choose = (honest) => honest } = deviation;
  const own = streamRoot(window, key.publicKey);
  const { root = own } = deviation;
  const wanted = Array.from({ length: groups }, (_, group) => {
    const { prompt } = environment.task(promptSeed(own, promptGroup(group)));
    return Array.from({ length: policy.rolloutsPerGroup }, (_, index): Wanted => ({ group, index, prompt }));
  }).flat();
  const parts = { model, policy, choose: choose(streamChoice(policy, root)) };
  return generate(parts, wanted, { batch: mining.batch ?? 64 }, signal);
}

/** As honest miners write it. @throws RangeError for rollouts that would be refused */
export function handIn(mining: Mining, rollouts: readonly Rollout[], key = mining.key): HandedIn {
  const { window, policy, model } = mining;
  const groups = rollouts.length / policy.rolloutsPerGroup;
  const work = { window, policy, hotkey: key.publicKey, groups, forfeits: [], vocabulary: model.vocabulary };
  const { signed, file } = writeSubmission(
    rollouts,
    { ...work, profileDigest: profileDigest(model.profile) },
    key.sign,
  );
  return { manifest: signed.bytes, committed: signed.digest, file };
}

/** Without a look at what is handed in: what the manifest says is that of the rollouts, or of `said`. */
export function handInAnyway(
  mining: Mining,
  rollouts: readonly Rollout[],
  said: Partial<Manifest> & { readonly file?: Uint8Array } = {},
): HandedIn {
  const { window, policy, key, model } = mining;
  const { file = encodeFile(rollouts), ...fields } = said;
  const manifest: Manifest = {
    version: 1,
    genesis: window.genesis,
    netuid: window.netuid,
    window: window.window,
    hotkey: key.publicKey,
    checkpointDigest: window.checkpointDigest,
    policyDigest: window.policyDigest,
    profileDigest: profileDigest(model.profile),
    groups: rollouts.length / policy.rolloutsPerGroup,
    forfeits: [],
    rollouts: rollouts.length,
    tokens: rollouts.reduce((sum, { tokens }) => sum + tokens.length, 0),
    fileBytes: file.length,
    fileSha256: sha256(file),
    merkleRoot: treeOf(rollouts, rollouts.length).root,
    ...fields,
  };
  const signed = signManifest(manifest, key.sign);
  return { manifest: signed.bytes, committed: signed.digest, file };
}
