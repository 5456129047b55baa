// Owns: attacks on what a window measures: who shares a device, who starts early, whose clock it is. Simulated devices under a
// virtual clock, the kind's own credit, the real scoring rule. Does not own: content (compute.ts).
import { creditShare } from '../../model/credit.js';
import type { Random } from '../../model/prng.js';
import type { Cause } from '../../model/verdict.js';
import { deviceByClass, MAX_HASH_SHARE } from '../../verification/classes.js';
import { paramsByClass } from '../../verification/kinds/compute/params.js';
import { computeProof } from '../../verification/kinds/index.js';
import { slotSeed } from '../../verification/seed.js';
import { computeAs } from '../declared.js';
import { type Attack, type Attempt, defineAttack, type Run } from './attack.js';
import { paidFor, type SlotResult, scoreOf } from './scored.js';
import {
  credited,
  creditedByOwnTime,
  ONE_DEVICE,
  PACED,
  pacedDevice,
  startClock,
  type TimedCommit,
  timeSlots,
} from './window.js';

const W = PACED.windowMs;
/** Go to all slots of one source address leave within this share of the window. */
const SKEW = 0.01;
/** One label more or less than a share of the device. */
const LABELS = Math.floor((ONE_DEVICE * W) / 1000 / (2 * PACED.n ** 3));

const timing = (attack: Omit<Attack, 'kind' | 'bounds'>): Attack =>
  defineAttack({ kind: 'compute', bounds: 'credit', ...attack });

const attempt = (credit: number, own: number): Attempt => ({ accepted: credit > own * (1 + 1e-9), credit });

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

/** Go of slot `i` of `count`, ms: drawn within `skew` of the window, the first at 0. */
const goTimes = (count: number, skew: number, random: Random): number[] =>
  Array.from({ length: count }, (_, i) => (i === 0 ? 0 : (skew * W * random.below(1001)) / 1000)).sort(
    (a, b) => a - b,
  );

type Pay = (commit: TimedCommit) => number;

/** k slots on one device, one after the other; each is given as much as the time that is left to it by the others allows. */
async function shareDevice(
  goAt: readonly number[],
  results: (shares: readonly number[]) => readonly SlotResult[],
  pay: Pay,
): Promise<number> {
  const clock = startClock();
  const device = pacedDevice(clock);
  const each = Math.ceil(LABELS / goAt.length);
  const last = goAt.length - 1;
  const commits = await timeSlots(
    // the last one takes what its later window still holds
    goAt.map((go, i) => ({ device, goAt: go, startAt: go, ...(i < last ? { labels: each } : {}) })),
    clock,
  );
  return scoreOf([results(commits.map((commit) => pay(commit) / ONE_DEVICE))]);
}

const asHotkeys = (shares: readonly number[]): SlotResult[] =>
  shares.map((share, i) => ({ hotkey: `miner-${i}`, share }));
const asSlots = (shares: readonly number[]): SlotResult[] =>
  shares.map((share, slot) => ({ hotkey: 'miner', slot, share }));

const sharer = (name: string, what: string, results: (shares: readonly number[]) => SlotResult[]): Attack =>
  timing({
    name,
    what,
    origin: "credit by a slot's own time; one card behind many hotkeys",
    strength: 'slots on one device',
    strengths: [2, 4, 8],
    // a label that the last window's skew has room for, where that is less than one
    bound: () => 1 + SKEW + 1 / LABELS,
    own: () => 1,
    run: async (slots, random) =>
      attempt(await shareDevice(goTimes(slots, SKEW, random), results, credited), 1),
    stoppedBy: 'one window for all slots of the event, and credit over it',
    without: {
      rule: "credit over each slot's own time",
      run: async (slots, random) =>
        attempt(await shareDevice(goTimes(slots, SKEW, random), results, creditedByOwnTime), 1),
    },
  });

