// A miner's series: each documented, none more, and never more for more callers.
import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { createHealth } from '../../../src/cli/health.js';
import { addMinerSeries } from '../../../src/cli/miner-metrics.js';
import { createCallers, MISDEEDS } from '../../../src/miner/callers.js';
import { createSessions } from '../../../src/miner/sessions.js';
import type { MinerStatus } from '../../../src/miner/status.js';
import { toHotkey, toNetuid, toUid } from '../../../src/model/ids.js';
import { unauthenticated } from '../../../src/protocol/errors.js';
import { createHandClock } from '../../support/hand-clock.js';

const page = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

function mining(now: Partial<MinerStatus> = {}) {
  const register = new Registry();
  const health = createHealth();
  const callers = createCallers({ clock: createHandClock(), tell: () => {} });
  const sessions = createSessions(callers.ended);
  addMinerSeries({ register, health }, () => ({
    hotkey: toHotkey('5Miner'),
    netuid: toNetuid(1),
    version: '0',
    phase: 'serving',
    sinceMs: 0,
    startedMs: 0,
    uid: toUid(3),
    axon: { ip: '203.0.113.5', port: 1, isOnChain: true },
    doctor: [],
    slots: [
      { index: 0, worker: 'host-1', kind: 'compute', phase: 'working' },
      { index: 1, worker: 'host-1', kind: 'memory', phase: 'resting', why: 'its device is gone' },
    ],
    sessions: sessions.tally(),
    callers: callers.tally(),
    ...now,
  }));
  return { register, health, callers, sessions };
}

describe('the series of a miner', () => {
  test('are those of docs/metrics.md, and the misdeeds those of docs/miner.md with their numbers', async () => {
    const { register } = mining();
    const documented = [...page('metrics.md').matchAll(/^\| `(assay_miner_\w+)`/gm)].map(([, name]) => name);
    const served = (await register.getMetricsAsJSON()).map(({ name }) => name);
    expect(served.sort()).toEqual(documented.sort());
    const rows = [...page('miner.md').matchAll(/^\| `([a-z-]+)` \| .* \| (\d+) \|$/gm)];
    expect(Object.fromEntries(rows.map(([, did, at]) => [did, Number(at)]))).toEqual(MISDEEDS);
  });

  test('say what the status says', async () => {
    const { register, sessions } = mining();
    const track = sessions.begin(toHotkey('validator'));
    track.armed({ index: 0, worker: 'host-1', kind: 'compute', paramsId: new Uint8Array(32) });
    track.committed(1500);
    track.ended('receipt');
    const text = await register.metrics();
    for (const line of [
      'assay_miner_phase{phase="serving"} 1',
      'assay_miner_phase{phase="waiting"} 0',
      'assay_miner_slots{phase="working"} 1',
      'assay_miner_slots{phase="resting"} 1',
      'assay_miner_sessions_ended{end="receipt"} 1',
      'assay_miner_steps 1',
      'assay_miner_step_seconds 1.5',
      'assay_miner_axon_on_chain 1',
    ])
      expect(text.split('\n')).toContain(line);
  });

  test('are as many whoever calls, and name nobody', async () => {
    const { register, callers } = mining();
    const before = (await register.metrics()).split('\n').length;
    for (let i = 0; i < 1000; i++) {
      callers.called({ address: `198.51.100.${i}`, error: unauthenticated('bad-signature') });
      callers.called({ address: `198.51.100.${i}`, caller: toHotkey(`5Caller${i}`) });
      callers.ended(toHotkey(`5Caller${i}`), 'refused', 'begun', `reason-${i}`);
    }
    const text = await register.metrics();
    expect(text.split('\n')).toHaveLength(before);
    expect(text).not.toMatch(/5Caller|198\.51|5Miner|203\.0/);
  });

  test('a miner is ready while it serves a slot', () => {
    const reportOf = (now: Partial<MinerStatus>) => mining(now).health.report('ready');
    expect(reportOf({}).ok).toBe(true);
    expect(reportOf({ phase: 'waiting', why: 'its registration' }).checks).toMatchObject({
      serving: 'waiting: its registration',
    });
    const resting = [
      { index: 0, worker: 'host-1', kind: 'compute', phase: 'resting' as const, why: 'it failed' },
    ];
    expect(reportOf({ slots: resting }).checks).toMatchObject({ slots: 'no slot is claimed' });
  });
});
