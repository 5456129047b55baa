// Faults of a machine and its network that no other test shows; `npm run reliability -- faults` lists them with those that do.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FAULTS } from '../../../reliability/faults/catalogue.js';
import { claimOf } from '../../../reliability/faults/soak.js';
import { connectSubtensor } from '../../../src/chain/subtensor/connect.js';
import { openHostKey } from '../../../src/cli/host-keys.js';
import { openServerKeys } from '../../../src/cli/server-keys.js';
import { createWebhook } from '../../../src/cli/webhook.js';
import { devKeypair, readyKeys } from '../../../src/keys/index.js';
import { createHosts } from '../../../src/miner/hosts/hosts.js';
import { serveHosts } from '../../../src/miner/hosts/tls.js';
import { utf8 } from '../../../src/model/bytes.js';
import { type Clock, systemClock } from '../../../src/model/clock.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom, systemRandom } from '../../../src/model/prng.js';
import { accepted } from '../../../src/model/verdict.js';
import { dial } from '../../../src/protocol/dial.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import { serve } from '../../../src/protocol/serve.js';
import { createServerIdentity } from '../../../src/protocol/server-key.js';
import { openEvidenceDoor } from '../../../src/validator/queue/evidence-door.js';
import { openJobBook } from '../../../src/validator/queue/job-book.js';
import { createJournalQueue } from '../../../src/validator/queue/journal-queue.js';
import { openQueueKey } from '../../../src/validator/queue/queue-key.js';
import { QUEUE_KEY, STAMP, testJob } from '../../support/jobs.js';
import { recordingLog } from '../../support/logs.js';
import { soon } from '../../support/soon.js';
import { startLocalnet } from '../chain/localnet-node.js';

