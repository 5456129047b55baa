// Owns: what became of each epoch's weights, on disk, one line a step. Does not own: deciding the next one (decide.ts).
import { mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Signed, WeightRow } from '../../chain/chain.js';
import { fromHex, toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { type Hotkey, toHotkey } from '../../model/ids.js';
import type { Log } from '../../model/log.js';
import { type Journal, openJournal, readLines } from '../ledger/journal.js';

/** How a row gets onto the chain: at once, by hash and later reveal, or sealed for a round of the beacon. */
export type Form = 'set' | 'plain' | 'timelocked';

/** What a record is about: one mechanism of one subnet in one epoch of the chain. */
export interface Place {
  readonly netuid: number;
  readonly mechanism: number;
  /** the chain's epoch index whose events were scored */
  readonly epoch: number;
}

/** A row as it was signed, with all that a reveal needs. */
export interface Sending {
  readonly form: Form;
  /** uid ascending, u16, as signed */
  readonly row: WeightRow;
  readonly versionKey: bigint;
  /** best block when it was signed: a node that is behind it cannot know what became of it */
  readonly head: number;
  readonly signed: Signed;
  /** `plain`: u16 words */
  readonly salt?: readonly number[];
  /** `plain`: hash of the row; `timelocked`: blake2-256 of the sealed bytes. 32 bytes, hex */
  readonly commit?: string;
  /** `timelocked`: the beacon's round that opens it */
  readonly revealRound?: number;
}

export type Step =
  /** scores by hotkey: uids are looked up when the row is signed */
  | { readonly step: 'computed'; readonly scores: readonly (readonly [Hotkey, number])[] }
  /** written before the bytes leave */
  | ({ readonly step: 'submitted' } & Sending)
  /** the pool or the block refused it: nothing changed, and `block` was the head */
  | { readonly step: 'refused'; readonly error: string; readonly block: number }
  /** in block `block`, and read back there; of a commit with the epoch that the chain gave it */
  | {
      readonly step: 'included';
      readonly block: number;
      readonly blockHash: string;
      readonly commitEpoch?: number;
    }
  /** a fork took that block back */
  | { readonly step: 'retracted'; readonly block: number }
  | { readonly step: 'reveal-submitted'; readonly signed: Signed }
  | { readonly step: 'reveal-refused'; readonly error: string; readonly block: number }
  | { readonly step: 'reveal-retracted'; readonly block: number }
  | { readonly step: 'revealed'; readonly block: number; readonly blockHash: string }
  /** the row stands in the state of a finalised block */
  | { readonly step: 'applied'; readonly block: number }
  | { readonly step: 'failed'; readonly reason: string };

export type Stage =
  | 'computed'
  | 'submitted'
  | 'included'
  | 'reveal-submitted'
  | 'revealed'
  | 'applied'
  | 'failed';

/** All steps of one place, folded. */
export interface WeightsRecord extends Place {
  readonly stage: Stage;
  readonly scores: readonly (readonly [Hotkey, number])[];
  readonly sending?: Sending;
  readonly included?: { readonly block: number; readonly blockHash: string };
  readonly commitEpoch?: number;
  readonly reveal?: Signed;
  readonly revealed?: { readonly block: number; readonly blockHash: string };
  /** refusals since the last success, and where the last one was */
  readonly refusals: number;
  readonly refusedAt?: number;
  readonly lastError?: string;
  readonly applied?: number;
  readonly reason?: string;
}

export interface WeightsBook {
  /** All that are unfinished and the latest finished ones, oldest epoch first. */
  records(): readonly WeightsRecord[];
  /** Resolves when it is on disk. @throws TypeError for a step that the record's stage does not allow */
  write(place: Place, step: Step): Promise<void>;
  close(): Promise<void>;
}

export const isFinished = ({ stage }: WeightsRecord): boolean => stage === 'applied' || stage === 'failed';

/** Epochs whose records are kept, of each subnet and mechanism. */
const KEPT = 64;
/** A node of the same chain is never so far behind the block that one of its extrinsics was signed at. */
const BEHIND_BLOCKS = 1000;
/** Lines after which the file is written anew with the kept ones only. */
const COMPACT_LINES = 4096;

/** @throws TypeError for a step out of order */
export function fold(record: WeightsRecord | undefined, place: Place, step: Step): WeightsRecord {
  const allowed = ALLOWED[step.step];
  const stage = record?.stage ?? 'none';
  if (!allowed.includes(stage))
    throw new TypeError(`weights of epoch ${place.epoch}: no step ${step.step} at ${stage}`);
  const base: WeightsRecord = record ?? { ...place, stage: 'computed', scores: [], refusals: 0 };
  switch (step.step) {
    case 'computed':
      return { ...base, scores: step.scores };
    case 'submitted': {
      const { step: _, ...sending } = step;
      return { ...base, stage: 'submitted', sending };
    }
    case 'refused':
      return without({ ...base, stage: 'computed', ...refusal(base, step) }, 'sending');
    case 'included': {
      const { block, blockHash, commitEpoch } = step;
      return {
        ...base,
        stage: 'included',
        refusals: 0,
        included: { block, blockHash },
        ...(commitEpoch === undefined ? {} : { commitEpoch }),
      };
    }
    case 'retracted':
      return without({ ...base, stage: 'submitted' }, 'included', 'commitEpoch');
    case 'reveal-submitted':
      return { ...base, stage: 'reveal-submitted', reveal: step.signed };
    case 'reveal-refused':
      return without({ ...base, stage: 'included', ...refusal(base, step) }, 'reveal');
    case 'reveal-retracted':
      return without({ ...base, stage: 'reveal-submitted' }, 'revealed');
    case 'revealed':
      return { ...base, stage: 'revealed', revealed: { block: step.block, blockHash: step.blockHash } };
    case 'applied':
      return { ...base, stage: 'applied', applied: step.block };
    case 'failed':
      return { ...base, stage: 'failed', reason: step.reason };
  }
}

const ALLOWED: Readonly<Record<Step['step'], readonly (Stage | 'none')[]>> = {
  computed: ['none', 'computed'],
  submitted: ['computed'],
  refused: ['submitted'],
  included: ['submitted'],
  retracted: ['included'],
  'reveal-submitted': ['included'],
  'reveal-refused': ['reveal-submitted'],
  'reveal-retracted': ['revealed'],
  revealed: ['reveal-submitted'],
  applied: ['included', 'revealed'],
  failed: ['computed', 'submitted', 'included', 'reveal-submitted', 'revealed'],
};

const refusal = (
  base: WeightsRecord,
  { error, block }: { readonly error: string; readonly block: number },
) => ({ refusals: base.refusals + 1, refusedAt: block, lastError: error });

function without<K extends keyof WeightsRecord>(
  record: WeightsRecord,
  ...names: readonly K[]
): WeightsRecord {
  const out: Partial<Record<keyof WeightsRecord, unknown>> = { ...record };
  for (const name of names) delete out[name];
  return out as unknown as WeightsRecord; // the names are optional ones
}

/**
 * The book of one hotkey on one chain; another chain has a file of its own beside it. A localnet that was begun anew may have
 * the same genesis: a book that knows of blocks far above the head is moved aside.
 * @param options.folder is made where it is missing; locked by whoever owns it
 * @throws AssayError `corrupt` naming the line
 */
export async function openWeightsBook(
  parts: { readonly log: Log },
  {
    folder,
    genesisHash,
    hotkey,
    head,
  }: { folder: string; genesisHash: Uint8Array; hotkey: string; head: number },
): Promise<WeightsBook> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${toHex(genesisHash).slice(0, 16)}-${hotkey}.jsonl`);
  const records = new Map<string, WeightsRecord>();
  let { lines, complete, torn } = await load(path, records);
  const newest = Math.max(0, ...[...records.values()].map(({ sending }) => sending?.head ?? 0));
  if (newest > head + BEHIND_BLOCKS) {
    const aside = `${path}.${newest}`;
    parts.log.warn('the weights book is of another chain with this genesis: it is moved aside', {
      path,
      aside,
    });
    await rename(path, aside);
    records.clear();
    lines = complete = torn = 0;
  }
  if (torn > 0)
    parts.log.warn('the last step of the weights book was cut short and is dropped', { path, torn });
  forgetOld(records);
  const size = lines > COMPACT_LINES ? await compact(path, records) : complete;
  const journal = await openJournal(path, size);
  return createBook(journal, records);
}

/** One book as its file says now. */
export interface WrittenBook {
  /** first 16 hex digits of the chain's genesis hash */
  readonly chain: string;
  readonly hotkey: Hotkey;
  /** as WeightsBook.records has them */
  readonly records: readonly WeightsRecord[];
}

/**
 * All books of a folder, for looking: beside the process that writes them. A step that is being written is not seen yet.
 * @throws AssayError `corrupt` naming the line
 */
export async function readWeightsBooks(folder: string): Promise<readonly WrittenBook[]> {
  const books: WrittenBook[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const [, chain, hotkey] = /^([0-9a-f]{16})-([1-9A-HJ-NP-Za-km-z]{1,64})\.jsonl$/.exec(name) ?? [];
    if (chain === undefined || hotkey === undefined) continue;
    const records = new Map<string, WeightsRecord>();
    await load(join(folder, name), records);
    forgetOld(records);
    books.push({ chain, hotkey: toHotkey(hotkey), records: createBook(undefined, records).records() });
  }
  return books;
}

/** A book that is gone with the process: for tests and simulations. */
export function memoryWeightsBook(): WeightsBook {
  return createBook(undefined, new Map());
}

function createBook(
  journal: Pick<Journal, 'append' | 'close'> | undefined,
  records: Map<string, WeightsRecord>,
): WeightsBook {
  return {
    records: () => [...records.values()].sort((a, b) => a.epoch - b.epoch || a.mechanism - b.mechanism),
    async write(place, step) {
      const key = keyOf(place);
      const next = fold(records.get(key), place, step);
      await journal?.append(JSON.stringify(toLine(place, step)));
      records.set(key, next);
      forgetOld(records);
    },
    close: async () => journal?.close(),
  };
}

const keyOf = ({ netuid, mechanism, epoch }: Place): string => `${netuid}/${mechanism}/${epoch}`;

function forgetOld(records: Map<string, WeightsRecord>): void {
  const finished = new Map<string, string[]>();
  for (const [key, record] of records) {
    if (!isFinished(record)) continue;
    const place = `${record.netuid}/${record.mechanism}`;
    finished.set(place, [...(finished.get(place) ?? []), key]);
  }
  for (const keys of finished.values())
    for (const key of keys.slice(0, Math.max(0, keys.length - KEPT))) records.delete(key);
}

async function load(
  path: string,
  records: Map<string, WeightsRecord>,
): Promise<{ lines: number; complete: number; torn: number }> {
  if (!(await stat(path).catch(() => undefined))) return { lines: 0, complete: 0, torn: 0 };
  let lines = 0;
  const { complete, torn } = await readLines(path, (text, _place, line) => {
    lines = line;
    try {
      const { place, step } = fromLine(text);
      records.set(keyOf(place), fold(records.get(keyOf(place)), place, step));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message.slice(0, 200) : 'not a step';
      throw new AssayError('corrupt', `${path}: line ${line}: ${why}`, { path, line, why }, { cause });
    }
  });
  return { lines, complete, torn };
}

/** What is kept, as whole records: their steps are of no more interest. @returns its bytes */
async function compact(path: string, records: ReadonlyMap<string, WeightsRecord>): Promise<number> {
  const text = [...records.values()]
    .flatMap(stepsOf)
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
  const part = join(dirname(path), `.${process.pid}.part`);
  await writeFile(part, text, { mode: 0o600, flush: true });
  await rename(part, path);
  return Buffer.byteLength(text);
}

/** The shortest steps that lead to `record`. */
function stepsOf(record: WeightsRecord): unknown[] {
  const { scores, sending, included, commitEpoch, reveal, revealed, applied, reason } = record;
  const steps: Step[] = [{ step: 'computed', scores }];
  if (sending) steps.push({ step: 'submitted', ...sending });
  if (included)
    steps.push({ step: 'included', ...included, ...(commitEpoch === undefined ? {} : { commitEpoch }) });
  if (reveal) steps.push({ step: 'reveal-submitted', signed: reveal });
  if (revealed) steps.push({ step: 'revealed', ...revealed });
  if (record.stage === 'applied') steps.push({ step: 'applied', block: applied! });
  if (record.stage === 'failed') steps.push({ step: 'failed', reason: reason! });
  return steps.map((step) => toLine(record, step));
}

// A line of the file. Bytes are hex, u64 are decimal strings.

const hex = z.string().regex(/^([0-9a-f]{2})*$/);
const u16 = z.number().int().min(0).max(65535);
const u32 = z.number().int().min(0).max(0xffff_ffff);
const signedLine = z.strictObject({
  bytes: hex,
  hash: hex,
  nonce: u32,
  deathBlock: u32,
  // not in books of 0.1
  birthBlock: u32.optional(),
  call: z.string().optional(),
});
const included = { block: u32, blockHash: hex };
const refused = { error: z.string(), block: u32 };
const stepLine = z.discriminatedUnion('step', [
  z.strictObject({ step: z.literal('computed'), scores: z.array(z.tuple([z.string(), z.number()])) }),
  z.strictObject({
    step: z.literal('submitted'),
    form: z.enum(['set', 'plain', 'timelocked']),
    row: z.array(z.tuple([u16, u16])),
    versionKey: z.string().regex(/^\d+$/),
    head: u32,
    signed: signedLine,
    salt: z.array(u16).optional(),
    commit: hex.optional(),
    revealRound: z.number().int().min(1).optional(),
  }),
  z.strictObject({ step: z.literal('refused'), ...refused }),
  z.strictObject({
    step: z.literal('included'),
    ...included,
    commitEpoch: z.number().int().min(0).optional(),
  }),
  z.strictObject({ step: z.literal('retracted'), block: u32 }),
  z.strictObject({ step: z.literal('reveal-submitted'), signed: signedLine }),
  z.strictObject({ step: z.literal('reveal-refused'), ...refused }),
  z.strictObject({ step: z.literal('reveal-retracted'), block: u32 }),
  z.strictObject({ step: z.literal('revealed'), ...included }),
  z.strictObject({ step: z.literal('applied'), block: u32 }),
  z.strictObject({ step: z.literal('failed'), reason: z.string() }),
]);
const line = z.strictObject({ netuid: u16, mechanism: u16, epoch: z.number().int().min(0), is: stepLine });

function toLine({ netuid, mechanism, epoch }: Place, step: Step): unknown {
  const signed = (value: Signed) => ({ ...value, bytes: toHex(value.bytes), hash: toHex(value.hash) });
  const is =
    step.step === 'submitted'
      ? { ...step, versionKey: String(step.versionKey), signed: signed(step.signed) }
      : step.step === 'reveal-submitted'
        ? { ...step, signed: signed(step.signed) }
        : step;
  return { netuid, mechanism, epoch, is };
}

function fromLine(text: string): { place: Place; step: Step } {
  const { is, ...place } = line.parse(JSON.parse(text));
  const signed = (value: z.infer<typeof signedLine>): Signed => ({
    ...value,
    bytes: fromHex(value.bytes),
    hash: fromHex(value.hash),
  });
  switch (is.step) {
    case 'computed':
      return {
        place,
        step: { ...is, scores: is.scores.map(([hotkey, score]) => [toHotkey(hotkey), score]) },
      };
    case 'submitted': {
      const { salt, commit, revealRound, ...rest } = is;
      const sending: Sending = {
        ...rest,
        versionKey: BigInt(is.versionKey),
        signed: signed(is.signed),
        ...(salt === undefined ? {} : { salt }),
        ...(commit === undefined ? {} : { commit }),
        ...(revealRound === undefined ? {} : { revealRound }),
      };
      return { place, step: { ...sending, step: 'submitted' } };
    }
    case 'included': {
      const { commitEpoch, ...rest } = is;
      return { place, step: { ...rest, ...(commitEpoch === undefined ? {} : { commitEpoch }) } };
    }
    case 'reveal-submitted':
      return { place, step: { step: is.step, signed: signed(is.signed) } };
    default:
      return { place, step: is };
  }
}
