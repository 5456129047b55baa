import { describe, expect, test } from 'vitest';
import { isRare } from '../../../src/model/binomial.js';
import { u32le, utf8 } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { type Hotkey, toHotkey } from '../../../src/model/ids.js';
import { createLivenessDraw, livenessRoom, quietBlocks } from '../../../src/validator/liveness.js';
import { announcedEvent, type EpochFrame, type EventPlan } from '../../../src/validator/schedule.js';
import fc from '../../support/properties.js';

/** The plan of a subnet with an epoch of 360 blocks: four checks of a slot between five events. */
const PLAN: EventPlan = {
  eventsPerEpoch: 5,
  leadBlocks: 2,
  eventBlocks: 24,
  publishLeadBlocks: 12,
  livenessPerEpoch: 4,
  dutyMost: 0.4,
};
const EPOCH: EpochFrame = { start: 1000, length: 361 };
const MINER = toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
const OTHER = toHotkey('5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty');

function hashesOf(seed: number): (block: number) => Uint8Array {
  const known = new Map<number, Uint8Array>();
  return (block) => {
    const hash = known.get(block) ?? new Uint8Array(sha256(utf8('test hash'), u32le(seed), u32le(block)));
    known.set(block, hash);
    return hash;
  };
}

interface Walked {
  readonly events: number[];
  /** blocks that announce a check of somebody */
  readonly quiet: number[];
  /** of each slot, blocks that announce one of its checks */
  readonly checks: Map<string, number[]>;
}

/** An epoch block by block, as a validator sees it: a hash that is not there yet cannot be asked for. */
async function walk(
  seed: number,
  slots: readonly (readonly [Hotkey, number])[],
  {
    plan = PLAN,
    epoch = EPOCH,
    from = epoch.start,
  }: { plan?: EventPlan; epoch?: EpochFrame; from?: number } = {},
): Promise<Walked> {
  const hashes = hashesOf(seed);
  let at = from;
  const hashOf = async (block: number) => {
    if (block > at || block < epoch.start) throw new Error(`asked for block ${block} at ${at}`);
    return hashes(block);
  };
  const draw = createLivenessDraw(hashOf);
  const walked: Walked = {
    events: [],
    quiet: [],
    checks: new Map(slots.map((slot) => [slot.join(' '), []])),
  };
  for (; at < epoch.start + epoch.length; at++) {
    const event = await announcedEvent(at, epoch, plan, hashOf);
    if (event !== undefined) walked.events.push(event);
    const isDrawn = await draw.at(at, epoch, plan);
    if (!isDrawn) continue;
    walked.quiet.push(at);
    for (const slot of slots) if (isDrawn(...slot)) walked.checks.get(slot.join(' '))!.push(at);
  }
  return walked;
}

const room = (length: number, plan: EventPlan): number => {
  try {
    return Math.min(livenessRoom(length, plan)!.most, quietBlocks(length, plan));
  } catch {
    return 0;
  }
};

/** Plans that fit, with checks up to what fits beside their events: a bound that is never met says nothing. */
const plans = fc
  .record({
    eventsPerEpoch: fc.integer({ min: 1, max: 8 }),
    leadBlocks: fc.integer({ min: 1, max: 6 }),
    eventBlocks: fc.integer({ min: 1, max: 30 }),
    publishLeadBlocks: fc.integer({ min: 1, max: 20 }),
    dutyMost: fc.integer({ min: 1, max: 1_000_000 }).map((millionths) => millionths / 1e6),
    length: fc.integer({ min: 20, max: 250 }),
    fill: fc.integer({ min: 1, max: 100 }),
    seed: fc.nat(),
  })
  .map(({ fill, length, seed, ...plan }) => {
    const most = room(length, { ...plan, livenessPerEpoch: 0.000001 });
    return { length, seed, ...plan, livenessPerEpoch: (fill * most) / 100 };
  })
  .filter(({ livenessPerEpoch }) => livenessPerEpoch > 0);

