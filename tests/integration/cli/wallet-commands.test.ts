import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadKey } from '../../../src/cli/assemble.js';
import { exitCodeOf, printError } from '../../../src/cli/output.js';
import { registerWallet } from '../../../src/cli/wallet-group.js';
import type { WalletIo } from '../../../src/cli/wallet-io.js';
import { coldkeyOf, hotkeyOf, walletPathOf } from '../../../src/cli/wallets.js';
import { createDeriveKey, keypairFromUri, readyKeys, verifySignature } from '../../../src/keys/index.js';
import { fromHex, toHex, utf8 } from '../../../src/model/bytes.js';
import { silentLog } from '../../../src/model/log.js';
import { systemRandom } from '../../../src/model/prng.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const vectors = JSON.parse(readFileSync(new URL('../../vectors/key-files.json', import.meta.url), 'utf8'));
const ALICE: string = vectors.address;
const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
/** The public development phrase, here as a secret that must not be seen. */
const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
const PHRASE_ADDRESS = '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV';
const PHRASE_SEED = 'fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e';
const PASSWORD = 'marker-password';

/** What commands have of their surroundings, in place of `terminalIo`. */
const io = {
  isTerminal: true,
  answers: [] as string[],
  asked: [] as string[],
  notes: [] as string[],
  onAsk: () => {},
};
vi.mock('../../../src/cli/wallet-io.js', () => ({ terminalIo: (signal: AbortSignal) => ioWith(signal) }));

function ioWith(signal: AbortSignal): WalletIo {
  return {
    async ask(question) {
      io.asked.push(question);
      io.onAsk();
      const answer = io.answers.shift();
      if (answer === undefined) throw new Error(`nobody answers: ${question}`);
      return answer;
    },
    note: (text) => io.notes.push(text),
    isTerminal: io.isTerminal,
    // as good as the real one to everything but a thief
    derive: createDeriveKey({ iterations: 1, memoryKiB: 64 }),
    random: systemRandom,
    clock: createVirtualClock(),
    signal,
  };
}
const never = new AbortController().signal;

let root: string;
beforeAll(readyKeys);
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-wallets-'));
  vi.stubEnv('BT_WALLET_PATH', join(root, 'wallets'));
  Object.assign(io, { isTerminal: true, answers: [], asked: [], notes: [], onAsk: () => {} });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(root, { recursive: true });
});

const inWallets = (...path: string[]): string => join(root, 'wallets', ...path);
function fileOf(name: string, content: string): string {
  writeFileSync(join(root, name), content);
  return join(root, name);
}

interface Ended {
  readonly code: number;
  readonly out: string;
  /** what main.ts would print */
  readonly err: string;
}

/** `assay wallet ...` as main.ts has it, with its output caught. */
async function wallet(...args: string[]): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    }),
  );
  let code = -1;
  const program = new Command('assay').exitOverride();
  registerWallet(program, async (work) => {
    try {
      code = await work(never);
    } catch (error) {
      code = exitCodeOf(error);
      printError(error, true);
    }
  });
  try {
    await program.parseAsync(['node', 'assay', 'wallet', ...args]);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return { code, out: written.stdout, err: written.stderr };
}

const json = async (...args: string[]) => JSON.parse((await wallet(...args, '--json')).out);

