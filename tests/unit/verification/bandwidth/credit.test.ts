import { describe, expect, test } from 'vitest';
import { ed25519FromSeed } from '../../../../src/model/ed25519.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { brief } from '../../../../src/verification/kinds/bandwidth/brief.js';
import {
  decodeBrief,
  encodeCommit,
  encodeOffer,
} from '../../../../src/verification/kinds/bandwidth/codec.js';
import { credit, creditUp, downRate, upRate } from '../../../../src/verification/kinds/bandwidth/credit.js';
import { bandwidthProof } from '../../../../src/verification/kinds/bandwidth/index.js';
import {
  BANDWIDTH_PARAMS,
  type BandwidthParams,
  paramsByClass,
  parseParams,
  segmentBytes,
  serveShape,
} from '../../../../src/verification/kinds/bandwidth/params.js';
import fc from '../../../support/properties.js';

// a round of one second: a segment is 65536 bytes a second
const params = { ...paramsByClass('link-100m')!, windowMs: 1000 };
const perSegment = 65_536;
const root = new Uint8Array(32).fill(1);

describe('the way down', () => {
  test('is sources times the second-lowest where one gives less', () => {
    expect(downRate(params, [0, 10, 10, 10, 10, 10, 10, 10])).toBe(70 * perSegment);
    expect(downRate(params, [8, 10, 10, 10, 10, 10, 10, 10])).toBe(78 * perSegment);
    expect(downRate(params, [10, 10, 10, 10, 10, 10, 10, 10])).toBe(80 * perSegment);
    expect(downRate(params, [4, 5, 90, 90, 90, 90, 90, 90])).toBe(40 * perSegment);
  });

  test('is nothing where all but one source are made up of fewer than two real ones', () => {
    expect(downRate(params, [0, 0, 90, 90, 90, 90, 90, 90])).toBe(0);
  });

  test('never exceeds what came in all', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(90), { minLength: 2, maxLength: 8 }), (segments) => {
        const all = segments.reduce((sum, count) => sum + count, 0);
        expect(downRate(params, segments)).toBeLessThanOrEqual(all * perSegment);
      }),
    );
  });

  test('an accomplice among the sources is worth at most its cap, and the bound of the text', () => {
    // capacity D spread over the honest as it pays best, accomplices claim their caps; m=8, cap 90
    const m = 8;
    for (let accomplices = 0; accomplices <= 6; accomplices++)
      for (const real of [24, 80, 320]) {
        let best = 0;
        const honest = m - accomplices;
        for (let served = 1; served <= honest; served++) {
          const each = Math.min(90, Math.floor(real / served));
          const rates = [
            ...new Array<number>(honest - served).fill(0),
            ...new Array<number>(served).fill(each),
          ];
          best = Math.max(best, downRate(params, [...rates, ...new Array<number>(accomplices).fill(90)]));
        }
        const bound = Math.min((m * real) / (m - 1 - accomplices), real + 90 * accomplices);
        expect(best).toBeLessThanOrEqual(bound * perSegment * (1 + 1e-9));
      }
  });

  test('says nothing with fewer sources than the least', () => {
    const commit = (segments: number[]) => [encodeCommit({ segments, root })];
    expect(credit(params, commit([9, 9, 9, 9]))).toEqual({ downBytesPerS: 0 });
    expect(credit(params, commit([9, 9, 9, 9, 9]))).toEqual({ downBytesPerS: 45 * perSegment });
    expect(credit(params, commit([0, 0, 0, 0, 0]))).toBeUndefined();
    expect(credit(params, commit([91, 9, 9, 9, 9]))).toBeUndefined();
    expect(credit(params, [])).toBeUndefined();
  });
});

