import { describe, expect, test } from 'vitest';
import { toHotkey } from '../../../src/model/ids.js';
import { accepted, inconclusive, rejected, type Verdict } from '../../../src/model/verdict.js';
import {
  createScoringState,
  isDrawn,
  type Pay,
  payOf,
  restoreScoringState,
  type Scored,
  type ScoringPolicy,
} from '../../../src/scoring/index.js';
import fc from '../../support/properties.js';
import { factsOf, OWNER, partOf, policyOf, poolOf } from '../../support/scoring.js';

const scored = (event: string, epoch: number, miner: string, change: Partial<Scored> = {}): Scored => {
  const verdict = change.verdict ?? accepted;
  return {
    event,
    epoch,
    miner: toHotkey(miner),
    kind: 'compute',
    paramsId: '00',
    slot: 0,
    verdict,
    credit: verdict.kind === 'accepted' ? { opsPerS: 1 } : {},
    share: verdict.kind === 'accepted' ? 1 : 0,
    ...change,
  };
};

interface Event {
  readonly epoch: number;
  readonly outcomes: readonly Scored[];
}

function pay(
  policy: ScoringPolicy,
  events: readonly Event[],
  facts = factsOf(namesOf(events)),
  at?: number,
): Pay {
  const state = createScoringState(policy);
  for (const [k, { epoch, outcomes }] of events.entries()) {
    for (const outcome of outcomes) state.outcome({ ...outcome, event: `${k}`, epoch });
    state.completed({ event: `${k}`, epoch });
  }
  return payOf(state, { epoch: at ?? events.at(-1)?.epoch ?? 0, facts });
}
const namesOf = (events: readonly Event[]) =>
  events.flatMap(({ outcomes }) => outcomes.map(({ miner }) => miner));
const one = (miner: string, amount: number, slot = 0): Scored =>
  scored('', 0, miner, { credit: { opsPerS: amount }, slot });

const verdicts = fc.constantFrom<Verdict>(
  accepted,
  accepted,
  rejected('window'),
  rejected('seed'),
  inconclusive('validator-fault'),
);
const someEvents = fc.array(
  fc.record({
    gap: fc.constantFrom(0, 0, 1, 2),
    outcomes: fc.uniqueArray(
      fc.record({
        miner: fc.constantFrom('a', 'b', 'c', 'd'),
        slot: fc.integer({ min: 0, max: 2 }),
        verdict: verdicts,
        amount: fc.integer({ min: 0, max: 50 }),
        share: fc.double({ min: 0.01, max: 2, noNaN: true }),
      }),
      { maxLength: 10, selector: ({ miner, slot }) => `${miner} ${slot}` },
    ),
  }),
  { minLength: 1, maxLength: 8 },
);
const eventsOf = (given: typeof someEvents extends fc.Arbitrary<infer T> ? T : never): Event[] => {
  let epoch = 1;
  return given.map(({ gap, outcomes }) => {
    epoch += gap;
    return {
      epoch,
      outcomes: outcomes.map(({ miner, slot, verdict, amount, share }) => {
        const isGood = verdict.kind === 'accepted';
        return scored('', 0, miner, {
          slot,
          verdict,
          credit: isGood ? { opsPerS: amount } : {},
          share: isGood ? share : 0,
        });
      }),
    };
  });
};
const QUARANTINE = { reasons: ['seed'], epochs: 2 };
const changes = fc.record(
  {
    burn: fc.constantFrom(0, 0.1),
    pools: fc
      .record(
        { target: fc.constantFrom(1, 20), unfilled: fc.constantFrom('burn', 'spread') },
        { requiredKeys: [] },
      )
      .map((change) => [poolOf({ share: 0.8, ...change })]),
    memory: fc.record({ retain: fc.constantFrom(0, 0.5, 0.9) }),
    pay: fc.constantFrom('linear', { exponent: 0.5 }, { exponent: 0.75 }, { exponent: 2 }),
    caps: fc.record(
      { slot: fc.constant(3), hotkey: fc.constant(5), coldkey: fc.constant(6) },
      { requiredKeys: [] },
    ),
    uptime: fc.constant({ rise: 0.25, fall: 0.5, floor: 0.2 }),
    quarantine: fc.constant(QUARANTINE),
  },
  { requiredKeys: ['burn', 'pools'] },
);
const coldkeys = { a: 'x', b: 'x' };

