// Owns: following a chain's blocks over one connection, across its outages and forks. Does not own: connecting, what blocks
// mean.
import { fromHex, toHex } from '../../model/bytes.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { Head } from '../chain.js';
import { CHAIN_LIMITS, type ChainLimits } from '../limits.js';
import { isNonsense } from '../with-retry.js';
import { type BlockRef, readBlock, toBlockRef, toHash, toHead } from './blocks.js';
import {
  type Connection,
  FINALIZED_HEADS,
  NEW_HEADS,
  type Subscription,
  type SubscriptionKind,
} from './connection.js';
import { malformed } from './storage.js';

/** Heads remembered to name those that a fork took back: deeper than any fork before finality. */
const REMEMBERED = 256;
/** Heads waiting while a fork is looked into; of more than that the oldest are not told. */
const WAITING = 64;

/**
 * As ChainReader.watchHeads.
 * @returns when aborted, or when the connection was closed by its owner
 * @throws what `onHead` throws; AssayError `refused` when the connection ended because the chain is another one
 */
export async function watchHeads(
  connection: Connection,
  onHead: (head: Head, retracted?: readonly Head[]) => void,
  signal: AbortSignal,
): Promise<void> {
  let told: BlockRef[] = []; // newest last
  await whileConnected(connection, signal, async (stop) => {
    const waiting: BlockRef[] = [];
    let working = false;
    async function work(): Promise<void> {
      if (working) return;
      working = true;
      for (let next = waiting.shift(); next && !stop.signal.aborted; next = waiting.shift()) {
        const newest = told.at(-1);
        if (newest?.hash === next.hash) continue; // a node sends its head again to a new subscription
        const retracted =
          newest && newest.hash !== next.parent ? await retractedBy(connection, told, next) : [];
        if (stop.signal.aborted) return;
        told = [...told.slice(0, told.length - retracted.length), next].slice(-REMEMBERED);
        if (retracted.length > 0) onHead(toHead(next), retracted.map(toHead));
        else onHead(toHead(next));
      }
      working = false;
    }
    return await subscribe(
      connection,
      NEW_HEADS,
      (head) => {
        waiting.push(head);
        if (waiting.length > WAITING) waiting.shift();
        work().catch(stop.fail);
      },
      stop,
    );
  });
}

/** Those of `told` that are not on the chain of `head`, newest first. */
async function retractedBy(
  connection: Connection,
  told: readonly BlockRef[],
  head: BlockRef,
): Promise<BlockRef[]> {
  const retracted: BlockRef[] = [];
  for (const block of [...told].reverse()) {
    if (block.hash === head.parent) break;
    const isAncestor =
      block.number < head.number &&
      (await connection.request('chain_getBlockHash', [block.number])) === block.hash;
    if (isAncestor) break;
    retracted.push(block);
  }
  return retracted;
}

/**
 * As ChainReader.watchBlocks: one after another by number, whatever the subscription told of.
 * @throws as watchHeads; AssayError `chain-unknown` naming the blocks that the node no longer keeps, `refused` when a
 *   block that was told is no longer on the chain
 */
export async function watchBlocks(
  connection: Connection,
  from: number,
  onBlock: (block: Head) => void | Promise<void>,
  signal: AbortSignal,
  limits: Pick<ChainLimits, 'blockHashesPerRequest'> = CHAIN_LIMITS,
): Promise<void> {
  if (!Number.isSafeInteger(from) || from < 0)
    throw new RangeError(`first block: expected an integer of at least 0, got ${from}`);
  let next = from;
  let last: Head | undefined;
  let broken: { readonly error: unknown } | undefined;
  async function tell(block: Head): Promise<void> {
    try {
      await onBlock(block);
    } catch (error) {
      broken = { error };
      throw new ConsumerFailed(); // whatever it is, it is no outage
    }
    last = block;
    next = block.number + 1;
  }
  /** never rejects; one connection's work begins after the last one's, whose consumer may still be busy with a block */
  let turn: Promise<void> = Promise.resolve();
  const watching = whileConnected(connection, signal, async (stop) => {
    let newest = -1;
    let working = false;
    let isChecked = false;
    async function work(): Promise<void> {
      if (broken) throw new ConsumerFailed();
      if (last && !isChecked && !stop.signal.aborted) await assertThere(connection, last);
      isChecked = true;
      while (next <= newest && !stop.signal.aborted) {
        const first = next;
        const page = Math.min(limits.blockHashesPerRequest, newest - first + 1);
        for (const [i, hash] of (await hashesOf(connection, first, page, newest)).entries()) {
          if (stop.signal.aborted) return;
          await tell({ number: first + i, hash });
        }
      }
      working = false;
    }
    return await subscribe(
      connection,
      FINALIZED_HEADS,
      ({ number }) => {
        newest = Math.max(newest, number);
        if (working) return;
        working = true;
        turn = turn.then(work).catch(stop.fail);
      },
      stop,
    );
  });
  try {
    await watching;
  } catch (error) {
    if (!(error instanceof ConsumerFailed)) throw error;
  } finally {
    await turn;
  }
  if (broken && !signal.aborted) throw broken.error;
}

