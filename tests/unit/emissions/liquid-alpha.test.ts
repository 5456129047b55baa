import { describe, expect, it } from 'vitest';
import { fromU16Proportion, I32F32 } from '../../../src/emissions/fixed.js';
import { createAlpha, liquidMovingAverage } from '../../../src/emissions/liquid-alpha.js';
import { yuma3Bonds } from '../../../src/emissions/yuma3-bonds.js';
import fc from '../../support/properties.js';

const ONE = I32F32.one;
/** A decimal as upstream's tests write it into I32F32: nearest, of a double or of an f32 literal. */
const fixed = (value: number): bigint => BigInt(Math.round(value * 2 ** 32));
const DEFAULTS = { low: 45_875, high: 58_982, steepness: 1000 };

describe('alpha', () => {
  it("is upstream's sigmoid at slopes 30 and 40, to the last bit (test_math_sigmoid_safe)", () => {
    const sigmoid = (steepness: number, difference: bigint) =>
      createAlpha({ low: 0, high: 65535, steepness })(0n, difference, 0n);
    const at30 = [0, 0.4, 0.5, 0.6, 1].map((value) => sigmoid(3000, fixed(value)));
    expect(at30).toEqual([0.0000003057, 0.0474258729, 0.5, 0.952574127, 0.9999996943].map(fixed));
    // there the inputs are f32 literals
    const at40 = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1].map((value) =>
      sigmoid(4000, fixed(Math.fround(value))),
    );
    expect(at40).toEqual(
      [
        0.0000000019, 0.0000001125, 0.0000061442, 0.0003353502, 0.017986214, 0.5, 0.9820138067, 0.9996646498,
        0.9999938558, 0.9999998875, 0.9999999981,
      ].map(fixed),
    );
  });

  it('is low where weight and bond agree with consensus, and high where a bond is bought or sold alone', () => {
    const alpha = createAlpha(DEFAULTS);
    const near = (raw: bigint, value: number) => expect(Number(raw) / 2 ** 32).toBeCloseTo(value, 4);
    const range = 0.2 * 0.0066928;
    near(alpha(ONE, ONE, 0n), 0.7 + range);
    near(alpha(0n, ONE, 0n), 0.9 - range);
    near(alpha(0n, 0n, ONE), 0.9 - range);
    near(alpha(0n, ONE / 2n, 0n), 0.8);
    // held as high as weighed counts as bought
    near(alpha(0n, ONE, ONE), 0.9 - range);
    // bought below consensus counts as no difference
    near(alpha(ONE, ONE / 2n, 0n), 0.7 + range);
  });

  it('stays between low and high', () => {
    const proportion = fc.bigInt({ min: 0n, max: ONE });
    fc.assert(
      fc.property(
        proportion,
        proportion,
        proportion,
        fc.integer({ min: -32768, max: 32767 }),
        (c, w, b, steepness) => {
          const raw = createAlpha({ ...DEFAULTS, steepness })(c, w, b);
          expect(raw).toBeGreaterThanOrEqual(fromU16Proportion(DEFAULTS.low));
          expect(raw).toBeLessThanOrEqual(fromU16Proportion(DEFAULTS.high));
        },
      ),
    );
  });
});

