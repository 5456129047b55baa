// Owns: `assay emissions epoch`. Does not own: the form of a case file, running and checking it (emissions/cases).
import { createReadStream } from 'node:fs';
import Table from 'cli-table3';
import { type CaseCheck, checkEpochCase } from '../../../emissions/cases/check.js';
import { casesOf, parseEpochCases } from '../../../emissions/cases/parse.js';
import { type EpochCaseResult, runEpochCase } from '../../../emissions/cases/run.js';
import { formatEpochResults, readCaseText } from '../../../emissions/cases/text.js';
import type { EpochOutput } from '../../../emissions/epoch.js';
import { AssayError } from '../../../model/errors.js';
import { EXIT, PLAIN, print } from '../../output.js';

const MAX_FILE_BYTES = 64 * 2 ** 20;
/** bonds of a row that the table shows */
const SHOWN_BONDS = 4;

/**
 * Runs the cases of a file through the epoch.
 *
 * @param file `-` for standard input
 * @param flags.check compares with what the file expects, and ends at the first difference
 * @returns 0, or 1 when something differs
 * @throws AssayError invalid-input naming the path in the file
 */
export async function runEpochFile(
  file: string,
  flags: { json?: boolean; check?: boolean },
): Promise<number> {
  const json = readCaseText(await readText(file));
  const cases = parseEpochCases(json);
  const results = cases.map((epochCase) => runEpochCase(epochCase));
  if (flags.json) print(formatEpochResults(results));
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

async function readText(file: string): Promise<string> {
  const stream = file === '-' ? process.stdin : createReadStream(file);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > MAX_FILE_BYTES) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw unreadable(file, 'a file that can be read', cause instanceof Error ? cause.message : `${cause}`);
  }
  if (size > MAX_FILE_BYTES) throw unreadable(file, `at most ${MAX_FILE_BYTES} bytes`, 'more');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw unreadable(file, 'UTF-8', 'other bytes');
  }
}

const unreadable = (what: string, expected: string, got: string) =>
  new AssayError('invalid-input', `${what}: expected ${expected}, got ${got}`, { what, expected, got });

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
    style: PLAIN,
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
