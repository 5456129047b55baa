import { describe, expect, test } from 'vitest';
import type { ChainFacts } from '../../../src/dashboard/chain-facts.js';
import { createHistory } from '../../../src/dashboard/history.js';
import { createLeaderboardPage } from '../../../src/dashboard/leaderboard/page.js';
import { leaderRows, parseQuery, queryText, select } from '../../../src/dashboard/leaderboard/view.js';
import { earningOf } from '../../../src/dashboard/miner/view.js';
import { toColdkey, toHotkey } from '../../../src/model/ids.js';
import { rejected } from '../../../src/model/verdict.js';
import { ask, pageRequest } from '../../support/dashboard.js';
import { chainFactsOf, neuronOf, oneClass, outcomeOf } from '../../support/dashboard-values.js';

const chainOf = (change: Partial<ChainFacts> = {}): ChainFacts =>
  chainFactsOf(
    [
      neuronOf(0, { incentive: 0, validatorPermit: true }),
      neuronOf(1, { incentive: 49_152, emissionRao: 30_000_000_000n }),
      neuronOf(2, { incentive: 16_384, emissionRao: 10_000_000_000n }),
      neuronOf(3),
    ],
    { weights: new Map([['hot-1', 0.6]]), ...change },
  );

function history() {
  const made = createHistory();
  for (let event = 0; event < 4; event++) {
    made.outcome?.(outcomeOf('hot-1', event, { share: 1, id: '0a'.repeat(16) }));
    made.outcome?.(
      outcomeOf('hot-2', event, {
        id: '0b'.repeat(16),
        share: event === 3 ? 0 : 0.5,
        verdict: event === 3 ? rejected('projection') : { kind: 'accepted' },
      }),
    );
  }
  made.outcome?.(outcomeOf('hot-gone', 1, { verdict: rejected('window'), credit: {}, share: 0 }));
  made.scored?.({
    type: 'scored',
    epoch: 7,
    block: 1200,
    policy: 'ab',
    facts: { neurons: new Map(), owner: toHotkey('hot-9') },
    row: [
      [toHotkey('hot-1'), 65_535],
      [toHotkey('hot-2'), 21_845],
    ],
  });
  return made;
}

describe('rows of the leaderboard', () => {
  const rows = leaderRows({ history: history(), parameters: oneClass, chain: () => chainOf() });

  test('stand by score, with what was proven, judged and paid', () => {
    expect(rows.map(({ hotkey, rank }) => [rank, hotkey])).toEqual([
      [1, 'hot-1'],
      [2, 'hot-2'],
      [3, 'hot-3'],
      [4, 'hot-gone'],
    ]);
    expect(rows[0]).toMatchObject({
      uid: 1,
      accepted: 4,
      rejected: 0,
      score: 0.75,
      weight: 0.6,
      classes: [{ name: 'rtx-4090', slots: 1 }],
      credit: { opsPerS: 1e12 },
      // 30 alpha an epoch of 72 minutes: 20 of them are a day
      alphaPerDayRao: 600_000_000_000n,
    });
    expect(rows[1]).toMatchObject({ accepted: 3, rejected: 1, lastRejection: 'projection', score: 0.25 });
    expect(rows[1]!.trend.at(-1)).toBeCloseTo(0.375, 6);
  });

  test('a validator that nobody checks is no row; one that left the subnet is, and says so', () => {
    expect(rows.some(({ hotkey }) => hotkey === 'hot-0')).toBe(false);
    expect(rows.at(-1)).toMatchObject({ isRegistered: false, uid: undefined });
  });

  test('are found by a part of the hotkey, by uid, class and state', () => {
    const found = (query: string) =>
      select(rows, parseQuery(new URLSearchParams(query))).rows.map(({ hotkey }) => hotkey);
    expect(found('q=GONE')).toEqual(['hot-gone']);
    expect(found('q=2')).toEqual(['hot-2']);
    expect(found('class=rtx-4090')).toEqual(['hot-1', 'hot-2']);
    expect(found('state=silent')).toEqual(['hot-3']);
    expect(found('state=rejected')).toEqual(['hot-2', 'hot-gone']);
    expect(found('state=paid')).toEqual(['hot-1', 'hot-2']);
  });

  test('are sorted either way, and what is not known comes last both times', () => {
    const sorted = (query: string) =>
      select(rows, parseQuery(new URLSearchParams(query))).rows.map(({ hotkey }) => hotkey);
    expect(sorted('sort=alpha&order=up')).toEqual(['hot-3', 'hot-2', 'hot-1', 'hot-gone']);
    expect(sorted('sort=alpha')).toEqual(['hot-1', 'hot-2', 'hot-3', 'hot-gone']);
    expect(sorted('sort=rejected')).toEqual(['hot-2', 'hot-gone', 'hot-1', 'hot-3']);
  });
});

describe('a query', () => {
  test('goes into an address and comes back', () => {
    const text = 'q=abc&class=h100&state=paid&sort=alpha&order=up&page=3&rows=250';
    const asked = parseQuery(new URLSearchParams(text));
    const given = Object.entries(queryText(asked)).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    );
    expect(parseQuery(new URLSearchParams(given))).toEqual(asked);
    expect(
      Object.values(queryText(parseQuery(new URLSearchParams()))).every((each) => each === undefined),
    ).toBe(true);
  });

  test('that nobody can mean is refused by name', () => {
    expect(() => parseQuery(new URLSearchParams('sort=luck'))).toThrow(
      'sort: expected one of score, weight, incentive, alpha, accepted, rejected, slots, class, uid, hotkey, got luck',
    );
    expect(() => parseQuery(new URLSearchParams('page=0'))).toThrow(
      'page: expected a whole number from 1 to 100000, got 0',
    );
    expect(() => parseQuery(new URLSearchParams('rows=7'))).toThrow(
      'rows: expected one of 100, 50, 250, 500, got 7',
    );
  });
});

