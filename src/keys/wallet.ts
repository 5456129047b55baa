// Owns: opening key files of Bittensor wallets, and hotkey files for daemons, which nobody types a password for.
// Does not own: their forms (key-json.ts, nacl-file.ts), where they lie (wallet-folder.ts).
import { utf8 } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import type { DeriveKey } from './argon2.js';
import { MAX_KEY_FILE_BYTES, readKeyFile } from './key-file.js';
import { kindOfKeyFile } from './key-file-kind.js';
import { fromKeyJson } from './key-json.js';
import type { VrfKeypair } from './keypair.js';
import { openNacl } from './nacl-file.js';
import type { Secret } from './secret.js';

export interface HotkeyFile {
  readonly keypair: VrfKeypair;
  /** what the operator should mend, undefined when nothing; for one log line */
  readonly warning: string | undefined;
}

/**
 * Reads an unencrypted hotkey file, as `btcli` writes it to `~/.bittensor/wallets/<wallet>/hotkeys/<name>`.
 * @throws AssayError `invalid-input` when it cannot be read or holds no key, `limit-exceeded` beyond 16 KiB,
 *   `unsupported` when it is encrypted
 */
export async function readHotkeyFile(path: string): Promise<HotkeyFile> {
  const { bytes, warning } = await readKeyFile(path, 'hotkey file');
  return { keypair: hotkeyOf(bytes, path), warning };
}

/**
 * The key pair of a hotkey file's text. Errors never repeat the text.
 * @param path named in errors
 * @throws AssayError `invalid-input`, `limit-exceeded` or `unsupported`
 */
export function parseHotkey(text: string, path = 'hotkey'): VrfKeypair {
  if (text.length > MAX_KEY_FILE_BYTES)
    throw new AssayError('limit-exceeded', `${path}: too large for a hotkey file`, {
      what: 'hotkey file characters',
      limit: MAX_KEY_FILE_BYTES,
      got: text.length,
    });
  return hotkeyOf(utf8(text), path);
}

function hotkeyOf(bytes: Uint8Array, path: string): VrfKeypair {
  if (kindOfKeyFile(bytes) === 'nacl')
    throw new AssayError('unsupported', `${path} is encrypted`, {
      what: `${path}: encrypted hotkey file`,
      why: 'a validator or miner signs without anybody typing a password; write the hotkey unencrypted, mode 600',
    });
  return fromKeyJson(bytes, path).keypair;
}

export interface OpenKeyParts {
  /** asked once, and only where the file is encrypted; at least one byte, filled with zeros afterwards */
  readonly password: () => Promise<Uint8Array>;
  readonly derive: DeriveKey;
}

export interface OpenedKey {
  readonly secret: Secret;
  /** what the operator should mend, undefined when nothing */
  readonly warning: string | undefined;
}

/**
 * Opens a coldkey or hotkey file, encrypted (`$NACL`) or not.
 * @throws AssayError `invalid-input` when it cannot be read, is not whole or the password is wrong; `unsupported` when
 *   it is of an older encryption; `limit-exceeded` beyond 16 KiB
 */
export async function openKeyFile(
  path: string,
  parts: OpenKeyParts,
  signal?: AbortSignal,
): Promise<OpenedKey> {
  const { bytes, warning } = await readKeyFile(path);
  return { secret: await openKeyBytes(bytes, path, parts, signal), warning };
}

/** The same of what was read already. */
export async function openKeyBytes(
  bytes: Uint8Array,
  path: string,
  { password: ask, derive }: OpenKeyParts,
  signal?: AbortSignal,
): Promise<Secret> {
  if (kindOfKeyFile(bytes) !== 'nacl') return fromKeyJson(bytes, path);
  const password = await ask();
  try {
    const plain = await openNacl(bytes, password, path, derive, signal);
    const secret = fromKeyJson(plain, path);
    plain.fill(0);
    return secret;
  } finally {
    password.fill(0);
  }
}
