import { describe, expect, test } from 'vitest';
import {
  BEHAVIOURS,
  deterrence,
  POLICIES,
  parsePolicy,
  type ScoringRule,
} from '../../../src/scoring/index.js';
import { ATTACKS } from '../../../src/testing/attacks/registry.js';
import { rolloutLiars } from '../../../src/testing/rollouts/liars/rollout-liars.js';
import { policyOf, poolOf } from '../../support/scoring.js';

const MATRIX = [
  ...ATTACKS.map(({ kind, name }) => `${kind}/${name}`),
  ...rolloutLiars.map(({ name }) => `rollouts/${name}`),
];

describe('deterrence', () => {
  test('knows every attack of the matrix, once, and no other', () => {
    expect(BEHAVIOURS.map(({ name }) => name).sort()).toEqual([...MATRIX].sort());
  });

  test.each(Object.entries(POLICIES))('%s: no lie that can be seen pays', (_, policy) => {
    const { behaviours, margin, holds } = deterrence(policy);
    expect(behaviours.length).toBeGreaterThan(30);
    for (const each of behaviours)
      if (each.behaviour.form.is === 'limit') expect(each.margin).toBeUndefined();
      else {
        expect(each.margin).toBeGreaterThan(1);
        expect(each.breakEven).toBeUndefined();
      }
    expect(margin).toBeGreaterThan(1.4);
    expect(holds).toBe(true);
  });

  test('an exponent of 4 with small audits fails, and says from which share of the work on', () => {
    const audit = { unitsPerWindow: 4, windows: 0.25, vestedWindows: 2, restartWindows: 12 };
    const { holds, behaviours } = deterrence(
      parsePolicy({ ...POLICIES.rollouts, pay: { exponent: 4 }, audit }),
    );
    expect(holds).toBe(false);
    const faked = behaviours.find(({ behaviour }) => behaviour.name === 'rollouts/other-seed')!;
    expect(faked.margin).toBeLessThan(1);
    expect(faked.breakEven).toBeLessThan(0.05);
    // where pay is linear what is not found right is not credited either, and that alone takes what was saved
    const linear = deterrence(parsePolicy({ ...POLICIES.rollouts, audit })).behaviours;
    const same = linear.find(({ behaviour }) => behaviour.name === 'rollouts/other-seed')!;
    expect(same.margin).toBeGreaterThan(1);
  });

  test.each([
    [1, 0],
    [2, 3],
    [12, 0.7],
  ])(
    'where a lie breaks even is where its keys, one after the other, are paid as one honest one (%s windows, %s to start again)',
    (vestedWindows, restartWindows) => {
      const audit = { unitsPerWindow: 4, windows: 0.05, vestedWindows, restartWindows };
      for (const exponent of [1, 2, 4]) {
        const { behaviours } = deterrence(parsePolicy({ ...POLICIES.rollouts, pay: { exponent }, audit }));
        // power 1, all of the work saved, one in four of the wrong ones that are expected convicts
        const { breakEven } = behaviours.find(({ behaviour }) => behaviour.name === 'rollouts/other-seed')!;
        const pays = (f: number): boolean => {
          const gain = (1 / Math.max(1 - f, 1 / 256)) ** exponent * (1 - f);
          const convicted = 0.05 * Math.min(1 - (1 - f) ** 4, (4 * f) / (f >= 0.05 ? 4 : f >= 0.01 ? 7 : 9));
          let [paid, windows, alive] = [0, restartWindows, 1];
          for (let t = 1; alive > 1e-9; t++) {
            windows += alive;
            alive *= 1 - convicted;
            paid += alive * gain * Math.min(1, t / vestedWindows);
          }
          return paid >= windows;
        };
        const first = Array.from({ length: 256 }, (_, i) => (i + 1) / 256).find(pays);
        expect(breakEven).toBe(first);
        if (exponent === 4) expect(first).toBeDefined();
      }
    },
  );

  test('a device behind several names gains by sampling what it is worth to be there for whichever is drawn', () => {
    const shared = (change: object, sampling: number) => {
      const schedule = { ...POLICIES.mixed.schedule, sampling };
      return deterrence(parsePolicy({ ...POLICIES.mixed, ...change, schedule })).behaviours.find(
        ({ behaviour }) => behaviour.name === 'compute/serial-sharer-slots',
      )!;
    };
    expect(shared({}, 1)).toMatchObject({ gain: 1, breakEven: undefined });
    expect(shared({}, 0.01).gain).toBeCloseTo((1 - 0.99 ** 64) / 0.01, 9);
    expect(shared({}, 0.5)).toMatchObject({ gain: expect.closeTo(2, 9), breakEven: 1 });
    expect(shared({}, 0.5).margin).toBeCloseTo(0.5, 9); // a registration is paid once
    expect(shared({ pay: { exponent: 2 } }, 0.5).gain).toBeCloseTo(4, 9); // under one coldkey
    expect(shared({ pay: { exponent: 0.5 } }, 1).margin).toBeCloseTo(0.5 ** 0.5, 9);
  });

  test('names alone: a concave curve pays for splitting, a convex one for merging, pools by class for another label', () => {
    const shape = (change: object, name: string) =>
      deterrence(policyOf(change)).shapes.find((each) => each.name === name)!;
    expect(shape({ pay: { exponent: 0.5 } }, 'splitting')).toMatchObject({ gain: 2, holds: false });
    expect(shape({ pay: { exponent: 2 } }, 'merging')).toMatchObject({ gain: 4, holds: false });
    const pools = [
      poolOf({ name: 'small', share: 0.25, match: { classes: ['cpu-2048'] }, target: 10 }),
      poolOf({ name: 'big', share: 0.75, match: { classes: ['h100-sxm'] }, target: 10 }),
    ];
    expect(shape({ pools }, 'relabelling')).toMatchObject({
      gain: expect.closeTo(3, 9),
      of: 'opsPerS in big in place of small',
      holds: false,
    });
    expect(
      shape({ pools: [pools[1], poolOf({ ...pools[0], match: undefined })] }, 'relabelling'),
    ).toMatchObject({
      gain: expect.closeTo(3, 9),
      holds: false,
    });
    const unpaid = [poolOf({ ...pools[0], share: 0 }), pools[1]];
    expect(shape({ pools: unpaid }, 'relabelling').gain).toBe(Number.POSITIVE_INFINITY);
    expect(shape({}, 'relabelling').holds).toBe(true);
    const boost = { stake: { full: 1000, most: 1 } };
    expect(shape({ boost }, 'merging')).toMatchObject({ gain: 1.6, holds: false });
  });

  test("of a rule of the subnet's own it tries what it pays: the linear one as the curve, others with what they let one gain", () => {
    const rule = (name: string, divide: ScoringRule['divide']): ScoringRule => ({ name, version: 1, divide });
    const rules = [
      rule('linear', (claims) => claims.map(({ worth }) => worth)),
      rule('square', (claims) => claims.map(({ worth }) => worth * worth)),
      rule('equal', (claims) => claims.map(() => 1n)),
      rule('winner', (claims) => {
        const most = claims.reduce((a, b) => (b.worth > a.worth ? b : a));
        return claims.map((claim) => (claim === most ? 1n : 0n));
      }),
      {
        ...rule('edge', (claims) => {
          const above = claims.map(({ worth }) => (worth >= 1n << 31n ? worth : 0n));
          return above.some((worth) => worth > 0n) ? above : claims.map(({ worth }) => worth);
        }),
        paysFor: ['merging'],
      } satisfies ScoringRule,
    ];
    const base = {
      quarantine: { reasons: ['seed', 'projection'], epochs: 4 },
      audit: { unitsPerWindow: 16, restartWindows: 0.5 },
    };
    const by = (name: string) => {
      const pools = [poolOf({ rule: { name, version: 1 } })];
      const policy = parsePolicy({ ...policyOf(base), pools }, undefined, rules);
      return deterrence(policy, rules);
    };
    const shape = (name: string, which: string) => by(name).shapes.find((each) => each.name === which)!;
    const curve = deterrence(policyOf(base));
    const linear = by('linear');
    expect(linear.behaviours.map(({ behaviour }) => behaviour.name)).toEqual(
      curve.behaviours.map(({ behaviour }) => behaviour.name),
    );
    // beside others a share grows by less than worth does
    for (const [i, { margin = 0 }] of linear.behaviours.entries())
      expect(margin).toBeGreaterThanOrEqual((curve.behaviours[i]!.margin ?? 0) - 1e-6);
    expect(linear.shapes).toEqual(
      curve.shapes.map((each) =>
        each.name === 'relabelling' ? each : { ...each, of: `${each.of}, in all` },
      ),
    );
    expect(shape('square', 'splitting')).toMatchObject({ holds: true });
    // beside others of all sizes, whose squares are 341.3 in all: 16 of 357.3 in place of 4 of 345.3
    expect(shape('square', 'merging')).toMatchObject({ gain: expect.closeTo(3.865672, 5), holds: false });
    // 4 of 67 in place of 1 of 64
    expect(shape('equal', 'splitting')).toMatchObject({
      gain: expect.closeTo(3.820896, 5),
      of: 'one machine over 4 coldkeys, in all',
      holds: false,
    });
    // where all are paid alike no lie about one's own worth gains
    expect(
      by('equal').behaviours.find(({ behaviour }) => behaviour.name === 'compute/column-liar'),
    ).toMatchObject({
      margin: Number.POSITIVE_INFINITY,
      breakEven: undefined,
    });
    // a sliver more than the next one is all or nothing
    const winner = by('winner').behaviours.find(({ behaviour }) => behaviour.name === 'compute/column-liar')!;
    expect(winner).toMatchObject({ gain: Number.POSITIVE_INFINITY, breakEven: 1 / 256 });
    expect(winner.margin).toBeLessThan(1);
    expect(by('winner').holds).toBe(false);
    // below an edge there is nothing to lose but what it costs to come back: whoever lies enough to pass it is seen
    const edge = by('edge').behaviours.find(({ behaviour }) => behaviour.name === 'compute/column-liar')!;
    expect(edge.margin).toBeGreaterThan(1);
    expect(shape('edge', 'merging')).toMatchObject({
      gain: Number.POSITIVE_INFINITY,
      holds: true,
      wanted: true,
    });
    expect(shape('edge', 'splitting')).toEqual({
      ...{ name: 'splitting', gain: 1, of: 'one machine over 4 coldkeys, in all', holds: true },
    });
    const named = parsePolicy(
      { ...policyOf(base), pools: [poolOf({ rule: { name: 'equal', version: 1 } })] },
      undefined,
      rules,
    );
    expect(() => deterrence(named)).toThrow(expect.objectContaining({ code: 'unsupported' }));
  });
});
