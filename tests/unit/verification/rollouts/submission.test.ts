import { beforeAll, describe, expect, it } from 'vitest';
import { BYTE_VOCABULARY } from '../../../../src/inference/spec/byte-ids.js';
import { devKeypair, readyKeys, verifySignature } from '../../../../src/keys/keypair.js';
import type { Rollout } from '../../../../src/verification/rollouts/rollout.js';
import { readFile, readManifest, writeSubmission } from '../../../../src/verification/rollouts/submission.js';
import { BYTE_POLICY, digestOf, rolloutsOf, uniform, WINDOW } from '../../../support/rollout-files.js';

beforeAll(readyKeys);

const random = uniform('submissions');
const letters = () => Math.floor(random() * 256);
const rollouts = rolloutsOf(BYTE_POLICY, 50, random, letters, [20]);

const handIn = (name: string, given: readonly Rollout[] = rollouts, groups = 50, forfeits = [20]) => {
  const { publicKey: hotkey, sign } = devKeypair(name);
  const made = {
    window: WINDOW,
    policy: BYTE_POLICY,
    vocabulary: BYTE_VOCABULARY,
    profileDigest: digestOf('profile'),
  };
  return writeSubmission(given, { ...made, hotkey, groups, forfeits }, sign);
};
const readingOf = (name: string) => ({
  window: WINDOW,
  policy: BYTE_POLICY,
  hotkey: devKeypair(name).publicKey,
  vocabulary: BYTE_VOCABULARY,
  quota: 200,
});

describe('what a miner hands in', () => {
  it('is read as it was written', () => {
    const { signed, file } = handIn('alice');
    const reading = { ...readingOf('alice'), committed: signed.digest };
    const manifest = readManifest(signed.bytes, reading, verifySignature);
    if (manifest.kind === 'refused') throw new Error(manifest.reason);
    const read = readFile(file, manifest.value, reading);
    if (read.kind === 'refused') throw new Error(read.reason);
    expect(read.value.file.count).toBe(196);
    expect(read.value.invalid.size).toBe(0);
    expect(read.value.tree.root).toEqual(manifest.value.manifest.merkleRoot);
  });

  it("cannot be another miner's, neither its manifest nor its file", () => {
    const alice = handIn('alice');
    const bob = handIn('bob', rollouts.slice(0, 40), 10, []);
    expect(readManifest(alice.signed.bytes, readingOf('bob'), verifySignature)).toEqual({
      kind: 'refused',
      reason: 'other-hotkey',
    });
    expect(readFile(alice.file, bob.signed, readingOf('bob'))).toEqual({
      kind: 'refused',
      reason: 'file-bytes',
    });
    // the copied rollouts under a manifest of one's own are well-formed: that they are no work is the stream's to see
    const copy = handIn('bob');
    expect(readManifest(copy.signed.bytes, readingOf('bob'), verifySignature).kind).toBe('ok');
  });

  it('is not asked for when its manifest is over the quota or not the committed one', () => {
    const { signed } = handIn('alice');
    expect(readManifest(signed.bytes, { ...readingOf('alice'), quota: 195 }, verifySignature)).toEqual({
      kind: 'refused',
      reason: 'over-quota',
    });
    const committed = digestOf('another');
    expect(readManifest(signed.bytes, { ...readingOf('alice'), committed }, verifySignature)).toEqual({
      kind: 'refused',
      reason: 'other-commitment',
    });
  });

  it('is not signed when everybody would refuse it', () => {
    expect(() => handIn('alice', rollouts.slice(0, -1))).toThrow('got manifest-counts');
    expect(() => handIn('alice', rollouts, 50, [21])).toThrow('got group-forfeited');
    const endless = rollouts.map((rollout, i) =>
      i === 3 ? { ...rollout, tokens: Uint32Array.of(1, 2) } : rollout,
    );
    expect(() => handIn('alice', endless)).toThrow('rollout 3: expected tokens that end as they must');
  });
});
