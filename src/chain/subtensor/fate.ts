// Owns: one signed extrinsic on its way: sent once, watched, and when the watch is lost looked for in the blocks that could
// hold it, until it is in one or none can hold it any more. Does not own: signing (submit.ts), what it changed (writer.ts).
import type { Clock } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { Log } from '../../model/log.js';
import type { ChainLimits } from '../limits.js';
import { isNonsense } from '../with-retry.js';
import type { Connection, Subscription, SubscriptionKind } from './connection.js';
import { rejected, unreachable } from './errors.js';
import { headerNumber } from './header-number.js';
import { isRecord } from './plain.js';
import { RpcFailure } from './socket.js';
import { malformed } from './storage.js';

export interface FateParts {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Pick<ChainLimits, 'fatePollMs' | 'blockHashesPerRequest'>;
}

export interface SignedExtrinsic {
  /** the whole extrinsic, 0x... */
  readonly hex: string;
  /** first block that can hold it */
  readonly from: number;
  /** first block that is too late for it (sp_runtime `Era::death`) */
  readonly death: number;
  /** `Pallet.call`, for errors */
  readonly call: string;
}

export interface FollowOptions {
  /** Wait until the block that holds it is final; without, a fork may take the block back. @default false */
  readonly finalized?: boolean;
}

export interface Following {
  /**
   * The hash, in hex, of the block that has it; there it may have failed. Rejects with `chain-rejected` when it is in no
   * block and can never be in one; stays open as long as that cannot be known.
   */
  readonly included: Promise<string>;
  /** Ends the watch, or the search; `included` then stays open. */
  stop(): void;
}

const WATCH: SubscriptionKind = {
  event: 'author_extrinsicUpdate',
  subscribe: 'author_submitAndWatchExtrinsic',
  unsubscribe: 'author_unwatchExtrinsic',
};

/**
 * Sends it, once. When this rejects, no pool has taken it; where that is not certain, it is looked for in blocks.
 * @throws AssayError `chain-rejected` when the pool refused it, `unreachable` when there is no node to send it to,
 *   `unsupported` or `refused` when the node does not take extrinsics in that form
 */
export async function sendAndFollow(
  parts: FateParts,
  extrinsic: SignedExtrinsic,
  options: FollowOptions = {},
): Promise<Following> {
  const { connection, log } = parts;
  const over = new AbortController();
  const outcome = settling<string>();
  let searching = false;
  const search = (why: string): void => {
    if (over.signal.aborted || searching || !outcome.isOpen()) return;
    searching = true;
    log.info('extrinsic not watched any more, looking for it in blocks', { call: extrinsic.call, why });
    findFate(parts, extrinsic, options, over.signal).then((fate) => {
      if (fate === 'never') outcome.reject(rejected(extrinsic.call, 'AncientBirthBlock'));
      else if (typeof fate === 'object') outcome.resolve(fate.blockHash);
    }, outcome.reject);
  };
  /** One node's pool gave it up: a block may have it all the same, which that pool then saw too late. */
  const onGone = (error: string): void => {
    lookOnce(parts, extrinsic, over.signal).then((fate) => {
      if (typeof fate !== 'object') outcome.reject(rejected(extrinsic.call, error));
      else if (options.finalized) search(error);
      else outcome.resolve(fate.blockHash);
    }, outcome.reject);
  };
  const onStatus = (status: unknown): void => {
    const end = toEnd(status, options);
    if (end?.kind === 'included') outcome.resolve(end.blockHash);
    else if (end?.kind === 'gone') onGone(end.error);
    else if (end) search(end.why);
  };

  /** A watch may fall silent, and nothing else would notice. */
  async function searchWhenDead(): Promise<void> {
    while (!over.signal.aborted && !searching && outcome.isOpen()) {
      const { head } = connection.status();
      if (head && head.number >= extrinsic.death) search('no word until its era was over');
      else await parts.clock.sleep(parts.limits.fatePollMs, over.signal);
    }
  }

  if (!connection.isConnected) throw unreachable(connection.url);
  let watch: Subscription | undefined;
  try {
    watch = await connection.subscribe(WATCH, [extrinsic.hex], onStatus, extrinsic.call);
    void watch.lost.then(() => search('connection lost'));
  } catch (error) {
    if (isNotTaken(error)) throw error;
    // it went out, and no answer came that says what became of it: some pool may have it
    if (isNonsense(error)) connection.leave(error);
    search(error instanceof Error ? error.message : String(error));
  }
  void searchWhenDead();
  return {
    included: outcome.promise,
    stop() {
      over.abort();
      watch?.stop();
    },
  };
}

/** JSON-RPC 2.0: parse error, invalid request, invalid params. The method did not run. */
const NOT_RUN: ReadonlySet<number> = new Set([-32_700, -32_600, -32_602]);

function isNotTaken(error: unknown): boolean {
  if (isAssayError(error, 'chain-rejected') || isAssayError(error, 'unsupported')) return true;
  return error instanceof AssayError && error.cause instanceof RpcFailure && NOT_RUN.has(error.cause.code);
}

type End =
  | { readonly kind: 'included'; readonly blockHash: string }
  | { readonly kind: 'gone'; readonly error: string }
  /** this node does not know, and others may */
  | { readonly kind: 'unknown'; readonly why: string };

