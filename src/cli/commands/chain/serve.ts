// Owns: `assay chain serve`.
import { access } from 'node:fs/promises';
import { isIP } from 'node:net';
import { z } from 'zod';
import type { Axon } from '../../../chain/chain.js';
import { serveAxon, servePrometheus } from '../../../chain/subtensor/operations/serving.js';
import { integerBetween, loadFlags } from '../../config.js';
import { foundInstead, invalid } from '../../invalid-input.js';
import { networkFlags, withChain } from '../../networks.js';
import { EXIT } from '../../output.js';
import { printDone, sendingFlags, sendOperation } from '../../sending.js';
import { openServerKeys } from '../../server-keys.js';
import { hotkeySigner, walletFlags } from '../../signers.js';
import { minedNetuidFlag } from './flags.js';

export async function chainServe(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(
    z.strictObject({
      ...networkFlags,
      ...walletFlags,
      ...sendingFlags,
      netuid: minedNetuidFlag,
      ip: z.string('is required').refine((text) => isIP(text) !== 0, 'expected an IPv4 or IPv6 address'),
      port: integerBetween(1, 65_535, 'a port'),
      tlsKey: z.string().min(1).max(4096).optional(),
      // commander's form of --no-tls
      tls: z.boolean().default(true),
      prometheus: z.boolean().default(false),
    }),
    flags,
  );
  const { netuid, ip, port, tlsKey, tls, prometheus, json } = options;
  if (prometheus && tlsKey !== undefined)
    throw invalid('--tls-key', 'none with --prometheus, which has no key on the chain', tlsKey);
  if (!prometheus && (tlsKey === undefined) === tls)
    throw invalid('--tls-key', 'a file of server keys, or --no-tls', tls ? 'neither' : 'both');
  const serverKey = tlsKey === undefined ? undefined : await serverKeyOf(tlsKey);
  const axon: Axon = { ip, port, ...(serverKey ? { serverKey } : {}) };
  const operation = prometheus ? servePrometheus(netuid, axon) : serveAxon(netuid, axon);
  const signer = await hotkeySigner(options, signal);
  return withChain(options, signal, async (chain) => {
    const what = `announce ${prometheus ? 'prometheus' : 'the axon'} ${ip}:${port} of ${signer.address} in subnet ${netuid}`;
    const sent = await sendOperation(
      {
        chain,
        signer,
        operation,
        what,
        facts: [
          ['subnet', netuid],
          ['hotkey', signer.address],
          [prometheus ? 'prometheus' : 'axon', `${ip}:${port}`],
          ...(prometheus ? [] : [['tls', serverKey ? 'with the server key of the file' : 'none'] as const]),
        ],
        data: { netuid, hotkey: signer.address, ip, port, prometheus, serverKey },
        flags: options,
      },
      signal,
    );
    if (sent.is === 'not-sent') return sent.code;
    printDone(sent.done, json, `announced ${ip}:${port}`, { netuid, hotkey: signer.address, ip, port });
    return EXIT.ok;
  });
}

/** The newest key of a file that is there: one made now would be of no server. */
async function serverKeyOf(path: string): Promise<NonNullable<Axon['serverKey']>> {
  try {
    await access(path);
  } catch (error) {
    throw invalid(
      `--tls-key ${path}`,
      'the server-keys.json of a miner’s data folder',
      foundInstead(error),
      error,
    );
  }
  const [newest] = await openServerKeys(path, { rotate: false, announced: undefined });
  return newest!.serverKey; // a file has one at least
}
