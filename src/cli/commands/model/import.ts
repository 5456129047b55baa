// Owns: `assay model import`. Does not own: what imports (inference/import).
import { z } from 'zod';
import { importModel } from '../../../inference/import/import-model.js';
import { loadFlags } from '../../config.js';
import { EXIT, print, printJson } from '../../output.js';
import { createProgress } from '../../progress.js';
import { modelText } from './description.js';

const schema = z.strictObject({
  from: z.enum(['safetensors', 'onnx']).optional(),
  compare: z.boolean().default(true),
  positions: z
    .number()
    .int()
    .min(1)
    .max(2 ** 20)
    .optional(),
  json: z.boolean().default(false),
});
const MB = 1e6;

export async function importExport(
  dir: string,
  out: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const { from, compare, positions, json } = loadFlags(schema, flags);
  let progress: ReturnType<typeof createProgress> | undefined;
  try {
    const { model, compared, notes } = await importModel(dir, out, signal, {
      from,
      compare,
      positions,
      onProgress(done, total) {
        progress ??= createProgress({ unit: 'MB', total: Math.ceil(total / MB) });
        progress.update(done / MB);
      },
    });
    progress?.end();
    if (json) printJson({ out, model, ...(compared ? { compared } : {}), notes });
    else {
      const told = compared
        ? `${compared.logits} logits, the largest difference ${compared.largestDifference.toPrecision(2)} of the largest logit`
        : undefined;
      print(modelText(model, [['compared with the export', told]]));
      for (const note of notes) print(`note: ${note}`);
    }
    return EXIT.ok;
  } finally {
    progress?.end();
  }
}
