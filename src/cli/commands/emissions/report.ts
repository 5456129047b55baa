// Owns: `assay emissions report`: runs a scenario and writes what it says into one HTML file. Does not own: the page
// (emissions/report), the run, its thread.
import { open } from 'node:fs/promises';
import { z } from 'zod';
import { REPORT_MARK, renderReport } from '../../../emissions/report/report.js';
import { shellWord } from '../../../model/shell-word.js';
import { chartLibrary } from '../../chart-library.js';
import { loadFlags } from '../../config.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { openWholeFile, type WholeFile } from '../../whole-file.js';
import { readSweep } from './report-sweep.js';
import { runFlags, runScenario } from './scenario-run.js';
import { loadScenario, scenarioFlags } from './scenario-source.js';

/** The mark of a report stands within them. */
const MARK_BYTES = 512;

const path = z.string().min(1).max(4096);
const flagsSchema = z.strictObject({
  ...scenarioFlags,
  ...runFlags,
  out: path.optional(),
  sweep: path.optional(),
  force: z.boolean().default(false),
});
type Flags = z.output<typeof flagsSchema>;

/**
 * Runs a scenario and writes its report, whole or not at all.
 *
 * @param flags.out the file, `<name of the scenario>.html` here when absent; an earlier report is replaced
 * @param flags.sweep a file of `assay emissions sweep --out`, or what its `--json` printed
 * @returns 0, or 130 when interrupted
 * @throws AssayError `invalid-config` for flags; `invalid-input` for the scenario, for a sweep that is none, for a file
 * that is no report unless forced; `corrupt` and `limit-exceeded` for the sweep's file
 */
export async function writeReport(
  nameOrFile: string,
  flags: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<number> {
  const checked = loadFlags(flagsSchema, flags);
  const scenario = await loadScenario(nameOrFile, checked);
  const out = checked.out ?? `${scenario.name}.html`;
  // before a long run, not after it
  const file = await openWholeFile(out, `--out ${out}`);
  if (!checked.force) await assertReplaceable(file, out);
  const sweep = checked.sweep === undefined ? undefined : await readSweep(checked.sweep);
  const run = await runScenario(scenario, checked, signal);
  if (run === undefined) return EXIT.interrupted;

  const command = commandOf(nameOrFile, checked);
  const parts = { ...run, chartLibrary: await chartLibrary(), command };
  const text = renderReport(sweep === undefined ? parts : { ...parts, sweep });
  await file.write(text);
  const bytes = Buffer.byteLength(text);
  if (checked.json) {
    const { version, seed, epochs } = run.result;
    const counts = { deviations: run.deviations?.length, sweepPoints: sweep?.rows.length };
    printJson({ path: out, bytes, scenario: scenario.name, seed, version, epochs, ...counts, command });
  } else print(`${out}: ${Math.ceil(bytes / 1024)} KiB`);
  return EXIT.ok;
}

async function assertReplaceable({ exists, target }: WholeFile, out: string): Promise<void> {
  if (exists && !(await isReport(target)))
    throw invalid(`--out ${out}`, 'a new file or an earlier report; --force writes over others', 'another');
}

async function isReport(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MARK_BYTES), 0, MARK_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead).includes(REPORT_MARK);
  } finally {
    await handle.close();
  }
}

/** What to type for the same report, for a POSIX shell. */
function commandOf(nameOrFile: string, { seed, epochs, set, sweep, deviations, points, out }: Flags): string {
  const flags = [
    ...(seed === undefined ? [] : ['--seed', seed]),
    ...(epochs === undefined ? [] : ['--epochs', String(epochs)]),
    ...set.flatMap((setting) => ['--set', setting]),
    ...(sweep === undefined ? [] : ['--sweep', sweep]),
    ...(deviations ? [] : ['--no-deviations']),
    ...(points === undefined ? [] : ['--points', String(points)]),
    ...(out === undefined ? [] : ['--out', out]),
  ];
  return ['assay', 'emissions', 'report', nameOrFile, ...flags].map(shellWord).join(' ');
}
