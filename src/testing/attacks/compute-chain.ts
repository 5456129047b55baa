// Owns: attacks on the chain of `compute` that an altered chain shows: what its tweak, its seeds and its exactness are for.
// Does not own: liars of the chain as it is (liars/compute.ts).
import type { Compute } from '../../compute/compute.js';
import { type Chain, createChain, fold } from '../../compute/spec/chain.js';
import { Transcript } from '../../compute/spec/transcript.js';
import { equals, u32le } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { type Random, shuffled } from '../../model/prng.js';
import { acquireOperand, type SharedOperand } from '../../verification/kinds/compute/operand.js';
import type { ComputeParams } from '../../verification/kinds/compute/params.js';
import type { Challenge } from '../../verification/proof.js';
import { cancellingRow, driven, ForgedAccumulators, rewriting } from '../liars/compute.js';
import type { Prove } from './session.js';

/** The first design's chain: its tweak does not hang on what it is added to. */
export const withUnboundTweak = (chain: Chain, seed: Uint8Array): Chain => ({
  ...chain,
  tweakRow: (label, row) =>
    (new DataView(sha256(seed, u32le(label), u32le(row)).buffer).getUint32(0) | 1) >>> 0,
});

/** A chain whose seed enters with label 0 and nowhere else. */
export function withSeedInOriginOnly(chain: Chain, { n, labels }: ComputeParams): Chain {
  const fixed = createChain(new Uint8Array(32), n, labels);
  return {
    ...fixed,
    originRow: (i) => chain.originRow(i),
    originColumn: (i) => chain.originColumn(i),
    origin: () => chain.origin(),
  };
}

/** Which rows of which label are made up, so that the same rows of the next label come for nothing. */
export type MadeUp = (label: number) => readonly number[];

/** Rows of every odd label. */
export function oddLabels(share: number, { n, labels }: ComputeParams, random: Random): MadeUp {
  const order = shuffled(
    Array.from({ length: n }, (_, i) => i),
    random,
  );
  const rows = order.slice(0, Math.round(share * n));
  return (label) => (label % 2 === 1 && label < labels ? rows : []);
}

/** Whole labels along back-edge paths v -> pi(v + 1), from the last label down, until `share` of all are skipped. */
export function backEdgePaths(share: number, chain: Chain): MadeUp {
  const { n, labels, backEdges } = chain;
  const all = Array.from({ length: n }, (_, i) => i);
  const taken = new Set<number>();
  const free = (v: number): boolean =>
    v >= 1 && v < labels && [v - 1, v, v + 1].every((near) => !taken.has(near));
  const wanted = Math.round((share * labels) / 2);
  for (let start = labels - 1; start >= 1 && taken.size < wanted; start--)
    for (let v = start; free(v) && taken.size < wanted; v = backEdges[v + 1]!) taken.add(v);
  return (label) => (taken.has(label) ? all : []);
}

/** Drives a transcript whose owner makes rows up, and takes what follows from them as zeros without multiplying. */
async function driveCancelling(
  transcript: Transcript,
  operand: SharedOperand,
  madeUp: MadeUp,
): Promise<ForgedAccumulators> {
  const { n, labels } = transcript.chain;
  const a = new Int8Array(n * n);
  const forged = new ForgedAccumulators();
  let free: readonly number[] = [];
  for (let j = 1; j <= labels; j++) {
    transcript.operand(new Uint8Array(a.buffer));
    const fakes = madeUp(j);
    const skip = new Set([...fakes, ...free]);
    const label = new Uint8Array(n * n);
    if (skip.size < n)
      await operand.exclusive(async (multiplier) => {
        const c = await multiplier.multiply(a);
        for (let i = 0; i < n; i++)
          if (!skip.has(i)) fold(c.subarray(i * n, (i + 1) * n), label.subarray(i * n, (i + 1) * n));
      });
    for (const i of fakes) label.set(cancellingRow(transcript, i), i * n);
    // a byte folds to itself, so that it is its own accumulator
    for (const i of skip) forged.set(j, i, Int32Array.from(label.subarray(i * n, (i + 1) * n)));
    free = fakes;
    transcript.append(label);
  }
  return forged;
}

/** A liar that makes rows up and takes what follows from them for nothing; its accumulators fold to its rows. */
export const canceller =
  (madeUp: (chain: Chain, params: ComputeParams) => MadeUp): Prove<ComputeParams> =>
  async (parts, challenge) => {
    const { params, seed } = challenge;
    const chain = createChain(seed, params.n, params.labels);
    const transcript = new Transcript(chain);
    let forged = new ForgedAccumulators();
    const proving = await driven(parts, challenge, transcript, async (operand) => {
      forged = await driveCancelling(transcript, operand, madeUp(chain, params));
    });
    return rewriting(params, proving, forged.rewrite);
  };

/** Whether `samples` places of an altered chain hold when their rows are multiplied again: a check without projections or trees. */
export async function rowsHold(
  parts: { readonly compute: Compute; readonly random: Random; readonly samples: number },
  { basis }: Pick<Challenge<ComputeParams>, 'basis'>,
  transcript: Transcript,
): Promise<boolean> {
  const { compute, random, samples } = parts;
  const { n, labels } = transcript.chain;
  const operand = await acquireOperand(compute, basis, n);
  const a = new Int8Array(n);
  const row = new Uint8Array(n);
  try {
    for (let s = 0; s < samples; s++) {
      const label = 1 + random.below(labels);
      const i = random.below(n);
      transcript.operandRow(label, i, new Uint8Array(a.buffer));
      await operand.exclusive(async (multiplier) => fold(await multiplier.multiply(a), row));
      if (!equals(row, transcript.row(label, i))) return false;
    }
    return true;
  } finally {
    operand.release();
  }
}

/** The canceller against the first design's tweak. */
export async function cancelsUnboundChain(
  compute: Compute,
  challenge: Challenge<ComputeParams>,
  madeUp: (chain: Chain, params: ComputeParams) => MadeUp,
  random: Random,
): Promise<boolean> {
  const { params, seed } = challenge;
  const chain = withUnboundTweak(createChain(seed, params.n, params.labels), seed);
  const transcript = new Transcript(chain);
  const operand = await acquireOperand(compute, challenge.basis, params.n);
  try {
    await driveCancelling(transcript, operand, madeUp(chain, params));
  } finally {
    operand.release();
  }
  return rowsHold({ compute, random, samples: params.samples }, challenge, transcript);
}

/** Labels made before the seed is known, against a chain whose seed enters with label 0 alone. */
export async function precomputesFixedChain(
  compute: Compute,
  challenge: Challenge<ComputeParams>,
  random: Random,
): Promise<boolean> {
  const { params, seed } = challenge;
  const { n, labels } = params;
  const before = new Transcript(withSeedInOriginOnly(createChain(random.bytes(32), n, labels), params));
  const transcript = new Transcript(withSeedInOriginOnly(createChain(seed, n, labels), params));
  const operand = await acquireOperand(compute, challenge.basis, n);
  const a = new Int8Array(n * n);
  try {
    for (let j = 1; j <= labels; j++) {
      before.operand(new Uint8Array(a.buffer));
      const label = new Uint8Array(n * n);
      await operand.exclusive(async (multiplier) => fold(await multiplier.multiply(a), label));
      before.append(label);
      transcript.append(label.slice());
    }
  } finally {
    operand.release();
  }
  return rowsHold({ compute, random, samples: params.samples }, challenge, transcript);
}
