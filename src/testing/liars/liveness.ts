// Owns: provers of `liveness` that lie, the one that need not, and what being passed by a CPU is worth. Does not own: liars of the chain itself (compute.ts).
import type { Random } from '../../model/prng.js';
import { livenessProof } from '../../verification/kinds/liveness/index.js';
import { chainOf, type LivenessParams } from '../../verification/kinds/liveness/params.js';
import type { Liar } from '../conformance/proof.js';
import {
  answersOwnQuestion,
  borrowsWork,
  type ComputeLiar,
  fabricatesRows,
  rebindsLabels,
  renamesLabels,
  skipsLabels,
  spellsOtherwise,
} from './compute.js';

export type LivenessLiar = Liar<LivenessParams>;

/** The same lie about the same chain. */
const inChain = (liar: ComputeLiar): LivenessLiar => ({
  name: liar.name,
  reasons: liar.reasons,
  acceptance: (challenge) => liar.acceptance({ ...challenge, params: chainOf(challenge.params) }),
  prove: (devices, challenge, signal) =>
    liar.prove(devices, { ...challenge, params: chainOf(challenge.params) }, signal),
});

/**
 * Proved a GPU once, gave it back, and answers from a CPU. Every bit of it is honest, so it is always accepted: what keeps it
 * from earning is that acceptance credits nothing (`unearnedHours` says what it is worth to whoever slows decay by it).
 */
export const answersFromCpu: LivenessLiar = {
  name: 'has given its device back and answers from a CPU',
  reasons: [],
  acceptance: () => 1,
  prove: livenessProof.prove,
};

export const livenessLiars = (random: Random): readonly LivenessLiar[] => [
  answersFromCpu,
  ...[
    fabricatesRows({ share: 0.125, random }),
    fabricatesRows({ share: 0.125, random, accumulators: 'honest' }),
    skipsLabels({ share: 0.25, random }),
    borrowsWork({ random }),
    rebindsLabels({ random }),
    renamesLabels,
    spellsOtherwise,
    answersOwnQuestion,
  ].map(inChain),
];

/** How long whoever does so many exact operations a second works on one check, ms. */
export const answerMs = ({ n, labels }: LivenessParams, opsPerS: number): number =>
  (2 * n ** 3 * labels * 1000) / opsPerS;

/** Slowest device that passes, operations a second, when both ways together take `networkMs`. */
export const slowestThatPasses = (params: LivenessParams, networkMs: number): number =>
  answerMs(params, 1000) / ((params.windowMs - networkMs) / 1000);

/** What scoring may let a run of accepted checks do to the decay of credit (docs/proofs/liveness.md). */
export interface DecayPolicy {
  readonly halfLifeHours: number;
  readonly slowedHalfLifeHours: number;
  /** longest time without a full proof during which decay is slowed; Infinity where nobody thought of it */
  readonly slowedHours: number;
}

export const DECAY: DecayPolicy = { halfLifeHours: 6, slowedHalfLifeHours: 12, slowedHours: 24 };

/** Full-credit hours that a slot still gets after its device is gone, passing every check from a CPU. */
export function unearnedHours({ halfLifeHours, slowedHalfLifeHours, slowedHours }: DecayPolicy): number {
  const mean = (halfLife: number): number => halfLife / Math.LN2;
  const left = 2 ** (-slowedHours / slowedHalfLifeHours);
  const slowed = slowedHours === 0 ? 0 : mean(slowedHalfLifeHours) * (1 - left);
  return slowed + left * mean(halfLifeHours);
}
