// Owns: which wallet and hotkey a command means, and their keys. Does not own: flags of single commands, key files (keys).
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { KeyPlace, Keypair, OpenedKey } from '../keys/index.js';
import type { AssayError } from '../model/errors.js';
import { alsoCalled } from './command.js';
import { errnoOf, invalid } from './invalid-input.js';
import type { WalletIo } from './wallet-io.js';

type Flags = Readonly<Record<string, unknown>>;

/** Names of btcli beside ours. */
const ALIASES = {
  wallet: ['wallet.name', 'walletName'],
  hotkey: ['wallet.hotkey', 'walletHotkey'],
  walletPath: ['wallet.path'],
} as const;

/** `--wallet`, `--hotkey`, `--wallet-path`, `--password-file` and the names that btcli has for them. */
export function addWalletOptions(command: Command): Command {
  return addWalletPath(command)
    .option('--wallet <name>', 'wallet, or a development URI such as //Alice (default)')
    .option('--hotkey <name>', 'hotkey of that wallet, path of a hotkey file, or a development URI (default)')
    .option(
      '--password-file <file>',
      'password of an encrypted key, - for standard input; without it you are asked',
    )
    .addOption(new Option('--wallet-name <name>').hideHelp())
    .addOption(new Option('--wallet.name <name>').hideHelp())
    .addOption(new Option('--wallet-hotkey <name>').hideHelp())
    .addOption(new Option('--wallet.hotkey <name>').hideHelp());
}

/** Of commands that sign calls as a role does: its hotkey must be said. */
export const addHotkeyOptions = (command: Command): Command =>
  command
    .requiredOption('--hotkey <name>', 'hotkey file, a name beside --wallet, or a development URI')
    .option('--wallet <name>', 'wallet whose hotkey --hotkey names')
    .option('--wallet-path <folder>', 'folder of wallets (BT_WALLET_PATH, or ~/.bittensor/wallets)')
    .addOption(alsoCalled('--wallet-hotkey <name>', 'hotkey'))
    .addOption(alsoCalled('--wallet.hotkey <name>', 'hotkey'))
    .addOption(alsoCalled('--wallet-name <name>', 'wallet'))
    .addOption(alsoCalled('--wallet.name <name>', 'wallet'))
    .addOption(alsoCalled('--wallet.path <folder>', 'walletPath'));

export const addWalletPath = (command: Command): Command =>
  command
    .option('--wallet-path <folder>', 'folder of wallets (BT_WALLET_PATH, or ~/.bittensor/wallets)')
    .addOption(new Option('--wallet.path <folder>').hideHelp());

/**
 * `--wallet-path`, else BT_WALLET_PATH, else `~/.bittensor/wallets`.
 * @throws AssayError `invalid-input` when two names of the flag disagree
 */
