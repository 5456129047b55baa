import { describe, expect, test } from 'vitest';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { type Host, matchRound, networkOf } from '../../../../src/verification/kinds/bandwidth/match.js';
import fc from '../../../support/properties.js';

const seed = (name: string): Uint8Array => createSeededRandom(name).bytes(32);
const host = (i: number, of: Partial<Host> = {}): Host => ({
  id: `h${i}`,
  coldkey: `c${i}`,
  address: `${10 + (i >> 8)}.${i & 255}.0.1`,
  ...of,
});
const hosts = (count: number): Host[] => Array.from({ length: count }, (_, i) => host(i));
const eight = { sources: 8, distinctNetworks: true };
const receiversOf = (matched: number[][]): number[] => {
  const counts = matched.map(() => 0);
  for (const source of matched.flat()) counts[source]++;
  return counts;
};

describe('the draw of a round', () => {
  test('lets each of many hosts give and take eight times', () => {
    const matched = matchRound(seed('many'), hosts(300), eight);
    expect(matched.every((sources) => new Set(sources).size === 8)).toBe(true);
    expect(new Set(receiversOf(matched))).toEqual(new Set([8]));
  });

  test('is the same for the same seed, and another for another', () => {
    expect(matchRound(seed('a'), hosts(30), eight)).toEqual(matchRound(seed('a'), hosts(30), eight));
    expect(matchRound(seed('a'), hosts(30), eight)).not.toEqual(matchRound(seed('b'), hosts(30), eight));
  });

  test('is what it was: other verifiers draw it again from the beacon', () => {
    expect(
      matchRound(seed('vector'), hosts(5), { sources: 2, distinctNetworks: true }),
    ).toMatchInlineSnapshot(`
      [
        [
          2,
          4,
        ],
        [
          0,
          3,
        ],
        [
          3,
          1,
        ],
        [
          4,
          2,
        ],
        [
          1,
          0,
        ],
      ]
    `);
  });

  test('never lets a host meet itself, its coldkey, its network, or two of one', () => {
    const anyHost = fc.record({ coldkey: fc.nat(12), network: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(anyHost, { minLength: 1, maxLength: 40 }), fc.nat(), (drawn, name) => {
        const list = drawn.map(({ coldkey, network }, i) => ({
          id: `h${i}`,
          coldkey: `c${coldkey}`,
          address: `10.${network}.0.${i}`,
        }));
        const matched = matchRound(seed(`${name}`), list, { sources: 4, distinctNetworks: true });
        for (const [i, sources] of matched.entries()) {
          const group = [i, ...sources].map((at) => list[at]);
          expect(new Set(group.map(({ coldkey }) => coldkey)).size).toBe(group.length);
          expect(new Set(group.map(({ address }) => networkOf(address))).size).toBe(group.length);
        }
        for (const count of receiversOf(matched)) expect(count).toBeLessThanOrEqual(4);
      }),
      { numRuns: 60 },
    );
  });

  test('gives everybody all there is where hosts are few', () => {
    const matched = matchRound(seed('few'), hosts(4), eight);
    expect(matched.map((sources) => [...sources].sort())).toEqual([
      [1, 2, 3],
      [0, 2, 3],
      [0, 1, 3],
      [0, 1, 2],
    ]);
    expect(matchRound(seed('none'), [], eight)).toEqual([]);
    expect(matchRound(seed('alone'), hosts(1), eight)).toEqual([[]]);
  });

  describe('anchors', () => {
    const anchor = (i: number, of: Partial<Host> = {}) => host(i, { anchor: true, ...of });

    test('give and take like hosts, and nothing to or from one another', () => {
      const list = [...hosts(10), anchor(10), anchor(11)];
      const matched = matchRound(seed('anchors'), list, eight);
      for (const at of [10, 11]) {
        expect(matched[at].length).toBeGreaterThan(0);
        expect(matched[at].every((source) => source < 10)).toBe(true);
        expect(new Set(matched[at]).size).toBe(matched[at].length);
        expect(receiversOf(matched)[at]).toBeGreaterThan(0);
      }
    });

    test('cost no host a source', () => {
      for (let trial = 0; trial < 50; trial++) {
        const few = 2 + (trial % 6);
        const alone = matchRound(seed(`few-${trial}`), hosts(few), eight);
        const sources = matchRound(
          seed(`few-${trial}`),
          [...hosts(few), anchor(few), anchor(few + 1)],
          eight,
        );
        for (const [i, before] of alone.entries()) expect(sources[i].length).toBe(before.length + 2);
      }
    });

    test('give and take no more often than they can, also of what nobody else gives', () => {
      const list = [...hosts(20), anchor(20, { most: 3 }), anchor(21, { most: 0 })];
      const matched = matchRound(seed('little'), list, eight);
      expect(matched[20].length).toBeLessThanOrEqual(3);
      expect(matched[21]).toEqual([]);
      expect(receiversOf(matched)[20]).toBeLessThanOrEqual(3);
      expect(receiversOf(matched)[21]).toBe(0);
      const alone = matchRound(seed('alone'), [host(0), anchor(1, { most: 1 }), anchor(2)], eight);
      expect(alone).toEqual([expect.arrayContaining([1, 2]), [0], [0]]);
    });
  });

  test('meets each other host about equally often', () => {
    const counts = new Array<number>(20).fill(0);
    for (let trial = 0; trial < 400; trial++)
      for (const source of matchRound(seed(`uniform-${trial}`), hosts(20), { ...eight, sources: 3 })[0])
        counts[source]++;
    // 400 x 3 / 19 = 63 each; five deviations are 36
    expect(counts[0]).toBe(0);
    for (const count of counts.slice(1)) expect(Math.abs(count - 63)).toBeLessThan(36);
  });

  test('with weights, proposes the heavy more often, to twice as many at most', () => {
    const list = hosts(40).map((each, i) => ({ ...each, weight: i < 8 ? 100 : 1 }));
    const counts = receiversOf(matchRound(seed('weights'), list, { ...eight, sources: 3 }));
    const heavy = counts.slice(0, 8).reduce((sum, count) => sum + count, 0);
    expect(heavy).toBeGreaterThan(8 * 4);
    expect(Math.max(...counts)).toBeLessThanOrEqual(6);
  });

  test('is not held up by hosts whom nobody may meet', () => {
    const list = hosts(600).map((each, i) => (i < 500 ? { ...each, coldkey: 'one' } : each));
    const from = process.cpuUsage();
    const matched = matchRound(seed('crowd'), list, eight);
    const { user } = process.cpuUsage(from);
    expect(matched.slice(500).filter((sources) => sources.length >= 7).length).toBeGreaterThan(80);
    expect(Math.max(...receiversOf(matched))).toBe(8);
    expect(user / 1000).toBeLessThan(3000); // 0.2 s on an idle core; without the bound it is minutes
  });

  test('takes a subnet of 1024 hosts without delay to speak of', () => {
    const matched = matchRound(seed('large'), hosts(1024), eight);
    expect(receiversOf(matched).every((count) => count === 8)).toBe(true);
  });
});

test('networks are /16 of IPv4 and /32 of IPv6', () => {
  expect(networkOf('10.1.2.3')).toBe('10.1');
  expect(networkOf('2001:db8:1::1')).toBe('2001:db8');
  expect(networkOf('2001::1')).toBe('2001:0');
  expect(networkOf('::1')).toBe('0:0');
});
