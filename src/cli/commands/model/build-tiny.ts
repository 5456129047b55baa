// Owns: `assay model build-tiny`. Does not own: the weights (inference/master.ts).
import { z } from 'zod';
import { MASTER_FILE } from '../../../inference/import/llama.js';
import { seededMaster } from '../../../inference/master.js';
import { createModelFolder } from '../../../inference/model-folder.js';
import { BEGIN_OF_TEXT, END_OF_TEXT } from '../../../inference/spec/byte-ids.js';
import { MINIATURE, TINY } from '../../../inference/tiny.js';
import { loadFlags } from '../../config.js';
import { EXIT, print, printJson } from '../../output.js';
import { modelText } from './description.js';

const CONFIGS = { tiny: TINY, miniature: MINIATURE };
const schema = z.strictObject({
  seed: z.string().min(1).max(256).default('assay'),
  size: z.enum(['tiny', 'miniature']).default('tiny'),
  json: z.boolean().default(false),
});

export async function buildTiny(out: string, flags: Record<string, unknown>): Promise<number> {
  const { seed, size, json } = loadFlags(schema, flags);
  const config = CONFIGS[size];
  const model = await createModelFolder(out, async (create) => {
    const file = await create(MASTER_FILE);
    await file.write(seededMaster(config, seed));
    const weights = await file.end();
    return {
      format: 'assay-model/1',
      kind: 'decoder',
      family: 'seeded',
      config,
      weights,
      stopIds: [END_OF_TEXT],
      beginId: BEGIN_OF_TEXT,
      tokenizer: { kind: 'bytes' },
    };
  });
  if (json) printJson({ out, model });
  else print(modelText(model));
  return EXIT.ok;
}
