import { expect, test } from 'vitest';
import { devKeypair } from '../../../../src/keys/keypair.js';
import { toHex } from '../../../../src/model/bytes.js';
import { toHotkey } from '../../../../src/model/ids.js';
import { silentLog } from '../../../../src/model/log.js';
import type { Outcome } from '../../../../src/model/outcome.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { accepted, inconclusive, rejected } from '../../../../src/model/verdict.js';
import { compareLedgers, type DifferenceWhy } from '../../../../src/validator/ledger/compare.js';
import type { EventEntry } from '../../../../src/validator/ledger/entries.js';
import { type LedgerReader, openLedger, openLedgerReader } from '../../../../src/validator/ledger/ledger.js';
import { bytes32, newFolder, outcomeEntry, whose } from './folders.js';

const event = (type: EventEntry['type'], name: string, epoch: number): EventEntry => ({
  type,
  event: toHex(bytes32(name)),
  epoch,
  block: 12,
  basis: bytes32('basis'),
});

type Change = Partial<Pick<Outcome, 'verdict' | 'credit' | 'share' | 'paramsId' | 'byTurn'>>;

/** By miner, what one validator made of it in an event; `ends` says of which events it has what. */
async function ledgerOf(
  name: string,
  outcomes: Record<string, Change>,
  ends: Record<string, 'started' | 'completed'> = { event: 'completed' },
  netuid = 2,
): Promise<LedgerReader> {
  const dir = await newFolder();
  const keypair = devKeypair(name);
  const ledger = await openLedger({
    dir,
    ...whose,
    netuid,
    keypair,
    random: createSeededRandom(name),
    log: silentLog,
  });
  for (const of of Object.keys(ends)) await ledger.append(event('event-started', of, 1));
  for (const [key, change] of Object.entries(outcomes)) {
    const [miner, of = 'event'] = key.split('@');
    const entry = outcomeEntry(`${name} ${key}`, { miner: miner!, event: of });
    const outcome = { ...entry.outcome, netuid, validator: toHotkey(keypair.address), ...change };
    await ledger.append({ ...entry, outcome });
  }
  for (const [of, end] of Object.entries(ends))
    if (end === 'completed') await ledger.append(event('event-completed', of, 1));
  await ledger.close();
  return openLedgerReader({ dir, log: silentLog });
}

const full = { verdict: accepted, credit: { opsPerS: 100 }, share: 1 };

test('two validators that saw the same differ in nothing', async () => {
  const [a, b] = [await ledgerOf('a', { m1: full, m2: {} }), await ledgerOf('b', { m1: full, m2: {} })];
  expect(await compareLedgers(a, b)).toMatchObject({
    events: { both: 1, onlyA: 0, onlyB: 0 },
    sessions: { same: 2, different: 0 },
    why: {},
    differences: [],
  });
});

const cases: [DifferenceWhy, Change | undefined, Change | undefined][] = [
  ['time', full, { verdict: rejected('window') }],
  ['reach', full, { verdict: rejected('unreachable') }],
  ['content', { verdict: rejected('projection') }, full],
  ['reason', { verdict: rejected('path') }, { verdict: rejected('range') }],
  ['own-fault', { verdict: inconclusive('validator-late') }, full],
  ['declined', { verdict: inconclusive('maintenance') }, full],
  ['credit', full, { ...full, credit: { opsPerS: 99 } }],
  ['parameters', full, { ...full, paramsId: '00'.repeat(32) }],
  ['not-challenged', full, undefined],
];
test.each(cases)('says that they differ by %s', async (why, ofA, ofB) => {
  const a = await ledgerOf('a', { same: full, ...(ofA ? { m: ofA } : {}) });
  const b = await ledgerOf('b', { same: full, ...(ofB ? { m: ofB } : {}) });
  const compared = await compareLedgers(a, b);
  expect(compared).toMatchObject({ sessions: { same: 1, different: 1 }, why: { [why]: 1 } });
  expect(compared.differences).toMatchObject([{ why, miner: 'm', epoch: 1 }]);
});

test('tells an event that one never held from one that it never completed', async () => {
  const both = { m: full, 'm@other': full, 'm@half': full };
  const a = await ledgerOf('a', both, { event: 'completed', other: 'completed', half: 'completed' });
  const b = await ledgerOf('b', { m: full, 'm@half': full }, { event: 'completed', half: 'started' });
  expect(await compareLedgers(a, b)).toMatchObject({
    events: { both: 1, onlyA: 2, onlyB: 0 },
    why: { 'not-held': 1, 'not-completed': 1 },
  });
  expect((await compareLedgers(a, b, { most: 1 })).differences).toHaveLength(1);
  expect((await compareLedgers(a, b, { fromEpoch: 2 })).sessions).toEqual({
    same: 0,
    different: 0,
    oneTurn: 0,
  });
});

test('an event that neither completed makes no difference: a ledger is the same as itself', async () => {
  const a = await ledgerOf('a', { m: full, 'm@half': full }, { event: 'completed', half: 'started' });
  expect(await compareLedgers(a, a)).toMatchObject({ sessions: { same: 2, different: 0 }, differences: [] });
});

test('ledgers of two subnets are not compared', async () => {
  const [a, b] = [await ledgerOf('a', { m: full }), await ledgerOf('b', { m: full }, undefined, 3)];
  await expect(compareLedgers(a, b)).rejects.toMatchObject({ code: 'invalid-input' });
});

test('takes no turn of one for a difference, and a verdict of both in one for what it is', async () => {
  const turn = { ...full, byTurn: true };
  const a = await ledgerOf('a', { same: full, m: turn, both: turn });
  const b = await ledgerOf('b', { same: full, n: turn, both: { ...turn, verdict: rejected('path') } });
  expect(await compareLedgers(a, b)).toMatchObject({
    sessions: { same: 1, different: 1, oneTurn: 2 },
    why: { content: 1 },
  });
});
