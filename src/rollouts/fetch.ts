// Owns: one file by its digest, in pieces, from whoever has it. Does not own: who that may be, what a file may say.
import { concat, equals, toHex } from '../model/bytes.js';
import { sha256 } from '../model/hash.js';
import type { Log } from '../model/log.js';
import { FILE_PIECE_BYTES } from '../protocol/limits.js';
import type { MinerPeer } from '../protocol/session.js';

/** Anybody who may have the file. */
export type Holder = Pick<MinerPeer, 'piece'>;

/** Pieces asked for at once: the way there and back is not waited for at each. */
const ASKED_AHEAD = 4;

export interface Wanted {
  /** 32 bytes */
  readonly digest: Uint8Array;
  /** of the file, where that is known; else what the first holder says, up to `maxBytes` */
  readonly bytes?: number | undefined;
  readonly maxBytes: number;
  /** @default whether it has the digest; a signed manifest's is that of what was signed */
  readonly isIt?: ((file: Uint8Array) => boolean) | undefined;
}

/**
 * The holders are asked in turn. One that fails, or has no more, costs its own time: the next goes on from the piece that is
 * missing; where the whole has another digest, nobody can say whose piece was wrong, and each of the others is asked for all of it.
 * @returns undefined when nobody has it, or when aborted
 */
export async function fetchFile(
  { log }: { readonly log: Log },
  { wanted, holders }: { readonly wanted: Wanted; readonly holders: readonly Holder[] },
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const { isIt = isNamed(wanted) } = wanted;
  let partial: Partial | undefined;
  let isMixed = false;
  for (const holder of holders) {
    if (signal.aborted) return undefined;
    isMixed = partial !== undefined;
    partial = await takeFrom({ holder, log }, wanted, partial, signal);
    if (!isComplete(partial)) continue;
    const file = concat(...partial.pieces);
    if (isIt(file)) return file;
    partial = undefined;
    // of those who sent the wrong bytes the first ones may have been right
    if (isMixed) return fetchWhole({ log }, { wanted, holders }, signal);
  }
  return undefined;
}

async function fetchWhole(
  { log }: { readonly log: Log },
  { wanted, holders }: { readonly wanted: Wanted; readonly holders: readonly Holder[] },
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  const { isIt = isNamed(wanted) } = wanted;
  for (const holder of holders) {
    if (signal.aborted) return undefined;
    const partial = await takeFrom({ holder, log }, wanted, undefined, signal);
    if (!isComplete(partial)) continue;
    const file = concat(...partial.pieces);
    if (isIt(file)) return file;
  }
  return undefined;
}

const isNamed =
  ({ digest }: Wanted) =>
  (file: Uint8Array): boolean =>
    equals(sha256(file), digest);

interface Partial {
  readonly fileBytes: number;
  readonly pieces: readonly Uint8Array[];
}

const isComplete = (partial: Partial | undefined): partial is Partial =>
  partial !== undefined && partial.pieces.length === countOf(partial.fileBytes);

const countOf = (fileBytes: number): number => Math.ceil(fileBytes / FILE_PIECE_BYTES);

/** As many pieces, from the first that is missing, as this holder gives. */
async function takeFrom(
  { holder, log }: { readonly holder: Holder; readonly log: Log },
  { digest, bytes, maxBytes }: Wanted,
  begun: Partial | undefined,
  signal: AbortSignal,
): Promise<Partial | undefined> {
  const fitting = (fileBytes: number) =>
    fileBytes <= maxBytes && (bytes === undefined || fileBytes === bytes);
  const ask = async (index: number) => {
    try {
      return await holder.piece(digest, index * FILE_PIECE_BYTES, signal);
    } catch (error) {
      if (!signal.aborted)
        log.debug('a piece was asked for in vain', { digest: toHex(digest), index, error });
      return undefined;
    }
  };
  let taken = begun;
  if (!taken) {
    const first = await ask(0);
    if (!first || !fitting(first.fileBytes)) return undefined;
    taken = { fileBytes: first.fileBytes, pieces: [first.data] };
  }
  const { fileBytes } = taken;
  const pieces = [...taken.pieces];
  while (pieces.length < countOf(fileBytes) && !signal.aborted) {
    const from = pieces.length;
    const count = Math.min(ASKED_AHEAD, countOf(fileBytes) - from);
    const asked = await Promise.all(Array.from({ length: count }, (_, i) => ask(from + i)));
    for (const piece of asked) {
      if (!piece || piece.fileBytes !== fileBytes) return { fileBytes, pieces };
      pieces.push(piece.data);
    }
  }
  return { fileBytes, pieces };
}
