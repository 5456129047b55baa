import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runRuntimeLocalnet } from '../../../src/cli/commands/localnet-runtime.js';
import { systemClock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-runtime-'));
  writeFileSync(
    join(folder, 'raw.json'),
    JSON.stringify({ genesis: { raw: { top: { '0x3a636f6465': '0x00' } } } }),
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** In place of Chopsticks: writes down what it is asked, and says what Chopsticks says. */
const STAND_IN = `
const { appendFileSync } = require('node:fs');
const { join } = require('node:path');
const { createServer } = require('node:http');
const note = (line) => appendFileSync(join(__dirname, 'asked.txt'), line + '\\n');
note('flags ' + process.argv.slice(2).join(' '));
const server = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk) => (text += chunk)).on('end', () => {
    const { method, params } = JSON.parse(text);
    note(method + ' ' + JSON.stringify(params));
    response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: null }));
  });
});
server.listen(0, '127.0.0.1', () =>
  console.log('INFO: chain RPC listening on http://127.0.0.1:' + server.address().port + ' and ws://127.0.0.1:1'));
`;

function install(cli: string): string {
  const at = join(folder, 'node_modules', '@acala-network', 'chopsticks');
  mkdirSync(at, { recursive: true });
  writeFileSync(
    join(at, 'package.json'),
    JSON.stringify({ name: '@acala-network/chopsticks', exports: { './*': './*.js' } }),
  );
  writeFileSync(join(at, 'cli.js'), cli);
  return join(at, 'asked.txt');
}

function start(
  signal: AbortSignal,
  onListening: (at: { url: string; port: number }) => void,
  spec = 'raw.json',
) {
  return runRuntimeLocalnet(
    { clock: systemClock, log: silentLog, installedIn: [join(folder, 'package.json')] },
    {
      spec: join(folder, spec),
      host: '127.0.0.1',
      port: 0,
      blockTimeMs: 5,
      manual: false,
      sudo: 'root',
      balances: new Map([['rich', 10n ** 18n]]),
      onListening,
    },
    signal,
  );
}

describe('a real runtime as a localnet', () => {
  it('says how to install Chopsticks where it is not', async () => {
    const error = {
      code: 'unsupported',
      data: { why: expect.stringContaining('npm install --ignore-scripts @acala-network/chopsticks@1.1.0') },
    };
    await expect(start(new AbortController().signal, () => {})).rejects.toMatchObject(error);
  });

  it('refuses what is no raw chain spec before it starts anything', async () => {
    writeFileSync(join(folder, 'plain.json'), JSON.stringify({ genesis: { runtimeGenesis: {} } }));
    const asked = install(STAND_IN);
    await expect(start(new AbortController().signal, () => {}, 'plain.json')).rejects.toMatchObject({
      code: 'invalid-input',
    });
    expect(() => readFileSync(asked)).toThrow('ENOENT');
  });

  it('funds the accounts, makes blocks by time, and ends with the signal', async () => {
    const asked = install(STAND_IN);
    const stop = new AbortController();
    let at: { url: string; port: number } | undefined;
    const lines = () => readFileSync(asked, 'utf8').trim().split('\n');
    const ended = start(stop.signal, (listening) => {
      at = listening;
    });
    while (at === undefined || lines().length < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    await ended;
    expect(at.url).toBe(`ws://127.0.0.1:${at.port}`);
    expect(lines().slice(0, 5)).toEqual([
      `flags --chain-spec=${join(folder, 'raw.json')} --host=127.0.0.1 --port=0 --build-block-mode=Manual`,
      'dev_setStorage [{"Sudo":{"Key":"root"},"System":{"Account":[[["rich"],{"providers":1,"data":{"free":"1000000000000000000"}}]]}}]',
      'dev_newBlock [{"count":1}]',
      'dev_newBlock [{"count":1}]',
      'dev_newBlock [{"count":1}]',
    ]);
    await expect(fetch(`http://127.0.0.1:${at.port}`)).rejects.toThrow(); // nobody is left behind
  });

  it('hands on the last words of a Chopsticks that ends by itself', async () => {
    install("console.error('cannot read the runtime'); process.exit(3);");
    await expect(start(new AbortController().signal, () => {})).rejects.toMatchObject({
      code: 'refused',
      data: { reason: 'cannot read the runtime' },
    });
  });
});
