// Owns: usage receipts as scoring takes them: their form, what is refused, time used by slot. Does not own: who makes them, keys
// (the check of a signature is handed in), what used time is paid (pay.ts).
import { z } from 'zod';
import { fromHex, toHex, utf8 } from '../model/bytes.js';
import { canonicalJson } from '../model/canonical-json.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import type { Hotkey } from '../model/ids.js';
import type { Facts } from './pay.js';
import type { ScoringPolicy } from './policy.js';

export const RECEIPT_FORMAT = 'assay-usage-receipt/1';
const MOST_RECEIPTS = 2 ** 17;
export const RECEIPT_BYTES = 1024;

const count = z.int().min(0);
const address = z.string().min(1).max(64);
const RECEIPT = z.strictObject({
  format: z.literal(RECEIPT_FORMAT),
  netuid: count.max(0xffff),
  epoch: count,
  /** who was used, and which of its slots */
  miner: address,
  slot: count.max(0xffff_ffff),
  /** blocks in which it was, the first inside and the last outside */
  fromBlock: count,
  toBlock: count,
  /** who says so; one that the policy lists */
  signer: address,
  /** 64 bytes over `receiptMessage` */
  signature: z.string().regex(/^[0-9a-f]{128}$/),
});
export type UsageReceipt = Readonly<z.infer<typeof RECEIPT>>;

export type ReceiptRefusal =
  | 'malformed'
  | 'other-subnet'
  | 'other-epoch'
  /** no blocks, or some that are not of the epoch */
  | 'interval'
  | 'signer-not-listed'
  /** signed by the miner or by a hotkey of its coldkey: nobody is its own customer */
  | 'own-signer'
  | 'not-registered'
  | 'signature'
  | 'twice'
  /** only of blocks in which the slot was used already: it can be sold once */
  | 'overlap'
  | 'too-many';

export interface UsageBook {
  /** @returns why it does not count; undefined when it does */
  add(receipt: unknown): ReceiptRefusal | undefined;
  /** what `Facts.usage` takes */
  totals(): NonNullable<Facts['usage']>;
}

export interface UsageParts {
  /** whether `signature` is the hotkey's over `message` */
  readonly verify: (signer: Hotkey, message: Uint8Array, signature: Uint8Array) => boolean;
}

export interface UsageOf {
  readonly policy: ScoringPolicy;
  readonly netuid: number;
  readonly epoch: number;
  /** blocks of the epoch, the first inside and the last outside */
  readonly fromBlock: number;
  readonly toBlock: number;
  readonly neurons: Facts['neurons'];
}

/** What a signer signs. */
export function receiptMessage(receipt: Omit<UsageReceipt, 'signature'>): Uint8Array {
  const { signature: _, ...signed } = receipt as UsageReceipt;
  return utf8(canonicalJson(signed));
}

/** Names a receipt, whoever signed it how often: 64 hex digits. */
export const receiptDigest = (receipt: Omit<UsageReceipt, 'signature'>): string =>
  toHex(sha256(receiptMessage(receipt)));

/** Receipts of one epoch. A slot was used in every block that one of them is of: in whatever order they come, the totals are the same. */
export function createUsageBook({ verify }: UsageParts, of: UsageOf): UsageBook {
  const { policy, neurons } = of;
  if (of.toBlock <= of.fromBlock)
    throw new RangeError(`toBlock: expected more than ${of.fromBlock}, got ${of.toBlock}`);
  const signers = new Set(policy.rented?.signers);
  const seen = new Set<string>();
  const used = new Map<Hotkey, Map<number, readonly Blocks[]>>();

  function refusalOf(receipt: UsageReceipt): ReceiptRefusal | undefined {
    const { netuid, epoch, fromBlock, toBlock } = receipt;
    const [miner, signer] = [receipt.miner as Hotkey, receipt.signer as Hotkey]; // looked up, not trusted
    if (netuid !== of.netuid) return 'other-subnet';
    if (epoch !== of.epoch) return 'other-epoch';
    if (fromBlock >= toBlock || fromBlock < of.fromBlock || toBlock > of.toBlock) return 'interval';
    const [owner, by] = [neurons.get(miner), neurons.get(signer)];
    if (!owner) return 'not-registered';
    if (signer === miner || by?.coldkey === owner.coldkey) return 'own-signer';
    if (!signers.has(signer)) return 'signer-not-listed';
    if (seen.has(receiptDigest(receipt))) return 'twice';
    const times = used.get(miner)?.get(receipt.slot) ?? [];
    if (times.some(({ from, to }) => from <= fromBlock && toBlock <= to)) return 'overlap';
    return verify(signer, receiptMessage(receipt), fromHex(receipt.signature)) ? undefined : 'signature';
  }

  return {
    add(given) {
      if (seen.size >= MOST_RECEIPTS) return 'too-many';
      const parsed = RECEIPT.safeParse(given);
      if (!parsed.success) return 'malformed';
      const receipt = parsed.data;
      const refusal = refusalOf(receipt);
      if (refusal) return refusal;
      seen.add(receiptDigest(receipt));
      const miner = receipt.miner as Hotkey; // a neuron's: `refusalOf` looked
      const slots = used.get(miner) ?? new Map<number, readonly Blocks[]>();
      used.set(miner, slots);
      slots.set(receipt.slot, joined(slots.get(receipt.slot) ?? [], receipt));
      return undefined;
    },
    totals() {
      const blocks = BigInt(of.toBlock - of.fromBlock);
      const part = (times: readonly Blocks[]): number =>
        Number((1_000_000n * times.reduce((sum, { from, to }) => sum + BigInt(to - from), 0n)) / blocks);
      return new Map(
        [...used].map(([miner, slots]) => [
          miner,
          new Map([...slots].map(([slot, times]) => [slot, part(times)])),
        ]),
      );
    },
  };
}

/** The first inside and the last outside. */
interface Blocks {
  readonly from: number;
  readonly to: number;
}

/** No two of them touch, before and after. */
function joined(
  times: readonly Blocks[],
  { fromBlock, toBlock }: Pick<UsageReceipt, 'fromBlock' | 'toBlock'>,
): readonly Blocks[] {
  const isApart = ({ from, to }: Blocks): boolean => to < fromBlock || toBlock < from;
  const met = times.filter((each) => !isApart(each));
  const from = Math.min(fromBlock, ...met.map((each) => each.from));
  const to = Math.max(toBlock, ...met.map((each) => each.to));
  return [...times.filter(isApart), { from, to }];
}

/** @throws AssayError `limit-exceeded` for a line that no receipt is as long as; what is no JSON is refused as malformed */
export function readReceipt(line: string): unknown {
  if (line.length > RECEIPT_BYTES)
    throw new AssayError('limit-exceeded', `receipt: at most ${RECEIPT_BYTES} characters`, {
      what: 'receipt',
      limit: RECEIPT_BYTES,
      got: line.length,
    });
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
