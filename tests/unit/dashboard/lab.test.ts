import { describe, expect, test } from 'vitest';
import { commandOf, formOf, LAB_LIMITS, orderOf } from '../../../src/dashboard/lab/order.js';
import {
  createLabPage,
  type LabResult,
  type LabSource,
  type LabState,
} from '../../../src/dashboard/lab/page.js';
import { ask, pageRequest } from '../../support/dashboard.js';

const orderFrom = (query: string) => orderOf(formOf(new URLSearchParams(query)));

describe('an order', () => {
  test('is a scenario that ships with what the form changes of it', () => {
    const order = orderFrom(
      'scenario=cabal-51&owner.burnShare=0.25&set1=subnet.tempo=99&epochs=50&seed=7&run=1',
    );
    expect(order.scenario).toMatchObject({
      name: 'cabal-51',
      epochs: 50,
      seed: '7',
      owner: { burnShare: 0.25 },
      subnet: { tempo: 99 },
    });
    expect(order.epochs).toBe(50);
    expect(commandOf(order)).toBe(
      'assay emissions report cabal-51 --set owner.burnShare=0.25 --set subnet.tempo=99 --set epochs=50 --set seed=7 --no-deviations',
    );
  });

  test('of a sweep is two commands outside the lab', () => {
    expect(commandOf(orderFrom('scenario=cabal-51&seed=a b&vary=owner.burnShare=0,0.5&deviations=1'))).toBe(
      "assay emissions sweep cabal-51 --set 'seed=a b' --vary owner.burnShare=0,0.5 --out cabal-51-sweep.jsonl && " +
        "assay emissions report cabal-51 --set 'seed=a b' --sweep cabal-51-sweep.jsonl",
    );
  });

  test('has the same id for the same thing, however it was typed', () => {
    expect(orderFrom('scenario=cabal-51&owner.burnShare=0.5').id).toBe(
      orderFrom('scenario=cabal-51&set2=owner.burnShare=0.50&run=1').id,
    );
    expect(orderFrom('scenario=cabal-51').id).not.toBe(orderFrom('scenario=cabal-51&deviations=1').id);
  });

  test('of a sweep counts all its runs, and twin runs with them', () => {
    // one run, three points, and as many twins as coalitions deviate
    const order = orderFrom('scenario=cabal-51&epochs=10&vary=owner.burnShare=0:1:0.5&deviations=1');
    expect(order.axes).toEqual([{ path: 'owner.burnShare', values: [0, 0.5, 1] }]);
    expect(order.epochs).toBe(50);
  });

  test.each([
    ['scenario=nothing', 'scenario: expected one of burn-share'],
    ['set1=owner.burnShare', 'expected PATH=VALUE'],
    ['set1=owner.nothing=1', 'the scenario has no such value'],
    ['owner.burnShare=2', 'owner.burnShare'],
    ['epochs=20001', 'epochs: expected at most 20000 in the lab'],
    ['vary=owner.burnShare=0:1:0.01', 'points of the sweep: expected at most 16'],
    ['vary=owner.burnShare=0:9:3', 'owner.burnShare'],
    ['set1=miners.farms.count=4000', 'the scenario has no such value'],
    ['epochs=20000', 'blocks and weights of all runs: expected at most 4000000'],
    [`set1=${'x'.repeat(LAB_LIMITS.fieldChars + 1)}`, 'set1: expected at most 200 characters'],
    ['nothing=1', 'nothing: expected one of scenario'],
  ])('%s is refused', (query, why) => {
    expect(() => orderFrom(query)).toThrow(why);
  });
});

describe('the page', () => {
  const result: LabResult = {
    report: { document: '<!doctype html><p>report</p>', scripts: ['1'] },
    metrics: { 'price.final': 0.0321, 'emission.miners': 2952 },
    sweep: [],
    tookMs: 1200,
  };
  const pageOf = (state: LabState, asked: string[] = []) => {
    const source: LabSource = {
      ask: async ({ id }) => {
        asked.push(id);
        return state;
      },
      kept: () => (state.is === 'done' ? state.result : undefined),
    };
    return createLabPage(source);
  };

  test('shows a scenario and runs nothing until somebody says so', async () => {
    const asked: string[] = [];
    const { body } = await ask(
      pageOf({ is: 'done', result }, asked),
      pageRequest({ query: 'scenario=cabal-51' }),
    );
    expect(asked).toEqual([]);
    expect(body.text).toContain('<option value="cabal-51" selected>');
    expect(body.text).toContain('at the lowest priority');
  });

  test('shows the numbers of a run, its report in a frame, and what to type for it', async () => {
    const query = 'scenario=cabal-51&owner.burnShare=0.5&run=1';
    const { body } = await ask(pageOf({ is: 'done', result }), pageRequest({ query }));
    expect(body.text).toContain('0.0321');
    expect(body.text).toContain('<iframe src="../lab/report/?scenario=cabal-51');
    expect(body.text).toContain('assay emissions report cabal-51 --set owner.burnShare=0.5');
  });

  test('gives the report of a run that is kept, and runs nothing for it', async () => {
    const asked: string[] = [];
    const request = pageRequest({ rest: ['report'], query: 'scenario=cabal-51&run=1' });
    expect(await pageOf({ is: 'done', result }, asked).render(request)).toEqual(result.report);
    expect(await pageOf({ is: 'refused' }, asked).render(request)).toMatchObject({ status: 404 });
    expect(asked).toEqual([]);
  });

  test.each<[LabState, string, number]>([
    [{ is: 'running', done: 50, sinceMs: 3000 }, 'Running: 50 of 200 epochs, 25 %, since 3 s', 200],
    [{ is: 'waiting', before: 1 }, 'Waiting: 1 order is before this one', 200],
    [{ is: 'refused' }, 'Too many orders wait already', 503],
    [{ is: 'failed', why: '<b>no</b>' }, '&lt;b&gt;no&lt;/b&gt;', 200],
  ])('says how an order stands: %o', async (state, text, status) => {
    const answer = await ask(pageOf(state), pageRequest({ query: 'scenario=cabal-51&run=1' }));
    expect(answer.body.text).toContain(text);
    expect(answer.status).toBe(status);
  });

  test('keeps the form where a value cannot be, and says which', async () => {
    const answer = await ask(
      pageOf({ is: 'refused' }),
      pageRequest({ query: 'scenario=cabal-51&owner.burnShare=<script>&run=1' }),
    );
    expect(answer.status).toBe(400);
    expect(answer.body.text).toContain('value="&lt;script&gt;"');
    expect(answer.body.text).toContain('This cannot be run');
    expect(answer.body.text).not.toContain('<script>');
  });
});
