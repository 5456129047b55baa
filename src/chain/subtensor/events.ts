// Owns: the events of a block as plain values. Does not own: what they mean to anybody.
import type { EventRecord } from '@polkadot/types/interfaces';
import type { Codec } from '@polkadot/types/types';
import type { BlockEvent } from '../operator-reads.js';
import type { Connection } from './connection.js';
import { plainOf } from './plain.js';
import { codecOf, readAll } from './storage.js';
import { stateAt } from './subnet.js';

export async function readEvents(connection: Connection, at?: Uint8Array): Promise<readonly BlockEvent[]> {
  const { runtime, at: hash } = await stateAt(connection, at);
  const [records] = await readAll(connection, [codecOf(runtime, 'System', 'Events', [])], hash);
  // Vec<EventRecord> in every Substrate runtime
  return [...(records as Codec & Iterable<EventRecord>)].map(({ phase, event }) => ({
    pallet: runtime.pallets.get(event.section) ?? event.section,
    name: event.method,
    extrinsic: phase.isApplyExtrinsic ? phase.asApplyExtrinsic.toNumber() : undefined,
    types: event.meta.fields.map(({ typeName }) => typeName.unwrapOr('').toString()),
    data: Object.fromEntries(event.data.map((value, i) => [event.data.names?.[i] ?? `${i}`, plainOf(value)])),
  }));
}
