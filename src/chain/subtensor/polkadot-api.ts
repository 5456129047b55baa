// Owns: an ApiPromise of @polkadot/api, for what this client has no word for. Does not own: this client, which does without
// (connection.ts says why).
import { ApiPromise, WsProvider } from '@polkadot/api';
import { AssayError } from '../../model/errors.js';
import { shownUrl } from '../networks.js';

/** For connecting and the first metadata. */
const TIMEOUT_MS = 30_000;

/**
 * The whole API of the field's own library, on a node whose genesis is checked first. Its owner disconnects it.
 * @param genesis hex, with 0x; any chain without it
 * @throws AssayError `unreachable` when no node answers in time, `refused` for another chain
 * @example
 * const api = await openPolkadotApi(NETWORKS.finney.urls[0], NETWORKS.finney.genesis);
 * console.log((await api.query.subtensorModule.tempo(1)).toString());
 * await api.disconnect();
 */
export async function openPolkadotApi(url: string, genesis?: string): Promise<ApiPromise> {
  const provider = new WsProvider(url, 2500, {}, TIMEOUT_MS);
  // its own provider does not satisfy its own interface under exact optional types (`ttl`)
  const api = new ApiPromise({ provider: provider as never, noInitWarn: true });
  let patience: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    patience = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  });
  try {
    await Promise.race([api.isReadyOrError, late]);
  } catch (cause) {
    await api.disconnect();
    throw new AssayError(
      'unreachable',
      `no node of a chain at ${shownUrl(url)}`,
      { address: shownUrl(url) },
      { cause },
    );
  } finally {
    clearTimeout(patience);
  }
  const found = api.genesisHash.toHex();
  if (genesis === undefined || found === genesis) return api;
  await api.disconnect();
  throw new AssayError('refused', `another chain answers at ${shownUrl(url)}`, {
    reason: `expected the chain of genesis ${genesis}, found ${found}`,
  });
}
