// Owns: proofs of `compute` at n = 4096, made once and kept on disk: labels, from which any place of them can be opened again.
// Does not own: what is measured with them (scale.bench.ts).
//
//     npx tsx benchmarks/verification/proof-pool.ts [FOLDER]     makes what is missing; 2 GB, a minute of two cores
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Compute } from '../../src/compute/compute.js';
import { openCpu } from '../../src/compute/probe.js';
import { createChain, fold } from '../../src/compute/spec/chain.js';
import { createPlainLabels } from '../../src/compute/spec/plain-labels.js';
import { Transcript } from '../../src/compute/spec/transcript.js';
import { silentLog } from '../../src/model/log.js';
import { createSeededRandom, type Random } from '../../src/model/prng.js';
import type { Rejection } from '../../src/model/verdict.js';
import { multiplyRows, plausibleAccumulator } from '../../src/testing/liars/compute.js';
import {
  decodeOpening,
  encodeAccumulator,
  encodeOpening,
  encodeRequest,
  type Opening,
  type Sample,
} from '../../src/verification/kinds/compute/codec.js';
import { labelsSpec } from '../../src/verification/kinds/compute/labels.js';
import { acquireOperand } from '../../src/verification/kinds/compute/operand.js';
import { type ComputeParams, paramsByClass } from '../../src/verification/kinds/compute/params.js';
import { createProving } from '../../src/verification/kinds/compute/prove.js';
import type { Challenge, Evidence, Proving } from '../../src/verification/proof.js';

export const POOL_FOLDER = fileURLToPath(new URL('../../.assay/proof-pool', import.meta.url));

/** Capacity as in the class: the shape of edges and top trees hangs on it. k = 64, t = 2. */
export const POOL_PARAMS: ComputeParams = paramsByClass('gpu-4096')!;

/**
 * Labels of each proof. So few, because a verifier's work does not hang on them: it looks at 64 places, whose paths have the
 * capacity's length. The first four have their column from label 0, which would be other work; only later ones are asked for.
 */
export const POOL_LABELS = 6;
const FIRST_ASKED = 5;

const BASIS = createSeededRandom('proof-pool/basis').bytes(32);

/** How a proof was made. Whatever is made up is a function of its place, so that labels are all there is to keep. */
export interface PooledProof {
  readonly name: string;
  readonly challenge: Challenge<ComputeParams>;
  /** undefined: honest */
  readonly reason: Rejection | undefined;
  readonly isMadeUp: (label: number, row: number) => boolean;
  /** what is done to the opening, if anything */
  readonly rewrite?: (opening: Opening, samples: readonly Sample[], proof: PooledProof) => Opening;
}

/** Opens what folds to the committed row: only the projection can tell. */
const forges: NonNullable<PooledProof['rewrite']> = (opening, samples, proof) => ({
  ...opening,
  samples: opening.samples.map((opened, s) => {
    const { label, row } = samples[s]!;
    return proof.isMadeUp(label, row)
      ? { ...opened, accumulator: encodeAccumulator(madeUp(proof, label, row)) }
      : opened;
  }),
});

/** One element of the last sample, so that everything before it is verified. */
const leavesRange: NonNullable<PooledProof['rewrite']> = (opening) => {
  const last = opening.samples.at(-1)!;
  const accumulator = last.accumulator.slice();
  accumulator.set([0, 0, 0x40], accumulator.length - 3); // 2^22
  return { ...opening, samples: opening.samples.with(-1, { ...last, accumulator }) };
};

const LIES: readonly Omit<PooledProof, 'challenge'>[] = [
  { name: 'quarter-forged', reason: 'projection', isMadeUp: (_, row) => row % 4 === 3, rewrite: forges },
  { name: 'quarter-opened', reason: 'fold', isMadeUp: (_, row) => row % 4 === 3 },
  { name: 'last-label', reason: 'projection', isMadeUp: (label) => label === POOL_LABELS, rewrite: forges },
  { name: 'range', reason: 'range', isMadeUp: () => false, rewrite: leavesRange },
];
const HONEST = Array.from({ length: 16 }, (_, i) => ({
  name: `honest-${i}`,
  reason: undefined,
  isMadeUp: () => false,
}));

