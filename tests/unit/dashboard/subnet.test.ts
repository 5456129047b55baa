import { describe, expect, test } from 'vitest';
import type { WeightRow } from '../../../src/chain/chain.js';
import type { HyperparameterEntry } from '../../../src/chain/operator-reads.js';
import { agreementOf } from '../../../src/dashboard/subnet/agreement.js';
import { createChangeBook, meaningOf, valueText } from '../../../src/dashboard/subnet/changes.js';
import { emissionOf } from '../../../src/dashboard/subnet/emission.js';
import { heatMapOf, heatMapSvg, MOST_COLUMNS, MOST_ROWS } from '../../../src/dashboard/subnet/heat-map.js';
import { createSubnetPage } from '../../../src/dashboard/subnet/page.js';
import { clockOf, type SubnetReading, subnetView } from '../../../src/dashboard/subnet/view.js';
import { toColdkey, toHotkey } from '../../../src/model/ids.js';
import { ask, pageRequest } from '../../support/dashboard.js';
import { finished, neuronOf, subnetOf } from '../../support/dashboard-values.js';

const TAO = 1_000_000_000n;
const U16 = 65_535;
const HALF = 32_767;

describe('emission by role', () => {
  const neurons = [
    // the owner, which mines nothing: what is its incentive is burned
    neuronOf(0, { hotkey: toHotkey('owner'), incentive: U16 / 5, emissionRao: 20n * TAO }),
    neuronOf(1, { incentive: (4 * U16) / 5, emissionRao: 80n * TAO }),
    neuronOf(2, { dividends: U16, emissionRao: 100n * TAO, validatorPermit: true }),
  ];
  const subnet = subnetOf(neurons, { ownerHotkey: toHotkey('owner') });

  test('is told apart by incentive and dividends, the owner cut beside it', () => {
    const { roles, burnShare, perDayRao } = emissionOf(subnet, { blockTimeMs: 12_000 });
    expect(roles.map(({ role, epochRao }) => [role, epochRao])).toEqual([
      ['miners', 80n * TAO],
      ['validators', 100n * TAO],
      // 11796 of 65535 of all: 200 are the rest
      ['owner', 43_901_077_429n],
      ['burned', 20n * TAO],
    ]);
    expect(roles[1]!.share).toBeCloseTo(0.41, 3);
    expect(burnShare).toBe(0.2);
    // epochs of 361 blocks of 12 s in a day, to the rao as on the leaderboard
    expect(perDayRao).toBe((243_901_077_429n * 86_400n) / 4332n);
  });

  test('of one that mines and validates is parted by what each is of all', () => {
    const both = [
      neuronOf(1, { incentive: 30_000, dividends: U16, emissionRao: 150n * TAO, validatorPermit: true }),
      neuronOf(2, { incentive: 30_000, emissionRao: 50n * TAO }),
    ];
    const { roles } = emissionOf(subnetOf(both), { blockTimeMs: 12_000, ownerCut: 0 });
    expect(roles.map(({ epochRao }) => epochRao)).toEqual([100n * TAO, 100n * TAO, 0n, 0n]);
  });

  test('of nothing is nothing, and no share of it is known', () => {
    const { roles, burnShare } = emissionOf(subnetOf([neuronOf(1)]), { blockTimeMs: 12_000 });
    expect(roles.every(({ share, epochRao }) => share === 0 && epochRao === 0n)).toBe(true);
    expect(burnShare).toBeUndefined();
  });
});

