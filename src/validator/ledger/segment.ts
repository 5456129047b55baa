// Owns: one file of the ledger: what an epoch added to it, from its header to its signature. Does not own: which files there are
// (ledger.ts), how frames are linked (frames.ts).
import { open } from 'node:fs/promises';
import { equals, fromUtf8, utf8 } from '../../model/bytes.js';
import { AssayError, unsupported } from '../../model/errors.js';
import type { Outcome } from '../../model/outcome.js';
import {
  decodeOutcome,
  type EvidenceRef,
  encodeOutcome,
  evidenceAt,
  idAt,
  RECORD,
  type Recorded,
} from './codec.js';
import {
  type ClosedEntry,
  LEDGER_VERSION,
  type PlainEntry,
  type SegmentEntry,
  toPlain,
  toPlainJson,
} from './entries.js';
import { createFrames, eachRecord, type FileEnd, firstRecord, readFrames } from './frames.js';
import { type Committer, createCommitter } from './journal.js';
import {
  isSignedClosed,
  type LedgerHead,
  type LedgerOwner,
  type LedgerWriter,
  ownerOf,
  signClosed,
} from './signed.js';

/** What is told of a file as it is read, in its order. */
export interface SegmentVisitor {
  /** `at` is the reader's and is of another outcome at the next one. */
  outcome?(at: OutcomeCursor): void;
  entry?(entry: PlainEntry): void;
}

/** Makes of an outcome's record only what is asked of it. */
export interface OutcomeCursor {
  readonly id: string;
  outcome(): Outcome;
  evidence(): EvidenceRef;
}

export interface SegmentEnd extends FileEnd {
  readonly header: SegmentEntry;
  readonly owner: LedgerOwner;
  /** absent while it is the last one */
  readonly closed?: ClosedEntry | undefined;
  /** by their places */
  readonly names: readonly string[];
}

/** Where the ledger stands behind a segment. */
export const headOf = ({ header, records, link }: SegmentEnd): LedgerHead => ({
  epoch: header.epoch,
  records: header.records + records,
  link,
});

/**
 * Reads a segment, checks its links and its signature, and stops after each frame.
 * @param from the end of an earlier reading: what was appended since is told, and nothing before it
 * @returns its end; undefined when nothing of it reached the disk
 * @throws AssayError `corrupt` naming file and record
 */
export function* readSegment(
  path: string,
  { isLast, from: earlier }: { isLast: boolean; from?: SegmentEnd | undefined },
  visitor: SegmentVisitor,
): Generator<void, SegmentEnd | undefined> {
  const header = earlier?.header ?? peekHeader(path, isLast);
  if (!header) return undefined;
  const owner: LedgerOwner = { genesisHash: header.genesis, netuid: header.netuid, hotkey: header.hotkey };
  const names: string[] = [...(earlier?.names ?? [])];
  let closed: ClosedEntry | undefined = earlier?.closed;
  let before = earlier?.link ?? header.link;
  let records = earlier?.records ?? 0;
  const frames = readFrames(path, before, { isLast, from: earlier });
  try {
    for (;;) {
      const next = frames.next();
      if (next.done) {
        if (!isLast && !closed) throw corruptAt(path, records, 'the file ends without a signature');
        return next.value.records === 0 ? undefined : { ...next.value, header, owner, closed, names };
      }
      const { payload, link, first, records: count } = next.value;
      let [from, to] = [0, 0];
      const cursor: OutcomeCursor = {
        get id() {
          return idAt(payload, from);
        },
        outcome: () => decodeOutcome(payload, from, to, names, owner),
        evidence: () => evidenceAt(payload, from),
      };
      const onRecord = (type: number, start: number, end: number, index: number) => {
        [from, to] = [start, end];
        records = first + index;
        if (closed) throw new SyntaxError('a record behind the signature');
        if (type === RECORD.outcome) visitor.outcome?.(cursor);
        else if (type === RECORD.name) names.push(fromUtf8(payload.subarray(start, end)));
        else if (type === RECORD.entry) {
          const entry = toPlain(payload.toString('utf8', start, end));
          if ((entry.type === 'segment') !== (records === 1)) throw new SyntaxError('a header within a file');
          if (entry.type === 'closed') {
            const head = { epoch: header.epoch, records: header.records + records - 1, link: before };
            checkClosed(entry, head, owner);
            closed = entry;
          }
          visitor.entry?.(entry);
        } else throw new SyntaxError('a record of another version');
      };
      try {
        eachRecord(next.value, onRecord);
      } catch (error) {
        if (error instanceof AssayError) throw error;
        throw corruptAt(path, records, error instanceof SyntaxError ? error.message : 'not an entry', error);
      }
      if (records !== first + count - 1) throw corruptAt(path, records, 'its frame speaks of other records');
      before = link;
      yield;
    }
  } finally {
    // whoever throws above leaves it in the middle of its file, which it would hold open for ever
    frames.return({ complete: 0, torn: 0, records: 0, link: header.link });
  }
}

