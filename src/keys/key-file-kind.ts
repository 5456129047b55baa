// Owns: telling what a key file is, ours or another tool's, and saying so. Does not own: opening it.
import { fromUtf8 } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { invalid } from '../model/invalid-input.js';

/** `plain`, `public` and `nacl` are Bittensor's of today, `ansible-vault` and `fernet` those of its first years. */
export type KeyFileKind =
  | 'plain'
  | 'public'
  | 'nacl'
  | 'ansible-vault'
  | 'fernet'
  | 'polkadot-js'
  | 'ethereum'
  | 'solana'
  | 'pem'
  | 'phrase'
  | 'empty'
  | 'damaged-json'
  | 'unknown';

/** From its contents alone. Never throws, for any bytes. */
export function kindOfKeyFile(bytes: Uint8Array): KeyFileKind {
  const head = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  if (head.startsWith('$NACL')) return 'nacl';
  if (head.startsWith('$ANSIBLE_VAULT')) return 'ansible-vault';
  if (head.startsWith('gAAAAA')) return 'fernet';
  let text: string;
  try {
    text = fromUtf8(bytes).trim();
  } catch {
    return 'unknown';
  }
  if (text === '') return 'empty';
  if (text.startsWith('-----BEGIN ')) return 'pem';
  if (/^[a-z]+( [a-z]+){11,23}$/.test(text)) return 'phrase';
  return /^[{[]/.test(text) ? kindOfJson(text) : 'unknown';
}

function kindOfJson(text: string): KeyFileKind {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'damaged-json';
  }
  if (Array.isArray(value))
    return value.length === 64 && value.every((byte) => Number.isInteger(byte)) ? 'solana' : 'unknown';
  const fields = value as Readonly<Record<string, unknown>>; // an object: JSON that begins with a brace
  const has = (...names: readonly string[]): boolean =>
    names.some((name) => fields[name] !== undefined && fields[name] !== null);
  if (has('secretSeed', 'secretPhrase', 'privateKey')) return 'plain';
  if (has('encoded') && has('encoding')) return 'polkadot-js';
  if (has('crypto', 'Crypto')) return 'ethereum';
  return has('ss58Address', 'publicKey', 'accountId') ? 'public' : 'unknown';
}

const FOREIGN: Readonly<Record<Exclude<KeyFileKind, 'plain' | 'nacl' | 'ansible-vault' | 'fernet'>, string>> =
  {
    public: 'a public key file, which holds no secret',
    'polkadot-js': 'a polkadot-js account (assay wallet import --from FILE takes it)',
    ethereum: 'an Ethereum keystore: another kind of key',
    solana: 'a Solana key: another kind of key',
    pem: 'a PEM file',
    phrase: 'a bare phrase (assay wallet import --from FILE takes it)',
    empty: 'an empty file',
    'damaged-json': 'damaged JSON',
    unknown: 'something else',
  };

const VAULTS = { 'ansible-vault': 'Ansible vault', fernet: 'Fernet' } as const;

/** What to throw where a secret was expected and `kind` holds none that we open. */
export function notOpened(path: string, kind: Exclude<KeyFileKind, 'plain' | 'nacl'>): AssayError {
  if (kind !== 'ansible-vault' && kind !== 'fernet')
    return invalid(path, 'a Bittensor key file', FOREIGN[kind]);
  const form = `${VAULTS[kind]}, an old encryption of Bittensor key files`;
  return new AssayError('unsupported', `${path} is encrypted with ${form}: import its phrase instead`, {
    what: `${path}: ${form}`,
    why: 'import the phrase of the key instead, or let the tool that wrote it write it anew',
  });
}
