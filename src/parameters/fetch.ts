// Owns: one file by its digest, from whichever peer has it. Does not own: who the peers are (peers.ts), what a file may say.
import { equals, toHex } from '../model/bytes.js';
import { sha256 } from '../model/hash.js';
import type { Log } from '../model/log.js';
import type { MinerPeer } from '../protocol/session.js';
import { PARAMETER_FILE_BYTES } from '../verification/parameter-file.js';

/** Anybody on the subnet who may be asked for a file. */
export type FilePeer = Pick<MinerPeer, 'content'>;

/** A file is at most 256 KiB, and a peer that does not answer costs its deadline of 10 s: so many are asked at once. */
const ASKED_AT_ONCE = 8;

/**
 * The first answer with the digest wins, and the others are not waited for: a peer that is slow, lies or sends too much costs
 * one of eight places for as long as its deadline.
 * @param input.digest 32 bytes
 * @returns undefined when none of them has it
 */
export function fetchFile(
  { log }: { readonly log: Log },
  { digest, peers }: { readonly digest: Uint8Array; readonly peers: readonly FilePeer[] },
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  let next = 0;
  return new Promise((resolve) => {
    const ask = async (): Promise<void> => {
      while (next < peers.length && !inner.aborted) {
        const peer = peers[next++]!; // below its length
        const bytes = await peer.content(digest, inner).catch((error: unknown) => {
          log.debug('peer was asked for parameters in vain', { digest: toHex(digest), error });
          return undefined;
        });
        if (!bytes || bytes.length > PARAMETER_FILE_BYTES || !equals(sha256(bytes), digest)) continue;
        resolve(bytes);
        stop.abort();
      }
    };
    void Promise.all(Array.from({ length: ASKED_AT_ONCE }, ask)).then(() => resolve(undefined));
  });
}
