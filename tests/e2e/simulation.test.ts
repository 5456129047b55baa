import { beforeAll, describe, expect, test } from 'vitest';
import { isAboutContent } from '../../src/model/verdict.js';
import { type Simulation, simulate } from '../../src/testing/simulation.js';
import { BEHAVIOURS, type Behaviour, FACTS } from '../../src/testing/world.js';

const SEEDS = ['assay', 'another deal'] as const;

describe.each(SEEDS)('a subnet with liars, seed %s', (seed) => {
  let run: Simulation;
  beforeAll(async () => {
    run = await simulate({ seed });
  }, 300_000);

  const miner = (behaviour: Behaviour) => run.report.miners.find((each) => each.behaviour === behaviour)!;

  test('every condition of success holds', () => {
    expect(run.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(run.report.epochs).toBe(3);
  });

  test('under a clock without noise honest miners miss nothing', () => {
    for (const behaviour of ['honest-large', 'honest-small', 'honest-memory'] as const)
      expect(miner(behaviour)).toMatchObject({ rejected: 0, inconclusive: 0, reasons: {} });
    const sessions = (behaviour: Behaviour, kind: string) =>
      run.outcomes.filter((each) => each.miner === miner(behaviour).hotkey && each.kind === kind).length;
    // six events, two validators
    expect(sessions('honest-large', 'compute')).toBe(24);
    expect(sessions('honest-small', 'compute')).toBe(12);
    expect(sessions('honest-memory', 'memory')).toBe(12);
    // links are measured by one permit's holder at a time, and not all of them validate
    const rounds = sessions('invents-leaves', 'bandwidth');
    expect(rounds).toBeGreaterThan(1);
    for (const behaviour of ['honest-large', 'honest-small', 'honest-memory'] as const)
      expect(sessions(behaviour, 'bandwidth')).toBe(rounds);
  });

  test('memory and link are credited near what the simulated host has', () => {
    const credits = (behaviour: Behaviour, kind: string) =>
      run.outcomes
        .filter((each) => each.miner === miner(behaviour).hotkey && each.kind === kind)
        .map(({ credit }) => credit);
    for (const { deviceBytes = 0 } of credits('honest-memory', 'memory')) {
      expect(deviceBytes).toBeGreaterThan(0.8 * 72 * 128 ** 2);
      expect(deviceBytes).toBeLessThan(72 * 128 ** 2);
    }
    for (const { downBytesPerS = 0 } of credits('honest-small', 'bandwidth')) {
      expect(downBytesPerS).toBeGreaterThan(0.7e6);
      expect(downBytesPerS).toBeLessThanOrEqual(2e6);
    }
  });

  test('each liar is refused by what must refuse it, in every session', () => {
    expect(miner('fabricates-rows').reasons).toEqual({ projection: 12 });
    expect(miner('replays').reasons).toEqual({ seed: 12 });
    expect(miner('relays').reasons).toEqual({ seed: 12 });
    expect(miner('silent').reasons).toEqual({ window: 12 });
    expect(miner('invents-digests').reasons).toEqual({ digest: 12 });
    expect(miner('invents-leaves').reasons).toEqual({ path: miner('invents-leaves').checks });
  });

  test('two hotkeys on one device prove one device between them, whoever goes first', () => {
    const shares = (behaviour: Behaviour, event: string) =>
      run.outcomes
        .filter(
          (each) => each.miner === miner(behaviour).hotkey && each.event === event && each.kind === 'compute',
        )
        .map(({ share }) => share);
    for (const event of new Set(run.outcomes.map((each) => each.event))) {
      const shared = [...shares('shares-device-a', event), ...shares('shares-device-b', event)];
      expect(shared).toHaveLength(4); // two validators
      const alone = shares('honest-small', event);
      const sum = (all: readonly number[]) => all.reduce((total, share) => total + share, 0);
      expect(sum(alone)).toBeGreaterThan(1.9);
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

  test('weights are set once per epoch, equal on both validators but for links, and what proven slots missed is burned', () => {
    expect(run.setTwice).toEqual([]);
    // a link is measured by one validator at a time, so each has its own score of it
    const scores = run.report.miners.filter(({ behaviour }) => !FACTS[behaviour].link);
    for (const { scores: own } of scores) expect(new Set(Object.values(own)).size).toBe(1);
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
}, 300_000);
