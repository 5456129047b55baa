// Owns: `assay chain weights reveal`.
import { z } from 'zod';
import { revealWeights } from '../../../chain/subtensor/operations/weights.js';
import { toHotkey, toNetuid } from '../../../model/ids.js';
import { type KeptCommit, readCommitFile } from '../../commit-file.js';
import { loadFlags } from '../../config.js';
import { type Fact, hashText } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { type ChainClient, networkFlags, withChain } from '../../networks.js';
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
    const changedUids = await uidsOfOthers(chain, kept);
    for (const uid of changedUids)
      if (!options.json)
        process.stderr.write(
          `warning: uid ${uid} of the row was registered after the commit: it is another miner\n`,
        );
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
          windowFact(kept),
        ],
        data: { netuid, mechanism, row: weights, hash, changedUids },
        flags: options,
      },
      signal,
    );
    if (sent.is === 'not-sent') return sent.code;
    const data = { netuid, mechanism, row: weights, hash, changedUids };
    printDone(sent.done, options.json, 'weights revealed', data);
    return EXIT.ok;
  });
}

/** Uids with weight that were given to somebody else after the commit; [] where the chain has no such commit. */
async function uidsOfOthers(
  chain: ChainClient,
  { netuid, mechanism, hotkey, weights, hash }: KeptCommit,
): Promise<readonly number[]> {
  const { hash: at } = await chain.head();
  const place = toNetuid(netuid);
  const [subnet, pending] = await Promise.all([
    chain.subnet(place, at, mechanism),
    chain.pendingCommits(place, toHotkey(hotkey), at, mechanism),
  ]);
  const commit = pending.find((candidate) => hashText(candidate.hash) === hash);
  if (!commit) return [];
  return weights
    .filter(([uid, value]) => value > 0 && (subnet.neurons[uid]?.registeredAt ?? 0) > commit.block)
    .map(([uid]) => uid);
}

const windowFact = ({ epoch, revealFrom, revealUntil }: KeptCommit): Fact => [
  'to reveal',
  revealFrom === undefined || revealUntil === undefined
    ? undefined
    : `in blocks ${revealFrom} to ${revealUntil - 1}; committed in epoch ${epoch}`,
];
