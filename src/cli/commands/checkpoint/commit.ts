// Owns: `assay checkpoint commit`. Does not own: what a window makes of it (rollouts/follow.ts).
import { z } from 'zod';
import { setCommitment } from '../../../chain/subtensor/operations/commitments.js';
import { readyKeys, toAddress } from '../../../keys/index.js';
import { toHex } from '../../../model/bytes.js';
import { AssayError } from '../../../model/errors.js';
import { chosen, openOwnStore } from '../../checkpoints.js';
import { integerBetween, loadFlags } from '../../config.js';
import { networkFlags, withChain } from '../../networks.js';
import { EXIT } from '../../output.js';
import { printDone, sendingFlags, sendOperation } from '../../sending.js';
import { hotkeySigner, walletFlags } from '../../signers.js';
import { minedNetuidFlag } from '../chain/flags.js';

const schema = z.strictObject({
  ...networkFlags,
  ...walletFlags,
  ...sendingFlags,
  netuid: minedNetuidFlag,
  store: z.string().min(1).max(4096),
  window: integerBetween(0, Number.MAX_SAFE_INTEGER, 'a window').optional(),
  digest: z.string().max(66).optional(),
});

export async function commit(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  await readyKeys();
  const { netuid, json } = options;
  const store = openOwnStore(options.store);
  const { digest } = await chosen(store, options.store, options);
  const checkpoint = await store.checkpoint(digest);
  const signer = await hotkeySigner(options, signal);
  const { address } = signer;
  // windows of a checkpoint that nobody can have, or that is of somebody else, would not take place
  const trainer = checkpoint && toAddress(checkpoint.manifest.trainer);
  if (!checkpoint || trainer !== address)
    throw new AssayError(
      'unauthenticated',
      `checkpoint ${toHex(digest)}: ${trainer === undefined ? `not in ${options.store}` : `signed by ${trainer}`}, expected ${address}`,
      { reason: 'trainer' },
    );
  const named = toHex(digest);
  return withChain(options, signal, async (chain) => {
    const sent = await sendOperation(
      {
        chain,
        signer,
        operation: setCommitment(netuid, [{ kind: 'sha2-256', hash: digest }]),
        what: `commit to checkpoint ${named.slice(0, 16)} as ${address} in subnet ${netuid}`,
        facts: [
          ['subnet', netuid],
          ['checkpoint', named],
          ['step', checkpoint.manifest.step],
        ],
        data: { netuid, hotkey: address, checkpoint: named },
        flags: options,
      },
      signal,
    );
    if (sent.is === 'not-sent') return sent.code;
    printDone(sent.done, json, `committed to ${named}`, { netuid, hotkey: address, checkpoint: named });
    return EXIT.ok;
  });
}
