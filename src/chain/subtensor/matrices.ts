// Owns: weights and bonds of a whole subnet. Does not own: one row (neurons.ts).
import type { Netuid } from '../../model/ids.js';
import type { WeightRow } from '../chain.js';
import { unknownBlock } from './blocks.js';
import type { Connection } from './connection.js';
import { asRow, MODULE, storageIndex } from './neurons.js';
import { asBoolean, asNumber } from './plain.js';
import { readAll, readOr, requiredOf } from './storage.js';
import { stateAt } from './subnet.js';

/** Four turns of requests: two for the block, how many uids there are, all rows in pages side by side. */
export async function readMatrix(
  connection: Connection,
  item: 'Weights' | 'Bonds',
  netuid: Netuid,
  at?: Uint8Array,
  mechanism = 0,
): Promise<readonly WeightRow[]> {
  const { runtime, at: hash } = await stateAt(connection, at);
  const [added, n, count] = await readAll(
    connection,
    [
      requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
      requiredOf(runtime, MODULE, 'SubnetworkN', [netuid], asNumber),
      readOr(runtime, MODULE, 'MechanismCountCurrent', [netuid], asNumber, 1),
    ],
    hash,
  );
  if (!added) throw unknownBlock(`subnet ${netuid}`);
  if (mechanism >= count) throw unknownBlock(`mechanism ${mechanism} of subnet ${netuid}`);
  const index = storageIndex(netuid, mechanism);
  const rows = Array.from({ length: n }, (_, uid) => requiredOf(runtime, MODULE, item, [index, uid], asRow));
  return readAll(connection, rows, hash);
}
