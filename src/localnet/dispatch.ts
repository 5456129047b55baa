// Owns: carrying out one call: origin, context, failure, nesting. Does not own: what calls do (pallets/), blocks.
import type { ErrorName } from '../chain/codec/pallet.js';
import {
  dispatchErrorName,
  type Runtime,
  type RuntimeCall,
  type RuntimeEvent,
  runtime,
} from '../chain/codec/runtime.js';
import type { FieldsValue, ValueOf, VariantDef } from '../chain/codec/scale.js';
import type { dispatchError, tokenError } from '../chain/codec/types.js';
import type { State } from './state.js';

export type Origin =
  | { readonly type: 'signed'; readonly who: string }
  | { readonly type: 'root' }
  /** the block's author: inherents */
  | { readonly type: 'none' };

/** What a block offers to the code that runs in it. */
export interface BlockContext {
  readonly state: State;
  /** the block being made */
  readonly block: number;
  /** tempo that register_network gives. @default 360, the chain's */
  readonly newSubnetTempo?: number;
  emit(event: RuntimeEvent): void;
}

export interface CallContext extends BlockContext {
  readonly origin: Origin;
  /** Carries out another call and keeps its effects only if it succeeds. */
  dispatch(call: RuntimeCall, origin: Origin): DispatchError | undefined;
}

export type DispatchError = ValueOf<typeof dispatchError>;

/**
 * Thrown by a call to undo itself. Not an AssayError: it never leaves the block, where it becomes the ExtrinsicFailed
 * event, as a failed dispatch is no failure of the node.
 */
export class CallFailed extends Error {
  constructor(readonly error: DispatchError) {
    super(dispatchErrorName(error));
  }
}

type WithErrors =
  | 'SubtensorModule'
  | 'AdminUtils'
  | 'Sudo'
  | 'Balances'
  | 'System'
  | 'Swap'
  | 'Utility'
  | 'Commitments';

export function moduleError<P extends WithErrors>(pallet: P, name: ErrorName<Runtime[P]>): CallFailed {
  const { index, errors } = runtime[pallet];
  const position = (errors as readonly (readonly [string, number])[]).find(([known]) => known === name)![1];
  return new CallFailed({ type: 'Module', value: [{ index, error: Uint8Array.of(position, 0, 0, 0) }] });
}

export const badOrigin = (): CallFailed => new CallFailed({ type: 'BadOrigin', value: [] });
export const tokenFailed = (error: ValueOf<typeof tokenError>): CallFailed =>
  new CallFailed({ type: 'Token', value: [error] });

/** `ensure!` of the chain for SubtensorModule's errors. */
export function ensure(condition: boolean, error: ErrorName<Runtime['SubtensorModule']>): asserts condition {
  if (!condition) throw moduleError('SubtensorModule', error);
}

/** @returns the signer. @throws CallFailed `BadOrigin` */
export function ensureSigned(origin: Origin): string {
  if (origin.type !== 'signed') throw badOrigin();
  return origin.who;
}

export function ensureRoot(origin: Origin): void {
  if (origin.type !== 'root') throw badOrigin();
}

/** One function per call that the pallet lists in its metadata; the compiler sees that none is missing. */
export type Handlers<P extends keyof Runtime> = {
  readonly [N in keyof Runtime[P]['calls']]: (
    args: Runtime[P]['calls'][N] extends VariantDef<infer F> ? FieldsValue<F> : never,
    context: CallContext,
  ) => void;
};

type AnyHandler = (args: unknown, context: CallContext) => void;
export type AllHandlers = { readonly [P in keyof Runtime]: Handlers<P> };

export type Dispatcher = (call: RuntimeCall, origin: Origin) => DispatchError | undefined;

/**
 * Calls of one block: what fails leaves neither writes nor events. A fault of our own fails the call as `Other` and is
 * told to `onFault`: arguments that we did not foresee must not stop the chain.
 */
export function createDispatcher(
  handlers: AllHandlers,
  guard: (who: string, call: RuntimeCall, block: BlockContext) => CallFailed | undefined,
  block: BlockContext & {
    readonly events: RuntimeEvent[];
    readonly onFault: (error: unknown, call: string) => void;
  },
): Dispatcher {
  const dispatch: Dispatcher = (call, origin) => {
    const table = handlers[call.pallet] as Readonly<Record<string, AnyHandler>>;
    const mark = block.state.mark();
    const events = block.events.length;
    try {
      const refusal = origin.type === 'signed' ? guard(origin.who, call, block) : undefined;
      if (refusal) throw refusal;
      table[call.name]!(call.args, {
        state: block.state,
        block: block.block,
        ...(block.newSubnetTempo === undefined ? {} : { newSubnetTempo: block.newSubnetTempo }),
        emit: (event) => block.emit(event),
        origin,
        dispatch,
      });
      return undefined;
    } catch (error) {
      block.state.rollback(mark);
      block.events.length = events;
      if (error instanceof CallFailed) return error.error;
      block.onFault(error, `${call.pallet}.${call.name}`);
      return { type: 'Other', value: [] };
    }
  };
  return dispatch;
}
