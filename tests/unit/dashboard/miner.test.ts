import { describe, expect, test } from 'vitest';
import type { ChainFacts } from '../../../src/dashboard/chain-facts.js';
import { createHistory } from '../../../src/dashboard/history.js';
import { createMinerPage, type MinerPageSource } from '../../../src/dashboard/miner/page.js';
import { createReceipts, type ReceiptLine } from '../../../src/dashboard/miner/receipts.js';
import { earningOf, storyOf } from '../../../src/dashboard/miner/view.js';
import { toHotkey } from '../../../src/model/ids.js';
import { rejected } from '../../../src/model/verdict.js';
import { ask, pageRequest } from '../../support/dashboard.js';
import { chainFactsOf, neuronOf, oneClass, outcomeOf } from '../../support/dashboard-values.js';

const MINER = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const OTHER = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
const ID = '0123456789abcdef0123456789abcdef';

const chainOf = (change: Partial<ChainFacts> = {}): ChainFacts =>
  chainFactsOf(
    [
      neuronOf(1, { hotkey: toHotkey(MINER), incentive: 49_152, emissionRao: 30_000_000_000n }),
      neuronOf(2, { incentive: 16_384, emissionRao: 10_000_000_000n }),
      neuronOf(3, { hotkey: toHotkey(OTHER) }),
    ],
    change,
  );

function sourceOf(change: Partial<MinerPageSource> = {}): MinerPageSource {
  const history = createHistory();
  for (let event = 0; event < 5; event++)
    history.outcome?.(outcomeOf(MINER, event, { id: ID, measuredMs: 1500, share: 0.75, at: 1000 * event }));
  history.outcome?.(
    outcomeOf(MINER, 6, { id: ID, verdict: rejected('window'), measuredMs: 2100, share: 0, at: 6000 }),
  );
  return { history, parameters: oneClass, chain: () => chainOf(), ...change };
}

const asked = (hotkey: string, query = '') => pageRequest({ rest: [hotkey], query });

describe('a miner’s story', () => {
  const story = storyOf(sourceOf(), MINER)!;

  test('counts every outcome by its reason, the most frequent first', () => {
    expect(story.counts.map(({ verdict, reason, count }) => [verdict, reason, count])).toEqual([
      ['accepted', '', 5],
      ['rejected', 'window', 1],
    ]);
  });

  test('has times beside those of its class', () => {
    expect(story.timings).toEqual([
      {
        paramsId: 'ab'.repeat(32),
        className: 'rtx-4090',
        windowMs: 2000,
        checks: 6,
        ownMs: 1500,
        band: { checks: 5, p10: 1500, p50: 1500, p90: 1500 },
      },
    ]);
  });

  test('has its mean credit of each epoch', () => {
    expect(story.credit).toEqual([{ label: '7', share: 0.625, checks: 6 }]);
  });

  test('of who was never checked is none', () => {
    expect(storyOf(sourceOf(), OTHER)).toBeUndefined();
  });
});

describe('what it earns', () => {
  test('is the last epoch’s, for as many epochs as a day has, with every step', () => {
    expect(earningOf(chainOf(), MINER)).toEqual({
      uid: 1,
      incentive: 0.75,
      allRao: 40_000_000_000n,
      ownRao: 30_000_000_000n,
      epochsPerDay: 20,
      perDayRao: 600_000_000_000n,
      taoPerDayRao: 30_000_000_000n,
      pointPerDayRao: 8_000_000_000n,
      isBurned: false,
    });
  });

  test('of who validates too is what its incentive brings: dividends are not a miner’s', () => {
    const neurons = [
      neuronOf(1, { incentive: 49_152, emissionRao: 30_000_000_000n }),
      neuronOf(2, {
        hotkey: toHotkey(MINER),
        incentive: 16_384,
        dividends: 65_535,
        emissionRao: 50_000_000_000n,
      }),
    ];
    expect(earningOf(chainOf({ neurons }), MINER)).toMatchObject({
      incentive: 0.25,
      allRao: 40_000_000_000n,
      ownRao: 10_000_000_000n,
      perDayRao: 200_000_000_000n,
    });
  });

  test('of who is not registered is not known', () => {
    expect(earningOf(chainOf(), 'nobody')).toBeUndefined();
    expect(earningOf(undefined, MINER)).toBeUndefined();
  });
});

