import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLab, type Lab } from '../../../src/cli/dashboard/lab.js';
import { createFleetPage } from '../../../src/dashboard/fleet/page.js';
import { createHub } from '../../../src/dashboard/hub.js';
import { createLabPage } from '../../../src/dashboard/lab/page.js';
import { type Dashboard, serveDashboard } from '../../../src/dashboard/server.js';
import { createObservations } from '../../../src/dashboard/suspicions/observations.js';
import { createSuspicionsPage } from '../../../src/dashboard/suspicions/page.js';
import { suspicions } from '../../../src/dashboard/suspicions/suspicions.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { type Browser, barriers, misfits, noBrowser, openBrowser } from '../../support/browser.js';
import { finished, fleetReading, LATE, neuronOf, outcomeOf } from '../../support/dashboard-values.js';

if (noBrowser) console.log(`skipped: ${noBrowser}`);

/** A run of some milliseconds, with a sweep. */
const ORDER = 'scenario=two-mechanisms&epochs=4&vary=owner.burnShare%3D0%2C0.5&run=1';

/** Findings of every strength: two late in turns, an endpoint of more than are named, coldkeys enough for a second page. */
function analysis() {
  const axon = { ip: '203.0.113.9', port: 8091 };
  const neurons = Array.from({ length: 90 }, (_, uid) =>
    neuronOf(uid, { coldkey: neuronOf(uid % 45).coldkey, ...(uid < 30 ? { axon } : {}) }),
  );
  const observations = createObservations();
  for (let event = 0; event < 24; event++)
    for (const uid of [40, 41])
      observations.outcome(outcomeOf(`hot-${uid}`, event, event % 2 === uid % 2 ? LATE : {}));
  return finished(suspicions(neurons, observations));
}

describe.skipIf(noBrowser)('pages that are their owner’s alone, in Chromium', () => {
  let browser: Browser;
  let lab: Lab;
  let dashboard: Dashboard;
  beforeAll(async () => {
    lab = createLab({ clock: systemClock }, { patienceMs: 30_000 });
    const nowMs = Date.UTC(2026, 0, 2);
    dashboard = await serveDashboard(
      {
        pages: [
          createFleetPage({ current: async () => fleetReading(nowMs) }),
          createSuspicionsPage({ current: async () => ({ analysis: analysis(), madeMs: nowMs }) }),
          createLabPage(lab),
        ],
        hub: createHub(),
        clock: { now: () => nowMs },
        log: silentLog,
        masthead: () => ({ title: 'Subnet 2' }),
      },
      {},
    );
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    await lab?.close();
  });

  test.each(['fleet/', 'suspicions/', 'suspicions/?page=2', 'lab/', `lab/?${ORDER}`])(
    '%s fits every width and has nothing that axe finds wrong',
    async (path) => {
      const { page, problems, close } = await browser.visit(`${dashboard.url}${path}`);
      try {
        expect(await misfits(page)).toEqual([]);
        expect(await barriers(page)).toEqual([]);
        expect(await problems()).toEqual([]);
      } finally {
        await close();
      }
    },
  );

  test('the form of the lab runs an order, and its report draws its charts in a frame of its own', async () => {
    const { page, close } = await browser.visit(`${dashboard.url}lab/?${ORDER.replace('&run=1', '')}`);
    try {
      await page.getByRole('button', { name: 'Run' }).click();
      await page.getByText('All').first().waitFor();
      await page.locator('iframe').scrollIntoViewIfNeeded();
      const report = page.frameLocator('iframe');
      await report.locator('canvas').first().waitFor();
      expect(await report.locator('h1').innerText()).not.toBe('');
      expect(await page.locator('#sweep tbody tr').count()).toBe(2);
    } finally {
      await close();
    }
  });
});
