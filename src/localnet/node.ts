// Owns: what a localnet offers to those who hold it, and to the room's own RPC. Does not own: how (localnet.ts).
import type { EventRecord, Runtime, RuntimeCall, RuntimeEvent } from '../chain/codec/runtime.js';
import type { StorageItem } from '../chain/codec/storage.js';
import type { Clock } from '../model/clock.js';
import type { Log } from '../model/log.js';
import type { Block } from './blocks.js';
import type { Faults } from './faults.js';
import type { RuntimeForm } from './faults-upgrade.js';
import type { PoolStatus } from './pool.js';
import type { SavedState } from './save.js';
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
  /**
   * Makes the next block now, whatever the mode.
   * @throws AssayError what kept a finalized block from the disk of `basePath`, now or before; `internal` after `close`
   */
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
  /** All storage as of a block, for `saveState`. @default the finalized one @throws AssayError `chain-unknown` */
  save(block?: number): SavedState;
  /** JSON-RPC without a socket; subscriptions need `serveLocalnet`. @throws RpcError */
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>;
  /** Brings what `basePath` keeps onto the disk and gives the folder back; nothing may follow but another `close`. */
  close(): void;
}

/** What changed for those who look at the chain through its doors. */
export interface ServedStep {
  readonly head: Block;
  /** blocks of the chain since the last step, `head` among them */
  readonly imported: readonly Block[];
  /** keys that may have changed; undefined: any */
  readonly changed: readonly string[] | undefined;
}

/** What rpc.ts and serve.ts need beyond the public door. */
export interface Node extends Localnet {
  readonly options: {
    readonly blockTimeMs: number;
    readonly manual: boolean;
    /** the `dev_` methods may be served */
    readonly faults: boolean;
  };
  readonly store: State;
  readonly log: Log;
  readonly clock: Clock;
  /** of the chain; undefined when unknown or forgotten */
  block(number: number): Block | undefined;
  /** also one that a reorganisation took back; `0x`-hex */
  blockByHash(hash: string): Block | undefined;
  isCanonical(block: Block): boolean;
  /** What clients see of the runtime as of a block. @default the head */
  runtimeAt(block?: number): RuntimeForm;
  /** The heads that the doors show: those of the chain, unless they lag. */
  served(): { readonly head: Block; readonly finalized: Block };
  /** Calls `callback` whenever `served` changes; the returned function ends that. */
  onServed(callback: (step: ServedStep) => void): () => void;
  readonly faults: Faults;
  setFaults(change: Partial<Faults>): void;
  /** Replaces the last `depth` blocks by another branch. @throws AssayError `invalid-input` beyond finality */
  reorganise(depth: number): LocalnetHead;
  /** The next block installs a runtime of the next version. @returns that version */
  upgradeRuntime(): number;
  /** Ends all connections, and refuses new ones for so long. */
  dropConnections(refuseMs: number): void;
  onDrop(callback: (refuseMs: number) => void): () => void;
  /** Adds free TAO by root in the next block. @throws AssayError `chain-rejected`, `unsupported` */
  faucet(address: string, rao: bigint): { readonly hash: string };
  /** @throws RpcError */
  submitBytes(bytes: Uint8Array, notify?: (status: PoolStatus) => void): { hash: string; ready: boolean };
  /**
   * `submit` for an extrinsic that is bytes already; its signature is not looked at.
   *
   * @throws AssayError `chain-rejected` when the guards refuse it, its nonce is used up (`Stale`), or it left the pool
   */
  submitPrepared(bytes: Uint8Array): Promise<Receipt>;
  nextNonce(who: string): number;
  pendingExtrinsics(): readonly Uint8Array[];
}

/** Every localnet is an embedded node; this is where the two halves of the room meet. */
export function nodeOf(localnet: Localnet): Node {
  if ('store' in localnet && 'served' in localnet) return localnet as Node; // nobody else has both
  throw new TypeError('localnet: expected what createLocalnet returned');
}
