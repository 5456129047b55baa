import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { attack } from '../../../src/cli/commands/verification/attack.js';
import { honest } from '../../../src/cli/commands/verification/attack-honest.js';
import { isAssayError } from '../../../src/model/errors.js';

const { signal } = new AbortController();
const folders: string[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Standard output of a command, and its exit code. */
async function printed(work: () => Promise<number>): Promise<{ code: number; text: string }> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const code = await work();
  return { code, text };
}

describe('assay verification attack', () => {
  test('prints rows with interval and bound, and writes the page', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-attack-'));
    folders.push(folder);
    const table = join(folder, 'attacks.md');
    const flags = { kind: 'compute', attack: 'pooled-cards', runs: 2, json: true, table };
    const { code, text } = await printed(() => attack(flags, signal));
    expect(code).toBe(0);
    const { rows, summaries, ok } = JSON.parse(text);
    expect(ok).toBe(true);
    expect(rows).toHaveLength(6);
    expect(rows[0]).toMatchObject({
      attack: 'pooled-cards',
      strength: 2,
      runs: 2,
      bound: 1,
      verdict: 'within',
    });
    expect(summaries[0]).toMatchObject({ succeedsAt: [], succeedsWithout: [2, 4, 8], broken: false });
    expect(readFileSync(table, 'utf8')).toContain('--kind compute --attack pooled-cards --runs 2');
  });

  test('runs one strength alone', async () => {
    const flags = { kind: 'compute', attack: 'rotating-absentee', strength: 7, runs: 1, json: true };
    const { code, text } = await printed(() => attack(flags, signal));
    expect(code).toBe(0);
    const [built, without] = JSON.parse(text).rows;
    expect(built.maxCredit).toBeCloseTo(5, 6);
    // two of seven are absent in seven of 24 events: more than the percentile forgives
    expect(without.maxCredit).toBe(0);
  });

  test('lists attacks without running any', async () => {
    const { code, text } = await printed(() => attack({ list: true, json: true }, signal));
    expect(code).toBe(0);
    const names = JSON.parse(text).attacks.map(({ kind, name }: Record<string, string>) => `${kind}/${name}`);
    expect(names).toContain('memory/late-big-memory');
  });

  test.each([
    [{}, /--all/],
    [{ kind: 'nothing' }, /--kind: expected one of compute/],
    [{ kind: 'compute', attack: 'nothing' }, /--attack: expected one of fabricated-rows/],
    [{ all: true, kind: 'compute' }, /--all: expected it alone/],
    [{ all: true, runs: 0 }, /--runs/],
  ])('refuses %j', async (flags, message) => {
    const failed = await attack(flags, signal).catch((error: unknown) => error);
    expect(isAssayError(failed, 'invalid-config')).toBe(true);
    expect((failed as Error).message).toMatch(message);
  });
});

describe('assay verification honest', () => {
  test('counts sessions by line', async () => {
    const { code, text } = await printed(() => honest({ kind: 'liveness', runs: 12, json: true }, signal));
    expect(code).toBe(0);
    const { rows, rejected, ok } = JSON.parse(text);
    expect({ rejected, ok }).toEqual({ rejected: 0, ok: true });
    expect(rows.map(({ line }: Record<string, string>) => line)).toEqual([
      'near',
      'continent',
      'world',
      'lossy',
      'busy',
      'thin',
    ]);
  });

  test('refuses a kind that is none', async () => {
    await expect(honest({ kind: 'nothing' }, signal)).rejects.toThrow(/--kind: expected one of compute/);
  });
});
