// Owns: IP addresses as the chain stores them: a number and a type. Does not own: who may be dialled (protocol).

import { isIPv4, isIPv6 } from 'node:net';
import type { Axon } from './chain.js';

export interface ChainIp {
  /** the address as one big-endian number: a.b.c.d is a*2^24 + b*2^16 + c*2^8 + d (subtensor AxonInfo.ip, u128) */
  readonly value: bigint;
  readonly type: 4 | 6;
}

/** @throws RangeError when `text` is no IPv4 or IPv6 address (zone identifiers are none) */
export function toChainIp(text: string): ChainIp {
  if (isIPv4(text)) return { value: fromV4(text), type: 4 };
  if (isIPv6(text) && !text.includes('%')) return { value: fromV6(text), type: 6 };
  throw new RangeError(`ip: expected an IPv4 or IPv6 address, got ${text.slice(0, 64)}`);
}

/** Canonical text (RFC 5952 for IPv6), or undefined when value and type name no address. */
export function fromChainIp(value: bigint, type: number): string | undefined {
  if (type === 4 && value >= 0n && value < 1n << 32n) return toV4(value);
  if (type === 6 && value >= 0n && value < 1n << 128n) return toV6(value);
  return undefined;
}

function fromV4(text: string): bigint {
  return text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function toV4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
}

function fromV6(text: string): bigint {
  // an embedded IPv4 tail (::ffff:1.2.3.4) is two groups
  const tail = /\d+\.\d+\.\d+\.\d+$/.exec(text)?.[0];
  const v4 = tail === undefined ? 0n : fromV4(tail);
  const hex =
    tail === undefined
      ? text
      : `${text.slice(0, -tail.length)}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  const [left = '', right] = hex.split('::');
  const groups = (side: string) => (side === '' ? [] : side.split(':'));
  const head = groups(left);
  const rest = right === undefined ? [] : groups(right);
  const zeros = Array.from({ length: 8 - head.length - rest.length }, () => '0');
  return [...head, ...zeros, ...rest].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function toV6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  const run = longestZeroRun(groups);
  if (run.length < 2) return groups.join(':');
  return `${groups.slice(0, run.start).join(':')}::${groups.slice(run.start + run.length).join(':')}`;
}

function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

export function assertPort({ port }: Axon): void {
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new RangeError(`port: expected an integer in 1..65535, got ${port}`);
}
