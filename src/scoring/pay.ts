// Owns: what a policy pays for what is remembered and known of an epoch, with a reason for every zero and every cut. Does not own:
// the memory (state.ts), uids and the row that is sent (chain/weights.ts).
import type { Coldkey, Hotkey } from '../model/ids.js';
import { curve } from './curve.js';
import { millionths, type Pool, quartersOf, type ScoringPolicy } from './policy.js';
import type { Division } from './rules.js';
import { type HotkeyView, ONE, type ScoringState } from './state.js';

/** What of the chain counts: by hotkey, never by uid. */
export interface PaidNeuron {
  readonly coldkey: Coldkey;
  /** the chain's epoch index in which it was registered; where it is not known there is no probation */
  readonly registeredEpoch?: number | undefined;
  readonly stakeRao?: bigint | undefined;
  readonly collateralRao?: bigint | undefined;
}

/** What does not follow from outcomes. */
export interface Facts {
  /** Whoever is not among them is paid nothing. */
  readonly neurons: ReadonlyMap<Hotkey, PaidNeuron>;
  /** whose pay the chain burns */
  readonly owner: Hotkey;
  /** thousandths of verified tokens a window */
  readonly rollouts?: ReadonlyMap<Hotkey, number> | undefined;
  /** of an epoch, by slot: the millionths in which somebody used it (receipts.ts) */
  readonly usage?: ReadonlyMap<Hotkey, ReadonlyMap<number, number>> | undefined;
}

export type ZeroWhy =
  /** the validator completed no event in the epoch and has nothing to carry */
  | 'no-event'
  /** no slot of this hotkey was challenged: nothing claimed, or not registered in time */
  | 'not-challenged'
  /** nothing it sent was accepted; `counts` says why not */
  | 'never-accepted'
  /** its slots could not be judged for longer than worth is carried: our fault, not its own */
  | 'carry-ended'
  /** the policy pays nothing for what was accepted, or by this validator's own measure it was nothing */
  | 'no-price'
  /** the policy pays for rollouts or used time alone, and there is none */
  | 'no-credit'
  /** the subnet does not know the hotkey */
  | 'not-registered'
  | 'quarantine'
  /** its slots were in declared maintenance for all of the epoch */
  | 'maintenance'
  /** the subnet's own rule of the pool gives its coldkey nothing */
  | 'by-rule'
  /** `cuts` say by what */
  | 'cut-to-nothing'
  /** below what can be told from nothing */
  | 'too-small';

export type CutWhy =
  /** events in declared maintenance are not paid */
  'maintenance' | 'idle' | 'uptime' | 'slot-cap' | 'probation' | 'quarantine' | 'hotkey-cap' | 'coldkey-cap';

export interface Cut {
  readonly why: CutWhy;
  readonly pool: string;
  /** what was left of the worth before it, of 1 */
  readonly factor: number;
  /** worth that it took off */
  readonly amount: number;
}

export interface Reason {
  /** there for every share of zero */
  readonly zero?: ZeroWhy;
  readonly cuts: readonly Cut[];
  /** verdicts of the epoch's completed events as in verdictToString; `absent`: no session at all in one of them */
  readonly counts: Readonly<Record<string, number>>;
}

export interface PoolPay {
  readonly name: string;
  /** that it pays for: proven, with boosts and after cuts */
  readonly worth: number;
  /** what proven slots missed of what their classes expect; of each slot at most what it proved */
  readonly missed: number;
  readonly target: number | undefined;
  /** what a unit of worth is paid of what it would be at the target */
  readonly dilution: number;
  /** of `Pay.total` */
  readonly paid: bigint;
  readonly burned: bigint;
}

export interface Pay {
  readonly epoch: number;
  /** what shares and burned come to, exactly */
  readonly total: bigint;
  /** by hotkey, of `total`; every neuron and every hotkey that is remembered, zeros included, in the order of their names */
  readonly shares: ReadonlyMap<Hotkey, bigint>;
  /** proven by hotkey over all pools, with boosts and before cuts */
  readonly worth: ReadonlyMap<Hotkey, number>;
  readonly burned: {
    /** `burn`, and what no pool has */
    readonly explicit: bigint;
    /** of pools that were not filled */
    readonly unfilled: bigint;
    /** what proven slots missed of what their classes expect */
    readonly unproven: bigint;
  };
  /** Shares, and at the owner what is burned, by largest remainder and scaled so that the largest is 65535; without zeros. */
  readonly u16: ReadonlyMap<Hotkey, number>;
  /** of every share of zero and of every hotkey with a cut */
  readonly reasons: ReadonlyMap<Hotkey, Reason>;
  readonly pools: readonly PoolPay[];
}

