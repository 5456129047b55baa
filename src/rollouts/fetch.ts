// Owns: one file by its name, in pieces, from whoever has it. Does not own: who that may be, what a file may say.
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
  /** by which it is asked for: a file's SHA-256, or `manifestName` */
  readonly name: Uint8Array;
  /** of the file, where that is known; else what a holder says, up to `maxBytes` */
  readonly bytes?: number | undefined;
  readonly maxBytes: number;
  /** @default whether its SHA-256 is its name; a signed manifest's is that of what was signed */
  readonly isIt?: ((file: Uint8Array) => boolean) | undefined;
}

/** A file on its way, over as many turns as it takes. */
export interface Download {
  /**
   * Asks the holders one after the other, those that kept us waiting in earlier turns last, for what is still missing.
   * @returns undefined when none of them has the rest, or when aborted: what came is kept for the next turn
   */
  from(holders: readonly Holder[], signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** bytes held for the next turn */
  heldBytes(): number;
  /** Bytes that ever came, of which some may have been wrong: who delivers is told from who does not. */
  cameBytes(): number;
  /** Lets go of what came. */
  drop(): void;
}

interface Partial {
  readonly fileBytes: number;
  readonly pieces: Map<number, Uint8Array>;
  readonly givers: Set<Holder>;
}

const countOf = (fileBytes: number): number => Math.ceil(fileBytes / FILE_PIECE_BYTES);

const indicesOf = (fileBytes: number): number[] => Array.from({ length: countOf(fileBytes) }, (_, i) => i);

const missingOf = ({ fileBytes, pieces }: Partial): number[] =>
  indicesOf(fileBytes).filter((index) => !pieces.has(index));

const most = (partials: Iterable<Partial>): Partial | undefined =>
  [...partials].sort((a, b) => b.pieces.size - a.pieces.size)[0];

/**
 * Pieces of all holders are put together, so that one goes on where another ended. Nothing says that a piece is right before the
 * whole is: where it is not, nobody can say whose was wrong, and from then on each is asked for all of it. Who alone gave a whole
 * that is not it is not asked again.
 */
export function createDownload({ log }: { readonly log: Log }, wanted: Wanted): Download {
  const { name, bytes, maxBytes, isIt = (file) => equals(sha256(file), name) } = wanted;
  /** by the length that was said of the file, so that a wrong one spoils nobody else's pieces; of each holder alone by who it is */
  const partials = new Map<Holder | number, Partial>();
  const liars = new Set<Holder>();
  /** turns in a row that ended while this holder was waited for, and nothing had come of it */
  const stalls = new Map<Holder, number>();
  let isAlone = false;
  let came = 0;

  const ask = async (holder: Holder, index: number, signal: AbortSignal) => {
    try {
      const piece = await holder.piece(name, index * FILE_PIECE_BYTES, signal);
      came += piece?.data.length ?? 0;
      return piece;
    } catch (error) {
      if (!signal.aborted) log.debug('a piece was asked for in vain', { name: toHex(name), index, error });
      return undefined;
    }
  };

  /** As many of the missing pieces as this holder gives. */
  async function take(holder: Holder, signal: AbortSignal): Promise<Partial | undefined> {
    const begun = isAlone ? partials.get(holder) : most(partials.values());
    const [next] = begun ? missingOf(begun) : [0];
    if (next === undefined) return begun;
    const first = await ask(holder, next, signal);
    const fits = first && first.fileBytes <= maxBytes && first.fileBytes === (bytes ?? first.fileBytes);
    if (!fits) return undefined;
    const { fileBytes } = first;
    const key = isAlone ? holder : fileBytes;
    const known = partials.get(key);
    const partial =
      known?.fileBytes === fileBytes ? known : { fileBytes, pieces: new Map(), givers: new Set<Holder>() };
    partials.set(key, partial);
    const { pieces, givers } = partial;
    givers.add(holder);
    pieces.set(next, first.data);
    const missing = missingOf(partial).values();
    let isOver = false;
    const worker = async () => {
      for (const index of missing) {
        if (isOver || signal.aborted) return;
        const piece = await ask(holder, index, signal);
        if (piece?.fileBytes === fileBytes) pieces.set(index, piece.data);
        else isOver = true;
      }
    };
    await Promise.all(Array.from({ length: ASKED_AHEAD }, worker));
    return partial;
  }

  async function from(holders: readonly Holder[], signal: AbortSignal): Promise<Uint8Array | undefined> {
    const asked = holders
      .filter((holder) => !liars.has(holder))
      .sort((a, b) => (stalls.get(a) ?? 0) - (stalls.get(b) ?? 0));
    for (const holder of asked) {
      if (signal.aborted) return undefined;
      const before = came;
      const partial = await take(holder, signal);
      if (came > before) stalls.delete(holder);
      else if (signal.aborted) stalls.set(holder, (stalls.get(holder) ?? 0) + 1);
      if (!partial || partial.pieces.size < countOf(partial.fileBytes)) continue;
      const file = concat(...indicesOf(partial.fileBytes).map((index) => partial.pieces.get(index)!));
      if (isIt(file)) return file;
      partials.delete(isAlone ? holder : partial.fileBytes);
      if (partial.givers.size === 1) liars.add(holder);
      else {
        isAlone = true;
        partials.clear();
        return from(holders, signal);
      }
    }
    return undefined;
  }

  return {
    from,
    heldBytes: () =>
      [...partials.values()]
        .flatMap(({ pieces }) => [...pieces.values()])
        .reduce((sum, { length }) => sum + length, 0),
    cameBytes: () => came,
    drop: () => partials.clear(),
  };
}

/** In one turn. */
export const fetchFile = (
  parts: { readonly log: Log },
  { wanted, holders }: { readonly wanted: Wanted; readonly holders: readonly Holder[] },
  signal: AbortSignal,
): Promise<Uint8Array | undefined> => createDownload(parts, wanted).from(holders, signal);
