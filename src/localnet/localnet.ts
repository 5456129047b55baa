// Owns: a chain in this process: its pool, its head, its doors. Does not own: JSON-RPC (rpc.ts), sockets (serve.ts).
import { encodeExtra, encodeSigned, eraDeath, type SignedExtrinsic } from '../chain/codec/extrinsic.js';
import {
  dispatchErrorName,
  type EventRecord,
  type Runtime,
  type RuntimeCall,
  type RuntimeEvent,
  runtime,
  runtimeCall,
} from '../chain/codec/runtime.js';
import { encode } from '../chain/codec/scale.js';
import { blake2b256, type StorageItem } from '../chain/codec/storage.js';
import { publicKeyOf } from '../chain/codec/types.js';
import { readyKeys } from '../keys/keypair.js';
import { toHex } from '../model/bytes.js';
import { type Clock, systemClock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import { type Log, silentLog } from '../model/log.js';
import { type Block, makeBlock, sealGenesis } from './blocks.js';
import { writeGenesis } from './genesis.js';
import { LIMITS } from './limits.js';
import type { Items, KeysOf, Localnet, LocalnetHead, Node, ReadOf, Receipt } from './node.js';
import { Pool, type PoolStatus } from './pool.js';
import { createRpc, type Rpc } from './rpc.js';
import { State, type StateView } from './state.js';
import { type Chain, checkCall, checkSignature, guardFailure, parseExtrinsic, RpcError } from './validity.js';

export interface LocalnetOptions {
  /** SS58 address of the key that Sudo obeys */
  readonly sudo: string;
  /** free TAO at genesis by SS58 address, rao; each at least 500. The sudo key needs none: nothing costs fees. */
  readonly balances?: readonly (readonly [address: string, rao: bigint])[];
  /** @default 250 */
  readonly blockTimeMs?: number;
  /** blocks per epoch of subnets registered from now on; sudo_set_tempo changes it later @default 360 */
  readonly tempo?: number;
  /** Blocks come only from `produceBlock` (or RPC `dev_newBlock`), never from `run`. @default false */
  readonly manual?: boolean;
  /** how many blocks behind the head finality stays @default 2 */
  readonly finalityLagBlocks?: number;
  /** blocks whose state, body and hash stay readable @default 2400 */
  readonly historyBlocks?: number;
  /** Subtensor's fast-runtime settings: 32 epochs a block, no rate limit on register_network. @default true */
  readonly fastBlocks?: boolean;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default silentLog */
  readonly log?: Log;
  /** unix ms of block 0 @default the clock's now; in manual mode 2026-01-01, so that equal calls give equal hashes */
  readonly genesisMs?: number;
}

export type { Localnet, LocalnetHead, Receipt } from './node.js';

const MANUAL_GENESIS_MS = Date.UTC(2026, 0, 1);

/**
 * A Substrate chain in this process, with Subtensor's pallets as far as a subnet needs them.
 *
 * @example
 * const chain = await createLocalnet({ sudo: alice.address, balances: [[alice.address, 10n ** 15n]], manual: true });
 * const registered = chain.submit(
 *   { pallet: 'SubtensorModule', name: 'register_network', args: { hotkey: hotkey.address } }, alice.address);
 * chain.produceBlock();
 * console.log((await registered).error, chain.query('SubtensorModule', 'SubnetOwner', 1));
 */
export async function createLocalnet(options: LocalnetOptions): Promise<Localnet> {
  await readyKeys();
  return new EmbeddedNode(options);
}

class EmbeddedNode implements Node {
  readonly options: Node['options'];
  readonly store: State;
  readonly log: Log;
  readonly clock: Clock;
  readonly #pool = new Pool(LIMITS.poolExtrinsics);
  readonly #blocks = new Map<number, Block>();
  readonly #numbers = new Map<string, number>();
  readonly #listeners = new Set<(head: LocalnetHead) => void>();
  readonly #genesis: Block;
  readonly #genesisMs: number;
  readonly #finalityLag: number;
  readonly #tempo: number;
  readonly #history: number;
  readonly #rpc: Rpc;
  #head: Block;
  #timestampMs: number;

  constructor(options: LocalnetOptions) {
    const { sudo, balances = [], blockTimeMs = 250, tempo = 360, manual = false } = options;
    const { finalityLagBlocks = 2, historyBlocks = 2400, fastBlocks = true } = options;
    const { clock = systemClock, log = silentLog } = options;
    assertAtLeast('blockTimeMs', blockTimeMs, 1);
    assertAtLeast('tempo', tempo, 1);
    assertAtLeast('finalityLagBlocks', finalityLagBlocks, 0);
    // what is not final yet must still be known
    assertAtLeast('historyBlocks', historyBlocks, Math.max(1, finalityLagBlocks));
    this.options = { blockTimeMs, manual };
    this.clock = clock;
    this.log = log;
    this.#finalityLag = finalityLagBlocks;
    this.#tempo = tempo;
    this.#history = historyBlocks;
    this.#genesisMs = options.genesisMs ?? (manual ? MANUAL_GENESIS_MS : clock.now());
    this.#timestampMs = this.#genesisMs;
    this.store = new State(historyBlocks);
    writeGenesis(this.store, { sudo, balances, fastBlocks });
    this.#genesis = sealGenesis(this.store);
    this.#head = this.#genesis;
    this.#remember(this.#genesis);
    this.#rpc = createRpc(this);
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.options.manual)
      throw new AssayError('unsupported', 'run: this localnet is in manual mode', {
        what: 'run',
        why: 'in manual mode blocks come from produceBlock',
      });
    const { blockTimeMs } = this.options;
    let due = this.clock.monotonic() + blockTimeMs;
    while (!signal.aborted) {
      await this.clock.sleep(Math.max(0, due - this.clock.monotonic()), signal);
      if (signal.aborted) return;
      this.produceBlock();
      // after a stall blocks are not made up for: a burst of them would run epochs that nobody could act in
      due = Math.max(due + blockTimeMs, this.clock.monotonic());
    }
  }

  produceBlock(): LocalnetHead {
    const number = this.#head.number + 1;
    const slotMs = this.#genesisMs + number * this.options.blockTimeMs;
    const nowMs = this.options.manual ? slotMs : this.clock.now();
    this.#timestampMs = Math.max(Math.trunc(nowMs), this.#timestampMs + 1);
    const extrinsics = this.#pool.take(number, (who) => this.#nonceOf(who), LIMITS.blockExtrinsics);
    const parts = {
      state: this.store,
      newSubnetTempo: this.#tempo,
      onFault: (error: unknown, call: string) => this.log.error('call failed by our fault', { call, error }),
    };
    let block: Block;
    try {
      block = makeBlock(parts, this.#head, { timestampMs: this.#timestampMs, extrinsics });
    } catch (error) {
      for (const { notify } of extrinsics) notify({ type: 'invalid' });
      throw error;
    }
    this.#head = block;
    this.#remember(block);
    this.log.debug('block', { number, hash: toHex(block.hash), extrinsics: extrinsics.length });
    // position 0 is the timestamp
    extrinsics.forEach(({ notify }, index) => {
      notify({ type: 'included', block: number, index: index + 1 });
    });
    const head = this.head();
    for (const listener of [...this.#listeners]) listener(head);
    return head;
  }

  head(): LocalnetHead {
    return { number: this.#head.number, hash: this.#head.hash };
  }

  finalized(): LocalnetHead {
    const { number, hash } = this.#blocks.get(Math.max(0, this.#head.number - this.#finalityLag))!;
    return { number, hash };
  }

  blockHash(number: number): Uint8Array {
    return this.#known(number).hash;
  }

  events(number: number): readonly EventRecord[] {
    return this.#known(number).events;
  }

  onBlock(callback: (head: LocalnetHead) => void): () => void {
    this.#listeners.add(callback);
    return () => void this.#listeners.delete(callback);
  }

  query<P extends keyof Runtime, I extends keyof Items<P>>(
    pallet: P,
    item: I,
    ...keys: KeysOf<Items<P>[I]>
  ): ReadOf<Items<P>[I]> {
    const entry = runtime[pallet].storage[item as never] as StorageItem<readonly unknown[], unknown, unknown>;
    return this.store.get(entry, ...keys) as ReadOf<Items<P>[I]>; // the item's own value type
  }

  state(block?: number): StateView {
    if (block === undefined || block === this.#head.number) return this.store;
    return this.store.at(this.#known(block).number);
  }

  async submit(call: RuntimeCall, signer: string): Promise<Receipt> {
    const extrinsic = trusted(call, signer, this.nextNonce(signer));
    const failure = guardFailure(signer, extrinsic, this.#chain());
    if (failure) throw rejected(call, failure.message);
    return await new Promise<Receipt>((resolve, reject) => {
      const bytes = encodeSigned(extrinsic);
      const hash = blake2b256(bytes);
      this.#admit(bytes, extrinsic, signer, (status) => {
        if (status.type === 'included') resolve(this.#receipt(status, hash));
        else reject(rejected(call, 'Invalid'));
      });
    });
  }

  submitBytes(
    bytes: Uint8Array,
    notify: (status: PoolStatus) => void = () => {},
  ): { hash: string; ready: boolean } {
    const chain = this.#chain();
    const extrinsic = parseExtrinsic(bytes, LIMITS.extrinsicBytes);
    const who = checkSignature(extrinsic, chain);
    checkCall(who, extrinsic, chain);
    return this.#admit(bytes, extrinsic, who, notify);
  }

  async rpc(method: string, params: readonly unknown[] = []): Promise<unknown> {
    return this.#rpc.call(method, params);
  }

  nextNonce(who: string): number {
    return this.#pool.nextNonce(who, this.#nonceOf(who));
  }

  pendingExtrinsics(): readonly Uint8Array[] {
    return this.#pool.pending().map(({ bytes }) => bytes);
  }

  block(number: number): Block | undefined {
    return this.#blocks.get(number);
  }

  blockByHash(hash: string): Block | undefined {
    const number = this.#numbers.get(hash);
    return number === undefined ? undefined : this.#blocks.get(number);
  }

  #admit(
    bytes: Uint8Array,
    extrinsic: SignedExtrinsic,
    who: string,
    notify: (status: PoolStatus) => void,
  ): { hash: string; ready: boolean } {
    const { era, nonce } = extrinsic.extra;
    const death = eraDeath(era, this.#head.number + 1);
    const hash = `0x${toHex(blake2b256(bytes))}`;
    const pending = { bytes, hash, extrinsic, who, nonce, death, notify };
    switch (this.#pool.add(pending)) {
      case 'already-imported':
        throw new RpcError(1013, 'Transaction is already imported', hash);
      case 'priority':
        throw new RpcError(
          1014,
          'Priority is too low: (0 vs 0)',
          'The transaction has too low priority to replace another transaction already in the pool.',
        );
      case 'full':
        throw new RpcError(1016, 'Immediately Dropped', 'The pool is full.');
      default:
        return { hash, ready: this.#pool.isReady(pending, this.#nonceOf(who)) };
    }
  }

  #receipt({ block, index }: { readonly block: number; readonly index: number }, hash: Uint8Array): Receipt {
    const { hash: blockHash, events } = this.#known(block);
    const own = events
      .filter(({ phase }) => phase.type === 'ApplyExtrinsic' && phase.value[0] === index)
      .map(({ event }) => event);
    return { block, blockHash, extrinsicHash: hash, error: errorOf(own), events: own };
  }

  #nonceOf(who: string): number {
    return this.store.get(runtime.System.storage.Account, who).nonce;
  }

  #chain(): Chain {
    return {
      state: this.store,
      nextBlock: this.#head.number + 1,
      genesisHash: this.#genesis.hash,
      hashOf: (number) => this.#blocks.get(number)?.hash,
    };
  }

  #known(number: number): Block {
    const block = this.#blocks.get(number);
    if (!block)
      throw new AssayError('chain-unknown', `block ${number} is not there`, { what: `block ${number}` });
    return block;
  }

  #remember(block: Block): void {
    this.#blocks.set(block.number, block);
    this.#numbers.set(`0x${toHex(block.hash)}`, block.number);
    const old = block.number - this.#history - 1;
    const forgotten = old > 0 ? this.#blocks.get(old) : undefined; // genesis stays: clients ask for it by number
    if (!forgotten) return;
    this.#blocks.delete(old);
    this.#numbers.delete(`0x${toHex(forgotten.hash)}`);
  }
}

/** Every localnet is an embedded node; this is where the two halves of the room meet. */
export function nodeOf(localnet: Localnet): Node {
  if (localnet instanceof EmbeddedNode) return localnet;
  throw new TypeError('localnet: expected what createLocalnet returned');
}

function trusted(call: RuntimeCall, signer: string, nonce: number): SignedExtrinsic {
  publicKeyOf(signer);
  const extra = { era: { type: 'immortal' }, nonce, tip: 0n, mode: 0 } as const;
  return {
    address: { type: 'Id', value: [signer] },
    signature: { type: 'Sr25519', value: [new Uint8Array(64)] },
    extra,
    call,
    callBytes: encode(runtimeCall, call),
    extraBytes: encodeExtra(extra),
  };
}

function errorOf(events: readonly RuntimeEvent[]): string | undefined {
  for (const event of events) {
    if (event.name === 'ExtrinsicFailed') return dispatchErrorName(event.data.dispatch_error);
    if (event.name === 'Sudid' && event.data.sudo_result.type === 'Err')
      return dispatchErrorName(event.data.sudo_result.value[0]);
  }
  return undefined;
}

function rejected(call: RuntimeCall, error: string): AssayError<'chain-rejected'> {
  const name = `${call.pallet}.${call.name}`;
  return new AssayError('chain-rejected', `${name}: ${error}`, { call: name, error });
}

function assertAtLeast(label: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least)
    throw new RangeError(`${label}: expected an integer of at least ${least}, got ${value}`);
}
