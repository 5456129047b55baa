// The second verifier of `bandwidth` (second-verifier.test.ts has the other kinds): a round stands around each of its sessions.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { verdictToString } from '../../../src/model/verdict.js';
import { type BandwidthLiar, bandwidthLiars, instantRound } from '../../../src/testing/liars/bandwidth.js';
import { type PlayedProof, playProof } from '../../../src/testing/transcripts.js';
import { type BandwidthParams, paramsByClass } from '../../../src/verification/kinds/bandwidth/params.js';
import { bandwidthProof } from '../../../src/verification/kinds/index.js';
import { NoSecret } from '../../../src/verification/no-secret.js';
import type { Evidence } from '../../../src/verification/proof.js';
import { transcriptLine } from '../../../src/verification/transcript-line.js';

const SCRIPT = fileURLToPath(new URL('../../../scripts/reference-verifier.py', import.meta.url));
const missing = spawnSync('python3', ['--version']).status !== 0;
if (missing) console.log('second verifier of bandwidth skipped: this machine has no python3');

const link = paramsByClass('link-100m')!;
const params = { ...link, sources: 2, minSources: 2, segmentLeaves: 8, maxSegments: 2, samples: 6 };
const tiny = { ...params, segmentLeaves: 2, maxSegments: 1, samples: 2 };
type Played = PlayedProof<BandwidthParams>;

async function play(
  of: BandwidthParams,
  name: string,
  other: { liar?: BandwidthLiar; corrupt?: Parameters<typeof instantRound>[2] } = {},
): Promise<Played> {
  const random = createSeededRandom(`second/${name}`);
  const round = instantRound(of, random, other.corrupt);
  const challenge = { params: of, basis: random.bytes(32), seed: random.bytes(32), brief: round.brief };
  const devices = { compute: createReferenceCompute(), ...round.devices };
  const parts = { kind: bandwidthProof, devices, random, kept: round.kept };
  return playProof(parts, challenge, other.liar?.prove.bind(other.liar));
}

function judged({ challenge, evidence }: Played, changes: Partial<Evidence>): Played {
  const changed = { ...evidence, ...changes };
  return { challenge, evidence: changed, verdict: bandwidthProof.verify(challenge, changed, new NoSecret()) };
}

function expectAgreement(all: readonly Played[]): readonly string[] {
  const ours = all.map(({ verdict }) => verdictToString(verdict));
  const input = all.map((played) => transcriptLine('bandwidth', played)).join('\n');
  const run = spawnSync('python3', [SCRIPT, '-'], { input, encoding: 'utf8', maxBuffer: 2 ** 26 });
  expect(run.stderr).toBe('');
  const theirs = run.stdout.trim().split('\n');
  expect(theirs.map((line) => line.split(',')[0])).toEqual(ours);
  return ours;
}

describe.skipIf(missing)('a second verifier of bandwidth, from docs/proofs alone', () => {
  test('accepts what is honest, and what a source that signs garbage is to blame for', async () => {
    const content = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 1);
    const all = [
      await play(params, 'honest'),
      await play({ ...params, sources: 3, segmentLeaves: 1, maxSegments: 5 }, 'one leaf a segment'),
      await play({ ...params, segmentLeaves: 16, maxSegments: 1 }, 'one segment'),
      await play(params, 'garbage', { corrupt: { source: 0, content } }),
    ];
    expect(new Set(expectAgreement(all))).toEqual(new Set(['accepted']));
  });

  test('rejects every liar of the conformance suite for the same reason', async () => {
    const liars = bandwidthLiars(createSeededRandom('liars'));
    const all = await Promise.all(liars.map((liar) => play(params, liar.name, { liar })));
    const verdicts = new Set(expectAgreement(all));
    for (const reason of ['malformed', 'seed', 'path']) expect(verdicts).toContain(`rejected:${reason}`);
  });

  test('agrees on every byte of an opening and a commit changed', async () => {
    const content = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 1);
    const played = await play(tiny, 'bytes', { corrupt: { source: 1, content } });
    const { opening, commits } = played.evidence;
    const changed = (bytes: Uint8Array, at: number) => bytes.with(at, bytes[at] ^ (1 << (at % 8)));
    const all = [
      ...Array.from(opening, (_, at) => judged(played, { opening: changed(opening, at) })),
      ...Array.from(commits[0], (_, at) => judged(played, { commits: [changed(commits[0], at)] })),
    ];
    expect(expectAgreement(all)).not.toContain('accepted');
  });
});
