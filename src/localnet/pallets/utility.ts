// Owns: Utility: several calls in one, and that none of them is again such a batch (subtensor pallets/utility, runtime
// `NoNestingCallFilter`).
import { BATCHED_CALLS_LIMIT } from '../../chain/codec/pallets/utility.js';
import type { RuntimeCall } from '../../chain/codec/runtime.js';
import { badOrigin, type CallContext, CallFailed, type Handlers, moduleError } from '../dispatch.js';

type Batch = { readonly calls: readonly RuntimeCall[] };

export const utilityHandlers: Handlers<'Utility'> = {
  /** Up to the first that fails; what was done before it stays, and the extrinsic succeeds. */
  batch({ calls }, context) {
    ensureBatch(calls, context);
    for (const [index, call] of calls.entries()) {
      const error = context.dispatch(call, context.origin);
      if (error) {
        context.emit({ pallet: 'Utility', name: 'BatchInterrupted', data: { index, error } });
        return;
      }
      context.emit({ pallet: 'Utility', name: 'ItemCompleted', data: {} });
    }
    context.emit({ pallet: 'Utility', name: 'BatchCompleted', data: {} });
  },
  /** All or nothing. */
  batch_all({ calls }, context) {
    ensureBatch(calls, context);
    for (const call of calls) {
      const error = context.dispatch(call, context.origin);
      if (error) throw new CallFailed(error);
      context.emit({ pallet: 'Utility', name: 'ItemCompleted', data: {} });
    }
    context.emit({ pallet: 'Utility', name: 'BatchCompleted', data: {} });
  },
  /** All of them, whatever becomes of the others. */
  force_batch({ calls }, context) {
    ensureBatch(calls, context);
    let failed = false;
    for (const call of calls) {
      const error = context.dispatch(call, context.origin);
      failed ||= error !== undefined;
      if (error) context.emit({ pallet: 'Utility', name: 'ItemFailed', data: { error } });
      else context.emit({ pallet: 'Utility', name: 'ItemCompleted', data: {} });
    }
    const name = failed ? 'BatchCompletedWithErrors' : 'BatchCompleted';
    context.emit({ pallet: 'Utility', name, data: {} });
  },
};

function ensureBatch(calls: Batch['calls'], { origin }: CallContext): void {
  if (origin.type === 'none') throw badOrigin();
  if (calls.length > BATCHED_CALLS_LIMIT) throw moduleError('Utility', 'TooManyCalls');
}

/** What the runtime's filter refuses from a signer; root is not filtered. */
export const isNestedBatch = (call: RuntimeCall): boolean =>
  call.pallet === 'Utility' && call.args.calls.some(({ pallet }) => pallet === 'Utility');
