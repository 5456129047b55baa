// Owns: seats in the root network (subtensor coinbase/root.rs). Left out: weights of root, which the chain has no more,
// and claims of root dividends.
import { runtime } from '../../../chain/codec/runtime.js';
import { type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { appendNeuron, replaceNeuron } from './neurons.js';
import { becomeDelegate, createHotkey } from './staking.js';

const S = runtime.SubtensorModule.storage;
const ROOT = 0;

/** While there are seats anybody gets one; then only who has more root stake than the poorest, whose seat it becomes. */
export function rootRegister({ hotkey }: { readonly hotkey: string }, context: CallContext): void {
  const { state } = context;
  ensure(state.get(S.NetworksAdded, ROOT), 'RootNetworkDoesNotExist');
  const coldkey = ensureSigned(context.origin);
  const thisBlock = state.get(S.RegistrationsThisBlock, ROOT);
  ensure(thisBlock < state.get(S.MaxRegistrationsPerBlock, ROOT), 'TooManyRegistrationsThisBlock');
  const thisInterval = state.get(S.RegistrationsThisInterval, ROOT);
  const target = state.get(S.TargetRegistrationsPerInterval, ROOT);
  ensure(thisInterval < 3 * target, 'TooManyRegistrationsThisInterval');
  ensure(!state.has(S.Uids, ROOT, hotkey), 'HotKeyAlreadyRegisteredInSubNet');
  createHotkey(context, coldkey, hotkey);
  const uid = takeSeat(hotkey, context);
  becomeDelegate(state, hotkey);
  state.put(S.RegistrationsThisInterval, [ROOT], thisInterval + 1);
  state.put(S.RegistrationsThisBlock, [ROOT], thisBlock + 1);
  context.emit({ pallet: 'SubtensorModule', name: 'NeuronRegistered', data: [ROOT, uid, hotkey] });
}

function takeSeat(hotkey: string, context: CallContext): number {
  const { state } = context;
  if (state.get(S.SubnetworkN, ROOT) < state.get(S.MaxAllowedUids, ROOT))
    return appendNeuron(context, ROOT, hotkey);
  const poorest = poorestSeat(state);
  const stakeRao = state.get(S.TotalHotkeyAlpha, hotkey, ROOT);
  ensure(poorest !== undefined && poorest.stakeRao < stakeRao, 'StakeTooLowForRoot');
  replaceNeuron(context, ROOT, poorest.uid, hotkey);
  return poorest.uid;
}

/** The first of equals, in the order of storage keys. */
function poorestSeat(state: StateView): { readonly uid: number; readonly stakeRao: bigint } | undefined {
  let poorest: { readonly uid: number; readonly stakeRao: bigint } | undefined;
  for (const [, uid] of state.keys(S.Keys, ROOT)) {
    const stakeRao = state.get(S.TotalHotkeyAlpha, state.get(S.Keys, ROOT, uid), ROOT);
    if (poorest === undefined || stakeRao < poorest.stakeRao) poorest = { uid, stakeRao };
  }
  return poorest;
}
