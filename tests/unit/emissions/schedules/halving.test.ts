import { describe, expect, test } from 'vitest';
import { blockEmission } from '../../../../src/emissions/coinbase.js';
import {
  type DailySchedule,
  dailyRows,
  parseSchedule,
} from '../../../../src/emissions/schedules/evaluate.js';
import { splitAmount } from '../../../../src/emissions/schedules/split.js';
import { NANO } from '../../../../src/emissions/schedules/token-amount.js';
import fc from '../../../support/properties.js';
import { dailyPreset, tokens, vectors } from './vectors.js';

const bitcoin = dailyPreset('bitcoin');
const bittensor = dailyPreset('bittensor');
const onDay = (schedule: DailySchedule, day: number) =>
  dailyRows(schedule, { days: day, every: day }).at(-1)!;

describe('halving by blocks', () => {
  test('pays 7,200 a day, and 3,600 from the day after block 210,000', () => {
    expect(onDay(bitcoin, 1).emissionNano).toBe(7200n * NANO);
    expect(onDay(bitcoin, 1458).emissionNano).toBe(7200n * NANO);
    // 210,000 = 1,458 × 144 + 48
    expect(onDay(bitcoin, 1459).emissionNano).toBe((48n * 50n + 96n * 25n) * NANO);
    expect(onDay(bitcoin, 1460).emissionNano).toBe(3600n * NANO);
  });

  test('ends at 20,999,999.9769, as rewards floor to 10^-8 (sum of GetBlockSubsidy over all heights)', () => {
    expect(onDay(bitcoin, 60_000)).toMatchObject({
      emissionNano: 0n,
      cumulativeNano: 20_999_999_976_900_000n,
    });
  });

  test('stops at the cap, within a day if need be', () => {
    const capped = parseSchedule({
      kind: 'halving',
      rewardPerBlock: '1',
      blocksPerHalving: 1000,
      blocksPerDay: 10,
      decimals: 0,
      supplyCap: '25',
    }) as DailySchedule;
    expect(dailyRows(capped, { days: 4 }).map(({ emissionNano }) => emissionNano / NANO)).toEqual([
      10n,
      10n,
      5n,
      0n,
    ]);
  });

  test('agrees with adding up block after block', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10_000n }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 20 }),
        (reward, blocksPerHalving, blocksPerDay) => {
          const schedule: DailySchedule = {
            kind: 'halving',
            rewardPerBlock: reward,
            blocksPerHalving,
            blocksPerDay,
            decimals: 9,
            supplyCap: 10n ** 12n,
          };
          let block = 0;
          for (const row of dailyRows(schedule, { days: 30 })) {
            let paid = 0n;
            for (let i = 0; i < blocksPerDay; i++)
              paid += reward >> BigInt(Math.floor(block++ / blocksPerHalving));
            expect(row.emissionNano).toBe(paid);
          }
        },
      ),
    );
  });
});

describe("halving by issuance, the chain's", () => {
  test('agrees with blockEmission block after block, across a halving', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 7 }),
        fc.bigInt({ min: 0n, max: 40n * NANO }),
        (halving, blocksPerDay, before) => {
          // half of what was left has been issued `halving` times at 21 million × (1 − 2^−halving)
          const threshold = 21_000_000n * NANO - ((21_000_000n * NANO) >> BigInt(halving));
          const issuedBefore = threshold - before;
          let issued = issuedBefore;
          const rows = dailyRows({ kind: 'issuance-halving', blocksPerDay, issuedBefore }, { days: 10 });
          for (const row of rows) {
            for (let i = 0; i < blocksPerDay; i++) issued += blockEmission(issued);
            expect(row.cumulativeNano).toBe(issued - issuedBefore);
          }
        },
      ),
    );
  });

  test('halves first when 10.5 million are issued: on day 1,459, with 2,400 blocks of it at 1', () => {
    expect(onDay(bittensor, 1458).emissionNano).toBe(7200n * NANO);
    expect(onDay(bittensor, 1459).emissionNano).toBe(2400n * NANO + (4800n * NANO) / 2n);
  });

  test('pays nothing once all is issued', () => {
    const spent: DailySchedule = {
      kind: 'issuance-halving',
      blocksPerDay: 7200,
      issuedBefore: 21_000_000n * NANO,
    };
    expect(dailyRows(spent, { days: 2 }).map(({ cumulativeNano }) => cumulativeNano)).toEqual([0n, 0n]);
    expect(onDay(bittensor, 60_000)).toMatchObject({ emissionNano: 0n });
    expect(onDay(bittensor, 60_000).cumulativeNano).toBeLessThan(21_000_000n * NANO);
  });

  test('splits into 18 % for the owner and 41 % each for miners and validators, not the 15 and 50 of a talk', () => {
    const { split } = bittensor as { split: Parameters<typeof splitAmount>[1] };
    const { ownerCut, miner, validator } = vectors.bittensor;
    const shares = Object.values(split.shares).map((share) => share / split.of);
    expect(shares[0]).toBeCloseTo(ownerCut, 15);
    expect(shares[1]).toBeCloseTo(miner, 15);
    expect(shares[2]).toBeCloseTo(validator, 15);
    // floors leave one unit, and the owner's remainder (0.34 of a unit) is the largest
    const hundred = splitAmount(100n * NANO, split);
    expect([hundred.owner, hundred.miner, hundred.validator].map((part) => tokens(part!))).toEqual([
      17.99954223, 41.000228885, 41.000228885,
    ]);
  });

  test('owner cuts of a network of 7,200 a day are 1,295.967 together', () => {
    expect(tokens(onDay(bittensor, 1).splitNano.owner!)).toBeCloseTo(1295.967, 3);
  });
});
