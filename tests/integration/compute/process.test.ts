import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Compute } from '../../../src/compute/compute.js';
import { loadOnnx } from '../../../src/compute/cpu/onnx.js';
import { wrongLabels } from '../../../src/compute/probe-labels.js';
import { isolateDevice } from '../../../src/compute/process/isolate.js';
import { createLocalSlot } from '../../../src/miner/slot.js';
import type { Clock } from '../../../src/model/clock.js';
import { createLog, silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { paramsId } from '../../../src/verification/checked-params.js';
import { paramsByClass } from '../../../src/verification/kinds/compute/params.js';
import { computeProof } from '../../../src/verification/kinds/index.js';

const onnx = await loadOnnx();
const module = new URL('../../support/flawed-device.ts', import.meta.url);
const lostDevice = new URL('../../support/lost-device.ts', import.meta.url);
const choice = { device: 'cpu', threads: 1 } as const;
const { signal } = new AbortController();
const always = (): boolean => true;
const params = { ...paramsByClass('paced')!, n: 64, labels: 8, nominalLabels: 4, samples: 8 };
const random = createSeededRandom('device process');
const spec = { basis: random.bytes(32), seed: random.bytes(32), n: 64, capacity: 8 };

const opened: Compute[] = [];
afterEach(async () => {
  for (const compute of opened.splice(0)) await compute.close?.();
});

/** Pauses pass at once and are written down; a minute's start never runs out, nor does the time to end unless `hung`. */
function createPauses(hung = false): Clock & { readonly pauses: number[] } {
  let now = 0;
  const pauses: number[] = [];
  return {
    pauses,
    now: () => now,
    monotonic: () => now,
    async sleep(ms, stop) {
      if (ms <= 0) return;
      if (hung && ms === 5000) return;
      if (ms >= 5000) return new Promise((resolve) => stop?.addEventListener('abort', () => resolve()));
      pauses.push(ms);
      now += ms;
    },
  };
}

async function isolate(
  options: { log?: typeof silentLog; hung?: boolean } = {},
): Promise<{ compute: Compute; clock: ReturnType<typeof createPauses> }> {
  const clock = createPauses(options.hung);
  const compute = await isolateDevice({ choice, clock, module, log: options.log ?? silentLog });
  opened.push(compute);
  return { compute, clock };
}

const prove = (slot: ReturnType<typeof createLocalSlot>, seed: Uint8Array) =>
  slot.start({ eventId: spec.seed, basis: spec.basis, seed }, signal);

describe('a device in a process of its own', () => {
  test('gives the plain labels, and products', async () => {
    const { compute } = await isolate();
    expect(await wrongLabels(compute.openLabels!, 64)).toBeUndefined();
    const multiplier = await compute.loadOperand(new Int8Array(16 * 16).fill(3), 16);
    expect([...(await multiplier.multiply(new Int8Array(16).fill(-2)))]).toEqual(Array(16).fill(-96));
    multiplier.release();
  });

  test.runIf(process.platform === 'linux')(
    'is not handed our variables, which may hold secrets',
    async () => {
      const children = () =>
        readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
      const before = new Set(children());
      vi.stubEnv('ASSAY_WEBHOOK', 'planted');
      vi.stubEnv('DRIVER_OF_THE_SYSTEM', 'stays');
      await isolate();
      vi.unstubAllEnvs();
      const environments = children()
        .filter((pid) => !before.has(pid))
        .map((pid) => readFileSync(`/proc/${pid}/environ`, 'latin1'));
      expect(environments.some((text) => text.includes('DRIVER_OF_THE_SYSTEM=stays'))).toBe(true);
      expect(environments.join()).not.toContain('planted');
    },
  );

  test('is killed in the middle of a proof: the proof fails with the cause, and the slot is back for the next', async () => {
    const lines: string[] = [];
    const { compute, clock } = await isolate({ log: createLog((line) => lines.push(line)) });
    const slot = createLocalSlot(
      { compute, kind: computeProof, params, paramsId: paramsId(params) },
      { index: 0, worker: 'host' },
    );
    await expect(prove(slot, new Uint8Array(32))).rejects.toMatchObject({
      code: 'unreachable',
      cause: { message: 'it was ended by SIGKILL' },
    });
    expect(lines.join()).toMatch(/device process ended.*SIGKILL/);

    const proving = await prove(slot, spec.seed);
    expect(clock.pauses).toEqual([250]);
    const challenge = { params, basis: spec.basis, seed: spec.seed };
    const request = computeProof.issue(params, [proving.commit], random);
    const evidence = { commits: [proving.commit], request, opening: await proving.open(request) };
    const secret = computeProof.drawSecret(params, spec.basis, random);
    expect(computeProof.verify(challenge, evidence, secret)).toEqual({ kind: 'accepted' });
    proving.release();
  });

  test('loses what it held when it is killed from outside, and pauses longer with each death', async () => {
    const { compute, clock } = await isolate();
    const first = await compute.openLabels!(spec);
    const kill = async (): Promise<void> => {
      const labels = await compute.openLabels!({ ...spec, seed: new Uint8Array(32) });
      await expect(labels.extend(8, always, signal)).rejects.toMatchObject({ code: 'unreachable' });
    };
    await kill();
    await expect(first.roots(1)).rejects.toMatchObject({ code: 'unreachable' });
    first.release();
    await kill();
    await kill();
    const labels = await compute.openLabels!(spec);
    expect(await labels.extend(8, always, signal)).toBe(8);
    expect(clock.pauses).toEqual([250, 500, 1000]);
    labels.release();
  });

  test('stops when the caller has enough, and when it aborts', async () => {
    const { compute } = await isolate();
    const labels = await compute.openLabels!({ ...spec, capacity: 40 });
    let asked = 0;
    const count = await labels.extend(40, () => ++asked <= 3, signal);
    expect(count).toBeGreaterThanOrEqual(3);
    const stop = new AbortController();
    const failing = labels.extend(40, always, stop.signal);
    stop.abort(new Error('no longer'));
    await expect(failing).rejects.toThrow('no longer');
    expect(await labels.extend(40, always, signal)).toBe(40);
    await expect(labels.roots(41)).rejects.toThrow('expected 1..40, got 41');
    labels.release();
  });

  test('that hangs when it is told to stop is ended', async () => {
    const { compute } = await isolate({ hung: true });
    const labels = await compute.openLabels!({ ...spec, seed: new Uint8Array(32).fill(1) });
    let asked = 0;
    await expect(labels.extend(8, () => ++asked < 2, signal)).rejects.toMatchObject({
      code: 'unreachable',
      cause: { message: 'it did not stop in 5 s, and was ended by SIGKILL' },
    });
  });

  test('that does not come up is said so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-device-'));
    const exits = join(folder, 'exits.mjs');
    writeFileSync(exits, 'process.exit(7);');
    const opening = isolateDevice({
      choice,
      clock: createPauses(),
      module: pathToFileURL(exits),
      log: silentLog,
    });
    await expect(opening).rejects.toMatchObject({
      code: 'unreachable',
      message: "the cpu device's process is gone: it ended with exit code 7",
    });
    rmSync(folder, { recursive: true });
  });

  test('that is lost ends its process, and both the waiting call and the log have the reason', async () => {
    const lines: string[] = [];
    const log = createLog((line) => lines.push(line));
    const lost = { device: 'webgpu', adapter: 'a card' } as const;
    const compute = await isolateDevice({ choice: lost, clock: createPauses(), module: lostDevice, log });
    opened.push(compute);
    const multiplier = await compute.loadOperand(new Int8Array(16 * 16).fill(3), 16);
    await expect(multiplier.multiply(new Int8Array(16))).rejects.toMatchObject({
      code: 'unreachable',
      message: "the webgpu device's process is gone: webgpu: a card: the device was lost",
    });
    expect(lines.join()).toContain('a card: the device was lost');
    // the slot is back: another process has the device
    expect((await compute.loadOperand(new Int8Array(16 * 16).fill(3), 16)).n).toBe(16);
  });

  test('that is lost and cannot end is ended', async () => {
    const hung = { device: 'webgpu', adapter: 'hung' } as const;
    const compute = await isolateDevice({
      choice: hung,
      clock: createPauses(true),
      module: lostDevice,
      log: silentLog,
    });
    opened.push(compute);
    const multiplier = await compute.loadOperand(new Int8Array(16 * 16).fill(3), 16);
    await expect(multiplier.multiply(new Int8Array(16))).rejects.toMatchObject({
      code: 'unreachable',
      message: "the webgpu device's process is gone: webgpu: a card: the device was lost",
    });
  });

  test('that is not there is refused with the reason of its own process', async () => {
    const absent = { device: 'webgpu', adapter: 'absent' } as const;
    await expect(
      isolateDevice({ choice: absent, clock: createPauses(), module: lostDevice, log: silentLog }),
    ).rejects.toMatchObject({ code: 'unsupported', message: 'the webgpu adapter is absent' });
  });

  test('is refused after it was closed', async () => {
    const { compute } = await isolate();
    await compute.close!();
    await expect(compute.openLabels!(spec)).rejects.toMatchObject({ code: 'unreachable' });
  });
});

test.skipIf(!onnx)('a process that ends inside the runtime exits, and does not abort', async () => {
  const module = new URL('../../support/exits-in-product.ts', import.meta.url);
  const child = fork(module, { execArgv: ['--import', import.meta.resolve('tsx')], stdio: 'ignore' });
  expect(await once(child, 'exit')).toEqual([3, null]);
});
