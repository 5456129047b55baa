import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { calibrateRollouts } from '../../../src/cli/commands/rollouts/calibrate.js';
import { rolloutLiars } from '../../../src/testing/rollouts/liars/rollout-liars.js';

const never = new AbortController().signal;
let folder = '';
let printed = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-calibrate-'));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const at = (name: string): string => join(folder, name);
async function said(flags: Record<string, unknown>, signal = never) {
  printed = '';
  const code = await calibrateRollouts({ json: true, ...flags }, signal);
  return { code, json: JSON.parse(printed) as Record<string, never> & { refused: string[]; digest: string } };
}

/** Seconds: few of everything, and what so few cannot find is answered for. */
const FEW = {
  seeded: 'miniature',
  maxTokens: 10,
  groups: 6,
  perGroup: 2,
  noiseRollouts: 20,
  alphaPpm: 50_000,
  rollouts: 24,
  attackWindows: 2,
  hotkey: '//Owner',
};
const SELDOM = ['int8', 'stale-5', 'stale-10', 'eos-suppressed', 'temperature-0.9', 'steered-tenth'];
const WITHOUT = [...SELDOM, 'prompt-swapped', 'int4', 'temperature-0.7', 'eos-padded'];

it('measures, signs, and goes on where it was ended; what is refused is not written; the file is checked', async () => {
  // ended by its signal in the middle: what was done is kept
  const stop = new AbortController();
  const flags = { ...FEW, out: at('c.json'), journal: at('j.jsonl'), without: WITHOUT };
  setTimeout(() => stop.abort(new Error('enough')), 0);
  await expect(calibrateRollouts({ ...flags, json: true }, stop.signal)).rejects.toThrow('enough');
  expect(await readdir(folder)).not.toContain('c.json');

  const { code, json } = await said(flags);
  expect(code).toBe(0);
  expect(json.refused).toEqual([]);
  const journal = await readFile(at('j.jsonl'), 'utf8');
  const lines = journal.trimEnd().split('\n');
  // 2 windows each of noise and acceptance, and each liar
  expect(lines.map((line) => (JSON.parse(line) as { part: string }).part)).toEqual([
    ...['noise', 'noise', 'acceptance', 'acceptance'],
    ...new Array(rolloutLiars.length).fill('attacks'),
  ]);

  // a line that was cut is made again, the result the same; without answers for them, lies that go through are refused
  await writeFile(at('j.jsonl'), journal.slice(0, -20));
  const refused = await said({ ...flags, out: at('d.json'), without: [] });
  expect(refused.code).toBe(1);
  expect(refused.json.refused.length).toBeGreaterThan(0);
  expect(WITHOUT).toEqual(expect.arrayContaining(refused.json.refused));
  expect(await readdir(folder)).not.toContain('d.json');

  const checked = await said({ check: at('c.json') });
  expect(checked.code).toBe(0);
  expect(checked.json).toMatchObject({ digest: json.digest, follows: true, weights: 'random' });
  const text = await readFile(at('c.json'), 'utf8');
  await writeFile(at('e.json'), text.replace('"missed":0', '"missed":1'));
  await expect(said({ check: at('e.json') })).rejects.toThrow('signature of the calibration');

  await expect(said({ ...flags, groups: 4 })).rejects.toThrow('a step of this model, policy and plan');
});

it('says what is wrong with its flags', async () => {
  await expect(said({})).rejects.toThrow('--model: expected either --model or --seeded, got neither');
  await expect(said({ ...FEW, without: ['int9'] })).rejects.toThrow('--without');
  await expect(said({ ...FEW, environmentParams: '{' })).rejects.toThrow('--environment-params');
  await expect(said({ ...FEW, alphaPpm: 1000 })).rejects.toThrow('expected at least 999');
  await expect(said({ ...FEW, model: at('none'), seeded: undefined })).rejects.toThrow('expected a folder');
});
