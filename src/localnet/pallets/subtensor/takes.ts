// Owns: what a hotkey keeps of its nominators' dividends, and a child of its parents' (subtensor
// staking/{increase_take,decrease_take,set_children}.rs). Does not own: paying it out (emissions/coinbase.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import { type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { hotkeyExists, ownsHotkey } from './staking.js';
import { noteTransaction, passesTransactionLimit } from './transaction-limits.js';

const S = runtime.SubtensorModule.storage;

/** `take`: parts of 65535 */
interface Take {
  readonly hotkey: string;
  readonly take: number;
}

const lastTake = (hotkey: string) => ({ type: 'LastTxBlockDelegateTake', value: [hotkey] }) as const;

/** Asked before the call may enter the pool (subtensor guards/check_delegate_take.rs). */
export function checkDelegateTake(who: string, { hotkey, take }: Take, state: StateView): void {
  ensure(take >= state.get(S.MinDelegateTake), 'DelegateTakeTooLow');
  ensure(take <= state.get(S.MaxDelegateTake), 'DelegateTakeTooHigh');
  checkOwner(who, hotkey, state);
}

/** `do_take_checks` */
function checkOwner(coldkey: string, hotkey: string, state: StateView): void {
  ensure(hotkeyExists(state, hotkey), 'HotKeyAccountNotExists');
  ensure(ownsHotkey(state, coldkey, hotkey), 'NonAssociatedColdKey');
}

/** At any time; of a hotkey that never was a delegate anything within the bounds is a decrease. */
export function decreaseTake({ hotkey, take }: Take, context: CallContext): void {
  const { state, block } = context;
  const coldkey = ensureSigned(context.origin);
  checkOwner(coldkey, hotkey, state);
  const isLower = !state.has(S.Delegates, hotkey) || take < state.get(S.Delegates, hotkey);
  ensure(isLower, 'DelegateTakeTooLow');
  ensure(take >= state.get(S.MinDelegateTake), 'DelegateTakeTooLow');
  state.put(S.Delegates, [hotkey], take);
  state.put(S.LastRateLimitedBlock, [lastTake(hotkey)], block);
  context.emit({ pallet: 'SubtensorModule', name: 'TakeDecreased', data: [coldkey, hotkey, take] });
}

/** Later than TxDelegateTakeRateLimit blocks after the last change, in whichever direction that was. */
export function increaseTake({ hotkey, take }: Take, context: CallContext): void {
  const { state, block } = context;
  const coldkey = ensureSigned(context.origin);
  checkOwner(coldkey, hotkey, state);
  const isHigher = !state.has(S.Delegates, hotkey) || take > state.get(S.Delegates, hotkey);
  ensure(isHigher, 'DelegateTakeTooLow');
  ensure(take <= state.get(S.MaxDelegateTake), 'DelegateTakeTooHigh');
  const limit = state.get(S.TxDelegateTakeRateLimit);
  const last = state.get(S.LastRateLimitedBlock, lastTake(hotkey));
  ensure(limit === 0n || last === 0 || BigInt(block - last) > limit, 'DelegateTxRateLimitExceeded');
  state.put(S.LastRateLimitedBlock, [lastTake(hotkey)], block);
  state.put(S.Delegates, [hotkey], take);
  context.emit({ pallet: 'SubtensorModule', name: 'TakeIncreased', data: [coldkey, hotkey, take] });
}

/** Only an increase waits for the limit, and every change starts it anew. */
export function setChildkeyTake(
  { hotkey, netuid, take }: Take & { readonly netuid: number },
  context: CallContext,
): void {
  const { state, block } = context;
  const coldkey = ensureSigned(context.origin);
  ensure(ownsHotkey(state, coldkey, hotkey), 'NonAssociatedColdKey');
  const isWithin = take >= leastChildkeyTake(state, netuid) && take <= state.get(S.MaxChildkeyTake);
  ensure(isWithin, 'InvalidChildkeyTake');
  const transaction = { account: hotkey, netuid, type: 'SetChildkeyTake' } as const;
  const limit = state.get(S.TxChildkeyTakeRateLimit);
  ensure(
    take <= childkeyTakeOf(state, hotkey, netuid) || passesTransactionLimit(state, transaction, block, limit),
    'TxChildkeyTakeRateLimitExceeded',
  );
  noteTransaction(state, transaction, block);
  state.put(S.ChildkeyTake, [hotkey, netuid], take);
  context.emit({ pallet: 'SubtensorModule', name: 'ChildKeyTakeSet', data: [hotkey, take] });
}

/** `get_childkey_take`: what was set, or the least that holds by now; u16 */
export const childkeyTakeOf = (state: StateView, hotkey: string, netuid: number): number =>
  Math.max(state.get(S.ChildkeyTake, hotkey, netuid), leastChildkeyTake(state, netuid));

/** `get_effective_min_childkey_take` */
const leastChildkeyTake = (state: StateView, netuid: number): number =>
  Math.max(state.get(S.MinChildkeyTake), state.get(S.MinChildkeyTakePerSubnet, netuid));
