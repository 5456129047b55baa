import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { transcript } from '../../../src/cli/commands/verification/attack-transcript.js';
import { checkTranscripts } from '../../../src/cli/commands/verification/check-transcript.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { transcribedKinds } from '../../../src/testing/transcribed.js';
import { kinds } from '../../../src/verification/kinds/index.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-transcripts-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function run(work: () => Promise<number>) {
  let out = '';
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  try {
    return { code: await work(), out, message: '' };
  } catch (error) {
    return { code: exitCodeOf(error), out, message: (error as Error).message };
  } finally {
    spy.mockRestore();
  }
}
const never = new AbortController().signal;
const write = (flags: Record<string, unknown>) => run(() => transcript(flags));
const check = (files: readonly string[], flags = {}) => run(() => checkTranscripts(files, flags, never));
const at = (name: string) => join(folder, `${name}.json`);

const CHEATS: Readonly<Record<string, string>> = {
  compute: 'cancels',
  memory: 'makes-up-25-percent-of-the-digests',
  'host-memory': 'takes-the-label-before',
  bandwidth: 'counts-every-segment-twice',
  storage: 'keeps-the-hashes',
  liveness: 'answers-with-valid-work',
};

describe('a transcript', () => {
  test('can be had of every kind', () => {
    expect([...transcribedKinds].sort()).toEqual(Object.keys(kinds).sort());
  });

  test.each(Object.entries(CHEATS))(
    'of %s is accepted when honest, and not of one who %s',
    async (kind, attack) => {
      const honest = at(kind);
      expect(await write({ kind, out: honest })).toMatchObject({
        code: 0,
        out: expect.stringContaining(`${kind}, honest: accepted; `),
      });
      expect(await check([honest])).toEqual({ code: 0, out: 'accepted\n', message: '' });

      const cheat = at(`${kind}-cheat`);
      expect(await write({ kind, attack, out: cheat, json: true })).toMatchObject({ code: 0 });
      const named = JSON.parse(readFileSync(cheat, 'utf8')).verdict;
      expect(named).toMatch(/^rejected:/);
      expect(await check([cheat])).toEqual({ code: 0, out: `${named}\n`, message: '' });
    },
  );

  test('is the same for the same seed, and another for another', async () => {
    const lines = [];
    for (const seed of ['a', 'a', 'b']) lines.push((await write({ kind: 'liveness', seed })).out);
    expect(lines[0]).toBe(lines[1]);
    expect(lines[0]).not.toBe(lines[2]);
  });

  test('names the cheats that there are', async () => {
    const { out } = await write({ list: true, kind: 'storage' });
    expect(out).toMatch(/^storage keeps-the-hashes-of-its-leaves-instead-of-the-leaves$/m);
    const rows = (await write({ list: true, json: true })).out.trim().split('\n');
    expect(new Set(rows.map((row) => JSON.parse(row).kind))).toEqual(new Set(transcribedKinds));
  });

  test.each([
    [{}, /^--kind: expected one of .*, got none$/],
    [{ kind: 'gpu' }, /^--kind: expected one of .*, got gpu$/],
    [{ kind: 'compute', attack: 'flies' }, /^--attack: expected one of `.*--kind compute`.*, got flies$/],
    [{ kind: 'compute', attack: 'fabricates' }, /got fabricates; near it: fabricates-12\.5-percent/],
    [{ kind: 'compute', out: '/nowhere/at/all.json' }, /^--out/],
  ])('refuses %o', async (flags, message) => {
    const done = await write(flags);
    expect(done.code).toBe(2);
    expect(done.message).toMatch(message);
  });
});

