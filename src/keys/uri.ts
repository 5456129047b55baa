// Owns: key URIs, `<phrase or 0x seed>//hard/soft///password`, as every Substrate tool reads them.
import { keyExtractSuri } from '@polkadot/util-crypto';
import {
  bip39ToMiniSecret,
  bip39Validate,
  sr25519DeriveKeypairHard,
  sr25519DeriveKeypairSoft,
  sr25519KeypairFromSeed,
} from '@polkadot/wasm-crypto';
import { fromHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { type Keypair, keypairFromPair } from './keypair.js';

/** Substrate's public development phrase (sp_core::crypto::DEV_PHRASE): the secret of `//Alice` and her friends. */
const DEV_PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';

/**
 * The key pair of a secret URI. `//Alice` stands for the development phrase with one hard junction, so it names the
 * same account as on any Substrate chain.
 * @throws AssayError `invalid-input` when the URI does not parse; the message never repeats the secret
 * @example keypairFromUri('//Alice').address // 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY
 */
export function keypairFromUri(uri: string): Keypair {
  const { phrase, path, password } = parse(uri.startsWith('/') ? DEV_PHRASE + uri : uri);
  const seed = phrase.startsWith('0x') ? seedFromHex(phrase) : seedFromPhrase(phrase, password ?? '');
  let pair = sr25519KeypairFromSeed(seed);
  for (const { isHard, chainCode } of path)
    pair = isHard ? sr25519DeriveKeypairHard(pair, chainCode) : sr25519DeriveKeypairSoft(pair, chainCode);
  return keypairFromPair(pair);
}

function parse(uri: string): ReturnType<typeof keyExtractSuri> {
  try {
    return keyExtractSuri(uri);
  } catch {
    throw invalid('<phrase or 0x seed>//hard/soft///password'); // without the cause: it may quote the secret
  }
}

function seedFromHex(hex: string): Uint8Array {
  if (!/^0x[0-9a-fA-F]{64}$/.test(hex)) throw invalid('a seed of 0x and 64 hexadecimal digits');
  return fromHex(hex);
}

/** @throws AssayError `invalid-input` when the phrase is no BIP39 phrase */
export function seedFromPhrase(phrase: string, password: string): Uint8Array {
  if (!bip39Validate(phrase)) throw invalid('a BIP39 phrase of 12 to 24 English words with a valid checksum');
  return bip39ToMiniSecret(phrase, password);
}

const invalid = (expected: string) =>
  new AssayError('invalid-input', `not a key URI: expected ${expected}`, {
    what: 'key URI',
    expected,
    got: 'something else (not shown: it may be a secret)',
  });
