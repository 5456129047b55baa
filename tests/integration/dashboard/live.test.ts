import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHub } from '../../../src/dashboard/hub.js';
import { pulse } from '../../../src/dashboard/layout.js';
import type { Masthead, Page } from '../../../src/dashboard/page.js';
import { html, live } from '../../../src/dashboard/parts.js';
import { serveDashboard } from '../../../src/dashboard/server.js';
import { silentLog } from '../../../src/model/log.js';
import { type Browser, drawn, focused, noBrowser, openBrowser } from '../../support/browser.js';

if (noBrowser) console.log(`skipped: ${noBrowser}`);

/** One page whose middle changes, and a server that can end and come back on its port. */
async function liveSite(port = 0) {
  const hub = createHub();
  let masthead: Masthead = { title: 'Subnet 7', epoch: 4, block: 100 };
  const page: Page = {
    name: 'rounds',
    label: 'Rounds',
    render: () => ({
      title: 'Rounds',
      topics: ['rounds'],
      body: html`<p id="still">stays</p>${live('rounds', html`<p>nothing yet</p><input id="own" aria-label="own">`)}`,
    }),
  };
  const dashboard = await serveDashboard(
    { pages: [page], hub, clock: { now: () => 0 }, log: silentLog, masthead: () => masthead },
    { port },
  );
  return {
    hub,
    dashboard,
    say: (text: string) =>
      hub.publish('rounds', { html: html`<p>${text}</p><input id="own" aria-label="own">`.text }),
    head(next: Partial<Masthead>) {
      masthead = { ...masthead, ...next };
      hub.publish('masthead', { html: pulse(masthead).text });
    },
  };
}

describe.skipIf(noBrowser)('a page that is open while things happen, in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  test('takes in what is published without being asked for again, and keeps what the reader was at', async () => {
    const site = await liveSite();
    const { page, asked, problems, close } = await browser.visit(`${site.dashboard.url}rounds/`);
    try {
      await expect.poll(() => site.hub.listeners()).toBe(1);
      await page.focus('#own');
      site.say('challenged: 5F…');
      await page.getByText('challenged: 5F…').waitFor();
      expect(await page.textContent('#still')).toBe('stays');
      expect((await focused(page)).id).toBe('own');
      expect(asked.filter((path) => path === '/rounds/')).toHaveLength(1);
      expect(await problems()).toEqual([]);
    } finally {
      await close();
      await site.dashboard.close();
    }
  });

  test('shows the block and epoch of the head as they come', async () => {
    const site = await liveSite();
    const { page, close } = await browser.visit(`${site.dashboard.url}rounds/`);
    try {
      expect((await page.innerText('.pulse')).replace(/\s+/g, ' ')).toContain('block 100');
      await expect.poll(() => site.hub.listeners()).toBe(1);
      site.head({ block: 101 });
      await page.locator('.pulse', { hasText: '101' }).waitFor();
    } finally {
      await close();
      await site.dashboard.close();
    }
  });

  test('makes nothing of markup that somebody publishes: no script runs, no image is asked for', async () => {
    const site = await liveSite();
    const { page, asked, close } = await browser.visit(`${site.dashboard.url}rounds/`);
    try {
      await expect.poll(() => site.hub.listeners()).toBe(1);
      site.hub.publish('rounds', {
        html: '<p id="late">late</p><script>document.title = "taken"</script><img src="http://192.0.2.1/x" onerror="document.title = \'taken\'">',
      });
      await page.locator('#late').waitFor();
      await drawn(page);
      expect(await page.title()).toBe('Rounds · Subnet 7 · Assay');
      expect(asked).not.toContain('/x');
    } finally {
      await close();
      await site.dashboard.close();
    }
  });

  test('ends its stream when it is left, so that the server keeps none', async () => {
    const site = await liveSite();
    const { page, close } = await browser.visit(`${site.dashboard.url}rounds/`);
    try {
      await expect.poll(() => site.hub.listeners()).toBe(1);
      await page.goto('about:blank');
      await expect.poll(() => site.hub.listeners()).toBe(0);
    } finally {
      await close();
      await site.dashboard.close();
    }
  });

  test('comes back by itself when the server was away, and has what was said in between', async () => {
    const first = await liveSite();
    const { page, close } = await browser.visit(`${first.dashboard.url}rounds/`);
    let second: Awaited<ReturnType<typeof liveSite>> | undefined;
    try {
      await expect.poll(() => first.hub.listeners()).toBe(1);
      await first.dashboard.close();
      second = await liveSite(first.dashboard.port);
      await expect.poll(() => second!.hub.listeners(), { timeout: 10_000 }).toBe(1);
      second.say('after the restart');
      await page.getByText('after the restart').waitFor();
    } finally {
      await close();
      await first.dashboard.close();
      await second?.dashboard.close();
    }
  });
});
