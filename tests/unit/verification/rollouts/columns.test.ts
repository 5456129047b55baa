import { unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import {
  decodeBins,
  decodeColumn,
  encodeBins,
  encodeColumn,
} from '../../../../src/verification/rollouts/columns.js';
import fc from '../../../support/properties.js';

const decoded = (bytes: number[], count: number, max = 0xffffffff): number[] | undefined => {
  const out = new Uint32Array(count);
  return decodeColumn(Uint8Array.from(bytes), out, max) ? [...out] : undefined;
};

describe('a column of numbers', () => {
  it('is seven bits a byte, lowest first', () => {
    expect([...encodeColumn([0, 127, 128, 300, 0xffffffff])]).toEqual([
      0, 127, 0x80, 1, 0xac, 2, 0xff, 0xff, 0xff, 0xff, 0x0f,
    ]);
  });

  it('comes back, whatever 32 bits it holds', () => {
    const numbers = fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffffffff })), {
      maxLength: 50,
    });
    fc.assert(
      fc.property(numbers, (values) => {
        expect(decoded([...encodeColumn(values)], values.length)).toEqual(values);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('has one spelling: what reads at all is written the same again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 1, 0x0f, 0x10, 0x7f, 0x80, 0x81, 0xff), { maxLength: 9 }),
        (bytes) => {
          for (let count = 0; count <= bytes.length; count++) {
            const values = decoded(bytes, count);
            if (values) expect([...encodeColumn(values)]).toEqual(bytes);
          }
        },
      ),
      { seed: 2, numRuns: 3000 },
    );
    expect(decoded([0x80, 0], 1)).toBeUndefined();
    expect(decoded([0xff, 0x80, 0], 1)).toBeUndefined();
  });

  it('refuses more than 32 bits, more than the maximum, too few and too many bytes', () => {
    expect(decoded([0xff, 0xff, 0xff, 0xff, 0x0f], 1)).toEqual([0xffffffff]);
    expect(decoded([0xff, 0xff, 0xff, 0xff, 0x10], 1)).toBeUndefined();
    expect(decoded([0x80, 0x80, 0x80, 0x80, 0x80, 1], 1)).toBeUndefined();
    // so many that their place value is beyond a double, and zero times it no number
    expect(decoded([...Array<number>(200).fill(0x80), 1], 1)).toBeUndefined();
    expect(decoded([9], 1, 9)).toEqual([9]);
    expect(decoded([10], 1, 9)).toBeUndefined();
    expect(decoded([1, 2], 1)).toBeUndefined();
    expect(decoded([1], 2)).toBeUndefined();
    expect(decoded([1, 0x80], 2)).toBeUndefined();
  });
});

describe('a list of byte strings', () => {
  const bins = [0, 1, 255, 256, 65535, 65536].map((length) => new Uint8Array(length).fill(length));

  it('is MessagePack that any reader of it takes', () => {
    const read = unpack(encodeBins(bins)) as Uint8Array[];
    expect(read.map((bin) => bin.length)).toEqual([0, 1, 255, 256, 65535, 65536]);
    expect(decodeBins(Uint8Array.from(encodeBins(bins)), 6)).toEqual(bins);
  });

  it('refuses any other spelling, type, count or length', () => {
    expect(decodeBins(Uint8Array.of(0x91, 0xc4, 1, 7), 1)).toEqual([Uint8Array.of(7)]);
    const others: Record<string, number[]> = {
      nothing: [],
      'a long length for a short string': [0x91, 0xc5, 0, 1, 7],
      'an array of 16 bits': [0xdc, 0, 1, 0xc4, 1, 7],
      text: [0x91, 0xa1, 7],
      'an extension': [0x91, 0xc7, 1, 0x70, 7],
      'a number': [0x91, 7],
      'two strings': [0x92, 0xc4, 1, 7, 0xc4, 0],
      'a byte behind': [0x91, 0xc4, 1, 7, 0],
      'a byte too few': [0x91, 0xc4, 2, 7],
      'a length cut off': [0x91, 0xc6, 0, 0],
      'no string': [0x91],
      'four gibibytes': [0x91, 0xc6, 0xff, 0xff, 0xff, 0xff],
    };
    for (const [name, bytes] of Object.entries(others))
      expect(decodeBins(Uint8Array.from(bytes), 1), name).toBeUndefined();
  });
});
