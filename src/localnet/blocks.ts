// Owns: making blocks and remembering them: order inside a block, events, header, finality. Does not own: the pool, RPC.

import { createHash } from 'node:crypto';
import { encodeInherent } from '../chain/codec/extrinsic.js';
import { type Header, headerHash } from '../chain/codec/header.js';
import {
  type EventRecord,
  type RuntimeCall,
  type RuntimeEvent,
  runtime,
  runtimeCall,
  runtimeVersion,
} from '../chain/codec/runtime.js';
import { encode } from '../chain/codec/scale.js';
import { blake2b256 } from '../chain/codec/storage.js';
import {
  type AllHandlers,
  type BlockContext,
  createDispatcher,
  type DispatchError,
  moduleError,
  type Origin,
} from './dispatch.js';
import { LocalnetUpgradedAt } from './faults-upgrade.js';
import { adminUtilsHandlers } from './pallets/admin-utils.js';
import { balancesHandlers } from './pallets/balances.js';
import { commitmentsHandlers, revealCommitments } from './pallets/commitments.js';
import { type Beacon, drandHandlers, publishRounds } from './pallets/drand.js';
import { blockStep } from './pallets/subtensor/block-step.js';
import { subtensorHandlers } from './pallets/subtensor/calls.js';
import { guardCall } from './pallets/subtensor/guards.js';
import { sudoHandlers } from './pallets/sudo.js';
import { systemHandlers, timestampHandlers } from './pallets/system.js';
import { isNestedBatch, utilityHandlers } from './pallets/utility.js';
import type { Pending } from './pool.js';
import type { State } from './state.js';
import { callFailure } from './validity.js';

const {
  Account,
  BlockHash,
  EventCount,
  Events,
  ExtrinsicCount,
  LastRuntimeUpgrade,
  Number: BlockNumber,
  ParentHash,
} = runtime.System.storage;

const HANDLERS: AllHandlers = {
  System: systemHandlers,
  Timestamp: timestampHandlers,
  Balances: balancesHandlers,
  SubtensorModule: subtensorHandlers,
  Utility: utilityHandlers,
  Sudo: sudoHandlers,
  Commitments: commitmentsHandlers,
  AdminUtils: adminUtilsHandlers,
  Drand: drandHandlers,
  Swap: {},
};

export interface Block {
  readonly number: number;
  /** 32 bytes */
  readonly hash: Uint8Array;
  readonly header: Header;
  /** length-prefixed; 0 is the timestamp inherent */
  readonly extrinsics: readonly Uint8Array[];
  readonly events: readonly EventRecord[];
  /** Of a block that stays: from here on `events` are read from the state, for they are most of what it weighs. */
  settle(): void;
}

/** Nothing is weighed: the same numbers for every call, none of which costs a fee. */
const DISPATCH_INFO = {
  weight: { ref_time: 1_000_000n, proof_size: 0n },
  class: 'Normal',
  pays_fee: 'No',
} as const;

/** Block 0 over a state that holds genesis. */
export function sealGenesis(state: State): Block {
  return seal(state, 0, new Uint8Array(32), new Uint8Array(32), [], []);
}

/** Block `number` over a state that somebody else made: the next of `genesis`, with nothing between them. */
export function sealFork(state: State, number: number, genesis: Block): Block {
  state.put(BlockNumber, [], number);
  state.put(ParentHash, [], genesis.hash);
  return seal(state, number, genesis.hash, genesis.header.stateRoot, [], []);
}

/** A block whose writes are in `state` already. */
export function storedBlock(state: State, header: Header, extrinsics: readonly Uint8Array[]): Block {
  return blockOf(state, header, extrinsics, undefined);
}

function blockOf(
  state: State,
  header: Header,
  extrinsics: readonly Uint8Array[],
  events: readonly EventRecord[] | undefined,
): Block {
  const { number } = header;
  let own = events;
  return {
    number,
    hash: headerHash(header),
    header,
    extrinsics,
    get events() {
      return own ?? state.at(number).get(Events);
    },
    settle() {
      own = undefined;
    },
  };
}

export interface BlockInput {
  readonly timestampMs: number;
  /** each account's in order of their nonces */
  readonly extrinsics: readonly Pending[];
  /** version of the runtime that this block installs for those after it */
  readonly upgradeTo?: number | undefined;
}

export interface MadeBlock {
  readonly block: Block;
  /** the extrinsics in it, without the timestamp */
  readonly carried: readonly Pending[];
  /** left out with their nonces unused: when their turn came, what the pool checks no longer held */
  readonly refused: readonly { readonly pending: Pending; readonly failure: Error }[];
  /** left out because one of their account before them was: they wait for that nonce */
  readonly waiting: readonly Pending[];
}

/**
 * Makes the block after `parent`: on_initialize, the timestamp, then the extrinsics in the order given. Each is checked
 * once more in its turn (`TransactionExtension::validate`): what those before it did may have made it invalid.
 */
export function makeBlock(
  parts: {
    readonly state: State;
    readonly newSubnetTempo: number;
    readonly beacon: Beacon;
    readonly onFault: (error: unknown, call: string) => void;
  },
  parent: Block,
  input: BlockInput,
): MadeBlock {
  const { state } = parts;
  state.open(parent.number + 1);
  try {
    return fillBlock(parts, parent, input);
  } catch (error) {
    state.rollback(0); // half a block is none: the next attempt starts from the parent again
    throw error;
  }
}

