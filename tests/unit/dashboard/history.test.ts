import { describe, expect, test } from 'vitest';
import { createHistory } from '../../../src/dashboard/history.js';
import { inconclusive, rejected } from '../../../src/model/verdict.js';
import { outcomeOf } from '../../support/dashboard-values.js';

const ID = '0123456789abcdef0123456789abcdef';

describe('what is kept of a ledger', () => {
  test('every check of a hotkey comes back as it was told, newest first', () => {
    const history = createHistory();
    history.outcome?.(outcomeOf('hot-1', 1, { id: ID, at: 1000, measuredMs: 1250, share: 0.5 }));
    history.outcome?.(outcomeOf('hot-2', 1));
    history.outcome?.(
      outcomeOf('hot-1', 2, {
        id: ID,
        at: 2000,
        verdict: rejected('window'),
        measuredMs: undefined,
        share: 0,
      }),
    );
    expect(history.checksOf('hot-1', 10)).toEqual([
      {
        id: ID,
        atMs: 2000,
        validator: 'hot-0',
        epoch: 7,
        block: 1002,
        kind: 'compute',
        paramsId: 'ab'.repeat(32),
        slot: 0,
        verdict: 'rejected',
        reason: 'window',
        measuredMs: undefined,
        share: 0,
        liveness: false,
      },
      expect.objectContaining({ atMs: 1000, verdict: 'accepted', reason: '', measuredMs: 1250, share: 0.5 }),
    ]);
    expect(history.checksOf('hot-1', 1)).toHaveLength(1);
    expect(history.checksOf('hot-3', 10)).toEqual([]);
    expect(history.standing('hot-3')).toBeUndefined();
  });

  test('sums go over the newest 24 epochs; what was nobody’s fault moves no mean', () => {
    const history = createHistory();
    history.outcome?.(outcomeOf('hot-1', 0, { epoch: 7, share: 0.1 }));
    history.outcome?.(outcomeOf('hot-1', 1, { epoch: 30, share: 0.8 }));
    history.outcome?.(outcomeOf('hot-1', 2, { epoch: 30, share: 0.4 }));
    history.outcome?.(
      outcomeOf('hot-1', 3, { epoch: 31, share: 0, verdict: inconclusive('validator-late') }),
    );
    const standing = history.standing('hot-1')!;
    expect(standing).toMatchObject({ accepted: 2, rejected: 0, inconclusive: 1 });
    expect(standing.trend).toHaveLength(24);
    expect(standing.trend.at(-2)).toBeCloseTo(0.6, 6);
    expect(standing.trend.at(-1)).toBeUndefined();
  });

  test('what is proven is the newest accepted credit of each slot, added up', () => {
    const history = createHistory();
    history.outcome?.(outcomeOf('hot-1', 0, { slot: 0, credit: { opsPerS: 1 } }));
    history.outcome?.(outcomeOf('hot-1', 1, { slot: 0, credit: { opsPerS: 5 } }));
    history.outcome?.(outcomeOf('hot-1', 1, { slot: 1, credit: { opsPerS: 2, deviceBytes: 3 } }));
    history.outcome?.(outcomeOf('hot-1', 2, { slot: 1, credit: {}, verdict: rejected('fold'), share: 0 }));
    expect(history.standing('hot-1')).toMatchObject({
      slots: 2,
      credit: { opsPerS: 7, deviceBytes: 3 },
      lastRejection: 'fold',
    });
  });

  test('what was proven before those epochs is proven no more, and its slot is not there', () => {
    const history = createHistory();
    history.outcome?.(outcomeOf('hot-1', 0, { epoch: 7, slot: 0 }));
    history.outcome?.(outcomeOf('hot-1', 1, { epoch: 30, slot: 1, credit: { opsPerS: 2 } }));
    expect(history.standing('hot-1')).toMatchObject({ slots: 2, credit: { opsPerS: 1e12 + 2 } });
    history.outcome?.(outcomeOf('hot-2', 2, { epoch: 31 }));
    expect(history.standing('hot-1')).toMatchObject({ slots: 1, credit: { opsPerS: 2 } });
  });

  test('a check between events counts as one, and moves no credit', () => {
    const history = createHistory();
    history.started?.({
      type: 'event-started',
      event: 'event-5',
      epoch: 7,
      block: 1005,
      basis: new Uint8Array(32),
      liveness: true,
    });
    history.outcome?.(outcomeOf('hot-1', 5, { share: 0, credit: {} }));
    expect(history.checksOf('hot-1', 1)[0]).toMatchObject({ liveness: true });
    expect(history.standing('hot-1')).toMatchObject({ accepted: 1, proven: [] });
    expect(history.standing('hot-1')!.trend.at(-1)).toBeUndefined();
  });

  test('a check whose beginning was not told is known by its kind', () => {
    const history = createHistory();
    history.outcome?.(outcomeOf('hot-1', 5, { kind: 'liveness', share: 0, credit: {} }));
    expect(history.checksOf('hot-1', 1)[0]).toMatchObject({ liveness: true });
    expect(history.standing('hot-1')!.trend.at(-1)).toBeUndefined();
  });

  test('the band of a class is where eight in ten of its accepted times are', () => {
    const history = createHistory();
    for (let n = 1; n <= 100; n++) history.outcome?.(outcomeOf(`hot-${n % 9}`, n, { measuredMs: n * 10 }));
    history.outcome?.(outcomeOf('hot-1', 101, { measuredMs: 9000, verdict: rejected('window') }));
    expect(history.band('ab'.repeat(32))).toEqual({ checks: 100, p10: 110, p50: 510, p90: 910 });
    expect(history.band('cd'.repeat(32))).toBeUndefined();
  });

  test('when it is full the oldest go, and what is left is whole', () => {
    const history = createHistory({ most: 16_384 });
    for (let n = 0; n < 40_000; n++)
      history.outcome?.(
        outcomeOf(`hot-${n % 2}`, n, { eventBlock: n, id: n.toString(16).padStart(32, '0') }),
      );
    const checks = history.checksOf('hot-1', 100_000);
    expect(checks[0]).toMatchObject({ block: 39_999, id: (39_999).toString(16).padStart(32, '0') });
    expect(checks.length).toBeGreaterThanOrEqual(8192);
    expect(checks.length).toBeLessThan(16_384);
    expect(checks.every(({ block }, i) => block === 39_999 - 2 * i)).toBe(true);
  });
});
