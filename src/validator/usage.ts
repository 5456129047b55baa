// Owns: usage receipts of an epoch as facts of its pay. Does not own: what a receipt must say (scoring/receipts.ts), who collects them.
import type { Subnet } from '../chain/chain.js';
import { verifySignature } from '../keys/keypair.js';
import { fromAddress } from '../keys/ss58.js';
import type { Log } from '../model/log.js';
import {
  createUsageBook,
  type Facts,
  RECEIPT_BYTES,
  readReceipt,
  type ScoringPolicy,
  type UsageBook,
} from '../scoring/index.js';

/** Receipts that an operator collects, one JSON document a line. */
export type ReceiptLines = () => Promise<readonly string[]>;

/** For receipts of the present epoch. */
export const usageBookOf = (
  policy: ScoringPolicy,
  { netuid, epochIndex: epoch, lastEpochBlock: fromBlock, nextEpochBlock, block }: Subnet,
  neurons: Facts['neurons'],
): UsageBook =>
  createUsageBook(
    { verify: (signer, message, signature) => verifySignature(signature, message, fromAddress(signer)) },
    { policy, netuid, epoch, fromBlock, toBlock: nextEpochBlock ?? block + 1, neurons },
  );

/**
 * Of this epoch as far as it has come: what is used after weights are due is paid to nobody.
 * @returns undefined where the policy pays nothing for used time
 */
export async function usageOf(
  { receipts = async () => [], log }: { readonly receipts?: ReceiptLines | undefined; readonly log: Log },
  policy: ScoringPolicy,
  subnet: Subnet,
  neurons: Facts['neurons'],
): Promise<Facts['usage']> {
  if (!policy.rented) return undefined;
  const book = usageBookOf(policy, subnet, neurons);
  const refused: Record<string, number> = {};
  for (const line of await receipts()) {
    const why = line.length > RECEIPT_BYTES ? 'malformed' : book.add(readReceipt(line));
    if (why && why !== 'other-epoch') refused[why] = (refused[why] ?? 0) + 1; // a file may be of many epochs
  }
  if (Object.keys(refused).length > 0)
    log.warn('usage receipts that do not count', { epoch: subnet.epochIndex, ...refused });
  return book.totals();
}
