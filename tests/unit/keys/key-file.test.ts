import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { assertNoKeyFile, readKeyFile, writeKeyFile } from '../../../src/keys/key-file.js';
import { toKeyJson, toPublicJson } from '../../../src/keys/key-json.js';
import { readyKeys } from '../../../src/keys/keypair.js';
import { secretFromUri } from '../../../src/keys/secret.js';
import { coldkeyPlace, hotkeyPlace, listWallets } from '../../../src/keys/wallet-folder.js';
import { utf8 } from '../../../src/model/bytes.js';

/** 2026-07-31T12:00:00.123Z */
const now = 1_785_499_200_123;
const isRoot = process.getuid?.() === 0;

let folder: string;
beforeAll(readyKeys);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-key-file-'));
});
afterEach(() => rm(folder, { recursive: true }));

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
const text = (path: string): Promise<string> => readFile(path, 'utf8');

describe('readKeyFile', () => {
  it('refuses a pipe at once, though nobody writes to it', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    await expect(readKeyFile(path)).rejects.toThrow(`${path}: expected a regular file`);
  });
});

describe('writeKeyFile', () => {
  it('makes a file of mode 600 in folders of mode 700, and nothing beside it', async () => {
    const path = join(folder, 'wallets', 'mine', 'coldkey');
    expect(await writeKeyFile(path, utf8('one'), { now })).toBeUndefined();
    expect([await text(path), await modeOf(path)]).toEqual(['one', '600']);
    expect(await modeOf(join(folder, 'wallets'))).toBe('700');
    expect(await modeOf(join(folder, 'wallets', 'mine'))).toBe('700');
    expect(await readdir(join(folder, 'wallets', 'mine'))).toEqual(['coldkey']);
  });

  it('leaves a file that is there as it is, and says how it would be replaced', async () => {
    const path = join(folder, 'coldkey');
    await writeFile(path, 'mine');
    await expect(writeKeyFile(path, utf8('other'), { now })).rejects.toThrow(
      `${path}: expected no key file there yet, got one that is kept (--force replaces it, and keeps a copy beside it)`,
    );
    expect(await readdir(folder)).toEqual(['coldkey']);
    expect(await text(path)).toBe('mine');
  });

  it('keeps a copy of what it replaces when forced to, and makes none of nothing', async () => {
    const path = join(folder, 'coldkey');
    expect(await writeKeyFile(path, utf8('one'), { now, force: true })).toBeUndefined();
    const copy = await writeKeyFile(path, utf8('two'), { now, force: true });
    expect(copy).toBe(join(folder, 'coldkey.20260731T120000123Z.bak'));
    expect([await text(path), await text(copy!), await modeOf(copy!)]).toEqual(['two', 'one', '600']);
  });

  it('does not overwrite a copy either: of two at the same moment the second fails and changes nothing', async () => {
    const path = join(folder, 'coldkey');
    await writeKeyFile(path, utf8('one'), { now });
    await writeKeyFile(path, utf8('two'), { now, force: true });
    await expect(writeKeyFile(path, utf8('three'), { now, force: true })).rejects.toMatchObject({
      code: 'invalid-input',
    });
    expect(await text(path)).toBe('two');
    expect(await text(`${path}.20260731T120000123Z.bak`)).toBe('one');
  });

  it('lets one of many writers win, whole', async () => {
    const path = join(folder, 'coldkey');
    const writers = Array.from({ length: 8 }, (_, i) => writeKeyFile(path, utf8(`writer ${i}`), { now }));
    const results = await Promise.allSettled(writers);
    const winner = results.findIndex(({ status }) => status === 'fulfilled');
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await text(path)).toBe(`writer ${winner}`);
    expect(await readdir(folder)).toEqual(['coldkey']);
  });

  it('counts a link to nothing as a file', async () => {
    const path = join(folder, 'coldkey');
    await symlink(join(folder, 'elsewhere'), path);
    await expect(assertNoKeyFile([join(folder, 'none'), path])).rejects.toMatchObject({
      data: { what: path },
    });
    await expect(writeKeyFile(path, utf8('one'), { now })).rejects.toMatchObject({ code: 'invalid-input' });
    expect(await readdir(folder)).toEqual(['coldkey']);
  });

  it('says what is in the way of a folder', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(writeKeyFile(join(folder, 'file', 'coldkey'), utf8('one'), { now })).rejects.toMatchObject({
      code: 'invalid-input',
      data: { what: join(folder, 'file') },
    });
  });

  it.skipIf(isRoot)('says that a folder cannot be written to', async () => {
    await chmod(folder, 0o500);
    await expect(writeKeyFile(join(folder, 'coldkey'), utf8('one'), { now })).rejects.toThrow(/permission/);
    await chmod(folder, 0o700);
  });
});

