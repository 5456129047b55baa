// Two verifiers that share nothing but docs/proofs: ours and scripts/reference-verifier.py reach the same verdicts.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createMemoryDisk } from '../../../src/compute/disk/memory.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { verdictToString } from '../../../src/model/verdict.js';
import type { Liar } from '../../../src/testing/conformance/proof.js';
import { computeLiars, fabricatesRows } from '../../../src/testing/liars/compute.js';
import { livenessLiars } from '../../../src/testing/liars/liveness.js';
import { memoryLiars } from '../../../src/testing/liars/memory.js';
import { storageLiars } from '../../../src/testing/liars/storage.js';
import { type PlayedProof, playProof } from '../../../src/testing/transcripts.js';
import { decodeOpening, encodeOpening } from '../../../src/verification/kinds/compute/codec.js';
import { type ComputeParams, paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import { type AnyProofKind, kinds } from '../../../src/verification/kinds/index.js';
import { livenessParamsByClass } from '../../../src/verification/kinds/liveness/params.js';
import { memoryParamsByClass } from '../../../src/verification/kinds/memory/params.js';
import { storageParamsByClass } from '../../../src/verification/kinds/storage/params.js';
import type { Evidence, Pace } from '../../../src/verification/proof.js';
import { transcriptLine } from '../../../src/verification/transcript-line.js';

const SCRIPT = fileURLToPath(new URL('../../../scripts/reference-verifier.py', import.meta.url));
const missing = spawnSync('python3', ['--version']).status !== 0;
if (missing) console.log('second verifier skipped: this machine has no python3');

interface Subject {
  readonly name: string;
  /** parameters of honest proofs; the first are the liars' too */
  readonly honest: readonly unknown[];
  /** evidence of which every byte is changed */
  readonly tiny: unknown;
  /** steps that fit the window */
  readonly steps: number;
  readonly liars: readonly Liar<never>[];
  /** what liars are rejected for, each by at least one */
  readonly reasons: readonly string[];
}

const random = createSeededRandom('liars');
const compute: ComputeParams = { ...paramsByClass('paced')!, n: 16, labels: 12, samples: 12 };
const liveness = { ...livenessParamsByClass('live-small')!, n: 16, labels: 7, samples: 12 };
const memory = {
  ...memoryParamsByClass('paced-memory')!,
  ...{ n: 64, labels: 12, samples: 6, fillSamples: 3, passSamples: 12, maxRounds: 4 },
};

const storage = storageParamsByClass('small')!;

const SUBJECTS: readonly Subject[] = [
  {
    name: 'compute',
    honest: [
      compute,
      { ...compute, n: 32, labels: 20, projections: 3 },
      { ...compute, labels: 1, samples: 2 },
      { ...compute, labels: 30 },
      { ...compute, n: 64, labels: 9 },
    ],
    tiny: { ...compute, labels: 6, samples: 2 },
    steps: 16,
    liars: computeLiars(random),
    reasons: ['malformed', 'seed', 'range', 'projection', 'fold', 'agreement'],
  },
  {
    name: 'liveness',
    honest: [liveness, { ...liveness, n: 32 }],
    tiny: { ...liveness, labels: 5, samples: 1 },
    steps: Number.POSITIVE_INFINITY,
    liars: livenessLiars(random),
    reasons: [],
  },
  {
    name: 'memory',
    honest: [memory, { ...memory, labels: 7 }, { ...memory, n: 128, labels: 10 }],
    tiny: { ...memory, labels: 7, samples: 1, fillSamples: 1, passSamples: 1, maxRounds: 2 },
    steps: 8,
    liars: memoryLiars(random),
    reasons: ['malformed', 'seed', 'path', 'digest'],
  },
  {
    name: 'storage',
    honest: [
      storage,
      { ...storage, passes: 3, leafBlocks: 2, openedLeaves: 3 },
      { ...storage, sectorBlocks: 16, leaves: 5, pieceBlocks: 8, rangeOneIn: 3 },
      { ...storage, leafBlocks: 8, pieceBlocks: 8, encodings: 1 },
    ],
    tiny: { ...storage, openedLeaves: 1, openedPieces: 1, encodings: 1, pieceBlocks: 1 },
    steps: Number.POSITIVE_INFINITY,
    liars: storageLiars(random),
    reasons: ['malformed', 'seed', 'path', 'digest', 'encoding'],
  },
];

/** One process for all of them: each starts an interpreter. */
function referenceVerdicts(transcripts: readonly string[]): string[] {
  const options = { input: transcripts.join('\n'), encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
  const run = spawnSync('python3', [SCRIPT, '-'], options);
  expect(run.stderr).toBe('');
  return run.stdout
    .trim()
    .split('\n')
    .map((line) => line.split(',')[0]!);
}

const steps = (most: number): Pace => {
  let left = most;
  return { leftMs: () => (Number.isFinite(most) ? 10 * left-- : most) };
};

async function play(
  kind: AnyProofKind,
  params: unknown,
  named: string,
  { pace, liar }: { pace: Pace; liar?: Liar<never> },
): Promise<PlayedProof<unknown>> {
  const drawn = createSeededRandom(`${kind.kind}/${named}`);
  const place = drawn.fork('place').bytes(32);
  const challenge = { params, basis: drawn.bytes(32), seed: drawn.bytes(32), place };
  const devices = { compute: createReferenceCompute(), disk: createMemoryDisk({ sectors: 23 }) };
  const parts = { kind, devices, random: drawn, pace };
  return playProof(
    parts,
    challenge,
    (liar?.prove.bind(liar) as AnyProofKind['prove'] | undefined) ?? kind.prove,
  );
}

/** What we conclude of the same challenge with other evidence. */
function judged(
  kind: AnyProofKind,
  played: PlayedProof<unknown>,
  evidence: Partial<Evidence>,
): PlayedProof<unknown> {
  const changed = { ...played.evidence, ...evidence };
  const { challenge } = played;
  const secret = kind.drawSecret(challenge.params, challenge.basis, createSeededRandom('again'));
  return { challenge, evidence: changed, verdict: kind.verify(challenge, changed, secret) };
}

function expectAgreement(kind: AnyProofKind, all: readonly PlayedProof<unknown>[]): readonly string[] {
  const ours = all.map(({ verdict }) => verdictToString(verdict));
  expect(referenceVerdicts(all.map((played) => transcriptLine(kind.kind, played)))).toEqual(ours);
  return ours;
}

describe.skipIf(missing).each(SUBJECTS)('a second verifier of $name, from docs/proofs alone', (subject) => {
  const { name, honest, tiny, liars, reasons } = subject;
  const kind = kinds[name]!;
  const pace = (): Pace => steps(subject.steps);

  test('accepts what ours accepts', async () => {
    const all = await Promise.all(
      honest.map((params, i) => play(kind, params, `honest ${i}`, { pace: pace() })),
    );
    expect(expectAgreement(kind, all)).toEqual(all.map(() => 'accepted'));
  });

  test('rejects every liar for the same reason', async () => {
    const all = await Promise.all(
      liars.map((liar) => play(kind, honest[0], liar.name, { pace: pace(), liar })),
    );
    const seen = new Set(expectAgreement(kind, all));
    for (const reason of reasons) expect(seen).toContain(`rejected:${reason}`);
  });

  test('agrees on evidence with one byte changed, wherever it is, and on evidence cut short', async () => {
    const played = await play(kind, tiny, 'bytes', { pace: pace() });
    const { commits, request, opening } = played.evidence;
    const changed = (bytes: Uint8Array, at: number): Uint8Array =>
      bytes.map((byte, i) => (i === at ? byte ^ (1 << (at % 8)) : byte));
    /** all of what is short, and some hundreds of places of what is long */
    const places = (bytes: Uint8Array): number[] =>
      [...bytes.keys()].filter((at) => at < 200 || at % (1 + (bytes.length >> 8)) === 0);
    const all = [
      ...commits.flatMap((commit, c) =>
        places(commit).map((at) => ({ commits: commits.with(c, changed(commit, at)) })),
      ),
      ...places(request).map((at) => ({ request: changed(request, at) })),
      ...places(opening).map((at) => ({ opening: changed(opening, at) })),
      ...[0, 1, 7, 40, opening.length - 1].map((length) => ({ opening: opening.subarray(0, length) })),
    ].map((evidence) => judged(kind, played, evidence));
    expect(expectAgreement(kind, all)).not.toContain('accepted');
  });
});

test.skipIf(missing)('both verifiers agree where rows are longer than a chunk', async () => {
  const params = { ...compute, n: 2048, labels: 6, samples: 4 };
  const kind = kinds.compute!;
  // nothing is multiplied, and the range is looked at before any projection: seconds of an interpreter less
  const liar = fabricatesRows({ share: 1, random: createSeededRandom('long rows') });
  const played = await play(kind, params, 'long rows', { pace: steps(16), liar });
  const opening = decodeOpening(params, played.evidence.opening)!;
  const outside = opening.samples.map((sample) => {
    const accumulator = sample.accumulator.slice();
    accumulator.set([0, 0, 0x40], accumulator.length - 3);
    return { ...sample, accumulator };
  });
  const leaving = judged(kind, played, { opening: encodeOpening({ ...opening, samples: outside }) });
  expect(expectAgreement(kind, [leaving])).toEqual(['rejected:range']);
});
