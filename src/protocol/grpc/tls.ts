// Owns: TLS over an accepted socket, with the key that the client trusts. Does not own: keys (server-key.ts), room for
// connections (connections.ts): a handshake that does not end goes with its connection.
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { channelOf, type ServerIdentity, serverName } from '../server-key.js';
import type { Accept } from './connections.js';

/** @param identities at least one; the first answers who names none of them */
export function acceptTls(identities: readonly ServerIdentity[], inject: (socket: Socket) => void): Accept {
  const byName = new Map(
    identities.map(({ serverKey, keyPem, certificatePem }) => {
      const secret = { key: keyPem, cert: certificatePem, minVersion: 'TLSv1.3' } as const;
      return [serverName(serverKey), { secret, channel: channelOf(serverKey) }] as const;
    }),
  );
  const first = byName.values().next().value!; // at least one
  const contexts = new Map([...byName].map(([name, { secret }]) => [name, createSecureContext(secret)]));
  const waiting = new Map<string, (top: TLSSocket) => void>();
  // never listens: it is handed each socket, and makes of it what a server's handler expects
  const handshakes = createServer(
    {
      ...first.secret,
      ALPNProtocols: ['h2'],
      SNICallback: (name, done) => done(null, contexts.get(name)),
    },
    (top) => waiting.get(placeOf(top))?.(top),
  );
  handshakes.on('tlsClientError', (_, top) => top.destroy()); // no TLS, or another key wanted: nothing of ours is at fault
  return (socket, secured) => {
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
}

const placeOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress}:${remotePort}`;
