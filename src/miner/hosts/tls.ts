// Owns: TLS between a miner and its hosts, each end with the other's key. Does not own: keys on disk (cli), who is welcome (hosts.ts).
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Clock } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import { plainAddress, toNetwork } from '../../protocol/address.js';
import { Pool } from '../../protocol/pool.js';
import { Buckets } from '../../protocol/rate.js';
import {
  assertPinned,
  certifiedKey,
  ED25519,
  type ServerIdentity,
  serverName,
  trustAnchorPem,
} from '../../protocol/server-key.js';
import type { Hosts } from './hosts.js';
import { HOST_LIMITS } from './limits.js';

/** What both ends must mean, so that a host that dials an axon, or the other way round, is told so by TLS. */
const PROTOCOL = 'assay-hosts/1';
/** Of addresses whose rates are known at once. */
const NETWORKS = 1024;

const secretOf = ({ keyPem, certificatePem }: ServerIdentity) =>
  ({ key: keyPem, cert: certificatePem, minVersion: 'TLSv1.3', ALPNProtocols: [PROTOCOL] }) as const;

/**
 * Listens for hosts until aborted. Any key gets through the handshake, so that a host hears why it is not welcome; until it is
 * welcome it is a stranger, and strangers have room of their own.
 * @returns the port, once it listens
 * @throws AssayError `unreachable` when it cannot be bound
 */
export async function serveHosts(
  parts: { readonly hosts: Pick<Hosts, 'meet'>; readonly clock: Clock; readonly identity: ServerIdentity },
  options: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<{ readonly port: number; readonly closed: Promise<void> }> {
  const { hosts, clock, identity } = parts;
  const strangers = new Pool<Socket>(HOST_LIMITS.strangers, HOST_LIMITS.strangersPerAddress);
  const rates = new Buckets(HOST_LIMITS.connectionsPerSecondPerAddress, NETWORKS);
  const open = new Set<Socket>();
  const raw = new Map<string, () => void>();

  // never listens: it is handed each socket
  const tls = createTlsServer(
    {
      ...secretOf(identity),
      requestCert: true,
      rejectUnauthorized: false, // that it has the key is proven all the same; whose key it is, the hosts file says
      handshakeTimeout: HOST_LIMITS.helloMs,
    },
    (socket) => {
      const key = certifiedKey(peerCertificate(socket));
      if (!key || socket.alpnProtocol !== PROTOCOL) return void socket.destroy();
      const place = placeOf(socket);
      const address = plainAddress(place);
      void hosts.meet(socket, { key, address }, raw.get(place));
    },
  );
  tls.on('tlsClientError', (_, socket) => socket.destroy()); // no TLS, or none of ours

  const accept = (socket: Socket) => {
    const from = socket.remoteAddress;
    if (from === undefined) return void socket.destroy();
    const network = toNetwork(from);
    try {
      rates.take(network, 'connections of hosts', clock.monotonic());
    } catch {
      return void socket.destroy(); // before a handshake cost us anything
    }
    strangers.victim(network)?.destroy();
    const known = () => strangers.delete(network, socket);
    const place = placeOf(socket);
    strangers.add(network, socket);
    open.add(socket);
    raw.set(place, known);
    socket.once('close', () => {
      known();
      open.delete(socket);
      raw.delete(place);
    });
    socket.on('error', () => {}); // it closes, too
    tls.emit('connection', socket);
  };

  const server: NetServer = createServer({ noDelay: true }, accept);
  const port = await new Promise<number>((resolve, reject) => {
    const address = `${options.host}:${options.port}`;
    server.once('error', (cause) =>
      reject(new AssayError('unreachable', `hosts: cannot listen at ${address}`, { address }, { cause })),
    );
    server.listen(options.port, options.host, () => {
      server.on('error', () => {}); // of one connection that the system would not give: nobody else's ends by it
      const bound = server.address();
      resolve(typeof bound === 'object' && bound ? bound.port : options.port);
    });
  });
  const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const stop = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return { port, closed };
}

/**
 * A connection to the miner that has `minerKey`, and no other.
 * @throws AssayError `unreachable` with what went wrong, `unauthenticated` when another key answers
 */
export function dialMiner(
  { identity }: { readonly identity: ServerIdentity },
  to: { readonly host: string; readonly port: number; readonly minerKey: Uint8Array },
  signal: AbortSignal,
): Promise<Socket> {
  const serverKey = { algorithm: ED25519, publicKey: to.minerKey };
  const address = `${to.host}:${to.port}`;
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...secretOf(identity),
      host: to.host,
      port: to.port,
      ca: trustAnchorPem(serverKey),
      servername: serverName(serverKey),
      checkServerIdentity: () => undefined, // the key is all there is to its name
      timeout: HOST_LIMITS.welcomeMs,
    });
    socket.setNoDelay(true);
    const fail = (why: string, cause?: unknown) => {
      socket.destroy();
      signal.removeEventListener('abort', aborted);
      reject(new AssayError('unreachable', `${address}: ${why}`, { address }, { cause }));
    };
    const aborted = () => fail('stopped');
    signal.addEventListener('abort', aborted, { once: true });
    socket.once('timeout', () => fail(`no answer within ${HOST_LIMITS.welcomeMs} ms`));
    socket.once('error', (error) => fail(explained(error), error));
    socket.once('secureConnect', () => {
      try {
        assertPinned(peerCertificate(socket), serverKey);
      } catch (error) {
        return fail('another key than --miner-key answers there', error);
      }
      if (socket.alpnProtocol !== PROTOCOL) return fail('no miner with hosts listens there');
      socket.setTimeout(0); // from here on whoever speaks this protocol sees to it
      signal.removeEventListener('abort', aborted);
      resolve(socket);
    });
    if (signal.aborted) aborted();
  });
}

function explained(error: Error & { readonly code?: string }): string {
  const { code = '' } = error;
  const isOtherKey = /UNABLE_TO_GET_ISSUER|SELF_SIGNED|UNABLE_TO_VERIFY|CERT_/.test(code);
  if (isOtherKey) return 'another key than --miner-key answers there';
  if (/SSL|TLS|WRONG_VERSION/.test(code)) return `no miner with hosts listens there (${code})`;
  return code || error.message;
}

const peerCertificate = (socket: TLSSocket): Uint8Array =>
  socket.getPeerX509Certificate()?.raw ?? new Uint8Array();

const placeOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress}:${remotePort}`;
