// The documentation site as it is built and read: every page is there, it asks nothing elsewhere, and it reads from a server, from a
// disk and without scripts.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DocsServer, serveDocs } from '../../../src/cli/docs-server.js';
import { type Browser, noBrowser, openBrowser, overflowing } from '../../support/browser.js';

const ROOT = new URL('../../../', import.meta.url).pathname;
const PAGES = [
  'index.html',
  'concepts.html',
  'project/README.html',
  'proofs/storage.html',
  'api/emissions.html',
  'api/assay/ProofKind.html',
];

let site: string;
const build = () => promisify(execFile)(process.execPath, [join(ROOT, 'scripts/docs.mjs'), '--out', site]);

beforeAll(async () => {
  site = mkdtempSync(join(tmpdir(), 'assay-site-'));
  const { stderr } = await build();
  expect(stderr).toMatch(/^\d+ pages, /);
}, 180_000);
afterAll(() => rmSync(site, { recursive: true, force: true }));

describe('the documentation site', () => {
  test('has a page for each page and each import, and a picture beside its words', () => {
    for (const page of PAGES) expect(existsSync(join(site, page))).toBe(true);
    expect(readFileSync(join(site, 'concepts.html'), 'utf8')).toMatch(
      /<img src="media\/round\.svg" alt="A valid/,
    );
    expect(readFileSync(join(site, 'api/emissions.html'), 'utf8')).toContain('runEpochInDoubles');
  });

  test('is made once of the same sources', async () => {
    expect(await build()).toMatchObject({ stderr: '' });
  });

  test('lists all subjects where scripts do not run', () => {
    const start = readFileSync(join(site, 'index.html'), 'utf8');
    for (const subject of ['For miners', 'For validators', 'Proofs', 'Security', 'Measurements'])
      expect(start).toContain(`>${subject}<`);
    expect(start).toContain('href="guide/operate-miner.html"');
  });

  test('has no script and no style inside of its pages', () => {
    for (const page of PAGES) {
      const html = readFileSync(join(site, page), 'utf8');
      expect(html.match(/<script(?![^>]* src=)|<style|\sstyle="|\son[a-z]+="/g)).toBeNull();
    }
  });
});

if (noBrowser !== undefined) console.warn(`skipped: the site is not opened: ${noBrowser}`);

describe.skipIf(noBrowser !== undefined)('the documentation site in a browser', () => {
  let browser: Browser;
  let server: DocsServer;
  const stop = new AbortController();
  beforeAll(async () => {
    server = await serveDocs({ site, port: 0 }, stop.signal);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    stop.abort();
    await server.closed;
  });

  // what is as wide as it is in one theme is so in the other
  test.each([
    [390, 'dark'],
    [1280, 'light'],
  ] as const)('fits %i pixels, in %s, and complains of nothing', async (width, theme) => {
    for (const page of PAGES) {
      const visited = await browser.visit(`${server.url}${page}`, { width, theme });
      await visited.page.waitForFunction('document.body.style.display !== "none"');
      expect([page, await visited.problems(), await overflowing(visited.page)]).toEqual([page, [], []]);
      await visited.close();
    }
  });

  const search = async (url: string): Promise<{ found: string[]; problems: readonly string[] }> => {
    const visited = await browser.visit(url);
    await visited.page.locator('#tsd-search-trigger').click();
    await visited.page.locator('#tsd-search-input').fill('kappa');
    await visited.page.locator('#tsd-search-results li').first().waitFor();
    const found = await visited.page.locator('#tsd-search-results li').allInnerTexts();
    const problems = await visited.problems();
    await visited.close();
    return { found, problems };
  };

  test('is searched without a server that could answer', async () => {
    const { found, problems } = await search(server.url);
    expect(found.join('\n')).toContain('Concepts');
    expect(problems).toEqual([]);
  });

  test('is read and searched from a disk', async () => {
    const { found } = await search(pathToFileURL(join(site, 'guide/policy.html')).href);
    expect(found.join('\n')).toContain('Concepts');
  });

  test('reads without scripts', async () => {
    const visited = await browser.visit(`${server.url}concepts.html`, { script: false });
    expect(await visited.page.locator('h2').allInnerTexts()).toEqual(
      expect.arrayContaining(['The round', 'The event', 'The emission']),
    );
    expect(await visited.page.locator('p').first().isVisible()).toBe(true);
    await visited.close();
  });
});
