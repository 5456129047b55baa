// Owns: values that pages of the dashboard are made from in tests: outcomes, neurons, steps run to their end.
import type { Neuron, Subnet } from '../../src/chain/chain.js';
import type { ChainFacts } from '../../src/dashboard/chain-facts.js';
import type { FleetReading } from '../../src/dashboard/fleet/view.js';
import type { Check } from '../../src/dashboard/history.js';
import { noParameterFacts, type ParameterFacts } from '../../src/dashboard/parameter-facts.js';
import { type Hotkey, toColdkey, toHotkey, toNetuid, toUid } from '../../src/model/ids.js';
import type { Outcome } from '../../src/model/outcome.js';
import { createSeededRandom } from '../../src/model/prng.js';

export const neuronOf = (uid: number, change: Partial<Neuron> = {}): Neuron => ({
  uid: toUid(uid),
  hotkey: toHotkey(`hot-${uid}`),
  coldkey: toColdkey(`cold-${uid}`),
  stakeRao: 0n,
  consensusStakeRao: 0n,
  validatorPermit: false,
  active: true,
  lastUpdate: 0,
  registeredAt: 0,
  incentive: 0,
  dividends: 0,
  emissionRao: 0n,
  axon: { ip: `203.0.113.${uid}`, port: 8091 },
  ...change,
});

export const subnetOf = (neurons: readonly Neuron[], change: Partial<Subnet> = {}): Subnet => ({
  netuid: toNetuid(2),
  block: 1000,
  tempo: 360,
  lastEpochBlock: 900,
  epochIndex: 7,
  nextEpochBlock: 1261,
  ownerHotkey: toHotkey('hot-0'),
  ownerColdkey: toColdkey('cold-0'),
  ownerUid: toUid(0),
  weightsRateLimit: 100,
  weightsVersionKey: 0n,
  minAllowedWeights: 1,
  stakeThresholdRao: 0n,
  commitRevealEnabled: false,
  revealPeriodEpochs: 1,
  timelockVersion: undefined,
  mechanismCount: 1,
  neurons,
  ...change,
});

/** A subnet whose epoch is 72 minutes: twenty make a day. */
export const chainFactsOf = (neurons: readonly Neuron[], change: Partial<ChainFacts> = {}): ChainFacts => ({
  block: 1000,
  epoch: 7,
  epochBlocks: 360,
  nextEpochBlock: 1261,
  blockTimeMs: 12_000,
  neurons,
  ownerHotkey: toHotkey('hot-9'),
  ownerColdkey: toColdkey('cold-9'),
  priceRao: 50_000_000n,
  weights: undefined,
  isCommitReveal: false,
  sealed: [],
  readMs: 1,
  ...change,
});

/** Every parameter set is this one. */
export const oneClass: ParameterFacts = {
  ...noParameterFacts,
  set: () => ({ className: 'rtx-4090', windowMs: 2000, nominal: {} }),
};

export const outcomeOf = (miner: string, event: number, change: Partial<Outcome> = {}): Outcome => ({
  id: `${miner}-${event}`,
  event: `event-${event}`,
  eventBlock: 1000 + event,
  epoch: 7,
  netuid: 2,
  validator: toHotkey('hot-0'),
  miner: toHotkey(miner),
  kind: 'compute',
  paramsId: 'ab'.repeat(32),
  slot: 0,
  verdict: { kind: 'accepted' },
  measuredMs: 1000,
  ownDelayMs: 0,
  credit: { opsPerS: 1e12 },
  share: 1,
  at: 1_700_000_000_000 + event * 60_000,
  ...change,
});

/** Honest hotkeys, each late now and then on its own, and each a little sooner or later than last time. */
export function honestOutcomes(
  hotkeys: readonly string[],
  { events, seed, lateShare = 0.1 }: { events: number; seed: string; lateShare?: number },
): Outcome[] {
  const random = createSeededRandom(seed);
  const fraction = () => new DataView(random.bytes(4).buffer).getUint32(0) / 2 ** 32;
  return Array.from({ length: events }, (_, event) => event).flatMap((event) =>
    hotkeys.map((hotkey, i) => {
      const isLate = fraction() < lateShare;
      const measuredMs = 900 + 10 * i + 30 * fraction();
      return outcomeOf(hotkey, event, isLate ? LATE : { measuredMs });
    }),
  );
}

