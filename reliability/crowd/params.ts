// Owns: the parameter set of a crowd: proofs that take a thousand slots of one machine milliseconds each. Does not own: its plan (plan.ts).
import type { ComputeParams } from '../../src/verification/kinds/compute/params.js';

export const crowdParams = ({ windowMs }: { readonly windowMs: number }): ComputeParams => ({
  kind: 'compute',
  class: 'crowd',
  n: 64,
  labels: 8,
  nominalLabels: 8,
  samples: 64,
  projections: 2,
  windowMs,
  // as many Gos as there are miners are signed and written one after the other
  goLeadMs: windowMs,
  openingTimeoutMs: 60_000,
  localnetOnly: true,
  paceOpsPerS: 1,
});
