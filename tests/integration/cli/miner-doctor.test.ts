import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { doctor } from '../../../src/cli/commands/miner-doctor.js';
import { serveVantage } from '../../../src/cli/doctor/vantage.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { createPlot } from '../../../src/compute/disk/create-plot.js';
import { systemClock } from '../../../src/model/clock.js';
import { kinds } from '../../../src/verification/kinds/index.js';
import { storageParamsByClass } from '../../../src/verification/kinds/storage/params.js';
import { formProblems } from '../../support/json-forms.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-doctor-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

async function run(flags: Record<string, unknown> & { readonly json?: boolean }) {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const ended = await doctor({ threads: 1, ...flags }, new AbortController().signal).then(
    (code) => ({ code, message: '' }),
    (error: Error) => ({ code: exitCodeOf(error), message: error.message }),
  );
  vi.restoreAllMocks();
  const lines = out.trim().split('\n');
  const all = flags.json && ended.message === '' ? lines.map((line) => JSON.parse(line)) : [];
  if (flags.json && ended.message === '') expect(formProblems('miner doctor', out)).toEqual([]);
  const of = (section: string) => all.filter((row) => row.section === section);
  return { ...ended, out, of, rows: of('proof') };
}

describe('assay miner doctor', () => {
  test('proves every kind there is on any host, and says of what it would be credited how much counts one', async () => {
    const done = await run({ proofs: true, small: true, json: true });
    expect(done.message).toBe('');
    expect(done.of('device')).toMatchObject([
      { id: 'cpu', notes: expect.arrayContaining([expect.any(String)]) },
    ]);
    const [summary] = done.of('summary');
    expect(summary).toMatchObject({ ok: done.code === 0, proven: expect.any(Number) });
    expect(done.rows.map(({ kind }) => kind)).toEqual(expect.arrayContaining(Object.keys(kinds)));
    expect(done.code).toBe(done.rows.some(({ state }) => state === 'failed') ? 1 : 0);
    for (const { said, steps, tookMs, kind, credit, nominal } of done.rows) {
      // the clock is the machine's, and a busy one may be late for any of them
      expect([kind, said]).toEqual([kind, expect.stringMatching(/^(accepted|rejected:window)$/)]);
      expect(steps.length).toBeGreaterThan(0);
      expect(tookMs).toBeGreaterThan(0);
      // liveness earns nothing; of all others something of each amount that counts is proven
      if (said === 'accepted')
        for (const resource of Object.keys(nominal)) expect(credit[resource]).toBeGreaterThan(0);
    }
    const link = done.rows.find(({ kind }) => kind === 'bandwidth');
    if (link.state === 'proven') expect(Object.keys(link.credit)).toEqual(['downBytesPerS', 'upBytesPerS']);
    expect(link.note).toMatch(/^over loopback/);
  });

  test('prints what is credited beside what counts one, and what its figures are worth', async () => {
    const done = await run({ small: true, kind: ['storage'] });
    expect(done.out).toMatch(/storage │ small │ (proven │ 492 kB of storage|failed │ -) +│ 492 kB +│/);
    expect(done.out).toMatch(/[01] proven, [01] failed, 0 not for this host; \d+ s/);
    expect(done.out).toContain('they show that proofs work here, not what they earn');
  });

  test('proves storage from a plot that is there, at its own place', async () => {
    const { sectorBlocks, passes, leafBlocks } = storageParamsByClass('small')!;
    const name = { place: new Uint8Array(32).fill(7), sectorBlocks, passes, leafBlocks };
    await createPlot({ folder, name, sectors: 20, threads: 1 }, new AbortController().signal);
    const done = await run({ kind: ['storage'], plots: [folder], json: true });
    expect(done.message).toBe('');
    expect(done.rows).toMatchObject([
      { class: 'small', said: expect.stringMatching(/^(accepted|rejected:window)$/) },
    ]);
    expect(done.rows[0].credit.storageBytes ?? 0).toBeLessThanOrEqual(20 * 8192);
  });

  test('leaves out what is not for this host, says why and what to do, and does not fail for it', async () => {
    const done = await run({ kind: ['memory', 'storage'] });
    expect(done.code).toBe(0);
    expect(done.out).toContain('memory: the CPUs have no memory of their own');
    expect(done.out).toContain(
      'storage: make one (assay miner plot --help) and name its folder with --plots',
    );
    expect(done.out).toMatch(/cpu: (no card is used, so memory is credited nothing|not used: .*; --device )/);
    expect(done.out).toContain('0 proven, 0 failed, 2 not for this host');
  });

  test('asks a vantage, and tells of the rest where it is away', async () => {
    const stop = new AbortController();
    const { port, closed } = await serveVantage(
      { clock: systemClock },
      { host: '127.0.0.1', port: 0 },
      stop.signal,
    );
    const asked = { host: true, json: true, ports: [port] };
    // the port of the vantage itself: somebody listens there
    const done = await run({ ...asked, from: `127.0.0.1:${port}` });
    const of = (about: string) => done.of('check').filter((check) => check.about === about);
    expect(of(`port ${port}`)).toMatchObject([
      {
        state: 'ok',
        said: `took a connection of 127.0.0.1:${port} to 127.0.0.1 (somebody listens there already)`,
      },
    ]);
    expect(of('outer address')).toMatchObject([{ state: 'ok', said: expect.stringContaining('127.0.0.1') }]);
    expect(done.of('host')).toMatchObject([
      { node: process.versions.node, cards: { state: expect.any(String) } },
    ]);
    stop.abort();
    await closed;
    const away = await run({ ...asked, from: `127.0.0.1:${port}` });
    expect(away.code).toBe(1);
    expect(away.of('check').at(-1)).toMatchObject({
      about: 'vantage',
      state: 'failed',
      fix: expect.stringContaining('assay miner vantage'),
    });
    expect(away.of('summary')).toMatchObject([{ ok: false }]);
  });

  test('fails where a named class is not proven', async () => {
    const done = await run({ kind: ['storage'], class: 'nvme', json: true });
    expect(done.code).toBe(1);
    expect(done.rows).toMatchObject([{ kind: 'storage', class: 'nvme', state: 'failed' }]);
    expect(done.rows[0]).toMatchObject({
      said: expect.stringContaining('no disk'),
      fix: expect.stringMatching(/^make one/),
    });
  });

  test.each([
    [{ kind: ['gpu'] }, /^--kind: expected one of compute, .*, got gpu$/],
    [{ class: 'cpu-2048' }, '--class: expected exactly one --kind beside it, got 0'],
    [{ kind: ['compute'], class: 'cpu' }, /^--class: expected one of .*cpu-2048.*, got cpu$/],
    [{ kind: ['compute'], plots: ['/x'] }, '--plots: expected it for storage, got compute'],
    [
      { kind: ['storage'], plots: ['/nowhere'] },
      /^--plots: expected a folder with a plot of a class .*, got none in \/nowhere$/,
    ],
    [
      { kind: ['storage'], device: 'cuda:0' },
      '--device: expected it for compute, memory, liveness, got storage',
    ],
    [{ kind: ['compute'], device: 'cuda:77' }, /^--device: expected one of .*cpu, got cuda:77/],
    [{ threads: 0 }, /threads/],
    [{ subnet: true }, '--subnet: expected the number of one: --netuid, got none'],
    [{ ports: [80] }, /^--ports: expected --from/],
    [{ from: 'host:80' }, /^--from: expected --ports, or --netuid/],
    // before anything of the host is looked at
    [
      { host: true, from: 'nowhere', ports: [80] },
      '--from: expected host:port of assay miner vantage, got nowhere',
    ],
    [{ othersWorth: ['-1'] }, /^--others-worth: expected a number/],
    [{ catalogue: '/nowhere' }, /nowhere/],
  ])('refuses %o', async (flags, message) => {
    const { code, message: said, out } = await run(flags);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(said).toMatch(message);
  });
});
