// Owns: a folder that keeps a chain: a saved state every so often, the blocks since in journals. Does not own: the forms of
// either (save.ts, journal.ts).
//
//   chain.lock               the process that has it
//   state-<number>.saved     the state as of that block
//   blocks-<number>.journal  the finalized blocks after it
//
// Two such pairs are kept, so that the blocks of a whole history are there after a restart. A new pair begins after as many
// blocks as the history has, or 64 MiB of them. Each block is written as it is finalized, which a kill of the process
// survives; the disk has it within a second, which is what a power failure can take.
import { mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { headerHash } from '../chain/codec/header.js';
import { equals, toHex } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import { lockFile } from '../model/file-lock.js';
import type { Log } from '../model/log.js';
import { type Block, stateRootOf, storedBlock } from './blocks.js';
import { type Change, continueJournal, createJournal, type Journal, readJournal } from './journal.js';
import { LIMITS } from './limits.js';
import { type ChainStart, corrupt, restoreState, type SavedState, saveState, startFrom } from './save.js';

/** Where finalized blocks go. */
export interface Archive {
  /**
   * @param save the state as of the end of `block`
   * @throws AssayError `internal`, `invalid-input` or `limit-exceeded` when the disk does not take it, and at every call
   * after that: what is there could no longer be told from what should be
   */
  append(block: Block, changes: readonly Change[], save: () => SavedState): void;
  /** Gives the folder back; again: nothing. @throws AssayError `internal` when the disk does not take what it holds */
  close(): void;
}

export interface ChainFolder {
  /** undefined where there is none yet */
  readonly found: ChainStart | undefined;
  /** @param start what a new chain begins with; undefined to go on with the one that was found */
  open(start: SavedState | undefined): Archive;
  /** Gives the folder back without having opened it. */
  release(): void;
}

interface Parts {
  readonly clock: Clock;
  readonly log: Log;
  readonly historyBlocks: number;
}

/**
 * Locks `path`, and reads the chain that it holds: as of its last finalized block.
 *
 * @throws AssayError `invalid-input` for a folder that another process has or that cannot be used, `corrupt`
 */
export function openChainFolder(path: string, parts: Parts): ChainFolder {
  const folder = usable(path);
  const unlock = lockFile(join(folder, 'chain'), `the folder ${path}`);
  try {
    const numbers = generationsOf(folder);
    const read = numbers.length === 0 ? undefined : readChain(folder, numbers, parts);
    return {
      found: read?.start,
      open: (start) => openArchive(folder, numbers, read, start, parts, unlock),
      release: unlock,
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

function usable(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return realpathSync(path);
  } catch (error) {
    const expected = 'a folder that can be written to';
    throw new AssayError(
      'invalid-input',
      `${path}: expected ${expected}`,
      { what: path, expected, got: String(error) },
      { cause: error },
    );
  }
}

const savedPath = (folder: string, number: number): string => join(folder, `state-${number}.saved`);
const journalPath = (folder: string, number: number): string => join(folder, `blocks-${number}.journal`);

/** Blocks at which a pair begins, ascending. A journal without its state is not one. */
function generationsOf(folder: string): number[] {
  const names = readdirSync(folder);
  for (const name of names) if (name.endsWith('.part')) rmSync(join(folder, name), { force: true });
  return names
    .flatMap((name) => /^state-(\d{1,15})\.saved$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

interface ReadChain {
  readonly start: ChainStart;
  /** good bytes of the last journal; 0 when a crash came before its title */
  readonly bytes: number;
}

function readChain(folder: string, numbers: readonly number[], { historyBlocks, log }: Parts): ReadChain {
  // the older of two: the newer one is what its blocks lead to
  const from = numbers.slice(-2);
  const start = startFrom(restoreState(savedPath(folder, from[0]!)), historyBlocks);
  const blocks = [...start.blocks];
  let head = blocks.at(-1) ?? start.genesis;
  let bytes = 0;
  from.forEach((number, index) => {
    if (head.number !== number)
      throw corrupt(
        journalPath(folder, from[index - 1]!),
        `ends at block ${head.number}, of ${number}`,
        undefined,
      );
    const isLast = index === from.length - 1;
    const path = journalPath(folder, number);
    bytes = 0;
    if (isLast && !readdirSync(folder).includes(`blocks-${number}.journal`)) return; // a crash came before it
    const read = readJournal(path, start.genesis.hash, isLast, ({ header, extrinsics, changes }, fail) => {
      if (header.number !== head.number + 1) fail(`block ${header.number} after ${head.number}`);
      if (!equals(header.parentHash, head.hash)) fail(`block ${header.number} has another parent`);
      if (!equals(header.stateRoot, stateRootOf(changes, head.header.stateRoot)))
        fail(`the changes of block ${header.number} are not those of its header`);
      start.state.open(header.number);
      for (const [key, value] of changes) start.state.putRaw(key, value);
      head = storedBlock(start.state, header, extrinsics);
      blocks.push(head);
      if (blocks.length > historyBlocks + 1) blocks.shift();
    });
    if (read.torn) log.warn('journal was cut short; its whole blocks are kept', { path, bytes: read.bytes });
    bytes = read.bytes;
  });
  log.info('chain found', { folder, number: head.number, hash: toHex(head.hash) });
  return { start: { ...start, blocks: blocks.filter(({ number }) => number > 0) }, bytes };
}

function openArchive(
  folder: string,
  numbers: number[],
  read: ReadChain | undefined,
  start: SavedState | undefined,
  { clock, historyBlocks }: Parts,
  unlock: () => void,
): Archive {
  let begunAt: number;
  let genesisHash: Uint8Array;
  let journal: Journal | undefined;
  const begin = (saved: SavedState): void => {
    const { number } = saved.header;
    const before = journal;
    // a newer pair on the disk says that the older one is whole there
    before?.sync();
    saveState(savedPath(folder, number), saved);
    journal = createJournal(journalPath(folder, number), folder, genesisHash, clock);
    begunAt = number;
    numbers.push(number);
    before?.close();
    for (const old of numbers.splice(0, Math.max(0, numbers.length - 2))) {
      // the state first: a journal without one is nothing
      rmSync(savedPath(folder, old), { force: true });
      rmSync(journalPath(folder, old), { force: true });
    }
  };
  if (read === undefined) {
    if (start === undefined) throw new TypeError('open: expected a start where no chain was found');
    genesisHash = headerHash(start.genesis);
    begin(start);
  } else {
    genesisHash = read.start.genesis.hash;
    begunAt = numbers.at(-1)!;
    const path = journalPath(folder, begunAt);
    journal =
      read.bytes === 0
        ? createJournal(path, folder, genesisHash, clock)
        : continueJournal(path, read.bytes, clock);
  }
  let end: 'failed' | 'closed' | undefined;
  return {
    append(block, changes, save) {
      if (end !== undefined) throw notWritten(folder, block.number, `the folder is ${end}`);
      try {
        journal!.append(block, changes); // begun or found above
        if (block.number - begunAt >= historyBlocks || journal!.bytes >= LIMITS.journalBytes) begin(save());
      } catch (error) {
        end = 'failed';
        throw error instanceof AssayError
          ? error
          : notWritten(folder, block.number, 'the next pair of files cannot be begun', error);
      }
    },
    close() {
      if (end === 'closed') return;
      end = 'closed';
      try {
        journal!.close();
      } finally {
        unlock();
      }
    },
  };
}

const notWritten = (folder: string, number: number, why: string, cause?: unknown): AssayError =>
  new AssayError(
    'internal',
    `${folder}: block ${number} cannot be written: ${why}`,
    { what: `the folder ${folder}` },
    { cause },
  );
