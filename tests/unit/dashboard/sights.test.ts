import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSightsSource } from '../../../src/cli/dashboard/sights-source.js';
import type { PortSight } from '../../../src/dashboard/suspicions/observations.js';
import { outcomeOf } from '../../support/dashboard-values.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-sights-'));
  mkdirSync(join(folder, 'evidence'));
  path = join(folder, 'evidence', '0000000007.others.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

const lineOf = (id: string, port: number, change: object = {}): string =>
  `${JSON.stringify({
    id,
    session: {
      worker: 'host-1',
      sight: { ip: '203.0.113.1', port, answered: true, mustCall: false, ...change },
      frames: [],
    },
  })}\n`;

test('ports are read once each, as lines become whole, under the hotkey of their outcome', async () => {
  const sights: PortSight[] = [];
  const source = createSightsSource({ dir: folder }, { sight: (sight) => void sights.push(sight) });
  source.outcome(outcomeOf('a', 1));
  const second = lineOf('b-1', 7001, { calledFrom: '203.0.113.9' });
  writeFileSync(path, lineOf('a-1', 7000) + second.slice(0, 40));
  await source.read();
  expect(sights).toEqual([{ hotkey: 'a', ip: '203.0.113.1', port: 7000, answered: true, outcome: 'a-1' }]);
  // its line comes before its outcome does
  appendFileSync(path, second.slice(40));
  await source.read();
  expect(sights).toHaveLength(1);
  source.outcome(outcomeOf('b', 1));
  expect(sights[1]).toEqual({
    hotkey: 'b',
    ip: '203.0.113.1',
    port: 7001,
    answered: true,
    calledFrom: '203.0.113.9',
    outcome: 'b-1',
  });
  await source.read();
  expect(sights).toHaveLength(2);
});

test('lines that say nothing of ports, holes and what is no evidence are passed over', async () => {
  const sights: PortSight[] = [];
  const source = createSightsSource({ dir: folder }, { sight: (sight) => void sights.push(sight) });
  source.outcome(outcomeOf('a', 1));
  writeFileSync(
    path,
    `${'\0'.repeat(100)}\n{"id":"x","session":{}}\n{"sight":{broken\n${lineOf('a-1', 70_000)}${lineOf('a-1', 7000)}`,
  );
  await source.read();
  expect(sights.map(({ port }) => port)).toEqual([7000]);
});

test('of a folder without evidence there is nothing', async () => {
  rmSync(join(folder, 'evidence'), { recursive: true });
  const source = createSightsSource({ dir: folder }, { sight: () => expect.unreachable() });
  await source.read();
});
