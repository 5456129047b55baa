// Owns: every reason for which a miner's manifest, file, rollout or a proof about them is refused. Does not own: the checks.

/**
 * Each is a function of the bytes, the window and the policy alone, so two validators who hold the same bytes name the same one:
 * the checks are made in the order of docs/rollouts/records.md and the first that fails is named. Nothing of the verifier's own
 * (time, memory, its libraries' complaints) is here.
 */
export const ROLLOUT_REASONS = {
  // the manifest
  'manifest-size': 'more than 4096 bytes',
  'manifest-malformed': 'not the one spelling of a signed manifest, version 1',
  'manifest-counts':
    'groups, forfeits, rollouts and tokens of the manifest cannot belong together under this policy',
  'manifest-signature': 'not signed by the hotkey it names',
  'other-chain': 'made for a chain with another first block',
  'other-netuid': 'made for another subnet',
  'other-window': 'made for another window',
  'other-hotkey': 'made by another hotkey than the one whose work is asked for',
  'other-checkpoint': "made on another checkpoint than the window's",
  'other-policy': "made under another policy than the window's",
  'other-commitment': 'not the manifest whose digest the hotkey has on the chain',
  'too-many-forfeits': 'more than one group in fifty was given up',
  equivocation: 'the hotkey signed another manifest for the same window',
  'over-quota': 'more rollouts, tokens or bytes than a miner may hand in for a window',
  // the file
  'file-bytes': 'not as long as the manifest says',
  'file-digest': 'not the file whose SHA-256 the manifest names',
  'file-header': 'does not begin as a file of rollouts whose codec is known',
  'file-budget':
    "declares more bytes than the manifest's counts can fill, or more than 50 for each compressed one",
  'file-stream': 'what is compressed is not one whole stream of exactly the declared length',
  'file-columns': 'not the one spelling of five columns with the counts of the manifest',
  'rollout-too-long': "a rollout has more tokens than the policy's maximum",
  'rollout-order':
    'rollouts are not in strictly ascending order of group and index: one is there twice, or misplaced',
  'group-beyond': 'a group that the manifest does not count',
  'group-forfeited': 'a group that the manifest gives up is in the file all the same',
  'group-missing': 'a group that was not given up is not in the file',
  'group-incomplete': 'a group has not every rollout from 0 to the last exactly once',
  'merkle-root': 'the rollouts are not those of the Merkle root',
  // one rollout: its group is as good as given up, the others stand
  'no-tokens': 'a rollout without a token',
  'outside-vocabulary': 'a token that the model does not have',
  'stop-inside': 'a stop id before the last token',
  'eos-without-stop': 'said to end by a stop id, but its last token is none',
  'cap-short': 'said to be cut at the maximum, but shorter',
  'cap-with-stop': 'said to be cut at the maximum, but its last token is a stop id',
  // proofs
  'path-malformed': 'not one canonical rollout with the siblings of its place',
  path: 'the rollout is not in the file of this manifest',
  'equivocation-malformed': 'not the one spelling of two signed manifests',
  'equivocation-none': 'the two manifests are one, or not of one hotkey, chain, subnet and window',
} as const;

export type RolloutReason = keyof typeof ROLLOUT_REASONS;

export interface Refusal {
  readonly kind: 'refused';
  readonly reason: RolloutReason;
}
export type Checked<T> = { readonly kind: 'ok'; readonly value: T } | Refusal;

export const refuse = (reason: RolloutReason): Refusal => ({ kind: 'refused', reason });
export const accept = <T>(value: T): Checked<T> => ({ kind: 'ok', value });
