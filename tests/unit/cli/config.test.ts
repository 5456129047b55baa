import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  chainOf,
  integerBetween,
  loadConfig,
  loadFlags,
  localnetSchema,
  minerSchema,
  roleFlags,
  validatorSchema,
} from '../../../src/cli/config.js';
import { AssayError } from '../../../src/model/errors.js';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function fileOf(content: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-config-'));
  folders.push(folder);
  const path = join(folder, 'config.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const NEEDED = { hotkey: '//Alice', data: '/tmp/x' };

/** What was wrong, in words. */
function problems(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    expect(error).toBeInstanceOf(AssayError);
    const { code, data } = error as AssayError<'invalid-config'>;
    expect(code).toBe('invalid-config');
    for (const problem of data.problems) expect((error as Error).message).toContain(problem);
    return data.problems;
  }
  return expect.fail('was accepted');
}

describe('configuration', () => {
  test('has a default for everything that need not be said', () => {
    expect(loadConfig(minerSchema, NEEDED, {})).toMatchObject({
      ...NEEDED,
      chain: 'ws://127.0.0.1:9944',
      netuid: 1,
      logLevel: 'info',
      adminPort: 0,
      metricsPort: -1,
      host: '127.0.0.1',
      port: 8091,
      rotateServerKey: false,
      worker: 'host-1',
      class: 'cpu-2048',
      slots: [],
      plots: [],
      linkPort: 0,
      params: [],
      policy: [],
      listed: [],
    });
    expect(loadConfig(validatorSchema, NEEDED, {})).toMatchObject({
      eventsPerEpoch: 5,
      leadBlocks: 1,
      eventBlocks: 24,
      holdFirst: 6,
      holdLast: 8,
      publishLeadBlocks: 12,
      openingBudgetBytes: 21_474_836_480,
    });
  });

  test('takes flags before environment, environment before the file, the file before defaults', () => {
    const config = fileOf({ ...NEEDED, host: '127.0.0.2', port: 1, netuid: 2, worker: 'from-file' });
    const environment = { ASSAY_PORT: '3', ASSAY_NETUID: '4' };
    expect(loadConfig(minerSchema, { config, netuid: 5 }, environment)).toMatchObject({
      netuid: 5,
      port: 3,
      host: '127.0.0.2',
      worker: 'from-file',
      class: 'cpu-2048',
    });
  });

  test('a flag that was not given does not hide what was said elsewhere', () => {
    const flags = { ...NEEDED, port: undefined };
    expect(loadConfig(minerSchema, flags, { ASSAY_PORT: '3' }).port).toBe(3);
  });

  test('reads environment as the type that the key has', () => {
    const environment = {
      ASSAY_HOTKEY: '12345',
      ASSAY_DATA: 'true',
      ASSAY_ADMIN_PORT: '-1',
      ASSAY_ROTATE_SERVER_KEY: 'true',
      ASSAY_LISTED: 'one, two',
      ASSAY_LOG_LEVEL: 'debug',
      ASSAY_ANNOUNCE_IP: '127.16.0.1',
      ASSAY_SOMETHING_ELSE: 'is not ours',
    };
    expect(loadConfig(minerSchema, {}, environment)).toMatchObject({
      hotkey: '12345',
      data: 'true',
      adminPort: -1,
      rotateServerKey: true,
      listed: ['one', 'two'],
      logLevel: 'debug',
      announceIp: '127.16.0.1',
    });
    expect(loadConfig(minerSchema, NEEDED, { ASSAY_LISTED: 'one' }).listed).toEqual(['one']);
    expect(loadConfig(validatorSchema, NEEDED, { ASSAY_RANDOM_SEED: '7' }).randomSeed).toBe('7');
    expect(
      loadConfig(localnetSchema, {}, { ASSAY_MANUAL: 'false', ASSAY_FUND: '//Bob=1,//Eve=2' }),
    ).toMatchObject({ manual: false, fund: ['//Bob=1', '//Eve=2'] });
  });
});

describe('wrong configuration is refused by the name of the key', () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ['an unknown key', { ...NEEDED, hots: 1 }, /^hots: unknown key; did you mean host\?$/],
    ['a key that nothing is like', { ...NEEDED, zzz: 1 }, /^zzz: unknown key$/],
    [
      'a key of another role',
      { ...NEEDED, eventsPerEpoch: 3 },
      /^eventsPerEpoch: a key of validator, not of miner/,
    ],
    ['a key that every object has', { ...NEEDED, toString: 1 }, /^toString: unknown key/],
    [
      'a key that is no name',
      { ...NEEDED, '\u001b[2Jhost': 1 },
      /^"\?\[2Jhost": unknown key|^"\\u001b\[2Jhost": unknown key/,
    ],
    ['a missing key', { data: 'x' }, /^hotkey: /],
    ['a port above the last', { ...NEEDED, port: 65_536 }, /^port: .*65535/],
    ['a port below the first', { ...NEEDED, port: -1 }, /^port: .*0/],
    ['half a port', { ...NEEDED, port: 1.5 }, /^port: expected a port in 0..65535, in digits/],
    ['a port in words', { ...NEEDED, port: 'http' }, /^port: expected a port in 0..65535, in digits/],
    ['root as the subnet', { ...NEEDED, netuid: 0 }, /^netuid: .*1/],
    [
      'an address that is no WebSocket',
      { ...NEEDED, chain: 'http://x' },
      /^chain: expected ws:\/\/ or wss:\/\//,
    ],
    ['an unheard-of log level', { ...NEEDED, logLevel: 'loud' }, /^logLevel: .*"debug"/],
    ['a worker tag with spaces', { ...NEEDED, worker: 'my host' }, /^worker: expected 1 to 64 letters/],
    ['a list that is none', { ...NEEDED, listed: 5 }, /^listed: .*array/],
    ['an entry of a list', { ...NEEDED, listed: ['a', 5] }, /^listed\.1: /],
    ['an empty data folder', { ...NEEDED, data: '' }, /^data: /],
    ['not a number', { ...NEEDED, threads: Number.NaN }, /^threads: /],
  ])('%s', (_what, flags, named) => {
    const found = problems(() => loadConfig(minerSchema, flags, {}));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(named);
    expect(problems(() => loadConfig(minerSchema, { config: fileOf(flags) }, {}))).toHaveLength(1);
  });

  test('every problem at once, not the first alone', () => {
    const found = problems(() => loadConfig(minerSchema, { port: -1, netuid: 0 }, {}));
    expect(found.map((problem) => problem.split(':')[0]).sort()).toEqual([
      'data',
      'hotkey',
      'netuid',
      'port',
    ]);
  });

  test('text of the environment that is not of the type', () => {
    const found = (environment: Record<string, string>) =>
      problems(() => loadConfig(minerSchema, NEEDED, environment));
    expect(found({ ASSAY_PORT: 'eighty' })[0]).toMatch(/^port: /);
    expect(found({ ASSAY_PORT: '' })[0]).toMatch(/^port: /);
    expect(found({ ASSAY_PORT: '99999' })[0]).toMatch(/^port: /);
    expect(found({ ASSAY_ROTATE_SERVER_KEY: 'yes' })[0]).toMatch(/^rotateServerKey: /);
    expect(found({ ASSAY_LOG_LEVEL: 'loud' })[0]).toMatch(/^logLevel: /);
  });

  test('a variable that is a slip of one of ours; those of others are not looked at', () => {
    const found = (name: string) => problems(() => loadConfig(minerSchema, NEEDED, { [name]: '1' }));
    expect(found('ASSAY_PROT')).toEqual(['ASSAY_PROT: no such variable; did you mean ASSAY_PORT?']);
    expect(found('ASSAY_ANOUNCE_IP')).toEqual([
      'ASSAY_ANOUNCE_IP: no such variable; did you mean ASSAY_ANNOUNCE_IP?',
    ]);
    const others = {
      ASSAY_SERVICE_HOST: 'x',
      ASSAY_DEBUG: '1',
      ASSAY_EVENTS_PER_EPOCH: '3',
      ASSAY_TEST_METADATA: 'x',
    };
    expect(loadConfig(minerSchema, NEEDED, others).port).toBe(8091);
  });

  test('numbers out of range for a validator', () => {
    const found = (of: object) => problems(() => loadConfig(validatorSchema, { ...NEEDED, ...of }, {}))[0];
    expect(found({ eventsPerEpoch: 0 })).toMatch(/^eventsPerEpoch: /);
    expect(found({ eventsPerEpoch: 9 })).toMatch(/^eventsPerEpoch: /);
    expect(found({ leadBlocks: 0 })).toMatch(/^leadBlocks: /);
    expect(found({ eventBlocks: 1001 })).toMatch(/^eventBlocks: /);
    expect(found({ openingBudgetBytes: -1 })).toMatch(/^openingBudgetBytes: /);
  });
});

