// Owns: `assay emissions epoch`. Does not own: the form of a case file, running and checking it (emissions/cases).
import { type CaseCheck, checkEpochCase } from '../../../emissions/cases/check.js';
import { casesOf, parseEpochCases } from '../../../emissions/cases/parse.js';
import { type EpochCaseResult, runEpochCase } from '../../../emissions/cases/run.js';
import { formatEpochResults, readCaseText } from '../../../emissions/cases/text.js';
import type { EpochOutput } from '../../../emissions/epoch.js';
import { readInputText } from '../../input-text.js';
import { EXIT, print } from '../../output.js';
import { Table } from '../../table.js';

const MAX_FILE_BYTES = 64 * 2 ** 20;
/** bonds of a row that the table shows */
const SHOWN_BONDS = 4;

/**
 * Runs the cases of a file through the epoch. Results are one JSON document, or a table for each step where nobody asked
 * for JSON and standard output is a terminal.
 *
 * @param file `-` for standard input
 * @param flags.check compares with what the file expects, and ends at the first difference; prints results with `json`
 *   only
 * @returns 0, or 1 when something differs
 * @throws AssayError invalid-input naming the path in the file
 */
export async function runEpochFile(
  file: string,
  flags: { json?: boolean; check?: boolean },
): Promise<number> {
  const json = readCaseText(await readInputText(file, { maxBytes: MAX_FILE_BYTES }));
  const cases = parseEpochCases(json);
  const results = cases.map((epochCase) => runEpochCase(epochCase));
  if (flags.json || (!flags.check && !process.stdout.isTTY)) print(formatEpochResults(results));
  else if (!flags.check) for (const result of results) print(toText(result));
  if (!flags.check) return EXIT.ok;

  // with --json standard output holds the results alone
  const tell = (line: string): void => void (flags.json ? process.stderr : process.stdout).write(`${line}\n`);
  for (const [index, stated] of casesOf(json).entries()) {
    const check = checkEpochCase(stated, cases[index]!, results[index]!);
    tell(`${cases[index]!.id}: ${checkText(check)}`);
    for (const what of check.notCompared) tell(`  not compared: ${what}`);
    if (check.difference !== undefined) return EXIT.failed;
  }
  return EXIT.ok;
}

function checkText({ compared, difference }: CaseCheck): string {
  if (difference === undefined)
    return compared === 0 ? 'states nothing to compare' : `ok, ${compared} values`;
  const { step, field, where, expected, got } = difference;
  return `differs in step ${step}, ${field} of ${where}: expected ${expected}, got ${got}`;
}

const toText = ({ id, steps }: EpochCaseResult): string =>
  steps.map((output, step) => `${id}, step ${step}\n${toTable(output)}`).join('\n');

function toTable(output: EpochOutput): string {
  const table = new Table({
    head: [
      'uid',
      'stake',
      'permit',
      'consensus',
      'trust',
      'incentive',
      'dividends',
      'emission rao',
      'as miner',
      'as validator',
      'bonds',
    ],
    spare: ['bonds', 'as miner', 'as validator', 'trust'],
  });
  output.consensus.forEach((consensus, uid) => {
    table.push([
      uid,
      output.stakeWeight[uid],
      output.newPermits[uid] ? 'yes' : '',
      consensus,
      output.validatorTrust[uid],
      output.incentive[uid],
      output.dividends[uid],
      `${output.emission[uid]}`,
      `${output.serverEmission[uid]}`,
      `${output.validatorEmission[uid]}`,
      bondsText(output.bonds[uid]!),
    ]);
  });
  return table.toString();
}

/** e.g. `3:6640 4:0 and 2 more` */
function bondsText(row: EpochOutput['bonds'][number]): string {
  const shown = row.slice(0, SHOWN_BONDS).map(([uid, value]) => `${uid}:${value}`);
  if (row.length > SHOWN_BONDS) shown.push(`and ${row.length - SHOWN_BONDS} more`);
  return shown.join(' ');
}
