// Owns: a ledger, or some of its epochs, as one signed file; and a folder made of such a file. Does not own: what is in it
// (segment.ts), whether it may go on there (ledger.ts).
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { equals, fromHex, toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import { COMPACTED } from './compacted.js';
import { EVIDENCE } from './evidence.js';
import { lockFolder, syncFolder } from './folder.js';
import { type EpochRange, load, SEGMENTS, segmentsOf } from './load.js';
import { headOf } from './segment.js';
import {
  isSignedOver,
  type LedgerHead,
  type LedgerOwner,
  type LedgerWriter,
  ownerOf,
  signOver,
} from './signed.js';
import { openWriting } from './writing.js';

/*
 * Lines of JSON; `file` and `more` are followed by as many bytes as they say. The last line is the hotkey's signature over the
 * SHA-256 of all that stands before it. It is written and read in one go and never held: a file is as large as a ledger.
 */
const DOMAIN = 'assay/ledger/export/1';
const MAX_LINE = 4096;
/** More of them than any ledger: epochs of ten years, and openings of a disk. */
const MAX_FILES = 2 ** 22;
/** Where an import stands until all of it has been checked. */
export const IMPORTING = 'importing';
/** In a folder that was imported to be read: what goes on there would be a second ledger of one hotkey. */
export const READ_ONLY = 'imported';

const FIRST = z.strictObject({
  assay: z.literal('ledger-export'),
  version: z.literal(1),
  genesis: z.string().regex(/^[0-9a-f]{64}$/),
  netuid: z.int().min(0).max(0xffff),
  hotkey: z.string(),
});
/** No name leads out of the folder. */
const FILE = z.strictObject({
  file: z
    .string()
    .regex(
      /^(segments\/\d{10}\.seg|evidence\/\d{10}\.(rejected|others)\.jsonl|openings\/[0-9a-f]{32}\.bin|params\/[0-9a-f]{64}\.json|compacted\.json)$/,
    ),
  bytes: z.int().min(0),
});
const LAST = z.strictObject({ files: z.int().min(0), signature: z.string().regex(/^[0-9a-f]{128}$/) });

export interface ExportOptions extends EpochRange {
  /** sessions, openings and parameter sets too: what is judged again. @default true */
  readonly evidence?: boolean | undefined;
}

export interface Exported {
  readonly files: number;
  readonly bytes: number;
  readonly head: LedgerHead;
}

/**
 * A ledger as it is now, also one that a validator is writing.
 * @throws AssayError `corrupt` where it does not hold, `invalid-input` where there is none or `writer` is not whose it is
 */
export async function exportLedger(
  { dir, writer }: { readonly dir: string; readonly writer: LedgerWriter },
  to: string,
  { fromEpoch = 0, toEpoch = Number.POSITIVE_INFINITY, evidence = true }: ExportOptions = {},
  signal?: AbortSignal,
): Promise<Exported> {
  const owner = ownerOf(writer);
  const index = await load(dir, { owner });
  if (!index.last)
    throw new AssayError('invalid-input', `no ledger in ${dir}`, {
      what: 'ledger',
      expected: 'one',
      got: dir,
    });
  const segments = index.segments.filter((epoch) => epoch >= fromEpoch && epoch <= toEpoch);
  const newest = index.segments.at(-1);
  const names: { file: string; bytes: number }[] = [];
  if (fromEpoch === 0 && (await exists(join(dir, COMPACTED)))) names.push(await sized(dir, COMPACTED));
  for (const epoch of segments) {
    const file = `${SEGMENTS}/${`${epoch}`.padStart(10, '0')}.seg`;
    // what is being written meanwhile is not in it
    names.push(epoch === newest ? { file, bytes: index.last.complete } : await sized(dir, file));
  }
  if (evidence) {
    const inRange = (name: string) => segments.includes(Number.parseInt(name, 10));
    for (const folder of [EVIDENCE, 'openings', 'params'])
      for (const name of (await readdir(join(dir, folder)).catch(() => [])).sort())
        if (FILE.shape.file.safeParse(`${folder}/${name}`).success && (folder !== EVIDENCE || inRange(name)))
          names.push(await sized(dir, `${folder}/${name}`));
  }
  const hash = createHash('sha256');
  const first = {
    assay: 'ledger-export',
    version: 1,
    genesis: toHex(owner.genesisHash),
    netuid: owner.netuid,
    hotkey: owner.hotkey,
  };
  let bytes = 0;
  async function* chunks(): AsyncGenerator<Buffer> {
    const told = (chunk: Buffer): Buffer => {
      signal?.throwIfAborted();
      hash.update(chunk);
      return chunk;
    };
    yield told(line(first));
    for (const each of names) {
      yield told(line(each));
      let left = each.bytes;
      const path = join(dir, each.file);
      const content = left === 0 ? [] : createReadStream(path, { end: left - 1 });
      for await (const chunk of content as AsyncIterable<Buffer>) {
        left -= chunk.length;
        yield told(chunk);
      }
      if (left !== 0)
        throw new AssayError('corrupt', `${path}: became shorter`, { path, why: 'became shorter' });
      bytes += each.bytes;
    }
    yield line({ files: names.length, signature: toHex(signOver(writer, DOMAIN, hash.digest())) });
  }
  // opened before the first chunk: of a stream that is stopped while it opens, the file appears after it was cleared away
  await writeFile(to, chunks(), { mode: 0o600, flush: true });
  return { files: names.length, bytes, head: headOf(index.last) };
}

export interface ImportOptions {
  /** Whose it must be. @default whoever's it says it is */
  readonly expect?: Partial<LedgerOwner> | undefined;
  /**
   * Goes on with it here. Of one that was handed over that is what was meant; of any other its source may go on as well, and two
   * signed heads of one epoch are what shows it. @default it can be read and not gone on with
   */
  readonly goOn?: LedgerWriter | undefined;
}

export interface Imported {
  readonly owner: LedgerOwner;
  readonly head: LedgerHead;
  readonly files: number;
  /** it was handed over to whoever imports it */
  readonly moved: boolean;
}

/**
 * Makes a folder of an export. Nothing is in its place before all of it was read, the signature holds and so do all links.
 * @throws AssayError `corrupt` naming where the file does not hold, `invalid-input` where it is another's or the folder has one
 */
export async function importLedger(
  from: string,
  dir: string,
  options: ImportOptions = {},
  signal?: AbortSignal,
): Promise<Imported> {
  await mkdir(dir, { recursive: true });
  // a validator that has the folder open would begin its own segments over those that are moved in
  const unlock = await lockFolder(dir);
  try {
    return await importInto(from, dir, options, signal);
  } finally {
    await unlock();
  }
}

async function importInto(
  from: string,
  dir: string,
  { expect = {}, goOn }: ImportOptions,
  signal?: AbortSignal,
): Promise<Imported> {
  if ((await segmentsOf(dir)).length > 0)
    throw new AssayError('invalid-input', `${dir}: there is a ledger already`, {
      what: 'ledger folder',
      expected: 'one without a ledger',
      got: dir,
    });
  const building = join(dir, IMPORTING);
  await rm(building, { recursive: true, force: true });
  await mkdir(building);
  try {
    const { owner, files } = await unpack(from, building, expect, signal);
    const index = await load(building, { owner, isPart: true });
    if (!index.last)
      throw new AssayError('corrupt', `${from}: nothing of a ledger is in it`, {
        path: from,
        why: 'no segment',
      });
    if (goOn) await goOnWith(building, goOn, index.movedTo);
    else await open(join(building, READ_ONLY), 'w').then((file) => file.close());
    const names = await readdir(building, { withFileTypes: true });
    for (const name of names) if (name.isDirectory()) await syncFolder(join(building, name.name));
    const move = async (name: string) => {
      await rm(join(dir, name), { recursive: true, force: true });
      await rename(join(building, name), join(dir, name));
      await syncFolder(dir);
    };
    // the segments last: they are what makes the folder a ledger
    for (const { name } of names) if (name !== SEGMENTS) await move(name);
    await move(SEGMENTS);
    return { owner, head: headOf(index.last), files, moved: index.movedTo !== undefined };
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

async function goOnWith(dir: string, writer: LedgerWriter, token: string | undefined): Promise<void> {
  const index = await load(dir, { owner: ownerOf(writer) });
  const writing = await openWriting(dir, writer, index);
  try {
    await writing.goOn(token);
  } finally {
    await writing.close();
  }
}

async function unpack(
  from: string,
  into: string,
  expect: Partial<LedgerOwner>,
  signal?: AbortSignal,
): Promise<{ owner: LedgerOwner; files: number }> {
  const reader = readerOf(from, signal);
  const corrupt = (why: string, cause?: unknown) =>
    new AssayError('corrupt', `${from}: byte ${reader.at()}: ${why}`, { path: from, why }, { cause });
  const parsed = <T>(schema: z.ZodType<T>, text: string, what: string): T => {
    try {
      return schema.parse(JSON.parse(text));
    } catch (cause) {
      throw corrupt(`not ${what}`, cause);
    }
  };
  try {
    const first = parsed(FIRST, await reader.line(corrupt), 'an export of a ledger of this version');
    const owner: LedgerOwner = {
      genesisHash: fromHex(first.genesis),
      netuid: first.netuid,
      hotkey: toHotkey(first.hotkey),
    };
    assertExpected(from, owner, expect);
    for (let files = 0; files <= MAX_FILES; files++) {
      const digest = reader.digest();
      const text = await reader.line(corrupt);
      const last = LAST.safeParse(tryJson(text));
      if (last.success) {
        if (last.data.files !== files) throw corrupt(`${files} files, and ${last.data.files} said`);
        if (!isSignedOver(owner, DOMAIN, digest, fromHex(last.data.signature)))
          throw corrupt(`not signed by ${owner.hotkey}`);
        if (!(await reader.isEnd())) throw corrupt('bytes behind the signature');
        return { owner, files };
      }
      const { file, bytes } = parsed(FILE, text, 'the name of a file of a ledger');
      const path = join(into, file);
      await mkdir(dirname(path), { recursive: true });
      const target = await open(path, 'wx', 0o600).catch((cause: unknown) => {
        if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')
          throw corrupt(`${file} twice`);
        throw cause;
      });
      try {
        await reader.bytes(bytes, (chunk) => target.writeFile(chunk), corrupt);
        await target.sync();
      } finally {
        await target.close();
      }
    }
    throw corrupt(`more than ${MAX_FILES} files`);
  } finally {
    reader.close();
  }
}

function assertExpected(from: string, owner: LedgerOwner, expect: Partial<LedgerOwner>): void {
  const differ = (what: string, expected: string, got: string) =>
    new AssayError('invalid-input', `${from} is of another ${what}: ${got}, not ${expected}`, {
      what,
      expected,
      got,
    });
  if (expect.genesisHash && !equals(expect.genesisHash, owner.genesisHash))
    throw differ('chain', toHex(expect.genesisHash), toHex(owner.genesisHash));
  if (expect.netuid !== undefined && expect.netuid !== owner.netuid)
    throw differ('subnet', `${expect.netuid}`, `${owner.netuid}`);
  if (expect.hotkey !== undefined && expect.hotkey !== owner.hotkey)
    throw differ('validator', expect.hotkey, owner.hotkey as Hotkey);
}

type Corrupt = (why: string) => Error;

/** A file in order, hashed as it goes; no more of it in memory than a line and a chunk. */
function readerOf(path: string, signal?: AbortSignal) {
  const stream = createReadStream(path, { highWaterMark: 2 ** 18 });
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const hash = createHash('sha256');
  let rest: Buffer = Buffer.alloc(0);
  let offset = 0;
  const more = async (): Promise<boolean> => {
    signal?.throwIfAborted();
    const next = await chunks.next();
    if (next.done) return false;
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
    return true;
  };
  const take = (length: number): Buffer => {
    const taken = rest.subarray(0, length);
    rest = rest.subarray(length);
    offset += length;
    hash.update(taken);
    return taken;
  };
  return {
    at: () => offset,
    digest: () => hash.copy().digest(),
    async line(corrupt: Corrupt): Promise<string> {
      for (;;) {
        const end = rest.indexOf(10);
        if (end >= 0 && end < MAX_LINE) return take(end + 1).toString('utf8', 0, end);
        if (end >= 0 || rest.length >= MAX_LINE) throw corrupt('a line too long');
        if (!(await more())) throw corrupt('the file ends before its signature');
      }
    },
    async bytes(count: number, onChunk: (chunk: Buffer) => Promise<void>, corrupt: Corrupt): Promise<void> {
      for (let left = count; left > 0; ) {
        if (rest.length === 0 && !(await more())) throw corrupt('the file ends within a file of it');
        const chunk = take(Math.min(left, rest.length));
        left -= chunk.length;
        await onChunk(chunk);
      }
    },
    isEnd: async () => rest.length === 0 && !(await more()),
    close: () => stream.destroy(),
  };
}

const line = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

const sized = async (dir: string, file: string) => ({ file, bytes: (await stat(join(dir, file))).size });

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
