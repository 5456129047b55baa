import { describe, expect, it } from 'vitest';
import { type EpochInput, type EpochOutput, runEpoch } from '../../../src/emissions/epoch.js';
import { joinMechanisms, splitEmission } from '../../../src/emissions/mechanisms.js';
import fc from '../../support/properties.js';
import { twoAndTwo } from './two-and-two.js';

describe('mechanisms', () => {
  it('splits evenly with the remainder to mechanism 0', () => {
    expect(splitEmission(25n, 5, undefined)).toEqual([5n, 5n, 5n, 5n, 5n]);
    expect(splitEmission(10n, 4, undefined)).toEqual([4n, 2n, 2n, 2n]);
  });

  it('splits by the set proportions, padding and trimming them to the count', () => {
    expect(splitEmission(19n, 5, [3450, 6899, 10348, 17247, 27594])).toEqual([1n, 2n, 3n, 5n, 8n]);
    expect(splitEmission(10n, 2, [65535])).toEqual([10n, 0n]);
    expect(splitEmission(10n, 1, [32768, 32767])).toEqual([10n]);
  });

  it('adds what was earned, averages the rest by emission, and ORs the flags', () => {
    const output = (value: number, rao: bigint, flag: boolean) => ({
      consensus: [value],
      incentive: [value],
      dividends: [value],
      validatorTrust: [value],
      stakeWeight: [value],
      active: [flag],
      newPermits: [flag],
      bonds: [[]],
      emission: [rao],
      serverEmission: [rao],
      validatorEmission: [rao],
    });
    const joined = joinMechanisms([output(65535, 300n, false), output(1, 100n, true)], [300n, 100n]);
    expect(joined).toEqual({
      consensus: [49151],
      dividends: [49151],
      validatorTrust: [49151],
      stakeWeight: [49151],
      active: [true],
      newPermits: [true],
      emission: [250n],
      serverEmission: [400n],
      validatorEmission: [400n],
    });
    // without emission mechanism 0 speaks for all
    expect(joinMechanisms([output(7, 0n, true), output(9, 0n, true)], [0n, 0n]).consensus).toEqual([7]);
  });

  it('rejects outputs that do not match the parts', () => {
    expect(() => joinMechanisms([], [])).toThrow(RangeError);
  });

  it('never splits off more than there is, and all of it', () => {
    const split = fc.option(fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 1, maxLength: 8 }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 63n }),
        fc.integer({ min: 1, max: 8 }),
        split,
        (rao, count, given) => {
          // the chain stores only splits that add up to 65535 (`do_set_emission_split`)
          const total = given?.reduce((sum, part) => sum + part, 0) ?? 65535;
          fc.pre(total <= 65535);
          const parts = splitEmission(rao, count, given);
          expect(parts).toHaveLength(count);
          expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(rao);
        },
      ),
    );
  });

  it('averages by floors after each mechanism, in their order', () => {
    const output = (value: number): EpochOutput => ({
      consensus: [value],
      incentive: [value],
      dividends: [value],
      validatorTrust: [value],
      stakeWeight: [value],
      active: [false],
      newPermits: [false],
      bonds: [[]],
      emission: [BigInt(value)],
      serverEmission: [0n],
      validatorEmission: [0n],
    });
    // a third is truncated, so each adds 21844.999…: 21844, 43688, 65532
    const thirds = joinMechanisms([output(65535), output(65535), output(65535)], [1n, 1n, 1n]);
    expect(thirds.dividends).toEqual([65532]);
    expect(thirds.emission).toEqual([65532n]);
    expect(joinMechanisms([output(1), output(1)], [1n, 1n]).consensus).toEqual([0]);
  });

  it('runs the epoch of each on its own weights and bonds, with shared permits', () => {
    const [first, second] = [2, 3].map((miner) => (part: bigint) => runEpoch(twoMiners(miner, part)));
    const parts = splitEmission(1_000_000_001n, 2, [49_151, 16_384]);
    expect(parts).toEqual([749_996_186n, 250_003_815n]);
    const outputs = [first!(parts[0]!), second!(parts[1]!)];
    const joined = joinMechanisms(outputs, parts);
    expect(joined.serverEmission).toEqual([0n, 0n, 374_998_093n, 125_001_907n]);
    expect(outputs.map(({ incentive }) => incentive)).toEqual([
      [0, 0, 65535, 0],
      [0, 0, 0, 65535],
    ]);
    expect(joined.consensus).toEqual([0, 0, 49_151, 16_383]);
    // what pruning goes by is the average of the parts, not what was earned
    expect(joined.emission[2]).toBe(281_247_139n);
    expect(joined.newPermits).toEqual([true, true, false, false]);
  });
});

/** Two validators that weigh one miner only. */
function twoMiners(miner: number, raoEmission: bigint): EpochInput {
  const row = [[miner, 65_535] as const];
  return twoAndTwo({ weights: [row, row, [], []], yuma3On: true, raoEmission });
}
