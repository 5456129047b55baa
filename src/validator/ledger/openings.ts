// Owns: opening bytes within a byte budget. Does not own: which accepted ones are worth keeping (ledger.ts draws them).
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError } from '../../model/errors.js';
import type { Hotkey } from '../../model/ids.js';
import type { Log } from '../../model/log.js';
import type { Outcome } from '../../model/outcome.js';
import type { Rejection } from '../../model/verdict.js';
import { syncFolder } from './folder.js';

/** What decides how long an opening is kept, and which others go before it. */
export type OpeningFacts = Pick<Outcome, 'id' | 'event' | 'miner' | 'verdict'>;

export interface Openings extends OpeningsReader {
  /**
   * On disk when it resolves, unless the budget has no room for it, or a cheap rejection of this miner and event is kept
   * already.
   */
  put(of: OpeningFacts, pieces: readonly Uint8Array[]): Promise<void>;
}

export interface OpeningsReader {
  /** @throws AssayError `evidence-expired` when the bytes are not, or no longer, kept */
  read(id: string): Promise<Uint8Array>;
}

const SUFFIX = '.bin';
/** A file takes whole blocks: or empty openings would fill the disk beside the budget. */
const BLOCK_BYTES = 4096;
/** Of the budget, for what is not rejected: rejections cost a miner nothing and must not displace every sample. */
const SAMPLE_SHARE = 0.25;

/**
 * Rejected for what takes no device, often not even the right bytes: one of them convicts as well as 64. The first three
 * have an opening only where a piece of one came out of turn.
 */
const CHEAP: ReadonlySet<Rejection> = new Set([
  'window',
  'left-out',
  'protocol',
  'opening-timeout',
  'malformed',
  'seed',
]);

export function openOpeningsReader(folder: string): OpeningsReader {
  return {
    async read(id) {
      try {
        return await readFile(join(folder, `${id}${SUFFIX}`));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
          throw new AssayError(
            'evidence-expired',
            `evidence expired: the opening of ${id} was not kept, or is no longer`,
            { outcome: id },
          );
        throw error;
      }
    },
  };
}

interface Kept {
  readonly id: string;
  /** whole blocks */
  readonly bytes: number;
  /** where it is the one cheap rejection of its miner and event */
  readonly cheapKey: string | undefined;
}

interface Pile {
  /** by id, oldest first */
  readonly kept: Map<string, Kept>;
  bytes: number;
}

/**
 * Over the budget the oldest that are not rejections go first, down to their share; then rejections, always the oldest of
 * the miner that has the most: who fills the budget displaces its own.
 * @param outcomes all of the journal, oldest first; files of others are what a crash left and are removed
 */
export async function openOpenings(
  parts: { log: Log },
  folder: string,
  budgetBytes: number,
  outcomes: Iterable<OpeningFacts>,
): Promise<Openings> {
  await mkdir(folder, { recursive: true });
  const rejectionsBudget = Math.floor(budgetBytes * (1 - SAMPLE_SHARE));
  const samples = createPile();
  const rejections = new Map<Hotkey, Pile>();
  const cheapKeys = new Set<string>();
  let tail: Promise<void> = Promise.resolve();
  await load();

  async function load(): Promise<void> {
    const sizes = new Map<string, number>();
    for (const name of await readdir(folder)) sizes.set(name, (await stat(join(folder, name))).size);
    for (const of of outcomes) {
      const name = `${of.id}${SUFFIX}`;
      const size = sizes.get(name);
      if (size === undefined || isSpare(of)) continue;
      sizes.delete(name);
      add(of, size);
    }
    for (const name of sizes.keys()) await rm(join(folder, name), { force: true, recursive: true });
    await shrinkRejections(rejectionsBudget);
    await shrinkSamples(budgetBytes - rejectedBytes());
  }

  function pileOf({ verdict, miner }: OpeningFacts): Pile {
    if (verdict.kind !== 'rejected') return samples;
    const pile = rejections.get(miner) ?? createPile();
    rejections.set(miner, pile);
    return pile;
  }

  function rejectedBytes(): number {
    let sum = 0;
    for (const { bytes } of rejections.values()) sum += bytes;
    return sum;
  }

  function isSpare(of: OpeningFacts): boolean {
    const key = cheapKeyOf(of);
    return key !== undefined && cheapKeys.has(key);
  }

  function add(of: OpeningFacts, size: number): void {
    const pile = pileOf(of);
    const kept: Kept = { id: of.id, bytes: inBlocks(size), cheapKey: cheapKeyOf(of) };
    pile.kept.set(of.id, kept);
    pile.bytes += kept.bytes;
    if (kept.cheapKey !== undefined) cheapKeys.add(kept.cheapKey);
  }

  async function removeOldest(pile: Pile): Promise<void> {
    const [oldest] = pile.kept.values();
    const { id, bytes, cheapKey } = oldest!; // only piles with bytes are shrunk
    await rm(join(folder, `${id}${SUFFIX}`), { force: true });
    pile.kept.delete(id);
    pile.bytes -= bytes;
    if (cheapKey !== undefined) cheapKeys.delete(cheapKey);
  }

  async function shrinkSamples(toBytes: number): Promise<void> {
    while (samples.bytes > toBytes) await removeOldest(samples);
  }

  /** @param first loses its own where nobody has more */
  async function shrinkRejections(toBytes: number, first = createPile()): Promise<void> {
    while (rejectedBytes() > toBytes) {
      let largest = first;
      for (const pile of rejections.values()) if (pile.bytes > largest.bytes) largest = pile;
      await removeOldest(largest);
    }
  }

  /** False, and nothing is lost, when only worthier ones could go. */
  async function makeRoom(of: OpeningFacts, bytes: number): Promise<boolean> {
    if (of.verdict.kind === 'rejected') {
      if (bytes > rejectionsBudget) return false;
      await shrinkRejections(rejectionsBudget - bytes, pileOf(of));
    }
    const left = budgetBytes - rejectedBytes() - bytes;
    if (left < 0) return false;
    await shrinkSamples(left);
    return true;
  }

  async function write(of: OpeningFacts, pieces: readonly Uint8Array[]): Promise<void> {
    const { id } = of;
    if (samples.kept.has(id) || rejections.get(of.miner)?.kept.has(id)) return; // the first one written is what was judged
    if (isSpare(of)) return parts.log.debug('opening not kept: one like it is', { outcome: id });
    const bytes = Buffer.concat(pieces);
    if (!(await makeRoom(of, inBlocks(bytes.length)))) {
      parts.log.warn('opening not kept: no room in the byte budget', {
        outcome: id,
        bytes: bytes.length,
        budgetBytes,
      });
      return;
    }
    const path = join(folder, `${id}${SUFFIX}`);
    const file = await open(`${path}.tmp`, 'w', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.tmp`, path);
    await syncFolder(folder);
    add(of, bytes.length);
  }

  return {
    ...openOpeningsReader(folder),
    put(of, pieces) {
      const done = tail.then(() => write(of, pieces));
      tail = done.catch(() => {}); // the failure is its caller's; the next one still gets its turn
      return done;
    },
  };
}

const createPile = (): Pile => ({ kept: new Map(), bytes: 0 });

const inBlocks = (bytes: number): number => Math.max(1, Math.ceil(bytes / BLOCK_BYTES)) * BLOCK_BYTES;

const cheapKeyOf = ({ verdict, miner, event }: OpeningFacts): string | undefined =>
  verdict.kind === 'rejected' && CHEAP.has(verdict.reason) ? `${event} ${miner}` : undefined;
