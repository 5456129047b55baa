// What no chain could hold is refused by both epochs, in the same words.
import { describe, expect, it } from 'vitest';
import { emaAlpha } from '../../../src/emissions/bonds.js';
import { type EpochInput, runEpoch, type U16Row } from '../../../src/emissions/epoch.js';
import { runEpochInDoubles } from '../../../src/emissions/epoch-in-doubles.js';
import { I32F32 } from '../../../src/emissions/fixed.js';
import fc from '../../support/properties.js';
import { anySubnet } from './any-subnet.js';
import { twoAndTwo } from './two-and-two.js';

const EPOCHS = [runEpoch, runEpochInDoubles];

const row: U16Row = [
  [2, 65_535],
  [3, 1],
];

/** Yuma3 with everything that is optional. */
const subnet = (change: Partial<EpochInput> = {}): EpochInput =>
  twoAndTwo({
    bondsPenalty: 0,
    stakeFractions: [0n, 0n, 0n, 0n],
    ownerUid: 3,
    weights: [row, row, [], []],
    bonds: [row, [], [], []],
    commitReveal: { earliestCommit: [undefined, 700, undefined, undefined] },
    yuma3On: true,
    liquidAlpha: { low: 45_875, high: 58_982, steepness: 1000 },
    ...change,
  });

const liquidAlpha = { low: 45_875, high: 58_982, steepness: 1000 };
const weights = (...row: U16Row): Partial<EpochInput> => ({ weights: [[[2, 1], ...row], [], [], []] });
const u16 = 'expected an integer from 0 to 65535';
const u64 = 'expected a bigint from 0 to 18446744073709551615';
const pair = 'expected a uid and a value of 0 to 65535';
const count = 'expected an integer from 0 to 9007199254740991';

const REFUSED: readonly (readonly [Partial<EpochInput>, string])[] = [
  [weights([-1, 5]), `weights[0][1]: ${pair}, got [-1, 5]`],
  [weights([2.5, 5]), `weights[0][1]: ${pair}, got [2.5, 5]`],
  [weights([65_536, 5]), `weights[0][1]: ${pair}, got [65536, 5]`],
  [weights([2 ** 32 + 3, 5]), `weights[0][1]: ${pair}, got [4294967299, 5]`],
  [weights([Number.NaN, 5]), `weights[0][1]: ${pair}, got [NaN, 5]`],
  [weights([3, 70_000]), `weights[0][1]: ${pair}, got [3, 70000]`],
  [weights([3, -1]), `weights[0][1]: ${pair}, got [3, -1]`],
  [weights([3, Number.NaN]), `weights[0][1]: ${pair}, got [3, NaN]`],
  // of a uid that does not count
  [weights([9, 0.5]), `weights[0][1]: ${pair}, got [9, 0.5]`],
  [{ bonds: [[], [], [], [[0, 65_536]]] }, `bonds[3][0]: ${pair}, got [0, 65536]`],
  [{ kappa: Number.NaN }, `kappa: ${u16}, got NaN`],
  [{ kappa: 1.5 }, `kappa: ${u16}, got 1.5`],
  [{ bondsPenalty: 65_536 }, `bondsPenalty: ${u16}, got 65536`],
  [
    { bondsMovingAverage: 900_000.5 },
    'bondsMovingAverage: expected an integer from 0 to 18446744073709552000, got 900000.5',
  ],
  [
    { bondsMovingAverage: 2 ** 65 },
    'bondsMovingAverage: expected an integer from 0 to 18446744073709552000, got 36893488147419103000',
  ],
  [{ liquidAlpha: { ...liquidAlpha, low: -1 } }, `liquidAlpha.low: ${u16}, got -1`],
  [{ liquidAlpha: { ...liquidAlpha, high: 65_536 } }, `liquidAlpha.high: ${u16}, got 65536`],
  [
    { liquidAlpha: { ...liquidAlpha, steepness: 32_768 } },
    'liquidAlpha.steepness: expected an integer from -32768 to 32767, got 32768',
  ],
  [{ block: -1 }, `block: ${count}, got -1`],
  [{ tempo: 0.5 }, `tempo: ${count}, got 0.5`],
  [{ activityCutoff: Number.POSITIVE_INFINITY }, `activityCutoff: ${count}, got Infinity`],
  [{ maxValidators: -1 }, `maxValidators: ${count}, got -1`],
  [{ lastMechanismStep: 2 ** 53 }, `lastMechanismStep: ${count}, got 9007199254740992`],
  [{ lastUpdate: [1, 1, -1, 1] }, 'lastUpdate[2]: expected a block number, got -1'],
  [
    { blockAtRegistration: [1, Number.NaN, 1, 1] },
    'blockAtRegistration[1]: expected a block number, got NaN',
  ],
  [
    { commitReveal: { earliestCommit: [1, undefined, 1, 1.5] } },
    'commitReveal.earliestCommit[3]: expected a block number, got 1.5',
  ],
  [{ commitReveal: { earliestCommit: [] } }, 'commitReveal.earliestCommit: expected 4 entries, got 0'],
  [{ ownerUid: 6 }, 'ownerUid: expected an integer from 0 to 3, got 6'],
  [{ ownerUid: -1 }, 'ownerUid: expected an integer from 0 to 3, got -1'],
  [{ stakes: [0n, -1n, 0n, 0n] }, `stakes[1]: ${u64}, got -1`],
  [{ stakes: [2n ** 64n, 0n, 0n, 0n] }, `stakes[0]: ${u64}, got 18446744073709551616`],
  [{ stakeFractions: [0n, 0n, 0n, 2n ** 64n] }, `stakeFractions[3]: ${u64}, got 18446744073709551616`],
  [{ stakeThreshold: -1n }, `stakeThreshold: ${u64}, got -1`],
  [{ raoEmission: -5n }, `raoEmission: ${u64}, got -5`],
  [{ raoEmission: 2n ** 80n }, `raoEmission: ${u64}, got 1208925819614629174706176`],
];

