// Owns: `assay emissions scenarios`. Does not own: the scenarios.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  parseScenario,
  type Scenario,
  type ScenarioFile,
  scenarioJsonSchema,
  uidsOf,
} from '../../../emissions/simulator/scenario.js';
import { scenarios } from '../../../emissions/simulator/scenarios/index.js';
import { AssayError } from '../../../model/errors.js';
import { loadFlags } from '../../config.js';
import { foundInstead, invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { openWholeFile } from '../../whole-file.js';
import { tableOf } from './figures.js';

/** Beside the scenarios, where their `$schema` points. */
const SCHEMA_FILE = 'scenario.schema.json';

const flagsSchema = z.strictObject({
  json: z.boolean().default(false),
  show: z.string().max(200).optional(),
  schema: z.boolean().default(false),
  write: z.string().min(1).max(4096).optional(),
  seed: z.string().max(256).optional(),
});

/**
 * Lists the scenarios that ship, prints one or the schema, or writes all of them into a folder.
 *
 * @throws AssayError `invalid-config` for flags, `invalid-input` for a name, or for files that would be lost
 */
export async function listScenarios(flags: Readonly<Record<string, unknown>>): Promise<number> {
  const { json, show, schema, write, seed } = loadFlags(flagsSchema, flags);
  if ([show, schema || undefined, write].filter((flag) => flag !== undefined).length > 1)
    throw new AssayError('invalid-config', 'expected one of --show, --schema and --write', {
      source: 'flags',
      problems: ['--show, --schema and --write exclude one another'],
    });
  if (schema) print(pretty(scenarioJsonSchema()));
  else if (show !== undefined) print(pretty(documentOf(named(show), seed)));
  else if (write !== undefined) {
    const files = await writeAll(write, seed);
    if (json) printJson({ folder: write, files });
    else print(`${files.length} files in ${write}`);
  } else list(json);
  return EXIT.ok;
}

function list(json: boolean): void {
  const rows = scenarios.map((file) => {
    const scenario = parseScenario(file, file.name);
    const { name, title, epochs, description } = scenario;
    return { name, title, epochs, neurons: neuronsOf(scenario), description };
  });
  if (json) {
    printJson({ scenarios: rows });
    return;
  }
  const table = tableOf(['name', 'title', 'epochs', 'neurons'], 2);
  for (const { name, title, epochs, neurons } of rows) table.push([name, title, epochs, neurons]);
  print(table.toString());
}

/** All that are in the file, later arrivals and the owner's included. */
const neuronsOf = ({ validators, miners }: Scenario): number =>
  [...validators, ...miners].reduce((sum, group) => sum + group.count * uidsOf(group), 1);

function named(name: string): ScenarioFile {
  const scenario = scenarios.find((known) => known.name === name);
  if (scenario !== undefined) return scenario;
  throw invalid('--show', `one of ${scenarios.map((known) => known.name).join(', ')}`, name);
}

const documentOf = (file: ScenarioFile, seed: string | undefined): ScenarioFile => ({
  $schema: `./${SCHEMA_FILE}`,
  ...file,
  ...(seed === undefined ? {} : { seed }),
});

const pretty = (value: unknown): string => JSON.stringify(value, undefined, 2);

/** Never over a file that says something else: somebody may have worked on it. Returns the names. */
async function writeAll(folder: string, seed: string | undefined): Promise<string[]> {
  const what = `--write ${folder}`;
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw invalid(what, 'a folder that can be written to', foundInstead(error), error);
  }
  const texts = new Map([[SCHEMA_FILE, `${pretty(scenarioJsonSchema())}\n`]]);
  for (const file of scenarios) texts.set(`${file.name}.json`, `${pretty(documentOf(file, seed))}\n`);
  const missing: (() => Promise<void>)[] = [];
  const changed: string[] = [];
  for (const [name, text] of texts) {
    const file = await openWholeFile(join(folder, name), `${what}, ${name}`);
    if (!file.exists) missing.push(() => file.write(text));
    else if ((await readFile(file.target, 'utf8')) !== text) changed.push(name);
  }
  if (changed.length > 0) throw invalid(what, 'a folder without changed scenarios', changed.join(', '));
  for (const write of missing) await write();
  return [...texts.keys()];
}
