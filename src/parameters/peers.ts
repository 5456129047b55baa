// Owns: who on a subnet may have a file, in which order they are asked, and over which connections. Does not own: asking (fetch.ts).
import type { Neuron, Subnet } from '../chain/chain.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import { shuffled } from '../model/prng.js';
import { dial } from '../protocol/dial.js';
import type { SessionParts } from '../protocol/session.js';
import type { FilePeer } from './fetch.js';

/**
 * Everybody else who announced an address, validators and the owner included, in a random order: or all would ask the same ones
 * first.
 */
export function filePeers(
  parts: SessionParts,
  { netuid, subnet, self }: { readonly netuid: Netuid; readonly subnet: Subnet; readonly self: Hotkey },
): FilePeer[] {
  const others = subnet.neurons.filter(({ axon, hotkey }) => axon !== undefined && hotkey !== self);
  return shuffled(others, parts.random).map((neuron) => peerFor(parts, netuid, neuron));
}

/**
 * A connection for one question. A file must not travel beside the frames of sessions, which are timed; and who has moved since
 * `subnet` was read is not to lose the connection that its sessions have.
 */
const peerFor = (parts: SessionParts, netuid: Netuid, { hotkey, axon }: Neuron): FilePeer => ({
  async content(digest, signal) {
    const { ip: host, port, serverKey } = axon!; // filePeers names only those that serve one
    const peer = dial(parts, { address: { host, port, serverKey }, hotkey, netuid });
    try {
      return await peer.content(digest, signal);
    } finally {
      peer.close();
    }
  },
});
