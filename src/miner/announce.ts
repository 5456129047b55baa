// Owns: telling the chain where this miner answers. Does not own: the port itself (protocol/serve).
import type { Axon, ChainReader, ChainWriter } from '../chain/chain.js';
import type { Keypair } from '../keys/keypair.js';
import { equals, toHex } from '../model/bytes.js';
import { AssayError, isAssayError } from '../model/errors.js';
import { type Netuid, toHotkey } from '../model/ids.js';
import type { Log } from '../model/log.js';

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
