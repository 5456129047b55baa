// Owns: a block by number, hash and parent, as a node tells it. Does not own: what is in its state (storage.ts).
import { fromHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import type { Head } from '../chain.js';
import type { Connection } from './connection.js';
import { headerNumber } from './header-number.js';
import { isRecord } from './plain.js';
import { malformed } from './storage.js';

/** A block by number, hash and parent; hashes in hex as the node has them. */
export interface BlockRef {
  readonly number: number;
  readonly hash: string;
  readonly parent: string;
}

/** @throws AssayError `chain-unknown` when the node does not have the block. @param hash hex; the best head without */
export async function readBlock(connection: Connection, hash?: string): Promise<BlockRef> {
  const header = await connection.request('chain_getHeader', hash === undefined ? [] : [hash]);
  if (header === null) throw unknownBlock(hash === undefined ? 'best block' : `block ${hash}`);
  const block = toBlockRef(connection, header);
  return hash === undefined ? block : { ...block, hash };
}

/** The hash is not in a header: it is the header's own. */
export function toBlockRef({ api }: Connection, header: unknown): BlockRef {
  const number = headerNumber(header);
  if (number === undefined || !isRecord(header)) throw malformed('chain_getHeader');
  const parent = toHash(header.parentHash, 'chain_getHeader');
  try {
    return { number, hash: api.registry.createType('Header', header).hash.toHex(), parent };
  } catch (cause) {
    throw malformed('chain_getHeader', cause);
  }
}

/** A hash in hex as `method` answered it. @throws AssayError `invalid-input` for another answer */
export function toHash(answer: unknown, method: string): string {
  if (typeof answer === 'string' && /^0x[0-9a-f]{64}$/i.test(answer)) return answer;
  throw malformed(method);
}

export const toHead = ({ number, hash }: BlockRef): Head => ({ number, hash: fromHex(hash) });

export const unknownBlock = (what: string): AssayError<'chain-unknown'> =>
  new AssayError('chain-unknown', `the chain does not know ${what}`, { what });
