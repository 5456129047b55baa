// Owns: `assay wallet list`. Does not own: reading wallets (keys/wallet-folder.ts).
import { type ListedKey, type ListedWallet, listWallets, readyKeys } from '../../../keys/index.js';
import { EXIT, print, printJson } from '../../output.js';
import { walletPathOf } from '../../wallets.js';

export async function listAllWallets(flags: Readonly<Record<string, unknown>>): Promise<number> {
  const { json } = flags;
  await readyKeys();
  const path = walletPathOf(flags);
  const wallets = await listWallets(path);
  if (json === true) printJson({ path, wallets });
  else {
    print(wallets.length === 0 ? `no wallets in ${path}` : path);
    wallets.forEach((wallet, i) => {
      printTree(wallet, i === wallets.length - 1);
    });
  }
  return EXIT.ok;
}

function printTree({ name, coldkey, hotkeys }: ListedWallet, isLast: boolean): void {
  print(`${isLast ? '└' : '├'}── ${name}  ${about(coldkey)}`);
  hotkeys.forEach((hotkey, i) => {
    print(
      `${isLast ? ' ' : '│'}   ${i === hotkeys.length - 1 ? '└' : '├'}── ${hotkey.name}  ${about(hotkey)}`,
    );
  });
}

/** Address, and what to look at with `assay wallet show`. */
function about({ address, kind, problems }: ListedKey): string {
  const notes = [...(kind === undefined ? ['no secret here'] : []), ...problems];
  return `${address ?? '(address not known)'}${notes.length === 0 ? '' : `  (${notes.join('; ')})`}`;
}
