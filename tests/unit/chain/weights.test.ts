import { describe, expect, it } from 'vitest';
import type { Neuron } from '../../../src/chain/chain.js';
import { alreadySetThisEpoch, canSetWeights, toWeightRow } from '../../../src/chain/weights.js';
import { type Hotkey, toColdkey, toHotkey, toUid } from '../../../src/model/ids.js';
import { maxUpscale } from '../../../src/model/max-upscale.js';
import fc from '../../support/properties.js';

const neuron = (uid: number, over: Partial<Neuron> = {}): Neuron => ({
  uid: toUid(uid),
  hotkey: toHotkey(`hot${uid}`),
  coldkey: toColdkey(`cold${uid}`),
  stakeRao: 0n,
  consensusStakeRao: 0n,
  validatorPermit: false,
  active: true,
  lastUpdate: 0,
  registeredAt: 0,
  incentive: 0,
  dividends: 0,
  emissionRao: 0n,
  axon: undefined,
  ...over,
});
const subnetOf = (n: number, minAllowedWeights = 1) => ({
  neurons: Array.from({ length: n }, (_, uid) => neuron(uid)),
  minAllowedWeights,
});
const scoresOf = (scores: Record<string, number>): Map<Hotkey, number> =>
  new Map(Object.entries(scores).map(([hotkey, score]) => [toHotkey(hotkey), score]));

describe('toWeightRow', () => {
  it('gives the largest score 65535 and the others their share of it, uid ascending', () => {
    const { row, dropped } = toWeightRow({
      scores: scoresOf({ hot4: 0.25, hot1: 1, hot2: 0.5 }),
      subnet: subnetOf(6),
    });
    expect(row).toEqual([
      [1, 65535],
      [2, 32768],
      [4, 16384],
    ]);
    expect(dropped).toEqual([]);
  });

  it('gives explicit zeros to registered uids that were weighted earlier, and only to them', () => {
    const { row } = toWeightRow({
      scores: scoresOf({ hot0: 3, hot3: 0 }),
      subnet: subnetOf(4),
      earlier: [
        [2, 65535],
        [9, 100],
      ],
    });
    expect(row).toEqual([
      [0, 65535],
      [2, 0],
    ]);
  });

  it('drops and reports scored hotkeys that are not registered; zeros of strangers are nobody’s news', () => {
    const { row, dropped } = toWeightRow({
      scores: scoresOf({ stranger: 7, hot1: 2, other: 0 }),
      subnet: subnetOf(2),
    });
    expect(row).toEqual([[1, 65535]]);
    expect(dropped).toEqual(['stranger']);
  });

  it('pads with zeros to MinAllowedWeights, or to all uids where there are fewer', () => {
    const scores = scoresOf({ hot3: 1 });
    expect(toWeightRow({ scores, subnet: subnetOf(5, 3) }).row).toEqual([
      [0, 0],
      [1, 0],
      [3, 65535],
    ]);
    expect(toWeightRow({ scores, subnet: subnetOf(4, 1024) }).row).toHaveLength(4);
  });

  it('is empty when nobody registered scored, instead of a vote for nobody', () => {
    expect(toWeightRow({ scores: scoresOf({}), subnet: subnetOf(3) }).row).toEqual([]);
    const zeros = toWeightRow({
      scores: scoresOf({ hot0: 0, gone: 5 }),
      subnet: subnetOf(3, 2),
      earlier: [[1, 65535]],
    });
    expect(zeros).toEqual({ row: [], dropped: ['gone'] });
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('refuses the score %d', (score) => {
    expect(() => toWeightRow({ scores: scoresOf({ hot0: score }), subnet: subnetOf(1) })).toThrow(RangeError);
  });

  it('always gives a row that the chain takes and stores unchanged', () => {
    const input = fc.record({
      n: fc.integer({ min: 1, max: 64 }),
      min: fc.integer({ min: 0, max: 80 }),
      scores: fc.dictionary(
        fc.integer({ min: 0, max: 70 }).map((uid) => `hot${uid}`),
        fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      ),
      earlier: fc.array(fc.tuple(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 65535 }))),
    });
    fc.assert(
      fc.property(input, ({ n, min, scores, earlier }) => {
        const { row } = toWeightRow({ scores: scoresOf(scores), subnet: subnetOf(n, min), earlier });
        if (row.length === 0) return;
        const uids = row.map(([uid]) => uid);
        const values = row.map(([, value]) => value);
        expect([...new Set(uids)].sort((a, b) => a - b)).toEqual(uids);
        expect(uids.at(-1)).toBeLessThan(n);
        expect(row.length).toBeGreaterThanOrEqual(Math.min(min, n));
        expect(Math.max(...values)).toBe(65535);
        expect(maxUpscale(values)).toEqual(values);
      }),
    );
  });
});

