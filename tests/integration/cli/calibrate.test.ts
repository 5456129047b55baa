import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { calibrate } from '../../../src/cli/commands/verification/calibrate.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { createPlot } from '../../../src/compute/disk/create-plot.js';
import { keypairFromUri, readyKeys } from '../../../src/keys/index.js';
import { storageParamsByClass } from '../../../src/verification/kinds/storage/params.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-calibrate-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

async function run(
  flags: Record<string, unknown>,
  signal = new AbortController().signal,
  onText: (text: string) => void = () => {},
) {
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      onText(String(text));
      return true;
    });
  const ended = await calibrate(flags, signal).then(
    (code) => ({ code, message: '' }),
    (error: Error) => ({ code: exitCodeOf(error), message: error.message }),
  );
  vi.restoreAllMocks();
  return { ...ended, out: written.stdout, err: written.stderr };
}

describe('assay verification calibrate', () => {
  test('measures, says what it is of, and writes what its hotkey signed', async () => {
    await readyKeys();
    const out = join(folder, 'paced.json');
    const done = await run({ class: 'paced', runs: 1, out, hotkey: '//Alice', json: true });
    expect(done).toMatchObject({ code: 0, message: '', err: '' });
    const signed = JSON.parse(done.out);
    expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual(signed);
    expect(signed.hotkey).toBe(keypairFromUri('//Alice').address);
    expect(signed.calibration).toMatchObject({
      version: 2,
      kind: 'compute',
      class: 'paced',
      paramsId: '38c222817829e53ff507769c993cb40a3190aad43dbe5ee2fcfd145aec0a262b',
      runs: 1,
      host: { gpu: false },
      advice: [],
    });
    const { figures } = signed.calibration;
    const named = (name: string) => figures.find((each: { name: string }) => each.name === name);
    expect(named('labels in a window').min).toBeGreaterThanOrEqual(1);
    expect(named('labels in a window').parameter).toMatchObject({ name: 'nominalLabels', set: 48 });
    expect(named('product alone').max).toBeGreaterThanOrEqual(named('product alone').median);

    expect(await run({ check: out })).toMatchObject({
      code: 0,
      out: expect.stringContaining(`valid: signed by ${signed.hotkey}`),
    });
    const forged = { ...signed, calibration: { ...signed.calibration, runs: 3 } };
    writeFileSync(out, JSON.stringify(forged));
    expect(await run({ check: out })).toMatchObject({ code: 1, out: expect.stringContaining('not valid:') });
  });

  test('reads a file strictly, and says what is wrong with it', async () => {
    await readyKeys();
    const out = join(folder, 'paced.json');
    await run({ class: 'paced', runs: 1, out, hotkey: '//Alice', json: true });
    const signed = JSON.parse(readFileSync(out, 'utf8'));
    const { calibration } = signed;
    const [first, ...others] = calibration.figures;
    const withFigure = (figure: object) => ({
      ...signed,
      calibration: { ...calibration, figures: [figure, ...others] },
    });
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [{ ...signed, extra: 1 }, /the file: expected what `.*` writes, got Unrecognized key: "extra"/],
      [
        { ...signed, calibration: { ...calibration, version: 1 } },
        /calibration\.version: expected 2, which this build writes and reads, got 1/,
      ],
      [
        { ...signed, calibration: { ...calibration, version: 'two' } },
        /calibration\.version: expected 2.*"two"/,
      ],
      [{ ...signed, calibration: { ...calibration, runs: 0 } }, /calibration\.runs: /],
      [{ ...signed, calibration: { ...calibration, kind: 'Compute' } }, /calibration\.kind: /],
      [withFigure({ ...first, max: first.min - 1 }), /calibration\.figures\.0: .*min <= median <= max/],
      [withFigure({ ...first, median: -1 }), /calibration\.figures\.0\.median: /],
      [withFigure({ ...first, max: 1e30 }), /calibration\.figures\.0\.max: /],
      [withFigure({ ...first, unit: 'furlongs' }), /calibration\.figures\.0\.unit: /],
      [withFigure({ ...first, why: 'so' }), /calibration\.figures\.0: .*"why"/],
      [{ ...signed, hotkey: 'alice' }, /hotkey: .*SS58/],
      [{ ...signed, signature: '0xab' }, /signature: .*128/],
      [null, /the file: /],
    ];
    for (const [value, message] of wrong) {
      writeFileSync(out, JSON.stringify(value));
      const done = await run({ check: out });
      expect(done.code).toBe(2);
      expect(done.message).toMatch(message);
    }
    writeFileSync(out, JSON.stringify({ ...signed, signature: `0x${'00'.repeat(64)}` }));
    expect(await run({ check: out })).toMatchObject({ code: 1, out: expect.stringContaining('not valid:') });
  });

  test('of a card’s class on CPUs says so, and advises nothing about the card', async () => {
    const done = await run({ n: 64, runs: 1 });
    expect(done).toMatchObject({ code: 0 });
    expect(done.out).toContain('no GPU');
    expect(done.out).toContain('would change nothing\nn = 64 by itself is no class: nothing to change');
    expect(done.err).toContain('run 1 of 1: labels\n');
  });

  test.each([
    [{ class: 'h100' }, /^--class: expected one of paced, .*, got h100; did you mean h100-pcie\?$/],
    [{ n: 100 }, '--n: expected a power of two in 16..16384, got 100'],
    [{ n: 64, class: 'paced' }, '--n: expected either --class or --n, got both'],
    [
      { kind: 'gpu' },
      '--kind: expected one of compute, memory, host-memory, storage, bandwidth, liveness, got gpu',
    ],
    [{ kind: 'memory' }, /^--class: expected one of paced-memory, .*, got none, and no card by --device$/],
    [{ kind: 'storage', class: 'nvm' }, '--class: expected one of small, nvme, got nvm; did you mean nvme?'],
    [{ kind: 'storage', n: 64 }, '--n: expected it for compute, got storage'],
    [{ kind: 'compute', gib: 2 }, '--gib: expected it for storage, got compute'],
    [{ kind: 'bandwidth', memoryGib: 2 }, /^--memory-gib: expected it for compute, .*, got bandwidth$/],
    [{ kind: 'storage', plots: ['/nowhere'] }, /^--plots: expected a folder with a plot of class nvme/],
    [{ kind: 'storage', class: 'small', folder: '/nowhere' }, /^--folder: /],
    [{ kind: 'storage', plots: ['/x'], gib: 2 }, '--gib: expected either --plots or --gib, got both'],
    [{ n: 64, out: '/nowhere/at/all.json' }, /^--out/],
    [{ n: 64, runs: 0 }, /runs/],
    [{ check: '/nowhere.json' }, /nowhere/],
  ])('refuses %o', async (flags, message) => {
    const { code, message: said } = await run(flags);
    expect(code).toBe(2);
    expect(said).toMatch(message);
  });

  test('ends when it is interrupted, and writes nothing', async () => {
    const stop = new AbortController();
    stop.abort(new Error('interrupted'));
    const out = join(folder, 'none.json');
    expect((await run({ n: 64, out, hotkey: '//Alice' }, stop.signal)).message).toBe('interrupted');
    expect(() => readFileSync(out)).toThrow('ENOENT');
  });

  test.each([
    ['memory', 'paced-memory', 'nominalRounds'],
    ['host-memory', 'host-small', 'nominalBytes'],
    ['bandwidth', 'paced', 'nominalBytesPerS'],
    ['liveness', 'live-small', 'labels'],
  ])('measures %s, and says which number hangs on each figure', async (kind, name, parameter) => {
    const done = await run({ kind, class: name, runs: 1, threads: 1 });
    expect(done).toMatchObject({ code: 0, message: '' });
    expect(done.out).toContain(`${kind}/${name}`);
    expect(done.out).toContain(parameter);
    expect(done.out).toContain(`would change nothing\n${name} is for simulated devices and small tests`);
    expect(done.err).toContain('run 1 of 1: ');
    if (kind === 'bandwidth') expect(done.out).toContain('It is not the rate of its line');
  });

  test('measures a disk with a temporary plot, of which nothing is left', async () => {
    const done = await run({ kind: 'storage', class: 'small', runs: 1, threads: 1, folder });
    expect(done).toMatchObject({ code: 0, message: '' });
    expect(done.out).toMatch(/regeneratedPerS 1 -> \d+/);
    expect(done.err).toContain('making 8 MiB to read\n');
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(['making 8 MiB to read', 'run 1 of 9: whole sectors'])(
    'of a disk leaves nothing behind when it is interrupted while it says: %s',
    async (said) => {
      const stop = new AbortController();
      const flags = { kind: 'storage', class: 'small', runs: 9, threads: 1, folder };
      const onText = (text: string) => text.includes(said) && stop.abort(new Error('interrupted'));
      expect((await run(flags, stop.signal, onText)).message).toBe('interrupted');
      expect(readdirSync(folder)).toEqual([]);
    },
  );

  test('reads a plot that is there, and leaves it there', async () => {
    const plot = join(folder, 'plot');
    const { sectorBlocks, passes, leafBlocks } = storageParamsByClass('small')!;
    const name = { place: new Uint8Array(32), sectorBlocks, passes, leafBlocks };
    await createPlot({ folder: plot, name, sectors: 16, threads: 1 }, new AbortController().signal);
    const before = readdirSync(plot);
    const done = await run({ kind: 'storage', class: 'small', runs: 1, threads: 1, plots: [plot] });
    expect(done).toMatchObject({ code: 0, message: '' });
    expect(done.err).not.toContain('making');
    expect(readdirSync(plot)).toEqual(before);
  });
});