describe('agreement of validators', () => {
  const validator = (uid: number, stake: bigint, change = {}) =>
    neuronOf(uid, { validatorPermit: true, stakeRao: stake, consensusStakeRao: stake, ...change });
  const rows: WeightRow[] = [
    [
      [3, 100],
      [4, 100],
    ],
    [
      [3, 100],
      [4, 100],
    ],
    // it favours uid 5 alone, and itself
    [
      [5, 65_535],
      [2, 65_535],
    ],
    [],
    [],
    [],
  ];
  const subnet = subnetOf([
    validator(0, 40n),
    validator(1, 40n, { lastUpdate: 990 }),
    validator(2, 20n),
    neuronOf(3),
    neuronOf(4),
    neuronOf(5),
  ]);

  test('is what a majority supports, and what the others have too', () => {
    const { validators, consensus } = finished(agreementOf({ ...subnet, ownerUid: undefined }, rows, HALF));
    expect(consensus).toEqual([0, 0, 0, 0.5, 0.5, 0]);
    expect(
      validators.map(({ uid, stakeShare, trust, agreement, weights }) => ({
        uid,
        stakeShare,
        trust,
        agreement,
        weights,
      })),
    ).toEqual([
      // the others of uid 0: 40 of 60 as it, 20 elsewhere
      { uid: 0, stakeShare: 0.4, trust: 1, agreement: expect.closeTo(2 / 3, 9), weights: 2 },
      { uid: 1, stakeShare: 0.4, trust: 1, agreement: expect.closeTo(2 / 3, 9), weights: 2 },
      { uid: 2, stakeShare: 0.2, trust: 0, agreement: 0, weights: 1 },
    ]);
    expect(validators[1]!.ageBlocks).toBe(10);
  });

  test('says of those that do not count why', () => {
    const others = subnetOf(
      [
        validator(0, 40n),
        validator(1, 40n, { active: false }),
        validator(2, 0n),
        validator(3, 5n),
        validator(4, 50n),
        neuronOf(5),
      ],
      { stakeThresholdRao: 10n },
    );
    const full: WeightRow[] = [[[5, 1]], [[5, 1]], [[5, 1]], [[5, 1]], [], [[5, 1]]];
    const { validators, rows: counted } = finished(agreementOf(others, full, HALF));
    expect(validators.map(({ uid, why }) => [uid, why])).toEqual([
      [0, undefined],
      [1, 'inactive'],
      [2, 'no stake'],
      [3, 'below the threshold'],
      [4, 'no row'],
      [5, 'no permit'],
    ]);
    expect([...counted.keys()]).toEqual([0]);
    // alone it agrees with nobody
    expect(validators[0]!.agreement).toBeUndefined();
  });
});

describe('the picture of weights', () => {
  test('stays small however many there are, and keeps what is little apart from nothing', () => {
    const size = 4096;
    const validators = Array.from({ length: 80 }, (_, uid) =>
      neuronOf(uid, {
        validatorPermit: true,
        stakeRao: BigInt(100 - uid),
        consensusStakeRao: BigInt(100 - uid),
      }),
    );
    const neurons = [...validators, ...Array.from({ length: size - 80 }, (_, i) => neuronOf(80 + i))];
    const row: WeightRow = Array.from({ length: size - 80 }, (_, i) => [80 + i, i === 0 ? 65_535 : 1]);
    const matrix = neurons.map(({ uid }) => (uid < 80 ? row : []));
    const agreement = finished(agreementOf(subnetOf(neurons), matrix, HALF));
    const map = heatMapOf(agreement);
    expect(map.rows).toHaveLength(MOST_ROWS);
    expect(map.rowsLeftOut).toBe(16);
    expect(map.columns.length).toBeLessThanOrEqual(MOST_COLUMNS);
    expect(map.columns[0]![0]).toBe(80);
    expect(map.columns.flat()).toHaveLength(size - 80);
    expect(map.levels[0]!.slice(0, 3)).toEqual([5, 1, 1]);
    expect(heatMapSvg(map).text.length).toBeLessThan(20_000);
  });

  test('of rows without weights has no columns', () => {
    const map = heatMapOf(
      finished(agreementOf(subnetOf([neuronOf(0, { validatorPermit: true })]), [[]], HALF)),
    );
    expect(map).toMatchObject({ rows: [], columns: [], most: 0 });
  });
});

describe('hyperparameters', () => {
  const kappa = (value: bigint): HyperparameterEntry => ({ name: 'kappa', kind: 'integer', value });

  test('that change while they are watched are listed, the newest first', () => {
    const book = createChangeBook();
    book.note(10, [kappa(1n)]);
    book.note(12, [kappa(1n)]);
    book.note(15, [kappa(2n)]);
    book.note(14, [kappa(9n)]);
    book.note(16, [kappa(3n)]);
    expect(book.changes()).toEqual([
      { name: 'kappa', from: '2', to: '3', afterBlock: 15, block: 16 },
      { name: 'kappa', from: '1', to: '2', afterBlock: 12, block: 15 },
    ]);
    expect(book.since()).toBe(10);
  });

  test('are shown exactly, and beside it what they stand for', () => {
    expect(valueText({ name: 'min_burn', kind: 'rao', value: 500_000n })).toBe('0.0005 TAO');
    expect(valueText({ name: 'x', kind: 'fixed', value: { bits: 3n << 31n, fractionBits: 32 } })).toBe('1.5');
    expect(valueText({ name: 'x', kind: 'boolean', value: false })).toBe('no');
    expect(valueText(kappa(18_446_744_073_709_551_615n))).toBe('18446744073709551615');
    expect(meaningOf(kappa(32_767n))).toBe('50.00 %');
    expect(meaningOf({ name: 'bonds_moving_avg', kind: 'integer', value: 900_000n })).toBe('0.9');
    expect(meaningOf({ name: 'activity_cutoff_factor', kind: 'integer', value: 13_889n })).toBe(
      '13.889 tempos',
    );
    expect(meaningOf({ name: 'rho', kind: 'integer', value: 10n })).toBeUndefined();
  });
});

