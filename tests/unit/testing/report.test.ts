import { describe, expect, test } from 'vitest';
import type { Subnet } from '../../../src/chain/chain.js';
import { type Hotkey, toHotkey, toNetuid, toUid } from '../../../src/model/ids.js';
import type { Outcome } from '../../../src/model/outcome.js';
import { accepted, inconclusive, rejected, type Verdict } from '../../../src/model/verdict.js';
import { createMemoryLedger } from '../../../src/testing/memory-ledger.js';
import {
  buildReport,
  checkReport,
  checkRows,
  type DemoReport,
  disagreements,
  missedShare,
} from '../../../src/testing/report.js';
import { BEHAVIOURS, type Behaviour, FACTS } from '../../../src/testing/world.js';
import type { OutcomeEntry } from '../../../src/validator/ledger/entries.js';
import { bytes32 } from '../../support/sessions.js';
import { neuron, subnet } from '../../support/subnets.js';

const ALPHA: Readonly<Record<Behaviour, string>> = {
  'honest-large': '1600',
  'honest-small': '1000',
  'fabricates-rows': '0',
  replays: '0',
  relays: '0',
  'shares-device-a': '200',
  'shares-device-b': '400',
  silent: '0',
  'honest-memory': '900',
  'invents-digests': '0',
  'invents-leaves': '0',
};

/** A demo that went well, but for `alpha` and `of`. */
function report(alpha: Partial<Record<Behaviour, string>> = {}, of: Partial<DemoReport> = {}): DemoReport {
  return {
    epochs: 3,
    blocks: 300,
    seconds: 75,
    peakPssMiB: 900,
    burned: '12345',
    miners: BEHAVIOURS.map((behaviour, i) => ({
      uid: i + 3,
      hotkey: `hotkey-${i + 3}`,
      behaviour,
      slots: FACTS[behaviour].slots,
      checks: 12,
      accepted: 12,
      rejected: 0,
      inconclusive: 0,
      reasons: {},
      scores: { 1: 1, 2: 1 },
      weights: { 1: 65535, 2: 65535 },
      incentive: 100,
      alphaEarned: alpha[behaviour] ?? ALPHA[behaviour],
    })),
    validators: [1, 2].map((uid) => ({
      uid,
      hotkey: `hotkey-${uid}`,
      stake: '5000',
      weightsSetAtBlock: 290,
      weightsOnChain: true,
      alphaEarned: '700',
    })),
    ...of,
  };
}

const outcome = (validator: string, verdict: Verdict, of: Partial<Outcome> = {}): Outcome => ({
  id: '00',
  event: 'event 1',
  eventBlock: 120,
  epoch: 5,
  netuid: 7,
  validator: toHotkey(validator),
  miner: toHotkey('hotkey-5'),
  kind: 'compute',
  paramsId: '11',
  slot: 0,
  verdict,
  measuredMs: 1500,
  ownDelayMs: 0,
  credit: verdict.kind === 'accepted' ? { opsPerS: 1e15 } : {}, // what counts one
  share: verdict.kind === 'accepted' ? 1 : 0,
  at: 0,
  ...of,
});

const hotkeyOf = (behaviour: Behaviour) => toHotkey(`hotkey-${BEHAVIOURS.indexOf(behaviour) + 3}`);

/** What three miners proved on two devices, of one nominal device. */
const shares = ({ a = 0.5, b = 0.45 } = {}): Outcome[] => [
  outcome('a', accepted, { miner: hotkeyOf('honest-small'), share: 0.999 }),
  outcome('a', accepted, { miner: hotkeyOf('shares-device-a'), share: a }),
  outcome('a', accepted, { miner: hotkeyOf('shares-device-b'), share: b }),
];

/** What a report failed, in words. */
const noes = (of: DemoReport, outcomes: readonly Outcome[] = []) =>
  checkReport(of, [...(outcomes.some(({ share }) => share > 0 && share < 1) ? [] : shares()), ...outcomes])
    .filter(({ ok }) => !ok)
    .map(({ what, found }) => `${what}: ${found}`);

