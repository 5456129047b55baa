// Owns: a window as it comes to be: waiting for its first block, its round, and what was committed at its last one. For miners and
// validators alike. Does not own: which blocks those are (windows.ts), rounds (beacon.ts), what is done in a window.
import type { ChainReader, Subnet } from '../chain/chain.js';
import type { SubtensorReader } from '../chain/operator-reads.js';
import type { BeaconRound, WindowContext } from '../inference/spec/window.js';
import type { Clock } from '../model/clock.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import type { Log } from '../model/log.js';
import type { Beacon } from './beacon.js';
import {
  BEACON_DELAY_MS,
  committedDigest,
  deadlineBlock,
  HEAD_LEAD_BLOCKS,
  startBlock,
  type WindowPlan,
  windowAt,
} from './windows.js';

/** As much of the chain as windows need. */
export type WindowChain = Pick<
  ChainReader,
  'info' | 'head' | 'finalizedHead' | 'blockHash' | 'subnet' | 'beacon'
> &
  Pick<SubtensorReader, 'commitments' | 'commitmentOf'>;

export interface FollowParts {
  readonly chain: WindowChain;
  readonly beacon: Beacon;
  readonly clock: Clock;
  readonly log: Log;
}

export interface WindowRules {
  readonly netuid: Netuid;
  readonly plan: WindowPlan;
  readonly policyDigest: Uint8Array;
  /** whose commitment names the window's checkpoint */
  readonly trainer: Hotkey;
}

export interface OpenWindow {
  readonly window: number;
  /** S and D */
  readonly startBlock: number;
  readonly deadlineBlock: number;
  /** state of S: who may take part. Known before the round is, so that nobody can choose a key for its stream. */
  readonly roster: Subnet;
  readonly context: WindowContext;
}

/** Between two looks at the chain, as a part of its block time. */
const LOOKS_PER_BLOCK = 4;
/** A round, or the chain before its block time is known, is asked again after so long. */
const AGAIN_MS = 1_000;
/** What failed is tried again after so long at first, and after twice as long each time. */
const MOST_AGAIN_MS = 15_000;
/** What goes on is said at once, after so long, and after twice as long each time. */
const SAY_AGAIN_MS = 60_000;
const MOST_SAY_AGAIN_MS = 60 * 60_000;

/** Whether it is time to say it (again). */
function seldom({ clock }: Pick<FollowParts, 'clock'>): () => boolean {
  let next = Number.NEGATIVE_INFINITY;
  let waitMs = SAY_AGAIN_MS;
  return () => {
    const now = clock.monotonic();
    if (now < next) return false;
    next = now + waitMs;
    waitMs = Math.min(2 * waitMs, MOST_SAY_AGAIN_MS);
    return true;
  };
}

/**
 * Tried again until it works, or is of no use any more: one answer that does not come must not cost a window.
 * @param until unix ms, from which on it is not begun again
 * @throws what it failed with last; the signal's reason when aborted
 */
export async function persist<T>(
  parts: Pick<FollowParts, 'clock' | 'log'>,
  { what, until }: { readonly what: string; readonly until: number },
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { clock, log } = parts;
  const isTime = seldom(parts);
  for (let waitMs = AGAIN_MS; ; waitMs = Math.min(2 * waitMs, MOST_AGAIN_MS)) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (clock.now() >= until) throw error;
      if (isTime()) log.warn(`${what}: failed, and is tried again`, { error });
    }
    await clock.sleep(Math.min(waitMs, until - clock.now()), signal);
    signal.throwIfAborted();
  }
}

/** The window that can still be taken part in, or the next one. An outage is waited out. */
export const currentWindow = async (
  parts: FollowParts,
  plan: WindowPlan,
  signal: AbortSignal,
): Promise<number> => windowAt(plan, (await headOf(parts, signal)).number);

/** When a block will be there, unix ms, if no slot is empty until then. An outage is waited out. */
export async function expectedAt(parts: FollowParts, block: number, signal: AbortSignal): Promise<number> {
  const { number, blockTimeMs } = await headOf(parts, signal);
  return parts.clock.now() + Math.max(0, block - number) * blockTimeMs;
}

const headOf = (parts: FollowParts, signal: AbortSignal) =>
  persist(
    parts,
    { what: 'the newest block', until: Number.POSITIVE_INFINITY },
    async () => ({ ...(await parts.chain.info()), ...(await parts.chain.head()) }),
    signal,
  );

/** Resolves when that block is there, or with `false` when aborted. An outage is waited out. */
export const untilHead = (parts: FollowParts, block: number, signal: AbortSignal): Promise<boolean> =>
  untilBlock(parts, 'head', block, signal);

/** The same for a block that is final. */
export const untilFinal = (parts: FollowParts, block: number, signal: AbortSignal): Promise<boolean> =>
  untilBlock(parts, 'finalizedHead', block, signal);

