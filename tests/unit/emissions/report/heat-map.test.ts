import { describe, expect, test } from 'vitest';
import type { SweepData } from '../../../../src/emissions/report/heat-map.js';
import type { SweepResult } from '../../../../src/emissions/simulator/sweep.js';
import { pointsOf } from '../../../../src/emissions/simulator/sweep.js';
import type { AssayError } from '../../../../src/model/errors.js';
import { jsonIn, reportOf, smallRun, tableIn, withoutCode } from './any-report.js';

const run = smallRun();

function sweepOver(axes: SweepResult['axes'], measure: (at: readonly unknown[]) => number): SweepResult {
  const { version, seed, scenario } = run;
  const rows = pointsOf(axes).map((at) => ({
    at,
    metrics: { 'tao.share': 0.25, 'price.final': measure(at), 'lazy.profitTao': measure(at) * 10 },
  }));
  return { version, seed, scenario, axes, rows };
}

const burn = { path: 'owner.burnShare', values: [0, 0.5, 1] };
const kappa = { path: 'subnet.kappa', values: [10_000, 32_767] };
const map = sweepOver([burn, kappa], (at) => Number(at[0]) + Number(at[1]) / 100_000);

const dataOf = (html: string): SweepData => (jsonIn(html, 'report-data') as { sweep: SweepData }).sweep;

describe('the heat map', () => {
  const html = reportOf(run, { sweep: map });

  test('gets one value for each square, the last axis fastest', () => {
    const { axes, metrics } = dataOf(html);
    expect(axes.map(({ path, values }) => [path, ...values])).toEqual([
      ['owner.burnShare', '0', '0.5', '1'],
      ['subnet.kappa', '10\u202f000', '32\u202f767'],
    ]);
    expect(metrics[1]).toEqual({
      name: 'price.final',
      unit: 'TAO per alpha',
      values: [0.1, 0.32767, 0.6, 0.82767, 1.1, 1.32767],
    });
  });

  test('offers every metric, and first the profit of who deviates', () => {
    expect(html).toContain('<option value="0">tao.share</option>');
    expect(html).toContain('<option value="2" selected>lazy.profitTao</option>');
    expect(dataOf(html).first).toBe(2);
  });

  test('has a table with every point and metric', () => {
    const [head, ...rows] = tableIn(html, 'Sweep over owner.burnShare and subnet.kappa');
    expect(head).toEqual([
      'owner.burnShare',
      'subnet.kappa',
      'tao.share of 1',
      'price.final TAO per alpha',
      'lazy.profitTao TAO',
    ]);
    expect(rows).toHaveLength(6);
    expect(rows[3]).toEqual(['0.5', '32\u202f767', '0.25', '0.82767', '8.2767']);
  });

  test('takes rows in any order and leaves squares empty that were not run', () => {
    const rows = [map.rows[5]!, map.rows[0]!];
    const partial = reportOf(run, { sweep: { ...map, rows } });
    expect(dataOf(partial).metrics[1]!.values).toEqual([0.1, null, null, null, null, 1.32767]);
    expect(partial).toContain('4 points have not been run and stay empty.');
    expect(withoutCode(partial)).not.toMatch(/NaN|undefined/);
  });

  test('says when it starts from another scenario than the run', () => {
    expect(html).not.toContain('They start from a scenario that differs');
    const other = { ...map, scenario: { ...map.scenario, epochs: 3 } };
    expect(reportOf(run, { sweep: other })).toContain('They start from a scenario that differs');
  });
});

test('one axis is a line over its numbers, words stand side by side', () => {
  const html = reportOf(run, { sweep: sweepOver([burn], Number) });
  expect(html).toContain('data-line-plot');
  expect(html).not.toContain('data-heat>');
  expect(dataOf(html).axes[0]!.at).toEqual([0, 0.5, 1]);
  const words = { path: 'owner.payRule', values: ['rented', 'capacity'] };
  const byRule = reportOf(run, { sweep: sweepOver([words], ([rule]) => String(rule).length) });
  expect(dataOf(byRule).axes[0]!.at).toEqual([0, 1]);
});

test('a third axis is chosen from a list', () => {
  const yuma = { path: 'subnet.yuma3', values: [true, false] };
  const html = reportOf(run, { sweep: sweepOver([burn, kappa, yuma], (at) => (at[2] === true ? 1 : 2)) });
  expect(html).toContain(
    '<select data-fixed="2"><option value="0">true</option><option value="1">false</option></select>',
  );
  expect(dataOf(html).metrics[1]!.values.slice(0, 4)).toEqual([1, 2, 1, 2]);
});

test('names of axes and metrics are escaped', () => {
  const axis = { path: '<b>path', values: ['<i>value'] };
  const html = reportOf(run, { sweep: sweepOver([axis], () => 1) });
  expect(html).not.toMatch(/<b>path|<i>value/);
});

test('a table of a large sweep ends at 500 rows, its map does not', () => {
  const steps = { path: 'subnet.kappa', values: Array.from({ length: 600 }, (_, i) => i) };
  const html = reportOf(run, { sweep: sweepOver([steps], ([at]) => Number(at)) });
  expect(tableIn(html, 'Sweep over subnet.kappa: the first 500 of 600 points')).toHaveLength(501);
  expect(dataOf(html).metrics[1]!.values).toHaveLength(600);
});

test('a sweep that no map can show is refused', () => {
  const many = { path: 'subnet.kappa', values: Array.from({ length: 10_001 }, (_, i) => i) };
  const codeOf = (sweep: SweepResult): string => {
    try {
      reportOf(run, { sweep });
    } catch (error) {
      return (error as AssayError).code;
    }
    return 'accepted';
  };
  expect(codeOf({ ...map, axes: [many] })).toBe('limit-exceeded');
  expect(codeOf({ ...map, rows: [] })).toBe('invalid-input');
  expect(codeOf({ ...map, axes: [] })).toBe('invalid-input');
});