const MILLION = 1_000_000n;
const UNIT = BigInt(ONE);
const RAO = 1_000_000_000n;
/** Shares of a policy are millionths, and what each is divided into is far finer than a u16. */
const TOTAL = MILLION << 80n;

/** What a hotkey has in one pool: integers of ONE. */
interface Claim {
  readonly hotkey: Hotkey;
  readonly coldkey: Coldkey;
  /** with boosts, before cuts */
  readonly proven: bigint;
  /** after cuts: what is cut counts as if it had not been proven */
  worth: bigint;
  missed: bigint;
}

/**
 * Pure: the same state and facts give the same integers on every machine.
 * @param options.epoch the state's or a later one
 */
export function payOf(
  state: ScoringState,
  { epoch, facts }: { readonly epoch: number; readonly facts: Facts },
): Pay {
  const { policy } = state;
  const views = new Map<Hotkey, HotkeyView>(state.at(epoch));
  const names = [...new Set([...facts.neurons.keys(), ...views.keys()])].sort();
  const shares = new Map<Hotkey, bigint>(names.map((hotkey) => [hotkey, 0n]));
  const worth = new Map<Hotkey, bigint>(names.map((hotkey) => [hotkey, 0n]));
  const cuts = new Map<Hotkey, Cut[]>();
  const burned = { explicit: TOTAL, unfilled: 0n, unproven: 0n };
  /** to whom a pool's own rule gives nothing */
  const ruledOut = new Set<Hotkey>();

  const cut: Cutter = (why, pool, hotkey, before, after) => {
    if (after === before) return after;
    const factor = Number((after * MILLION) / before) / 1e6;
    const own = cuts.get(hotkey) ?? [];
    cuts.set(hotkey, own);
    own.push({ why, pool: pool.name, factor, amount: inUnits(before - after) });
    return after;
  };

  const pools = policy.pools.map((pool, index): PoolPay => {
    const claims = names.flatMap((hotkey): Claim[] => {
      const neuron = facts.neurons.get(hotkey);
      if (!neuron) return [];
      const claim = claimOf(
        policy,
        { pool, index, epoch, hotkey, neuron, facts, view: views.get(hotkey) },
        cut,
      );
      worth.set(hotkey, worth.get(hotkey)! + claim.proven);
      return claim.worth > 0n ? [claim] : [];
    });
    capColdkeys(policy, pool, claims, cut);
    const amount = (TOTAL / MILLION) * BigInt(millionths(pool.share));
    burned.explicit -= amount;
    const all = sumOf(claims, (claim) => claim.worth);
    const missed = sumOf(claims, (claim) => claim.missed);
    const target = pool.target === undefined ? 0n : (UNIT * BigInt(millionths(pool.target))) / MILLION;
    const bought = pool.unfilled === 'spread' ? all : max(target, all + missed);
    let paid = 0n;
    if (all > 0n) {
      const fund = (amount * all) / bought;
      const coldkeys = byColdkey(claims);
      // all slots of a coldkey are one sum before it is weighed, or a concave curve would pay for splitting
      const weights = weightsOf(coldkeys, state.divisions[index], quartersOf(policy));
      const whole = sumOf([...weights.values()], (each) => each);
      for (const [coldkey, { sum, claims: own }] of coldkeys)
        for (const claim of own) {
          const weight = weights.get(coldkey)!;
          if (weight === 0n) ruledOut.add(claim.hotkey);
          const share = (fund * weight * claim.worth) / (whole * sum);
          shares.set(claim.hotkey, shares.get(claim.hotkey)! + share);
          paid += share;
        }
      if (pool.unfilled !== 'spread') burned.unproven += (amount * missed) / bought;
    }
    const dilution = target > 0n && all > target ? ratio(target, all) : 1;
    return {
      name: pool.name,
      worth: inUnits(all),
      missed: inUnits(missed),
      target: pool.target,
      dilution,
      paid,
      burned: amount - paid,
    };
  });
  // what is left is what nobody filled, and what divisions by whole numbers left over: less than one part in 2^60
  const given = sumOf([...shares.values()], (share) => share);
  burned.unfilled = TOTAL - given - burned.explicit - burned.unproven;

  const reasons = new Map<Hotkey, Reason>();
  for (const [hotkey, share] of shares) {
    const own = cuts.get(hotkey) ?? [];
    if (share > 0n && own.length === 0) continue;
    const view = views.get(hotkey);
    const why = (): ZeroWhy => {
      if (!facts.neurons.has(hotkey)) return 'not-registered';
      if (worth.get(hotkey)! > 0n) {
        const last = own.find(({ factor }) => factor === 0)?.why;
        if (last === 'quarantine' || last === 'maintenance') return last;
        if (ruledOut.has(hotkey)) return 'by-rule';
        return own.length > 0 ? 'cut-to-nothing' : 'too-small';
      }
      if (policy.pools.every(({ credit = 'outcomes' }) => credit !== 'outcomes')) return 'no-credit';
      if (state.eventsOf(epoch) === 0) return 'no-event';
      if (!view || view.challenged === 0) return 'not-challenged';
      if (view.counted === 0) return view.counts['inconclusive:maintenance'] ? 'maintenance' : 'carry-ended';
      return (view.counts.accepted ?? 0) > 0 ? 'no-price' : 'never-accepted';
    };
    reasons.set(hotkey, { ...(share === 0n ? { zero: why() } : {}), cuts: own, counts: view?.counts ?? {} });
  }
  const u16 = rowOf(shares, facts.owner, TOTAL - given);
  return {
    epoch,
    total: TOTAL,
    shares,
    worth: new Map([...worth].map(([hotkey, each]) => [hotkey, inUnits(each)])),
    burned,
    u16,
    reasons,
    pools,
  };
}

