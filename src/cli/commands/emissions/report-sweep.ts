// Owns: reading a finished or unfinished sweep for a report: its file, or what `sweep --json` printed. Does not own:
// writing such files (sweep-file.ts).
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { parseScenario } from '../../../emissions/simulator/scenario.js';
import type { SweepResult } from '../../../emissions/simulator/sweep.js';
import { AssayError } from '../../../model/errors.js';
import { foundInstead, invalid } from '../../invalid-input.js';
import { jsonOf, rowsOf } from './sweep-file.js';

/** More than a report can show. */
const MAX_FILE_BYTES = 256 << 20;

const value = z.union([z.number(), z.string(), z.boolean()]);
const common = {
  version: z.string().max(64),
  axes: z.array(z.object({ path: z.string(), values: z.array(value).min(1) })).min(1),
  scenario: z.unknown(),
};
const row = z.object({ at: z.array(value), metrics: z.record(z.string(), z.number()) });
const headerSchema = z.object({ assay: z.literal('sweep'), ...common });
const documentSchema = z.object({ ...common, rows: z.array(row).min(1) });

/**
 * The rows that are there, in any order. A last line that was not written to its end is passed over.
 *
 * @throws AssayError `invalid-input` when it is no sweep, `corrupt` naming the line, `limit-exceeded` by its size
 */
export async function readSweep(path: string): Promise<SweepResult> {
  const text = await readText(path);
  const lines = text.split('\n');
  const header = headerSchema.safeParse(jsonOf(lines[0]!));
  const document = header.success
    ? // what stands behind the last end of a line is nothing, or a line that was cut off
      { ...header.data, rows: [...rowsOf(lines.slice(1, -1), path, header.data.axes).values()] }
    : documentSchema.safeParse(jsonOf(text)).data;
  if (document === undefined)
    throw invalid(
      `--sweep ${path}`,
      'a file of assay emissions sweep --out, or what its --json prints',
      'another',
    );
  const scenario = parseScenario(document.scenario, path);
  return {
    version: document.version,
    seed: scenario.seed,
    scenario,
    axes: document.axes,
    rows: document.rows,
  };
}

async function readText(path: string): Promise<string> {
  try {
    const found = await stat(path);
    // a device has no end
    if (!found.isFile()) throw invalid(`--sweep ${path}`, 'a regular file', 'another kind');
    const { size } = found;
    if (size > MAX_FILE_BYTES)
      throw new AssayError(
        'limit-exceeded',
        `--sweep ${path}: ${size} bytes, at most ${MAX_FILE_BYTES} are read`,
        {
          what: path,
          limit: MAX_FILE_BYTES,
          got: size,
        },
      );
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw invalid(`--sweep ${path}`, 'a file that can be read', foundInstead(error), error);
  }
}
