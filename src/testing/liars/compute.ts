// Owns: provers of `compute` that lie by what they commit to and open. Each does the best it can within its lie.

import { createChain, fold, LeafHasher, TAG } from '../../compute/spec/chain.js';
import { createPlainLabels } from '../../compute/spec/plain-labels.js';
import { Transcript } from '../../compute/spec/transcript.js';
import { concat } from '../../model/bytes.js';
import { type Random, shuffled } from '../../model/prng.js';
import type { Rejection } from '../../model/verdict.js';
import {
  decodeAccumulator,
  decodeCommit,
  decodeOpening,
  decodeRequest,
  encodeAccumulator,
  encodeCommit,
  encodeOpening,
  encodeRequest,
  type Opening,
  type Sample,
} from '../../verification/kinds/compute/codec.js';
import { labelsSpec } from '../../verification/kinds/compute/labels.js';
import { acquireOperand, type SharedOperand } from '../../verification/kinds/compute/operand.js';
import type { ComputeParams } from '../../verification/kinds/compute/params.js';
import { createProving, prove } from '../../verification/kinds/compute/prove.js';
import { whileItFits } from '../../verification/pace.js';
import type { Challenge, Proving } from '../../verification/proof.js';
import type { Liar } from '../conformance/proof.js';

export type ComputeLiar = Liar<ComputeParams>;
type Prove = ComputeLiar['prove'];

/** What a fabricator opens for a row that it did not multiply. */
export type FabricatedAccumulators =
  /** an accumulator that folds to the committed row and lies in range: only the projection can tell */
  | 'forged'
  /** the product, computed after the commit: then the committed row is not its fold */
  | 'honest';

/**
 * Skips `share` of the rows of every label (or of the labels that `of` picks) and fills them with random bytes.
 * The multiplier sees only the other rows: the work is really not done.
 */
export function fabricatesRows(options: {
  readonly share: number;
  readonly random: Random;
  readonly accumulators?: FabricatedAccumulators;
}): ComputeLiar {
  const { share, random, accumulators = 'forged' } = options;
  const skipped = (n: number): number => Math.round(share * n);
  return {
    name: `fabricates ${share * 100} % of the rows of every label and opens ${accumulators} accumulators`,
    prove: fabricate(random, accumulators, ({ n }) => skipped(n)),
    reasons: [accumulators === 'forged' ? 'projection' : 'fold'],
    acceptance: ({ params }) => (1 - skipped(params.n) / params.n) ** params.samples,
  };
}

/** Multiplies until `share` of the labels are left and makes those up: one who could not finish within the window. */
export function skipsLabels(options: { readonly share: number; readonly random: Random }): ComputeLiar {
  const { share, random } = options;
  const skipped = (labels: number): number => Math.round(share * labels);
  return {
    name: `makes up the last ${share * 100} % of the labels`,
    prove: fabricate(random, 'forged', ({ n, labels }, label) => (label > labels - skipped(labels) ? n : 0)),
    reasons: ['projection'],
    acceptance: ({ params }) => (1 - skipped(params.labels) / params.labels) ** params.samples,
  };
}

/** A prover over a transcript of its own making; lets go of the operand when `drive` fails or is aborted. */
export async function driven(
  { compute }: Parameters<Prove>[0],
  challenge: Challenge<ComputeParams>,
  transcript: Transcript,
  drive: (operand: SharedOperand) => Promise<void>,
): Promise<Proving> {
  const operand = await acquireOperand(compute, challenge.basis, challenge.params.n);
  try {
    await drive(operand);
    return await createProving(challenge, createPlainLabels(labelsSpec(challenge), operand, transcript));
  } catch (error) {
    operand.release();
    throw error;
  }
}

const transcriptFor = ({ params, seed }: Challenge<ComputeParams>): Transcript =>
  new Transcript(createChain(seed, params.n, params.labels));

