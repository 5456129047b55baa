// Owns: a folder of checkpoints: files by the digest of their bytes, heads by window; what is kept and what goes.
// Does not own: how checkpoints come to be (publish.ts) or arrive (pull.ts).
//
// objects/<sha256>   manifests, deltas, masters; a name that is there has the bytes of that digest
// heads/<window>     which checkpoint counts, signed
// parts/             what is being written; nothing here is ever read
import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { equals, toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { invalid } from '../../model/invalid-input.js';
import type { Disk, ReadFile } from './disk.js';
import { compareHeads, MAX_HEAD_BYTES, parseHead, type SignedHead } from './head.js';
import { type Checkpoint, type FileFacts, MAX_MANIFEST_BYTES, parseCheckpoint } from './manifest.js';

/** Of a file that is read or copied piece by piece. */
export const PIECE_BYTES = 8 << 20;
/** Deltas between two anchors are at most 33 (publish.ts); a chain of strangers that goes on is not followed. */
export const MAX_CHAIN = 64;

/** Where files come from, by the SHA-256 of their bytes: a folder, peers. What it gives is checked by who asked. */
export interface Source {
  /** in pieces, in order; undefined where it does not have it */
  get(digest: Uint8Array, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
}

export interface CheckpointStore extends Source {
  has(digest: Uint8Array): Promise<boolean>;
  /** to be closed by who opened it */
  open(digest: Uint8Array): Promise<ReadFile | undefined>;
  /**
   * Writes a file aside, and gives it its name when all of it is on disk.
   * @param expected what it has to be; undefined where its bytes say
   * @throws AssayError `corrupt` where it is another; the store is as it was
   */
  put(fill: Fill, expected?: FileFacts): Promise<FileFacts>;
  /** its manifest, with the digest checked, parsed; undefined where it is not there */
  checkpoint(digest: Uint8Array): Promise<Checkpoint | undefined>;
  /**
   * Of the highest window whose head can be read.
   * @throws AssayError as `headOf` where there are heads and none of them can be
   */
  newest(): Promise<SignedHead | undefined>;
  /** The highest that has a head, be it one that can be read or not. */
  lastWindow(): Promise<number | undefined>;
  /** @throws AssayError `invalid-input`, `unauthenticated`, `limit-exceeded` for bytes that are no head */
  headOf(window: number): Promise<SignedHead | undefined>;
  /**
   * Keeps a head that is `newer` than all; any other leaves the store as it is.
   * @throws AssayError `invalid-input` for one of another trainer or model than the store's
   */
  putHead(head: SignedHead): Promise<ReturnType<typeof compareHeads>>;
  /** Removes what none of the newest heads needs. Nobody may write meanwhile. */
  collect(options?: CollectOptions): Promise<Collected>;
}

export type Fill = (append: (bytes: Uint8Array) => Promise<void>) => Promise<void>;

export interface CollectOptions {
  /** In place of heads: these, where they are here, with their own files. For who follows a chain's commitments and keeps no heads. */
  readonly checkpoints?: readonly Uint8Array[];
  /**
   * how many of the newest heads
   * @default 4
   */
  readonly heads?: number;
  /**
   * `chains`: whoever had an earlier checkpoint, or none, can still come to these heads: a trainer, and who serves as one;
   * `masters`: these heads' own files
   * @default 'chains'
   */
  readonly keep?: 'chains' | 'masters';
}

export interface Collected {
  readonly kept: number;
  readonly removed: number;
  readonly removedBytes: number;
}

const NAME = /^[0-9a-f]{64}$/;
const WINDOW = /^\d{16}$/;

export interface StoreOptions {
  /** told of each head that cannot be read, once: the one of the window before counts then */
  onWarning?(message: string): void;
}

/** A folder that is not there is an empty store, and is made with the first file. */
export function openStore(given: Disk, folder: string, { onWarning }: StoreOptions = {}): CheckpointStore {
  const disk = remembering(given);
  const objects = join(folder, 'objects');
  const heads = join(folder, 'heads');
  const parts = join(folder, 'parts');
  let isMade = false;
  // names are made of digests and numbers of ours: nothing that a stranger wrote is ever part of a path
  const pathOf = (digest: Uint8Array): string => join(objects, toHex(digest));
  const headPath = (window: number): string => join(heads, String(window).padStart(16, '0'));

  const readAll = async (path: string, maxBytes: number): Promise<Uint8Array | undefined> => {
    const file = await disk.open(path);
    if (file === undefined) return undefined;
    try {
      if (file.size > maxBytes)
        throw new AssayError('limit-exceeded', `${path}: ${file.size} bytes, limit ${maxBytes}`, {
          what: path,
          limit: maxBytes,
          got: file.size,
        });
      return await file.read(0, file.size);
    } finally {
      await file.close();
    }
  };

  /** Under its name only when its bytes are on disk; whatever fails, nothing but a part is left, and that goes too. */
  const writeAside = async (
    target: string,
    folderOfTarget: string,
    fill: Fill,
    check: () => void | string,
  ) => {
    // a store that is only read is left as it is
    if (!isMade) {
      for (const each of [folder, objects, heads, parts]) await disk.makeFolder(each);
      // a name within a folder that is lost is lost with it
      await disk.syncFolder(folder);
    }
    isMade = true;
    const part = join(parts, randomUUID());
    const file = await disk.create(part);
    try {
      try {
        await fill((bytes) => file.append(bytes));
        check();
        await file.sync();
      } finally {
        await file.close();
      }
      const name = check() ?? target;
      await disk.rename(part, name);
      await disk.syncFolder(folderOfTarget);
    } catch (error) {
      await disk.remove(part).catch(() => {}); // the first error is what went wrong
      throw error;
    }
  };

  const signed = new Set<string>();
  const windows = async (): Promise<number[]> =>
    (await disk.list(heads))
      .filter((name) => WINDOW.test(name))
      .map(Number)
      .sort((a, b) => b - a);

  const warned = new Set<number>();
  /** From the highest window down, without those that cannot be read. @throws the first one's error where none can be */
  async function* readable(): AsyncGenerator<SignedHead> {
    let found = false;
    let failed: unknown;
    for (const window of await windows())
      try {
        const head = await store.headOf(window);
        if (head === undefined) continue; // removed meanwhile
        found = true;
        yield head;
      } catch (error) {
        if (!(error instanceof AssayError)) throw error;
        failed ??= error;
        if (!warned.has(window)) onWarning?.(`${error.message}; without it the window before counts`);
        warned.add(window);
      }
    if (!found && failed !== undefined) throw failed;
  }

  const store: CheckpointStore = {
    open: (digest) => disk.open(pathOf(digest)),

    async has(digest) {
      const file = await store.open(digest);
      await file?.close();
      return file !== undefined;
    },

    async get(digest, signal) {
      const file = await store.open(digest);
      return file && piecesOf(file, signal);
    },

    async put(fill, expected) {
      const hash = createHash('sha256');
      let bytes = 0;
      let digest: Uint8Array | undefined;
      const counted: Fill = (append) =>
        fill(async (piece) => {
          bytes += piece.length;
          if (expected && bytes > expected.bytes) throw differs(`more than ${expected.bytes} bytes`);
          hash.update(piece);
          await append(piece);
        });
      await writeAside('', objects, counted, () => {
        digest ??= hash.digest();
        if (expected && !equals(digest, expected.sha256)) throw differs('the bytes of another digest');
        return pathOf(digest);
      });
      return { bytes, sha256: digest! };
    },

    async checkpoint(digest) {
      const path = pathOf(digest);
      const bytes = await readAll(path, MAX_MANIFEST_BYTES);
      if (bytes === undefined) return undefined;
      if (!equals(sha256(bytes), digest))
        throw new AssayError('corrupt', `${path}: the bytes of another digest`, { path, why: 'digest' });
      // a signature costs more than all else here, and of the same bytes it holds once and for all
      const name = toHex(digest);
      const checkpoint = parseCheckpoint(bytes, path, { isKnown: signed.has(name) });
      signed.add(name);
      return checkpoint;
    },

    async newest() {
      for await (const head of readable()) return head;
      return undefined;
    },

    async lastWindow() {
      return (await windows())[0];
    },

    async headOf(window) {
      const path = headPath(window);
      const bytes = await readAll(path, MAX_HEAD_BYTES);
      return bytes && parseHead(bytes, path);
    },

    async putHead(head) {
      const newest = await store.newest();
      if (newest) {
        if (!equals(newest.trainer, head.trainer) || newest.modelId !== head.modelId)
          throw invalid(
            'head',
            `one of ${newest.modelId} and its trainer`,
            `one of ${head.modelId} or another's`,
          );
        let known = newest;
        if (newest.window > head.window)
          for await (const each of readable()) if (each.window === head.window) known = each;
        const order = compareHeads(known, head);
        if (order !== 'newer') return order;
      }
      const target = headPath(head.window);
      await writeAside(
        target,
        heads,
        (append) => append(head.bytes),
        () => undefined,
      );
      return 'newer';
    },

    async collect({ heads: count = 4, keep = 'chains', checkpoints } = {}) {
      const roots: SignedHead[] = [];
      for await (const head of readable()) {
        roots.push(head);
        if (roots.length === count) break;
      }
      const digests = roots.map(({ digest }) => digest);
      const needed = checkpoints
        ? await ownFilesOf(store, await present(store, checkpoints))
        : await (keep === 'chains' ? closureOf(store, roots) : ownFilesOf(store, digests));
      let [kept, removed, removedBytes] = [0, 0, 0];
      for (const name of await disk.list(objects)) {
        const path = join(objects, name);
        if (!NAME.test(name) || needed.has(name)) kept++;
        else {
          const file = await disk.open(path);
          removedBytes += file?.size ?? 0;
          await file?.close();
          await disk.remove(path);
          removed++;
        }
      }
      for (const name of await disk.list(parts)) await disk.remove(join(parts, name));
      const oldest = roots.at(-1)?.window ?? 0;
      for (const window of await windows()) if (window < oldest) await disk.remove(headPath(window));
      return { kept, removed, removedBytes };
    },
  };
  return store;
}

const failures = new WeakSet<object>();

/** Whether an error is our own disk's, which no other source of the same file would mend. */
export const isDiskFailure = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && failures.has(error);

function remembering(disk: Disk): Disk {
  const noted = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (typeof error === 'object' && error !== null) failures.add(error);
      throw error;
    }
  };
  return {
    open: (path) => disk.open(path),
    list: (folder) => disk.list(folder),
    remove: (path) => noted(disk.remove(path)),
    rename: (from, to) => noted(disk.rename(from, to)),
    makeFolder: (folder) => noted(disk.makeFolder(folder)),
    syncFolder: (folder) => noted(disk.syncFolder(folder)),
    async create(path) {
      const file = await noted(disk.create(path));
      return {
        append: (bytes) => noted(file.append(bytes)),
        sync: () => noted(file.sync()),
        close: () => noted(file.close()),
      };
    },
  };
}