describe('assay wallet create', () => {
  it('makes a coldkey behind a password and a hotkey without, and shows each mnemonic once', async () => {
    io.answers = [PASSWORD, PASSWORD];
    const { code, out } = await wallet('create', '--wallet', 'mine');
    expect(code).toBe(0);
    const phrases = out.match(/^ {2}([a-z]+ ){11}[a-z]+$/gm)!.map((line) => line.trim());
    expect(phrases).toHaveLength(2);
    const coldkey = readFileSync(inWallets('mine', 'coldkey'));
    expect(coldkey.subarray(0, 5).toString()).toBe('$NACL');
    expect(coldkey.includes(phrases[0]!)).toBe(false);
    const hotkey = JSON.parse(readFileSync(inWallets('mine', 'hotkeys', 'default'), 'utf8'));
    expect(hotkey.secretPhrase).toBe(phrases[1]);
    const cold = JSON.parse(readFileSync(inWallets('mine', 'coldkeypub.txt'), 'utf8'));
    expect(cold.ss58Address).toBe(keypairFromUri(phrases[0]!).address);
    expect(out.split(phrases[0]!)).toHaveLength(2);

    io.answers = [PASSWORD];
    expect((await coldkeyOf({ wallet: 'mine' }, ioWith(never))).address).toBe(cold.ss58Address);
    expect((await hotkeyOf({ wallet: 'mine' }, ioWith(never))).address).toBe(hotkey.ss58Address);
  });

  it('shows no mnemonic to a pipe unless it is asked to, and makes nothing before it knows', async () => {
    io.isTerminal = false;
    for (const args of [[], ['--json'], ['--show-mnemonic']]) {
      const { code, err } = await wallet('create', '--no-password', ...args);
      expect(code).toBe(2);
      expect(err).toMatch(/shown (this )?once/);
    }
    expect(existsSync(inWallets())).toBe(false);
    const { keys } = await json('create', '--no-password', '--show-mnemonic', '--words', '24');
    expect(keys.map(({ mnemonic }: { mnemonic: string }) => mnemonic.split(' ').length)).toEqual([24, 24]);
  });

  it('replaces nothing that is there, and with --force keeps a copy of it', async () => {
    await wallet('create', '--no-password');
    const before = readFileSync(inWallets('default', 'coldkey'), 'utf8');
    io.answers = [];
    const refused = await wallet('create');
    expect([refused.code, io.asked]).toEqual([2, []]);
    expect(refused.err).toContain(`${inWallets('default', 'coldkey')}: expected no key file there yet`);
    expect(readFileSync(inWallets('default', 'coldkey'), 'utf8')).toBe(before);

    const { keys } = await json('create', '--no-password', '--force', '--show-mnemonic', '--key', 'coldkey');
    const copy = keys[0].kept.find((path: string) => path.startsWith(`${inWallets('default', 'coldkey')}.`));
    expect(readFileSync(copy, 'utf8')).toBe(before);
    expect(readFileSync(inWallets('default', 'coldkey'), 'utf8')).not.toBe(before);
  });

  it('has shown every mnemonic when a file cannot be written in the middle', async () => {
    io.answers = [PASSWORD, PASSWORD];
    io.onAsk = () => {
      mkdirSync(inWallets('default'), { recursive: true });
      writeFileSync(inWallets('default', 'hotkeys'), 'in the way');
    };
    const { code, out, err } = await wallet('create');
    expect([code, err]).toEqual([2, expect.stringContaining(`${inWallets('default', 'hotkeys')}: expected`)]);
    const [coldkey] = out.match(/^ {2}([a-z]+ ){11}[a-z]+$/gm)!.map((line) => line.trim());
    const written = JSON.parse(readFileSync(inWallets('default', 'coldkeypub.txt'), 'utf8'));
    expect(written.ss58Address).toBe(keypairFromUri(coldkey!).address);
  });

  it('adds another hotkey to a wallet, and leaves out what has no password to encrypt', async () => {
    expect((await wallet('create', '--no-password')).code).toBe(0);
    expect((await wallet('create', '--key', 'hotkey', '--wallet.hotkey', 'gpu-2')).code).toBe(0);
    expect(readdirSync(inWallets('default', 'hotkeys'))).toContain('gpu-2');
    const { code, err } = await wallet('create', '--key', 'hotkey', '--hotkey', 'x', '--password-file', 'f');
    expect([code, err]).toEqual([2, expect.stringContaining('daemons')]);
  });

  it('takes no short password, no two that differ, and none with --no-password', async () => {
    io.answers = ['short'];
    expect((await wallet('create')).err).toMatch(/at least 8 characters, got 5/);
    io.answers = [PASSWORD, `${PASSWORD}x`];
    const differ = await wallet('create');
    expect(differ.err).toMatch(/the same twice, got two that differ/);
    expect(differ.err).not.toContain(PASSWORD);
    const file = fileOf('pw', PASSWORD);
    expect((await wallet('create', '--no-password', '--password-file', file)).code).toBe(2);
    expect(existsSync(inWallets())).toBe(false);
  });
});