function fabricate(
  random: Random,
  accumulators: FabricatedAccumulators,
  skippedRows: (params: ComputeParams, label: number) => number,
): Prove {
  return async (parts, challenge, signal) => {
    const { params } = challenge;
    const { n, labels } = params;
    const transcript = transcriptFor(challenge);
    const forged = new ForgedAccumulators();
    const proving = await driven(parts, challenge, transcript, async (operand) => {
      const a = new Int8Array(n * n);
      const indices = Array.from({ length: n }, (_, i) => i);
      const fits = whileItFits(parts);
      for (let j = 1; j <= labels && fits(); j++) {
        signal.throwIfAborted();
        transcript.operand(new Uint8Array(a.buffer));
        const order = shuffled(indices, random);
        const skip = order.slice(0, skippedRows(params, j));
        const label = await multiplyRows(operand, a, n, order.slice(skip.length));
        for (const i of skip) {
          const c = plausibleAccumulator(random, n);
          fold(c, label.subarray(i * n, (i + 1) * n));
          if (accumulators === 'forged') forged.set(j, i, c);
        }
        transcript.append(label);
      }
    });
    return rewriting(params, proving, forged.rewrite);
  };
}

/** A label of which only the rows in `work` are filled. */
export async function multiplyRows(
  operand: SharedOperand,
  a: Int8Array,
  n: number,
  work: readonly number[],
): Promise<Uint8Array> {
  const label = new Uint8Array(n * n);
  if (work.length === 0) return label;
  const packed = new Int8Array(work.length * n);
  work.forEach((i, at) => {
    packed.set(a.subarray(i * n, (i + 1) * n), at * n);
  });
  await operand.exclusive(async (multiplier) => {
    const c = await multiplier.multiply(packed);
    work.forEach((i, at) => {
      fold(c.subarray(at * n, (at + 1) * n), label.subarray(i * n, (i + 1) * n));
    });
  });
  return label;
}

/** Sums of four bytes, scaled to the spread that products of this size have: nothing but a projection tells them apart. */
export function plausibleAccumulator(random: Random, n: number): Int32Array {
  const bytes = random.bytes(4 * n);
  const scale = 18.5 * Math.sqrt(n); // sigma of a product over that of the sum of four bytes
  return Int32Array.from({ length: n }, (_, k) => {
    const sum = bytes[4 * k] + bytes[4 * k + 1] + bytes[4 * k + 2] + bytes[4 * k + 3] - 510;
    return Math.round(sum * scale);
  });
}

/** Accumulators that a liar opens in place of those that its device gives. */
export class ForgedAccumulators {
  readonly #rows = new Map<string, Int32Array>();
  set(label: number, row: number, c: Int32Array): void {
    this.#rows.set(`${label}/${row}`, c);
  }
  readonly rewrite = (opening: Opening, samples: readonly Sample[]): Opening => ({
    ...opening,
    samples: opening.samples.map((opened, s) => {
      const c = this.#rows.get(`${samples[s].label}/${samples[s].row}`);
      return c ? { ...opened, accumulator: encodeAccumulator(c) } : opened;
    }),
  });
}

/**
 * Makes up a row so that the next label's row of A would be zero, and takes that row's product for free. The leaf-bound
 * tweak (docs/proofs/compute.md, The chain) moves with the made-up row, so the free row is not consistent and counts as
 * skipped too.
 */
export function cancelsRows(options: { readonly share: number; readonly random: Random }): ComputeLiar {
  const { share, random } = options;
  const skipped = (n: number): number => Math.round(share * n);
  return {
    name: `cancels ${share * 100} % of the rows of A`,
    reasons: ['projection'],
    // it makes up rows of every odd label and skips the same rows of the label after it
    acceptance: ({ params }) => (1 - skipped(params.n) / params.n) ** params.samples,
    async prove(parts, challenge, signal) {
      const { params } = challenge;
      const { n, labels } = params;
      const transcript = transcriptFor(challenge);
      const forged = new ForgedAccumulators();
      const proving = await driven(parts, challenge, transcript, async (operand) => {
        const a = new Int8Array(n * n);
        const indices = Array.from({ length: n }, (_, i) => i);
        let cancelled: number[] = [];
        for (let j = 1; j <= labels; j++) {
          signal.throwIfAborted();
          transcript.operand(new Uint8Array(a.buffer));
          const odd = j % 2 === 1;
          if (odd) cancelled = shuffled(indices, random).slice(0, skipped(n));
          const work = indices.filter((i) => !cancelled.includes(i));
          const label = await multiplyRows(operand, a, n, work);
          for (const i of cancelled) {
            // the row that would cancel if its own hash were known beforehand; then a row of zeros folds to zeros
            const row = odd && j < labels ? cancellingRow(transcript, i) : new Uint8Array(n);
            label.set(row, i * n);
            forged.set(j, i, Int32Array.from(row)); // a byte folds to itself
          }
          transcript.append(label);
        }
      });
      return rewriting(params, proving, forged.rewrite);
    },
  };
}

