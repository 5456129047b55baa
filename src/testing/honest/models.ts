// Owns: the lines and hosts that honest sessions are run over. Does not own: how they act (line.ts, events.ts).
import type { LineModel } from './line.js';

const quiet = { loss: 0, stalls: { chance: 0, mostMs: 0 }, drift: 100e-6, bytesPerS: 1.25e6 } as const;

/**
 * What a miner keeps of each step for the way there and back is a tenth of it (miner/slot.ts), and 1 % of our own delay is given
 * back: a step of one second bears 100 ms. Lines within that lose nobody a session; lines beyond it cost events, and are no
 * part of these.
 */
export const LINE_MODELS: readonly LineModel[] = [
  { name: 'near', what: 'the same city', rttMs: [1, 5], jitterMs: 1, ...quiet },
  {
    name: 'continent',
    what: 'the same continent, a packet in a thousand lost',
    rttMs: [20, 35],
    jitterMs: 5,
    ...quiet,
    loss: 0.001,
  },
  { name: 'world', what: 'the other side of the world', rttMs: [60, 75], jitterMs: 8, ...quiet },
  {
    name: 'lossy',
    what: 'a line that loses one packet in fifty',
    rttMs: [4, 10],
    jitterMs: 4,
    ...quiet,
    loss: 0.02,
  },
  {
    name: 'busy',
    what: 'a validator that is often behind in reading, by up to 40 ms',
    rttMs: [10, 30],
    jitterMs: 5,
    ...quiet,
    stalls: { chance: 0.3, mostMs: 40 },
  },
  {
    name: 'thin',
    what: 'a megabit a second, and clocks that drift',
    rttMs: [10, 40],
    jitterMs: 10,
    ...quiet,
    bytesPerS: 125_000,
    drift: 500e-6,
  },
];

/** Validators that start one slot together, at most; each sees the event's block up to this much later than the first. */
export const VALIDATORS = 3;
export const BLOCK_SKEW_MS = 120;
