// Owns: who pulls from whom in a round: drawn from public randomness, so that anybody can draw it again. Pure.

import { toHex } from '../../../model/bytes.js';
import { createSeededRandom, type Random, shuffled } from '../../../model/prng.js';
import { MAX_SERVES } from './codec.js';

/** A host as far as the draw looks at it. */
export interface Host {
  /** e.g. hotkey and slot: each once */
  readonly id: string;
  readonly coldkey: string;
  readonly address: string;
  /** @default 1 */
  readonly weight?: number;
  /** run by the validator itself: it meets everybody but others of its kind, and takes what is left to be taken */
  readonly anchor?: boolean;
  /** it gives to at most so many, and takes from at most so many. @default as often as there are rounds */
  readonly most?: number;
}

export interface MatchOptions {
  /** sources of each host; fewer where there are not enough that may meet it */
  readonly sources: number;
  readonly distinctNetworks: boolean;
}

/**
 * For each host the indices of its sources, in the order of their rounds. Round by round, each host is given a source by a
 * largest matching in random order, so that each gives and takes the same number of times as far as that is possible. Anchors are
 * drawn like peers as sources; as receivers they come last, so that no host goes without for one. No host meets itself, its own
 * coldkey or network, a host twice, or two hosts of one coldkey or network; anchors are exempt.
 *
 * With weights a host may be the source of up to twice as many, and is proposed by its weight: for subnets that trust
 * collateral more than numbers.
 */
export function matchRound(seed: Uint8Array, hosts: readonly Host[], options: MatchOptions): number[][] {
  const random = createSeededRandom(`assay/bandwidth/1/match/${toHex(seed)}`);
  const { sources, distinctNetworks } = options;
  const weighted = hosts.some(({ weight }) => weight !== undefined);
  const most = Math.min(MAX_SERVES, weighted ? 2 * sources : sources);
  const taken: number[][] = hosts.map(() => []);
  const serves = new Array<number>(hosts.length).fill(0);
  const groups = hosts.map(({ coldkey, address }) => ({ coldkey, network: networkOf(address) }));

  const mayMeet = (a: number, b: number): boolean =>
    a !== b &&
    hosts[a].id !== hosts[b].id &&
    (!distinctNetworks ||
      hosts[a].anchor ||
      hosts[b].anchor ||
      (groups[a].coldkey !== groups[b].coldkey && groups[a].network !== groups[b].network));
  const mayPull = (receiver: number, source: number): boolean =>
    hosts[receiver].anchor
      ? !hosts[source].anchor && !taken[receiver].includes(source)
      : mayMeet(receiver, source) && taken[receiver].every((other) => mayMeet(other, source));
  const mostOf = (at: number, otherwise: number): number => Math.min(otherwise, hosts[at].most ?? otherwise);

  for (let round = 1; round <= sources; round++) {
    const limit = weighted ? most : round;
    const everybody = shuffled(
      hosts.map((_, i) => i),
      random,
    );
    const order = [
      ...oneOfEachFirst(
        everybody.filter((i) => !hosts[i].anchor),
        groups,
      ),
      ...everybody.filter((i) => hosts[i].anchor && taken[i].length < mostOf(i, sources)),
    ];
    const proposals = weighted ? byWeight(hosts, random) : shuffled(everybody, random);
    // the ones of this round: a source may be in several where weights let it
    const of = new Map<number, number[]>();
    const given = new Map<number, number>();
    let exchanges = hosts.length;

    /**
     * A path of exchanges that ends at a source with room (Kuhn 1955). So many of them as there are hosts: without a bound a thousand
     * hotkeys of one coldkey, which nobody can match, would hold up everybody's Go.
     */
    const place = (receiver: number, seen: Set<number>): boolean => {
      const from = random.below(proposals.length);
      const free = (source: number) => serves[source] + (of.get(source)?.length ?? 0) < mostOf(source, limit);
      const candidates: number[] = [];
      for (let i = 0; i < proposals.length; i++) {
        const source = proposals[weighted ? i : (i + from) % proposals.length];
        if (seen.has(source) || !mayPull(receiver, source)) continue;
        if (free(source)) return assign(receiver, source);
        candidates.push(source);
      }
      for (const source of candidates) {
        if (seen.has(source)) continue;
        seen.add(source);
        for (const other of of.get(source) ?? []) {
          if (exchanges-- <= 0) return false;
          if (place(other, seen)) return assign(receiver, source);
        }
      }
      return false;
    };
    const assign = (receiver: number, source: number): true => {
      const before = given.get(receiver);
      if (before !== undefined)
        of.set(
          before,
          of.get(before)!.filter((each) => each !== receiver),
        );
      given.set(receiver, source);
      of.set(source, [...(of.get(source) ?? []), receiver]);
      return true;
    };

    for (const receiver of order) place(receiver, new Set());
    for (const [receiver, source] of given) {
      taken[receiver].push(source);
      serves[source]++;
    }
  }
  return taken;
}

/**
 * The first host of each coldkey and network, then the second, ...: or many hotkeys of one owner, who may all meet the others and not
 * one another, would leave the others none to meet.
 */
function oneOfEachFirst(
  order: readonly number[],
  groups: readonly { readonly coldkey: string; readonly network: string }[],
): number[] {
  const seen = new Map<string, number>();
  const count = (name: string): number => {
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return before;
  };
  return order
    .map((host, at) => {
      const { coldkey, network } = groups[host];
      return { host, at, rank: Math.max(count(`coldkey ${coldkey}`), count(`network ${network}`)) };
    })
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .map(({ host }) => host);
}

/** Random order in which the heavy come early (Efraimidis and Spirakis 2006: keys u^(1/w), descending). */
function byWeight(hosts: readonly Host[], random: Random): number[] {
  const keys = hosts.map(({ weight = 1 }) => {
    const u = (random.below(2 ** 32) + 0.5) / 2 ** 32;
    return weight > 0 ? Math.log(u) / weight : Number.NEGATIVE_INFINITY;
  });
  return hosts.map((_, i) => i).sort((a, b) => keys[b] - keys[a] || a - b);
}

/** What counts as one network: /16 of IPv4, /32 of IPv6. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address.split('.').slice(0, 2).join('.');
  const [head] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  return `${groups[0] ?? '0'}:${groups[1] ?? '0'}`;
}
