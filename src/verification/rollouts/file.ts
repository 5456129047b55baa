// Owns: the file of a window's rollouts: columns, compressed, behind a header; read within a budget. Does not own: its columns'
// spelling (columns.ts), whether its rollouts are whole groups that end as they must (structure.ts).
import { constants, deflateSync, type InflateRaw, inflateSync } from 'node:zlib';
import { concat, equals, u32le, utf8 } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { decodeBins, decodeColumn, encodeBins, encodeColumn, MAX_VARINT } from './columns.js';
import { MAX_FILE_BYTES, MAX_FILE_ROLLOUTS, MAX_FILE_TOKENS, MAX_RATIO } from './limits.js';
import { accept, type Checked, refuse } from './reasons.js';
import { type Rollout, STOPS } from './rollout.js';

/** Names version and purpose; then the codec, then how many bytes the columns are. */
const TAG = utf8('assay/rollouts/file/1');
/** The one codec so far: a zlib stream (RFC 1950), which every language's standard library reads. */
const ZLIB = 1;
const HEAD_BYTES = TAG.length + 1 + 4;

const COLUMNS = 5;
/** the array's head and five heads of byte strings */
const FRAME_BYTES = 1 + COLUMNS * 5;
/** group and length (5 each), index (3), stop (1) */
const ROLLOUT_BYTES = 14;

/** The rollouts of a file as columns: of a million tokens only one array is made. */
export interface RolloutFile {
  readonly count: number;
  readonly groups: Uint32Array;
  readonly indices: Uint16Array;
  /** place in STOPS */
  readonly stops: Uint8Array;
  /** rollout i has the tokens from offsets[i] to offsets[i + 1] */
  readonly offsets: Uint32Array;
  readonly tokens: Uint32Array;
}

/** Rollout `place` of the file; its tokens are a view. */
export function rolloutAt(file: RolloutFile, place: number): Rollout {
  if (!(place >= 0 && place < file.count))
    throw new RangeError(`place: expected 0..${file.count - 1}, got ${place}`);
  return {
    group: file.groups[place]!,
    index: file.indices[place]!,
    stop: STOPS[file.stops[place]!]!,
    tokens: file.tokens.subarray(file.offsets[place]!, file.offsets[place + 1]!),
  };
}

export function* rolloutsOf(file: RolloutFile): Generator<Rollout> {
  for (let place = 0; place < file.count; place++) yield rolloutAt(file, place);
}

/** Of what does not compress zlib makes a few bytes more for each block; other writers may need a part in 128, and a kilobyte. */
const GROWTH_SHIFT = 7;
const GROWTH_BYTES = 1024;

/** Bytes of the longest file of so many rollouts and tokens of a vocabulary: what a manifest may announce, and a shelf must have room for. */
export function mostFileBytes(
  { rollouts, tokens }: { readonly rollouts: number; readonly tokens: number },
  vocabulary: number,
): number {
  const perToken = encodeColumn([vocabulary - 1]).length;
  const frame =
    FRAME_BYTES +
    Math.min(rollouts, MAX_FILE_ROLLOUTS) * ROLLOUT_BYTES +
    Math.min(tokens, MAX_FILE_TOKENS) * perToken;
  return Math.min(MAX_FILE_BYTES, HEAD_BYTES + frame + (frame >> GROWTH_SHIFT) + GROWTH_BYTES);
}

/** @param rollouts in ascending order of group and index; the same ones give the same columns, not the same compressed bytes */
export function encodeFile(rollouts: readonly Rollout[]): Uint8Array {
  const frame = encodeFrame(rollouts);
  const body = compress(frame);
  const file = concat(TAG, Uint8Array.of(ZLIB), u32le(frame.length), body);
  if (file.length > MAX_FILE_BYTES)
    throw new RangeError(`file: expected at most ${MAX_FILE_BYTES} bytes, got ${file.length}`);
  return file;
}

function encodeFrame(rollouts: readonly Rollout[]): Uint8Array {
  if (rollouts.length > MAX_FILE_ROLLOUTS)
    throw new RangeError(`rollouts: expected at most ${MAX_FILE_ROLLOUTS}, got ${rollouts.length}`);
  const total = rollouts.reduce((sum, { tokens }) => sum + tokens.length, 0);
  if (total > MAX_FILE_TOKENS)
    throw new RangeError(`tokens: expected at most ${MAX_FILE_TOKENS}, got ${total}`);
  const tokens = new Uint32Array(total);
  let at = 0;
  for (const rollout of rollouts) {
    tokens.set(rollout.tokens, at);
    at += rollout.tokens.length;
  }
  const steps = rollouts.map(({ group }, i) => group - (i > 0 ? rollouts[i - 1]!.group : 0));
  if (steps.some((step) => step < 0)) throw new RangeError('rollouts: expected ascending groups');
  return encodeBins(
    [
      steps,
      rollouts.map(({ index }) => index),
      rollouts.map(({ stop }) => STOPS.indexOf(stop)),
      rollouts.map((rollout) => rollout.tokens.length),
      tokens,
    ].map(encodeColumn),
  );
}

