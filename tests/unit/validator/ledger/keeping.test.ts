import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toHex } from '../../../../src/model/bytes.js';
import { toColdkey, toHotkey } from '../../../../src/model/ids.js';
import { silentLog } from '../../../../src/model/log.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import {
  DEFAULT_POLICY,
  type Facts,
  parsePolicy,
  policyDigest,
  type ScoringRule,
} from '../../../../src/scoring/index.js';
import { exportLedger, importLedger } from '../../../../src/validator/ledger/bundle.js';
import type { ScoredEntry } from '../../../../src/validator/ledger/entries.js';
import { createKeeping, type KeepLimits } from '../../../../src/validator/ledger/keeping.js';
import { type Ledger, openLedger, openLedgerReader } from '../../../../src/validator/ledger/ledger.js';
import { replayRows } from '../../../../src/validator/ledger/replay-all.js';
import { scoreEpoch } from '../../../../src/validator/score.js';
import { bytes32, newFolder, outcomeEntry, recordingLog, whose } from './folders.js';

const POLICY = parsePolicy(DEFAULT_POLICY);
const DIGEST = policyDigest(POLICY);
const OTHER = 'f'.repeat(64);
const neuron = (name: string) =>
  [toHotkey(name), { coldkey: toColdkey(`cold ${name}`), stakeRao: 5n }] as const;
const facts: Facts = { owner: toHotkey('owner'), neurons: new Map(['good', 'half', 'owner'].map(neuron)) };
const WITHOUT_END: KeepLimits = { evidenceBytes: Number.POSITIVE_INFINITY };

/** Six epochs that were paid by a policy, the last of them by the one of the digest `last`. */
async function paid({
  policy: by = POLICY,
  rules = [] as readonly ScoringRule[],
  last = policyDigest(by),
} = {}): Promise<{ dir: string; ledger: Ledger }> {
  const digest = policyDigest(by);
  const dir = await newFolder();
  const ledger = await openLedger({ dir, ...whose, random: createSeededRandom('keep'), log: silentLog });
  await ledger.saveParams(digest, by);
  for (const epoch of [1, 2, 3, 4, 5, 6]) {
    const event = { event: toHex(bytes32(`${epoch}`)), epoch, block: epoch, basis: bytes32('basis') };
    await ledger.append({ type: 'event-started', ...event });
    for (const [miner, share] of [
      ['good', 1],
      ['half', 0.5 + epoch / 100],
    ] as const) {
      const entry = outcomeEntry(`${miner} ${epoch}`, { epoch, event: `${epoch}`, miner });
      const outcome = { ...entry.outcome, credit: { opsPerS: 1e15 * share }, share };
      await ledger.append({ ...entry, outcome });
    }
    await ledger.append({ type: 'event-completed', ...event });
    const row = [...scoreEpoch(ledger, epoch, { policy: by, rules })!.pay(facts).u16];
    const policy = epoch === 6 ? last : digest;
    await ledger.append({ type: 'scored', epoch, block: epoch, policy, facts, row });
  }
  return { dir, ledger };
}
async function kept(ledger: Ledger, limits: KeepLimits, policy: string | undefined = DIGEST) {
  const { log, lines } = recordingLog();
  const keeping = createKeeping({ ledger, kinds: {}, log }, () => limits);
  keeping.at(6, policy);
  await keeping.close();
  expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
}
const evidenceOf = async (dir: string) =>
  (await readdir(join(dir, 'evidence'))).map((name) => Number.parseInt(name, 10)).sort();

test('nothing goes of what no limit speaks of', async () => {
  const { dir, ledger } = await paid();
  await kept(ledger, WITHOUT_END);
  expect([ledger.segments(), await evidenceOf(dir)]).toEqual([
    [1, 2, 3, 4, 5, 6],
    [1, 2, 3, 4, 5, 6],
  ]);
  await ledger.close();
});

test('once an epoch sessions go by their age or bytes, and outcomes stay', async () => {
  const { dir, ledger } = await paid();
  await kept(ledger, { ...WITHOUT_END, evidenceEpochs: 3 });
  expect(await evidenceOf(dir)).toEqual([3, 4, 5, 6]);
  await kept(ledger, { evidenceBytes: 0 });
  expect([ledger.segments(), await evidenceOf(dir)]).toEqual([[1, 2, 3, 4, 5, 6], [6]]);
  await ledger.close();
});

