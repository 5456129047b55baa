import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/model/bytes.js';
import { toColdkey, toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { rejected } from '../../../src/model/verdict.js';
import {
  type Facts,
  parsePolicy,
  policyDigest,
  type ScoringPolicy,
  type ScoringRule,
} from '../../../src/scoring/index.js';
import { DEFAULT_BREAKER } from '../../../src/validator/breaker.js';
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

describe('a policy with a rule of the subnet’s own', () => {
  let isBroken = false;
  const squares: ScoringRule = {
    name: 'squares',
    version: 2,
    divide: (claims) => claims.map(({ worth }) => (isBroken ? -1n : worth * worth)),
  };
  const rules = [squares];
  const RULED = parsePolicy(
    {
      ...LINEAR,
      name: 'ruled',
      memory: undefined,
      pools: [{ ...LINEAR.pools[0], rule: { name: 'squares', version: 2 } }],
    },
    undefined,
    rules,
  );

  test('is paid by the rule, and a second process with the rule comes to the same rows; one without it to none', async () => {
    const dir = await newFolder();
    const ledger = await open(dir);
    await ledger.saveParams(SET_ID, SET);
    const scorer = createScorer({ ledger, kinds, rules });
    await begin(scorer, 'a', 1, [4000, 2000]);
    await end(scorer, 'a', 1);
    expect([...(await pay(scorer, 1, RULED))!]).toEqual([
      [MINE, 65535],
      [YOURS, 16384],
    ]);
    await expect(pay(createScorer({ ledger, kinds }), 1, RULED)).rejects.toMatchObject({
      code: 'unsupported',
    });
    await ledger.close();
    const reader = await openLedgerReader({ dir, log: silentLog });
    const { of: classOf } = await learnClasses(reader, kinds);
    expect(await replayRows({ ledger: reader, classOf, rules }, () => true)).toEqual([
      { epoch: 1, policy: policyDigest(RULED), agrees: true, differences: [] },
    ]);
    await expect(replayRows({ ledger: reader, classOf }, () => true)).rejects.toThrow('squares, version 2');
  });

  test('whose rule fails writes nothing down, and is paid when the rule does its work', async () => {
    const ledger = await open(await newFolder());
    await ledger.saveParams(SET_ID, SET);
    const scorer = createScorer({ ledger, kinds, rules });
    await begin(scorer, 'a', 1, [4000, 2000]);
    await end(scorer, 'a', 1);
    let scored = 0;
    isBroken = true;
    await expect(pay(scorer, 1, RULED)).rejects.toMatchObject({ code: 'rule-failed' });
    await ledger.fold({ scored: () => void scored++ });
    expect(scored).toBe(0);
    isBroken = false;
    expect((await pay(scorer, 1, RULED))!.get(YOURS)).toBe(16384);
    await ledger.fold({ scored: () => void scored++ });
    expect(scored).toBe(1);
    await ledger.close();
  });
});

describe('many who were honest fail together', () => {
  const OWNERS = [0, 1, 2, 3].map((i) => toHotkey(`miner ${i}`));
  const facts: Facts = {
    owner: toHotkey('owner'),
    neurons: new Map(OWNERS.map((hotkey, i) => [hotkey, { coldkey: toColdkey(`cold ${i}`), stakeRao: 5n }])),
  };
  const payAll = (scorer: Scorer, epoch: number) =>
    scorer.pay({ policy: LINEAR, epoch, block: 10 * epoch, facts });

  /** Two events, in which so many of the four prove what they have, and the others nothing. */
  async function epochOf(scorer: Scorer, epoch: number, proving: number) {
    for (const part of ['a', 'b']) {
      const name = `${epoch} ${part}`;
      await scorer.append(event('event-started', name, epoch));
      for (const [i, miner] of OWNERS.entries()) {
        if (i < proving) await outcome(scorer, name, epoch, miner, 1000 * (i + 1));
        else
          await scorer.append(
            outcomeEntry(`${miner} ${name}`, { epoch, event: name, miner, verdict: rejected('window') }),
          );
      }
      await end(scorer, name, epoch);
    }
  }

  test('the row of the last good epoch is set until somebody decides; what is released never was', async () => {
    const dir = await newFolder();
    let ledger = await open(dir);
    await ledger.saveParams(SET_ID, SET);
    let scorer = createScorer({ ledger, kinds });
    await epochOf(scorer, 1, 4);
    const good = (await payAll(scorer, 1))!;
    expect(good.pay).toBeDefined();

    await epochOf(scorer, 2, 1);
    const held = (await payAll(scorer, 2))!;
    expect(held).toMatchObject({
      pay: undefined,
      row: good.row,
      breaker: { owners: 4, drifted: 3, tripped: true, held: { since: 2, until: 12 } },
    });
    expect((await payAll(scorer, 2))!.row).toEqual(good.row); // asked again: nothing is written twice

    // a crash in the middle: the next process goes on with the same hold
    await ledger.close();
    ledger = await open(dir);
    scorer = createScorer({ ledger, kinds });
    await epochOf(scorer, 3, 4);
    expect((await payAll(scorer, 3))!).toMatchObject({ pay: undefined, row: good.row });
    expect(await scorer.decide('release', { epoch: 3, block: 35 })).toBe(true);
    expect(await scorer.decide('release', { epoch: 3, block: 35 })).toBe(false);

    await epochOf(scorer, 4, 4);
    const after = (await payAll(scorer, 4))!;
    expect(after.breaker).not.toHaveProperty('held');
    // as if epochs 2 and 3 had not been: half of what was remembered of epoch 1, half of 4
    expect(after.row).toEqual(good.row);

    await epochOf(scorer, 5, 1);
    const resting = (await payAll(scorer, 5))!;
    expect(resting.breaker).not.toHaveProperty('held');
    expect(resting.row).not.toEqual(good.row);
    await ledger.close();

    const reader = await openLedgerReader({ dir, log: silentLog });
    const { of: classOf } = await learnClasses(reader, kinds);
    const rows = await replayRows({ ledger: reader, classOf }, () => true);
    expect(rows.map(({ epoch, agrees, held: was = false }) => [epoch, agrees, was])).toEqual([
      [1, true, false],
      [2, true, true],
      [3, true, true],
      [4, true, false],
      [5, true, false],
    ]);
    const said: unknown[] = [];
    await reader.fold({ breaker: ({ is, epoch, since }) => void said.push([is, epoch, since]) });
    expect(said).toEqual([
      ['tripped', 2, 2],
      ['held', 3, 2],
      ['released', 3, 2],
    ]);
  });

  test('accepted, it counts as it was judged', async () => {
    const ledger = await open(await newFolder());
    await ledger.saveParams(SET_ID, SET);
    const scorer = createScorer({ ledger, kinds });
    const twin = createScorer({ ledger: await openTwin(), kinds, breaker: { ...DEFAULT_BREAKER, share: 0 } });
    for (const each of [scorer, twin]) {
      await epochOf(each, 1, 4);
      await payAll(each, 1);
      await epochOf(each, 2, 1);
      await payAll(each, 2);
    }
    expect(await scorer.decide('accept', { epoch: 2, block: 25 })).toBe(true);
    for (const each of [scorer, twin]) await epochOf(each, 3, 4);
    expect((await payAll(scorer, 3))!.row).toEqual((await payAll(twin, 3))!.row);
    await ledger.close();
  });

  async function openTwin(): Promise<Ledger> {
    const ledger = await open(await newFolder());
    await ledger.saveParams(SET_ID, SET);
    return ledger;
  }

  test('a hold that was made up does not replay', async () => {
    const dir = await newFolder();
    const ledger = await open(dir);
    await ledger.saveParams(SET_ID, SET);
    const scorer = createScorer({ ledger, kinds });
    await epochOf(scorer, 1, 4);
    const { row } = (await payAll(scorer, 1))!;
    await epochOf(scorer, 2, 4);
    const made = { type: 'breaker', is: 'tripped', epoch: 2, block: 20, since: 2 } as const;
    await ledger.append({ ...made, row: [...row], neurons: facts.neurons, limits: DEFAULT_BREAKER });
    await ledger.close();
    expect((await rowsIn(dir)).map(([epoch, , agrees]) => [epoch, agrees])).toEqual([
      [1, true],
      [2, false],
    ]);
  });
});
