// Owns: `assay model show`. Does not own: what a folder holds (inference/model-folder.ts).
import { z } from 'zod';
import { filesOf, openModelFolder } from '../../../inference/model-folder.js';
import { loadFlags } from '../../config.js';
import { EXIT, print, printJson } from '../../output.js';
import { createProgress } from '../../progress.js';
import { modelText } from './description.js';

const schema = z.strictObject({ verify: z.boolean().default(true), json: z.boolean().default(false) });
const MB = 1e6;

export async function showModel(
  dir: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const { verify, json } = loadFlags(schema, flags);
  const folder = await openModelFolder(dir);
  const { model } = folder;
  if (verify) {
    const bytes = filesOf(model).reduce((sum, file) => sum + file.bytes, 0);
    const progress = createProgress({ unit: 'MB', total: Math.ceil(bytes / MB) });
    try {
      await folder.verify(signal, (done) => progress.update(done / MB));
    } finally {
      progress.end();
    }
  }
  if (json) printJson({ model, verified: verify });
  else print(modelText(model, [['files', verify ? 'read, as model.json says' : 'there, not read']]));
  return EXIT.ok;
}
