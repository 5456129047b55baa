// Owns: what a validator remembers of slots and hotkeys for their pay: outcomes folded, event by event. Does not own: what follows
// from it (pay.ts), outcomes themselves and their evidence (validator/ledger).
import { z } from 'zod';
import { fromHex, u32le, utf8 } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import type { Hotkey } from '../model/ids.js';
import type { Outcome } from '../model/outcome.js';
import { accepted, CAUSES, inconclusive, REJECTIONS, rejected, verdictToString } from '../model/verdict.js';
import { millionths, type Pool, policyDigest, type ScoringPolicy } from './policy.js';
import { worthBy } from './prices.js';
import { boundRules, type Division, type ScoringRule } from './rules.js';

/** What of an outcome counts. */
export type Scored = Pick<
  Outcome,
  'event' | 'epoch' | 'miner' | 'kind' | 'paramsId' | 'slot' | 'verdict' | 'credit' | 'share'
> &
  Partial<Pick<Outcome, 'simulated' | 'byTurn'>>;

export interface ScoredEvent {
  readonly event: string;
  /** the chain's epoch index */
  readonly epoch: number;
  /** whether rounds that one validator runs at a time were this validator's. @default true */
  readonly ourTurn?: boolean | undefined;
  /** Of whom the event asked, where not of all: `isDrawn`. Who was not drawn and has no outcome was not absent. @default all */
  readonly sample?: Sample | undefined;
  /** A check between events: its outcomes say that slots are there, and nothing of what they can do. @default false */
  readonly liveness?: boolean | undefined;
}

export interface Sample {
  /** hex of 32 bytes that nobody knew before the event */
  readonly seed: string;
  /** millionths of all slots */
  readonly share: number;
}

export interface StateParts {
  /** Class of a parameter set; needed by policies whose pools match classes. @default none is known */
  readonly classOf?: ((paramsId: string) => string | undefined) | undefined;
  /** The subnet's own; needed by policies whose pools name one. @default none: such a policy is refused as `unsupported` */
  readonly rules?: readonly ScoringRule[] | undefined;
}

/** What a slot is worth in one epoch, and why not more. */
export interface SlotView {
  readonly slot: number;
  /** by pool, in integers of ONE */
  readonly worth: readonly number[];
  /** of what its classes expect, in integers of ONE */
  readonly share: number;
  /** millionths */
  readonly uptime: number;
  /** of its events those that were not in declared maintenance, in integers of ONE: what of its worth is paid */
  readonly present: number;
}

