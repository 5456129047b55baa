// Owns: what echoes say of a declared address, and which ports are asked. Pure. Does not own: asking (net.ts).
import { type Random, shuffled } from '../../model/prng.js';
import { plainAddress } from '../address.js';
import { TRANSPORTS, type Transport } from './codec.js';

/** What one dial-out saw of one port. */
export interface Sighting {
  /** the address that was dialled from: sightings from one place are one */
  readonly vantage: string;
  readonly transport: Transport;
  readonly port: number;
  /** a signed answer came from the declared address */
  readonly answered: boolean;
  /** where the miner's call back came from; undefined when none was asked for, or none came */
  readonly egress?: string | undefined;
}

export interface Reach {
  readonly reachable: boolean;
  /** in words, for logs and reports; empty when reachable */
  readonly problems: readonly string[];
}

/** Ports to be asked: every choice is as likely, so that all declared ones have to work. */
export const drawPorts = (declared: readonly number[], count: number, random: Random): number[] =>
  shuffled([...new Set(declared)], random)
    .slice(0, count)
    .sort((a, b) => a - b);

/**
 * Whether sightings support that `ip` is the miner's way in and out: each drawn port answered from every vantage over both transports, from
 * two vantages at least, and what the miner called came from `ip`. An address that answers and does not call from there is a forwarder's.
 */
export function judgeReach(
  declared: { readonly ip: string; readonly ports: readonly number[] },
  sightings: readonly Sighting[],
  {
    minVantages = 2,
    transports = TRANSPORTS,
  }: { minVantages?: number; transports?: readonly Transport[] } = {},
): Reach {
  const problems: string[] = [];
  const vantages = [...new Set(sightings.map(({ vantage }) => vantage))];
  if (vantages.length < minVantages)
    problems.push(`seen from ${vantages.length} places, ${minVantages} are needed`);
  for (const vantage of vantages) {
    const from = sightings.filter((each) => each.vantage === vantage);
    for (const port of declared.ports)
      for (const transport of transports)
        if (!from.some((each) => each.port === port && each.transport === transport && each.answered))
          problems.push(`${transport} port ${port} did not answer ${vantage}`);
    const ways = new Set(from.flatMap(({ egress }) => egress ?? []));
    if (ways.size === 0) problems.push(`it did not call ${vantage} back`);
    for (const way of ways)
      if (plainAddress(way) !== plainAddress(declared.ip))
        problems.push(`it called ${vantage} back from ${way}, not from ${declared.ip}`);
  }
  return { reachable: problems.length === 0, problems };
}
