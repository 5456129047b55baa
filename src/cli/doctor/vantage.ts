// Owns: the answer of a vantage: a host elsewhere that says which ports of whoever asks take a connection from it, and where the
// question came from. It dials the address that asked and no other. Does not own: asking it (reach.ts).
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { z } from 'zod';
import type { Clock } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import { isLoopback, plainAddress, toNetwork } from '../../protocol/address.js';
import { Bucket, Buckets } from '../../protocol/rate.js';
import { takesConnection } from './ports.js';

export const VANTAGE_FORMAT = 'assay-vantage/1';
/**
 * Every question carries it, with the format as its value. A page cannot have a browser send a header that begins with `Sec-`, under
 * whatever name it reaches us (Fetch, forbidden request-headers), and who only fetches an address that somebody gave sends none of
 * ours: both would ask about their own ports, for somebody else.
 */
export const VANTAGE_HEADER = 'sec-assay-vantage';
/** Bounds of what anybody can make a vantage do: connections to oneself, a few at a time. */
export const VANTAGE_LIMITS = {
  /** ports of one question */
  ports: 8,
  /** questions of one address, or of one /64; both rates allow bursts of five seconds of themselves */
  perSecondPerAddress: 0.6,
  /** questions of all addresses */
  perSecond: 10,
  /** addresses whose rate is remembered */
  addresses: 4096,
  connections: 32,
  requestMs: 5_000,
  /** between two looks at which connections ask nothing */
  lookMs: 1_000,
  /** what a vantage may answer */
  bytes: 4096,
} as const;

const port = z.int().min(1).max(65_535);
/** What is answered, as JSON. */
export const VANTAGE_ANSWER = z.strictObject({
  format: z.literal(VANTAGE_FORMAT),
  /** address that asked, as it was seen */
  seen: z
    .string()
    .max(64)
    .refine((text) => isIP(text) !== 0),
  /** unix ms by the clock of the vantage */
  at: z.int().min(0),
  ports: z
    .array(z.strictObject({ port, answered: z.boolean() }))
    .min(1)
    .max(VANTAGE_LIMITS.ports),
});
export type VantageAnswer = z.infer<typeof VANTAGE_ANSWER>;

export interface Vantage {
  readonly port: number;
  /** Resolves once the signal aborted and nothing is left. */
  readonly closed: Promise<void>;
}

/** @throws AssayError `unreachable` when the port cannot be bound */
export async function serveVantage(
  { clock }: { readonly clock: Clock },
  { host, port: wanted }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Vantage> {
  const own = new Buckets(VANTAGE_LIMITS.perSecondPerAddress, VANTAGE_LIMITS.addresses);
  const all = new Bucket(VANTAGE_LIMITS.perSecond, clock.monotonic());
  const { requestMs: requestTimeout, lookMs: connectionsCheckingInterval } = VANTAGE_LIMITS;
  const server = createServer({ requestTimeout, connectionsCheckingInterval }, (request, response) => {
    void answer(request, response).catch(() => response.destroy()); // whoever asked is gone
  });
  server.maxConnections = VANTAGE_LIMITS.connections;
  server.maxRequestsPerSocket = 1;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = request.socket.remoteAddress;
    const ports = portsIn(request);
    if (address === undefined || !ports)
      return give(response, 400, { why: `GET /reach?ports=N,N: at most ${VANTAGE_LIMITS.ports} ports` });
    const seen = plainAddress(address);
    if (request.headers[VANTAGE_HEADER] !== VANTAGE_FORMAT)
      return give(response, 400, {
        why: 'ask with assay miner doctor --from: this question is nobody’s own',
      });
    if (isHandedOn(request) || (isOfThisHost(seen) && !isOwn(host)))
      return give(response, 400, {
        why: 'ask directly, and from another host: this address is that of a proxy or a browser, or my own',
      });
    try {
      own.take(toNetwork(address), 'questions', clock.monotonic());
      all.take('questions', clock.monotonic());
    } catch (error) {
      if (!isAssayError(error, 'limit-exceeded')) throw error;
      return give(response, 429, { why: 'too many questions: ask again in some seconds' });
    }
    // a connection is all that is made: not a byte is sent
    const found = await Promise.all(
      ports.map(async (each) => ({ port: each, answered: await takesConnection(address, each, signal) })),
    );
    const said: VantageAnswer = { format: VANTAGE_FORMAT, seen, at: Math.floor(clock.now()), ports: found };
    give(response, 200, said);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const at = `${host}:${wanted}`;
      reject(new AssayError('unreachable', `vantage: cannot listen on ${at}`, { address: at }, { cause }));
    });
    server.listen(wanted, host, resolve);
  });
  server.on('error', () => {}); // of one connection that the system would not give: nobody else's ends by it
  const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const end = () => {
    server.close();
    server.closeAllConnections();
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return { port: (server.address() as AddressInfo).port, closed }; // a TCP server's
}

/** Bound to this host alone, to try it out. */
const isOwn = (host: string): boolean => host === 'localhost' || isLoopback(host);

/** Of a proxy, a tunnel or a container's port here, or of whoever is here anyway and needs no vantage. */
const isOfThisHost = (seen: string): boolean =>
  isLoopback(seen) ||
  Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === seen));

/** What a proxy or a browser adds: somebody else chose the question, and would learn of ports that are not their own. */
const HANDED_ON = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via', 'origin', 'referer', 'sec-fetch-site'];
const isHandedOn = ({ headers }: IncomingMessage): boolean =>
  HANDED_ON.some((name) => headers[name] !== undefined);

function give(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}

function portsIn({ method, url = '' }: IncomingMessage): readonly number[] | undefined {
  const [, list] = /^\/reach\?ports=([\d,]{1,64})$/.exec(url) ?? [];
  if (method !== 'GET' || list === undefined) return undefined;
  const ports = [...new Set(list.split(',').map(Number))];
  const fits = ports.every((each) => port.safeParse(each).success);
  return fits && ports.length <= VANTAGE_LIMITS.ports ? ports : undefined;
}
