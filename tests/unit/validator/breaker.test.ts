import { describe, expect, test } from 'vitest';
import { type Coldkey, type Hotkey, toColdkey, toHotkey } from '../../../src/model/ids.js';
import type { Outcome } from '../../../src/model/outcome.js';
import { accepted, inconclusive, rejected, type Verdict } from '../../../src/model/verdict.js';
import type { PaidNeuron } from '../../../src/scoring/index.js';
import {
  createHold,
  createTallies,
  DEFAULT_BREAKER,
  type Drift,
  isMassFailure,
  sharesOf,
} from '../../../src/validator/breaker.js';
import type { ScoredEntry } from '../../../src/validator/ledger/entries.js';
import fc from '../../support/properties.js';

interface Miner {
  readonly owner: string;
  readonly stakeRao?: bigint | undefined;
  /** verdicts of its one slot, by epoch; undefined: no outcome at all */
  readonly epochs: readonly (Verdict | undefined)[];
}

const LATE = rejected('window');
const hotkeyOf = (i: number): Hotkey => toHotkey(`5${i}`);
const ROW: ScoredEntry['row'] = [[hotkeyOf(0), 65535]];

/** Two events an epoch, each with the same verdicts. */
function driftOf(miners: readonly Miner[], epoch: number, events = 2): Drift {
  const tallies = createTallies();
  for (let each = 0; each <= epoch; each++)
    for (let n = 0; n < events; n++) {
      const event = `${each}.${n}`;
      miners.forEach(({ epochs }, i) => {
        const verdict = epochs[each];
        if (verdict) tallies.outcome({ event, epoch: each, miner: hotkeyOf(i), slot: 0, verdict } as Outcome);
      });
      tallies.completed({
        type: 'event-completed',
        event,
        epoch: each,
        block: each,
        basis: new Uint8Array(32),
      });
    }
  const neurons = new Map<Hotkey, PaidNeuron>(
    miners.map(({ owner, stakeRao }, i): [Hotkey, PaidNeuron] => [
      hotkeyOf(i),
      { coldkey: toColdkey(owner), stakeRao },
    ]),
  );
  return tallies.drift(epoch, neurons);
}

const steady = (owner: string, stakeRao?: bigint): Miner => ({
  owner,
  stakeRao,
  epochs: [accepted, accepted],
});
const fails = (owner: string, stakeRao?: bigint): Miner => ({ owner, stakeRao, epochs: [accepted, LATE] });

describe('who drifted', () => {
  test('is whoever was honest before and fails now, counted by owner', () => {
    const miners = [steady('a'), steady('b'), fails('c'), fails('c'), fails('c')];
    expect(driftOf(miners, 1)).toEqual({ owners: 3, drifted: 1, stakeRao: 0n, driftedRao: 0n });
  });

  test('is nobody who never was honest, who is new, or who fails as it did before', () => {
    const miners: Miner[] = [
      steady('a'),
      { owner: 'liar', epochs: [LATE, LATE] },
      { owner: 'new', epochs: [undefined, LATE] },
      { owner: 'half', epochs: [rejected('seed'), LATE] },
    ];
    expect(driftOf(miners, 1)).toMatchObject({ owners: 1, drifted: 0 });
  });

  test("is nobody whose outcome was nobody's failure", () => {
    const miners: Miner[] = [{ owner: 'a', epochs: [accepted, inconclusive('validator-late')] }, fails('b')];
    expect(driftOf(miners, 1)).toMatchObject({ owners: 2, drifted: 1 });
  });

  test('is who is not there any more, though registered, where the event asked all', () => {
    const gone: Miner = { owner: 'b', epochs: [accepted, undefined] };
    expect(driftOf([steady('a'), gone], 1)).toMatchObject({ owners: 2, drifted: 1 });
    expect(driftOf([steady('a'), gone], 1, 2)).toMatchObject({ drifted: 1 });
  });

  test('a check between events counts for nothing, and an event twice for once', () => {
    const tallies = createTallies();
    const at = { epoch: 0, block: 0, basis: new Uint8Array(32) };
    const outcome = (event: string, verdict: Verdict) =>
      tallies.outcome({ event, epoch: 0, miner: hotkeyOf(0), slot: 0, verdict } as Outcome);
    for (const event of ['a', 'b']) {
      outcome(event, accepted);
      tallies.completed({ type: 'event-completed', event, ...at });
    }
    outcome('a', LATE);
    tallies.completed({ type: 'event-completed', event: 'a', ...at });
    outcome('c', LATE);
    tallies.completed({ type: 'event-completed', event: 'c', ...at, liveness: true });
    const neurons = new Map([[hotkeyOf(0), { coldkey: 'x' as Coldkey }]]);
    expect(tallies.drift(1, neurons)).toMatchObject({ owners: 1, drifted: 0 });
  });
});

