// Owns: the signed receipts a miner keeps: what each validator concluded, in the validator's own signature.
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { toHex } from '../model/bytes.js';
import { type Credit, RESOURCES } from '../model/credit.js';
import { AssayError } from '../model/errors.js';
import type { Hotkey } from '../model/ids.js';
import { CAUSES, REJECTIONS } from '../model/verdict.js';
import { type Receipt, type Sight, VerdictKind } from '../protocol/gen/assay/v1/miner_pb.js';
import type { SignedFrame } from '../protocol/session.js';

export interface KeptReceipt {
  /** unix ms of arrival */
  readonly at: number;
  readonly validator: Hotkey;
  readonly eventId: Uint8Array;
  readonly receipt: Receipt;
  readonly signed: SignedFrame;
  /** the validator's session certificate: with it and `signed`, anyone can check who said this */
  readonly certificate: Uint8Array;
}

export interface ReceiptStore {
  append(receipt: KeptReceipt): Promise<void>;
}

/** One line of the file, and one row of `assay miner history`. */
export interface ReceiptRow {
  readonly at: string;
  readonly validator: string;
  readonly event: string;
  readonly eventBlock: string;
  readonly slot: number;
  readonly outcome: string;
  readonly verdict: 'accepted' | 'rejected' | 'inconclusive';
  readonly reason: string;
  /** ms on the validator's clock; absent when no Commit arrived */
  readonly measuredMs?: number;
  /** what was proven, by resource */
  readonly credit: Credit;
  readonly share: number;
  /** what the validator's own dial-out saw of the port that the slot offers its peers; absent where it did not look */
  readonly sight?: {
    readonly ip: string;
    readonly port: number;
    readonly answered: boolean;
    /** where our call back came from; empty where none came, or none was asked for */
    readonly calledFrom: string;
  };
  readonly paramsId: string;
  readonly evidenceDigest: string;
  readonly header: string;
  readonly signature: string;
  readonly body: string;
  readonly certificate: string;
}

const VERDICTS: Partial<Record<VerdictKind, ReceiptRow['verdict']>> = {
  [VerdictKind.ACCEPTED]: 'accepted',
  [VerdictKind.REJECTED]: 'rejected',
  [VerdictKind.INCONCLUSIVE]: 'inconclusive',
};

const REASONS: ReadonlySet<string> = new Set([...REJECTIONS, ...CAUSES]);

/** Keeps nothing: for simulations. */
export const noReceipts: ReceiptStore = { append: async () => {} };

/** Appends JSON lines to `path`; a line is on disk when `append` resolves. */
export async function openReceipts(path: string): Promise<ReceiptStore & { close(): Promise<void> }> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a+', 0o600);
  await mendEnd(file);
  let tail: Promise<void> = Promise.resolve();
  return {
    append(kept) {
      const line = `${JSON.stringify(toRow(kept))}\n`;
      const write = tail.then(async () => {
        await file.appendFile(line);
        await file.datasync();
      });
      tail = write.catch(() => {}); // one failed write is its caller's; the next one still gets its turn
      return write;
    },
    async close() {
      await tail;
      await file.close();
    },
  };
}

/** A crash may have cut the last line: what is appended behind it would be lost with it. */
async function mendEnd(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  const chunk = Buffer.alloc(64 * 1024);
  let tail = Buffer.alloc(0);
  let end = -1;
  for (let at = size; at > 0 && end < 0; at -= chunk.length) {
    const from = Math.max(0, at - chunk.length);
    const { bytesRead } = await file.read(chunk, 0, at - from, from);
    tail = Buffer.concat([chunk.subarray(0, bytesRead), tail]);
    end = tail.lastIndexOf(10);
  }
  const last = tail.subarray(end + 1);
  if (last.length === 0) return;
  if (parseRow(last.toString('utf8'))) await file.appendFile('\n');
  else await file.truncate(size - last.length);
}

/**
 * Reads receipts oldest first. A last line cut short by a crash is skipped.
 * @throws AssayError `corrupt` for any other line that is no receipt
 */