beforeAll(readyKeys);
const ends: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'assay-faults-'));
  ends.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function refusal(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await promise.then(
    () => expect.fail('it was not refused'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AssayError);
  return error as AssayError;
}

describe.each([3_600_000, -3_600_000])('a clock that is stepped by %i ms', (step) => {
  /** Its wall clock can be put; time goes on all the same. */
  function stepped(): Clock & { put(ms: number): void } {
    let by = 0;
    return {
      now: () => systemClock.now() + by,
      monotonic: () => systemClock.monotonic(),
      sleep: systemClock.sleep,
      put: (ms) => {
        by = ms;
      },
    };
  }

  async function pair() {
    const [ours, theirs] = [stepped(), stepped()];
    const wire = createLoopback({ clock: systemClock });
    const stop = new AbortController();
    const served = await serve(
      {
        wire,
        keypair: devKeypair('miner'),
        clock: theirs,
        log: silentLog,
        random: systemRandom,
        admit: () => true,
        handlers: {
          describe: async () => ({ version: '1' }),
          async prove(session) {
            while (await session.receive()) await session.send({ case: 'ready', value: {} });
          },
        },
      },
      { host: '127.0.0.1', port: 0, netuid: 7 },
      stop.signal,
    );
    const peer = dial(
      { wire, keypair: devKeypair('validator'), clock: ours, log: silentLog, random: systemRandom },
      {
        address: { host: served.host, port: served.port },
        hotkey: toHotkey(devKeypair('miner').address),
        netuid: 7,
      },
    );
    ends.push(async () => {
      peer.close();
      stop.abort();
      await served.closed;
    });
    return { ours, theirs, peer };
  }

  test.each(['ours', 'theirs'] as const)('%s, leaves a session that is open as it is', async (whose) => {
    const scene = await pair();
    const session = scene.peer.prove();
    await session.send({ case: 'arm', value: {} });
    expect((await session.receive())?.frame.body.case).toBe('ready');
    scene[whose].put(step);
    for (let i = 0; i < 3; i++) {
      await session.send({ case: 'open', value: {} });
      expect((await session.receive())?.frame.body.case).toBe('ready');
    }
    session.end();
    expect(await session.receive()).toBeUndefined();
  });

  test('refuses new calls, by name, until it is put right; then all is well again', async () => {
    const { ours, peer } = await pair();
    expect((await peer.describe()).version).toBe('1');
    ours.put(step);
    const { code, message } = await refusal(peer.describe());
    expect([code, message]).toEqual(['unauthenticated', expect.stringMatching(/: (skew|expired)$/)]);
    ours.put(0);
    expect((await peer.describe()).version).toBe('1');
  });
});

describe('a name that does not resolve', () => {
  test('among the nodes of a chain is passed over, and the one that is there is used', async () => {
    const node = await startLocalnet();
    ends.push(() => node.goDown());
    const chain = await connectSubtensor({
      urls: ['ws://no-such-host.invalid:9944', node.url],
      log: silentLog,
      clock: systemClock,
    });
    ends.push(() => chain.close());
    expect(chain.status()).toMatchObject({ state: 'connected', url: node.url });
    expect((await chain.head()).number).toBeGreaterThanOrEqual(0);
  });

  test('as a webhook is said in the log without the secret in its path, and stops nothing: the next place is told', async () => {
    const { log, lines } = recordingLog();
    const webhook = createWebhook('http://no-such-host.invalid/secret', { log });
    webhook.tell({ kind: 'first' });
    await soon(() => expect(lines.length).toBe(1));
    expect(JSON.stringify(lines[0])).toContain('webhook not reached');
    expect(JSON.stringify(lines[0])).not.toContain('secret');
    const told: string[] = [];
    const server = createServer((request, response) => {
      request.on('data', (bytes) => told.push(String(bytes))).on('end', () => response.end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(() => new Promise((resolve) => server.close(resolve)));
    webhook.move(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`); // a TCP server's
    webhook.tell({ kind: 'second' });
    await webhook.close();
    expect(told).toEqual(['{"kind":"second"}']);
  });
});

describe('permissions that are wrong', () => {
  const announced = { rotate: false, announced: undefined };
  test.each([
    ['the queue’s key', (path: string) => openQueueKey(path, { make: true })],
    ['the key of a host', openHostKey],
    ['the keys of a miner’s port', (path: string) => openServerKeys(path, announced)],
  ])('on %s: others may read it, and it is refused with its mode', async (_, open) => {
    const path = join(await folder(), 'key');
    await open(path);
    await open(path);
    await chmod(path, 0o644);
    const { code, message } = await refusal(open(path));
    expect([code, message]).toEqual(['invalid-input', expect.stringContaining('644')]);
    await chmod(path, 0o600);
    await open(path);
  });
});

/** A file system of its own in a namespace of its own, where that is allowed. */
const within = (dir: string, command: string) =>
  spawnSync(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', `mount -t tmpfs -o ro none ${dir} && ${command}`],
    {
      encoding: 'utf8',
      timeout: 60_000,
    },
  );
const mayMount = within('/mnt', 'true').status === 0;
if (!mayMount) console.warn('a read-only disk is not tried: this machine does not let us mount one');

describe('permissions that are wrong on disk', () => {
  test.skipIf(!mayMount)('on a data folder: it cannot be written, and the role does not begin', async () => {
    const dir = await folder();
    const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
    const start = `miner start --chain ws://127.0.0.1:9 --netuid 2 --hotkey //Alice --data ${dir}/data`;
    const { status, stderr } = within(dir, `${process.execPath} --import tsx ${main} ${start}`);
    expect(status).not.toBe(0);
    expect(stderr).toContain(`--data ${dir}/data: expected a folder that can be written`);
    expect(stderr).not.toContain('    at '); // no stack: it is the operator's to mend
  });
});

test('a queue whose disk is full judges all the same, says so in the log, and takes up nothing later', async () => {
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  const dir = await folder();
  const { log, messages } = recordingLog();
  const book = await openJobBook({ key: QUEUE_KEY, stamp: STAMP, clock: systemClock, log }, dir);
  const queue = createJournalQueue({ book: { ...book, put: () => Promise.reject(full) }, log });
  ends.push(() => queue.close());
  // an opening of this process's own sessions is still in its memory (queue-verifiers.ts), and is not asked for
  queue.work(async () => accepted, { concurrency: 1 });
  const { job, opening } = testJob(1);
  const end = await queue.add(job, { opening }, new AbortController().signal);
  expect(end).toEqual({ kind: 'done', verdict: accepted });
  expect(messages()).toEqual(['a job is not kept: it would not outlive this process']);
  expect(await readdir(join(dir, 'jobs'))).toEqual([]);
});

describe('the catalogue of faults', () => {
  const [fault] = FAULTS;
  const [[file, name]] = fault!.tests as [readonly [string, string]];
  const ran = (status: string) => [
    { file: `/somewhere/${file}`, name: `a queue ${name}`, status, why: 'broke' },
  ];

  test('holds what was run and passed, and nothing else', () => {
    expect(claimOf(fault!, ran('passed')).holds).toBe(true);
    expect(claimOf(fault!, ran('failed'))).toMatchObject({
      holds: false,
      found: expect.stringContaining('broke'),
    });
    expect(claimOf(fault!, ran('skipped'))).toMatchObject({
      holds: false,
      found: expect.stringContaining('not run'),
    });
    expect(claimOf(fault!, [])).toMatchObject({ holds: false, found: expect.stringContaining('no test') });
  });

  test('names tests that there are', async () => {
    for (const { tests } of FAULTS)
      for (const [of, title] of tests) {
        const text = await readFile(of, 'utf8');
        // of a name that is made of parts, the last part that stands in the file as it is
        const parts = title.split(
          / -?\d+ ms |ours, |theirs, |on the .*?: |of the evidence door |for hosts |^on a /,
        );
        expect(text, `${of}: ${title}`).toContain(parts.at(-1)!.slice(0, 40));
      }
  });
});

describe('a port that is taken', () => {
  const never = new AbortController().signal;
  test.each([
    [
      'of the evidence door',
      async (port: number) => {
        const key = await openQueueKey(join(await folder(), 'key'), { make: true });
        const store = { read: async () => utf8('x') };
        return openEvidenceDoor(
          { store, key, clock: systemClock, log: silentLog },
          { host: '127.0.0.1', port },
        );
      },
    ],
    [
      'for hosts',
      async (port: number) => {
        const hosts = await createHosts({
          clock: systemClock,
          log: silentLog,
          kinds: {},
          indices: { read: async () => [], write: async () => {} },
          readHosts: async () => [],
        });
        const identity = createServerIdentity(createSeededRandom('taken').bytes(32));
        return serveHosts({ hosts, clock: systemClock, identity }, { host: '127.0.0.1', port }, never);
      },
    ],
  ])('%s is an error that names it', async (_, open) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    ends.push(() => new Promise((resolve) => other.close(resolve)));
    const { port } = other.address() as AddressInfo; // a TCP server's
    const { code, message } = await refusal(open(port));
    expect([code, message]).toEqual(['unreachable', expect.stringContaining(`127.0.0.1:${port}`)]);
  });
});
