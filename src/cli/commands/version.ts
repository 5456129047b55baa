// Owns: `assay version`. Does not own: the facts (build-facts.ts).
import { buildFacts, factsText } from '../build-facts.js';
import { EXIT, printJson, printProse } from '../output.js';

/** @returns 0 */
export async function showVersion({ json }: { readonly json?: boolean }): Promise<number> {
  const facts = buildFacts();
  if (json) printJson(facts);
  else printProse(factsText(facts));
  return EXIT.ok;
}
