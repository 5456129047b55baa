// Owns: who may write a file that several processes could append to. Does not own: that file.
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { errnoOf, foundInstead, invalid } from './invalid-input.js';
import { isRunning, startOf } from './process-start.js';

/** Locks of this process: its number alone would not tell them from one that an earlier process of the number left. */
const held = new Set<string>();

/**
 * Takes `<path>.lock`, which names this process, its machine and since when. One that a dead process of this machine left is taken
 * over, whoever has its number now.
 * The lock goes with the process, unless that is killed.
 *
 * @param path with links resolved, or two names of one file would be two locks
 * @param what how the flag names the file in errors
 * @returns gives the lock back
 * @throws AssayError `invalid-input` naming the process that holds it
 */
export function lockFile(
  path: string,
  what: string,
  expected = 'a file that nobody else writes',
): () => void {
  const lock = `${path}.lock`;
  const own = `${process.pid} ${hostname()} ${startOf(process.pid) ?? '-'} ${new Date().toISOString()}\n`;
  while (!tryCreate(lock, own, what)) {
    const found = readLock(lock);
    if (found === undefined) continue; // given back in the meantime
    if (!isStale(lock, found)) throw invalid(what, expected, holderOf(lock, found));
    remove(lock, found);
  }
  held.add(lock);
  let given = false;
  const release = (): void => {
    if (given) return;
    given = true;
    held.delete(lock);
    process.off('exit', release);
    rmSync(lock, { force: true });
  };
  process.once('exit', release);
  return release;
}

/** Appears with its content, or not at all: nobody ever reads half a lock. */
function tryCreate(lock: string, own: string, what: string): boolean {
  const part = `${lock}.${randomUUID()}`;
  try {
    writeFileSync(part, own, { flag: 'wx' });
    linkSync(part, lock);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw invalid(what, `a folder in which ${lock} can be created`, foundInstead(error), error);
  } finally {
    rmSync(part, { force: true });
  }
}

function readLock(lock: string): string | undefined {
  try {
    return readFileSync(lock, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Of another machine, or in another form, nothing is known: then somebody has to look. */
function isStale(lock: string, text: string): boolean {
  const { pid, host, start } = parse(text);
  if (pid === undefined || host !== hostname()) return false;
  if (pid === process.pid && (start === undefined || start === startOf(pid))) return !held.has(lock);
  return !isRunning(pid, start);
}

function holderOf(lock: string, text: string): string {
  const { pid, host, since } = parse(text);
  const who = pid === undefined ? 'somebody' : `process ${pid}${host === hostname() ? '' : ` of ${host}`}`;
  return `one that ${who} holds${since === undefined ? '' : ` since ${since}`}: remove ${lock} if that has ended`;
}

interface Holder {
  readonly pid?: number | undefined;
  readonly host?: string | undefined;
  readonly start?: string | undefined;
  readonly since?: string | undefined;
}

function parse(text: string): Holder {
  // without start and time: of an earlier build
  const [, pid, host, start, since] =
    /^(\d{1,10}) (\S{1,255})(?: (\d{1,20}|-) ([\dTZ:.-]{1,32}))?\n$/.exec(text) ?? [];
  return {
    pid: pid === undefined ? undefined : Number(pid),
    host,
    start: start === '-' ? undefined : start,
    since,
  };
}

/** Moved away first: between reading and removing, another may have put its own lock in its place. */
function remove(lock: string, stale: string): void {
  const aside = `${lock}.${randomUUID()}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    if (readFileSync(aside, 'utf8') !== stale) linkSync(aside, lock);
  } finally {
    rmSync(aside);
  }
}
