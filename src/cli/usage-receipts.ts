// Owns: usage receipts of one epoch from a file, each of them checked before any of it counts. Does not own: what makes one count
// (scoring/receipts.ts).
import { verifySignature } from '../keys/keypair.js';
import { fromAddress } from '../keys/ss58.js';
import {
  createUsageBook,
  type Facts,
  type ReceiptRefusal,
  readReceipt,
  type ScoringPolicy,
} from '../scoring/index.js';
import { readInputText } from './input-text.js';
import { invalid } from './invalid-input.js';

/** As many receipts as a book takes, of the length that they have. */
const MAX_BYTES = 64 * 2 ** 20;

const WORDS: Readonly<Record<ReceiptRefusal, string>> = {
  malformed: 'something else',
  'other-subnet': 'one of another subnet',
  'other-epoch': 'one of another epoch',
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
 * @param path JSON lines; `-` for standard input
 * @param of the epoch, and who is registered in it
 * @throws AssayError `invalid-input` naming the line of the first receipt that does not count, and why
 */
export async function readUsage(
  path: string,
  of: {
    readonly policy: ScoringPolicy;
    readonly netuid: number;
    readonly epoch: number;
    /** of the epoch, the first inside and the last outside */
    readonly fromBlock: number;
    readonly toBlock: number;
    readonly neurons: Facts['neurons'];
  },
): Promise<NonNullable<Facts['usage']>> {
  if (!of.policy.rented)
    throw invalid('--receipts', 'a policy that says whose receipts count', `${of.policy.name}`);
  const book = createUsageBook(
    { verify: (signer, message, signature) => verifySignature(signature, message, fromAddress(signer)) },
    of,
  );
  const lines = (await readInputText(path, { maxBytes: MAX_BYTES })).split('\n');
  for (const [i, line] of lines.entries()) {
    if (line === '' && i === lines.length - 1) break;
    const refusal = book.add(readReceipt(line));
    if (refusal) throw invalid(`${path}:${i + 1}`, `a usage receipt of epoch ${of.epoch}`, WORDS[refusal]);
  }
  return book.totals();
}