describe('maxUpscale', () => {
  // the rule of subtensor epoch/math.rs `vec_u16_max_upscale_to_u16`; upstream's own table is in tests/unit/emissions
  it.each([
    [
      [1, 2],
      [32768, 65535],
    ],
    [
      [43690, 21845],
      [65535, 32768],
    ],
    [[65534], [65535]],
    [
      [0, 0],
      [0, 0],
    ],
    [[], []],
    [
      [32768, 1],
      [65535, 2],
    ],
  ])('scales %j to %j', (values, scaled) => {
    expect(maxUpscale(values)).toEqual(scaled);
  });
});

describe('canSetWeights', () => {
  const subnet = {
    neurons: [
      neuron(0),
      neuron(1, { validatorPermit: true, lastUpdate: 40, registeredAt: 10 }),
      neuron(2, { lastUpdate: 7, registeredAt: 7 }),
    ],
    stakeThresholdRao: 0n,
    weightsRateLimit: 100,
    ownerUid: toUid(0),
    nextEpochBlock: 60,
  };
  const can = (uid: number, block: number, over: Partial<typeof subnet> = {}) =>
    canSetWeights({ subnet: { ...subnet, ...over }, uid: toUid(uid), block });

  it('counts the rate limit from LastUpdate, and lets the first block after it pass', () => {
    expect(can(1, 139)).toEqual({ ok: false, reason: 'rate-limit', atBlock: 140 });
    expect(can(1, 140)).toEqual({ ok: true });
  });

  it('asks for a permit, which the next epoch may grant, except from the owner', () => {
    expect(can(2, 500)).toEqual({ ok: false, reason: 'no-permit', atBlock: 60 });
    expect(can(0, 1)).toEqual({ ok: true });
  });

  it('refuses strangers', () => {
    expect(can(9, 1)).toEqual({ ok: false, reason: 'not-registered' });
  });

  it('asks for consensus stake, except from the owner and where the runtime does not tell', () => {
    expect(can(1, 200, { stakeThresholdRao: 1n })).toEqual({ ok: false, reason: 'stake-too-low' });
    expect(can(0, 200, { stakeThresholdRao: 1n })).toEqual({ ok: true });
    const untold = [neuron(0), neuron(1, { validatorPermit: true, consensusStakeRao: undefined })];
    expect(can(1, 200, { stakeThresholdRao: 1n, neurons: untold })).toEqual({ ok: true });
  });
});

describe('alreadySetThisEpoch', () => {
  const set = (lastUpdate: number, registeredAt = 5) =>
    alreadySetThisEpoch(
      { lastEpochBlock: 100, neurons: [neuron(0, { lastUpdate, registeredAt })] },
      toUid(0),
    );

  it('counts weights of the epoch’s own block to the new epoch: the epoch ran before the extrinsics', () => {
    expect([set(99), set(100), set(101)]).toEqual([false, true, true]);
  });

  it('does not take registration for weights', () => {
    expect(set(120, 120)).toBe(false);
  });

  it('is false for a uid that is not there', () => {
    expect(alreadySetThisEpoch({ lastEpochBlock: 0, neurons: [] }, toUid(3))).toBe(false);
  });
});
