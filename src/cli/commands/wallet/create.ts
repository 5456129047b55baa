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

export async function createWallet(
  flags: Flags,
  signal: AbortSignal,
  io: WalletIo = terminalIo(signal),
): Promise<number> {
  assertShowable(flags, io);
  await readyKeys();
  const force = flags['force'] === true;
  const wanted = placesOf(flags);
  if (!force) await assertNoKeyFile(wanted.flatMap(({ place }) => [place.secret, place.public]));
  const hasColdkey = wanted.some(({ key }) => key === 'coldkey');
  const coldPassword = await coldkeyPassword(flags, hasColdkey, io);
  const words = flags['words'] === '24' ? 24 : 12;
  const made: (StoredKey & { readonly mnemonic: string })[] = [];
  for (const { key, place } of wanted) {
    const mnemonic = createPhrase(words);
    const password = key === 'coldkey' ? coldPassword : undefined;
    const stored = await storeKey(secretFromUri(mnemonic), { key, place, password, force }, io);
    made.push({ ...stored, mnemonic });
  }
  if (flags['json'] === true) printJson({ wallet: walletChoiceOf(flags).wallet, keys: made });
  else printMade(made);
  return EXIT.ok;
}

/** A mnemonic that nobody saw is lost, and one in a log or a pipe is found: asked before anything is made. */
function assertShowable(flags: Flags, { isTerminal }: WalletIo): void {
  const isJson = flags['json'] === true;
  if (isJson ? flags['showMnemonic'] === true : isTerminal) return;
  throw isJson
    ? invalid('--json', '--show-mnemonic with it: the mnemonics are shown this once', 'none')
    : invalid(
        'standard output',
        'a terminal, for the mnemonics are shown once (--json --show-mnemonic prints them elsewhere)',
        'a file or a pipe',
      );
}

function placesOf(flags: Flags): readonly WantedKey[] {
  const { root, wallet, hotkey } = walletChoiceOf(flags);
  const all = [
    { key: 'coldkey', place: coldkeyPlace(root, wallet) },
    { key: 'hotkey', place: hotkeyPlace(root, wallet, hotkey) },
  ] as const;
  return all.filter(({ key }) => flags['key'] === undefined || flags['key'] === key);
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

function printMade(made: readonly (StoredKey & { readonly mnemonic: string })[]): void {
  for (const key of made) for (const line of storedLines(key)) print(line);
  for (const { key, mnemonic } of made)
    print(
      `\nMnemonic of the ${key}, shown this once. Whoever has it has the key: keep it where no computer is.\n\n  ${mnemonic}`,
    );
}
