import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { calibrate } from '../../../src/cli/commands/verification/calibrate.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { keypairFromUri, readyKeys } from '../../../src/keys/index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-calibrate-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

async function run(flags: Record<string, unknown>, signal = new AbortController().signal) {
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
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
      version: 1,
      class: 'paced',
      paramsId: '38c222817829e53ff507769c993cb40a3190aad43dbe5ee2fcfd145aec0a262b',
      n: 128,
      windowMs: 2000,
      runs: 1,
      host: { gpu: false },
      advice: [],
    });
    const { figures } = signed.calibration;
    expect(figures.labels.min).toBeGreaterThanOrEqual(1);
    expect(figures.productOpsPerS.max).toBeGreaterThanOrEqual(figures.productOpsPerS.median);

    expect(await run({ check: out })).toMatchObject({
      code: 0,
      out: expect.stringContaining(`valid: signed by ${signed.hotkey}`),
    });
    const forged = { ...signed, calibration: { ...signed.calibration, runs: 3 } };
    writeFileSync(out, JSON.stringify(forged));
    expect(await run({ check: out })).toMatchObject({ code: 1, out: expect.stringContaining('not valid:') });
    writeFileSync(out, JSON.stringify({ ...signed, extra: 1 }));
    expect(await run({ check: out })).toMatchObject({
      code: 2,
      message: expect.stringContaining('expected what `assay verification calibrate --out` writes'),
    });
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
});
