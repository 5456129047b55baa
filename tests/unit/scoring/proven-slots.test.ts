import { describe, expect, it } from 'vitest';
import { type Hotkey, toHotkey } from '../../../src/model/ids.js';
import type { Outcome } from '../../../src/model/outcome.js';
import { accepted, inconclusive, rejected, type Verdict } from '../../../src/model/verdict.js';
import fc from '../../support/properties.js';
import { paid, policyOf, poolOf, type Told as RuleInput } from '../../support/scoring.js';

const ALICE = toHotkey('alice');
const BOB = toHotkey('bob');
const OURS = inconclusive('validator-fault');
/** in the order of names, as the policy of one pool pays them, a nominal slot proving one operation */
const rule = (input: RuleInput, change: object) => {
  const { worth, pools, burned, reasons, total } = paid(policyOf(change), input);
  return {
    scores: worth,
    unproven: burned.unfilled === total ? 1 : pools[0]!.missed,
    reasons: new Map([...reasons].map(([hotkey, { zero, counts }]) => [hotkey, { why: zero, counts }])),
  };
};
const provenSlots = (input: RuleInput, { carryEpochs = 1 } = {}) => rule(input, { memory: { carryEpochs } });

const outcome = (
  event: string,
  epoch: number,
  verdict: Verdict,
  { miner = ALICE, slot = 0 }: { miner?: Hotkey; slot?: number } = {},
): Outcome => ({
  id: `${event}-${miner}-${slot}`,
  event,
  eventBlock: 0,
  epoch,
  netuid: 2,
  validator: toHotkey('validator'),
  miner,
  kind: 'compute',
  paramsId: '',
  slot,
  verdict,
  measuredMs: 1,
  ownDelayMs: 0,
  credit: verdict.kind === 'accepted' ? { opsPerS: 1 } : {},
  share: verdict.kind === 'accepted' ? 1 : 0,
  at: 0,
});
const events = (epoch: number, ...ids: string[]) => ids.map((event) => ({ event, epoch }));

