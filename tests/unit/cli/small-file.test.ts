import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readLeases } from '../../../src/cli/miner-hosts.js';
import { readSmallFile } from '../../../src/cli/small-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-small-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

describe('a small file of a data folder', () => {
  test('is its text, and nothing where there is none', async () => {
    writeFileSync(at('leases.json'), '{"leases":[]}');
    expect(await readSmallFile(at('leases.json'))).toBe('{"leases":[]}');
    expect(await readSmallFile(at('none.json'))).toBeUndefined();
  });

  test('is refused before it is read where it is too large, and where it is no file', async () => {
    writeFileSync(at('large'), 'x'.repeat(11));
    await expect(readSmallFile(at('large'), 10)).rejects.toMatchObject({ code: 'limit-exceeded' });
    mkdirSync(at('leases.json'));
    await expect(readLeases(at('leases.json'))).rejects.toThrow(
      `${at('leases.json')}: expected a file that this process can read, got a folder`,
    );
  });

  test("that is another user's is an error that says whose it is, who asks, and what to do", () => {
    const bundle = at('small-file.mjs');
    const entryPoints = ['src/cli/small-file.ts'];
    buildSync({ entryPoints, bundle: true, platform: 'node', format: 'esm', outfile: bundle });
    const path = at('leases.json');
    writeFileSync(path, '{}');
    chmodSync(path, 0); // root reads all the same: then somebody else asks
    chmodSync(folder, 0o777);
    const script = `
      if (process.getuid() === 0) process.setuid(65534);
      const { readSmallFile } = await import(${JSON.stringify(bundle)});
      const said = await readSmallFile(${JSON.stringify(path)}).catch((error) => error.message);
      const own = ${JSON.stringify(at('own.json'))};
      (await import('node:fs')).writeFileSync(own, '{}', { mode: 0 });
      const ofOwn = await readSmallFile(own).catch((error) => error.message);
      process.stdout.write(JSON.stringify({ user: process.getuid(), said, ofOwn }));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      cwd: '/',
    });
    expect(stderr).toBe('');
    const { user, said, ofOwn } = JSON.parse(stdout) as { user: number; said: string; ofOwn: string };
    const owner = statSync(path).uid;
    const got = (uid: number) =>
      `expected a file that this process can read, got one of user ${uid} with mode 000, while this process is user ${user}`;
    const fix = owner === user ? 'chmod it to 600' : 'chown the file to that user';
    expect(said).toBe(`${path}: ${got(owner)}: ${fix}`);
    expect(ofOwn).toBe(`${at('own.json')}: ${got(user)}: chmod it to 600`);
  });
});
