// Owns: `assay chain snapshot`: one subnet of any chain into a file. Does not own: what is in it (chain/snapshot-file.ts).
import { z } from 'zod';
import { snapshotText } from '../../../chain/snapshot-file.js';
import { toNetuid } from '../../../model/ids.js';
import { loadFlags } from '../../config.js';
import { counted } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { networkFlags, withChain } from '../../networks.js';
import { EXIT, print, printJson } from '../../output.js';
import { sayWhile } from '../../progress.js';
import { openWholeFile } from '../../whole-file.js';
import { minedNetuidFlag } from './flags.js';

export async function chainSnapshot(
  path: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const options = loadFlags(
    z.strictObject({ ...networkFlags, netuid: minedNetuidFlag, force: z.boolean().default(false) }),
    flags,
  );
  const { netuid, json, force } = options;
  const file = await openWholeFile(path, path);
  if (file.exists && !force) throw invalid(path, 'a file that is not there yet, or --force', 'one that is');
  return withChain(options, signal, async (chain) => {
    // of a final block: what a fork may take back is no place to begin from
    const { hash } = await chain.finalizedHead();
    const snapshot = await sayWhile(`reading subnet ${netuid}`, () => chain.snapshot(toNetuid(netuid), hash));
    await file.write(snapshotText(snapshot));
    const { block, neurons, weights, bonds, specVersion } = snapshot;
    const found = {
      file: file.target,
      netuid,
      block: block.number,
      specVersion,
      neurons: neurons.length,
      weightRows: weights.length,
      bondRows: bonds?.length ?? 0,
    };
    if (json) printJson(found);
    else
      print(
        `subnet ${netuid} as of block ${block.number}: ${counted(neurons.length, 'neuron')}, ${counted(weights.length, 'row')} of weights, ${found.bondRows} of bonds, in ${path}\nassay localnet restore ${path} goes on from it`,
      );
    return EXIT.ok;
  });
}