function fillBlock(...[parts, parent, input]: Parameters<typeof makeBlock>): MadeBlock {
  const { state, newSubnetTempo, beacon, onFault } = parts;
  const number = parent.number + 1;
  state.put(BlockNumber, [], number);
  state.put(ParentHash, [], parent.hash);
  state.put(BlockHash, [parent.number], parent.hash);
  if (parent.number >= HASHES_KEPT) state.delete(BlockHash, parent.number - HASHES_KEPT);

  const records: EventRecord[] = [];
  const events: RuntimeEvent[] = [];
  const context: BlockContext = {
    state,
    block: number,
    newSubnetTempo,
    emit: (event) => void events.push(event),
  };
  const flush = (phase: EventRecord['phase']): void => {
    for (const event of events.splice(0)) records.push({ phase, event, topics: [] });
  };

  blockStep(context);
  revealCommitments(context);
  flush({ type: 'Initialization', value: [] });

  const dispatch = createDispatcher(HANDLERS, refusalOf, { ...context, events, onFault });
  const bodies: Uint8Array[] = [];
  const apply = (body: Uint8Array, call: RuntimeCall, origin: Origin): void => {
    report(context, dispatch(call, origin));
    flush({ type: 'ApplyExtrinsic', value: [bodies.push(body) - 1] });
  };
  const inherent: RuntimeCall = {
    pallet: 'Timestamp',
    name: 'set',
    args: { now: BigInt(input.timestampMs) },
  };
  apply(encodeInherent(encode(runtimeCall, inherent)), inherent, { type: 'none' });
  const carried: Pending[] = [];
  const refused: { readonly pending: Pending; readonly failure: Error }[] = [];
  const waiting: Pending[] = [];
  for (const pending of input.extrinsics) {
    const { bytes, extrinsic, who, nonce } = pending;
    const account = state.get(Account, who);
    if (nonce !== account.nonce) {
      waiting.push(pending);
      continue;
    }
    const failure = callFailure(who, extrinsic.call, context);
    if (failure) {
      refused.push({ pending, failure });
      continue;
    }
    // used up whatever becomes of the call: else a failing one could be replayed
    state.put(Account, [who], { ...account, nonce: nonce + 1 });
    apply(bytes, extrinsic.call, { type: 'signed', who });
    carried.push(pending);
  }
  publishRounds(context, beacon, input.timestampMs);
  if (input.upgradeTo !== undefined) upgradeRuntime(context, input.upgradeTo);
  flush({ type: 'Finalization', value: [] });
  const block = seal(state, number, parent.hash, parent.header.stateRoot, bodies, records);
  return { block, carried, refused, waiting };
}

/** The new version is in the state of this block already: clients sign for it from here on. */
function upgradeRuntime({ state, block, emit }: BlockContext, specVersion: number): void {
  state.put(LastRuntimeUpgrade, [], { spec_version: specVersion, spec_name: runtimeVersion.spec_name });
  state.put(LocalnetUpgradedAt, [], block);
  emit({ pallet: 'System', name: 'CodeUpdated', data: {} });
}

/**
 * What a signer may not do: the runtime's filter before the pallets' own guards, which every call in a batch meets too.
 * The pool, and a block before it takes an extrinsic, ask the guards alone.
 */
const refusalOf: typeof guardCall = (who, call, block) =>
  isNestedBatch(call) ? moduleError('System', 'CallFiltered') : guardCall(who, call, block);

/** Hashes that on-chain code can look up (System.BlockHash). */
const HASHES_KEPT = 2400;

function report({ emit }: BlockContext, error: DispatchError | undefined): void {
  if (error === undefined)
    emit({ pallet: 'System', name: 'ExtrinsicSuccess', data: { dispatch_info: DISPATCH_INFO } });
  else
    emit({
      pallet: 'System',
      name: 'ExtrinsicFailed',
      data: { dispatch_error: error, dispatch_info: DISPATCH_INFO },
    });
}

function seal(
  state: State,
  number: number,
  parentHash: Uint8Array,
  parentRoot: Uint8Array,
  extrinsics: readonly Uint8Array[],
  events: readonly EventRecord[],
): Block {
  state.put(Events, [], events);
  state.put(EventCount, [], events.length);
  state.put(ExtrinsicCount, [], extrinsics.length);
  const header: Header = {
    parentHash,
    number,
    stateRoot: stateRootOf(state.changes(number), parentRoot),
    extrinsicsRoot: blake2b256(...extrinsics),
  };
  return blockOf(state, header, extrinsics, events);
}

/** A digest of all changes since genesis: any other state has another one. It is no trie root, so it proves nothing. */
export function stateRootOf(
  changes: readonly (readonly [key: string, value: Uint8Array | undefined])[],
  parentRoot: Uint8Array,
): Uint8Array {
  const hash = createHash('sha256').update(parentRoot);
  for (const [key, value] of changes) {
    hash.update(`${key} ${value?.length ?? 'none'} `, 'latin1');
    if (value !== undefined) hash.update(value);
  }
  return Uint8Array.from(hash.digest());
}
