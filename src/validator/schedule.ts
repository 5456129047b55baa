// Owns: when events are, as a pure function of the chain: unpredictable until `leadBlocks` before, the same for all.
// Does not own: what happens in them (round.ts).
import { utf8 } from '../model/bytes.js';
import { phasesMs } from '../parameters/phases.js';
import { SESSION_LIMITS } from '../protocol/limits.js';
import { draws, type Hold, isHold } from '../verification/draw.js';
import type { ParamsFacts } from '../verification/proof.js';

export interface EventPlan {
  /** subnet-wide events per chain epoch */
  readonly eventsPerEpoch: number;
  /** blocks from the announcing block to the event's block: the time in which slots are armed */
  readonly leadBlocks: number;
  /** blocks kept for one event after its block: window, hold, opening, judgement */
  readonly eventBlocks: number;
  /**
   * Between these blocks after the event's the Pass is drawn, for events that have a slot with one: when the phases of Go are
   * over for all. @default DEFAULT_HOLD
   */
  readonly holdBlocks?: Hold | undefined;
  /** blocks before the next epoch at which weights are due */
  readonly publishLeadBlocks: number;
  /** an event that we came to later than this before its block does not count, ms. @default 0 */
  readonly minLeadMs?: number | undefined;
  /** Light checks of a slot between events, in the mean of many epochs (liveness.ts). @default 0 */
  readonly livenessPerEpoch?: number | undefined;
  /** The most of its time that a slot may be asked for, events and checks together, 0..1. @default 1 */
  readonly dutyMost?: number | undefined;
  /** Share of the slots that an event challenges, 0..1. @default 1 */
  readonly sampling?: number | undefined;
  /** Events after a rejection about content in which the slot is challenged whatever `sampling` says. @default 0 */
  readonly lookBack?: number | undefined;
  /** Whether all validators challenge at every event, or each event is one validator's (turns.ts). @default 'shared' */
  readonly validators?: 'shared' | 'phase-shifted' | undefined;
}

export interface EpochFrame {
  /** block that consumed the last epoch slot */
  readonly start: number;
  /** blocks from it to the next one */
  readonly length: number;
}

/** Offsets from the epoch's start between which one event's block is drawn, both inclusive. */
export interface Segment {
  readonly first: number;
  readonly last: number;
}

const TAG = utf8('assay/1/event-block');

/** What a miner may be earlier than we in counting `goWaitMs`: the time from our coming to its Ready. */
const ARM_SLACK_MS = 5000;
/** Who came longer before the Go than this finds that miners have given up on it. */
export const MOST_LEAD_MS = SESSION_LIMITS.goWaitMs - ARM_SLACK_MS;

/** For blocks of 12 s: one to three blocks after the longest phases of Go there may be (`SESSION_LIMITS.goPhasesMs`). */
export const DEFAULT_HOLD: Hold = { first: 6, last: 8 };

/** @throws RangeError naming what to change: a plan whose Pass does not fit the event, or that no miner would follow */
export function holdOf({ holdBlocks = DEFAULT_HOLD, eventBlocks, eventsPerEpoch }: EventPlan): Hold {
  const { first, last } = holdBlocks;
  if (eventsPerEpoch > SESSION_LIMITS.eventsPerEpoch)
    throw new RangeError(
      `eventsPerEpoch: expected at most ${SESSION_LIMITS.eventsPerEpoch}, for which miners have tickets, got ${eventsPerEpoch}`,
    );
  if (!isHold(holdBlocks, SESSION_LIMITS.holdBlocks))
    throw new RangeError(
      `holdBlocks: expected 1 <= first <= last <= ${SESSION_LIMITS.holdBlocks}, got ${first}..${last}`,
    );
  if (eventBlocks <= last)
    throw new RangeError(
      `eventBlocks: expected more than holdBlocks.last (${last}), got ${eventBlocks}; raise eventBlocks`,
    );
  return holdBlocks;
}

/**
 * From an event's block until its last opening is over, whatever its slots do: the phases of all, and then the time that one
 * opening may take, its turn included. Verdicts come after it, as fast as verifiers are.
 * @throws RangeError as `holdOf`
 */
