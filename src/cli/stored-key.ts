// Owns: putting a key into its place in a wallet, and what is said about it. Does not own: where the key comes from.
import {
  type KeyPlace,
  type Secret,
  sealNacl,
  toKeyJson,
  toPublicJson,
  writeKeyFile,
} from '../keys/index.js';
import type { WalletIo } from './wallet-io.js';

export type KeyName = 'coldkey' | 'hotkey';

export interface StoredKey {
  readonly key: KeyName;
  readonly address: string;
  readonly file: string;
  readonly publicFile: string;
  readonly isEncrypted: boolean;
  /** where files that were there are kept */
  readonly kept: readonly string[];
}

export interface StoreOptions {
  readonly key: KeyName;
  readonly place: KeyPlace;
  /** undefined leaves it unencrypted; filled with zeros */
  readonly password: Uint8Array | undefined;
  readonly force: boolean;
}

/**
 * Writes the secret's file, then the public one. Encrypting takes some seconds and comes first.
 * @throws AssayError `invalid-input` when a file is there already, or cannot be written
 */
export async function storeKey(secret: Secret, options: StoreOptions, io: WalletIo): Promise<StoredKey> {
  const { key, place, password, force } = options;
  const bytes = await fileOf(secret, password, io);
  const write = { force, now: io.clock.now() };
  const kept = [
    await writeKeyFile(place.secret, bytes, write),
    await writeKeyFile(place.public, toPublicJson(secret.keypair.publicKey), write),
  ];
  bytes.fill(0);
  return {
    key,
    address: secret.keypair.address,
    file: place.secret,
    publicFile: place.public,
    isEncrypted: password !== undefined,
    kept: kept.filter((copy) => copy !== undefined),
  };
}

async function fileOf(secret: Secret, password: Uint8Array | undefined, io: WalletIo): Promise<Uint8Array> {
  const plain = toKeyJson(secret);
  if (password === undefined) return plain;
  io.note('encrypting the coldkey: some seconds');
  try {
    return await sealNacl(plain, password, io, io.signal);
  } finally {
    plain.fill(0);
    password.fill(0);
  }
}

export const storedLines = (stored: StoredKey): readonly string[] => [
  `${stored.key.padEnd(8)} ${stored.address}  ${stored.file}${stored.isEncrypted ? ' (encrypted)' : ''}`,
  ...stored.kept.map((copy) => `         what was there is kept: ${copy}`),
];
