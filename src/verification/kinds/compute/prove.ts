// Owns: the honest prover: as many labels as fit in the window, then openings of them.
import type { Devices } from '../../../compute/compute.js';
import type { Labels } from '../../../compute/labels.js';
import { committedRoot, createChain } from '../../../compute/spec/chain.js';
import { AssayError } from '../../../model/errors.js';
import { sha256 } from '../../../model/hash.js';
import { whileItFits } from '../../pace.js';
import type { Challenge, Pace, Proving } from '../../proof.js';
import { decodeRequest, encodeCommit, encodeOpening } from './codec.js';
import { openLabels, openSamples } from './labels.js';
import type { ComputeParams } from './params.js';

/**
 * Computes labels while another one fits in the time there is, then commits to them: at least one, at most the capacity.
 * Looks at `signal` between labels; waits for nothing but the device.
 * @throws the signal's reason when it aborts
 */
export async function prove(
  devices: Pick<Devices, 'compute'> & Pace,
  challenge: Challenge<ComputeParams>,
  signal: AbortSignal,
): Promise<Proving> {
  signal.throwIfAborted();
  const labels = await openLabels(devices, challenge);
  try {
    await labels.extend(challenge.params.labels, whileItFits(devices), signal);
    return await createProving(challenge, labels);
  } catch (error) {
    labels.release();
    throw error;
  }
}

/** Commit and openings for the labels there are. They are released with it. */
export async function createProving(
  { params, seed }: Challenge<ComputeParams>,
  labels: Labels,
): Promise<Proving> {
  const { count } = labels;
  const { rowRoot, columnRoot } = await labels.roots(count);
  let released = false;
  return {
    commit: encodeCommit({ labels: count, root: committedRoot(seed, count, rowRoot, columnRoot) }),
    async open(request) {
      const samples = decodeRequest(params, count, request);
      if (!samples) {
        const expected = `${params.samples} samples with label 1..${count}, rows 0..${params.n - 1}`;
        throw new AssayError('invalid-input', `request: expected ${expected}`, {
          what: 'request',
          expected,
          got: `${request.length} bytes`,
        });
      }
      if (released)
        throw new AssayError('invalid-input', 'request: the labels have been released', {
          what: 'request',
          expected: 'an opening before release',
          got: 'released',
        });
      const chain = createChain(seed, params.n, params.labels);
      return encodeOpening({
        rowRoot,
        columnRoot,
        requestDigest: sha256(request),
        samples: await openSamples(labels, chain, count, samples),
      });
    },
    release() {
      released = true;
      labels.release();
    },
  };
}
