import { describe, expect, test } from 'vitest';
import { BEHAVIOURS, deterrence, POLICIES, parsePolicy } from '../../../src/scoring/index.js';
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
});
