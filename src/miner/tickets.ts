// Owns: how often a validator may arm a slot in one epoch. Does not own: who may call at all (admit.ts).
import type { Hotkey } from '../model/ids.js';
import { SESSION_LIMITS } from '../protocol/limits.js';

/** How a caller stands on the subnet, as the miner last read it. */
export interface Standing {
  /** the chain's epoch index */
  readonly epoch: number;
  /** its part of the stake of all that hold a permit, 0..1 */
  readonly share: number;
}

export interface Tickets {
  /**
   * Undefined when there is none left; the returned function spends it.
   * @param isCheck whether it is for a check between events: those take none of the events' own. @default false
   */
  find(validator: Hotkey, slot: number, isCheck?: boolean): (() => void) | undefined;
}

/**
 * One for each event that a plan may have, and as many again by its share of the stake, for sessions that broke: an Arm
 * reserves a slot, and a Go at a block of its own choosing keeps it from everybody's event.
 */
export const ticketsFor = (share: number): number => times(SESSION_LIMITS.eventsPerEpoch, share);

const times = (most: number, share: number): number => Math.ceil(most * (1 + share));

/** @param standingOf asked at every Arm; what was spent is forgotten with its epoch */
export function createTickets(standingOf: (validator: Hotkey) => Standing): Tickets {
  const spent = new Map<string, number>();
  let current: number | undefined;
  return {
    find(validator, slot, isCheck = false) {
      const { epoch, share } = standingOf(validator);
      if (epoch !== current) spent.clear();
      current = epoch;
      const key = `${validator} ${slot}${isCheck ? ' check' : ''}`;
      const count = spent.get(key) ?? 0;
      const most = isCheck ? times(SESSION_LIMITS.livenessPerEpoch, share) : ticketsFor(share);
      return count < most ? () => void spent.set(key, count + 1) : undefined;
    },
  };
}