/** -(L_pi^T)[i] - tweak for the label after the next, with a guess for the part of the tweak that hangs on this row. */
export function cancellingRow(transcript: Transcript, i: number): Uint8Array {
  const { chain, next } = transcript;
  const column = transcript.column(chain.backEdges[next + 1], i);
  const y = chain.tweakColumns(next + 1);
  const columnLeaf = new Uint8Array(32);
  new LeafHasher(TAG.columnLeaf, chain.n).into(column, columnLeaf, 0);
  const guess = chain.tweakRow(next + 1, i, new Uint8Array(32), columnLeaf);
  return column.map((byte, k) => -(byte + (Math.imul(guess, y[k]) >>> 24)));
}

/** Commits to columns that are not those of its rows, so that it may choose the next operands. */
export function liesInColumns(options: { readonly share: number; readonly random: Random }): ComputeLiar {
  const { share, random } = options;
  return {
    name: `alters ${share * 100} % of the elements of its column trees`,
    reasons: ['agreement'],
    acceptance({ params, seed }) {
      const { backEdges } = createChain(seed, params.n, params.labels);
      const checked = backEdges.subarray(1).filter((back) => back > 0).length / params.labels;
      return (1 - share * checked) ** params.samples;
    },
    prove(parts, challenge, signal) {
      const { params, seed } = challenge;
      const transcript = new CrookedTranscript(createChain(seed, params.n, params.labels), share, random);
      return driven(parts, challenge, transcript, (operand) => multiplyAll(transcript, operand, signal));
    },
  };
}

class CrookedTranscript extends Transcript {
  readonly #masks = new Map<number, Uint8Array>();

  constructor(
    chain: ConstructorParameters<typeof Transcript>[0],
    private readonly share: number,
    private readonly random: Random,
  ) {
    super(chain);
  }

  protected override columnsOf(label: number, out: Uint8Array): Uint8Array {
    super.columnsOf(label, out);
    if (label === 0) return out; // the validator makes this one itself
    const mask = this.#mask(label);
    for (let i = 0; i < out.length; i++) out[i] ^= mask[i];
    return out;
  }

  override column(label: number, i: number): Uint8Array {
    const column = super.column(label, i);
    if (label === 0) return column;
    const mask = this.#mask(label).subarray(i * this.chain.n);
    return column.map((byte, k) => byte ^ mask[k]);
  }

  #mask(label: number): Uint8Array {
    let mask = this.#masks.get(label);
    if (!mask) {
      const choice = this.random.bytes(4 * this.chain.n ** 2);
      const words = new DataView(choice.buffer, choice.byteOffset, choice.byteLength);
      mask = new Uint8Array(this.chain.n ** 2).map((_, i) => {
        const word = words.getUint32(4 * i, true);
        return word / 2 ** 32 < this.share ? (word & 127) + 1 : 0;
      });
      this.#masks.set(label, mask);
    }
    return mask;
  }
}

async function multiplyAll(
  transcript: Transcript,
  operand: SharedOperand,
  signal: AbortSignal,
): Promise<void> {
  const { n, labels } = transcript.chain;
  const a = new Int8Array(n * n);
  for (let j = 1; j <= labels; j++) {
    signal.throwIfAborted();
    transcript.operand(new Uint8Array(a.buffer));
    const label = new Uint8Array(n * n);
    await operand.exclusive(async (multiplier) => fold(await multiplier.multiply(a), label));
    transcript.append(label);
  }
}

/** Answers with honest work that was done for another seed: replayed, borrowed from a neighbour, precomputed. */
export function borrowsWork(options: { readonly random: Random }): ComputeLiar {
  return {
    name: 'answers with valid work for another seed',
    reasons: ['seed'],
    acceptance: () => 0,
    prove: (parts, challenge, signal) =>
      prove(parts, { ...challenge, seed: options.random.bytes(32) }, signal),
  };
}

