// Owns: what a validator remembers of windows: what was handed in, every verdict, what became of the window; a journal that
// replays, each line bound to the one before. Does not own: what verdicts mean (verification/rollouts), files (rollouts/shelf.ts).
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { WindowContext } from '../../inference/spec/window.js';
import { parseWindow, windowJson } from '../../inference/spec/window.js';
import { fromAddress } from '../../keys/ss58.js';
import { fromHex, toHex, utf8 } from '../../model/bytes.js';
import { canonicalJson } from '../../model/canonical-json.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import { sha256 } from '../../model/hash.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import { errnoOf, invalid } from '../../model/invalid-input.js';
import type { Log } from '../../model/log.js';
import {
  AUDIT_EXPIRY_MS,
  assertWindowPlan,
  BEACON_DELAY_MS,
  HEAD_LEAD_BLOCKS,
  type WindowPlan,
} from '../../rollouts/windows.js';
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
  /** a proof that holds against a rollout of a judged window: unpaid from here on, and its miner looked at more closely */
  | ({ readonly type: 'proven'; readonly window: number; readonly miner: Hotkey } & Proven)
  /** all verdicts of the window are here */
  | { readonly type: 'judged'; readonly window: number }
  /** the audit's round did not come in time, or the window was lost here: nobody is paid for it */
  | { readonly type: 'lapsed'; readonly window: number; readonly why: string };

export interface Proven {
  /** of the rollout in its file */
  readonly place: number;
  /** what it was paid, thousandths of tokens */
  readonly millis: number;
  /** what its miner's window is worth without this and those proven before, thousandths of tokens */
  readonly creditMillis: number;
  /** in its one spelling: whoever has it can look again */
  readonly proof: Uint8Array;
}
export type ProvenEntry = Extract<RolloutEntry, { type: 'proven' }>;

export interface RolloutLedger {
  /** In the order in which they were written, but for those that were let go of. */
  entries(): readonly RolloutEntry[];
  /** Lets go of windows before that one, in memory: a busy subnet writes a hundred megabytes a day. On disk all stay. */
  forget(before: number): void;
  /** On disk when it resolves. */
  append(entry: RolloutEntry): Promise<void>;
  close(): Promise<void>;
}

export function memoryRolloutLedger(entries: RolloutEntry[] = []): RolloutLedger {
  return {
    entries: () => entries,
    forget: () => {}, // there is nowhere else that they are
    append: async (entry) => void entries.push(entry),
    close: async () => {},
  };
}

const JOURNAL = 'windows.jsonl';
const VERSION = 2;
/** A line is a roster of 256 hotkeys, 17 KB each were there a proof against all of them, or one record of some kilobytes. */
const LINE_CHARS = 8 * 1024 * 1024;

/** Whose windows these are. Numbers of windows and blocks mean nothing without it, and standings of two are not one. */
export interface RolloutLedgerOf {
  /** hash of the chain's first block */
  readonly genesis: Uint8Array;
  readonly netuid: number;
  readonly validator: Hotkey;
  readonly plan: WindowPlan;
}

/**
 * Opens or begins the journal in `dir`; takes the folder for this process.
 * @throws AssayError `corrupt` naming the line that does not parse or follow from the one before; `invalid-input` when another process
 * has the folder, or it is of another chain, subnet, validator or plan than `of`
 */
