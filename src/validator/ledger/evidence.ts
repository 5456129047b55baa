// Owns: sessions as lines of files beside the outcomes, and which of these files go first. Does not own: what a line says
// (entries.ts), opening bytes (openings.ts).
import { mkdir, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { equals, utf8 } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import type { Outcome } from '../../model/outcome.js';
import type { EvidenceRef } from './codec.js';
import { type SessionRecord, type StoredFrame, toSession } from './entries.js';
import { syncFolder } from './folder.js';
import { type Journal, openJournal } from './journal.js';

/** Of one segment: rejections apart, so that they can be kept when the rest is not. */
const PILES = ['rejected', 'others'] as const;
type Pile = (typeof PILES)[number];
const pileOf = ({ verdict }: Pick<Outcome, 'verdict'>): Pile =>
  verdict.kind === 'rejected' ? 'rejected' : 'others';

export const EVIDENCE = 'evidence';
/** @param dir the ledger's */
export const evidencePath = (dir: string, segment: number, of: Pick<Outcome, 'verdict'>): string =>
  pathOf(dir, segment, pileOf(of));
const pathOf = (dir: string, segment: number, pile: Pile) => join(dir, EVIDENCE, nameOf(segment, pile));
const nameOf = (segment: number, pile: Pile) => `${`${segment}`.padStart(10, '0')}.${pile}.jsonl`;
const NAME = /^(\d{10})\.(rejected|others)\.jsonl$/;

/** Bytes of each pile that outcomes of a segment speak of. */
export type PileSizes = { [pile in Pile]: number };
export const noPiles = (): PileSizes => ({ rejected: 0, others: 0 });

export function countEvidence(sizes: PileSizes, of: Pick<Outcome, 'verdict'>, ref: EvidenceRef): void {
  const pile = pileOf(of);
  sizes[pile] = Math.max(sizes[pile], ref.offset + ref.length + 1);
}

export interface EvidenceWriter {
  /** On disk when it resolves. */
  append(of: Pick<Outcome, 'verdict'>, line: string, after?: Promise<void>): Promise<EvidenceRef>;
  close(): Promise<void>;
}

/**
 * @param sizes what is behind them was written for outcomes that a crash kept from being recorded, and is cut off
 * @throws AssayError `corrupt` where a file ends before what outcomes speak of
 */
export async function openEvidence(dir: string, segment: number, sizes: PileSizes): Promise<EvidenceWriter> {
  if ((await mkdir(join(dir, EVIDENCE), { recursive: true })) !== undefined) await syncFolder(dir);
  for (const pile of PILES) {
    const path = pathOf(dir, segment, pile);
    const size = await sizeOf(path);
    if (size === undefined) continue; // expired, or never begun
    if (size < sizes[pile]) throw endsTooEarly(path);
    if (size > sizes[pile]) await truncate(path, sizes[pile]);
  }
  const files = new Map<Pile, Promise<Journal>>();
  const fileOf = (pile: Pile): Promise<Journal> => {
    const known = files.get(pile);
    if (known) return known;
    const file = begin(pathOf(dir, segment, pile), sizes[pile]);
    files.set(pile, file);
    file.catch(() => files.delete(pile));
    return file;
  };
  return {
    async append(of, line, after) {
      after?.catch(() => {}); // awaited when its turn comes
      const file = await fileOf(pileOf(of));
      const { offset, length } = await file.append(line, after);
      return { digest: sha256(utf8(line)), offset, length };
    },
    async close() {
      for (const file of files.values()) await (await file).close();
    },
  };
}

/** @throws AssayError `corrupt` where a file that is there ends before what outcomes speak of */
export async function assertEvidence(dir: string, segment: number, sizes: PileSizes): Promise<void> {
  for (const pile of PILES) {
    const path = pathOf(dir, segment, pile);
    const size = await sizeOf(path);
    if (size !== undefined && size < sizes[pile]) throw endsTooEarly(path);
  }
}

/** @throws AssayError `evidence-expired` where it is kept no longer, `corrupt` where it is not what the outcome speaks of */
export async function readEvidence(
  path: string,
  id: string,
  { offset, length, digest }: EvidenceRef,
): Promise<SessionRecord<StoredFrame>> {
  const expired = (cause?: unknown) =>
    new AssayError(
      'evidence-expired',
      `evidence expired: the session of ${id} was not kept, or is no longer`,
      { outcome: id },
      { cause },
    );
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? expired(cause) : cause;
  });
  try {
    const corrupt = (why: string, cause?: unknown) => {
      const data = { path, why: `the session of ${id}, at byte ${offset}: ${why}` };
      return new AssayError('corrupt', `${path}: ${data.why}`, data, { cause });
    };
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await file.read(bytes, 0, length, offset);
    // a file that was not kept and goes on has a hole there: lines stand where their outcomes say
    if (bytesRead === length && bytes.every((byte) => byte === 0)) throw expired();
    if (bytesRead !== length || !equals(sha256(bytes), digest)) throw corrupt('not what was written');
    try {
      const line = toSession(bytes.toString('utf8'));
      if (line.id !== id) throw new SyntaxError('of another outcome');
      return line.session;
    } catch (cause) {
      throw corrupt('not a session of this version', cause);
    }
  } finally {
    await file.close();
  }
}

/** A line that is on disk in a file that is not helps nobody. */
async function begin(path: string, size: number): Promise<Journal> {
  const file = await openJournal(path, size);
  await syncFolder(dirname(path));
  return file;
}

export interface EvidenceFile {
  readonly segment: number;
  readonly pile: Pile;
  readonly path: string;
  readonly bytes: number;
}

/** In the order in which they go: what was not rejected first, the oldest of each first. */
export async function evidenceFiles(dir: string): Promise<readonly EvidenceFile[]> {
  const files: EvidenceFile[] = [];
  const folder = join(dir, EVIDENCE);
  for (const name of (await readdir(folder).catch(() => [])).sort()) {
    const [, segment, pile] = NAME.exec(name) ?? [];
    if (!segment) continue;
    const path = join(folder, name);
    files.push({ segment: Number(segment), pile: pile as Pile, path, bytes: (await stat(path)).size });
  }
  return [
    ...files.filter(({ pile }) => pile === 'others'),
    ...files.filter(({ pile }) => pile === 'rejected'),
  ];
}

export const removeEvidence = ({ path }: EvidenceFile): Promise<void> => rm(path, { force: true });

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

function endsTooEarly(path: string): AssayError<'corrupt'> {
  const why = 'ends before what outcomes speak of';
  return new AssayError('corrupt', `${path}: ${why}`, { path, why });
}
