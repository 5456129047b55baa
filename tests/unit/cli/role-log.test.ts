import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, read, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { flushLogs, openRoleLog } from '../../../src/cli/role-log.js';

let folder: string;
let fd: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-log-'));
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

const file = () => {
  fd = openSync(join(folder, 'log'), 'a');
  return { lines: () => readFileSync(join(folder, 'log'), 'utf8').split('\n').slice(0, -1) };
};

describe('the log of a role', () => {
  test('is a JSON object a line, its values as in every log of ours', async () => {
    const { lines } = file();
    const log = await openRoleLog({ logLevel: 'info', logFormat: 'json' }, { netuid: 3 }, { fd });
    log.debug('not from this level on');
    log.info('100 %s of it', { stake: 1n, id: Uint8Array.of(255), password: 'p', error: new Error('é') });
    log.child({ slot: 4, secret: 's' }).warn('late');
    await flushLogs();
    expect(lines().map((line) => ({ ...JSON.parse(line), t: '' }))).toEqual([
      {
        t: '',
        level: 'info',
        netuid: 3,
        msg: '100 %s of it',
        stake: '1',
        id: '0xff',
        password: '(hidden)',
        error: { name: 'Error', message: 'é' },
      },
      { t: '', level: 'warn', netuid: 3, slot: 4, secret: '(hidden)', msg: 'late' },
    ]);
    expect(JSON.parse(lines()[0]!).t).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  test('says what is on every line once, unless a line has it otherwise', async () => {
    const { lines } = file();
    const log = await openRoleLog({ logLevel: 'info', logFormat: 'json' }, { netuid: 3 }, { fd });
    log.info('same', { netuid: 3 });
    log.child({ netuid: 3, slot: 1 }).info('child', { slot: 1 });
    log.info('other', { netuid: 4 });
    await flushLogs();
    expect(lines().map((line) => line.match(/"(netuid|slot)":\d/g))).toEqual([
      ['"netuid":3'],
      ['"netuid":3', '"slot":1'],
      ['"netuid":3', '"netuid":4'],
    ]);
    expect(JSON.parse(lines()[2]!)).toMatchObject({ netuid: 4 });
  });

  test('is a line for people where that was asked for', async () => {
    const { lines } = file();
    const log = await openRoleLog({ logLevel: 'info', logFormat: 'pretty' }, { netuid: 3 }, { fd });
    log.warn('weights refused', { block: 7, reason: 'a\nb' });
    await flushLogs();
    expect(lines().map((line) => line.slice(13))).toEqual([
      'warn  weights refused netuid=3 block=7 reason="a\\nb"',
    ]);
  });

  test('can be turned up while it runs, with all that came of it', async () => {
    const { lines } = file();
    const log = await openRoleLog({ logLevel: 'warn', logFormat: 'json' }, {}, { fd });
    const child = log.child({ slot: 1 });
    child.info('before');
    log.setLevel('debug');
    child.debug('after');
    await flushLogs();
    expect(lines().map((line) => JSON.parse(line).msg)).toEqual(['after']);
  });

  test('does not stop whoever logs when nobody reads, drops what is too much, and says how much that was', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    fd = openSync(path, constants.O_RDWR); // both ends, so that neither open nor read waits for somebody
    const log = await openRoleLog({ logLevel: 'info', logFormat: 'json' }, {}, { fd, waitingBytes: 1 << 20 });
    const text = 'x'.repeat(4000);
    // a pipe holds 64 KiB: written at once, the first of these would be the last thing that this process does
    for (let i = 0; i < 1000; i++) log.info('line', { i, text });
    await setImmediate();

    let got = '';
    const piece = Buffer.alloc(1 << 16);
    while (!got.includes('dropped')) {
      // beside the event loop: while it waits for bytes, the log must be able to write the next ones
      const { bytesRead } = await promisify(read)(fd, piece, 0, piece.length, null);
      got += piece.toString('utf8', 0, bytesRead);
    }
    const lines = got
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const said = lines.pop();
    expect(said).toMatchObject({ level: 'warn', msg: 'log lines dropped: nobody read them in time' });
    expect(lines.map(({ i }) => i)).toEqual(lines.map((_, i) => i)); // whole lines, the oldest, in order
    expect(lines.length).toBeGreaterThan(200);
    expect(lines.length + said.lines).toBe(1000);
  });
});
