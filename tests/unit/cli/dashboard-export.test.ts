import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parseAddress, tokenFor } from '../../../src/cli/dashboard/address.js';
import { exportDashboard } from '../../../src/cli/dashboard/export.js';
import type { Page } from '../../../src/dashboard/page.js';
import { html } from '../../../src/dashboard/parts.js';
import { createSeededRandom } from '../../../src/model/prng.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-export-'));
  folders.push(folder);
  return folder;
}

const pages: readonly Page[] = [
  {
    name: 'board',
    label: 'Board',
    render: ({ rest, isStatic, links }) => ({
      title: `Board ${rest[0] ?? '1'}`,
      body: html`<a href="${links.page('board', ['2'])}">${isStatic ? 'written' : 'asked'}</a>`,
      topics: ['news'],
    }),
    exports: () => [['2']],
  },
  { name: 'mine', label: 'Mine', isPrivate: true, render: () => ({ title: 'Mine', body: html`secret` }) },
  { name: 'gone', label: undefined, render: () => ({ status: 503, title: 'Gone', body: html`` }) },
];
const parts = { pages, clock: { now: () => 0 }, masthead: () => ({ title: 'Subnet 2' }) };
const { signal } = new AbortController();

describe('an export', () => {
  test('is files that any web host serves: no private page, no page that is not there, no events', async () => {
    const dir = join(await newFolder(), 'site');
    const { pages: written, folder } = await exportDashboard(parts, dir, signal);
    expect(written).toBe(2);
    expect(folder).toBe(dir);
    expect((await readdir(dir)).sort()).toEqual(['assay-dashboard.json', 'assets', 'board', 'index.html']);
    const second = await readFile(join(dir, 'board', '2', 'index.html'), 'utf8');
    expect(second).toContain('<a href="../../board/2/index.html">written</a>');
    expect(second).not.toContain('data-events');
    expect(second).not.toContain('Mine');
    const [, css] = /href="\.\.\/\.\.\/(assets\/[^"]+\.css)"/.exec(second)!;
    expect(await readFile(join(dir, css!), 'utf8')).toContain('--accent');
    expect(await readFile(join(dir, 'index.html'), 'utf8')).toContain('url=board/index.html');
  });

  test('takes the place of an earlier one, and of nothing else', async () => {
    const dir = join(await newFolder(), 'site');
    await exportDashboard(parts, dir, signal);
    await writeFile(join(dir, 'board', 'old.html'), 'old');
    await exportDashboard(parts, dir, signal);
    expect(await readdir(join(dir, 'board'))).toEqual(expect.not.arrayContaining(['old.html']));
    const other = await newFolder();
    await writeFile(join(other, 'thesis.txt'), 'mine');
    await expect(exportDashboard(parts, other, signal)).rejects.toThrow(
      'expected an empty folder, or one that an export wrote, got a folder with other files in it',
    );
    expect(await readFile(join(other, 'thesis.txt'), 'utf8')).toBe('mine');
  });

  test('that is interrupted leaves nothing behind', async () => {
    const above = await newFolder();
    const stop = AbortSignal.abort(new Error('interrupted'));
    await expect(exportDashboard(parts, join(above, 'site'), stop)).rejects.toThrow('interrupted');
    expect(await readdir(above)).toEqual([]);
  });
});

describe('where a dashboard listens', () => {
  test('is a port, an address, or both', () => {
    expect(parseAddress(true)).toEqual({ host: '127.0.0.1', port: 8787 });
    expect(parseAddress('9000')).toEqual({ host: '127.0.0.1', port: 9000 });
    expect(parseAddress('0.0.0.0')).toEqual({ host: '0.0.0.0', port: 8787 });
    expect(parseAddress('10.0.0.5:80')).toEqual({ host: '10.0.0.5', port: 80 });
    expect(parseAddress('[::1]:9000')).toEqual({ host: '::1', port: 9000 });
    expect(parseAddress('localhost:1')).toEqual({ host: 'localhost', port: 1 });
  });

  test('and nothing else', () => {
    for (const text of ['example.org:80', '70000', '1.2.3.4:99999', 'http://127.0.0.1', ''])
      expect(() => parseAddress(text), text).toThrow('expected a port, or an address with one');
  });
});

describe('the token of who may look', () => {
  const random = createSeededRandom('token');

  test('is drawn where others reach the address, and none is needed on loopback', async () => {
    expect(await tokenFor({ host: '127.0.0.1' }, undefined, random)).toBeUndefined();
    expect(await tokenFor({ host: '0.0.0.0' }, undefined, random)).toMatch(/^[\w-]{32}$/);
  });

  test('is made in its file, for its owner alone, and read from there', async () => {
    const path = join(await newFolder(), 'token');
    const made = await tokenFor({ host: '127.0.0.1' }, path, random);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await tokenFor({ host: '0.0.0.0' }, path, random)).toBe(made);
  });

  test('that is none is refused without being said', async () => {
    const folder = await newFolder();
    const path = join(folder, 'token');
    await writeFile(path, 'short\n');
    await expect(tokenFor({ host: '127.0.0.1' }, path, random)).rejects.toThrow(
      'got 5 characters that are none',
    );
    await mkdir(join(folder, 'folder'));
    await expect(tokenFor({ host: '127.0.0.1' }, join(folder, 'folder'), random)).rejects.toThrow(
      'got a folder',
    );
  });
});
