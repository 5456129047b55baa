// Owns: whether a manifest's counts can be true, whether a file is what its manifest says: whole groups, in order, of the signed
// root. Does not own: its bytes (file.ts), whether its tokens are the stream's (the audit).
import type { Policy } from '../../inference/spec/policy.js';
import { equals } from '../../model/bytes.js';
import { type RolloutFile, rolloutAt, rolloutsOf } from './file.js';
import { GROUPS_PER_FORFEIT, MAX_FILE_BYTES, MAX_FILE_ROLLOUTS, MAX_FILE_TOKENS } from './limits.js';
import { accept, type Checked, type Refusal, type RolloutReason, refuse } from './reasons.js';
import { type RolloutTree, treeOf } from './record.js';
import type { Manifest } from './rollout.js';
import { tokensWrong } from './stop.js';

/** Asked before the file is fetched. @param quota rollouts that a miner may hand in for one window */
export function checkCounts(
  manifest: Manifest,
  policy: Pick<Policy, 'maxTokens' | 'rolloutsPerGroup'>,
  quota: number,
): Checked<Manifest> {
  const { groups, forfeits, rollouts, tokens, fileBytes } = manifest;
  if (rollouts > Math.min(quota, MAX_FILE_ROLLOUTS) || tokens > MAX_FILE_TOKENS || fileBytes > MAX_FILE_BYTES)
    return refuse('over-quota');
  if (forfeits.length * GROUPS_PER_FORFEIT > groups) return refuse('too-many-forfeits');
  if (
    rollouts === 0 ||
    rollouts !== (groups - forfeits.length) * policy.rolloutsPerGroup ||
    tokens > rollouts * policy.maxTokens
  )
    return refuse('manifest-counts');
  return accept(manifest);
}

export interface Structure {
  readonly tree: RolloutTree;
  /** by place in the file */
  readonly invalid: ReadonlyMap<number, RolloutReason>;
  /**
   * Groups of those, ascending: as good as given up (paid.ts). An honest writer makes none, and were they free, an empty rollout
   * would do what a forfeit costs two groups for: choose which prompts are worked on, and what is trained on.
   */
  readonly broken: ReadonlySet<number>;
}

/** @param file decoded with the counts of `manifest`, which checkCounts accepted */
export function checkStructure(
  file: RolloutFile,
  manifest: Manifest,
  policy: Policy,
  vocabulary: number,
): Checked<Structure> {
  const refusal = groupsWrong(file, manifest, policy.rolloutsPerGroup);
  if (refusal) return refusal;
  const tree = treeOf(rolloutsOf(file), file.count);
  if (!equals(tree.root, manifest.merkleRoot)) return refuse('merkle-root');
  const invalid = new Map<number, RolloutReason>();
  const broken = new Set<number>();
  for (let place = 0; place < file.count; place++) {
    const rollout = rolloutAt(file, place);
    const why = tokensWrong(rollout, policy, vocabulary);
    if (!why) continue;
    invalid.set(place, why);
    broken.add(rollout.group);
  }
  return accept({ tree, invalid, broken });
}

/** Walks the rollouts beside the groups that must be there; the first place that differs decides. */
function groupsWrong(file: RolloutFile, manifest: Manifest, perGroup: number): Refusal | undefined {
  const { groups, indices, count } = file;
  const forfeits = new Set(manifest.forfeits);
  let group = 0;
  let index = 0;
  for (let place = 0; place < count; place++) {
    const at = groups[place]!;
    const ordered = place === 0 || at > groups[place - 1]! || indices[place]! > indices[place - 1]!;
    // groups never descend: the columns hold their steps
    if (!ordered) return refuse('rollout-order');
    if (at >= manifest.groups) return refuse('group-beyond');
    if (forfeits.has(at)) return refuse('group-forfeited');
    while (forfeits.has(group)) group++;
    if (at !== group)
      return refuse(index > 0 ? 'group-incomplete' : at > group ? 'group-missing' : 'group-incomplete');
    if (indices[place] !== index) return refuse('group-incomplete');
    if (++index === perGroup) {
      index = 0;
      group++;
    }
  }
  if (index > 0) return refuse('group-incomplete');
  while (forfeits.has(group)) group++;
  return group < manifest.groups ? refuse('group-missing') : undefined;
}
