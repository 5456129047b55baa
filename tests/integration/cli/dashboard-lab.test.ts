import { getPriority } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { createLab, type Lab, type LabOptions } from '../../../src/cli/dashboard/lab.js';
import { formOf, LAB_LIMITS, orderOf } from '../../../src/dashboard/lab/order.js';
import type { LabState } from '../../../src/dashboard/lab/page.js';
import { metricsOf } from '../../../src/emissions/simulator/metrics.js';
import { simulate } from '../../../src/emissions/simulator/simulate.js';
import { systemClock } from '../../../src/model/clock.js';

let lab: Lab | undefined;
afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

const orderFrom = (query: string) => orderOf(formOf(new URLSearchParams(query)));
const { signal } = new AbortController();
const open = (options: LabOptions = {}): Lab => {
  lab = createLab({ clock: systemClock }, options);
  return lab;
};
/** Takes some seconds of a core. */
const LONG = 'scenario=flow-rule';
const SHORT = 'scenario=two-mechanisms&epochs=4';

function doneOf(state: LabState): Extract<LabState, { is: 'done' }>['result'] {
  if (state.is !== 'done') throw new Error(`expected a result, got ${JSON.stringify(state)}`);
  return state.result;
}

test('an order gives what the same run gives here, its report and its sweep, at no cost of our own priority', async () => {
  const before = getPriority();
  const order = orderFrom(`${SHORT}&vary=owner.burnShare=0,0.5&deviations=1`);
  const result = doneOf(await open({ patienceMs: 60_000 }).ask(order, signal));
  expect(result.metrics).toEqual(metricsOf(simulate(order.scenario)));
  expect(result.sweep.map(({ at }) => at)).toEqual([[0], [0.5]]);
  expect(result.report.document).toContain('<!doctype html>');
  for (const script of result.report.scripts)
    expect(result.report.document).toContain(`<script>${script}</script>`);
  expect(result.report.document.match(/<script>/g)).toHaveLength(result.report.scripts.length);
  expect(getPriority()).toBe(before);
  expect(lab!.kept(order.id)).toEqual(result);
});

test('one order runs at a time, others wait, and beyond some they are refused', async () => {
  const { ask } = open({ patienceMs: 0 });
  const states: string[] = [];
  for (let i = 0; i < LAB_LIMITS.waiting + 2; i++)
    states.push((await ask(orderFrom(`${LONG}&seed=${i}`), signal)).is);
  expect(states).toEqual(['running', 'waiting', 'waiting', 'waiting', 'waiting', 'refused']);
  expect(await ask(orderFrom(`${LONG}&seed=2`), signal)).toEqual({ is: 'waiting', before: 2 });
  // an order that is known is never a second one
  expect((await ask(orderFrom(`${LONG}&seed=0`), signal)).is).toBe('running');
});

test('a run that takes too long is ended, and says so once', async () => {
  const order = orderFrom(LONG);
  const { ask } = open({ limitMs: 300, patienceMs: 20_000 });
  expect(await ask(order, signal)).toEqual({
    is: 'failed',
    why: 'it took more than 0.3 s, and was ended: ask for fewer epochs',
  });
});

test('whoever gives up is not waited for, and the run goes on for who comes back', async () => {
  const order = orderFrom(SHORT);
  const { ask } = open({ patienceMs: 60_000 });
  const gone = new AbortController();
  const first = ask(order, gone.signal);
  gone.abort();
  expect((await first).is).toBe('running');
  doneOf(await ask(order, signal));
});

test('closing ends a run in its middle', async () => {
  const own = open({ patienceMs: 0 });
  expect((await own.ask(orderFrom(LONG), signal)).is).toBe('running');
  await own.close();
  expect(await own.ask(orderFrom(SHORT), signal)).toEqual({ is: 'refused' });
});
