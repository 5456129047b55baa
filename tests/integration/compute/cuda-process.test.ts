// The whole way to a card, over a driver whose kernels are plain C: found by its name, as a real one is.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Compute } from '../../../src/compute/compute.js';
import { wrongLabels } from '../../../src/compute/probe-labels.js';
import { isolateDevice } from '../../../src/compute/process/isolate.js';
import { systemClock } from '../../../src/model/clock.js';
import { createLog, type Log, silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { buildLibrary, compiler } from '../../support/cuda/build.js';

const linux = process.platform === 'linux';
if (!compiler) console.warn('skipped: no C compiler here to make the driver of the tests with');
else if (!linux) console.warn('skipped: a library is put before others by its folder on Linux alone');

const folder = mkdtempSync(join(tmpdir(), 'assay-card-'));
if (compiler) copyFileSync(buildLibrary('driver', folder), join(folder, 'libcuda.so.1'));
afterAll(() => rmSync(folder, { recursive: true }));

const { signal } = new AbortController();
const always = (): boolean => true;
const random = createSeededRandom('a card in a process');
const spec = { basis: random.bytes(32), seed: random.bytes(32), n: 256, capacity: 8 };

const opened: Compute[] = [];
async function open(log: Log = silentLog): Promise<Compute> {
  const compute = await isolateDevice({ choice: { device: 'cuda' }, clock: systemClock, log });
  opened.push(compute);
  return compute;
}

describe.skipIf(!compiler || !linux)('a card in a process of its own', () => {
  beforeEach(() => vi.stubEnv('LD_LIBRARY_PATH', folder));
  afterEach(async () => {
    vi.unstubAllEnvs();
    for (const compute of opened.splice(0)) await compute.close?.();
  });

  test('gives the plain labels', async () => {
    const compute = await open();
    expect(compute.name).toBe('cuda: Test Card 0 in a process');
    expect(await wrongLabels(compute.openLabels!, 64)).toBeUndefined();
  });

  test.each([
    ['does not load', {}, /the driver does not take these kernels/],
    ['fails on the card', { FAKE_HOPPER: '1' }, /starting a kernel/],
  ])('multiplies with the next product where one %s, and says why', async (_, environment, words) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const lines: string[] = [];
    const compute = await open(createLog((line) => lines.push(line)));
    const said = (text: string): unknown =>
      lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === text);
    expect(said('cuda: a product is not used')).toMatchObject({
      product: 'product-hopper',
      next: 'product',
      why: expect.stringMatching(words),
    });
    expect(said('cuda backend')).toMatchObject({ product: 'product' });
    expect(await wrongLabels(compute.openLabels!, 256)).toBeUndefined();
  });

  test.each([
    ['that is taken', { FAKE_FAIL: 'cuCtxCreate_v2=46' }, /another process has the card for itself/],
    ['that computes wrong', { FAKE_WRONG: 'transpose' }, /it is not exact here \(.*so it is not used/],
    ['without room to begin', { FAKE_ROOM: '100000' }, /no room for/],
  ])('%s is refused with the reason', async (_, environment: Record<string, string>, words) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const lines: string[] = [];
    await expect(open(createLog((line) => lines.push(line)))).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(words),
    });
    expect(lines.join()).toMatch(words);
  });

  test.each([
    ['FAKE_TRAP', /a kernel: CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered/],
    ['FAKE_KILL', /it was ended by SIGKILL/],
  ])('that is lost by %s in the middle of labels costs those, and comes back', async (how, words) => {
    const fault = join(folder, how);
    vi.stubEnv(how, fault);
    let tellEnded: (line: string) => void = () => undefined;
    const ended = new Promise<string>((resolve) => {
      tellEnded = resolve;
    });
    const compute = await open(createLog((line) => line.includes('device process ended') && tellEnded(line)));
    const labels = await compute.openLabels!(spec);
    expect(await labels.extend(3, always, signal)).toBe(3);
    writeFileSync(fault, '');
    await expect(labels.extend(8, always, signal)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(words),
    });
    expect(await ended).toMatch(words);
    const again = await compute.openLabels!(spec);
    expect(await again.extend(8, always, signal)).toBe(8);
  });

  test('whose memory is full has fewer labels, which can be read', async () => {
    vi.stubEnv('FAKE_ROOM', '4000000');
    const compute = await open();
    const labels = await compute.openLabels!({ ...spec, capacity: 300 });
    const count = await labels.extend(300, always, signal);
    expect(count).toBeGreaterThan(10);
    expect(count).toBeLessThan(60);
    expect(await labels.pass(count, spec.seed)).toHaveLength(32 * Math.ceil((16 * count) / 256));
    expect((await labels.roots(count)).rowRoot).toHaveLength(32);
    labels.release();
    const next = await compute.openLabels!({ ...spec, capacity: 300 });
    expect(await next.extend(300, always, signal)).toBe(count);
  });
});