export const LATE: Partial<Outcome> = {
  verdict: { kind: 'rejected', reason: 'window' },
  measuredMs: undefined,
  credit: {},
  share: 0,
};

export const hotkeysOf = (count: number, prefix = 'honest'): Hotkey[] =>
  Array.from({ length: count }, (_, i) => toHotkey(`${prefix}-${i}`));

/** All steps at once. */
export function finished<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

export const checkOf = (
  nowMs: number,
  slot: number,
  minutesAgo: number,
  change: Partial<Check> = {},
): Check => ({
  id: `outcome-${slot}-${minutesAgo}`,
  atMs: nowMs - minutesAgo * 60_000,
  validator: 'validator',
  epoch: undefined,
  block: 1000,
  kind: undefined,
  paramsId: 'ab',
  slot,
  verdict: 'accepted',
  reason: '',
  measuredMs: 900,
  share: 1,
  liveness: false,
  ...change,
});

const chainOf = (nowMs: number): ChainFacts => ({
  block: 1000,
  epoch: 7,
  epochBlocks: 360,
  nextEpochBlock: 1260,
  blockTimeMs: 12_000,
  neurons: [neuronOf(9, { hotkey: toHotkey('miner'), emissionRao: 5_000_000_000n })],
  ownerHotkey: toHotkey('owner'),
  ownerColdkey: toColdkey('owner-cold'),
  priceRao: 20_000_000n,
  weights: undefined,
  isCommitReveal: false,
  sealed: [],
  readMs: nowMs,
});

/** One host of its own and one that dials in, three slots, a card that is hot. */
export const fleetReading = (nowMs: number, change: Partial<FleetReading> = {}): FleetReading => ({
  hotkey: 'miner',
  miner: {
    isRunning: true,
    writtenMs: nowMs - 5000,
    status: {
      version: '0.1.0',
      phase: 'serving',
      sessions: { open: 1, ended: { receipt: 12, late: 0 } },
      slots: [
        { index: 0, worker: 'host-1', kind: 'compute', phase: 'working' },
        { index: 1, worker: 'host-1', kind: 'memory', phase: 'resting', why: 'the doctor failed it' },
        { index: 256, worker: 'host-2', kind: 'compute', phase: 'idle' },
      ],
      doctor: [{ index: 0, kind: 'compute', class: 'h100' }],
    },
  },
  hosts: {
    writtenMs: nowMs,
    rejected: 2,
    hosts: [
      {
        worker: 'host-2',
        isConnected: false,
        isRevoked: false,
        address: '203.0.113.7',
        seenMs: nowMs - 60_000,
        wayMs: 1.25,
        slots: [{ index: 256, kind: 'compute', class: 'a100' }],
      },
    ],
  },
  leases: [{ slot: 0, untilMs: nowMs + 30 * 60_000 }, { slot: 1, untilMs: nowMs - 1 }, { slot: 256 }],
  duty: [
    { worker: 'host-1', slot: '0', deviceSeconds: 90 },
    { worker: 'host-1', slot: '0 check', deviceSeconds: 5 },
  ],
  cards: {
    readMs: nowMs - 4000,
    cards: [
      {
        index: 0,
        name: 'NVIDIA <b>H100</b>',
        driver: '550',
        memoryBytes: 80e9,
        usedBytes: 10e9,
        temperatureC: 84,
        powerW: 612.4,
        powerLimitW: 700,
        busyPercent: 97,
        uncorrectedErrors: 1,
      },
    ],
  },
  checks: [
    checkOf(nowMs, 0, 10),
    checkOf(nowMs, 0, 20, { share: 0.5 }),
    checkOf(nowMs, 0, 30, { verdict: 'rejected', reason: 'window', share: 0 }),
    checkOf(nowMs, 0, 40, { liveness: true }),
    checkOf(nowMs, 0, 2 * 1440),
  ],
  checksCut: false,
  chain: chainOf(nowMs),
  ...change,
});
