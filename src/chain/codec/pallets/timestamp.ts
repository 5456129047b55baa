// Owns: pallet Timestamp (2).
import { call, definePallet } from '../pallet.js';
import { bool, compact, u64 } from '../scale.js';
import { storageOf, value } from '../storage.js';

export const timestampPallet = (blockTimeMs: number) =>
  definePallet({
    name: 'Timestamp',
    index: 2,
    storage: storageOf('Timestamp', { Now: value(u64, 0n), DidUpdate: value(bool, false) }),
    calls: { set: call(0, { now: compact(u64) }) },
    events: {},
    errors: [],
    // half a block, as on Subtensor: clients derive the block time from it
    constants: { MinimumPeriod: { type: u64, value: BigInt(Math.max(1, Math.floor(blockTimeMs / 2))) } },
  });
