import { describe, expect, it } from 'vitest';
import { toRao } from '../../../../src/emissions/simulator/amounts.js';
import { deviationsOf, withHonest } from '../../../../src/emissions/simulator/deviations.js';
import type { GroupResult } from '../../../../src/emissions/simulator/groups.js';
import { metricNamed, metricsOf } from '../../../../src/emissions/simulator/metrics.js';
import { parseScenario, type ScenarioFile } from '../../../../src/emissions/simulator/scenario.js';
import { type SimulationResult, simulate } from '../../../../src/emissions/simulator/simulate.js';
import { unpaidRao } from '../../../../src/emissions/simulator/subnet.js';

// capacities and stakes are powers of two, so that sums of doubles do not depend on their order
const file = (changes: Partial<ScenarioFile> = {}): ScenarioFile => ({
  name: 'test',
  title: 'Test',
  epochs: 12,
  validators: [{ name: 'validators', count: 3, stakeAlpha: 65_536, noise: 0 }],
  miners: [{ name: 'miners', count: 4, capacity: 8 }],
  ...changes,
});

const run = (changes: Partial<ScenarioFile> = {}, options = {}): SimulationResult =>
  simulate(parseScenario(file(changes)), options);

const group = (result: SimulationResult, name: string): GroupResult =>
  result.groups.find((each) => each.name === name)!;

const everything: Partial<ScenarioFile> = {
  epochs: 40,
  network: { rootTao: 1_000_000 },
  subnet: {
    alphaOut: 800_000,
    maxUids: 24,
    tempo: 90,
    immunityPeriod: 900,
    pool: { tao: 3_000, alpha: 200_000, taoWeight: 0.47 },
    commitReveal: { periodEpochs: 1 },
    liquidAlpha: {},
    mechanisms: [
      { name: 'compute', split: 40_000 },
      { name: 'rollouts', split: 25_535 },
    ],
  },
  owner: {
    burnShare: 0.125,
    sells: 0.5,
    pools: [
      { class: 'h100', share: 0.75 },
      { class: 'any', share: 0.25 },
    ],
  },
  validators: [
    { name: 'honest', count: 3, stakeAlpha: 100_000, rootTao: 10_000, sells: 0.3 },
    { name: 'lazy', stakeAlpha: 50_000, behaviour: { kind: 'lazy', refreshEpochs: 5 } },
    { name: 'copier', stakeAlpha: 50_000, behaviour: { kind: 'copier' } },
    { name: 'cabal', stakeAlpha: 80_000, behaviour: { kind: 'cabal', favours: 'sybil' } },
    {
      name: 'booster',
      stakeAlpha: 20_000,
      behaviour: { kind: 'booster', favours: 'burst', boost: 0.2, lagEpochs: 2 },
    },
    { name: 'latecomer', stakeAlpha: 5_000, arrivesAtEpoch: 10 },
  ],
  miners: [
    { name: 'steady', count: 3, class: 'h100', capacity: [8, 2] },
    {
      name: 'burst',
      count: 2,
      capacity: [8, 1],
      behaviour: { kind: 'burst', onEpochs: 2, periodEpochs: 3 },
      sells: 0.5,
    },
    { name: 'sybil', count: 1, capacity: [8, 8], behaviour: { kind: 'sybil', copies: 3 } },
    {
      name: 'leaver',
      count: 2,
      capacity: [4, 4],
      costTaoPerHour: 0.05,
      behaviour: { kind: 'exit', patienceEpochs: 3 },
    },
    { name: 'crowd', count: 20, capacity: [1, 1], arrivesAtEpoch: 3, arrivalsPerEpoch: 2, maxBurnTao: 1 },
  ],
  market: {
    buyTaoPerDay: 40,
    sellAlphaPerDay: 500,
    noise: 0.4,
    pricePath: [
      { day: 0.2, price: 0.016 },
      { day: 0.4, price: 0.012 },
    ],
    depthTaoPerDay: 500,
    rental: { hoursPerDay: 100, taoPerHour: 0.001, buysAlpha: 0.5 },
  },
  changes: [{ epoch: 20, set: { 'owner.burnShare': 0.5, 'subnet.kappa': 40_000, 'network.otherPrices': 2 } }],
};

