import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { ChainObserver, ChainStatus } from '../../../src/chain/chain.js';
import { type Metrics, serveMetrics } from '../../../src/cli/metrics.js';
import { addQueueSeries } from '../../../src/cli/queue-metrics.js';
import { createValidatorMetrics, type ValidatorMetrics } from '../../../src/cli/validator-metrics.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import type { Outcome } from '../../../src/model/outcome.js';
import { accepted, CAUSES, inconclusive, REJECTIONS, rejected } from '../../../src/model/verdict.js';
import type { LedgerEntry } from '../../../src/validator/ledger/entries.js';
import type { QueueStatus } from '../../../src/validator/queue/job-queue.js';
import type { ValidatorStatus } from '../../../src/validator/status.js';

let metrics: Metrics;
afterEach(() => metrics?.close());

const away: ChainStatus = {
  state: 'away',
  sinceMs: 5000,
  url: 'ws://127.0.0.1:1',
  specVersion: undefined,
  head: undefined,
  headAgeMs: undefined,
  finalized: { number: 7, hash: new Uint8Array(32) },
  sickness: undefined,
  lastError: undefined,
};

let nowMs = 0;
const clock = { now: () => nowMs, monotonic: () => nowMs };
const STATUS: ValidatorStatus = {
  hotkey: toHotkey('hotkey'),
  netuid: 1,
  head: 9,
  epoch: 6,
  permit: true,
  events: 0,
  running: 0,
};
const IDLE: QueueStatus = {
  waiting: { session: 0, replay: 0 },
  active: 0,
  bytes: 0,
  ended: 0,
  setAside: 0,
  recovered: 0,
  doubled: 0,
  refused: 0,
};

const ofValidator = (): ValidatorMetrics => createValidatorMetrics({ ...metrics, clock, data: tmpdir() });

const ledgerOf = (append: (entry: LedgerEntry) => Promise<void>) => ({ append });

function outcomeOf(verdict: Outcome['verdict'], openingBytes: number, miner = 'miner'): LedgerEntry {
  const frame = { from: 'miner', header: new Uint8Array(), signature: new Uint8Array() } as const;
  return {
    type: 'outcome',
    // what is not looked at is left out
    outcome: { verdict, ownDelayMs: 2, miner: toHotkey(miner) } as Outcome,
    session: {
      frames: [
        { ...frame, kind: 'ready', body: new Uint8Array(5) },
        { ...frame, kind: 'opening', body: new Uint8Array(openingBytes) },
      ],
    } as unknown as Extract<LedgerEntry, { type: 'outcome' }>['session'],
  };
}

async function serve(status: () => ChainStatus) {
  const chain: ChainObserver = { status, onStatus: () => () => {} };
  metrics = await serveMetrics(chain, 0);
  const get = async (path: string) => fetch(`http://127.0.0.1:${metrics.port}${path}`);
  return { get, series: async () => (await (await get('/metrics')).text()).split('\n') };
}