const differs = (why: string): AssayError =>
  new AssayError('corrupt', `a file of a checkpoint: ${why}`, { path: 'file', why });

async function* piecesOf(file: ReadFile, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for (let at = 0; at < file.size; at += PIECE_BYTES) {
      signal.throwIfAborted();
      yield await file.read(at, Math.min(PIECE_BYTES, file.size - at));
    }
  } finally {
    await file.close();
  }
}

/**
 * Names of all files that heads need: the master of the newest, and of each head manifests and deltas back to an anchor, and
 * that anchor's master.
 * @throws AssayError `corrupt` where one of them is missing: then nothing may be removed
 */
async function closureOf(store: CheckpointStore, heads: readonly SignedHead[]): Promise<ReadonlySet<string>> {
  const needed = new Set<string>();
  for (const [i, head] of heads.entries()) {
    const chain = await chainOf(store, head.digest);
    for (const { digest, manifest } of chain) {
      needed.add(toHex(digest));
      for (const delta of manifest.isAnchor ? [] : manifest.deltas) needed.add(toHex(delta.sha256));
    }
    // deltas onto an anchor are for those who have what was before it
    const [own, anchor] = [chain[0]!.manifest, chain.at(-1)!.manifest];
    if (own.isAnchor) for (const delta of own.deltas) needed.add(toHex(delta.sha256));
    if (i === 0) needed.add(toHex(own.master.sha256));
    needed.add(toHex(anchor.master.sha256));
  }
  return needed;
}