test('outcomes go into the state of what is paid by, under who reads them; the rows that stay are made again, also elsewhere', async () => {
  const { dir, ledger } = await paid();
  let isOver = false;
  const seen = new Set<string>();
  const readAllTheTime = async () => {
    while (!isOver) {
      let outcomes = 0;
      const from = ledger.compacted()?.head.epoch ?? 0;
      await ledger.fold({ outcome: () => void outcomes++ });
      seen.add(`${outcomes} behind ${from}`);
    }
  };
  const readers = Promise.all(Array.from({ length: 20 }, readAllTheTime));
  await kept(ledger, { ...WITHOUT_END, outcomeEpochs: 3 }).finally(() => {
    isOver = true;
  });
  await readers;
  // of what a reader began with nothing goes
  expect([...seen].filter((each) => !['12 behind 0', '8 behind 2'].includes(each))).toEqual([]);
  expect([ledger.segments(), await evidenceOf(dir)]).toEqual([
    [3, 4, 5, 6],
    [3, 4, 5, 6],
  ]);
  expect((await readdir(join(dir, 'segments'))).length).toBe(4);
  await ledger.close();
  const [file, to] = [join(await newFolder(), 'ledger.assay'), await newFolder()];
  await exportLedger({ dir, writer: whose }, file);
  await importLedger(file, to);
  const reader = await openLedgerReader({ dir: to, log: silentLog });
  expect(reader.heads()).toHaveLength(5);
  expect(reader.compacted()?.head.epoch).toBe(2);
  const rows = await replayRows({ ledger: reader }, () => true);
  expect(rows.map(({ epoch, agrees }) => [epoch, agrees])).toEqual(
    [3, 4, 5, 6].map((epoch) => [epoch, true]),
  );
});

test('no outcome goes while a row that stays is of another policy, nor before anything was paid', async () => {
  const { ledger } = await paid({ last: OTHER });
  await kept(ledger, { ...WITHOUT_END, outcomeEpochs: 3 });
  expect(ledger.segments()).toHaveLength(6);
  await ledger.close();
  const { ledger: unpaid } = await paid();
  const keeping = createKeeping({ ledger: unpaid, kinds: {}, log: silentLog }, () => ({
    ...WITHOUT_END,
    outcomeEpochs: 3,
  }));
  keeping.at(6, undefined);
  await keeping.close();
  expect(unpaid.segments()).toHaveLength(6);
  await unpaid.close();
});

test('under a policy with a rule of the subnet’s own, outcomes go where the rule is and stay where it is not', async () => {
  const worstFirst: ScoringRule = {
    name: 'worst-first',
    version: 1,
    divide: (claims) => claims.map(({ worth }) => (1n << 40n) - worth),
  };
  const rules = [worstFirst];
  const [pool] = DEFAULT_POLICY.pools;
  const policy = parsePolicy(
    { ...DEFAULT_POLICY, pools: [{ ...pool, rule: { name: 'worst-first', version: 1 } }] },
    undefined,
    rules,
  );
  const digest = policyDigest(policy);
  const { dir, ledger } = await paid({ policy, rules });
  const keep = async (own: readonly ScoringRule[]) => {
    const { log, lines } = recordingLog();
    const limits = () => ({ ...WITHOUT_END, outcomeEpochs: 3 });
    const keeping = createKeeping({ ledger, kinds: {}, rules: own, log }, limits);
    keeping.at(6, digest);
    await keeping.close();
    return lines.filter(({ level }) => level === 'warn').map(({ error }) => (error as { code: string }).code);
  };
  expect(await keep([])).toEqual(['unsupported']);
  expect(ledger.segments()).toEqual([1, 2, 3, 4, 5, 6]);
  expect(await keep(rules)).toEqual([]);
  expect(ledger.segments()).toEqual([3, 4, 5, 6]);
  await ledger.close();
  const reader = await openLedgerReader({ dir, log: silentLog });
  const [first] = await replayRows({ ledger: reader, rules }, () => true);
  expect(first).toMatchObject({ epoch: 3, policy: digest, agrees: true });
  // in a state that says which rule it was folded for, but not what the rule does
  await expect(replayRows({ ledger: reader }, () => true)).rejects.toMatchObject({ code: 'unsupported' });
  const other = [{ ...worstFirst, divide: (claims: readonly unknown[]) => claims.map(() => 1n) }];
  const otherwise = await replayRows({ ledger: reader, rules: other }, () => true);
  expect(otherwise.map(({ agrees }) => agrees)).toEqual([false, false, false, false]);
});

test('a hold goes whole, with the epochs that it was decided by: what it says can be made again until then', async () => {
  const { ledger } = await paid();
  const { row } = (await lastScored(ledger))!;
  const hold = { type: 'breaker', since: 7 } as const;
  await ledger.append({ ...hold, is: 'tripped', epoch: 7, block: 7, row });
  await ledger.append({ ...hold, is: 'released', epoch: 8, block: 8 });
  await ledger.append({ type: 'weights', epoch: 15, block: 15, row: [] });
  const at = async (epoch: number, outcomeEpochs: number) => {
    const keeping = createKeeping({ ledger, kinds: {}, log: silentLog }, () => ({
      ...WITHOUT_END,
      outcomeEpochs,
    }));
    keeping.at(epoch, DIGEST);
    await keeping.close();
    return ledger.segments();
  };
  // the last word on it stays: so does what it speaks of
  expect(await at(15, 7)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 15]);
  expect(await at(15, 6)).toEqual([15]);
  await ledger.close();
});

async function lastScored(ledger: Ledger): Promise<ScoredEntry | undefined> {
  let last: ScoredEntry | undefined;
  await ledger.fold({
    scored(entry) {
      last = entry;
    },
  });
  return last;
}
