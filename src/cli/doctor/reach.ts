// Owns: asking a vantage which ports of this host it reaches, listening there meanwhile where nobody else does; what follows for
// ports, address and clock. Does not own: the vantage (vantage.ts), the link port, which validators judge by signed echoes.
import { get } from 'node:http';
import { createServer, isIPv6, type Server } from 'node:net';
import { AssayError } from '../../model/errors.js';
import { errnoOf } from '../../model/invalid-input.js';
import { DEFAULT_LIMITS } from '../../protocol/limits.js';
import { invalid } from '../invalid-input.js';
import { type Check, failed, ok, unknown, warning } from './check.js';
import {
  VANTAGE_ANSWER,
  VANTAGE_FORMAT,
  VANTAGE_HEADER,
  VANTAGE_LIMITS,
  type VantageAnswer,
} from './vantage.js';

const ASK_MS = 10_000;

export interface Seen extends VantageAnswer {
  /** of the ports those at which nobody listened, so that we did */
  readonly listenedOurselves: readonly number[];
  /** of the ports those at which nobody listened and we may not */
  readonly forbidden: readonly number[];
  /** our clock minus that of the vantage lies between them, ms */
  readonly skew: { readonly leastMs: number; readonly mostMs: number };
}

/**
 * @param now unix ms
 * @throws AssayError `unreachable` for a vantage that does not answer, `invalid-input` for what is no answer of one
 */
export async function askVantage(
  of: { readonly from: string; readonly ports: readonly number[]; readonly now: () => number },
  signal: AbortSignal,
): Promise<Seen> {
  const { from, ports, now } = of;
  const { host, port } = addressIn(from);
  const own = await Promise.all(ports.map(listenAt));
  try {
    const askedMs = now();
    const answer = await ask({ host, port, path: `/reach?ports=${ports.join(',')}` }, from, signal);
    const hadMs = now();
    // a port that it says nothing of would go without a line
    if (`${sorted(answer.ports.map((each) => each.port))}` !== `${sorted(ports)}`)
      throw invalid('--from', 'an answer of assay miner vantage', 'one about other ports');
    return {
      ...answer,
      listenedOurselves: ports.filter((_, i) => typeof own[i] === 'object'),
      forbidden: ports.filter((_, i) => own[i] === 'forbidden'),
      // it looked at its clock when it had dialled: between our question and its answer
      skew: { leastMs: askedMs - answer.at, mostMs: hadMs - answer.at },
    };
  } finally {
    const servers = own.filter((each) => typeof each === 'object');
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

const sorted = (ports: readonly number[]): readonly number[] => [...ports].sort((a, b) => a - b);

/** `host:port`, `[v6]:port`. @throws AssayError `invalid-input` */
export function addressIn(from: string): { readonly host: string; readonly port: number } {
  const [, v6, name, port] = /^(?:\[([\da-f:.]{2,45})\]|([\w.-]{1,253})):(\d{1,5})$/i.exec(from) ?? [];
  const host = v6 ?? name;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535 || (v6 !== undefined && !isIPv6(v6)))
    throw invalid('--from', 'host:port of assay miner vantage', from);
  return { host, port: Number(port) };
}

/** `taken` where somebody listens already, as a running miner does. */
function listenAt(port: number): Promise<Server | 'taken' | 'forbidden'> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.maxConnections = VANTAGE_LIMITS.connections;
    server.once('error', (error) => resolve(errnoOf(error) === 'EADDRINUSE' ? 'taken' : 'forbidden'));
    // at all addresses; without IPv6 at those of IPv4
    server.listen(port, () => resolve(server));
  });
}