/** The event's seed for one slot of this miner. */
const seedFor = (nonce: Uint8Array, slot: number): Uint8Array =>
  slotSeed({
    beacon: new Uint8Array(32),
    nonces: [nonce],
    hotkey: new Uint8Array(32),
    worker: 'host',
    slot,
    eventId: new Uint8Array(32),
    paramsId: new Uint8Array(32),
  });

/** Slots on devices of their own whose owner begins all at the first Go, where it can name their seeds by then. */
const earlyStart =
  (common: boolean): Run =>
  async (skewMs, random) => {
    const clock = startClock();
    const slots = 8;
    const nonces = Array.from({ length: slots }, () => random.bytes(16));
    const commits = await timeSlots(
      nonces.map((nonce, slot) => {
        const goAt = (skewMs * slot) / (slots - 1);
        const guessed = Buffer.from(seedFor(nonces[0]!, slot));
        const known = guessed.equals(seedFor(common ? nonces[0]! : nonce, slot));
        return { device: pacedDevice(clock), goAt, startAt: known ? 0 : goAt };
      }),
      clock,
    );
    return attempt(sum(commits.map((commit) => credited(commit))) / ONE_DEVICE / slots, 1);
  };

/** One device that works `times` a window, and whoever times it. */
async function longWork(times: number): Promise<TimedCommit> {
  const clock = startClock();
  const [commit] = await timeSlots(
    [{ device: pacedDevice(clock, times), goAt: 0, startAt: 0, untilMs: W }],
    clock,
  );
  // what a device of `times` the rate does in a window is what ours does in `times` windows
  return { ...commit!, measuredMs: W * times };
}

const BIG = 'h100-sxm';
/** of the smaller ones the best for it: its labels have the side that a big card's have */
const SMALL_CARD = 'rtx-4090';

const EVENTS = 24;

/** The same, with a word for each absence. */
const excused = (hotkeys: number, voided: Cause): SlotResult[][] =>
  absentees(hotkeys).map((event) => event.map((slot) => (slot.share > 0 ? slot : { ...slot, voided })));

/** `hotkeys` on five devices; those without one are absent, by turns. */
function absentees(hotkeys: number): SlotResult[][] {
  const devices = 5;
  return Array.from({ length: EVENTS }, (_, event) =>
    Array.from({ length: hotkeys }, (_, i) => {
      const without = hotkeys - devices;
      const absent = (i + hotkeys - ((event * without) % hotkeys)) % hotkeys < without;
      return { hotkey: `miner-${i}`, share: absent ? 0 : 1 };
    }),
  );
}

/** The first design's rule: the 20th percentile of a slot's events, of which the lowest are forgiven. */
function percentileScore(events: readonly (readonly SlotResult[])[]): number {
  const byHotkey = new Map<string, number[]>();
  for (const { hotkey, share } of events.flat())
    byHotkey.set(hotkey, [...(byHotkey.get(hotkey) ?? []), share]);
  return sum(
    [...byHotkey.values()].map((shares) => shares.sort((a, b) => a - b)[Math.floor(0.2 * shares.length)]!),
  );
}

