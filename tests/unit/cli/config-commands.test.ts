import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkConfig, explainConfig, initConfig } from '../../../src/cli/commands/config.js';
import { type ConfigRole, loadConfig, ROLES } from '../../../src/cli/config.js';
import { keysOf } from '../../../src/cli/config-keys.js';
import { LIVE } from '../../../src/cli/reload.js';

let folder: string;
let printed: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-config-'));
  printed = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(String(text));
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const at = (name: string): string => join(folder, name);
const fileOf = (values: unknown, name = 'config.json', mode = 0o600): string => {
  writeFileSync(at(name), JSON.stringify(values));
  chmodSync(at(name), mode);
  return at(name);
};
/** What a command answers and prints, as JSON. */
function answer(command: () => number): { code: number; json: Record<string, unknown>; text: string } {
  printed = [];
  const code = command();
  return { code, text: printed.join(''), json: JSON.parse(printed.join('')) as Record<string, unknown> };
}
const NEEDED = { hotkey: '//Alice', data: '/tmp/x' };
/** Bytes that must be nowhere in what is printed. */
const PLANTED = 'planted-0123456789abcdef';

test('a role in the place of a key is told where roles are said', () => {
  expect(() => explainConfig('miner', {})).toThrow(
    'key: expected the name of one; --role miner alone explains all of that role, got miner',
  );
});

describe('every key of every role', () => {
  const all = Object.entries(ROLES).flatMap(([role, schema]) => keysOf(schema).map((key) => ({ role, key })));

  test('says what it does, in one line', () => {
    for (const { role, key } of all)
      expect(key.description, `${role} ${key.name}`).toMatch(/^[^\n]{10,240}$/);
  });

  test('has its own variable and flag', () => {
    for (const schema of Object.values(ROLES)) {
      const keys = keysOf(schema);
      expect(new Set(keys.map(({ variable }) => variable)).size).toBe(keys.length);
      expect(new Set(keys.map(({ flag }) => flag)).size).toBe(keys.length);
    }
  });

  test('that changes while running is one of its role', () => {
    for (const [role, names] of Object.entries(LIVE))
      expect(Object.keys(ROLES[role as ConfigRole].shape)).toEqual(expect.arrayContaining([...names]));
  });
});

describe('init', () => {
  test.each(Object.keys(ROLES) as ConfigRole[])(
    'writes a file that a %s starts with, commented out or not',
    (role) => {
      const out = at('made.json');
      expect(initConfig({ role, out })).toBe(0);
      expect(statSync(out).mode & 0o777).toBe(0o600);
      const text = readFileSync(out, 'utf8');
      const schema = JSON.parse(readFileSync(at(`assay-${role}.schema.json`), 'utf8')) as {
        properties: object;
      };
      for (const { name } of keysOf(ROLES[role])) {
        expect(text).toContain(`"${name}": `);
        expect(schema.properties).toHaveProperty(name);
      }
      const said = loadConfig(ROLES[role], { config: out }, {});
      writeFileSync(out, text.replaceAll(/^ {2}\/\/ (?="\w+": [^.])/gm, '  '));
      expect(Object.keys(loadConfig(ROLES[role], { config: out }, {})).length).toBeGreaterThanOrEqual(
        Object.keys(said).length,
      );
      expect(readFileSync(out, 'utf8')).not.toMatch(/^ {2}\/\/ "\w+": [^.]/m);
    },
  );

  test('leaves a file that is there alone, unless it is told not to', () => {
    const out = fileOf({ own: true });
    expect(() => initConfig({ role: 'miner', out })).toThrow(/one that is there: --force replaces it/);
    expect(readFileSync(out, 'utf8')).toBe('{"own":true}');
    expect(existsSync(at('assay-miner.schema.json'))).toBe(false);
    expect(initConfig({ role: 'miner', out, force: true })).toBe(0);
  });

  test('asks whose it is to be', () => {
    expect(() => initConfig({})).toThrow(/--role: expected one of validator, /);
    expect(() => initConfig({ role: 'minor' })).toThrow(/did you mean miner\?/);
  });
});

