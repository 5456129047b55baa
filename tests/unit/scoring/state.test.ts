import { describe, expect, test } from 'vitest';
import { toHotkey } from '../../../src/model/ids.js';
import { accepted, inconclusive, rejected, type Verdict } from '../../../src/model/verdict.js';
import {
  createScoringState,
  payOf,
  restoreScoringState,
  type Scored,
  type ScoredEvent,
  type ScoringState,
} from '../../../src/scoring/index.js';
import fc from '../../support/properties.js';
import { factsOf, policyOf, poolOf } from '../../support/scoring.js';

const outcome = (change: Partial<Scored> = {}): Scored => ({
  event: 'e',
  epoch: 1,
  miner: toHotkey('a'),
  kind: 'compute',
  paramsId: '00',
  slot: 0,
  verdict: accepted,
  credit: { opsPerS: 1 },
  share: 1,
  ...change,
});

/** All that a policy can remember by. */
const POLICY = policyOf({
  pools: [poolOf({ name: 'links', share: 0.3, match: { kinds: ['bandwidth'] } }), poolOf({ share: 0.7 })],
  memory: { retain: 0.5, carryEpochs: 1, turnEpochs: 4 },
  uptime: { rise: 0.25, fall: 0.5, floor: 0.2 },
  quarantine: { reasons: ['seed'], epochs: 2 },
  probation: { epochs: 3, start: 0.5 },
});
const MINERS = ['a', 'b', 'c'];

interface Told {
  readonly event: ScoredEvent;
  readonly outcomes: readonly Scored[];
}
const told = fc
  .array(
    fc.record({
      gap: fc.constantFrom(0, 0, 0, 1, 1, 3),
      ourTurn: fc.boolean(),
      liveness: fc.boolean(),
      share: fc.constantFrom(undefined, 300_000, 700_000),
      isCompleted: fc.constantFrom(true, true, true, false),
      outcomes: fc.uniqueArray(
        fc.record({
          miner: fc.constantFrom(...MINERS),
          slot: fc.integer({ min: 0, max: 2 }),
          byTurn: fc.boolean(),
          simulated: fc.boolean(),
          amount: fc.integer({ min: 0, max: 2000 }),
          verdict: fc.constantFrom<Verdict>(
            accepted,
            accepted,
            rejected('window'),
            rejected('seed'),
            inconclusive('validator-fault'),
            inconclusive('nobody-to-meet'),
            inconclusive('maintenance'),
            inconclusive('capped'),
          ),
        }),
        { maxLength: 8, selector: ({ miner, slot, byTurn }) => `${miner} ${slot} ${byTurn}` },
      ),
    }),
    { minLength: 1, maxLength: 10 },
  )
  .map((events) => {
    let epoch = 1;
    return events.map(({ gap, ourTurn, liveness, share, isCompleted, outcomes }, k) => {
      epoch += gap;
      const sample = share && !liveness ? { seed: `${k}`.repeat(64).slice(0, 64), share } : undefined;
      const event: ScoredEvent = { event: `${k}`, epoch, ourTurn, liveness, ...(sample ? { sample } : {}) };
      const scored = outcomes.map(({ amount, verdict, byTurn, miner, ...rest }) =>
        outcome({
          ...rest,
          event: `${k}`,
          epoch,
          miner: toHotkey(miner),
          byTurn,
          kind: byTurn ? 'bandwidth' : 'compute',
          verdict,
          credit: verdict.kind === 'accepted' ? { opsPerS: amount / 100 } : {},
          share: verdict.kind === 'accepted' ? amount / 1000 : 0,
        }),
      );
      return { event, outcomes: scored, isCompleted };
    });
  });

function tell(state: ScoringState, { event, outcomes, isCompleted }: Told & { isCompleted: boolean }): void {
  state.started(event);
  for (const each of outcomes) state.outcome(each);
  if (isCompleted) state.completed(event);
}

