import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDeriveKey } from '../../../src/keys/argon2.js';
import { fromKeyJson, fromPublicJson, toKeyJson, toPublicJson } from '../../../src/keys/key-json.js';
import { readyKeys, verifySignature } from '../../../src/keys/keypair.js';
import { openNacl, sealNacl } from '../../../src/keys/nacl-file.js';
import { openPolkadotJson } from '../../../src/keys/polkadot-json.js';
import { createPhrase, secretFromSeed, secretFromUri } from '../../../src/keys/secret.js';
import { openKeyBytes } from '../../../src/keys/wallet.js';
import { fromHex, fromUtf8, toHex, utf8 } from '../../../src/model/bytes.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import fc from '../../support/properties.js';

const vectors = JSON.parse(readFileSync(new URL('../../vectors/key-files.json', import.meta.url), 'utf8'));
const password = (): Uint8Array => utf8(vectors.password);
const file = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));
const cheap = createDeriveKey({ iterations: 1, memoryKiB: 64 });
const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
const json = (fields: object): Uint8Array => utf8(JSON.stringify(fields));
const fieldsOf = (bytes: Uint8Array): Record<string, unknown> => JSON.parse(fromUtf8(bytes));

beforeAll(readyKeys);

describe('an encrypted key file ($NACL)', () => {
  it('that libsodium wrote opens, at the cost that wallets use, while timers go on', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 20);
    const secret = await openKeyBytes(file(vectors.nacl.file), 'coldkey', {
      password: async () => password(),
      derive: createDeriveKey(),
    });
    clearInterval(timer);
    expect(secret.keypair.address).toBe(vectors.address);
    expect(ticks).toBeGreaterThan(3);
  });

  it('has the key that libsodium derives', async () => {
    const { iterations, memoryKiB, key } = vectors.naclCheap;
    expect(toHex(await createDeriveKey({ iterations, memoryKiB })(password()))).toBe(key);
  });

  it('refuses a wrong password and every changed byte in one way, and repeats neither password nor contents', async () => {
    const { iterations, memoryKiB } = vectors.naclCheap;
    const derive = createDeriveKey({ iterations, memoryKiB });
    const bytes = file(vectors.naclCheap.file);
    const wrong = await openNacl(bytes, utf8('marker-wrong'), 'coldkey', derive).catch((e: unknown) => e);
    expect(wrong).toMatchObject({
      code: 'invalid-input',
      message:
        'coldkey: expected the password that this file was encrypted with, got another one (or the file is damaged)',
    });
    expect(JSON.stringify([String(wrong), wrong])).not.toMatch(/marker|e5be9a/);
    const key = fromHex(vectors.naclCheap.key);
    for (let at = 5; at < bytes.length; at += 37) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      const opened = openNacl(changed, password(), 'coldkey', async () => key.slice());
      await expect(opened).rejects.toMatchObject({ code: 'invalid-input' });
    }
  });

  it('says that it is truncated before it asks for seconds of work', async () => {
    const never = async (): Promise<Uint8Array> => expect.unreachable();
    const bytes = file(vectors.nacl.file).slice(0, 45);
    await expect(openNacl(bytes, password(), 'coldkey', never)).rejects.toThrow(
      'coldkey: expected a whole $NACL key file, got one that ends after 45 bytes',
    );
  });

  it('comes back from what we write, under a nonce of its own, and passwords are wiped', async () => {
    const secret = secretFromUri(PHRASE);
    const parts = { derive: cheap, random: createSeededRandom('nonces') };
    const one = await sealNacl(toKeyJson(secret), password(), parts);
    const two = await sealNacl(toKeyJson(secret), password(), parts);
    expect(Buffer.from(one.subarray(0, 5)).toString()).toBe('$NACL');
    expect(toHex(one)).not.toBe(toHex(two));
    const given = password();
    const back = await openKeyBytes(one, 'coldkey', { password: async () => given, derive: cheap });
    expect(back.phrase).toBe(PHRASE);
    expect(given.every((byte) => byte === 0)).toBe(true);
  });

  it('ends its thread when it is interrupted, and leaves no listener', async () => {
    const stop = new AbortController();
    const derived = createDeriveKey({ iterations: 1000, memoryKiB: 8192 })(password(), stop.signal);
    setImmediate(() => stop.abort());
    await expect(derived).rejects.toMatchObject({ name: 'AbortError' });
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });

  it('cannot be made without a password', async () => {
    const parts = { derive: cheap, random: createSeededRandom('nonces') };
    await expect(sealNacl(utf8('{}'), new Uint8Array(), parts)).rejects.toThrow(RangeError);
  });
});

