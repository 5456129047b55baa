// Owns: who is asked for a miner's files, and over which connections. Does not own: asking (rollouts/fetch.ts).
import type { Neuron, Subnet } from '../chain/chain.js';
import { toHex } from '../model/bytes.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import { shuffled } from '../model/prng.js';
import { dial } from '../protocol/dial.js';
import type { MinerPeer, SessionParts } from '../protocol/session.js';
import type { Holder } from './fetch.js';

/** Others that are asked after the miner, validators before miners: one that it starves has the file from one that it does not. */
const OTHERS = 4;

export interface Holders {
  of(miner: Hotkey, subnet: Subnet): readonly Holder[];
  close(): void;
}

/** One connection for each neuron and address, made when it is first asked; those of a window may serve the next. */
export function createHolders(
  parts: SessionParts,
  { netuid, self }: { readonly netuid: Netuid; readonly self: Hotkey },
): Holders {
  const open = new Map<Hotkey, { readonly key: string; readonly peer: MinerPeer }>();
  let seen: Subnet['neurons'] | undefined;

  /** Who is registered no more, or serves nothing, keeps no connection; looked at once for each state of the subnet. */
  const letGo = (neurons: Subnet['neurons']): void => {
    if (neurons === seen) return;
    seen = neurons;
    const served = new Set(neurons.filter(({ axon }) => axon !== undefined).map(({ hotkey }) => hotkey));
    for (const [hotkey, { peer }] of open)
      if (!served.has(hotkey)) {
        open.delete(hotkey);
        peer.close();
      }
  };

  const peerOf = ({ hotkey, axon }: Neuron): MinerPeer => {
    const { ip: host, port, serverKey } = axon!; // `of` names only those that serve one
    const pin = serverKey ? ` ${serverKey.algorithm}:${toHex(serverKey.publicKey)}` : '';
    const key = `${host}:${port}${pin}`;
    const known = open.get(hotkey);
    if (known?.key === key) return known.peer;
    known?.peer.close();
    open.delete(hotkey); // dial may refuse the new one
    const peer = dial(parts, { address: { host, port, serverKey }, hotkey, netuid });
    open.set(hotkey, { key, peer });
    return peer;
  };
  /** An address that may not be dialled is nobody's fault but its owner's. */
  const tried = (neuron: Neuron): readonly Holder[] => {
    try {
      return [peerOf(neuron)];
    } catch (error) {
      parts.log.debug('an axon cannot be dialled', { hotkey: neuron.hotkey, error });
      return [];
    }
  };

  return {
    of(miner, { neurons }) {
      letGo(neurons);
      const served = neurons.filter(({ axon, hotkey }) => axon !== undefined && hotkey !== self);
      const others = shuffled(
        served.filter(({ hotkey }) => hotkey !== miner),
        parts.random,
      ).sort((a, b) => Number(b.validatorPermit) - Number(a.validatorPermit));
      const asked = [...served.filter(({ hotkey }) => hotkey === miner), ...others.slice(0, OTHERS)];
      return asked.flatMap(tried);
    },
    close() {
      for (const { peer } of open.values()) peer.close();
      open.clear();
    },
  };
}
