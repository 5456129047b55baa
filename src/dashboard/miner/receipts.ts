// Owns: a miner's receipts as checks. Does not own: their file and their signatures (miner/receipts.ts).
import type { Check } from '../history.js';

/** What a line of the miner's file says; its signature was checked by who kept it. */
export interface ReceiptLine {
  readonly at: string;
  readonly validator: string;
  readonly eventBlock: string;
  readonly slot: number;
  readonly outcome: string;
  readonly verdict: Check['verdict'];
  readonly reason: string;
  readonly measuredMs?: number;
  readonly share: number;
  readonly paramsId: string;
}

export interface Receipts {
  /** whose they are */
  readonly hotkey: string;
  readonly revision: number;
  add(line: ReceiptLine): void;
  /** Newest first. */
  checks(limit: number): readonly Check[];
}

/** Receipts that are held; the oldest go first. */
const MOST = 20_000;

export function createReceipts(hotkey: string): Receipts {
  const checks: Check[] = [];
  let revision = 0;
  return {
    hotkey,
    get revision() {
      return revision;
    },
    add(line) {
      revision++;
      checks.push(toCheck(line));
      if (checks.length >= 2 * MOST) checks.splice(0, checks.length - MOST);
    },
    checks: (limit) => checks.slice(-Math.min(limit, MOST)).reverse(),
  };
}

function toCheck(line: ReceiptLine): Check {
  const atMs = Date.parse(line.at);
  return {
    id: line.outcome,
    atMs: Number.isFinite(atMs) ? atMs : 0,
    validator: line.validator,
    epoch: undefined,
    block: Number(line.eventBlock) || 0,
    kind: undefined,
    paramsId: line.paramsId,
    slot: line.slot,
    verdict: line.verdict,
    reason: line.reason,
    measuredMs: line.measuredMs,
    share: line.share,
    liveness: false,
  };
}
