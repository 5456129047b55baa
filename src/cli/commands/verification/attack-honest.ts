// Owns: `assay verification honest`. Does not own: the sessions (testing/honest).
import { z } from 'zod';
import { AssayError } from '../../../model/errors.js';
import { HONEST_KINDS } from '../../../testing/honest/kinds.js';
import { LINE_MODELS } from '../../../testing/honest/models.js';
import { type HonestRow, runHonest } from '../../../testing/honest/run.js';
import { integerBetween, loadFlags } from '../../config.js';
import { EXIT, print, printJson } from '../../output.js';
import { createProgress } from '../../progress.js';
import { Table } from '../../table.js';

const flagsSchema = z.strictObject({
  kind: z.string().max(64).optional(),
  runs: integerBetween(1, 10_000_000, 'a number of sessions').default(10_000),
  seed: z.string().min(1).max(200).default('assay'),
  json: z.boolean().default(false),
});

/**
 * Runs honest sessions of each kind over every line, and prints those that were not accepted.
 *
 * @returns 0 when all were, else 1
 * @throws AssayError `invalid-config` for flags and names
 */
export async function honest(flags: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<number> {
  const { kind, runs, seed, json } = loadFlags(flagsSchema, flags);
  const all = Object.keys(HONEST_KINDS);
  if (kind !== undefined && !all.includes(kind)) {
    const problem = `expected one of ${all.join(', ')}`;
    throw new AssayError('invalid-config', `--kind: ${problem}`, { source: 'flags', problems: [problem] });
  }
  const kinds = kind === undefined ? all : [kind];
  const progress = createProgress({ unit: 'sessions', total: runs * kinds.length });
  const rows: HonestRow[] = [];
  const began = performance.now();
  try {
    for (const [i, each] of kinds.entries()) {
      const onSessions = (done: number) => progress.update(i * runs + Math.min(done, runs));
      rows.push(...(await runHonest(each, { sessions: runs, seed, onSessions }, signal)));
    }
  } finally {
    progress.end();
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  const rejected = rows.reduce((sum, { sessions, accepted }) => sum + sessions - accepted, 0);
  if (json) printJson({ seed, lines: LINE_MODELS, rows, rejected, seconds, ok: rejected === 0 });
  else report(rows, rejected, seconds);
  return rejected === 0 ? EXIT.ok : EXIT.failed;
}

function report(rows: readonly HonestRow[], rejected: number, seconds: number): void {
  const table = new Table({
    head: ['kind', 'line', 'sessions', 'accepted', 'others'],
    colAligns: ['left', 'left', 'right', 'right', 'left'],
  });
  for (const { kind, line, sessions, accepted, others } of rows)
    table.push([
      kind,
      line,
      sessions,
      accepted,
      Object.entries(others)
        .map(([verdict, { count, first }]) => `${verdict} ${count} (first in event ${first})`)
        .join(', '),
    ]);
  print(table.toString());
  const sessions = rows.reduce((sum, row) => sum + row.sessions, 0);
  print(`${rejected} of ${sessions} honest sessions were not accepted; ${seconds} s`);
}
