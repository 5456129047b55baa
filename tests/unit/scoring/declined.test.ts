import { describe, expect, test } from 'vitest';
import { toHotkey } from '../../../src/model/ids.js';
import { accepted, type Cause, inconclusive, rejected, type Verdict } from '../../../src/model/verdict.js';
import {
  createScoringState,
  maintenanceRules,
  payOf,
  restoreScoringState,
  type Scored,
  type ScoringPolicy,
  type ScoringState,
} from '../../../src/scoring/index.js';
import fc from '../../support/properties.js';
import { factsOf, partOf, policyOf, poolOf } from '../../support/scoring.js';

const A = toHotkey('a');
const B = toHotkey('b');
const away = inconclusive('maintenance');
const capped = inconclusive('capped');
const failed = rejected('window');

/** What hotkey a shows in each event, epoch by epoch; hotkey b proves one in all of them. */
type Shown = readonly (readonly Verdict[])[];

const outcome = (miner: string, event: string, epoch: number, verdict: Verdict): Scored => ({
  event,
  epoch,
  miner: toHotkey(miner),
  kind: 'compute',
  paramsId: '00',
  slot: 0,
  verdict,
  credit: verdict.kind === 'accepted' ? { opsPerS: 1 } : {},
  share: verdict.kind === 'accepted' ? 1 : 0,
});

function told(policy: ScoringPolicy, shown: Shown, state = createScoringState(policy)): ScoringState {
  shown.forEach((events, epoch) => {
    events.forEach((verdict, i) => {
      const event = `${epoch}.${i}`;
      state.outcome(outcome('a', event, epoch, verdict));
      state.outcome(outcome('b', event, epoch, accepted));
      state.completed({ event, epoch });
    });
  });
  return state;
}

const payAt = (state: ScoringState, epoch: number, registeredEpoch?: number) =>
  payOf(state, {
    epoch,
    facts: factsOf(['a', 'b'], {
      neurons: new Map(
        [...factsOf(['a', 'b']).neurons].map(([hotkey, neuron]) => [
          hotkey,
          { ...neuron, ...(registeredEpoch === undefined ? {} : { registeredEpoch }) },
        ]),
      ),
    }),
  });

/** Of a pool that buys two: what a unit is paid does not hang on what the other proved. */
const POOLS = { pools: [poolOf({ target: 2 })] };
const shareAt = (policy: ScoringPolicy, shown: Shown, epoch = shown.length - 1): number =>
  partOf(payAt(told(policy, shown), epoch), A);
const viewOf = (state: ScoringState, epoch: number) => [...state.at(epoch)].find(([key]) => key === A)![1];
const uptimeOf = (state: ScoringState, epoch: number) => viewOf(state, epoch).slots[0]!.uptime;

const each = (verdict: Verdict, events = 4): Verdict[] => new Array<Verdict>(events).fill(verdict);

describe('declared maintenance', () => {
  const POLICY = policyOf({
    ...POOLS,
    memory: { retain: 0.5 },
    uptime: { rise: 0.5, fall: 0.5, floor: 0 },
  });

  test('is not paid for the events in it: one of four costs a quarter', () => {
    const plain = policyOf(POOLS);
    expect(shareAt(plain, [each(accepted)])).toBe(0.5);
    expect(shareAt(plain, [[away, ...each(accepted, 3)]])).toBe(0.375);
    expect(shareAt(plain, [each(away)])).toBe(0);
  });

  test('lets no level fall: what a slot was worth and its uptime are after it what they were before', () => {
    const before: Shown = [each(accepted), each(accepted)];
    const state = told(POLICY, [...before, each(away), each(away)]);
    const [slot] = viewOf(state, 3).slots;
    const [was] = viewOf(told(POLICY, before), 1).slots;
    expect(slot).toEqual({ ...was, present: 0 });
    expect(partOf(payAt(state, 3), A)).toBe(0);
  });

  test('lets none rise either', () => {
    const state = told(POLICY, [each(accepted), each(away), each(away)]);
    expect(uptimeOf(state, 2)).toBe(uptimeOf(told(POLICY, [each(accepted)]), 0));
  });

  test('is not paid where the worth is carried over an epoch without an event', () => {
    const state = told(policyOf(POOLS), [each(accepted), each(away)]);
    expect(partOf(payAt(state, 2), A)).toBe(0);
  });

  test('says so in reasons: of a cut, and of a zero', () => {
    const part = payAt(told(policyOf(POOLS), [[away, ...each(accepted, 3)]]), 0).reasons.get(A)!;
    expect(part.cuts).toEqual([{ why: 'maintenance', pool: 'all', factor: 0.75, amount: 0.25 }]);
    expect(part.counts).toEqual({ accepted: 3, 'inconclusive:maintenance': 1 });
    const never = payAt(told(policyOf(POOLS), [each(away)]), 0).reasons.get(A)!;
    expect(never.zero).toBe('maintenance');
    const after = payAt(told(POLICY, [each(accepted), each(away)]), 1).reasons.get(A)!;
    expect(after.zero).toBe('maintenance');
  });

  test('stops the clock of quarantine', () => {
    const policy = policyOf({ ...POOLS, quarantine: { reasons: ['seed'], epochs: 2 } });
    const caught = [rejected('seed'), ...each(accepted, 3)];
    expect(shareAt(policy, [caught, each(accepted), each(accepted)])).toBe(0.5);
    const sat: Shown = [caught, each(away), each(accepted)];
    expect(payAt(told(policy, sat), 2).reasons.get(A)!.zero).toBe('quarantine');
    expect(shareAt(policy, [...sat, each(accepted)])).toBe(0.5);
  });

  test('stops the clock of probation, for those alone that were registered by then', () => {
    const policy = policyOf({ ...POOLS, probation: { epochs: 4, start: 0 } });
    const shown: Shown = [each(accepted), each(away), each(away), each(accepted)];
    const at = (registered: number) => partOf(payAt(told(policy, shown), 3, registered), A);
    expect(at(0)).toBe(0.125); // one epoch of the four counts, and this one is the second
    expect(at(2)).toBe(0);
    expect(partOf(payAt(told(policy, new Array(4).fill(each(accepted))), 3, 0), A)).toBe(0.375);
  });

  test('at a check between events moves no uptime', () => {
    const policy = policyOf({ ...POOLS, uptime: { rise: 0.5, fall: 0.5, floor: 0 } });
    const state = told(policy, [each(accepted)]);
    const before = uptimeOf(state, 0);
    const check = (verdict: Verdict, event: string) => {
      state.outcome(outcome('a', event, 0, verdict));
      state.completed({ event, epoch: 0, liveness: true });
    };
    check(away, 'c1');
    expect(uptimeOf(state, 0)).toBe(before);
    check(failed, 'c2');
    expect(uptimeOf(state, 0)).toBeLessThan(before);
  });
});

