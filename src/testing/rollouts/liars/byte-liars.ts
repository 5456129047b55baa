// Owns: liars whose bytes are not in order: refused, or a rollout is, before any model is asked. Does not own: those of tokens
// (token-liars.ts).
import { deflateSync } from 'node:zlib';
import { concat, u32le, utf8 } from '../../../model/bytes.js';
import { MAX_FILE_TOKENS, MAX_MANIFEST_BYTES, MAX_RATIO } from '../../../verification/rollouts/limits.js';
import type { RolloutReason } from '../../../verification/rollouts/reasons.js';
import { treeOf } from '../../../verification/rollouts/record.js';
import type { Rollout } from '../../../verification/rollouts/rollout.js';
import type { RolloutLiar } from './liar.js';
import { type HandedIn, handIn, handInAnyway, type Mining, mine } from './window.js';

const liar = (
  name: string,
  lie: string,
  caughtBy: readonly RolloutReason[],
  make: (mining: Mining, honest: readonly Rollout[], signal: AbortSignal) => HandedIn | Promise<HandedIn>,
): RolloutLiar => ({
  name,
  lie,
  caughtBy,
  of: 'bytes',
  make: async (mining, signal) => make(mining, await mine(mining, {}, signal), signal),
});

const edited = (
  name: string,
  lie: string,
  reason: RolloutReason,
  edit: (rollouts: readonly Rollout[], mining: Mining) => readonly Rollout[],
): RolloutLiar => liar(name, lie, [reason], (mining, honest) => handInAnyway(mining, edit(honest, mining)));

const claiming = (
  name: string,
  lie: string,
  reason: RolloutReason,
  said: (mining: Mining, honest: readonly Rollout[]) => Parameters<typeof handInAnyway>[2],
): RolloutLiar =>
  liar(name, lie, [reason], (mining, honest) => handInAnyway(mining, honest, said(mining, honest)));

/** A file's head (docs/rollouts/records.md) before a body of one's own. */
const fileOf = (frameBytes: number, body: Uint8Array): Uint8Array =>
  concat(utf8('assay/rollouts/file/1'), Uint8Array.of(1), u32le(frameBytes), body);

/** Deflate makes a thousandth of zeros. */
const BOMB_BYTES = 4 << 20;

const first = (rollouts: readonly Rollout[], change: (rollout: Rollout) => Rollout): readonly Rollout[] =>
  rollouts.map((rollout, i) => (i === 0 ? change(rollout) : rollout));

const flipped = (bytes: Uint8Array): Uint8Array => {
  // a copy of a Buffer too, whose slice is a view
  const out = Uint8Array.from(bytes);
  out[out.length - 1]! ^= 1;
  return out;
};

