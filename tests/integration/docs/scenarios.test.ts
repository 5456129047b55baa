// docs/guide/scenarios.md against the scenarios: every one has its finding, every command can be run, and what is said
// of who wins holds in shorter runs too.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { deviationsOf } from '../../../src/emissions/simulator/deviations.js';
import { metricNamed, metricsOf } from '../../../src/emissions/simulator/metrics.js';
import { parameterAt, withParameters } from '../../../src/emissions/simulator/scenario.js';
import { scenarioNamed, scenarios } from '../../../src/emissions/simulator/scenarios/index.js';
import { simulate } from '../../../src/emissions/simulator/simulate.js';
import { parseAxes, pointsOf, scenarioAt } from '../../../src/emissions/simulator/sweep.js';
import { judgeTarget, parseTarget } from '../../../src/emissions/simulator/target.js';

const page = readFileSync('docs/guide/scenarios.md', 'utf8');
const commands = [...page.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block]) =>
  block!.replaceAll('\\\n', ' ').trim().split('\n'),
);

const valuesOf = (command: string, flag: string): string[] =>
  [...command.matchAll(new RegExp(`--${flag} (?:'([^']+)'|(\\S+))`, 'g'))].map(
    ([, quoted, plain]) => quoted ?? plain!,
  );

it('tells of every scenario, in their order', () => {
  const told = [...page.matchAll(/^## (.+)$/gm)].flatMap(([, title]) => title!.split(' and '));
  expect(told).toEqual(scenarios.map(({ name }) => name));
});

it.each(commands)('can run %s', (command) => {
  const [, , verb, name] = command.split(' ');
  expect(['simulate', 'sweep', 'search']).toContain(verb);
  const set = valuesOf(command, 'set').map((text) => text.split('=') as [string, string]);
  const values = set.map(([path, value]) => [path, JSON.parse(value) as unknown] as const);
  const scenario = withParameters(scenarioNamed(name!)!, [['epochs', 2], ...values]);
  const metrics = metricsOf(simulate(scenario));
  for (const metric of valuesOf(command, 'metric')) expect(metricNamed(metrics, metric)).toBeTypeOf('number');
  for (const target of valuesOf(command, 'target')) judgeTarget(parseTarget(target), metrics);
  if (verb === 'search') expect(parameterAt(scenario, valuesOf(command, 'vary')[0]!)).toBeTypeOf('number');
  if (verb === 'sweep') {
    const axes = parseAxes(valuesOf(command, 'vary'));
    for (const at of pointsOf(axes)) scenarioAt(scenario, axes, at);
  }
});

describe('what is said holds', () => {
  const metrics = (name: string, epochs: number, set: readonly (readonly [string, unknown])[] = []) =>
    metricsOf(simulate(withParameters(scenarioNamed(name)!, [['epochs', epochs], ...set])));

  it('a cabal wins with 51 % of the stake and loses with 40 %, unless kappa is 60 %', () => {
    expect(metrics('cabal-51', 30)['friends.incentiveShare']).toBe(1);
    expect(metrics('cabal-40', 30)['cabal.dividendPerStake']).toBeLessThan(0.25);
    expect(metrics('cabal-40', 30, [['subnet.kappa', 39_321]])['friends.incentiveShare']).toBe(1);
  });

  it('a copier is trusted more than those it copies, and less where weights are hidden', () => {
    const open = metrics('weight-copier', 40);
    const hidden = metrics('weight-copier-commit-reveal', 40);
    expect(open['copier.validatorTrust']).toBeGreaterThan(open['validators.validatorTrust']!);
    expect(hidden['copier.validatorTrust']).toBeLessThan(0.7);
  });

  it('finding first pays under Yuma3 more than under classic bonds, and costs at the default penalty', () => {
    const perStake = (name: string, set: readonly (readonly [string, unknown])[] = []): number =>
      metrics(name, 200, set)['scout.dividendPerStake']!;
    expect(perStake('first-finder-classic')).toBeCloseTo(1.033, 3);
    expect(perStake('first-finder-yuma3')).toBeCloseTo(1.074, 3);
    expect(perStake('first-finder-yuma3', [['subnet.bondsPenalty', 65_535]])).toBeCloseTo(0.987, 3);
    const defaults = { low: 45_875, high: 58_982, steepness: 1000 };
    expect(perStake('first-finder-yuma3', [['subnet.liquidAlpha', defaults]])).toBeCloseTo(0.984, 3);
  });

  it('gains by deviation are those of the page', () => {
    const gain = (name: string): number => deviationsOf(simulate(scenarioNamed(name)!))[0]!.gain! * 100;
    expect(gain('cabal-51')).toBeCloseTo(321, 0);
    expect(gain('cabal-40')).toBeCloseTo(-87, 0);
    expect(gain('weight-copier')).toBeCloseTo(2.9, 1);
    expect(gain('weight-copier-commit-reveal')).toBeCloseTo(-38.5, 1);
    expect(gain('own-miner')).toBeCloseTo(-13.6, 1);
  });

  it('a burn costs the subnet its TAO, and pay by rent leaves the idle with nothing', () => {
    const share = (burn: number): number =>
      metrics('burn-share', 20, [['owner.burnShare', burn]])['tao.share']!;
    expect(share(0.5) / share(0)).toBeCloseTo(0.525, 2); // the first epoch of twenty is paid before anything is burned
    expect(metrics('pay-if-rented', 30)['spare.incentiveShare']).toBe(0);
    expect(metrics('pay-for-capacity', 30)['spare.incentiveShare']).toBeGreaterThan(0.6);
  });

  it('copies of a machine count once when all are challenged at once', () => {
    expect(metrics('sybil-undetected', 20)['sybil.incentiveShare']).toBeCloseTo(0.5, 2);
    expect(metrics('sybil-detected', 20)['sybil.incentiveShare']).toBeCloseTo(1 / 9, 2);
  });
});
