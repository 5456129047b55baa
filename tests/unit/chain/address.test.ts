import { describe, expect, it } from 'vitest';
import { fromChainIp, toChainIp } from '../../../src/chain/address.js';
import fc from '../../support/properties.js';

describe('chain addresses', () => {
  it.each([
    ['127.16.0.1', 0x7f100001n, 4],
    ['255.255.255.254', 0xfffffffen, 4],
    ['0.0.0.0', 0n, 4],
    ['::1', 1n, 6],
    ['2001:db8::ff00:42:8329', 0x20010db8000000000000ff0000428329n, 6],
    ['fe80::', 0xfe80n << 112n, 6],
    ['::', 0n, 6],
  ] as const)('%s is %s of type %d, both ways', (text, value, type) => {
    expect(toChainIp(text)).toEqual({ value, type });
    expect(fromChainIp(value, type)).toBe(text);
  });

  it('reads an embedded IPv4 tail', () => {
    expect(toChainIp('::ffff:1.2.3.4').value).toBe(0xffff01020304n);
  });

  it.each(['', 'localhost', '1.2.3', '1.2.3.256', '::1%eth0', '1.2.3.4:80'])('refuses %j', (text) => {
    expect(() => toChainIp(text)).toThrow(RangeError);
  });

  it('knows no address for another type or a value beyond it', () => {
    expect(fromChainIp(1n, 5)).toBeUndefined();
    expect(fromChainIp(1n << 32n, 4)).toBeUndefined();
    expect(fromChainIp(1n << 128n, 6)).toBeUndefined();
  });

  it('comes back from its text for every value', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
        expect(toChainIp(fromChainIp(value, 6)!)).toEqual({ value, type: 6 });
        expect(toChainIp(fromChainIp(value >> 96n, 4)!)).toEqual({ value: value >> 96n, type: 4 });
      }),
    );
  });
});
