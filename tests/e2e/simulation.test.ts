import { beforeAll, describe, expect, test } from 'vitest';
import { isAboutContent } from '../../src/model/verdict.js';
import { type Simulation, simulate } from '../../src/testing/simulation.js';
import { BEHAVIOURS, type Behaviour, FACTS } from '../../src/testing/world.js';

const SEEDS = ['assay', 'another deal'] as const;

describe.each(SEEDS)('a subnet with liars, seed %s', (seed) => {
  let run: Simulation;
  beforeAll(async () => {
    run = await simulate({ seed });
  }, 120_000);

  const miner = (behaviour: Behaviour) => run.report.miners.find((each) => each.behaviour === behaviour)!;

  test('every condition of success holds', () => {
    expect(run.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(run.report.epochs).toBe(3);
  });

  test('under a clock without noise honest miners miss nothing and earn two to one', () => {
    expect(run.missed).toBe(0);
    expect(miner('honest-large')).toMatchObject({
      checks: 24,
      accepted: 24,
      rejected: 0,
      inconclusive: 0,
      reasons: {},
    });
    expect(miner('honest-small')).toMatchObject({
      checks: 12,
      accepted: 12,
      rejected: 0,
      inconclusive: 0,
      reasons: {},
    });
  });

  test('each liar is refused by what must refuse it, in every session', () => {
    expect(miner('fabricates-rows').reasons).toEqual({ projection: 12 });
    expect(miner('replays').reasons).toEqual({ seed: 12 });
    expect(miner('relays').reasons).toEqual({ seed: 12 });
    expect(miner('silent').reasons).toEqual({ window: 12 });
  });

  test('two hotkeys on one device prove one device between them, whoever goes first', () => {
    const shares = (behaviour: Behaviour, event: string) =>
      run.outcomes
        .filter((each) => each.miner === miner(behaviour).hotkey && each.event === event)
        .map(({ share }) => share);
    for (const event of new Set(run.outcomes.map((each) => each.event))) {
      const shared = [...shares('shares-device-a', event), ...shares('shares-device-b', event)];
      expect(shared).toHaveLength(4); // two validators
      const alone = shares('honest-small', event);
      const sum = (all: readonly number[]) => all.reduce((total, share) => total + share, 0);
      expect(sum(alone)).toBeGreaterThan(2);
      // no more than the device alone; a little less where the change from one to the other costs time
      expect(sum(shared) / sum(alone)).toBeLessThanOrEqual(1.03);
      expect(sum(shared) / sum(alone)).toBeGreaterThan(0.9);
    }
  });

  test("a forwarded Go is refused by the neighbour's envelope check, every time", () => {
    expect(run.refusedForwards).toHaveLength(12);
    const refusals = run.refusedForwards.map(({ code, data }) => JSON.stringify({ code, data }));
    expect(new Set(refusals)).toEqual(
      new Set(['{"code":"unauthenticated","data":{"reason":"wrong-receiver"}}']),
    );
  });

  test('weights are set once per epoch, equal on both validators, and what proven slots missed is burned', () => {
    expect(run.setTwice).toEqual([]);
    for (const { weights } of run.report.miners) expect(new Set(Object.values(weights)).size).toBe(1);
    expect(BigInt(run.report.burned)).toBeGreaterThan(0n);
  });

  test('verdicts follow the behaviour, not the hotkey or the order', () => {
    for (const { miner: hotkey, verdict } of run.outcomes.filter(({ verdict }) => isAboutContent(verdict))) {
      const { behaviour } = run.report.miners.find((each) => each.hotkey === hotkey)!;
      expect(verdict).toEqual({ kind: 'rejected', reason: FACTS[behaviour].content });
    }
  });
});

test('the two seeds deal behaviours to other hotkeys, and the same seed repeats itself to the last rao', async () => {
  const [first, again] = [
    await simulate({ seed: 'assay', paidEpochs: 1 }),
    await simulate({ seed: 'assay', paidEpochs: 1 }),
  ];
  expect(again.report).toEqual(first.report);
  const other = await simulate({ seed: SEEDS[1], paidEpochs: 1 });
  const deal = (run: Simulation) => run.world.miners.map(({ behaviour }) => behaviour);
  expect(deal(other)).not.toEqual(deal(first));
  expect([...deal(other)].sort()).toEqual([...BEHAVIOURS].sort());
}, 120_000);
