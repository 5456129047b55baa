// Owns: what validators last saw of a miner's link port, from their own signed receipts, in words. Does not own: receipts
// (miner), what follows for pay (validator).
import type { ReceiptRow } from '../miner/receipts.js';

/** The last word of one validator. */
export interface LastSight extends NonNullable<ReceiptRow['sight']> {
  readonly at: string;
  readonly validator: string;
  /** the receipt's, where the slot was met by nobody for it; else empty */
  readonly reason: string;
}

/** The fold of receipts in the order in which they came. */
export function noteSight(last: Map<string, LastSight>, { at, validator, reason, sight }: ReceiptRow): void {
  if (!sight) return;
  const fault = reason === 'unreachable' || reason === 'elsewhere' ? reason : '';
  last.set(validator, { at, validator, reason: fault, ...sight });
}

/** One line a validator: each looks for itself, and what one saw is nothing to another. */
export const sightLines = (last: ReadonlyMap<string, LastSight>): string[] =>
  [...last.values()].map((each) => `${each.at.slice(0, 19)} ${each.validator}: ${inWords(each)}`);

function inWords({ ip, port, answered, calledFrom, reason }: LastSight): string {
  const at = `port ${port} of ${ip}`;
  if (!answered)
    return `${at} did not answer: open it to everybody (--link-port names one), and let --announce-ip be where it is`;
  if (reason !== 'elsewhere')
    return `${at} answered${calledFrom === '' ? '' : `, and ${calledFrom} called back`}`;
  if (calledFrom === '') return `${at} answered, and did not call back: let this host connect outwards`;
  return `${at} answered, and ${calledFrom} called back: connections must leave from the address that is announced`;
}