/** Notes what was taken off and gives back what is left. */
type Cutter = (why: CutWhy, pool: Pool, hotkey: Hotkey, before: bigint, after: bigint) => bigint;

interface Claimant {
  readonly pool: Pool;
  readonly index: number;
  readonly epoch: number;
  readonly hotkey: Hotkey;
  readonly neuron: PaidNeuron;
  readonly facts: Facts;
  readonly view: HotkeyView | undefined;
}

/** Everything of one hotkey in one pool, up to where its coldkey's other hotkeys come in. */
function claimOf(policy: ScoringPolicy, claimant: Claimant, cut: Cutter): Claim {
  const { pool, index, epoch, hotkey, neuron, facts, view } = claimant;
  const { caps = {}, uptime, rented } = policy;
  const boost = boostOf(policy, neuron);
  const boosted = (amount: bigint): bigint => (amount * boost) / MILLION;
  const used = facts.usage?.get(hotkey);
  /** after each of a slot's own cuts, in their order */
  const left = { proven: 0n, present: 0n, idle: 0n, uptime: 0n, cap: 0n };
  let missed = 0n;
  if (pool.credit === 'rollouts') {
    const price = BigInt(millionths(policy.rollouts!.price)); // a policy with such a pool has one
    left.proven = boosted((wholeOf(facts.rollouts?.get(hotkey)) * price * UNIT) / (MILLION * MILLION));
    left.present = left.idle = left.uptime = left.cap = left.proven;
  } else if (pool.credit === 'usage') {
    left.proven = boosted((sumOf([...(used?.values() ?? [])], usedOf) * UNIT) / MILLION);
    left.present = left.idle = left.uptime = left.cap = left.proven;
  } else
    for (const { slot, worth, share, uptime: level, present } of view?.slots ?? []) {
      if (worth[index] === 0) continue;
      const proven = boosted(BigInt(worth[index]!));
      const paid = (proven * BigInt(present)) / UNIT;
      const rentedPart = rented ? part(paid, rented.idle, usedOf(used?.get(slot))) : paid;
      const upPart = uptime ? part(rentedPart, uptime.floor, BigInt(level)) : rentedPart;
      const own = capped(upPart, caps.slot);
      left.proven += proven;
      left.present += paid;
      left.idle += rentedPart;
      left.uptime += upPart;
      left.cap += own;
      if (share > 0 && share < ONE) missed += min(own, (own * BigInt(ONE - share)) / BigInt(share));
    }
  let worth = left.proven;
  worth = cut('maintenance', pool, hotkey, worth, left.present);
  worth = cut('idle', pool, hotkey, worth, left.idle);
  worth = cut('uptime', pool, hotkey, worth, left.uptime);
  worth = cut('slot-cap', pool, hotkey, worth, left.cap);
  worth = cut('probation', pool, hotkey, worth, onProbation(policy, claimant, worth));
  const isQuarantined = (view?.quarantinedThrough ?? -1) >= epoch;
  worth = cut('quarantine', pool, hotkey, worth, isQuarantined ? 0n : worth);
  worth = cut('hotkey-cap', pool, hotkey, worth, capped(worth, caps.hotkey));
  missed = left.cap === 0n ? 0n : (missed * worth) / left.cap;
  return { hotkey, coldkey: neuron.coldkey, proven: left.proven, worth, missed };
}

/** Millionths by which worth counts more, of those who have stake or collateral. */
function boostOf({ boost }: ScoringPolicy, { stakeRao, collateralRao }: PaidNeuron): bigint {
  let all = MILLION;
  for (const [rule, rao] of [
    [boost?.stake, stakeRao],
    [boost?.collateral, collateralRao],
  ] as const) {
    if (!rule || rao === undefined || rao <= 0n) continue;
    const full = (BigInt(millionths(rule.full)) * RAO) / MILLION;
    all += (BigInt(millionths(rule.most)) * min(rao, full)) / full;
  }
  return all;
}

