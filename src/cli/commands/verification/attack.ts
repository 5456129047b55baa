// Owns: `assay verification attack`. Does not own: the attacks and what their counts say (testing/attacks).
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { AssayError } from '../../../model/errors.js';
import type { Attack } from '../../../testing/attacks/attack.js';
import { attacksPage } from '../../../testing/attacks/markdown.js';
import { ATTACKS } from '../../../testing/attacks/registry.js';
import {
  type AttackRow,
  type AttackSummary,
  runAttack,
  runWithoutRule,
  summarise,
} from '../../../testing/attacks/run.js';
import { integerBetween, loadFlags } from '../../config.js';
import { EXIT, print, printJson } from '../../output.js';
import { createProgress } from '../../progress.js';
import { Table } from '../../table.js';

const flagsSchema = z.strictObject({
  list: z.boolean().default(false),
  all: z.boolean().default(false),
  kind: z.string().max(64).optional(),
  attack: z.string().max(64).optional(),
  strength: z.number().min(0).max(1e12).optional(),
  runs: integerBetween(1, 10_000_000, 'a number of runs').default(400),
  confidence: z.number().min(0.5).max(0.999_999).default(0.999),
  seed: z.string().min(1).max(200).default('assay'),
  table: z.string().min(1).max(4096).optional(),
  json: z.boolean().default(false),
});
type Flags = z.output<typeof flagsSchema>;

/** One line of the table before it is run. */
interface Planned {
  readonly attack: Attack;
  readonly strength: number;
  readonly asBuilt: boolean;
  readonly runs: number;
}

/**
 * Runs attacks and prints what came of them.
 *
 * @returns 0 when each lies within its bound and succeeds somewhere, else 1
 * @throws AssayError `invalid-config` for flags and names
 */
