// Counting callers: bounded, told of once an hour, and by name only where somebody signed.
import { describe, expect, test } from 'vitest';
import { createCallers, MISDEEDS, type Misdeed } from '../../../src/miner/callers.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { limitExceeded, unauthenticated } from '../../../src/protocol/errors.js';
import { createHandClock } from '../../support/hand-clock.js';
import fc from '../../support/properties.js';

const HOUR = 3600_000;
const denied = () => new AssayError('permission-denied', 'no', { reason: 'not-admitted' });

function counting(kept?: Parameters<typeof createCallers>[1]) {
  const clock = createHandClock();
  const told: Parameters<Parameters<typeof createCallers>[0]['tell']>[0][] = [];
  return { clock, told, callers: createCallers({ clock, tell: (alert) => told.push(alert) }, kept) };
}

describe('callers', () => {
  test('are known by their signature; what nobody signed is of an address', () => {
    const { callers } = counting();
    const validator = toHotkey('validator');
    callers.called({ address: '203.0.113.1', caller: validator });
    callers.called({ address: '203.0.113.2', error: unauthenticated('bad-signature') });
    callers.called({ address: '203.0.113.2', error: unauthenticated('missing-envelope') });
    callers.ended(validator, 'receipt', 'working');
    expect(callers.rows()).toMatchObject([
      { caller: validator, address: '203.0.113.1', calls: 1, receipts: 1, did: {} },
      { caller: undefined, address: '203.0.113.2', calls: 0, did: { unsigned: 2 } },
    ]);
    expect(callers.tally()).toMatchObject({ known: 2, admitted: 1, refused: { unsigned: 2 } });
  });

  test.each<[Misdeed, unknown]>([
    ['replayed', unauthenticated('replayed')],
    ['stale', unauthenticated('skew', 40_000)],
    ['stranger', denied()],
    ['rate', limitExceeded('calls-per-peer', 100, 101)],
    ['malformed', new AssayError('invalid-input', 'no', { what: 'a', expected: 'b', got: 'c' })],
  ])('are told of for %s, once an hour, with how often', (misdeed, error) => {
    const { callers, told, clock } = counting();
    const caller = toHotkey('abuser');
    const flood = () => {
      for (let i = 0; i < MISDEEDS[misdeed] + 100; i++)
        callers.called({ address: '203.0.113.1', caller, error });
    };
    for (let i = 0; i < MISDEEDS[misdeed] - 1; i++) callers.called({ address: '203.0.113.1', caller, error });
    expect(told).toEqual([]);
    flood();
    flood();
    expect(told).toEqual([
      { kind: 'caller-abuse', caller, address: '203.0.113.1', did: { [misdeed]: MISDEEDS[misdeed] } },
    ]);
    clock.advance(HOUR);
    flood();
    expect(told).toHaveLength(2);
  });

  test('spread over hours is no abuse: an honest caller makes a mistake now and then', () => {
    const { callers, told, clock } = counting();
    const caller = toHotkey('honest');
    for (let hour = 0; hour < 100; hour++) {
      for (let i = 0; i < MISDEEDS.tickets - 1; i++) callers.ended(caller, 'refused', 'begun', 'tickets');
      clock.advance(HOUR);
    }
    expect(told).toEqual([]);
  });

  test('who arm and never go, choose nonces or events of their own, or send frames out of turn are told of', () => {
    const { callers, told } = counting();
    const times = (count: number, work: () => void) => {
      for (let i = 0; i < count; i++) work();
    };
    times(MISDEEDS['no-go'], () => callers.ended(toHotkey('a'), 'late', 'armed'));
    times(MISDEEDS.nonce, () => callers.ended(toHotkey('b'), 'refused', 'armed', 'nonce_mismatch'));
    times(MISDEEDS['foreign-event'], () => callers.ended(toHotkey('c'), 'refused', 'begun', 'disagrees'));
    times(MISDEEDS.order, () => callers.ended(toHotkey('d'), 'refused', 'begun', 'out_of_order'));
    times(1000, () => callers.ended(toHotkey('e'), 'refused', 'begun', 'busy'));
    times(1000, () => callers.ended(toHotkey('e'), 'gone', 'working'));
    expect(told.map(({ caller, did }) => [caller, Object.keys(did)])).toEqual([
      ['a', ['no-go']],
      ['b', ['nonce']],
      ['c', ['foreign-event']],
      ['d', ['order']],
    ]);
  });

  test('however many, are bounded, and a flood of keys makes no validator forgotten nor fills a mailbox', () => {
    const { callers, told } = counting();
    const validator = toHotkey('validator');
    callers.called({ address: '203.0.113.1', caller: validator });
    callers.ended(validator, 'receipt', 'working');
    for (let key = 0; key < 2000; key++)
      for (let i = 0; i < MISDEEDS.tickets; i++)
        callers.ended(toHotkey(`key-${key}`), 'refused', 'begun', 'tickets');
    for (let i = 0; i < 2000; i++)
      callers.called({ address: `198.51.100.${i}`, error: unauthenticated('missing-envelope') });
    expect(callers.rows()).toHaveLength(512);
    expect(callers.rows().find(({ caller }) => caller === validator)).toMatchObject({ receipts: 1 });
    expect(told).toHaveLength(20);
  });

  test('are remembered over a restart, and what was done before counts towards no alert', () => {
    const first = counting();
    const caller = toHotkey('abuser');
    for (let i = 0; i < MISDEEDS.nonce - 1; i++)
      first.callers.ended(caller, 'refused', 'armed', 'nonce_mismatch');
    const { callers, told } = counting(first.callers.rows());
    expect(callers.rows()).toEqual(first.callers.rows());
    callers.ended(caller, 'refused', 'armed', 'nonce_mismatch');
    expect(told).toEqual([]);
    expect(callers.rows()).toMatchObject([{ did: { nonce: MISDEEDS.nonce } }]);
  });

  test('whatever comes, the tally is what was counted', () => {
    const errors = [
      undefined,
      denied(),
      unauthenticated('replayed'),
      limitExceeded('a', 1, 2),
      new Error('ours'),
    ];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(errors.length - 1)), { maxLength: 300 }), (calls) => {
        const { callers } = counting();
        for (const [who, what] of calls)
          callers.called({
            address: `a${who}`,
            caller: who % 2 ? toHotkey(`k${who}`) : undefined,
            error: errors[what],
          });
        const { admitted, refused, known } = callers.tally();
        const counted = Object.values(refused).reduce((sum, count) => sum + count, 0);
        expect(admitted).toBe(calls.filter(([, what]) => what === 0).length);
        expect(counted).toBe(calls.filter(([, what]) => what > 0 && what < 4).length);
        expect(known).toBe(new Set(calls.map(([who]) => who)).size);
      }),
      { numRuns: 100, seed: 9 },
    );
  });
});
