// Owns: making blocks and remembering them: order inside a block, events, header, finality. Does not own: the pool, RPC.

import { encodeInherent } from '../chain/codec/extrinsic.js';
import { type Header, headerHash } from '../chain/codec/header.js';
import {
  type EventRecord,
  type RuntimeCall,
  type RuntimeEvent,
  runtime,
  runtimeCall,
} from '../chain/codec/runtime.js';
import { encode } from '../chain/codec/scale.js';
import { blake2b256 } from '../chain/codec/storage.js';
import { toHex } from '../model/bytes.js';
import {
  type AllHandlers,
  type BlockContext,
  createDispatcher,
  type DispatchError,
  type Origin,
} from './dispatch.js';
import { adminUtilsHandlers } from './pallets/admin-utils.js';
import { balancesHandlers } from './pallets/balances.js';
import { blockStep } from './pallets/subtensor/block-step.js';
import { subtensorHandlers } from './pallets/subtensor/calls.js';
import { guardCall } from './pallets/subtensor/guards.js';
import { sudoHandlers } from './pallets/sudo.js';
import { systemHandlers, timestampHandlers } from './pallets/system.js';
import type { Pending } from './pool.js';
import type { State } from './state.js';

const {
  Account,
  BlockHash,
  EventCount,
  Events,
  ExtrinsicCount,
  Number: BlockNumber,
  ParentHash,
} = runtime.System.storage;

const HANDLERS: AllHandlers = {
  System: systemHandlers,
  Timestamp: timestampHandlers,
  Balances: balancesHandlers,
  SubtensorModule: subtensorHandlers,
  Sudo: sudoHandlers,
  AdminUtils: adminUtilsHandlers,
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

/** Makes the block after `parent`: on_initialize, the timestamp, then the extrinsics in the order given. */
export function makeBlock(
  parts: {
    readonly state: State;
    readonly newSubnetTempo: number;
    readonly onFault: (error: unknown, call: string) => void;
  },
  parent: Block,
  input: { readonly timestampMs: number; readonly extrinsics: readonly Pending[] },
): Block {
  const { state } = parts;
  state.open(parent.number + 1);
  try {
    return fillBlock(parts, parent, input);
  } catch (error) {
    state.rollback(0); // half a block is none: the next attempt starts from the parent again
    throw error;
  }
}

function fillBlock(...[parts, parent, input]: Parameters<typeof makeBlock>): Block {
  const { state, newSubnetTempo, onFault } = parts;
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
  flush({ type: 'Initialization', value: [] });

  const dispatch = createDispatcher(HANDLERS, guardCall, { ...context, events, onFault });
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
  for (const { bytes, extrinsic, who, nonce } of input.extrinsics) {
    // used up whatever becomes of the call: else a failing one could be replayed
    state.put(Account, [who], { ...state.get(Account, who), nonce: nonce + 1 });
    apply(bytes, extrinsic.call, { type: 'signed', who });
  }
  return seal(state, number, parent.hash, parent.header.stateRoot, bodies, records);
}

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
    stateRoot: stateRoot(state, number, parentRoot),
    extrinsicsRoot: blake2b256(...extrinsics),
  };
  return { number, hash: headerHash(header), header, extrinsics, events };
}

/** A digest of all changes since genesis: any other state has another one. It is no trie root, so it proves nothing. */
function stateRoot(state: State, number: number, parentRoot: Uint8Array): Uint8Array {
  const text: string[] = [];
  for (const key of state.changedKeys(number)) {
    const value = state.raw(key);
    text.push(key, value === undefined ? '' : toHex(value));
  }
  return blake2b256(parentRoot, Buffer.from(text.join('\n')));
}
