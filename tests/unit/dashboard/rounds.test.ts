import { describe, expect, test } from 'vitest';
import { createHub } from '../../../src/dashboard/hub.js';
import { linksFrom } from '../../../src/dashboard/layout.js';
import { createMinerPage } from '../../../src/dashboard/miner/page.js';
import { noParameterFacts } from '../../../src/dashboard/parameter-facts.js';
import { createRoundsBook, type RoundsBook } from '../../../src/dashboard/rounds/book.js';
import {
  createRoundsPage,
  publishRounds,
  ROUNDS_TOPIC,
  roundsInside,
} from '../../../src/dashboard/rounds/page.js';
import { toHotkey } from '../../../src/model/ids.js';
import { noTracer, type Tracer } from '../../../src/model/trace.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import type { EventEntry, ScoredEntry } from '../../../src/validator/ledger/entries.js';
import type { ValidatorStatus } from '../../../src/validator/status.js';
import { ask, pageRequest } from '../../support/dashboard.js';
import { LATE, outcomeOf } from '../../support/dashboard-values.js';

const NOW = Date.UTC(2026, 0, 2, 12);
const entry = (type: EventEntry['type'], block: number, change: Partial<EventEntry> = {}): EventEntry => ({
  type,
  event: `event-${block - 1000}`,
  epoch: 7,
  block,
  basis: new Uint8Array(32),
  ...change,
});
const statusOf = (head: number, change: Partial<ValidatorStatus> = {}): ValidatorStatus => ({
  hotkey: toHotkey('hot-0'),
  netuid: 2,
  head,
  epoch: 7,
  permit: true,
  events: 0,
  running: 1,
  ...change,
});
const session = (miner: string, slot = 0) => ({
  kind: 'compute',
  slot,
  miner: toHotkey(miner),
  block: 1005,
  windowMs: 4000,
});
const noMiner = { history: undefined, parameters: noParameterFacts, chain: () => undefined };
const inside = (book: RoundsBook) =>
  roundsInside(book.view(), { nowMs: NOW, links: pageRequest().links }).text;

