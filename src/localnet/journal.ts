// Owns: finalized blocks in one append-only file: records with checksums, torn ends, when it reaches the disk. Does not
// own: when a new file is begun (durable.ts).
import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { Header } from '../chain/codec/header.js';
import {
  blocks,
  bytes,
  decode,
  encode,
  fixedBytes,
  option,
  tuple,
  type ValueOf,
  vec,
} from '../chain/codec/scale.js';
import { concat, fromHex, toHex, u32le } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import type { Block } from './blocks.js';
import { corrupt, syncFolder } from './save.js';

export type Change = readonly [key: string, value: Uint8Array | undefined];

export interface JournalRecord {
  readonly header: Header;
  readonly extrinsics: readonly Uint8Array[];
  readonly changes: readonly Change[];
}

/** Names the form of the file; another one is not read. */
const TITLE = 'assay-localnet-journal 1';
/** length, digest of the record, digest of these two */
const FRAME_BYTES = 4 + 8 + 4;
/** What a power failure may take: a kill of the process takes nothing that was appended. */
const SYNC_EVERY_MS = 1000;

const hash = fixedBytes(32);
const recordCodec = tuple(hash, blocks, hash, hash, vec(bytes), vec(tuple(bytes, option(bytes))));

export interface Journal {
  readonly bytes: number;
  /**
   * @throws AssayError `internal` when the disk does not take it, and at every call after that: nothing of the record
   * stays, or what stays of it is cut off when the journal is read
   */
  append(block: Block, changes: readonly Change[]): void;
  /** Everything is on the disk afterwards. @throws AssayError `internal` when the disk does not take it */
  sync(): void;
  /** `sync`, and no more of this journal; again: nothing. @throws AssayError as `sync`; it is closed all the same */
  close(): void;
}

