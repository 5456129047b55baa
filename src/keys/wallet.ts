// Owns: Bittensor hotkey files (plain JSON). Does not own: coldkey files, which are encrypted and no daemon's business.
import { open } from 'node:fs/promises';
import { equals, fromHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { type Keypair, keypairFromSeed } from './keypair.js';
import { fromAddress } from './ss58.js';
import { keypairFromUri, seedFromPhrase } from './uri.js';

/** A hotkey file is some 500 bytes; anything far larger is another file given by mistake. */
const MAX_BYTES = 16 * 1024;

export interface HotkeyFile {
  readonly keypair: Keypair;
  /** what the operator should mend, undefined when nothing; for one log line */
  readonly warning: string | undefined;
}

/**
 * Reads an unencrypted hotkey file, as `btcli` writes it to `~/.bittensor/wallets/<wallet>/hotkeys/<name>`.
 * @throws AssayError `invalid-input` when it cannot be read or holds no key, `limit-exceeded` beyond 16 KiB,
 *   `unsupported` when it is encrypted
 */
export async function readHotkeyFile(path: string): Promise<HotkeyFile> {
  const { text, mode } = await readText(path);
  const keypair = parseHotkey(text, path);
  // Windows reports a mode without meaning
  const exposed = process.platform !== 'win32' && (mode & 0o077) !== 0;
  return {
    keypair,
    warning: exposed
      ? `others on this machine can reach the hotkey file (mode ${(mode & 0o777).toString(8)}): chmod 600 ${path}`
      : undefined,
  };
}

async function readText(path: string): Promise<{ text: string; mode: number }> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw invalid(path, 'a regular file', 'something else');
    if (stat.size > MAX_BYTES)
      throw new AssayError('limit-exceeded', `${path}: too large for a hotkey file`, {
        what: 'hotkey file bytes',
        limit: MAX_BYTES,
        got: stat.size,
      });
    return { text: await file.readFile('utf8'), mode: stat.mode };
  } catch (error) {
    throw error instanceof AssayError ? error : unreadable(path, error);
  } finally {
    await file.close();
  }
}

/**
 * The key pair of a hotkey file's text. `secretSeed` wins over `secretPhrase`, as in the Python wallet; the address and
 * public key in the file, where given, must be those of the secret. Errors never repeat the text.
 * @param path named in errors
 * @throws AssayError `invalid-input`, `limit-exceeded` or `unsupported`
 */
export function parseHotkey(text: string, path = 'hotkey'): Keypair {
  if (text.length > MAX_BYTES)
    throw new AssayError('limit-exceeded', `${path}: too large for a hotkey file`, {
      what: 'hotkey file characters',
      limit: MAX_BYTES,
      got: text.length,
    });
  // NaCl, Ansible vault and Fernet: the three encodings of encrypted Bittensor key files
  if (/^(\$NACL|\$ANSIBLE_VAULT|gAAAAA)/.test(text))
    throw new AssayError('unsupported', `${path} is encrypted`, {
      what: `${path}: encrypted hotkey file`,
      why: 'a validator or miner signs without anybody typing a password; write the hotkey unencrypted, mode 600',
    });
  const fields = parseFields(text, path);
  const keypair = toKeypair(fields, path);
  assertSame(fields, keypair, path);
  return keypair;
}

type Fields = Readonly<Record<string, unknown>>;

function parseFields(text: string, path: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(path, 'a JSON object', 'text that is no JSON'); // V8's message quotes the text: left out
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(path, 'a JSON object', Array.isArray(value) ? 'an array' : typeof value);
  return value as Fields; // an object's fields are unknown until read
}

function toKeypair({ secretSeed, secretPhrase }: Fields, path: string): Keypair {
  if (typeof secretSeed === 'string') {
    if (!/^(0x)?[0-9a-fA-F]{64}$/.test(secretSeed))
      throw invalid(path, 'secretSeed of 64 hexadecimal digits', `${secretSeed.length} characters`);
    return keypairFromSeed(fromHex(secretSeed));
  }
  if (typeof secretPhrase === 'string') {
    // a phrase with derivation junctions is a URI; a plain one goes the same way without them
    return secretPhrase.includes('/')
      ? keypairFromUri(secretPhrase)
      : keypairFromSeed(seedFromPhrase(secretPhrase.trim(), ''));
  }
  throw invalid(path, 'secretSeed or secretPhrase', 'neither (a public key file?)');
}

/** A file whose secret and address disagree was edited or damaged: signing with it would be with a stranger's name. */
function assertSame({ ss58Address, publicKey, accountId }: Fields, keypair: Keypair, path: string): void {
  if (typeof ss58Address === 'string' && !equals(fromAddress(ss58Address), keypair.publicKey))
    throw invalid(path, `ss58Address of the file's secret (${keypair.address})`, ss58Address.slice(0, 64));
  for (const [name, hex] of Object.entries({ publicKey, accountId }))
    if (typeof hex === 'string' && !isHexOf(hex, keypair.publicKey))
      throw invalid(path, `${name} of the file's secret (${keypair.address})`, hex.slice(0, 66));
}

function isHexOf(hex: string, bytes: Uint8Array): boolean {
  return hex.replace(/^0x/, '').toLowerCase() === Buffer.from(bytes).toString('hex');
}

const invalid = (path: string, expected: string, got: string) =>
  new AssayError('invalid-input', `${path}: expected ${expected}, got ${got}`, { what: path, expected, got });

function unreadable(path: string, cause: unknown): AssayError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
  return new AssayError(
    'invalid-input',
    `${path}: cannot be read (${code})`,
    { what: path, expected: 'a readable hotkey file', got: code },
    { cause },
  );
}
