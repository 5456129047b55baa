import { afterEach, describe, expect, test } from 'vitest';
import type { ChainObserver, ChainStatus } from '../../../src/chain/chain.js';
import { type Metrics, serveMetrics } from '../../../src/cli/metrics.js';
import { toHotkey } from '../../../src/model/ids.js';

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

  test('count alerts by kind, and keep the newest epoch of each stage', async () => {
    const { series } = await serve(() => away);
    metrics.alert({ kind: 'weights-failed', epoch: 4 });
    metrics.alert({ kind: 'weights-failed', epoch: 5 });
    const base = { hotkey: toHotkey('hotkey'), netuid: 1, head: 9, permit: true, events: 0, running: 0 };
    metrics.status({ ...base, epoch: 6, weightsStage: { epoch: 5, stage: 'applied' } });
    metrics.status({ ...base, epoch: 6, weightsStage: { epoch: 6, stage: 'waiting', reason: 'sealed' } });
    const lines = await series();
    expect(lines).toEqual(
      expect.arrayContaining([
        'assay_alerts_total{kind="weights-failed"} 2',
        'assay_weights_epoch{stage="applied"} 5',
        'assay_validator_epoch 6',
        'assay_validator_permit 1',
      ]),
    );
    expect(lines.join('\n')).not.toContain('waiting');
  });

  test('answer one path, and say which', async () => {
    const { get } = await serve(() => away);
    expect((await get('/')).status).toBe(404);
    expect(await (await get('/')).text()).toBe('GET /metrics\n');
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
