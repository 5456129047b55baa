import { describe, expect, it } from 'vitest';
import { weightsForBonds } from '../../../src/emissions/bonds.js';
import { runEpoch, type U16Row } from '../../../src/emissions/epoch.js';
import { I32F32 } from '../../../src/emissions/fixed.js';
import fc from '../../support/properties.js';
import { anySubnet } from './any-subnet.js';
import { twoAndTwo as subnet } from './two-and-two.js';

describe('runEpoch', () => {
  it('halves the emission between miners and validators', () => {
    const { incentive, dividends, serverEmission, validatorEmission } = runEpoch(subnet());
    expect(incentive).toEqual([0, 0, 32767, 32767]);
    expect(dividends).toEqual([32767, 32767, 0, 0]);
    expect(serverEmission).toEqual([0n, 0n, 250_000_000n, 250_000_000n]);
    expect(validatorEmission).toEqual([250_000_000n, 250_000_000n, 0n, 0n]);
  });

  it('gives the higher of two equal validators weights, because kappa is below one half', () => {
    const { consensus, validatorTrust } = runEpoch(subnet({ weights: [[[2, 65535]], [[3, 65535]], [], []] }));
    expect(consensus).toEqual([0, 0, 65535, 65535]);
    expect(validatorTrust).toEqual([65535, 65535, 0, 0]);
  });

  it('gives no vote to a validator without a permit of the last epoch, but grants it one for the next', () => {
    const { incentive, newPermits } = runEpoch(
      subnet({
        weights: [[[2, 65535]], [[3, 65535]], [], []],
        validatorPermits: [true, false, false, false],
      }),
    );
    expect(incentive).toEqual([0, 0, 65535, 0]);
    expect(newPermits).toEqual([true, true, false, false]);
  });

  it('counts the owner without stake, permit or threshold, and lets it weigh itself', () => {
    const owner = { ownerUid: 1, stakes: [1_000n, 10n, 0n, 0n], stakeThreshold: 500n };
    const { stakeWeight, newPermits, incentive } = runEpoch(
      subnet({
        ...owner,
        validatorPermits: [false, false, false, false],
        maxValidators: 1,
        weights: [[], [[1, 65535]], [], []],
      }),
    );
    expect(stakeWeight).toEqual([64886, 648, 0, 0]);
    expect(newPermits).toEqual([true, true, false, false]);
    expect(incentive).toEqual([0, 65535, 0, 0]);
  });

  it('drops the stake of others below the threshold, and the self-weight of others', () => {
    const { stakeWeight, incentive } = runEpoch(
      subnet({
        stakes: [1_000n, 499n, 0n, 0n],
        stakeThreshold: 500n,
        weights: [
          [
            [0, 65535],
            [2, 65535],
          ],
          [[3, 65535]],
          [],
          [],
        ],
      }),
    );
    expect(stakeWeight).toEqual([65535, 0, 0, 0]);
    expect(incentive).toEqual([0, 0, 65535, 0]);
  });

  it('compares the threshold with whole rao, and counts the fraction that root stake leaves', () => {
    const half = 1n << 63n;
    const { stakeWeight } = runEpoch(
      subnet({ stakes: [1n, 1n, 0n, 0n], stakeFractions: [half, 0n, half, 0n], stakeThreshold: 1n }),
    );
    expect(stakeWeight).toEqual([39320, 26213, 0, 0]);
  });

  it('ignores weights set before their target was registered', () => {
    const { incentive } = runEpoch(subnet({ blockAtRegistration: [1, 1, 1, 900] }));
    expect(incentive).toEqual([0, 0, 65535, 0]);
  });

  it('ignores weights towards a uid that changed hands after the commit', () => {
    const commitReveal = { earliestCommit: [700, undefined, undefined, undefined] };
    const change = { commitReveal, blockAtRegistration: [1, 1, 1, 701], stakes: [1_000n, 0n, 0n, 0n] };
    expect(runEpoch(subnet(change)).incentive).toEqual([0, 0, 65535, 0]);
    expect(runEpoch(subnet({ ...change, blockAtRegistration: [1, 1, 1, 700] })).incentive).toEqual([
      0, 0, 32767, 32767,
    ]);
  });

  it('pays stake when nobody was weighed, and active stake first', () => {
    const silent = subnet({ weights: [[], [], [], []], lastUpdate: [900, 900, 900, 900] });
    expect(runEpoch(silent).validatorEmission).toEqual([500_000_000n, 500_000_000n, 0n, 0n]);
    const oneAsleep = { ...silent, block: 6000, lastUpdate: [999, 1000, 999, 999] };
    expect(runEpoch(oneAsleep)).toMatchObject({
      active: [false, true, false, false],
      validatorEmission: [0n, 1_000_000_000n, 0n, 0n],
      serverEmission: [0n, 0n, 0n, 0n],
    });
    const allAsleep = { ...silent, block: 6000, lastUpdate: [999, 999, 999, 999] };
    expect(runEpoch(allAsleep).validatorEmission).toEqual([500_000_000n, 500_000_000n, 0n, 0n]);
  });

  it('forgets bonds towards a uid registered since the last successful epoch', () => {
    const bonds: readonly U16Row[] = [[[2, 65535]], [], [], []];
    // block 640 was the last step: bonds towards a uid registered at 641 or later are another neuron's
    const kept = runEpoch(subnet({ bonds, blockAtRegistration: [1, 1, 640, 1] }));
    const dropped = runEpoch(subnet({ bonds, blockAtRegistration: [1, 1, 641, 1] }));
    expect(kept.bonds[1]).toEqual([
      [2, 3449],
      [3, 65535],
    ]);
    expect(dropped.bonds[1]).toEqual([
      [2, 65535],
      [3, 65535],
    ]);
  });

  it('empties the bonds of whoever loses the permit', () => {
    const { bonds, newPermits } = runEpoch(subnet({ stakes: [1_000n, 1_001n, 0n, 0n], maxValidators: 1 }));
    expect(newPermits).toEqual([false, true, false, false]);
    expect(bonds[0]).toEqual([]);
    expect(bonds[1]).not.toEqual([]);
  });

  it('moves bond weights from the full to the clipped ones by the penalty, dropping zeros in between', () => {
    const half = I32F32.one / 2n;
    const weights = [[[0, half] as const, [1, 0n] as const]];
    const clipped = [[[1, 0n] as const]];
    expect(weightsForBonds(weights, clipped, 2, 0n)).toBe(weights);
    expect(weightsForBonds(weights, clipped, 2, I32F32.one)).toBe(clipped);
    // 1/2 + floor(1/4·(0 − 1/2))
    expect(weightsForBonds(weights, clipped, 2, I32F32.one / 4n)).toEqual([[[0, (3n * I32F32.one) / 8n]]]);
  });

  it('names the list that does not fit the number of neurons', () => {
    expect(() => runEpoch(subnet({ stakes: [1n] }))).toThrow(/stakes: expected 4 entries, got 1/);
  });

  it('runs an empty subnet', () => {
    const empty = subnet({
      n: 0,
      lastUpdate: [],
      blockAtRegistration: [],
      stakes: [],
      weights: [],
      bonds: [],
      validatorPermits: [],
    });
    expect(runEpoch(empty).emission).toEqual([]);
  });
});

