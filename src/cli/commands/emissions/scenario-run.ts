// Owns: one run of a scenario for a command: its thread, its progress line, Ctrl-C. Does not own: what is made of it.
import { z } from 'zod';
import { type Deviation, deviatingCoalitions } from '../../../emissions/simulator/deviations.js';
import type { Scenario } from '../../../emissions/simulator/scenario.js';
import type { SimulationResult } from '../../../emissions/simulator/simulate.js';
import { createProgress } from '../../progress.js';
import { createSimulations, epochsOf } from '../../simulations.js';

/** Flags of every command that shows one run. */
export const runFlags = {
  deviations: z.boolean().default(true),
  /** of the series; neighbours become one in pairs */
  points: z.number().int().min(2).max(100_000).multipleOf(2, 'expected an even number').optional(),
};

export interface ScenarioRun {
  readonly result: SimulationResult;
  /** undefined when they were not asked for */
  readonly deviations: readonly Deviation[] | undefined;
}

/** On a thread, so that Ctrl-C is heard; undefined when it was. */
export async function runScenario(
  scenario: Scenario,
  { deviations, points }: { readonly deviations: boolean; readonly points?: number | undefined },
  signal: AbortSignal,
): Promise<ScenarioRun | undefined> {
  const want = deviations && deviatingCoalitions(scenario).length > 0 ? 'deviations' : 'result';
  const simulations = createSimulations({ threads: 1 }, signal);
  const progress = createProgress({ unit: 'epochs', total: epochsOf(scenario, want) });
  const options = { points, onEpoch: progress.update };
  try {
    if (want === 'deviations') return await simulations.run(scenario, want, options);
    const result = await simulations.run(scenario, want, options);
    return { result, deviations: deviations ? [] : undefined };
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    progress.end();
    await simulations.close();
  }
}
