import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readyKeys } from '../../../src/keys/keypair.js';
import { parseHotkey, readHotkeyFile } from '../../../src/keys/wallet.js';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const ALICE_PUBLIC = '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d';
const ALICE_SEED = '0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a';
const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
const PHRASE_ADDRESS = '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV';
const alice = {
  accountId: ALICE_PUBLIC,
  publicKey: ALICE_PUBLIC,
  secretSeed: ALICE_SEED,
  ss58Address: ALICE,
};

const codeOf = (text: string): unknown => {
  try {
    parseHotkey(text);
    return undefined;
  } catch (error) {
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(ALICE_SEED.slice(2));
    return (error as { code?: unknown }).code;
  }
};

let folder: string;
beforeAll(async () => {
  await readyKeys();
  folder = await mkdtemp(join(tmpdir(), 'assay-keys-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('parseHotkey', () => {
  it('takes the seed, with or without 0x, and the phrase where there is no seed', () => {
    expect(parseHotkey(JSON.stringify(alice)).address).toBe(ALICE);
    expect(parseHotkey(JSON.stringify({ secretSeed: ALICE_SEED.slice(2) })).address).toBe(ALICE);
    expect(parseHotkey(JSON.stringify({ secretPhrase: PHRASE, secretSeed: null })).address).toBe(
      PHRASE_ADDRESS,
    );
    expect(parseHotkey(JSON.stringify({ secretPhrase: `${PHRASE}//Alice` })).address).toBe(ALICE);
  });

  it.each([
    ['text that is no JSON', 'hello'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a public key file', JSON.stringify({ ss58Address: ALICE })],
    ['a short seed', JSON.stringify({ secretSeed: '0x1234' })],
    ['a phrase with a wrong checksum', JSON.stringify({ secretPhrase: PHRASE.replace('walk', 'fit') })],
    ['an address of another key', JSON.stringify({ ...alice, ss58Address: PHRASE_ADDRESS })],
    ['an address that is none', JSON.stringify({ ...alice, ss58Address: 'nobody' })],
    ['a public key of another secret', JSON.stringify({ ...alice, publicKey: `0x${'00'.repeat(32)}` })],
    ['an account id of another secret', JSON.stringify({ ...alice, accountId: `0x${'00'.repeat(32)}` })],
  ])('refuses %s', (_name, text) => {
    expect(codeOf(text)).toBe('invalid-input');
  });

  it('refuses an encrypted file and says so, and one far too large', () => {
    expect(codeOf('$NACLxxxxxxxx')).toBe('unsupported');
    expect(codeOf(' '.repeat(20_000))).toBe('limit-exceeded');
  });
});

describe('readHotkeyFile', () => {
  it('reads a private file without and an open one with a warning', async () => {
    const path = join(folder, 'hot');
    await writeFile(path, JSON.stringify(alice));
    await chmod(path, 0o600);
    const closed = await readHotkeyFile(path);
    expect([closed.keypair.address, closed.warning]).toEqual([ALICE, undefined]);
    await chmod(path, 0o644);
    expect((await readHotkeyFile(path)).warning).toMatch(/mode 644.*chmod 600/);
  });

  it('names the path of a file that is missing, a folder or too large', async () => {
    await expect(readHotkeyFile(join(folder, 'none'))).rejects.toMatchObject({
      code: 'invalid-input',
      data: { what: join(folder, 'none'), got: 'ENOENT' },
    });
    await expect(readHotkeyFile(folder)).rejects.toMatchObject({ code: 'invalid-input' });
    const big = join(folder, 'big');
    await writeFile(big, 'x'.repeat(20_000));
    await expect(readHotkeyFile(big)).rejects.toMatchObject({ code: 'limit-exceeded' });
  });
});