describe('a configuration file', () => {
  const found = (config: string) => problems(() => loadConfig(minerSchema, { config }, {}));

  test('that is no JSON, or no object, is refused', () => {
    for (const content of ['{"port": 1', '']) expect(found(fileOf(content))[0]).toMatch(/^not JSON/);
    // where the runtime says where; never what
    const line3 = fileOf('{\n  // the port\n  "port": 1 "planted": 2\n}');
    expect(found(line3)).toEqual(['not JSON at line 3, column 13']);
    expect(found(fileOf('{"webhook": planted}'))[0]).not.toContain('planted');
    for (const content of ['[]', 'null', '5', '"text"'])
      expect(found(fileOf(content))).toEqual(['expected a JSON object']);
  });

  test('may have comments, a comma too many, and say what it is', () => {
    const config = fileOf(`{
      "$schema": "./assay-miner.schema.json", "formatVersion": 1, "role": "miner",
      "hotkey": "//Alice", // who we are
      /* "port": 1, */
      "data": "http://not-a-comment",
    }`);
    expect(loadConfig(minerSchema, { config }, {})).toMatchObject({
      data: 'http://not-a-comment',
      port: 8091,
    });
  });

  test('of a newer format, or of another role, is refused by name', () => {
    expect(found(fileOf({ ...NEEDED, formatVersion: 2, later: {} }))).toEqual([
      'formatVersion: 2 is newer than this build reads (1): install the assay that it was written for',
    ]);
    for (const formatVersion of [0, '1', 1.5, null])
      expect(found(fileOf({ ...NEEDED, formatVersion }))).toEqual(['formatVersion: expected 1, a number']);
    expect(found(fileOf({ ...NEEDED, role: 'validator' }))).toEqual([
      'role: the configuration of a validator, not of a miner',
    ]);
    expect(found(fileOf({ ...NEEDED, role: 'minor' }))[0]).toMatch(/^role: expected one of validator, /);
  });

  test('that is larger than a megabyte is not read', () => {
    const large = fileOf({ ...NEEDED, worker: 'x'.repeat(1 << 20) });
    expect(found(large)).toEqual([expect.stringMatching(/^\d{7} bytes, at most 1048576 are read$/)]);
  });

  test('that is not there, or is a folder, cannot be read, and it is said which', () => {
    expect(found('/nonexistent/config.json')).toEqual(['cannot be read: none there']);
    expect(found(tmpdir())).toEqual(['cannot be read: a folder']);
  });

  test('is named by the error', () => {
    const config = fileOf({ ...NEEDED, port: -1 });
    expect(() => loadConfig(minerSchema, { config }, {})).toThrow(
      `configuration from ${config}, flags and environment: port: `,
    );
  });

  test('cannot reach the prototype of what is built from it', () => {
    const config = fileOf('{"hotkey":"//Alice","data":"x","__proto__":{"port":7}}');
    const before = Object.keys(Object.prototype);
    try {
      expect(loadConfig(minerSchema, { config }, {}).port).toBe(8091);
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid-config' });
    }
    expect(Object.keys(Object.prototype)).toEqual(before);
  });
});