describe('liquidMovingAverage', () => {
  const half = ONE / 2n;

  it('loses a bond whose column is absent from the weight row, and lets it decay under an explicit zero', () => {
    const bonds = [[[0, half] as const, [1, half] as const]];
    const consensus = [0n, ONE];
    const dropped = liquidMovingAverage([[[1, ONE] as const]], bonds, consensus, DEFAULTS);
    expect(dropped[0]!.map(([column]) => column)).toEqual([1]);
    const kept = liquidMovingAverage([[[0, 0n] as const, [1, ONE] as const]], bonds, consensus, DEFAULTS);
    expect(kept[0]!.map(([column]) => column)).toEqual([0, 1]);
    expect(kept[0]![1]).toEqual(dropped[0]![0]);
  });

  it('keeps the order of the weight row', () => {
    const weights = [[[2, half] as const, [0, half] as const]];
    const result = liquidMovingAverage(weights, [[]], [half, 0n, half], DEFAULTS);
    expect(result[0]!.map(([column]) => column)).toEqual([2, 0]);
  });

  it('reads an entry behind a higher column as 0 when it asks for the difference, and only then', () => {
    const consensus = [0n, 0n];
    const alpha = createAlpha(DEFAULTS);
    const [ordered] = liquidMovingAverage(
      [
        [
          [0, half],
          [1, half],
        ],
      ],
      [[[0, half]]],
      consensus,
      DEFAULTS,
    );
    const [swapped] = liquidMovingAverage(
      [
        [
          [1, half],
          [0, half],
        ],
      ],
      [[[0, half]]],
      consensus,
      DEFAULTS,
    );
    const grown = (rate: bigint) => I32F32.mul(ONE - rate, half) + I32F32.mul(rate, half);
    expect(ordered![0]).toEqual([0, grown(alpha(0n, half, half))]);
    // weight 0 against a bond of one half: sold, though what is averaged in is the true weight
    expect(swapped![1]).toEqual([0, grown(alpha(0n, 0n, half))]);
    // the same for bonds: seen as 0 they make a purchase
    const [bought] = liquidMovingAverage(
      [[[0, half]]],
      [
        [
          [1, half],
          [0, half],
        ],
      ],
      [half, 0n],
      DEFAULTS,
    );
    expect(bought![0]).toEqual([0, grown(alpha(half, half, 0n))]);
  });

  it('never exceeds 1, and drops what floors to 0', () => {
    const high = { low: 65535, high: 65535, steepness: 1000 };
    expect(liquidMovingAverage([[[0, 2n * ONE]]], [[[0, ONE]]], [ONE], high)).toEqual([[[0, ONE]]]);
    expect(liquidMovingAverage([[[0, 0n]]], [[[0, 1n]]], [ONE], DEFAULTS)).toEqual([[]]);
  });
});

describe('yuma3Bonds', () => {
  const parts = {
    bonds: [[], []],
    weights: [[[1, ONE] as const], []],
    activeStake: [ONE, 0n],
    incentive: [0n, ONE],
    bondsMovingAverage: 900_000,
    liquidAlpha: DEFAULTS,
  };

  it('moves by the plain average while nobody reached consensus, liquid alpha or not', () => {
    const { bonds } = yuma3Bonds({ ...parts, consensus: [0n, 0n] });
    expect(bonds).toEqual([[[1, 429_496_730n]], []]);
    expect(yuma3Bonds({ ...parts, consensus: [0n, ONE], liquidAlpha: undefined }).bonds).toEqual(bonds);
    expect(yuma3Bonds({ ...parts, consensus: [0n, ONE] }).bonds).not.toEqual(bonds);
  });

  it('with equal alpha values is the plain average (test_liquid_alpha_equal_values_against_itself)', () => {
    const rows = (values: readonly (readonly number[])[]) =>
      values.map((row) => row.map((value, column) => [column, fixed(value)] as const));
    const weights = rows([
      [0, 0.1, 0, 0],
      [0.2, 0.4, 0, 0.3],
      [0.1, 0, 0.4, 0.5],
    ]);
    const bonds = rows([
      [0.1, 0.1, 0.5, 0],
      [0, 0.4, 0.5, 0.1],
      [0.1, 0, 0.4, 0.2],
    ]);
    const equal = { ...parts, weights, bonds, activeStake: [0n, 0n, 0n, 0n], incentive: [0n, 0n, 0n, 0n] };
    const consensus = [0.3, 0.2, 0.1, 0.4].map(fixed);
    const tenth = { low: 6553, high: 6553, steepness: 1000 };
    // upstream's matrices have 3 rows of 4: give the plain average, which takes rows for columns, a fourth row
    const four = { ...equal, weights: [...weights, []], bonds: [...bonds, []] };
    const liquid = yuma3Bonds({ ...four, consensus, liquidAlpha: tenth }).bonds;
    const plain = yuma3Bonds({ ...four, consensus, liquidAlpha: undefined }).bonds;
    const flat = (matrix: typeof plain) => matrix.map((row) => row.map(([column]) => column));
    expect(flat(liquid)).toEqual(flat(plain));
    liquid.forEach((row, i) => {
      row.forEach(([, value], k) => {
        expect(Math.abs(Number(value - plain[i]![k]![1])) / 2 ** 32).toBeLessThan(1e-3);
      });
    });
  });

  it('pays by stake and shares of bonds, bonds themselves not weighed by stake', () => {
    const { dividends, bonds } = yuma3Bonds({
      ...parts,
      weights: [[[2, ONE]], [[2, ONE]], []],
      bonds: [[], [], []],
      consensus: [0n, 0n, ONE],
      activeStake: [(3n * ONE) / 4n, ONE / 4n, 0n],
      incentive: [0n, 0n, ONE],
    });
    expect(bonds[0]).toEqual(bonds[1]);
    expect(dividends).toEqual([(3n * ONE) / 4n, ONE / 4n, 0n]);
  });
});
