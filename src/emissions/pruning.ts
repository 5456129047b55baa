// Owns: which neuron makes room when a full subnet registers another (subtensor registration.rs `get_neuron_to_prune`).
// Does not own: whose keys are the owner's, replacing the neuron.

export interface PruneCandidate {
  readonly uid: number;
  /** `Emission` of the last epoch */
  readonly emissionRao: bigint;
  /** `BlockAtRegistration` */
  readonly registeredAt: number;
}

/**
 * The lowest emission, then the oldest registration, then the lowest uid: of those past their immunity if more than
 * `minNonImmuneUids` are, else of the immune ones.
 *
 * @param candidates every neuron except the owner's protected ones
 * @returns its uid; undefined when nobody may be pruned
 */
export function neuronToPrune(
  candidates: readonly PruneCandidate[],
  rules: {
    readonly block: number;
    readonly immunityPeriod: number;
    readonly minNonImmuneUids: number;
  },
): number | undefined {
  const isImmune = ({ registeredAt }: PruneCandidate): boolean =>
    rules.block - registeredAt < rules.immunityPeriod;
  const immune = candidates.filter(isImmune);
  const mayPruneOthers = candidates.length - immune.length > rules.minNonImmuneUids;
  const pool = mayPruneOthers ? candidates.filter((candidate) => !isImmune(candidate)) : immune;
  let worst: PruneCandidate | undefined;
  for (const candidate of pool) if (!worst || goesBefore(candidate, worst)) worst = candidate;
  return worst?.uid;
}

function goesBefore(a: PruneCandidate, b: PruneCandidate): boolean {
  if (a.emissionRao !== b.emissionRao) return a.emissionRao < b.emissionRao;
  if (a.registeredAt !== b.registeredAt) return a.registeredAt < b.registeredAt;
  return a.uid < b.uid;
}
