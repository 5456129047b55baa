import { expect, test } from 'vitest';
import { assertPlaintextAllowed, isLoopback } from '../../../src/protocol/address.js';
import { NonceStore } from '../../../src/protocol/nonces.js';
import { Bucket, Buckets } from '../../../src/protocol/rate.js';

const id = (n: number) => Uint8Array.of(n, n >> 8);

test('the nonce store remembers an id as long as it could be replayed, and refuses rather than forgets', () => {
  const store = new NonceStore(3);
  store.add(id(1), 100, 0);
  store.add(id(2), 50, 0);
  store.add(id(3), 200, 0);
  expect(() => store.add(id(4), 300, 50)).toThrow('call-ids');
  expect([1, 2, 3].map((n) => store.has(id(n)))).toEqual([true, true, true]);
  store.add(id(4), 300, 51); // 2 expired, although it stood behind 1
  expect([1, 2, 3, 4].map((n) => store.has(id(n)))).toEqual([true, false, true, true]);
  store.forget(1000);
  expect(store.size).toBe(0);
});

test('a bucket gives five seconds of its rate at once, then its rate', () => {
  const bucket = new Bucket(10, 0);
  for (let i = 0; i < 50; i++) bucket.take('calls', 0);
  expect(() => bucket.take('calls', 0)).toThrow('calls');
  bucket.take('calls', 100);
  expect(() => bucket.take('calls', 100)).toThrow('calls');
  for (let i = 0; i < 50; i++) bucket.take('calls', 1_000_000);
  expect(() => bucket.take('calls', 1_000_000)).toThrow('calls');
});

test('buckets of different names do not share, and their number is bounded', () => {
  const buckets = new Buckets(1, 2);
  const drain = (name: string) => {
    for (let i = 0; i < 5; i++) buckets.take(name, 'calls', 0);
  };
  drain('a');
  drain('b');
  expect(() => buckets.take('a', 'calls', 0)).toThrow('calls');
  drain('c'); // drops b, the longest unused
  expect(() => buckets.take('a', 'calls', 0)).toThrow('calls');
});

test.each(['127.0.0.1', '127.17.0.1', '127.255.255.255', '::1'])('%s is loopback', (host) => {
  expect(isLoopback(host)).toBe(true);
  expect(() => assertPlaintextAllowed(host)).not.toThrow();
});

test.each([
  '0.0.0.0',
  '::',
  '10.0.0.1',
  '128.0.0.1',
  'localhost',
  '127.0.0.1.example.com',
  '127.1',
  '::ffff:10.0.0.1',
  '',
])('plaintext to %s is refused', (host) => {
  expect(() => assertPlaintextAllowed(host)).toThrow(expect.objectContaining({ code: 'insecure-address' }));
});
