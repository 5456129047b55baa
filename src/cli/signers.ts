// Owns: who would sign a command's call, known by address before any secret is opened. Does not own: which key the flags
// mean, opening it (wallets.ts).
import { z } from 'zod';
import { hotkeyPlace, keypairFromUri, lookAtWallet, readyKeys } from '../keys/index.js';
import type { Keypair } from '../keys/keypair.js';
import { fromAddress } from '../keys/ss58.js';
import { AssayError } from '../model/errors.js';
import { type Hotkey, toHotkey } from '../model/ids.js';
import { terminalIo, type WalletIo } from './wallet-io.js';
import { coldkeyOf, hotkeyOf, walletChoiceOf } from './wallets.js';

const text = z.string().max(4096).optional();
/** What `addWalletOptions` adds, btcli's names among them. */
export const walletFlags = {
  wallet: text,
  hotkey: text,
  walletPath: text,
  passwordFile: text,
  walletName: text,
  'wallet.name': text,
  walletHotkey: text,
  'wallet.hotkey': text,
  'wallet.path': text,
};
type WalletFlags = z.infer<z.ZodObject<typeof walletFlags>>;

export interface Signer {
  readonly address: string;
  /** its secret is a development URI, which everybody has */
  readonly isDevelopment?: boolean;
  /** Opens the key: may ask for a password. @throws AssayError as wallets.ts, `corrupt` where it is another's */
  unlock(): Promise<Keypair>;
}

/** @throws AssayError `invalid-input` for no such wallet */
export async function coldkeySigner(flags: WalletFlags, signal: AbortSignal): Promise<Signer> {
  await readyKeys();
  const { root, wallet } = walletChoiceOf(flags);
  const open = () => coldkeyOf(flags, terminalIo(signal));
  if (wallet.startsWith('//')) return { ...opened(keypairFromUri(wallet)), isDevelopment: true };
  const { coldkey } = await lookAtWallet(root, wallet);
  // one that is not there, or says nothing about itself, is opened at once: its error says which file
  return coldkey.kind === undefined || coldkey.address === undefined
    ? opened(await open())
    : closed(coldkey.address, open, `coldkey of wallet ${wallet} in ${root}`);
}

/** @throws AssayError `invalid-input` for no such hotkey */
export async function hotkeySigner(flags: WalletFlags, signal: AbortSignal): Promise<Signer> {
  await readyKeys();
  const io: WalletIo = terminalIo(signal);
  const { root, wallet, hotkey } = walletChoiceOf(flags);
  const known = await listedHotkey(flags);
  if (known?.kind === undefined || known.address === undefined) {
    const isDevelopment = hotkey.startsWith('//') || (wallet.startsWith('//') && !hotkey.includes('/'));
    return { ...opened(await hotkeyOf(flags, io)), isDevelopment };
  }
  const where = hotkeyPlace(root, wallet, hotkey).secret;
  return closed(known.address, () => hotkeyOf(flags, io), where);
}

/**
 * The hotkey that a call is about; its secret stays where it is. `--hotkey` may be an address here.
 * @throws AssayError `invalid-input` for no such hotkey
 */
export async function hotkeyAddress(flags: WalletFlags, signal: AbortSignal): Promise<Hotkey> {
  const { hotkey } = walletChoiceOf(flags);
  if (isAddress(hotkey)) return toHotkey(hotkey);
  await readyKeys();
  const known = await listedHotkey(flags);
  if (known?.address !== undefined) return toHotkey(known.address);
  return toHotkey((await hotkeyOf(flags, terminalIo(signal))).address);
}

/** undefined where the flags mean no name in a wallet. */
async function listedHotkey(flags: WalletFlags) {
  const { root, wallet, hotkey } = walletChoiceOf(flags);
  if (wallet.startsWith('//') || hotkey.startsWith('//') || hotkey.includes('/')) return undefined;
  const { hotkeys } = await lookAtWallet(root, wallet);
  return hotkeys.find(({ name }) => name === hotkey);
}

const opened = (keypair: Keypair): Signer => ({ address: keypair.address, unlock: async () => keypair });

const closed = (address: string, open: () => Promise<Keypair>, path: string): Signer => ({
  address,
  async unlock() {
    const keypair = await open();
    if (keypair.address === address) return keypair;
    const why = `its public file says ${address}, the secret is of ${keypair.address}`;
    throw new AssayError('corrupt', `${path}: ${why}`, { path, why });
  },
});

function isAddress(text: string): boolean {
  try {
    fromAddress(text);
    return true;
  } catch {
    return false;
  }
}