/**
 * Has every label ready before the seed is known, and only builds the trees and the root for the seed it is given.
 * Its accumulators fold to its rows; they are products of other operands.
 */
export function rebindsLabels(options: { readonly random: Random }): ComputeLiar {
  return {
    name: 'builds new trees over labels that it had before the seed',
    reasons: ['projection'],
    acceptance: () => 0,
    async prove(parts, challenge, signal) {
      const { n, labels } = challenge.params;
      const before = transcriptFor({ ...challenge, seed: options.random.bytes(32) });
      const transcript = transcriptFor(challenge);
      const forged = new ForgedAccumulators();
      const proving = await driven(parts, challenge, transcript, async (operand) => {
        await multiplyAll(before, operand, signal);
        const a = new Int8Array(n * n);
        for (let j = 1; j <= labels; j++) {
          transcript.append(concat(...Array.from({ length: n }, (_, i) => before.row(j, i))));
          for (let i = 0; i < n; i++) before.operandRow(j, i, new Uint8Array(a.buffer, i * n, n));
          await operand.exclusive(async (multiplier) => {
            const c = await multiplier.multiply(a);
            for (let i = 0; i < n; i++) forged.set(j, i, c.slice(i * n, (i + 1) * n));
          });
        }
      });
      return rewriting(challenge.params, proving, forged.rewrite);
    },
  };
}

/** Names more labels than any device of the class could have finished: more credit than there is. */
export const claimsBeyondCapacity: ComputeLiar = {
  name: 'commits to more labels than the parameters allow',
  reasons: ['malformed'],
  acceptance: () => 0,
  async prove(parts, challenge, signal) {
    const { params } = challenge;
    const proving = await prove(parts, challenge, signal);
    const { root } = decodeCommit(params, proving.commit)!; // our own prover's
    return { ...proving, commit: encodeCommit({ labels: params.labels + 1, root }) };
  },
};

/** Stops early and names all labels beside the root of those that it has. */
export const renamesLabels: ComputeLiar = {
  name: 'names more labels than its root binds',
  reasons: ['seed'],
  acceptance: () => 0,
  async prove(parts, challenge, signal) {
    const { params } = challenge;
    let left = params.labels >> 1;
    // as in a window that is over halfway
    const proving = await prove({ ...parts, leftMs: () => left-- }, challenge, signal);
    const { root } = decodeCommit(params, proving.commit)!; // our own prover's
    return {
      ...proving,
      commit: encodeCommit({ labels: params.labels, root }),
      open: () => proving.open(ownRequest(params)),
    };
  },
};

const ownRequest = (params: ComputeParams): Uint8Array =>
  encodeRequest(Array.from({ length: params.samples }, () => ({ label: 1, row: 0, agreementRow: 0 })));

/** Liars whose work is honest and whose opening is not what was asked. */
const tampering = (
  name: string,
  reasons: readonly Rejection[],
  rewrite: (opening: Opening, params: ComputeParams) => Opening,
): ComputeLiar => ({
  name,
  reasons,
  acceptance: () => 0,
  async prove(parts, challenge, signal) {
    const { params } = challenge;
    return rewriting(params, await prove(parts, challenge, signal), (opening) => rewrite(opening, params));
  },
});

const everySample = (opening: Opening, change: (sample: Opening['samples'][number]) => object): Opening => ({
  ...opening,
  samples: opening.samples.map((sample) => ({ ...sample, ...change(sample) })),
});

function changeAccumulator(bytes: Uint8Array, change: (c: Int32Array) => void): Uint8Array {
  const c = new Int32Array(bytes.length / 3);
  decodeAccumulator(bytes, c);
  change(c);
  return encodeAccumulator(c);
}

/** Adds the first prime to an accumulator: invisible to that projection, were it not for the bytes and the range. */
export const addsPrime = tampering('adds the first prime to an accumulator', ['projection'], (opening) =>
  everySample(opening, ({ accumulator }) => ({
    // p = 2^26 - 5 is -5 in the three bytes there are
    accumulator: changeAccumulator(accumulator, (c) => {
      c[0] -= 5;
    }),
  })),
);

