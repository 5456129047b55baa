// Owns: the rule "each proven slot counts what it proved of its class's nominal credit". Does not own: what a slot is worth on a market.
import type { Hotkey } from '../../model/ids.js';
import type { Outcome } from '../../model/outcome.js';
import { verdictToString } from '../../model/verdict.js';
import type { RuleInput, Scores, ZeroReason } from '../rule.js';

export interface ProvenSlotsParams {
  /** A slot that could not be judged (our fault) keeps its last share for at most this many epochs in a row. @default 1 */
  readonly carryEpochs?: number;
}

/** Shares are integers of this denominator; sums of up to 2^11 slots at the largest share stay exact in a double. */
const ONE = 2 ** 32;

/**
 * A slot is proven in an epoch when at least one of its outcomes was accepted. Its share is the mean of what its outcomes
 * proved of the class's nominal credit (`Outcome.share`, linear) over the events that the validator completed, less those in
 * which this slot's outcome was inconclusive: an absence counts and earns nothing. A hotkey scores the sum of its proven slots'
 * shares; a nominal slot counts one, whatever its class, because capacity is not priced yet. What proven slots missed of one
 * is `unproven`.
 *
 * A slot that was never proven in the epoch earns 0 and puts nothing on the owner: otherwise one miner claiming
 * thousands of slots that it does not have would move everybody's pay to the owner. With nothing proven at all,
 * `unproven` is 1: everything goes to the owner.
 */
export function provenSlots(input: RuleInput, { carryEpochs = 1 }: ProvenSlotsParams = {}): Scores {
  const { outcomes, epoch } = input;
  const history = new Map<number, EpochView>();
  const view = (at: number): EpochView => {
    const known = history.get(at) ?? viewOf(input, at);
    history.set(at, known);
    return known;
  };

  const scores = new Map<Hotkey, number>();
  for (const hotkey of [...(input.hotkeys ?? []), ...outcomes.map(({ miner }) => miner)])
    scores.set(hotkey, 0);
  let unproven = 0;
  let anyProven = false;
  const known = new Set<SlotKey>();
  for (let back = 0; back <= carryEpochs; back++)
    for (const key of view(epoch - back).slots.keys()) known.add(key);
  for (const key of known) {
    const share = shareOf(key);
    if (share === 0) continue;
    anyProven = true;
    const hotkey = hotkeyOf(key);
    scores.set(hotkey, scores.get(hotkey)! + share);
    unproven += Math.max(0, ONE - share);
  }

  /** This epoch's share, or the last one before it while nothing could be counted. */
  function shareOf(key: SlotKey): number {
    for (let back = 0; back <= carryEpochs; back++) {
      const share = view(epoch - back).shareOf(key);
      if (share !== undefined) return share;
    }
    return 0;
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
const MAX_SHARE = 1024;

/** `<slot> <hotkey>`, or `turn/<slot> <hotkey>`: who claims another kind every other event has two slots, each measured by itself */
type SlotKey = string;
const TURN = 'turn/';
const keyOf = ({ miner, slot, byTurn }: Outcome): SlotKey => `${byTurn ? TURN : ''}${slot} ${miner}`;
const hotkeyOf = (key: SlotKey): Hotkey => key.slice(key.indexOf(' ') + 1) as Hotkey; // made by keyOf

/** What of an outcome the rule looks at. */
type Judged = Pick<Outcome, 'verdict' | 'share'>;

interface EpochView {
  /** number of events completed */
  readonly events: number;
  /** event -> outcome, for each slot challenged in a completed event */
  readonly slots: ReadonlyMap<SlotKey, ReadonlyMap<string, Judged>>;
  /** events in which the slot is expected */
  countedFor(key: SlotKey): number;
  /** undefined when nothing could be counted */
  shareOf(key: SlotKey): number | undefined;
}

function viewOf({ outcomes, completed }: RuleInput, epoch: number): EpochView {
  const own = completed.filter((event) => event.epoch === epoch);
  const events = new Set(own.map(({ event }) => event));
  const ourTurns = new Set(own.filter(({ ourTurn = true }) => ourTurn).map(({ event }) => event));
  const slots = new Map<SlotKey, Map<string, Judged>>();
  /** events that count for a slot: of a kind that one validator measures at a time only those that were ours */
  const countedFor = (key: SlotKey): number => eventsOf(key).size;
  const eventsOf = (key: SlotKey): ReadonlySet<string> => (key.startsWith(TURN) ? ourTurns : events);
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
    shareOf(key) {
      const own = [...(slots.get(key)?.values() ?? [])];
      const counted = countedFor(key) - own.filter(({ verdict }) => verdict.kind === 'inconclusive').length;
      if (counted === 0) return undefined;
      const proven = own.filter(({ verdict }) => verdict.kind === 'accepted');
      // each in integers before they are added: the sum is the same in whatever order outcomes come
      const sum = proven.reduce((all, { share }) => all + Math.floor(Math.min(share, MAX_SHARE) * ONE), 0);
      return Math.floor(sum / counted);
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
      if (verdict.kind !== 'inconclusive') counted++;
    }
    const absent = countedFor(key) - outcomes.size;
    if (absent > 0) counts.absent = (counts.absent ?? 0) + absent;
    counted += absent;
  }
  if (events === 0) return { why: 'no-event', counts };
  if (own.length === 0) return { why: 'not-challenged', counts };
  return { why: counted === 0 ? 'carry-ended' : 'never-accepted', counts };
}