describe('the way up', () => {
  const random = createSeededRandom('up');
  const participants = Array.from({ length: 9 }, (_, i) => ({
    hotkey: random.bytes(32),
    coldkey: random.bytes(32),
    slot: 0,
    address: `10.${i}.0.1`,
    offer: encodeOffer({ port: 1000 + i, linkKey: ed25519FromSeed(random.bytes(32)).publicKey }),
  }));
  const event = {
    eventId: random.bytes(32),
    beacon: random.bytes(32),
    validator: random.bytes(32),
    participants,
  };
  const told = brief(params, event, random).participants.map((briefing) => briefing!.told);
  /** @param give segments that host `y` gave host `x`; undefined: x was not accepted */
  const reports = (give: (y: number, x: number) => number | undefined) =>
    participants.map(({ hotkey, slot }, x) => {
      const { pulls } = decodeBrief(params, told[x])!;
      const sourceOf = (source: Uint8Array) =>
        participants.findIndex((p) => Buffer.compare(p.hotkey, source) === 0);
      const segments = pulls.map(({ source }) => give(sourceOf(source), x));
      const good = segments.every((count) => count !== undefined);
      return {
        hotkey,
        slot,
        told: told[x],
        commits: good ? [encodeCommit({ segments: segments as number[], root })] : undefined,
      };
    });

  test('is receivers times the median of what they got, whoever counts', () => {
    expect(
      creditUp(
        params,
        reports(() => 10),
      )[0],
    ).toEqual({ upBytesPerS: 80 * perSegment });
    expect(
      bandwidthProof.round!.settle(
        params,
        reports(() => 10),
      ),
    ).toHaveLength(9);
  });

  test('does not suffer from three receivers that are slow, and never exceeds what they all got', () => {
    expect(
      creditUp(
        params,
        reports((_, x) => (x <= 3 ? 2 : 10)),
      )[0],
    ).toEqual({ upBytesPerS: 56 * perSegment });
    expect(upRate(params, [2, 2, 2, 10, 10, 10, 10, 10], 8)).toBe(56 * perSegment);
  });

  test('leaves out who was not accepted, and says nothing with fewer than five', () => {
    expect(
      creditUp(
        params,
        reports((_, x) => (x <= 3 ? undefined : 10)),
      )[0],
    ).toEqual({
      upBytesPerS: 50 * perSegment,
    });
    expect(
      creditUp(
        params,
        reports((_, x) => (x <= 4 ? undefined : 10)),
      )[0],
    ).toEqual({});
  });

  test('of what was told is bounded by what honest receivers got and the caps of accomplices', () => {
    const mine = (accomplices: number, real: number) =>
      creditUp(
        params,
        reports((y, x) => (y !== 0 ? 10 : x <= accomplices ? 90 : Math.floor(real / (8 - accomplices)))),
      )[0].upBytesPerS!;
    expect(mine(0, 80)).toBe(80 * perSegment);
    expect(mine(3, 80)).toBeLessThanOrEqual((8 / 5) * 80 * perSegment);
    expect(mine(4, 0)).toBe(0);
    expect(mine(5, 0)).toBeGreaterThan(0); // more than half of the receivers: the tail of the text
  });
});

describe('the table', () => {
  test('names what a validator and a peer can be asked for', () => {
    const shown = BANDWIDTH_PARAMS.map((each: BandwidthParams) => ({
      class: each.class,
      capMB: Math.round((each.sources * each.maxSegments * segmentBytes(each)) / 1e5) / 10,
      segmentMs: Math.round((segmentBytes(each) * 1000 * each.sources) / each.nominalBytesPerS),
      capBytesPerS: Math.round(serveShape(each).capBytesPerS),
    }));
    expect(shown).toMatchInlineSnapshot(`
      [
        {
          "capBytesPerS": 835584,
          "capMB": 5,
          "class": "paced",
          "segmentMs": 25,
        },
        {
          "capBytesPerS": 1966080,
          "capMB": 47.2,
          "class": "link-100m",
          "segmentMs": 42,
        },
        {
          "capBytesPerS": 19573419,
          "capMB": 469.8,
          "class": "link-1g",
          "segmentMs": 34,
        },
        {
          "capBytesPerS": 195734187,
          "capMB": 4697.6,
          "class": "link-10g",
          "segmentMs": 27,
        },
      ]
    `);
  });

  test('is parsed strictly', () => {
    for (const each of BANDWIDTH_PARAMS) expect(parseParams(JSON.parse(JSON.stringify(each)))).toEqual(each);
    expect(() => parseParams({ ...params, segmentLeaves: 3 })).toThrow(/segmentLeaves/);
    expect(() => parseParams({ ...params, sources: 99 })).toThrow(/sources/);
  });

  test('keeps brief and commit within a frame', () => {
    const random = createSeededRandom('frame');
    const big = { ...params, sources: 16, maxSegments: 4096 };
    const participants = Array.from({ length: 17 }, (_, i) => ({
      hotkey: random.bytes(32),
      coldkey: random.bytes(32),
      slot: 0,
      address: `2001:db${i.toString(16)}:ffff:ffff:ffff:ffff:ffff:ffff`,
      offer: encodeOffer({ port: 65_535, linkKey: ed25519FromSeed(random.bytes(32)).publicKey }),
    }));
    const event = {
      eventId: random.bytes(32),
      beacon: random.bytes(32),
      validator: random.bytes(32),
      participants,
    };
    const { told } = brief(big, event, random).participants[0]!;
    expect(decodeBrief(big, told)?.pulls).toHaveLength(16);
    expect(told.length).toBeLessThan(8192);
    const segments = new Array<number>(16).fill(4096);
    expect(encodeCommit({ segments, root }).length).toBeLessThanOrEqual(
      bandwidthProof.limits(big).commitBytes,
    );
  });
});
