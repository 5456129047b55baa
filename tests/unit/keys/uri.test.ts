import { beforeAll, describe, expect, it } from 'vitest';
import { readyKeys, verifySignature } from '../../../src/keys/keypair.js';
import { keypairFromUri } from '../../../src/keys/uri.js';
import { utf8 } from '../../../src/model/bytes.js';

beforeAll(readyKeys);

describe('keypairFromUri', () => {
  // addresses of Substrate's well-known development accounts: `subkey inspect //Alice` and friends
  it.each([
    ['//Alice', '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'],
    ['//Bob', '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty'],
    ['//Alice//stash', '5GNJqTPyNqANBkUVMN1LPPrxXnFouWXoe2wNSmmEoLctxiZY'],
    [
      'bottom drive obey lake curtain smoke basket hold race lonely fit walk',
      '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV',
    ],
  ])('names the account that Substrate names: %s', (uri, address) => {
    expect(keypairFromUri(uri).address).toBe(address);
  });

  it('reads a hex seed, soft junctions and a password as Substrate does', () => {
    // //Alice's mini secret, as `subkey inspect //Alice` prints it
    const alice = keypairFromUri('0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a');
    expect(alice.address).toBe('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
    expect(keypairFromUri('//Alice/soft').address).not.toBe(keypairFromUri('//Alice//soft').address);
    expect(keypairFromUri('//Alice///secret').address).not.toBe(keypairFromUri('//Alice').address);
  });

  it('signs so that the public key verifies, after soft and hard junctions', () => {
    const pair = keypairFromUri('//Alice//0/7');
    const message = utf8('hello');
    expect(verifySignature(pair.sign(message), message, pair.publicKey)).toBe(true);
    expect(verifySignature(pair.sign(message), utf8('other'), pair.publicKey)).toBe(false);
  });

  it.each(['', 'not a phrase', '0x1234', 'bottom drive obey lake', `0x${'g'.repeat(64)}`])(
    'refuses what is no URI and does not repeat it: %j',
    (uri) => {
      try {
        keypairFromUri(uri);
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid-input' });
        if (uri.length > 8) expect(JSON.stringify([String(error), error])).not.toContain(uri);
      }
    },
  );
});