describe('the book of rounds', () => {
  test('follows sessions from Arm to verdict by spans, status and ledger', () => {
    const book = createRoundsBook({ now: () => NOW });
    const tracer = book.traced(noTracer);
    const stages = () => book.view().rounds[0]!.stages;
    const event = tracer.start('event', { block: 1005, epoch: 7 });
    book.started(entry('event-started', 1005));
    const a = tracer.start('session', session('a'));
    tracer.start('session', session('b'));
    expect(book.view().rounds[0]).toMatchObject({ state: 'announced', block: 1005, isWatched: true });
    expect(stages()).toEqual({ armed: 2, challenged: 0, verifying: 0, judged: 0 });

    book.status(statusOf(1004));
    expect(stages().armed).toBe(2);
    book.status(statusOf(1005));
    expect(book.view().rounds[0]).toMatchObject({ state: 'running', goMs: NOW });
    expect(stages()).toEqual({ armed: 0, challenged: 2, verifying: 0, judged: 0 });
    expect(book.view().rounds[0]!.sessions[0]!.dueMs).toBe(NOW + 4000);

    const verification = tracer.start('verification', session('a'));
    expect(stages()).toEqual({ armed: 0, challenged: 1, verifying: 1, judged: 0 });
    verification.end();
    book.outcome(outcomeOf('a', 5));
    a.end();
    book.outcome(outcomeOf('b', 5, LATE));
    expect(book.view().rounds[0]!.sessions.map(({ stage, outcome }) => [stage, outcome?.verdict])).toEqual([
      ['judged', { kind: 'accepted' }],
      ['judged', { kind: 'rejected', reason: 'window' }],
    ]);
    book.completed(entry('event-completed', 1005));
    event.end();
    expect(book.view().rounds[0]).toMatchObject({
      state: 'complete',
      counts: { accepted: 1, rejected: 1, inconclusive: 0, declined: 0 },
    });
    expect(book.view().verdicts.map(({ text }) => text)).toEqual(['rejected:window', 'accepted']);
  });

  test('tells spans on as they are, and ends them with what they ended with', () => {
    const seen: unknown[] = [];
    const inner: Tracer = {
      start: (name, about, parent) => {
        seen.push([name, about, parent]);
        return {
          traceparent: `${name}-parent`,
          set: (key, value) => void seen.push([key, value]),
          end: (error) => void seen.push(['end', error]),
        };
      },
    };
    const span = createRoundsBook({ now: () => NOW })
      .traced(inner)
      .start('event', { block: 5, epoch: 1 }, 'root');
    span.set('verdict', 'accepted');
    const error = new Error('missed');
    span.end(error);
    span.end();
    expect(span.traceparent).toBe('event-parent');
    expect(seen).toEqual([
      ['event', { block: 5, epoch: 1 }, 'root'],
      ['verdict', 'accepted'],
      ['end', error],
      ['end', undefined],
    ]);
  });

  test('an event that failed, or in which nobody claimed a slot, was dropped', () => {
    const book = createRoundsBook({ now: () => NOW });
    const tracer = book.traced(noTracer);
    tracer.start('event', { block: 1005, epoch: 7 }).end(new Error('its block was missed'));
    tracer.start('event', { block: 1008, epoch: 7 }).end();
    expect(book.view().rounds.map(({ block, state }) => [block, state])).toEqual([
      [1008, 'dropped'],
      [1005, 'dropped'],
    ]);
  });

  test('an event that nobody ended is over when a later one is, its epoch is paid, or no session can be open any more', () => {
    let nowMs = NOW;
    const book = createRoundsBook({ now: () => nowMs, longestMs: 60_000 });
    const states = () => book.view().rounds.map(({ block, state }) => [block, state]);
    book.started(entry('event-started', 1005));
    book.started(entry('event-started', 1006, { event: 'check', liveness: true }));
    book.completed(entry('event-completed', 1008));
    expect(states()).toEqual([
      [1008, 'complete'],
      [1006, 'running'],
      [1005, 'unended'],
    ]);
    book.scored({ type: 'scored', epoch: 7 } as ScoredEntry); // all else of it is pay's
    expect(states()[1]).toEqual([1006, 'unended']);

    book.started(entry('event-started', 1030, { epoch: 8 }));
    const revision = book.revision();
    nowMs += 59_999;
    expect([states()[0], book.revision() === revision]).toEqual([[1030, 'running'], true]);
    nowMs += 1;
    expect([book.revision() === revision, states()[0]]).toEqual([false, [1030, 'unended']]);

    const text = inside(book);
    expect(text).toContain('No event is under way.');
    expect(text).toContain('>no end</span>');
    book.completed(entry('event-completed', 1005)); // verifiers had a backlog
    expect(states().at(-1)).toEqual([1005, 'complete']);
  });

  test('an event of a ledger that nobody writes any more is over by the blocks that came since', () => {
    const head = { block: 1079, blockTimeMs: 12_000 };
    const book = createRoundsBook({ now: () => NOW, head: () => head });
    book.started(entry('event-started', 1005));
    expect(book.view().rounds[0]!.state).toBe('running');
    head.block = 1080; // 15 minutes
    expect(book.view().rounds[0]!.state).toBe('unended');
  });

  test('an event that a process before this one began was dropped, however many follow it', () => {
    let nowMs = NOW;
    const book = createRoundsBook({ now: () => nowMs });
    book.started(entry('event-started', 1005));
    book.status(statusOf(1020));
    const span = book.traced(noTracer).start('event', { block: 1021, epoch: 7 });
    book.started(entry('event-started', 1021));
    nowMs += 5000;
    const states = () => book.view().rounds.map(({ block, state }) => [block, state]);
    expect(states()).toEqual([
      [1021, 'announced'],
      [1005, 'dropped'],
    ]);
    nowMs += 3_600_000;
    book.status(statusOf(1021));
    expect(states()[0]).toEqual([1021, 'running']);
    span.end(new Error('stopping'));
    expect(states()[0]).toEqual([1021, 'dropped']);
  });

  test('sessions of an event at work are kept while newer checks come and go', () => {
    const book = createRoundsBook({ now: () => NOW });
    const tracer = book.traced(noTracer);
    const event = tracer.start('event', { block: 1005, epoch: 7 });
    tracer.start('session', session('a'));
    for (let i = 0; i < 6; i++) tracer.start('check', { block: 1010 + i, epoch: 7 }).end();
    book.outcome(outcomeOf('a', 5));
    expect(book.view().rounds.at(-1)).toMatchObject({
      state: 'announced',
      sessions: [{ miner: 'a', stage: 'judged', outcome: { verdict: { kind: 'accepted' } } }],
    });
    event.end();
    expect(book.view().rounds.at(-1)).toMatchObject({ state: 'complete', sessions: [] });
  });

  test('a check between events stands apart from the event of its block', () => {
    const book = createRoundsBook({ now: () => NOW });
    book.started(entry('event-started', 1005));
    book.started(entry('event-started', 1005, { event: 'check', liveness: true }));
    book.outcome(outcomeOf('a', 5, { event: 'check', kind: 'liveness' }));
    expect(book.view().rounds.map(({ purpose, counts }) => [purpose, counts.accepted])).toEqual([
      ['check', 1],
      ['event', 0],
    ]);
  });

  test('keeps the newest rounds and of most of them numbers alone, whatever a ledger tells', () => {
    const book = createRoundsBook({ now: () => NOW });
    for (let i = 0; i < 500; i++) {
      book.started(entry('event-started', 1000 + i));
      for (let slot = 0; slot < 20; slot++) book.outcome(outcomeOf('a', i, { slot }));
      book.completed(entry('event-completed', 1000 + i));
    }
    const { rounds, verdicts } = book.view();
    expect(rounds).toHaveLength(32);
    expect(rounds[0]!.block).toBe(1499);
    expect(rounds.map(({ sessions }) => sessions.length).slice(0, 6)).toEqual([20, 20, 20, 20, 0, 0]);
    expect(rounds[31]!.counts.accepted).toBe(20);
    expect(verdicts).toHaveLength(60);
  });
});

