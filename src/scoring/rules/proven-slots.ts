// Owns: the rule "each proven slot counts the amounts that it proved, at one price for all classes". Does not own: the prices (prices.ts).
import type { Hotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import { type Verdict, verdictToString } from '../../model/verdict.js';
import { PRICES, type PriceList, worthOf } from '../prices.js';
import type { RuleInput, Scores, ZeroReason } from '../rule.js';

export interface ProvenSlotsParams {
  /** A slot that could not be judged (our fault) keeps what it last counted for at most this many epochs in a row. @default 1 */
  readonly carryEpochs?: number;
  /**
   * What one validator measures at a time holds until it is this validator's turn again, for at most so many epochs: validators
   * whose turn it was not would else count nothing, and what most of them count nothing of the chain clips to nothing.
   * @default TURN_EPOCHS
   */
  readonly turnEpochs?: number;
  /** @default PRICES */
  readonly prices?: PriceList;
}

/** Of 64 validators nine in ten have a turn in so many epochs of five events. */
export const TURN_EPOCHS = 32;

/** What slots count is in integers of this denominator; sums of up to 2^11 slots at the largest stay exact in a double. */
const ONE = 2 ** 32;

/**
 * A slot is proven in an epoch when at least one of its outcomes was accepted. It counts the mean of what its outcomes
 * proved (`Outcome.credit`, at one price for each resource) over the events that the validator completed, less those in which we
 * failed to judge it: an absence counts and earns nothing, and so does an event in which there was nobody to meet. What one
 * validator measures at a time counts what it did in the last epoch in which that was us. A hotkey scores the
 * sum of its proven slots. Linear in amounts, with no class in it: however a device is split over slots, hotkeys and classes, it
 * scores what it proved in all.
 *
 * What proven slots missed of what their classes expect is `unproven`, of each slot at most what it proved: a class is a
 * claim, and a claim alone must not move anybody's pay to the owner, or one label made under the class of a big card would. A
 * slot that was never proven in the epoch earns 0 and puts nothing there. With nothing proven at all, `unproven` is 1:
 * everything goes to the owner.
 */
export function provenSlots(
  input: RuleInput,
  { carryEpochs = 1, turnEpochs = TURN_EPOCHS, prices = PRICES }: ProvenSlotsParams = {},
): Scores {
  const { outcomes, epoch } = input;
  const history = new Map<number, EpochView>();
  const view = (at: number): EpochView => {
    const known = history.get(at) ?? viewOf(input, prices, at);
    history.set(at, known);
    return known;
  };

  const scores = new Map<Hotkey, number>();
  for (const hotkey of [...(input.hotkeys ?? []), ...outcomes.map(({ miner }) => miner)])
    scores.set(hotkey, 0);
  let unproven = 0;
  let anyProven = false;
  const known = new Set<SlotKey>();
  for (let back = 0; back <= Math.max(carryEpochs, turnEpochs); back++)
    for (const key of view(epoch - back).slots.keys()) if (back <= reachOf(key)) known.add(key);
  for (const key of known) {
    const { worth, share } = lastOf(key);
    if (worth === 0) continue;
    anyProven = true;
    const hotkey = hotkeyOf(key);
    scores.set(hotkey, scores.get(hotkey)! + worth);
    if (share < ONE) unproven += Math.floor(worth * Math.min(1, (ONE - share) / share));
  }

  function reachOf(key: SlotKey): number {
    return isByTurn(key) ? Math.max(carryEpochs, turnEpochs) : carryEpochs;
  }

  /** This epoch's, or the last ones before it while nothing could be counted, or while it was others' turn. */
  function lastOf(key: SlotKey): Proven {
    let uncounted = 0;
    for (let back = 0; back <= reachOf(key) && uncounted <= carryEpochs; back++) {
      const own = view(epoch - back);
      const proven = own.provenBy(key);
      if (proven !== undefined) return proven;
      // others measured it meanwhile; an epoch without events is our own failure, as an event that we could not judge is
      if (own.events === 0 || own.countedFor(key) > 0) uncounted++;
    }
    return NOTHING;
  }

  const reasons = new Map<Hotkey, ZeroReason>();
  for (const [hotkey, score] of scores) if (score === 0) reasons.set(hotkey, reasonOf(view(epoch), hotkey));
  return {
    scores: new Map([...scores].map(([hotkey, score]) => [hotkey, score / ONE])),
    unproven: anyProven ? unproven / ONE : 1,
    reasons,
  };
}

/** Far above any honest slot's: keeps sums exact whatever a kind says. */
const MOST = 1024;

/** `<slot> <hotkey>`, or `turn/<slot> <hotkey>`: who claims another kind every other event has two slots, each measured by itself */
type SlotKey = string;
const TURN = 'turn/';
const isByTurn = (key: SlotKey): boolean => key.startsWith(TURN);
const keyOf = ({ miner, slot, byTurn }: Outcome): SlotKey => `${byTurn ? TURN : ''}${slot} ${miner}`;
const hotkeyOf = (key: SlotKey): Hotkey => key.slice(key.indexOf(' ') + 1) as Hotkey; // made by keyOf

/** What of an outcome the rule looks at. */
type Judged = Pick<Outcome, 'verdict' | 'credit' | 'share' | 'simulated'>;

/** The mean over the events that count, in integers of ONE. */
interface Proven {
  /** at the prices */
  readonly worth: number;
  /** of what its class expects */
  readonly share: number;
}
const NOTHING: Proven = { worth: 0, share: 0 };

interface EpochView {
  /** number of events completed */
  readonly events: number;
  /** event -> outcome, for each slot challenged in a completed event */
  readonly slots: ReadonlyMap<SlotKey, ReadonlyMap<string, Judged>>;
  /** events in which the slot is expected */
  countedFor(key: SlotKey): number;
  /** undefined when nothing could be counted */
  provenBy(key: SlotKey): Proven | undefined;
}

/**
 * Whether the event leaves the mean. That there was nobody to meet is not the validator's fault, whoever else's it is: a slot
 * chooses class, coldkey and network, and one that is alone when it likes would be measured when it likes.
 */
const isExcused = (verdict: Verdict): boolean =>
  verdict.kind === 'inconclusive' && verdict.cause !== 'nobody-to-meet';

/** Each in integers before they are added: the sum is the same in whatever order outcomes come. */
const inOnes = (value: number): number => Math.floor(Math.min(value, MOST) * ONE);

function viewOf({ outcomes, completed }: RuleInput, prices: PriceList, epoch: number): EpochView {
  const own = completed.filter((event) => event.epoch === epoch);
  const events = new Set(own.map(({ event }) => event));
  const ourTurns = new Set(own.filter(({ ourTurn = true }) => ourTurn).map(({ event }) => event));
  const slots = new Map<SlotKey, Map<string, Judged>>();
  /** events that count for a slot: of a kind that one validator measures at a time only those that were ours */
  const countedFor = (key: SlotKey): number => eventsOf(key).size;
  const eventsOf = (key: SlotKey): ReadonlySet<string> => (isByTurn(key) ? ourTurns : events);
  for (const outcome of outcomes) {
    // an outcome of an event that is not counted would be paid out of the others'
    if (outcome.epoch !== epoch || !eventsOf(keyOf(outcome)).has(outcome.event)) continue;
    const known = slots.get(keyOf(outcome)) ?? new Map<string, Judged>();
    slots.set(keyOf(outcome), known);
    // one session, one outcome: a second record of it changes nothing
    if (!known.has(outcome.event)) known.set(outcome.event, outcome);
  }
  return {
    events: events.size,
    slots,
    countedFor,
    provenBy(key) {
      const own = [...(slots.get(key)?.values() ?? [])];
      const counted = countedFor(key) - own.filter(({ verdict }) => isExcused(verdict)).length;
      if (counted === 0) return undefined;
      const proven = own.filter(({ verdict }) => verdict.kind === 'accepted');
      const mean = (of: (outcome: Judged) => number): number =>
        Math.floor(proven.reduce((all, outcome) => all + inOnes(of(outcome)), 0) / counted);
      return {
        worth: mean(({ credit, simulated }) => worthOf(credit, simulated ? prices.simulated : prices.real)),
        share: mean(({ share }) => share),
      };
    },
  };
}

function reasonOf({ events, slots, countedFor }: EpochView, hotkey: Hotkey): ZeroReason {
  const counts: Record<string, number> = {};
  const own = [...slots].filter(([key]) => hotkeyOf(key) === hotkey);
  let counted = 0;
  for (const [key, outcomes] of own) {
    for (const { verdict } of outcomes.values()) {
      const name = verdictToString(verdict);
      counts[name] = (counts[name] ?? 0) + 1;
      if (!isExcused(verdict)) counted++;
    }
    const absent = countedFor(key) - outcomes.size;
    if (absent > 0) counts.absent = (counts.absent ?? 0) + absent;
    counted += absent;
  }
  if (events === 0) return { why: 'no-event', counts };
  if (own.length === 0) return { why: 'not-challenged', counts };
  return { why: counted === 0 ? 'carry-ended' : 'never-accepted', counts };
}