describe('metrics', () => {
  test('say whether the chain is there, when somebody asks', async () => {
    let status = away;
    const { series } = await serve(() => status);
    expect(await series()).toEqual(
      expect.arrayContaining([
        'assay_chain_connected 0',
        'assay_chain_since_timestamp_seconds 5',
        'assay_chain_finalized_block 7',
      ]),
    );
    status = {
      ...away,
      state: 'connected',
      head: { number: 9, hash: new Uint8Array(32) },
      sickness: 'lagging',
    };
    expect(await series()).toEqual(
      expect.arrayContaining(['assay_chain_connected 1', 'assay_chain_head_block 9', 'assay_chain_sick 1']),
    );
  });

  test('a disk that does not answer takes no other series along', async () => {
    const { series } = await serve(() => away);
    createValidatorMetrics({ ...metrics, clock, data: join(tmpdir(), 'assay-no-such-folder') });
    expect(await series()).toEqual(
      expect.arrayContaining(['assay_data_free_bytes Nan', 'assay_chain_connected 0']),
    );
  });

  test('count alerts by kind, and keep the newest epoch of each stage', async () => {
    const { series } = await serve(() => away);
    const own = ofValidator();
    metrics.alert({ kind: 'weights-failed', epoch: 4 });
    metrics.alert({ kind: 'weights-failed', epoch: 5 });
    own.status({ ...STATUS, epoch: 6, weightsStage: { epoch: 5, stage: 'applied' } });
    own.status({ ...STATUS, epoch: 6, weightsStage: { epoch: 6, stage: 'of a node', reason: 'sealed' } });
    const lines = await series();
    expect(lines).toEqual(
      expect.arrayContaining([
        'assay_alerts_total{kind="weights-failed"} 2',
        'assay_weights_epoch{stage="applied"} 5',
        'assay_validator_epoch 6',
        'assay_validator_permit 1',
      ]),
    );
    expect(lines.join('\n')).not.toContain('of a node');
  });

  test('count verdicts, openings and events where they are written, once each', async () => {
    const { series } = await serve(() => away);
    const written: LedgerEntry[] = [];
    const ledger = ofValidator().observed(ledgerOf(async (entry) => void written.push(entry)));
    const event = { event: 'ab', epoch: 1, block: 7, basis: new Uint8Array(32) };
    await ledger.append({ type: 'event-started', ...event });
    await ledger.append({ type: 'event-started', ...event, ourTurn: true });
    nowMs += 30_000;
    await ledger.append(outcomeOf(accepted, 1000));
    await ledger.append(outcomeOf(rejected('seed'), 24));
    await ledger.append(outcomeOf(inconclusive('validator-fault'), 0));
    await ledger.append({ type: 'event-completed', ...event });
    await ledger.append({ type: 'event-started', ...event, event: 'cd', liveness: true });
    expect(written).toHaveLength(7);
    expect(await series()).toEqual(
      expect.arrayContaining([
        'assay_events_total{purpose="event",stage="begun"} 1',
        'assay_events_total{purpose="event",stage="completed"} 1',
        'assay_events_total{purpose="check",stage="begun"} 1',
        'assay_event_seconds_sum{purpose="event"} 30',
        'assay_verdicts_total{verdict="accepted",reason=""} 1',
        'assay_verdicts_total{verdict="rejected",reason="seed"} 1',
        'assay_verdicts_total{verdict="inconclusive",reason="validator-fault"} 1',
        'assay_opening_bytes_total 1024',
        'assay_own_delay_seconds_count 3',
        'assay_ledger_append_seconds_count 7',
      ]),
    );
  });

  test('whatever a peer does, there are as many series as there are words of our own', async () => {
    const { series } = await serve(() => away);
    const own = ofValidator();
    const ledger = own.observed(ledgerOf(async () => {}));
    const all = [accepted, ...REJECTIONS.map(rejected), ...CAUSES.map(inconclusive)];
    for (let miner = 0; miner < 50; miner++) {
      await ledger.append(outcomeOf(all[miner % all.length]!, miner, `5${miner}`));
      own.status({
        ...STATUS,
        epoch: miner,
        hotkey: toHotkey(`5${miner}`),
        weightsStage: { epoch: miner, stage: `s${miner}` },
      });
    }
    const lines = await series();
    const named = (name: string) => lines.filter((line) => line.startsWith(`${name}{`)).length;
    expect(named('assay_verdicts_total')).toBe(all.length);
    expect(named('assay_weights_epoch')).toBe(1); // what failed, which is there from the start
    expect(lines.filter((line) => line.startsWith('assay_')).length).toBeLessThan(150);
  });

  test('answer three paths, and say which', async () => {
    const { get } = await serve(() => away);
    expect((await get('/')).status).toBe(404);
    expect((await get('/constructor')).status).toBe(404);
    expect(await (await get('/')).text()).toBe('GET /metrics, /healthz or /readyz\n');
  });

  test('a port that is taken is an error that names it', async () => {
    await serve(() => away);
    const chain: ChainObserver = { status: () => away, onStatus: () => () => {} };
    await expect(serveMetrics(chain, metrics.port)).rejects.toMatchObject({
      code: 'unreachable',
      data: { address: `127.0.0.1:${metrics.port}` },
    });
  });
});