export async function* readReceipts(path: string): AsyncGenerator<ReceiptRow> {
  const lines = createInterface({
    input: createReadStream(path, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let broken: number | undefined;
  let line = 0;
  for await (const text of lines) {
    line++;
    if (broken !== undefined) throw corrupt(path, broken);
    const row = parseRow(text);
    if (row) yield row;
    else broken = line;
  }
}

/**
 * Reads receipts while they are written: each complete line once, oldest first.
 * @returns tells those that came since the last call. @throws AssayError `corrupt` as `readReceipts`
 */
export function followReceipts(path: string): (onRow: (row: ReceiptRow) => void) => Promise<void> {
  let at = 0;
  let line = 0;
  return async (onRow) => {
    const file = await open(path, 'r').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (!file) return; // no receipt yet
    try {
      const { size } = await file.stat();
      const chunk = Buffer.alloc(Math.min(FOLLOWED_BYTES, Math.max(0, size - at)));
      while (at < size) {
        const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
        const end = chunk.subarray(0, bytesRead).lastIndexOf(10) + 1;
        if (end === 0 && bytesRead === FOLLOWED_BYTES) throw corrupt(path, line + 1);
        if (end === 0) return; // a line that is being written
        for (const text of chunk.toString('utf8', 0, end - 1).split('\n')) {
          line++;
          const row = parseRow(text);
          if (!row) throw corrupt(path, line);
          onRow(row);
        }
        at += end;
      }
    } finally {
      await file.close();
    }
  };
}

/** Many receipts at once; each is a few KiB, and a line that is longer is none. */
const FOLLOWED_BYTES = 1 << 20;

const corrupt = (path: string, line: number) =>
  new AssayError('corrupt', `${path}:${line}: not a receipt`, { path, line, why: 'not a receipt' });

function parseRow(text: string): ReceiptRow | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { validator, verdict, outcome } = value as Partial<ReceiptRow>;
    const complete =
      typeof validator === 'string' && typeof verdict === 'string' && typeof outcome === 'string';
    return complete ? (value as ReceiptRow) : undefined; // written by toRow: the rest follows from these
  } catch {
    return undefined;
  }
}

/** What a validator wrote ends up on terminals: only resources that there are, and amounts that are numbers. */
function toCredit(amounts: Receipt['credit']): Credit {
  const known = RESOURCES.flatMap((name) => amounts.filter(({ resource }) => resource === name).slice(0, 1));
  return Object.fromEntries(
    known.filter(({ amount }) => Number.isFinite(amount)).map(({ resource, amount }) => [resource, amount]),
  );
}

/** Addresses and nothing else: it ends up on terminals, too. */
function toSight({ ip, port, answered, calledFrom }: Sight): NonNullable<ReceiptRow['sight']> {
  const address = (text: string): string => (isIP(text) === 0 ? '' : text);
  return { ip: address(ip), port, answered, calledFrom: address(calledFrom) };
}

function toRow({ at, validator, eventId, receipt, signed, certificate }: KeptReceipt): ReceiptRow {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  return {
    at: new Date(at).toISOString(),
    validator,
    event: toHex(eventId),
    eventBlock: receipt.eventBlock.toString(),
    slot: receipt.slot,
    // what a validator wrote is shown on terminals: only what it may say is kept readable, the signed bytes stay whole
    outcome: /^[0-9a-f]{32}$/.test(receipt.outcomeId) ? receipt.outcomeId : '',
    verdict: VERDICTS[receipt.verdict] ?? 'inconclusive',
    reason: REASONS.has(receipt.reason) ? receipt.reason : '',
    ...(Number.isFinite(receipt.measuredMs) ? { measuredMs: receipt.measuredMs! } : {}),
    credit: toCredit(receipt.credit),
    share: Number.isFinite(receipt.share) ? receipt.share : 0,
    ...(receipt.sight ? { sight: toSight(receipt.sight) } : {}),
    paramsId: toHex(receipt.paramsId),
    evidenceDigest: toHex(receipt.evidenceDigest),
    header: base64(signed.header),
    signature: base64(signed.signature),
    body: base64(signed.body),
    certificate: base64(certificate),
  };
}
