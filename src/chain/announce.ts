// Owns: telling the chain where a role answers. Does not own: the port itself (protocol/serve).

import type { Keypair } from '../keys/keypair.js';
import { equals, toHex } from '../model/bytes.js';
import { AssayError, isAssayError } from '../model/errors.js';
import { type Netuid, toHotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Axon, ChainReader, ChainWriter } from './chain.js';

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
): Promise<void> {
  const { keypair, log } = parts;
  const { netuid, axon } = input;
  const hotkey = toHotkey(keypair.address);
  const { neurons } = await parts.reader.subnet(netuid);
  const own = neurons.find((neuron) => neuron.hotkey === hotkey);
  if (!own)
    throw new AssayError(
      'chain-unknown',
      `hotkey ${hotkey} is not registered on subnet ${netuid}: register it first`,
      {
        what: `neuron ${hotkey} on subnet ${netuid}`,
      },
    );
  if (own.axon?.ip === axon.ip && own.axon.port === axon.port && sameKey(own.axon, axon)) return;
  const landed = await parts.writer.serveAxon(keypair, netuid, axon).catch((error: unknown) => {
    if (!isAssayError(error, 'chain-rejected') || error.data.error !== 'InvalidIpAddress') throw error;
    const message = `the chain announces no address ${axon.ip}: bind or announce one that validators can reach`;
    throw new AssayError('chain-rejected', message, error.data, { cause: error });
  });
  const key = axon.serverKey && toHex(axon.serverKey.publicKey);
  log.info('axon served', { ip: axon.ip, port: axon.port, serverKey: key, block: landed.block });
}

function sameKey({ serverKey: a }: Axon, { serverKey: b }: Axon): boolean {
  if (!a || !b) return a === b;
  return a.algorithm === b.algorithm && equals(a.publicKey, b.publicKey);
}
