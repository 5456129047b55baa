// Owns: which chain a command talks to, by --network, connected for as long as the command runs.
// Does not own: names, addresses and genesis hashes (chain/networks.ts), connecting (chain/subtensor).
import { z } from 'zod';
import type { ChainInfo } from '../chain/chain.js';
import { type Network, shownUrl, toNetwork } from '../chain/networks.js';
import { AssayError, isAssayError } from '../model/errors.js';
import { silentLog } from '../model/log.js';
import { systemParts } from './assemble.js';
import { invalid } from './invalid-input.js';
import { EXIT } from './output.js';
import { sayWhile } from './progress.js';

export type ChainClient = Awaited<
  ReturnType<typeof import('../chain/subtensor/connect.js')['connectSubtensor']>
>;

/** How long a person waits for a first answer; a node of another continent needs some seconds for its metadata. */
const TIMEOUT_MS = 15_000;
const OWN_HOST_TIMEOUT_MS = 5_000;

const isOwnHost = (url: string): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);

const nobodyThere = (error: AssayError<'unreachable'>): AssayError => {
  const remedy =
    'start one with `assay localnet start`, or name another with --network (finney, test, ws://...)';
  return new AssayError('unreachable', `${error.message}: ${remedy}`, error.data, { cause: error.cause });
};

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
  if (pinned.size > 1) throw invalid('--network', 'nodes of one chain', `${networkText(texts)}, of several`);
  return { urls, genesis: [...pinned][0] };
}

/** As anybody may read them: an address of a rented node holds a key. */
export const networkText = (texts: readonly string[]): string =>
  texts
    .flatMap((text) => text.split(','))
    .map((text) => shownUrl(text.trim()))
    .join(', ');

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
    const chain = await sayWhile(`connecting to ${urls.map(shownUrl).join(', ')}`, () =>
      connectSubtensor({
        urls,
        genesis: pinned,
        log: silentLog, // what is wrong is said once, by the error
        clock: systemParts.clock,
        signal,
        limits: { connectTimeoutMs: urls.every(isOwnHost) ? OWN_HOST_TIMEOUT_MS : TIMEOUT_MS },
      }),
    ).catch((error: unknown) => {
      throw isAssayError(error, 'unreachable') ? nobodyThere(error) : error;
    });
    try {
      return await work(chain);
    } finally {
      await chain.close();
    }
  } catch (error) {
    // whatever it was then: the connection was taken away; what the chain refused is known all the same
    if (signal.aborted && !isAssayError(error, 'chain-rejected')) return EXIT.interrupted;
    throw isAssayError(error, 'chain-unknown') ? withSubnetHint(error) : error;
  }
}

/** A number that was mistyped is found by looking at others. */
function withSubnetHint(error: AssayError<'chain-unknown'>): AssayError {
  if (!/^subnet \d+$/.test(error.data.what)) return error;
  const remedy = 'check --netuid and --network (assay subnet info --netuid N shows one)';
  return new AssayError('chain-unknown', `${error.message}: ${remedy}`, error.data, { cause: error.cause });
}
