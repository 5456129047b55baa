// Whom a role asks for a file, over the loopback transport with real signatures.
import { afterEach, beforeAll, expect, test } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { systemClock } from '../../../src/model/clock.js';
import { sha256 } from '../../../src/model/hash.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { systemRandom } from '../../../src/model/prng.js';
import { filePeers } from '../../../src/parameters/peers.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import { serve } from '../../../src/protocol/serve.js';
import type { Wire } from '../../../src/protocol/wire.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

beforeAll(readyKeys);
const FILE = Uint8Array.of(1, 2, 3);
const stop = new AbortController();
afterEach(() => stop.abort());

test('everybody else with an address is asked, each over a connection of its own that is closed again', async () => {
  const inner = createLoopback({ clock: systemClock });
  const connections = { made: 0, open: 0 };
  const wire: Wire = {
    ...inner,
    connect(address) {
      const channel = inner.connect(address);
      connections.made++;
      connections.open++;
      const close = () => {
        connections.open--;
        channel.close();
      };
      return { ...channel, close };
    },
  };
  const parts = { wire, clock: systemClock, log: silentLog, random: systemRandom };
  const [self, holder, moved] = ['self', 'holder', 'moved'].map((name) => devKeypair(name));
  const host = '127.16.0.9';
  const served = await serve(
    {
      ...parts,
      keypair: holder!,
      admit: () => 'files',
      handlers: {
        describe: () => expect.fail('asked'),
        prove: () => expect.fail('asked'),
        content: () => FILE,
      },
    },
    { host, port: 7001, netuid: NETUID },
    stop.signal,
  );
  const now = subnet([
    neuron(0, { hotkey: toHotkey(self!.address), axon: { ip: host, port: 7000 } }),
    neuron(1, { hotkey: toHotkey(holder!.address), axon: { ip: served.host, port: served.port } }),
    neuron(2, { hotkey: toHotkey(moved!.address), axon: { ip: host, port: 7002 } }),
    neuron(3, { hotkey: toHotkey(devKeypair('nowhere').address) }),
    // plaintext is for loopback addresses
    neuron(4, { hotkey: toHotkey(devKeypair('bare').address), axon: { ip: '192.0.2.1', port: 7003 } }),
  ]);
  const peers = filePeers(
    { ...parts, keypair: self! },
    { netuid: NETUID, subnet: now, self: toHotkey(self!.address) },
  );
  const answers = await Promise.all(
    peers.map((peer) =>
      peer.content(sha256(FILE), stop.signal).catch((error: { code: string }) => error.code),
    ),
  );
  expect(answers).toHaveLength(3);
  expect(new Set(answers)).toEqual(new Set([FILE, 'unreachable', 'insecure-address']));
  expect(connections).toEqual({ made: 2, open: 0 });
});
