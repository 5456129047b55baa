// Owns: a file of the processes that a role started, and the end of those that a killed one left. Does not own: what they are.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Log } from '../model/log.js';
import { isRunning, startOf } from '../model/process-start.js';

/** With the time it began, or the number alone would name whoever has it now. */
const entry = z.strictObject({ pid: z.number().int().min(2), start: z.string().regex(/^\d{1,20}$/) });
const file = z.array(entry).max(256);

export interface ProcessRecord {
  /** Called with each process that is started, and what resolves when it has ended. */
  began(pid: number, ended: Promise<unknown>): void;
}

/**
 * Ends what is recorded and still runs: it ends by itself when whoever started it dies, but for one that hangs, and that holds its
 * device. On systems without /proc nothing is recorded.
 */
export function openProcessRecord(path: string, log: Log): ProcessRecord {
  const running = new Map<number, string>();
  for (const { pid, start } of read(path)) {
    if (!isRunning(pid, start)) continue;
    log.warn('a process that an earlier run left is ended', { pid });
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      running.set(pid, start); // somebody else's by now, or not ours to end: it stays on record
    }
  }
  write(path, running);
  return {
    began(pid, ended) {
      const start = startOf(pid);
      if (start === undefined) return;
      running.set(pid, start);
      write(path, running);
      void ended.finally(() => {
        running.delete(pid);
        write(path, running);
      });
    },
  };
}

function read(path: string): z.infer<typeof file> {
  try {
    return file.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return []; // none yet, or cut short by the kill that it is there for
  }
}

function write(path: string, running: ReadonlyMap<number, string>): void {
  try {
    if (running.size === 0) {
      rmSync(path, { force: true });
      return;
    }
    const part = `${path}.part`;
    const entries = [...running].slice(-256).map(([pid, start]) => ({ pid, start }));
    writeFileSync(part, JSON.stringify(entries), { mode: 0o600 });
    renameSync(part, path);
  } catch {
    // a full disk must not end a proof: what is not on record ends by itself when we do
  }
}
