import { describe, expect, test } from 'vitest';
import { parseScenario } from '../../../../src/emissions/simulator/scenario.js';
import {
  countPoints,
  holdsText,
  parseAxes,
  pointsOf,
  scenarioAt,
} from '../../../../src/emissions/simulator/sweep.js';
import { smallScenario } from '../../../support/small-scenario.js';

describe('axes', () => {
  test('are ranges in decimal steps, or lists', () => {
    expect(parseAxes(['owner.burnShare=0:0.5:0.1', 'subnet.yuma3=true,false', 'seed=a,2'])).toEqual([
      { path: 'owner.burnShare', values: [0, 0.1, 0.2, 0.3, 0.4, 0.5] },
      { path: 'subnet.yuma3', values: [true, false] },
      { path: 'seed', values: ['a', 2] },
    ]);
    expect(parseAxes(['a.b=-1:1:1', 'c.d=0:1:0.4'])).toMatchObject([
      { values: [-1, 0, 1] },
      { values: [0, 0.4, 0.8] },
    ]);
  });

  test('are as fine as they are written, with exponents too', () => {
    expect(parseAxes(['a=0:3e-3:1e-3', 'b=-1.5E1:0:5', 'c=1e-3,1E+2,.5', 'd=0:3e-12:1.5e-12'])).toEqual([
      { path: 'a', values: [0, 0.001, 0.002, 0.003] },
      { path: 'b', values: [-15, -10, -5, 0] },
      { path: 'c', values: [0.001, 100, 0.5] },
      { path: 'd', values: [0, 1.5e-12, 3e-12] },
    ]);
    expect(Object.is(parseAxes(['a=-0.3:0:0.1'])[0]!.values[3], 0)).toBe(true);
  });

  test.each([
    'owner.burnShare',
    '=1,2',
    'owner.burnShare=',
    'owner.burnShare=0:1',
    'owner.burnShare=1:0:0.1',
    'owner.burnShare=0:1:0',
    'owner.burnShare=0:1:-0.1',
    'owner.burnShare=0:1:x',
    'owner.burnShare=0:1.2.3:1',
    'owner.burnShare=0:1e999:1',
  ])('refuse %s', (text) => {
    expect(() => parseAxes([text])).toThrow(`--vary ${text}: expected PATH=FROM:TO:STEP or PATH=A,B,C`);
  });

  test('refuse a path given twice and more points than anybody would wait for', () => {
    expect(() => parseAxes(['a=1,2', 'a=3'])).toThrow('--vary a: given twice');
    expect(() => parseAxes(['a=1:1000:1', 'b=1:101:1'])).toThrow('--vary: 101000 points, at most 100000');
    expect(() => parseAxes(['a=0:1:0.000001'])).toThrow('--vary a: 1000001 points, at most 100000');
    expect(() => parseAxes([`a=${'1,'.repeat(100_001)}`])).toThrow('--vary a: 100001 points, at most 100000');
  });
});

test('points are all combinations, the last axis fastest', () => {
  const axes = parseAxes(['a=1,2', 'b=x,y,z']);
  expect(countPoints(axes)).toBe(6);
  expect(pointsOf(axes)).toEqual([
    [1, 'x'],
    [1, 'y'],
    [1, 'z'],
    [2, 'x'],
    [2, 'y'],
    [2, 'z'],
  ]);
});

test('a point sets its values together: only the result has to be consistent', () => {
  const scenario = parseScenario(smallScenario);
  const axes = parseAxes(['validators.cabal.stakeAlpha=2000000', 'subnet.alphaOut=3000000']);
  const at = scenarioAt(scenario, axes, pointsOf(axes)[0]!);
  expect(at.subnet.alphaOut).toBe(3_000_000);
  expect(at.validators[1]!.stakeAlpha).toBe(2_000_000);
  expect(() => scenarioAt(scenario, axes.slice(0, 1), [2_000_000])).toThrow('subnet.alphaOut');
});

test('where the scenario has text, a number or a truth value becomes text', () => {
  const scenario = parseScenario(smallScenario);
  const axes = parseAxes(['seed=7,true', 'subnet.kappa=1']);
  expect(scenarioAt(scenario, axes, [7, 1])).toMatchObject({ seed: '7', subnet: { kappa: 1 } });
  expect(scenarioAt(scenario, axes, [true, 1]).seed).toBe('true');
  expect(holdsText(scenario, 'subnet.kappa')).toBe(false);
  expect(holdsText(scenario, 'no.such.path')).toBe(false);
});
