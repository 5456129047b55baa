// Owns: what a coalition gains by not being honest: the same scenario run once more with it honest.
// Does not own: runs (simulate.ts).
import { toTokens } from './amounts.js';
import type { GroupResult } from './groups.js';
import { type Scenario, withParameters } from './scenario.js';
import { type SimulateOptions, type SimulationResult, simulate } from './simulate.js';

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

/** Coalitions with a group that is not honest, at the start or by a change, in the order of the file. */
export function deviatingCoalitions(scenario: Scenario): string[] {
  const deviating = rolesOf(scenario).filter(({ path, group }) => {
    const changed = scenario.changes.some(({ set }) =>
      Object.keys(set).some((key) => isBehaviour(key, path)),
    );
    return changed || !HONEST.includes(group.behaviour.kind);
  });
  return [...new Set(deviating.map(({ group }) => group.coalition ?? group.name))];
}
/** Who leaves when it does not pay is honest. */
const HONEST: readonly string[] = ['honest', 'exit'];

/** The scenario with a coalition's groups honest from the start to the end, else as it is. */
export function withHonest(scenario: Scenario, coalition: string): Scenario {
  const own = rolesOf(scenario).filter(({ group }) => (group.coalition ?? group.name) === coalition);
  const changes = scenario.changes.map(({ epoch, set }) => ({
    epoch,
    set: Object.fromEntries(
      Object.entries(set).filter(([key]) => !own.some(({ path }) => isBehaviour(key, path))),
    ),
  }));
  const deviating = own.filter(({ group }) => !HONEST.includes(group.behaviour.kind));
  return withParameters(
    { ...scenario, changes },
    deviating.map(({ path }) => [`${path}.behaviour`, { kind: 'honest' }]),
  );
}

const rolesOf = (scenario: Scenario) =>
  (['validators', 'miners'] as const).flatMap((role) =>
    scenario[role].map((group) => ({ path: `${role}.${group.name}`, group })),
  );

const isBehaviour = (key: string, path: string): boolean => key.startsWith(`${path}.behaviour`);

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
