// Owns: what the calls of AdminUtils share: the subnet must be there; a value is written and told.
import type { ErrorName } from '../../chain/codec/pallet.js';
import { type Runtime, type RuntimeEvent, runtime } from '../../chain/codec/runtime.js';
import type { StorageItem } from '../../chain/codec/storage.js';
import { type BlockContext, type CallContext, ensureRoot, moduleError } from '../dispatch.js';

type EventName = Extract<RuntimeEvent, { pallet: 'SubtensorModule' }>['name'];

/** `ensure!` for AdminUtils' own errors. */
export function ensureAdmin(condition: boolean, error: ErrorName<Runtime['AdminUtils']>): asserts condition {
  if (!condition) throw moduleError('AdminUtils', error);
}

/** @throws CallFailed `SubnetDoesNotExist` */
export const ensureSubnet = ({ state }: BlockContext, netuid: number): void =>
  ensureAdmin(state.get(runtime.SubtensorModule.storage.NetworksAdded, netuid), 'SubnetDoesNotExist');

/** Writes `item[netuid]`. @param event SubtensorModule's, of netuid and value; undefined where the chain tells nothing */
export function set<V>(
  { state, emit }: BlockContext,
  item: StorageItem<readonly [number], V, V>,
  netuid: number,
  value: V,
  event: EventName | undefined,
): void {
  state.put(item, [netuid], value);
  if (event) emit(toEvent(event, [netuid, value]));
}

/** Writes a value of the whole chain, as root. */
export function setGlobal<V>(
  { state, emit, origin }: CallContext,
  item: StorageItem<readonly [], V, V>,
  value: V,
  event: EventName | undefined,
): void {
  ensureRoot(origin);
  state.put(item, [], value);
  if (event) emit(toEvent(event, [value]));
}

const toEvent = (name: EventName, data: readonly unknown[]): RuntimeEvent =>
  ({ pallet: 'SubtensorModule', name, data }) as unknown as RuntimeEvent; // encoded by the event's own codec, which checks