class ConsumerFailed extends Error {}

/** Hashes of `count` blocks from `first`, all of which the node called final. */
async function hashesOf(
  connection: Connection,
  first: number,
  count: number,
  newest: number,
): Promise<Uint8Array[]> {
  const numbers = Array.from({ length: count }, (_, i) => first + i);
  const answer = await connection.request('chain_getBlockHash', [numbers]);
  if (!Array.isArray(answer) || answer.length !== count) throw malformed('chain_getBlockHash');
  // no node has more final blocks than blocks
  if (answer.includes(null) && (await readBlock(connection)).number < newest)
    throw malformed('chain_finalizedHead');
  return answer.map((hash: unknown, i) => {
    if (hash !== null) return fromHex(toHash(hash, 'chain_getBlockHash'));
    const known = answer.findIndex((one, at) => at > i && one !== null);
    const until = known < 0 ? Math.min(first + count - 1, newest) : first + known - 1;
    const what = `blocks ${first + i} to ${until}`;
    throw new AssayError('chain-unknown', `${connection.url} does not keep ${what}: ask an archive node`, {
      what,
    });
  });
}

async function assertThere(connection: Connection, { number, hash }: Head): Promise<void> {
  const here = await connection.request('chain_getBlockHash', [number]);
  if (here === null || here === `0x${toHex(hash)}`) return; // null: not there yet, or no longer kept
  const reason = `final block ${number} was 0x${toHex(hash)}, and is ${String(here).slice(0, 66)} now`;
  throw new AssayError('refused', `${connection.url} is on another fork: ${reason}`, { reason });
}

interface Stop {
  /** aborted when this connection's part is over, for whatever reason */
  readonly signal: AbortSignal;
  readonly fail: (error: unknown) => void;
}

/**
 * Runs `watch` on each connection anew, until aborted, closed or failed. Outages are no failure, nor is a node that answers
 * nonsense where there is another to go to.
 */
async function whileConnected(
  connection: Connection,
  signal: AbortSignal,
  watch: (stop: Stop) => Promise<Subscription>,
): Promise<void> {
  while (!signal.aborted && !connection.isClosed) {
    await connection.whenConnected(signal);
    if (signal.aborted || connection.isClosed) break;
    const over = new AbortController();
    let subscription: Subscription | undefined;
    let onAbort = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        onAbort = resolve;
        signal.addEventListener('abort', onAbort, { once: true });
        watch({ signal: over.signal, fail: reject }).then((made) => {
          subscription = made;
          if (over.signal.aborted) made.stop(); // it failed or was aborted meanwhile
          void made.lost.then(resolve);
        }, reject);
      });
    } catch (error) {
      const isOutage = isAssayError(error, 'unreachable') || isAssayError(error, 'timeout');
      if (!isOutage && !(isNonsense(error) && connection.leave(error))) throw error;
      // the outage came in between: wait for the next connection
    } finally {
      signal.removeEventListener('abort', onAbort);
      over.abort();
      subscription?.stop();
    }
  }
  if (signal.aborted) return;
  // closed by its owner is the end; closed because the node is not what it was is an error that must be heard
  await connection.request('chain_getHeader', []).catch((error: unknown) => {
    if (!isAssayError(error, 'unreachable')) throw error;
  });
}

function subscribe(
  connection: Connection,
  kind: SubscriptionKind,
  onBlock: (block: BlockRef) => void,
  stop: Stop,
): Promise<Subscription> {
  return connection.subscribe(kind, [], (header) => {
    if (stop.signal.aborted) return; // values may be in flight when we stop
    try {
      onBlock(toBlockRef(connection, header));
    } catch (error) {
      stop.fail(error); // a broken consumer must not become a silent one
    }
  });
}