describe('runEpoch on any subnet', () => {
  const total = (values: readonly bigint[]): bigint => values.reduce((sum, value) => sum + value, 0n);

  it('never pays more than there is', () => {
    fc.assert(
      fc.property(anySubnet, (input) => {
        const { serverEmission, validatorEmission, emission } = runEpoch(input);
        expect(total(serverEmission) + total(validatorEmission)).toBeLessThanOrEqual(input.raoEmission);
        expect(total(emission)).toBeLessThanOrEqual(input.raoEmission);
      }),
    );
  });

  it('grants at most k permits besides the owner, and none to the stakeless', () => {
    fc.assert(
      fc.property(anySubnet, (input) => {
        const { newPermits, stakeWeight } = runEpoch(input);
        const others = newPermits.filter((permit, uid) => permit && uid !== input.ownerUid);
        expect(others.length).toBeLessThanOrEqual(Math.max(input.maxValidators, 0));
        newPermits.forEach((permit, uid) => {
          if (permit && uid !== input.ownerUid) expect(input.stakes[uid]).toBeGreaterThan(0n);
          if (stakeWeight[uid]! > 0) expect(input.stakes[uid]).toBeGreaterThan(0n);
        });
      }),
    );
  });

  it('writes u16 values, and bonds only for those with a permit', () => {
    fc.assert(
      fc.property(anySubnet, (input) => {
        const output = runEpoch(input);
        for (const list of [
          output.consensus,
          output.incentive,
          output.dividends,
          output.validatorTrust,
          output.stakeWeight,
        ])
          for (const value of list) {
            expect(Number.isInteger(value)).toBe(true);
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThanOrEqual(65535);
          }
        output.bonds.forEach((row, uid) => {
          if (!output.newPermits[uid]) expect(row).toEqual([]);
          for (const [column, value] of row) {
            expect(column).toBeLessThan(input.n);
            expect(value).toBeLessThanOrEqual(65535);
          }
        });
      }),
    );
  });

  it('pays a miner nothing whom no permitted validator weighed', () => {
    fc.assert(
      fc.property(anySubnet, (input) => {
        const { incentive, serverEmission } = runEpoch(input);
        incentive.forEach((value, uid) => {
          const weighed = input.weights.some(
            (row, i) =>
              (input.validatorPermits[i] || i === input.ownerUid) &&
              row.some(([j, weight]) => j === uid && weight > 0),
          );
          if (!weighed) {
            expect(value).toBe(0);
            expect(serverEmission[uid]).toBe(0n);
          }
        });
      }),
    );
  });

  it('does not depend on the order of a weight row, liquid alpha apart, whose cursor does', () => {
    fc.assert(
      fc.property(anySubnet, (any) => {
        const input = { ...any, liquidAlpha: undefined };
        const reversed = { ...input, weights: input.weights.map((row) => [...row].reverse()) };
        expect(runEpoch(reversed)).toEqual(runEpoch(input));
      }),
    );
  });

  it('gives neurons the same whatever their uids, where no tie at the border of permits is decided by uid', () => {
    const anyOrder = anySubnet.chain((input) =>
      fc.record({
        input: fc.constant({
          ...input,
          maxValidators: input.n + 1,
          weights: input.weights.map(ascending),
          bonds: input.bonds.map(ascending),
        }),
        order: fc.shuffledSubarray(
          input.weights.map((_, uid) => uid),
          { minLength: input.n },
        ),
      }),
    );
    fc.assert(
      fc.property(anyOrder, ({ input, order }) => {
        // order[new uid] is the old one
        const newUid = order.map((_, old) => order.indexOf(old));
        const moved = <T>(list: readonly T[]): T[] => order.map((old) => list[old]!);
        const movedRows = (rows: readonly U16Row[]): U16Row[] =>
          moved(rows).map((row) => ascending(row.map(([uid, value]) => [newUid[uid]!, value] as const)));
        const output = runEpoch(input);
        const turned = runEpoch({
          ...input,
          lastUpdate: moved(input.lastUpdate),
          blockAtRegistration: moved(input.blockAtRegistration),
          stakes: moved(input.stakes),
          validatorPermits: moved(input.validatorPermits),
          ownerUid: input.ownerUid === undefined ? undefined : newUid[input.ownerUid],
          commitReveal:
            input.commitReveal === undefined
              ? undefined
              : { earliestCommit: moved(input.commitReveal.earliestCommit) },
          weights: movedRows(input.weights),
          bonds: movedRows(input.bonds),
        });
        const { bonds, ...lists } = output;
        const { bonds: turnedBonds, ...turnedLists } = turned;
        for (const [name, list] of Object.entries(lists))
          expect(turnedLists[name as keyof typeof lists], name).toEqual(
            moved<number | bigint | boolean>(list),
          );
        expect(turnedBonds).toEqual(movedRows(bonds));
      }),
    );
  });

  it('asks for more support with a higher kappa: no consensus weight rises with it', () => {
    const kappas = fc.tuple(fc.integer({ min: 0, max: 65535 }), fc.integer({ min: 0, max: 65535 }));
    fc.assert(
      fc.property(anySubnet, kappas, (input, [a, b]) => {
        const lower = runEpoch({ ...input, kappa: Math.min(a, b) }).consensus;
        const higher = runEpoch({ ...input, kappa: Math.max(a, b) }).consensus;
        for (const [uid, value] of higher.entries()) expect(value).toBeLessThanOrEqual(lower[uid]!);
      }),
    );
  });
});

const ascending = (row: U16Row): U16Row => [...row].sort(([a], [b]) => a - b);
