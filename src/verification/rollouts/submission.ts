// Owns: what a miner hands in for a window, written and read: manifest and file, each check in its order. Does not own: fetching
// them, the chain, the audit of what was read.
import type { Policy } from '../../inference/spec/policy.js';
import type { WindowContext } from '../../inference/spec/window.js';
import { sha256 } from '../../model/hash.js';
import { decodeFile, encodeFile, mostFileBytes, type RolloutFile } from './file.js';
import { bindManifest, openManifest, type SignedManifest, signManifest, type Verify } from './manifest.js';
import { accept, type Checked, refuse } from './reasons.js';
import { treeOf } from './record.js';
import type { Rollout } from './rollout.js';
import { checkCounts, checkStructure, type Structure } from './structure.js';

export interface Submission {
  readonly signed: SignedManifest;
  readonly file: Uint8Array;
}

/**
 * @param rollouts whole groups in ascending order of group and index; a last group that was not finished is left out
 * @param work groups that were begun in order (all but the forfeits are in `rollouts`), by whom and on what
 * @throws RangeError for rollouts that are no whole groups: a bug of the caller, which would be refused everywhere
 */
export function writeSubmission(
  rollouts: readonly Rollout[],
  work: {
    readonly window: WindowContext;
    readonly policy: Policy;
    readonly hotkey: Uint8Array;
    readonly profileDigest: Uint8Array;
    readonly groups: number;
    readonly forfeits: readonly number[];
    readonly vocabulary: number;
  },
  sign: (bytes: Uint8Array) => Uint8Array,
): Submission {
  const { window, policy, hotkey, profileDigest, groups, forfeits } = work;
  const file = encodeFile(rollouts);
  const manifest = {
    version: 1,
    genesis: window.genesis,
    netuid: window.netuid,
    window: window.window,
    hotkey,
    checkpointDigest: window.checkpointDigest,
    policyDigest: window.policyDigest,
    profileDigest,
    groups,
    forfeits,
    rollouts: rollouts.length,
    tokens: rollouts.reduce((sum, { tokens }) => sum + tokens.length, 0),
    fileBytes: file.length,
    fileSha256: sha256(file),
    merkleRoot: treeOf(rollouts, rollouts.length).root,
  } as const;
  // read as a validator will, before a signature stands under it
  const expected = { ...manifest, maxTokens: policy.maxTokens };
  const counts = checkCounts(manifest, policy, rollouts.length);
  const columns = counts.kind === 'ok' ? decodeFile(file, expected) : counts;
  const read =
    columns.kind === 'ok' ? checkStructure(columns.value, manifest, policy, work.vocabulary) : columns;
  if (read.kind === 'refused') throw new RangeError(`rollouts: expected whole groups, got ${read.reason}`);
  for (const [place, reason] of read.value.invalid)
    throw new RangeError(`rollout ${place}: expected tokens that end as they must, got ${reason}`);
  return { signed: signManifest(manifest, sign), file };
}

/** What a validator knows before it looks. */
export interface Reading {
  readonly window: WindowContext;
  readonly policy: Policy;
  readonly hotkey: Uint8Array;
  /** the digest on the chain; absent where there is none to hold it against */
  readonly committed?: Uint8Array;
  /** tokens of the model */
  readonly vocabulary: number;
  /** rollouts that a miner may hand in for one window */
  readonly quota: number;
}

/** What is said of the file is checked before it is fetched: a manifest asks for no more than its window allows. Never throws. */
export function readManifest(bytes: Uint8Array, reading: Reading, verify: Verify): Checked<SignedManifest> {
  const signed = openManifest(bytes, verify);
  if (signed.kind === 'refused') return signed;
  const bound = bindManifest(signed.value, reading);
  if (bound.kind === 'refused') return bound;
  const counts = checkCounts(bound.value, reading.policy, reading.quota);
  if (counts.kind === 'refused') return counts;
  return signed.value.manifest.fileBytes > mostFileBytes(signed.value.manifest, reading.vocabulary)
    ? refuse('file-budget')
    : signed;
}

export interface ReadRollouts extends Structure {
  readonly file: RolloutFile;
}

/** Throws for no bytes, as decodeFile. @param signed as readManifest returned it with the same `reading` */
export function readFile(bytes: Uint8Array, signed: SignedManifest, reading: Reading): Checked<ReadRollouts> {
  const { manifest } = signed;
  const file = decodeFile(bytes, { ...manifest, maxTokens: reading.policy.maxTokens });
  if (file.kind === 'refused') return file;
  const structure = checkStructure(file.value, manifest, reading.policy, reading.vocabulary);
  return structure.kind === 'refused' ? structure : accept({ file: file.value, ...structure.value });
}