describe('a folder of wallets', () => {
  it('has keys where btcli has them', () => {
    expect(coldkeyPlace('/w', 'mine')).toEqual({
      secret: '/w/mine/coldkey',
      public: '/w/mine/coldkeypub.txt',
    });
    expect(hotkeyPlace('/w', 'mine', 'gpu 2')).toEqual({
      secret: '/w/mine/hotkeys/gpu 2',
      public: '/w/mine/hotkeys/gpu 2pub.txt',
    });
  });

  it.each([
    '',
    '.',
    '..',
    '../x',
    'a/b',
    'a\\b',
    '.hidden',
    ' a',
    'a\n',
    'a\x1b[2J',
    'x'.repeat(129),
    '//Alice',
  ])('takes no name that leads elsewhere or steers a terminal: %j', (name) => {
    expect(() => coldkeyPlace('/w', name)).toThrow(/wallet name/);
    expect(() => hotkeyPlace('/w', 'mine', name)).toThrow(/hotkey name/);
  });

  it.each(['xpub.txt', 'x.bak'])('takes no hotkey name that would be another file: %s', (name) => {
    expect(() => hotkeyPlace('/w', 'mine', name)).toThrow(/does not end with/);
  });

  it('is listed without a password: addresses, forms and what is wrong', async () => {
    const alice = secretFromUri('//Alice');
    const bob = secretFromUri('//Bob');
    const cold = coldkeyPlace(folder, 'b');
    await writeKeyFile(cold.secret, utf8(`$NACL${'x'.repeat(99)}`), { now });
    await writeKeyFile(cold.public, toPublicJson(alice.keypair.publicKey), { now });
    const good = hotkeyPlace(folder, 'b', 'good');
    await writeKeyFile(good.secret, toKeyJson(bob), { now });
    await writeKeyFile(good.secret, toKeyJson(bob), { now: now + 1, force: true });
    const odd = hotkeyPlace(folder, 'b', 'odd');
    await writeKeyFile(odd.secret, toKeyJson(bob), { now });
    await writeKeyFile(odd.public, toPublicJson(alice.keypair.publicKey), { now });
    await chmod(odd.secret, 0o644);
    const watched = coldkeyPlace(folder, 'a');
    await writeKeyFile(watched.public, toPublicJson(bob.keypair.publicKey), { now });
    await writeKeyFile(coldkeyPlace(folder, 'c').secret, utf8('{"crypto":{}}'), { now });
    await mkdir(join(folder, 'empty'));
    await writeFile(join(folder, 'README'), 'no wallet');

    const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
    const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
    expect(await listWallets(folder)).toEqual([
      { name: 'a', coldkey: { name: 'coldkey', kind: undefined, address: BOB, problems: [] }, hotkeys: [] },
      {
        name: 'b',
        coldkey: { name: 'coldkey', kind: 'nacl', address: ALICE, problems: [] },
        hotkeys: [
          { name: 'good', kind: 'plain', address: BOB, problems: [] },
          {
            name: 'odd',
            kind: 'plain',
            address: BOB,
            problems: [
              `others on this machine can reach the key file (mode 644): chmod 600 ${odd.secret}`,
              `${odd.public}: not the public key of odd (assay wallet regen-pub --wallet-path ${folder} --wallet b --key hotkey --hotkey odd --force mends it)`,
            ],
          },
        ],
      },
      {
        name: 'c',
        coldkey: {
          name: 'coldkey',
          kind: 'ethereum',
          address: undefined,
          problems: [
            `${join(folder, 'c', 'coldkey')}: expected a Bittensor key file, got an Ethereum keystore: another kind of key`,
          ],
        },
        hotkeys: [],
      },
    ]);
  });

  it('that is not there has no wallets', async () => {
    expect(await listWallets(join(folder, 'none'))).toEqual([]);
  });
});
