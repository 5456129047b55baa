// Owns: `assay checkpoint verify`. Does not own: what is looked at (inference/checkpoint/verify.ts).
import { z } from 'zod';
import { type Finding, verifyStore } from '../../../inference/checkpoint/verify.js';
import { readyKeys } from '../../../keys/index.js';
import { equals, toHex } from '../../../model/bytes.js';
import { assertSigner, chosen, openOwnStore, trainerOf } from '../../checkpoints.js';
import { integerBetween, loadFlags } from '../../config.js';
import { EXIT, print, printJson } from '../../output.js';
import { sayWhile } from '../../progress.js';
import { Table } from '../../table.js';

const schema = z.strictObject({
  store: z.string().min(1).max(4096),
  window: integerBetween(0, Number.MAX_SAFE_INTEGER, 'a window').optional(),
  digest: z.string().max(66).optional(),
  trainer: z.string().max(64).optional(),
  json: z.boolean().default(false),
});

export async function verify(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  await readyKeys();
  const store = openOwnStore(options.store);
  const trainer = trainerOf(options.trainer);
  const { digest, head } = await chosen(store, options.store, options);
  assertSigner(head, trainer, options.store);
  const findings: Finding[] = [];
  await sayWhile('reading the store', async () => {
    const about = { digest, trainer };
    for await (const finding of verifyStore(store, about, signal)) findings.push(finding);
  });
  const own = findings.find(({ part }) => part === 'master');
  const isManifestHere = findings.some((each) => equals(each.digest, digest) && each.state === 'ok');
  const isValid = isManifestHere && own?.state === 'ok' && !findings.some(({ state }) => state === 'bad');
  if (options.json) printJson({ digest, isValid, findings });
  else {
    const table = new Table({ head: ['step', 'part', 'digest', 'state', 'why'] });
    for (const { step, part, digest: file, state, why } of findings)
      table.push([step ?? '', part, toHex(file).slice(0, 16), state, why]);
    print(table.toString());
    print(`checkpoint ${toHex(digest)}: ${isValid ? 'valid' : 'not valid'}`);
  }
  return isValid ? EXIT.ok : EXIT.failed;
}
