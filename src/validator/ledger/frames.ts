// Owns: files of hash-linked frames: how records stand in them, what of a file holds, which record does not.
// Does not own: what a record says (codec.ts).
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { equals } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';

/*
 * frame  = u32 bytes of payload, u32 records, u32 CRC of these two | payload | link
 * link   = SHA-256(link before, header, payload)
 * record = u32 bytes of type and body, u8 type, body, u32 CRC of type and body
 *
 * One frame is what was made durable in one go, so that one hash covers thousands of records. The CRCs prove nothing to
 * anybody: they are looked at only where a link does not hold, to say which record it is.
 */
export const LINK_BYTES = 32;
/** what comes before anything: the link that a ledger begins with */
export const FIRST_LINK: Uint8Array = new Uint8Array(LINK_BYTES);
const HEADER_BYTES = 12;
const RECORD_BYTES = 9;
/** A writer begins another frame beyond it: reading stays within a few milliseconds a frame. */
const FULL_BYTES = 2 ** 20;
/** The largest record: facts of 4,096 hotkeys are below 2 MiB. */
const MAX_RECORD_BYTES = 8 * 2 ** 20;
const MAX_PAYLOAD_BYTES = FULL_BYTES + MAX_RECORD_BYTES;
/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

export interface Frame {
  /** of the frame in its file */
  readonly offset: number;
  /** number of its first record in the file, from 1 */
  readonly first: number;
  /** as many as its header says: who made its link can have written anything */
  readonly records: number;
  /** its records; the bytes are another frame's at the next step */
  readonly payload: Buffer;
  readonly link: Uint8Array;
}

export interface FileEnd {
  /** bytes in frames that hold */
  readonly complete: number;
  /** bytes behind them: what a crash kept from being written */
  readonly torn: number;
  readonly records: number;
  readonly link: Uint8Array;
}

/** Records are added, and come back as one or more frames. */
export interface FrameWriter {
  /** `body` is written into `MAX` bytes or fewer and gives its length */
  add(type: number, body: Uint8Array): void;
  /** the frames of what was added, and the link behind them */
  seal(): { readonly bytes: Buffer; readonly records: number; readonly link: Uint8Array };
}

/** @throws RangeError when a record is larger than any may be: a bug of the caller */
export function createFrames(previous: Uint8Array): FrameWriter {
  const parts: Buffer[] = [];
  let link = previous;
  let all = 0;
  let open: Buffer[] = [];
  let openBytes = 0;

  function close(): void {
    if (open.length === 0) return;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(openBytes, 0);
    header.writeUInt32LE(open.length, 4);
    header.writeUInt32LE(crc32(header, 0, 8), 8);
    link = sha256(link, header, ...open);
    parts.push(header, ...open, Buffer.from(link));
    open = [];
    openBytes = 0;
  }

  return {
    add(type, body) {
      if (body.length >= MAX_RECORD_BYTES)
        throw new RangeError(`record: expected below ${MAX_RECORD_BYTES} bytes, got ${body.length}`);
      const record = Buffer.allocUnsafe(RECORD_BYTES + body.length);
      record.writeUInt32LE(1 + body.length, 0);
      record[4] = type;
      record.set(body, 5);
      record.writeUInt32LE(crc32(record, 4, 5 + body.length), 5 + body.length);
      open.push(record);
      openBytes += record.length;
      all++;
      if (openBytes >= FULL_BYTES) close();
    },
    seal() {
      close();
      return { bytes: Buffer.concat(parts), records: all, link };
    },
  };
}

/**
 * Where the body of each record is; `onRecord` must not keep `payload`.
 * @throws SyntaxError where a length leads out of the frame: who made its link can have written anything
 */
export function eachRecord(
  { payload }: Pick<Frame, 'payload'>,
  onRecord: (type: number, from: number, to: number, index: number) => void,
): void {
  let at = 0;
  for (let index = 0; at < payload.length; index++) {
    const end = at + RECORD_BYTES > payload.length ? payload.length : at + 4 + payload.readUInt32LE(at);
    if (end <= at + 4 || end + 4 > payload.length) throw new SyntaxError('not a record');
    onRecord(payload[at + 4]!, at + 5, end, index);
    at = end + 4;
  }
}

/**
 * The frames of a file, in order; only whole ones whose links hold are ever given out.
 * @param isLast whether a crash can have cut the file short: of any other a short end is corruption
 * @param from where to go on, as an earlier end had it. @default the file's beginning
 * @throws AssayError `corrupt` naming file and record
 */