describe('assay wallet import', () => {
  const into = ['import', '--key', 'coldkey', '--no-password'];
  const address = () =>
    JSON.parse(readFileSync(inWallets('default', 'coldkeypub.txt'), 'utf8')).ss58Address as string;

  it.each([
    [
      'a phrase in lines',
      `bottom drive obey lake curtain smoke\n  ${PHRASE.split(' ').slice(6).join(' ')}\n`,
      PHRASE_ADDRESS,
    ],
    ['a key URI', `${PHRASE}//Alice`, ALICE],
    ['a seed', `${vectors.secretSeed}\n`, ALICE],
    ['a seed without 0x', vectors.secretSeed.slice(2), ALICE],
    ['a key file', JSON.stringify({ secretSeed: vectors.secretSeed, ss58Address: ALICE }), ALICE],
  ])('takes %s from a file', async (_name, content, expected) => {
    expect((await wallet(...into, '--from', fileOf('from', content))).code).toBe(0);
    expect(address()).toBe(expected);
  });

  it('takes a polkadot-js account with its own password', async () => {
    const from = fileOf('account.json', JSON.stringify(vectors.polkadotJs));
    const password = fileOf('pw', `${vectors.password}\n`);
    const { code } = await wallet(...into, '--from', from, '--from-password-file', password);
    expect([code, address()]).toEqual([0, ALICE]);
    io.answers = ['wrong'];
    const wrong = await wallet(...into, '--from', from, '--wallet', 'other');
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringContaining('password of this polkadot-js account'),
    ]);
  });

  it('asks for a phrase without a file, and says what a derived key is left without', async () => {
    io.answers = [`${PHRASE}//Alice`];
    expect((await wallet(...into)).code).toBe(0);
    expect(io.asked).toEqual(['Phrase or key URI (not shown)']);
    expect(io.notes).toEqual(['the file holds the private key alone: keep the phrase and its junctions']);
  });

  it.each([
    ['an Ethereum keystore', '{"version":3,"crypto":{}}', /got an Ethereum keystore/],
    ['an old coldkey', '$ANSIBLE_VAULT;1.1;AES256\n', /encrypted with Ansible vault/],
    ['an older coldkey', 'gAAAAABg', /encrypted with Fernet/],
    ['damaged JSON', '{"secretSeed":"0xe5be9a', /got damaged JSON/],
    ['a public key', `{"ss58Address":"${ALICE}"}`, /got a public key file/],
    ['nothing', '', /got an empty file/],
    ['a phrase with a wrong word', PHRASE.replace('walk', 'fit'), /a BIP39 phrase of 12 to 24 English words/],
    ['other bytes', '\u{fffd}\0', /not a key URI/],
  ])('names what it cannot take and repeats nothing of it: %s', async (_name, content, message) => {
    const { code, err, out } = await wallet(...into, '--from', fileOf('from', content));
    expect(code).toBeGreaterThan(0);
    expect(err).toMatch(message);
    expect(`${err}${out}`).not.toMatch(/e5be9a|curtain/);
    expect(existsSync(inWallets())).toBe(false);
  });

  it('reads standard input for one thing only', async () => {
    const { code, err } = await wallet('import', '--key', 'coldkey', '--from', '-', '--password-file', '-');
    expect([code, err]).toEqual([2, expect.stringContaining('one file from standard input')]);
  });
});

describe('assay wallet list and show', () => {
  it('draw what is there, and name what is wrong', async () => {
    await wallet(
      'import',
      '--key',
      'hotkey',
      '--wallet',
      'mine',
      '--hotkey',
      'a',
      '--from',
      fileOf('u', '//Alice'),
    );
    await wallet('regen-pub', '--wallet', 'mine', '--address', BOB);
    chmodSync(inWallets('mine', 'hotkeys', 'a'), 0o640);
    expect((await wallet('list')).out.split('\n')).toEqual([
      inWallets(),
      `└── mine  ${BOB}  (no secret here)`,
      `    └── a  ${ALICE}  (others on this machine can reach the key file (mode 640): chmod 600 ${inWallets('mine', 'hotkeys', 'a')})`,
      '',
    ]);
    expect(await json('show', '--wallet-name', 'mine')).toMatchObject({
      wallet: 'mine',
      coldkey: { address: BOB, problems: [], file: inWallets('mine', 'coldkey') },
      hotkeys: [{ name: 'a', kind: 'plain', address: ALICE }],
    });
    expect((await wallet('show', '--wallet', 'mine', '--hotkey', 'b')).err).toContain(
      `--hotkey b: expected one of a of wallet mine in ${inWallets()}, got none there`,
    );
    expect((await wallet('show', '--wallet', 'none')).code).toBe(2);
  });

  it('say that there is no wallet', async () => {
    expect((await wallet('list')).out).toBe(`no wallets in ${inWallets()}\n`);
  });
});

