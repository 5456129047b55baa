// Owns: evidence at the sizes of real classes, made by a device whose labels are noise but for the rows that are asked for: the
// verifier does all of its work. Does not own: what is measured with it.
import type { Compute } from '../../src/compute/compute.js';
import type { Random } from '../../src/model/prng.js';
import { type PlayedProof, playProof } from '../../src/testing/transcripts.js';
import { encodeRequest } from '../../src/verification/kinds/compute/codec.js';
import type { ComputeParams } from '../../src/verification/kinds/compute/params.js';
import { computeProof, memoryProof } from '../../src/verification/kinds/index.js';
import { encodeRequest as encodeMemoryRequest } from '../../src/verification/kinds/memory/codec.js';
import { blocksOf, type MemoryParams } from '../../src/verification/kinds/memory/params.js';
import { samplesOf, seedWithBackEdges, steps, withSparseLabels } from './sparse-labels.js';

/** Labels of the window and of the fill: as in proof-pool.ts, a verifier's work does not hang on how many there are. */
const [WINDOW, FILLED] = [5, 6];

export const sparse = (compute: Compute): Compute => withSparseLabels(compute, [WINDOW, FILLED]);

export async function computeEvidence(
  compute: Compute,
  params: ComputeParams,
  random: Random,
): Promise<PlayedProof<ComputeParams>> {
  const challenge = {
    params,
    basis: random.bytes(32),
    seed: seedWithBackEdges(random, params.n, [WINDOW]),
  };
  const asked: typeof computeProof = {
    ...computeProof,
    issue: () => encodeRequest(samplesOf(random, params.n, WINDOW, params.samples)),
  };
  return playProof({ kind: asked, devices: { compute }, random, pace: steps(WINDOW) }, challenge);
}

export async function memoryEvidence(
  compute: Compute,
  params: MemoryParams,
  random: Random,
): Promise<PlayedProof<MemoryParams>> {
  const { n, samples, fillSamples, passSamples } = params;
  const challenge = {
    params,
    basis: random.bytes(32),
    seed: seedWithBackEdges(random, n, [WINDOW, FILLED]),
    place: random.bytes(32),
  };
  // what one round takes: passes over noise cost the prover seconds, and the verifier the keys of each round that is looked at
  const kind: typeof memoryProof = {
    ...memoryProof,
    issue: () =>
      encodeMemoryRequest({
        samples: samplesOf(random, n, WINDOW, samples),
        fillSamples: samplesOf(random, n, FILLED, fillSamples),
        passSamples: Array.from({ length: passSamples }, () => ({
          round: 1,
          block: random.below(blocksOf(params, FILLED)),
        })),
      }),
    async prove(devices, given, signal) {
      const proving = await memoryProof.prove(devices, given, signal);
      return { ...proving, next: (step, late) => proving.next!({ ...step, ...steps(1) }, late) };
    },
  };
  return playProof({ kind, devices: { compute }, random, pace: steps(WINDOW) }, challenge);
}
