import { expect, test } from 'vitest';
import { untilRound } from '../../../src/rollouts/follow.js';
import {
  assertWindowPlan,
  committedDigest,
  deadlineBlock,
  nextWindow,
  startBlock,
} from '../../../src/rollouts/windows.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import { recordingLog } from '../../support/logs.js';
import { chainByClock } from '../../support/rollout-chain.js';

const PLAN = { firstBlock: 100, everyBlocks: 30, workBlocks: 30 };

test('a window ends at the block with which the next one begins, at the latest', () => {
  expect([startBlock(PLAN, 0), deadlineBlock(PLAN, 0), startBlock(PLAN, 1)]).toEqual([100, 130, 130]);
  expect([0, 100, 101, 130, 131].map((block) => nextWindow(PLAN, block))).toEqual([0, 0, 1, 1, 2]);
  expect(() => assertWindowPlan(PLAN)).not.toThrow();
  expect(() => assertWindowPlan({ ...PLAN, workBlocks: 31 })).toThrow('at most everyBlocks');
  expect(() => assertWindowPlan({ ...PLAN, firstBlock: 4 })).toThrow('firstBlock');
});

test('what was committed after S and up to D counts, and only a SHA-256 in field 0', () => {
  const digest = new Uint8Array(32).fill(3);
  const at = { after: 100, upTo: 130 };
  const hash = { kind: 'hash', algorithm: 'Sha256', digest } as const;
  const by = (block: number, fields: Parameters<typeof committedDigest>[0] extends infer C ? C : never) =>
    committedDigest(fields && { ...fields, block }, at);
  expect(by(101, { block: 0, fields: [hash] })).toEqual(digest);
  expect(by(130, { block: 0, fields: [hash] })).toEqual(digest);
  expect(by(100, { block: 0, fields: [hash] })).toBeUndefined();
  expect(by(131, { block: 0, fields: [hash] })).toBeUndefined();
  expect(by(110, { block: 0, fields: [{ ...hash, algorithm: 'BlakeTwo256' }] })).toBeUndefined();
  expect(by(110, { block: 0, fields: [{ kind: 'none' }, hash] })).toBeUndefined();
  expect(by(110, { block: 0, fields: [] })).toBeUndefined();
  expect(by(110, undefined)).toBeUndefined();
});

test('a round that cannot be asked for is said at growing intervals, and is no round that did not come', async () => {
  const clock = createVirtualClock();
  const { log, lines } = recordingLog();
  const { beacon } = chainByClock(clock, []);
  const { signal } = new AbortController();
  const down = { ...beacon, fetch: () => Promise.reject(new Error('the line is down')) };
  const round = beacon.roundFrom(clock.now());
  const until = clock.now() + 60 * 60_000;
  await expect(
    clock.runUntil(untilRound({ beacon: down, clock, log }, round, until, signal)),
  ).rejects.toThrow('the line is down');
  // at once, then after 1, 2, 4, 8 and 16 minutes more
  expect(lines).toHaveLength(6);
  const none = { ...beacon, fetch: async () => undefined };
  expect(
    await clock.runUntil(untilRound({ beacon: none, clock, log }, round, until + 5_000, signal)),
  ).toBeUndefined();
  expect(lines).toHaveLength(6);
});