describe('a run', () => {
  it('is the same to the last bit whenever the scenario is the same', () => {
    expect(run(everything)).toEqual(run(everything));
  });

  it('is another with another seed, where there is noise', () => {
    const noisy = { validators: [{ name: 'validators', count: 3, stakeAlpha: 65_536, noise: 0.1 }] };
    expect(run({ ...noisy, seed: 'a' }).series).not.toEqual(run({ ...noisy, seed: 'b' }).series);
    expect(run({ seed: 'a' }).series).toEqual(run({ seed: 'b' }).series);
  });

  it('tells of each epoch as it ends', () => {
    const told: number[] = [];
    run({ epochs: 4 }, { onEpoch: (epoch: number) => told.push(epoch) });
    expect(told).toEqual([1, 2, 3, 4]);
  });

  it('keeps no more points than asked for, whatever the number of epochs', () => {
    const { series } = run({ epochs: 40 }, { points: 8 });
    expect(series.points.length).toBeLessThanOrEqual(8);
    expect(series.epochs.at(-1)).toBe(40);
  });

  it('has finite numbers in every point, whatever happens', () => {
    for (const point of run(everything).series.points) expect(point.every(Number.isFinite)).toBe(true);
    expect(Object.values(metricsOf(run(everything))).every(Number.isFinite)).toBe(true);
  });
});

describe('what the chain mints', () => {
  it.each([
    ['a plain subnet', {}],
    ['everything at once', everything],
    ['recycling', { ...everything, subnet: { ...everything.subnet, recycleOrBurn: 'recycle' } }],
  ] as const)('reaches the pool, somebody or nobody, to the rao: %s', (_, changes) => {
    const scenario = parseScenario(file(changes as Partial<ScenarioFile>));
    const { totals, final } = simulate(scenario);
    const { pool, alphaOut } = scenario.subnet;
    // TAO: what came in by emission, chain buys and trade is there or went to sellers
    expect(final.poolTaoRao - toRao(pool.tao)).toBe(
      totals.taoInRao + totals.excessTaoRao + totals.tradedInTaoRao - totals.tradedOutTaoRao,
    );
    // alpha: inside and outside the pool is what there was, what was minted, less what was recycled
    expect(final.poolAlphaRao + final.alphaOutRao).toBe(
      toRao(pool.alpha) +
        toRao(alphaOut) +
        totals.mintedAlphaRao -
        totals.recycledRao -
        totals.registeredAlphaRao,
    );
    // never more TAO than the block's own
    expect(totals.taoInRao + totals.excessTaoRao).toBeLessThanOrEqual(totals.mintedTaoRao);
  });

  it.each([
    ['a plain subnet', {}],
    ['everything at once', everything],
  ] as const)(
    'outside the pool is somebody\u2019s, burned or nobody\u2019s, to the rao: %s',
    (_, changes) => {
      const { totals, final } = run(changes as Partial<ScenarioFile>);
      const { stakedAlphaRao, tradersAlphaRao, protocolAlphaRao, rootAlphaRao } = final;
      const held = stakedAlphaRao + tradersAlphaRao + protocolAlphaRao + rootAlphaRao;
      expect(final.alphaOutRao).toBe(held + totals.burnedRao + totals.burnedFeeRao + unpaidRao(totals));
    },
  );

  it('pays no more than it set aside, and leaves less than a rao for each neuron and block', () => {
    const { totals } = run({ epochs: 20, network: { otherPrices: 0 } });
    // with moving prices that sum to less than 1 root's part is recycled
    expect(totals.recycledRao).toBeGreaterThan(0n);
    const minted = totals.mintedAlphaRao - totals.alphaInRao;
    const left = unpaidRao(totals);
    // half of what root would have had stays unassigned
    expect(left).toBeGreaterThanOrEqual(0n);
    expect(Number(left) / Number(minted)).toBeLessThan(0.1);
  });
});

