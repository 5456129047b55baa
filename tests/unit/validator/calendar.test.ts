// Which slots an event asks: all, a sample, those that were caught; and which a check between events does.
import { describe, expect, test } from 'vitest';
import { isRare } from '../../../src/model/binomial.js';
import { toHex, u32le, utf8 } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { type Hotkey, toHotkey } from '../../../src/model/ids.js';
import {
  accepted,
  inconclusive,
  type Rejection,
  rejected,
  type Verdict,
} from '../../../src/model/verdict.js';
import { POLICIES } from '../../../src/scoring/index.js';
import { isDrawn } from '../../../src/scoring/state.js';
import { createMemoryLedger } from '../../../src/testing/memory-ledger.js';
import { type Announced, assertFits, createCalendar } from '../../../src/validator/calendar.js';
import type { OutcomeEntry } from '../../../src/validator/ledger/entries.js';
import { createLookBack, recall } from '../../../src/validator/look-back.js';
import type { Claim } from '../../../src/validator/roster.js';
import type { EventPlan } from '../../../src/validator/schedule.js';

const PLAN: EventPlan = { eventsPerEpoch: 2, leadBlocks: 2, eventBlocks: 14, publishLeadBlocks: 5 };
const CHECKED: EventPlan = { ...PLAN, livenessPerEpoch: 2 };
const EPOCH = { start: 100, length: 60 };
const MINER = toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
const OTHER = toHotkey('5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty');
const claim = (index: number, change: Partial<Claim> = {}): Claim => ({
  index,
  worker: 'host-1',
  kind: 'compute',
  paramsId: '11'.repeat(32),
  ...change,
});

const hashOf = (seed: number) => async (block: number) =>
  new Uint8Array(sha256(utf8('test hash'), u32le(seed), u32le(block)));
const nobody = { has: () => false };

/** What an epoch announces, with the block that does. */
async function announced(plan: EventPlan, seed = 1, lookBack: { has(miner: Hotkey): boolean } = nobody) {
  const calendar = createCalendar({ hashOf: hashOf(seed), lookBack });
  const found: (Announced & { by: number })[] = [];
  for (let by = EPOCH.start; by < EPOCH.start + EPOCH.length; by++) {
    const each = await calendar.announcedBy(by, EPOCH, plan);
    if (each) found.push({ ...each, by });
  }
  return found;
}

describe('an event', () => {
  test('asks every slot where the plan says nothing else, checks among them, and is named by its place in the epoch', async () => {
    const events = await announced(PLAN);
    expect(events.map(({ purpose, ordinal, block, by }) => [purpose, ordinal, block - by])).toEqual([
      ['capacity', '0', 2],
      ['capacity', '1', 2],
    ]);
    for (const { asks, sample } of events) {
      expect(sample).toBeUndefined();
      expect([claim(0), claim(1, { kind: 'liveness' })].map((each) => asks(MINER, each))).toEqual([
        true,
        true,
      ]);
    }
  });

  test('leaves alone who says that somebody uses the slot, and what is asked between events', async () => {
    const events = (await announced(CHECKED)).filter(({ purpose }) => purpose === 'capacity');
    expect(events).toHaveLength(2);
    const claims = [claim(0), claim(0, { leased: true }), claim(0, { kind: 'liveness' })];
    for (const { asks } of events)
      expect(claims.map((each) => asks(MINER, each))).toEqual([true, false, false]);
  });

  test('draws a sample by the block that announces it: as large as the plan says, another one each time', async () => {
    const plan = { ...PLAN, sampling: 0.25 };
    const asked: string[] = [];
    let drawn = 0;
    let trials = 0;
    for (let seed = 0; seed < 20; seed++)
      for (const { asks, sample, by } of await announced(plan, seed)) {
        expect(sample).toEqual({ seed: toHex(await hashOf(seed)(by)), share: 250_000 });
        const slots = Array.from({ length: 50 }, (_, index) => asks(MINER, claim(index)));
        // what the ledger keeps is enough to say who was asked
        expect(slots).toEqual(slots.map((_, index) => isDrawn(sample!, MINER, index)));
        asked.push(slots.join());
        drawn += slots.filter(Boolean).length;
        trials += slots.length;
      }
    expect(trials).toBe(2000);
    expect(new Set(asked).size).toBe(40);
    expect(isRare(drawn, trials, [1n, 4n], [1n, 1_000_000n])).toBe(false);
    expect(isRare(trials - drawn, trials, [3n, 4n], [1n, 1_000_000n])).toBe(false);
    expect(isRare(drawn, trials, [1n, 5n], [1n, 1_000n])).toBe(true);
  });

  test('asks who was caught not long ago whatever the sample says, and not who is leased', async () => {
    const caught = { has: (miner: Hotkey) => miner === MINER };
    for (const { asks } of await announced({ ...PLAN, sampling: 0.000001 }, 1, caught)) {
      // under whatever number it is now
      expect([6, 7, 8].map((index) => asks(MINER, claim(index)))).toEqual([true, true, true]);
      expect(asks(OTHER, claim(7))).toBe(false);
      expect(asks(MINER, claim(7, { leased: true }))).toBe(false);
    }
  });
});

