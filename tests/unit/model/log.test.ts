import { describe, expect, test } from 'vitest';
import { AssayError } from '../../../src/model/errors.js';
import { createLog, toLogged } from '../../../src/model/log.js';

describe('a line', () => {
  test('says its level, its time and its values, those of its log first', () => {
    const lines: string[] = [];
    const log = createLog((line) => lines.push(line), { now: () => 0, data: { netuid: 3 } });
    log.debug('not from this level on');
    log.child({ slot: 1 }).info('weights set', { block: 7, stake: 10n ** 20n });
    expect(lines).toEqual([
      '{"t":"1970-01-01T00:00:00.000Z","level":"info","msg":"weights set","netuid":3,"slot":1,"block":7,"stake":"100000000000000000000"}',
    ]);
  });

  test('shows bytes as digits, and no more of them than somebody would read', () => {
    expect(toLogged({ id: Uint8Array.of(1, 255) })).toEqual({ id: '0x01ff' });
    expect(toLogged({ body: new Uint8Array(1000) })).toEqual({
      body: `0x${'00'.repeat(256)}... (1000 bytes)`,
    });
  });

  test('has name, message, code and cause of an error, and no stack', () => {
    const cause = new AssayError('timeout', 'no head', { what: 'head', afterMs: 5 });
    expect(toLogged({ error: new TypeError('x', { cause }) })).toEqual({
      error: {
        name: 'TypeError',
        message: 'x',
        cause: { name: 'AssayError', message: 'no head', code: 'timeout' },
      },
    });
  });
});

describe('of secrets', () => {
  test('nothing is said, at whatever depth they lie', () => {
    const data = {
      hotkey: '5F',
      password: 'p1',
      options: [
        { secretKey: 'p2', queueKey: Uint8Array.of(7) },
        { mnemonic: 'p3', headers: { Authorization: 'p4' } },
      ],
    };
    const line = JSON.stringify(toLogged(data));
    expect(line).not.toMatch(/p\d|07/);
    expect(line).toContain('"hotkey":"5F"');
  });

  test('addresses lose name and password, in errors too, and nothing else', () => {
    const error = new Error('cannot reach rediss://user:p@ss@redis.example:6379/0 (http://a:b@c/d?e@f)');
    expect(toLogged({ error })).toMatchObject({
      error: { message: 'cannot reach rediss://(hidden)@redis.example:6379/0 (http://(hidden)@c/d?e@f)' },
    });
    expect(toLogged({ at: 'see https://example.com/@name' })).toEqual({
      at: 'see https://example.com/@name',
    });
  });
});

describe('whoever makes us log', () => {
  test('cannot fill a disk with a line', () => {
    const long = JSON.stringify(toLogged({ text: 'a'.repeat(1e6), list: new Array(1e5).fill(0) }));
    expect(long.length).toBeLessThan(20_000);
    let deep: object = {};
    for (let i = 0; i < 10_000; i++) deep = { deep };
    expect(JSON.stringify(toLogged({ deep })).length).toBeLessThan(200);
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(JSON.stringify(toLogged({ circle }))).toContain('...');
  });

  test('cannot move the cursor of whoever reads, or turn the line round', () => {
    const line = JSON.stringify(toLogged({ text: 'a\u001b[2Jb\u009b2Jc\u202ed\u2028e' }));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
  });
});
