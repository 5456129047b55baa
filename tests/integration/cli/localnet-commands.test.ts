// A localnet as a process of its own, and the commands that steer it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startLocalnet } from '../../../src/cli/commands/localnet.js';
import { followedLog } from '../../../src/cli/commands/localnet-log.js';
import { advance, faucet, fault, snapshot } from '../../../src/cli/commands/localnet-remote.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { restoreState } from '../../../src/localnet/save.js';
import { formProblems } from '../../support/json-forms.js';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const never = new AbortController().signal;
const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';

let folder: string;
let printed: string[];
const running: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-localnet-'));
  printed = [];
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const child of running.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** @returns what it says of itself once it listens */
async function start(
  ...args: string[]
): Promise<{ child: ChildProcess; url: string; number: number; genesisHash: string }> {
  const flags = [...args, '--port', '0', '--json', '--log-level', 'error'];
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'localnet', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  const [line] = await once(createInterface({ input: child.stdout! }), 'line');
  expect(formProblems(`localnet ${args[0]}`, String(line))).toEqual([]);
  return { child, ...JSON.parse(String(line)) };
}

/** The one JSON document that a command prints. */
async function json(work: () => Promise<number>): Promise<Record<string, unknown>> {
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(String(text));
    return true;
  });
  expect(await work()).toBe(0);
  write.mockRestore();
  return JSON.parse(printed.pop()!) as Record<string, unknown>;
}

describe('a localnet of its own', () => {
  it('comes back at its last finalized block after kill -9, and ends with 0 when asked to', async () => {
    const base = ['start', '--base-path', join(folder, 'chain'), '--block-time-ms', '20', '--faults'];
    const first = await start(...base);
    const flags = { chain: first.url, json: true };
    expect(await json(() => faucet('//Bob', '0.5', flags, never))).toMatchObject({
      address: BOB,
      addedRao: '500000000',
      freeRao: '1000000500000000',
    });
    const later = await json(() => advance(10, flags, never));
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');

    const second = await start(...base);
    expect(second.genesisHash).toBe(first.genesisHash);
    // two blocks are not final, and the kill came some blocks after the last one that was named
    expect(second.number).toBeGreaterThanOrEqual(Number(later.number) - 2);
    const again = await json(() => faucet('//Bob', '1', { ...flags, chain: second.url }, never));
    expect(again.freeRao).toBe('1000001500000000');
    second.child.kill('SIGINT');
    expect(await once(second.child, 'exit')).toEqual([0, null]);
  });

  it('is steered, saved and restored', async () => {
    const { url } = await start('start', '--manual');
    const flags = { chain: url, json: true };
    expect(await json(() => advance(7, { network: url, json: true }, never))).toMatchObject({ number: 7 });
    await expect(advance('1e3', flags, never)).rejects.toThrow(
      '--blocks: expected an integer in 1..10000000, in digits',
    );
    await json(() => faucet(BOB, '2', flags, never));
    const reorg = await json(() => fault('dev_reorg', [2], flags, never));
    expect(reorg.result).toMatch(/^0x[0-9a-f]{64}$/);
    const faults = await json(() => fault('dev_lag', [3], flags, never));
    expect(faults).toMatchObject({ faults: { lagBlocks: 3, stalled: false } });
    await expect(fault('dev_reorg', [50], flags, never)).rejects.toMatchObject({ code: 'refused' });
    await json(() => fault('dev_clear', [], flags, never));
    await json(() => advance(3, flags, never));
    const file = join(folder, 'chain.saved');
    const saved = await json(() => snapshot(file, flags, never));
    expect(saved).toMatchObject({ file, number: 10 });
    expect(restoreState(file).storage).toHaveLength(Number(saved.entries));
    const restored = await start('restore', file, '--manual');
    expect(restored.number).toBe(10);
    const more = await json(() => faucet(BOB, '1', { ...flags, chain: restored.url }, never));
    expect(more.freeRao).toBe('1000003000000000');
  });
});

describe('commands', () => {
  const refusal = async (work: Promise<number>): Promise<string> => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return `${exitCodeOf(error)} ${(error as Error).message}`;
  };

  it('refuse what they cannot do before anything is done', async () => {
    const flags = { chain: 'ws://127.0.0.1:1' };
    expect(await refusal(faucet('//Bob', '1e3', flags, never))).toContain('2 the amount: expected TAO');
    expect(await refusal(faucet('//Bob', '0.1234567891', flags, never))).toContain(
      '2 the amount: expected at most nine',
    );
    expect(await refusal(faucet('//Bob', '0', flags, never))).toContain('2 the amount: expected more than 0');
    expect(await refusal(faucet('nobody', '1', flags, never))).toMatch(/^2 /);
    expect(await refusal(advance(1, flags, never))).toContain('1 no localnet at ws://127.0.0.1:1');
    expect(await refusal(advance(0, flags, never))).toMatch(/^2 /);
    expect(await refusal(advance(1, { chain: 'http://x' }, never))).toMatch(/^2 /);
  });

  it('start nothing beyond loopback without leave', async () => {
    expect(await refusal(startLocalnet({ host: '0.0.0.0', port: 0, logLevel: 'error' }, never))).toBe(
      '2 0.0.0.0 is not loopback: anyone who reaches it could connect',
    );
  });
});

describe('the log', () => {
  it('says in a line what a block did', () => {
    const lines: string[] = [];
    const log = followedLog((line) => lines.push(line.slice(9)), 'info', new Map([[BOB, 'Bob']]));
    const calls = [
      { call: 'SubtensorModule.set_weights', by: BOB, result: 'ok' },
      { call: 'Sudo.sudo(AdminUtils.sudo_set_tempo)', by: '5Grwva', result: 'Sudo.RequireSudo' },
    ];
    log.info('block', { number: 7, hash: 'ab12cd34ef', calls, epochs: [1, 4] });
    log.debug('block', { number: 8, hash: 'ab12cd34ef' });
    log.warn('reorganised', { depth: 2, from: 5 });
    expect(lines).toEqual([
      '#7 ab12cd34 epoch of 1, 4; SubtensorModule.set_weights by Bob: ok; Sudo.sudo(AdminUtils.sudo_set_tempo) by 5Grwva..: Sudo.RequireSudo',
      'warn reorganised: depth 2, from 5',
    ]);
  });
});