describe('mass failure', () => {
  const ten = (failing: number, stake: (i: number) => bigint) =>
    Array.from({ length: 10 }, (_, i) => (i < failing ? fails : steady)(`owner ${i}`, stake(i)));

  test('is more than three in ten of the owners and of their stake', () => {
    const even = () => 10n;
    expect(isMassFailure(driftOf(ten(3, even), 1), DEFAULT_BREAKER)).toBe(false);
    expect(isMassFailure(driftOf(ten(4, even), 1), DEFAULT_BREAKER)).toBe(true);
    expect(
      isMassFailure(
        driftOf(
          ten(4, () => 0n),
          1,
        ),
        DEFAULT_BREAKER,
      ),
    ).toBe(true);
    expect(isMassFailure(driftOf(ten(9, even), 1), { ...DEFAULT_BREAKER, share: 0 })).toBe(false);
  });

  test('one rich owner is none, and many owners without stake are none', () => {
    expect(
      isMassFailure(
        driftOf(
          ten(1, (i) => (i === 0 ? 1000n : 1n)),
          1,
        ),
        DEFAULT_BREAKER,
      ),
    ).toBe(false);
    expect(
      isMassFailure(
        driftOf(
          ten(6, (i) => (i < 6 ? 1n : 1000n)),
          1,
        ),
        DEFAULT_BREAKER,
      ),
    ).toBe(false);
  });

  test('two owners of two are none: that is no mass', () => {
    expect(isMassFailure(driftOf([fails('a'), fails('b')], 1), DEFAULT_BREAKER)).toBe(false);
  });

  const drift = fc.tuple(fc.nat(200), fc.nat(200), fc.nat(10_000), fc.nat(10_000)).map(
    ([drifted, more, driftedRao, moreRao]): Drift => ({
      drifted,
      owners: drifted + more,
      driftedRao: BigInt(driftedRao),
      stakeRao: BigInt(driftedRao + moreRao),
    }),
  );

  test('never without more than the share of the owners, nor of the stake', () => {
    fc.assert(
      fc.property(drift, (given) => {
        const { owners, stake } = sharesOf(given);
        expect(owners).toBeLessThanOrEqual(1_000_000);
        expect(stake).toBeLessThanOrEqual(1_000_000);
        if (!isMassFailure(given, DEFAULT_BREAKER)) return;
        expect(given.drifted / given.owners).toBeGreaterThan(0.3);
        if (given.stakeRao > 0n)
          expect(Number(given.driftedRao) / Number(given.stakeRao)).toBeGreaterThan(0.3);
      }),
      { seed: 9, numRuns: 500 },
    );
  });

  test('one owner, however many hotkeys and whatever stake, never brings one about', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.bigInt({ min: 0n, max: 10n ** 15n }),
        fc.integer({ min: 3, max: 12 }),
        (hotkeys, stakeRao, others) => {
          const one = Array.from({ length: hotkeys }, () => fails('one', stakeRao));
          const rest = Array.from({ length: others }, (_, i) => steady(`other ${i}`, 1n));
          expect(isMassFailure(driftOf([...one, ...rest], 1), DEFAULT_BREAKER)).toBe(false);
        },
      ),
      { seed: 9, numRuns: 60 },
    );
  });

  test('more hotkeys of the same owners change nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 10 }), (copies, failing) => {
        const few = ten(failing, () => 0n);
        const many = few.flatMap((miner) => Array.from({ length: copies }, () => miner));
        expect(driftOf(many, 1)).toEqual(driftOf(few, 1));
      }),
      { seed: 9, numRuns: 40 },
    );
  });
});