describe('the page', () => {
  const page = (chain: ChainFacts | undefined) =>
    createLeaderboardPage({ history: history(), parameters: oneClass, chain: () => chain });

  test('links each hotkey to its own page and heads columns with what sorts by them', async () => {
    const { text } = (await ask(page(chainOf()))).body;
    expect(text).toContain('<a href="../miner/hot-1/">');
    expect(text).toContain('<a class="sort" href="../leaderboard/?sort=alpha">Alpha/day</a>');
    expect(text).toContain(
      'aria-sort="descending"><a class="sort" href="../leaderboard/?sort=score&amp;order=up">Score</a>',
    );
    expect(text).toContain('<td>600.00</td>');
    expect(text).toContain('<span class="badge warn" title="not registered any more">gone</span>');
  });

  test('a filter keeps the order that was asked for, and no more', async () => {
    const filters = async (query: string) => {
      const { text } = (await ask(page(chainOf()), pageRequest({ query }))).body;
      return text.match(/<input type="hidden"[^>]*>/g);
    };
    expect(await filters('sort=accepted&order=up&page=2')).toEqual([
      '<input type="hidden" name="sort" value="accepted">',
      '<input type="hidden" name="order" value="up">',
    ]);
    expect(await filters('sort=uid')).toEqual(['<input type="hidden" name="sort" value="uid">']);
    expect(await filters('')).toBeNull();
  });

  test('has each hotkey on one line: what is more than that is counted', async () => {
    const told = createHistory();
    const sets = ['h100', 'h100', 'h100', 'b200', 'b200', 'rtx-4090', 't4'];
    for (const [slot, name] of sets.entries())
      told.outcome?.(
        outcomeOf('hot-1', 1, {
          slot,
          paramsId: name,
          credit: { opsPerS: 1e12, deviceBytes: 8e9, upBytesPerS: 2e6 },
        }),
      );
    const many = createLeaderboardPage({
      history: told,
      parameters: { ...oneClass, set: (id) => ({ className: id, windowMs: 2000, nominal: {} }) },
      chain: () => chainOf({ ownerHotkey: toHotkey('hot-3') }),
    });
    const { text } = (await ask(many)).body;
    expect(text).toContain(
      'h100 ×3, b200 ×2 <span class="quiet" title="rtx-4090, t4">+2<span class="sr"> more</span></span>',
    );
    expect(text).toContain(
      '<span title="exact int8 operations a second">7.00 Top/s</span> <span class="quiet" title="7.00 Top/s · 56.0 GB device · 14.0 MB/s up">+2<span class="sr"> more</span></span>',
    );
    // the owner is no miner: of hot-1 and hot-2 both are paid by the chain
    expect(text).toContain('<b>2</b> <span class="unit">of 2</span>');
  });

  test('what any hotkey of the owner is given is burned, and is no miner’s', async () => {
    const other = chainOf({ ownerColdkey: toColdkey('cold-2') });
    const { text } = (await ask(page(other))).body;
    expect(text).toContain('<dt>Burned</dt><dd><b>25.0 %</b>');
    expect(text).toContain('<b>1</b> <span class="unit">of 3</span>');
    expect(earningOf(other, 'hot-2')).toMatchObject({ isBurned: true });
  });

  test('says what is sealed, and when it will count', async () => {
    const sealed = chainOf({ isCommitReveal: true, sealed: [{ epoch: 7, block: 990, revealMs: 600_000 }] });
    const { text } = (await ask(page(sealed), pageRequest({ nowMs: 0 }))).body;
    expect(text).toContain('its row of epoch 7 is revealed in about 10 min');
  });

  test('without a chain shows what the ledger has, and says what is missing', async () => {
    const { text } = (await ask(page(undefined))).body;
    expect(text).toContain('No chain is read');
    expect(text).not.toContain('Alpha/day</a>');
    expect(text).toContain('75.00 %');
  });

  test('of a ledger without an entry says why there is nothing', async () => {
    const empty = createLeaderboardPage({
      history: createHistory(),
      parameters: oneClass,
      chain: () => undefined,
      missing: 'This validator has judged nothing yet.',
    });
    expect((await ask(empty)).body.text).toBe('<p class="empty">This validator has judged nothing yet.</p>');
  });

  test('keeps its version while nothing is new, and for two seconds after', () => {
    const told = history();
    const made = createLeaderboardPage({ history: told, parameters: oneClass, chain: () => undefined });
    const at = (nowMs: number) => made.version?.(pageRequest({ nowMs }));
    const first = at(0);
    expect(at(60_000)).toBe(first);
    told.outcome?.(outcomeOf('hot-1', 9));
    expect(at(60_001)).not.toBe(first);
    const second = at(60_001);
    told.outcome?.(outcomeOf('hot-1', 10));
    expect(at(61_000)).toBe(second);
    expect(at(62_002)).not.toBe(second);
  });

  test('in an export has no form and no link that asks', async () => {
    const { text } = (await ask(page(chainOf()), pageRequest({ isStatic: true }))).body;
    expect(text).not.toContain('<form');
    expect(text).not.toContain('?sort=');
    expect(text).toContain('../miner/hot-1/index.html');
  });

  test('nothing lies below it', async () => {
    expect(await ask(page(undefined), pageRequest({ rest: ['x'] }))).toMatchObject({ status: 404 });
  });
});
