// Commands beside a running miner: what they write can be read and taken back, what they read may be of one that hangs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { dataPaths } from '../../../src/cli/assemble.js';
import { lease, release } from '../../../src/cli/commands/miner-hosts.js';
import { minerStatus } from '../../../src/cli/commands/miner-status.js';
import { readLeases } from '../../../src/cli/miner-hosts.js';
import { startOf } from '../../../src/model/process-start.js';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'assay-beside-'));
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(data, { recursive: true, force: true });
});

describe('a lease', () => {
  test('is there until it is released', async () => {
    await lease(64, { data });
    expect(await readLeases(dataPaths.leases(data))).toEqual([{ slot: 64 }]);
    await release(64, { data });
    expect(await readLeases(dataPaths.leases(data))).toEqual([]);
  });

  test.each([[2 ** 32], [-1], ['rack-1'], [1.5]])(
    'of slot %s is refused, and those there are stay',
    async (slot) => {
      await lease(64, { data });
      await expect(lease(slot, { data })).rejects.toMatchObject({ code: 'invalid-input' });
      expect(await readLeases(dataPaths.leases(data))).toEqual([{ slot: 64 }]);
    },
  );
});

describe('the status of a miner that serves', () => {
  const said = (agoMs: number) =>
    writeFileSync(
      dataPaths.minerStatus(data),
      JSON.stringify({
        pid: process.pid,
        start: startOf(process.pid),
        writtenMs: Date.now() - agoMs,
        status: {
          hotkey: '5Miner',
          netuid: 1,
          version: '0',
          phase: 'serving',
          sinceMs: 0,
          startedMs: 0,
          doctor: [],
          slots: [],
          sessions: { open: 0, ended: {}, steps: 0, stepSeconds: 0 },
          callers: { known: 0, admitted: 0, refused: {} },
        },
      }),
    );

  test.each([
    [1_000, 0],
    [600_000, 1],
  ])('and said so %i ms ago is %i', async (agoMs, code) => {
    said(agoMs);
    expect(await minerStatus({ data })).toBe(code);
  });
});
