import { expect, test } from 'vitest';
import { toHex } from '../../../src/model/bytes.js';
import { toColdkey, toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { type Facts, parsePolicy, policyDigest, type ScoringPolicy } from '../../../src/scoring/index.js';
import { learnClasses } from '../../../src/validator/ledger/classes.js';
import type { EventEntry } from '../../../src/validator/ledger/entries.js';
import { type Ledger, openLedger, openLedgerReader } from '../../../src/validator/ledger/ledger.js';
import { replayRows } from '../../../src/validator/ledger/replay-all.js';
import { createScorer, type Scorer } from '../../../src/validator/scorer.js';
import { paramsId } from '../../../src/verification/checked-params.js';
import { TOY_PARAMS, toyKind } from '../../support/toy-kind.js';
import { bytes32, newFolder, outcomeEntry, whose } from './ledger/folders.js';

const kinds = { toy: toyKind() };
const [MINE, YOURS] = ['mine', 'yours'].map(toHotkey) as [
  ReturnType<typeof toHotkey>,
  ReturnType<typeof toHotkey>,
];
const FACTS: Facts = {
  owner: toHotkey('owner'),
  neurons: new Map([MINE, YOURS].map((hotkey) => [hotkey, { coldkey: toColdkey(`cold ${hotkey}`) }])),
};
const SET = { ...TOY_PARAMS, class: 'toy' };
const SET_ID = toHex(paramsId(SET));
/** Of the same class. */
const LATER = { ...SET, windowMs: 900 };
const LATER_ID = toHex(paramsId(LATER));
const policyOf = (change: object): ScoringPolicy =>
  parsePolicy({
    format: 'assay-scoring-policy/1',
    name: 'own',
    burn: 0,
    pools: [
      { name: 'toys', share: 1, match: { classes: ['toy'] }, prices: { opsPerS: { of: 1000, counts: 1 } } },
    ],
    memory: { retain: 0.5 },
    ...change,
  });
const LINEAR = policyOf({});
const STEEP = policyOf({ pay: { exponent: 2 } });

const event = (type: EventEntry['type'], name: string, epoch: number): EventEntry => ({
  type,
  event: toHex(bytes32(name)),
  epoch,
  block: 12 + epoch,
  basis: bytes32('basis'),
});
const open = (dir: string): Promise<Ledger> =>
  openLedger({ dir, ...whose, random: createSeededRandom('scorer'), log: silentLog });

async function outcome(
  { append }: Pick<Scorer, 'append'>,
  name: string,
  epoch: number,
  miner: string,
  opsPerS: number,
  set = SET_ID,
) {
  const entry = outcomeEntry(`${miner} ${name}`, { epoch, event: name, miner });
  const proven = { kind: 'toy', paramsId: set, credit: { opsPerS }, share: 1 };
  await append({ ...entry, outcome: { ...entry.outcome, ...proven } });
}

/** An event but for its end. */
async function begin(scorer: Scorer, name: string, epoch: number, [mine, yours]: readonly [number, number]) {
  await scorer.append(event('event-started', name, epoch));
  await Promise.all([outcome(scorer, name, epoch, MINE, mine), outcome(scorer, name, epoch, YOURS, yours)]);
}
const end = (scorer: Scorer, name: string, epoch: number) =>
  scorer.append(event('event-completed', name, epoch));
const pay = async (scorer: Scorer, epoch: number, policy = LINEAR) =>
  (await scorer.pay({ policy, epoch, block: 10 * epoch, facts: FACTS }))?.row;

/** What a second process finds. */
async function rowsIn(dir: string): Promise<(readonly [number, string, boolean])[]> {
  const ledger = await openLedgerReader({ dir, log: silentLog });
  const { of: classOf } = await learnClasses(ledger, kinds);
  const rows = await replayRows({ ledger, classOf }, () => true);
  return rows.map(({ epoch, policy, agrees }) => [epoch, policy, agrees]);
}

test('a row is of what stands before it: an event that ends while it is made counts in the next one, on disk as in memory', async () => {
  const dir = await newFolder();
  const ledger = await open(dir);
  await ledger.saveParams(SET_ID, SET);
  let whenRead = async () => {};
  const fold: Ledger['fold'] = async (...how) => {
    await ledger.fold(...how);
    await whenRead();
  };
  const scorer = createScorer({ ledger: { ...ledger, fold }, kinds });
  await begin(scorer, 'a', 1, [1000, 1000]);
  await begin(scorer, 'b', 1, [4000, 1000]);
  await end(scorer, 'a', 1);
  const [first] = await Promise.all([pay(scorer, 1), end(scorer, 'b', 1)]);
  expect([...first!]).toEqual([
    [MINE, 65535],
    [YOURS, 65535],
  ]);
  // while the ledger is read again for another policy, something is written
  await begin(scorer, 'c', 2, [1000, 3000]);
  await scorer.append(event('event-started', 'd', 2));
  await end(scorer, 'c', 2);
  whenRead = () => outcome(scorer, 'd', 2, MINE, 9000);
  const second = await pay(scorer, 2, STEEP);
  whenRead = async () => {};
  expect([...second!][1]).toEqual([YOURS, 65535]);
  await end(scorer, 'd', 2);
  await pay(scorer, 3, STEEP);
  await ledger.close();

  // a process that begins again reads what the one before it wrote
  const reopened = await open(dir);
  const again = createScorer({ ledger: reopened, kinds });
  await begin(again, 'e', 4, [500, 1500]);
  await end(again, 'e', 4);
  await pay(again, 4);
  // of a set that was not there when the ledger was read
  await ledger.saveParams(LATER_ID, LATER);
  await again.append(event('event-started', 'f', 5));
  await outcome(again, 'f', 5, YOURS, 7000, LATER_ID);
  await end(again, 'f', 5);
  await pay(again, 5);
  await reopened.close();

  const [linear, steep] = [policyDigest(LINEAR), policyDigest(STEEP)];
  expect(await rowsIn(dir)).toEqual([
    [1, linear, true],
    [2, steep, true],
    [3, steep, true],
    [4, linear, true],
    [5, linear, true],
  ]);
});

test('where nothing was judged there is no row, and nothing is written down', async () => {
  const dir = await newFolder();
  const ledger = await open(dir);
  const scorer = createScorer({ ledger, kinds });
  expect(await pay(scorer, 1)).toBeUndefined();
  await ledger.close();
  expect(ledger.segments()).toEqual([]);
});

test('a policy that pays for rollouts alone needs no event', async () => {
  const dir = await newFolder();
  const ledger = await open(dir);
  const scorer = createScorer({ ledger, kinds });
  const policy = policyOf({
    pools: [{ name: 'tokens', share: 1, credit: 'rollouts' }],
    rollouts: { price: 1 },
  });
  const facts = {
    ...FACTS,
    rollouts: new Map([
      [MINE, 2_000_000],
      [YOURS, 500_000],
    ]),
  };
  const paid = await scorer.pay({ policy, epoch: 7, block: 70, facts });
  expect([...paid!.row]).toEqual([
    [MINE, 65535],
    [YOURS, 16384],
  ]);
  await ledger.close();
  expect(await rowsIn(dir)).toEqual([[7, policyDigest(policy), true]]);
});
