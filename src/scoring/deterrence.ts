// Owns: whether lying pays under a policy's own numbers: for each behaviour the margin, and the cheat at which it would. Does not
// own: how surely a lie is seen (behaviours.ts).
import { BEHAVIOURS, type Behaviour } from './behaviours.js';
import { quartersOf, type ScoringPolicy } from './policy.js';

export interface Deterrence {
  readonly behaviour: Behaviour;
  /**
   * The least, over all shares of the work, of what a lie costs over what it gains: above 1 no such lie pays. Undefined for what
   * a proof cannot tell: no pay can deter what nobody sees.
   */
  readonly margin: number | undefined;
  /** the share of the work, where the margin is least */
  readonly worstAt: number | undefined;
  /** the smallest share of the work at which lying pays; undefined where it never does */
  readonly breakEven: number | undefined;
  /** what the lie is paid at `worstAt`, and what of a limit it gains under the curve */
  readonly gain: number;
}

export interface Shape {
  readonly name: 'splitting' | 'merging' | 'relabelling';
  /** what it multiplies pay by, at the number or the pools in `of` */
  readonly gain: number;
  readonly of: string;
  readonly holds: boolean;
}

export interface DeterrenceReport {
  readonly behaviours: readonly Deterrence[];
  readonly shapes: readonly Shape[];
  /** least margin of all behaviours that have one */
  readonly margin: number;
  /** every margin is above 1, and no shape gains */
  readonly holds: boolean;
}

/** The least share of the work that any proof can tell; and who does less of it than that is not paid for more. */
const LEAST = 1 / 256;
const SHARES = Array.from({ length: 256 }, (_, i) => (i + 1) * LEAST);
/**
 * Wrong rollouts that convict, by how many of all are wrong (docs/rollouts/calibration.md: its median windows are these, divided):
 * the rarer they are, the more of them, as the right ones between them count for their miner.
 */
const SIGHTINGS = [
  { from: 0.05, sightings: 4 },
  { from: 0.01, sightings: 7 },
  { from: 0, sightings: 9 },
] as const;

/**
 * G * c * V <= 1 + P * L: what a lie about a share f of the work earns, of what honesty does. G = G(1/(1 - f)) / G(1) is what it is
 * paid before it is seen, c what is credited of it; P is the chance of a conviction in a window, so that a key lasts 1/P of them
 * and then L in which it earns nothing. V is what is paid out of a key's windows: pay is the mean of `vestedWindows` credits, so
 * that of the last of them only some have been paid, at the liar's own rate. Verdicts come before weights: of one window held
 * back, V is 1 - P. Assumed: every window alike, and a key that is given up on conviction.
 */
export function deterrence(policy: ScoringPolicy): DeterrenceReport {
  const behaviours = BEHAVIOURS.filter(({ name }) => isPaid(policy, name)).map((each) => deter(policy, each));
  const shapes = shapesOf(policy);
  const margin = Math.min(...behaviours.map((each) => each.margin ?? Number.POSITIVE_INFINITY));
  return { behaviours, shapes, margin, holds: margin > 1 && shapes.every(({ holds }) => holds) };
}

/** Whether the policy pays for what the behaviour lies about. */
function isPaid({ pools }: ScoringPolicy, name: string): boolean {
  const kind = name.slice(0, name.indexOf('/'));
  return pools.some(({ credit = 'outcomes', match }) =>
    kind === 'rollouts'
      ? credit === 'rollouts'
      : credit === 'outcomes' && (match?.kinds?.includes(kind) ?? true),
  );
}

function deter(policy: ScoringPolicy, behaviour: Behaviour): Deterrence {
  const exponent = quartersOf(policy) / 4;
  const { form } = behaviour;
  if (form.is === 'limit')
    return {
      behaviour,
      margin: undefined,
      worstAt: undefined,
      breakEven: undefined,
      gain: form.gain ** exponent,
    };
  if (form.is === 'certain')
    return { behaviour, margin: Number.POSITIVE_INFINITY, worstAt: undefined, breakEven: undefined, gain: 0 };
  if (form.is === 'shared') {
    const gain = sharedGain(policy);
    // a second registration is what it costs, once: it deters who gains nothing by it, and nobody who gains in every window
    const margin = gain > 1 ? 1 / gain : (1 + (policy.audit?.restartWindows ?? 0)) / gain;
    return { behaviour, margin, worstAt: undefined, breakEven: margin > 1 ? undefined : 1, gain };
  }
  const { units = 1, held = 1 } =
    form.units === 'policy'
      ? { units: policy.audit?.unitsPerWindow, held: policy.audit?.vestedWindows }
      : { units: form.units };
  const isRollouts = form.units === 'policy';
  const lost = lostBy(policy, isRollouts);
  const tried = SHARES.map((share) => {
    const gain = Math.max(LEAST, 1 - share * form.saved) ** -exponent;
    const seen = seenOf(share * form.power, units, isRollouts) * (policy.audit?.windows ?? 1);
    // what is not found right is not credited either, and of a proof that one sample refutes nothing is: that is `seen`
    const paid = gain * (isRollouts ? 1 - share * form.power : 1);
    const part = paidOut(seen, held);
    // paid * part <= 1 + seen * lost, read as what a lie costs over what it gains, which tells small lies apart, and as what
    // honesty is paid over what lying is left with, which tells large ones apart: one is above 1 where the other is
    const left = paid * part;
    const costs = (seen * lost + gain - left) / (gain - 1);
    const margin = Math.max((1 + seen * lost) / left, costs);
    return { share, gain, margin };
  });
  const worst = tried.reduce((a, b) => (b.margin < a.margin ? b : a));
  return {
    behaviour,
    margin: worst.margin,
    worstAt: worst.share,
    breakEven: tried.find(({ margin }) => margin <= 1)?.share,
    gain: worst.gain,
  };
}

