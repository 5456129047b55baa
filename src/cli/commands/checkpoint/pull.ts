// Owns: `assay checkpoint pull`. Does not own: which way is taken (inference/checkpoint).
import { join } from 'node:path';
import { z } from 'zod';
import { pullCheckpoint } from '../../../inference/checkpoint/pull.js';
import { readyKeys, toAddress } from '../../../keys/index.js';
import { toHex } from '../../../model/bytes.js';
import { assertSigner, chosen, lockStore, openOwnStore, trainerOf } from '../../checkpoints.js';
import { integerBetween, loadFlags } from '../../config.js';
import { EXIT, print, printJson } from '../../output.js';
import { createProgress, type Progress } from '../../progress.js';
import { Table } from '../../table.js';

const KIB = 1024;
/** That of the present window and of the one before: sessions go over from one to the other. */
const KEPT = 2;
const path = z.string().min(1).max(4096);
const schema = z.strictObject({
  from: path,
  store: path,
  window: integerBetween(0, Number.MAX_SAFE_INTEGER, 'a window').optional(),
  digest: z.string().max(66).optional(),
  trainer: z.string().max(64).optional(),
  keepAll: z.boolean().default(false),
  json: z.boolean().default(false),
});

export async function pull(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  await readyKeys();
  const named = trainerOf(options.trainer);
  const source = openOwnStore(options.from);
  const { digest, head } = await chosen(source, options.from, options);
  const release = await lockStore(options.store);
  let progress: Progress | undefined;
  try {
    const store = openOwnStore(options.store);
    const trainer = named ?? (await store.newest())?.trainer ?? head?.trainer;
    assertSigner(head, trainer, options.from);
    // one that cannot be read is replaced by what comes
    const known = head && (await store.headOf(head.window).catch(() => undefined));
    if (head && known && toHex(known.digest) !== toHex(head.digest)) {
      const two = [known, head].map(({ digest: each }) => toHex(each));
      process.stderr.write(`error: two checkpoints for window ${head.window}: ${two.join(' and ')}\n`);
      if (options.json) printJson({ conflict: [known.bytes, head.bytes] });
      return EXIT.failed;
    }
    const { checkpoint, steps } = await pullCheckpoint({ store, source }, { digest, trainer }, signal, {
      onWay(bytes) {
        progress?.end();
        progress = createProgress({ unit: 'KiB', total: Math.ceil(bytes / KIB) });
      },
      onBytes: (bytes) => progress?.update(bytes / KIB),
    });
    progress?.end();
    // one of an earlier window is no head of ours: what was asked for would be collected at once
    const isOlder = head !== undefined && (await store.putHead(head)) === 'older';
    if (head && !isOlder && !options.keepAll) await store.collect({ heads: KEPT, keep: 'masters' });
    const { manifest } = checkpoint;
    const master = join(options.store, 'objects', toHex(manifest.master.sha256));
    if (options.json)
      printJson({ digest, step: manifest.step, trainer: toAddress(manifest.trainer), master, steps });
    else {
      const table = new Table({ head: ['fetched', 'bytes', 'to checkpoint'] });
      for (const step of steps) table.push([step.kind, step.bytes, toHex(step.digest).slice(0, 16)]);
      print(steps.length === 0 ? 'it is here already' : table.toString());
      print(`checkpoint ${toHex(digest)}, step ${manifest.step}, signed by ${toAddress(manifest.trainer)}`);
      print(`master     ${master}`);
    }
    return EXIT.ok;
  } finally {
    progress?.end();
    release();
  }
}
