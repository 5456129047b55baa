// Owns: `assay wallet create`. Does not own: files of keys (keys), where they are written (stored-key.ts).
import {
  assertNoKeyFile,
  coldkeyPlace,
  createPhrase,
  hotkeyPlace,
  type KeyPlace,
  readyKeys,
  secretFromUri,
} from '../../../keys/index.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { newPassword } from '../../passwords.js';
import { type KeyName, type StoredKey, storedLines, storeKey } from '../../stored-key.js';
import { terminalIo, type WalletIo } from '../../wallet-io.js';
import { walletChoiceOf } from '../../wallets.js';

type Flags = Readonly<Record<string, unknown>>;

interface WantedKey {
  readonly key: KeyName;
  readonly place: KeyPlace;
}
type MadeKey = WantedKey & { readonly mnemonic: string };

export async function createWallet(
  flags: Flags,
  signal: AbortSignal,
  io: WalletIo = terminalIo(signal),
): Promise<number> {
  assertShowable(flags, io);
  await readyKeys();
  const { force = false, words, json } = flags;
  const wanted = placesOf(flags);
  if (force !== true) await assertNoKeyFile(wanted.flatMap(({ place }) => [place.secret, place.public]));
  const hasColdkey = wanted.some(({ key }) => key === 'coldkey');
  const coldPassword = await coldkeyPassword(flags, hasColdkey, io);
  const made = wanted.map((key) => ({ ...key, mnemonic: createPhrase(words === '24' ? 24 : 12) }));
  // shown before anything is written: no file holds a key that nobody could restore
  if (json !== true) printMnemonics(made);
  const stored: StoredKey[] = [];
  try {
    for (const { key, place, mnemonic } of made) {
      const password = key === 'coldkey' ? coldPassword : undefined;
      const options = { key, place, password, force: force === true };
      stored.push(await storeKey(secretFromUri(mnemonic), options, io));
    }
  } finally {
    if (json === true) printDocument(flags, made, stored);
    else for (const key of stored) for (const line of storedLines(key)) print(line);
  }
  return EXIT.ok;
}

/** A mnemonic that nobody saw is lost, and one in a log or a pipe is found: asked before anything is made. */
function assertShowable({ json, showMnemonic }: Flags, { isTerminal }: WalletIo): void {
  if (json === true ? showMnemonic === true : isTerminal) return;
  throw json === true
    ? invalid('--json', '--show-mnemonic with it: the mnemonics are shown this once', 'none')
    : invalid(
        'standard output',
        'a terminal, for the mnemonics are shown once (--json --show-mnemonic prints them elsewhere)',
        'a file or a pipe',
      );
}

function placesOf(flags: Flags): readonly WantedKey[] {
  const { root, wallet, hotkey } = walletChoiceOf(flags);
  const { key: only } = flags;
  const all = [
    { key: 'coldkey', place: coldkeyPlace(root, wallet) },
    { key: 'hotkey', place: hotkeyPlace(root, wallet, hotkey) },
  ] as const;
  return all.filter(({ key }) => only === undefined || only === key);
}

/** @throws AssayError `invalid-input` when flags contradict one another */
export async function coldkeyPassword(
  flags: Flags,
  hasColdkey: boolean,
  io: WalletIo,
): Promise<Uint8Array | undefined> {
  const { password, passwordFile } = flags;
  if (password === false && passwordFile !== undefined)
    throw invalid('--no-password', 'no --password-file with it', 'one');
  if (!hasColdkey && passwordFile !== undefined)
    throw invalid('--password-file', 'a coldkey to encrypt', 'a hotkey, which daemons have to read');
  return hasColdkey && password !== false ? newPassword(passwordFile, 'the coldkey', io) : undefined;
}

function printMnemonics(made: readonly MadeKey[]): void {
  print('Shown this once. Whoever has a mnemonic has the key: keep it where no computer is.');
  for (const { key, mnemonic } of made) print(`\nMnemonic of the ${key}:\n\n  ${mnemonic}`);
  print('');
}

/** A key without an address is one that could not be written. */
function printDocument(flags: Flags, made: readonly MadeKey[], stored: readonly StoredKey[]): void {
  const keys = made.map(({ key, mnemonic }) => ({ key, mnemonic, ...stored.find((one) => one.key === key) }));
  printJson({ wallet: walletChoiceOf(flags).wallet, keys });
}
