// Owns: `assay verification transcript`. Does not own: the sessions (testing/transcribed.ts), the form (verification/transcript-line.ts).
import { z } from 'zod';
import { isNear } from '../../../model/near.js';
import { verdictToString } from '../../../model/verdict.js';
import { cheatsOf, transcribe, transcribedKinds } from '../../../testing/transcribed.js';
import { transcriptLine } from '../../../verification/transcript-line.js';
import { loadFlags } from '../../config.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { openWholeFile } from '../../whole-file.js';

const schema = z.strictObject({
  kind: z.string().max(32).optional(),
  attack: z.string().max(128).optional(),
  list: z.boolean().default(false),
  seed: z.string().min(1).max(200).default('assay'),
  out: z.string().min(1).max(4096).optional(),
  json: z.boolean().default(false),
});

/**
 * Plays one session and writes down all that was said in it, as one line.
 * @throws AssayError `invalid-config`, `invalid-input` for flags and names
 */
export async function transcript(flags: Record<string, unknown>): Promise<number> {
  const { kind, attack, list, seed, out, json } = loadFlags(schema, flags);
  if (kind !== undefined && !transcribedKinds.includes(kind))
    throw invalid('--kind', `one of ${transcribedKinds.join(', ')}`, kind);
  if (list) {
    for (const each of kind === undefined ? transcribedKinds : [kind])
      for (const cheat of cheatsOf(each))
        if (json) printJson({ kind: each, attack: cheat });
        else print(`${each} ${cheat}`);
    return EXIT.ok;
  }
  if (kind === undefined) throw invalid('--kind', `one of ${transcribedKinds.join(', ')}`, 'none');
  const cheat = attack === undefined ? undefined : cheatOf(kind, attack);
  const place = out === undefined ? undefined : await openWholeFile(out, `--out ${out}`);
  const played = await transcribe({ kind, cheat, seed });
  const line = transcriptLine(kind, played);
  if (!place) {
    print(line);
    return EXIT.ok;
  }
  await place.write(`${line}\n`);
  const verdict = verdictToString(played.verdict);
  if (json) printJson({ kind, attack: cheat, seed, verdict, file: place.target, bytes: line.length + 1 });
  else print(`${kind}, ${cheat ?? 'honest'}: ${verdict}; ${line.length + 1} bytes in ${place.target}`);
  return EXIT.ok;
}

/** A beginning does, where only one begins so. */
function cheatOf(kind: string, attack: string): string {
  const cheats = cheatsOf(kind);
  if (cheats.includes(attack)) return attack;
  const begun = cheats.filter((each) => each.startsWith(attack));
  if (begun.length === 1) return begun[0]!; // just counted
  const near = begun.length > 0 ? begun : cheats.filter((each) => isNear(attack, each));
  throw invalid(
    '--attack',
    `one of \`assay verification transcript --list --kind ${kind}\`, or the beginning of one`,
    `${attack}${near.length > 0 ? `; near it: ${near.join(', ')}` : ''}`,
  );
}
