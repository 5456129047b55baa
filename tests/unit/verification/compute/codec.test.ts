import { describe, expect, test } from 'vitest';
import { createSeededRandom } from '../../../../src/model/prng.js';
import {
  decodeAccumulator,
  decodeCommit,
  decodeRequest,
  encodeAccumulator,
  encodeCommit,
  encodeRequest,
} from '../../../../src/verification/kinds/compute/codec.js';
import { issue } from '../../../../src/verification/kinds/compute/issue.js';
import { paramsByClass } from '../../../../src/verification/kinds/compute/params.js';
import fc from '../../../support/properties.js';

const params = { ...paramsByClass('paced')!, n: 32, labels: 20, samples: 3 };
const sample = { label: 1, row: 2, agreementRow: 3 };

describe('accumulators', () => {
  test('travel in three bytes and come back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 }), { minLength: 1 }), (values) => {
        const c = Int32Array.from(values);
        const bytes = encodeAccumulator(c);
        const back = new Int32Array(c.length);
        decodeAccumulator(bytes, back);
        expect(bytes.length).toBe(3 * c.length);
        expect([...back]).toEqual(values);
      }),
    );
  });

  test('are refused when they do not fit', () => {
    for (const value of [2 ** 23, -(2 ** 23) - 1, 2 ** 31 - 1])
      expect(() => encodeAccumulator(Int32Array.of(value))).toThrow(RangeError);
  });
});

describe('a commit', () => {
  const root = Uint8Array.from(createSeededRandom('root').bytes(32));

  test('counts when it names all labels and a root of 32 bytes', () => {
    expect(decodeCommit(params, encodeCommit({ labels: 20, root }))?.root).toEqual(root);
  });

  test.each([
    ['no labels', encodeCommit({ labels: 0, root })],
    ['more labels', encodeCommit({ labels: 21, root })],
    ['a short root', encodeCommit({ labels: 20, root: root.subarray(1) })],
    ['no root', encodeCommit({ labels: 20, root: new Uint8Array(0) })],
    ['an unknown field', Uint8Array.of(...encodeCommit({ labels: 20, root }), 15 << 3, 1)],
    ['labels twice', Uint8Array.of(8, 20, ...encodeCommit({ labels: 20, root }))],
    [
      'labels in two bytes',
      Uint8Array.of(8, 0x80 | 20, 0, ...encodeCommit({ labels: 20, root }).subarray(2)),
    ],
    ['nothing', new Uint8Array(0)],
  ])('with %s is none', (_, bytes) => {
    expect(decodeCommit(params, bytes)).toBeUndefined();
  });
});

describe('a request', () => {
  test('holds as many samples as the parameters say, drawn over all labels and rows', () => {
    const many = { ...params, samples: 1000 };
    const samples = decodeRequest(
      many,
      20,
      issue(many, [encodeCommit({ labels: 20, root: new Uint8Array(32) })], createSeededRandom('request')),
    )!;
    expect(samples).toHaveLength(1000);
    expect(new Set(samples.map(({ label }) => label)).size).toBe(20);
    expect(new Set(samples.map(({ row }) => row)).size).toBe(32);
    expect(new Set(samples.map(({ agreementRow }) => agreementRow)).size).toBe(32);
    expect(Math.min(...samples.map(({ label }) => label))).toBe(1);
  });

  test.each([
    ['two samples', [sample, sample]],
    ['four samples', [sample, sample, sample, sample]],
    ['label 0', [sample, sample, { ...sample, label: 0 }]],
    ['a label too far', [sample, sample, { ...sample, label: 21 }]],
    ['a row too far', [sample, sample, { ...sample, row: 32 }]],
    ['an agreement row too far', [sample, sample, { ...sample, agreementRow: 32 }]],
  ])('with %s is none', (_, samples) => {
    expect(decodeRequest(params, 20, encodeRequest(samples))).toBeUndefined();
  });
});
