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

/** Shares of the work that are tried: a two-hundred-and-fifty-sixth is the least that any proof can tell. */
const SHARES = Array.from({ length: 256 }, (_, i) => (i + 1) / 256);
/** Wrong rollouts that convict at the rates of docs/rollouts/calibration.md: its median windows are these, divided. */
const SIGHTINGS = 4;

/**
 * G(1/(1 - f)) / G(1) <= 1 + P * B: a lie about a share f of the work earns at most what being seen costs. P is the chance of that
 * in a window; B counts in windows of honest pay what a conviction takes: those that it keeps the key from earning, and those held
 * back, which a liar filled at its own rate, so that they count G-fold. Verdicts come before weights, so that the window in which
 * it is seen is always among the latter.
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
    // over two coldkeys, each with half of the device; a second registration is what it costs
    const gain = 2 * 0.5 ** exponent;
    const margin = (1 + (policy.audit?.restartWindows ?? 0)) / gain;
    return { behaviour, margin, worstAt: undefined, breakEven: margin > 1 ? undefined : 1, gain };
  }
  const { units = 1, held = 1 } =
    form.units === 'policy'
      ? { units: policy.audit?.unitsPerWindow, held: policy.audit?.vestedWindows }
      : { units: form.units };
  const isRollouts = form.units === 'policy';
  const lost = lostBy(policy, isRollouts);
  const tried = SHARES.map((share) => {
    const rest = 1 - share * form.saved;
    const gain = rest > 0 ? rest ** -exponent : Number.POSITIVE_INFINITY;
    const seen = seenOf(share * form.power, units, isRollouts) * (policy.audit?.windows ?? 1);
    // gain <= 1 + seen * (lost + held * gain), read as what a lie costs over what it gains, which tells small lies apart, and as
    // what honesty is paid over what lying is left with, which tells large ones apart: one is above 1 where the other is
    const kept = gain * Math.max(0, 1 - seen * held);
    const costs = (seen * (lost + held * gain)) / (gain - 1);
    const margin =
      seen * held >= 1
        ? Number.POSITIVE_INFINITY
        : Math.max((1 + seen * lost) / kept, Number.isFinite(gain) ? costs : 0);
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
  return isRollouts ? Math.min(once, (units * chance) / SIGHTINGS) : once;
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
  const merged = 1 / split;
  const relabelled = relabelling(policy);
  return [
    { name: 'splitting', gain: split, of: 'one machine over 4 coldkeys', holds: split <= 1 },
    { name: 'merging', gain: merged, of: '4 owners under one coldkey', holds: merged <= 1 },
    { name: 'relabelling', ...relabelled, holds: relabelled.gain <= 1 },
  ];
}

/** Of two pools for classes of the same kind, the better paid takes both: a class is a claim. */
function relabelling({ pools }: ScoringPolicy): { gain: number; of: string } {
  let best = { gain: 1, of: 'no two pools take the same work by another name' };
  for (const a of pools)
    for (const b of pools) {
      if (a === b || !a.match?.classes || (b.credit ?? 'outcomes') !== 'outcomes') continue;
      const kinds = b.match?.kinds;
      if (kinds && a.match.kinds && !kinds.some((kind) => a.match!.kinds!.includes(kind))) continue;
      for (const [resource, price] of Object.entries(a.prices ?? {})) {
        const other = b.prices?.[resource as keyof typeof b.prices];
        if (!other) continue;
        // at their targets; a pool without one pays the more the fewer are there, which no policy says
        const [mine, its] = [[a, price] as const, [b, other] as const].map(
          ([pool, each]) => ((each.counts / each.of) * pool.share) / (pool.target ?? 1),
        );
        const gain = mine! > 0 ? its! / mine! : 1;
        if (gain > best.gain) best = { gain, of: `${resource} in ${b.name} in place of ${a.name}` };
      }
    }
  return best;
}
