import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, barriers, misfits, noBrowser, openBrowser } from '../../support/browser.js';
import { openSeededDashboard, type SeededDashboard } from '../../support/seeded-dashboard.js';
import { type SeededSubnet, seedLedger } from '../../support/seeded-ledger.js';

if (noBrowser) console.log(`skipped: ${noBrowser}`);

describe.skipIf(noBrowser)('the pages of a subnet of 120 miners, in Chromium', () => {
  let folder: string;
  let browser: Browser;
  let seeded: SeededSubnet;
  let site: SeededDashboard;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'assay-pages-'));
    seeded = await seedLedger(folder, { miners: 120, epochs: 6 });
    [site, browser] = await Promise.all([openSeededDashboard(folder, seeded), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const PAGES = ['leaderboard', 'miner', 'one miner', 'rounds', 'subnet', 'suspicions', 'nothing'] as const;
  const pathOf = (name: (typeof PAGES)[number]): string =>
    name === 'one miner' ? `miner/${seeded.hotkeys[7]}/` : `${name}/`;

  describe.each(PAGES)('%s', (name) => {
    test('fits every width in light and dark, complains of nothing and asks nobody else', async () => {
      const { page, problems, close } = await browser.visit(`${site.url}${pathOf(name)}`);
      try {
        expect(await misfits(page)).toEqual([]);
        expect(await page.locator('h1').count()).toBe(1);
        expect(await problems()).toEqual([]);
      } finally {
        await close();
      }
    });

    test('has nothing that axe finds wrong, light and dark, phone and desktop', async () => {
      const { page, close } = await browser.visit(`${site.url}${pathOf(name)}`);
      try {
        expect(await barriers(page)).toEqual([]);
      } finally {
        await close();
      }
    });
  });
});
