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
/** A round is asked for again after so long. */
const ROUND_AGAIN_MS = 1_000;

/** Resolves when that block is there, or with `false` when aborted. An outage is waited out. */
export const untilHead = (parts: FollowParts, block: number, signal: AbortSignal): Promise<boolean> =>
  untilBlock(parts, 'head', block, signal);

/** The same for a block that is final. */
export const untilFinal = (parts: FollowParts, block: number, signal: AbortSignal): Promise<boolean> =>
  untilBlock(parts, 'finalizedHead', block, signal);

async function untilBlock(
  { chain, clock, log }: FollowParts,
  which: 'head' | 'finalizedHead',
  block: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { blockTimeMs } = await chain.info();
  while (!signal.aborted) {
    try {
      if ((await chain[which]()).number >= block) return true;
    } catch (error) {
      log.warn('the chain cannot be asked for its newest block', { which, block, error });
    }
    await clock.sleep(blockTimeMs / LOOKS_PER_BLOCK, signal);
  }
  return false;
}

/**
 * The round, as soon as it can be had; undefined when `until` (unix ms) passed without it, or when aborted.
 */
export async function untilRound(
  { beacon, clock, log }: Pick<FollowParts, 'beacon' | 'clock' | 'log'>,
  round: bigint,
  until: number,
  signal: AbortSignal,
): Promise<BeaconRound | undefined> {
  await clock.sleep(beacon.timeOf(round) - clock.now(), signal);
  while (!signal.aborted) {
    try {
      const found = await beacon.fetch(round, signal);
      if (found) return found;
    } catch (error) {
      if (!signal.aborted) log.warn('a round of the beacon is not to be had', { round, error });
    }
    if (clock.now() >= until) return undefined;
    await clock.sleep(Math.min(ROUND_AGAIN_MS, until - clock.now()), signal);
  }
  return undefined;
}

/**
 * Waits for S and the window's round.
 * @returns undefined where the window does not take place: no checkpoint was committed, or no round came before D; or aborted
 */
export async function openWindow(
  parts: FollowParts,
  rules: WindowRules,
  window: number,
  signal: AbortSignal,
): Promise<OpenWindow | undefined> {
  const { chain, beacon, log } = parts;
  const { netuid, plan, policyDigest } = rules;
  const [start, deadline] = [startBlock(plan, window), deadlineBlock(plan, window)];
  if (!(await untilFinal(parts, start, signal))) return undefined;
  const hash = await chain.blockHash(start);
  const [roster, time, checkpointDigest, { blockTimeMs, genesisHash }] = await Promise.all([
    chain.subnet(netuid, hash),
    timestampOf(chain, hash),
    checkpointOf(chain, rules, window),
    chain.info(),
  ]);
  if (!checkpointDigest) {
    log.warn('window without a checkpoint: it does not take place', { window });
    return undefined;
  }
  const round = beacon.roundFrom(time + (plan.beaconDelayMs ?? BEACON_DELAY_MS));
  const until = time + plan.workBlocks * blockTimeMs;
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
