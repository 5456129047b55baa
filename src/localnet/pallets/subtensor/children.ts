// Owns: child keys in storage: setting them, waiting, coming into force, and what an epoch reads of them (subtensor
// staking/set_children.rs). Does not own: what they do to stake and dividends (emissions/children.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import { NO_RELATIONS, type OwnStake, type Relations } from '../../../emissions/children.js';
import type { Family, Outsider } from '../../../emissions/coinbase.js';
import { type ConsensusStake, consensusStake } from '../../../emissions/stake.js';
import {
  type BlockContext,
  type CallContext,
  CallFailed,
  ensure,
  ensureRoot,
  ensureSigned,
} from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { areApart, ensureFamily, fitsWhole, type Link, persistLinks } from './children-links.js';
import { ownerOf, ownsHotkey, totalStakeOf } from './staking.js';
import { childkeyTakeOf } from './takes.js';
import { noteTransaction, passesTransactionLimit } from './transaction-limits.js';

const S = runtime.SubtensorModule.storage;
const U64_MAX = (1n << 64n) - 1n;
/** 30 minutes */
const SET_CHILDREN_BLOCKS = 150n;

interface SetChildren {
  readonly hotkey: string;
  readonly netuid: number;
  readonly children: readonly Link[];
}

export function setChildren(args: SetChildren, context: CallContext): void {
  schedule(args, ensureSigned(context.origin), context);
}

/** `do_schedule_children` */
function schedule({ hotkey, netuid, children }: SetChildren, coldkey: string, context: BlockContext): void {
  const { state, block } = context;
  const transaction = { account: hotkey, netuid, type: 'SetChildren' } as const;
  ensure(passesTransactionLimit(state, transaction, block, SET_CHILDREN_BLOCKS), 'TxRateLimitExceeded');
  ensure(netuid !== 0, 'RegistrationNotPermittedOnRootSubnet');
  ensure(state.get(S.NetworksAdded, netuid), 'SubnetNotExists');
  ensure(ownsHotkey(state, coldkey, hotkey), 'NonAssociatedColdKey');
  ensure(new Set(children.map(([, child]) => child)).size === children.length, 'DuplicateChild');
  ensureFamily(hotkey, children, state.get(S.ParentKeys, hotkey, netuid));
  const hasStake =
    children.length === 0 ||
    totalStakeOf(state, hotkey) >= state.get(S.StakeThreshold) ||
    state.get(S.SubnetOwnerHotkey, netuid) === hotkey;
  ensure(hasStake, 'NotEnoughStakeToSetChildkeys');
  noteTransaction(state, transaction, block);
  // before a subnet starts nobody could be taken by surprise
  if (!state.get(S.SubtokenEnabled, netuid)) {
    applyChildren(context, netuid, hotkey, children);
    return;
  }
  const dueBlock = block + state.get(S.PendingChildKeyCooldown);
  state.put(S.PendingChildKeys, [netuid, hotkey], [children, dueBlock]);
  const data = [hotkey, netuid, dueBlock, children] as const;
  context.emit({ pallet: 'SubtensorModule', name: 'SetChildrenScheduled', data });
}

export function setPendingChildkeyCooldown(
  { cooldown }: { readonly cooldown: number },
  { origin, state }: CallContext,
): void {
  ensureRoot(origin);
  state.put(S.PendingChildKeyCooldown, [], cooldown);
}

/** `try_set_pending_children`: in the block of a subnet's epoch, after it: they count from the next one. */
export function activatePendingChildren(context: BlockContext, netuid: number): void {
  const { state, block } = context;
  for (const [, hotkey] of state.keys(S.PendingChildKeys, netuid)) {
    const [children, dueBlock] = state.get(S.PendingChildKeys, netuid, hotkey);
    if (dueBlock >= block && state.get(S.SubtokenEnabled, netuid)) continue;
    applyChildren(context, netuid, hotkey, children);
    state.delete(S.PendingChildKeys, netuid, hotkey);
  }
}

