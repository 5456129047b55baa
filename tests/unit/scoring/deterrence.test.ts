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
    // the same audits leave less room where pay is linear
    const linear = deterrence(parsePolicy({ ...POLICIES.rollouts, audit })).behaviours;
    const same = linear.find(({ behaviour }) => behaviour.name === 'rollouts/other-seed')!;
    expect(same.breakEven).toBeGreaterThan(0.5);
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
    expect(shape({}, 'relabelling').holds).toBe(true);
  });
});