export const computeWindowAttacks: readonly Attack[] = [
  sharer(
    'serial-sharer-hotkeys',
    'serves slots of several hotkeys on one device, one after the other',
    asHotkeys,
  ),
  sharer(
    'serial-sharer-slots',
    'declares one device as several slots of one hotkey, served one after the other',
    asSlots,
  ),
  timing({
    name: 'multi-coldkey-sharer',
    what: 'serves one device under several coldkeys',
    origin: 'slots that need not work at one time',
    strength: 'coldkeys on one device',
    strengths: [2, 4, 8],
    bound: () => 1 + SKEW + 1 / LABELS,
    own: () => 1,
    run: async (keys, random) =>
      attempt(await shareDevice(goTimes(keys, SKEW, random), asHotkeys, credited), 1),
    stoppedBy: 'one Go for every slot of every miner',
    without: {
      rule: 'one Go for each coldkey, at a time of its own',
      run: async (keys) =>
        attempt(await shareDeviceAtTimes(Array.from({ length: keys }, (_, i) => i * 2 * W)), 1),
    },
  }),
  timing({
    name: 'ping-delayer',
    what: 'delays its answers to pings, so that its way looks long',
    origin: 'pings taken off the measured time',
    strength: 'delay, share of the time that its work takes',
    strengths: [0.25, 0.5, 0.75],
    bound: () => 1,
    own: () => 1,
    run: async () => {
      const clock = startClock();
      const [commit] = await timeSlots([{ device: pacedDevice(clock), goAt: 0, startAt: 0 }], clock);
      return attempt(credited(commit!) / ONE_DEVICE, 1);
    },
    stoppedBy: 'no ping in any formula: nothing is taken off the window',
    without: {
      rule: 'operations over own time less the measured round trip',
      run: async (delay) => {
        const clock = startClock();
        const [commit] = await timeSlots([{ device: pacedDevice(clock), goAt: 0, startAt: 0 }], clock);
        const { labels, measuredMs } = commit!;
        const opsPerS = (labels * 2 * PACED.n ** 3 * 1000) / (measuredMs * (1 - delay));
        return attempt(opsPerS / ONE_DEVICE, 1);
      },
    },
  }),
  timing({
    name: 'early-go-neighbour',
    what: 'stands near the validator and begins all its slots at the first Go of the event',
    origin: 'one Go that gives all seeds away',
    strength: 'ms between the first and the last Go',
    strengths: [50, 100, 200],
    bound: () => 1,
    own: () => 1,
    run: earlyStart(false),
    stoppedBy: "a nonce of its own for each slot, known from that slot's Go",
    without: { rule: 'one nonce for all slots', run: earlyStart(true) },
  }),
  timing({
    name: 'colluding-timer',
    what: 'has a friend among the validators who says that long work was done in time',
    origin: 'one timer for many validators',
    strength: 'share of the events that the friend times',
    strengths: [0.1, 0.2, 0.5],
    bound: (share) => 1 - share,
    tight: true,
    own: () => 1,
    // in the friend's events it works as long as the parameter set has labels for; an honest validator times them itself
    run: async (share) =>
      attempt((1 - share) * 1 + (share * credited(await longWork(TIMES))) / ONE_DEVICE, 1),
    stoppedBy: "each validator times on its own clock, from its own Go, and counts nobody else's word",
    without: {
      rule: "the timer's word counts for all",
      run: async (share) => {
        const told = { ...(await longWork(TIMES)), measuredMs: W };
        return attempt((1 - share) * 1 + (share * credited(told)) / ONE_DEVICE, 1);
      },
    },
  }),
  timing({
    name: 'rotating-absentee',
    what: 'runs more hotkeys than its five devices, and lets another one be absent each time',
    origin: 'absences that are forgiven',
    strength: 'hotkeys on five devices',
    strengths: [6, 8, 10],
    bound: () => 5,
    tight: true,
    own: () => 5,
    run: async (hotkeys) => attempt(scoreOf(absentees(hotkeys)), 5),
    stoppedBy: 'the mean over all events, with every absence 0',
    without: {
      rule: 'the 20th percentile over 24 events',
      run: async (hotkeys) => attempt(percentileScore(absentees(hotkeys)), 5),
    },
  }),
  timing({
    name: 'declared-absentee',
    what: 'runs more hotkeys than its five devices, and declares maintenance for another one each time',
    origin: 'absences that are forgiven',
    strength: 'hotkeys on five devices',
    strengths: [6, 8, 10],
    bound: () => 5,
    tight: true,
    own: () => 5,
    run: async (hotkeys) => attempt(scoreOf(excused(hotkeys, 'maintenance')), 5),
    stoppedBy: 'maintenance that is not paid, whatever else it spares',
    without: {
      rule: 'events in maintenance left out of the mean',
      strengths: [6],
      run: async (hotkeys) => attempt(scoreOf(excused(hotkeys, 'validator-fault')), 5),
    },
  }),
  timing({
    name: 'capped-absentee',
    what: 'runs more hotkeys than its five devices, and says of another one each time that it has done enough for the day',
    origin: 'absences that are forgiven',
    strength: 'hotkeys on five devices',
    strengths: [6, 8, 10],
    bound: () => 5,
    tight: true,
    own: () => 5,
    run: async (hotkeys) => attempt(scoreOf(excused(hotkeys, 'capped')), 5),
    stoppedBy: 'the mean over all events, in which a capped one proved nothing',
    without: {
      rule: 'capped events left out of the mean',
      strengths: [6],
      run: async (hotkeys) => attempt(scoreOf(excused(hotkeys, 'validator-fault')), 5),
    },
  }),
  timing({
    name: 'loop-flooder',
    what: 'floods the validator with frames while one of its six hotkeys on five devices has nothing to show',
    origin: 'samples void where the validator is busy',
    strength: 'ms that it stalls the validator',
    strengths: [5, 20, 100],
    bound: (stallMs) => 5 * (1 + Math.min(stallMs / W, 0.01)) + 1 / LABELS,
    own: () => 5,
    run: async (stallMs) => {
      const clock = startClock();
      const [commit] = await timeSlots(
        [{ device: pacedDevice(clock), goAt: 0, startAt: 0, untilMs: W + Math.min(stallMs, 0.01 * W) }],
        clock,
      );
      const share = credited(commit!, stallMs) / ONE_DEVICE;
      return attempt(
        scoreOf(absentees(6).map((event) => event.map((slot) => ({ ...slot, share: slot.share * share })))),
        5,
      );
    },
    stoppedBy:
      'at most a hundredth of the window is credited for a stall, and no session is excused for it alone',
    without: {
      rule: 'a sample during a stall of more than 2 ms is void',
      run: async () =>
        attempt(
          scoreOf(
            absentees(6).map((event) =>
              event.map((slot) =>
                slot.share === 0 ? { ...slot, voided: 'validator-fault' as const } : slot,
              ),
            ),
          ),
          5,
        ),
    },
  }),
  timing({
    name: 'names-a-bigger-card',
    what: 'prints the name of a faster card wherever somebody asks, or claims its class',
    origin: 'names and tools that say what the host likes',
    strength: 'rate of the claimed class over its own',
    strengths: [1.5, 2, 4, 100],
    bound: (times) => 1 / times,
    own: (times) => 1 / times,
    run: async (times) => {
      const clock = startClock();
      const [commit] = await timeSlots(
        [{ device: pacedDevice(clock, 1 / times), goAt: 0, startAt: 0 }],
        clock,
      );
      return attempt(credited(commit!) / ONE_DEVICE, 1 / times);
    },
    stoppedBy: 'credit is what was done; no name is asked for',
    without: {
      rule: 'pass or fail against 0.35 of the published peak, and pay by name',
      run: async (times) => attempt(1 / times >= 0.35 ? 1 : 0, 1 / times),
    },
  }),
  timing({
    name: 'big-card-as-small-ones',
    what: `declares an ${BIG} as several slots of the class ${SMALL_CARD}`,
    origin: 'one big card as several small ones',
    strength: 'slots',
    strengths: [1, 2, 4, 7],
    // more labels of a card's time are products at one n than at another: docs/scoring.md
    bound: () => 1 / (1 - MAX_HASH_SHARE),
    own: () => 1,
    run: async (slots) => attempt(paidFor([asSmallOnes(slots)]) / paidFor([[asItself()]]), 1),
    stoppedBy: 'one price for an operation, whatever the class: the sum is the sum',
    without: {
      rule: 'a nominal slot counts one, whatever its class',
      run: async (slots) => attempt(scoreOf([asSlots(asSmallOnes(slots).map(({ share }) => share))]), 1),
    },
  }),
  timing({
    name: 'proxy',
    what: 'forwards its sessions to a device elsewhere',
    origin: 'a proxy to a card elsewhere',
    strength: 'ms of round trip that it adds',
    strengths: [20, 200, 1000, 2000],
    bound: (rttMs) => Math.max(0, 1 - rttMs / W),
    own: () => 0,
    run: async (rttMs) => {
      const clock = startClock();
      const [commit] = await timeSlots(
        [{ device: pacedDevice(clock), goAt: 0, startAt: rttMs / 2, wayMs: rttMs / 2 }],
        clock,
      );
      return attempt(credited(commit!) / ONE_DEVICE, 0);
    },
    stoppedBy:
      'nothing stops it: the device is under its control, and the way is paid by itself out of the window',
  }),
  timing({
    name: 'burst-rental',
    what: 'rents the device when an event is announced and gives it back after it',
    origin: 'hardware that is there for the check alone',
    strength: 'seconds until a rented device can work',
    strengths: [2, 10, 15, 60],
    bound: (seconds) => (seconds <= LEAD_S ? 1 : 0),
    // it pays for the time from the announcement to the end of the opening, once an event
    own: () => RENTED_S / EVENT_EVERY_S,
    run: async (seconds) => {
      const clock = startClock();
      const startAt = Math.max(0, (seconds - LEAD_S) * 1000);
      const [commit] = await timeSlots([{ device: pacedDevice(clock), goAt: 0, startAt }], clock);
      return attempt(credited(commit!) / ONE_DEVICE, RENTED_S / EVENT_EVERY_S);
    },
    stoppedBy: 'events that nobody knows of before their block is announced, one block of lead',
  }),
  timing({
    name: 'pooled-cards',
    what: 'claims one big device and splits it over small ones',
    origin: 'several small cards as one big one',
    strength: 'small devices, together one',
    strengths: [2, 4, 8],
    bound: () => 1,
    own: () => 1,
    // nothing is lost on the way between them: the attacker's best case
    run: async (cards) => attempt(await pooled(cards, (share) => share), 1),
    stoppedBy: 'linear credit: the sum is the sum',
    without: {
      rule: 'a price that grows faster than the rate, by the power 1.25',
      // what the same cards would earn one by one is their own
      run: async (cards) =>
        attempt((await pooled(cards, (share) => share ** 1.25)) / (cards * (1 / cards) ** 1.25), 1),
    },
  }),
];

