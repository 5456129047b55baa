// Owns: the circuit breaker: when so many owners whose miners were honest fail together that scores are held and a person is asked;
// pure, folded from the ledger, so that replay comes to the same. Does not own: pay (scoring), who asks and answers (scorer.ts,
// cli/breaker-file.ts), what is sent meanwhile (weights/).
import type { Hotkey } from '../model/ids.js';
import type { Outcome } from '../model/outcome.js';
import type { PaidNeuron } from '../scoring/index.js';
import type { BreakerEntry, BreakerLimits, EventEntry, ScoredEntry } from './ledger/entries.js';
import type { LedgerFold } from './ledger/load.js';

export const DEFAULT_BREAKER: BreakerLimits = {
  share: 300_000,
  owners: 3,
  holdEpochs: 10,
  restEpochs: 100,
};

/** What an owner's miners did, all together. */
export interface Drift {
  /** owners with a miner that was honest before and is registered */
  readonly owners: number;
  /** of them, those of whose honest miners more than half failed */
  readonly drifted: number;
  /** the same of the stake on those miners */
  readonly stakeRao: bigint;
  readonly driftedRao: bigint;
}

export interface Held {
  /** the first epoch whose scores are held */
  readonly since: number;
  /** what is set instead: what the last epoch before it was paid */
  readonly row: ScoredEntry['row'];
}

/** Epochs behind the judged one that say who was honest; and in which a row is still of today. */
export const BEFORE_EPOCHS = 6;
/** Honest is who was asked so often, and accepted so often of ten. */
const LEAST_ASKED = 2;
const HONEST_OF_TEN = 8;
/** As many as scoring holds open. */
const MOST_OPEN = 64;
const MILLION = 1_000_000;

interface Tally {
  asked: number;
  accepted: number;
}
interface EpochTallies {
  readonly of: Map<Hotkey, Tally>;
  readonly done: Set<string>;
  /** events that asked everybody: who has no outcome in them was not there */
  whole: number;
}

export interface Tallies extends LedgerFold {
  outcome(outcome: Outcome): void;
  completed(event: EventEntry): void;
  /** What is known of the epoch against those before it. */
  drift(epoch: number, neurons: ReadonlyMap<Hotkey, PaidNeuron>): Drift;
}

/** Outcomes of the last epochs, counted by hotkey. A second outcome of one event and slot changes nothing. */
export function createTallies(): Tallies {
  const epochs = new Map<number, EpochTallies>();
  const open = new Map<string, Map<string, Outcome>>();

  function epochOf(epoch: number): EpochTallies {
    let own = epochs.get(epoch);
    if (!own) {
      own = { of: new Map(), done: new Set(), whole: 0 };
      epochs.set(epoch, own);
      for (const old of epochs.keys()) if (old < epoch - BEFORE_EPOCHS) epochs.delete(old);
    }
    return own;
  }

  function honestBefore(epoch: number): ReadonlySet<Hotkey> {
    const sums = new Map<Hotkey, Tally>();
    for (const [each, { of }] of epochs) {
      if (each >= epoch || each < epoch - BEFORE_EPOCHS) continue;
      for (const [hotkey, { asked, accepted }] of of) {
        const sum = sums.get(hotkey) ?? { asked: 0, accepted: 0 };
        sums.set(hotkey, { asked: sum.asked + asked, accepted: sum.accepted + accepted });
      }
    }
    const isHonest = ({ asked, accepted }: Tally) =>
      asked >= LEAST_ASKED && accepted * 10 >= asked * HONEST_OF_TEN;
    return new Set([...sums].flatMap(([hotkey, sum]) => (isHonest(sum) ? [hotkey] : [])));
  }

  return {
    outcome(outcome) {
      let own = open.get(outcome.event);
      if (!own) {
        if (open.size >= MOST_OPEN) open.delete(open.keys().next().value!);
        own = new Map();
        open.set(outcome.event, own);
      }
      const key = `${outcome.miner} ${outcome.slot}`;
      if (!own.has(key)) own.set(key, outcome);
    },
    completed({ event, epoch, ourTurn = true, sample, liveness = false }) {
      const own = open.get(event);
      open.delete(event);
      const tallies = epochOf(epoch);
      if (liveness || tallies.done.has(event)) return;
      tallies.done.add(event);
      if (!sample) tallies.whole++;
      for (const { miner, verdict, byTurn = false } of own?.values() ?? []) {
        if (byTurn && !ourTurn) continue;
        const tally = tallies.of.get(miner) ?? { asked: 0, accepted: 0 };
        tallies.of.set(miner, tally);
        if (verdict.kind === 'inconclusive') continue; // nobody's failure, or one that was declared
        tally.asked++;
        if (verdict.kind === 'accepted') tally.accepted++;
      }
    },
    drift(epoch, neurons) {
      const now = epochs.get(epoch);
      const hasFailed = (hotkey: Hotkey): boolean => {
        const tally = now?.of.get(hotkey);
        if (!tally) return (now?.whole ?? 0) > 0;
        return tally.accepted * 2 < tally.asked;
      };
      const byOwner = new Map<string, { honest: number; failed: number; stakeRao: bigint }>();
      for (const hotkey of honestBefore(epoch)) {
        const neuron = neurons.get(hotkey);
        if (!neuron) continue;
        const own = byOwner.get(neuron.coldkey) ?? { honest: 0, failed: 0, stakeRao: 0n };
        byOwner.set(neuron.coldkey, own);
        own.honest++;
        if (hasFailed(hotkey)) own.failed++;
        own.stakeRao += neuron.stakeRao ?? 0n;
      }
      const all = [...byOwner.values()];
      const drifted = all.filter(({ honest, failed }) => failed * 2 > honest);
      const stake = (of: typeof all) => of.reduce((sum, { stakeRao }) => sum + stakeRao, 0n);
      return {
        owners: all.length,
        drifted: drifted.length,
        stakeRao: stake(all),
        driftedRao: stake(drifted),
      };
    },
  };
}

