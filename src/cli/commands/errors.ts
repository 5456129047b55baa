// Owns: `assay errors`. Does not own: what is said of each code (error-codes.ts).
import { nearest } from '../../model/near.js';
import { type CliCode, ERROR_PAGES } from '../error-codes.js';
import { invalid } from '../invalid-input.js';
import { EXIT, print, printJson, printProse } from '../output.js';
import { Table } from '../table.js';

/** @returns 0 */
export async function showErrors(
  code: string | undefined,
  { json }: { readonly json?: boolean },
): Promise<number> {
  const all = Object.entries(ERROR_PAGES).map(([name, { means, remedy, exit }]) => ({
    code: name as CliCode,
    exit,
    means,
    remedy,
  }));
  if (code === undefined) {
    if (json) printJson(all);
    else print(tableOf(all));
    return EXIT.ok;
  }
  const page = all.find((each) => each.code === code.replace(/^\[|\]$/g, ''));
  if (page === undefined) throw unknownCode(code);
  if (json) printJson([page]);
  else printProse(`${page.code}: exit code ${page.exit}\n\n${page.means}\n\nWhat to do: ${page.remedy}`);
  return EXIT.ok;
}

function tableOf(
  pages: readonly { readonly code: string; readonly exit: number; readonly means: string }[],
): string {
  const table = new Table({ head: ['code', 'exit', 'means'] });
  for (const { code, exit, means } of pages) table.push([code, exit, means]);
  return table.toString();
}

function unknownCode(code: string): Error {
  const codes = Object.keys(ERROR_PAGES);
  const like = nearest(code, codes);
  return invalid(
    'code',
    `one of \`assay errors\`${like === undefined ? '' : `, such as ${like}`}`,
    code.slice(0, 64),
  );
}
