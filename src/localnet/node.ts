// Owns: what a localnet offers to those who hold it, and to the room's own RPC. Does not own: how (localnet.ts).
import type { EventRecord, Runtime, RuntimeCall, RuntimeEvent } from '../chain/codec/runtime.js';
import type { StorageItem } from '../chain/codec/storage.js';
import type { Clock } from '../model/clock.js';
import type { Log } from '../model/log.js';
import type { Block } from './blocks.js';
import type { PoolStatus } from './pool.js';
import type { State, StateView } from './state.js';

export interface LocalnetHead {
  readonly number: number;
  /** 32 bytes */
  readonly hash: Uint8Array;
}

/** What became of an extrinsic. */
export interface Receipt {
  readonly block: number;
  readonly blockHash: Uint8Array;
  readonly extrinsicHash: Uint8Array;
  /** `SubtensorModule.SubnetNotExists`, `BadOrigin`; undefined when it succeeded. Of Sudo.sudo: the inner call's. */
  readonly error: string | undefined;
  readonly events: readonly RuntimeEvent[];
}

export type Items<P extends keyof Runtime> = Runtime[P]['storage'];
export type KeysOf<I> = I extends StorageItem<infer K, infer _V, infer _R> ? K : never;
export type ReadOf<I> = I extends StorageItem<infer _K, infer V, infer R> ? V | R : never;

export interface Localnet {
  /** Makes blocks on the clock until aborted. @throws AssayError `unsupported` in manual mode */
  run(signal: AbortSignal): Promise<void>;
  /** Makes the next block now, whatever the mode. */
  produceBlock(): LocalnetHead;
  head(): LocalnetHead;
  finalized(): LocalnetHead;
  /** @throws AssayError `chain-unknown` for a block that does not exist yet or is forgotten */
  blockHash(number: number): Uint8Array;
  /** Events of a block. @throws AssayError `chain-unknown` */
  events(number: number): readonly EventRecord[];
  /** Calls `callback` after each block; the returned function ends that. */
  onBlock(callback: (head: LocalnetHead) => void): () => void;
  /** A storage value at the head, decoded: accounts as SS58, u64 amounts as bigint, absent optionals undefined. */
  query<P extends keyof Runtime, I extends keyof Items<P>>(
    pallet: P,
    item: I,
    ...keys: KeysOf<Items<P>[I]>
  ): ReadOf<Items<P>[I]>;
  /** The whole state at the head or, by number, at a remembered block. @throws AssayError `chain-unknown` */
  state(block?: number): StateView;
  /**
   * Puts a call into the next block in the name of `signer`, who need not sign: whoever holds this object is trusted,
   * and sr25519 signatures are random, which would make block hashes so. Everything else is as over RPC.
   *
   * @param signer SS58 address
   * @returns once it is in a block: in manual mode `produceBlock` must follow
   * @throws AssayError `chain-rejected` when the pool's guards refuse it
   */
  submit(call: RuntimeCall, signer: string): Promise<Receipt>;
  /** JSON-RPC without a socket; subscriptions need `serveLocalnet`. @throws RpcError */
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>;
}

/** What rpc.ts and serve.ts need beyond the public door. */
export interface Node extends Localnet {
  readonly options: { readonly blockTimeMs: number; readonly manual: boolean };
  readonly store: State;
  readonly log: Log;
  readonly clock: Clock;
  block(number: number): Block | undefined;
  blockByHash(hash: string): Block | undefined;
  /** @throws RpcError */
  submitBytes(bytes: Uint8Array, notify?: (status: PoolStatus) => void): { hash: string; ready: boolean };
  nextNonce(who: string): number;
  pendingExtrinsics(): readonly Uint8Array[];
}
