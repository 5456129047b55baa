// Owns: what a block announces by the subnet's plan, and which slots that asks. Does not own: the draws (schedule.ts,
// liveness.ts), whose turn it is (turns.ts), the asking (round.ts).
import { toHex } from '../model/bytes.js';
import type { Hotkey } from '../model/ids.js';
import { millionths } from '../scoring/policy.js';
import { isDrawn, type Sample } from '../scoring/state.js';
import { LIVENESS } from '../verification/proof.js';
import { createLivenessDraw, livenessRoom } from './liveness.js';
import type { LookBack } from './look-back.js';
import type { Claim } from './roster.js';
import {
  announcedEvent,
  type EpochFrame,
  type EventPlan,
  eventSegments,
  holdOf,
  MOST_LEAD_MS,
  segmentOf,
} from './schedule.js';

/** What an event asks of whom, as far as the plan says it. */
export interface Asked {
  readonly purpose: 'capacity' | 'liveness';
  /** which slots were drawn, where not all are asked */
  readonly sample?: Sample | undefined;
  asks(miner: Hotkey, claim: Claim): boolean;
}

export interface Announced extends Asked {
  readonly block: number;
  /** names it within its epoch, and is what a seeded run repeats */
  readonly ordinal: string;
  /** what must be left to arm slots, ms */
  readonly minLeadMs: number;
}

export interface Calendar {
  /** Asked block by block. @throws RangeError when the epoch is too short for the plan, or the plan for its own bounds */
  announcedBy(block: number, epoch: EpochFrame, plan: EventPlan): Promise<Announced | undefined>;
}

/**
 * What would leave a subnet without events is found before it is published.
 * @throws RangeError naming what to change
 */
export function assertFits(
  plan: EventPlan,
  { length, blockTimeMs }: { readonly length: number; readonly blockTimeMs: number },
): void {
  holdOf(plan);
  eventSegments(length, plan);
  livenessRoom(length, plan);
  const leadMs = plan.leadBlocks * blockTimeMs;
  if (leadMs > MOST_LEAD_MS)
    throw new RangeError(
      `leadBlocks: miners wait ${MOST_LEAD_MS} ms, got ${plan.leadBlocks} of ${blockTimeMs} ms`,
    );
  if ((plan.minLeadMs ?? 0) > leadMs)
    throw new RangeError(`minLeadMs: an event is announced ${leadMs} ms before, got ${plan.minLeadMs}`);
}

export function createCalendar(parts: {
  readonly hashOf: (block: number) => Promise<Uint8Array>;
  readonly lookBack: Pick<LookBack, 'has'>;
}): Calendar {
  const { hashOf, lookBack } = parts;
  const checks = createLivenessDraw(hashOf);
  return {
    async announcedBy(block, epoch, plan) {
      const { minLeadMs = 0, leadBlocks } = plan;
      const drawn = await checks.at(block, epoch, plan);
      if (drawn)
        return {
          purpose: 'liveness',
          block: block + 1,
          ordinal: `live-${block + 1 - epoch.start}`,
          // an event's is of `leadBlocks`; a check has one, and would never be in time
          minLeadMs: minLeadMs / leadBlocks,
          asks: (miner, { kind, index }) => kind === LIVENESS && drawn(miner, index),
        };
      const event = await announcedEvent(block, epoch, plan, hashOf);
      if (event === undefined) return undefined;
      const sample = await sampleOf(block, plan);
      const hasChecks = (plan.livenessPerEpoch ?? 0) > 0;
      return {
        purpose: 'capacity',
        block: event,
        ordinal: `${segmentOf(event, epoch, plan)}`,
        minLeadMs,
        sample,
        asks: (miner, { kind, index, leased }) =>
          !leased &&
          !(hasChecks && kind === LIVENESS) &&
          (sample === undefined || isDrawn(sample, miner, index) || lookBack.has(miner)),
      };
    },
  };

  /** By the announcing block: who is asked is known when it is asked, and not before. */
  async function sampleOf(block: number, { sampling = 1 }: EventPlan): Promise<Sample | undefined> {
    if (sampling >= 1) return undefined;
    return { seed: toHex(await hashOf(block)), share: millionths(sampling) };
  }
}
