import { describe, expect, test } from 'vitest';
import { createReferenceCompute } from '../../../../src/compute/cpu/reference.js';
import { contentLeaf, segmentMessage, segmentTree } from '../../../../src/compute/spec/link.js';
import { concat } from '../../../../src/model/bytes.js';
import { ed25519FromSeed } from '../../../../src/model/ed25519.js';
import { sha256 } from '../../../../src/model/hash.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { verdictToString } from '../../../../src/model/verdict.js';
import { instantRound } from '../../../../src/testing/liars/bandwidth.js';
import { blame, type Complaint } from '../../../../src/verification/kinds/bandwidth/blame.js';
import {
  decodeOpening,
  encodeCommit,
  encodeOpening,
  encodeRequest,
} from '../../../../src/verification/kinds/bandwidth/codec.js';
import { bandwidthProof } from '../../../../src/verification/kinds/bandwidth/index.js';
import { paramsByClass } from '../../../../src/verification/kinds/bandwidth/params.js';
import { NoSecret } from '../../../../src/verification/no-secret.js';
import { UNHURRIED } from '../../../../src/verification/proof.js';

const of = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const source = ed25519FromSeed(of(1));
const key = of(2);
const ticket = of(3);

/** Leaf 5 of a source whose segments have four: the second leaf of the second segment; `sent` is what the source signed. */
function complaint(sent: (leaf: number) => Uint8Array, changes: Partial<Complaint> = {}): Complaint {
  const digests = [4, 5, 6, 7].map((leaf) => sha256(sent(leaf)));
  const tree = segmentTree(concat(...digests));
  const path = new Uint8Array(64);
  tree.path(1, path, 0);
  const signature = source.sign(segmentMessage(ticket, 1, tree.root));
  const linkKey = source.publicKey;
  return { ticket, linkKey, key, segmentLeaves: 4, leaf: 5, digest: digests[1], path, signature, ...changes };
}
const honest = (leaf: number) => contentLeaf(key, leaf);
const garbage = (leaf: number) => honest(leaf).map((byte) => byte ^ 1);

describe('blame', () => {
  test('is the source’s when it signed what its key does not give', () => {
    expect(blame(complaint(garbage))).toBe('source');
    expect(blame(complaint((leaf) => (leaf === 5 ? garbage(leaf) : honest(leaf))))).toBe('source');
    // its own content, of other places
    expect(blame(complaint((leaf) => honest(leaf + 1)))).toBe('source');
  });

  test('is the receiver’s when the source signed the right leaf', () => {
    expect(blame(complaint(honest))).toBe('receiver');
    expect(blame(complaint((leaf) => (leaf === 4 ? garbage(leaf) : honest(leaf))))).toBe('receiver');
  });

  test('is nobody’s without the source’s signature over this segment of this ticket', () => {
    const wrong = complaint(garbage);
    const others: Partial<Complaint>[] = [
      { ticket: of(9) },
      { linkKey: ed25519FromSeed(of(9)).publicKey },
      { linkKey: of(0) },
      { leaf: 1 },
      { leaf: 4 },
      { leaf: -1 },
      { leaf: 0.5 },
      { digest: of(9) },
      { digest: new Uint8Array(0) },
      { key: new Uint8Array(0) },
      { path: wrong.path.with(0, wrong.path[0] ^ 1) },
      { path: wrong.path.subarray(32) },
      { signature: wrong.signature.with(9, wrong.signature[9] ^ 1) },
      { signature: new Uint8Array(0) },
      { segmentLeaves: 8 },
    ];
    for (const change of others) expect(blame({ ...wrong, ...change })).toBe('undecided');
  });
});

describe('a session with a source that signs garbage', () => {
  const params = {
    ...paramsByClass('link-100m')!,
    sources: 3,
    minSources: 2,
    segmentLeaves: 4,
    maxSegments: 3,
  };

  async function session(corrupted: (segment: number) => boolean) {
    const random = createSeededRandom('garbage');
    const content = (bytes: Uint8Array, segment: number) =>
      corrupted(segment) ? bytes.map((byte) => byte ^ 1) : bytes;
    const round = instantRound(params, random, { source: 1, content });
    const challenge = { params, basis: of(1), seed: of(2), brief: round.brief };
    const devices = { compute: createReferenceCompute(), ...round.devices, ...UNHURRIED };
    const proving = await bandwidthProof.prove(devices, challenge, new AbortController().signal);
    const commits = [proving.commit];
    const request = bandwidthProof.issue(params, commits, random, round.kept);
    const evidence = { commits, request, opening: await proving.open(request) };
    return { challenge, evidence, keys: round.kept };
  }

  test('is accepted, and its opening shows who it was', async () => {
    const { challenge, evidence } = await session(() => true);
    expect(verdictToString(bandwidthProof.verify(challenge, evidence, new NoSecret()))).toBe('accepted');
    const opening = decodeOpening(params, [3, 3, 3], evidence.opening)!;
    const shown = opening.samples.filter(({ signature }) => signature.length > 0);
    expect(shown.length).toBeGreaterThan(20);
    // as a door hands it over, and judged twice: nothing of the evidence is written to
    const asBuffers = { ...evidence, opening: Buffer.from(evidence.opening) };
    for (let again = 0; again < 2; again++)
      expect(verdictToString(bandwidthProof.verify(challenge, asBuffers, new NoSecret()))).toBe('accepted');
  });

  test('is rejected when the receiver leaves the signature out, or shows another', async () => {
    const { challenge, evidence } = await session((segment) => segment === 1);
    const opening = decodeOpening(params, [3, 3, 3], evidence.opening)!;
    const other = opening.samples.find(({ signature }) => signature.length > 0)!;
    const wrong = [
      { digest: new Uint8Array(0), signature: new Uint8Array(0) },
      { signature: new Uint8Array(64) },
      { digest: of(1) },
    ];
    for (const change of wrong) {
      const samples = opening.samples.map((sample) => (sample === other ? { ...sample, ...change } : sample));
      const changed = encodeOpening({ ...opening, samples });
      const verdict = bandwidthProof.verify(challenge, { ...evidence, opening: changed }, new NoSecret());
      expect(verdictToString(verdict)).toBe('rejected:path');
    }
  });

  test('is refused by the receiver when the keys are not those that it was told of', async () => {
    const { challenge, evidence, keys } = await session(() => false);
    const random = createSeededRandom('other keys');
    const request = bandwidthProof.issue(
      params,
      evidence.commits,
      random,
      keys.map((byte) => byte ^ 1),
    );
    const verdict = bandwidthProof.verify(challenge, { ...evidence, request }, new NoSecret());
    expect(verdictToString(verdict)).toBe('rejected:malformed');
  });

  test('is rejected when it counts other sources than it was told of: it is no fault of the validator', async () => {
    const { challenge, evidence, keys } = await session(() => false);
    const commits = [encodeCommit({ segments: [1], root: of(9) })];
    expect(bandwidthProof.credit(params, commits)).toBeDefined(); // the commit alone does not show it
    const request = bandwidthProof.issue(params, commits, createSeededRandom('samples'), keys);
    expect(request).toEqual(encodeRequest({ keys: [], samples: [] }));
    const verdict = bandwidthProof.verify(challenge, { ...evidence, commits, request }, new NoSecret());
    expect(verdictToString(verdict)).toBe('rejected:malformed');
  });
});
