// A ledger from which something was taken, or to which something was added, and what a replay says of it.
import { describe, expect, it } from 'vitest';
import { devKeypair } from '../../../../src/keys/keypair.js';
import { toHotkey } from '../../../../src/model/ids.js';
import { createTableModel } from '../../../../src/testing/rollouts/table-model.js';
import { historyOf } from '../../../../src/validator/rollouts/history.js';
import type { RolloutEntry, RolloutLedgerOf } from '../../../../src/validator/rollouts/ledger.js';
import { type ReplayedVerdict, replayLedger } from '../../../../src/validator/rollouts/replay.js';
import { POLICY, RULES, signal, tableEnvironment } from '../../../support/table-rollouts.js';

const bytes = (byte: number) => new Uint8Array(32).fill(byte);
const PLAN = { firstBlock: 100, everyBlocks: 50, workBlocks: 40 };
const hotkeyOf = (name: string) => toHotkey(devKeypair(name).address);
const [ONE, TWO, LATE, FULL] = ['one', 'two', 'late', 'full'].map(hotkeyOf) as [
  ReturnType<typeof hotkeyOf>,
  ReturnType<typeof hotkeyOf>,
  ReturnType<typeof hotkeyOf>,
  ReturnType<typeof hotkeyOf>,
];

const collected = (window: number): RolloutEntry => ({
  type: 'collected',
  window,
  startBlock: 100 + 50 * window,
  deadlineBlock: 140 + 50 * window,
  context: {
    beacon: { kind: 'dev-chain', round: 17n, signature: bytes(1) },
    genesis: bytes(9),
    netuid: 2,
    window,
    checkpointDigest: bytes(2),
    policyDigest: bytes(3),
  },
  round: 20n,
  deliveries: [
    { miner: ONE, is: 'complete', manifest: bytes(4), file: bytes(5) },
    { miner: TWO, is: 'refused', manifest: bytes(6), reason: 'other-window' },
    { miner: LATE, is: 'missing', manifest: bytes(7), what: 'file' },
    { miner: FULL, is: 'ours', manifest: bytes(8), why: 'ENOSPC' },
  ],
});
const verdict = (window: number, miner: typeof ONE): RolloutEntry => ({
  type: 'verdict',
  window,
  miner,
  record: bytes(window),
});
const judged = (window: number): RolloutEntry => ({ type: 'judged', window });
const lapsed = (window: number): RolloutEntry => ({ type: 'lapsed', window, why: 'away' });
const whole = (window: number) => [
  collected(window),
  verdict(window, ONE),
  verdict(window, TWO),
  judged(window),
];

describe('a ledger', () => {
  it('as a validator writes it has no flaw, be it cut anywhere', () => {
    const entries = [
      ...whole(1),
      lapsed(2),
      collected(3),
      // the next one is collected while this one waits
      collected(4),
      verdict(3, ONE),
      lapsed(3),
      ...whole(4).slice(1),
      collected(7),
      lapsed(8),
      verdict(7, ONE),
    ];
    for (let length = 0; length <= entries.length; length++)
      expect(historyOf(entries.slice(0, length)).flaws, `${length}`).toEqual([]);
    expect(
      historyOf(entries).windows.map(({ window, end, verdicts }) => [window, end, verdicts.size]),
    ).toEqual([
      [1, 'judged', 2],
      [2, 'lapsed', 0],
      [3, 'lapsed', 1],
      [4, 'judged', 2],
      [7, undefined, 1],
      [8, 'lapsed', 0],
    ]);
  });

  it.each<[string, RolloutEntry[], object[]]>([
    [
      'a verdict that was left out',
      whole(1).toSpliced(1, 1),
      [{ window: 1, miner: ONE, why: 'judged, and the verdict is not here' }],
    ],
    [
      'verdicts that were left out with what was handed in',
      [...whole(1), ...whole(2).slice(1)],
      [
        { window: 2, why: 'a verdict, and what was handed in is not here' },
        { window: 2, why: 'a verdict, and what was handed in is not here' },
        { window: 2, why: 'judged, and what was handed in is not here' },
      ],
    ],
    [
      'a verdict of a miner that handed in nothing',
      whole(1).toSpliced(1, 0, verdict(1, hotkeyOf('stranger'))),
      [{ window: 1, miner: hotkeyOf('stranger'), why: 'a verdict, and nothing of this miner was delivered' }],
    ],
    [
      'a verdict of a miner whose file was missing, and of one whose file could not be kept',
      whole(1).toSpliced(1, 0, verdict(1, LATE), verdict(1, FULL)),
      [LATE, FULL].map((miner) => ({
        window: 1,
        miner,
        why: 'a verdict, and nothing of this miner was delivered',
      })),
    ],
    [
      'a second verdict',
      whole(1).toSpliced(3, 0, verdict(1, ONE)),
      [{ window: 1, miner: ONE, why: 'a second verdict' }],
    ],
    [
      'an end that was left out',
      [...whole(1).slice(0, 3), ...whole(2)],
      [{ window: 1, why: 'neither judged nor lapsed, and a later window is' }],
    ],
    ['an end twice', [...whole(1), judged(1)], [{ window: 1, why: 'judged once more behind its end' }]],
    ['two ends', [...whole(1), lapsed(1)], [{ window: 1, why: 'it lapses, and is judged already' }]],
    ['a window twice', [...whole(1), collected(1)], [{ window: 1, why: 'it begins a second time' }]],
    [
      'a window behind a later one',
      [...whole(2), ...whole(1)],
      [{ window: 1, why: 'it begins behind window 2, a later one' }],
    ],
  ])('names %s', (_what, entries, flaws) => {
    expect(historyOf(entries).flaws).toEqual(flaws);
  });
});

describe('a replay', () => {
  const environment = tableEnvironment();
  const model = createTableModel();
  const of: RolloutLedgerOf = { genesis: bytes(9), netuid: 2, validator: hotkeyOf('validator'), plan: PLAN };
  const findings = async (entries: readonly RolloutEntry[], whose: RolloutLedgerOf) => {
    const parts = { modelOf: async () => model, environment, read: async () => undefined };
    const options = { policy: POLICY, rules: RULES, quota: 10, of: whose };
    const found: ReplayedVerdict[] = [];
    for await (const each of replayLedger(parts, entries, options, signal)) found.push(each);
    return found;
  };

  it('says which verdict is missing, besides what is wrong with those that are there', async () => {
    const found = await findings(whole(1).toSpliced(1, 1), of);
    expect(found).toMatchObject([
      { is: 'flaw', window: 1, miner: ONE },
      { is: 'refused', window: 1, miner: TWO },
    ]);
  });

  it('says which window is not of this chain, subnet and plan', async () => {
    const flaws = async (whose: RolloutLedgerOf) =>
      (await findings([collected(1)], whose)).map(({ is, why }) => [is, why]);
    expect(await flaws(of)).toEqual([]);
    expect(await flaws({ ...of, genesis: bytes(1) })).toEqual([['flaw', 'of another chain than its ledger']]);
    expect(await flaws({ ...of, netuid: 1 })).toEqual([['flaw', 'of another subnet than its ledger']]);
    expect(await flaws({ ...of, plan: { ...PLAN, workBlocks: 41 } })).toEqual([
      ['flaw', 'blocks 150 to 190, and by the plan 150 to 191'],
    ]);
  });
});
