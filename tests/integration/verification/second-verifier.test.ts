// Two verifiers that share nothing but docs/proofs: ours and scripts/reference-verifier.py reach the same verdicts.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createPackedCompute } from '../../../src/compute/cpu/packed.js';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { type Verdict, verdictToString } from '../../../src/model/verdict.js';
import { computeLiars, fabricatesRows } from '../../../src/testing/liars/compute.js';
import { type PlayedProof, playProof, transcriptLine } from '../../../src/testing/transcripts.js';
import { decodeOpening, encodeOpening } from '../../../src/verification/kinds/compute/codec.js';
import { type ComputeParams, paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import { computeProof } from '../../../src/verification/kinds/index.js';
import type { Evidence } from '../../../src/verification/proof.js';

const SCRIPT = fileURLToPath(new URL('../../../scripts/reference-verifier.py', import.meta.url));
const python = spawnSync('python3', ['--version'], { encoding: 'utf8' });
const missing = python.status !== 0;
if (missing) console.log('second verifier skipped: this machine has no python3');

const paced = paramsByClass('paced')!;
const small: ComputeParams = { ...paced, n: 16, labels: 12, samples: 4 };

/** One process for all of them: each starts an interpreter. */
function referenceVerdicts(transcripts: readonly string[]): string[] {
  const run = spawnSync('python3', [SCRIPT, '-'], { input: transcripts.join('\n'), encoding: 'utf8' });
  expect(run.stderr).toBe('');
  return run.stdout.trim().split('\n');
}

async function play(
  name: string,
  params: ComputeParams,
  prove = computeProof.prove,
): Promise<PlayedProof<ComputeParams>> {
  const random = createSeededRandom(name);
  const challenge = { params, basis: random.bytes(32), seed: random.bytes(32) };
  const compute = params.n < 32 ? createReferenceCompute() : createPackedCompute();
  return playProof({ kind: computeProof, devices: { compute }, random }, challenge, prove);
}

/** What we conclude of the same challenge with other evidence. */
function judged(played: PlayedProof<ComputeParams>, evidence: Partial<Evidence>): PlayedProof<ComputeParams> {
  const changed = { ...played.evidence, ...evidence };
  const { challenge } = played;
  const secret = computeProof.drawSecret(challenge.params, challenge.basis, createSeededRandom('again'));
  return { challenge, evidence: changed, verdict: computeProof.verify(challenge, changed, secret) };
}

function expectAgreement(all: readonly PlayedProof<ComputeParams>[]): readonly Verdict[] {
  const verdicts = all.map(({ verdict }) => verdict);
  const lines = all.map((played) => transcriptLine('compute', played));
  expect(referenceVerdicts(lines)).toEqual(verdicts.map(verdictToString));
  return verdicts;
}

describe.skipIf(missing)('a second verifier, from docs/proofs alone', () => {
  test('accepts what ours accepts', async () => {
    const sets: readonly Partial<ComputeParams>[] = [
      {},
      { n: 32, labels: 20, projections: 3 },
      { n: 16, labels: 1 },
      { n: 64, labels: 9, samples: 16 },
    ];
    const all = await Promise.all(
      sets.map((set, i) => play(`honest-${i}`, { ...small, ...set } as ComputeParams)),
    );
    const early = {
      leftMs: (
        (left) => () =>
          left--
      )(7),
    };
    all.push(
      await play('fewer labels than the capacity', { ...small, labels: 30 }, (parts, challenge, signal) =>
        computeProof.prove({ ...parts, ...early }, challenge, signal),
      ),
    );
    const verdicts = expectAgreement(all);
    expect(verdicts.map(verdictToString)).toEqual(all.map(() => 'accepted'));
  });

  test('rejects every liar for the same reason', async () => {
    const liars = computeLiars(createSeededRandom('liars'));
    const all = await Promise.all(
      liars.map((liar) => play(liar.name, { ...small, samples: 12 }, liar.prove)),
    );
    const reasons = new Set(expectAgreement(all).map(verdictToString));
    for (const reason of ['malformed', 'seed', 'range', 'projection', 'fold', 'agreement'])
      expect(reasons).toContain(`rejected:${reason}`);
  });

  test('agrees on every byte of evidence changed, one at a time', async () => {
    const played = await play('bytes', { ...small, samples: 2, labels: 6 });
    const all: PlayedProof<ComputeParams>[] = [];
    const { commits, request, opening } = played.evidence;
    const changed = (bytes: Uint8Array, at: number): Uint8Array =>
      bytes.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte));
    for (let at = 0; at < commits[0]!.length; at++)
      all.push(judged(played, { commits: [changed(commits[0]!, at)] }));
    for (let at = 0; at < request.length; at++) all.push(judged(played, { request: changed(request, at) }));
    for (let at = 0; at < opening.length; at++) all.push(judged(played, { opening: changed(opening, at) }));
    for (let length = 0; length < opening.length; length += 97)
      all.push(judged(played, { opening: opening.subarray(0, length) }));
    const reasons = new Set(expectAgreement(all).map(verdictToString));
    expect(reasons).not.toContain('accepted');
    expect(reasons).toContain('rejected:path');
  });

  test('agrees where rows are longer than a chunk', async () => {
    const params = { ...small, n: 2048, labels: 6, samples: 4 };
    // nothing is multiplied, and the range is looked at before any projection: seconds of an interpreter less
    const liar = fabricatesRows({ share: 1, random: createSeededRandom('long rows') });
    const played = await play('long rows', params, liar.prove);
    const opening = decodeOpening(params, played.evidence.opening)!;
    const outside = opening.samples.map((sample) => {
      const accumulator = sample.accumulator.slice();
      accumulator.set([0, 0, 0x40], accumulator.length - 3);
      return { ...sample, accumulator };
    });
    const leaving = judged(played, { opening: encodeOpening({ ...opening, samples: outside }) });
    expect(expectAgreement([leaving]).map(verdictToString)).toEqual(['rejected:range']);
  });
});
