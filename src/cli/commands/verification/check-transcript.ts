// Owns: `assay verification check`: transcripts judged by this build. Does not own: judging (each kind's verify), the form
// (verification/transcript-line.ts).
import { z } from 'zod';
import { isAssayError } from '../../../model/errors.js';
import { systemRandom } from '../../../model/prng.js';
import { verdictToString } from '../../../model/verdict.js';
import { parseTranscript, type Transcript } from '../../../verification/transcript-line.js';
import { loadFlags } from '../../config.js';
import { readInputText } from '../../input-text.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { type Known, moduleFlag, openKnown } from '../../subnet-module.js';

const schema = z.strictObject({ ...moduleFlag, json: z.boolean().default(false) });
/** Openings of the largest classes are 11 MB, and twice as many digits. */
const MAX_BYTES = 256 << 20;

/**
 * One verdict a line.
 * @returns 0 where each has the verdict that it names, if it names one; else 1
 * @throws AssayError `invalid-input` naming file, line and key
 */
export async function checkTranscripts(
  files: readonly string[],
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const { json, module } = loadFlags(schema, flags);
  const known = await openKnown(module);
  let differ = false;
  for (const file of files) {
    const lines = (await readInputText(file, { maxBytes: MAX_BYTES })).split('\n');
    if (!lines.some((line) => line.trim() !== '')) throw invalid(file, 'a transcript a line', 'nothing');
    for (const [i, line] of lines.entries()) {
      if (line.trim() === '') continue;
      signal.throwIfAborted();
      const where = `${file}, line ${i + 1}`;
      const transcript = read(line, where, known);
      const { kind, named } = transcript;
      const began = performance.now();
      const verdict = judge(transcript, where);
      const tookMs = performance.now() - began;
      const agrees = named === undefined || named === verdict;
      differ ||= !agrees;
      if (json) printJson({ file, line: i + 1, kind: kind.kind, verdict, named, agrees, tookMs });
      else print(agrees ? verdict : `${verdict}, not ${named}`);
    }
  }
  return differ ? EXIT.failed : EXIT.ok;
}

function judge({ kind, challenge, evidence }: Transcript, where: string): string {
  // what is said is fixed by now: any secret will do, and this one nobody has seen
  const secret = kind.drawSecret(challenge.params, challenge.basis, systemRandom);
  try {
    return verdictToString(kind.verify(challenge, evidence, secret));
  } catch (error) {
    // of a challenge alone, which says too little: evidence never does that
    if (!(error instanceof RangeError)) throw error;
    throw invalid(where, `what ${kind.kind} hangs on`, error.message, error);
  }
}

function read(line: string, where: string, { kinds }: Known): Transcript {
  try {
    return parseTranscript(line, kinds);
  } catch (error) {
    if (!isAssayError(error, 'invalid-input')) throw error;
    const { what, expected, got } = error.data;
    throw invalid(`${where}: ${what}`, expected, got, error);
  }
}
