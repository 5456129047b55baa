import { expect, test } from 'vitest';
import { floats32, roundToBfloat16, toBfloat16, toFloat32, words16 } from '../../../src/inference/bf16.js';

const ALL = Uint16Array.from({ length: 65_536 }, (_, i) => i);
const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer);
const fromBits = (...bits: number[]) => new Float32Array(Uint32Array.from(bits).buffer);

test('all 65,536 values come back from float32 as they were, NaN payloads included', () => {
  const wide = toFloat32(ALL);
  expect(bitsOf(wide).every((bits, i) => bits === i * 65_536)).toBe(true);
  expect(toBfloat16(wide)).toEqual(ALL);
});

test('between each two neighbours the nearer is taken, in the middle the even one', () => {
  const wrong: number[] = [];
  for (let half = 0; half < 0x10000; half++) {
    if ((half & 0x7f80) === 0x7f80) continue; // infinity and NaN have no neighbour above
    const low = half * 65_536;
    const [below, middle, above] = toBfloat16(fromBits(low + 0x7fff, low + 0x8000, low + 0x8001));
    const even = half % 2 === 0 ? half : half + 1;
    if (below !== half || middle !== even || above !== half + 1) wrong.push(half);
  }
  expect(wrong).toEqual([]);
});

test('beyond the largest is infinity, and a NaN whose payload is all in the lower half stays a NaN', () => {
  expect([...toBfloat16(Float32Array.of(3.4028234663852886e38, -3.4028234663852886e38, 1, -0))]).toEqual([
    0x7f80, 0xff80, 0x3f80, 0x8000,
  ]);
  expect([...toBfloat16(fromBits(0x7f800001, 0xff80ffff))]).toEqual([0x7fc0, 0xffc0]);
  expect(roundToBfloat16(1.005)).toBe(1.0078125);
  expect(roundToBfloat16(1.00390625)).toBe(1);
  expect(roundToBfloat16(1.01171875)).toBe(1.015625);
});

test('words are views where they may be, and copies at odd places', () => {
  const bytes = Uint8Array.of(9, 1, 2, 3, 4, 5, 6, 7, 8);
  expect([...words16(bytes.subarray(1, 5))]).toEqual([0x0201, 0x0403]);
  expect(words16(bytes.subarray(0, 2)).buffer).toBe(bytes.buffer);
  expect(floats32(new Uint8Array([0, 0, 0, 128, 63]).subarray(1))[0]).toBe(1);
  expect(() => words16(bytes)).toThrow(RangeError);
  expect(() => floats32(bytes.subarray(0, 6))).toThrow(RangeError);
});