export async function attack(flags: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<number> {
  const checked = loadFlags(flagsSchema, flags);
  const chosen = choose(checked);
  if (checked.list) {
    list(chosen, checked.json);
    return EXIT.ok;
  }
  const plan = chosen.flatMap((one) => planOf(one, checked));
  const rows = await runAll(plan, checked, signal);
  const { seed, runs, confidence } = checked;
  const summaries = chosen.map((one) => summarise(one, rows));
  // one strength alone says nothing of the others
  const whole = checked.strength === undefined;
  const bad = summaries.filter(({ above, broken }) => above || (whole && broken));
  const table = { seed, runs, confidence, rows, summaries };
  if (checked.table !== undefined)
    writeFileSync(checked.table, attacksPage(chosen, table, commandOf(checked)));
  if (checked.json) printJson({ seed, runs, confidence, rows, summaries, ok: bad.length === 0 });
  else report(rows, bad, summaries);
  return bad.length === 0 ? EXIT.ok : EXIT.failed;
}

function choose({ all, list: listing, kind, attack: name }: Flags): readonly Attack[] {
  if (kind === undefined && name === undefined && !all && !listing)
    throw unfit('all', 'expected --all, or --kind, or --kind and --attack; --list names them');
  if (all && (kind !== undefined || name !== undefined)) throw unfit('all', 'expected it alone');
  const kinds = [...new Set(ATTACKS.map((each) => each.kind))];
  if (kind !== undefined && !kinds.includes(kind)) throw unfit('kind', `expected one of ${kinds.join(', ')}`);
  const ofKind = ATTACKS.filter((each) => kind === undefined || each.kind === kind);
  const chosen = ofKind.filter((each) => name === undefined || each.name === name);
  if (chosen.length === 0)
    throw unfit('attack', `expected one of ${ofKind.map((each) => each.name).join(', ')}`);
  return chosen;
}

function list(chosen: readonly Attack[], json: boolean): void {
  if (json) {
    const shown = chosen.map(({ run: _, bound: __, own: ___, without, ...rest }) => ({
      ...rest,
      ...(without ? { without: without.rule } : {}),
    }));
    printJson({ attacks: shown });
    return;
  }
  const table = new Table({
    head: ['kind', 'attack', 'a miner that', 'strength'],
  });
  for (const { kind, name, what, strength } of chosen) table.push([kind, name, what, strength]);
  print(table.toString());
}

function planOf(one: Attack, { strength, runs }: Flags): Planned[] {
  const of = (strengths: readonly number[], asBuilt: boolean): Planned[] =>
    (strength === undefined ? strengths : [strength]).map((each) => ({
      attack: one,
      strength: each,
      asBuilt,
      runs: Math.min(runs, one.atMostRuns ?? runs),
    }));
  const { without } = one;
  return [...of(one.strengths, true), ...(without ? of(without.strengths ?? one.strengths, false) : [])];
}

async function runAll(plan: readonly Planned[], flags: Flags, signal: AbortSignal): Promise<AttackRow[]> {
  const total = plan.reduce((sum, { runs }) => sum + runs, 0);
  const progress = createProgress({ unit: 'runs', total });
  const { seed, confidence, runs } = flags;
  const rows: AttackRow[] = [];
  let before = 0;
  try {
    for (const { attack: one, strength, asBuilt, runs: planned } of plan) {
      const options = { runs, seed, confidence, onRun: (done: number) => progress.update(before + done) };
      const row = await (asBuilt ? runAttack : runWithoutRule)(one, strength, options, signal);
      if (row) rows.push(row);
      before += planned;
    }
  } finally {
    progress.end();
  }
  return rows;
}

function report(
  rows: readonly AttackRow[],
  bad: readonly AttackSummary[],
  summaries: readonly AttackSummary[],
): void {
  const table = new Table({
    head: ['kind', 'attack', '', 'strength', 'accepted', 'rate', 'interval', 'bound', 'credit', 'own', ''],
    colAligns: ['left', 'left', 'left', ...new Array<'right'>(7).fill('right'), 'left'],
  });
  for (const row of rows)
    table.push([
      row.kind,
      row.attack,
      row.asBuilt ? '' : 'without',
      short(row.strength),
      `${row.accepted}/${row.runs}`,
      short(row.rate),
      `${short(row.interval[0])}..${short(row.interval[1])}`,
      row.bound === undefined ? '' : `${row.bounds === 'credit' ? 'credit ' : ''}${short(row.bound)}`,
      short(row.meanCredit),
      short(row.own),
      [row.pays ? 'pays' : '', row.verdict === 'within' || row.verdict === 'unbounded' ? '' : row.verdict]
        .filter((word) => word !== '')
        .join(' '),
    ]);
  print(table.toString());
  for (const { kind, attack: name, above, broken } of bad)
    print(`${kind}/${name}: ${above ? 'above its bound' : ''}${broken ? ' succeeds nowhere' : ''}`);
  const lazy = summaries.filter(({ below }) => below);
  for (const { kind, attack: name } of lazy) print(`${kind}/${name}: does less than its formula says`);
  print(`${summaries.length - bad.length} of ${summaries.length} attacks within their bounds`);
}

const short = (value: number): string => `${Number(value.toPrecision(3))}`;

/** As it has to be typed to write the same page. */
function commandOf({ kind, attack: name, strength, runs, confidence, seed, table }: Flags): string {
  const words = ['assay verification attack'];
  if (kind === undefined && name === undefined) words.push('--all');
  if (kind !== undefined) words.push(`--kind ${kind}`);
  if (name !== undefined) words.push(`--attack ${name}`);
  if (strength !== undefined) words.push(`--strength ${strength}`);
  words.push(`--runs ${runs} --confidence ${confidence} --seed ${seed} --table ${table}`);
  return words.join(' ');
}

const unfit = (flag: string, problem: string): AssayError =>
  new AssayError('invalid-config', `--${flag}: ${problem}`, { source: 'flags', problems: [problem] });