describe('agents', () => {
  const two = (first: object, second: object): SimulationResult =>
    run({
      epochs: 30,
      validators: [
        { name: 'rest', count: 2, stakeAlpha: 65_536 },
        { name: 'ada', stakeAlpha: 65_536, ...first },
        { name: 'bob', stakeAlpha: 65_536, ...second },
      ] as ScenarioFile['validators'],
      miners: [
        { name: 'steady', count: 4, capacity: 8 },
        { name: 'burst', count: 4, capacity: 16, behaviour: { kind: 'burst', onEpochs: 1, periodEpochs: 4 } },
      ],
    });

  it.each([
    ['a copier', { behaviour: { kind: 'copier' } }],
    ['a lazy one', { behaviour: { kind: 'lazy', refreshEpochs: 4 } }],
    ['one that is late', { behaviour: { kind: 'honest', lagEpochs: 3 } }],
    ['a cabal', { behaviour: { kind: 'cabal', favours: 'burst' } }],
  ])('swap what they get when they swap what they are: %s', (_, deviating) => {
    const there = two({ noise: 0 }, { noise: 0, ...deviating });
    const back = two({ noise: 0, ...deviating }, { noise: 0 });
    const { name: _ada, ...ada } = group(there, 'ada');
    const { name: _bob, ...bob } = group(there, 'bob');
    expect(ada.earnedAlphaRao).not.toBe(bob.earnedAlphaRao);
    expect({ ...group(back, 'ada'), name: 'bob' }).toEqual({ ...bob, name: 'bob', coalition: 'ada' });
    expect({ ...group(back, 'bob'), name: 'ada' }).toEqual({ ...ada, name: 'ada', coalition: 'bob' });
  });

  it('get the same whatever place they have in the file', () => {
    const groups = file(everything);
    const turned = { ...everything, validators: [...groups.validators].reverse() };
    const late = (changes: Partial<ScenarioFile>): Partial<ScenarioFile> => ({
      ...changes,
      miners: groups.miners!.filter(({ name }) => name !== 'crowd'),
      validators: changes.validators!.filter(({ name }) => name !== 'latecomer'),
    });
    const there = run(late(everything));
    const back = run(late(turned));
    for (const { name } of there.groups) expect(group(back, name)).toEqual(group(there, name));
  });

  it('who copy know no more than the chain shows: hidden weights leave them behind', () => {
    const copier = {
      validators: [
        { name: 'validators', count: 3, stakeAlpha: 65_536, noise: 0 },
        { name: 'copier', stakeAlpha: 65_536, behaviour: { kind: 'copier' } },
      ] satisfies ScenarioFile['validators'],
    };
    const miners: ScenarioFile['miners'] = [
      { name: 'early', count: 4, capacity: 8, behaviour: { kind: 'burst', onEpochs: 2, periodEpochs: 5 } },
      { name: 'steady', count: 4, capacity: 8 },
    ];
    const open = run({ ...copier, miners, epochs: 40 });
    const hidden = run({ ...copier, miners, epochs: 40, subnet: { commitReveal: { periodEpochs: 2 } } });
    expect(group(open, 'copier').validatorTrust).toBeGreaterThan(0.95);
    expect(group(hidden, 'copier').validatorTrust).toBeLessThan(0.9);
  });

  const servingOf = (changes: Partial<ScenarioFile>): number[] => {
    const { series } = run(changes);
    const column = series.columns.findIndex(({ name }) => name === 'exit.serving');
    return series.points.map((point) => point[column]!);
  };
  const leavers = (count: number, costTaoPerHour: number): ScenarioFile['miners'] => [
    { name: 'exit', count, capacity: 8, costTaoPerHour, behaviour: { kind: 'exit', patienceEpochs: 5 } },
  ];

  it('leave one after another while the price is low, and come back when it is not', () => {
    const serving = servingOf({
      epochs: 400,
      miners: leavers(10, 0.02),
      market: {
        pricePath: [
          { day: 1, price: 0.02 },
          { day: 3, price: 0.006 },
          { day: 6, price: 0.006 },
          { day: 8, price: 0.02 },
        ],
      },
    });
    expect(serving.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 10));
    expect(Math.min(...serving)).toBeLessThan(7);
    expect(new Set(serving).size).toBeGreaterThan(3);
    expect(serving.at(-1)).toBe(10);
  });

  it('share what is too little for all: some leave, never all', () => {
    const serving = servingOf({ epochs: 300, miners: leavers(30, 0.012) });
    expect(Math.min(...serving)).toBeGreaterThan(10);
    expect(serving.at(-1)).toBeLessThan(30);
  });

  it('serve in none of its epochs when a burst has none', () => {
    const result = run({
      miners: [
        { name: 'miners', count: 1, capacity: 8 },
        { name: 'never', count: 1, capacity: 8, behaviour: { kind: 'burst', onEpochs: 0, periodEpochs: 2 } },
      ],
    });
    expect(group(result, 'never')).toMatchObject({ servingShare: 0, earnedAlphaRao: 0n });
  });

  it('are weighed by what the chain weighs: equal stake earns equally, whatever part of it is on root', () => {
    const result = run({
      epochs: 30,
      network: { rootTao: 1_000_000, taoWeight: 0.25 },
      validators: [
        { name: 'staked', stakeAlpha: 65_536, noise: 0 },
        { name: 'rooted', stakeAlpha: 32_768, rootTao: 131_072, noise: 0 },
      ],
    });
    const per = (name: string): number => metricNamed(metricsOf(result), `${name}.dividendPerStake`);
    expect(per('staked')).toBeCloseTo(per('rooted'), 2);
    expect(group(result, 'rooted').stakeShare).toBeCloseTo(0.5, 1);
  });

  it('miners swap what they get when they swap what they are', () => {
    const pair = (ada: object, bob: object): SimulationResult =>
      run({
        epochs: 20,
        miners: [
          { name: 'ada', count: 2, capacity: 8, ...ada },
          { name: 'bob', count: 2, capacity: 8, ...bob },
        ] as ScenarioFile['miners'],
      });
    for (const deviating of [
      { quality: 0.5 },
      { behaviour: { kind: 'burst', onEpochs: 1, periodEpochs: 3 } },
      { behaviour: { kind: 'sybil', copies: 2, detected: false } },
    ]) {
      const there = pair({}, deviating);
      const back = pair(deviating, {});
      expect(group(there, 'ada').earnedAlphaRao).not.toBe(group(there, 'bob').earnedAlphaRao);
      expect({ ...group(back, 'bob'), name: 'ada', coalition: 'ada' }).toEqual(group(there, 'ada'));
      expect({ ...group(back, 'ada'), name: 'bob', coalition: 'bob' }).toEqual(group(there, 'bob'));
    }
  });

  it('a lazy validator sets weights at once, then at its own times', () => {
    const result = run({
      epochs: 10,
      validators: [
        { name: 'lazy', count: 3, stakeAlpha: 65_536, behaviour: { kind: 'lazy', refreshEpochs: 100 } },
      ],
    });
    expect(group(result, 'lazy').validatorTrust).toBeGreaterThan(0.99);
  });

  it('only as many validate as the subnet admits, from the first epoch on', () => {
    const result = run({
      epochs: 3,
      subnet: { maxValidators: 1 },
      validators: [
        { name: 'large', stakeAlpha: 65_536 },
        { name: 'small', stakeAlpha: 32_768 },
      ],
    });
    expect(group(result, 'small').earnedAlphaRao).toBe(0n);
  });

  it('a late validator pays on the pool for its stake, little by little', () => {
    const result = run({
      epochs: 20,
      validators: [
        { name: 'first', stakeAlpha: 65_536 },
        { name: 'late', stakeAlpha: 131_072, arrivesAtEpoch: 2 },
      ],
    });
    const late = group(result, 'late');
    expect(late.boughtAlphaRao).toBeGreaterThan(100_000_000_000_000n);
    expect(Number(late.stakeTaoRao) / Number(late.boughtAlphaRao)).toBeGreaterThan(0.02);
  });

  it('stops registering copies when the price is above what it would pay', () => {
    const result = run({
      epochs: 3,
      subnet: { burn: { start: 0.1 } },
      miners: [
        {
          name: 'sybil',
          count: 1,
          arrivesAtEpoch: 1,
          maxBurnTao: 0.1,
          behaviour: { kind: 'sybil', copies: 40 },
        },
      ],
    });
    expect(Number(group(result, 'sybil').registrationTaoRao) / 1e9).toBeLessThan(0.5);
  });

  it('a group does not pay to replace itself', () => {
    const result = run({
      epochs: 30,
      subnet: { maxUids: 16, immunityPeriod: 0, burn: { start: 1, min: 1 } },
      miners: [{ name: 'crowd', count: 40, arrivesAtEpoch: 1, arrivalsPerEpoch: 4 }],
    });
    expect(group(result, 'crowd').uids).toBe(12);
    expect(group(result, 'crowd').registrationTaoRao).toBeLessThan(60_000_000_000n);
  });
});

