// Owns: what a validator remembers of windows: what was handed in, every verdict, what became of the window; a journal that
// replays. Does not own: what verdicts mean (verification/rollouts), files (rollouts/shelf.ts).
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { WindowContext } from '../../inference/spec/window.js';
import { parseWindow, windowJson } from '../../inference/spec/window.js';
import { fromAddress } from '../../keys/ss58.js';
import { fromHex, toHex } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import { AssayError } from '../../model/errors.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import type { Log } from '../../model/log.js';
import { lockFolder, syncFolder } from '../ledger/folder.js';
import { openJournal, readLines } from '../ledger/journal.js';

/** What a hotkey of the roster handed in, and whether it was here in time. */
export type Delivery = { readonly miner: Hotkey } & (
  | { readonly is: 'complete'; readonly manifest: Uint8Array; readonly file: Uint8Array }
  /** committed, and wrong by its own bytes; `proof` of `equivocation`, which convinces whoever has it */
  | {
      readonly is: 'refused';
      readonly manifest: Uint8Array;
      readonly reason: string;
      readonly proof?: Uint8Array | undefined;
    }
  /** committed, and not here before the audit's round: a missing window */
  | { readonly is: 'missing'; readonly manifest: Uint8Array; readonly what: 'manifest' | 'file' }
  /** committed, and could not be kept here: our disk's fault and not the miner's, who is judged for nothing */
  | { readonly is: 'ours'; readonly manifest: Uint8Array; readonly why: string }
);

/** What leads to a verdict. */
export type JudgedDelivery = Extract<Delivery, { is: 'complete' | 'refused' }>;

export const isJudged = (delivery: Delivery): delivery is JudgedDelivery =>
  delivery.is === 'complete' || delivery.is === 'refused';

export type RolloutEntry =
  /** before the audit's round: the last moment at which anybody could still choose */
  | {
      readonly type: 'collected';
      readonly window: number;
      readonly startBlock: number;
      readonly deadlineBlock: number;
      readonly context: WindowContext;
      /** the round that the audit waits for */
      readonly round: bigint;
      /** all hotkeys of the roster that committed nothing are left out */
      readonly deliveries: readonly Delivery[];
    }
  | {
      readonly type: 'verdict';
      readonly window: number;
      readonly miner: Hotkey;
      /** in its one spelling: what replays to the byte */
      readonly record: Uint8Array;
    }
  /** all verdicts of the window are here */
  | { readonly type: 'judged'; readonly window: number }
  /** the audit's round did not come in time, or the window was lost here: nobody is paid for it */
  | { readonly type: 'lapsed'; readonly window: number; readonly why: string };

export interface RolloutLedger {
  /** In the order in which they were written. */
  entries(): readonly RolloutEntry[];
  /** On disk when it resolves. */
  append(entry: RolloutEntry): Promise<void>;
  close(): Promise<void>;
}

export function memoryRolloutLedger(entries: RolloutEntry[] = []): RolloutLedger {
  return {
    entries: () => entries,
    append: async (entry) => void entries.push(entry),
    close: async () => {},
  };
}

const JOURNAL = 'windows.jsonl';
const HEADER = canonicalJson({ assay: 'rollouts', version: 1 });
/** A line is a roster of 256 hotkeys, 17 KB each were there a proof against all of them, or one record of some kilobytes. */
const LINE_CHARS = 8 * 1024 * 1024;

/**
 * Opens or begins the journal in `dir`; takes the folder for this process.
 * @throws AssayError `corrupt` naming the line that does not parse; `invalid-input` when another process has the folder
 */
export async function openRolloutLedger({
  dir,
  log,
}: {
  readonly dir: string;
  readonly log: Log;
}): Promise<RolloutLedger> {
  await mkdir(dir, { recursive: true });
  const unlock = await lockFolder(dir);
  try {
    const path = join(dir, JOURNAL);
    const { entries, complete, torn } = await load(path);
    if (torn > 0) log.warn('windows: a last entry cut short by a crash was dropped', { path, bytes: torn });
    const journal = await openJournal(path, complete);
    if (complete === 0) {
      await journal.append(HEADER);
      await syncFolder(dir);
    }
    return {
      entries: () => entries,
      async append(entry) {
        await journal.append(toLine(entry));
        entries.push(entry);
      },
      async close() {
        await journal.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** Beside the process that writes. @throws AssayError `corrupt` */
export async function readRolloutLedger(dir: string): Promise<readonly RolloutEntry[]> {
  return (await load(join(dir, JOURNAL))).entries;
}

async function load(path: string): Promise<{ entries: RolloutEntry[]; complete: number; torn: number }> {
  const entries: RolloutEntry[] = [];
  const read = await readLines(path, (line, _place, number) => {
    const corrupt = (why: string) =>
      new AssayError('corrupt', `${path}:${number}: ${why}`, { path, why: `line ${number}: ${why}` });
    if (line.length > LINE_CHARS) throw corrupt(`more than ${LINE_CHARS} characters`);
    if (number === 1) {
      if (line !== HEADER) throw corrupt('not a journal of windows, version 1');
      return;
    }
    try {
      entries.push(fromLine(line));
    } catch (error) {
      throw corrupt(error instanceof Error ? error.message : String(error));
    }
  }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  return { entries, complete: read?.complete ?? 0, torn: read?.torn ?? 0 };
}

const hex = z
  .string()
  .regex(/^([0-9a-f]{2})*$/)
  .transform((text) => fromHex(text));
const window = z.int().min(0).max(0xffff_ffff);
const miner = z.string().transform((text) => {
  fromAddress(text); // throws for what is none
  return toHotkey(text);
});
const delivery = z.discriminatedUnion('is', [
  z.strictObject({ miner, is: z.literal('complete'), manifest: hex, file: hex }),
  z.strictObject({
    miner,
    is: z.literal('refused'),
    manifest: hex,
    reason: z.string(),
    proof: hex.optional(),
  }),
  z.strictObject({ miner, is: z.literal('missing'), manifest: hex, what: z.enum(['manifest', 'file']) }),
  z.strictObject({ miner, is: z.literal('ours'), manifest: hex, why: z.string() }),
]);
const entry = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('collected'),
    window,
    startBlock: z.int().min(0),
    deadlineBlock: z.int().min(0),
    context: z.unknown().transform((value) => parseWindow(value)),
    round: z
      .string()
      .regex(/^\d{1,20}$/)
      .transform((text) => BigInt(text)),
    deliveries: z.array(delivery),
  }),
  z.strictObject({ type: z.literal('verdict'), window, miner, record: hex }),
  z.strictObject({ type: z.literal('judged'), window }),
  z.strictObject({ type: z.literal('lapsed'), window, why: z.string() }),
]);

const fromLine = (line: string): RolloutEntry => entry.parse(JSON.parse(line));

function toLine(value: RolloutEntry): string {
  switch (value.type) {
    case 'collected':
      return canonicalJson({
        ...value,
        round: String(value.round),
        context: windowJson(value.context),
        deliveries: value.deliveries.map((each) => ({
          ...each,
          manifest: toHex(each.manifest),
          ...('file' in each ? { file: toHex(each.file) } : {}),
          ...('proof' in each && each.proof ? { proof: toHex(each.proof) } : {}),
        })),
      });
    case 'verdict':
      return canonicalJson({ ...value, record: toHex(value.record) });
    default:
      return canonicalJson(value);
  }
}