describe('the page', () => {
  test('shows checks with their reasons, what they mean, and the command that judges one again', async () => {
    const source = sourceOf({ replay: (outcome) => `assay validator replay ${outcome} --data v` });
    const { body, title } = await ask(createMinerPage(source), asked(MINER));
    expect(title).toBe('Miner 5GrwvaEF…');
    expect(body.text).toContain('rejected: window</span>');
    expect(body.text).toContain('No complete answer came within the window');
    expect(body.text).toContain(`<pre id="replay">assay validator replay ${ID} --data v</pre>`);
    expect(body.text).toContain('× 75.0000 % incentive = 30.0000 alpha');
    expect(body.text).toContain('1 % is 8.0000 alpha a day');
    expect(body.text).toContain('1 came after it');
    expect(body.text).toContain('<span title="exact int8 operations a second">1.00 Top/s</span>');
  });

  test('in an export says how a check is judged again without saying where', async () => {
    const replay: MinerPageSource['replay'] = (_, { isStatic }) => (isStatic ? 'in FOLDER' : 'in /home/v');
    const page = createMinerPage(sourceOf({ replay }));
    expect((await ask(page, asked(MINER))).body.text).toContain('<pre id="replay">in /home/v</pre>');
    const request = { ...asked(MINER), isStatic: true };
    expect((await ask(page, request)).body.text).toContain('<pre id="replay">in FOLDER</pre>');
  });

  test('says why it was paid nothing, and what was cut', async () => {
    const source = sourceOf({
      why: () => ({ epoch: 7, zero: 'never-accepted', cuts: [{ why: 'uptime', pool: 'gpu', factor: 0.5 }] }),
    });
    const { text } = (await ask(createMinerPage(source), asked(MINER))).body;
    expect(text).toContain('Paid nothing in epoch 7: nothing it sent was accepted. The reasons are below.');
    expect(text).toContain('<li>uptime: × 0.5000 in pool gpu</li>');
  });

  test('of a hotkey that is not on the subnet is a 404 that says so', async () => {
    const nobody = '5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy';
    const answer = await ask(createMinerPage(sourceOf()), asked(nobody));
    expect(answer.status).toBe(404);
    expect(answer.body.text).toContain('This hotkey is not registered on the subnet');
    // whoever looks for another one from here does not stay at this one
    expect(answer.body.text).toContain('method="get" action="../../miner/"');
  });

  test('of one that is registered and was never checked says when that will be', async () => {
    const answer = await ask(createMinerPage(sourceOf()), asked(OTHER));
    expect(answer.status).toBeUndefined();
    expect(answer.body.text).toContain('nobody here has checked it yet');
  });

  test('of what is no hotkey says what one looks like, as text', async () => {
    const answer = await ask(createMinerPage(sourceOf()), asked('<script>'));
    expect(answer.status).toBe(400);
    expect(answer.body.text).toContain('value="&lt;script&gt;"');
    expect(answer.body.text).not.toContain('<script>');
  });

  test('is exported for whoever the leaderboard links: checked, or registered alone', () => {
    expect([...createMinerPage(sourceOf()).exports!()]).toEqual([[MINER], ['hot-2'], [OTHER]]);
  });

  test('without a hotkey asks for one', async () => {
    const { text } = (await ask(createMinerPage(sourceOf()), pageRequest())).body;
    expect(text).toContain('name="hotkey"');
  });

  test('a page of checks that cannot be is refused', async () => {
    await expect(ask(createMinerPage(sourceOf()), asked(MINER, 'page=x'))).rejects.toThrow(
      'page: expected a whole number from 1, got x',
    );
  });
});

describe('shown by the miner itself', () => {
  const line = (change: Partial<ReceiptLine> = {}): ReceiptLine => ({
    at: '2026-01-01T00:00:00.000Z',
    validator: 'validator-a',
    eventBlock: '1000',
    slot: 0,
    outcome: ID,
    verdict: 'accepted',
    reason: '',
    measuredMs: 900,
    share: 0.9,
    paramsId: 'ab'.repeat(32),
    ...change,
  });

  test('its story is its receipts, of all validators', async () => {
    const receipts = createReceipts(MINER);
    receipts.add(line());
    receipts.add(line({ validator: 'validator-b', verdict: 'rejected', reason: 'left-out', share: 0 }));
    const source = { history: undefined, receipts, own: MINER, parameters: oneClass, chain: () => undefined };
    expect(storyOf(source, MINER)).toMatchObject({
      validators: ['validator-b', 'validator-a'],
      of: 'day',
      credit: [{ label: '2026-01-01', share: 0.45, checks: 2 }],
    });
    const { text } = (await ask(createMinerPage(source), pageRequest())).body;
    expect(text).toContain('rejected: left-out');
    expect(text).toContain('aria-label="Mean credit of each day: 1 day, from 0.45 to 0.45, lowest 0.45"');
    expect(text).toContain(`assay validator replay ${ID}`);
    expect(text).toContain('title="validator-b"');
  });

  test('before its first receipt says that there is none, and what tells why', async () => {
    const receipts = createReceipts(MINER);
    const source = { history: undefined, receipts, own: MINER, parameters: oneClass, chain: () => undefined };
    expect(storyOf(source, MINER)).toBeUndefined();
    const { status, body } = await ask(createMinerPage(source), pageRequest());
    expect(status).toBeUndefined();
    expect(body.text).toContain('No validator has sent a receipt yet');
    expect(body.text).not.toContain('What became of its checks');
    expect((await ask(createMinerPage(source), asked(OTHER))).status).toBe(404);
  });

  test('what a validator wrote stays text', async () => {
    const receipts = createReceipts(MINER);
    receipts.add(line({ validator: '<b>x</b>' }));
    receipts.add(line({ validator: '<i>y</i>' }));
    const source = { history: undefined, receipts, own: MINER, parameters: oneClass, chain: () => undefined };
    const { text } = (await ask(createMinerPage(source), pageRequest())).body;
    expect(text).toContain('&lt;b&gt;x&lt;/b&gt;');
    expect(text).not.toContain('<b>x</b>');
  });
});