/** The reader refuses more than MAX_RATIO, which loops reach: Huffman codes alone never pass 8. */
function compress(frame: Uint8Array): Uint8Array {
  const body = deflateSync(frame, { level: 6 });
  return frame.length <= MAX_RATIO * body.length
    ? body
    : deflateSync(frame, { strategy: constants.Z_HUFFMAN_ONLY });
}

/** What the manifest says of its file, and the policy of every rollout. */
export interface Expected {
  readonly rollouts: number;
  readonly tokens: number;
  readonly fileBytes: number;
  readonly fileSha256: Uint8Array;
  readonly maxTokens: number;
}

/**
 * Throws for no bytes, only when memory is short. Allocates for what was signed, not for what the bytes say: columns of the counts in `expected`, and at most
 * MAX_RATIO bytes for each one of the file.
 * @param expected its counts are checked by checkCounts (structure.ts) before, so they are within limits.ts
 */
export function decodeFile(bytes: Uint8Array, expected: Expected): Checked<RolloutFile> {
  const { rollouts, tokens, maxTokens } = expected;
  if (rollouts > MAX_FILE_ROLLOUTS || tokens > MAX_FILE_TOKENS || bytes.length > MAX_FILE_BYTES)
    return refuse('over-quota');
  if (bytes.length !== expected.fileBytes) return refuse('file-bytes');
  if (!equals(sha256(bytes), expected.fileSha256)) return refuse('file-digest');
  if (bytes.length < HEAD_BYTES || !equals(bytes.subarray(0, TAG.length), TAG) || bytes[TAG.length] !== ZLIB)
    return refuse('file-header');
  const body = bytes.subarray(HEAD_BYTES);
  const frameBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(TAG.length + 1, true);
  const most = FRAME_BYTES + rollouts * ROLLOUT_BYTES + tokens * MAX_VARINT;
  if (frameBytes > most || frameBytes > MAX_RATIO * body.length) return refuse('file-budget');
  const frame = inflate(body, frameBytes);
  if (!frame) return refuse('file-stream');
  const bins = decodeBins(frame, COLUMNS);
  if (!bins) return refuse('file-columns');

  const column = (which: number, count: number, max: number): Uint32Array | undefined => {
    // before the array: as many bytes as numbers is the least
    if (bins[which]!.length < count) return undefined;
    const out = new Uint32Array(count);
    return decodeColumn(bins[which]!, out, max) ? out : undefined;
  };
  const groups = column(0, rollouts, 0xffffffff);
  const indices = column(1, rollouts, 0xffff);
  const stops = column(2, rollouts, STOPS.length - 1);
  const lengths = column(3, rollouts, 0xffffffff);
  if (!groups || !indices || !stops || !lengths) return refuse('file-columns');
  const offsets = new Uint32Array(rollouts + 1);
  let group = 0;
  let end = 0;
  let tooLong = false;
  for (let i = 0; i < rollouts; i++) {
    group += groups[i]!;
    end += lengths[i]!;
    // refused here and not wrapped to 32 bits
    if (group > 0xffffffff || end > tokens) return refuse('file-columns');
    if (lengths[i]! > maxTokens) tooLong = true;
    groups[i] = group;
    offsets[i + 1] = end;
  }
  if (end !== tokens) return refuse('file-columns');
  if (tooLong) return refuse('rollout-too-long');
  const ids = column(4, tokens, 0xffffffff);
  if (!ids) return refuse('file-columns');
  return accept({
    count: rollouts,
    groups,
    indices: Uint16Array.from(indices),
    stops: Uint8Array.from(stops),
    offsets,
    tokens: ids,
  });
}

/** Stops as soon as there is one byte more than `length`; undefined unless all of `body` is one stream of just `length` bytes. */
function inflate(body: Uint8Array, length: number): Uint8Array | undefined {
  // zlib wants 64 bytes at least
  const options = { maxOutputLength: Math.max(1, length), chunkSize: Math.max(64, length), info: true };
  try {
    const { buffer, engine } = inflateSync(body, options) as unknown as Inflated;
    // bytes behind the stream's end would be a second spelling of the file
    return buffer.length === length && engine.bytesWritten === body.length ? buffer : undefined;
  } catch (error) {
    // whichever zlib met first is a matter of its buffers, so it is one reason; but memory that we lack is not the miner's doing
    if (error instanceof Error && 'code' in error && NOT_THAT_STREAM.has(error.code)) return undefined;
    throw error;
  }
}

/** No zlib stream, one that is cut off, one with a dictionary, one that is longer than declared. */
const NOT_THAT_STREAM: ReadonlySet<unknown> = new Set([
  'Z_DATA_ERROR',
  'Z_BUF_ERROR',
  'Z_NEED_DICT',
  'ERR_BUFFER_TOO_LARGE',
]);

/** What `info` makes of the result; @types/node does not say. */
interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: Pick<InflateRaw, 'bytesWritten'>;
}
