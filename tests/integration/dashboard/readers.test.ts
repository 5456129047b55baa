import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  axeFindings,
  type Browser,
  focused,
  noBrowser,
  openBrowser,
  overflowing,
  styleOf,
  type Visited,
  type VisitOptions,
} from '../../support/browser.js';
import { openSeededDashboard, type SeededDashboard, STRANGE_NAMES } from '../../support/seeded-dashboard.js';
import { type SeededSubnet, seedLedger } from '../../support/seeded-ledger.js';

if (noBrowser) console.log(`skipped: ${noBrowser}`);

describe.skipIf(noBrowser)('those who read the pages otherwise, in Chromium', () => {
  let folder: string;
  let browser: Browser;
  let seeded: SeededSubnet;
  let site: SeededDashboard;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'assay-readers-'));
    seeded = await seedLedger(folder, { miners: 120, epochs: 3 });
    [site, browser] = await Promise.all([openSeededDashboard(folder, seeded), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function visiting(
    path: string,
    options: VisitOptions,
    body: (visited: Visited) => Promise<void>,
    { url } = site,
  ): Promise<void> {
    const visited = await browser.visit(`${url}${path}`, options);
    try {
      await body(visited);
    } finally {
      await visited.close();
    }
  }

  describe('by keyboard', () => {
    test('the first stop leads past the head, and from there on into the page', () =>
      visiting('leaderboard/', {}, async ({ page }) => {
        await page.keyboard.press('Tab');
        expect(await focused(page)).toMatchObject({ name: 'Skip to content', visible: true, href: '#main' });
        await page.keyboard.press('Enter');
        expect((await focused(page)).id).toBe('main');
        await page.keyboard.press('Tab');
        expect(await focused(page)).toMatchObject({ inMain: true, visible: true });
      }));

    test('every stop has a name and shows that it is one, in the order in which they stand', () =>
      visiting('leaderboard/', {}, async ({ page }) => {
        const names: string[] = [];
        for (let stop = 0; stop < 30; stop++) {
          await page.keyboard.press('Tab');
          const { tag, name, visible } = await focused(page);
          expect(visible, `${tag} ${name}`).toBe(true);
          names.push(name);
        }
        const nav = ['Skip to content', 'Assay', 'Leaderboard', 'Miner', 'Rounds', 'Subnet', 'Suspicions'];
        expect(names.slice(0, nav.length)).toEqual(nav);
        expect(names).not.toContain('');
        expect(names[nav.length]).toBe('Auto theme, change it');
      }));

    test('a theme is chosen, and stays for the next page', () =>
      visiting('leaderboard/', {}, async ({ page }) => {
        const colour = () => styleOf(page.locator('body'), 'backgroundColor');
        const light = await colour();
        await page.focus('[data-theme-toggle]');
        await page.keyboard.press('Enter');
        await page.keyboard.press('Space');
        expect(await page.innerText('[data-theme-toggle]')).toBe('Dark');
        expect(await colour()).not.toBe(light);
        await page.getByRole('link', { name: 'Subnet', exact: true }).press('Enter');
        await page.waitForURL('**/subnet/');
        expect(await page.getAttribute('html', 'data-theme')).toBe('dark');
        expect(await colour()).not.toBe(light);
      }));

    test('a column is sorted by, and the address can be shared', () =>
      visiting('leaderboard/', {}, async ({ page }) => {
        await page.getByRole('link', { name: 'Rejected', exact: true }).press('Enter');
        await page.waitForURL('**/leaderboard/?sort=rejected');
        const header = page.locator('th[aria-sort]');
        expect(await header.getAttribute('aria-sort')).toBe('descending');
        expect(await header.innerText()).toContain('Rejected');
        const at = await page
          .locator('thead th')
          .evaluateAll((all) => all.findIndex((each) => each.getAttribute('aria-sort') !== null));
        const cells = await page
          .locator('tbody tr')
          .evaluateAll(
            (rows, column) =>
              rows.slice(0, 5).map((row) => Number.parseInt(row.children[column]!.textContent!, 10)),
            at,
          );
        expect(cells[0]).toBeGreaterThan(0);
        expect([...cells].sort((a, b) => b - a)).toEqual(cells);
        await visiting('leaderboard/?sort=rejected', {}, async (shared) => {
          expect(await shared.page.innerText('tbody tr th')).toBe(await page.innerText('tbody tr th'));
        });
      }));
  });

  describe('without scripts', () => {
    test('the leaderboard reads, filters and sorts', () =>
      visiting('leaderboard/', { script: false }, async ({ page, asked }) => {
        expect(await page.locator('tbody tr').count()).toBe(100);
        expect(asked.filter((path) => path.includes('events'))).toEqual([]);
        await page.getByLabel('Class').selectOption('h100-sxm');
        await page.getByRole('button', { name: 'Show' }).click();
        await page.waitForURL('**class=h100-sxm**');
        expect(await page.locator('tbody tr').count()).toBe(24);
        await page.getByLabel('Hotkey or uid').fill('9');
        await page.getByLabel('Class').selectOption('');
        await page.getByRole('button', { name: 'Show' }).click();
        await page.waitForURL('**q=9**');
        expect(await page.getByRole('link', { name: 'Rejected', exact: true }).count()).toBe(1);
      }));

    test("a miner's page has its checks, and how to judge one again", () =>
      visiting(`miner/${seeded.hotkeys[7]}/`, { script: false }, async ({ page }) => {
        expect(await page.innerText('h1')).toContain(seeded.hotkeys[7]!);
        expect(await page.locator('#checks tbody tr').count()).toBe(15);
        expect(await page.innerText('#replay')).toMatch(/^assay validator replay [0-9a-f]{32} /);
        // what only a script can do is not offered
        expect(await page.getByRole('button', { name: 'Copy' }).count()).toBe(0);
        expect(await page.locator('[data-theme-toggle]').isVisible()).toBe(false);
      }));

    test('a hotkey that nobody checked is said to be none of them', () =>
      visiting(
        'miner/5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM/',
        { script: false },
        async ({ page }) => {
          expect(await page.innerText('main')).toContain('not registered on the subnet');
        },
      ));
  });

  describe.each(Object.entries(STRANGE_NAMES))(
    'a subnet whose owner named it in %s',
    (_, { text: name, shown }) => {
      test('is shown by that text, in its own direction, and nothing of it runs', async () => {
        const strange = await openSeededDashboard(folder, seeded, { name });
        try {
          await visiting(
            'subnet/',
            { width: 390 },
            async ({ page, problems }) => {
              const said = page.locator('.lead bdi.stranger');
              expect((await said.innerText()).slice(0, shown.length)).toBe(shown);
              expect(await styleOf(said, 'unicodeBidi')).toBe('isolate');
              expect(await page.title()).not.toContain('taken');
              expect(await page.locator('main img, main b b, header img').count()).toBe(0);
              expect(await overflowing(page)).toEqual([]);
              expect(await axeFindings(page)).toEqual([]);
              expect(await problems()).toEqual([]);
            },
            strange,
          );
        } finally {
          await strange.close();
        }
      });
    },
  );
});
