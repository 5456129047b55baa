// Owns: who lends to whom, written down on both sides (subtensor staking/set_children.rs, `PCRelations`). Does not own: who
// may change it and when (children.ts), swaps of hotkeys as a whole (hotkey-swaps.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import { publicKeyOf } from '../../../chain/codec/types.js';
import { compare } from '../../../model/bytes.js';
import { ensure } from '../../dispatch.js';
import type { State } from '../../state.js';

const S = runtime.SubtensorModule.storage;
const U64_MAX = (1n << 64n) - 1n;
const MAX_CHILDREN = 5;

/** A child with its part of the parent's stake, or a parent with the part it lends: of 2^64−1. */
export type Link = readonly [proportion: bigint, hotkey: string];

/** `ensure_pending_consistency` @throws CallFailed the first rule that these children break */
export function ensureFamily(hotkey: string, children: readonly Link[], parents: readonly Link[]): void {
  ensure(!has(children, hotkey), 'InvalidChild');
  ensure(children.length <= MAX_CHILDREN, 'TooManyChildren');
  ensure(fitsWhole(children), 'ProportionOverflow');
  ensure(areApart(children, parents), 'ChildParentInconsistency');
}

export const fitsWhole = (children: readonly Link[]): boolean =>
  children.reduce((sum, [proportion]) => sum + proportion, 0n) <= U64_MAX;

/** Nobody lends to one that lends to it. */
export const areApart = (children: readonly Link[], parents: readonly Link[]): boolean =>
  children.every(([, child]) => !has(parents, child));

/** `persist_child_parent_relations`: a hotkey's own lists by account, as the chain's maps order them. */
export function persistLinks(
  state: State,
  netuid: number,
  hotkey: string,
  family: { readonly children: readonly Link[]; readonly parents: readonly Link[] },
): void {
  persistSide(state, netuid, hotkey, family.children, S.ChildKeys, S.ParentKeys);
  persistSide(state, netuid, hotkey, family.parents, S.ParentKeys, S.ChildKeys);
}

/** @param own where the hotkey's list lies @param other where each of the others notes the hotkey */
function persistSide(
  state: State,
  netuid: number,
  hotkey: string,
  links: readonly Link[],
  own: LinkItem,
  other: LinkItem,
): void {
  const former = state.get(own, hotkey, netuid);
  putLinks(state, own, hotkey, netuid, byAccount(links));
  for (const [proportion, who] of links)
    putLinks(state, other, who, netuid, withLink(state.get(other, who, netuid), [proportion, hotkey]));
  for (const [, who] of former)
    if (!has(links, who))
      putLinks(state, other, who, netuid, withoutLink(state.get(other, who, netuid), hotkey));
}

/**
 * `parent_child_swap_hotkey`: all links of `from`, and the children that wait, become `to`'s; what `to` had is replaced.
 *
 * @throws CallFailed `InvalidChild` when the two are linked themselves, or what waits does not fit
 */
export function moveLinks(state: State, netuid: number, from: string, to: string): void {
  const children = state.get(S.ChildKeys, from, netuid);
  const parents = state.get(S.ParentKeys, from, netuid);
  persistLinks(state, netuid, from, { children: [], parents: [] });
  ensure(!has(children, to) && !has(parents, to), 'InvalidChild');
  if (state.has(S.PendingChildKeys, netuid, from)) {
    const pending = state.get(S.PendingChildKeys, netuid, from);
    ensureFamily(to, pending[0], parents);
    state.delete(S.PendingChildKeys, netuid, from);
    state.put(S.PendingChildKeys, [netuid, to], pending);
  }
  persistLinks(state, netuid, to, { children, parents });
  for (const [, parent] of state.keys(S.PendingChildKeys, netuid)) {
    const [waiting, dueBlock] = state.get(S.PendingChildKeys, netuid, parent);
    const link = waiting.find(([, child]) => child === from);
    if (link)
      state.put(
        S.PendingChildKeys,
        [netuid, parent],
        [[...withoutLink(waiting, from), [link[0], to]], dueBlock],
      );
  }
}

type LinkItem = typeof S.ChildKeys | typeof S.ParentKeys;

const has = (links: readonly Link[], hotkey: string): boolean => links.some(([, who]) => who === hotkey);

const byAccount = (links: readonly Link[]): readonly Link[] =>
  [...links].sort(([, a], [, b]) => compare(publicKeyOf(a), publicKeyOf(b)));

/** A known one keeps its place, a new one comes last. */
function withLink(links: readonly Link[], link: Link): readonly Link[] {
  const at = links.findIndex(([, hotkey]) => hotkey === link[1]);
  return at < 0 ? [...links, link] : links.with(at, link);
}

const withoutLink = (links: readonly Link[], hotkey: string): readonly Link[] =>
  links.filter(([, who]) => who !== hotkey);

function putLinks(
  state: State,
  item: LinkItem,
  hotkey: string,
  netuid: number,
  links: readonly Link[],
): void {
  if (links.length > 0) state.put(item, [hotkey, netuid], links);
  else state.delete(item, hotkey, netuid);
}
