// Owns: whether a node that answers can be relied on, from its heads, its finality and the clock.
// Does not own: asking it, or what is done about it (connection.ts).
import type { Clock } from '../../model/clock.js';
import type { ChainLimits } from '../limits.js';

/** What is wrong with a node that answers. */
export type Sickness =
  /** no new best head for so long */
  | { readonly kind: 'stalled'; readonly forMs: number }
  /** its best head was made so long ago, by the chain's timestamp and our clock */
  | { readonly kind: 'lagging'; readonly ageMs: number }
  /** finality is so many blocks behind the best head */
  | { readonly kind: 'unfinalised'; readonly blocks: number };

export type HealthLimits = Pick<
  ChainLimits,
  'stallBlocks' | 'stallMinMs' | 'headAgeBlocks' | 'headAgeMinMs' | 'finalityLagBlocks'
>;

export interface HealthWatch {
  /** A new best head. @param timestampMs unix ms at which it says it was made, when that was read */
  onHead(number: number, timestampMs?: number): void;
  onFinalized(number: number): void;
  /** Runtime upgrades may change the time between blocks. */
  setSlotMs(slotMs: number): void;
  /** undefined: nothing wrong */
  sickness(): Sickness | undefined;
  /** age of the best head by its timestamp, ms; undefined while that is not known */
  headAgeMs(): number | undefined;
}

/**
 * @param slotMs time between two blocks, as the runtime says
 * @example
 * const watch = createHealthWatch({ clock, limits: CHAIN_LIMITS, slotMs: 12_000 });
 * watch.onHead(100, clock.now());
 * await clock.sleep(121_000);
 * watch.sickness(); // { kind: 'stalled', forMs: 121000 }
 */
export function createHealthWatch({
  clock,
  limits,
  slotMs,
}: {
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly limits: HealthLimits;
  readonly slotMs: number;
}): HealthWatch {
  let slot = slotMs;
  let headAt = clock.monotonic();
  let head: number | undefined;
  let furthest: number | undefined;
  let madeAtMs: number | undefined;
  let finalized: number | undefined;

  const ageMs = () => (madeAtMs === undefined ? undefined : Math.max(0, clock.now() - madeAtMs));

  return {
    onHead(number, timestampMs) {
      // a fork at the same height is no progress, nor is a head that goes to and fro
      if (furthest === undefined || number > furthest) {
        furthest = number;
        headAt = clock.monotonic();
      }
      head = number;
      if (timestampMs !== undefined) madeAtMs = timestampMs;
    },
    onFinalized(number) {
      finalized = number;
    },
    setSlotMs(ms) {
      slot = ms;
    },
    headAgeMs: ageMs,
    sickness() {
      const forMs = clock.monotonic() - headAt;
      if (forMs > Math.max(limits.stallMinMs, limits.stallBlocks * slot)) return { kind: 'stalled', forMs };
      const age = ageMs();
      if (age !== undefined && age > Math.max(limits.headAgeMinMs, limits.headAgeBlocks * slot))
        return { kind: 'lagging', ageMs: age };
      const blocks = head === undefined || finalized === undefined ? 0 : head - finalized;
      if (blocks > limits.finalityLagBlocks) return { kind: 'unfinalised', blocks };
      return undefined;
    },
  };
}
