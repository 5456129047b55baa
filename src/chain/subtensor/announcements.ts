// Owns: what the hotkeys of a subnet announced: axon, prometheus, TLS key. Does not own: whether anybody answers there.
import { type Netuid, toHotkey } from '../../model/ids.js';
import { fromChainIp } from '../address.js';
import type { Announcement, Endpoint } from '../operator-reads.js';
import type { Connection } from './connection.js';
import { type AxonRecord, asAxonRecord, axonOf, MODULE, serverKeyOf } from './neurons.js';
import { keysOf, lastAccountOf, optionOf, readLists } from './storage.js';
import { stateAt } from './subnet.js';

export async function readAnnouncements(
  connection: Connection,
  netuid: Netuid,
  at?: Uint8Array,
): Promise<readonly Announcement[]> {
  const { runtime, at: hash } = await stateAt(connection, at);
  const keys = await Promise.all(
    ['Axons', 'Prometheus'].map((name) =>
      keysOf(connection, runtime, { pallet: MODULE, name, args: [netuid] }, hash),
    ),
  );
  // a certificate is only ever stored beside an axon
  const hotkeys = [...new Set(keys.flat().map(lastAccountOf))].sort();
  const [axons, prometheus, serverKeys] = await readLists(
    connection,
    [
      hotkeys.map((hotkey) => axonOf(runtime, netuid, hotkey)),
      // PrometheusInfo has the fields of AxonRecord, and no others
      hotkeys.map((hotkey) => optionOf(runtime, MODULE, 'Prometheus', [netuid, hotkey], asAxonRecord)),
      hotkeys.map((hotkey) => serverKeyOf(runtime, netuid, hotkey)),
    ],
    hash,
  );
  return hotkeys.map((hotkey, i) => ({
    hotkey: toHotkey(hotkey),
    axon: toEndpoint(axons[i]),
    prometheus: toEndpoint(prometheus[i]),
    serverKey: serverKeys[i],
  }));
}

const toEndpoint = (record: AxonRecord | undefined): Endpoint | undefined =>
  record && {
    ip: fromChainIp(record.ip, record.ipType),
    port: record.port,
    block: record.block,
    version: record.version,
  };
