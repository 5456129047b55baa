// Owns: what `assay validator start` opens towards miners' links: ends of its own in rounds, echoes of their ports, and the port
// that they call back to. Does not own: how rounds are drawn and judged (validator).
import { isIP } from 'node:net';
import { createReferenceCompute } from '../compute/cpu/reference.js';
import { NONCE_BYTES } from '../compute/tcp/frames.js';
import { openTcpLink, type TcpLink } from '../compute/tcp/link.js';
import type { Keypair } from '../keys/keypair.js';
import { fromAddress } from '../keys/ss58.js';
import type { Clock } from '../model/clock.js';
import { ed25519FromSeed } from '../model/ed25519.js';
import { AssayError } from '../model/errors.js';
import type { Log } from '../model/log.js';
import { type Random, systemRandom } from '../model/prng.js';
import { isLoopback, isPublicAddress } from '../protocol/address.js';
import { askEcho, type EgressListener, listenForEgress } from '../protocol/echo/net.js';
import type { Anchor } from '../validator/anchors.js';
import { createReach, type Reach } from '../validator/reach.js';
import { BANDWIDTH_PARAMS, serveShape } from '../verification/kinds/bandwidth/params.js';

export interface OwnEndsOptions {
  readonly netuid: number;
  /** of the chain: on `live` ones only addresses of the internet are called, and announced */
  readonly isLive: boolean;
  /** address that is bound */
  readonly host: string;
  /** what hosts are told of it. @default the bound one */
  readonly announceIp?: string | undefined;
  /** @default no ends of our own */
  readonly anchorPort?: number | undefined;
  /** how many hosts they stand for in a draw */
  readonly anchors: number;
  /** what all of them together give, and take */
  readonly anchorBytesPerS: number;
  /** @default nobody is asked to call back, so that nobody's own address is known */
  readonly echoPort?: number | undefined;
}

export interface OwnEnds {
  readonly anchors: readonly Anchor[];
  readonly reach: Reach;
  close(): Promise<void>;
}

/** @throws AssayError `invalid-config` for an address that no host could reach, `unreachable` when a port cannot be bound */
export async function openOwnEnds(
  parts: { readonly keypair: Keypair; readonly clock: Clock; readonly log: Log; readonly random?: Random },
  options: OwnEndsOptions,
  signal: AbortSignal,
): Promise<OwnEnds> {
  const { keypair, clock, log, random = systemRandom } = parts;
  const { netuid, isLive, host, echoPort } = options;
  const mayCall = (ip: string): boolean => !isLive || isPublicAddress(ip);
  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  let link: TcpLink | undefined;
  if (echoPort !== undefined) assertAudible(host, isLive);
  try {
    const egress: EgressListener | undefined =
      echoPort === undefined ? undefined : await listenForEgress({ clock }, { host, port: echoPort }, inner);
    if (options.anchorPort !== undefined) {
      const { anchorPort: port, anchorBytesPerS: rate } = options;
      assertReachable(announced(options), isLive);
      const key = ed25519FromSeed(systemRandom.bytes(32));
      const bounds = { upBytesPerS: rate, downBytesPerS: rate };
      link = await openTcpLink({ clock, key }, { host, port, mayDial: mayCall, ...bounds }, inner);
      const hosts = hostsOf(rate / options.anchors);
      log.info('own ends in rounds', { port: link.offer.port, ends: options.anchors, hosts });
    }
    if (egress) log.info('call backs are heard', { port: egress.port });
    const reach = createReach(
      {
        clock,
        log,
        mayCall,
        async ask({ hotkey, ip, port }, until) {
          const from = egress ? vantageFor(ip, host) : undefined;
          const seen = await askEcho(
            { keypair, clock, random, ...(egress ? { egress } : {}) },
            // a link speaks first
            {
              netuid,
              miner: fromAddress(hotkey),
              ip,
              port,
              transport: 'tcp',
              skipBytes: NONCE_BYTES,
              ...(from === undefined ? {} : { vantage: from }),
            },
            until,
          );
          return { answered: seen.answered, calledFrom: seen.egress };
        },
      },
      inner,
    );
    return { anchors: link ? anchorsOn(link, options) : [], reach, close };
  } catch (error) {
    await close();
    throw error;
  }

  async function close(): Promise<void> {
    stop.abort();
    await link?.closed;
  }
}

/** A miner calls back to where it was asked from: that is to be where we listen, unless no packet for `ip` can leave from there. */
function vantageFor(ip: string, host: string): string | undefined {
  const isSpecific = host !== '0.0.0.0' && host !== '::' && isIP(host) === isIP(ip);
  return isSpecific && isLoopback(host) === isLoopback(ip) ? host : undefined;
}

function anchorsOn(link: TcpLink, options: OwnEndsOptions): Anchor[] {
  const { anchors, anchorBytesPerS } = options;
  const devices = { compute: createReferenceCompute(), link }; // the first is never asked
  return Array.from({ length: anchors }, () => ({
    address: announced(options),
    devices,
    bytesPerS: anchorBytesPerS / anchors,
  }));
}

const announced = ({ host, announceIp = host }: OwnEndsOptions): string => announceIp;

/** How many hosts of each class one end can meet: of a class that is missing it stays away. */
const hostsOf = (bytesPerS: number): Record<string, number> =>
  Object.fromEntries(
    BANDWIDTH_PARAMS.map((params) => [
      params.class,
      Math.min(params.sources, Math.floor(bytesPerS / serveShape(params).capBytesPerS)),
    ]).filter(([, count]) => count !== 0),
  );

/** Or nobody would ever be heard, and nobody's source address be looked at, without a word. */
function assertAudible(host: string, isLive: boolean): void {
  if (!isLive || !isLoopback(host)) return;
  const problem = `host: expected an address at which hosts reach --echo-port, got ${host}`;
  throw new AssayError('invalid-config', problem, { source: 'flags', problems: [problem] });
}

function assertReachable(ip: string, isLive: boolean): void {
  const isSpecific = isIP(ip) !== 0 && ip !== '0.0.0.0' && ip !== '::';
  if (isSpecific && (!isLive || isPublicAddress(ip))) return;
  const expected = isLive ? 'an address of the internet' : 'one address';
  const problem = `announceIp: expected ${expected}, at which hosts reach --anchor-port, got ${ip}`;
  throw new AssayError('invalid-config', problem, { source: 'flags', problems: [problem] });
}
