import { expect, test } from 'vitest';
import { toIndexed, toLine } from '../../../../src/validator/ledger/entries.js';
import { outcomeEntry } from './folders.js';

test('an outcome of an older journal is read without the amounts that are not credited any more', () => {
  const line = JSON.parse(toLine(outcomeEntry('a'), 0)) as { outcome: { credit: object } };
  line.outcome.credit = { deviceBytes: 5, deviceBytesHostBusy: 7, constructor: 9 };
  expect(toIndexed(JSON.stringify(line))).toMatchObject({ outcome: { credit: { deviceBytes: 5 } } });
  const { credit } = (toIndexed(JSON.stringify(line)) as { outcome: { credit: object } }).outcome;
  expect(Object.keys(credit)).toEqual(['deviceBytes']);
});

test('a simulated device is one in the journal, too', () => {
  const entry = outcomeEntry('a');
  const simulated = { ...entry, outcome: { ...entry.outcome, simulated: true } };
  expect(toIndexed(toLine(simulated, 0))).toMatchObject({ outcome: { simulated: true } });
});
