import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSettings, SettingsError } from '../../../examples/new-subnet/src/settings.js';

const MINER = {
  chain: 'wss://node.example',
  netuid: 4,
  hotkey: '/keys/hotkey',
  data: 'data/miner',
  host: '127.17.0.1',
  port: 8091,
};
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-settings-'));
  path = join(folder, 'miner.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = (text: string, env: Record<string, string> = {}) => {
  writeFileSync(path, text);
  return readSettings('miner', ['--config', path], env);
};

describe('settings of a role of a new subnet', () => {
  it('are those of the file, and what a service sets wins', () => {
    expect(read(JSON.stringify(MINER))).toEqual(MINER);
    const service = { ASSAY_HOTKEY: '/run/credentials/hotkey', ASSAY_DATA: '/var/lib/alpha/miner' };
    expect(read(JSON.stringify(MINER), service)).toEqual({
      ...MINER,
      hotkey: '/run/credentials/hotkey',
      data: '/var/lib/alpha/miner',
    });
  });

  it('are refused with file, key and what it must be, without a word of the file', () => {
    const refused = (change: object, problem: string) => {
      expect(() => read(JSON.stringify({ ...MINER, ...change }))).toThrow(SettingsError);
      expect(() => read(JSON.stringify({ ...MINER, ...change }))).toThrow(`${path}: ${problem}`);
    };
    refused({ chain: 'http://x' }, 'chain: expected a ws:// or wss:// address');
    refused({ netuid: 0 }, 'netuid: expected the number of a subnet');
    refused({ hotkey: '' }, 'hotkey: expected text');
    refused({ port: 70_000 }, 'port: expected a port');
    refused({ tempo: 1 }, 'tempo: expected one of chain, netuid, hotkey, data, host, port');
    expect(() => read('{"hotkey": secret}')).toThrow(`${path}: expected a JSON object`);
    expect(() => read('[]')).toThrow('expected a JSON object');
    expect(() => read(' '.repeat(65_537))).toThrow('expected at most 65536 bytes');
    expect(() => readSettings('miner', ['--config', join(folder, 'none')], {})).toThrow('cannot be read');
    expect(() => readSettings('miner', ['--colour'], {})).toThrow('expected --config FILE');
  });
});
