// Owns: `assay wallet show`. Does not own: reading wallets (keys/wallet-folder.ts).
import {
  coldkeyPlace,
  hotkeyPlace,
  type KeyFileKind,
  type KeyPlace,
  type ListedKey,
  lookAtWallet,
  readyKeys,
} from '../../../keys/index.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { Table } from '../../table.js';
import { noSuchHotkey, walletChoiceOf } from '../../wallets.js';

type Flags = Readonly<Record<string, unknown>>;
type Shown = ListedKey & { readonly file: string; readonly publicFile: string };

const KINDS: Readonly<Partial<Record<KeyFileKind, string>>> = {
  plain: 'not encrypted',
  nacl: 'encrypted',
  'ansible-vault': 'encrypted with Ansible vault: cannot be opened here',
  fernet: 'encrypted with Fernet: cannot be opened here',
};

export async function showWallet(flags: Flags): Promise<number> {
  await readyKeys();
  const choice = walletChoiceOf(flags);
  const { json } = flags;
  const { root, wallet } = choice;
  const found = await lookAtWallet(root, wallet);
  const coldkey = shown(found.coldkey, coldkeyPlace(root, wallet));
  const isOne = ['hotkey', 'walletHotkey', 'wallet.hotkey'].some((name) => flags[name] !== undefined);
  const hotkeys = found.hotkeys
    .filter(({ name }) => !isOne || name === choice.hotkey)
    .map((hotkey) => shown(hotkey, hotkeyPlace(root, wallet, hotkey.name)));
  if (coldkey.kind === undefined && coldkey.address === undefined && found.hotkeys.length === 0)
    throw invalid(`--wallet ${wallet}`, `a wallet in ${root} (assay wallet list)`, 'none there');
  if (isOne && hotkeys.length === 0) throw await noSuchHotkey(choice);
  if (json === true) printJson({ wallet, coldkey, hotkeys });
  else printKeys([coldkey, ...hotkeys.map((hotkey) => ({ ...hotkey, name: `hotkey ${hotkey.name}` }))]);
  return EXIT.ok;
}

const shown = (key: ListedKey, place: KeyPlace): Shown => ({
  ...key,
  file: place.secret,
  publicFile: place.public,
});

function printKeys(keys: readonly Shown[]): void {
  const table = new Table({ head: ['key', 'address', 'secret', 'file'] });
  for (const { name, address, kind, file } of keys)
    table.push([
      name,
      address ?? 'not known',
      kind === undefined ? 'none here' : (KINDS[kind] ?? kind),
      file,
    ]);
  print(table.toString());
  for (const { name, problems } of keys) for (const problem of problems) print(`${name}: ${problem}`);
}
