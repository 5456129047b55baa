// Owns: what a running miner leaves in its data folder for its operator: how it fares, and who called. Does not own: what of it is
// true (miner), how it is shown (commands/miner-status.ts).
import { rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { type CallerRow, MISDEEDS } from '../miner/callers.js';
import type { MinerStatus } from '../miner/status.js';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import { isRunning, startOf } from '../model/process-start.js';
import { readSmallFile } from './small-file.js';

/** How old what a miner says of itself may be: it says it anew this often. */
export const STATUS_MS = 15_000;

const count = z.number().min(0);
const text = z.string().max(4096);
const counts = z.record(z.string().max(64), count);
const statusFile = z.object({
  pid: z.number().int().min(1),
  start: text.optional(),
  writtenMs: count,
  status: z.object({
    hotkey: text,
    netuid: count,
    version: text,
    phase: text,
    sinceMs: count,
    startedMs: count,
    why: text.optional(),
    head: count.optional(),
    uid: count.optional(),
    registrationRao: z
      .string()
      .regex(/^\d{1,20}$/)
      .optional(),
    axon: z.object({ ip: text, port: count, isOnChain: z.boolean() }).optional(),
    doctor: z
      .array(
        z.object({ index: count, kind: text, class: text, state: text, said: text, fix: text.optional() }),
      )
      .max(4096),
    slots: z
      .array(z.object({ index: count, worker: text, kind: text, phase: text, why: text.optional() }))
      .max(4096),
    sessions: z.object({ open: count, ended: counts, steps: count, stepSeconds: count }),
    callers: z.object({ known: count, admitted: count, refused: counts }),
  }),
});

const callersFile = z
  .array(
    z.object({
      caller: text.optional(),
      address: text,
      calls: count,
      receipts: count,
      did: z.partialRecord(z.enum(Object.keys(MISDEEDS) as [keyof typeof MISDEEDS]), count),
      firstMs: count,
      lastMs: count,
      toldMs: count.optional(),
    }),
  )
  .max(1024);

export interface SaidStatus {
  readonly status: z.infer<typeof statusFile>['status'];
  readonly pid: number;
  readonly writtenMs: number;
  /** whether the process that said it is still there */
  readonly isRunning: boolean;
}

/** @throws AssayError `invalid-input` where no miner ever was, `corrupt` for what is none of ours */
export async function readStatus(path: string): Promise<SaidStatus> {
  const { pid, start, writtenMs, status } = await read(path, statusFile, 'the data folder of a miner');
  return { status, pid, writtenMs, isRunning: isRunning(pid, start) };
}

/** @throws AssayError as `readStatus` */
export const readCallers = (path: string): Promise<readonly CallerRow[]> =>
  read(path, callersFile, 'the data folder of a miner that was called');

/** What an earlier process kept; one that cannot be read begins anew. */
export const keptCallers = (path: string): Promise<readonly CallerRow[]> => readCallers(path).catch(() => []);

/**
 * Keeps both files until closed. A disk that takes nothing stops nothing: they are for people.
 * @returns `write` for a change that an operator wants to see at once
 */
export function keepMinerFiles(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  paths: { readonly status: string; readonly callers: string },
  said: { readonly status: () => MinerStatus; readonly callers: () => readonly CallerRow[] },
): { write(): void; close(): Promise<void> } {
  const stop = new AbortController();
  const start = startOf(process.pid);
  let tail: Promise<void> = Promise.resolve();
  let isWarned = false;
  let lastCallers = '';

  async function put(path: string, value: string): Promise<void> {
    const part = `${path}.part`;
    await writeFile(part, value, { mode: 0o600 });
    await rename(part, path);
  }
  async function both(): Promise<void> {
    try {
      const { pid } = process;
      await put(
        paths.status,
        `${JSON.stringify({ pid, start, writtenMs: clock.now(), status: said.status() })}\n`,
      );
      const callers = `${JSON.stringify(said.callers())}\n`;
      if (callers !== lastCallers) await put(paths.callers, callers);
      lastCallers = callers;
      isWarned = false;
    } catch (error) {
      if (!isWarned) log.warn('status and callers are not written', { error });
      isWarned = true;
    }
  }
  const write = (): void => {
    tail = tail.then(both);
  };
  const keeping = (async () => {
    while (!stop.signal.aborted) {
      write();
      await tail;
      await clock.sleep(STATUS_MS, stop.signal);
    }
  })();
  return {
    write,
    async close() {
      stop.abort();
      await keeping;
      write();
      await tail;
    },
  };
}

async function read<S extends z.ZodType>(path: string, form: S, expected: string): Promise<z.infer<S>> {
  const content = await readSmallFile(path);
  if (content === undefined)
    throw new AssayError('invalid-input', `${path}: not here; expected ${expected}`, {
      what: 'data folder',
      expected,
      got: path,
    });
  try {
    return form.parse(JSON.parse(content));
  } catch (cause) {
    const why = 'not what a miner writes';
    throw new AssayError('corrupt', `${path}: ${why}`, { path, why }, { cause });
  }
}
