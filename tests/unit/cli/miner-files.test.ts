// What a miner says of itself in its data folder, and what is made of a file that it did not write.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keepMinerFiles, keptCallers, readCallers, readStatus } from '../../../src/cli/miner-files.js';
import { type CallerRow, createCallers } from '../../../src/miner/callers.js';
import { createSessions } from '../../../src/miner/sessions.js';
import type { MinerStatus } from '../../../src/miner/status.js';
import { toHotkey } from '../../../src/model/ids.js';
import { createHandClock } from '../../support/hand-clock.js';
import { recordingLog } from '../../support/logs.js';

let folder: string;
let paths: { status: string; callers: string };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-said-'));
  paths = { status: join(folder, 'status.json'), callers: join(folder, 'callers.json') };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function keeping() {
  const clock = createHandClock();
  const { log, messages } = recordingLog();
  const callers = createCallers({ clock, tell: () => {} });
  const sessions = createSessions(callers.ended);
  const said: { phase: MinerStatus['phase'] } = { phase: 'waiting' };
  const status = (): MinerStatus => ({
    hotkey: toHotkey('5Miner'),
    netuid: 1,
    version: '0',
    phase: said.phase,
    sinceMs: 1,
    startedMs: 0,
    why: undefined,
    doctor: [],
    slots: [],
    sessions: sessions.tally(),
    callers: callers.tally(),
  });
  const files = keepMinerFiles({ clock, log }, paths, { status, callers: callers.rows });
  return { files, callers, said, messages };
}

describe('the files of a miner', () => {
  test('say at its end what was last, and who called; a later process remembers them', async () => {
    const { files, callers, said } = keeping();
    callers.called({ address: '203.0.113.1', caller: toHotkey('5Caller') });
    said.phase = 'draining';
    await files.close();
    const read = await readStatus(paths.status);
    expect(read).toMatchObject({ pid: process.pid, isRunning: true, status: { phase: 'draining' } });
    expect(await keptCallers(paths.callers)).toEqual(
      JSON.parse(JSON.stringify(callers.rows())) as CallerRow[],
    );
  });

  test('on a disk that takes nothing are missed, said once, and stop nothing', async () => {
    rmSync(folder, { recursive: true });
    const { files, messages } = keeping();
    files.write();
    await files.close();
    expect(messages()).toEqual(['status and callers are not written']);
  });

  test.each([
    ['nothing there', undefined, 'invalid-input'],
    ['cut short', '{"pid":1', 'corrupt'],
    ['of somebody else', '{"pid":1,"writtenMs":1,"status":{"phase":"\\u001b[2J"}}', 'corrupt'],
    ['too large', ' '.repeat((1 << 20) + 1), 'limit-exceeded'],
  ])('%s are refused by name', async (_name, content, code) => {
    for (const path of Object.values(paths)) if (content !== undefined) writeFileSync(path, content);
    await expect(readStatus(paths.status)).rejects.toMatchObject({ code });
    await expect(readCallers(paths.callers)).rejects.toMatchObject({ code });
    expect(await keptCallers(paths.callers)).toEqual([]);
  });
});