describe('checks between events', () => {
  test('never meet an event or one another, are over before weights are due, and take no more of a slot’s time than allowed, for any plan', async () => {
    let atBound = 0;
    await fc.assert(
      fc.asyncProperty(plans, async ({ length, seed, ...plan }) => {
        const epoch = { start: 50, length };
        const { events, quiet, checks } = await walk(seed, [[MINER, 3]], { plan, epoch });
        expect(events).toHaveLength(plan.eventsPerEpoch);
        const busy = [
          ...events.map((event) => [event, event + plan.eventBlocks] as const),
          ...quiet.map((block) => [block + 1, block + 1 + plan.leadBlocks] as const),
        ].sort(([a], [b]) => a - b);
        for (const [i, [begins]] of busy.entries())
          expect(begins).toBeGreaterThanOrEqual(busy[i - 1]?.[1] ?? epoch.start);
        expect(busy.at(-1)![1]).toBeLessThanOrEqual(epoch.start + length - plan.publishLeadBlocks);
        expect(quiet.length).toBeGreaterThanOrEqual(quietBlocks(length, plan));
        const asked = checks.get(`${MINER} 3`)!.length;
        const blocks = events.length * plan.eventBlocks + asked * plan.leadBlocks;
        expect(blocks * 1e6).toBeLessThanOrEqual(Math.round(plan.dutyMost * 1e6) * length);
        if (asked === livenessRoom(length, plan)!.most) atBound++;
      }),
      { numRuns: 40, seed: 8 },
    );
    expect(atBound).toBeGreaterThan(3); // or the bound was never met
  });

  test('come as often as the plan says: counts lie within exact binomial bounds', async () => {
    const plan = { ...PLAN, dutyMost: 1, livenessPerEpoch: 8 };
    let [drawn, trials] = [0, 0];
    const perEpoch: number[] = [];
    for (let seed = 0; seed < 12; seed++) {
      const { checks, quiet } = await walk(seed, [[MINER, 0]], { plan });
      perEpoch.push(checks.get(`${MINER} 0`)!.length);
      drawn += perEpoch.at(-1)!;
      trials += quiet.length;
    }
    const rate = [8n, BigInt(quietBlocks(EPOCH.length, plan))] as const;
    const limit = [1n, 1_000_000n] as const;
    expect(trials).toBeLessThanOrEqual(4096);
    expect(trials).toBeGreaterThan(1000);
    expect(isRare(drawn, trials, rate, limit)).toBe(false);
    expect(isRare(trials - drawn, trials, [rate[1] - rate[0], rate[1]], limit)).toBe(false);
    // the same bounds notice a rate of half as much, and of twice
    expect(isRare(drawn, trials, [rate[0], 2n * rate[1]], limit)).toBe(true);
    expect(isRare(trials - drawn, trials, [rate[1] - 2n * rate[0], rate[1]], limit)).toBe(true);
    expect(new Set(perEpoch).size).toBeGreaterThan(3); // a number that nobody can count on
  });

  test('are of each slot by itself: neither its neighbours nor another hotkey tell when', async () => {
    const slots = [
      [MINER, 0],
      [MINER, 1],
      [OTHER, 0],
    ] as const;
    const met = { one: 0, both: 0 };
    for (let seed = 100; seed < 106; seed++) {
      const { checks } = await walk(seed, slots);
      const [a, b, c] = slots.map((slot) => new Set(checks.get(slot.join(' '))!)) as [
        Set<number>,
        Set<number>,
        Set<number>,
      ];
      met.one += a.size;
      for (const block of a) if (b.has(block) || c.has(block)) met.both++;
    }
    expect(met.one).toBeGreaterThan(12);
    expect(met.both).toBeLessThan(met.one / 3);
  });

  test('are known to nobody before the block that announces them: another hash there draws others', async () => {
    const { checks } = await walk(7, [[MINER, 0]]);
    const [block] = checks.get(`${MINER} 0`)! as [number];
    const hashes = hashesOf(7);
    const otherwise = new Set<boolean>();
    for (let other = 0; other < 60; other++) {
      const draw = createLivenessDraw(async (at) => (at === block ? hashesOf(1000 + other)(at) : hashes(at)));
      const isDrawn = await draw.at(block, EPOCH, PLAN);
      if (isDrawn) otherwise.add(isDrawn(MINER, 0));
    }
    expect(otherwise).toEqual(new Set([true, false]));
  });

  test('are the same for a validator that begins in the middle of the epoch, whenever it first hears of a slot', async () => {
    // a bound that is met in some of these epochs: who counted from another block would draw on
    const plan = { ...PLAN, dutyMost: (5 * 24 + 2 * 5) / 361 + 0.00001 };
    expect(livenessRoom(EPOCH.length, plan)!.most).toBe(5);
    let capped = 0;
    for (let seed = 0; seed < 6; seed++) {
      const whole = await walk(seed, [[MINER, 0]], { plan });
      const from = EPOCH.start + 180;
      const late = await walk(seed, [[MINER, 0]], { plan, from });
      const own = whole.checks.get(`${MINER} 0`)!;
      expect(late.checks.get(`${MINER} 0`)).toEqual(own.filter((block) => block >= from));
      if (own.length === 5) capped++;
    }
    expect(capped).toBeGreaterThan(0);
  });

  test('asked about twice are the same twice, and each block says it anew', async () => {
    const draw = createLivenessDraw(async (block) => hashesOf(7)(block));
    const { checks, quiet } = await walk(7, [[MINER, 0]]);
    const drawn = checks.get(`${MINER} 0`)!;
    for (const block of quiet) {
      const isDrawn = (await draw.at(block, EPOCH, PLAN))!;
      expect([isDrawn(MINER, 0), isDrawn(MINER, 0)]).toEqual(Array(2).fill(drawn.includes(block)));
    }
  });
});

describe('a plan', () => {
  test('without checks has no room for them, and needs none', () => {
    const { livenessPerEpoch: _, ...plan } = PLAN;
    expect(livenessRoom(EPOCH.length, plan)).toBeUndefined();
  });

  test('whose events alone take more of a slot’s time than it allows is refused', () => {
    expect(() => livenessRoom(361, { ...PLAN, dutyMost: 0.33 })).toThrow(
      new RangeError(
        'dutyMost: 5 events of 24 blocks are more than 0.33 of 361; lower the plan or raise tempo',
      ),
    );
    expect(livenessRoom(361, { ...PLAN, dutyMost: 0.36 })).toMatchObject({ most: 4 });
  });

  test('that asks for more checks than fit beside its events is refused', () => {
    expect(() => livenessRoom(361, { ...PLAN, livenessPerEpoch: 13 })).toThrow(
      'livenessPerEpoch: at most 12 of 2 blocks fit beside 5 events in 361 within dutyMost 0.4, got 13',
    );
    expect(() => livenessRoom(361, { ...PLAN, eventBlocks: 68, dutyMost: 1, livenessPerEpoch: 0.5 })).toThrow(
      'livenessPerEpoch: at most 0 of 2 blocks',
    );
  });
});
