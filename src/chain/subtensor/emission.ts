// Owns: reading what a subnet makes now: alpha of a block and the owner's cut. Does not own: who is given it (emissions/coinbase.ts).
import { AssayError } from '../../model/errors.js';
import type { Netuid } from '../../model/ids.js';
import type { SubnetEmission } from '../operator-reads.js';
import { unknownBlock } from './blocks.js';
import type { Connection } from './connection.js';
import { MODULE } from './neurons.js';
import { asBigint, asBoolean, asNumber } from './plain.js';
import { hasItem, readAll, readOr, requiredOf } from './storage.js';
import { stateAt } from './subnet.js';

/** @throws AssayError `chain-unknown` for no such subnet, `unsupported` before subnets had tokens of their own */
export async function readEmission(
  connection: Connection,
  netuid: Netuid,
  at?: Uint8Array,
): Promise<SubnetEmission> {
  const { runtime, at: hash } = await stateAt(connection, at);
  const item = 'SubnetAlphaOutEmission';
  const [added, alphaOutRao, ownerCut, isCutOn] = await readAll(
    connection,
    [
      requiredOf(runtime, MODULE, 'NetworksAdded', [netuid], asBoolean),
      readOr(runtime, MODULE, item, [netuid], asBigint, 0n),
      readOr(runtime, MODULE, 'SubnetOwnerCut', [], asNumber, 0),
      readOr(runtime, MODULE, 'OwnerCutEnabled', [netuid], asBoolean, true),
    ],
    hash,
  );
  if (!added) throw unknownBlock(`subnet ${netuid}`);
  if (!hasItem(runtime, MODULE, item))
    throw new AssayError('unsupported', `this chain has no ${item}: its subnets have no alpha`, {
      what: item,
      why: 'its runtime is older than tokens of subnets',
    });
  return { alphaOutRao, ownerCut: isCutOn ? ownerCut : 0 };
}
