// The epoch in doubles has one specification: the one in BigInt.
import { describe, expect, it } from 'vitest';
import * as doubles from '../../../src/emissions/doubles.js';
import { type EpochInput, runEpoch, type U16Row } from '../../../src/emissions/epoch.js';
import { runEpochInDoubles } from '../../../src/emissions/epoch-in-doubles.js';
import * as reference from '../../../src/emissions/fixed.js';
import { safeExp } from '../../../src/emissions/transcendental.js';
import { crowd } from '../../support/crowd.js';
import fc from '../../support/properties.js';
import { anySubnet } from './any-subnet.js';

const { I32F32 } = reference;

describe('I32F32 in doubles', () => {
  const upTo = (max: number) =>
    fc.oneof(
      fc.bigInt({ min: 0n, max: BigInt(max) }).map(Number),
      // where quotients and products are whole, or one short of it
      fc
        .tuple(fc.integer({ min: 0, max: 32 }), fc.integer({ min: -2, max: 2 }))
        .map(([bits, off]) => Math.min(max, Math.max(0, 2 ** bits + off))),
    );
  const one = doubles.ONE;

  it('multiplies as the reference does, below zero too', () => {
    const signed = fc
      .tuple(upTo(2 ** 36), fc.boolean())
      .map(([value, negative]) => (negative ? -value : value));
    const factor = fc.tuple(upTo(one), fc.boolean()).map(([value, negative]) => (negative ? -value : value));
    fc.assert(
      fc.property(signed, factor, (a, b) => {
        expect(BigInt(doubles.mul(a, b))).toBe(I32F32.mul(BigInt(a), BigInt(b)));
      }),
      { numRuns: 5000 },
    );
  });

  it('divides shares as the reference does', () => {
    fc.assert(
      fc.property(upTo(doubles.DIV_LIMIT), upTo(doubles.DIV_LIMIT), (x, y) => {
        const [a, b] = x < y ? [x, y] : [y, x];
        const expected = I32F32.div(BigInt(a), BigInt(b));
        expect(BigInt(doubles.div(a, b))).toBe(expected);
        if (b > 0) expect(BigInt(doubles.divByInverse(a, b, one / b))).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it('divides by digits where the double quotient is next to an integer', () => {
    fc.assert(
      fc.property(
        fc.oneof(...[32n, 42n, 48n].map((bits) => fc.bigInt({ min: 1n, max: 2n ** bits }))),
        fc.bigInt({ min: 0n, max: 2n ** 32n }),
        fc.bigInt({ min: -2n, max: 2n }),
        (b, quotient, off) => {
          const a = ((quotient * b) >> 32n) + off;
          fc.pre(a >= 0n && a <= b);
          const expected = I32F32.div(a, b);
          expect(BigInt(doubles.div(Number(a), Number(b)))).toBe(expected);
          expect(BigInt(doubles.divByInverse(Number(a), Number(b), one / Number(b)))).toBe(expected);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('takes a share of any u64 amount as the reference does', () => {
    const amount = fc.oneof(
      ...[20n, 38n, 50n, 64n].map((bits) => fc.bigInt({ min: 0n, max: 2n ** bits - 1n })),
    );
    fc.assert(
      fc.property(upTo(one), amount, (share, rao) => {
        const exact = (BigInt(share) * rao) >> 32n;
        expect(doubles.mulAmount(share, rao, Number(rao))).toBe(exact);
      }),
      { numRuns: 5000 },
    );
  });

  it('has the exponential of the reference up to 5', () => {
    // the last three have a term that the double product rounds up to an integer it does not reach
    const known = [20_874_971_813, 19_781_494_924, 17_242_255_569];
    for (const x of [0, 1, one - 1, one, one + 1, doubles.EXP_LIMIT, ...known])
      for (const sign of [1, -1]) expect(BigInt(doubles.exp(sign * x))).toBe(safeExp(BigInt(sign * x)));
    fc.assert(
      fc.property(fc.integer({ min: -doubles.EXP_LIMIT, max: doubles.EXP_LIMIT }), (x) => {
        expect(BigInt(doubles.exp(x))).toBe(safeExp(BigInt(x)));
      }),
      { numRuns: 5000 },
    );
  });

  it('has the conversions of the reference for every u16', () => {
    for (let value = 0; value <= 65535; value++) {
      const raw = reference.fromU16Proportion(value);
      if (BigInt(doubles.fromU16Proportion(value)) !== raw) expect.fail(`${value}`);
      if (doubles.toU16Proportion(Number(raw)) !== reference.toU16Proportion(raw)) expect.fail(`${raw}`);
    }
  });
});

describe('runEpochInDoubles', () => {
  it('is the reference on any subnet', () => {
    fc.assert(
      fc.property(anySubnet, (input) => {
        expect(runEpochInDoubles(input)).toEqual(runEpoch(input));
      }),
      { numRuns: 2000 },
    );
  });

  it('is the reference on any subnet whose validators all count', () => {
    fc.assert(
      fc.property(anySubnet, (any) => {
        const input = { ...any, ...counting(any) };
        expect(runEpochInDoubles(input)).toEqual(runEpoch(input));
      }),
      { numRuns: 2000 },
    );
  });

  it('stays the reference over epochs that follow one another, 64 neurons and 16 validators', () => {
    for (const change of [
      {},
      { liquidAlpha: { low: 45_875, high: 58_982, steepness: 1000 } },
      { liquidAlpha: { low: 6553, high: 65_535, steepness: -777 }, bondsPenalty: 20_000 },
      { liquidAlpha: { low: 45_875, high: 58_982, steepness: 3000 }, bondsPenalty: 0 },
      { yuma3On: false },
    ]) {
      let bonds: readonly U16Row[] = Array.from({ length: 64 }, () => []);
      for (let epoch = 0; epoch < 4; epoch++) {
        const input = { ...crowd(64, 16, `epoch ${epoch}`), ...change, bonds };
        const output = runEpochInDoubles(input);
        expect(output).toEqual(runEpoch(input));
        expect(output.dividends.filter((value) => value > 0)).toHaveLength(16);
        bonds = output.bonds;
      }
    }
  });

  it('gives a tie at the majority to the higher weight, as the reference does', () => {
    // shares of 1/5 and 4/5 truncate so that what 13107/65535 leaves is exactly the second
    const tie = { ...crowd(5, 2, 'tie'), kappa: 13_107, stakes: [1n, 4n, 0n, 0n, 0n] };
    const weights = [[[2, 65535]], [[3, 65535]], [], [], []] as const;
    const output = runEpochInDoubles({ ...tie, weights });
    expect(output.consensus).toEqual([0, 0, 65535, 65535, 0]);
    expect(output).toEqual(runEpoch({ ...tie, weights }));
    expect(runEpochInDoubles({ ...tie, weights, kappa: 13_108 }).consensus).toEqual([0, 0, 0, 65535, 0]);
  });

  it('is the reference on a few validators of thousands of neurons', () => {
    for (const [n, validators, change] of [
      [1100, 5, {}],
      [2500, 3, { liquidAlpha: { low: 6553, high: 65_535, steepness: -777 }, bondsPenalty: 0 }],
      [3000, 3, { yuma3On: false, bondsPenalty: 20_000 }],
      [4096, 4, { liquidAlpha: { low: 45_875, high: 58_982, steepness: 1000 } }],
    ] as const) {
      const first = runEpochInDoubles({ ...crowd(n, validators, 'first'), ...change });
      const input = { ...crowd(n, validators, 'second'), ...change, bonds: first.bonds };
      expect(runEpochInDoubles(input)).toEqual(runEpoch(input));
    }
  });

  it('is the reference where a column of bonds sums to more than 2^42', () => {
    // 1,200 validators of two miners, with bonds of 1 or little less: 2^42 is 1,024 of these
    const base = crowd(1202, 1200, 'columns');
    for (const yuma3On of [true, false]) {
      const held = (row: number): U16Row => [
        [1201, 65_535],
        [1200, 65_535 - (row % 7)],
      ];
      const bonds = base.bonds.map((_, row) => (row < 1200 ? held(row) : []));
      const input = { ...base, yuma3On, maxValidators: 1200, bonds };
      const output = runEpochInDoubles(input);
      expect(output).toEqual(runEpoch(input));
      expect(output.dividends.filter((value) => value > 0).length).toBeGreaterThan(1000);
    }
  });

  it('is the reference on any stakes: fractions of a rao, near ties, beyond what I64F64 holds', () => {
    const stake = fc.oneof(
      ...[1n, 3n, 10n ** 9n, 21n * 10n ** 15n, 2n ** 64n - 1n].map((max) => fc.bigInt({ min: 0n, max })),
    );
    const fraction = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    fc.assert(
      fc.property(
        anySubnet.chain((input) =>
          fc.record({
            input: fc.constant(input),
            stakes: fc.array(stake, { minLength: input.n, maxLength: input.n }),
            stakeFractions: fc.array(fraction, { minLength: input.n, maxLength: input.n }),
          }),
        ),
        ({ input, ...staked }) => {
          const subnet = { ...input, ...staked };
          expect(runEpochInDoubles(subnet)).toEqual(runEpoch(subnet));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('takes stored rows in any order', () => {
    const base = crowd(40, 6, 'order');
    const backwards = (rows: readonly U16Row[]) => rows.map((row) => row.toReversed());
    for (const change of [
      {},
      { yuma3On: false },
      { liquidAlpha: { low: 6553, high: 65_535, steepness: 900 } },
    ]) {
      const first = runEpochInDoubles({ ...base, ...change });
      for (const bonds of [first.bonds, backwards(first.bonds)]) {
        const input = { ...base, ...change, weights: backwards(base.weights), bonds };
        expect(runEpochInDoubles(input)).toEqual(runEpoch(input));
      }
    }
  });

  it('hands out bonds that nobody can put other rows into, and takes them as they are', () => {
    const input = crowd(8, 4, 'frozen');
    const { bonds } = runEpochInDoubles(input);
    expect(bonds).toEqual(runEpoch(input).bonds);
    expect(() => (bonds as U16Row[]).splice(0, 1)).toThrow(TypeError);
    const copied = bonds.map((row) => row.map(([uid, value]) => [uid, value] as const));
    expect(structuredClone(bonds)).toEqual(copied);
    expect(runEpochInDoubles({ ...input, bonds })).toEqual(runEpochInDoubles({ ...input, bonds: copied }));
  });

  it('reads the bonds it handed out as they are, also after somebody wrote into a row', () => {
    const input = crowd(8, 4, 'written into');
    const again = (bonds: readonly U16Row[]) => runEpochInDoubles({ ...input, bonds });
    const expected = again(runEpoch(input).bonds);

    const { bonds } = runEpochInDoubles(input);
    expect(again(bonds)).toEqual(expected);
    expect(bonds[0]![0]).toEqual([4, 2173]);
    (bonds[0]![0] as [number, number])[1] = 65_535;
    expect(again(bonds)).toEqual(runEpoch({ ...input, bonds }));
    expect(again(bonds).bonds).not.toEqual(expected.bonds);

    (bonds[0] as [number, number][]).push([4, 1]);
    expect(again(bonds)).toEqual(runEpoch({ ...input, bonds }));
    (bonds[1]![0] as [number, number])[1] = 70_000;
    expect(() => again(bonds)).toThrow(
      'bonds[1][0]: expected a uid and a value of 0 to 65535, got [4, 70000]',
    );
  });

  it('leaves to the reference what doubles cannot hold', () => {
    const input = { ...crowd(8, 4, 'average'), bondsMovingAverage: 1_500_000 };
    expect(runEpochInDoubles(input)).toEqual(runEpoch(input));
    const twice: U16Row = [
      [5, 60_000],
      [6, 1000],
      [5, 30_000],
    ];
    for (const liquidAlpha of [undefined, { low: 6553, high: 65_535, steepness: 900 }]) {
      const named = { ...crowd(8, 4, 'twice'), liquidAlpha };
      const weights = named.weights.map((row, uid) => (uid === 1 ? twice : row));
      expect(runEpochInDoubles({ ...named, weights })).toEqual(runEpoch({ ...named, weights }));
      expect(runEpochInDoubles({ ...named, bonds: weights })).toEqual(runEpoch({ ...named, bonds: weights }));
    }
  });

  it('names the list that does not fit the number of neurons', () => {
    expect(() => runEpochInDoubles({ ...crowd(4, 2, ''), stakes: [1n] })).toThrow(/stakes: expected 4/);
  });
});

/** Whatever would mask a row or a column, taken away. */
const counting = ({ n }: EpochInput): Partial<EpochInput> => ({
  activityCutoff: 5000,
  lastUpdate: new Array<number>(n).fill(900),
  blockAtRegistration: new Array<number>(n).fill(1),
  validatorPermits: new Array<boolean>(n).fill(true),
  stakeThreshold: 0n,
  commitReveal: undefined,
  lastMechanismStep: 640,
});
