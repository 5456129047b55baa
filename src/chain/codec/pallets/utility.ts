// Owns: pallet Utility (11), reduced to its batches (subtensor pallets/utility/src/lib.rs).
import { call, definePallet, event } from '../pallet.js';
import { type Codec, u32, vec } from '../scale.js';
import { storageOf } from '../storage.js';
import { dispatchError } from '../types.js';

/** `batched_calls_limit` of mainnet's metadata: a third of what the allocator gives, at 1024 bytes a call. */
export const BATCHED_CALLS_LIMIT = 10_922;

/** `runtimeCall` comes from runtime.ts: a batch holds calls of any pallet. */
export const utilityPallet = <C>(runtimeCall: Codec<C>) =>
  definePallet({
    name: 'Utility',
    index: 11,
    storage: storageOf('Utility', {}),
    calls: {
      batch: call(0, { calls: vec(runtimeCall) }),
      batch_all: call(2, { calls: vec(runtimeCall) }),
      force_batch: call(4, { calls: vec(runtimeCall) }),
    },
    events: {
      BatchInterrupted: event(0, { index: u32, error: dispatchError }),
      BatchCompleted: event(1, {}),
      BatchCompletedWithErrors: event(2, {}),
      ItemCompleted: event(3, {}),
      ItemFailed: event(4, { error: dispatchError }),
    },
    errors: [
      ['TooManyCalls', 0],
      ['InvalidDerivedAccount', 1],
    ],
    constants: { batched_calls_limit: { type: u32, value: BATCHED_CALLS_LIMIT } },
  });