test('a check is of the next block, and asks slots of its kind alone, those that are drawn, leased or not', async () => {
  const plan = { ...CHECKED, livenessPerEpoch: 4 };
  let asked = 0;
  for (let seed = 0; seed < 10; seed++)
    for (const { purpose, block, by, ordinal, asks } of await announced(plan, seed)) {
      if (purpose !== 'liveness') continue;
      expect([block, ordinal]).toEqual([by + 1, `live-${by + 1 - EPOCH.start}`]);
      for (let index = 0; index < 8; index++) {
        expect(asks(MINER, claim(index))).toBe(false);
        const isAsked = asks(MINER, claim(index, { kind: 'liveness' }));
        expect(asks(MINER, claim(index, { kind: 'liveness', leased: true }))).toBe(isAsked);
        if (isAsked) asked++;
      }
    }
  expect(asked).toBeGreaterThan(100);
});

test('a check is held to the time that its one block is of an event’s', async () => {
  const found = await announced({ ...CHECKED, livenessPerEpoch: 2, leadBlocks: 3, minLeadMs: 15_000 });
  const leads = new Set(found.map(({ purpose, minLeadMs }) => `${purpose} ${minLeadMs}`));
  expect(leads).toEqual(new Set(['capacity 15000', 'liveness 5000']));
});

test.each<[string, Partial<EventPlan>]>([
  ['eventsPerEpoch: expected at most 8', { eventsPerEpoch: 9 }],
  ['epoch: 361 blocks hold no 8 events of 50 blocks', { eventsPerEpoch: 8, eventBlocks: 50 }],
  ['dutyMost: 2 events of 14 blocks are more than 0.05 of 361', { dutyMost: 0.05 }],
  ['leadBlocks: miners wait 55000 ms, got 5 of 12000 ms', { leadBlocks: 5 }],
  ['minLeadMs: an event is announced 24000 ms before, got 24001', { minLeadMs: 24_001 }],
])('a plan by which nobody would be asked is refused: %s', (why, change) => {
  const epoch = { length: 361, blockTimeMs: 12_000 };
  expect(() => assertFits({ ...PLAN, leadBlocks: 2, minLeadMs: 24_000 }, epoch)).not.toThrow();
  expect(() => assertFits({ ...PLAN, ...change }, epoch)).toThrow(why);
});

test('what shipped policies plan fits epochs of 360 blocks of 12 s', () => {
  const planned = Object.values(POLICIES).flatMap(({ schedule }) => schedule ?? []);
  expect(planned.length).toBeGreaterThan(0);
  for (const schedule of planned)
    for (const length of [360, 361])
      expect(() => assertFits(schedule, { length, blockTimeMs: 12_000 })).not.toThrow();
});

