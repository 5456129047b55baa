// Owns: values that pages of the dashboard are made from in tests: outcomes, neurons, steps run to their end.
import type { Neuron, Subnet } from '../../src/chain/chain.js';
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