function onProbation({ probation }: ScoringPolicy, { epoch, neuron, view }: Claimant, net: bigint): bigint {
  const since = neuron.registeredEpoch;
  if (!probation || since === undefined) return net;
  const away = view?.away.filter((each) => each >= since).length ?? 0;
  const age = Math.max(0, epoch - since - away);
  if (age >= probation.epochs) return net;
  return part(net, probation.start, (MILLION * BigInt(age)) / BigInt(probation.epochs));
}

/** `floor` of it for certain, the rest in proportion to a level in millionths. */
function part(amount: bigint, floor: number, level: bigint): bigint {
  const certain = BigInt(millionths(floor));
  return (amount * (certain * MILLION + (MILLION - certain) * level)) / (MILLION * MILLION);
}

const capped = (amount: bigint, cap: number | undefined): bigint =>
  cap === undefined ? amount : min(amount, (UNIT * BigInt(millionths(cap))) / MILLION);

function capColdkeys(policy: ScoringPolicy, pool: Pool, claims: readonly Claim[], cut: Cutter): void {
  if (policy.caps?.coldkey === undefined) return;
  for (const { sum, claims: own } of byColdkey(claims).values()) {
    const cap = capped(sum, policy.caps.coldkey);
    for (const claim of own) {
      claim.missed = (claim.missed * cap) / sum;
      claim.worth = cut('coldkey-cap', pool, claim.hotkey, claim.worth, (claim.worth * cap) / sum);
    }
  }
}

/** By a pool's own rule, or by the policy's curve. */
function weightsOf(
  coldkeys: ReadonlyMap<Coldkey, { readonly sum: bigint }>,
  division: Division | undefined,
  quarters: number,
): ReadonlyMap<Coldkey, bigint> {
  if (!division) return new Map([...coldkeys].map(([coldkey, { sum }]) => [coldkey, curve(sum, quarters)]));
  const claims = [...coldkeys.keys()]
    .sort()
    .map((coldkey) => ({ coldkey, worth: coldkeys.get(coldkey)!.sum }));
  const weights = division(claims);
  return new Map(claims.map(({ coldkey }, i) => [coldkey, weights[i]!]));
}

function byColdkey(claims: readonly Claim[]) {
  const all = new Map<Coldkey, { sum: bigint; claims: Claim[] }>();
  for (const claim of claims) {
    const own = all.get(claim.coldkey) ?? { sum: 0n, claims: [] };
    all.set(claim.coldkey, own);
    own.claims.push(claim);
    own.sum += claim.worth;
  }
  return all;
}

const LARGEST = 65_535n;

/** Hamilton's way at a scale at which the largest is 65535: what floors leave over goes to the largest remainders, ties by name. */
function rowOf(
  shares: ReadonlyMap<Hotkey, bigint>,
  owner: Hotkey,
  burned: bigint,
): ReadonlyMap<Hotkey, number> {
  const all = new Map(shares).set(owner, (shares.get(owner) ?? 0n) + burned);
  let largest = 0n;
  for (const share of all.values()) if (share > largest) largest = share;
  const parts = [...all].map(([hotkey, share]) => {
    const scaled = share * LARGEST;
    return { hotkey, value: scaled / largest, remainder: scaled % largest };
  });
  const left = sumOf(parts, ({ remainder }) => remainder);
  const more = Number((left + largest / 2n) / largest);
  const order = [...parts].sort((a, b) =>
    a.remainder === b.remainder ? (a.hotkey < b.hotkey ? -1 : 1) : a.remainder > b.remainder ? -1 : 1,
  );
  for (const each of order.slice(0, more)) each.value++;
  return new Map(
    parts.flatMap(({ hotkey, value }) => (value > 0n ? [[hotkey, Number(value)] as const] : [])),
  );
}

function sumOf<T>(all: readonly T[], of: (each: T) => bigint): bigint {
  let sum = 0n;
  for (const each of all) sum += of(each);
  return sum;
}

/** What is no number of whole parts counts nothing: facts come from other rooms. */
const wholeOf = (value: number | undefined): bigint =>
  value !== undefined && value > 0 && Number.isSafeInteger(value) ? BigInt(value) : 0n;
const usedOf = (value: number | undefined): bigint => min(wholeOf(value), MILLION);

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
/** For people; nothing is made of it. */
const inUnits = (amount: bigint): number => Number(amount) / ONE;
const ratio = (part: bigint, whole: bigint): number => Number((part * MILLION) / whole) / 1e6;
