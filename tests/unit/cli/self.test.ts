// What the program says about itself: version, errors.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type BuildFacts, buildFacts, factsText } from '../../../src/cli/build-facts.js';
import { showErrors } from '../../../src/cli/commands/errors.js';
import { showVersion } from '../../../src/cli/commands/version.js';
import { ERROR_PAGES } from '../../../src/cli/error-codes.js';
import { VERSION } from '../../../src/model/version.js';

afterEach(() => vi.restoreAllMocks());

async function printed(work: () => Promise<number>): Promise<string> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  expect(await work()).toBe(0);
  vi.restoreAllMocks();
  return out;
}

describe('version', () => {
  test('is the first line alone, for scripts; then build, machine and what is missing, with the command', () => {
    const facts: BuildFacts = {
      version: '1.2.3',
      commit: '0123456789abcdef0123456789abcdef01234567',
      isChanged: true,
      node: '20.20.2',
      platform: 'linux',
      arch: 'x64',
      glibc: '2.36',
      optional: [
        { name: 'koffi', wanted: '3.3.4', installed: '3.3.4', use: 'NVIDIA cards' },
        { name: 'webgpu', wanted: '0.6.2', installed: '0.6.1', use: 'other graphics processors' },
        { name: 'onnxruntime-node', wanted: '1.30.0', installed: undefined, use: 'the fast CPU kernel' },
      ],
    };
    expect(factsText(facts)).toBe(
      [
        '1.2.3',
        '  commit            0123456789ab, changed since',
        '  node              20.20.2',
        '  platform          linux x64, glibc 2.36',
        '  koffi             3.3.4',
        '  webgpu            0.6.1; tried with 0.6.2',
        '  onnxruntime-node  not installed (the fast CPU kernel)',
        '    npm install --ignore-scripts onnxruntime-node@1.30.0',
      ].join('\n'),
    );
    // in a terminal no word is broken, and what is to be copied stays a line
    expect(factsText(facts, 46).split('\n').slice(-3)).toEqual([
      '  onnxruntime-node  not installed (the fast',
      '                    CPU kernel)',
      '    npm install --ignore-scripts onnxruntime-node@1.30.0',
    ]);
  });

  test('of an installed package reads commit and optional parts of that package, loading none of them', () => {
    const root = mkdtempSync(join(tmpdir(), 'assay-facts-'));
    try {
      const write = (path: string, text: string): void => {
        mkdirSync(join(root, path, '..'), { recursive: true });
        writeFileSync(join(root, path), text);
      };
      write(
        'package.json',
        '{"optionalDependencies":{"a":"1.0.0","b":"2.0.0"},"peerDependencies":{"koffi":"3.3.4"}}',
      );
      write('dist/build.json', '{"commit":"abc","isChanged":false}');
      write('node_modules/a/package.json', '{"version":"1.0.0"}');
      write('node_modules/a/index.js', 'throw new Error("loaded")');
      write('node_modules/koffi/package.json', 'torn');
      const facts = buildFacts(pathToFileURL(join(root, 'dist/cli/build-facts.js')));
      expect(facts).toMatchObject({
        version: VERSION,
        commit: 'abc',
        isChanged: false,
        node: process.versions.node,
      });
      expect(facts.optional.map(({ name, installed }) => [name, installed])).toEqual([
        ['a', '1.0.0'],
        ['b', undefined],
        ['koffi', undefined],
      ]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('as JSON is the same facts; sources that are run are of no commit', async () => {
    const facts = JSON.parse(await printed(() => showVersion({ json: true }))) as BuildFacts;
    expect(facts).toMatchObject({ version: VERSION, platform: process.platform });
    expect(facts.commit).toBeUndefined();
    expect(facts.optional.map(({ name }) => name)).toContain('onnxruntime-node');
  });
});

describe('errors', () => {
  test('are told one by one, also with the brackets that they stand in', async () => {
    const text = await printed(() => showErrors('[evidence-expired]', {}));
    expect(text).toBe(
      `evidence-expired: exit code 4\n\n${ERROR_PAGES['evidence-expired'].means}\n\nWhat to do: ${ERROR_PAGES['evidence-expired'].remedy}\n`,
    );
  });

  test('as JSON are all of them, each with its exit code', async () => {
    const all = JSON.parse(await printed(() => showErrors(undefined, { json: true }))) as {
      code: string;
      exit: number;
    }[];
    expect(all).toHaveLength(Object.keys(ERROR_PAGES).length);
    expect(all.find(({ code }) => code === 'unknown-flag')).toMatchObject({ exit: 2 });
  });

  test('that are none are refused with the one that was meant', async () => {
    await expect(showErrors('unreachabel', {})).rejects.toThrow(
      'code: expected one of `assay errors`, such as unreachable, got unreachabel',
    );
  });

  test('say in a sentence what they mean and what to do', () => {
    const odd = Object.entries(ERROR_PAGES).filter(
      ([, { means, remedy }]) => !/^\S.*\.$/.test(means) || !/^\S.*\.$/.test(remedy),
    );
    expect(odd.map(([code]) => code)).toEqual([]);
  });
});

test.skipIf(!existsSync('/dev/full'))('output that a full disk did not take is no success', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'errors'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  expect(stderr).toMatch(/^error: standard output cannot be written: ENOSPC.* \[unexpected\]\n$/);
  expect(status).toBe(1);
});