export const POOL: readonly PooledProof[] = [...HONEST, ...LIES].map((proof) => ({
  ...proof,
  challenge: { params: POOL_PARAMS, basis: BASIS, seed: seedOf(proof.name) },
}));

/** The first seed whose later labels all have a column tree to go through: what nearly all labels of a full chain have. */
function seedOf(name: string): Uint8Array {
  const random = createSeededRandom(`proof-pool/${name}`);
  for (;;) {
    const seed = random.bytes(32);
    const { backEdges } = createChain(seed, POOL_PARAMS.n, POOL_LABELS);
    if (backEdges.subarray(FIRST_ASKED).every((edge) => edge > 0)) return seed;
  }
}

const madeUp = ({ name }: PooledProof, label: number, row: number): Int32Array =>
  plausibleAccumulator(createSeededRandom(`proof-pool/${name}/${label}/${row}`), POOL_PARAMS.n);

const fileOf = (folder: string, proof: PooledProof): string => join(folder, `${proof.name}.labels`);

/** Makes the proofs that are not there. */
export async function makePool(
  compute: Compute,
  say: (line: string) => void,
  folder = POOL_FOLDER,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const proof of POOL) {
    if (existsSync(fileOf(folder, proof))) continue;
    say(`proof pool: ${proof.name}`);
    const labels = await multiplyAll(compute, proof);
    writeFileSync(`${fileOf(folder, proof)}.part`, labels);
    renameSync(`${fileOf(folder, proof)}.part`, fileOf(folder, proof));
  }
}

async function multiplyAll(compute: Compute, proof: PooledProof): Promise<Uint8Array> {
  const { n, labels } = POOL_PARAMS;
  const { seed } = proof.challenge;
  const operand = await acquireOperand(compute, BASIS, n);
  const transcript = new Transcript(createChain(seed, n, labels));
  const a = new Int8Array(n * n);
  const all = new Uint8Array(POOL_LABELS * n * n);
  const rows = Array.from({ length: n }, (_, i) => i);
  for (let label = 1; label <= POOL_LABELS; label++) {
    transcript.operand(new Uint8Array(a.buffer));
    const done = rows.filter((row) => !proof.isMadeUp(label, row));
    const made = await multiplyRows(operand, a, n, done);
    for (const row of rows.filter((each) => proof.isMadeUp(label, each)))
      fold(madeUp(proof, label, row), made.subarray(row * n, (row + 1) * n));
    transcript.append(made);
    all.set(made, (label - 1) * n * n);
  }
  operand.release();
  return all;
}

/** A pooled proof that can be opened anywhere; its trees are built again. */
export async function loadProof(
  compute: Compute,
  proof: PooledProof,
  folder = POOL_FOLDER,
): Promise<Proving> {
  const { n, labels } = POOL_PARAMS;
  const { challenge } = proof;
  const stored = readFileSync(fileOf(folder, proof));
  const transcript = new Transcript(createChain(challenge.seed, n, labels));
  for (let at = 0; at < stored.length; at += n * n) transcript.append(stored.subarray(at, at + n * n));
  const operand = await acquireOperand(compute, BASIS, n);
  return createProving(challenge, createPlainLabels(labelsSpec(challenge), operand, transcript));
}

/** One session's evidence: samples of its own. */
export async function openOnce(proof: PooledProof, proving: Proving, random: Random): Promise<Evidence> {
  const { n, samples: count } = POOL_PARAMS;
  const samples = Array.from({ length: count }, () => ({
    label: FIRST_ASKED + random.below(POOL_LABELS - FIRST_ASKED + 1),
    row: random.below(n),
    agreementRow: random.below(n),
  }));
  const request = encodeRequest(samples);
  const commits = [proving.commit];
  const opening = await proving.open(request);
  if (!proof.rewrite) return { commits, request, opening };
  const decoded = decodeOpening(POOL_PARAMS, opening)!; // our own prover's
  return { commits, request, opening: encodeOpening(proof.rewrite(decoded, samples, proof)) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const compute = await openCpu({ log: silentLog });
  await makePool(compute, (line) => console.error(line), process.argv[2]);
}