describe('policy', () => {
  it('gives the owner what it asks to burn, and the chain burns it', () => {
    const { final, totals } = run({ owner: { burnShare: 0.25 } });
    expect(final.minerBurned).toBeCloseTo(0.25, 4);
    expect(totals.burnedRao).toBeGreaterThan(0n);
  });

  it('costs the subnet its TAO in the same measure', () => {
    const share = (burnShare: number): number =>
      run({ owner: { burnShare }, epochs: 3 }).series.points.at(-1)![11]!;
    expect(share(0.5) / share(0)).toBeCloseTo(0.5, 2);
    expect(share(1)).toBe(0);
  });

  it('pays a class no more than its pool, and burns the pool of a class that nobody has', () => {
    const result = run({
      owner: {
        pools: [
          { class: 'h100', share: 0.5 },
          { class: 'b200', share: 0.5 },
        ],
      },
      miners: [{ name: 'miners', count: 4, class: 'h100' }],
    });
    expect(result.final.minerBurned).toBeCloseTo(0.5, 4);
  });

  it('refuses a pay rule that gives what is no score', () => {
    for (const pay of [Number.NaN, -1, Number.POSITIVE_INFINITY])
      expect(() => run({}, { payRule: () => pay })).toThrow('payRule: expected 0 to');
  });

  it('may be a function of proven and rented hours', () => {
    const rental = { rental: { hoursPerDay: 8 * 24, taoPerHour: 0.001 } };
    const miners: ScenarioFile['miners'] = [
      { name: 'best', count: 1, capacity: 8 },
      { name: 'idle', count: 1, capacity: 8, quality: 0.5 },
    ];
    const byRule = run({ miners, market: rental }, { payRule: ({ rented }: { rented: number }) => rented });
    expect(group(byRule, 'idle').earnedAlphaRao).toBe(0n);
    expect(byRule.groups).toEqual(run({ miners, market: rental, owner: { payRule: 'rented' } }).groups);
  });

  it('changes when the scenario says so', () => {
    const { series } = run({ epochs: 10, changes: [{ epoch: 6, set: { 'owner.burnShare': 1 } }] });
    const burned = series.points.map((point) => point[14]);
    expect(burned.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(burned.slice(5)).toEqual([1, 1, 1, 1, 1]);
  });
});

it('rent reaches miners and pool, and nothing of it twice', () => {
  const rented = (buysAlpha: number): SimulationResult =>
    run({ market: { rental: { hoursPerDay: 8 * 4 * 24, taoPerHour: 0.05, buysAlpha } } });
  const paid = 8 * 4 * 24 * 0.05 * rented(0).days;
  for (const buysAlpha of [0, 0.5, 1]) {
    const result = rented(buysAlpha);
    expect(group(result, 'miners').rentTao).toBeCloseTo(paid * (1 - buysAlpha), 6);
    const traded = Number(result.totals.tradedInTaoRao) / 1e9;
    expect(traded).toBeCloseTo(paid * buysAlpha * (1 - 33 / 65_535), 3);
  }
});

describe('deviations', () => {
  const cabal: Partial<ScenarioFile> = {
    validators: [
      { name: 'honest', count: 2, stakeAlpha: 65_536 },
      {
        name: 'cabal',
        stakeAlpha: 262_144,
        coalition: 'ring',
        behaviour: { kind: 'cabal', favours: 'friends' },
      },
    ],
    miners: [
      { name: 'miners', count: 4, capacity: 8 },
      { name: 'friends', count: 1, coalition: 'ring', capacity: 1 },
    ],
  };

  it('compares a coalition with itself, honest', () => {
    const result = run(cabal);
    const [deviation] = deviationsOf(result);
    expect(deviation).toMatchObject({ coalition: 'ring', behaviours: 'cabal: cabal, friends: honest' });
    const honest = simulate(withHonest(result.scenario, 'ring'));
    const earned = (each: SimulationResult): bigint =>
      group(each, 'cabal').earnedAlphaRao + group(each, 'friends').earnedAlphaRao;
    expect(deviation!.earnedAlpha).toBe(Number(earned(result)) / 1e9);
    expect(deviation!.honestEarnedAlpha).toBe(Number(earned(honest)) / 1e9);
    expect(deviation!.gain).toBeGreaterThan(0);
  });

  it('has none to compare where all are honest', () => {
    expect(deviationsOf(run())).toEqual([]);
  });
});

it('names the metrics there are when asked for another', () => {
  expect(() => metricNamed(metricsOf(run({ epochs: 1 })), 'miners.profit')).toThrow('miners.profitTao');
});
