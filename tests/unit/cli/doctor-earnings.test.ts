import { describe, expect, test } from 'vitest';
import { earningsOf } from '../../../src/cli/doctor/earnings.js';
import type { Finding } from '../../../src/cli/doctor/finding.js';
import { foresee } from '../../../src/cli/doctor/foresee.js';
import type { ProvenSlot } from '../../../src/cli/doctor/would-pay.js';
import { BUILT_IN_ALONE } from '../../../src/cli/subnet-module.js';
import { toHotkey } from '../../../src/model/ids.js';
import { POLICIES, parsePolicy } from '../../../src/scoring/index.js';
import { kinds } from '../../../src/verification/kinds/index.js';
import { evenly } from '../../support/own-rules.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

const SETS = [
  { kind: 'compute', class: 'h200', paramsId: 'aa' },
  { kind: 'storage', class: 'nvme', paramsId: 'bb' },
  { kind: 'host-memory', class: 'host-64', paramsId: 'cc' },
];
const slot = (kind: string, credit: ProvenSlot['credit'], share = 1): ProvenSlot => ({
  ...SETS.find((set) => set.kind === kind)!,
  credit,
  share,
  simulated: false,
});
/** 1 and 0.5 by the prices of this build */
const CARD = slot('compute', { opsPerS: 1e15 });
const DISK = slot('storage', { storageBytes: 1e12 });

const policyOf = (changes: object) => {
  const policy = {
    format: 'assay-scoring-policy/1',
    name: 'tried',
    burn: 0,
    pools: [
      {
        name: 'all',
        share: 1,
        prices: { opsPerS: { of: 1e15, counts: 1 }, storageBytes: { of: 2e12, counts: 1 } },
      },
    ],
    ...changes,
  };
  return parsePolicy(policy, undefined, [evenly]);
};

/** 10 million alpha, 5 million TAO on root at a weight of 0.18; prices of all subnets sum to more than 1 */
const EMISSION = {
  alphaOutRao: 1_000_000_000n,
  ownerCut: 11_796,
  alphaIssuanceRao: 10_000_000_000_000_000n,
  rootTaoRao: 5_000_000_000_000_000n,
  taoWeight: 3_320_413_933_267_719_290n,
  movingPrices: { bits: (1n << 32n) + 1n, fractionBits: 32 },
};

const ME = neuron(5);
const chainWith = (neurons = [ME]) => ({
  subnet: {
    ...subnet(neurons),
    ownerHotkey: toHotkey('owner'),
    netuid: NETUID,
    lastEpochBlock: 1000,
    nextEpochBlock: 1360,
    tempo: 360,
  },
  emission: EMISSION,
  blockTimeMs: 12_000,
  priceRao: 20_000_000n,
  registrationRao: 1_000_000_000n,
});
const earn = (
  policy: ReturnType<typeof policyOf>,
  slots: readonly ProvenSlot[],
  more: { neurons?: (typeof ME)[]; given?: ReadonlyMap<string, number> } = {},
) =>
  earningsOf({
    policy,
    rules: [evenly],
    sets: SETS,
    slots,
    hotkey: ME.hotkey,
    chain: chainWith(more.neurons),
    given: more.given,
  });