describe('the JSON of a key file', () => {
  it('has the fields of bittensor-wallet in their order, with the private key as sp_core writes it', () => {
    const alice = secretFromSeed(fromHex(vectors.secretSeed));
    expect(fromUtf8(toKeyJson(alice))).toBe(
      JSON.stringify({
        accountId: vectors.publicKey,
        publicKey: vectors.publicKey,
        privateKey: vectors.privateKey,
        secretSeed: vectors.secretSeed,
        ss58Address: vectors.address,
      }),
    );
    const phrase = toKeyJson(secretFromUri(PHRASE));
    expect(Object.keys(fieldsOf(phrase))).toEqual([
      'accountId',
      'publicKey',
      'privateKey',
      'secretPhrase',
      'secretSeed',
      'ss58Address',
    ]);
    expect(fieldsOf(phrase)['secretPhrase']).toBe(PHRASE);
    expect(fromUtf8(toPublicJson(alice.keypair.publicKey))).toBe(
      JSON.stringify({
        accountId: vectors.publicKey,
        publicKey: vectors.publicKey,
        ss58Address: vectors.address,
      }),
    );
  });

  it('of a derived key holds its private key alone, and signs as the URI does', () => {
    const bytes = toKeyJson(secretFromUri('//Alice'));
    expect(Object.keys(fieldsOf(bytes))).toEqual(['accountId', 'publicKey', 'privateKey', 'ss58Address']);
    expect(fieldsOf(bytes)['privateKey']).toBe(vectors.privateKey);
    const { keypair } = fromKeyJson(bytes, 'hotkey');
    const message = utf8('hello');
    expect(keypair.address).toBe(vectors.address);
    expect(verifySignature(keypair.sign(message), message, fromHex(vectors.publicKey))).toBe(true);
  });

  it('leaves out a phrase that needs a password to give the key', () => {
    const secret = secretFromUri(`${PHRASE}///marker`);
    const bytes = toKeyJson(secret);
    expect(fieldsOf(bytes)['secretPhrase']).toBeUndefined();
    expect(fromKeyJson(bytes, 'hotkey').keypair.address).toBe(secret.keypair.address);
  });

  it('comes back for every seed and every path', () => {
    const junction = fc.tuple(fc.constantFrom('/', '//'), fc.stringMatching(/^[a-z0-9]{1,8}$/));
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.array(junction, { maxLength: 3 }),
        (seed, path) => {
          const secret = secretFromUri(`0x${toHex(seed)}${path.flat().join('')}`);
          const back = fromKeyJson(toKeyJson(secret), 'hotkey');
          expect(back.keypair.address).toBe(secret.keypair.address);
          expect(back.privateKey).toEqual(secret.privateKey);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is refused where its seed, phrase and private key are of two keys', () => {
    const own = fieldsOf(toKeyJson(secretFromUri(PHRASE)));
    const other = fieldsOf(toKeyJson(secretFromUri('//Alice')));
    const withSeed = { ...own, secretSeed: `0x${toHex(secretFromUri(PHRASE).seed!)}` };
    expect(fromKeyJson(json(withSeed), 'hotkey').keypair.address).toBe(own['ss58Address']);
    for (const fields of [
      { ...withSeed, privateKey: other['privateKey'] },
      { ...own, privateKey: other['privateKey'] },
      { ...withSeed, secretPhrase: createPhrase(12) },
    ])
      expect(() => fromKeyJson(json(fields), 'hotkey')).toThrow(/^hotkey: expected one key .* of another$/);
  });

  it.each([12, 24] as const)('comes back with its phrase of %i words', (words) => {
    const phrase = createPhrase(words);
    expect(phrase.split(' ')).toHaveLength(words);
    expect(fromKeyJson(toKeyJson(secretFromUri(phrase)), 'hotkey').phrase).toBe(phrase);
  });

  it('reads cryptoType 1 of newer wallets, and names an ed25519 key', () => {
    const { address, secretSeed } = vectors;
    expect(fromKeyJson(json({ secretSeed, cryptoType: 1 }), 'hotkey').keypair.address).toBe(address);
    expect(() => fromKeyJson(json({ secretSeed, cryptoType: 0 }), 'hotkey')).toThrow(
      'hotkey: expected an sr25519 key, got an ed25519 key (cryptoType 0)',
    );
  });

  it('names a private key that is none, and the network of a foreign address', () => {
    expect(() => fromKeyJson(json({ privateKey: `0x${'ff'.repeat(64)}` }), 'hotkey')).toThrow(
      /expected secretSeed, secretPhrase or an sr25519 privateKey of 64 bytes/,
    );
    // //Alice of Polkadot
    const ss58Address = '15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5';
    expect(() => fromKeyJson(json({ secretSeed: vectors.secretSeed, ss58Address }), 'hotkey')).toThrow(
      /address of another network \(SS58 prefix 0, Bittensor's is 42\)/,
    );
    expect(() => fromPublicJson(json({ ss58Address }), 'coldkeypub.txt')).toThrow(/SS58 prefix 0/);
  });

  it('of a public key is read with or without an address, and must not contradict itself', () => {
    const { address: ss58Address, publicKey } = vectors;
    expect(toHex(fromPublicJson(json({ ss58Address }), 'pub'))).toBe(publicKey.slice(2));
    expect(toHex(fromPublicJson(json({ publicKey }), 'pub'))).toBe(publicKey.slice(2));
    const other = toPublicJson(secretFromUri('//Bob').keypair.publicKey);
    expect(() => fromPublicJson(json({ ...fieldsOf(other), ss58Address }), 'pub')).toThrow(/publicKey/);
  });
});

describe('a polkadot-js account', () => {
  const ask = (text: string) => async () => utf8(text);

  it('that polkadot-js wrote opens with its password', async () => {
    const secret = await openPolkadotJson(json(vectors.polkadotJs), 'a.json', ask(vectors.password));
    expect(secret.keypair.address).toBe(vectors.address);
    expect(toHex(secret.privateKey)).toBe(vectors.privateKey.slice(2));
  });

  it('is refused with a wrong password, of another kind of key, in an old version and damaged', async () => {
    const { polkadotJs, polkadotJsEd25519 } = vectors;
    const open = (value: object, text = vectors.password) =>
      openPolkadotJson(json(value), 'a.json', ask(text));
    await expect(open(polkadotJs, 'wrong')).rejects.toThrow(
      /expected the password of this polkadot-js account/,
    );
    await expect(open(polkadotJsEd25519)).rejects.toThrow(/a polkadot-js account of pkcs8 ed25519/);
    const old = { ...polkadotJs, encoding: { ...polkadotJs.encoding, version: '2' } };
    await expect(open(old)).rejects.toThrow(/version 2/);
    for (const encoded of ['', 'AAAA', polkadotJs.encoded.slice(0, 40), `AAAA${polkadotJs.encoded}`])
      await expect(open({ ...polkadotJs, encoded })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(open({ encoded: 1, encoding: {} })).rejects.toThrow(/damaged/);
  });

  it('cannot ask for a cost that polkadot-js would not', async () => {
    const encoded = Buffer.from(vectors.polkadotJs.encoded, 'base64');
    encoded.writeUInt32LE(2 ** 24, 32);
    const value = { ...vectors.polkadotJs, encoded: encoded.toString('base64') };
    await expect(openPolkadotJson(json(value), 'a.json', ask('x'))).rejects.toThrow(/damaged/);
  });
});