export interface HotkeyView {
  readonly slots: readonly SlotView[];
  /** paid nothing in epochs up to this one */
  readonly quarantinedThrough: number | undefined;
  /** epochs in which a slot of it was in declared maintenance, and that its probation does not count; newest last */
  readonly away: readonly number[];
  /** slots that had an outcome in the epoch */
  readonly challenged: number;
  /** events that count for them */
  readonly counted: number;
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * One validator's view. What is told of an event counts once the event is completed, in whatever order its outcomes came. Epochs
 * only go on: an event that is completed after one of a later epoch counts for nobody.
 */
export interface ScoringState {
  readonly policy: ScoringPolicy;
  /** by pool, the subnet's own rule that divides its fund; undefined where the policy's `pay` does */
  readonly divisions: readonly (Division | undefined)[];
  /** of the newest completed event; undefined before the first */
  readonly epoch: number | undefined;
  started(event: ScoredEvent): void;
  /** A second one of the same event and slot changes nothing. */
  outcome(outcome: Scored): void;
  completed(event: ScoredEvent): void;
  /** events completed in an epoch, of the newest one and after */
  eventsOf(epoch: number): number;
  /**
   * False where no event was completed in the epoch nor in those carried from: then there is nothing to say. That ends once
   * events were tried in all of these epochs: or miners who fell silent together would be paid for ever on what they once proved.
   */
  hasSay(epoch: number): boolean;
  /** @throws RangeError for an epoch before the newest: what was known then is no longer kept */
  at(epoch: number): Iterable<readonly [Hotkey, HotkeyView]>;
  /** JSON, hotkeys in order: the same state gives the same text. Events under way are not part of it. */
  snapshot(): string;
}

/** What slots are worth is in integers of this denominator. */
export const ONE = 2 ** 32;
/** Far above any honest slot's: keeps sums exact in a double whatever a kind says, over 2^11 events. */
const MOST = 1024;
/** Of 64 validators nine in ten have a turn in so many epochs of five events. */
export const TURN_EPOCHS = 32;
const CARRY_EPOCHS = 1;
const MILLION = 1_000_000n;
/** Who was away for longer begins anew. */
const MOST_AWAY = 1024;
/** Events are minutes apart and judged within some: more at once were begun and never completed. */
const MOST_OPEN = 64;
const MOST_OUTCOMES = 2 ** 20;

/** In the order of a slot's counts. */
const VERDICTS = [accepted, ...REJECTIONS.map(rejected), ...CAUSES.map(inconclusive)].map(verdictToString);
const ACCEPTED = 0;
const REJECTED: Readonly<Record<string, number>> = Object.fromEntries(
  REJECTIONS.map((reason, i) => [reason, i + 1]),
);
const INCONCLUSIVE: Readonly<Record<string, number>> = Object.fromEntries(
  CAUSES.map((cause, i) => [cause, i + 1 + REJECTIONS.length]),
);
/**
 * Whether the event leaves the mean. That there was nobody to meet is not the validator's fault, whoever else's it is: a slot
 * chooses class, coldkey and network, and one that is alone when it likes would be measured when it likes.
 */
const FIRST_CAUSE = 1 + REJECTIONS.length;
const MET_NOBODY = INCONCLUSIVE['nobody-to-meet']!;
/** No level moves by it, and it is not paid. */
const AWAY = INCONCLUSIVE.maintenance!;
/** Nothing was proven: it counts in the mean as nothing, and `uptime` does not move by it. */
const CAPPED = INCONCLUSIVE.capped!;
/** Snapshots have had so many since their form is what it is: causes are only ever added at the end. */
const FEWEST_COUNTS = AWAY;
/** Of one hotkey; more than any allowance of maintenance comes to within a probation. */
const MOST_AWAY_EPOCHS = 1024;

/** Of epochs before the open one. */
interface Memory {
  worth: number[];
  share: number;
  uptime: number;
  /** of the last epoch's events that counted or were in maintenance those that counted, in integers of ONE */
  present: number;
  /** epochs since something counted, and those of them in which that was our failure */
  since: number;
  uncounted: number;
}

/** Of the open epoch; sums over its events. */
interface Sums {
  worth: number[];
  share: number;
  /** by verdict */
  counts: number[];
  seen: number;
  accepted: number;
  excused: number;
  /** in declared maintenance */
  away: number;
  capped: number;
  /** outcomes of events that had not drawn the slot */
  extra: number;
  /** checks between events that count, and those of them in which it was there */
  checked: number;
  alive: number;
}

interface Slot {
  readonly hotkey: string;
  readonly index: number;
  readonly byTurn: boolean;
  readonly memory: Memory;
  sums: Sums | undefined;
  /** of the open epoch's samples */
  drawn: Drawn;
}

/** A hash each, so that they are drawn once: how many samples were looked at, and which of them had not drawn the slot. */
interface Drawn {
  readonly looked: number;
  readonly not: number;
  readonly notOurs: number;
  readonly isInLast: boolean;
}
const UNDRAWN: Drawn = { looked: 0, not: 0, notOurs: 0, isInLast: true };

interface Entry {
  /** by 2 * index, and one more by turn: who claims another kind every other event has two slots, each measured by itself */
  readonly slots: Map<number, Slot>;
  quarantinedThrough: number | undefined;
  /** epochs before the open one in which a slot was in maintenance, as long as a probation may hang on them */
  away: number[];
}

interface Judged {
  readonly slot: Slot;
  readonly epoch: number;
  readonly code: number;
  readonly pool: number;
  readonly worth: number;
  readonly share: number;
}

interface OpenEvent {
  readonly slots: Set<Slot>;
  readonly judged: Judged[];
}

interface EpochStats {
  readonly epoch: number;
  readonly done: Set<string>;
  events: number;
  ourTurns: number;
  readonly samples: { readonly sample: Sample; readonly ourTurn: boolean }[];
}

export function createScoringState(policy: ScoringPolicy, parts: StateParts = {}): ScoringState {
  return stateOf(policy, parts, new Map(), [], undefined, undefined);
}

function stateOf(
  policy: ScoringPolicy,
  { classOf = () => undefined, rules }: StateParts,
  hotkeys: Map<string, Entry>,
  tried: number[],
  /** with a completed event that was no check between events */
  newest: number | undefined,
  stats: EpochStats | undefined,
): ScoringState {
  const {
    memory: { carryEpochs = CARRY_EPOCHS, turnEpochs = TURN_EPOCHS, retain = 0 } = {},
    quarantine,
    probation,
  } = policy;
  const kept = BigInt(millionths(retain));
  const reach = Math.max(carryEpochs, turnEpochs);
  const pools = policy.pools.map(createPool);
  const divisions = boundRules(policy, rules);
  const poolCount = pools.length;
  const isBad = new Set(quarantine?.reasons.map((reason) => REJECTED[reason]));
  /** by kind, then by parameter set */
  const byParams = new Map<string, Map<string, number>>();
  const open = new Map<string, OpenEvent>();

  function poolOf(kind: string, paramsId: string): number {
    let own = byParams.get(kind);
    if (!own) {
      own = new Map();
      byParams.set(kind, own);
    }
    let pool = own.get(paramsId);
    if (pool === undefined) {
      pool = pools.findIndex((each) => each.matches(kind, classOf(paramsId)));
      own.set(paramsId, pool);
    }
    return pool;
  }

  function slotOf({ miner, slot: index, byTurn = false }: Scored): Slot {
    let entry = hotkeys.get(miner);
    if (!entry) {
      entry = newEntry();
      hotkeys.set(miner, entry);
    }
    const key = 2 * index + (byTurn ? 1 : 0);
    let slot = entry.slots.get(key);
    if (!slot) {
      slot = { hotkey: miner, index, byTurn, memory: nothing(poolCount), sums: undefined, drawn: UNDRAWN };
      entry.slots.set(key, slot);
    }
    return slot;
  }

  function openEvent(event: string): OpenEvent {
    let own = open.get(event);
    if (!own) {
      if (open.size >= MOST_OPEN) open.delete(open.keys().next().value!);
      own = { slots: new Set(), judged: [] };
      open.set(event, own);
    }
    return own;
  }

  /** Everything up to the end of the open epoch becomes memory; epochs without an event are gone through. */
  function close(upTo: number): void {
    if (!stats) return;
    const isGone = upTo - stats.epoch > MOST_AWAY;
    for (const [hotkey, entry] of hotkeys) {
      Object.assign(entry, clocksOf(entry, upTo));
      for (const [key, slot] of entry.slots) {
        roll(slot, slot.memory, upTo - 1);
        slot.sums = undefined;
        slot.drawn = UNDRAWN;
        const { worth, uptime } = slot.memory;
        if (isGone) Object.assign(slot.memory, nothing(poolCount)); // an event under way may keep it
        if (isGone || (uptime === 0 && worth.every((each) => each === 0))) entry.slots.delete(key);
      }
      if (entry.slots.size === 0 && entry.away.length === 0 && (entry.quarantinedThrough ?? -1) < upTo)
        hotkeys.delete(hotkey);
    }
    // of events under way the slots may just have been forgotten; their outcomes are still to come into force
    for (const { slots } of open.values())
      for (const slot of slots) {
        const entry = hotkeys.get(slot.hotkey) ?? newEntry();
        hotkeys.set(slot.hotkey, entry);
        entry.slots.set(2 * slot.index + (slot.byTurn ? 1 : 0), slot);
      }
  }

  /** Events of the open epoch that count for a slot, whatever came of them. */
  function askedOf(slot: Slot, { events, ourTurns, samples }: EpochStats): number {
    const { not, notOurs } = draw(slot, samples);
    return slot.byTurn ? ourTurns - notOurs : events - not;
  }

  function draw(slot: Slot, samples: EpochStats['samples']): Drawn {
    let { looked, not, notOurs, isInLast } = slot.drawn;
    if (looked === samples.length) return slot.drawn;
    for (; looked < samples.length; looked++) {
      const { sample, ourTurn } = samples[looked]!;
      isInLast = isDrawn(sample, slot.hotkey, slot.index);
      if (isInLast) continue;
      not++;
      if (ourTurn) notOurs++;
    }
    slot.drawn = { looked, not, notOurs, isInLast };
    return slot.drawn;
  }

  /** Takes `memory` from before the open epoch to the end of `through`. */
  function roll(slot: Slot, memory: Memory, through: number): void {
    if (!stats) return;
    const { sums } = slot;
    const asked = askedOf(slot, stats);
    const { away = 0, capped = 0 } = sums ?? {};
    const counted = asked + (sums ? sums.extra - sums.excused - away : 0);
    // what was proven in the other events is as good as ever; for those in maintenance nothing is paid
    if (counted + away > 0) memory.present = Math.floor((ONE * counted) / (counted + away));
    if (counted > 0) {
      const mean = (sum: number): number => Math.floor(sum / counted);
      for (let pool = 0; pool < poolCount; pool++)
        memory.worth[pool] = mixed(memory.worth[pool]!, sums ? mean(sums.worth[pool]!) : 0);
      memory.share = sums ? mean(sums.share) : 0; // of now alone: who is new has not missed the epochs before
      memory.since = 0;
      memory.uncounted = 0;
    } else if (away === 0) pass(memory, stats.events === 0 || asked > 0);
    const { checked = 0, alive = 0 } = sums ?? {};
    const watched = counted - capped + checked;
    if (watched > 0) memory.uptime = moved(memory.uptime, (sums?.accepted ?? 0) + alive, watched);
    for (let epoch = stats.epoch + 1; epoch <= Math.min(through, stats.epoch + MOST_AWAY); epoch++)
      pass(memory, true);
  }

  /** An epoch in which nothing counted: others' turn, or our own failure, as an epoch without events is. */
  function pass(memory: Memory, isOurs: boolean): void {
    memory.since++;
    if (isOurs) memory.uncounted++;
    if (memory.since <= reach && memory.uncounted <= carryEpochs) return;
    for (let pool = 0; pool < poolCount; pool++) memory.worth[pool] = mixed(memory.worth[pool]!, 0);
    if (kept === 0n) memory.share = 0;
  }

  /** In an epoch with maintenance neither quarantine nor probation goes on, or both could be sat out unproven. */
  function clocksOf(
    { slots, quarantinedThrough, away }: Entry,
    upTo: number,
  ): Pick<Entry, 'quarantinedThrough' | 'away'> {
    const kept = (all: number[]): number[] =>
      // who was registered before these has been here for longer than probation and all of them together
      all.filter((each) => upTo - each <= (probation?.epochs ?? 0) + all.length);
    let wasAway = false;
    for (const { sums } of slots.values()) if (sums && sums.away > 0) wasAway = true;
    if (!stats || stats.epoch >= upTo || !wasAway) return { quarantinedThrough, away: kept(away) };
    const isQuarantined = quarantinedThrough !== undefined && quarantinedThrough >= stats.epoch;
    return {
      quarantinedThrough: isQuarantined ? quarantinedThrough + 1 : quarantinedThrough,
      away: probation ? kept([...away, stats.epoch].slice(-MOST_AWAY_EPOCHS)) : away,
    };
  }

  function mixed(before: number, now: number): number {
    if (kept === 0n) return now;
    return Number((BigInt(before) * kept + BigInt(now) * (MILLION - kept)) / MILLION);
  }

  function moved(level: number, there: number, counted: number): number {
    if (!policy.uptime) return 0;
    const [rise, fall] = [millionths(policy.uptime.rise), millionths(policy.uptime.fall)];
    const up = (BigInt(rise) * BigInt(there) * (MILLION - BigInt(level))) / (MILLION * BigInt(counted));
    const down = (BigInt(fall) * BigInt(counted - there) * BigInt(level)) / (MILLION * BigInt(counted));
    return level + Number(up - down) - (up === down && there < counted && level > 0 ? 1 : 0);
  }

  const sumsOf = (slot: Slot): Sums => {
    slot.sums ??= {
      worth: new Array<number>(poolCount).fill(0),
      share: 0,
      counts: new Array<number>(VERDICTS.length).fill(0),
      seen: 0,
      accepted: 0,
      excused: 0,
      away: 0,
      capped: 0,
      extra: 0,
      checked: 0,
      alive: 0,
    };
    return slot.sums;
  };

  function count({ slot, code, pool, worth, share }: Judged, { sample, liveness }: ScoredEvent): void {
    const sums = sumsOf(slot);
    const isExcused = code >= FIRST_CAUSE && code !== MET_NOBODY && code !== AWAY && code !== CAPPED;
    if (liveness) {
      // a check is next to no work: whoever has done enough answers it all the same
      if (!isExcused && code !== AWAY) sums.checked++;
      if (code === ACCEPTED) sums.alive++;
    } else {
      sums.seen++;
      sums.counts[code]!++;
      if (sample && !slot.drawn.isInLast) sums.extra++;
      if (isExcused) sums.excused++;
      if (code === AWAY) sums.away++;
      if (code === CAPPED) sums.capped++;
      if (code === ACCEPTED) {
        sums.accepted++;
        sums.share += share;
        if (pool >= 0) sums.worth[pool]! += worth;
      }
    }
    if (quarantine && isBad.has(code)) {
      const entry = hotkeys.get(slot.hotkey)!;
      entry.quarantinedThrough = Math.max(
        entry.quarantinedThrough ?? 0,
        stats!.epoch + quarantine.epochs - 1,
      );
    }
  }

  return {
    policy,
    divisions,
    get epoch() {
      return stats?.epoch;
    },
    started({ event, epoch, liveness = false }) {
      openEvent(event);
      if (liveness) return; // it was never to say what slots can do
      if (!tried.includes(epoch)) tried.push(epoch);
      if (tried.length > carryEpochs + 2) tried.splice(tried.indexOf(Math.min(...tried)), 1);
    },
    outcome(outcome) {
      if (stats?.done.has(outcome.event)) return;
      const { slots, judged } = openEvent(outcome.event);
      const slot = slotOf(outcome);
      if (slots.has(slot)) return;
      if (judged.length >= MOST_OUTCOMES)
        throw new AssayError('limit-exceeded', `event: at most ${MOST_OUTCOMES} outcomes`, {
          what: 'outcomes of an event',
          limit: MOST_OUTCOMES,
          got: judged.length + 1,
        });
      slots.add(slot);
      const { verdict, epoch, kind, paramsId, credit, simulated = false } = outcome;
      const code =
        verdict.kind === 'accepted'
          ? ACCEPTED
          : verdict.kind === 'rejected'
            ? REJECTED[verdict.reason]!
            : INCONCLUSIVE[verdict.cause]!;
      const pool = code === ACCEPTED ? poolOf(kind, paramsId) : -1;
      const by = pools[pool];
      const worth = by ? inOnes((simulated ? by.simulatedWorthOf : by.worthOf)(credit)) : 0;
      judged.push({ slot, epoch, code, pool, worth, share: code === ACCEPTED ? inOnes(outcome.share) : 0 });
    },
    completed(given) {
      const { event, epoch, ourTurn = true, sample, liveness = false } = given;
      const own = open.get(event);
      if (stats && (epoch < stats.epoch || stats.done.has(event))) {
        open.delete(event);
        return;
      }
      if (stats?.epoch !== epoch) {
        close(epoch); // keeps what open events are about
        stats = { epoch, done: new Set(), events: 0, ourTurns: 0, samples: [] };
      }
      open.delete(event);
      stats.done.add(event);
      if (!liveness) {
        newest = epoch;
        stats.events++;
        if (ourTurn) stats.ourTurns++;
        if (sample) {
          stats.samples.push({ sample, ourTurn });
          // now, and not all of an epoch's when it is paid
          for (const { slots } of hotkeys.values())
            for (const slot of slots.values()) draw(slot, stats.samples);
        }
      }
      // what one validator measures at a time says nothing where that was another
      for (const one of own?.judged ?? [])
        if (one.epoch === epoch && (ourTurn || !one.slot.byTurn)) count(one, given);
    },
    eventsOf: (epoch) => (epoch === stats?.epoch ? stats.events : 0),
    hasSay(epoch) {
      if (newest !== undefined && newest >= epoch - carryEpochs) return true;
      for (let each = epoch - carryEpochs; each <= epoch; each++) if (!tried.includes(each)) return false;
      return true;
    },
    *at(epoch) {
      const isOpen = epoch === stats?.epoch;
      if (stats && epoch < stats.epoch)
        throw new RangeError(`epoch: expected ${stats.epoch} or a later one, got ${epoch}`);
      for (const [hotkey, entry] of hotkeys) {
        const { slots } = entry;
        const { quarantinedThrough, away } = clocksOf(entry, epoch);
        const views: SlotView[] = [];
        const counts: Record<string, number> = {};
        const tally = (name: string, more: number): void => {
          if (more > 0) counts[name] = (counts[name] ?? 0) + more;
        };
        let [challenged, counted] = [0, 0];
        for (const slot of slots.values()) {
          const memory = { ...slot.memory, worth: [...slot.memory.worth] };
          roll(slot, memory, epoch);
          const { worth, share, uptime, present } = memory;
          views.push({ slot: slot.index, worth, share, uptime, present });
          if (!isOpen || !slot.sums) continue;
          const { seen, extra, excused, away } = slot.sums;
          const asked = askedOf(slot, stats!) + extra;
          challenged++;
          counted += asked - excused - away;
          slot.sums.counts.forEach((many, code) => {
            tally(VERDICTS[code]!, many);
          });
          tally('absent', asked - seen);
        }
        const view = { slots: views, quarantinedThrough, away, challenged, counted, counts };
        yield [hotkey as Hotkey, view]; // made by `outcome`
      }
    },
    snapshot() {
      const byKey = <T>(map: ReadonlyMap<string | number, T>) =>
        [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      return JSON.stringify({
        policy: policyDigest(policy),
        tried,
        newest,
        stats: stats && { ...stats, done: [...stats.done] },
        hotkeys: byKey(hotkeys).map(([hotkey, { slots, quarantinedThrough = null, away }]) => [
          hotkey,
          quarantinedThrough,
          byKey(slots).map(([key, { memory, sums }]) => [key, memory, sums ?? null]),
          away,
        ]),
      });
    },
  };
}

const count = z.int().min(0);
const sums = z.array(count).min(1);
const SNAPSHOT = z.strictObject({
  policy: z.string(),
  tried: z.array(count),
  newest: count.optional(),
  stats: z
    .strictObject({
      epoch: count,
      done: z.array(z.string()),
      events: count,
      ourTurns: count,
      samples: z.array(
        z.strictObject({
          sample: z.strictObject({ seed: z.string().regex(/^[0-9a-f]{64}$/), share: count }),
          ourTurn: z.boolean(),
        }),
      ),
    })
    .optional(),
  hotkeys: z.array(
    z.tuple([
      z.string(),
      count.nullable(),
      z.array(
        z.tuple([
          count,
          z.strictObject({
            worth: sums,
            share: count,
            uptime: count,
            present: count.max(ONE).default(ONE),
            since: count,
            uncounted: count,
          }),
          z
            .strictObject({
              worth: sums,
              share: count,
              counts: z
                .array(count)
                .min(FEWEST_COUNTS)
                .max(VERDICTS.length)
                .transform((all) => VERDICTS.map((_, i) => all[i] ?? 0)),
              seen: count,
              accepted: count,
              excused: count,
              away: count.default(0),
              capped: count.default(0),
              extra: count,
              checked: count,
              alive: count,
            })
            .nullable(),
        ]),
      ),
      z.array(count).max(MOST_AWAY_EPOCHS).optional(),
    ]),
  ),
});

/** @throws AssayError `corrupt` for what is no snapshot of a state under this policy */
export function restoreScoringState(
  policy: ScoringPolicy,
  snapshot: string,
  parts: StateParts = {},
): ScoringState {
  const corrupt = (why: string, cause?: unknown): AssayError<'corrupt'> =>
    new AssayError('corrupt', `scoring state: ${why}`, { path: 'scoring state', why }, { cause });
  let given: z.infer<typeof SNAPSHOT>;
  try {
    given = SNAPSHOT.parse(JSON.parse(snapshot));
  } catch (error) {
    throw corrupt('no snapshot', error);
  }
  const digest = policyDigest(policy);
  if (given.policy !== digest) throw corrupt(`of the policy ${given.policy}, expected ${digest}`);
  const { stats, tried } = given;
  const hotkeys = new Map<string, Entry>();
  for (const [hotkey, quarantinedThrough, slots, away = []] of given.hotkeys) {
    const entry: Entry = { slots: new Map(), quarantinedThrough: quarantinedThrough ?? undefined, away };
    for (const [key, memory, sums] of slots) {
      const pools = policy.pools.length;
      if (memory.worth.length !== pools || (sums && sums.worth.length !== pools))
        throw corrupt(`${hotkey} has not ${pools} pools`);
      const [index, byTurn] = [Math.floor(key / 2), key % 2 === 1];
      entry.slots.set(key, { hotkey, index, byTurn, memory, sums: sums ?? undefined, drawn: UNDRAWN });
    }
    hotkeys.set(hotkey, entry);
  }
  const { newest } = given;
  return stateOf(policy, parts, hotkeys, tried, newest, stats && { ...stats, done: new Set(stats.done) });
}

const TAG = utf8('assay/1/drawn');

/** Whether an event asked this slot: with the same probability for each, and nobody knows before the seed is. */
export function isDrawn({ seed, share }: Sample, miner: string, slot: number): boolean {
  const hash = sha256(TAG, fromHex(seed), u32le(slot), utf8(miner));
  const drawn = new DataView(hash.buffer, hash.byteOffset).getUint32(0, true);
  return drawn * Number(MILLION) < share * 2 ** 32;
}

/** Each in integers before they are added: the sum is the same in whatever order outcomes come. */
const inOnes = (value: number): number =>
  value > 0 && Number.isFinite(value) ? Math.floor(Math.min(value, MOST) * ONE) : 0;

const newEntry = (): Entry => ({ slots: new Map(), quarantinedThrough: undefined, away: [] });

const nothing = (pools: number): Memory => ({
  worth: new Array<number>(pools).fill(0),
  share: 0,
  uptime: 0,
  present: ONE,
  since: 0,
  uncounted: 0,
});

/** What a pool takes, and what it counts for it. */
function createPool({ match = {}, credit = 'outcomes', prices, simulatedPrices }: Pool) {
  const { kinds, classes } = match;
  return {
    matches: (kind: string, className: string | undefined): boolean =>
      credit === 'outcomes' &&
      (kinds?.includes(kind) ?? true) &&
      (classes === undefined || (className !== undefined && classes.includes(className))),
    worthOf: worthBy(prices),
    simulatedWorthOf: worthBy(simulatedPrices),
  };
}

/** A state that has been told all of a validator's outcomes and events, in whatever order they are given. */
export function scoringStateOf(
  policy: ScoringPolicy,
  told: {
    readonly outcomes: Iterable<Scored>;
    readonly completed: readonly ScoredEvent[];
    readonly started?: readonly ScoredEvent[];
    /** the epoch that is scored: what is told of later ones is left out */
    readonly through: number;
  },
  parts: StateParts = {},
): ScoringState {
  const state = createScoringState(policy, parts);
  const byEvent = new Map<string, Scored[]>();
  for (const outcome of told.outcomes) {
    const own = byEvent.get(outcome.event) ?? [];
    byEvent.set(outcome.event, own);
    own.push(outcome);
  }
  for (const event of told.started ?? []) if (event.epoch <= told.through) state.started(event);
  const completed = told.completed.filter(({ epoch }) => epoch <= told.through);
  for (const event of completed.sort((a, b) => a.epoch - b.epoch)) {
    for (const outcome of byEvent.get(event.event) ?? []) state.outcome(outcome);
    state.completed(event);
  }
  return state;
}
