// What a miner of rollouts signs once, shows once it is committed, and tries again.
import { beforeAll, expect, test } from 'vitest';
import { policyDigest } from '../../../../src/inference/spec/policy.js';
import { devKeypair, readyKeys } from '../../../../src/keys/keypair.js';
import { type RolloutMinerStatus, runRolloutMiner } from '../../../../src/miner/rollouts/run.js';
import { toHex } from '../../../../src/model/bytes.js';
import { toHotkey } from '../../../../src/model/ids.js';
import { createMemoryShelf, manifestName } from '../../../../src/rollouts/shelf.js';
import { createVirtualClock } from '../../../../src/testing/virtual-clock.js';
import { writeSubmission } from '../../../../src/verification/rollouts/submission.js';
import { recordingLog } from '../../../support/logs.js';
import { chainByClock, rulesOf } from '../../../support/rollout-chain.js';

beforeAll(readyKeys);

const POLICY = {
  temperature: '1',
  candidates: 64,
  maxTokens: 8,
  stopIds: [9],
  rolloutsPerGroup: 2,
  environmentDigest: new Uint8Array(32).fill(9),
};

/** Windows 0 and on, until one of them is told to be what is waited for. */
async function mines(setting: {
  readonly shelf?: ReturnType<typeof createMemoryShelf>;
  readonly policy?: typeof POLICY;
  readonly until: (status: RolloutMinerStatus) => boolean;
  readonly fails?: (block: number, what: string) => Error | undefined;
  readonly beforeCommit?: (digest: Uint8Array) => Promise<void>;
}) {
  const { shelf = createMemoryShelf(), policy = POLICY, until, beforeCommit = async () => {} } = setting;
  const keypair = devKeypair('miner');
  const self = toHotkey(keypair.address);
  const clock = createVirtualClock();
  const world = chainByClock(clock, [self]);
  world.fails = (what, block) => setting.fails?.(block, what);
  const { log, lines } = recordingLog();
  const statuses: RolloutMinerStatus[] = [];
  const digests: string[] = [];
  let works = 0;
  const end = new AbortController();
  const parts = {
    ...{ ...world, clock, log, shelf, keypair },
    work: async ({ context }: { context: Parameters<typeof writeSubmission>[1]['window'] }) => {
      works++;
      if (setting.fails?.(Math.floor(clock.now() / 1000) - 1_700_000_000, 'work'))
        throw new Error('no model');
      const rollouts = [0, 1].map((index) => ({
        ...{ group: 0, index, stop: 'eos' as const },
        tokens: Uint32Array.of(works, 9),
      }));
      const made = { window: context, policy, hotkey: keypair.publicKey, groups: 1, forfeits: [] };
      return writeSubmission(
        rollouts,
        { ...made, vocabulary: 16, profileDigest: new Uint8Array(32) },
        keypair.sign,
      );
    },
    commit: async (digest: Uint8Array) => {
      await beforeCommit(digest);
      digests.push(toHex(digest));
      const { number: block } = await world.chain.head();
      world.committed.set(self, { digest, block });
      return { block } as never; // no more of it is looked at
    },
    onStatus: (status: RolloutMinerStatus) => {
      statuses.push(status);
      if (until(status)) end.abort();
    },
  };
  await clock.runUntil(runRolloutMiner(parts, rulesOf(policyDigest(policy)), end.signal));
  return { statuses, digests, works, shelf, lines };
}

test('a manifest is handed out once it is committed, and not before', async () => {
  const before: unknown[] = [];
  const shelf = createMemoryShelf();
  const { digests } = await mines({
    shelf,
    until: ({ is }) => is === 'committed',
    beforeCommit: async (digest) => void before.push(await shelf.piece(manifestName(digest), 0)),
  });
  expect(before).toEqual([undefined]);
  expect(await shelf.piece(manifestName(Buffer.from(digests[0]!, 'hex')), 0)).toBeDefined();
});

test('what was signed before a restart is handed in again, and beside it nothing, whatever changed since', async () => {
  const first = await mines({ until: ({ is }) => is === 'committed' });
  const again = await mines({ shelf: first.shelf, until: ({ is }) => is === 'committed' });
  expect(again.works).toBe(0);
  expect(again.digests).toEqual(first.digests);
  const policy = { ...POLICY, temperature: '0.9' };
  const other = await mines({ shelf: first.shelf, policy, until: ({ window }) => window === 1 });
  expect(other.statuses).toMatchObject([
    { window: 0, is: 'other' },
    { window: 1, is: 'committed' },
  ]);
  expect(other.works).toBe(1);
});

test('a chain or a model that fails for a while costs no window', async () => {
  const { statuses, lines } = await mines({
    // the window is open from block 10 to 30, and work must end at 26
    fails: (block, what) =>
      block < (what === 'work' ? 20 : 15) && !['head', 'info'].includes(what) ? new Error('down') : undefined,
    until: () => true,
  });
  expect(statuses).toMatchObject([{ window: 0, is: 'committed' }]);
  // and is said at growing intervals, not at each of the tries
  expect(lines.filter(({ level }) => level === 'warn').length).toBeLessThan(6);
});
