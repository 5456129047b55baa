// Owns: `assay chain reveal`.
import { z } from 'zod';
import { revealWeights } from '../../../chain/subtensor/operations/weights.js';
import { readCommitFile } from '../../commit-file.js';
import { loadFlags } from '../../config.js';
import { hashText } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { networkFlags, withChain } from '../../networks.js';
import { EXIT } from '../../output.js';
import { printDone, sendingFlags, sendOperation } from '../../sending.js';
import { hotkeySigner, walletFlags } from '../../signers.js';

/** @param path that `commit` or `weights set` wrote: it says which subnet, which row, which salt */
export async function revealChainWeights(
  path: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const options = loadFlags(z.strictObject({ ...networkFlags, ...walletFlags, ...sendingFlags }), flags);
  const kept = await readCommitFile(path);
  const { netuid, mechanism, weights, salt, versionKey, hash } = kept;
  const signer = await hotkeySigner(options, signal);
  if (signer.address !== kept.hotkey)
    throw invalid('the hotkey', `${kept.hotkey}, whose commit ${path} keeps`, signer.address);
  return withChain(options, signal, async (chain) => {
    const genesis = hashText((await chain.info()).genesisHash);
    if (genesis !== kept.genesisHash)
      throw invalid('the chain', `that of genesis ${kept.genesisHash}, which ${path} is for`, genesis);
    const sent = await sendOperation(
      {
        chain,
        signer,
        operation: revealWeights({ netuid, mechanism, weights, salt, versionKey }),
        what: `reveal the weights of ${signer.address} in subnet ${netuid}`,
        facts: [
          ['subnet', `${netuid}, mechanism ${mechanism}`],
          ['row', weights.map(([to, value]) => `${to}:${value}`).join(' ')],
          ['commit hash', hash],
        ],
        data: { netuid, mechanism, row: weights, hash },
        flags: options,
      },
      signal,
    );
    if (sent.is === 'not-sent') return sent.code;
    printDone(sent.done, options.json, 'weights revealed', { netuid, mechanism, row: weights, hash });
    return EXIT.ok;
  });
}