export const byteLiars: readonly RolloutLiar[] = [
  edited('eos-padded', 'writes the stop id on to the maximum', 'stop-inside', (rollouts, { policy }) =>
    rollouts.map((rollout) => {
      const tokens = new Uint32Array(policy.maxTokens).fill(policy.stopIds[0]!);
      tokens.set(rollout.tokens);
      tokens[tokens.length - 1] = policy.stopIds[0]!;
      return { ...rollout, stop: 'eos' as const, tokens };
    }),
  ),
  liar('group-dropped', 'leaves out a group, and counts one less', ['group-missing'], (mining, honest) =>
    handInAnyway(
      mining,
      honest.filter(({ group }) => group !== 1),
    ),
  ),
  claiming('group-forfeited', 'gives up a group of few', 'too-many-forfeits', (mining, honest) => ({
    groups: honest.length / mining.policy.rolloutsPerGroup + 1,
    forfeits: [honest.length / mining.policy.rolloutsPerGroup],
  })),
  liar('swapped-file', 'serves another file than the signed one', ['file-digest'], (mining, honest) => {
    const handed = handIn(mining, honest);
    return { ...handed, file: flipped(handed.file) };
  }),
  liar(
    'swapped-manifest',
    'commits to one manifest, and hands in another when it knows more',
    ['other-commitment'],
    (mining, honest) => ({
      ...handInAnyway(mining, honest, { profileDigest: new Uint8Array(32) }),
      committed: handIn(mining, honest).committed,
    }),
  ),
  claiming('zip-bomb', 'declares a thousand bytes for each one of its file', 'file-budget', () => ({
    file: fileOf(BOMB_BYTES, deflateSync(new Uint8Array(BOMB_BYTES))),
  })),
  claiming('hidden-zip-bomb', 'declares few bytes, and inflates to many', 'file-stream', () => {
    // a kilobyte of a thousand: a longer file than its counts can fill is not even fetched
    const body = deflateSync(new Uint8Array(2 ** 20));
    return { file: fileOf(Math.min(64, MAX_RATIO * body.length), body) };
  }),
  liar('oversized-manifest', 'hands in a manifest without end', ['manifest-size'], (mining, honest) => {
    const handed = handIn(mining, honest);
    return { ...handed, manifest: concat(handed.manifest, new Uint8Array(MAX_MANIFEST_BYTES)) };
  }),
  claiming('oversized-file', 'signs for more tokens than a file may hold', 'over-quota', () => ({
    tokens: MAX_FILE_TOKENS + 1,
  })),
  edited(
    'long-rollout',
    'goes beyond the maximum in one rollout',
    'rollout-too-long',
    (rollouts, { policy }) =>
      rollouts.map((rollout, i) =>
        i === 0
          ? { ...rollout, stop: 'cap' as const, tokens: new Uint32Array(policy.maxTokens + 1) }
          : { ...rollout, tokens: rollout.tokens.subarray(0, Math.max(1, rollout.tokens.length - 1)) },
      ),
  ),
  liar('malformed-manifest', 'adds a byte to the manifest', ['manifest-malformed'], (mining, honest) => {
    const handed = handIn(mining, honest);
    return { ...handed, manifest: concat(handed.manifest, Uint8Array.of(0)) };
  }),
  claiming('malformed-file', 'compresses what is no columns', 'file-columns', () => {
    const frame = utf8('["not", "columns"]');
    return { file: fileOf(frame.length, deflateSync(frame)) };
  }),
  claiming('headless-file', 'hands in a file of another format', 'file-header', () => ({
    file: utf8('PAR1'.repeat(16)),
  })),
  edited('duplicated', 'has one rollout twice', 'rollout-order', (rollouts) => [
    rollouts[0]!,
    rollouts[0]!,
    ...rollouts.slice(2),
  ]),
  edited(
    'beyond-vocabulary',
    'writes an id that the model does not have',
    'outside-vocabulary',
    (rollouts, mining) =>
      first(rollouts, (rollout) => ({
        ...rollout,
        tokens: rollout.tokens.with(0, mining.model.vocabulary),
      })),
  ),
  edited('empty-rollout', 'hands in a rollout without a token', 'no-tokens', (rollouts) =>
    first(rollouts, (rollout) => ({ ...rollout, tokens: new Uint32Array(0) })),
  ),
  claiming('other-root', 'signs the Merkle root of other rollouts', 'merkle-root', (_, honest) => ({
    merkleRoot: treeOf(honest.slice(1), honest.length - 1).root,
  })),
  claiming('other-window', 'hands in the window before once more', 'other-window', ({ window }) => ({
    window: window.window + 1,
  })),
  claiming('other-chain', "hands in another chain's window", 'other-chain', ({ window }) => ({
    genesis: flipped(window.genesis),
  })),
  claiming('other-netuid', "hands in another subnet's window", 'other-netuid', ({ window }) => ({
    netuid: window.netuid + 1,
  })),
  claiming('other-checkpoint', 'names another checkpoint', 'other-checkpoint', ({ window }) => ({
    checkpointDigest: flipped(window.checkpointDigest),
  })),
  claiming('other-policy', 'names another policy', 'other-policy', ({ window }) => ({
    policyDigest: flipped(window.policyDigest),
  })),
  liar(
    'others-file',
    "hands in another miner's file with its manifest",
    ['other-hotkey'],
    async (mining, _, signal) => {
      const theirs = { ...mining, key: mining.victim };
      return handIn(theirs, await mine(theirs, {}, signal));
    },
  ),
  liar('forged', "signs with one key for another's hotkey", ['manifest-signature'], (mining, honest) =>
    handInAnyway({ ...mining, key: { ...mining.key, sign: mining.victim.sign } }, honest),
  ),
];