describe('a demo that went well', () => {
  test('passes every condition, each with what was found', () => {
    const checks = checkReport(report(), shares());
    expect(checks.every(({ ok }) => ok)).toBe(true);
    expect(checks.map(({ what }) => what)).toEqual([
      'both honest miners earned',
      'honest-large earned between 1.3 and 2.4 times honest-small',
      'honest-memory earned',
      'fabricates-rows earned exactly nothing',
      'replays earned exactly nothing',
      'relays earned exactly nothing',
      'silent earned exactly nothing',
      'invents-digests earned exactly nothing',
      'invents-leaves earned exactly nothing',
      'two sharers together proved at most 1.15 times what honest-small proved on one device',
      ...BEHAVIOURS.map((behaviour) => `${behaviour} was challenged`),
      'weights of validator uid 1 are on the chain',
      'weights of validator uid 2 are on the chain',
      'the validators agree on every verdict about content',
    ]);
    expect(checks[1]!.found).toBe('1.6 times');
    expect(checks.filter(({ timing }) => timing).map(({ what }) => what)).toEqual([
      'both honest miners earned',
      'honest-large earned between 1.3 and 2.4 times honest-small',
      'honest-memory earned',
      'two sharers together proved at most 1.15 times what honest-small proved on one device',
    ]);
  });

  test('passes at the very bounds', () => {
    expect(noes(report({ 'honest-large': '1300' }))).toEqual([]);
    expect(noes(report({ 'honest-large': '2400' }))).toEqual([]);
    expect(noes(report(), shares({ a: 0.64, b: 0.5 }))).toEqual([]);
  });
});

describe('the answer is no when', () => {
  test.each<[string, Partial<Record<Behaviour, string>>, string[]]>([
    [
      'an honest miner earned nothing',
      { 'honest-large': '0' },
      [
        'both honest miners earned: 0 and 1000 rao',
        'honest-large earned between 1.3 and 2.4 times honest-small: 0 times',
      ],
    ],
    [
      'nobody earned anything',
      { 'honest-large': '0', 'honest-small': '0', 'shares-device-a': '0', 'shares-device-b': '0' },
      [
        'both honest miners earned: 0 and 0 rao',
        'honest-large earned between 1.3 and 2.4 times honest-small: nothing to compare with',
      ],
    ],
    [
      'two slots earned too little more than one',
      { 'honest-large': '1299' },
      ['honest-large earned between 1.3 and 2.4 times honest-small: 1.299 times'],
    ],
    [
      'two slots earned too much more than one',
      { 'honest-large': '2401' },
      ['honest-large earned between 1.3 and 2.4 times honest-small: 2.401 times'],
    ],
    ...(['fabricates-rows', 'replays', 'relays', 'silent'] as const).map(
      (liar): [string, Partial<Record<Behaviour, string>>, string[]] => [
        `${liar} earned a single rao`,
        { [liar]: '1' },
        [`${liar} earned exactly nothing: 1 rao`],
      ],
    ),
  ])('%s', (_what, alpha, expected) => {
    expect(noes(report(alpha))).toEqual(expected);
  });

  test('the sharers proved more than the device', () => {
    expect(noes(report(), shares({ a: 0.7, b: 0.5 }))).toEqual([
      'two sharers together proved at most 1.15 times what honest-small proved on one device: 1.201 times',
    ]);
    // and nobody's proof is no proof that they did not
    expect(noes(report(), shares({ a: 0, b: 0 }))).toHaveLength(1);
  });

  test("a validator's weights are not on the chain", () => {
    const { validators } = report();
    const without = [validators[0]!, { ...validators[1]!, weightsOnChain: false, weightsSetAtBlock: null }];
    expect(noes(report({}, { validators: without }))).toEqual([
      'weights of validator uid 2 are on the chain: set at block null',
    ]);
  });

  test('two validators disagree about content', () => {
    const outcomes = [outcome('a', accepted), outcome('b', rejected('projection'))];
    expect(noes(report(), outcomes)).toEqual([
      'the validators agree on every verdict about content: hotkey-5 slot 0, block 120: accepted / rejected:projection',
    ]);
  });
});

