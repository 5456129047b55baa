import { describe, expect, test } from 'vitest';
import { metricNamed } from '../../../../src/emissions/simulator/metrics.js';
import { judgeTarget, parseTarget } from '../../../../src/emissions/simulator/target.js';

const metrics = {
  'farm.profitTao': 2,
  'cabal.stakeShare': 0.4,
  'my-cabal.incentiveShare': 0.3,
  'and.uids': 1,
};
const holds = (text: string): boolean => judgeTarget(parseTarget(text), metrics).holds;

describe('a target', () => {
  test('compares a metric with a number, on either side', () => {
    expect(holds('farm.profitTao >= 2')).toBe(true);
    expect(holds('farm.profitTao > 2')).toBe(false);
    expect(holds('-1.5e0 < farm.profitTao')).toBe(true);
    expect(holds('farm.profitTao<=1.99')).toBe(false);
  });

  test('compares metrics, of which either may have a factor', () => {
    expect(holds('my-cabal.incentiveShare < cabal.stakeShare')).toBe(true);
    expect(holds('my-cabal.incentiveShare < 0.5 * cabal.stakeShare')).toBe(false);
    expect(holds('10*my-cabal.incentiveShare > farm.profitTao')).toBe(true);
  });

  test('holds when all parts do, and shows both sides of each', () => {
    const target = parseTarget(' farm.profitTao >= 0 and 2 * cabal.stakeShare < 0.5 ');
    expect(target.text).toBe('farm.profitTao >= 0 and 2 * cabal.stakeShare < 0.5');
    expect(judgeTarget(target, metrics)).toEqual({
      holds: false,
      sides: [
        { left: 2, right: 0 },
        { left: 0.8, right: 0.5 },
      ],
    });
  });

  test('a group may be named "and"', () => {
    expect(holds('and.uids >= 1 and and.uids <= 1')).toBe(true);
  });

  test.each([
    ['', 'target: a number or a metric is missing at the end'],
    ['farm.profitTao', 'target: >=, <=, > or < is missing at the end'],
    ['farm.profitTao >=', 'target: a number or a metric is missing at the end'],
    ['farm.profitTao == 0', 'target: "==" where >=, <=, > or < should be'],
    ['profit >= 0', 'target: "profit" where a number or a metric should be'],
    ['farm.profitTao >= 0 or cabal.stakeShare > 0', 'target: "or" where "and" should be'],
    ['farm.profitTao >= 0 and', 'target: a number or a metric is missing at the end'],
    ['farm.profitTao * 2 >= 0', 'target: "*" where >=, <=, > or < should be'],
    ['2 * 3 >= farm.profitTao', 'target: "3" where a metric should be'],
    ['1 < 2', 'target: compares two numbers'],
    ['farm.profitTao > 5farm', 'target: "5farm" where a number or a metric should be'],
    ['farm.profitTao > 0'.padEnd(1001), 'target: 1001 characters, at most 1000'],
  ])('refuses "%s"', (text, message) => {
    expect(() => parseTarget(text)).toThrow(message);
  });

  test('an unknown metric is an error that lists those there are, not a miss', () => {
    expect(() => holds('farm.profit >= 0')).toThrow(
      'farm.profit: no such metric; there are farm.profitTao, cabal.stakeShare,',
    );
    expect(() => metricNamed(metrics, 'toString')).toThrow('no such metric');
  });
});
