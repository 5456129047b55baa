import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openProcessRecord } from '../../../src/cli/left-processes.js';
import { silentLog } from '../../../src/model/log.js';
import { startOf } from '../../../src/model/process-start.js';
import { recordingLog } from '../../support/logs.js';

let folder: string;
let path: string;
let child: ChildProcess;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-left-'));
  path = join(folder, 'processes.json');
  child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
});
afterEach(() => {
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

describe.skipIf(startOf(process.pid) === undefined)('processes that a killed run left', () => {
  test('are on record while they run, and ended by the next run', async () => {
    openProcessRecord(path, silentLog).began(child.pid!, new Promise(() => {}));
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual([{ pid: child.pid, start: startOf(child.pid!) }]);
    const gone = once(child, 'exit');
    const { log, messages } = recordingLog();
    openProcessRecord(path, log);
    expect(await gone).toEqual([null, 'SIGKILL']);
    expect(messages()).toEqual(['a process that an earlier run left is ended']);
    expect(existsSync(path)).toBe(false);
  });

  test('whose number somebody else has by now are left alone', () => {
    writeFileSync(path, JSON.stringify([{ pid: child.pid, start: '1' }]));
    openProcessRecord(path, silentLog);
    expect(startOf(child.pid!)).toBeDefined();
  });

  test('that ended are off the record; a record that is cut short ends nobody', async () => {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    openProcessRecord(path, silentLog).began(child.pid!, ended);
    end();
    await ended;
    await new Promise((resolve) => setImmediate(resolve));
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, `[{"pid":${child.pid},"sta`);
    openProcessRecord(path, silentLog);
    expect(startOf(child.pid!)).toBeDefined();
  });
});