function checkClosed(entry: ClosedEntry, head: LedgerHead, owner: LedgerOwner): void {
  if (entry.epoch !== head.epoch || entry.records !== head.records || !equals(entry.link, head.link))
    throw new SyntaxError('a signature over something else');
  if (!isSignedClosed(owner, entry)) throw new SyntaxError(`not signed by ${owner.hotkey}`);
}

export function corruptAt(path: string, record: number, why: string, cause?: unknown): AssayError<'corrupt'> {
  const data = { path, line: record, why: `record ${record}: ${why}` };
  return new AssayError('corrupt', `${path}: ${data.why}`, data, { cause });
}

/** The header says what its own frame is linked to: it is read first, and checked as part of that frame. */
function peekHeader(path: string, isLast: boolean): SegmentEntry | undefined {
  const first = firstRecord(path, { isLast });
  if (!first) return undefined;
  try {
    const entry = toPlain(first.toString('utf8'));
    if (entry.type === 'segment') return entry;
    throw new SyntaxError('another entry');
  } catch (cause) {
    const later = laterVersion(first);
    if (later !== undefined)
      throw unsupported(
        `${path}: a ledger of version ${later}`,
        `this build reads none after ${LEDGER_VERSION}: start the build that wrote it, or a newer one; nothing was changed`,
        { cause },
      );
    throw corruptAt(path, 1, 'not the header of a ledger of this version', cause);
  }
}

/** Of a header that this build cannot read otherwise: its version, where that is a later one. */
function laterVersion(first: Uint8Array): number | undefined {
  const version = /"version":(\d{1,4})\b/.exec(Buffer.from(first.subarray(0, 4096)).toString('latin1'))?.[1];
  return version !== undefined && Number(version) > LEDGER_VERSION ? Number(version) : undefined;
}

/** What is appended: `recorded` is asked when its evidence is on disk. */
export type SegmentItem = { readonly entry: PlainEntry } | { readonly recorded: () => Recorded };

export interface SegmentWriter {
  readonly epoch: number;
  append(item: SegmentItem, after?: Promise<unknown>): Promise<void>;
  /** Signs what is there; nothing can be appended any more. @returns what was signed; `head` is behind it */
  finish(writer: LedgerWriter): Promise<ClosedEntry>;
  /** Leaves it to be gone on with. */
  close(): Promise<void>;
  head(): LedgerHead;
}

/** @param from where the ledger stands before it */
export async function beginSegment(
  path: string,
  writer: LedgerWriter,
  epoch: number,
  from: { readonly records: number; readonly link: Uint8Array },
): Promise<SegmentWriter> {
  const { genesisHash: genesis, netuid, hotkey } = ownerOf(writer);
  const { link, records } = from;
  const header: SegmentEntry = {
    type: 'segment',
    version: LEDGER_VERSION,
    epoch,
    genesis,
    netuid,
    hotkey,
    link,
    records,
  };
  const empty = { complete: 0, torn: 0, records: 0, link, names: [], header };
  const segment = await openSegment(path, empty);
  try {
    await segment.append({ entry: header });
    return segment;
  } catch (error) {
    await segment.close();
    throw error;
  }
}

/** Goes on behind what holds of it. */
export async function openSegment(
  path: string,
  end: Pick<SegmentEnd, 'complete' | 'records' | 'link' | 'names' | 'header'>,
): Promise<SegmentWriter> {
  const names = new Map(end.names.map((name, place) => [name, place]));
  let { records, link } = end;
  const file = await open(path, 'a+', 0o600);
  await file.truncate(end.complete);
  const committer: Committer<SegmentItem, void> = createCommitter(path, file, end.complete, (items) => {
    const frames = createFrames(link);
    /** of this batch: if it cannot be written they are not in the file */
    const added = new Map<string, number>();
    const nameOf = (name: string): number => {
      const known = names.get(name) ?? added.get(name);
      if (known !== undefined) return known;
      const place = names.size + added.size;
      added.set(name, place);
      frames.add(RECORD.name, utf8(name));
      return place;
    };
    for (const item of items)
      if ('entry' in item) frames.add(RECORD.entry, utf8(toPlainJson(item.entry)));
      else frames.add(RECORD.outcome, encodeOutcome(item.recorded(), nameOf));
    const sealed = frames.seal();
    return {
      bytes: sealed.bytes,
      places: items.map(() => undefined),
      written() {
        for (const [name, place] of added) names.set(name, place);
        records += sealed.records;
        link = sealed.link;
      },
    };
  });
  const { epoch } = end.header;
  const head = (): LedgerHead => ({ epoch, records: end.header.records + records, link });
  let last: Promise<unknown> = Promise.resolve();
  return {
    epoch,
    append(item, after) {
      const done = committer.append(item, after);
      last = done.catch(() => {}); // its caller's
      return done;
    },
    head,
    async finish(writer) {
      await last; // appends are done in order: the signature is over all of them, in a frame of its own
      const closed = signClosed(writer, head());
      await committer.append({ entry: closed });
      await committer.close();
      return closed;
    },
    close: committer.close,
  };
}
