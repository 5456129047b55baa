import { describe, expect, test } from 'vitest';
import { equals, toHex } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { toHotkey } from '../../../src/model/ids.js';
import {
  createUsageBook,
  payOf,
  readReceipt,
  receiptMessage,
  scoringStateOf,
} from '../../../src/scoring/index.js';
import fc from '../../support/properties.js';
import { factsOf, partOf, policyOf } from '../../support/scoring.js';

const SIGNER = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const policy = policyOf({ rented: { signers: [SIGNER], idle: 0.25 } });
const facts = factsOf(['a', 'z', 'sister'], { coldkeys: { a: 'x', sister: 'x' } });
/** a signature of these tests: the hash of the message, twice */
const sign = (message: Uint8Array): string => toHex(sha256(message)).repeat(2);

const receiptOf = (change: object = {}) => {
  const plain = {
    format: 'assay-usage-receipt/1' as const,
    netuid: 7,
    epoch: 3,
    miner: 'a',
    slot: 0,
    fromBlock: 1000,
    toBlock: 1050,
    signer: SIGNER,
    ...change,
  };
  return { signature: sign(receiptMessage(plain)), ...plain };
};
const bookOf = (of = policy) =>
  createUsageBook(
    { verify: (_, message, signature) => equals(signature.subarray(0, 32), sha256(message)) },
    { policy: of, netuid: 7, epoch: 3, fromBlock: 1000, toBlock: 1100, neurons: facts.neurons },
  );

describe('usage receipts', () => {
  test('are time in which a slot was used, and what it is paid where idle ones are paid less', () => {
    const book = bookOf();
    expect(book.add(receiptOf())).toBeUndefined();
    expect(book.totals()).toEqual(new Map([['a', new Map([[0, 500_000]])]]));
    const outcomes = ['a', 'z'].map((miner) => ({
      event: 'e',
      epoch: 3,
      miner: toHotkey(miner),
      kind: 'compute',
      paramsId: '',
      slot: 0,
      verdict: { kind: 'accepted' } as const,
      credit: { opsPerS: 8 },
      share: 1,
    }));
    const state = scoringStateOf(policy, { outcomes, completed: [{ event: 'e', epoch: 3 }], through: 3 });
    const pay = payOf(state, { epoch: 3, facts: { ...facts, usage: book.totals() } });
    // 0.25 + 0.75 / 2 against 0.25
    expect(partOf(pay, 'a')).toBeCloseTo(5 / 7, 12);
    expect(pay.reasons.get(toHotkey('z'))!.cuts).toEqual([
      { why: 'idle', pool: 'all', factor: 0.25, amount: 6 },
    ]);
    const used = policyOf({
      rented: { signers: [SIGNER], idle: 0 },
      pools: [{ name: 'used', share: 1, credit: 'usage' }],
    });
    const nothing = scoringStateOf(used, { outcomes: [], completed: [], through: 3 });
    expect(partOf(payOf(nothing, { epoch: 3, facts: { ...facts, usage: book.totals() } }), 'a')).toBe(1);
  });

  test.each([
    ['of another subnet', { netuid: 8 }, 'other-subnet'],
    ['of another epoch', { epoch: 2 }, 'other-epoch'],
    ['of blocks before the epoch', { fromBlock: 999 }, 'interval'],
    ['of no blocks', { toBlock: 1000 }, 'interval'],
    ['signed by the miner itself', { signer: 'a' }, 'own-signer'],
    ['signed by a hotkey of its coldkey', { signer: 'sister' }, 'own-signer'],
    ['signed by one that the policy does not list', { signer: 'z' }, 'signer-not-listed'],
    ['of nobody of the subnet', { miner: 'gone' }, 'not-registered'],
    ['with a key that is none', { price: 1 }, 'malformed'],
    ['with another signature', { signature: 'ab'.repeat(64) }, 'signature'],
  ])('%s are refused', (_, change, why) => {
    expect(bookOf().add(receiptOf(change))).toBe(why);
  });

  test('count once, and a slot is sold once', () => {
    const book = bookOf();
    expect(book.add(receiptOf())).toBeUndefined();
    expect(book.add(receiptOf())).toBe('twice');
    expect(book.add(receiptOf({ fromBlock: 1010, toBlock: 1050 }))).toBe('overlap');
    expect(book.add(receiptOf({ fromBlock: 1040, toBlock: 1060 }))).toBeUndefined();
    expect(book.add(receiptOf({ fromBlock: 1050, toBlock: 1060 }))).toBe('overlap');
    expect(book.add(receiptOf({ slot: 1 }))).toBeUndefined();
    expect(book.totals().get(toHotkey('a'))).toEqual(
      new Map([
        [0, 600_000],
        [1, 500_000],
      ]),
    );
  });

  test('come to the blocks that any of them is of, in whatever order they come: no signer and no miner gains by being first', () => {
    const some = fc.array(
      fc.record({ from: fc.integer({ min: 1000, max: 1099 }), blocks: fc.integer({ min: 1, max: 40 }) }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(some, (given) => {
        const receipts = given.map(({ from, blocks }) => ({
          fromBlock: from,
          toBlock: Math.min(1100, from + blocks),
        }));
        const totalOf = (of: typeof receipts) => {
          const book = bookOf();
          for (const each of of) book.add(receiptOf(each));
          return book.totals().get(toHotkey('a'))?.get(0) ?? 0;
        };
        const blocks = new Set(
          receipts.flatMap(({ fromBlock, toBlock }) =>
            Array.from({ length: toBlock - fromBlock }, (_, i) => fromBlock + i),
          ),
        );
        expect(totalOf(receipts)).toBe(blocks.size * 10_000);
        expect(totalOf([...receipts].reverse())).toBe(blocks.size * 10_000);
      }),
    );
  });

  test('that are too long, or no JSON, are not looked at', () => {
    expect(() => readReceipt(' '.repeat(2000))).toThrow(/at most/);
    expect(bookOf().add(readReceipt('{'))).toBe('malformed');
  });
});