describe('a policy of one pool', () => {
  it('pays each proven slot its accepted share and gives the rest to the owner', () => {
    const result = provenSlots({
      epoch: 5,
      completed: events(5, 'a', 'b', 'c', 'd'),
      outcomes: [
        ...['a', 'b', 'c', 'd'].map((event) => outcome(event, 5, accepted)),
        ...['a', 'b', 'c'].map((event) => outcome(event, 5, accepted, { slot: 1 })),
        outcome('d', 5, rejected('window'), { slot: 1 }),
        outcome('a', 5, accepted, { miner: BOB }),
        outcome('b', 5, rejected('projection'), { miner: BOB }),
        outcome('c', 5, rejected('projection'), { miner: BOB }),
        outcome('d', 5, rejected('projection'), { miner: BOB }),
      ],
    });
    expect([...result.scores]).toEqual([
      [ALICE, 1.75],
      [BOB, 0.25],
    ]);
    // a quarter of one slot, and of the other as much as it proved
    expect(result.unproven).toBe(0.5);
    expect(result.reasons.size).toBe(0);
  });

  it('counts an absence from a completed event as nothing earned', () => {
    const result = provenSlots({
      epoch: 5,
      completed: events(5, 'a', 'b'),
      outcomes: [outcome('a', 5, accepted)],
    });
    expect(result.scores.get(ALICE)).toBe(0.5);
    expect(result.unproven).toBe(0.5);
  });

  it('leaves events out that the validator did not complete', () => {
    const result = provenSlots({
      epoch: 5,
      completed: events(5, 'a'),
      outcomes: [outcome('a', 5, accepted), outcome('cut-short', 5, rejected('window'))],
    });
    expect(result.scores.get(ALICE)).toBe(1);
    expect(result.unproven).toBe(0);
  });

  it('holds an event in which there was nobody to meet against the slot: it would be measured when it likes', () => {
    // four hotkeys behind one link, each alone under a class of its own but for the event in which it claims the one that others have
    const hotkeys = ['w', 'x', 'y', 'z'].map(toHotkey);
    const result = provenSlots({
      epoch: 5,
      completed: events(5, 'a', 'b', 'c', 'd'),
      outcomes: ['a', 'b', 'c', 'd'].flatMap((event, turn) =>
        hotkeys.map((miner, i) => ({
          ...outcome(event, 5, i === turn ? accepted : inconclusive('nobody-to-meet'), { miner }),
          byTurn: true,
        })),
      ),
    });
    expect([...result.scores.values()]).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  it('gives nothing to whoever met nobody in the whole epoch, and carries nothing for it', () => {
    const result = provenSlots({
      epoch: 5,
      completed: [...events(4, 'a'), ...events(5, 'b')],
      outcomes: [outcome('a', 4, accepted), outcome('b', 5, inconclusive('nobody-to-meet'))],
    });
    expect(result.scores.get(ALICE)).toBe(0);
    expect(result.reasons.get(ALICE)).toEqual({
      why: 'never-accepted',
      counts: { 'inconclusive:nobody-to-meet': 1 },
    });
  });

  it('pays what was proven and not what share of a class it is, and simulated devices at prices of their own', () => {
    const proven = (miner: Hotkey, opsPerS: number, share: number) => ({
      ...outcome('a', 5, accepted, { miner }),
      credit: { opsPerS },
      share,
    });
    const result = rule(
      {
        epoch: 5,
        completed: events(5, 'a'),
        outcomes: [
          proven(ALICE, 8, 8),
          proven(BOB, 8, 0.5),
          { ...proven(toHotkey('carol'), 8, 1), simulated: true },
        ],
      },
      { pools: [poolOf({ prices: { opsPerS: { of: 4, counts: 1 } } })] },
    );
    expect([...result.scores.values()]).toEqual([2, 2, 8]);
    expect(result.unproven).toBe(2);
  });

  it('puts on the owner at most what a slot proved: one label under the class of a big card burns no big card', () => {
    const label = {
      ...outcome('a', 5, accepted, { miner: BOB }),
      credit: { opsPerS: 2 ** -10 },
      share: 2 ** -20,
    };
    const result = provenSlots({
      epoch: 5,
      completed: events(5, 'a'),
      outcomes: [outcome('a', 5, accepted), label],
    });
    expect(result.unproven).toBe(2 ** -10);
  });

  it('does not hold an inconclusive outcome against the slot', () => {
    const result = provenSlots({
      epoch: 5,
      completed: events(5, 'a', 'b'),
      outcomes: [outcome('a', 5, accepted), outcome('b', 5, OURS)],
    });
    expect(result.scores.get(ALICE)).toBe(1);
    expect(result.unproven).toBe(0);
  });

  it('gives everything to the owner when nothing is proven, and says why for each hotkey', () => {
    const result = provenSlots({
      epoch: 5,
      completed: events(5, 'a', 'b'),
      outcomes: [outcome('a', 5, rejected('seed')), outcome('b', 5, rejected('window'))],
      hotkeys: [ALICE, BOB],
    });
    expect([...result.scores]).toEqual([
      [ALICE, 0],
      [BOB, 0],
    ]);
    expect(result.unproven).toBe(1);
    expect(result.reasons.get(ALICE)).toEqual({
      why: 'never-accepted',
      counts: { 'rejected:seed': 1, 'rejected:window': 1 },
    });
    expect(result.reasons.get(BOB)).toEqual({ why: 'not-challenged', counts: {} });
  });

  it('puts nothing on the owner for slots that were never proven, however many are claimed', () => {
    const claims = Array.from({ length: 3000 }, (_, slot) =>
      outcome('a', 5, rejected('window'), { miner: BOB, slot }),
    );
    const result = provenSlots({
      epoch: 5,
      completed: events(5, 'a'),
      outcomes: [outcome('a', 5, accepted), ...claims],
    });
    expect(result.scores.get(ALICE)).toBe(1);
    expect(result.unproven).toBe(0);
  });

  describe('carry', () => {
    const completed = [...events(3, 'a', 'b'), ...events(4, 'c'), ...events(5, 'd')];
    const proven = [outcome('a', 3, accepted), outcome('b', 3, rejected('window'))];

    it('keeps the last share through an epoch that could not be judged', () => {
      const result = provenSlots({ epoch: 4, completed, outcomes: [...proven, outcome('c', 4, OURS)] });
      expect(result.scores.get(ALICE)).toBe(0.5);
      expect(result.unproven).toBe(0.5);
    });

    it('ends after carryEpochs in a row, or making us fail would pay', () => {
      const outcomes = [...proven, outcome('c', 4, OURS), outcome('d', 5, OURS)];
      const once = provenSlots({ epoch: 5, completed, outcomes });
      expect(once.scores.get(ALICE)).toBe(0);
      expect(once.reasons.get(ALICE)).toEqual({
        why: 'carry-ended',
        counts: { 'inconclusive:validator-fault': 1 },
      });
      expect(provenSlots({ epoch: 5, completed, outcomes }, { carryEpochs: 2 }).scores.get(ALICE)).toBe(0.5);
    });

    it('carries all slots through an epoch in which the validator completed no event', () => {
      const result = provenSlots({ epoch: 4, completed: events(3, 'a', 'b'), outcomes: proven });
      expect(result.scores.get(ALICE)).toBe(0.5);
    });

    it('gives nothing to a slot that stayed away from the events of the epoch', () => {
      const result = provenSlots({ epoch: 4, completed, outcomes: proven });
      expect(result.scores.get(ALICE)).toBe(0);
    });

    it('says that there was no event when there is nothing to carry either', () => {
      const result = provenSlots({ epoch: 9, completed, outcomes: proven });
      expect(result.reasons.get(ALICE)).toEqual({ why: 'no-event', counts: {} });
    });
  });

  describe('for any outcomes', () => {
    const EVENTS = ['a', 'b', 'c', 'd', 'e'];
    const verdict = fc.constantFrom<Verdict>(accepted, rejected('window'), rejected('seed'), OURS);
    const row = fc.record({
      event: fc.constantFrom(...EVENTS),
      epoch: fc.constantFrom(4, 5),
      miner: fc.constantFrom(ALICE, BOB, toHotkey('carol')),
      slot: fc.integer({ min: 0, max: 3 }),
      verdict,
    });
    const input = fc.record({
      rows: fc.uniqueArray(row, {
        maxLength: 60,
        selector: ({ event, epoch, miner, slot }) => `${epoch}${event} ${miner} ${slot}`,
      }),
      done: fc.subarray(EVENTS),
    });
    const run = ({ rows, done }: { rows: readonly Row[]; done: readonly string[] }) =>
      provenSlots({
        epoch: 5,
        completed: [4, 5].flatMap((epoch) => events(epoch, ...done.map((event) => `${epoch}${event}`))),
        outcomes: rows.map(({ event, epoch, verdict, miner, slot }) =>
          outcome(`${epoch}${event}`, epoch, verdict, { miner, slot }),
        ),
      });
    type Row = { event: string; epoch: number; miner: Hotkey; slot: number; verdict: Verdict };

    it('puts no more on the owner than was proven, and all of it where nothing was', () => {
      fc.assert(
        fc.property(input, (given) => {
          const { scores, unproven } = run(given);
          const sum = [...scores.values()].reduce((a, b) => a + b, 0);
          if (sum === 0) expect(unproven).toBe(1);
          else expect(unproven).toBeLessThanOrEqual(sum);
        }),
      );
    });

    it('has a reason for every zero and for nothing else', () => {
      fc.assert(
        fc.property(input, (given) => {
          const { scores, reasons } = run(given);
          for (const [hotkey, score] of scores) expect(reasons.has(hotkey)).toBe(score === 0);
        }),
      );
    });

    it('does not hang on the order of the journal', () => {
      fc.assert(
        fc.property(input, ({ rows, done }) => {
          const there = run({ rows, done });
          const back = run({ rows: [...rows].reverse(), done: [...done].reverse() });
          expect(new Map(back.scores)).toEqual(new Map(there.scores));
          expect(back.unproven).toBe(there.unproven);
        }),
      );
    });

    it('never pays less for a rejection turned into an acceptance', () => {
      fc.assert(
        fc.property(input, fc.nat(), ({ rows, done }, pick) => {
          const refused = rows.filter((each) => each.verdict.kind === 'rejected');
          const better = refused[pick % Math.max(1, refused.length)];
          if (!better) return;
          const changed = rows.map((each) => (each === better ? { ...each, verdict: accepted } : each));
          const before = run({ rows, done }).scores.get(better.miner)!;
          expect(run({ rows: changed, done }).scores.get(better.miner)!).toBeGreaterThanOrEqual(before);
        }),
      );
    });

    it('never pays one miner for what happens to another', () => {
      fc.assert(
        fc.property(input, ({ rows, done }) => {
          const alone = run({ rows: rows.filter(({ miner }) => miner === ALICE), done });
          expect(run({ rows, done }).scores.get(ALICE)).toBe(alone.scores.get(ALICE));
        }),
      );
    });
  });

  it('counts a slot that one validator measures at a time in the events that were its turn', () => {
    const byTurn = (event: string, verdict: Verdict) => ({
      ...outcome(event, 5, verdict, { slot: 1 }),
      byTurn: true,
    });
    const result = provenSlots({
      epoch: 5,
      completed: [
        ...events(5, 'a', 'b').map((event) => ({ ...event, ourTurn: false })),
        ...events(5, 'c', 'd').map((event) => ({ ...event, ourTurn: true })),
      ],
      outcomes: [
        ...['a', 'b', 'c', 'd'].map((event) => outcome(event, 5, accepted)),
        byTurn('c', accepted),
        byTurn('d', rejected('window')),
      ],
    });
    expect(result.scores.get(ALICE)).toBe(1.5);
    expect(result.unproven).toBe(0.5);
  });

  it('pays nobody who claims another kind at the turns for the events of both', () => {
    const turns = events(5, 'i', 'j').map((event) => ({ ...event, ourTurn: true }));
    const others = events(5, ...'abcdefgh').map((event) => ({ ...event, ourTurn: false }));
    const result = provenSlots({
      epoch: 5,
      completed: [...others, ...turns],
      outcomes: [
        ...[...others, turns[0]!].map(({ event }) => outcome(event, 5, accepted)),
        { ...outcome('j', 5, accepted), byTurn: true },
      ],
    });
    // nine of ten events as one slot, one of two turns as another
    expect(result.scores.get(ALICE)).toBeCloseTo(0.9 + 0.5);
  });

  describe('what one validator measures at a time', () => {
    const byTurn = (event: string, epoch: number, verdict: Verdict) => ({
      ...outcome(event, epoch, verdict, { slot: 1 }),
      byTurn: true,
    });
    const ours = (epoch: number, ...ids: string[]) =>
      events(epoch, ...ids).map((event) => ({ ...event, ourTurn: true }));
    const others = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => ({
        event: `others ${from + i}`,
        epoch: from + i,
        ourTurn: false,
      }));
    const scoreAt = (epoch: number, completed: RuleInput['completed'], outcomes: Outcome[]) =>
      provenSlots({ epoch, completed, outcomes }).scores.get(ALICE);

    it("holds while it is others' turn: or most validators would count nothing of it, and the chain would clip it", () => {
      const completed = [...ours(3, 'a', 'b'), ...others(4, 60)];
      const outcomes = [byTurn('a', 3, accepted), byTurn('b', 3, rejected('window'))];
      expect([3, 4, 20, 35].map((epoch) => scoreAt(epoch, completed, outcomes))).toEqual([
        0.5, 0.5, 0.5, 0.5,
      ]);
      expect(scoreAt(36, completed, outcomes)).toBe(0);
    });

    it('is over with our next turn, where it is not there', () => {
      const completed = [...ours(3, 'a'), ...others(4, 8), ...ours(9, 'b'), ...others(10, 12)];
      const outcomes = [byTurn('a', 3, accepted)];
      expect([8, 9, 12].map((epoch) => scoreAt(epoch, completed, outcomes))).toEqual([1, 0, 0]);
    });

    it('outlives one epoch in which we failed, and not two: or making us fail would pay', () => {
      const outcomes = [byTurn('a', 3, accepted), byTurn('b', 5, OURS), byTurn('c', 7, OURS)];
      const failing = [...ours(3, 'a'), ...others(4, 4), ...ours(5, 'b'), ...others(6, 6), ...ours(7, 'c')];
      expect([5, 6, 7].map((epoch) => scoreAt(epoch, failing, outcomes))).toEqual([1, 1, 0]);
      // no event at all in two epochs
      expect(scoreAt(4, ours(3, 'a'), outcomes)).toBe(1);
      expect(scoreAt(5, ours(3, 'a'), outcomes)).toBe(0);
    });
  });
});
