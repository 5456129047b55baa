// Owns: `assay wallet regen-pub`. Does not own: opening keys (wallets.ts), writing files (keys/key-file.ts).
import {
  coldkeyPlace,
  fromAddress,
  fromPublicJson,
  hotkeyPlace,
  readKeyFile,
  readyKeys,
  toAddress,
  toPublicJson,
  writeKeyFile,
} from '../../../keys/index.js';
import { equals } from '../../../model/bytes.js';
import { EXIT, print, printJson } from '../../output.js';
import { terminalIo, type WalletIo } from '../../wallet-io.js';
import { openSecret, walletChoiceOf } from '../../wallets.js';

type Flags = Readonly<Record<string, unknown>>;

export async function regenPub(
  flags: Flags,
  signal: AbortSignal,
  io: WalletIo = terminalIo(signal),
): Promise<number> {
  await readyKeys();
  const { root, wallet, hotkey } = walletChoiceOf(flags);
  const { key, address: given, force, json } = flags;
  const isHotkey = key === 'hotkey';
  const place = isHotkey ? hotkeyPlace(root, wallet, hotkey) : coldkeyPlace(root, wallet);
  const what = isHotkey ? `the hotkey ${hotkey} of ${wallet}` : `the coldkey of ${wallet}`;
  const publicKey =
    typeof given === 'string'
      ? fromAddress(given)
      : (await openSecret(place.secret, flags, io, what)).secret.keypair.publicKey;
  const isSame = await isWritten(place.public, publicKey);
  const write = { force: force === true, now: io.clock.now() };
  const kept = isSame ? undefined : await writeKeyFile(place.public, toPublicJson(publicKey), write);
  const address = toAddress(publicKey);
  if (json === true) printJson({ address, file: place.public, isWritten: !isSame, kept });
  else {
    print(`${address}  ${place.public}${isSame ? ' (as it was)' : ''}`);
    if (kept !== undefined) print(`what was there is kept: ${kept}`);
  }
  return EXIT.ok;
}

async function isWritten(path: string, publicKey: Uint8Array): Promise<boolean> {
  try {
    return equals(fromPublicJson((await readKeyFile(path)).bytes, path), publicKey);
  } catch {
    return false; // none there, or a damaged one: writing says what is in the way
  }
}