export async function openRolloutLedger({
  dir,
  of,
  log,
}: {
  readonly dir: string;
  readonly of: RolloutLedgerOf;
  readonly log: Log;
}): Promise<RolloutLedger> {
  await mkdir(dir, { recursive: true });
  const unlock = await lockFolder(dir);
  try {
    const path = join(dir, JOURNAL);
    const loaded = await load(path);
    if (loaded) assertOf(path, loaded.of, of);
    let entries = loaded?.entries ?? [];
    const { complete = 0, torn = 0 } = loaded ?? {};
    if (torn > 0) log.warn('windows: a last entry cut short by a crash was dropped', { path, bytes: torn });
    const journal = await openJournal(path, complete);
    let head = loaded?.head;
    if (head === undefined) {
      const header = headerLine(of);
      await journal.append(header);
      await syncFolder(dir);
      head = digestOf(header);
    }
    let last: Promise<unknown> = Promise.resolve();
    return {
      entries: () => entries,
      forget(before) {
        entries = entries.filter(({ window }) => window >= before);
      },
      append(entry) {
        // one after the other: a line names the one before, which may not have come to the disk
        const done = last.then(async () => {
          const line = toLine(entry, head!);
          await journal.append(line);
          head = digestOf(line);
          entries.push(entry);
        });
        last = done.catch(() => {}); // its caller is told
        return done;
      },
      async close() {
        await last;
        await journal.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

export interface ReadRolloutLedger {
  readonly of: RolloutLedgerOf;
  readonly entries: readonly RolloutEntry[];
  /** SHA-256 of the last line, in hex: who has had it of this ledger sees whether the end was taken off since */
  readonly head: string;
  /** bytes behind the last whole line: one that is being written, or that a crash cut short */
  readonly torn: number;
}

/**
 * Beside the process that writes; changes nothing.
 * @throws AssayError `corrupt`; `invalid-input` where there is no ledger
 */
export async function readRolloutLedger(dir: string): Promise<ReadRolloutLedger> {
  const path = join(dir, JOURNAL);
  const { complete: _, ...loaded } = (await load(path)) ?? {};
  if ('of' in loaded) return loaded;
  throw invalid('ledger of windows', 'a folder with one', `${dir}, without ${JOURNAL}`);
}

/** @returns undefined where there is no file, or not a whole line in it */
async function load(path: string): Promise<
  | {
      readonly of: RolloutLedgerOf;
      readonly entries: RolloutEntry[];
      readonly head: string;
      readonly complete: number;
      readonly torn: number;
    }
  | undefined
> {
  const entries: RolloutEntry[] = [];
  let of: RolloutLedgerOf | undefined;
  let head = '';
  const read = await readLines(path, (line, _place, number) => {
    const corrupt = (why: string) =>
      new AssayError('corrupt', `${path}:${number}: ${why}`, { path, why: `line ${number}: ${why}` });
    if (line.length > LINE_CHARS) throw corrupt(`more than ${LINE_CHARS} characters`);
    try {
      if (number === 1) of = fromHeader(line, path);
      else {
        const { before, entry } = fromLine(line);
        if (before !== head)
          throw new SyntaxError('it does not follow from the line before: one was changed or taken out');
        entries.push(entry);
      }
    } catch (error) {
      if (number === 1 && isAssayError(error, 'invalid-input')) throw error;
      throw corrupt(error instanceof Error ? error.message : String(error));
    }
    head = digestOf(line);
  }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  return read && of && { of, entries, head, ...read };
}

const digestOf = (line: string): string => toHex(sha256(utf8(line)));

/** With its defaults: who says one and who leaves it out mean the same windows. */
const planJson = (plan: WindowPlan) => ({
  firstBlock: plan.firstBlock,
  everyBlocks: plan.everyBlocks,
  workBlocks: plan.workBlocks,
  beaconDelayMs: plan.beaconDelayMs ?? BEACON_DELAY_MS,
  headLeadBlocks: plan.headLeadBlocks ?? HEAD_LEAD_BLOCKS,
  auditExpiryMs: plan.auditExpiryMs ?? AUDIT_EXPIRY_MS,
});

const headerJson = ({ genesis, netuid, validator, plan }: RolloutLedgerOf) => ({
  assay: 'rollouts',
  version: VERSION,
  genesis: toHex(genesis),
  netuid,
  validator,
  plan: planJson(plan),
});

const headerLine = (of: RolloutLedgerOf): string => canonicalJson(headerJson(of));

/** Another version has other lines, and may have other standings: none is read as if it were this one. */
function fromHeader(line: string, path: string): RolloutLedgerOf {
  const value: unknown = JSON.parse(line);
  const { version } = z.object({ assay: z.literal('rollouts'), version: z.int().min(1) }).parse(value);
  if (version !== VERSION)
    throw invalid(
      path,
      `a ledger of version ${VERSION}; a release of its version reads it, and a validator begins anew with an empty data folder`,
      `version ${version}`,
    );
  const { genesis, netuid, validator, plan } = header.parse(value);
  assertWindowPlan(plan);
  return { genesis, netuid, validator, plan };
}

function assertOf(path: string, found: RolloutLedgerOf, wanted: RolloutLedgerOf): void {
  const [is, should] = [headerJson(found), headerJson(wanted)];
  for (const [key, name] of [
    ['genesis', 'chain'],
    ['netuid', 'subnet'],
    ['validator', 'validator'],
    ['plan', 'plan of windows'],
  ] as const) {
    const [got, expected] = [is[key], should[key]].map((value) => canonicalJson(value));
    if (got !== expected)
      throw invalid(path, `a ledger of this ${name}, ${expected}, or a new folder`, `one of ${got}`);
  }
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
  z.strictObject({
    type: z.literal('proven'),
    window,
    miner,
    place: z.int().min(0),
    millis: z.int().min(0),
    creditMillis: z.int().min(0),
    proof: hex,
  }),
  z.strictObject({ type: z.literal('judged'), window }),
  z.strictObject({ type: z.literal('lapsed'), window, why: z.string() }),
]);

const header = z.strictObject({
  assay: z.literal('rollouts'),
  version: z.literal(VERSION),
  genesis: hex.refine((bytes) => bytes.length === 32),
  netuid: z.int().min(0).max(0xffff),
  validator: miner,
  plan: z.strictObject({
    firstBlock: z.int(),
    everyBlocks: z.int(),
    workBlocks: z.int(),
    beaconDelayMs: z.int().min(0),
    headLeadBlocks: z.int(),
    auditExpiryMs: z.int().min(0),
  }),
});
const line = z.strictObject({ before: z.string(), entry });

const fromLine = (text: string): z.infer<typeof line> => line.parse(JSON.parse(text));

/** @param before SHA-256 of the line before, in hex */
const toLine = (value: RolloutEntry, before: string): string =>
  canonicalJson({ before, entry: entryJson(value) });

function entryJson(value: RolloutEntry): object {
  switch (value.type) {
    case 'collected':
      return {
        ...value,
        round: String(value.round),
        context: windowJson(value.context),
        deliveries: value.deliveries.map((each) => ({
          ...each,
          manifest: toHex(each.manifest),
          ...('file' in each ? { file: toHex(each.file) } : {}),
          ...('proof' in each && each.proof ? { proof: toHex(each.proof) } : {}),
        })),
      };
    case 'verdict':
      return { ...value, record: toHex(value.record) };
    case 'proven':
      return { ...value, proof: toHex(value.proof) };
    default:
      return value;
  }
}
