import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createPaySource } from '../../../src/cli/dashboard/pay-source.js';
import { noParameterFacts } from '../../../src/dashboard/parameter-facts.js';
import { toColdkey, toHotkey } from '../../../src/model/ids.js';
import { rejected } from '../../../src/model/verdict.js';
import {
  createScoringState,
  DEFAULT_POLICY,
  encodePolicy,
  type Facts,
  parsePolicy,
  policyDigest,
  type ScoringRule,
} from '../../../src/scoring/index.js';
import type { EventEntry, ScoredEntry } from '../../../src/validator/ledger/entries.js';
import { scoreState } from '../../../src/validator/score.js';
import { outcomeOf } from '../../support/dashboard-values.js';
import { evenly } from '../../support/own-rules.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const eventEntry = (type: EventEntry['type']): EventEntry => ({
  type,
  event: 'event-1',
  epoch: 7,
  block: 1001,
  basis: new Uint8Array(32),
});
const facts: Facts = {
  owner: toHotkey('owner'),
  neurons: new Map(
    ['hot-1', 'hot-2', 'hot-3'].map((hotkey) => [toHotkey(hotkey), { coldkey: toColdkey(`cold-${hotkey}`) }]),
  ),
};
const outcomes = [
  outcomeOf('hot-1', 1, { share: 1 }),
  outcomeOf('hot-2', 1, { verdict: rejected('seed'), credit: {}, share: 0 }),
];

/** What a validator records of that epoch. */
function scoredEntry(change: Partial<ScoredEntry> = {}, policy = DEFAULT_POLICY): ScoredEntry {
  const state = createScoringState(policy, { rules: [evenly] });
  state.started(eventEntry('event-started'));
  for (const outcome of outcomes) state.outcome(outcome);
  state.completed(eventEntry('event-completed'));
  const row = [...scoreState(state, 7)!.pay(facts).u16];
  return {
    type: 'scored',
    epoch: 7,
    block: 1300,
    policy: policyDigest(policy),
    facts,
    row,
    ...change,
  };
}

async function told(entry: ScoredEntry, policy = DEFAULT_POLICY, rules: readonly ScoringRule[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'assay-pay-'));
  folders.push(folder);
  await writeFile(join(folder, `${policyDigest(policy)}.json`), encodePolicy(policy));
  const source = createPaySource(folder, noParameterFacts, rules);
  source.started?.(eventEntry('event-started'));
  for (const outcome of outcomes) source.outcome?.(outcome);
  source.completed?.(eventEntry('event-completed'));
  source.scored?.(entry);
  return source;
}

test('says why each hotkey was paid nothing, and nothing of who was paid in full', async () => {
  const source = await told(scoredEntry());
  expect(source.why('hot-1')).toBeUndefined();
  expect(source.why('hot-2')).toEqual({ epoch: 7, zero: 'never-accepted', cuts: [] });
  expect(source.why('hot-3')).toEqual({ epoch: 7, zero: 'not-challenged', cuts: [] });
});

test('explains nothing that comes out otherwise than it was recorded, or by a policy that is not here', async () => {
  const other = await told(scoredEntry({ row: [[toHotkey('hot-2'), 65_535]] }));
  expect(other.why('hot-3')).toBeUndefined();
  const unknown = await told(scoredEntry({ policy: 'ab'.repeat(32) }));
  expect(unknown.why('hot-3')).toBeUndefined();
});

test('explains what a rule of the subnet’s own paid where the rule is here, and nothing where it is not or fails', async () => {
  const pools = [{ ...DEFAULT_POLICY.pools[0], rule: { name: 'evenly', version: 2 } }];
  const policy = parsePolicy({ ...DEFAULT_POLICY, pools }, undefined, [evenly]);
  const entry = scoredEntry({}, policy);
  const why = async (rules: readonly ScoringRule[]) => (await told(entry, policy, rules)).why('hot-3');
  expect(await why([evenly])).toEqual({ epoch: 7, zero: 'not-challenged', cuts: [] });
  expect(await why([])).toBeUndefined();
  expect(await why([{ ...evenly, divide: () => [] }])).toBeUndefined();
});