describe('the input of an epoch', () => {
  for (const run of EPOCHS)
    it(`is refused by ${run.name} where no chain could hold it, naming the path`, () => {
      for (const [change, message] of REFUSED)
        expect(() => run(subnet(change)), message).toThrow(new RangeError(message));
    });

  it('may be anything within the types of the chain, its bounds among it', () => {
    const most: Partial<EpochInput> = {
      kappa: 65_535,
      bondsPenalty: 65_535,
      block: Number.MAX_SAFE_INTEGER,
      lastUpdate: new Array<number>(4).fill(Number.MAX_SAFE_INTEGER),
      maxValidators: 65_535,
      stakes: new Array<bigint>(4).fill(2n ** 64n - 1n),
      stakeFractions: new Array<bigint>(4).fill(2n ** 64n - 1n),
      raoEmission: 2n ** 64n - 1n,
    };
    for (const bondsMovingAverage of [0, 1_000_000, 1_000_001, Number.MAX_SAFE_INTEGER, 2 ** 64])
      for (const yuma3On of [true, false]) {
        const input = subnet({ ...most, bondsMovingAverage, yuma3On, liquidAlpha: undefined });
        expect(runEpochInDoubles(input)).toEqual(runEpoch(input));
      }
  });

  it('saturates a moving average that I32F32 cannot hold', () => {
    expect(emaAlpha(2 ** 64)).toBe(I32F32.one - I32F32.max);
    expect(emaAlpha(900_000)).toBe(429_496_730n);
  });

  it('is the same with entries towards uids that are not there', () => {
    const strangers = (row: U16Row, n: number): U16Row => [[65_535, 7], ...row, [n, 9]];
    fc.assert(
      fc.property(anySubnet, (input) => {
        const more = (rows: readonly U16Row[]) => rows.map((row) => strangers(row, input.n));
        for (const run of EPOCHS)
          expect(run({ ...input, weights: more(input.weights), bonds: more(input.bonds) })).toEqual(
            run(input),
          );
      }),
    );
  });
});
