// Owns: the honest prover: the whole chain, then openings of it.

import type { Compute } from '../../../compute/compute.js';
import { committedRoot, createChain, fold } from '../../../compute/spec/chain.js';
import { Transcript } from '../../../compute/spec/transcript.js';
import { AssayError } from '../../../model/errors.js';
import { sha256 } from '../../../model/hash.js';
import { whileItFits } from '../../pace.js';
import type { Challenge, Pace, Proving } from '../../proof.js';
import {
  decodeRequest,
  encodeAccumulator,
  encodeCommit,
  encodeOpening,
  type Sample,
  type SampleOpening,
} from './codec.js';
import { acquireOperand, type SharedOperand } from './operand.js';
import type { ComputeParams } from './params.js';

/**
 * Computes labels while another one fits in the time there is, then commits to them: at least one, at most the capacity.
 * Looks at `signal` between labels; waits for nothing but the device.
 * @throws the signal's reason when it aborts
 */
export async function prove(
  { compute, leftMs }: { compute: Compute } & Pace,
  challenge: Challenge<ComputeParams>,
  signal: AbortSignal,
): Promise<Proving> {
  const { params, basis, seed } = challenge;
  signal.throwIfAborted();
  const operand = await acquireOperand(compute, basis, params.n);
  try {
    const transcript = new Transcript(createChain(seed, params.n, params.labels));
    const a = new Int8Array(params.n * params.n);
    const fits = whileItFits({ leftMs });
    while (transcript.count < params.labels && fits()) {
      signal.throwIfAborted();
      transcript.operand(new Uint8Array(a.buffer));
      const label = new Uint8Array(a.length);
      await operand.exclusive(async (multiplier) => fold(await multiplier.multiply(a), label));
      transcript.append(label);
    }
    return createProving(challenge, transcript, operand);
  } catch (error) {
    operand.release();
    throw error;
  }
}

/** Commit and openings for a finished transcript. */
export function createProving(
  { params, seed }: Challenge<ComputeParams>,
  transcript: Transcript,
  operand: SharedOperand,
): Proving {
  const { rowRoot, columnRoot } = transcript.close();
  const labels = transcript.count;
  let kept: Transcript | undefined = transcript;
  return {
    commit: encodeCommit({
      labels,
      root: committedRoot(seed, labels, rowRoot, columnRoot),
    }),
    async open(request) {
      const samples = decodeRequest(params, labels, request);
      if (!samples) {
        const expected = `${params.samples} samples with label 1..${labels}, rows 0..${params.n - 1}`;
        throw new AssayError('invalid-input', `request: expected ${expected}`, {
          what: 'request',
          expected,
          got: `${request.length} bytes`,
        });
      }
      if (!kept)
        throw new AssayError('invalid-input', 'request: the labels have been released', {
          what: 'request',
          expected: 'an opening before release',
          got: 'released',
        });
      const accumulators = await openAccumulators(kept, operand, samples);
      return encodeOpening({
        rowRoot,
        columnRoot,
        requestDigest: sha256(request),
        samples: samples.map((sample, s) => openSample(transcript, sample, accumulators[s])),
      });
    },
    release() {
      kept = undefined;
      operand.release();
    },
  };
}

const EMPTY = new Uint8Array(0);

function openSample(transcript: Transcript, sample: Sample, accumulator: Uint8Array): SampleOpening {
  const { label, row, agreementRow } = sample;
  const back = transcript.chain.backEdges[label];
  const first = label === 1;
  return {
    previousRow: first ? EMPTY : transcript.row(label - 1, row),
    backColumn: back === 0 ? EMPTY : transcript.column(back, row),
    agreementRow: back === 0 ? EMPTY : transcript.row(back, agreementRow),
    accumulator,
    previousRowPath: first ? EMPTY : transcript.rowPath(label - 1, row),
    backColumnPath: back === 0 ? EMPTY : transcript.columnPath(back, row),
    agreementRowPath: back === 0 ? EMPTY : transcript.rowPath(back, agreementRow),
    labelRowPath: transcript.rowPath(label, row),
  };
}

/** Products are not kept (four times the labels): the sampled rows are multiplied again, at most n at a time. */
async function openAccumulators(
  transcript: Transcript,
  operand: SharedOperand,
  samples: readonly Sample[],
): Promise<Uint8Array[]> {
  const { n } = transcript.chain;
  const out: Uint8Array[] = [];
  for (let from = 0; from < samples.length; from += n) {
    const batch = samples.slice(from, from + n);
    const a = new Int8Array(batch.length * n);
    const bytes = new Uint8Array(a.buffer);
    batch.forEach(({ label, row }, s) => {
      transcript.operandRow(label, row, bytes.subarray(s * n, (s + 1) * n));
    });
    await operand.exclusive(async (multiplier) => {
      const c = await multiplier.multiply(a);
      for (let s = 0; s < batch.length; s++) out.push(encodeAccumulator(c.subarray(s * n, (s + 1) * n)));
    });
  }
  return out;
}
