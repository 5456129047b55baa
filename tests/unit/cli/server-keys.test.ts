import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openServerKeys } from '../../../src/cli/server-keys.js';
import type { ServerKey } from '../../../src/protocol/server-key.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-keys-'));
  path = join(folder, 'data', 'server-keys.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = async (rotate = false, announced?: ServerKey) =>
  (await openServerKeys(path, { rotate, announced })).map(({ serverKey }) => serverKey);

describe('the TLS keys of a miner', () => {
  test('are made once, for their owner alone', async () => {
    const [first] = await open();
    expect(await open()).toEqual([first]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('rotate: the one before goes on answering, the one before that is gone', async () => {
    const [first] = await open();
    const [second, before] = await open(true, first);
    expect(before).toEqual(first);
    const [third, ...others] = await open(true, second);
    expect(others).toEqual([second]);
    expect(third).not.toEqual(second);
  });

  test('do not rotate again before the chain names the newest: the key that it names must go on answering', async () => {
    const [first] = await open();
    const keys = await open(true, first);
    expect(await open(true, first)).toEqual(keys);
    expect(await open(true, first)).toEqual(keys);
    expect(keys[1]).toEqual(first);
  });

  test('rotate by themselves once they are old enough and the chain names the newest', async () => {
    const [first] = await open();
    const byAge = (announced?: ServerKey) =>
      openServerKeys(path, { rotate: false, announced, afterDays: 30 }).then((keys) =>
        keys.map(({ serverKey }) => serverKey),
      );
    expect(await byAge(first)).toEqual([first]);
    const longAgo = new Date(Date.now() - 31 * 86_400_000);
    await utimes(path, longAgo, longAgo);
    const [second, before] = await byAge(first);
    expect(second).not.toEqual(first);
    expect(before).toEqual(first);
    // the file is new now; and an older one of which the chain knows nothing waits
    expect(await byAge(second)).toEqual([second, first]);
    await utimes(path, longAgo, longAgo);
    expect(await byAge(first)).toEqual([second, first]);
    expect((await byAge(second))[1]).toEqual(second);
  });

  test('are never overwritten by what cannot read them, and never quoted', async () => {
    await open();
    const secret = '{"seeds":["not a seed but a secret"]}';
    await writeFile(path, secret);
    const error = await open().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'corrupt' });
    expect(String(error)).not.toContain('a secret');
    expect(await readFile(path, 'utf8')).toBe(secret);
  });
});
