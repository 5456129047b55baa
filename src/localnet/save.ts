// Owns: one file with the whole state as of a block, written whole or not at all, and read back. Does not own: the blocks
// after it (journal.ts), the folder that holds both (durable.ts).
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type Header, headerHash } from '../chain/codec/header.js';
import { runtimeVersion } from '../chain/codec/runtime.js';
import { fromHex, toHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { type Block, storedBlock } from './blocks.js';
import { LIMITS } from './limits.js';
import { State } from './state.js';

/** A chain as of the end of one block: enough to go on from there. */
export interface SavedState {
  /** of block 0 */
  readonly genesis: Header;
  readonly header: Header;
  readonly extrinsics: readonly Uint8Array[];
  /** by hashed key, `0x`-hex; ascending */
  readonly storage: readonly (readonly [key: string, value: Uint8Array])[];
}

/** What a chain begins with in this process. */
export interface ChainStart {
  readonly state: State;
  readonly genesis: Block;
  /** after genesis, oldest first; the last one is the head, and the first may be any number of blocks after genesis */
  readonly blocks: readonly Block[];
}

const FORMAT = 'assay-localnet-state';
/** Raised when older files no longer mean the same. */
const VERSION = 1;

const hex = (bytes?: number) =>
  z.string().regex(bytes === undefined ? /^0x([0-9a-f]{2})*$/ : new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`));
const headerSchema = z.strictObject({
  parentHash: hex(32),
  number: z.number().int().min(0),
  stateRoot: hex(32),
  extrinsicsRoot: hex(32),
});
const headSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  /** layouts of storage are this build's own */
  specVersion: z.literal(runtimeVersion.spec_version),
  genesis: headerSchema,
  header: headerSchema,
  extrinsics: z.array(hex()),
  entries: z.number().int().min(0),
});

/**
 * Writes what `localnet.save()` gives to one file, which `restoreState` reads.
 *
 * @throws AssayError `invalid-input` when the file cannot be written, `limit-exceeded` for more than is read; what was
 * there is there still
 */
export function saveState(path: string, saved: SavedState): void {
  const size = savedSize(saved);
  if (size > LIMITS.savedBytes)
    throw new AssayError(
      'limit-exceeded',
      `${path}: a state of ${size} bytes is not written, for at most ${LIMITS.savedBytes} are read`,
      { what: path, limit: LIMITS.savedBytes, got: size },
    );
  writeWhole(path, encodeSavedState(saved));
}

/**
 * @returns for `createLocalnet({ from })`
 * @throws AssayError `invalid-input` for a file that is none of these, `corrupt` for one that is damaged,
 * `limit-exceeded`
 */
export function restoreState(path: string): SavedState {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > LIMITS.savedBytes)
      throw new AssayError(
        'limit-exceeded',
        `${path}: ${size} bytes, at most ${LIMITS.savedBytes} are read`,
        {
          what: path,
          limit: LIMITS.savedBytes,
          got: size,
        },
      );
    text = readFileSync(path, 'latin1');
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw notASavedState(path, 'a file that cannot be read', error);
  }
  return decodeSavedState(text, path);
}

/** Of its file, a few bytes more than it has: before there is a text that might be too long for one. */
const savedSize = ({ extrinsics, storage }: SavedState): number =>
  extrinsics.reduce((sum, { length }) => sum + 2 * length + 5, 0) +
  storage.reduce((sum, [key, { length }]) => sum + key.length + 2 * length + 2, 0) +
  1000;

function encodeSavedState({ genesis, header, extrinsics, storage }: SavedState): string {
  const head = {
    format: FORMAT,
    version: VERSION,
    specVersion: runtimeVersion.spec_version,
    genesis: headerJson(genesis),
    header: headerJson(header),
    extrinsics: extrinsics.map(prefixed),
    entries: storage.length,
  };
  const lines = [JSON.stringify(head)];
  for (const [key, value] of storage) lines.push(`${key} ${toHex(value)}`);
  const body = `${lines.join('\n')}\n`;
  return `${body}${digestOf(body)}\n`;
}

function decodeSavedState(text: string, path: string): SavedState {
  const firstEnd = text.indexOf('\n');
  const head = parseHead(text.slice(0, firstEnd < 0 ? 0 : firstEnd), path);
  const bodyEnd = text.length - 65; // a SHA-256 in hex and a newline
  if (bodyEnd <= firstEnd || text.slice(bodyEnd) !== `${digestOf(text.slice(0, bodyEnd))}\n`)
    throw corrupt(path, 'its checksum is not that of its content', undefined);
  const lines = text.slice(firstEnd + 1, bodyEnd - 1).split('\n');
  const storage = (head.entries === 0 ? [] : lines).map((line, index) => {
    const [, key, value] = /^(0x(?:[0-9a-f]{2})+) ((?:[0-9a-f]{2})*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) throw corrupt(path, 'no storage entry', index + 2);
    return [key, Uint8Array.from(Buffer.from(value, 'hex'))] as const;
  });
  if (storage.length !== head.entries)
    throw corrupt(path, `${storage.length} storage entries, of ${head.entries}`, undefined);
  return {
    genesis: toHeader(head.genesis),
    header: toHeader(head.header),
    extrinsics: head.extrinsics.map(fromHex),
    storage,
  };
}

function parseHead(line: string, path: string): z.infer<typeof headSchema> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw notASavedState(path, 'something else', error);
  }
  const parsed = headSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw notASavedState(
    path,
    `a first line with ${issue!.path.join('.') || 'something else'}: ${issue!.message}`,
  );
}

/** The chain of a saved state; its blocks before that one are not there, but for genesis. */
export function startFrom(saved: SavedState, historyBlocks: number): ChainStart {
  const { number } = saved.header;
  const state = new State(historyBlocks, number);
  for (const [key, value] of saved.storage) state.putRaw(key, value);
  const block = storedBlock(state, saved.header, saved.extrinsics);
  if (number === 0) return { state, genesis: block, blocks: [] };
  const header = saved.genesis;
  const genesis: Block = {
    number: 0,
    hash: headerHash(header),
    header,
    extrinsics: [],
    events: [],
    settle: () => {},
  };
  return { state, genesis, blocks: [block] };
}

/** What `startFrom` takes, of a chain that begins in this process. */
export function savedStart({ state, genesis, blocks }: ChainStart): SavedState {
  const { header, extrinsics } = blocks.at(-1) ?? genesis;
  const storage = state.rawKeys('0x').map((key) => [key, state.raw(key)!] as const);
  return { genesis: genesis.header, header, extrinsics, storage };
}

/** Under another name first, and on the disk before it takes the file's place. */
function writeWhole(path: string, text: string): void {
  const part = join(dirname(path), `.assay-${randomUUID()}.part`);
  try {
    const fd = openSync(part, 'wx');
    try {
      writeFileSync(fd, text, 'latin1');
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(part, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(part, { force: true });
    throw new AssayError(
      'invalid-input',
      `${path}: cannot be written`,
      { what: path, expected: 'a file that can be written', got: String(error) },
      { cause: error },
    );
  }
}

/** A new name is on the disk only when its folder is. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');
const prefixed = (bytes: Uint8Array): string => `0x${toHex(bytes)}`;

const headerJson = (header: Header) => ({
  parentHash: prefixed(header.parentHash),
  number: header.number,
  stateRoot: prefixed(header.stateRoot),
  extrinsicsRoot: prefixed(header.extrinsicsRoot),
});
const toHeader = (json: z.infer<typeof headerSchema>): Header => ({
  parentHash: fromHex(json.parentHash),
  number: json.number,
  stateRoot: fromHex(json.stateRoot),
  extrinsicsRoot: fromHex(json.extrinsicsRoot),
});

export const corrupt = (path: string, why: string, line: number | undefined): AssayError =>
  new AssayError('corrupt', `${path}${line === undefined ? '' : `, line ${line}`}: ${why}`, {
    path,
    why,
    ...(line === undefined ? {} : { line }),
  });

function notASavedState(path: string, got: string, cause?: unknown): AssayError {
  const expected = `the saved state of a localnet (${FORMAT} ${VERSION}, spec ${runtimeVersion.spec_version})`;
  return new AssayError(
    'invalid-input',
    `${path}: expected ${expected}, got ${got}`,
    { what: path, expected, got },
    cause === undefined ? {} : { cause },
  );
}