describe('checking', () => {
  const line = async () => JSON.parse((await write({ kind: 'liveness' })).out);

  test('says when a line names another verdict, and exits with 1', async () => {
    const said = await line();
    const opening = `${said.opening.slice(0, -2)}${said.opening.endsWith('00') ? '01' : '00'}`;
    const { verdict: _, ...unnamed } = said;
    const lines = [
      said,
      { ...said, verdict: 'rejected:path' },
      { ...said, opening },
      { ...unnamed, opening },
    ];
    writeFileSync(at('several'), `${lines.map((each) => JSON.stringify(each)).join('\n\n')}\n`);
    const { code, out } = await check([at('several')]);
    expect(code).toBe(1);
    const [good, other, changed, plain] = out.trim().split('\n');
    expect([good, other]).toEqual(['accepted', 'accepted, not rejected:path']);
    expect(changed).toMatch(/^rejected:\w+, not accepted$/);
    expect(plain).toBe(changed!.split(',')[0]);
    const json = (await check([at('several')], { json: true })).out.trim().split('\n');
    expect(JSON.parse(json[1]!)).toMatchObject({
      line: 3,
      kind: 'liveness',
      verdict: 'accepted',
      agrees: false,
    });
  });

  test.each([
    ['an array', () => [], /line 1: transcript: expected an object, got an array$/],
    ['another kind', (good) => ({ ...good, kind: 'luck' }), /line 1: kind: expected one of .*, got "luck"$/],
    ['a key too many', (good) => ({ ...good, comits: [] }), /got comits; did you mean commits\?$/],
    [
      'no seed',
      (good) => ({ ...good, seed: undefined }),
      /line 1: seed: expected lower-case hex.*, got none$/,
    ],
    ['half a byte', (good) => ({ ...good, request: 'abc' }), /line 1: request: expected lower-case hex/],
    ['capitals', (good) => ({ ...good, opening: 'AB' }), /line 1: opening: expected lower-case hex/],
    ['a short basis', (good) => ({ ...good, basis: 'ab' }), /line 1: basis: expected 32 bytes, got 1$/],
    [
      'commits that are none',
      (good) => ({ ...good, commits: [7] }),
      /line 1: commits\.0: expected lower-case/,
    ],
    ['no list of them', (good) => ({ ...good, commits: 'ab' }), /line 1: commits: expected at most 64 texts/],
    [
      'a wrong parameter',
      (good) => ({ ...good, params: { ...good.params, n: 17 } }),
      /params\.n: expected a power/,
    ],
    ['a verdict that is none', (good) => ({ ...good, verdict: 1 }), /line 1: verdict: expected accepted or/],
    // it would be shown on a terminal
    [
      'a verdict with more in it',
      (good) => ({ ...good, verdict: 'rejected:path\u001b]0;x\u0007' }),
      /line 1: verdict: expected accepted or/,
    ],
  ] as readonly (readonly [string, (good: { params: object }) => unknown, RegExp])[])(
    'of %s is an error that names it',
    async (_, change, message) => {
      writeFileSync(at('wrong'), JSON.stringify(change(await line())));
      const done = await check([at('wrong')]);
      expect(done.code).toBe(2);
      expect(done.message).toMatch(message);
    },
  );

  test('of a plot of nobody is an error, and no verdict', async () => {
    const said = JSON.parse((await write({ kind: 'storage' })).out);
    writeFileSync(at('placeless'), JSON.stringify({ ...said, place: undefined }));
    const { code, out, message } = await check([at('placeless')]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(message).toMatch(
      /line 1: expected what storage hangs on, got place: expected 32 bytes, got none$/,
    );
  });

  test('of a file that is no file, no JSON or empty is an error', async () => {
    expect((await check(['/nowhere.json'])).code).toBe(2);
    writeFileSync(at('text'), 'accepted');
    expect(await check([at('text')])).toMatchObject({ code: 2, message: expect.stringMatching(/JSON/) });
    writeFileSync(at('empty'), '\n');
    expect((await check([at('empty')])).message).toMatch(
      /empty\.json: expected a transcript a line, got nothing$/,
    );
  });

  const script = fileURLToPath(new URL('../../../scripts/reference-verifier.py', import.meta.url));
  const missing = spawnSync('python3', ['--version']).status !== 0;
  if (missing) console.log('transcripts in Python skipped: this machine has no python3');
  test.skipIf(missing)('agrees with the verifier in Python over what the command writes', async () => {
    const files = transcribedKinds.flatMap((kind) => [at(kind), at(`${kind}-cheat`)]);
    const theirs = spawnSync('python3', [script, ...files], { encoding: 'utf8' });
    expect(theirs.stderr).toBe('');
    expect(theirs.status).toBe(0);
    expect(theirs.stdout).toBe((await check(files)).out);
  });
});