describe('assay wallet sign and verify', () => {
  it('agree with each other and with the key, for hotkeys, coldkeys and development URIs', async () => {
    await wallet(
      'import',
      '--key',
      'coldkey',
      '--from',
      fileOf('u', '//Bob'),
      '--password-file',
      fileOf('pw', PASSWORD),
    );
    await wallet('import', '--key', 'hotkey', '--from', fileOf('u', '//Alice'));
    const message = ['--message', '0x1234'];
    const cold = await json('sign', '--key', 'coldkey', ...message, '--password-file', join(root, 'pw'));
    const hot = await json('sign', ...message);
    const dev = await json('sign', '--wallet', '//Alice', '--key', 'coldkey', ...message);
    expect([cold.address, hot.address, dev.address]).toEqual([BOB, ALICE, ALICE]);
    for (const { address, signature } of [cold, hot, dev]) {
      const publicKey = keypairFromUri(address === BOB ? '//Bob' : '//Alice').publicKey;
      expect(verifySignature(fromHex(signature), utf8('0x1234'), publicKey)).toBe(true);
      expect((await wallet('verify', address, signature, ...message)).code).toBe(0);
      expect((await wallet('verify', address, signature, '--message', '0x1235')).code).toBe(1);
    }
    const file = fileOf('message', '0x1234');
    expect((await wallet('verify', BOB, cold.signature.slice(2), '--file', file)).code).toBe(0);
    expect((await wallet('verify', ALICE, cold.signature, ...message)).code).toBe(1);
  });

  it('take what browser wallets sign', async () => {
    const signature = toHex(keypairFromUri('//Alice').sign(utf8('<Bytes>hello</Bytes>')));
    expect(await json('verify', ALICE, signature, '--message', 'hello')).toEqual({
      address: ALICE,
      isValid: true,
      isWrapped: true,
    });
  });

  it.each([
    [['verify', 'nobody', 'ab'.repeat(64), '--message', 'm'], /not an SS58 address/],
    [['verify', ALICE, 'abc', '--message', 'm'], /64 bytes in hexadecimal, got 3 characters/],
    [['verify', ALICE, 'ab'.repeat(64)], /either --message or --file, got neither/],
    [['sign', '--wallet', '//Alice', '--message', 'm', '--file', 'f'], /got both/],
    [['sign', '--wallet', '//Alice', '--hotkey', 'x', '--message', 'm'], /a development URI, as --wallet/],
    [
      ['sign', '--wallet', 'a', '--wallet.name', 'b', '--message', 'm'],
      /expected one value, got b and a|got a and b/,
    ],
    [['sign', '--wallet', '../../etc', '--message', 'm'], /wallet name: expected up to 128 characters/],
    [['sign', '--wallet', 'none', '--message', 'm'], /--hotkey default: expected a hotkey of wallet none/],
    [['sign', '--wallet', 'none', '--key', 'coldkey', '--message', 'm'], /a wallet with a coldkey in/],
  ])('refuse %j', async (args, message) => {
    const { code, err } = await wallet(...args);
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
  });

  it('refuse a wrong password with one error, and a secret in place of a name without repeating it', async () => {
    const pw = fileOf('pw', PASSWORD);
    await wallet('import', '--key', 'coldkey', '--from', fileOf('u', PHRASE), '--password-file', pw);
    io.answers = ['marker-wrong'];
    const wrong = await wallet('sign', '--key', 'coldkey', '--message', 'm');
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringContaining('the password that this file was encrypted'),
    ]);
    expect(wrong.err).not.toContain('marker');
    for (const secret of [PHRASE, vectors.secretSeed]) {
      const typed = await wallet('sign', '--hotkey', secret, '--message', 'm');
      expect([typed.code, typed.err]).toEqual([2, expect.stringContaining('a secret belongs into a file')]);
      expect(typed.err).not.toMatch(/e5be9a|curtain/);
    }
  });
});

describe('assay wallet regen-pub', () => {
  it('writes the public file from the key, leaves one that is right, and keeps a copy of another', async () => {
    await wallet('import', '--key', 'coldkey', '--no-password', '--from', fileOf('u', '//Alice'));
    rmSync(inWallets('default', 'coldkeypub.txt'));
    expect(await json('regen-pub')).toMatchObject({ address: ALICE, isWritten: true });
    expect(await json('regen-pub')).toMatchObject({ address: ALICE, isWritten: false });
    // the secret can be read, and is of another
    const stranger = await wallet('regen-pub', '--address', BOB, '--force');
    expect([stranger.code, stranger.err]).toEqual([2, expect.stringContaining('of the secret beside it')]);
    rmSync(inWallets('default', 'coldkey'));
    const other = await wallet('regen-pub', '--address', BOB);
    expect([other.code, other.err]).toEqual([2, expect.stringContaining('--force replaces it')]);
    const { kept } = await json('regen-pub', '--address', BOB, '--force');
    expect(JSON.parse(readFileSync(kept, 'utf8')).ss58Address).toBe(ALICE);
  });
});

