// Owns: a chain in this process: its pool, its head, its doors. Does not own: JSON-RPC (rpc.ts), sockets (serve.ts).
import {
  encodeExtra,
  encodeSigned,
  eraBirth,
  eraDeath,
  type SignedExtrinsic,
} from '../chain/codec/extrinsic.js';
import {
  type EventRecord,
  type Runtime,
  type RuntimeCall,
  runtime,
  runtimeCall,
} from '../chain/codec/runtime.js';
import { encode, type Instead } from '../chain/codec/scale.js';
import { blake2b256, type StorageItem } from '../chain/codec/storage.js';
import { publicKeyOf } from '../chain/codec/types.js';
import { readyKeys } from '../keys/keypair.js';
import { fromHex, toHex } from '../model/bytes.js';
import { type Clock, systemClock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import { type Log, silentLog } from '../model/log.js';
import { beginChain } from './begin.js';
import { type Block, type MadeBlock, makeBlock } from './blocks.js';
import type { Archive } from './durable.js';
import { type Faults, NO_FAULTS, rejectionOf } from './faults.js';
import { type RuntimeForm, runtimeFormOf, specVersionAt } from './faults-upgrade.js';
import { LIMITS } from './limits.js';
import type { Items, KeysOf, Localnet, LocalnetHead, Node, ReadOf, Receipt, ServedStep } from './node.js';
import type { LocalnetOptions } from './options.js';
import { errorOf, eventsOf, logBlock } from './outcomes.js';
import { lookup } from './pallets/balances.js';
import { type Beacon, createBeacon } from './pallets/drand.js';
import { type Pending, Pool, type PoolStatus } from './pool.js';
import { createRpc, type Rpc } from './rpc.js';
import type { SavedState } from './save.js';
import type { State, StateView } from './state.js';
import { type Chain, checkCall, checkSignature, guardFailure, parseExtrinsic, RpcError } from './validity.js';

export type { Localnet, LocalnetHead, Receipt } from './node.js';
export type { LocalnetOptions } from './options.js';

const MANUAL_GENESIS_MS = Date.UTC(2026, 0, 1);

/**
 * A Substrate chain in this process, with Subtensor's pallets as far as a subnet needs them.
 *
 * @throws AssayError `corrupt` or `invalid-input` for what `basePath` or `from` holds
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
  readonly #pool = new Pool(LIMITS.poolExtrinsics, LIMITS.poolBytes);
  /** those of the chain, by number */
  readonly #blocks = new Map<number, Block>();
  /** these and, within the history, those that a reorganisation took back; by hash */
  readonly #byHash = new Map<string, Block>();
  readonly #retired: Block[] = [];
  /** what each block after the finalized one carried */
  readonly #carried = new Map<number, readonly Pending[]>();
  readonly #listeners = new Set<(head: LocalnetHead) => void>();
  readonly #servedListeners = new Set<(step: ServedStep) => void>();
  readonly #dropListeners = new Set<(refuseMs: number) => void>();
  readonly #forms = new Map<number, RuntimeForm>();
  readonly #genesis: Block;
  readonly #first: number;
  /** unix ms of slot 0 in manual mode */
  readonly #slotZeroMs: number;
  readonly #finalityLag: number;
  readonly #tempo: number;
  readonly #beacon: Beacon;
  readonly #history: number;
  readonly #rpc: Rpc;
  readonly #archive: Archive | undefined;
  /** rao that the faucet has promised and no block has paid yet */
  readonly #promised = new Map<string, bigint>();
  #head: Block;
  #finalized: number;
  #served: Block;
  #timestampMs: number;
  #faults: Faults = NO_FAULTS;
  #upgradeTo: number | undefined;
  /** what kept a block from the disk: none follows it */
  #stopped: unknown;
  /** reorganisations so far: blocks of another branch have other times, and so other hashes */
  #branch = 0;

  constructor(options: LocalnetOptions) {
    const { blockTimeMs = 250, tempo = 360, manual = false } = options;
    const { finalityLagBlocks = 2, historyBlocks = 2400 } = options;
    const { clock = systemClock, log = silentLog } = options;
    assertAtLeast('blockTimeMs', blockTimeMs, 1);
    assertAtLeast('tempo', tempo, 1);
    assertAtLeast('finalityLagBlocks', finalityLagBlocks, 0);
    // what is not final yet must still be known
    assertAtLeast('historyBlocks', historyBlocks, Math.max(1, finalityLagBlocks));
    this.options = { blockTimeMs, manual, faults: options.faults ?? manual };
    this.clock = clock;
    this.log = log;
    this.#finalityLag = finalityLagBlocks;
    this.#tempo = tempo;
    this.#beacon = createBeacon(blockTimeMs, options.beacon);
    this.#history = historyBlocks;
    const { start, archive } = beginChain(options, historyBlocks, log);
    this.#archive = archive;
    this.store = start.state;
    this.#genesis = start.genesis;
    this.#head = start.genesis;
    for (const block of [start.genesis, ...start.blocks]) {
      this.#head = block;
      this.#remember(block);
    }
    this.#first = start.blocks[0]?.number ?? 0;
    this.#finalized = this.#head.number;
    this.#served = this.#head;
    // a chain without a timestamp yet begins now
    const begun = Number(this.store.get(runtime.Timestamp.storage.Now));
    const now = options.genesisMs ?? (manual ? MANUAL_GENESIS_MS : clock.now());
    this.#timestampMs = begun > 0 ? begun : now;
    this.#slotZeroMs = this.#timestampMs - this.#head.number * blockTimeMs;
    this.#rpc = createRpc(this, { dev: this.options.faults });
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
      if (!this.#faults.stalled) this.produceBlock();
      // after a stall blocks are not made up for: a burst of them would run epochs that nobody could act in
      due = Math.max(due + blockTimeMs, this.clock.monotonic());
    }
  }

  produceBlock(): LocalnetHead {
    if (this.#stopped) throw this.#stopped;
    const extrinsics = this.#pool.take(
      this.#head.number + 1,
      (who) => this.#nonceOf(who),
      LIMITS.blockExtrinsics,
      LIMITS.blockBytes,
      this.#faults.inclusionDelayBlocks,
    );
    const block = this.#make(extrinsics);
    this.#announce([block]);
    return this.head();
  }

  close(): void {
    this.#stopped ??= new AssayError('internal', 'this localnet is closed', { what: 'localnet' });
    this.#archive?.close();
  }

  head(): LocalnetHead {
    return { number: this.#head.number, hash: this.#head.hash };
  }

  finalized(): LocalnetHead {
    const { number, hash } = this.#blocks.get(this.#finalized)!;
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

  save(block = this.#finalized): SavedState {
    const { header, extrinsics, number } = this.#known(block);
    if (number < this.store.oldest)
      throw new AssayError('chain-unknown', `the state of block ${number} is discarded`, {
        what: `state of block ${number}`,
      });
    const view = this.store.at(number);
    const storage = view.rawKeys('0x').map((key) => [key, view.raw(key)!] as const);
    return { genesis: this.#genesis.header, header, extrinsics, storage };
  }

  async submit(call: RuntimeCall, signer: string): Promise<Receipt> {
    const refusal = rejectionOf(this.#faults, call);
    if (refusal) throw rejected(call, `${refusal.code}: ${refusal.message}: ${refusal.data}`);
    return await new Promise<Receipt>((resolve, reject) => {
      const { hash } = this.#submitTrusted(call, signer, (status) => {
        if (status.type === 'included') resolve(this.#receipt(status, fromHex(hash)));
        else if (status.type === 'invalid') reject(rejected(call, status.error ?? 'Invalid'));
      });
    });
  }

  submitPrepared(bytes: Uint8Array): Promise<Receipt> {
    return new Promise<Receipt>((resolve, reject) => {
      const extrinsic = parseExtrinsic(bytes, LIMITS.extrinsicBytes, this.runtimeAt().instead);
      const refusal = rejectionOf(this.#faults, extrinsic.call);
      if (refusal) throw rejected(extrinsic.call, `${refusal.code}: ${refusal.message}: ${refusal.data}`);
      const who = lookup(extrinsic.address);
      if (extrinsic.extra.nonce < this.#nonceOf(who)) throw rejected(extrinsic.call, 'Stale');
      const failure = guardFailure(who, extrinsic, this.#chain());
      if (failure) throw rejected(extrinsic.call, failure.message);
      const { hash } = this.#admit(bytes, extrinsic, who, (status) => {
        if (status.type === 'included') resolve(this.#receipt(status, fromHex(hash)));
        else if (status.type === 'invalid') reject(rejected(extrinsic.call, status.error ?? 'Invalid'));
      });
    });
  }

  submitBytes(
    bytes: Uint8Array,
    notify: (status: PoolStatus) => void = () => {},
  ): { hash: string; ready: boolean } {
    const chain = this.#chain();
    const extrinsic = parseExtrinsic(bytes, LIMITS.extrinsicBytes, this.runtimeAt().instead);
    const refusal = rejectionOf(this.#faults, extrinsic.call);
    if (refusal) throw refusal;
    const who = checkSignature(extrinsic, chain);
    checkCall(who, extrinsic, chain);
    return this.#admit(bytes, extrinsic, who, notify);
  }

  faucet(address: string, rao: bigint): { readonly hash: string } {
    const sudo = this.query('Sudo', 'Key');
    if (sudo === undefined)
      throw new AssayError('unsupported', 'faucet: this chain has no sudo key', {
        what: 'faucet',
        why: 'this chain has no sudo key',
      });
    const promised = (this.#promised.get(address) ?? 0n) + rao;
    const who = { type: 'Id', value: [address] } as const;
    const new_free = this.query('System', 'Account', address).data.free + promised;
    const set = { pallet: 'Balances', name: 'force_set_balance', args: { who, new_free } } as const;
    const call: RuntimeCall = { pallet: 'Sudo', name: 'sudo', args: { call: set } };
    const settle = (sign: bigint): void => {
      const left = (this.#promised.get(address) ?? 0n) + sign * rao;
      if (left > 0n) this.#promised.set(address, left);
      else this.#promised.delete(address);
    };
    const submitted = this.#submitTrusted(call, sudo, ({ type }) => settle(type === 'retracted' ? 1n : -1n));
    settle(1n);
    return submitted;
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
    return this.#byHash.get(hash);
  }

  isCanonical(block: Block): boolean {
    return this.#blocks.get(block.number) === block;
  }

  runtimeAt(block = this.#head.number): RuntimeForm {
    const version = specVersionAt(this.state(block));
    let form = this.#forms.get(version);
    if (!form) {
      form = runtimeFormOf(version, this.options.blockTimeMs);
      this.#forms.set(version, form);
    }
    return form;
  }

  served(): { readonly head: Block; readonly finalized: Block } {
    const head = this.#served;
    return { head, finalized: this.#blocks.get(Math.min(this.#finalized, head.number)) ?? this.#genesis };
  }

  onServed(callback: (step: ServedStep) => void): () => void {
    this.#servedListeners.add(callback);
    return () => void this.#servedListeners.delete(callback);
  }

  get faults(): Faults {
    return this.#faults;
  }

  setFaults(change: Partial<Faults>): void {
    this.#faults = { ...this.#faults, ...change };
    this.log.info('faults', { ...this.#faults });
    this.#announce([]); // a head that lagged may be served now
  }

  /**
   * The branch that replaces the last blocks is longer by one, or no node would follow it, and empty: whoever made it
   * had not seen what these carried. That waits again for the block after it.
   */
  reorganise(depth: number): LocalnetHead {
    if (this.#stopped) throw this.#stopped;
    const deepest = this.#head.number - this.#finalized;
    if (!Number.isInteger(depth) || depth < 1 || depth > deepest) {
      const expected = deepest === 0 ? 'a block after the finalized one' : `1 to ${deepest} blocks`;
      throw new AssayError('invalid-input', `reorg: expected ${expected}, got ${depth}`, {
        what: 'reorg',
        expected,
        got: `${depth}`,
      });
    }
    const ancestor = this.#blocks.get(this.#head.number - depth)!;
    const carried: (readonly [Block, readonly Pending[]])[] = [];
    for (let number = ancestor.number + 1; number <= this.#head.number; number++) {
      const block = this.#blocks.get(number)!;
      carried.push([block, this.#carried.get(number) ?? []]);
      this.#carried.delete(number);
      this.#blocks.delete(number);
      this.#retired.push(block);
    }
    this.store.revert(ancestor.number);
    this.#head = ancestor;
    this.#timestampMs = Number(this.store.get(runtime.Timestamp.storage.Now)) || this.#timestampMs;
    this.#branch++;
    this.log.warn('reorganised', { depth, from: ancestor.number });
    const branch = Array.from({ length: depth + 1 }, () => this.#make([]));
    this.#pool.takeBack(carried.flatMap(([, pending]) => pending));
    for (const [{ hash }, pending] of carried)
      for (const { notify } of pending) notify({ type: 'retracted', hash });
    // signed over the hash of a block that is gone
    this.#pool.invalidate(
      ({ extrinsic, arrived }) => eraBirth(extrinsic.extra.era, arrived) > ancestor.number,
    );
    this.#announce(branch);
    return this.head();
  }

  upgradeRuntime(): number {
    this.#upgradeTo = specVersionAt(this.store) + 1;
    return this.#upgradeTo;
  }

  dropConnections(refuseMs: number): void {
    this.log.warn('connections dropped', { refuseMs });
    for (const listener of [...this.#dropListeners]) listener(refuseMs);
  }

  onDrop(callback: (refuseMs: number) => void): () => void {
    this.#dropListeners.add(callback);
    return () => void this.#dropListeners.delete(callback);
  }

  /** The next block becomes the head; nobody is told yet but those whose extrinsics it carries. */
  #make(extrinsics: readonly Pending[]): Block {
    const number = this.#head.number + 1;
    const slotMs = this.#slotZeroMs + number * this.options.blockTimeMs + this.#branch;
    const nowMs = this.options.manual ? slotMs : this.clock.now() + this.#branch;
    const upgradeTo = this.#upgradeTo;
    const timestampMs = Math.max(Math.trunc(nowMs), this.#timestampMs + 1);
    const parts = {
      state: this.store,
      newSubnetTempo: this.#tempo,
      beacon: this.#beacon,
      onFault: (error: unknown, call: string) => this.log.error('call failed by our fault', { call, error }),
    };
    let made: MadeBlock;
    try {
      made = makeBlock(parts, this.#head, { timestampMs, extrinsics, upgradeTo });
    } catch (error) {
      for (const { notify } of extrinsics) notify({ type: 'invalid' });
      throw error;
    }
    const { block, carried, refused, waiting } = made;
    this.#timestampMs = timestampMs;
    this.#head = block;
    this.#remember(block);
    this.#pool.takeBack(waiting);
    if (carried.length > 0) this.#carried.set(number, carried);
    for (const { pending, failure } of refused) {
      const { extrinsic, who, notify } = pending;
      const name = `${extrinsic.call.pallet}.${extrinsic.call.name}`;
      this.log.info('extrinsic dropped', { number, call: name, by: who, why: failure.message });
      notify({ type: 'invalid', error: failure.message });
    }
    if (upgradeTo !== undefined) {
      this.#upgradeTo = undefined;
      this.log.warn('runtime upgraded', { number, specVersion: upgradeTo });
      this.#pool.invalidate(() => true); // signed for the version before
    }
    logBlock(this.log, block, carried);
    return block;
  }

  /** Finality follows the head; then all who listen hear of it, also when the disk did not take a block. */
  #announce(made: readonly Block[]): void {
    try {
      this.#finalize();
    } finally {
      this.#tell(made);
    }
  }

  #tell(made: readonly Block[]): void {
    const before = this.#served;
    const { lagBlocks } = this.#faults;
    const latest = this.#blocks.get(Math.max(this.#first, this.#head.number - lagBlocks))!;
    const goesOn = this.isCanonical(before);
    if (lagBlocks === 0) this.#served = this.#head;
    else if (!goesOn || latest.number > before.number) this.#served = latest;
    for (const block of made)
      this.#carried.get(block.number)?.forEach(({ notify }, index) => {
        // position 0 is the timestamp
        notify({ type: 'included', block: block.number, hash: block.hash, index: index + 1 });
      });
    if (this.#served !== before) {
      const imported = goesOn ? this.#between(before, this.#served) : made;
      const changed =
        goesOn && imported.length === 1 ? this.store.changedKeys(this.#served.number) : undefined;
      for (const listener of [...this.#servedListeners]) listener({ head: this.#served, imported, changed });
    }
    for (const number of this.#carried.keys()) if (number <= this.#finalized) this.#carried.delete(number);
    if (made.length === 0) return;
    const head = this.head();
    for (const listener of [...this.#listeners]) listener(head);
  }

  #between(before: Block, last: Block): readonly Block[] {
    const out: Block[] = [];
    for (let number = before.number + 1; number <= last.number; number++) {
      const block = this.#blocks.get(number);
      if (block) out.push(block);
    }
    return out;
  }

  #finalize(): void {
    if (this.#stopped) return;
    while (this.#finalized < this.#head.number - this.#finalityLag) {
      const number = this.#finalized + 1;
      const block = this.#blocks.get(number)!;
      try {
        this.#archive?.append(block, this.store.changes(number), () => this.save(number));
      } catch (error) {
        this.#stopped = error;
        throw error;
      }
      block.settle();
      this.#finalized = number;
    }
  }

  #submitTrusted(
    call: RuntimeCall,
    signer: string,
    notify: (status: PoolStatus) => void,
  ): { readonly hash: string } {
    const extrinsic = trusted(call, signer, this.nextNonce(signer), this.runtimeAt().instead);
    const failure = guardFailure(signer, extrinsic, this.#chain());
    if (failure) throw rejected(call, failure.message);
    return this.#admit(encodeSigned(extrinsic), extrinsic, signer, notify);
  }

  #admit(
    bytes: Uint8Array,
    extrinsic: SignedExtrinsic,
    who: string,
    notify: (status: PoolStatus) => void,
  ): { hash: string; ready: boolean } {
    const { era, nonce } = extrinsic.extra;
    const arrived = this.#head.number + 1;
    const death = eraDeath(era, arrived);
    const hash = `0x${toHex(blake2b256(bytes))}`;
    const pending = { bytes, hash, extrinsic, who, nonce, arrived, death, notify };
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
    const own = eventsOf(events, index);
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
      specVersion: specVersionAt(this.store),
      hashOf: (number) => this.#blocks.get(number)?.hash ?? this.#storedHash(number),
    };
  }

  /** Of blocks before the one that this process began with. */
  #storedHash(number: number): Uint8Array | undefined {
    const { BlockHash } = runtime.System.storage;
    return this.store.has(BlockHash, number) ? this.store.get(BlockHash, number) : undefined;
  }

  #known(number: number): Block {
    const block = this.#blocks.get(number);
    if (!block)
      throw new AssayError('chain-unknown', `block ${number} is not there`, { what: `block ${number}` });
    return block;
  }

  #remember(block: Block): void {
    this.#blocks.set(block.number, block);
    this.#byHash.set(`0x${toHex(block.hash)}`, block);
    const old = block.number - this.#history - 1;
    const forgotten = old > 0 ? this.#blocks.get(old) : undefined; // genesis stays: clients ask for it by number
    if (forgotten) {
      this.#blocks.delete(old);
      this.#byHash.delete(`0x${toHex(forgotten.hash)}`);
    }
    while (this.#retired.length > 0 && this.#retired[0]!.number <= old)
      this.#byHash.delete(`0x${toHex(this.#retired.shift()!.hash)}`);
  }
}

function trusted(call: RuntimeCall, signer: string, nonce: number, instead: Instead): SignedExtrinsic {
  publicKeyOf(signer);
  const extra = { era: { type: 'immortal' }, nonce, tip: 0n, mode: 0 } as const;
  return {
    address: { type: 'Id', value: [signer] },
    signature: { type: 'Sr25519', value: [new Uint8Array(64)] },
    extra,
    call,
    callBytes: encode(runtimeCall, call, instead),
    extraBytes: encodeExtra(extra),
  };
}

function rejected(call: RuntimeCall, error: string): AssayError<'chain-rejected'> {
  const name = `${call.pallet}.${call.name}`;
  return new AssayError('chain-rejected', `${name}: ${error}`, { call: name, error });
}

function assertAtLeast(label: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least)
    throw new RangeError(`${label}: expected an integer of at least ${least}, got ${value}`);
}
