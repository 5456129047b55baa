// Owns: extrinsics that wait for a block, by sender and nonce. Does not own: what makes one valid (validity.ts).
import type { SignedExtrinsic } from '../chain/codec/extrinsic.js';

export interface Pending {
  /** length-prefixed, as it will stand in the block */
  readonly bytes: Uint8Array;
  /** blake2-256 of `bytes`, 0x-hex */
  readonly hash: string;
  readonly extrinsic: SignedExtrinsic;
  readonly who: string;
  readonly nonce: number;
  /** the block that could have carried it when it came */
  readonly arrived: number;
  /** first block too late for it */
  readonly death: number;
  /** Told when it leaves the pool, or comes back to it. */
  readonly notify: (status: PoolStatus) => void;
}

export type PoolStatus =
  | {
      readonly type: 'included';
      readonly block: number;
      /** 32 bytes */
      readonly hash: Uint8Array;
      readonly index: number;
    }
  /** the block that carried it is no longer of the chain: it waits again */
  | { readonly type: 'retracted'; readonly hash: Uint8Array }
  /** its era ended, its nonce was used up by another, it was signed for an older runtime, or a guard of its call fails */
  | {
      readonly type: 'invalid';
      /** name of what the guard found: `SubtensorModule.SettingWeightsTooFast` */
      readonly error?: string;
    };

export type PoolRefusal = 'already-imported' | 'priority' | 'full';

export class Pool {
  readonly #bySender = new Map<string, Map<number, Pending>>();
  /** arrival order */
  readonly #all = new Set<Pending>();

  #bytes = 0;

  /** @param limit beyond it, or beyond so many bytes, newcomers are refused, so that a flood cannot grow memory */
  constructor(
    private readonly limit: number,
    private readonly limitBytes = Number.POSITIVE_INFINITY,
  ) {}

  get size(): number {
    return this.#all.size;
  }

  /** A second extrinsic of a nonce does not replace the first: tips buy no priority here. */
  add(pending: Pending): PoolRefusal | undefined {
    const nonces = this.#bySender.get(pending.who);
    const same = nonces?.get(pending.nonce);
    if (same) return same.hash === pending.hash ? 'already-imported' : 'priority';
    if (this.#all.size >= this.limit || this.#bytes + pending.bytes.length > this.limitBytes) return 'full';
    this.#insert(pending);
    return undefined;
  }

  /** Takes back what a block carried that is no longer of the chain: before those that came since, whatever the limit. */
  takeBack(retracted: readonly Pending[]): void {
    const later = [...this.#all];
    this.#all.clear();
    for (const pending of retracted) this.#insert(pending);
    for (const pending of later) this.#all.add(pending);
  }

  /** Drops those that can no longer become valid, and tells them. */
  invalidate(isInvalid: (pending: Pending) => boolean): void {
    for (const pending of [...this.#all]) if (isInvalid(pending)) this.#drop(pending, true);
  }

  /** The next nonce that `who` may use, given the account's own. */
  nextNonce(who: string, nonce: number): number {
    const nonces = this.#bySender.get(who);
    let next = nonce;
    while (nonces?.has(next)) next++;
    return next;
  }

  /** True when nothing is missing before `pending`. */
  isReady(pending: Pending, nonce: number): boolean {
    return pending.nonce < this.nextNonce(pending.who, nonce);
  }

  /**
   * Takes what block `number` can carry: in order of arrival, each sender's nonces without gap from the account's own.
   * The others stay.
   *
   * @param limitBytes of all together: what does not fit waits, with its account's later nonces; smaller ones go ahead
   * @param delayBlocks blocks that each has to let pass
   */
  take(
    number: number,
    nonceOf: (who: string) => number,
    limit: number,
    limitBytes = Number.POSITIVE_INFINITY,
    delayBlocks = 0,
  ): Pending[] {
    for (const pending of [...this.#all])
      if (pending.death <= number || pending.nonce < nonceOf(pending.who)) this.#drop(pending, true);
    const out: Pending[] = [];
    const expected = new Map<string, number>();
    let bytes = 0;
    // a pass per gap that an earlier arrival left open: 2 before 1 is sent is carried right after 1
    for (let progress = true; progress && out.length < limit; ) {
      progress = false;
      for (const pending of this.#all) {
        if (out.length >= limit) break;
        if (pending.arrived + delayBlocks > number) continue;
        const next = expected.get(pending.who) ?? nonceOf(pending.who);
        if (pending.nonce !== next || bytes + pending.bytes.length > limitBytes) continue;
        bytes += pending.bytes.length;
        expected.set(pending.who, next + 1);
        this.#drop(pending, false);
        out.push(pending);
        progress = true;
      }
    }
    return out;
  }

  pending(): readonly Pending[] {
    return [...this.#all];
  }

  #insert(pending: Pending): void {
    this.#all.add(pending);
    this.#bytes += pending.bytes.length;
    const nonces = this.#bySender.get(pending.who);
    if (nonces) nonces.set(pending.nonce, pending);
    else this.#bySender.set(pending.who, new Map([[pending.nonce, pending]]));
  }

  #drop(pending: Pending, tell: boolean): void {
    if (this.#all.delete(pending)) this.#bytes -= pending.bytes.length;
    const nonces = this.#bySender.get(pending.who);
    nonces?.delete(pending.nonce);
    if (nonces?.size === 0) this.#bySender.delete(pending.who);
    if (tell) pending.notify({ type: 'invalid' });
  }
}