describe('a hold', () => {
  const MASS: Drift = { owners: 10, drifted: 5, stakeRao: 0n, driftedRao: 0n };
  const CALM: Drift = { ...MASS, drifted: 0 };
  const scored = (epoch: number, heldUntil?: number) =>
    ({ type: 'scored', epoch, row: ROW, ...(heldUntil === undefined ? {} : { heldUntil }) }) as ScoredEntry;
  const entry = (
    is: 'tripped' | 'held' | 'released' | 'accepted' | 'expired',
    epoch: number,
    since: number,
  ) => ({
    ...({ type: 'breaker', is, epoch, block: epoch, since } as const),
    ...(is === 'tripped' ? { row: ROW } : {}),
  });

  test('begins with mass failure, where there is a row of today to go on with', () => {
    const hold = createHold();
    expect(hold.next(5, MASS, DEFAULT_BREAKER)).toBe('pay');
    hold.scored(scored(4));
    expect(hold.next(5, CALM, DEFAULT_BREAKER)).toBe('pay');
    expect(hold.next(5, MASS, DEFAULT_BREAKER)).toBe('trip');
    expect(hold.next(4, MASS, DEFAULT_BREAKER)).toBe('pay'); // paid already
    expect(hold.next(40, MASS, DEFAULT_BREAKER)).toBe('pay'); // a row of long ago
  });

  test('goes on until somebody decides, or for so long that nobody will; then it rests', () => {
    const hold = createHold();
    hold.scored(scored(4));
    hold.breaker(entry('tripped', 5, 5));
    expect(hold.held).toEqual({ since: 5, row: ROW });
    expect(hold.next(6, CALM, DEFAULT_BREAKER)).toBe('hold');
    expect(hold.next(15, MASS, DEFAULT_BREAKER)).toBe('expire');
    expect(hold.next(6, MASS, { ...DEFAULT_BREAKER, share: 0 })).toBe('expire');
    hold.breaker(entry('expired', 15, 5));
    hold.scored(scored(15, 15));
    expect(hold.held).toBeUndefined();
    expect(hold.next(16, MASS, DEFAULT_BREAKER)).toBe('pay');
    hold.scored(scored(114));
    expect(hold.next(115, MASS, DEFAULT_BREAKER)).toBe('trip');
  });

  test('rests as long where what ended it is no longer in the ledger', () => {
    const hold = createHold();
    hold.scored(scored(60, 15));
    expect(hold.next(61, MASS, DEFAULT_BREAKER)).toBe('pay');
  });

  test('that is released voids the events since it began and no others; one that is accepted voids none', () => {
    const event = (name: string, epoch: number) =>
      ({ type: 'event-completed', event: name, epoch, block: epoch, basis: new Uint8Array(32) }) as const;
    const through = (is: 'released' | 'accepted') => {
      const hold = createHold();
      hold.completed(event('before', 4));
      hold.scored(scored(4));
      hold.completed(event('first', 5));
      hold.breaker(entry('tripped', 5, 5));
      hold.completed(event('second', 6));
      hold.breaker(entry('held', 6, 5));
      hold.started({ ...event('third', 7), type: 'event-started' });
      hold.breaker(entry(is, 7, 5));
      hold.completed(event('after', 7));
      return [...hold.voided];
    };
    expect(through('released')).toEqual(['first', 'second', 'third']);
    expect(through('accepted')).toEqual([]);
  });
});
