// Owns: `assay checkpoint publish`. Does not own: what a checkpoint is (inference/checkpoint).
import { z } from 'zod';
import { publishCheckpoint } from '../../../inference/checkpoint/publish.js';
import { toHex } from '../../../model/bytes.js';
import { lockStore, openOwnStore, openWeights, percent } from '../../checkpoints.js';
import { integerBetween, loadFlags } from '../../config.js';
import { factLines } from '../../facts.js';
import { EXIT, print, printJson } from '../../output.js';
import { createProgress } from '../../progress.js';
import { hotkeySigner, walletFlags } from '../../signers.js';

const MIB = 2 ** 20;
const path = z.string().min(1).max(4096);
const schema = z.strictObject({
  ...walletFlags,
  store: path,
  model: z.string().min(1).max(128),
  step: integerBetween(0, Number.MAX_SAFE_INTEGER, 'a step'),
  window: integerBetween(0, Number.MAX_SAFE_INTEGER, 'a window'),
  json: z.boolean().default(false),
});

export async function publish(
  file: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const options = loadFlags(schema, flags);
  const master = await openWeights(file);
  const progress = createProgress({ unit: 'MiB', total: Math.ceil((2 * master.size) / MIB) });
  try {
    const keypair = await (await hotkeySigner(options, signal)).unlock();
    const release = await lockStore(options.store);
    try {
      const store = openOwnStore(options.store);
      const { checkpoint, statistics, alert } = await publishCheckpoint(
        { store, keypair },
        { master, modelId: options.model, step: options.step, window: options.window },
        signal,
        (bytes) => progress.update(bytes / MIB),
      );
      const { removed, removedBytes } = await store.collect();
      progress.end();
      const { manifest, digest } = checkpoint;
      if (options.json)
        printJson({
          digest,
          window: options.window,
          step: manifest.step,
          isAnchor: manifest.isAnchor,
          master: manifest.master,
          deltas: manifest.deltas,
          statistics: statistics ?? null,
          alert: alert ?? null,
          removed,
          removedBytes,
        });
      else
        print(
          factLines([
            ['checkpoint', toHex(digest)],
            ['window', options.window],
            ['step', manifest.step],
            ['master', `${manifest.master.bytes} bytes${manifest.isAnchor ? ', an anchor' : ''}`],
            ...manifest.deltas.map(
              ({ bytes, base }) => ['delta', `${bytes} bytes from ${toHex(base)}`] as const,
            ),
            ...(statistics
              ? [
                  [
                    'changed',
                    `${percent(statistics.density)}, of which by one ${percent(statistics.byOneShare)}`,
                  ] as const,
                ]
              : []),
            ['removed', `${removed} files, ${removedBytes} bytes`],
          ]),
        );
      if (alert)
        process.stderr.write(
          `warning: ${percent(alert.density)} of the weights changed, usual is ${percent(alert.usual)}: look at the rate of learning and at types\n`,
        );
      return EXIT.ok;
    } finally {
      release();
    }
  } finally {
    progress.end();
    await master.close();
  }
}
