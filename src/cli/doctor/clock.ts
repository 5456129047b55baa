// Owns: how far this host's clock is off, by the timestamps of blocks as they come. Does not own: the chain's own clocks, which
// its nodes keep among themselves.
import type { ChainInfo, ChainReader, Head } from '../../chain/chain.js';
import { isAssayError } from '../../model/errors.js';
import { DEFAULT_LIMITS } from '../../protocol/limits.js';
import { type Check, failed, ok, unknown, warning } from './check.js';

/** A block by its own clock, and when it was here by ours; unix ms. */
export interface BlockTime {
  readonly timestampMs: number;
  readonly seenMs: number;
}

/** How long a block is on its way at most, beside the time that its author took for it: what is beyond that is the clock's. */
const ON_THE_WAY_MS = 4_000;
/** Worth a word before it costs anything. */
const SMALL_MS = 2_000;

export interface Skew {
  /** our clock minus the chain's lies between them */
  readonly leastMs: number;
  readonly mostMs: number;
}

/**
 * A block is stamped when its author begins it, and is here within a block's time and the way. So each one bounds the difference
 * from both sides; that which came soonest says most.
 */
export function skewOf(blocks: readonly BlockTime[], blockTimeMs: number): Skew | undefined {
  if (blocks.length === 0) return undefined;
  const soonest = Math.min(...blocks.map(({ timestampMs, seenMs }) => seenMs - timestampMs));
  return { leastMs: soonest - blockTimeMs - ON_THE_WAY_MS, mostMs: soonest };
}

export function clockCheck(skew: Skew | undefined, { type, name }: Pick<ChainInfo, 'type' | 'name'>): Check {
  if (skew === undefined)
    return unknown(
      'clock',
      `no block of ${name} with a time came while we looked`,
      'look at the system clock above, and at the node (assay chain status)',
    );
  const { leastMs, mostMs } = skew;
  const limitMs = DEFAULT_LIMITS.skewMs;
  const offMs = mostMs < 0 ? -mostMs : Math.max(0, leastMs);
  const side = mostMs < 0 ? 'behind' : 'ahead of';
  const said = `at least ${seconds(offMs)} ${side} the blocks of ${name}`;
  const within = `within ${seconds(Math.max(Math.abs(leastMs), Math.abs(mostMs)))} of the blocks of ${name}`;
  if (offMs < SMALL_MS) return ok('clock', `${within}; signed calls are refused beyond ${seconds(limitMs)}`);
  // whoever runs a chain to try things out may let its time be what it likes
  if (type !== 'live') return unknown('clock', `${said}, whose time need not be ours`);
  const fix = 'let the system follow a time server: timedatectl set-ntp true, or install chrony';
  return offMs < limitMs / 2 ? warning('clock', said, fix) : failed('clock', said, fix);
}

const seconds = (ms: number): string => `${Number((ms / 1000).toFixed(1))} s`;

/**
 * Waits for blocks, so many and so long at most; the node's age of one that was there before says nothing of the way.
 * @param now unix ms
 */
export async function watchBlockTimes(
  chain: Pick<ChainReader, 'watchHeads' | 'beacon'>,
  of: { readonly now: () => number; readonly most: number; readonly withinMs: number },
  signal: AbortSignal,
): Promise<readonly BlockTime[]> {
  const seen: { readonly hash: Uint8Array; readonly seenMs: number }[] = [];
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), of.withinMs);
  const inner = AbortSignal.any([signal, over.signal]);
  let isFirst = true;
  try {
    await chain.watchHeads(({ hash }: Head) => {
      // the first may have been there for long
      if (!isFirst) seen.push({ hash, seenMs: of.now() });
      isFirst = false;
      if (seen.length >= of.most) over.abort();
    }, inner);
  } catch (error) {
    if (!inner.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
  signal.throwIfAborted();
  const times = await Promise.all(
    seen.map(async ({ hash, seenMs }) => {
      const timestampMs = await timestampOf(chain, hash);
      return timestampMs === undefined ? [] : [{ timestampMs, seenMs }];
    }),
  );
  return times.flat();
}

/** Undefined on runtimes without a beacon, beside which it is read. */
async function timestampOf(
  chain: Pick<ChainReader, 'beacon'>,
  hash: Uint8Array,
): Promise<number | undefined> {
  try {
    return (await chain.beacon(hash)).blockTimestampMs;
  } catch (error) {
    if (isAssayError(error, 'unsupported')) return undefined;
    throw error;
  }
}