/** Children that became parents meanwhile make all of it void, silently (`persist_pending_chidren_ok`). */
function applyChildren(context: BlockContext, netuid: number, hotkey: string, asked: readonly Link[]): void {
  const { state } = context;
  const children = asked.filter(([, child]) => child !== hotkey);
  const parents = state.get(S.ParentKeys, hotkey, netuid);
  if (!fitsWhole(children) || !areApart(children, parents)) return;
  persistLinks(state, netuid, hotkey, { children, parents });
  context.emit({ pallet: 'SubtensorModule', name: 'SetChildren', data: [hotkey, netuid, asked] });
}

/** Whether a root validator lends all of its stake to the owners of new subnets. */
export function setAutoParentDelegation(
  { hotkey, enabled }: { readonly hotkey: string; readonly enabled: boolean },
  context: CallContext,
): void {
  const { state } = context;
  ensure(ownsHotkey(state, ensureSigned(context.origin), hotkey), 'NonAssociatedColdKey');
  state.put(S.AutoParentDelegationEnabled, [hotkey], enabled);
  const data = { hotkey, enabled };
  context.emit({ pallet: 'SubtensorModule', name: 'AutoParentDelegationEnabledSet', data });
}

/**
 * `do_set_root_validators_for_subnet`: a new subnet's owner hotkey becomes the child of every root validator that did not
 * opt out and may set children.
 */
export function linkRootValidators(context: BlockContext, netuid: number): void {
  const { state } = context;
  const owner = state.get(S.SubnetOwnerHotkey, netuid);
  for (const keys of state.keys(S.Keys, 0)) {
    const hotkey = state.get(S.Keys, ...keys);
    if (hotkey === owner || !state.get(S.AutoParentDelegationEnabled, hotkey)) continue;
    try {
      schedule({ hotkey, netuid, children: [[U64_MAX, owner]] }, ownerOf(state, hotkey), context);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error; // the chain leaves such a validator out
    }
  }
}

/** What a hotkey lends and borrows on a subnet, with the parents' stakes as they are now. */
export function relationsOf(state: StateView, hotkey: string, netuid: number): Relations {
  const children = state.get(S.ChildKeys, hotkey, netuid);
  const parents = state.get(S.ParentKeys, hotkey, netuid);
  if (children.length === 0 && parents.length === 0) return NO_RELATIONS;
  return {
    childProportions: children.map(([proportion]) => proportion),
    parents: parents.map(([proportion, parent]) => ({
      hotkey: parent,
      coldkey: ownerOf(state, parent),
      proportion,
      ...ownStakeOf(state, parent, netuid),
    })),
  };
}

/** `get_stake_weights_for_hotkey_on_subnet`: what counts for permits, thresholds and consensus. */
export const consensusStakeOf = (state: StateView, hotkey: string, netuid: number): ConsensusStake =>
  consensusStake(
    { ...ownStakeOf(state, hotkey, netuid), taoWeight: state.get(S.TaoWeight) },
    relationsOf(state, hotkey, netuid),
  );

/** For `distributeEmission`: undefined for a hotkey without children and parents. */
export function familyOf(state: StateView, hotkey: string, netuid: number): Family | undefined {
  const relations = relationsOf(state, hotkey, netuid);
  if (relations === NO_RELATIONS) return undefined;
  return { ...relations, childkeyTake: childkeyTakeOf(state, hotkey, netuid) };
}

/** For `distributeEmission`: the parents of these neurons that are none of them, each once. */
export function outsidersOf(
  state: StateView,
  hotkeys: readonly string[],
  netuid: number,
): readonly Outsider[] {
  const known = new Set(hotkeys);
  const outsiders: Outsider[] = [];
  for (const hotkey of hotkeys)
    for (const [, parent] of state.get(S.ParentKeys, hotkey, netuid)) {
      if (known.has(parent)) continue;
      known.add(parent);
      const { alphaRao, rootTaoRao } = ownStakeOf(state, parent, netuid);
      outsiders.push({
        hotkey: parent,
        coldkey: ownerOf(state, parent),
        alphaStakeRao: alphaRao,
        rootStakeRao: rootTaoRao,
        take: state.get(S.Delegates, parent),
      });
    }
  return outsiders;
}

const ownStakeOf = (state: StateView, hotkey: string, netuid: number): OwnStake => ({
  alphaRao: state.get(S.TotalHotkeyAlpha, hotkey, netuid),
  rootTaoRao: state.get(S.TotalHotkeyAlpha, hotkey, 0),
});
