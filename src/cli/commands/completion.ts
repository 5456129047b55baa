// Owns: `assay completion`. Does not own: what a script says (completion.ts).
import type { Command } from 'commander';
import { completionOf, SHELLS } from '../completion.js';
import { invalid } from '../invalid-input.js';
import { EXIT, print } from '../output.js';
import { addAllRoleFlags } from '../role-options.js';

/** @returns 0 */
export async function printCompletion(program: Command, name: string): Promise<number> {
  const shell = SHELLS.find((each) => each === name);
  if (shell === undefined) throw invalid('shell', `one of ${SHELLS.join(', ')}`, name.slice(0, 64));
  await addAllRoleFlags(program);
  print(completionOf(program, shell).trimEnd());
  return EXIT.ok;
}