export function walletPathOf(flags: Flags, environment: NodeJS.ProcessEnv = process.env): string {
  const path = flagOf(flags, 'walletPath') ?? (environment['BT_WALLET_PATH'] || '~/.bittensor/wallets');
  // a shell expands a tilde neither after `=` nor in a variable that was quoted
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

export interface WalletChoice {
  readonly root: string;
  readonly wallet: string;
  readonly hotkey: string;
}

/** @throws AssayError `invalid-input` when two names of a flag disagree */
export const walletChoiceOf = (flags: Flags): WalletChoice => ({
  root: walletPathOf(flags),
  wallet: flagOf(flags, 'wallet') ?? 'default',
  hotkey: flagOf(flags, 'hotkey') ?? 'default',
});

/**
 * The hotkey that flags of `addWalletOptions` mean: a name in the wallet, a path with a slash, a development URI; of a
 * wallet that is one, `<URI>//hotkey` where no other is named.
 * @param io asks for the password of an encrypted hotkey, which few are
 * @throws AssayError `invalid-input` or `unsupported`, saying which file
 */
export async function hotkeyOf(flags: Flags, io: WalletIo): Promise<Keypair> {
  const { hotkeyPlace, keypairFromUri, readyKeys } = await import('../keys/index.js');
  await readyKeys();
  const { root, wallet, hotkey } = walletChoiceOf(flags);
  if (isUri(hotkey)) return keypairFromUri(hotkey);
  if (hotkey.includes('/')) return open(hotkey, flags, io, `the hotkey ${hotkey}`);
  if (!isUri(wallet))
    return openNamed(hotkeyPlace(root, wallet, hotkey), { root, wallet, hotkey }, flags, io);
  if (flagOf(flags, 'hotkey') === undefined) return keypairFromUri(`${wallet}//hotkey`);
  throw invalid('--hotkey', `a development URI, as --wallet ${wallet} is one`, hotkey.slice(0, 64));
}

/**
 * The coldkey that flags of `addWalletOptions` mean: of a wallet, or a development URI. An encrypted one takes its
 * password and some seconds.
 * @throws AssayError `invalid-input` or `unsupported`, saying which file; the signal's reason when interrupted
 */
export async function coldkeyOf(flags: Flags, io: WalletIo): Promise<Keypair> {
  const { coldkeyPlace, keypairFromUri, readyKeys } = await import('../keys/index.js');
  await readyKeys();
  const { root, wallet } = walletChoiceOf(flags);
  if (isUri(wallet)) return keypairFromUri(wallet);
  return openNamed(coldkeyPlace(root, wallet), { root, wallet }, flags, io);
}

/** The error for a hotkey that is not there, naming those that are. */
export async function noSuchHotkey(
  { root, wallet, hotkey }: WalletChoice,
  cause?: unknown,
): Promise<AssayError> {
  const { hotkeyNames } = await import('../keys/index.js');
  const names = (await hotkeyNames(root, wallet)).slice(0, 20);
  const expected = names.length === 0 ? 'a hotkey' : `one of ${names.join(', ')}`;
  return invalid(`--hotkey ${hotkey}`, `${expected} of wallet ${wallet} in ${root}`, 'none there', cause);
}

const isUri = (name: string): boolean => name.startsWith('//');

async function openNamed(
  place: KeyPlace,
  { root, wallet, hotkey }: Pick<WalletChoice, 'root' | 'wallet'> & { readonly hotkey?: string },
  flags: Flags,
  io: WalletIo,
): Promise<Keypair> {
  const what = hotkey === undefined ? `the coldkey of ${wallet}` : `the hotkey ${hotkey} of ${wallet}`;
  try {
    return await open(place.secret, flags, io, what);
  } catch (error) {
    if (!(error instanceof Error) || errnoOf(error.cause) !== 'ENOENT') throw error;
    if (hotkey !== undefined) throw await noSuchHotkey({ root, wallet, hotkey }, error);
    throw invalid(
      `--wallet ${wallet}`,
      `a wallet with a coldkey in ${root} (assay wallet list)`,
      'none there',
      error,
    );
  }
}

async function open(path: string, flags: Flags, io: WalletIo, what: string): Promise<Keypair> {
  return (await openSecret(path, flags, io, what)).secret.keypair;
}

/** @param what how the key is called when its password is asked for */
export async function openSecret(path: string, flags: Flags, io: WalletIo, what: string): Promise<OpenedKey> {
  const { openKeyFile } = await import('../keys/index.js');
  const { passwordOf } = await import('./passwords.js');
  const { passwordFile } = flags;
  const opened = await openKeyFile(
    path,
    {
      derive: io.derive,
      async password() {
        const password = await passwordOf(passwordFile, '--password-file', what, io);
        io.note(`opening ${what}: some seconds`);
        return password;
      },
    },
    io.signal,
  );
  if (opened.warning !== undefined) io.note(opened.warning);
  return opened;
}

function flagOf(flags: Flags, name: keyof typeof ALIASES): string | undefined {
  const given = new Set<string>();
  for (const alias of [name, ...ALIASES[name]]) if (typeof flags[alias] === 'string') given.add(flags[alias]);
  const [value, ...others] = given;
  const flag = `--${name === 'walletPath' ? 'wallet-path' : name}`;
  if (value !== undefined && mayBeSecret(value))
    throw invalid(
      flag,
      'a name (process lists show flags: a secret belongs into a file)',
      'what may be a secret',
    );
  if (others.length === 0) return value;
  throw invalid(flag, 'one value', [...given].join(' and ').slice(0, 128));
}

/** A seed or a phrase that somebody typed in place of a name is not repeated. */
export const mayBeSecret = (value: string): boolean =>
  /^(0x)?[0-9a-f]{64,}$/i.test(value) || value.trim().split(/\s+/).length >= 12;
