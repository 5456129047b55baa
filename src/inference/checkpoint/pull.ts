// Owns: a checkpoint into a store of ours, by the way with the fewest bytes. Does not own: where files come from (Source).
import { createHash } from 'node:crypto';
import { equals, toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { applyDelta } from './apply.js';
import { parseDelta } from './delta.js';
import type { ReadFile } from './disk.js';
import {
  type Checkpoint,
  type FileFacts,
  MAX_MANIFEST_BYTES,
  type ManifestDelta,
  parseCheckpoint,
} from './manifest.js';
import { assertMaster } from './master-file.js';
import { type CheckpointStore, isDiskFailure, type Source } from './store.js';

/** Manifests that are looked at for a way: some chains of the longest that trainers make. */
const MAX_VISITED = 256;

export interface PullInput {
  readonly digest: Uint8Array;
  /** who must have signed it; undefined takes any */
  readonly trainer?: Uint8Array | undefined;
}

export interface PullStep {
  readonly kind: 'whole' | 'delta';
  /** of the checkpoint that it led to */
  readonly digest: Uint8Array;
  readonly bytes: number;
}

export interface Pulled {
  readonly checkpoint: Checkpoint;
  /** what was fetched beside manifests; none where the master was here */
  readonly steps: readonly PullStep[];
}

export interface PullProgress {
  /** at each way that is taken: bytes that it fetches */
  onWay?(bytes: number): void;
  /** bytes of it that arrived */
  onBytes?(bytes: number): void;
}

/** From a master that is here, or a whole file, along deltas. */
interface Way {
  readonly start: Checkpoint;
  readonly isWhole: boolean;
  readonly deltas: readonly { readonly to: Checkpoint; readonly delta: ManifestDelta }[];
  readonly bytes: number;
}

/**
 * When it resolves, the checkpoint's master is in the store under its digest, which is that of its bytes. What was there before is
 * there still, whatever fails. A way that breaks is left for the next cheapest.
 * @throws AssayError `unreachable` where no way is left; `unauthenticated` for another trainer's manifest
 */
export async function pullCheckpoint(
  { store, source }: { readonly store: CheckpointStore; readonly source: Source },
  { digest, trainer }: PullInput,
  signal: AbortSignal,
  { onWay = () => {}, onBytes = () => {} }: PullProgress = {},
): Promise<Pulled> {
  const known = new Map<string, Checkpoint | undefined>();
  const broken = new Set<string>();
  const rotten = new Set<string>();
  let cause: unknown;

  /** undefined where neither has it, or what is given is none of this trainer: a way less, unless it is the target */
  const manifestOf = async (wanted: Uint8Array): Promise<Checkpoint | undefined> => {
    const name = toHex(wanted);
    if (known.has(name)) return known.get(name);
    let found: Checkpoint | undefined;
    try {
      found = (await store.checkpoint(wanted)) ?? (await fetchManifest(wanted));
      if (found && trainer && !equals(found.manifest.trainer, trainer))
        throw new AssayError('unauthenticated', `checkpoint ${name}: signed by another trainer`, {
          reason: 'trainer',
        });
    } catch (error) {
      signal.throwIfAborted();
      if (isDiskFailure(error)) throw error;
      cause = error;
      found = undefined;
    }
    known.set(name, found);
    return found;
  };

  const fetchManifest = async (wanted: Uint8Array): Promise<Checkpoint | undefined> => {
    const pieces = await source.get(wanted, signal);
    if (!pieces) return undefined;
    const bytes = await collected(pieces, MAX_MANIFEST_BYTES);
    if (!equals(sha256(bytes), wanted)) throw differs(wanted);
    const checkpoint = parseCheckpoint(bytes);
    await store.put((append) => append(bytes));
    return checkpoint;
  };

  let arrived = 0;
  const fetch = async (facts: FileFacts): Promise<void> => {
    if (await isHere(store, facts, signal)) return;
    const pieces = await source.get(facts.sha256, signal);
    if (!pieces)
      throw new AssayError('unreachable', `file ${toHex(facts.sha256)}: nobody has it`, {
        address: 'source',
      });
    await store.put(async (append) => {
      for await (const piece of pieces) {
        signal.throwIfAborted();
        await append(piece);
        arrived += piece.length;
        onBytes(arrived);
      }
    }, facts);
  };

  const target = await manifestOf(digest);
  if (!target) throw unreachable(digest, 'its manifest is not to be had', cause);
  for (;;) {
    signal.throwIfAborted();
    const way = await cheapest(target, { store, manifestOf, broken, rotten });
    if (!way) throw unreachable(digest, 'no deltas from what is here, and no whole file', cause);
    onWay(way.bytes);
    arrived = 0;
    let at = toHex(way.start.manifest.master.sha256);
    try {
      if (way.isWhole) await fetchWhole(way.start);
      let from = way.start;
      for (const { to, delta } of way.deltas) {
        at = toHex(delta.sha256);
        await fetch(delta);
        await followed(store, { from, to, delta }, signal);
        from = to;
      }
      return { checkpoint: target, steps: stepsOf(way) };
    } catch (error) {
      signal.throwIfAborted();
      if (isDiskFailure(error)) throw error;
      cause = error;
      // a disk that rots is not the delta's fault: then what is here counts as not here, and may be fetched
      const { master } = way.start.manifest;
      if (way.isWhole || (await isHere(store, master, signal))) broken.add(at);
      else rotten.add(toHex(master.sha256));
    }
  }

  async function fetchWhole({ manifest }: Checkpoint): Promise<void> {
    await fetch(manifest.master);
    const file = (await store.open(manifest.master.sha256))!; // fetched a moment ago
    try {
      await assertMaster(file, manifest, signal);
    } finally {
      await file.close();
    }
  }
}

/** One delta onto a master of the store. The parts that it needs are gone afterwards, the old master is not. */
async function followed(
  store: CheckpointStore,
  { from, to, delta }: { from: Checkpoint; to: Checkpoint; delta: ManifestDelta },
  signal: AbortSignal,
): Promise<void> {
  const file = await store.open(delta.sha256);
  let baseMaster: ReadFile | undefined;
  try {
    baseMaster = await store.open(from.manifest.master.sha256);
    if (!file || !baseMaster) throw differs(from.digest);
    const bytes = await file.read(0, file.size);
    if (!equals(sha256(bytes), delta.sha256)) throw differs(delta.sha256);
    const input = { base: from, baseMaster, target: to, delta: parseDelta(bytes) };
    await store.put((append) => applyDelta(input, append, signal), to.manifest.master);
  } finally {
    await file?.close();
    await baseMaster?.close();
  }
}

/** Backwards from the target, the cheapest first, until something is here or is fetched whole. */
async function cheapest(
  target: Checkpoint,
  parts: {
    readonly store: CheckpointStore;
    readonly manifestOf: (digest: Uint8Array) => Promise<Checkpoint | undefined>;
    /** deltas and masters that did not lead where they should */
    readonly broken: ReadonlySet<string>;
    /** masters of the store whose bytes are others by now */
    readonly rotten: ReadonlySet<string>;
  },
): Promise<Way | undefined> {
  const { store, manifestOf, broken, rotten } = parts;
  const open: (Way & { readonly isEnd: boolean })[] = [];
  const visited = new Set<string>();
  open.push({ start: target, isWhole: false, deltas: [], bytes: 0, isEnd: false });
  for (let next = takeCheapest(open); next && visited.size < MAX_VISITED; next = takeCheapest(open)) {
    if (next.isEnd) return next;
    const { start, deltas, bytes } = next;
    const name = toHex(start.digest);
    if (visited.has(name)) continue;
    visited.add(name);
    const { master, isAnchor, deltas: from } = start.manifest;
    const file = toHex(master.sha256);
    const isBroken = broken.has(file);
    if (!isBroken && !rotten.has(file) && (await store.has(master.sha256))) return next;
    if (!isBroken && isAnchor)
      open.push({ ...next, isWhole: true, bytes: bytes + master.bytes, isEnd: true });
    for (const delta of from) {
      if (broken.has(toHex(delta.sha256))) continue;
      const base = await manifestOf(delta.base);
      if (!base) continue;
      const longer = [{ to: start, delta }, ...deltas];
      open.push({ start: base, isWhole: false, deltas: longer, bytes: bytes + delta.bytes, isEnd: false });
    }
  }
  // nobody promised it, but who holds the target may give it
  const { master } = target.manifest;
  if (broken.has(toHex(master.sha256))) return undefined;
  return { start: target, isWhole: true, deltas: [], bytes: master.bytes };
}

function takeCheapest<T extends { readonly bytes: number }>(open: T[]): T | undefined {
  let best = 0;
  for (let i = 1; i < open.length; i++) if (open[i]!.bytes < open[best]!.bytes) best = i;
  return open.splice(best, 1)[0];
}

function stepsOf({ start, isWhole, deltas }: Way): PullStep[] {
  const whole = { kind: 'whole', digest: start.digest, bytes: start.manifest.master.bytes } as const;
  const steps = deltas.map(
    ({ to, delta }) => ({ kind: 'delta', digest: to.digest, bytes: delta.bytes }) as const,
  );
  return isWhole ? [whole, ...steps] : steps;
}

/** Whether the store has all of its bytes, by their digest. */
async function isHere(
  store: CheckpointStore,
  { sha256: digest }: FileFacts,
  signal: AbortSignal,
): Promise<boolean> {
  const pieces = await store.get(digest, signal);
  if (!pieces) return false;
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return equals(hash.digest(), digest);
}

async function collected(pieces: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  let got = 0;
  for await (const piece of pieces) {
    got += piece.length;
    if (got > limit)
      throw new AssayError('limit-exceeded', `manifest of more than ${limit} bytes`, {
        what: 'manifest',
        limit,
        got,
      });
    all.push(piece);
  }
  return Buffer.concat(all);
}

const differs = (digest: Uint8Array): AssayError =>
  new AssayError('corrupt', `file ${toHex(digest)}: the bytes of another`, {
    path: toHex(digest),
    why: 'digest',
  });

const unreachable = (digest: Uint8Array, why: string, cause: unknown): AssayError =>
  new AssayError(
    'unreachable',
    `checkpoint ${toHex(digest)}: ${why}`,
    { address: toHex(digest) },
    cause === undefined ? {} : { cause },
  );
