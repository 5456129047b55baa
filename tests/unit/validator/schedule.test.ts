import { describe, expect, test } from 'vitest';
import { u32le, utf8 } from '../../../src/model/bytes.js';
import { AssayError } from '../../../src/model/errors.js';
import { sha256 } from '../../../src/model/hash.js';
import { SESSION_LIMITS } from '../../../src/protocol/limits.js';
import {
  announcedEvent,
  DEFAULT_HOLD,
  type EventPlan,
  eventSegments,
  holdOf,
  openingsOverMs,
} from '../../../src/validator/schedule.js';
import type { ParamsFacts, Phase } from '../../../src/verification/proof.js';

const PLAN: EventPlan = { eventsPerEpoch: 2, leadBlocks: 2, eventBlocks: 14, publishLeadBlocks: 5 };
const EPOCH = { start: 100, length: 48 };

const hashesOf = (seed: number) => async (block: number) =>
  new Uint8Array(sha256(utf8('test hash'), u32le(seed), u32le(block)));

/** Every event of the epoch with the block that announced it, as a validator sees them block by block. */
async function walk(seed: number, plan = PLAN, epoch = EPOCH) {
  const events: { at: number; block: number }[] = [];
  const hashOf = hashesOf(seed);
  for (let at = epoch.start; at < epoch.start + epoch.length; at++) {
    const block = await announcedEvent(at, epoch, plan, (wanted) => {
      if (wanted > at || wanted < epoch.start) throw new Error(`asked for block ${wanted} at ${at}`);
      return hashOf(wanted);
    });
    if (block !== undefined) events.push({ at, block });
  }
  return events;
}

describe('segments', () => {
  test('of the demo plan are two, apart by more than an event, done before weights are due', () => {
    expect(eventSegments(48, PLAN)).toEqual([
      { first: 3, last: 9 },
      { first: 23, last: 29 },
    ]);
  });

  test('never overlap and end before weights are due, for any plan that fits', () => {
    let fitting = 0;
    for (let length = 10; length <= 400; length += 13)
      for (const eventsPerEpoch of [1, 2, 3, 7])
        for (const leadBlocks of [1, 4])
          for (const eventBlocks of [1, 9, 30]) {
            const plan = { eventsPerEpoch, leadBlocks, eventBlocks, publishLeadBlocks: 6 };
            if (length - 6 - leadBlocks - 1 < eventsPerEpoch * eventBlocks) {
              expect(() => eventSegments(length, plan)).toThrow(RangeError);
              continue;
            }
            fitting++;
            let free = leadBlocks + 1;
            for (const { first, last } of eventSegments(length, plan)) {
              expect(first).toBeGreaterThanOrEqual(free);
              expect(last).toBeGreaterThanOrEqual(first);
              free = last + eventBlocks;
            }
            expect(free).toBeLessThanOrEqual(length - 6);
          }
    expect(fitting).toBeGreaterThan(300);
  });

  test('an epoch one block too short for the plan is refused by name', () => {
    expect(eventSegments(36, PLAN)).toHaveLength(2);
    expect(() => eventSegments(35, PLAN)).toThrow(
      new RangeError('epoch: 35 blocks hold no 2 events of 14 blocks; raise tempo or lower the plan'),
    );
  });
});

