import { describe, expect, test } from 'vitest';
import { exp, ln } from '../../../../src/inference/spec/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';

const random = createSeededRandom('logarithms');

/** `count` float64 of any bits. */
function anyDoubles(count: number): Float64Array {
  const bytes = random.bytes(8 * count);
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

describe('the pinned logarithm', () => {
  test('is bit for bit that of V8 on 1.5 million inputs: of any bits, of draws, of their logarithms', () => {
    let differ = 0;
    for (const x of anyDoubles(500_000)) if (!Object.is(ln(x), Math.log(x))) differ++;
    const words = random.bytes(4 * 500_000);
    for (let i = 0; i < 500_000; i++) {
      const u =
        (((words[4 * i]! << 24) |
          (words[4 * i + 1]! << 16) |
          (words[4 * i + 2]! << 8) |
          words[4 * i + 3]!) >>>
          0) +
        0.5;
      if (ln(u * 2 ** -32) !== Math.log(u * 2 ** -32)) differ++;
      if (ln(-ln(u * 2 ** -32)) !== Math.log(-Math.log(u * 2 ** -32))) differ++;
    }
    expect(differ).toBe(0);
  });

  test.each([
    [0, Number.NEGATIVE_INFINITY],
    [-0, Number.NEGATIVE_INFINITY],
    [-1, Number.NaN],
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [1, 0],
    [5e-324, -744.4400719213812],
    [1 - 2 ** -53, -1.1102230246251565e-16],
    [1 + 2 ** -52, 2.2204460492503128e-16],
  ])('ln %f is %f', (x, expected) => {
    expect(ln(x)).toBe(expected);
  });
});

describe('the pinned exponential', () => {
  test('is bit for bit that of V8 on 300,000 inputs', () => {
    let differ = 0;
    const words = random.bytes(4 * 300_000);
    for (let i = 0; i < 300_000; i++) {
      const unit =
        ((words[4 * i]! << 24) | (words[4 * i + 1]! << 16) | (words[4 * i + 2]! << 8) | words[4 * i + 3]!) >>>
        0;
      const x = -(unit * 2 ** -32) * [1, 30, 800][i % 3]!;
      if (exp(x) !== Math.exp(x)) differ++;
    }
    expect(differ).toBe(0);
  });

  test('goes under gradually', () => {
    expect([-708.4, -745.1332, -745.2, Number.NEGATIVE_INFINITY].map(exp)).toEqual([
      2.217119081664265e-308, 5e-324, 0, 0,
    ]);
  });

  test.each([1e-300, 1, Number.NaN])('refuses %f', (x) => {
    expect(() => exp(x)).toThrow(RangeError);
  });
});
