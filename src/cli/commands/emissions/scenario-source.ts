// Owns: a scenario from what the command line says: a name or a file, and what replaces its values. Does not own: its form.
import { z } from 'zod';
import { parseScenario, type Scenario, withParameters } from '../../../emissions/simulator/scenario.js';
import { scenarioNamed, scenarios } from '../../../emissions/simulator/scenarios/index.js';
import { parseSetting } from '../../../emissions/simulator/setting.js';
import { isNear } from '../../../model/near.js';
import { readInputJson } from '../../input-text.js';
import { DEFAULT_THREADS, MAX_THREADS } from '../../simulations.js';

/** A scenario file larger than this is not ours. */
const MAX_FILE_BYTES = 1 << 20;

/** Flags of every command that reads a scenario. */
export const scenarioFlags = {
  seed: z.string().max(256).optional(),
  epochs: z.number().int().min(1).max(1_000_000).optional(),
  /** PATH=VALUE */
  set: z.array(z.string().max(MAX_FILE_BYTES)).max(1000).default([]),
  json: z.boolean().default(false),
};

export const threadsFlag = z.number().int().min(1).max(MAX_THREADS).default(DEFAULT_THREADS);

export interface ScenarioSource {
  readonly seed?: string | undefined;
  readonly epochs?: number | undefined;
  readonly set: readonly string[];
}

/**
 * @param nameOrFile a scenario that ships, a JSON file, or `-` for standard input
 * @throws AssayError `invalid-input` or `invalid-config`, naming file and path
 */
export async function loadScenario(nameOrFile: string, flags: ScenarioSource): Promise<Scenario> {
  const scenario = scenarioNamed(nameOrFile) ?? parseScenario(await readFile(nameOrFile), nameOrFile);
  const replacements = flags.set.map((text) => parseSetting(text, scenario));
  if (flags.seed !== undefined) replacements.push(['seed', flags.seed]);
  if (flags.epochs !== undefined) replacements.push(['epochs', flags.epochs]);
  return replacements.length === 0 ? scenario : withParameters(scenario, replacements);
}

const readFile = (path: string): Promise<unknown> =>
  readInputJson(path, { maxBytes: MAX_FILE_BYTES, names: namesLike });

/** Names like it, or all where none is. */
function namesLike(path: string): readonly string[] {
  const names = scenarios.map(({ name }) => name);
  const near = names.filter((name) => isNear(path, name));
  return near.length > 0 ? near : names;
}