describe('disagreements', () => {
  test('are about bytes only: windows, absences and own faults may differ', () => {
    const pairs = [
      [accepted, rejected('window')],
      [accepted, rejected('left-out')],
      [rejected('seed'), rejected('opening-timeout')],
      [rejected('projection'), inconclusive('validator-late')],
      [accepted, accepted],
      [rejected('seed'), rejected('seed')],
    ] as const;
    for (const [a, b] of pairs) expect(disagreements([outcome('a', a), outcome('b', b)])).toEqual([]);
    expect(disagreements([outcome('a', rejected('seed')), outcome('b', rejected('path'))])).toHaveLength(1);
  });

  test('are found within one event, miner and slot, not across them', () => {
    const others: Partial<Outcome>[] = [{ event: 'event 2' }, { miner: toHotkey('hotkey-6') }, { slot: 1 }];
    for (const of of others)
      expect(disagreements([outcome('a', accepted), outcome('b', rejected('seed'), of)])).toEqual([]);
  });
});

describe('the missed share', () => {
  const withReasons = (reasons: Partial<Record<Behaviour, Record<string, number>>>) => {
    const { miners } = report();
    return report(
      {},
      { miners: miners.map((miner) => ({ ...miner, reasons: reasons[miner.behaviour] ?? {} })) },
    );
  };

  test('counts what an honest miner is rejected for only on a machine too busy, of honest miners only', () => {
    expect(missedShare(report())).toBe(0);
    const missed = withReasons({
      'honest-large': { window: 2, projection: 5 },
      'honest-small': { 'left-out': 3, 'opening-timeout': 1, 'inconclusive:validator-fault': 4 },
      'honest-memory': { window: 2, unreachable: 1 },
      silent: { window: 12 },
    });
    expect(missedShare(missed)).toBe(0.25);
  });

  test('is nothing when no honest miner was checked: that is a failed check of its own, about no timing', () => {
    const { miners } = report();
    const unchecked = report({}, { miners: miners.map((miner) => ({ ...miner, checks: 0 })) });
    expect(missedShare(unchecked)).toBe(0);
    expect(noes(unchecked)).toEqual(BEHAVIOURS.map((behaviour) => `${behaviour} was challenged: 0 sessions`));
    expect(checkReport(unchecked, []).filter(({ ok, timing }) => !ok && timing)).toEqual([]);
  });
});

describe('the rows of a validator', () => {
  const [a, b] = ['hotkey-1', 'hotkey-2'].map(toHotkey) as [Hotkey, Hotkey];
  const uidOf = new Map([
    [a, 1],
    [b, 2],
  ]);
  const replayed = (agrees = true, policy = 'ours') => ({
    rows: [{ epoch: 5, policy, agrees, differences: [] }],
    disagreeing: [],
  });
  async function found(
    sent: readonly (readonly [number, number])[],
    told: ReturnType<typeof replayed> = replayed(),
  ): Promise<readonly string[]> {
    const ledger = createMemoryLedger();
    const facts = { owner: a, neurons: new Map() };
    const row = [
      [a, 65535],
      [b, 7],
    ] as const;
    await ledger.append({ type: 'scored', epoch: 5, block: 120, policy: 'ours', facts, row });
    await ledger.append({
      type: 'weights',
      epoch: 5,
      block: 121,
      row: sent.map(([uid, u16]) => [toUid(uid), u16]),
    });
    const of = { name: 'v', ledger, uidOf, policy: 'ours', paidEpochs: 1 };
    const checks = await checkRows({ ...of, replayed: told });
    return checks.filter(({ ok }) => !ok).map(({ found: what }) => what);
  }

  test('are those that its ledger gives again, and those that it sent, in whatever order and with zeros for who had weight before', async () => {
    expect(
      await found([
        [2, 7],
        [3, 0],
        [1, 65535],
      ]),
    ).toEqual([]);
  });

  test('fail the demo where one u16 differs, in the ledger or on the way, or where another policy paid', async () => {
    const sent = [
      [1, 65535],
      [2, 7],
    ] as const;
    expect(await found([sent[0], [2, 8]])).toEqual(['others in epochs 5']);
    expect(await found(sent, replayed(false))).toEqual(['0 of 1 rows; 0 other verdicts']);
    expect(await found(sent, replayed(true, 'theirs'))).toEqual(['0 of 1 epochs']);
    expect(await found(sent, { ...replayed(), rows: [] })).toEqual(['0 of 0 epochs']);
  });
});

