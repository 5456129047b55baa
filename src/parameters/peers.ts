// Owns: who on a subnet may have a file, and in which order they are asked. Does not own: asking (fetch.ts).
import type { Neuron, Subnet } from '../chain/chain.js';
import type { Hotkey } from '../model/ids.js';
import { type Random, shuffled } from '../model/prng.js';
import type { FilePeer } from './fetch.js';

/**
 * Everybody else who announced an address, validators and the owner included, in a random order: or all would ask the same ones
 * first. One that must not be called is left out.
 */
export function filePeers(
  parts: { readonly peerOf: (neuron: Neuron) => FilePeer; readonly random: Random },
  { subnet, self }: { readonly subnet: Subnet; readonly self: Hotkey },
): FilePeer[] {
  const others = subnet.neurons.filter(({ axon, hotkey }) => axon !== undefined && hotkey !== self);
  return shuffled(others, parts.random).flatMap((neuron) => {
    try {
      return [parts.peerOf(neuron)];
    } catch {
      return []; // an address that we must not call
    }
  });
}
