// Owns: `assay wallet regen-pub`. Does not own: opening keys (wallets.ts), writing files (keys/key-file.ts).
import {
  coldkeyPlace,
  fromAddress,
  fromKeyJson,
  fromPublicJson,
  hotkeyPlace,
  readKeyFile,
  readyKeys,
  toAddress,
  toPublicJson,
  writeKeyFile,
} from '../../../keys/index.js';
import { equals } from '../../../model/bytes.js';
import { invalid } from '../../invalid-input.js';
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
      ? await agreed(fromAddress(given), place.secret)
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

/**
 * An address beside a secret that can be read without a password must be the secret's: it would name a stranger's account.
 * @throws AssayError `invalid-input`
 */
async function agreed(publicKey: Uint8Array, secretPath: string): Promise<Uint8Array> {
  const own = await readKeyFile(secretPath)
    .then(({ bytes }) => fromKeyJson(bytes, secretPath).keypair.publicKey)
    .catch(() => undefined); // none there, an encrypted or a damaged one
  if (own === undefined || equals(own, publicKey)) return publicKey;
  throw invalid('--address', `that of the secret beside it (${toAddress(own)})`, toAddress(publicKey));
}

async function isWritten(path: string, publicKey: Uint8Array): Promise<boolean> {
  try {
    return equals(fromPublicJson((await readKeyFile(path)).bytes, path), publicKey);
  } catch {
    return false; // none there, or a damaged one: writing says what is in the way
  }
}