describe('check', () => {
  const check = (file: string, role?: string) => answer(() => checkConfig(file, { role, json: true }));

  test('says every problem, and exits 1', () => {
    const { code, json } = check(fileOf({ ...NEEDED, hots: 1, port: -1 }), 'miner');
    expect(code).toBe(1);
    expect(json).toMatchObject({ ok: false, role: 'miner' });
    expect(json['problems']).toHaveLength(2);
  });

  test('takes the role that the file says of itself, and refuses another', () => {
    const file = fileOf({ ...NEEDED, role: 'validator' });
    expect(check(file)).toMatchObject({ code: 0, json: { ok: true, role: 'validator', warnings: [] } });
    expect(check(file, 'miner')).toMatchObject({ code: 1 });
    expect(() => checkConfig(fileOf(NEEDED), {})).toThrow(/or "role" in /);
  });

  test('warns of secrets that others may read', () => {
    const file = fileOf({ ...NEEDED, webhook: `https://x.example/${PLANTED}` }, 'open.json', 0o644);
    const { json, text } = check(file, 'miner');
    expect(json['warnings']).toEqual(['webhook: everybody on this machine may read the file; chmod o=']);
    expect(text).not.toContain(PLANTED);
  });
});

describe('explain', () => {
  test('says of each key what holds and where it comes from', () => {
    const config = fileOf({ ...NEEDED, worker: 'rack-7' });
    vi.stubEnv('ASSAY_PORT', '8123');
    const { json } = answer(() => explainConfig(undefined, { role: 'miner', config, json: true }));
    vi.unstubAllEnvs();
    const rows = json['keys'] as Record<string, unknown>[];
    const of = (key: string) => rows.find((row) => row['key'] === key);
    expect(of('worker')).toMatchObject({ value: 'rack-7', from: config });
    expect(of('port')).toMatchObject({ value: '8123', from: 'ASSAY_PORT' });
    expect(of('netuid')).toMatchObject({ value: '1', from: 'default', type: 'integer, 1..4095' });
    expect(of('listed')).toMatchObject({ whileRunning: true, flag: '--listed', variable: 'ASSAY_LISTED' });
    expect(of('data')).toMatchObject({ without: 'required', whileRunning: false });
  });

  test('names the key that was meant', () => {
    expect(() => explainConfig('eventPerEpoch', { role: 'validator' })).toThrow(
      /did you mean eventsPerEpoch\?/,
    );
  });

  test('no secret is shown: not as a table, as JSON, alone, nor in the errors of a file that is refused', () => {
    const planted = { webhook: `https://x.example/${PLANTED}`, randomSeed: PLANTED };
    const config = fileOf({ ...NEEDED, ...planted });
    for (const flags of [{}, { json: true }])
      for (const key of [undefined, 'webhook', 'randomSeed']) {
        printed = [];
        explainConfig(key, { role: 'validator', config, ...flags });
        expect(printed.join('')).toContain('(set)');
        expect(printed.join('')).not.toContain(PLANTED);
      }
    const phrase = Array(12).fill(PLANTED).join(' ');
    const wrong = [
      { webhook: `ftp://${PLANTED}` },
      { webhook: `https://me:${PLANTED}@x.example/` },
      { randomSeed: [PLANTED] },
      { hotkey: phrase, netuid: PLANTED },
      { logLevel: PLANTED, chain: PLANTED },
      { worker: `${PLANTED} ${PLANTED}`, role: PLANTED },
    ];
    for (const values of wrong) {
      printed = [];
      const file = fileOf({ ...NEEDED, ...values });
      expect(checkConfig(file, { role: 'validator' })).toBe(1);
      expect(checkConfig(file, { role: 'validator', json: true })).toBe(1);
      expect(printed.join('')).not.toContain(PLANTED);
    }
    writeFileSync(config, `{"webhook": ${PLANTED}}`);
    printed = [];
    expect(checkConfig(config, { role: 'validator' })).toBe(1);
    expect(printed.join('')).toMatch(/not JSON/);
    expect(printed.join('')).not.toContain(PLANTED);
  });
});
