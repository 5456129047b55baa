import { describe, expect, test } from 'vitest';
import { toHotkey } from '../../../src/model/ids.js';
import { createMaintenanceBook, type MaintenanceRules } from '../../../src/parameters/maintenance.js';
import type { Maintenance } from '../../../src/protocol/maintenance.js';
import fc from '../../support/properties.js';

const A = toHotkey('a');
const RULES: MaintenanceRules = { blocks: 300, inBlocks: 5000, declarations: 3, leadBlocks: 50 };
const said = (
  serial: number,
  fromBlock: number,
  untilBlock: number,
  workers: string[] = [],
): Maintenance => ({
  genesis: new Uint8Array(32),
  netuid: 1,
  hotkey: new Uint8Array(32),
  serial,
  fromBlock,
  untilBlock,
  workers,
});
const covered = (book: ReturnType<typeof createMaintenanceBook>, blocks: readonly number[], worker = 'w') =>
  blocks.filter((block) => book.covering(A, worker, block));

describe('a declaration', () => {
  test('counts from its first block, and not at its last', () => {
    const book = createMaintenanceBook();
    book.hear(A, said(1, 1000, 1100), 900, RULES);
    expect(covered(book, [999, 1000, 1099, 1100])).toEqual([1000, 1099]);
  });

  test('that is heard late counts so much later: none can be made for an event that is announced', () => {
    const book = createMaintenanceBook();
    book.hear(A, said(1, 1000, 1100), 990, RULES);
    expect(covered(book, [1000, 1039, 1040])).toEqual([1040]);
    expect(book.hear(A, said(2, 1000, 1040), 990, RULES)).toEqual({ refused: 'late' });
  });

  test('of a worker is of no other', () => {
    const book = createMaintenanceBook();
    book.hear(A, said(1, 1000, 1100, ['host-2']), 900, RULES);
    expect(book.covering(A, 'host-2', 1050)).toBeDefined();
    expect(book.covering(A, 'host-1', 1050)).toBeUndefined();
    expect(book.covering(toHotkey('b'), 'host-2', 1050)).toBeUndefined();
  });

  test('shown again, or replayed for ever, counts once', () => {
    const book = createMaintenanceBook();
    const first = book.hear(A, said(1, 1000, 1100), 900, RULES);
    expect(first).toMatchObject({ counted: { from: 1000, until: 1100 } });
    for (let at = 900; at < 1200; at += 25)
      expect(book.hear(A, said(1, 1000, 1100), at, RULES)).toBeUndefined();
    expect(book.counted()).toHaveLength(1);
    book.forgetBefore(2000);
    expect(book.hear(A, said(1, 1000, 1100), 2000, RULES)).toEqual({ refused: 'late' });
  });

  test('cannot be moved or made longer under its serial', () => {
    const book = createMaintenanceBook();
    book.hear(A, said(1, 1000, 1100), 900, RULES);
    expect(book.hear(A, said(1, 1000, 1200), 900, RULES)).toBeUndefined();
    expect(book.hear(A, said(1, 1001, 1100), 900, RULES)).toEqual({ refused: 'changed' });
    expect(book.hear(A, said(1, 1000, 1100, ['w']), 900, RULES)).toEqual({ refused: 'changed' });
    book.hear(A, said(2, 1200, 1250, ['a', 'b']), 900, RULES);
    // its outcomes would keep a statement that is not of their worker
    expect(book.hear(A, said(2, 1200, 1240, ['a,b']), 900, RULES)).toEqual({ refused: 'changed' });
    expect(covered(book, [1099, 1100])).toEqual([1099]);
  });

  test('ends earlier, but no sooner than one could begin: who sees an event come cannot choose to be there', () => {
    const book = createMaintenanceBook();
    book.hear(A, said(1, 1000, 1200), 900, RULES);
    book.hear(A, said(1, 1000, 1000), 1020, RULES);
    expect(covered(book, [1069, 1070])).toEqual([1069]);
    expect(book.hear(A, said(1, 1000, 1200), 1021, RULES)).toBeUndefined(); // the longer one again
    expect(covered(book, [1070])).toEqual([]);
  });

  test('cancelled in time never begins, and is one of those that are allowed all the same', () => {
    const book = createMaintenanceBook();
    for (const serial of [1, 2, 3]) {
      book.hear(A, said(serial, 1000 * serial, 1000 * serial + 90), 100, RULES);
      book.hear(A, said(serial, 1000 * serial, 1000 * serial), 100, RULES);
      expect(covered(book, [1000 * serial])).toEqual([]);
    }
    expect(book.hear(A, said(4, 4000, 4010), 100, RULES)).toEqual({ refused: 'too-many' });
  });

  test('is refused beyond the allowance, and counts once what was declared before is long enough ago', () => {
    const book = createMaintenanceBook();
    book.hear(A, said(1, 1000, 1200), 900, RULES);
    expect(book.hear(A, said(2, 2000, 2101), 1900, RULES)).toEqual({ refused: 'too-long' });
    expect(book.hear(A, said(2, 6000, 6300), 5900, RULES)).toEqual({ refused: 'too-long' });
    expect(book.hear(A, said(2, 6200, 6500), 6100, RULES)).toMatchObject({ counted: { until: 6500 } });
    expect(book.hear(A, said(9, 12_000, 12_100), 6600, RULES)).toEqual({ refused: 'too-far' });
  });

  test('has nothing to count where a policy allows none', () => {
    const none = { ...RULES, blocks: 0 };
    expect(createMaintenanceBook().hear(A, said(1, 1000, 1100), 900, none)).toEqual({ refused: 'too-long' });
  });

  test('counts after a restart as it did before', () => {
    const [before, after] = [createMaintenanceBook(), createMaintenanceBook()];
    before.hear(A, said(1, 1000, 1200), 990, RULES);
    before.hear(A, said(1, 1000, 1100), 1000, RULES);
    for (const counted of before.counted()) after.restore(counted);
    expect(after.counted()).toEqual(before.counted());
    expect(after.hear(A, said(1, 1000, 1200), 1010, RULES)).toBeUndefined();
  });
});

test('whatever a hotkey says and when, no stretch of blocks has more maintenance than is allowed', () => {
  const statement = fc.record({
    serial: fc.integer({ min: 0, max: 6 }),
    from: fc.integer({ min: 0, max: 9000 }),
    length: fc.integer({ min: 0, max: 320 }),
    gap: fc.integer({ min: 0, max: 1200 }),
  });
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 25 }), (statements) => {
      const book = createMaintenanceBook();
      const blocks = new Set<number>();
      let at = 0;
      const live = (until: number) => {
        for (; at < until; at++) if (book.covering(A, 'w', at)) blocks.add(at);
      };
      for (const { serial, from, length, gap } of statements) {
        live(at + gap);
        book.hear(A, said(serial, from, from + length), at, RULES);
        if (serial === 0) book.forgetBefore(at - RULES.inBlocks);
      }
      live(at + 6000);
      const all = [...blocks];
      for (const first of all) {
        const within = all.filter((block) => block >= first && block < first + RULES.inBlocks);
        expect(within.length).toBeLessThanOrEqual(RULES.blocks);
      }
    }),
    { numRuns: 40 },
  );
});
