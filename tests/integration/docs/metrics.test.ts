import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import type { ChainStatus } from '../../../src/chain/chain.js';
import { createHealth } from '../../../src/cli/health.js';
import { commonSeries } from '../../../src/cli/metrics.js';
import { addMinerSeries } from '../../../src/cli/miner-metrics.js';
import { addQueueSeries } from '../../../src/cli/queue-metrics.js';
import { createValidatorMetrics } from '../../../src/cli/validator-metrics.js';
import { addWorkerSeries } from '../../../src/cli/worker-metrics.js';

const ROOT = new URL('../../../', import.meta.url).pathname;
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** By name, the labels; of everything that any role serves. Nothing is asked for its value. */
function served(): Map<string, string> {
  const register = new Registry();
  const health = createHealth();
  const clock = { now: () => 0, monotonic: () => 0 };
  const parts = { register, health, clock };
  const never = (): never => {
    throw new Error('not asked');
  };
  commonSeries(register, { status: () => ({}) as ChainStatus, onStatus: () => () => {} });
  createValidatorMetrics({ ...parts, data: tmpdir() });
  addQueueSeries(parts, { status: never });
  addWorkerSeries(parts);
  addMinerSeries(parts, never);
  return new Map(
    register.getMetricsAsArray().map((metric) => {
      const { name, labelNames = [] } = metric as unknown as { name: string; labelNames?: string[] };
      return [name, [...labelNames].sort().join(' ')];
    }),
  );
}

/** Rows of the page: the series of each, and the words of its second cell that are labels. */
function documented(): Map<string, string> {
  const rows = new Map<string, string>();
  for (const line of read('docs/metrics.md').split('\n')) {
    const [, first = '', second = ''] = line.split(/(?<!\\)\|/);
    const labels = second.split(';').flatMap((part) => /`(\w+)`/.exec(part.split(':')[0]!)?.[1] ?? []);
    const commas = second.includes(':')
      ? labels
      : [...second.matchAll(/`(\w+)`/g)].map(([, label]) => label!);
    for (const [, name] of first.matchAll(/`(assay_\w+)`/g)) rows.set(name!, commas.sort().join(' '));
  }
  return rows;
}

const DASHBOARDS = ['ops/grafana/assay-validator.json', 'ops/grafana/assay-miner.json'];
const SUFFIX = /_(bucket|sum|count)$/;
const seriesIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/\b(?:assay|process|nodejs)_\w+/g)].map(([name]) => name)),
];

const all = served();

describe('the page on metrics', () => {
  test('has every series that is served and none else, with its labels', () => {
    const own = new Map([...all].filter(([name]) => name.startsWith('assay_')));
    expect(own.size).toBeGreaterThan(40);
    expect(Object.fromEntries([...documented()].sort())).toEqual(Object.fromEntries([...own].sort()));
  });
});

describe('what asks for series', () => {
  const files = ['ops/prometheus/assay.rules.yml', ...DASHBOARDS];

  test.each(files)('%s asks for those alone that are served', (file) => {
    // names of dashboards begin like ours
    const asked = seriesIn(read(file)).filter((name) => !/^assay_(validator|miner)$/.test(name));
    expect(asked.length).toBeGreaterThan(10);
    for (const name of asked) {
      const isKnown = all.has(name) || (SUFFIX.test(name) && all.has(name.replace(SUFFIX, '')));
      expect(isKnown ? '' : name).toBe('');
    }
  });

  test.each(DASHBOARDS)('%s is a dashboard whose panels do not lie on one another', (file) => {
    const { uid, panels } = JSON.parse(read(file)) as {
      uid: string;
      panels: { id: number; gridPos: Record<'x' | 'y' | 'w' | 'h', number>; targets: { expr: string }[] }[];
    };
    expect(file).toContain(uid);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { gridPos, targets } of panels) {
      expect(targets.length).toBeGreaterThan(0);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(x).toBeLessThan(24);
          expect(taken.has(`${x} ${y}`)).toBe(false);
          taken.add(`${x} ${y}`);
        }
    }
  });

  test('every series of ours is on a dashboard', () => {
    const shown = new Set(
      DASHBOARDS.flatMap((file) => seriesIn(read(file)).map((name) => name.replace(SUFFIX, ''))),
    );
    const unseen = [...all.keys()].filter((name) => name.startsWith('assay_') && !shown.has(name));
    expect(unseen).toEqual(['assay_chain_since_timestamp_seconds', 'assay_chain_sick']);
  });
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
if (!hasPromtool)
  console.warn('skipped: alert rules are not run: no promtool here (apt-get install prometheus)');

describe.skipIf(!hasPromtool)('alert rules', () => {
  const promtool = (...args: string[]) =>
    spawnSync('promtool', args, { cwd: join(ROOT, 'ops/prometheus'), encoding: 'utf8', timeout: 60_000 });

  test('are what Prometheus reads', () => {
    const { status, stdout, stderr } = promtool('check', 'rules', 'assay.rules.yml');
    expect(status === 0 ? '' : stdout + stderr).toBe('');
  });

  test('fire on what they are for, and not on what is near to it', () => {
    const { status, stdout, stderr } = promtool('test', 'rules', 'assay.rules.test.yml');
    expect(status === 0 ? '' : stdout + stderr).toBe('');
  });

  test('would take every query of a dashboard, too', () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-panels-'));
    for (const file of DASHBOARDS) {
      const { panels } = JSON.parse(read(file)) as { panels: { targets: { expr: string }[] }[] };
      const rules = panels.flatMap(({ targets }) =>
        targets.map(({ expr }, i) => ({ record: `q:${i}`, expr: expr.replaceAll('$instance', '.*') })),
      );
      const path = join(folder, 'panels.json');
      writeFileSync(path, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
      const { status, stderr } = promtool('check', 'rules', '--lint=none', path);
      expect(status === 0 ? '' : stderr).toBe('');
    }
    rmSync(folder, { recursive: true });
  });
});
