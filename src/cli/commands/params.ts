// Owns: `assay params`.
import Table from 'cli-table3';
import { kinds } from '../../verification/kinds/index.js';
import { EXIT, PLAIN, print, printJson } from '../output.js';

export async function listParams(flags: { json?: boolean }): Promise<number> {
  const table = new Table({
    head: ['kind', 'class', 'params id', 'steps, ms', 'opening ms', 'pays on'],
    style: PLAIN,
  });
  for (const kind of Object.values(kinds).filter((known) => known !== undefined))
    for (const [id, params] of kind.table) {
      const { className, phases, openingMs, localnetOnly } = kind.facts(params);
      if (flags.json) printJson({ kind: kind.kind, id, params });
      else
        table.push([
          kind.kind,
          className,
          id.slice(0, 16),
          phases.map(({ from, withinMs }) => `${from} ${withinMs}`).join(', '),
          openingMs,
          localnetOnly ? 'localnets' : 'any chain',
        ]);
    }
  if (!flags.json) print(table.toString());
  return EXIT.ok;
}
