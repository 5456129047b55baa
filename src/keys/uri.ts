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
import { keypairFromPair, type VrfKeypair } from './keypair.js';

/** Substrate's public development phrase (sp_core::crypto::DEV_PHRASE): the secret of `//Alice` and her friends. */
const DEV_PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';

/** What a URI comes to: the pair, and the shorter forms of its secret where they alone give the same pair. */
export interface UriSecret {
  /** 96 bytes as wasm-crypto gives them */
  readonly pair: Uint8Array;
  /** 32 bytes; undefined after a junction */
  readonly seed: Uint8Array | undefined;
  /** undefined of a seed, after a junction and with a password */
  readonly phrase: string | undefined;
}

/**
 * The key pair of a secret URI. `//Alice` stands for the development phrase with one hard junction, so it names the
 * same account as on any Substrate chain.
 * @throws AssayError `invalid-input` when the URI does not parse; the message never repeats the secret
 * @example keypairFromUri('//Alice').address // 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY
 */
export const keypairFromUri = (uri: string): VrfKeypair => keypairFromPair(secretOfUri(uri).pair);

/** @throws AssayError `invalid-input` when the URI does not parse; the message never repeats the secret */
export function secretOfUri(uri: string): UriSecret {
  const { phrase, path, password } = parse(uri.startsWith('/') ? DEV_PHRASE + uri : uri);
  const isHex = phrase.startsWith('0x');
  const seed = isHex ? seedFromHex(phrase) : seedFromPhrase(phrase, password ?? '');
  let pair = sr25519KeypairFromSeed(seed);
  for (const { isHard, chainCode } of path)
    pair = isHard ? sr25519DeriveKeypairHard(pair, chainCode) : sr25519DeriveKeypairSoft(pair, chainCode);
  const isDerived = path.length > 0;
  return {
    pair,
    seed: isDerived ? undefined : seed,
    phrase: isDerived || isHex || password !== undefined ? undefined : phrase,
  };
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
function seedFromPhrase(phrase: string, password: string): Uint8Array {
  if (!bip39Validate(phrase)) throw invalid('a BIP39 phrase of 12 to 24 English words with a valid checksum');
  return bip39ToMiniSecret(phrase, password);
}

const invalid = (expected: string) =>
  new AssayError('invalid-input', `not a key URI: expected ${expected}`, {
    what: 'key URI',
    expected,
    got: 'something else (not shown: it may be a secret)',
  });
