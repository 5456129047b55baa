// Owns: `assay validator hosts`. Does not own: what is claimed, and what can be seen of it (validator/host-view.ts).
import { z } from 'zod';
import { toHotkey, toNetuid } from '../../model/ids.js';
import { silentLog } from '../../model/log.js';
import { isPublicAddress } from '../../protocol/address.js';
import { dial } from '../../protocol/dial.js';
import { connectsTo, viewHosts } from '../../validator/host-view.js';
import { loadKey, systemParts } from '../assemble.js';
import { loadFlags } from '../config.js';
import { networkFlags, withChain } from '../networks.js';
import { EXIT, print, printJson } from '../output.js';
import { sayWhile } from '../progress.js';
import { Table } from '../table.js';
import { minedNetuidFlag } from './chain/flags.js';

const text = z.string().min(1).max(4096);
const schema = z.strictObject({
  ...networkFlags,
  netuid: minedNetuidFlag,
  hotkey: text,
  wallet: text.optional(),
  walletPath: text.optional(),
  miner: z.array(text).max(256).optional(),
});

export async function validatorHosts(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  const keypair = await loadKey(options, silentLog);
  const { createGrpcWire } = await import('../../protocol/grpc/wire.js');
  return withChain(options, signal, async (chain) => {
    const netuid = toNetuid(options.netuid);
    const [info, subnet] = await Promise.all([chain.info(), chain.subnet(netuid)]);
    const { clock } = systemParts;
    const parts = { ...systemParts, wire: createGrpcWire({ clock }), keypair, log: silentLog };
    const asked = options.miner && new Set(options.miner.map(toHotkey));
    const neurons = subnet.neurons.filter(({ hotkey }) => asked?.has(hotkey) ?? true);
    const views = await sayWhile(`asking ${neurons.length} neurons`, () =>
      viewHosts(
        {
          peerOf: ({ hotkey, axon }) => {
            const { ip: host, port, serverKey } = axon!; // only neurons that serve one are asked
            return dial(parts, { address: { host, port, serverKey }, hotkey, netuid });
          },
          connects: connectsTo((ip) => info.type !== 'live' || isPublicAddress(ip)),
        },
        {
          subnet: { ...subnet, neurons },
          netuid,
          genesis: info.genesisHash,
          self: toHotkey(keypair.address),
        },
        signal,
      ),
    );
    if (options.json) {
      for (const view of views) printJson(view);
      return EXIT.ok;
    }
    const table = new Table({ head: ['uid', 'worker', 'fact', 'value', 'is', 'note'] });
    for (const { uid, facts } of views)
      for (const { worker = '', fact, value, mark, note = '' } of facts)
        table.push([uid, worker, fact, value, mark, note]);
    print(table.toString());
    print('nothing of this is paid for; what is claimed, nobody has looked at');
    return EXIT.ok;
  });
}
