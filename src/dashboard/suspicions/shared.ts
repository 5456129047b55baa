// Owns: what hotkeys have in common by the chain's own word, and by ports that answered: coldkey, address, certificate, port. Does
// not own: what it means.
import type { Neuron } from '../../chain/chain.js';
import { toHex } from '../../model/bytes.js';
import type { Hotkey } from '../../model/ids.js';
import type { PortSight } from './observations.js';

export interface SharedThing {
  readonly what: 'coldkey' | 'address' | 'network' | 'endpoint' | 'certificate' | 'port' | 'call-back';
  /** the thing itself; an address is shown as the chain has it */
  readonly value: string;
  /** two or more, in order */
  readonly hotkeys: readonly Hotkey[];
  /** where it was seen and not announced */
  readonly outcomes: readonly string[];
}

/** By what the chain says: axons that are served alone. */
export function sharedOnChain(neurons: readonly Neuron[]): readonly SharedThing[] {
  const coldkeys = groupsOf(neurons, ({ coldkey }) => coldkey);
  const served = neurons.filter(({ axon }) => axon && !isUnspecified(axon.ip));
  const endpoints = groupsOf(served, ({ axon }) => `${axon!.ip} port ${axon!.port}`);
  const certificates = groupsOf(served, ({ axon }) => {
    const key = axon!.serverKey;
    return key && `${key.algorithm}:${toHex(key.publicKey)}`;
  });
  const addresses = groupsOf(served, ({ axon }) => axon!.ip);
  // whoever has one address is in one network: as many of them are the same ones
  const sizes = new Map(addresses.map(({ hotkeys }) => [hotkeys[0], hotkeys.length]));
  // an IPv6 network of one host is /64: addresses in it cost nothing
  const networks = groupsOf(served, ({ axon }) => networkOf(axon!.ip)).filter(
    ({ hotkeys }) => sizes.get(hotkeys[0]) !== hotkeys.length,
  );
  return [
    ...coldkeys.map((group) => ({ what: 'coldkey' as const, ...group })),
    ...addresses.map((group) => ({ what: 'address' as const, ...group })),
    ...networks.map((group) => ({ what: 'network' as const, ...group })),
    ...endpoints.map((group) => ({ what: 'endpoint' as const, ...group })),
    ...certificates.map((group) => ({ what: 'certificate' as const, ...group })),
  ];
}

/** One port that answered signed by several hotkeys, one address from which several of them called back. */
export function sharedBySight(sights: readonly PortSight[]): readonly SharedThing[] {
  const answered = sights.filter((sight) => sight.answered);
  const ports = groupsOf(answered, ({ ip, port }) => `${ip} port ${port}`);
  // who calls back from the address that the chain names says nothing beside the address
  const away = answered.filter(({ ip, calledFrom }) => calledFrom !== undefined && calledFrom !== ip);
  const calls = groupsOf(away, ({ calledFrom }) => calledFrom);
  return [
    ...ports.map((group) => ({ what: 'port' as const, ...group })),
    ...calls.map((group) => ({ what: 'call-back' as const, ...group })),
  ];
}

const NAMED = 6;

/** Groups of two or more hotkeys, the largest first. */
function groupsOf<Each extends { readonly hotkey: Hotkey; readonly outcome?: string }>(
  all: readonly Each[],
  by: (each: Each) => string | undefined,
): { value: string; hotkeys: readonly Hotkey[]; outcomes: readonly string[] }[] {
  const groups = new Map<string, { hotkeys: Set<Hotkey>; outcomes: string[] }>();
  for (const each of all) {
    const value = by(each);
    if (value === undefined) continue;
    const group = groups.get(value) ?? { hotkeys: new Set<Hotkey>(), outcomes: [] };
    groups.set(value, group);
    group.hotkeys.add(each.hotkey);
    if (each.outcome !== undefined) group.outcomes.push(each.outcome);
  }
  return [...groups]
    .filter(([, { hotkeys }]) => hotkeys.size > 1)
    .map(([value, { hotkeys, outcomes }]) => ({
      value,
      hotkeys: [...hotkeys].sort(),
      outcomes: outcomes.slice(-NAMED),
    }))
    .sort((x, y) => y.hotkeys.length - x.hotkeys.length || (x.value < y.value ? -1 : 1));
}

const isUnspecified = (ip: string): boolean => ip === '0.0.0.0' || ip === '::';

/** The /64 of an IPv6 address; undefined for IPv4, which is shared by whole providers. */
function networkOf(ip: string): string | undefined {
  if (!ip.includes(':') || ip.includes('.')) return undefined;
  const [head, tail] = ip.split('::') as [string, string?];
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...new Array<string>(zeros).fill('0'), ...last].slice(0, 4);
  return `${groups.map((group) => (Number.parseInt(group, 16) || 0).toString(16)).join(':')}::/64`;
}