export function openingsOverMs(plan: EventPlan, asked: Iterable<ParamsFacts>, blockTimeMs: number): number {
  const { last } = holdOf(plan);
  let phases = 0;
  for (const facts of asked) {
    const pass = phasesMs(facts, 'pass');
    phases = Math.max(phases, phasesMs(facts, 'go'), pass === 0 ? 0 : last * blockTimeMs + pass);
  }
  return phases + SESSION_LIMITS.openingTakeMs;
}

/**
 * One segment per event, none overlapping: an event that begins in the last block of its segment is judged before
 * the next segment's events can begin, and before weights are due.
 * @throws RangeError when the epoch is too short for the plan
 */
export function eventSegments(length: number, plan: EventPlan): Segment[] {
  const { eventsPerEpoch, leadBlocks, eventBlocks, publishLeadBlocks } = plan;
  const first = leadBlocks + 1;
  const size = Math.floor((length - publishLeadBlocks - first) / eventsPerEpoch);
  if (size < eventBlocks)
    throw new RangeError(
      `epoch: ${length} blocks hold no ${eventsPerEpoch} events of ${eventBlocks} blocks; raise tempo or lower the plan`,
    );
  return Array.from({ length: eventsPerEpoch }, (_, k) => ({
    first: first + k * size,
    last: first + (k + 1) * size - eventBlocks,
  }));
}

/**
 * Blocks of the epoch's events that are announced by `block` and may not be over yet, oldest first.
 * @param hashOf hash of a block of this epoch up to `block`
 */
export async function eventsUnderWay(
  block: number,
  epoch: EpochFrame,
  plan: EventPlan,
  hashOf: (block: number) => Promise<Uint8Array>,
): Promise<number[]> {
  const at = block - epoch.start;
  const found: number[] = [];
  for (const { first, last } of eventSegments(epoch.length, plan)) {
    if (first - plan.leadBlocks > at || last + plan.eventBlocks <= at) continue;
    const drawn = await drawnIn({ first, last }, Math.min(last, at + plan.leadBlocks), epoch, plan, hashOf);
    if (drawn !== undefined && drawn + plan.eventBlocks > block) found.push(drawn);
  }
  return found;
}

/**
 * The event's block that `block` announces, or undefined. In each segment every block that could announce draws from
 * its own hash with probability 1 / (candidates left): uniform over the segment, exactly one event, and nobody knows
 * it before the announcing block exists.
 * @param hashOf hash of an earlier block of this epoch, or of `block` itself
 */
export async function announcedEvent(
  block: number,
  epoch: EpochFrame,
  plan: EventPlan,
  hashOf: (block: number) => Promise<Uint8Array>,
): Promise<number | undefined> {
  const offset = block - epoch.start + plan.leadBlocks;
  const segment = eventSegments(epoch.length, plan).find(
    ({ first, last }) => offset >= first && offset <= last,
  );
  if (!segment) return undefined;
  const drawn = await drawnIn(segment, offset, epoch, plan, hashOf);
  return drawn === epoch.start + offset ? drawn : undefined; // an earlier block announced it
}

/** The segment's event, where one of its candidates up to the offset `upTo` drew it. */
async function drawnIn(
  segment: Segment,
  upTo: number,
  epoch: EpochFrame,
  plan: EventPlan,
  hashOf: (block: number) => Promise<Uint8Array>,
): Promise<number | undefined> {
  for (let candidate = segment.first; candidate <= upTo; candidate++) {
    const hash = await hashOf(epoch.start + candidate - plan.leadBlocks);
    if (draws(TAG, hash, segment.last - candidate + 1)) return epoch.start + candidate;
  }
  return undefined;
}

/** Number of the segment that `eventBlock` was drawn in: names the event within its epoch. */
export function segmentOf(eventBlock: number, epoch: EpochFrame, plan: EventPlan): number {
  const offset = eventBlock - epoch.start;
  return eventSegments(epoch.length, plan).findIndex(({ first, last }) => offset >= first && offset <= last);
}