async function present(store: CheckpointStore, digests: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const are = await Promise.all(digests.map((digest) => store.has(digest)));
  return digests.filter((_, i) => are[i]);
}

async function ownFilesOf(
  store: CheckpointStore,
  digests: readonly Uint8Array[],
): Promise<ReadonlySet<string>> {
  const needed = new Set<string>();
  for (const digest of digests) {
    const found = await store.checkpoint(digest);
    const path = toHex(digest);
    if (!found)
      throw new AssayError('corrupt', `checkpoint ${path}: not in the store`, { path, why: 'missing' });
    needed.add(path).add(toHex(found.manifest.master.sha256));
    for (const delta of found.manifest.deltas) needed.add(toHex(delta.sha256));
  }
  return needed;
}

/**
 * A checkpoint and those before it, back to its anchor.
 * @throws AssayError `corrupt` where one is not in the store, or the chain is longer than trainers make them
 */
export async function chainOf(store: CheckpointStore, digest: Uint8Array): Promise<Checkpoint[]> {
  const chain: Checkpoint[] = [];
  for (let next: Uint8Array | undefined = digest; next; ) {
    const found = await store.checkpoint(next);
    const path = toHex(next);
    if (!found)
      throw new AssayError('corrupt', `checkpoint ${path}: not in the store`, { path, why: 'missing' });
    chain.push(found);
    if (found.manifest.isAnchor) return chain;
    if (chain.length > MAX_CHAIN)
      throw new AssayError('corrupt', `checkpoint ${path}: no anchor in ${MAX_CHAIN}`, {
        path,
        why: 'chain',
      });
    next = found.manifest.parent;
  }
  return chain;
}