describe('the document', () => {
  test('counts over both validators, and takes weights, stakes and earnings from the chain', async () => {
    const [first, second, miner] = ['hotkey-1', 'hotkey-2', 'hotkey-3'].map(toHotkey) as [
      Hotkey,
      Hotkey,
      Hotkey,
    ];
    const state: Subnet = subnet([
      neuron(0),
      neuron(1, { lastUpdate: 140 }),
      neuron(2),
      neuron(3, { incentive: 4711 }),
    ]);
    const ledgerOf = (validator: Hotkey, ...verdicts: Verdict[]) => {
      const ledger = createMemoryLedger();
      for (const [k, verdict] of verdicts.entries()) {
        const event = `event ${k}`;
        const entry = outcome(validator, verdict, { event, miner });
        void ledger.append({ type: 'outcome', outcome: entry, session: {} as OutcomeEntry['session'] });
        void ledger.append({ type: 'event-completed', event, epoch: 5, block: 120, basis: bytes32('basis') });
      }
      return ledger;
    };
    const alpha: Readonly<Record<string, bigint>> = { [first]: 5700n, [second]: 3000n, [miner]: 42n };
    const built = await buildReport(
      {
        subnet: async () => state,
        weights: async (_netuid, uid) => (uid === 1 ? [[3, 65535]] : []),
        alphaRao: async (hotkey) => alpha[hotkey]!,
      },
      {
        netuid: toNetuid(7),
        behaviours: new Map([[miner, 'honest-small']]),
        validators: [
          {
            hotkey: second,
            stakeRao: 3000n,
            ledger: ledgerOf(second, accepted, inconclusive('validator-late')),
          },
          { hotkey: first, stakeRao: 5000n, ledger: ledgerOf(first, accepted, rejected('window')) },
        ],
        lastEpoch: 5,
        epochs: 3,
        blocks: 300,
        seconds: 75,
        peakPssMiB: null,
        burnedRao: 10n ** 20n,
      },
    );
    expect(built).toEqual({
      epochs: 3,
      blocks: 300,
      seconds: 75,
      peakPssMiB: null,
      burned: '100000000000000000000',
      miners: [
        {
          uid: 3,
          hotkey: 'hotkey-3',
          behaviour: 'honest-small',
          slots: 1,
          checks: 4,
          accepted: 2,
          rejected: 1,
          inconclusive: 1,
          reasons: { window: 1, 'inconclusive:validator-late': 1 },
          scores: { 1: 0.5, 2: 1 },
          weights: { 1: 65535, 2: 0 },
          incentive: 4711,
          alphaEarned: '42',
        },
      ],
      validators: [
        {
          uid: 1,
          hotkey: 'hotkey-1',
          stake: '5000',
          weightsSetAtBlock: 140,
          weightsOnChain: true,
          alphaEarned: '700',
        },
        {
          uid: 2,
          hotkey: 'hotkey-2',
          stake: '3000',
          weightsSetAtBlock: null,
          weightsOnChain: false,
          alphaEarned: '0',
        },
      ],
    });
  });
});
