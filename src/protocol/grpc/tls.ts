// Owns: TLS over an accepted socket, with the key that the client trusts. Does not own: keys (server-key.ts), room for
// connections (connections.ts): a handshake that does not end goes with its connection.
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { channelOf, type ServerIdentity, serverName } from '../server-key.js';
import type { Accept } from './connections.js';

export interface TlsDoor {
  readonly accept: Accept;
  /** @param identities at least one */
  rekey(identities: readonly ServerIdentity[]): void;
}

/** @param identities at least one; the first answers who names none of them */
export function acceptTls(identities: readonly ServerIdentity[], inject: (socket: Socket) => void): TlsDoor {
  let byName = answersOf(identities);
  let first = byName.values().next().value!; // at least one
  const waiting = new Map<string, (top: TLSSocket) => void>();
  // never listens: it is handed each socket, and makes of it what a server's handler expects
  const handshakes = createServer(
    {
      ...first.secret,
      ALPNProtocols: ['h2'],
      SNICallback: (name, done) => done(null, byName.get(name)?.context),
    },
    (top) => waiting.get(placeOf(top))?.(top),
  );
  handshakes.on('tlsClientError', (_, top) => top.destroy()); // no TLS, or another key wanted: nothing of ours is at fault
  const accept: Accept = (socket, secured) => {
    const place = placeOf(socket);
    waiting.set(place, (top) => {
      if (top.alpnProtocol !== 'h2') return void top.destroy();
      // what SNI brought, on this side too; its types have it on neither
      const { servername } = top as TLSSocket & { readonly servername?: unknown };
      secured(top, (byName.get(String(servername)) ?? first).channel);
      inject(top);
    });
    socket.once('close', () => waiting.delete(place));
    handshakes.emit('connection', socket);
  };
  return {
    accept,
    rekey(next) {
      byName = answersOf(next);
      first = byName.values().next().value ?? first;
      handshakes.setSecureContext(first.secret); // or who names none would still be answered with a key that was given up
    },
  };
}

const answersOf = (identities: readonly ServerIdentity[]) =>
  new Map(
    identities.map(({ serverKey, keyPem, certificatePem }) => {
      const secret = { key: keyPem, cert: certificatePem, minVersion: 'TLSv1.3' } as const;
      const context = createSecureContext(secret);
      return [serverName(serverKey), { secret, context, channel: channelOf(serverKey) }] as const;
    }),
  );

const placeOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress}:${remotePort}`;