describe('events', () => {
  const EPOCHS = 3000;

  test('each segment holds exactly one event, announced two blocks before, uniform over its blocks', async () => {
    const counts = new Map<number, number>();
    for (let seed = 0; seed < EPOCHS; seed++) {
      const events = await walk(seed);
      expect(events).toHaveLength(2);
      for (const { at, block } of events) {
        expect(block - at).toBe(2);
        counts.set(block - EPOCH.start, (counts.get(block - EPOCH.start) ?? 0) + 1);
      }
    }
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([
      3, 4, 5, 6, 7, 8, 9, 23, 24, 25, 26, 27, 28, 29,
    ]);
    const expected = EPOCHS / 7;
    for (const { first, last } of eventSegments(EPOCH.length, PLAN)) {
      let chi2 = 0;
      for (let offset = first; offset <= last; offset++)
        chi2 += (counts.get(offset)! - expected) ** 2 / expected;
      expect(chi2).toBeLessThan(22.5); // 6 degrees of freedom, one in a thousand
    }
  });

  test('the two events of an epoch are independent of each other', async () => {
    let both = 0;
    for (let seed = 0; seed < EPOCHS; seed++) {
      const [a, b] = await walk(seed);
      if (a!.block - EPOCH.start === 3 && b!.block - EPOCH.start === 23) both++;
    }
    // 3000 / 49 = 61 expected, standard deviation 7.7
    expect(both).toBeGreaterThan(38);
    expect(both).toBeLessThan(85);
  });

  test('two validators that see the same chain see the same events', async () => {
    for (let seed = 0; seed < 50; seed++) expect(await walk(seed)).toEqual(await walk(seed));
    expect(await walk(1)).not.toEqual(await walk(2));
  });

  test('nobody knows an event before the block that announces it: another hash there moves it', async () => {
    const [{ at, block }] = (await walk(7)) as [{ at: number; block: number }];
    const hashOf = hashesOf(7);
    const otherwise = new Set<number | undefined>();
    for (let other = 0; other < 40; other++)
      otherwise.add(
        await announcedEvent(at, EPOCH, PLAN, (wanted) =>
          wanted === at ? hashesOf(1000 + other)(wanted) : hashOf(wanted),
        ),
      );
    expect(otherwise).toEqual(new Set([undefined, block]));
  });

  test('between segments, before the first and near the end nothing is announced', async () => {
    const hashOf = hashesOf(3);
    for (const offset of [0, 8, 20, 28, 40, 47])
      expect(await announcedEvent(EPOCH.start + offset, EPOCH, PLAN, hashOf)).toBeUndefined();
  });

  test('a hash that the chain cannot give rejects with what the chain said', async () => {
    const unknown = new AssayError('chain-unknown', 'no block 101', { what: 'block 101' });
    await expect(announcedEvent(101, EPOCH, PLAN, () => Promise.reject(unknown))).rejects.toBe(unknown);
  });
});

describe('the hold of a plan', () => {
  test('is that of blocks of 12 s where the plan says nothing', () => {
    expect(holdOf(PLAN)).toEqual({ first: 6, last: 8 });
    expect((DEFAULT_HOLD.first - 1) * 12_000).toBeGreaterThanOrEqual(SESSION_LIMITS.goPhasesMs);
    expect(DEFAULT_HOLD.last * 12_000 + 30_000).toBeLessThan(SESSION_LIMITS.passWaitMs);
  });

  test('that does not fit the event is refused, and says what to raise', () => {
    const plan = { ...PLAN, holdBlocks: { first: 11, last: 14 } };
    expect(() => holdOf(plan)).toThrow(
      new RangeError('eventBlocks: expected more than holdBlocks.last (14), got 14; raise eventBlocks'),
    );
    expect(holdOf({ ...plan, eventBlocks: 15 })).toEqual({ first: 11, last: 14 });
    expect(() => holdOf({ ...plan, holdBlocks: { first: 3, last: 2 } })).toThrow(/^holdBlocks: /);
    expect(() => holdOf({ ...plan, holdBlocks: { first: 1, last: 121 } })).toThrow(/^holdBlocks: /);
  });

  test('more events than miners have tickets for are refused', () => {
    expect(() => holdOf({ ...PLAN, eventsPerEpoch: 9 })).toThrow(/^eventsPerEpoch: expected at most 8/);
  });
});

describe('the time in which openings of an event come', () => {
  const facts = (...phases: readonly [Phase, ...Phase[]]): ParamsFacts => ({
    className: 'any',
    phases,
    nominal: {},
    goLeadMs: 1000,
    openingMs: 30_000,
    localnetOnly: false,
  });

  test('is that of the longest phases, and 150 s', () => {
    expect(openingsOverMs(PLAN, [], 12_000)).toBe(150_000);
    const short = facts({ from: 'go', withinMs: 2000 });
    const long = facts({ from: 'go', withinMs: 10_000 });
    expect(openingsOverMs(PLAN, [long, short], 12_000)).toBe(160_000);
  });

  test('counts the phases of the Pass from the last block at which it may be drawn', () => {
    const asked = [facts({ from: 'go', withinMs: 60_000 }, { from: 'pass', withinMs: 20_000 })];
    expect(openingsOverMs({ ...PLAN, eventBlocks: 24 }, asked, 12_000)).toBe(8 * 12_000 + 20_000 + 150_000);
    const holdBlocks = { first: 1, last: 2 };
    expect(openingsOverMs({ ...PLAN, holdBlocks }, asked, 12_000)).toBe(60_000 + 150_000);
  });
});
