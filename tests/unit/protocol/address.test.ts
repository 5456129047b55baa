import { expect, test } from 'vitest';
import { isLoopback, isPublicAddress, toNetwork } from '../../../src/protocol/address.js';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['2001:db8:0:1::9', '2001:db8:0:1::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ['1:2:3:4:5:6:192.0.2.7', '1:2:3:4::/64'],
  ['unknown', 'unknown'],
])('%s counts as %s', (address, network) => {
  expect(toNetwork(address)).toBe(network);
});

test('a whole /64 is one place, and its neighbour another', () => {
  const of = (prefix: string) =>
    new Set(Array.from({ length: 1000 }, (_, n) => toNetwork(`2001:db8:0:${prefix}::${n.toString(16)}`)));
  expect([...of('a')]).toEqual(['2001:db8:0:a::/64']);
  expect([...of('b')]).toEqual(['2001:db8:0:b::/64']);
});

test('only literals of this machine are loopback', () => {
  expect(['127.0.0.1', '127.9.8.7', '::1'].every(isLoopback)).toBe(true);
  expect(['localhost', '0.0.0.0', '::', '128.0.0.1', '::ffff:127.0.0.1'].some(isLoopback)).toBe(false);
});

test('addresses that a stranger may have us call are those of the internet alone', () => {
  const yes = ['1.1.1.1', '223.255.255.255', '172.15.0.1', '172.32.0.1', '100.128.0.1', '::ffff:8.8.8.8'];
  yes.push('2606:4700:4700::1111', '2a00::1', '3fff:1000::1');
  const no = [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
  ];
  no.push('192.168.1.1', '192.0.2.1', '198.19.0.1', '203.0.113.9', '224.0.0.1', '255.255.255.255');
  no.push(
    '::ffff:10.0.0.1',
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    'ff02::1',
    '64:ff9b::a00:1',
    '2001:db8::1',
    '2002:a00:1::',
  );
  no.push('localhost', 'example.org', '');
  expect(yes.filter((host) => !isPublicAddress(host))).toEqual([]);
  expect(no.filter(isPublicAddress)).toEqual([]);
});