/** The chance that a window ends in being convicted; of rollouts that takes some wrong ones. */
function seenOf(chance: number, units: number, isRollouts: boolean): number {
  const once = 1 - (1 - chance) ** units;
  const { sightings } = SIGHTINGS.find(({ from }) => chance >= from)!; // the last one is from 0
  return isRollouts ? Math.min(once, (units * chance) / sightings) : once;
}

/**
 * Of what a key's windows were credited, the part that is paid out before its conviction, where pay is the mean of `held` credits:
 * the first window after a start is paid a `held`th of a window, and the one of the conviction nothing.
 */
function paidOut(seen: number, held: number): number {
  if (seen === 0) return 1;
  const unseen = 1 - seen;
  return (unseen * (1 - unseen ** held)) / (held * seen);
}

/** At most so many slots are asked of a hotkey, and more hotkeys add little. */
const NAMES = 64;

/**
 * One device behind several names, of which an event asks a part: it is there for whichever was drawn, and each name's mean is of
 * the events that drew it. Under one coldkey, or half of the names under each of two.
 */
function sharedGain(policy: ScoringPolicy): number {
  const exponent = quartersOf(policy) / 4;
  const { sampling = 1 } = policy.schedule ?? {};
  const work = (1 - (1 - sampling) ** NAMES) / sampling;
  return Math.max(sampling < 1 ? work ** exponent : 0, 2 * (work / 2) ** exponent);
}

/**
 * What a conviction keeps a key from earning. It is replaced by another: that costs a registration and its probation, and of proofs
 * no more than the quarantine, without which nobody is convicted. An epoch counts as one window: it has several.
 */
function lostBy({ audit, quarantine, probation }: ScoringPolicy, isRollouts: boolean): number {
  const ramp = probation ? (probation.epochs * (1 - probation.start)) / 2 : 0;
  const anew = (audit?.restartWindows ?? 0) + ramp;
  return isRollouts ? anew : Math.min(quarantine?.epochs ?? 0, anew);
}

/** What can be gained by names alone, without any lie about work. */
function shapesOf(policy: ScoringPolicy): Shape[] {
  const exponent = quartersOf(policy) / 4;
  const split = 4 * 0.25 ** exponent;
  // what boosts is added up as well: four owners with a fourth of the full stake each are one with all of it
  const boosts = (policy.boost?.stake?.most ?? 0) + (policy.boost?.collateral?.most ?? 0);
  const merged = ((1 + boosts) / (1 + boosts / 4)) ** exponent / split;
  const relabelled = relabelling(policy);
  return [
    { name: 'splitting', gain: split, of: 'one machine over 4 coldkeys', holds: split <= 1 },
    { name: 'merging', gain: merged, of: '4 owners under one coldkey', holds: merged <= 1 },
    { name: 'relabelling', ...relabelled, holds: relabelled.gain <= 1 },
  ];
}

/** Of two pools that a class decides between, the better paid takes both: a class is a claim. */
function relabelling({ pools }: ScoringPolicy): { gain: number; of: string } {
  let best = { gain: 1, of: 'no two pools take the same work by another name' };
  for (const a of pools)
    for (const b of pools) {
      if (a === b || (b.credit ?? 'outcomes') !== 'outcomes') continue;
      if (!a.match?.classes && !b.match?.classes) continue; // a kind is no claim
      const [mineOf, itsOf] = [a.match?.kinds, b.match?.kinds];
      if (mineOf && itsOf && !itsOf.some((kind) => mineOf.includes(kind))) continue;
      for (const [resource, price] of Object.entries(a.prices ?? {})) {
        const other = b.prices?.[resource as keyof typeof b.prices];
        if (!other) continue;
        // at their targets; a pool without one pays the more the fewer are there, which no policy says
        const [mine, its] = [[a, price] as const, [b, other] as const].map(
          ([pool, each]) => ((each.counts / each.of) * pool.share) / (pool.target ?? 1),
        );
        const gain = its! > 0 ? its! / mine! : 1;
        if (gain > best.gain) best = { gain, of: `${resource} in ${b.name} in place of ${a.name}` };
      }
    }
  return best;
}