describe('the wallet of a command', () => {
  it('is looked for where --wallet-path, BT_WALLET_PATH or habit say', () => {
    expect(walletPathOf({ walletPath: '/a' }, { BT_WALLET_PATH: '/b' })).toBe('/a');
    expect(walletPathOf({ 'wallet.path': '/a' }, {})).toBe('/a');
    expect(walletPathOf({}, { BT_WALLET_PATH: '~/w' })).toBe(join(homedir(), 'w'));
    expect(walletPathOf({}, { BT_WALLET_PATH: '' })).toBe(join(homedir(), '.bittensor/wallets'));
  });

  it('may be a development URI, and its hotkey another, a path or derived from it', async () => {
    const at = ioWith(never);
    expect((await coldkeyOf({ wallet: '//Bob' }, at)).address).toBe(BOB);
    expect((await hotkeyOf({ wallet: '//Bob' }, at)).address).toBe(keypairFromUri('//Bob//hotkey').address);
    expect((await hotkeyOf({ wallet: '//Bob', hotkey: '//Alice' }, at)).address).toBe(ALICE);
    const path = fileOf('hot', JSON.stringify({ secretSeed: vectors.secretSeed }));
    expect((await hotkeyOf({ hotkey: path }, at)).address).toBe(ALICE);
    expect(io.notes).toEqual([expect.stringContaining(`chmod 600 ${path}`)]);
  });

  it('names a hotkey for a role as well, which asks nobody', async () => {
    mkdirSync(inWallets('mine', 'hotkeys'), { recursive: true });
    const path = inWallets('mine', 'hotkeys', 'a');
    writeFileSync(path, JSON.stringify({ secretSeed: vectors.secretSeed }), { mode: 0o600 });
    const load = (hotkey: string, more = {}) => loadKey({ hotkey, ...more }, silentLog);
    expect((await load('a', { wallet: 'mine' })).address).toBe(ALICE);
    expect((await load('a', { wallet: 'mine', walletPath: inWallets() })).address).toBe(ALICE);
    expect((await load(path)).address).toBe(ALICE);
    expect((await load('//Bob', { wallet: 'mine' })).address).toBe(BOB);
    writeFileSync(path, '$NACL');
    await expect(load('a', { wallet: 'mine' })).rejects.toMatchObject({ code: 'unsupported' });
  });
});

describe('a secret', () => {
  const SECRETS = new RegExp([PASSWORD, ...PHRASE.split(' ').slice(0, 4), PHRASE_SEED].join('|'));

  /** The program as it is started, its process list entry looked at while it runs. */
  async function started(args: readonly string[]): Promise<{ code: number; said: string; listed: string }> {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'wallet', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, BT_WALLET_PATH: inWallets(), ASSAY_DEBUG: '1' },
    });
    let said = '';
    let listed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text));
    const look = setInterval(() => {
      for (const name of ['cmdline', 'environ', 'comm'])
        try {
          listed += readFileSync(`/proc/${child.pid}/${name}`, 'utf8');
        } catch {
          // it has ended
        }
    }, 50);
    const [code] = (await once(child, 'close')) as [number];
    clearInterval(look);
    return { code, said, listed };
  }

  it.skipIf(process.platform !== 'linux')(
    'is in no output and no process list, of what succeeds and of what fails',
    async () => {
      const from = fileOf('phrase', `${PHRASE}\n`);
      const password = fileOf('pw', `${PASSWORD}\n`);
      const made = await started(['import', '--key', 'coldkey', '--from', from, '--password-file', password]);
      expect([made.code, made.said]).toEqual([0, expect.stringContaining(PHRASE_ADDRESS)]);
      expect(made.listed).toContain('--password-file');
      expect(`${made.said}${made.listed}`).not.toMatch(SECRETS);
      expect((statSync(inWallets('default', 'coldkey')).mode & 0o777).toString(8)).toBe('600');
      expect(readFileSync(inWallets('default', 'coldkey'), 'latin1')).not.toMatch(SECRETS);
      expect(readFileSync(inWallets('default', 'coldkeypub.txt'), 'latin1')).not.toMatch(SECRETS);

      const bad = fileOf('phrase', `${PHRASE} ${PASSWORD}\n`);
      const failed = await started(['import', '--key', 'hotkey', '--from', bad]);
      expect([failed.code, failed.said]).toEqual([2, expect.stringContaining('not a key URI')]);
      expect(`${failed.said}${failed.listed}`).not.toMatch(SECRETS);
    },
  );
});