/** What a status of sc_transaction_pool_api::TransactionStatus decides, undefined while nothing is decided. */
function toEnd(status: unknown, { finalized = false }: FollowOptions): End | undefined {
  if (status === 'invalid') return { kind: 'gone', error: 'Invalid' };
  // a full pool let it go; the nodes that it was passed on to may still have it
  if (status === 'dropped') return { kind: 'unknown', why: 'dropped' };
  if (status === undefined) return { kind: 'unknown', why: 'the node ended the watch' };
  if (!isRecord(status)) return undefined; // future, ready
  const blockHash = finalized ? status.finalized : (status.inBlock ?? status.finalized);
  if (typeof blockHash === 'string') return { kind: 'included', blockHash };
  if ('usurped' in status) return { kind: 'gone', error: 'Usurped' };
  if (finalized && 'finalityTimeout' in status) return { kind: 'unknown', why: 'finalityTimeout' };
  return undefined; // broadcast, inBlock of one to be final, retracted (it is back in the pool)
}

export type Fate = { readonly blockHash: string } | 'never' | 'absent';

/** One pass over the blocks that there are, as soon as a node answers. @returns undefined when aborted. @throws as findFate */
export const lookOnce = (
  parts: FateParts,
  extrinsic: SignedExtrinsic,
  signal: AbortSignal,
): Promise<Fate | undefined> => findFate(parts, extrinsic, { once: true }, signal);

/**
 * Looks through the bodies of the blocks that can hold it, on whichever node is in use. `never` once the last of them is
 * final and none has it; with `once`, `absent` when none of those that there are has it.
 * @returns undefined when aborted
 * @throws AssayError `unreachable` when the connection is closed, `refused` when its chain is another one
 */
export async function findFate(
  parts: FateParts,
  extrinsic: SignedExtrinsic,
  { finalized = false, once = false }: FollowOptions & { readonly once?: boolean },
  signal: AbortSignal,
): Promise<Fate | undefined> {
  const { connection, clock, limits } = parts;
  /** hashes of blocks without it */
  const without = new Set<string>();
  while (!signal.aborted) {
    await connection.whenConnected(signal);
    if (signal.aborted) return undefined;
    try {
      const { best, final } = await readHeads(connection);
      let missing = false;
      const last = Math.min(best, extrinsic.death - 1);
      for (let first = extrinsic.from; first <= last; first += limits.blockHashesPerRequest) {
        const until = Math.min(last, first + limits.blockHashesPerRequest - 1);
        for (const [number, hash] of await hashesBetween(connection, first, until)) {
          const found =
            hash !== undefined && (without.has(hash) ? false : await hasIt(connection, hash, extrinsic));
          if (found && hash !== undefined && (!finalized || number <= final)) return { blockHash: hash };
          if (found === false && hash !== undefined) without.add(hash);
          if (found === undefined || hash === undefined) missing = true;
        }
      }
      if (!missing && final >= extrinsic.death - 1) return 'never';
      if (once) return 'absent';
    } catch (error) {
      if (connection.isClosed || !mayPass(error)) throw error;
      if (isNonsense(error)) connection.leave(error);
    }
    await clock.sleep(limits.fatePollMs, signal);
  }
  return undefined;
}

const mayPass = (error: unknown): error is AssayError =>
  isAssayError(error, 'unreachable') ||
  isAssayError(error, 'timeout') ||
  // a node that is not there yet, or answers nonsense: the next may do better
  isAssayError(error, 'chain-unknown') ||
  isAssayError(error, 'invalid-input');

async function readHeads(connection: Connection): Promise<{ best: number; final: number }> {
  const finalHash = await connection.request('chain_getFinalizedHead', []);
  const [final, best] = await Promise.all([
    connection.request('chain_getHeader', [finalHash]),
    connection.request('chain_getHeader', []),
  ]);
  return { best: numberOf(best), final: numberOf(final) };
}

function numberOf(header: unknown): number {
  const number = headerNumber(header);
  if (number === undefined) throw malformed('chain_getHeader');
  return number;
}

/** undefined for a block that the node does not know. */
async function hashesBetween(
  connection: Connection,
  first: number,
  last: number,
): Promise<readonly (readonly [number: number, hash: string | undefined])[]> {
  const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const answer = await connection.request('chain_getBlockHash', [numbers]);
  if (!Array.isArray(answer) || answer.length !== numbers.length) throw malformed('chain_getBlockHash');
  return numbers.map((number, i) => {
    const hash: unknown = answer[i];
    return [number, typeof hash === 'string' ? hash : undefined];
  });
}

/** undefined when the node no longer has the block's body */
async function hasIt(
  connection: Connection,
  hash: string,
  { hex }: SignedExtrinsic,
): Promise<boolean | undefined> {
  const body = await connection.request('chain_getBlock', [hash]);
  if (body === null) return undefined;
  const extrinsics = isRecord(body) && isRecord(body.block) ? body.block.extrinsics : undefined;
  if (!Array.isArray(extrinsics)) throw malformed('chain_getBlock');
  return extrinsics.includes(hex);
}

function settling<T>() {
  let open = true;
  let resolve = (_: T) => {};
  let reject = (_: unknown) => {};
  const promise = new Promise<T>((done, failed) => {
    resolve = (value) => {
      open = false;
      done(value);
    };
    reject = (error) => {
      open = false;
      failed(error);
    };
  });
  promise.catch(() => {}); // may be decided before anybody waits for it
  return { promise, resolve, reject, isOpen: () => open };
}