describe('the page', () => {
  test('says what there is before anything was seen', async () => {
    const book = createRoundsBook({ now: () => NOW });
    const { body, topics } = await ask(createRoundsPage({ book, isLedgerAlone: true }));
    expect(body.text).toContain('No event has been begun yet.');
    expect(body.text).toContain('load it again for what came since');
    expect(topics).toEqual([ROUNDS_TOPIC]);
  });

  test('shows who is at work, until when, and what waits', () => {
    const book = createRoundsBook({ now: () => NOW - 1500 });
    const tracer = book.traced(noTracer);
    tracer.start('event', { block: 1005, epoch: 7 });
    tracer.start('session', session('a'));
    const queue = {
      waiting: { high: 0, normal: 3 },
      active: 2,
      bytes: 4e6,
      ended: 0,
      setAside: 0,
      recovered: 0,
      doubled: 0,
      refused: 0,
    } as unknown as NonNullable<ValidatorStatus['queue']>; // its priorities are the queue's own
    book.status(statusOf(1005, { queue }));
    const text = inside(book);
    expect(text).toContain('Event of block 1005');
    expect(text).toContain('Go left 2 s ago');
    expect(text).toContain('in 3 s');
    expect(text).toContain('at work');
    expect(text).toContain('2 in hand, 4 MB, 0 set aside');
  });

  test('of 4,096 sessions stays within an event of the hub, and counts those that it does not list', () => {
    const book = createRoundsBook({ now: () => NOW });
    const tracer = book.traced(noTracer);
    tracer.start('event', { block: 1005, epoch: 7 });
    for (let i = 0; i < 4096; i++) tracer.start('session', session(`5F${'x'.repeat(42)}${i}`));
    book.status(statusOf(1005));
    for (let i = 0; i < 200; i++) book.outcome(outcomeOf(`5F${'x'.repeat(42)}${i}`, 5));
    const text = inside(book);
    expect(text).toContain('and 4036 more: 200 judged');
    expect(Buffer.byteLength(JSON.stringify({ html: text }))).toBeLessThan(48 * 1024);
  });

  test('of three events of 4,096 sessions at once stays within an event of the hub, and says that there is a fourth', () => {
    const book = createRoundsBook({ now: () => NOW });
    const tracer = book.traced(noTracer);
    const hotkey = (i: number) => `5F${'x'.repeat(42)}${`${i}`.padStart(4, '0')}`;
    for (const block of [1001, 1005, 1010, 1015]) {
      tracer.start('event', { block, epoch: 7 });
      for (let i = 0; i < 4096; i++)
        tracer.start('session', { ...session(hotkey(i), i % 8), kind: 'bandwidth', block });
    }
    book.status(statusOf(1015));
    for (let i = 0; i < 300; i++)
      book.outcome(outcomeOf(hotkey(i), 5, { kind: 'bandwidth', slot: i % 8, ...LATE }));
    const links = linksFrom(1, { pages: [createMinerPage(noMiner)], isStatic: false });
    const text = roundsInside(book.view(), { nowMs: NOW, links }).text;
    expect(text.split('and 4076 more').length).toBe(4);
    expect(text).toContain('and 1 that began before are under way still');
    expect(text).toContain('href="../miner/5F');
    const hub = createHub();
    hub.publish(ROUNDS_TOPIC, { html: text });
  });

  test('gives the room that a small round leaves to a large one', () => {
    const book = createRoundsBook({ now: () => NOW });
    const tracer = book.traced(noTracer);
    for (const [block, sessions] of Object.entries({ 1005: 100, 1010: 8 })) {
      const of = { block: Number(block), epoch: 7 };
      tracer.start('event', of);
      for (let i = 0; i < sessions; i++) tracer.start('session', { ...session(`m${i}`), ...of });
    }
    const text = inside(book);
    expect(text).toContain('and 48 more');
    expect(text.match(/compute, slot 0/g)).toHaveLength(60);
  });

  test("shows a peer's words as text", () => {
    const book = createRoundsBook({ now: () => NOW });
    book.outcome(outcomeOf('<img src=x onerror=alert(1)>', 5, { kind: '<script>' }));
    book.status(statusOf(1, { weightsStage: { epoch: 6, stage: 'refused', reason: '\u202e<b>no</b>' } }));
    expect(inside(book)).not.toMatch(/<img|<script|<b>no|\u202e/);
  });
});

describe('open pages', () => {
  test('are told what is new once in a second, and nothing is rendered while nobody listens', async () => {
    const clock = createVirtualClock(NOW);
    const book = createRoundsBook(clock);
    const hub = createHub();
    const heard: string[] = [];
    const stop = new AbortController();
    await clock.runUntil(
      (async () => {
        const running = publishRounds({ book, hub, pages: [], clock }, stop.signal);
        book.outcome(outcomeOf('nobody-listens', 1));
        await clock.sleep(1500);
        const end = hub.listen(new Set([ROUNDS_TOPIC]), {
          write: (bytes) => heard.push(bytes.toString()) > 0,
          drop: () => {},
        });
        for (let i = 0; i < 5; i++) {
          book.outcome(outcomeOf(`miner-${i}`, 2));
          await clock.sleep(300);
        }
        await clock.sleep(3000);
        end!();
        stop.abort();
        await running;
      })(),
    );
    expect(heard).toHaveLength(2);
    expect(heard[0]).toContain('event: rounds');
    expect(heard[0]).toContain('nobody-listens');
    expect(heard[1]).toContain('miner-4');
  });
});
