// Owns: telling the chain where a role answers. Does not own: the port itself (protocol/serve).

import type { Keypair } from '../keys/keypair.js';
import { equals, toHex } from '../model/bytes.js';
import { AssayError, isAssayError } from '../model/errors.js';
import { type Hotkey, type Netuid, toHotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Axon, ChainReader, ChainWriter, Landed, Neuron, Subnet } from './chain.js';

/** The chain takes the unspecified address for an axon that is taken back: nobody would ever call. @throws AssayError `invalid-input` */
export function assertAnnounceable(ip: string): void {
  if (ip !== '0.0.0.0' && ip !== '::') return;
  const expected = 'an address that peers can reach';
  throw new AssayError('invalid-input', `announceIp: ${ip} cannot be announced: expected ${expected}`, {
    what: 'announceIp',
    expected,
    got: ip,
  });
}

/**
 * Serves the axon unless the chain already has exactly this one (serving is rate-limited).
 * @returns where it landed; undefined where the chain has it already
 * @throws AssayError `chain-unknown` when the hotkey is not registered on the subnet
 */
export async function announce(
  parts: {
    reader: Pick<ChainReader, 'subnet'>;
    writer: Pick<ChainWriter, 'serveAxon'>;
    keypair: Keypair;
    log: Log;
  },
  input: { netuid: Netuid; axon: Axon },
): Promise<Landed | undefined> {
  const { keypair, log } = parts;
  const { netuid, axon } = input;
  const hotkey = toHotkey(keypair.address);
  const own = ownNeuron(await parts.reader.subnet(netuid), hotkey);
  if (!own)
    throw new AssayError(
      'chain-unknown',
      `hotkey ${hotkey} is not registered on subnet ${netuid}: register it first`,
      {
        what: `neuron ${hotkey} on subnet ${netuid}`,
      },
    );
  if (namesAxon(own, axon)) return undefined;
  const landed = await parts.writer.serveAxon(keypair, netuid, axon).catch((error: unknown) => {
    if (!isAssayError(error, 'chain-rejected') || error.data.error !== 'InvalidIpAddress') throw error;
    const message = `the chain announces no address ${axon.ip}: bind or announce one that validators can reach`;
    throw new AssayError('chain-rejected', message, error.data, { cause: error });
  });
  const key = axon.serverKey && toHex(axon.serverKey.publicKey);
  log.info('axon served', { ip: axon.ip, port: axon.port, serverKey: key, block: landed.block });
  return landed;
}

export const ownNeuron = ({ neurons }: Pick<Subnet, 'neurons'>, own: Hotkey): Neuron | undefined =>
  neurons.find(({ hotkey }) => hotkey === own);

/** Whether the chain has exactly this axon for the neuron. */
export const namesAxon = ({ axon: named }: Pick<Neuron, 'axon'>, axon: Axon): boolean =>
  named?.ip === axon.ip && named.port === axon.port && sameKey(named, axon);

function sameKey({ serverKey: a }: Axon, { serverKey: b }: Axon): boolean {
  if (!a || !b) return a === b;
  return a.algorithm === b.algorithm && equals(a.publicKey, b.publicKey);
}