describe('what a host would earn', () => {
  test('is the miners’ half of what the owner leaves, where nobody else is paid', () => {
    const { alone, beside, minersPerBlockRao, recycledPerBlockRao, blocksPerEpoch } = earn(policyOf({}), [
      CARD,
    ]);
    expect({ minersPerBlockRao, recycledPerBlockRao, blocksPerEpoch }).toEqual({
      minersPerBlockRao: 410_002_287n,
      recycledPerBlockRao: 0n,
      blocksPerEpoch: 360,
    });
    expect(beside).toEqual({ ...alone, said: 'nobody else is paid now' });
    expect(alone).toMatchObject({
      basis: 'nobody',
      weight: 65_535,
      weights: 65_535,
      // x 360 blocks, x 7200 blocks, x 0.02 TAO
      alphaPerEpochRao: 147_600_823_320n,
      alphaPerDayRao: 2_952_016_466_400n,
      taoPerDayRao: 59_040_329_328n,
    });
    expect(alone.lines.map(({ text }) => text)).toEqual(
      [
        'pool all: 100 % of pay; worth 1 in all; it pays out 100 %',
        'weight: 65535 of 65535',
        "the subnet makes 1 alpha a block; less 11796/65535 for its owner, half of the rest is the miners': 0.410002287 a block, x 360 blocks = 147.60082332 an epoch",
        '147.60082332 x 65535 / 65535 = 147.60082332 alpha an epoch; 7200 blocks a day = 2952.0164664 alpha a day',
        'at 0.02 TAO for 1 alpha: 59.040329328 TAO a day, before the pool’s fee and what selling moves it',
        'a registration, 1 TAO now, is earned in 0.01 days',
      ].map((line) => line.replace('pool’s', "pool's")),
    );
  });

  test('is less by half of root’s part, while the average prices of all subnets sum to 1 or less', () => {
    const earned = (movingPrices: typeof EMISSION.movingPrices | undefined) => {
      const chain = { ...chainWith(), emission: { ...EMISSION, movingPrices } };
      return earningsOf({ policy: policyOf({}), sets: SETS, slots: [CARD], hotkey: ME.hotkey, chain });
    };
    // root has 0.9 of 10.9 million, of the validators' half: 0.0825688 of 0.410002287
    const atOne = earned({ bits: 1n << 32n, fractionBits: 32 });
    expect(atOne).toMatchObject({
      recycledPerBlockRao: 33_853_399n,
      minersPerBlockRao: 393_075_588n,
      alone: { alphaPerEpochRao: 141_507_211_680n },
      beginLines: [],
    });
    expect(atOne.alone.lines.find(({ step }) => step === 'emission')?.text).toBe(
      "the subnet makes 1 alpha a block; less 11796/65535 for its owner and 0.033853399 of root's stakers, which the chain recycles while the average prices of its subnets sum to 1 TAO or less (now 1), half of the rest is the miners': 0.393075588 a block, x 360 blocks = 141.50721168 an epoch",
    );
    const unsaid = earned(undefined);
    expect(unsaid).toMatchObject({ recycledPerBlockRao: undefined, minersPerBlockRao: 410_002_287n });
    expect(unsaid.beginLines.map(({ text }) => text)).toEqual([
      'this chain does not say what its subnets cost on average: where that sums to 1 TAO or less, 4.1284 % less is paid',
    ]);
  });

  test('is shown from the credit on: amount, price, worth', () => {
    const { worthLines, worth } = earn(policyOf({}), [CARD, DISK, slot('host-memory', { hostBytes: 1e9 })]);
    expect(worth).toEqual({ all: 1.5 });
    expect(worthLines.map(({ text }) => text)).toEqual([
      'compute h200: 1 Pop/s / 1 Pop/s x 1 = 1 (pool all)',
      'storage nvme: 1 TB of storage / 2 TB x 1 = 0.5 (pool all)',
      'host-memory host-64: pool all has no price for what it proved',
    ]);
  });

  test('is what the rule of the policy gives it, where a pool names one of the subnet’s own', () => {
    const [pool] = policyOf({}).pools;
    const policy = policyOf({ pools: [{ ...pool, rule: { name: 'evenly', version: 2 } }] });
    const { beside } = earn(policy, [CARD], { given: new Map([['all', 3]]) });
    expect(beside.lines.map(({ text }) => text)).toContain(
      "pool all: 100 % of pay; worth 4 in all; it pays out 100 %, divided by the subnet's own rule evenly, version 2",
    );
    // by worth it would have a fourth
    expect([beside.weight, beside.weights]).toEqual([65_535, 131_070]);
  });

  test('is beside as many coldkeys as are paid now, where it hangs on how worth is spread over them', () => {
    const paid = [
      ME,
      neuron(6, { incentive: 30_000 }),
      neuron(7, { incentive: 20_000, coldkey: neuron(6).coldkey }),
      neuron(8, { incentive: 10_000 }),
      neuron(9, { incentive: 5_535 }),
    ];
    const beside = (changes: object) => {
      const { said, weight, weights } = earn(policyOf(changes), [CARD], {
        neurons: paid,
        given: new Map([['all', 3]]),
      }).beside;
      return { said, part: weight / weights };
    };
    const [pool] = policyOf({}).pools;
    const alike =
      'the others are worth what you gave (3 coldkeys, as are paid now, taken to have as much each)';
    const evenlyPaid = beside({ pools: [{ ...pool, rule: { name: 'evenly', version: 2 } }] });
    expect(evenlyPaid.said).toBe(alike);
    expect(evenlyPaid.part).toBeCloseTo(1 / 4, 4);
    // 1 beside three times 1 squared; one of 3 would have 9
    const curved = beside({ pay: { exponent: 2 } });
    expect(curved.said).toBe(alike);
    expect(curved.part).toBeCloseTo(1 / 4, 4);
    const linear = beside({});
    expect(linear.said).toBe('the others are worth what you gave');
    expect(linear.part).toBeCloseTo(1 / 4, 4);
  });

  test('is the part of it that its worth is of all, where that of the others was given', () => {
    const { beside } = earn(policyOf({}), [CARD], { given: new Map([['all', 3]]) });
    expect(beside).toMatchObject({
      basis: 'given',
      weight: 21_845,
      weights: 87_380,
      alphaPerEpochRao: 36_900_205_830n,
    });
    // however much that is: more than any hotkey may count
    const crowd = earn(policyOf({}), [CARD], { given: new Map([['all', 999_999]]) }).beside;
    expect(Number(crowd.weight) / crowd.weights).toBeCloseTo(1e-6, 6);
  });

  test('beside others whose worth nobody knows takes as many as are paid for its equals, and says so', () => {
    const paid = [ME, neuron(6, { incentive: 30_000 }), neuron(7, { incentive: 20_000 }), neuron(8)];
    const { beside } = earn(policyOf({}), [CARD, DISK], { neurons: paid });
    expect(beside).toMatchObject({ basis: 'equals', weight: 65_535, weights: 3 * 65_535 });
    expect(beside.said).toContain('--others-worth');
  });

  test('stands beside what those have that are paid now, the owner’s hotkeys left out', () => {
    const others = [6, 7, 8].map((uid) => neuron(uid, { incentive: [20_000, 5_000, 10_000][uid - 6]! }));
    const owners = neuron(9, { incentive: 5_000, coldkey: chainWith().subnet.ownerColdkey });
    const now = (neurons: (typeof ME)[]) =>
      earn(policyOf({}), [CARD], { neurons }).beside.lines.filter(({ step }) => step === 'now');
    // of 40000, and 2952.0164664 alpha a day
    expect(now([ME, ...others, owners])).toEqual([
      {
        step: 'now',
        text: '3 others are paid now: from 369.0020583 to 1476.0082332 alpha a day each, and half of them 738.0041166 or more',
      },
    ]);
    expect(now([ME, others[0]!, { ...owners, incentive: 20_000 }])).toEqual([
      { step: 'now', text: '1 other is paid now: 1476.0082332 alpha a day' },
    ]);
    expect(now([ME, owners])).toEqual([]);
  });

  test('counts what the others fill of a target, which the chain shows', () => {
    const pools = [{ name: 'cards', share: 0.8, prices: { opsPerS: { of: 1e15, counts: 1 } }, target: 10 }];
    const neurons = [ME, neuron(6, { incentive: 26_214 }), neuron(0, { incentive: 39_321 })]; // 0.4, and 0.6 burned
    const owned = chainWith(neurons);
    const { beside } = earningsOf({
      policy: policyOf({ burn: 0.2, pools }),
      sets: SETS,
      slots: [CARD],
      hotkey: ME.hotkey,
      chain: { ...owned, subnet: { ...owned.subnet, ownerHotkey: neurons[2]!.hotkey } },
    });
    expect(beside.basis).toBe('filled');
    expect(beside.said).toMatch(/^others fill 50 % of the pool's target now, so they are worth 5$/);
    // 1 of 10 of 0.8
    expect(beside.weight / beside.weights).toBeCloseTo(0.08, 4);
  });

  test('takes others of a full pool to be worth its target at least, or what so many equals are', () => {
    const pools = [{ name: 'cards', share: 1, prices: { opsPerS: { of: 1e15, counts: 1 } }, target: 10 }];
    const beside = (slots: readonly ProvenSlot[], incentive = 0) => {
      const others = [neuron(6, { incentive: 40_000 }), neuron(7, { incentive: 25_535 })];
      const neurons = [{ ...ME, incentive }, ...others];
      const chain = chainWith(neurons);
      return earningsOf({ policy: policyOf({ pools }), sets: SETS, slots, hotkey: ME.hotkey, chain }).beside;
    };
    const small = beside([CARD]);
    expect(small.basis).toBe('filled');
    expect(small.said).toMatch(
      /^the pool's target is filled, 100 % of it by others, so they are worth 10 at least: /,
    );
    expect(small.weight / small.weights).toBeCloseTo(1 / 11, 4);
    // as much as both of them together: half of what fills it is its own
    expect(beside([CARD], 65_535).said).toMatch(
      /is filled, 50 % of it by others, so they are worth 5 at least/,
    );
    const large = beside(Array.from({ length: 6 }, () => CARD));
    expect(large.basis).toBe('equals');
    expect(large.weight / large.weights).toBeCloseTo(1 / 3, 4);
  });

  test('burns what proven slots missed of their classes, and says so', () => {
    const { alone } = earn(policyOf({}), [{ ...CARD, share: 0.5 }]);
    expect(alone).toMatchObject({ weight: 65_535, weights: 131_070 });
    expect(alone.lines[0]!.text).toBe(
      'pool all: 100 % of pay; worth 1 in all, 1 that proven slots missed of their classes is burned; it pays out 50 %',
    );
  });

  test('is less in the first epoch, by memory, probation and uptime', () => {
    const policy = policyOf({
      memory: { retain: 0.5 },
      probation: { epochs: 8, start: 0.25 },
      uptime: { rise: 0.5, fall: 0.5, floor: 0.5 },
    });
    const { firstEpoch, beginLines, alone } = earn(policy, [CARD]);
    // half remembered, a quarter on probation, half and half of the half that hangs on uptime
    expect(firstEpoch).toBeCloseTo(0.5 * 0.25 * 0.75, 6);
    expect(beginLines.map(({ text }) => text)).toEqual([
      'in its first epoch a new hotkey counts 9.375 % of that',
      'worth is remembered: 0.5 of the epoch before, the rest of what is proven now',
      'probation: from 25 % to all within 8 epochs',
      'uptime: 50 % of it hangs on answering every check, and is there after some epochs',
    ]);
    // and in the long run nothing is missing
    expect(alone.weight).toBe(alone.weights);
  });

  test('is nothing for the owner, whose incentive the chain burns', () => {
    const owned = chainWith();
    const chain = { ...owned, subnet: { ...owned.subnet, ownerHotkey: ME.hotkey } };
    const byColdkey = { ...owned, subnet: { ...owned.subnet, ownerColdkey: ME.coldkey } };
    for (const its of [chain, byColdkey]) {
      const of = { policy: policyOf({}), sets: SETS, slots: [CARD], hotkey: ME.hotkey, chain: its };
      const { alone } = earningsOf(of);
      expect(alone).toMatchObject({ weight: 0, alphaPerEpochRao: 0n, taoPerDayRao: 0n });
      expect(alone.lines.map(({ text }) => text)).toContain(
        "paid nothing: the hotkey or its coldkey is the owner's, and what it earns as a miner is burned",
      );
    }
  });

  test('is cut where the policy cuts, by name', () => {
    const { alone } = earn(policyOf({ caps: { hotkey: 0.5 } }), [CARD]);
    expect(alone.lines.map(({ text }) => text)).toContain('cut in all: hotkey-cap, 50 % is left');
  });

  test('is of every pool of a policy that has several, and of no pool that pays for nothing here', () => {
    const { worth, alone } = earn(POLICIES.mixed, [CARD, DISK]);
    expect(worth).toEqual({ cards: 1, hosts: 0.5, rollouts: 0 });
    expect(alone.lines.filter(({ step }) => step === 'pool').map(({ text }) => text)).toEqual([
      'pool cards: 45 % of pay; worth 1 in all, target 512; it pays out 0.0878 %',
      'pool hosts: 15 % of pay; worth 0.5 in all, target 512; it pays out 0.0146 %',
      'pool rollouts: 35 % of pay; worth 0 in all; it pays out 0 %',
    ]);
  });
});

const finding = (kind: string, changes: Partial<Finding> = {}): Finding => ({
  kind,
  class: 'small',
  paramsId: [...kinds[kind]!.table.keys()][0],
  simulated: false,
  state: 'proven',
  said: 'accepted',
  fix: undefined,
  note: undefined,
  credit: { opsPerS: 1e15 },
  nominal: {},
  share: 1,
  tookMs: 1,
  steps: [],
  openingBytes: 0,
  prepareMs: 0,
  openMs: 0,
  verifyMs: 0,
  ...changes,
});

describe('whether earnings can be foreseen', () => {
  const { subnet: its, ...chain } = chainWith();
  const look = (type: 'live' | 'local') => ({
    ...chain,
    subnet: subnet([ME]),
    info: { name: 'chain', type, specVersion: 1, genesisHash: new Uint8Array(32), blockTimeMs: 12_000 },
    mostUids: undefined,
    immunityBlocks: undefined,
    policy: { found: { policy: POLICIES.compute, digest: '' } },
  });
  const of = (findings: readonly Finding[], given?: ReadonlyMap<string, number>) => ({
    known: BUILT_IN_ALONE,
    findings,
    hotkey: ME.hotkey,
    given,
  });

  test('leaves out what was proven over loopback, failed, or is of simulated devices on a live chain', () => {
    const left = [
      finding('bandwidth'),
      finding('compute', { state: 'failed' }),
      finding('compute', { simulated: true }),
      finding('liveness', { credit: {} }),
    ];
    expect(its.neurons).toHaveLength(1);
    expect(foresee(look('live'), of(left))).toEqual({
      check: {
        about: 'earnings',
        state: 'unknown',
        said: 'not counted: nothing was proven that a policy could pay',
        fix: expect.stringContaining('prove at full size'),
      },
    });
    expect(foresee(look('local'), of(left)).earnings?.worthLines).toHaveLength(1);
  });

  test('counts what a card proved once for each of equal ones', () => {
    const proven = [finding('compute'), finding('host-memory', { credit: { hostBytes: 256e9 } })];
    const { earnings } = foresee(look('local'), { ...of(proven), cards: 8 });
    expect(earnings?.worth).toEqual({ proven: 8.5 });
    expect(earnings?.worthLines.map(({ text }) => text)).toEqual([
      '8 x compute small: 1 Pop/s / 1 Pop/s x 1 = 1 (pool proven)',
      'host-memory small: 256 GB of host memory / 256 GB x 0.5 = 0.5 (pool proven)',
    ]);
  });

  test('says what is missing', () => {
    const said = (changes: object) =>
      foresee({ ...look('live'), ...changes }, of([finding('compute')])).check?.said;
    expect(said({ policy: { found: undefined } })).toBe('not counted: the policy is not here');
    expect(said({ emission: undefined })).toBe('not counted: subnets of this chain have no alpha');
    expect(said({ emission: { ...EMISSION, alphaOutRao: 0n } })).toBe('subnet makes nothing yet');
    expect(said({})).toBeUndefined();
    const pools = [{ ...POLICIES.compute.pools[0], rule: { name: 'evenly', version: 2 } }];
    const policy = parsePolicy({ ...POLICIES.compute, pools }, undefined, [evenly]);
    const broken = { ...BUILT_IN_ALONE, rules: [{ ...evenly, divide: () => [] }] };
    const ruled = { ...look('live'), policy: { found: { policy, digest: '' } } };
    expect(foresee(ruled, { ...of([finding('compute')]), known: broken }).check).toMatchObject({
      said: 'not counted: scoring rule evenly, version 2: expected as many bigints as claims, none negative, at least one above 0; got 0 for 1 claims',
      fix: "tell the subnet's owner: where it fails validators pay nobody",
    });
  });

  test('refuses worth of a pool that there is not', () => {
    const ask = (pool: string) => () => foresee(look('live'), of([finding('compute')], new Map([[pool, 3]])));
    expect(ask('')).not.toThrow();
    expect(ask('cards')).toThrow('--others-worth: expected pool=number, with one of proven, got cards');
  });
});
