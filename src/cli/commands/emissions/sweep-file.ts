// Owns: the file of a sweep: a header that says whose it is, a line for each finished point, going on where it stopped.
// Does not own: which points there are (emissions/simulator/sweep.ts), running them.
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { z } from 'zod';
import {
  pointsOf,
  type SweepAxis,
  type SweepResult,
  type SweepRow,
} from '../../../emissions/simulator/sweep.js';
import { AssayError } from '../../../model/errors.js';
import { lockFile } from '../../../model/file-lock.js';
import { foundInstead, invalid } from '../../invalid-input.js';
import { toJson } from '../../output.js';

/** Neither a header nor a point is that long. */
const MAX_LINE_BYTES = 16 << 20;
const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

export interface SweepFile {
  /** by the point's place in `pointsOf`; what the file had */
  readonly rows: ReadonlyMap<number, SweepRow>;
  /** bytes of a last line that was not written to its end, now removed */
  readonly droppedBytes: number;
  /** Returns when the row is on the disk. */
  append(point: number, row: SweepRow): void;
  close(): void;
}

const headerSchema = z.object({
  assay: z.literal('sweep'),
  digest: z.string(),
  version: z.string(),
  axes: z.array(z.object({ path: z.string(), values: z.array(z.unknown()) })),
  scenario: z.record(z.string(), z.unknown()),
});
type Header = z.output<typeof headerSchema>;

const rowSchema = z.strictObject({
  point: z.number().int().min(0),
  at: z.array(z.union([z.number(), z.string(), z.boolean()])),
  metrics: z.record(z.string(), z.number()),
});

/**
 * Opens or creates the file of a sweep, and holds its lock until `close`. One that belongs to another sweep stays as it is.
 *
 * @throws AssayError `invalid-input` when it is not of this scenario, axes and version, or another process writes it;
 * `corrupt` naming the line
 */
export function openSweepFile(path: string, sweep: Omit<SweepResult, 'rows'>): SweepFile {
  const fd = openRegular(path);
  let unlock = (): void => {};
  const close = (): void => {
    closeSync(fd);
    unlock();
  };
  try {
    unlock = lockFile(realpathSync(path), `--out ${path}`);
    const header = headerOf(sweep);
    const { lines, tail, end } = readLines(fd, path);
    const isNew = lines.length === 0 && Buffer.from(header).subarray(0, tail.length).equals(tail);
    if (!isNew) assertSame(path, lines[0] ?? '', header);
    const rows = rowsOf(lines.slice(1), path, sweep.axes);
    if (tail.length > 0) ftruncateSync(fd, end);
    if (isNew) appendDurably(fd, `${header}\n`);
    return {
      rows,
      droppedBytes: tail.length,
      append: (point, row) => appendDurably(fd, `${toJson({ point, ...row })}\n`),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function openRegular(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, 'a+');
  } catch (error) {
    throw invalid(`--out ${path}`, 'a file that can be written', foundInstead(error), error);
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw invalid(`--out ${path}`, 'a regular file', 'something else');
}

/** What is appended is there for the next run even when this one is killed, or the machine stops. */
function appendDurably(fd: number, line: string): void {
  appendFileSync(fd, line);
  fdatasyncSync(fd);
}

const headerOf = ({ version, scenario, axes }: Omit<SweepResult, 'rows'>): string =>
  toJson({ assay: 'sweep', digest: digestOf({ version, scenario, axes }), version, axes, scenario });

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, sortKeys)).digest('hex');
}

const sortKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

function assertSame(path: string, found: string, expected: string): void {
  const its = headerSchema.safeParse(jsonOf(found));
  if (!its.success) throw invalid(`--out ${path}`, 'a file of this sweep, or none', 'some other file');
  const ours = JSON.parse(expected) as Header;
  if (its.data.digest !== ours.digest)
    throw invalid(`--out ${path}`, 'a file of this sweep, or none', differenceOf(its.data, ours));
}

function differenceOf(its: Header, ours: Header): string {
  if (its.version !== ours.version) return `one of version ${its.version}; this is ${ours.version}`;
  const axes = (header: Header): string =>
    header.axes.map(({ path, values }) => `${path}=${values.join(',')}`).join(' ');
  if (axes(its) !== axes(ours)) return `one with other axes: ${axes(its).slice(0, 200)}`;
  const keys = [...new Set([...Object.keys(its.scenario), ...Object.keys(ours.scenario)])];
  const sorted = (value: unknown): string => JSON.stringify(value, sortKeys) ?? '';
  const other = keys.filter((key) => sorted(its.scenario[key]) !== sorted(ours.scenario[key]));
  return `one of another scenario: ${other.join(', ') || 'its digest'} differs`;
}

/**
 * The lines after the header, by the point's place in `pointsOf`.
 *
 * @throws AssayError `corrupt` naming the line
 */
export function rowsOf(
  lines: readonly string[],
  path: string,
  axes: readonly SweepAxis[],
): ReadonlyMap<number, SweepRow> {
  const points = pointsOf(axes);
  const rows = new Map<number, SweepRow>();
  lines.forEach((line, i) => {
    const parsed = rowSchema.safeParse(jsonOf(line));
    const row = parsed.success ? parsed.data : undefined;
    if (row === undefined || JSON.stringify(points[row.point]) !== JSON.stringify(row.at)) {
      const why = row === undefined ? 'no row of a sweep' : 'not a point of these axes';
      throw new AssayError('corrupt', `${path}, line ${i + 2}: ${why}`, { path, line: i + 2, why });
    }
    rows.set(row.point, { at: row.at, metrics: row.metrics });
  });
  return rows;
}

/** Undefined where it does not parse. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Lines that end, what comes after the last of them, and where that begins. */
function readLines(fd: number, path: string): { lines: string[]; tail: Buffer; end: number } {
  const lines: string[] = [];
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest = Buffer.alloc(0);
  let end = 0;
  for (;;) {
    const read = readSync(fd, chunk, 0, CHUNK_BYTES, end + rest.length);
    if (read === 0) return { lines, tail: rest, end };
    rest = Buffer.concat([rest, chunk.subarray(0, read)]);
    let from = 0;
    for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE, from)) {
      lines.push(rest.toString('utf8', from, at));
      from = at + 1;
    }
    end += from;
    rest = rest.subarray(from);
    if (rest.length > MAX_LINE_BYTES)
      throw new AssayError('limit-exceeded', `${path}: a line of more than ${MAX_LINE_BYTES} bytes`, {
        what: `line of ${path}`,
        limit: MAX_LINE_BYTES,
        got: rest.length,
      });
  }
}