describe('a slot that was caught', () => {
  const outcome = (verdict: Verdict, event = 'e', slot = 0) => ({ event, miner: MINER, slot, verdict });
  const caughtAfter = (...verdicts: Verdict[]) => {
    const lookBack = createLookBack();
    for (const verdict of verdicts) lookBack.judged([outcome(verdict)], 3);
    return lookBack.has(MINER);
  };

  test.each<[Rejection, boolean]>([
    ['projection', true],
    ['seed', true],
    ['poison', true],
    ['window', false],
    ['left-out', false],
    ['opening-timeout', false],
  ])('by %s is looked back at: %s', (reason, isLookedAt) => {
    expect(caughtAfter(rejected(reason))).toBe(isLookedAt);
  });

  test('is asked in each of the next events, as many as the plan says, and again from the next lie on', () => {
    const lie = rejected('path');
    expect(caughtAfter(lie, accepted, accepted)).toBe(true);
    expect(caughtAfter(lie, accepted, accepted, accepted)).toBe(false);
    expect(caughtAfter(lie, accepted, accepted, lie, accepted, accepted)).toBe(true);
    // silence is an event too; what we failed to judge is none
    expect(caughtAfter(lie, rejected('window'), rejected('window'), rejected('window'))).toBe(false);
    expect(caughtAfter(lie, accepted, accepted, inconclusive('validator-fault'))).toBe(true);
  });

  test('is one of a hotkey, whatever its number, and no other hotkey’s; of none where the plan has no look-back', () => {
    const lookBack = createLookBack();
    lookBack.judged([outcome(rejected('path'), 'e', 2), outcome(accepted, 'e', 1)], 3);
    expect([MINER, OTHER].map(lookBack.has)).toEqual([true, false]);
    // two slots are one event
    lookBack.judged([outcome(accepted, 'f', 3), outcome(accepted, 'f', 4)], 3);
    lookBack.judged([outcome(accepted, 'g', 3), outcome(inconclusive('validator-fault'), 'g', 4)], 3);
    expect(lookBack.has(MINER)).toBe(true);
    lookBack.judged([outcome(accepted, 'h', 3)], 3);
    expect(lookBack.has(MINER)).toBe(false);
    lookBack.judged([outcome(rejected('path'), 'i', 2)], 3);
    lookBack.judged([outcome(accepted, 'j', 2)], 0);
    expect(lookBack.has(MINER)).toBe(false);
    lookBack.judged([outcome(rejected('path'), 'k', 2)], 0);
    expect(lookBack.has(MINER)).toBe(false);
  });

  test('is forgotten with its hotkey: what is kept is no more than hotkeys there are', () => {
    const lookBack = createLookBack();
    lookBack.judged([outcome(rejected('path')), { ...outcome(rejected('path')), miner: OTHER }], 3);
    lookBack.keep(new Set([OTHER]));
    expect([MINER, OTHER].map(lookBack.has)).toEqual([false, true]);
  });

  test('is known to a validator that begins again, by its ledger: completed events in their order, checks apart', async () => {
    const ledger = createMemoryLedger();
    const event = async (name: string, verdict: Verdict, liveness = false, isCompleted = true) => {
      const facts = { event: name, epoch: 4, block: 1, basis: new Uint8Array(32) };
      await ledger.append({
        type: 'outcome',
        outcome: { ...outcome(verdict, name), epoch: 4 },
      } as OutcomeEntry);
      if (isCompleted)
        await ledger.append({ type: 'event-completed', ...facts, ...(liveness ? { liveness } : {}) });
    };
    await event('a', rejected('path'));
    await event('b', accepted);
    await event('c', accepted, true);
    const recalled = () => {
      const lookBack = createLookBack();
      recall(lookBack, ledger, { fromEpoch: 3, events: 2 });
      return lookBack.has(MINER);
    };
    expect(recalled()).toBe(true);
    await event('d', accepted, false, false);
    expect(recalled()).toBe(true);
    await event('e', accepted);
    expect(recalled()).toBe(false);
  });
});