describe('a capped slot', () => {
  const POLICY = policyOf({ ...POOLS, uptime: { rise: 0.5, fall: 0.5, floor: 0 } });

  test('is unproven: the event counts as nothing, as one that it failed', () => {
    expect(shareAt(policyOf(POOLS), [[capped, ...each(accepted, 3)]])).toBe(0.375);
    expect(shareAt(policyOf(POOLS), [each(capped)])).toBe(0);
  });

  test('is not punished: its uptime stays, where a failure lets it fall', () => {
    const before = told(POLICY, [each(accepted)]);
    expect(uptimeOf(told(POLICY, [each(accepted), each(capped)]), 1)).toBe(uptimeOf(before, 0));
    expect(uptimeOf(told(POLICY, [each(accepted), each(failed)]), 1)).toBeLessThan(uptimeOf(before, 0));
  });

  test('is in no quarantine and in no maintenance', () => {
    const reasons = payAt(told(POLICY, [each(capped)]), 0).reasons.get(A)!;
    expect(reasons).toMatchObject({ zero: 'never-accepted', cuts: [], counts: { 'inconclusive:capped': 4 } });
  });
});

describe('declining', () => {
  const shown = fc.array(
    fc.array(fc.constantFrom<Verdict>(accepted, failed, rejected('seed'), away, capped), {
      minLength: 1,
      maxLength: 5,
    }),
    { minLength: 1, maxLength: 6 },
  );

  test('never pays more than having proven the same in all of these events', () => {
    const policy = policyOf({
      ...POOLS,
      memory: { retain: 0.5 },
      uptime: { rise: 0.3, fall: 0.5, floor: 0.2 },
      quarantine: { reasons: ['seed'], epochs: 2 },
    });
    fc.assert(
      fc.property(shown, (epochs) => {
        const isDeclined = ({ kind }: Verdict) => kind === 'inconclusive';
        const proven = epochs.map((events) => events.map((each) => (isDeclined(each) ? accepted : each)));
        const [declined, honest] = [told(policy, epochs), told(policy, proven)];
        const last = epochs.length - 1;
        expect(partOf(payAt(declined, last), A)).toBeLessThanOrEqual(partOf(payAt(honest, last), A) + 1e-9);
      }),
      { numRuns: 200 },
    );
  });

  test('in an epoch pays no more than failing there, where nothing is remembered', () => {
    fc.assert(
      fc.property(shown, (epochs) => {
        const failing = epochs.map((events) =>
          events.map((each) => (each.kind === 'inconclusive' ? failed : each)),
        );
        const policy = policyOf(POOLS);
        const last = epochs.length - 1;
        const [a, b] = [told(policy, epochs), told(policy, failing)].map((state) =>
          partOf(payAt(state, last), A),
        );
        expect(Math.abs(a! - b!)).toBeLessThan(1e-5);
      }),
      { numRuns: 200 },
    );
  });

  test('changes nothing of what anybody else is paid in a pool that burns what is not filled', () => {
    const policy = policyOf(POOLS);
    for (const cause of ['maintenance', 'capped'] satisfies Cause[])
      expect(partOf(payAt(told(policy, [each(inconclusive(cause))]), 0), B)).toBe(0.5);
  });

  test('survives a snapshot, and one of a build that knew neither is read', () => {
    const policy = policyOf({ ...POOLS, probation: { epochs: 4, start: 0 } });
    const state = told(policy, [each(accepted), [away, capped, ...each(accepted, 2)], each(accepted)]);
    const again = restoreScoringState(policy, state.snapshot());
    expect(again.snapshot()).toBe(state.snapshot());
    expect(viewOf(again, 3).away).toEqual([1]);

    const older = JSON.parse(told(policy, [each(accepted), each(accepted)]).snapshot());
    for (const hotkey of older.hotkeys) {
      hotkey.pop();
      for (const [, memory, sums] of hotkey[2]) {
        delete memory.present;
        delete sums.away;
        delete sums.capped;
        sums.counts.splice(-2);
      }
    }
    const read = restoreScoringState(policy, JSON.stringify(older));
    expect(partOf(payAt(read, 1, -9), A)).toBe(0.5);
  });
});

test('a policy says how much maintenance there is, and by default there is a little', () => {
  expect(maintenanceRules(policyOf())).toEqual({
    blocks: 1800,
    inBlocks: 50_400,
    declarations: 4,
    leadBlocks: 100,
  });
  expect(maintenanceRules(policyOf({ maintenance: { blocks: 0 } })).blocks).toBe(0);
  expect(() => policyOf({ maintenance: { hours: 6 } })).toThrow('policy.maintenance.hours');
});