export const leavesRange = tampering('opens an accumulator outside the range', ['range'], (opening, { n }) =>
  everySample(opening, ({ accumulator }) => ({
    accumulator: changeAccumulator(accumulator, (c) => {
      c[n - 1] = -(2 ** 22);
    }),
  })),
);

export const turnsSamples = tampering(
  'opens the samples in another order',
  ['malformed', 'path', 'projection', 'fold'],
  (opening) => ({ ...opening, samples: [...opening.samples.slice(1), opening.samples[0]] }),
);

export const dropsSample = tampering('leaves one sample out', ['malformed'], (opening) => ({
  ...opening,
  samples: opening.samples.slice(1),
}));

export const repeatsSample = tampering('opens one sample too many', ['malformed'], (opening) => ({
  ...opening,
  samples: [...opening.samples, opening.samples[0]],
}));

export const truncatesRow = tampering('cuts accumulators short', ['malformed'], (opening) =>
  everySample(opening, ({ accumulator }) => ({ accumulator: accumulator.subarray(3) })),
);

export const padsPath = tampering('adds a sibling to its paths', ['malformed'], (opening) =>
  everySample(opening, ({ labelRowPath }) => ({ labelRowPath: concat(labelRowPath, new Uint8Array(32)) })),
);

export const breaksPath = tampering('breaks the path of the label row', ['fold'], (opening) =>
  everySample(opening, ({ labelRowPath }) => ({ labelRowPath: labelRowPath.map((byte) => byte ^ 1) })),
);

export const swapsRoots = tampering('swaps the roots of rows and columns', ['seed'], (opening) => ({
  ...opening,
  rowRoot: opening.columnRoot,
  columnRoot: opening.rowRoot,
}));

/** Sends bytes that decode to a valid opening and are not its encoding. */
export const spellsOtherwise: ComputeLiar = {
  name: 'spells a valid opening in another way',
  reasons: ['malformed'],
  acceptance: () => 0,
  async prove(parts, challenge, signal) {
    const proving = await prove(parts, challenge, signal);
    // an unknown field (15, varint 1) that protobuf readers skip
    return {
      ...proving,
      open: async (request) => concat(await proving.open(request), Uint8Array.of(15 << 3, 1)),
    };
  },
};

/** Opens what it likes to open instead of what was asked. */
export const answersOwnQuestion: ComputeLiar = {
  name: 'opens rows of its own choice',
  reasons: ['malformed'],
  acceptance: () => 0,
  async prove(parts, challenge, signal) {
    const { params } = challenge;
    const proving = await prove(parts, challenge, signal);
    return { ...proving, open: () => proving.open(ownRequest(params)) };
  },
};

/** Every liar, with shares that let some pass: what the conformance suite of `compute` meets. */
export const computeLiars = (random: Random): readonly ComputeLiar[] => [
  fabricatesRows({ share: 0.125, random }),
  fabricatesRows({ share: 0.25, random }),
  fabricatesRows({ share: 0.125, random, accumulators: 'honest' }),
  skipsLabels({ share: 0.125, random }),
  cancelsRows({ share: 0.125, random }),
  liesInColumns({ share: 1, random }),
  liesInColumns({ share: 0.25, random }),
  borrowsWork({ random }),
  rebindsLabels({ random }),
  claimsBeyondCapacity,
  renamesLabels,
  addsPrime,
  leavesRange,
  turnsSamples,
  dropsSample,
  repeatsSample,
  truncatesRow,
  padsPath,
  breaksPath,
  swapsRoots,
  spellsOtherwise,
  answersOwnQuestion,
];

/** The same prover, whose openings are changed before they leave. */
export const rewriting = (
  params: ComputeParams,
  proving: Proving,
  rewrite: (opening: Opening, samples: readonly Sample[]) => Opening,
): Proving => ({
  ...proving,
  async open(request) {
    const opening = await proving.open(request);
    // both come from our own prover, which has refused what does not decode
    return encodeOpening(
      rewrite(decodeOpening(params, opening)!, decodeRequest(params, params.labels, request)!),
    );
  },
});
