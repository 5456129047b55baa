import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createFleetSource } from '../../../src/cli/dashboard/fleet-source.js';
import type { ProgramQuestions } from '../../../src/cli/host-facts.js';
import { createFleetPage } from '../../../src/dashboard/fleet/page.js';
import { type FleetReading, fleetView } from '../../../src/dashboard/fleet/view.js';
import { type Clock, systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { ask, pageRequest } from '../../support/dashboard.js';
import { checkOf, fleetReading } from '../../support/dashboard-values.js';

const NOW = Date.UTC(2026, 0, 2);
const MINUTE = 60_000;
const readingOf = (change: Partial<FleetReading> = {}): FleetReading => fleetReading(NOW, change);

describe('the fleet', () => {
  test('is hosts and slots, with what the day brought each', () => {
    const { hosts, slots, day, earnings } = fleetView(readingOf(), NOW);
    expect(
      slots.map(({ index, worker, proof, phase, leased }) => [index, worker, proof, phase, leased]),
    ).toEqual([
      [0, 'host-1', 'compute:h100', 'working', NOW + 30 * MINUTE],
      [1, 'host-1', 'memory', 'resting', undefined],
      [256, 'host-2', 'compute:a100', 'away', 'open'],
    ]);
    expect(slots[0]).toMatchObject({
      day: { accepted: 2, rejected: 1, inconclusive: 0, share: 0.75 },
      deviceSeconds: 90,
      last: { id: 'outcome-0-10' },
    });
    expect(slots[1]!.why).toBe('the doctor failed it');
    expect(day).toEqual({ accepted: 2, rejected: 1, inconclusive: 0, share: 0.75 });
    expect(
      hosts.map(({ worker, is, slots: count, deviceSeconds }) => [worker, is, count, deviceSeconds]),
    ).toEqual([
      ['host-1', 'own', 2, 95],
      ['host-2', 'away', 1, 0],
    ]);
    // 20 epochs a day of 5 alpha, at 0.02 TAO
    expect(earnings).toEqual({
      uid: 9,
      epochRao: 5_000_000_000n,
      perDayRao: 100_000_000_000n,
      perDayTaoRao: 2_000_000_000n,
      block: 1000,
    });
  });

  test('of a hotkey that is not on the subnet earns nothing that is known', () => {
    expect(fleetView(readingOf({ hotkey: 'other' }), NOW).earnings).toBeUndefined();
    expect(fleetView(readingOf({ chain: undefined }), NOW).earnings).toBeUndefined();
  });
});

describe('the page', () => {
  const shown = async (change: Partial<FleetReading> = {}) =>
    (await ask(createFleetPage({ current: async () => readingOf(change) }), pageRequest({ nowMs: NOW }))).body
      .text;

  test('says what the operator must know first', async () => {
    expect(await shown()).not.toContain('class="notice bad"');
    const miner = readingOf().miner as Extract<FleetReading['miner'], { status: unknown }>;
    expect(await shown({ miner: { ...miner, isRunning: false } })).toContain('The miner does not run.');
    expect(await shown({ miner: { ...miner, writtenMs: NOW - 5 * MINUTE } })).toContain(
      'said nothing for 5 min',
    );
    expect(
      await shown({ miner: { ...miner, status: { ...miner.status, phase: 'waiting', why: 'no chain' } } }),
    ).toContain('The miner is waiting: <bdi class="stranger">no chain</bdi>.');
  });

  test('shows cards that are hot, and says where temperatures are not known', async () => {
    const text = await shown();
    expect(text).toContain('84 °C, hot');
    expect(text).toContain('612 W of 700');
    expect(text).toContain('1 uncorrected');
    expect(text).not.toContain('<b>H100');
    expect(await shown({ cards: { why: 'there is no nvidia-smi on this host' } })).toContain(
      'Temperatures are not known: <bdi class="stranger">there is no nvidia-smi on this host</bdi>.',
    );
  });

  test('says from when on checks are counted where there are more than it is given', async () => {
    const checks = [checkOf(NOW, 0, 10), checkOf(NOW, 0, 90)];
    expect(await shown({ checks })).not.toContain('newest receipts alone');
    expect(await shown({ checks, checksCut: true })).toContain(
      'Of the newest receipts alone: from <time datetime="2026-01-01T22:30:00.000Z">',
    );
    // all of the day are among them
    const more = [...checks, checkOf(NOW, 0, 25 * 60)];
    expect(await shown({ checks: more, checksCut: true })).not.toContain('newest receipts alone');
  });

  test('says how sessions ended, and nothing of memory that is not known', async () => {
    expect(await shown()).toContain('ended: 12 with a receipt');
    const { cards } = readingOf() as { cards: Extract<FleetReading['cards'], { readMs: number }> };
    const unread = { ...cards, cards: cards.cards.map((card) => ({ ...card, usedBytes: undefined })) };
    expect(await shown({ cards: unread })).toContain('not known</span></span> of 80 GB');
  });

  test('of a miner that never ran is empty, and says why', async () => {
    const text = await shown({
      miner: { why: 'status.json: not the data folder of a miner' },
      hosts: undefined,
      leases: [],
      duty: [],
      checks: [],
      chain: undefined,
    });
    expect(text).toContain('The miner has said nothing of itself');
    expect(text).toContain('No slot is known');
    expect(text).toContain('No validator has signed a receipt yet');
    expect(text).toContain('no chain is asked');
  });
});

describe('the source', () => {
  let folder: string | undefined;
  afterEach(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
    folder = undefined;
  });

  test('reads a folder of a miner as far as there is one, and asks for cards not too often', async () => {
    folder = mkdtempSync(join(tmpdir(), 'assay-fleet-'));
    let nowMs = NOW;
    const clock: Clock = { ...systemClock, now: () => nowMs, sleep: () => new Promise(() => {}) };
    let asked = 0;
    const questions: ProgramQuestions = {
      async says() {
        asked++;
        return { is: 'not-there' };
      },
    };
    const receipts = { checks: () => [checkOf(NOW, 0, 1)] };
    const source = createFleetSource({
      clock,
      log: silentLog,
      data: folder,
      hotkey: 'miner',
      receipts,
      chain: () => undefined,
      questions,
    });
    const { signal } = new AbortController();
    const bare = await source.current(signal);
    expect(bare).toMatchObject({
      miner: { why: expect.stringContaining('status.json') },
      hosts: undefined,
      leases: [],
      duty: [],
      cards: { why: 'there is no nvidia-smi on this host' },
    });
    expect(bare.checks).toHaveLength(1);
    writeFileSync(join(folder, 'leases.json'), JSON.stringify({ leases: [{ slot: 3 }] }));
    writeFileSync(join(folder, 'status.json'), 'half a fil');
    const half = await source.current(signal);
    expect(half.leases).toEqual([{ slot: 3 }]);
    expect(half.miner).toHaveProperty('why');
    expect(asked).toBe(1);
    nowMs += 31_000;
    await source.current(signal);
    expect(asked).toBe(2);
  });
});
