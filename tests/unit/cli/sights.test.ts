import { expect, test } from 'vitest';
import { type LastSight, noteSight, sightLines } from '../../../src/cli/sights.js';
import type { ReceiptRow } from '../../../src/miner/receipts.js';

const row = (validator: string, reason: string, sight?: Partial<NonNullable<ReceiptRow['sight']>>) =>
  ({
    at: '2026-01-02T03:04:05.678Z',
    validator,
    reason,
    ...(sight ? { sight: { ip: '192.0.2.7', port: 9000, answered: true, calledFrom: '', ...sight } } : {}),
  }) as ReceiptRow;

test('the last word of each validator says what to mend', () => {
  const last = new Map<string, LastSight>();
  const rows = [
    row('a', '', { answered: true }),
    row('a', 'unreachable', { answered: false }),
    row('a', 'window'), // of a slot that meets nobody
    row('b', 'elsewhere', { calledFrom: '192.0.2.8' }),
    row('c', 'elsewhere', {}),
    row('d', 'path', { calledFrom: '192.0.2.7' }),
    row('e', 'window', {}),
  ];
  for (const each of rows) noteSight(last, each);
  expect(sightLines(last).map((line) => line.slice('2026-01-02T03:04:05 '.length))).toEqual([
    'a: port 9000 of 192.0.2.7 did not answer: open it to everybody (--link-port names one), and let --announce-ip be where it is',
    'b: port 9000 of 192.0.2.7 answered, and 192.0.2.8 called back: connections must leave from the address that is announced',
    'c: port 9000 of 192.0.2.7 answered, and did not call back: let this host connect outwards',
    'd: port 9000 of 192.0.2.7 answered, and 192.0.2.7 called back',
    'e: port 9000 of 192.0.2.7 answered',
  ]);
});