function ask(
  at: { readonly host: string; readonly port: number; readonly path: string },
  from: string,
  signal: AbortSignal,
): Promise<VantageAnswer> {
  const away = (why: string): AssayError =>
    new AssayError('unreachable', `--from ${from}: ${why}`, { address: from });
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      reject(away(`no answer within ${ASK_MS / 1000} s`));
      request.destroy();
    }, ASK_MS);
    const headers = { [VANTAGE_HEADER]: VANTAGE_FORMAT };
    const request = get({ ...at, headers, agent: false, signal }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length <= VANTAGE_LIMITS.bytes) return;
        reject(away('its answer is too long'));
        request.destroy();
      });
      response.on('end', () => {
        if (response.statusCode === 400)
          return reject(away('it refused the question: ask it directly, and from another host than its own'));
        if (response.statusCode === 429)
          return reject(away('it was asked too often: try again in some seconds'));
        const answer = parsed(text);
        if (response.statusCode === 200 && answer) resolve(answer);
        else reject(invalid('--from', 'an answer of assay miner vantage', `status ${response.statusCode}`));
      });
      response.on('error', (error) => reject(away(error.message)));
    });
    request.on('close', () => clearTimeout(late));
    request.on('error', (error) => {
      if (signal.aborted) reject(signal.reason);
      else reject(away(error.message));
    });
  });
}

function parsed(text: string): VantageAnswer | undefined {
  try {
    return VANTAGE_ANSWER.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // no JSON, so no answer
  }
}

/** @param axon what the chain names, where it names one */
export function reachChecks(
  seen: Seen,
  {
    from,
    axon,
  }: { readonly from: string; readonly axon: { readonly ip: string; readonly port: number } | undefined },
): readonly Check[] {
  return [
    ...seen.ports.map((each) => portCheck(each, seen, from)),
    ...addressCheck(seen, from, axon),
    skewCheck(seen, from),
  ];
}

function portCheck(
  { port, answered }: VantageAnswer['ports'][number],
  { seen, listenedOurselves, forbidden }: Seen,
  from: string,
): Check {
  const about = `port ${port}`;
  if (!answered && forbidden.includes(port))
    return unknown(
      about,
      `${from} could not connect to ${seen}, and we may not listen there meanwhile`,
      `start the miner and ask again, or ask as a user who may listen on port ${port}`,
    );
  const who = listenedOurselves.includes(port)
    ? 'we listened there, as nobody did'
    : 'somebody listens there already';
  if (answered) return ok(about, `took a connection of ${from} to ${seen} (${who})`);
  return failed(
    about,
    `${from} could not connect to ${seen} (${who})`,
    `open TCP ${port} in this host's firewall and its provider's; behind a router, lead it to this host`,
  );
}

function addressCheck(
  { seen }: Seen,
  from: string,
  axon: { readonly ip: string } | undefined,
): readonly Check[] {
  if (!axon) return [ok('outer address', `${seen}, as ${from} sees it: what --announce-ip should say`)];
  if (axon.ip === seen) return [ok('outer address', `${seen}, as ${from} sees it and as the chain names it`)];
  return [
    warning(
      'outer address',
      `the chain names ${axon.ip}, and connections of this host come from ${seen}: the ports of ${axon.ip} were not asked for`,
      'announce the address that connections come from (--announce-ip), or let them leave from the announced one: links are judged by it',
    ),
  ];
}

function skewCheck({ skew: { leastMs, mostMs } }: Seen, from: string): Check {
  const offMs = leastMs > 0 ? leastMs : mostMs < 0 ? -mostMs : 0;
  if (offMs === 0)
    return ok('clock', `no difference to ${from} beyond the ${mostMs - leastMs} ms of the question`);
  const said = `at least ${(offMs / 1000).toFixed(1)} s ${leastMs > 0 ? 'ahead of' : 'behind'} ${from}`;
  if (offMs < SMALL_MS) return ok('clock', said);
  const fix = 'let both follow a time server: timedatectl set-ntp true, or install chrony';
  return offMs < DEFAULT_LIMITS.skewMs / 2 ? warning('clock', said, fix) : failed('clock', said, fix);
}
/** Below it nothing is refused, and nobody has to do anything. */
const SMALL_MS = 2_000;