async function untilBlock(
  parts: FollowParts,
  which: 'head' | 'finalizedHead',
  block: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { chain, clock, log } = parts;
  const isTime = seldom(parts);
  while (!signal.aborted) {
    let againMs = AGAIN_MS;
    try {
      if ((await chain[which]()).number >= block) return true;
      againMs = (await chain.info()).blockTimeMs / LOOKS_PER_BLOCK;
    } catch (error) {
      if (isTime()) log.warn('the chain cannot be asked for its newest block', { which, block, error });
    }
    await clock.sleep(againMs, signal);
  }
  return false;
}

/**
 * The round, as soon as it can be had; undefined when `until` (unix ms) passed without it, or when aborted.
 * @throws what asking for it failed with, where that is why it is not here at `until`: it may be out all the same
 */
export async function untilRound(
  parts: Pick<FollowParts, 'beacon' | 'clock' | 'log'>,
  round: bigint,
  until: number,
  signal: AbortSignal,
): Promise<BeaconRound | undefined> {
  const { beacon, clock, log } = parts;
  const isTime = seldom(parts);
  await clock.sleep(beacon.timeOf(round) - clock.now(), signal);
  while (!signal.aborted) {
    let failure: { readonly error: unknown } | undefined;
    try {
      const found = await beacon.fetch(round, signal);
      if (found) return found;
    } catch (error) {
      if (signal.aborted) return undefined;
      failure = { error };
    }
    if (clock.now() >= until) {
      if (failure) throw failure.error;
      return undefined;
    }
    if (failure && isTime()) log.warn('a round of the beacon cannot be asked for', { round, ...failure });
    await clock.sleep(Math.min(AGAIN_MS, until - clock.now()), signal);
  }
  return undefined;
}

/**
 * Waits for S and the window's round.
 * @param lateMs after D in which the caller can still do something in the window
 * @returns undefined where the window does not take place: no checkpoint was committed, or no round came in time; or aborted
 * @throws what chain or beacon failed with, until it was too late
 */
export async function openWindow(
  parts: FollowParts,
  rules: WindowRules,
  window: number,
  signal: AbortSignal,
  lateMs = 0,
): Promise<OpenWindow | undefined> {
  const { chain, beacon, log } = parts;
  const { netuid, plan, policyDigest } = rules;
  const [start, deadline] = [startBlock(plan, window), deadlineBlock(plan, window)];
  if (!(await untilFinal(parts, start, signal))) return undefined;
  const until = lateMs + (await expectedAt(parts, deadline, signal));
  const read = async () => {
    const hash = await chain.blockHash(start);
    return Promise.all([
      chain.subnet(netuid, hash),
      timestampOf(chain, hash),
      checkpointOf(chain, rules, window),
      chain.info(),
    ]);
  };
  const what = 'what the chain has of a window';
  const [roster, time, checkpointDigest, { genesisHash }] = await persist(
    parts,
    { what, until },
    read,
    signal,
  );
  if (!checkpointDigest) {
    log.warn('window without a checkpoint: it does not take place', { window });
    return undefined;
  }
  const round = beacon.roundFrom(time + (plan.beaconDelayMs ?? BEACON_DELAY_MS));
  const found = await untilRound(parts, round, until, signal);
  if (!found) {
    if (!signal.aborted) log.warn('no round for a window: it does not take place', { window, round });
    return undefined;
  }
  const context = { beacon: found, genesis: genesisHash, netuid, window, checkpointDigest, policyDigest };
  return { window, startBlock: start, deadlineBlock: deadline, roster, context };
}

/** One checkpoint for all miners: what the trainer had committed some blocks before S. */
export async function checkpointOf(
  chain: Pick<WindowChain, 'blockHash' | 'commitmentOf'>,
  { netuid, plan, trainer }: WindowRules,
  window: number,
): Promise<Uint8Array | undefined> {
  const upTo = startBlock(plan, window) - (plan.headLeadBlocks ?? HEAD_LEAD_BLOCKS);
  const commitment = await chain.commitmentOf(netuid, trainer, await chain.blockHash(upTo));
  return committedDigest(commitment, { after: -1, upTo });
}

export interface HandedIn {
  /** hash of D */
  readonly hash: Uint8Array;
  /** by hotkey of the roster; those that committed nothing in time are not in it */
  readonly digests: ReadonlyMap<Hotkey, Uint8Array>;
}

/** What the roster had committed at D; the chain must have that block. The trainer's commitment is a checkpoint's, for a later window. */
export async function handedIn(
  chain: Pick<WindowChain, 'blockHash' | 'commitments'>,
  { trainer }: Pick<WindowRules, 'trainer'>,
  { startBlock: after, deadlineBlock: upTo, roster }: OpenWindow,
): Promise<HandedIn> {
  const hash = await chain.blockHash(upTo);
  const found = new Map((await chain.commitments(roster.netuid, hash)).map((each) => [each.hotkey, each]));
  const digests = new Map<Hotkey, Uint8Array>();
  for (const { hotkey } of roster.neurons) {
    const digest = committedDigest(found.get(hotkey), { after, upTo });
    if (digest && hotkey !== trainer) digests.set(hotkey, digest);
  }
  return { hash, digests };
}

/** By the chain's own clock, unix ms. */
export const timestampOf = async (chain: Pick<WindowChain, 'beacon'>, hash: Uint8Array): Promise<number> =>
  (await chain.beacon(hash)).blockTimestampMs;
