// Owns: the plaintext rule, what counts as one place, and what as an address of the internet. Does not own: TLS (server-key.ts, grpc/).
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { AssayError } from '../model/errors.js';

/** 127.0.0.0/8 and ::1, as literals: a name could resolve to anything. */
export const isLoopback = (host: string): boolean =>
  (isIPv4(host) && host.startsWith('127.')) || host === '::1';

/** @throws AssayError `insecure-address`: plaintext stays on this machine */
export function assertPlaintextAllowed(host: string): void {
  if (isLoopback(host)) return;
  throw new AssayError(
    'insecure-address',
    `${host.slice(0, 64)} needs a server key: plaintext is for 127.0.0.0/8 and ::1 alone`,
    { address: host.slice(0, 64) },
  );
}

/**
 * What limits count as one place: an IPv4 address, the /64 of an IPv6 one, since whoever has one address of a /64 has 2^64 (RFC 6177).
 * @param address as sockets tell it
 */
export function toNetwork(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  if (!isIPv6(address)) return address;
  // a dotted end stands for the last two groups, which are no part of the /64
  const [left = [], right] = address
    .replace(/%.*$/, '')
    .replace(/[\d.]+\.[\d.]+$/, '0:0')
    .split('::')
    .map((groups) => (groups === '' ? [] : groups.split(':')));
  const groups = right
    ? [...left, ...new Array<string>(8 - left.length - right.length).fill('0'), ...right]
    : left;
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}

/** IPv4 as sockets of both families tell it (::ffff:1.2.3.4) is IPv4. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** Special-purpose addresses that are not globally reachable (RFC 6890 and its registries), and multicast. */
const NOT_PUBLIC = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  NOT_PUBLIC.addSubnet(network, bits, 'ipv4');

/** Unicast of the internet; of it, ranges that stand for IPv4 or for nothing. */
const GLOBAL = new BlockList();
GLOBAL.addSubnet('2000::', 3, 'ipv6');
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const)
  NOT_PUBLIC.addSubnet(network, bits, 'ipv6');

/**
 * Whether `host` is an address that a stranger may have us call: not this machine, its network, or something that stands for
 * another address. A name is none: it could resolve to anything.
 */
export function isPublicAddress(host: string): boolean {
  const address = plainAddress(host);
  if (isIPv4(address)) return !NOT_PUBLIC.check(address, 'ipv4');
  return isIPv6(address) && GLOBAL.check(address, 'ipv6') && !NOT_PUBLIC.check(address, 'ipv6');
}