export function* readFrames(
  path: string,
  previous: Uint8Array,
  { isLast, from }: { isLast: boolean; from?: Pick<FileEnd, 'complete' | 'records'> | undefined },
): Generator<Frame, FileEnd> {
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    let link = previous;
    let records = from?.records ?? 0;
    let offset = from?.complete ?? 0;
    // bytes of the file from `start` on; grows to the largest frame
    let buffer: Buffer = Buffer.allocUnsafe(2 * FULL_BYTES);
    let [start, filled] = [offset, 0];
    const ensure = (bytes: number): Buffer => {
      if (offset + bytes > start + filled) {
        const rest = buffer.subarray(offset - start, filled);
        const into = bytes > buffer.length ? Buffer.allocUnsafe(bytes) : buffer;
        into.set(rest); // copies within one buffer as memmove does
        [buffer, start, filled] = [into, offset, rest.length];
        while (filled < buffer.length) {
          const got = readSync(file, buffer, filled, buffer.length - filled, start + filled);
          if (got === 0) break;
          filled += got;
        }
      }
      return buffer.subarray(offset - start, offset - start + bytes);
    };
    const end = (): FileEnd => ({ complete: offset, torn: size - offset, records, link });
    const corrupt = (record: number | undefined, why: string) => {
      const where =
        record === undefined ? `byte ${offset}` : `record ${record}, in the frame at byte ${offset}`;
      const data = { path, why: `${where}: ${why}`, ...(record === undefined ? {} : { line: record }) };
      return new AssayError('corrupt', `${path}: ${data.why}`, data);
    };

    while (offset < size) {
      const left = size - offset;
      if (left < HEADER_BYTES) {
        if (isLast) return end();
        throw corrupt(undefined, 'the file ends within a frame');
      }
      const header = ensure(HEADER_BYTES);
      const bytes = payloadOf(header);
      const count = header.readUInt32LE(4);
      if (bytes === undefined) {
        if (isLast && isUnwritten(ensure(Math.min(left, 2 * SECTOR_BYTES)), offset)) return end();
        throw corrupt(undefined, 'not the head of a frame');
      }
      const whole = frameBytes(bytes);
      if (left < whole) {
        if (isLast) return end();
        throw corrupt(undefined, 'the file ends within a frame');
      }
      const frame = ensure(whole);
      const payload = frame.subarray(HEADER_BYTES, HEADER_BYTES + bytes);
      const linked = sha256(link, frame.subarray(0, HEADER_BYTES + bytes));
      const broken = equals(linked, frame.subarray(HEADER_BYTES + bytes)) ? undefined : brokenRecord(payload);
      if (broken !== undefined) {
        if (isLast && whole === left && isUnwritten(frame, offset)) return end();
        throw broken < 0
          ? corrupt(undefined, 'its records hold, and their link to what stands before them does not')
          : corrupt(records + broken + 1, 'not what was written');
      }
      yield { offset, first: records + 1, records: count, payload, link: linked };
      link = linked;
      records += count;
      offset += whole;
    }
    return end();
  } finally {
    closeSync(file);
  }
}

/**
 * The body of a file's first record, before its link can be checked.
 * @returns undefined where a crash kept the frame from the disk
 * @throws AssayError `corrupt`
 */
export function firstRecord(path: string, { isLast }: { isLast: boolean }): Buffer | undefined {
  const file = openSync(path, 'r');
  try {
    const size = fstatSync(file).size;
    const read = (length: number): Buffer => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, 0));
    };
    const start = read(2 * SECTOR_BYTES);
    const bytes = start.length < HEADER_BYTES ? undefined : payloadOf(start);
    const isTorn =
      isLast &&
      (bytes === undefined ? isUnwritten(start, 0) || size < HEADER_BYTES : size < frameBytes(bytes));
    if (isTorn) return undefined;
    const payload = read(HEADER_BYTES + (bytes ?? 0)).subarray(HEADER_BYTES);
    if (bytes !== undefined && brokenRecord(payload) < 0)
      return payload.subarray(5, 4 + payload.readUInt32LE(0));
    if (isLast && bytes !== undefined && size === frameBytes(bytes) && isUnwritten(read(size), 0))
      return undefined;
    const why =
      bytes === undefined
        ? 'byte 0: not the head of a frame'
        : 'record 1, in the frame at byte 0: not what was written';
    throw new AssayError('corrupt', `${path}: ${why}`, {
      path,
      why,
      ...(bytes === undefined ? {} : { line: 1 }),
    });
  } finally {
    closeSync(file);
  }
}

const frameBytes = (payloadBytes: number): number => HEADER_BYTES + payloadBytes + LINK_BYTES;

/** undefined where it is no head of a frame */
function payloadOf(header: Buffer): number | undefined {
  const bytes = header.readUInt32LE(0);
  return header.readUInt32LE(8) === crc32(header, 0, 8) && bytes <= MAX_PAYLOAD_BYTES ? bytes : undefined;
}

/** Index of the first record that does not hold; -1 where all of them do. */
function brokenRecord(payload: Buffer): number {
  let at = 0;
  for (let index = 0; at < payload.length; index++) {
    if (at + RECORD_BYTES > payload.length) return index;
    const end = at + 4 + payload.readUInt32LE(at);
    if (end + 4 > payload.length || payload.readUInt32LE(end) !== crc32(payload, at + 4, end)) return index;
    at = end + 4;
  }
  return -1;
}

/**
 * True where a sector, or the part of one that is in `bytes`, was never written: a crash can leave a file longer than what
 * reached the disk. No flipped bit looks like that.
 */
function isUnwritten(bytes: Uint8Array, offset: number): boolean {
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + SECTOR_BYTES - ((offset + from) % SECTOR_BYTES));
    if (to - from >= LINK_BYTES / 2 && bytes.subarray(from, to).every((byte) => byte === 0)) return true;
    from = to;
  }
  return false;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** IEEE 802.3, as everywhere; `zlib.crc32` is younger than the oldest Node that we run on. */
function crc32(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff;
  for (let at = from; at < to; at++) crc = CRC_TABLE[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
