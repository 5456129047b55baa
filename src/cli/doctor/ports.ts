// Owns: what can be seen from this host of the port at which it is announced. Does not own: how others see it (reach.ts).
import { isLoopback } from '../../protocol/address.js';
import { connectsTo } from '../../validator/host-view.js';
import { type Check, failed, ok, unknown, warning } from './check.js';
import type { Inventory } from './inventory.js';

export interface Announced {
  readonly ip: string;
  readonly port: number;
}

/** Whether something takes a connection there, from here; by whose word it may be asked was settled before. */
export const takesConnection = connectsTo(() => true);

/** @param answers whether it took a connection from here */
export function axonPortCheck(
  { ip, port }: Announced,
  { network, facts }: Pick<Inventory, 'network' | 'facts'>,
  answers: boolean,
): Check {
  const own = network.some(({ addresses }) => addresses.includes(ip));
  const isHere = own || isLoopback(ip);
  const at = `${ip}:${port}`;
  const listens = facts.openPorts?.includes(port);
  if (answers) {
    const how = isHere
      ? 'an address of this host, so no firewall lay between'
      : 'which is not an address of this host: it went through the router and back';
    return ok(
      'axon port',
      `${at} answers from here (${how}). Whether it does from elsewhere only others can say: --from`,
    );
  }
  if (isHere)
    return failed(
      'axon port',
      `nothing listens at ${at}`,
      'start the miner (assay miner start), with the --host and --port that the chain names; look at assay miner status',
    );
  if (listens === true)
    return unknown(
      'axon port',
      `${at} does not answer from here, and something listens on port ${port} of this host: many routers do not lead back in`,
      'ask from elsewhere: --from ADDRESS of a host on which assay miner vantage runs',
    );
  return warning(
    'axon port',
    `${at} does not answer from here, and nothing listens on port ${port} of this host on an outer address`,
    'if this is the miner’s host, start it; if its router maps another port, look from elsewhere (--from)',
  );
}
