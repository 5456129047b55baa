// Owns: `assay version`. Does not own: the facts (build-facts.ts).
import { buildFacts, factsText } from '../build-facts.js';
import { EXIT, print, printJson } from '../output.js';
import { terminalWidth } from '../table.js';

/** @returns 0 */
export async function showVersion({ json }: { readonly json?: boolean }): Promise<number> {
  const facts = buildFacts();
  if (json) printJson(facts);
  else print(factsText(facts, terminalWidth()));
  return EXIT.ok;
}