describe('under any policy', () => {
  test('shares and what is burned come to everything, exactly; the row has its largest at 65535', () => {
    fc.assert(
      fc.property(changes, someEvents, (change, given) => {
        const events = eventsOf(given);
        const { shares, burned, total, u16, pools } = pay(
          policyOf(change),
          events,
          factsOf(['a', 'b', 'c', 'd'], { coldkeys }),
        );
        const given_ = [...shares.values()].reduce((a, b) => a + b, 0n);
        expect(given_ + burned.explicit + burned.unfilled + burned.unproven).toBe(total);
        for (const part of [...shares.values(), ...Object.values(burned)]) expect(part >= 0n).toBe(true);
        expect(given_ <= (total * 8n) / 10n).toBe(true);
        expect(Math.max(...u16.values())).toBe(65_535);
        for (const pool of pools) expect(pool.paid + pool.burned).toBe((total * 8n) / 10n);
      }),
    );
  });

  test('there is a reason for every zero, and whoever has none is paid by one rate', () => {
    fc.assert(
      fc.property(changes, someEvents, (change, given) => {
        const linear = policyOf({ ...change, pay: 'linear' });
        const { shares, reasons, worth, pools, total } = pay(
          linear,
          eventsOf(given),
          factsOf(['a', 'b', 'c', 'd'], { coldkeys }),
        );
        const rate = Number(pools[0]!.paid) / Number(total) / (pools[0]!.worth || 1);
        for (const [hotkey, share] of shares) {
          if (share === 0n) expect(reasons.get(hotkey)?.zero).toBeDefined();
          const uncut = rate * worth.get(hotkey)!;
          if (!reasons.has(hotkey)) expect(Number(share) / Number(total)).toBeCloseTo(uncut, 9);
          const cuts = reasons.get(hotkey)?.cuts ?? [];
          const left = worth.get(hotkey)! - cuts.reduce((sum, { amount }) => sum + amount, 0);
          expect(Number(share) / Number(total)).toBeCloseTo(rate * left, 6);
        }
      }),
    );
  });

  test('the order of outcomes within an event changes nothing, nor does one that is told twice, nor a snapshot between', () => {
    fc.assert(
      fc.property(changes, someEvents, (change, given) => {
        const policy = policyOf(change);
        const events = eventsOf(given);
        const there = pay(policy, events);
        const back = events.map((event) => ({
          ...event,
          outcomes: [...event.outcomes, ...event.outcomes].reverse(),
        }));
        expect(pay(policy, back, factsOf(namesOf(events)))).toEqual(there);
        let state = createScoringState(policy);
        for (const [k, { epoch, outcomes }] of events.entries()) {
          for (const outcome of outcomes) state.outcome({ ...outcome, event: `${k}`, epoch });
          state.completed({ event: `${k}`, epoch });
          state = restoreScoringState(policy, state.snapshot());
        }
        expect(payOf(state, { epoch: events.at(-1)!.epoch, facts: factsOf(namesOf(events)) })).toEqual(there);
      }),
    );
  });

  test('proving more never counts less, whatever is cut', () => {
    fc.assert(
      fc.property(changes, someEvents, fc.nat(), (change, given, pick) => {
        const spread = policyOf({ ...change, pools: [poolOf({ share: 0.8, unfilled: 'spread' })] });
        const events = eventsOf(given);
        const failed = events.flatMap(({ outcomes }) =>
          outcomes.filter(({ verdict }) => verdict.kind === 'rejected'),
        );
        const better = failed[pick % Math.max(1, failed.length)];
        if (!better) return;
        const mended = { ...better, verdict: accepted, credit: { opsPerS: 10 }, share: 1 };
        const changed = events.map((event) => ({
          ...event,
          outcomes: event.outcomes.map((each) => (each === better ? mended : each)),
        }));
        const own = (of: readonly Event[]) =>
          pay(spread, of, factsOf(['a', 'b', 'c', 'd'])).shares.get(better.miner)!;
        // of 2^100 parts; roundings of the curve and of the level are some of them
        expect(own(changed) + (1n << 60n) >= own(events)).toBe(true);
      }),
    );
  });

  test("a validator's own failure costs nobody: its event might as well not have been", () => {
    fc.assert(
      fc.property(changes, someEvents, (change, given) => {
        const events = eventsOf(given);
        const last = events.at(-1)!;
        const failed = namesOf(events).flatMap((miner) => [0, 1, 2].map((slot) => ({ miner, slot })));
        const fault = failed.map(({ miner, slot }) =>
          scored('', 0, miner, { slot, verdict: inconclusive('validator-fault') }),
        );
        const facts = factsOf(['a', 'b', 'c', 'd']);
        const after = pay(policyOf(change), [...events, { epoch: last.epoch, outcomes: fault }], facts);
        expect(after.shares).toEqual(pay(policyOf(change), events, facts).shares);
      }),
    );
  });
});