/** Begins a journal, in place of a file that a crash left there unused. */
export function createJournal(path: string, folder: string, genesisHash: Uint8Array, clock: Clock): Journal {
  const fd = openSync(path, 'w');
  const title = titleOf(genesisHash);
  try {
    writeSync(fd, title);
    fdatasyncSync(fd);
    syncFolder(folder);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return journalOn(fd, path, title.length, clock);
}

/** Goes on with one of which `bytes` are good: what follows is cut off. */
export function continueJournal(path: string, bytes: number, clock: Clock): Journal {
  const fd = openSync(path, 'r+');
  ftruncateSync(fd, bytes);
  return journalOn(fd, path, bytes, clock);
}

function journalOn(fd: number, path: string, start: number, clock: Clock): Journal {
  let length = start;
  let syncedAt = clock.monotonic();
  // never used again: by then the number of a closed descriptor may be another file's
  let end: 'open' | 'failed' | 'closed' = 'open';
  const named = (what: string, cause?: unknown): AssayError =>
    new AssayError('internal', `${path}: ${what}`, { what: `journal ${path}` }, { cause });
  const toDisk = (): void => {
    fdatasyncSync(fd);
    syncedAt = clock.monotonic();
  };
  const attempt = (what: string, work: () => void): void => {
    if (end !== 'open')
      throw named(`${what}: ${end === 'closed' ? 'it is closed' : 'an earlier write failed'}`);
    try {
      work();
    } catch (error) {
      end = 'failed';
      throw named(what, error);
    }
  };
  return {
    get bytes() {
      return length;
    },
    append(block, changes) {
      attempt(`block ${block.number} cannot be written`, () => {
        const record = frame(encodeRecord(block, changes));
        try {
          for (let done = 0; done < record.length; )
            done += writeSync(fd, record, done, record.length - done, length + done);
          if (clock.monotonic() - syncedAt >= SYNC_EVERY_MS) toDisk();
        } catch (error) {
          cutOff(fd, length);
          throw error;
        }
        length += record.length;
      });
    },
    sync: () => attempt('what it holds cannot be brought to the disk', toDisk),
    close() {
      if (end === 'closed') return;
      const wasOpen = end === 'open';
      end = 'closed';
      try {
        if (wasOpen) fdatasyncSync(fd);
      } catch (error) {
        throw named('what it holds cannot be brought to the disk', error);
      } finally {
        closeSync(fd);
      }
    },
  };
}

function cutOff(fd: number, length: number): void {
  try {
    ftruncateSync(fd, length);
  } catch {
    // what made the write fail: the reader cuts off a last record that is not whole
  }
}

/**
 * @param isLast a record that is cut short at the end of the last file is what a crash leaves; elsewhere it is damage
 * @returns how many bytes are good; `each` got the records in them
 * @throws AssayError `corrupt` naming the record
 */
export function readJournal(
  path: string,
  genesisHash: Uint8Array,
  isLast: boolean,
  each: (record: JournalRecord, fail: (why: string) => never) => void,
): { readonly bytes: number; readonly torn: boolean } {
  const file = readFileSync(path);
  const title = titleOf(genesisHash);
  if (!file.subarray(0, title.length).equals(title)) {
    if (isLast && file.length < title.length) return { bytes: 0, torn: true };
    throw corrupt(path, `its title is not "${title.toString('latin1').trim()}"`, undefined);
  }
  let at = title.length;
  for (let number = 1; at < file.length; number++) {
    const fail = (why: string): never => {
      throw corrupt(path, `record ${number} at byte ${at}: ${why}`, number);
    };
    const found = recordAt(file, at);
    if (typeof found === 'string') {
      if (isLast && isTorn(file, at, found)) return { bytes: at, torn: true };
      return fail(found === 'short' ? 'cut short' : 'its checksum is not that of its content');
    }
    each(parseRecord(found.body, fail), fail);
    at = found.end;
  }
  return { bytes: at, torn: false };
}

type Damage = 'short' | 'frame' | 'body';

function recordAt(file: Buffer, at: number): { readonly body: Uint8Array; readonly end: number } | Damage {
  if (at + FRAME_BYTES > file.length) return 'short';
  const head = file.subarray(at, at + 12);
  if (!digest(head, 4).equals(file.subarray(at + 12, at + FRAME_BYTES))) return 'frame';
  const end = at + FRAME_BYTES + head.readUInt32LE(0);
  if (end > file.length) return 'short';
  const body = file.subarray(at + FRAME_BYTES, end);
  return digest(body, 8).equals(head.subarray(4)) ? { body, end } : 'body';
}

/** The last record, in part: cut short, or with a tail that never reached the disk and reads as zeros. */
function isTorn(file: Buffer, at: number, damage: Damage): boolean {
  if (damage === 'short') return true;
  if (damage === 'frame') return file.subarray(at).every((byte) => byte === 0);
  return at + FRAME_BYTES + file.readUInt32LE(at) === file.length;
}

function parseRecord(body: Uint8Array, fail: (why: string) => never): JournalRecord {
  let record: ValueOf<typeof recordCodec>;
  try {
    record = decode(recordCodec, body);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
  const [parentHash, number, stateRoot, extrinsicsRoot, extrinsics, changes] = record;
  return {
    header: { parentHash, number, stateRoot, extrinsicsRoot },
    extrinsics,
    changes: changes.map(([key, value]) => [`0x${toHex(key)}`, value] as const),
  };
}

function encodeRecord({ header, extrinsics }: Block, changes: readonly Change[]): Uint8Array {
  const { parentHash, number, stateRoot, extrinsicsRoot } = header;
  const list = changes.map(([key, value]) => [fromHex(key), value] as const);
  return encode(recordCodec, [parentHash, number, stateRoot, extrinsicsRoot, extrinsics, list]);
}

function frame(body: Uint8Array): Uint8Array {
  const head = concat(u32le(body.length), digest(body, 8));
  return concat(head, digest(head, 4), body);
}

const titleOf = (genesisHash: Uint8Array): Buffer =>
  Buffer.from(`${TITLE} 0x${toHex(genesisHash)}\n`, 'latin1');

/** Against accidents, not against people: a few bytes of a good hash. */
const digest = (of: Uint8Array, length: number): Buffer =>
  createHash('sha256').update(of).digest().subarray(0, length);