describe('a state', () => {
  test('that is written down after any event and read again goes on as the unbroken one, to the bit', () => {
    fc.assert(
      fc.property(told, (events) => {
        const unbroken = createScoringState(POLICY);
        let broken = createScoringState(POLICY);
        for (const each of events) {
          tell(unbroken, each);
          tell(broken, { ...each, outcomes: [...each.outcomes].reverse() });
          broken = restoreScoringState(POLICY, broken.snapshot());
          const epoch = each.event.epoch;
          if (unbroken.epoch === undefined || epoch < unbroken.epoch) continue;
          for (const at of [epoch, epoch + 1, epoch + 7]) {
            const facts = factsOf(MINERS);
            expect(payOf(broken, { epoch: at, facts })).toEqual(payOf(unbroken, { epoch: at, facts }));
            expect(broken.hasSay(at)).toBe(unbroken.hasSay(at));
          }
        }
        const end = { event: 'end', epoch: events.at(-1)!.event.epoch + 1 };
        for (const state of [unbroken, broken]) {
          state.completed(end); // rolls what was open into memory
          state.completed({ event: 'after', epoch: end.epoch + 1 });
        }
        const worths = (state: ScoringState) =>
          payOf(state, { epoch: end.epoch + 1, facts: factsOf(MINERS) });
        expect(worths(broken).shares).toEqual(worths(unbroken).shares);
      }),
      { numRuns: 150 },
    );
  });

  test('holds in no double what it cannot hold exactly: the largest worth at every event of an epoch', () => {
    const state = createScoringState(policyOf());
    for (let k = 0; k < 64; k++) {
      state.outcome(outcome({ event: `${k}`, credit: { opsPerS: 1e300 } }));
      state.completed({ event: `${k}`, epoch: 1 });
    }
    expect(payOf(state, { epoch: 1, facts: factsOf(['a']) }).worth.get(toHotkey('a'))).toBe(1024);
  });

  test.each([Number.POSITIVE_INFINITY, Number.NaN, Number.NEGATIVE_INFINITY, -1])(
    'counts an amount of %s as nothing',
    (opsPerS) => {
      const state = createScoringState(policyOf());
      state.outcome(outcome({ credit: { opsPerS } }));
      state.completed({ event: 'e', epoch: 1 });
      expect(payOf(state, { epoch: 1, facts: factsOf(['a']) }).worth.get(toHotkey('a'))).toBe(0);
    },
  );

  test('has something to say of an epoch in which capacity was tried, and not because checks between events were', () => {
    const state = createScoringState(policyOf());
    state.outcome(outcome());
    state.completed({ event: 'e', epoch: 1 });
    for (const epoch of [2, 3, 4]) {
      const check = { event: `check ${epoch}`, epoch, liveness: true };
      state.started(check);
      state.completed(check);
    }
    expect(state.hasSay(2)).toBe(true);
    expect(state.hasSay(4)).toBe(false); // our failure is nobody's zero
    for (const epoch of [3, 4]) state.started({ event: `missed ${epoch}`, epoch });
    expect(state.hasSay(4)).toBe(true);
  });

  test('forgets after a long absence whom the event under way is about as well as everybody else', () => {
    const policy = policyOf({ memory: { retain: 0.999 }, uptime: { rise: 1, fall: 0.001, floor: 0 } });
    const state = createScoringState(policy);
    for (const miner of ['a', 'b']) state.outcome(outcome({ miner: toHotkey(miner) }));
    state.completed({ event: 'e', epoch: 1 });
    state.outcome(outcome({ event: 'back', epoch: 3000, verdict: rejected('window') }));
    state.completed({ event: 'back', epoch: 3000 });
    expect(Object.fromEntries(payOf(state, { epoch: 3000, facts: factsOf('ab') }).worth)).toEqual({
      a: 0,
      b: 0,
    });
  });

  test('is as large as its slots, and forgets those that are worth nothing any more', () => {
    const state = createScoringState(policyOf());
    for (let epoch = 1; epoch <= 40; epoch++) {
      for (let slot = 0; slot < 16; slot++)
        state.outcome(outcome({ event: `${epoch}`, epoch, slot, miner: toHotkey(`gone ${epoch}`) }));
      state.completed({ event: `${epoch}`, epoch });
    }
    expect([...state.at(40)].length).toBeLessThanOrEqual(2);
  });

  test('hears nothing of slots by turn in events of others, whatever is told, and nothing of an outcome of another epoch', () => {
    const state = createScoringState(policyOf());
    state.outcome(outcome({ byTurn: true }));
    state.outcome(outcome({ slot: 1, epoch: 2 }));
    state.outcome(outcome({ slot: 2 }));
    state.completed({ event: 'e', epoch: 1, ourTurn: false });
    state.completed({ event: 'ours', epoch: 1 }); // the slot by turn is not there; the other one for half of the time
    expect(payOf(state, { epoch: 1, facts: factsOf(['a']) }).worth.get(toHotkey('a'))).toBe(0.5);
  });

  test('counts a slot that was asked though it was not drawn: being asked for certain is no excuse', () => {
    const state = createScoringState(policyOf());
    const nobody = { seed: '00'.repeat(32), share: 0 };
    for (const [event, verdict] of [
      ['x', accepted],
      ['y', rejected('window')],
    ] as const) {
      state.outcome(outcome({ event, verdict, credit: verdict === accepted ? { opsPerS: 1 } : {} }));
      state.completed({ event, epoch: 1, sample: nobody });
    }
    expect(payOf(state, { epoch: 1, facts: factsOf(['a']) }).worth.get(toHotkey('a'))).toBe(0.5);
  });

  test('draws slots by turn in our turns alone', () => {
    const state = createScoringState(policyOf());
    const nobody = { seed: '00'.repeat(32), share: 0 };
    state.completed({ event: 'others', epoch: 1, ourTurn: false, sample: nobody });
    state.outcome(outcome({ event: 'ours', byTurn: true }));
    state.completed({ event: 'ours', epoch: 1 });
    state.completed({ event: 'ours too', epoch: 1 });
    expect(payOf(state, { epoch: 1, facts: factsOf(['a']) }).worth.get(toHotkey('a'))).toBe(0.5);
  });

  test('has a level that checks between events raise and lower, but not those that we failed at', () => {
    const policy = policyOf({ uptime: { rise: 0.5, fall: 0.5, floor: 0 } });
    const levelOf = (...verdicts: Verdict[]): number => {
      const state = createScoringState(policy);
      state.outcome(outcome());
      state.completed({ event: 'e', epoch: 1 });
      for (const [k, verdict] of verdicts.entries()) {
        const event = `check ${k}`;
        state.outcome(outcome({ event, verdict, credit: {}, kind: 'liveness' }));
        state.completed({ event, epoch: 1, liveness: true });
      }
      return [...state.at(1)][0]![1].slots[0]!.uptime;
    };
    expect(levelOf(accepted)).toBe(500_000);
    expect(levelOf(rejected('window'))).toBe(250_000);
    expect(levelOf(inconclusive('validator-fault'))).toBe(500_000);
  });

  test('keeps a quarantine though its slots are forgotten, and a later rejection makes none shorter', () => {
    const policy = policyOf({ quarantine: { reasons: ['seed'], epochs: 6 } });
    const state = createScoringState(policy);
    state.outcome(outcome({ verdict: rejected('seed'), credit: {} }));
    for (const epoch of [1, 2, 3, 4]) state.completed({ event: epoch === 1 ? 'e' : `${epoch}`, epoch });
    state.outcome(outcome({ event: 'again', epoch: 6 }));
    state.completed({ event: 'again', epoch: 6 });
    const at = (epoch: number) => payOf(state, { epoch, facts: factsOf(['a']) });
    expect(at(6).reasons.get(toHotkey('a'))?.zero).toBe('quarantine');
    expect(at(7).reasons.has(toHotkey('a'))).toBe(false);
  });

  test('pays an event once: one that is completed again changes nothing', () => {
    const state = createScoringState(policyOf());
    for (let k = 0; k < 2; k++) {
      state.outcome(outcome());
      state.completed({ event: 'e', epoch: 1 });
    }
    expect(state.eventsOf(1)).toBe(1);
  });
});
