import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runEpochFile } from '../../../src/cli/commands/emissions/epoch.js';

const VECTORS = fileURLToPath(new URL('../../vectors/yuma-cases.json', import.meta.url));

interface StatedCase {
  readonly id: string;
  readonly steps: { computed: Record<string, number[]> }[];
}
const stated = () => JSON.parse(readFileSync(VECTORS, 'utf8')) as { readonly cases: StatedCase[] };

let folder: string;
const { isTTY, columns } = process.stdout;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-epoch-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  process.stdout.isTTY = isTTY;
  process.stdout.columns = columns;
  rmSync(folder, { recursive: true });
});

function fileOf(content: string | Uint8Array): string {
  const path = join(folder, 'cases.json');
  writeFileSync(path, content);
  return path;
}

/** What standard output is; tests run with either. */
function terminal(isTTY: boolean, columns = 80): void {
  process.stdout.isTTY = isTTY;
  process.stdout.columns = columns;
}

function capture(stream: 'stdout' | 'stderr'): () => string {
  const written: string[] = [];
  vi.spyOn(process[stream], 'write').mockImplementation((text, ...rest) => {
    written.push(String(text));
    // the stream's own answer to a callback, which is its last argument
    (rest.at(-1) as (() => void) | undefined)?.();
    return true;
  });
  return () => written.join('');
}

describe('assay emissions epoch', () => {
  test('prints with --json exactly what the vectors state, field by field in their order', async () => {
    const out = capture('stdout');
    expect(await runEpochFile(VECTORS, { json: true })).toBe(0);
    const expected = stated().cases.map(({ id, steps }) => ({ id, steps: steps.map((one) => one.computed) }));
    expect(out()).toBe(`${JSON.stringify({ cases: expected })}\n`);
  });

  test('says with --check how each of the 18 cases fared', async () => {
    const out = capture('stdout');
    expect(await runEpochFile(VECTORS, { check: true })).toBe(0);
    expect(out().match(/^\w+: ok, \d+ values$/gm)).toHaveLength(18);
  });

  test('ends with 1 at the first difference, naming it', async () => {
    const file = stated();
    file.cases[1]!.steps[0]!.computed.emission![3] = 100_000_000;
    const path = fileOf(JSON.stringify(file));
    const out = capture('stdout');
    expect(await runEpochFile(path, { check: true })).toBe(1);
    expect(out().split('\n')[1]).toBe(
      'E02: differs in step 0, emission of uid 3: expected 100000000, got 99999999',
    );
    expect(out()).not.toContain('E04');
  });

  test('keeps results and check apart: with --json the check goes to standard error', async () => {
    const file = { cases: stated().cases.slice(0, 1) };
    file.cases[0]!.steps[0]!.computed.stake_weight![0] = 1;
    const path = fileOf(JSON.stringify(file));
    const [out, err] = [capture('stdout'), capture('stderr')];
    expect(await runEpochFile(path, { json: true, check: true })).toBe(1);
    expect(JSON.parse(out()).cases).toHaveLength(1);
    expect(err()).toBe('E01: differs in step 0, stake_weight of uid 0: expected 1, got 65535\n');
  });

  test('shows a table for each step in a terminal', async () => {
    const path = fileOf(JSON.stringify(stated().cases.find(({ id }) => id === 'X02_0')));
    terminal(true, 132);
    const out = capture('stdout');
    expect(await runEpochFile(path, {})).toBe(0);
    expect(out().match(/X02_0, step \d/g)).toHaveLength(3);
    expect(out()).toMatch(/│ 1 .*│ 19660 │ yes .*│ 19434 .*│ 148278170 .*│ 3:27306 4:45369 │/);
  });

  test('leaves out of 80 columns what the rest can be understood without, and names it', async () => {
    const path = fileOf(JSON.stringify(stated().cases.find(({ id }) => id === 'X02_0')));
    terminal(true, 80);
    const out = capture('stdout');
    expect(await runEpochFile(path, {})).toBe(0);
    const lines = out().split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.filter((line) => /^1 +19660 +yes .* 148278170/.test(line))).toHaveLength(1);
    expect(out()).toContain('left out here: bonds, as miner');
  });

  test('prints JSON into a pipe or a file, and in a terminal with --json', async () => {
    const path = fileOf(JSON.stringify(stated().cases[0]));
    const expected = { cases: [{ id: 'E01', steps: stated().cases[0]!.steps.map((one) => one.computed) }] };
    for (const [isTTY, flags] of [
      [false, {}],
      [true, { json: true }],
    ] as const) {
      terminal(isTTY);
      const out = capture('stdout');
      expect(await runEpochFile(path, flags)).toBe(0);
      expect(out()).toBe(`${JSON.stringify(expected)}\n`);
      vi.restoreAllMocks();
    }
  });

  test('prints nothing but the check with --check, wherever to', async () => {
    const path = fileOf(JSON.stringify(stated().cases[0]));
    for (const isTTY of [true, false]) {
      terminal(isTTY);
      const out = capture('stdout');
      expect(await runEpochFile(path, { check: true })).toBe(0);
      expect(out()).toMatch(/^E01: ok, \d+ values\n(?: {2}not compared: .*\n)*$/);
      vi.restoreAllMocks();
    }
  });

  test('says that a case states nothing', async () => {
    const [first] = stated().cases;
    const silent = { ...first, steps: [{ actions: [], epoch_block: 1, rao_emission: 1 }] };
    const path = fileOf(JSON.stringify(silent));
    const out = capture('stdout');
    expect(await runEpochFile(path, { check: true })).toBe(0);
    expect(out()).toBe('E01: states nothing to compare\n');
  });

  test('refuses by path what a file must not hold', async () => {
    const [first] = stated().cases;
    const path = fileOf(JSON.stringify({ cases: [{ ...first, n: 0 }] }));
    await expect(runEpochFile(path, {})).rejects.toMatchObject({
      code: 'invalid-input',
      message: 'cases[0].n: expected an integer from 1 to 65535, got 0',
    });
  });

  test('refuses what is no file, no UTF-8, no JSON or too much', async () => {
    await expect(runEpochFile(join(folder, 'none.json'), {})).rejects.toThrow(
      /expected a file that can be read/,
    );
    await expect(runEpochFile(fileOf(new Uint8Array([0x7b, 0xff])), {})).rejects.toThrow(/expected UTF-8/);
    await expect(runEpochFile(fileOf('{'), {})).rejects.toThrow(/^case file: expected JSON/);
    const long = fileOf(new Uint8Array(64 * 2 ** 20 + 1).fill(0x20));
    await expect(runEpochFile(long, {})).rejects.toThrow(/expected at most 67108864 bytes/);
  });
});
