import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/model/bytes.js';
import {
  BUILT_IN,
  decodePublication,
  encodePublication,
  inForce,
  NO_DIGEST,
  nextPublication,
  type Publication,
  publicationIn,
  standingOf,
  toSource,
  wanted,
} from '../../../src/verification/publication.js';
import fc from '../../support/properties.js';

const digest = (byte: number) => new Uint8Array(32).fill(byte);
const [A, B] = [digest(0xaa), digest(0xbb)];
const [a, b] = [toHex(A), toHex(B)];
const publication = (change: Partial<Publication> = {}): Publication => ({
  parameters: B,
  previous: A,
  policy: digest(1),
  firstEpoch: 10,
  versionKey: 7n,
  ...change,
});

describe('a publication', () => {
  test('is 126 bytes, which one raw field of a commitment holds', () => {
    const bytes = encodePublication(publication());
    expect(bytes).toHaveLength(126);
    expect(toHex(bytes.subarray(0, 14))).toBe('61737361792f312f706172616d73');
    expect(toHex(bytes.subarray(110))).toBe('0a000000000000000700000000000000');
    expect(decodePublication(bytes)).toEqual(publication());
  });

  test('reads back whatever it says, and other bytes are none', () => {
    fc.assert(
      fc.property(
        fc.record({
          parameters: fc.uint8Array({ minLength: 32, maxLength: 32 }),
          previous: fc.uint8Array({ minLength: 32, maxLength: 32 }),
          policy: fc.uint8Array({ minLength: 32, maxLength: 32 }),
          firstEpoch: fc.maxSafeNat(),
          versionKey: fc.bigInt(0n, 2n ** 64n - 1n),
        }),
        (value) => {
          expect(decodePublication(encodePublication(value))).toEqual(value);
        },
      ),
    );
    const bytes = encodePublication(publication());
    expect(decodePublication(bytes.subarray(1))).toBeUndefined();
    expect(decodePublication(new Uint8Array(126))).toBeUndefined();
    bytes.fill(0xff, 110, 118);
    expect(decodePublication(bytes)).toBeUndefined();
    expect(() => encodePublication(publication({ policy: new Uint8Array(31) }))).toThrow(
      'policy: expected 32',
    );
    expect(() => encodePublication(publication({ firstEpoch: -1 }))).toThrow('firstEpoch');
  });

  test('is found among other fields of the commitment', () => {
    const raw = { kind: 'raw', bytes: encodePublication(publication()) };
    expect(publicationIn([{ kind: 'none' }, { kind: 'raw', bytes: digest(1) }, raw])).toEqual(publication());
    expect(publicationIn([{ kind: 'hash', bytes: raw.bytes }])).toBeUndefined();
    expect(publicationIn([])).toBeUndefined();
  });
});

describe('what counts in an epoch', () => {
  test('is the old before the first epoch, both within it, the new one alone afterwards', () => {
    expect([8, 9, 10, 11, 12].map((epoch) => inForce(publication(), epoch))).toEqual([
      [a],
      [a],
      [b, a],
      [b],
      [b],
    ]);
  });

  test('is the build’s own table where nothing was published, or zeros', () => {
    expect(inForce(undefined, 3)).toEqual([BUILT_IN]);
    expect(inForce(publication({ previous: NO_DIGEST }), 9)).toEqual([BUILT_IN]);
    expect(inForce(publication({ previous: NO_DIGEST }), 10)).toEqual([b, BUILT_IN]);
    expect(inForce(publication({ parameters: NO_DIGEST }), 11)).toEqual([BUILT_IN]);
    expect(inForce(publication({ previous: B }), 10)).toEqual([b]);
  });

  test('with the old file alone a validator goes on for that one epoch, and not a day longer', () => {
    const holds =
      (...sources: string[]) =>
      (source: string) =>
        sources.includes(source);
    const at = (epoch: number, ...held: string[]) => standingOf(publication(), epoch, holds(...held));
    expect(at(9, a)).toEqual({ held: [a], missing: [] });
    expect(at(10, a)).toEqual({ held: [a], missing: [b] });
    expect(at(10, b)).toEqual({ held: [b], missing: [a] });
    expect(at(10, a, b)).toEqual({ held: [b, a], missing: [] });
    expect(at(10)).toEqual({ held: [], missing: [b, a] });
    expect(at(11, a)).toEqual({ held: [], missing: [b] });
    expect(standingOf(publication({ previous: NO_DIGEST }), 10, holds()).held).toEqual([BUILT_IN]);
    expect(standingOf(undefined, 10, holds())).toEqual({ held: [BUILT_IN], missing: [] });
  });

  test('is asked for as soon as it is published', () => {
    expect(wanted(publication(), 5)).toEqual([b, a]);
    expect(wanted(publication(), 11)).toEqual([b]);
    expect(wanted(publication({ previous: NO_DIGEST }), 5)).toEqual([b]);
    expect(wanted(undefined, 5)).toEqual([]);
  });
});

describe('the next publication', () => {
  const input = {
    parameters: digest(0xcc),
    policy: digest(1),
    firstEpoch: 22,
    versionKey: 8n,
    now: 20,
    replace: false,
  };

  test('names what the present one made count', () => {
    expect(nextPublication(undefined, input).previous).toEqual(NO_DIGEST);
    expect(nextPublication(publication(), input)).toEqual({
      parameters: digest(0xcc),
      policy: digest(1),
      firstEpoch: 22,
      versionKey: 8n,
      previous: B,
    });
    expect(toSource(nextPublication(publication({ parameters: NO_DIGEST }), input).previous)).toBe(BUILT_IN);
  });

  test('waits for one that is waiting, unless it replaces it: then what counts now stays the same', () => {
    const waiting = publication({ firstEpoch: 21 });
    expect(() => nextPublication(waiting, input)).toThrow(
      'publication: expected none waiting, or --replace, got bbbbbbbbbbbbbbbb from epoch 21 on',
    );
    expect(nextPublication(waiting, { ...input, replace: true }).previous).toEqual(A);
  });

  test('never cuts short the epoch in which two count, nor begins in one that has begun', () => {
    for (const replace of [false, true])
      expect(() => nextPublication(publication({ firstEpoch: 20 }), { ...input, replace })).toThrow(
        'publication: expected one after epoch 20, in which two count, got one within it',
      );
    expect(() => nextPublication(undefined, { ...input, firstEpoch: 20 })).toThrow(
      'first epoch: expected one after the present, 20, got 20',
    );
  });
});
