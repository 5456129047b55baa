// Owns: the plaintext rule, and what counts as one place. Does not own: TLS (server-key.ts, grpc/).
import { isIPv4, isIPv6 } from 'node:net';
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
