import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { createBullQueue } from '../../../src/validator/queue/bull-queue.js';
import { openEvidenceDoor } from '../../../src/validator/queue/evidence-door.js';
import { openJobBook } from '../../../src/validator/queue/job-book.js';
import { createJournalQueue } from '../../../src/validator/queue/journal-queue.js';
import { parseRedisUrl } from '../../../src/validator/queue/redis-address.js';
import { computeProof } from '../../../src/verification/kinds/index.js';
import { QUEUE_KEY, STAMP, testJob } from '../../support/jobs.js';
import { formProblems } from '../../support/json-forms.js';
import { NO_REDIS, startRedis, type TestRedis } from '../../support/redis.js';
import { soon } from '../../support/soon.js';

// Real worker processes: one that is killed, one that is asked to end, and what is refused at the start.

const never = new AbortController().signal;
const children = new Set<ChildProcess>();
let dir: string;
let redis: TestRedis;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'assay-worker-'));
  await writeFile(join(dir, 'key'), QUEUE_KEY, { mode: 0o600 });
  if (NO_REDIS === undefined) redis = await startRedis({ password: 'planted-4711' });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await redis?.close();
  await rm(dir, { recursive: true, force: true });
});

interface Worker {
  readonly child: ChildProcess;
  /** its newest line of status */
  status(): Readonly<Record<string, unknown>> | undefined;
  said(): string;
  readonly exit: Promise<number | NodeJS.Signals>;
}

function startWorker(flags: readonly string[], environment: Readonly<Record<string, string>> = {}): Worker {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'src/cli/main.ts', 'validator', 'worker', '--json', '--admin-port', '-1', ...flags],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
  );
  children.add(child);
  let status: Record<string, unknown> | undefined;
  let said = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    status = JSON.parse(line);
    printed.push(line);
  });
  child.stderr.on('data', (text: Buffer) => {
    said += text;
  });
  // when it has been read to its last word, too
  const exit = once(child, 'close').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals);
  return { child, status: () => status, said: () => said, exit };
}

/** What all of them printed, line by line. */
const printed: string[] = [];

/** Evidence that is none: whoever verifies it says so. */
function badJob(n: number) {
  const { job, opening } = testJob(n);
  const [paramsId, params] = [...computeProof.table][0]!;
  return { job: { ...job, paramsId, params: params as object }, opening };
}

describe.skipIf(NO_REDIS)('assay validator worker', () => {
  it('is killed with a job in its hand, and another worker ends it; asked to end, it does in time', async () => {
    const address = parseRedisUrl(redis.url);
    const parts = { key: QUEUE_KEY, clock: systemClock, log: silentLog };
    const book = await openJobBook({ ...parts, stamp: STAMP }, join(dir, 'queue'));
    let isHeld = true;
    const door = await openEvidenceDoor(
      // as long as it is held, whoever asks has a job in its hand
      {
        ...parts,
        store: { read: (digest) => (isHeld ? new Promise(() => {}) : book.evidence.read(digest)) },
      },
      { host: '127.0.0.1', port: 0 },
    );
    const queue = await createBullQueue(
      {
        ...parts,
        inner: createJournalQueue({ book, log: silentLog }),
        redis: address,
        prefix: 'assay',
        stamp: STAMP,
      },
      { lateMs: 60_000 },
    );
    const common = ['--queue-key', join(dir, 'key'), '--evidence', `http://127.0.0.1:${door.port}`];
    const environment = { ASSAY_REDIS: redis.url, ASSAY_VERIFIER_THREADS: '1' };
    const first = startWorker(common, environment);
    const { job, opening } = badJob(1);
    const end = queue.add(job, { opening }, never);
    await soon(() => expect(first.status()).toMatchObject({ inHand: 1 }));
    isHeld = false;
    first.child.kill('SIGKILL');
    expect(await first.exit).toBe('SIGKILL');
    const second = startWorker(common, environment);
    expect(await end).toEqual({ kind: 'done', verdict: { kind: 'rejected', reason: 'malformed' } });
    expect(queue.status()).toMatchObject({ ended: 1, recovered: 1, doubled: 0, setAside: 0 });
    second.child.kill('SIGTERM');
    const at = performance.now();
    expect(await second.exit).toBe(0);
    expect(performance.now() - at).toBeLessThan(10_000);
    expect(`${first.said()}${second.said()}`).not.toContain('planted-4711');
    expect(printed.length).toBeGreaterThan(2);
    expect(formProblems('validator worker', printed.join('\n'))).toEqual([]);
    await queue.close();
    await door.close();
  }, 120_000);

  it('refuses a password that a list of processes would show, a key that is none, and a password that is another', async () => {
    const evidence = ['--evidence', 'http://127.0.0.1:1'];
    const key = ['--queue-key', join(dir, 'key')];
    const shown = startWorker(['--redis', redis.url, ...key, ...evidence]);
    const noKey = startWorker(['--queue-key', join(dir, 'none'), ...evidence], { ASSAY_REDIS: redis.url });
    const other = startWorker([...key, ...evidence], { ASSAY_REDIS: redis.url.replace('4711', '4712') });
    expect(await Promise.all([shown.exit, noKey.exit, other.exit])).toEqual([2, 2, 1]);
    expect(shown.said()).toMatch(/process lists show flags/);
    expect(noKey.said()).toMatch(/queue key: expected a file of 32 bytes/);
    expect(other.said()).toMatch(/refuses our name or password/);
    for (const { said } of [shown, noKey, other]) expect(said()).not.toMatch(/planted/);
  }, 120_000);
});
