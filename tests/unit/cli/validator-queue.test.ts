import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { dataPaths } from '../../../src/cli/assemble.js';
import { forgetJob, listQueue, retryJob } from '../../../src/cli/commands/validator-queue.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { openJobBook } from '../../../src/validator/queue/job-book.js';
import { openQueueKey } from '../../../src/validator/queue/queue-key.js';
import { STAMP, testJob } from '../../support/jobs.js';

let data: string;
let printed: string[];
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'assay-queue-cli-'));
  printed = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  const key = await openQueueKey(dataPaths.queueKey(data), { make: true });
  const parts = { key, stamp: STAMP, clock: systemClock, log: silentLog };
  const book = await openJobBook(parts, dataPaths.queue(data));
  for (const n of [1, 2]) await book.put(testJob(n).job, { opening: testJob(n).opening });
  await book.setAside(testJob(1).job.id, { reason: 'poison', detail: '3 processes ended with it in hand' });
  await book.settle(testJob(1).job.id);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(data, { recursive: true, force: true });
});

const { id } = testJob(1).job;
const never = new AbortController().signal;

it('shows what is kept and what was set aside, with the reason', async () => {
  expect(await listQueue({ data, json: true })).toBe(0);
  expect(JSON.parse(printed.join(''))).toMatchObject({
    kept: 1,
    inHand: 0,
    setAside: [{ id, reason: 'poison', kind: 'compute', bytes: 256, miner: testJob(1).job.from }],
  });
  printed = [];
  await listQueue({ data });
  expect(printed.join('')).toContain('1 jobs kept for their outcome, 0 of them in hand');
  expect(printed.join('')).toContain('3 processes ended with it in hand');
});

it('forgets one by the beginning of its name, and no other', async () => {
  await expect(forgetJob('', { data })).rejects.toThrow('which none is');
  await expect(forgetJob(testJob(2).job.id, { data })).rejects.toThrow('which none is');
  expect(await forgetJob(id.slice(0, 8), { data })).toBe(0);
  expect(await readdir(join(dataPaths.queue(data), 'set-aside'))).toEqual([]);
  expect(await readdir(join(dataPaths.queue(data), 'jobs'))).toEqual([testJob(2).job.id]);
});

it('tries one again as it was, and says where it cannot', async () => {
  // its parameters are of no compute that there is
  await expect(retryJob(id, { data }, never)).rejects.toThrow();
  await rm(join(dataPaths.queue(data), 'set-aside', id, 'opening'));
  await expect(retryJob(id, { data }, never)).rejects.toThrow('expected its opening in');
  await expect(listQueue({ data: join(data, 'none') })).rejects.toThrow('one without a queue');
});
