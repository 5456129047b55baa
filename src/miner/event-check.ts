// Owns: whether an event that a validator names is one of this chain. Does not own: who the validator is (admit.ts).
import type { ChainReader, Head } from '../chain/chain.js';
import { equals } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import type { Netuid } from '../model/ids.js';
import type { Log } from '../model/log.js';
import { type Hold, passBlock } from '../verification/draw.js';

/**
 * Without it one validator could start a slot on a beacon, or under a basis, of its own, at every other's expense. It does
 * not say whether the subnet's plan has an event at that block: the plan is the validators'.
 */
export interface EventCheck {
  /** `block` is about to come, and `basis` is the hash of the block that began the chain's epoch. */
  isPlausible(event: { readonly block: number; readonly basis: Uint8Array }): Promise<boolean>;
  /** `beacon` is the hash of `block`, as this miner's own node has it; waits a little until it has it. */
  confirms(block: number, beacon: Uint8Array): Promise<boolean>;
  /** The same of the block that the hold's draw picks: nobody can choose when the Pass of others begins. */
  confirmsPass(event: { readonly block: number; readonly hold: Hold }, beacon: Uint8Array): Promise<boolean>;
}

/** An event may be announced so many blocks ahead; once our node has its block it is too late to be armed. */
const AHEAD_BLOCKS = 100;
/** A validator's node may have the event's block this much earlier than ours: the Go is held meanwhile. */
const HOLD_MS = 3000;
/** Hashes of heads kept: more than any event is old when its Go comes. */
const KEPT_HEADS = 256;

export function createEventCheck(
  parts: { reader: Pick<ChainReader, 'subnet' | 'blockHash'>; clock: Clock; log: Log },
  options: { netuid: Netuid },
): EventCheck & { onHead(head: Head): void } {
  const { reader, clock, log } = parts;
  const heads = new Map<number, Uint8Array>();
  const waiting = new Set<() => void>();
  let newest = -1;
  let basis: Uint8Array | undefined;
  let readAt = -1;
  let reading: Promise<void> | undefined;

  /** At most once per head: whoever names a wrong basis makes us read no more often than the chain moves. */
  async function readBasis(): Promise<void> {
    if (readAt === newest) return;
    reading ??= (async () => {
      const at = newest;
      try {
        const { lastEpochBlock } = await reader.subnet(options.netuid);
        basis = await reader.blockHash(lastEpochBlock);
        readAt = at;
      } catch (error) {
        log.warn('epoch not read, the last known one holds', { error });
      } finally {
        reading = undefined;
      }
    })();
    await reading;
  }

  return {
    onHead({ number, hash }) {
      newest = Math.max(newest, number);
      heads.set(number, hash);
      heads.delete(number - KEPT_HEADS);
      for (const wake of [...waiting]) wake();
    },
    async isPlausible(event) {
      if (event.block > newest + AHEAD_BLOCKS || event.block < newest) return false;
      if (basis && equals(basis, event.basis)) return true;
      await readBasis();
      return basis !== undefined && equals(basis, event.basis);
    },
    async confirms(block, beacon) {
      const patience = waitFor(HOLD_MS);
      const known = await reaches(block, patience);
      patience.end();
      if (!known) return false;
      const seen = heads.get(block);
      if (seen && equals(seen, beacon)) return true;
      // the head we saw may have been one of a fork that lost: the node knows better now
      const hash = await reader.blockHash(block).catch(() => undefined);
      return hash !== undefined && equals(hash, beacon);
    },
    async confirmsPass({ block, hold }, beacon) {
      const patience = waitFor(HOLD_MS);
      const drawnBy = async (hashOf: (block: number) => Promise<Uint8Array>) => {
        const drawn = await passBlock(block, hold, async (candidate) => {
          if (!(await reaches(candidate, patience))) throw new Error(`no block ${candidate} yet`);
          return hashOf(candidate);
        }).catch(() => undefined);
        return drawn !== undefined && equals(drawn.hash, beacon);
      };
      const read = (candidate: number) => reader.blockHash(candidate);
      try {
        return (
          (await drawnBy(async (candidate) => heads.get(candidate) ?? read(candidate))) ||
          (await drawnBy(read))
        ); // as above
      } finally {
        patience.end();
      }
    },
  };

  function waitFor(ms: number): { readonly over: Promise<void>; isOver: boolean; end(): void } {
    const stop = new AbortController();
    const over = clock.sleep(ms, stop.signal);
    const patience = { over, isOver: false, end: () => stop.abort() };
    void over.then(() => {
      patience.isOver = true;
    });
    return patience;
  }

  async function reaches(
    block: number,
    patience: { over: Promise<void>; isOver: boolean },
  ): Promise<boolean> {
    while (newest < block && !patience.isOver) {
      let wake = () => {};
      const moved = new Promise<void>((resolve) => {
        wake = resolve;
      });
      waiting.add(wake);
      await Promise.race([moved, patience.over]);
      waiting.delete(wake);
    }
    return newest >= block;
  }
}
