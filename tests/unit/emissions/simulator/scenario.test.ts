import { describe, expect, it } from 'vitest';
import {
  parameterAt,
  parseScenario,
  type ScenarioFile,
  scenarioJsonSchema,
  withParameter,
} from '../../../../src/emissions/simulator/scenario.js';
import { scenarioNamed, scenarios } from '../../../../src/emissions/simulator/scenarios/index.js';

const small: ScenarioFile = {
  name: 'small',
  title: 'Small',
  epochs: 3,
  validators: [{ name: 'validators', count: 2, stakeAlpha: 1000 }],
  miners: [{ name: 'miners', count: 3 }],
};

const problemsOf = (file: unknown): readonly string[] => {
  try {
    parseScenario(file);
  } catch (error) {
    return (error as { data: { problems: readonly string[] } }).data.problems;
  }
  return [];
};

describe('a scenario file', () => {
  it('is filled with defaults and parses again to itself', () => {
    const scenario = parseScenario(small);
    expect(scenario.subnet).toMatchObject({ tempo: 360, kappa: 32_767, yuma3: true, maxUids: 256 });
    expect(parseScenario(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario);
  });

  it.each<[string, unknown, string]>([
    ['NaN for an amount', { ...small, subnet: { alphaOut: Number.NaN } }, 'subnet.alphaOut: '],
    [
      'an amount finer than a rao',
      { ...small, subnet: { alphaOut: 1e-10 } },
      'subnet.alphaOut: expected at most nine decimals',
    ],
    ['tempo 0', { ...small, subnet: { tempo: 0 } }, 'subnet.tempo: '],
    ['kappa above u16', { ...small, subnet: { kappa: 65_536 } }, 'subnet.kappa: '],
    ['a misspelt key', { ...small, subnet: { kapa: 1 } }, 'subnet: Unrecognized key: "kapa"'],
    ['no validators', { ...small, validators: [] }, 'validators: '],
    [
      'an unknown behaviour',
      { ...small, miners: [{ name: 'm', behaviour: { kind: 'clever' } }] },
      'miners[0].behaviour',
    ],
    [
      'more stake than alpha',
      { ...small, subnet: { alphaOut: 1999 } },
      'subnet.alphaOut: 1999 alpha is less than what validators stake, 2000',
    ],
    [
      'alpha above the supply',
      { ...small, subnet: { alphaOut: 20_000_001 } },
      "subnet.alphaOut: 21000001 alpha with the pool's, above the supply of 21000000",
    ],
    [
      'two groups of one name',
      { ...small, miners: [{ name: 'validators' }] },
      'validators: two groups of this name',
    ],
    [
      'a group called owner',
      { ...small, miners: [{ name: 'owner' }] },
      'owner: a name of metrics, not for a group',
    ],
    [
      'favours of nobody',
      { ...small, validators: [{ name: 'v', stakeAlpha: 1, behaviour: { kind: 'cabal', favours: 'x' } }] },
      'validators[0].behaviour.favours: no group of miners is named x',
    ],
    [
      'more neurons than uids',
      { ...small, subnet: { maxUids: 5 } },
      'subnet.maxUids: 6 neurons at the start',
    ],
    [
      'a split that does not sum up',
      {
        ...small,
        subnet: {
          mechanisms: [
            { name: 'a', split: 1 },
            { name: 'b', split: 2 },
          ],
        },
      },
      'subnet.mechanisms: splits must be given for all and sum to 65535, not 3',
    ],
    [
      'capacities for other mechanisms',
      { ...small, miners: [{ name: 'm', capacity: [1, 2] }] },
      'miners[0].capacity: 2 values for 1 mechanisms',
    ],
    [
      'a change of who exists',
      { ...small, changes: [{ epoch: 1, set: { 'miners.miners.count': 9 } }] },
      'changes[0].set: miners.miners.count cannot change while the subnet runs',
    ],
    [
      'a change that does not fit',
      { ...small, changes: [{ epoch: 1, set: { 'owner.burnShare': 7 } }] },
      'changes[0].set: owner.burnShare = 7: owner.burnShare: ',
    ],
    [
      'a change of nothing',
      { ...small, changes: [{ epoch: 1, set: { 'owner.bogus': 1 } }] },
      'changes[0].set: owner.bogus: the scenario has no such value',
    ],
    [
      'pools above the whole',
      {
        ...small,
        owner: {
          pools: [
            { class: 'a', share: 0.7 },
            { class: 'b', share: 0.7 },
          ],
        },
      },
      'owner.pools: shares sum to 1.4, above 1',
    ],
  ])('refuses %s, naming the place', (_, file, problem) => {
    expect(problemsOf(file).join('\n')).toContain(problem);
  });

  it('has a JSON schema that describes its fields and requires what has no default', () => {
    const schema = scenarioJsonSchema() as { required: string[]; properties: Record<string, unknown> };
    expect(schema.required).toEqual(['name', 'title', 'epochs', 'validators']);
    expect(JSON.stringify(schema.properties['owner'])).toContain(
      "what honest validators give to the owner's uid",
    );
  });
});

describe('a value by its path', () => {
  const scenario = parseScenario(small);

  it('finds groups by name', () => {
    expect(withParameter(scenario, 'miners.miners.count', 5).miners[0]?.count).toBe(5);
    expect(parameterAt(withParameter(scenario, 'owner.burnShare', 0.25), 'owner.burnShare')).toBe(0.25);
    expect(scenario.owner.burnShare).toBe(0);
  });

  it('refuses a path that leads nowhere, and a value that does not fit', () => {
    expect(() => withParameter(scenario, 'owner.burnShar', 1)).toThrow(
      'owner.burnShar: the scenario has no such value',
    );
    expect(() => withParameter(scenario, 'miners.nobody.count', 1)).toThrow('no such value');
    expect(() => withParameter(scenario, 'owner.__proto__', 1)).toThrow('no such value');
    expect(() => withParameter(scenario, 'owner.burnShare', 2)).toThrow('owner.burnShare');
  });
});

describe('the scenarios that ship', () => {
  it('are at least ten, with names of their own', () => {
    const names = scenarios.map(({ name }) => name);
    expect(names.length).toBeGreaterThanOrEqual(10);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(scenarios.map(({ name }) => name))('%s is a valid file that says what it shows', (name) => {
    expect(scenarioNamed(name)?.description.length).toBeGreaterThan(50);
  });
});
