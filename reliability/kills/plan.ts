// Owns: who is killed when, from a seed alone; the subnet that it is done to, as values. Does not own: processes.
import { createSeededRandom } from '../../src/model/prng.js';
import { parsePolicy, type ScoringPolicy } from '../../src/scoring/index.js';
import { DEMO_POLICY } from '../../src/testing/demo-policy.js';
import { type Behaviour, FACTS } from '../../src/testing/world.js';

export const VICTIMS = ['validator', 'worker', 'miner', 'redis', 'localnet'] as const;
export type Victim = (typeof VICTIMS)[number];

/** Processes by what they are; kinds of which there is none are left out of the draw. */
export type Victims = Readonly<Record<Victim, readonly string[]>>;

export interface Kill {
  /** since the first one could have been */
  readonly atMs: number;
  readonly victim: Victim;
  readonly process: string;
  /** of Redis: its folder goes with it, as if it kept nothing on disk */
  readonly forgets: boolean;
}

/** Two honest miners of one and of two devices, one with memory, and two that lie about content. */
export const CAST: readonly Behaviour[] = [
  'honest-small',
  'fabricates-rows',
  'honest-memory',
  'honest-large',
  'replays',
];

/** One in each equal part of the time, anywhere in it; every kind of victim as likely as any other. */
export function planKills(
  seed: string,
  { kills, ms, victims }: { readonly kills: number; readonly ms: number; readonly victims: Victims },
): readonly Kill[] {
  const random = createSeededRandom(`assay/kills/${seed}`);
  const present = VICTIMS.filter((victim) => victims[victim].length > 0);
  const part = ms / kills;
  return Array.from({ length: kills }, (_, k) => {
    const victim = present[random.below(present.length)]!;
    const names = victims[victim];
    return {
      atMs: Math.floor(k * part + random.below(Math.max(1, Math.floor(part)))),
      victim,
      process: names[random.below(names.length)]!,
      forgets: victim === 'redis' && random.below(2) === 0,
    };
  });
}

/** What an epoch of the soak is made of, in blocks of a given time. */
export interface Timing {
  readonly tempo: number;
  readonly policy: ScoringPolicy;
  readonly eventMs: number;
  readonly leadMs: number;
}

/** Seconds as the simulated classes need them, whatever a block takes. */
const LEAD_MS = 1000;
/** phases of Go are over for all after 3.4 s, those of the Pass 0.75 s after it */
const HOLD_MS = { first: 3600, last: 4000 };
const EVENT_MS = 6500;
/** the same where no slot has a Pass */
const SHORT_EVENT_MS = 3500;
/** A validator that was killed is back, and has read its ledger, in less. */
const PUBLISH_LEAD_MS = 6000;
const EVENTS = 2;
/** So much more than its events need has an epoch, for where in it they are drawn. */
const SLACK_MS = 2000;

export function timingOf(blockTimeMs: number, cast: readonly Behaviour[] = CAST): Timing {
  const hasPass = cast.some((behaviour) => FACTS[behaviour].prover === 'honest-memory');
  const eventMs = hasPass ? EVENT_MS : SHORT_EVENT_MS;
  const blocks = (ms: number) => Math.ceil(ms / blockTimeMs);
  const publishLeadBlocks = blocks(PUBLISH_LEAD_MS);
  const leadBlocks = blocks(LEAD_MS);
  const eventBlocks = blocks(eventMs);
  return {
    tempo: leadBlocks + 1 + EVENTS * (eventBlocks + blocks(SLACK_MS)) + publishLeadBlocks,
    eventMs,
    leadMs: LEAD_MS,
    policy: parsePolicy({
      ...DEMO_POLICY,
      name: 'kills',
      pools: DEMO_POLICY.pools.map((pool) => ({ ...pool })),
      schedule: {
        eventsPerEpoch: EVENTS,
        leadBlocks,
        eventBlocks,
        holdBlocks: hasPass
          ? { first: blocks(HOLD_MS.first), last: blocks(HOLD_MS.last) }
          : { first: 1, last: 1 },
        publishLeadBlocks,
        minLeadMs: 150,
      },
    }),
  };
}
