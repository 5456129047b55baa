// Owns: what a coalition gains by not being honest: the same scenario run once more with it honest.
// Does not own: runs (simulate.ts).
import { toTokens } from './amounts.js';
import { type Scenario, withParameters } from './scenario.js';
import { type GroupResult, type SimulateOptions, type SimulationResult, simulate } from './simulate.js';

/** A coalition's yield as it is, and as it would be if all its groups were honest. */
export interface Deviation {
  readonly coalition: string;
  /** its groups with their behaviours, such as `cabal: cabal, friends: honest` */
  readonly behaviours: string;
  readonly profitTao: number;
  readonly honestProfitTao: number;
  readonly earnedAlpha: number;
  readonly honestEarnedAlpha: number;
  /** earned alpha over the honest run's, less 1; undefined when it would have earned nothing */
  readonly gain: number | undefined;
}

/** Coalitions with a group that is not honest, in the order of the file. */
export function deviatingCoalitions(scenario: Scenario): string[] {
  const groups = [...scenario.validators, ...scenario.miners];
  const deviating = groups.filter(
    ({ behaviour }) => behaviour.kind !== 'honest' && behaviour.kind !== 'exit',
  );
  return [...new Set(deviating.map((group) => group.coalition ?? group.name))];
}

/** The scenario with a coalition's groups honest, else as they are. */
export function withHonest(scenario: Scenario, coalition: string): Scenario {
  const honest = (role: 'validators' | 'miners') =>
    scenario[role]
      .filter((group) => (group.coalition ?? group.name) === coalition)
      .map((group) => [`${role}.${group.name}.behaviour`, { kind: 'honest' }] as const);
  return withParameters(scenario, [...honest('validators'), ...honest('miners')]);
}

/**
 * One more run for each coalition that deviates. What a coalition gains is compared in the alpha its groups earn
 * together, and in TAO after cost.
 */
export function deviationsOf(
  result: SimulationResult,
  options: Pick<SimulateOptions, 'payRule' | 'onEpoch'> = {},
): Deviation[] {
  return deviatingCoalitions(result.scenario).map((coalition) =>
    compare(coalition, result, simulate(withHonest(result.scenario, coalition), { ...options, points: 2 })),
  );
}

function compare(coalition: string, result: SimulationResult, honest: SimulationResult): Deviation {
  const own = (run: SimulationResult): GroupResult[] =>
    run.groups.filter((group) => group.coalition === coalition);
  const profit = (run: SimulationResult): number =>
    own(run).reduce((sum, { profitTao }) => sum + profitTao, 0);
  const alpha = (run: SimulationResult): number =>
    toTokens(own(run).reduce((sum, { earnedAlphaRao }) => sum + earnedAlphaRao, 0n));
  const honestEarnedAlpha = alpha(honest);
  return {
    coalition,
    behaviours: own(result)
      .map(({ name, behaviour }) => `${name}: ${behaviour}`)
      .join(', '),
    profitTao: profit(result),
    honestProfitTao: profit(honest),
    earnedAlpha: alpha(result),
    honestEarnedAlpha,
    gain: honestEarnedAlpha === 0 ? undefined : alpha(result) / honestEarnedAlpha - 1,
  };
}
