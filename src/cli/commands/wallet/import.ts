// Owns: `assay wallet import`. Does not own: forms of keys (keys), where they are written (stored-key.ts).
import {
  assertNoKeyFile,
  coldkeyPlace,
  hotkeyPlace,
  kindOfKeyFile,
  notOpened,
  openKeyBytes,
  openPolkadotJson,
  readyKeys,
  type Secret,
  secretFromUri,
} from '../../../keys/index.js';
import { fromUtf8 } from '../../../model/bytes.js';
import { readInputBytes } from '../../input-text.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { passwordOf } from '../../passwords.js';
import { type KeyName, storedLines, storeKey } from '../../stored-key.js';
import { terminalIo, type WalletIo } from '../../wallet-io.js';
import { walletChoiceOf } from '../../wallets.js';
import { coldkeyPassword } from './create.js';

type Flags = Readonly<Record<string, unknown>>;

/** A polkadot-js account with much about it stays below. */
const MAX_BYTES = 64 * 1024;

export async function importKey(
  flags: Flags,
  signal: AbortSignal,
  io: WalletIo = terminalIo(signal),
): Promise<number> {
  assertOneStdin(flags);
  await readyKeys();
  const { root, wallet, hotkey } = walletChoiceOf(flags);
  const { json, force: asked, key: wanted } = flags;
  const key: KeyName = wanted === 'hotkey' ? 'hotkey' : 'coldkey';
  const force = asked === true;
  const place = key === 'coldkey' ? coldkeyPlace(root, wallet) : hotkeyPlace(root, wallet, hotkey);
  if (!force) await assertNoKeyFile([place.secret, place.public]);
  const secret = await secretOf(flags, io);
  const password = await coldkeyPassword(flags, key === 'coldkey', io);
  const stored = await storeKey(secret, { key, place, password, force }, io);
  if (json === true) printJson({ wallet, keys: [stored] });
  else for (const line of storedLines(stored)) print(line);
  if (secret.seed === undefined)
    io.note('the file holds the private key alone: keep the phrase and its junctions');
  return EXIT.ok;
}

/** It would be read to its end for the first of them. */
function assertOneStdin({ from, fromPasswordFile, passwordFile }: Flags): void {
  const many = [from, fromPasswordFile, passwordFile].filter((file) => file === '-').length > 1;
  if (many) throw invalid('-', 'one file from standard input', 'several');
}

async function secretOf(flags: Flags, io: WalletIo): Promise<Secret> {
  const { from, fromPasswordFile } = flags;
  if (typeof from !== 'string') return secretOfText(await io.ask('Phrase or key URI (not shown)'));
  const bytes = await readInputBytes(from, { maxBytes: MAX_BYTES });
  const password = (): Promise<Uint8Array> => passwordOf(fromPasswordFile, '--from-password-file', from, io);
  const kind = kindOfKeyFile(bytes);
  switch (kind) {
    case 'plain':
    case 'nacl':
      return openKeyBytes(bytes, from, { password, derive: io.derive }, io.signal);
    case 'polkadot-js':
      return openPolkadotJson(bytes, from, password);
    case 'phrase':
    case 'unknown':
      return secretOfText(textOf(bytes, from));
    default:
      throw notOpened(from, kind);
  }
}

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw notOpened(path, 'unknown'); // other bytes than text
  }
}

/** As people write it down: in lines, a seed without its 0x. */
function secretOfText(text: string): Secret {
  const uri = text.trim().replace(/\s+/g, ' ');
  if (uri === '') throw invalid('phrase', 'a phrase or a key URI', 'nothing');
  return secretFromUri(/^[0-9a-f]{64}$/i.test(uri) ? `0x${uri}` : uri);
}