describe('pay', () => {
  test('is the same however a machine is split over slots, hotkeys and coldkeys, where it is linear', () => {
    const together = pay(policyOf(), [{ epoch: 1, outcomes: [one('a', 8), one('z', 8)] }]);
    const apart = pay(policyOf(), [
      { epoch: 1, outcomes: [one('a', 2), one('a', 2, 1), one('b', 2), one('c', 2), one('z', 8)] },
    ]);
    expect(partOf(together, 'a')).toBe(0.5);
    expect(partOf(apart, 'a') + partOf(apart, 'b') + partOf(apart, 'c')).toBe(0.5);
  });

  test('a concave curve sees what a coldkey has in all', () => {
    const policy = policyOf({ pay: { exponent: 0.5 } });
    const outcomes = [...'abcd'].map((hotkey) => one(hotkey, 4));
    const facts = factsOf('abcdz', { coldkeys: { a: 'x', b: 'x', c: 'x', d: 'x' } });
    const split = pay(policy, [{ epoch: 1, outcomes: [...outcomes, one('z', 16)] }], facts);
    expect(partOf(split, 'z')).toBeCloseTo(0.5, 12);
    const loose = pay(policy, [{ epoch: 1, outcomes: [...outcomes, one('z', 16)] }]);
    expect(partOf(loose, 'z')).toBeCloseTo(1 / 3, 12); // what the sum is for
  });

  test.each([
    ['what has no price', { credit: { hostBytes: 1e12 } }, 'no-price'],
    ['an amount that is none', { credit: { opsPerS: Number.NaN } }, 'no-price'],
    ['less than nothing', { credit: { opsPerS: -5 } }, 'no-price'],
    ['what was malformed', { verdict: rejected('malformed') }, 'never-accepted'],
  ] as const)('%s is paid nothing, and takes nothing from others', (_, change, zero) => {
    const outcomes = [scored('', 0, 'a', change), one('b', 1)];
    const { shares, reasons, total } = pay(policyOf(), [{ epoch: 1, outcomes }]);
    expect([...shares.values()]).toEqual([0n, total]);
    expect(reasons.get(toHotkey('a'))?.zero).toBe(zero);
  });

  test('a hotkey that was registered anew on a uid inherits nothing of who had it, nor does a gone one take anything', () => {
    const events = [{ epoch: 1, outcomes: [one('old', 5), one('z', 5)] }];
    const { shares, total, reasons } = pay(
      policyOf({ memory: { retain: 0.9 } }),
      events,
      factsOf(['new', 'z']),
    );
    expect(Object.fromEntries(shares)).toEqual({ new: 0n, old: 0n, z: total });
    expect(reasons.get(toHotkey('old'))?.zero).toBe('not-registered');
    expect(reasons.get(toHotkey('new'))?.zero).toBe('not-challenged');
  });

  test('a pool that nobody is in burns, and others have nothing of it', () => {
    const pools = [
      poolOf({ name: 'cards', share: 0.5 }),
      { name: 'rollouts', share: 0.3, credit: 'rollouts', unfilled: 'spread' },
    ];
    const result = pay(policyOf({ burn: 0.2, pools, rollouts: { price: 1 } }), [
      { epoch: 1, outcomes: [one('a', 1)] },
    ]);
    expect(partOf(result, 'a')).toBe(0.5);
    expect(result.burned).toMatchObject({ explicit: result.total / 5n, unfilled: (result.total * 3n) / 10n });
    expect(result.u16.get(OWNER)).toBe(65_535);
  });

  test('more than the target is diluted, less is left unfilled', () => {
    const policy = policyOf({ pools: [poolOf({ target: 10 })] });
    const full = pay(policy, [{ epoch: 1, outcomes: [one('a', 30), one('b', 10)] }]);
    expect([partOf(full, 'a'), partOf(full, 'b'), full.pools[0]!.dilution]).toEqual([0.75, 0.25, 0.25]);
    const half = pay(policy, [{ epoch: 1, outcomes: [one('a', 5)] }]);
    expect([partOf(half, 'a'), Number((half.burned.unfilled * 100n) / half.total)]).toEqual([0.5, 50]);
  });

  test('absence counts as nothing and takes an older worth down by halves, never at once', () => {
    const policy = policyOf({ memory: { retain: 0.5 } });
    const both = { epoch: 1, outcomes: [one('a', 1), one('z', 1)] };
    const alone = (epoch: number) => ({ epoch, outcomes: [one('z', 1)] });
    const parts = [1, 2, 3].map((n) => {
      const { worth } = pay(policy, [both, alone(2), alone(3)].slice(0, n));
      return [worth.get(toHotkey('a')), worth.get(toHotkey('z'))];
    });
    expect(parts).toEqual([
      [0.5, 0.5],
      [0.25, 0.75],
      [0.125, 0.875],
    ]);
  });

  test('a level of uptime sinks while a slot is away and is no reset; what it took is said', () => {
    const policy = policyOf({ uptime: { rise: 0.5, fall: 0.5, floor: 0 } });
    const there = (epoch: number) => ({ epoch, outcomes: [one('a', 1)] });
    const away = (epoch: number) => ({ epoch, outcomes: [] });
    const factor = (...events: Event[]) =>
      pay(policy, events, factsOf(['a']))
        .reasons.get(toHotkey('a'))!
        .cuts.find(({ why }) => why === 'uptime')!.factor;
    expect(factor(there(1))).toBe(0.5);
    expect(factor(there(1), there(2))).toBe(0.75);
    expect(factor(there(1), there(2), away(3), there(4))).toBe(0.6875);
  });

  test('a rejection for what the policy names is paid nothing for as long as it says', () => {
    const policy = policyOf({ quarantine: QUARANTINE });
    const bad = { epoch: 1, outcomes: [scored('', 0, 'a', { verdict: rejected('seed') })] };
    const good = (epoch: number) => ({ epoch, outcomes: [one('a', 1)] });
    expect(pay(policy, [bad, good(1), good(2)]).reasons.get(toHotkey('a'))?.zero).toBe('quarantine');
    expect(partOf(pay(policy, [bad, good(1), good(2), good(3)]), 'a')).toBe(1);
  });

  test('newcomers rise to all of their pay; stake counts up to what the policy says', () => {
    const facts = factsOf(['a', 'z']);
    const neurons = new Map(facts.neurons);
    neurons.set(toHotkey('a'), { ...neurons.get(toHotkey('a'))!, registeredEpoch: 8 });
    neurons.set(toHotkey('z'), { ...neurons.get(toHotkey('z'))!, stakeRao: 500_000_000_000n });
    const events = [{ epoch: 10, outcomes: [one('a', 4), one('z', 4)] }];
    const young = pay(policyOf({ probation: { epochs: 4, start: 0.5 } }), events, { ...facts, neurons });
    expect(partOf(young, 'a')).toBeCloseTo(3 / 7, 12);
    const rich = pay(policyOf({ boost: { stake: { full: 1000, most: 1 } } }), events, { ...facts, neurons });
    expect(partOf(rich, 'z')).toBeCloseTo(0.6, 12);
  });

  test('who was not drawn for an event was not absent from it', () => {
    const sample = { seed: 'ab'.repeat(32), share: 500_000 };
    const drawn = [...'abcdefgh'].filter((hotkey) => isDrawn(sample, hotkey, 0));
    expect(drawn.length).toBeGreaterThan(0);
    expect(drawn.length).toBeLessThan(8);
    const state = createScoringState(policyOf());
    for (const hotkey of 'abcdefgh') state.outcome(scored('all', 1, hotkey));
    for (const hotkey of drawn) state.outcome(scored('some', 1, hotkey));
    state.completed({ event: 'all', epoch: 1 });
    state.completed({ event: 'some', epoch: 1, sample });
    const { worth } = payOf(state, { epoch: 1, facts: factsOf('abcdefgh') });
    expect(new Set(worth.values())).toEqual(new Set([1]));
  });

  test.each([
    ['a hotkey that is capped', { caps: { hotkey: 2 } }, 1 / 3],
    ['a coldkey that is capped', { caps: { coldkey: 2 } }, 1 / 3],
    ['a slot that is capped', { caps: { slot: 2 } }, 1 / 3],
    ['one in quarantine', { quarantine: { reasons: ['seed'], epochs: 1 } }, 1],
  ])('%s burns no more of others than what it is left with missed', (_, change, others) => {
    const bad = scored('', 0, 'a', { slot: 1, verdict: rejected('seed') });
    const missing = scored('', 0, 'a', { credit: { opsPerS: 8 }, share: 0.5 });
    const result = pay(policyOf(change), [{ epoch: 1, outcomes: [missing, bad, one('z', 2)] }]);
    expect(partOf(result, 'z')).toBeCloseTo(others, 12);
  });

  test('stake counts up to what is full and no further', () => {
    const facts = factsOf(['a', 'z']);
    const neurons = new Map(facts.neurons);
    neurons.set(toHotkey('z'), { ...neurons.get(toHotkey('z'))!, stakeRao: 9_000_000_000_000n });
    const events = [{ epoch: 1, outcomes: [one('a', 4), one('z', 4)] }];
    const policy = policyOf({ boost: { stake: { full: 1000, most: 1 } } });
    expect(partOf(pay(policy, events, { ...facts, neurons }), 'z')).toBeCloseTo(2 / 3, 12);
  });

  test('time used is of the slot that was used', () => {
    const signers = ['5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'];
    const usage = new Map([[toHotkey('a'), new Map([[1, 1_000_000]])]]);
    const events = [{ epoch: 1, outcomes: [one('a', 6), one('a', 2, 1), one('z', 4)] }];
    const { shares, total } = pay(
      policyOf({ rented: { signers, idle: 0.5 } }),
      events,
      factsOf(['a', 'z'], { usage }),
    );
    // 3 + 2 against 2
    expect(Number((shares.get(toHotkey('a'))! * 7_000_000n) / total)).toBe(4_999_999);
  });

  test('what floors leave over goes to the largest remainders, ties by name', () => {
    const part = (amount: number) => amount / 65_535;
    const outcomes = [one('z', 1), one('b', part(10.5)), one('c', part(10.5)), one('e', part(7.8))];
    const { u16 } = pay(policyOf(), [{ epoch: 1, outcomes }]);
    const sum = Math.round(10.5 + 10.5 + 7.8);
    expect(Object.fromEntries([...u16].filter(([hotkey]) => hotkey !== 'z'))).toEqual({
      b: 11,
      c: 10,
      e: 8,
    });
    expect([...u16.values()].reduce((all, each) => all + each, 0)).toBe(65_535 + sum);
  });
});