describe('flags of the start commands', () => {
  test('--network is another name of --chain; two that differ are refused', () => {
    expect(chainOf({ network: 'ws://a:1', port: 1 })).toEqual({ chain: 'ws://a:1', port: 1 });
    expect(chainOf({ chain: 'ws://b:1' })).toEqual({ chain: 'ws://b:1' });
    expect(() => chainOf({ chain: 'ws://b:1', network: 'ws://a:1' })).toThrow(/--chain: expected one value/);
  });

  test('a seed as --hotkey is refused without being repeated; a path, a name and a development URI are not', () => {
    const seed = `0x${'ab'.repeat(32)}`;
    for (const hotkey of [seed, seed.slice(2), Array(12).fill('word').join(' ')]) {
      expect(() => roleFlags({ hotkey })).toThrow(/--hotkey: expected the path of a hotkey file/);
      expect(() => roleFlags({ hotkey })).not.toThrow(hotkey);
    }
    for (const hotkey of ['//Alice//hotkey', './keys/hotkey', 'default', undefined])
      expect(roleFlags({ hotkey })).toEqual({ hotkey });
  });
});

describe('flags of the other commands', () => {
  const schema = z.strictObject({
    netuid: integerBetween(0, 65_535, 'the number of a subnet'),
    ports: z.array(integerBetween(1, 65_535, 'a port')).optional(),
    hotkey: z.string().max(8).optional(),
  });

  test('that are no numbers say which would be, and what stands there', () => {
    const said = (flags: object) => () => loadFlags(schema, { netuid: 1, ...flags });
    expect(said({ netuid: 'abc' })).toThrow(
      /^--netuid: expected the number of a subnet in 0\.\.65535, in digits, got abc$/,
    );
    expect(said({ netuid: 70_000 })).toThrow(/in digits, got 70000$/);
    expect(said({ ports: [80, 'x'] })).toThrow(
      /^--ports\.1: expected a port in 1\.\.65535, in digits, got x$/,
    );
    expect(said({ netuid: undefined })).toThrow(
      /^--netuid: is required: the number of a subnet in 0\.\.65535$/,
    );
  });

  test('repeat nothing that is long, that moves a cursor, or that should be text', () => {
    for (const value of [`0x${'ab'.repeat(32)}`, '\u001b[2J', {}])
      expect(() => loadFlags(schema, { netuid: value })).toThrow(/in digits$/);
    expect(() => loadFlags(schema, { netuid: 1, hotkey: 'a secret word' })).not.toThrow('a secret word');
    expect(() => loadFlags(schema, { netuid: 1, hotkey: 'a secret word' })).toThrow(/^--hotkey: /);
  });
});
