// Owns: asking drand's public HTTP interface for a round, of several addresses of which some may lie. Does not own: which round.
import { QUICKNET, verifyRound } from '../chain/codec/timelock.js';
import { fromHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import type { AskRound } from './beacon.js';

/** of quicknet, in the path of every address */
const CHAIN_HASH = '52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971';
/** An answer is some 200 bytes. */
const ANSWER_BYTES = 4096;
const ANSWER_MS = 5_000;

export type HttpGet = (url: string, init: { readonly signal: AbortSignal }) => Promise<Response>;

/**
 * Each address is asked in turn until one has the round, signed.
 * @param urls e.g. `https://api.drand.sh`
 * @throws AssayError `unreachable` when none of them could be asked
 */
export function askDrand(urls: readonly string[], get: HttpGet = fetch): AskRound {
  return async (round, signal) => {
    let answered = urls.length === 0;
    for (const url of urls) {
      try {
        const until = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
        const response = await get(`${url}/${CHAIN_HASH}/public/${round}`, { signal: until });
        answered = true;
        const signature = response.ok ? toSignature(await textOf(response), round) : undefined;
        // one that answers anything else must not keep the others from being asked
        if (signature && verifyRound(Number(round), signature, QUICKNET.publicKey)) return signature;
      } catch (error) {
        if (signal.aborted) throw error;
      }
    }
    if (answered) return undefined;
    throw new AssayError('unreachable', 'no drand address answers', { address: urls.join(', ') });
  };
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > ANSWER_BYTES) return '';
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** What is no answer about this round is none at all: the next address is asked. */
function toSignature(text: string, round: bigint): Uint8Array | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { round: of, signature } = (answer ?? {}) as { round?: unknown; signature?: unknown };
  if (BigInt(Number.isSafeInteger(of) ? (of as number) : -1) !== round) return undefined;
  return typeof signature === 'string' && /^[0-9a-f]{96}$/.test(signature) ? fromHex(signature) : undefined;
}
