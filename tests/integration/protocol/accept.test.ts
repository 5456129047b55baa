// What a port does when the system cannot give it a connection: no memory for a socket, a table of files that is full.
import { Server } from 'node:net';
import { describe, expect, test } from 'vitest';
import { openTcpLink } from '../../../src/compute/tcp/link.js';
import { keypairFromUri, readyKeys } from '../../../src/keys/index.js';
import { serveHosts } from '../../../src/miner/hosts/tls.js';
import { systemClock } from '../../../src/model/clock.js';
import { ed25519FromSeed } from '../../../src/model/ed25519.js';
import { silentLog } from '../../../src/model/log.js';
import { listenForEgress, serveEchoes } from '../../../src/protocol/echo/net.js';
import { Connections } from '../../../src/protocol/grpc/connections.js';
import { DEFAULT_LIMITS } from '../../../src/protocol/limits.js';
import { createServerIdentity } from '../../../src/protocol/server-key.js';
import { openEvidenceDoor } from '../../../src/validator/queue/evidence-door.js';
import { QUEUE_KEY } from '../../support/jobs.js';

const AT = { host: '127.0.0.1', port: 0 };
const clock = systemClock;

/** The server of this process that listens at a port. */
function serverAt(port: number): Server {
  // undocumented, and what there is: no door hands its server out
  const handles = (process as unknown as { _getActiveHandles(): readonly unknown[] })._getActiveHandles();
  const found = handles.find((each): each is Server => {
    if (!(each instanceof Server)) return false;
    const address = each.address();
    return typeof address === 'object' && address?.port === port;
  });
  if (!found) throw new Error(`nobody listens at port ${port}`);
  return found;
}

const DOORS: Record<string, (signal: AbortSignal) => Promise<number>> = {
  async 'calls of validators'(signal) {
    const connections = new Connections(DEFAULT_LIMITS, () => clock.monotonic());
    signal.addEventListener('abort', () => void connections.stop());
    return connections.listen(AT, () => {});
  },
  async echoes(signal) {
    await readyKeys();
    const keypair = keypairFromUri('//accept');
    const parts = { keypair, clock, admit: () => true };
    const { ports } = await serveEchoes(parts, { ...AT, ports: [0], netuid: 1 }, signal);
    return ports[0]!;
  },
  'call backs': async (signal) => (await listenForEgress({ clock }, AT, signal)).port,
  async hosts(signal) {
    const parts = {
      hosts: { meet: async () => {} },
      clock,
      identity: createServerIdentity(new Uint8Array(32)),
    };
    return (await serveHosts(parts, AT, signal)).port;
  },
  async links(signal) {
    const link = await openTcpLink({ clock, key: ed25519FromSeed(new Uint8Array(32)) }, AT, signal);
    return link.offer.port;
  },
  async evidence(signal) {
    const store = { read: async () => undefined };
    const door = await openEvidenceDoor({ store, key: QUEUE_KEY, clock, log: silentLog }, AT);
    signal.addEventListener('abort', () => void door.close());
    return door.port;
  },
};

describe.each(Object.entries(DOORS))('a port for %s', (_what, open) => {
  test('goes on after connections that the system did not give', async () => {
    const stop = new AbortController();
    try {
      const server = serverAt(await open(stop.signal));
      const refused = Object.assign(new Error('accept ENFILE'), { code: 'ENFILE', syscall: 'accept' });
      // without anybody who hears it, it would be thrown here, and end the process where it comes by itself
      for (let i = 0; i < 3; i++) expect(server.emit('error', refused)).toBe(true);
      expect(server.listening).toBe(true);
    } finally {
      stop.abort();
    }
  });
});

test('a port for echoes that was bound as its role was asked to end is closed', async () => {
  await readyKeys();
  const keypair = keypairFromUri('//accept');
  const parts = { keypair, clock, admit: () => true };
  const stop = new AbortController();
  const opening = serveEchoes(parts, { ...AT, ports: [0], netuid: 1 }, stop.signal);
  stop.abort();
  await (await opening).closed;
});