const TIMES = 1.25;
const BLOCK_S = 12;
/** one block from announcement to event, five events in an epoch of 360 blocks: the defaults of a validator */
const LEAD_S = BLOCK_S;
const EVENT_EVERY_S = (360 * BLOCK_S) / 5;
const RENTED_S = LEAD_S + W / 1000 + 60;

async function shareDeviceAtTimes(goAt: readonly number[]): Promise<number> {
  const clock = startClock();
  const device = pacedDevice(clock);
  const commits = await timeSlots(
    goAt.map((go) => ({ device, goAt: go, startAt: go })),
    clock,
  );
  return scoreOf([asHotkeys(commits.map((commit) => credited(commit) / ONE_DEVICE))]);
}

async function pooled(cards: number, price: (share: number) => number): Promise<number> {
  const clock = startClock();
  const commits = await timeSlots(
    Array.from({ length: cards }, () => ({ device: pacedDevice(clock, 1 / cards), goAt: 0, startAt: 0 })),
    clock,
  );
  return price(sum(commits.map((commit) => credited(commit))) / ONE_DEVICE);
}

/** One slot of its own class. */
function asItself(): SlotResult {
  const params = paramsByClass(BIG)!;
  const credit = computeAs(deviceByClass(BIG)!, params, 1);
  return { hotkey: 'miner', share: creditShare(credit, computeProof.facts(params).nominal), credit };
}

function asSmallOnes(slots: number): SlotResult[] {
  const params = paramsByClass(SMALL_CARD)!;
  const credit = computeAs(deviceByClass(BIG)!, params, slots);
  const share = creditShare(credit, computeProof.facts(params).nominal);
  return Array.from({ length: slots }, (_, slot) => ({ hotkey: 'miner', slot, share, credit }));
}
