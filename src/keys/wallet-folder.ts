// Owns: where the keys of Bittensor wallets lie, which names they may have, and what is there without a password.
// Does not own: their contents (key-json.ts, nacl-file.ts).
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { equals } from '../model/bytes.js';
import { errnoOf, foundInstead, invalid } from '../model/invalid-input.js';
import { readKeyFile } from './key-file.js';
import { type KeyFileKind, kindOfKeyFile, notOpened } from './key-file-kind.js';
import { fromKeyJson, fromPublicJson } from './key-json.js';
import { toAddress } from './ss58.js';

/** Where a secret lies, and what of it is public. */
export interface KeyPlace {
  readonly secret: string;
  readonly public: string;
}

const PUBLIC = 'pub.txt';
const COPY = '.bak';

/**
 * `<root>/<wallet>/coldkey` and `coldkeypub.txt`
 * @param root such as `~/.bittensor/wallets`, without the tilde
 * @throws AssayError `invalid-input` for a name that is none
 */
export function coldkeyPlace(root: string, wallet: string): KeyPlace {
  const folder = walletFolder(root, wallet);
  return { secret: join(folder, 'coldkey'), public: join(folder, `coldkey${PUBLIC}`) };
}

/**
 * `<root>/<wallet>/hotkeys/<hotkey>` and `<hotkey>pub.txt`
 * @throws AssayError `invalid-input` for a name that is none
 */
export function hotkeyPlace(root: string, wallet: string, hotkey: string): KeyPlace {
  assertName(hotkey, 'hotkey name');
  // they would not be seen for what they are in the list of files
  if (hotkey.endsWith(PUBLIC) || hotkey.endsWith(COPY))
    throw invalid('hotkey name', `a name that does not end with ${PUBLIC} or ${COPY}`, hotkey.slice(0, 64));
  const secret = join(walletFolder(root, wallet), 'hotkeys', hotkey);
  return { secret, public: `${secret}${PUBLIC}` };
}

function walletFolder(root: string, wallet: string): string {
  assertName(wallet, 'wallet name');
  return join(root, wallet);
}

/** One name of a file: no way out of the folder, nothing that a terminal would obey. */
function assertName(name: string, what: string): void {
  const isName = /^[^./\\\p{C}][^/\\\p{C}]*$/u.test(name) && name.length <= 128 && name.trim() === name;
  if (!isName)
    throw invalid(
      what,
      'up to 128 characters without slashes and control characters, no dot at the beginning',
      JSON.stringify(name.slice(0, 64)),
    );
}

export interface ListedKey {
  readonly name: string;
  /** what the secret's file is; undefined when there is none, or it cannot be read */
  readonly kind: KeyFileKind | undefined;
  /** SS58, undefined when no file tells */
  readonly address: string | undefined;
  /** what is wrong with it, or others could read; each one sentence */
  readonly problems: readonly string[];
}

export interface ListedWallet {
  readonly name: string;
  readonly coldkey: ListedKey;
  readonly hotkeys: readonly ListedKey[];
}

/**
 * Every wallet of a folder, by name. Nothing is decrypted; what cannot be read is listed with its problem.
 * @returns none when there is no such folder
 * @throws AssayError `invalid-input` when the folder cannot be read
 */
export async function listWallets(root: string): Promise<readonly ListedWallet[]> {
  const names = await namesIn(root, (entry) => entry.isDirectory() || entry.isSymbolicLink());
  const wallets: ListedWallet[] = [];
  for (const name of names.filter(isListable))
    wallets.push(await lookAtWallet(root, name).catch(unreadable(name)));
  return wallets.filter(({ coldkey, hotkeys }) => isSomething(coldkey) || hotkeys.length > 0);
}

/** One wallet that belongs to somebody else does not hide the others. */
const unreadable =
  (name: string) =>
  (error: unknown): ListedWallet => ({
    name,
    coldkey: { name: 'coldkey', kind: undefined, address: undefined, problems: [(error as Error).message] },
    hotkeys: [],
  });

const isSomething = ({ kind, address, problems }: ListedKey): boolean =>
  kind !== undefined || address !== undefined || problems.length > 0;

/** @throws AssayError `invalid-input` for a name that is none */
export async function lookAtWallet(root: string, wallet: string): Promise<ListedWallet> {
  const coldkey = await lookAt('coldkey', coldkeyPlace(root, wallet), regenPub(root, wallet));
  const hotkeys: ListedKey[] = [];
  for (const name of await hotkeyNames(root, wallet))
    hotkeys.push(await lookAt(name, hotkeyPlace(root, wallet, name), regenPub(root, wallet, name)));
  return { name: wallet, coldkey, hotkeys };
}

/**
 * Names of hotkeys, those included of which only the public file is there.
 * @throws AssayError `invalid-input` when their folder cannot be read
 */
export async function hotkeyNames(root: string, wallet: string): Promise<readonly string[]> {
  const folder = join(walletFolder(root, wallet), 'hotkeys');
  const files = await namesIn(folder, (entry) => entry.isFile() || entry.isSymbolicLink());
  const names = new Set(files.map((file) => (file.endsWith(PUBLIC) ? file.slice(0, -PUBLIC.length) : file)));
  return [...names].filter((name) => isListable(name) && !name.endsWith(COPY)).sort();
}

function isListable(name: string): boolean {
  try {
    assertName(name, 'name');
    return name !== PUBLIC;
  } catch {
    return false; // not one of a wallet: nothing here could be asked to open it
  }
}

/** What writes a public file anew, as it is typed. */
function regenPub(root: string, wallet: string, hotkey?: string): string {
  const quoted = (text: string): string =>
    /^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  const which = hotkey === undefined ? '' : ` --key hotkey --hotkey ${quoted(hotkey)}`;
  return `assay wallet regen-pub --wallet-path ${quoted(root)} --wallet ${quoted(wallet)}${which} --force`;
}

async function lookAt(name: string, place: KeyPlace, mendedBy: string): Promise<ListedKey> {
  const problems: string[] = [];
  const noted = async <T>(look: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await look();
    } catch (error) {
      if (!isMissing(error)) problems.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  const file = await noted(() => readKeyFile(place.secret));
  if (file?.warning !== undefined) problems.push(file.warning);
  const kind = file && kindOfKeyFile(file.bytes);
  const own = await noted(async () => file && ownKey(file.bytes, place.secret, kind));
  const told = await noted(async () => fromPublicJson((await readKeyFile(place.public)).bytes, place.public));
  if (own !== undefined && told !== undefined && !equals(own, told))
    problems.push(`${place.public}: not the public key of ${name} (${mendedBy} mends it)`);
  const key = own ?? told;
  return { name, kind, address: key && toAddress(key), problems };
}

/** The public key where no password is needed. */
function ownKey(bytes: Uint8Array, path: string, kind: KeyFileKind | undefined): Uint8Array | undefined {
  if (kind === 'plain') return fromKeyJson(bytes, path).keypair.publicKey;
  if (kind === 'nacl' || kind === 'ansible-vault' || kind === 'fernet' || kind === undefined)
    return undefined;
  throw notOpened(path, kind);
}

const isMissing = (error: unknown): boolean => error instanceof Error && errnoOf(error.cause) === 'ENOENT';

async function namesIn(
  folder: string,
  keep: (entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }) => boolean,
): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter(keep)
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw invalid(folder, 'a folder of wallets', foundInstead(error), error);
  }
}