describe('probes', () => {
  const asked = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${metrics.port}${path}`);
    return { status: answer.status, ...((await answer.json()) as { ok: boolean; checks: object }) };
  };

  test('a role is ready when chain, permit and parameters are there, and says what is not', async () => {
    let status = away;
    const { series } = await serve(() => status);
    const own = ofValidator();
    expect(await asked('/readyz')).toEqual({
      status: 503,
      ok: false,
      checks: {
        chain: 'no node answers',
        permit: 'no block was seen yet',
        breaker: 'ok',
        parameters: 'ok',
      },
    });
    status = { ...away, state: 'connected' };
    own.status({
      ...STATUS,
      permit: false,
      parameters: { held: [], missing: [], whyNot: 'a file is missing' },
    });
    expect((await asked('/readyz')).checks).toEqual({
      breaker: 'ok',
      chain: 'ok',
      permit: 'the hotkey has no validator permit',
      parameters: 'a file is missing',
    });
    own.status(STATUS);
    expect(await asked('/readyz')).toMatchObject({ status: 200, ok: true });
    const drift = { owners: 10, drifted: 4, stakeRao: 8n, driftedRao: 4n, tripped: true };
    own.status({ ...STATUS, overlapped: 2, breaker: { ...drift, held: { since: 6, until: 16 } } });
    expect((await asked('/readyz')).checks).toMatchObject({
      breaker: 'scores are held since epoch 6: assay validator breaker',
    });
    expect(await series()).toEqual(
      expect.arrayContaining([
        'assay_breaker_held 1',
        'assay_events_overlapped 2',
        'assay_breaker_share{of="owners"} 0.4',
        'assay_breaker_share{of="stake"} 0.5',
      ]),
    );
  });

  test('a role is alive while its ledger can be written', async () => {
    await serve(() => away);
    let fate: () => Promise<void> = async () => {};
    const ledger = ofValidator().observed(ledgerOf(() => fate()));
    const event = { event: 'ab', epoch: 1, block: 7, basis: new Uint8Array(32) };
    const entry: LedgerEntry = { type: 'event-started', ...event };
    expect(await asked('/healthz')).toMatchObject({ status: 200, ok: true });

    fate = () => Promise.reject(new AssayError('corrupt', 'no room', { path: 'x', why: 'no room' }));
    await expect(ledger.append(entry)).rejects.toThrow('no room');
    expect(await asked('/healthz')).toMatchObject({
      status: 503,
      checks: { ledger: 'the last entry was not written: no room' },
    });
    fate = async () => {};
    await ledger.append(entry);
    expect((await asked('/healthz')).ok).toBe(true);

    let finish = () => {};
    fate = () => new Promise((resolve) => (finish = resolve));
    const stuck = ledger.append(entry);
    nowMs += 61_000;
    expect((await asked('/healthz')).checks).toMatchObject({
      ledger: 'an entry is being written for more than a minute',
    });
    finish();
    await stuck;
    expect((await asked('/healthz')).ok).toBe(true);
  });

  test('a queue is ready while jobs end', async () => {
    const { series } = await serve(() => ({ ...away, state: 'connected' }));
    let status = IDLE;
    addQueueSeries({ ...metrics, clock }, { status: () => status });
    expect((await asked('/readyz')).ok).toBe(true);
    status = { ...IDLE, waiting: { session: 2, replay: 0 }, ended: 4, setAside: 1, bytes: 10 };
    nowMs += 1000;
    expect((await asked('/readyz')).ok).toBe(true);
    nowMs += 301_000;
    expect((await asked('/readyz')).checks).toMatchObject({
      queue: 'jobs wait, and none came to its end for five minutes',
    });
    status = { ...status, ended: 5 };
    expect((await asked('/readyz')).ok).toBe(true);
    status = { ...status, stopped: 'Redis is away' };
    expect((await asked('/readyz')).checks).toMatchObject({ queue: 'Redis is away' });
    expect(await series()).toEqual(
      expect.arrayContaining([
        'assay_queue_jobs{state="waiting-session"} 2',
        'assay_queue_ends{end="ended"} 5',
        'assay_queue_ends{end="set-aside"} 1',
        'assay_queue_opening_bytes 10',
      ]),
    );
  });
});
