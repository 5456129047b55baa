// Owns: when a slot is asked between events whether it is still there, from block hashes alone: at random, unknown until the
// block before, the same for all validators and after a restart, within a bound on a slot's time. Does not own: the check itself
// (round.ts), which slots there are (roster.ts), what it is worth (scoring).
import { u32le, utf8 } from '../model/bytes.js';
import { sha256 } from '../model/hash.js';
import type { Hotkey } from '../model/ids.js';
import { SESSION_LIMITS } from '../protocol/limits.js';
import { type EpochFrame, type EventPlan, eventsUnderWay } from './schedule.js';

const TAG = utf8('assay/1/liveness');
/** Draws are of 48 bits, as those of events are. */
const ONE = 2n ** 48n;
const MILLION = 1_000_000;

/** What a plan leaves for checks in an epoch. */
export interface LivenessRoom {
  /** A slot is drawn at a quiet block when 48 bits are below this: at the fewest quiet blocks, as often as the plan says. */
  readonly below: bigint;
  /** checks of one slot in one epoch, whatever is drawn */
  readonly most: number;
}

/**
 * A check is announced by a block, is of the next one, and over `leadBlocks` after that: an event that is announced while it
 * runs begins no earlier. Only every `leadBlocks`-th block announces, so that two checks of a slot never meet.
 *
 * Duty is counted in whole events and whole checks, however short the work in them is: a slot that proves more is not asked longer.
 * @returns undefined where the plan has no checks
 * @throws RangeError naming what to change: events alone are above `dutyMost`, or what is asked for does not fit beside them
 */
export function livenessRoom(length: number, plan: EventPlan): LivenessRoom | undefined {
  const { eventsPerEpoch, leadBlocks, eventBlocks, dutyMost = 1, livenessPerEpoch = 0 } = plan;
  const wanted = Math.round(livenessPerEpoch * MILLION);
  // in integers: whether a plan is refused must not hang on how a product of decimals is rounded
  const mostBlocks = Math.floor((Math.round(dutyMost * MILLION) * length) / MILLION);
  const left = mostBlocks - eventsPerEpoch * eventBlocks;
  if (left < 0)
    throw new RangeError(
      `dutyMost: ${eventsPerEpoch} events of ${eventBlocks} blocks are more than ${dutyMost} of ${length}; lower the plan or raise tempo`,
    );
  if (wanted === 0) return undefined;
  const quiet = quietBlocks(length, plan);
  const most = Math.min(Math.floor(left / leadBlocks), SESSION_LIMITS.livenessPerEpoch);
  if (wanted > Math.min(most, quiet) * MILLION)
    throw new RangeError(
      `livenessPerEpoch: at most ${Math.max(0, Math.min(most, quiet))} of ${leadBlocks} blocks fit beside ${eventsPerEpoch} events in ${length} within dutyMost ${dutyMost}, got ${livenessPerEpoch}`,
    );
  return { below: (BigInt(wanted) * ONE) / (BigInt(MILLION) * BigInt(quiet)), most };
}

/** Blocks of an epoch that announce a check wherever its events are drawn: the fewest that there can be. */
export function quietBlocks(length: number, plan: EventPlan): number {
  const { eventsPerEpoch, leadBlocks, eventBlocks, publishLeadBlocks } = plan;
  const last = length - publishLeadBlocks - leadBlocks - 1;
  const all = last < 0 ? 0 : Math.floor(last / leadBlocks) + 1;
  return all - eventsPerEpoch * Math.ceil((leadBlocks + eventBlocks - 1) / leadBlocks);
}

/** Whether `block` may announce a check: nothing of an event is announced and not over when the check begins. */
export async function isQuiet(
  block: number,
  epoch: EpochFrame,
  plan: EventPlan,
  hashOf: (block: number) => Promise<Uint8Array>,
): Promise<boolean> {
  const { leadBlocks, publishLeadBlocks } = plan;
  const at = block - epoch.start;
  if (at < 0 || at % leadBlocks !== 0 || at + 1 + leadBlocks > epoch.length - publishLeadBlocks) return false;
  const underWay = await eventsUnderWay(block, epoch, plan, hashOf);
  return underWay.every((event) => event + plan.eventBlocks <= block + 1);
}

/** The slots that a block draws. */
export type IsDrawn = (miner: Hotkey, slot: number) => boolean;

export interface LivenessDraw {
  /** Asked block by block, skipped ones are caught up with. Undefined where `block` announces no check. */
  at(block: number, epoch: EpochFrame, plan: EventPlan): Promise<IsDrawn | undefined>;
}

/** @param hashOf hash of a block of the running epoch */
export function createLivenessDraw(hashOf: (block: number) => Promise<Uint8Array>): LivenessDraw {
  let frame = '';
  let next = 0;
  /** hashes of the epoch's quiet blocks so far */
  let quiet: Uint8Array[] = [];
  let drawn = new Map<string, SlotDraws>();
  return {
    async at(block, epoch, plan) {
      const room = livenessRoom(epoch.length, plan);
      if (!room) return undefined;
      const now = JSON.stringify([epoch, plan]);
      if (now !== frame) {
        frame = now;
        next = epoch.start;
        quiet = [];
        drawn = new Map();
      }
      let isNow = false;
      for (; next <= block; next++) {
        isNow = await isQuiet(next, epoch, plan, hashOf);
        if (isNow) quiet.push(await hashOf(next));
        isNow &&= next === block;
      }
      if (!isNow) return undefined;
      const count = quiet.length;
      return (miner, slot) => {
        const key = `${slot} ${miner}`;
        let { looked, checks, isDrawn } = drawn.get(key) ?? NONE_YET;
        for (; looked < count; looked++) {
          isDrawn = checks < room.most && draws(quiet[looked]!, miner, slot, room.below);
          if (isDrawn) checks++;
        }
        drawn.set(key, { looked, checks, isDrawn });
        return isDrawn;
      };
    },
  };
}

interface SlotDraws {
  /** of the epoch's quiet blocks so many were looked at */
  readonly looked: number;
  /** times that it was drawn by them */
  readonly checks: number;
  /** by the last of them */
  readonly isDrawn: boolean;
}
const NONE_YET: SlotDraws = { looked: 0, checks: 0, isDrawn: false };

/** Own to each slot: or all of a hotkey's would be asked at once, and the rest of the time be known to be free. */
const draws = (hash: Uint8Array, miner: Hotkey, slot: number, below: bigint): boolean =>
  BigInt(Buffer.from(sha256(TAG, hash, utf8(miner), u32le(slot))).readUIntBE(0, 6)) < below;
