// Owns: `assay scoring init | schema`: a policy to begin from, and the form of all.
import { z } from 'zod';
import { POLICIES, policyDigest, policySchema } from '../../../scoring/index.js';
import { loadFlags } from '../../config.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { isPolicyName, POLICY_NAMES } from '../../policy-files.js';
import { openWholeFile } from '../../whole-file.js';

const schema = z.strictObject({
  json: z.boolean().default(false),
  out: z.string().min(1).max(4096).optional(),
});

export async function initPolicy(name: string, flags: Record<string, unknown>): Promise<number> {
  const { out, json } = loadFlags(schema, flags);
  if (!isPolicyName(name)) throw invalid('name', `one of ${POLICY_NAMES.join(', ')}`, name.slice(0, 64));
  const text = `${JSON.stringify(POLICIES[name], null, 2)}\n`;
  if (out === undefined) {
    process.stdout.write(text);
    return EXIT.ok;
  }
  const place = await openWholeFile(out, `--out ${out}`);
  // a policy is an owner's own text: one that was changed is not to be lost to a second `init`
  if (place.exists) throw invalid(`--out ${out}`, 'a file that is not there yet', 'one that is');
  await place.write(text);
  const written = { out: place.target, name, digest: policyDigest(POLICIES[name]) };
  if (json) printJson(written);
  else print(`policy ${name} to ${written.out}, digest ${written.digest}`);
  return EXIT.ok;
}

export async function printSchema(): Promise<number> {
  print(JSON.stringify(policySchema(), null, 2));
  return EXIT.ok;
}