describe('the epoch clock', () => {
  test('says what is left in blocks and time', () => {
    expect(clockOf(subnetOf([]), 12_000)).toMatchObject({ blocksLeft: 261, msLeft: 3_132_000, epoch: 7 });
    expect(clockOf(subnetOf([]), 12_000).done).toBeCloseTo(100 / 361, 9);
    expect(clockOf(subnetOf([], { nextEpochBlock: undefined }), 12_000).done).toBeUndefined();
  });
});

describe('the page', () => {
  const reading = (change: Partial<SubnetReading> = {}): SubnetReading => ({
    subnet: subnetOf([
      neuronOf(0, { validatorPermit: true, stakeRao: TAO, consensusStakeRao: TAO }),
      neuronOf(1, { incentive: U16, emissionRao: TAO, hotkey: toHotkey('<b>hot</b>') }),
    ]),
    blockTimeMs: 12_000,
    summary: {
      netuid: subnetOf([]).netuid,
      name: '\u202e<script>alert(1)</script> 🌶',
      symbol: 'x',
      ownerHotkey: toHotkey('hot-0'),
      ownerColdkey: toColdkey('cold-0'),
      tempo: 360,
      registeredAt: 0,
      priceRao: TAO / 50n,
      movingPrice: { bits: 1n << 30n, fractionBits: 32 },
      taoInRao: 20_000n * TAO,
      alphaInRao: 1_000_000n * TAO,
      alphaOutRao: 1_500_000n * TAO,
      identity: undefined,
    },
    prices: { alphaRao: TAO / 50n, registrationRao: TAO / 10n, subnetRao: undefined },
    hyperparameters: [
      { entry: { name: 'kappa', kind: 'integer', value: 32_767n }, setBy: 'owner', setAtBlock: 900 },
      { entry: { name: 'rho', kind: 'integer', value: 10n }, setBy: 'owner', setAtBlock: 0 },
      { entry: { name: 'tempo', kind: 'integer', value: 360n } },
    ],
    freeze: { windowBlocks: 10, next: { from: 1251, until: 1261 } },
    weights: [[[1, 65_535]], []],
    weightsBlock: 990,
    readMs: Date.UTC(2026, 0, 1),
    ...change,
  });
  const shown = async (change: Partial<SubnetReading> = {}) => {
    const view = finished(subnetView(reading(change), createChangeBook()));
    const page = createSubnetPage({ current: async () => ({ view }), version: () => '1' });
    const { body, lead } = await ask(page, pageRequest());
    return `${lead?.text}${body.text}`;
  };

  test('has price, roles, clock, validators, weights and hyperparameters', async () => {
    const text = await shown();
    for (const part of [
      '0.020000',
      'Emission by role',
      'in 261 blocks, about 52 min',
      '1000, from 900 to 1261',
      'Trust is the part of a row',
      'from the rows of block 990',
      'Weights of 1 validators on 1 miners',
      'block 900, about 20 min ago',
      'never by its owner',
      'They freeze from block 1251 to 1261',
    ])
      expect(text).toContain(part);
  });

  test("shows strangers' names as text", async () => {
    const text = await shown();
    expect(text).not.toContain('<script');
    expect(text).not.toContain('<b>hot');
    expect(text).not.toContain('\u202e');
    expect(text).toContain('&lt;script&gt;');
    expect(text).toContain('🌶');
  });

  test('says what is not known where the node does not say it', async () => {
    const text = await shown({
      weights: undefined,
      summary: undefined,
      prices: undefined,
      hyperparameters: [],
      freeze: undefined,
    });
    expect(text).toContain('The rows of weights could not be read from this node.');
    expect(text).toContain('This node does not say them.');
    expect(text).toContain('not known');
  });

  test('of a chain that was not read yet says so, and why', async () => {
    const page = createSubnetPage({ current: async () => ({ why: 'no node answers' }), version: () => '0' });
    const { status, body } = await ask(page);
    expect(status).toBe(503);
    expect(body.text).toContain('not read yet: <bdi class="stranger">no node answers</bdi>.');
  });
});