/** Shares of owners and of their stake, millionths; without any stake both are that of the owners. */
export function sharesOf({ owners, drifted, stakeRao, driftedRao }: Drift): {
  readonly owners: number;
  readonly stake: number;
} {
  const ofOwners = owners === 0 ? 0 : Math.floor((drifted * MILLION) / owners);
  const ofStake = stakeRao === 0n ? ofOwners : Number((driftedRao * BigInt(MILLION)) / stakeRao);
  return { owners: ofOwners, stake: ofStake };
}

/**
 * Both shares must be above the limit: of stake alone one rich owner would do, of owners alone many keys of one person.
 */
export function isMassFailure(drift: Drift, { share, owners: least }: BreakerLimits): boolean {
  const { owners, stake } = sharesOf(drift);
  return share > 0 && drift.drifted >= least && owners > share && stake > share;
}

export interface Hold extends LedgerFold {
  scored(entry: ScoredEntry): void;
  breaker(entry: BreakerEntry): void;
  started(event: EventEntry): void;
  completed(event: EventEntry): void;
  /** while scores are held */
  readonly held: Held | undefined;
  /** the newest epoch of which it is written down that it was held */
  readonly heldEpoch: number | undefined;
  /** the epoch in which the newest hold ended, as far as it still matters */
  readonly endedAt: number | undefined;
  /** what was paid last as judged */
  readonly last: ScoredEntry | undefined;
  /** Events that count for nobody: somebody said that the failure was not the miners'. */
  readonly voided: ReadonlySet<string>;
  /** What is to be done for an epoch whose scores are due. */
  next(epoch: number, drift: Drift, limits: BreakerLimits): 'pay' | 'trip' | 'hold' | 'expire';
}

/** What the ledger says of holds. */
export function createHold(): Hold {
  const voided = new Set<string>();
  /** events of the newest epochs, and of all epochs of a hold */
  const events = new Map<string, number>();
  let held: Held | undefined;
  let heldEpoch: number | undefined;
  let endedAt: number | undefined;
  let last: ScoredEntry | undefined;

  const note = ({ event, epoch }: EventEntry): void => {
    events.set(event, epoch);
    const from = held?.since ?? epoch - 1;
    for (const [old, at] of events) if (at < from) events.delete(old);
  };

  return {
    started: note,
    completed: note,
    scored(entry) {
      last = entry;
      endedAt = entry.heldUntil ?? endedAt;
    },
    breaker({ is, since, epoch, row }) {
      if (is === 'tripped') held = { since, row: row ?? [] };
      if (is === 'tripped' || is === 'held') {
        heldEpoch = epoch;
        return;
      }
      if (is === 'released') for (const [event, at] of events) if (at >= since) voided.add(event);
      held = undefined;
      endedAt = epoch;
    },
    get held() {
      return held;
    },
    get heldEpoch() {
      return heldEpoch;
    },
    get endedAt() {
      return endedAt;
    },
    get last() {
      return last;
    },
    voided,
    next(epoch, drift, limits) {
      if (held) return limits.share === 0 || epoch - held.since >= limits.holdEpochs ? 'expire' : 'hold';
      const isResting = endedAt !== undefined && epoch - endedAt < limits.restEpochs;
      // without a row of today there is nothing to go on with; and what was paid already is not taken back
      const hasRow = last !== undefined && last.epoch < epoch && last.epoch >= epoch - BEFORE_EPOCHS;
      return !isResting && hasRow && isMassFailure(drift, limits) ? 'trip' : 'pay';
    },
  };
}

/** The same without what is told of these events. */
export const withoutEvents = (
  into: LedgerFold,
  voided: ReadonlySet<string>,
): Required<Pick<LedgerFold, 'started' | 'completed' | 'outcome'>> => ({
  started: (event) => void (voided.has(event.event) || into.started?.(event)),
  completed: (event) => void (voided.has(event.event) || into.completed?.(event)),
  outcome: (outcome) => void (voided.has(outcome.event) || into.outcome?.(outcome)),
});

/** Read before a ledger is folded into what pays. */
export async function readHold(
  ledger: { fold(into: LedgerFold, range?: object, signal?: AbortSignal): Promise<void> },
  signal?: AbortSignal,
): Promise<Hold> {
  const hold = createHold();
  const { started, completed, scored, breaker } = hold;
  await ledger.fold({ started, completed, scored, breaker }, {}, signal);
  return hold;
}
