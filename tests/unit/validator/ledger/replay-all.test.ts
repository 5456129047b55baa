import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toHex } from '../../../../src/model/bytes.js';
import { type Hotkey, toColdkey, toHotkey } from '../../../../src/model/ids.js';
import { silentLog } from '../../../../src/model/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { inconclusive, rejected } from '../../../../src/model/verdict.js';
import {
  DEFAULT_POLICY,
  encodePolicy,
  type Facts,
  parsePolicy,
  policyDigest,
  type ScoringPolicy,
} from '../../../../src/scoring/index.js';
import { exportLedger, importLedger } from '../../../../src/validator/ledger/bundle.js';
import type { EventEntry } from '../../../../src/validator/ledger/entries.js';
import { openLedger, openLedgerReader } from '../../../../src/validator/ledger/ledger.js';
import { replayAll } from '../../../../src/validator/ledger/replay-all.js';
import { scoreEpoch } from '../../../../src/validator/score.js';
import { toyKind } from '../../../support/toy-kind.js';
import { bytes32, newFolder, outcomeEntry, whose } from './folders.js';

const event = (type: EventEntry['type'], epoch: number): EventEntry => ({
  type,
  event: toHex(bytes32(`${epoch}`)),
  epoch,
  block: 12 + epoch,
  basis: bytes32('basis'),
});
const OWNER = toHotkey('owner');
const neuron = (name: string) =>
  [toHotkey(name), { coldkey: toColdkey(`cold ${name}`), stakeRao: 5n }] as const;
const FACTS: Facts = { owner: OWNER, neurons: new Map(['good', 'half', 'bad', 'owner'].map(neuron)) };
const DEFAULT = parsePolicy(JSON.parse(new TextDecoder().decode(encodePolicy(DEFAULT_POLICY))));
const parts = {
  kinds: { toy: toyKind() },
  random: createSeededRandom('replay all'),
  verifyChain: () => {
    throw new Error('no session of these has a chain to verify');
  },
};

/** Epochs that were paid by what `scoreEpoch` says; `alter` at what is written down of the row. */
async function paid(
  policy: ScoringPolicy = DEFAULT,
  alter: (row: [Hotkey, number][], epoch: number) => [Hotkey, number][] = (row) => row,
): Promise<string> {
  const dir = await newFolder();
  const ledger = await openLedger({ dir, ...whose, random: createSeededRandom('paid'), log: silentLog });
  await ledger.saveParams(policyDigest(policy), policy);
  for (const epoch of [1, 2, 3]) {
    await ledger.append(event('event-started', epoch));
    for (const [miner, opsPerS] of [
      ['good', 1e15],
      ['half', 5e14 + epoch],
    ] as const) {
      const entry = outcomeEntry(`${miner} ${epoch}`, { epoch, event: `${epoch}`, miner });
      await ledger.append({
        ...entry,
        outcome: { ...entry.outcome, credit: { opsPerS }, share: opsPerS / 1e15 },
      });
    }
    const verdict = epoch === 2 ? inconclusive('validator-fault') : rejected('window');
    await ledger.append(outcomeEntry(`bad ${epoch}`, { epoch, event: `${epoch}`, miner: 'bad', verdict }));
    await ledger.append(event('event-completed', epoch));
    const row = [...scoreEpoch(ledger, epoch, { policy })!.pay(FACTS).u16];
    const scored = {
      type: 'scored',
      epoch,
      block: 100 * epoch,
      policy: policyDigest(policy),
      facts: FACTS,
    } as const;
    await ledger.append({ ...scored, row: alter(row, epoch) });
  }
  await ledger.close();
  return dir;
}

test('makes every row again to the same u16, from the ledger alone, also in the folder of somebody else', async () => {
  const file = join(await newFolder(), 'ledger.assay');
  const to = await newFolder();
  await exportLedger({ dir: await paid(), writer: whose }, file);
  await importLedger(file, to);
  const ledger = await openLedgerReader({ dir: to, log: silentLog });
  const { rows, outcomes, inconclusive: faults, unsupported } = await replayAll({ ...parts, ledger });
  expect(rows.map(({ epoch, agrees }) => [epoch, agrees])).toEqual([
    [1, true],
    [2, true],
    [3, true],
  ]);
  const said: [string, number][][] = [];
  await ledger.fold({
    scored: ({ row, facts }) => {
      said.push(row.map(([hotkey, u16]) => [hotkey, u16]));
      expect(facts).toEqual(FACTS);
    },
  });
  expect(Math.max(...said[0]!.map(([, u16]) => u16))).toBe(65535);
  // 'compute' is no kind of this replay: nothing was judged again, and that is said
  expect({ outcomes, faults, unsupported }).toEqual({ outcomes: 9, faults: 1, unsupported: 8 });
});

test('names the hotkey whose u16 is another than follows', async () => {
  const dir = await paid(DEFAULT, (row, epoch) =>
    row.map(([hotkey, u16]) => [hotkey, hotkey === 'half' && epoch === 2 ? u16 + 1 : u16]),
  );
  const ledger = await openLedgerReader({ dir, log: silentLog });
  const { rows } = await replayAll({ ...parts, ledger });
  expect(rows.map(({ agrees }) => agrees)).toEqual([true, false, true]);
  const [difference] = rows[1]!.differences;
  expect(difference).toMatchObject({ hotkey: 'half', recorded: difference!.due + 1 });
  const { rows: some } = await replayAll({ ...parts, ledger }, { fromEpoch: 3, toEpoch: 3 });
  expect(some).toMatchObject([{ epoch: 3, agrees: true }]);
});

test('counts what is kept no longer apart, and what was judged again', async () => {
  const dir = await paid();
  const writer = await openLedger({ dir, ...whose, random: createSeededRandom('x'), log: silentLog });
  await writer.expire({ keepFrom: 3 });
  await writer.close();
  const ledger = await openLedgerReader({ dir, log: silentLog });
  const told: number[] = [];
  const all = await replayAll(
    { ...parts, ledger },
    { concurrency: 3, onProgress: ({ judged }) => told.push(judged) },
  );
  expect(all).toMatchObject({ outcomes: 9, notKept: 5, unsupported: 3, inconclusive: 1, agreeing: 0 });
  expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});
