// Owns: which chain a command talks to, by --network, connected for as long as the command runs.
// Does not own: names, addresses and genesis hashes (chain/networks.ts), connecting (chain/subtensor).
import { z } from 'zod';
import type { ChainInfo } from '../chain/chain.js';
import { type Network, toNetwork } from '../chain/networks.js';
import { systemParts } from './assemble.js';
import { invalid } from './invalid-input.js';
import { EXIT, stderrLog } from './output.js';
import { sayWhile } from './progress.js';

export type ChainClient = Awaited<
  ReturnType<typeof import('../chain/subtensor/connect.js')['connectSubtensor']>
>;

/** More nodes than anybody has; a list without end is none. */
const MAX_ENDPOINTS = 16;

export const networkFlags = {
  network: z.array(z.string().max(4096)).max(MAX_ENDPOINTS).default(['local']),
  genesis: z
    .string()
    .regex(/^0x[0-9a-f]{64}$/i, 'expected 0x and 64 hex digits')
    .optional(),
  json: z.boolean().default(false),
};
export type NetworkFlags = z.infer<z.ZodObject<typeof networkFlags>>;

/**
 * @param texts names and addresses, each with commas between several; a name beside addresses pins their genesis too
 * @throws AssayError `invalid-input` for neither, for two chains at once, for too many
 */
export function networkOf(texts: readonly string[], genesis?: string): Network {
  const networks = texts.flatMap((text) => text.split(',')).map((text) => toNetwork(text.trim()));
  const urls = [...new Set(networks.flatMap((network) => network.urls))];
  if (urls.length > MAX_ENDPOINTS)
    throw invalid('--network', `at most ${MAX_ENDPOINTS} addresses`, `${urls.length}`);
  const pinned = new Set(
    [...networks.map((network) => network.genesis), genesis?.toLowerCase()].filter(
      (hash) => hash !== undefined,
    ),
  );
  if (pinned.size > 1) throw invalid('--network', 'nodes of one chain', `${texts.join(', ')}, of several`);
  return { urls, genesis: [...pinned][0] };
}

/** Chains that somebody runs for trying things out: nothing on them is worth a question. */
export const isLocalnet = ({ type }: Pick<ChainInfo, 'type'>): boolean => type !== 'live';

/**
 * Connects, works, closes. @returns what `work` returns; 130 when it was interrupted
 * @throws AssayError as connectSubtensor
 */
export async function withChain(
  { network, genesis }: Pick<NetworkFlags, 'network' | 'genesis'>,
  signal: AbortSignal,
  work: (chain: ChainClient) => Promise<number>,
): Promise<number> {
  const { urls, genesis: pinned } = networkOf(network, genesis);
  const { connectSubtensor } = await import('../chain/subtensor/connect.js');
  try {
    const chain = await sayWhile(`connecting to ${urls.join(', ')}`, () =>
      connectSubtensor({
        urls,
        genesis: pinned,
        log: stderrLog('warn'),
        clock: systemParts.clock,
        signal,
      }),
    );
    try {
      return await work(chain);
    } finally {
      await chain.close();
    }
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted; // whatever it was then: the connection was taken away
    throw error;
  }
}
