// Owns: usage receipts of one epoch from a file, each of them checked before any of it counts. Does not own: what makes one count
// (scoring/receipts.ts).
import type { Subnet } from '../chain/chain.js';
import { type Facts, type ReceiptRefusal, readReceipt, type ScoringPolicy } from '../scoring/index.js';
import { usageBookOf } from '../validator/usage.js';
import { readInputText } from './input-text.js';
import { invalid } from './invalid-input.js';

/** A quarter of a million receipts. */
export const RECEIPTS_BYTES = 128 * 2 ** 20;

const WORDS: Readonly<Record<Exclude<ReceiptRefusal, 'other-epoch'>, string>> = {
  malformed: 'something else',
  'other-subnet': 'one of another subnet',
  interval: 'one of no blocks, or of blocks that are not of the epoch',
  'signer-not-listed': 'one signed by somebody whom the policy does not list',
  'own-signer': 'one signed by the miner itself, or by a hotkey of its coldkey',
  'not-registered': 'one of a miner that is not registered',
  signature: 'one that its signer did not sign',
  twice: 'one that is there twice',
  overlap: 'one of blocks in which the slot was used already',
  'too-many': 'more than are taken',
};

/**
 * What a validator leaves out and warns of when it pays is refused here: who looks before it does can still mend the file.
 * @param path JSON lines, of any epochs; `-` for standard input
 * @throws AssayError `invalid-input` naming the line of the first receipt of the present epoch that does not count, and why
 */
export async function readUsage(
  path: string,
  policy: ScoringPolicy,
  subnet: Subnet,
  neurons: Facts['neurons'],
): Promise<NonNullable<Facts['usage']>> {
  if (!policy.rented) throw invalid('--receipts', 'a policy that says whose receipts count', policy.name);
  const book = usageBookOf(policy, subnet, neurons);
  const lines = (await readInputText(path, { maxBytes: RECEIPTS_BYTES })).split('\n');
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const refusal = book.add(readReceipt(line));
    if (refusal && refusal !== 'other-epoch')
      throw invalid(`${path}:${i + 1}`, 'a usage receipt that counts', WORDS[refusal]);
  }
  return book.totals();
}
