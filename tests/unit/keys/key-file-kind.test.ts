import { describe, expect, it } from 'vitest';
import { type KeyFileKind, kindOfKeyFile, notOpened } from '../../../src/keys/key-file-kind.js';
import { utf8 } from '../../../src/model/bytes.js';
import fc from '../../support/properties.js';

const phrase = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
// fields of an Ethereum keystore of version 3 (Web3 Secret Storage), values shortened
const keystore = { address: '008a', crypto: { cipher: 'aes-128-ctr', kdf: 'scrypt' }, version: 3 };

describe('a key file', () => {
  it.each<[string, string, KeyFileKind]>([
    ['a hotkey', '{"secretSeed":"0x12"}', 'plain'],
    ['a public key', '{"ss58Address":"5G","secretSeed":null}', 'public'],
    ['an encrypted coldkey', '$NACLxyz', 'nacl'],
    ['a coldkey of 2022', '$ANSIBLE_VAULT;1.1;AES256\n3133', 'ansible-vault'],
    ['a coldkey of 2021', 'gAAAAABgAAAA', 'fernet'],
    ['a polkadot-js account', '{"encoded":"AA==","encoding":{}}', 'polkadot-js'],
    ['an Ethereum keystore', JSON.stringify(keystore), 'ethereum'],
    ['a Solana key', JSON.stringify(new Array(64).fill(7)), 'solana'],
    ['a PEM file', '-----BEGIN PRIVATE KEY-----\nAA==', 'pem'],
    ['a bare phrase', `${phrase}\n`, 'phrase'],
    ['nothing', ' \n', 'empty'],
    ['half a file', '{"secretSeed":"0x12', 'damaged-json'],
    ['another text', 'hello', 'unknown'],
    ['another list', '[1,2]', 'unknown'],
    ['another object', '{"hello":1}', 'unknown'],
  ])('is told from others: %s', (_name, text, kind) => {
    expect(kindOfKeyFile(utf8(text))).toBe(kind);
  });

  it('of any bytes is some kind', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof kindOfKeyFile(bytes) === 'string'));
  });

  it.each<[Exclude<KeyFileKind, 'plain' | 'nacl'>, string, RegExp]>([
    ['ansible-vault', 'unsupported', /encrypted with Ansible vault, an old encryption/],
    ['fernet', 'unsupported', /encrypted with Fernet, an old encryption/],
    ['ethereum', 'invalid-input', /got an Ethereum keystore/],
    ['polkadot-js', 'invalid-input', /got a polkadot-js account \(assay wallet import/],
    ['phrase', 'invalid-input', /got a bare phrase/],
    ['public', 'invalid-input', /got a public key file/],
    ['damaged-json', 'invalid-input', /got damaged JSON/],
  ])('that is not opened is named: %s', (kind, code, message) => {
    expect(notOpened('k', kind)).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
