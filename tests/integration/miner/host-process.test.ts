// A host in a process of its own, as `assay miner host` starts it, behind a miner's door in this one: its proof is judged as a
// validator would, it is killed in the middle of another, and comes back as the same slot.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openHostKey } from '../../../src/cli/host-keys.js';
import { createHosts } from '../../../src/miner/hosts/hosts.js';
import type { IndexEntry } from '../../../src/miner/hosts/indices.js';
import { serveHosts } from '../../../src/miner/hosts/tls.js';
import type { SlotJob } from '../../../src/miner/slot.js';
import { toHex } from '../../../src/model/bytes.js';
import { systemClock } from '../../../src/model/clock.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { createServerIdentity } from '../../../src/protocol/server-key.js';
import { kinds } from '../../../src/verification/kinds/index.js';
import { builtInFile } from '../../../src/verification/parameter-file.js';
import { recordingLog } from '../../support/logs.js';
import { bytes32 } from '../../support/sessions.js';

const MAIN = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
const stop = new AbortController();
const children: ChildProcess[] = [];
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-host-'));
});
afterAll(async () => {
  stop.abort();
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** Not turn by turn: that would keep the processes from coming up that are waited for. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await systemClock.sleep(10);
}

test('a host is killed in the middle of a proof and comes back as the same slot, of a day that its owner keeps', async () => {
  const { log, lines } = recordingLog();
  const identity = createServerIdentity(bytes32('miner'));
  const keyFile = join(folder, 'host-key.json');
  const { serverKey } = await openHostKey(keyFile);
  const indices: IndexEntry[] = [];
  const hosts = await createHosts({
    clock: systemClock,
    log,
    kinds,
    indices: { read: async () => indices, write: async (next) => void indices.push(...next) },
    readHosts: async () => [{ worker: 'rack-1', key: toHex(serverKey.publicKey), revoked: false }],
  });
  const { port } = await serveHosts(
    { hosts, clock: systemClock, identity },
    { host: '127.0.0.1', port: 0 },
    stop.signal,
  );
  const data = join(folder, 'data');
  const start = (...more: string[]): ChildProcess => {
    const flags = ['--miner', `127.0.0.1:${port}`, '--miner-key', toHex(identity.serverKey.publicKey)];
    const own = [
      '--key',
      keyFile,
      '--worker',
      'rack-1',
      '--threads',
      '1',
      '--admin-port',
      '-1',
      '--no-doctor',
      '--data',
      data,
      ...more,
    ];
    const args = ['--import', 'tsx', MAIN, 'miner', 'host', ...flags, ...own];
    const child = spawn(process.execPath, [...args, '--slots', 'compute:cpu-2048', 'liveness:live'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.push(child);
    return child;
  };
  const { sets } = builtInFile(kinds);
  const slotOf = (name: string) => hosts.under(sets).slots.find(({ claim }) => claim.kind === name);
  const isClaimed = (name: string) => {
    const slot = slotOf(name);
    return slot !== undefined && slot.rests?.() === undefined;
  };
  const job: SlotJob = { eventId: bytes32('event'), basis: bytes32('basis'), seed: bytes32('seed') };
  const lasting = new AbortController().signal;

  const first = start();
  await until(() => isClaimed('liveness') && isClaimed('compute'));
  const twin = start();
  let said = '';
  twin.stderr!.on('data', (text: Buffer) => {
    said += text.toString();
  });
  expect(await once(twin, 'close')).toEqual([2, null]);
  expect(said).toContain(
    `--data ${data}: expected a folder that no other process uses, got one that process ${first.pid} holds`,
  );
  const { claim } = slotOf('liveness')!;
  expect(claim).toMatchObject({ worker: 'rack-1', index: 64 });
  expect(slotOf('compute')!.claim.index).toBe(64); // whose check it is

  const kind = kinds.liveness!;
  const set = sets.find((each) => each.kind === 'liveness' && each.id === toHex(claim.paramsId))!;
  const params = kind.parseParams(set.params);
  const proving = await slotOf('liveness')!.start({ ...job, goneAt: systemClock.monotonic() }, lasting);
  const random = createSeededRandom('host process');
  const request = kind.issue(params, [proving.commit], random);
  const opening = await proving.open(request);
  proving.release();
  const challenge = { params, basis: job.basis, seed: job.seed };
  const secret = kind.drawSecret(params, job.basis, random);
  expect(kind.verify(challenge, { commits: [proving.commit], request, opening }, secret)).toMatchObject({
    kind: 'accepted',
  });

  const dying = slotOf('compute')!
    .start({ ...job, goneAt: systemClock.monotonic() }, lasting)
    .catch((error: unknown) => error);
  await turn();
  first.kill('SIGKILL');
  await once(first, 'exit');
  expect(await dying).toMatchObject({ code: 'unreachable' });
  await until(() => lines.some(({ msg }) => msg === 'a host went'));

  const second = start('--most-device-seconds-a-day', '0');
  await until(() => isClaimed('liveness') && isClaimed('compute') && hosts.status().hosts[0]!.isConnected);
  expect(slotOf('compute')!.claim.index).toBe(64);
  // a check is next to no work: it is never declined
  await until(() => slotOf('compute')!.declines?.(1) === 'capped');
  expect(slotOf('liveness')!.declines?.(1)).toBeUndefined();
  await until(() => hosts.facts().length === 1);
  expect(hosts.facts()[0]).toMatchObject({ worker: 'rack-1', facts: { cpus: cpus().length } });

  const last = await slotOf('liveness')!.start({ ...job, goneAt: systemClock.monotonic() }, lasting);
  second.kill('SIGTERM');
  await until(() => hosts.status().hosts[0]!.isDraining);
  expect(slotOf('liveness')!.rests?.()).toBe('rack-1 is about to end');
  expect((await last.open(request)).length).toBeGreaterThan(0);
  last.release();
  expect(await once(second, 'exit')).toEqual([0, null]);
});
