// Owns: whether lying pays under a policy's own numbers: for each behaviour the margin, and the cheat at which it would. Does not
// own: how surely a lie is seen (behaviours.ts).
import { BEHAVIOURS, type Behaviour } from './behaviours.js';
import { type Part, PLACES, partAmong } from './company.js';
import { type Pool, quartersOf, type ScoringPolicy } from './policy.js';
import { boundRules, type Division, type NameShape, ruleOf, type ScoringRule } from './rules.js';
import { ONE } from './state.js';

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
  readonly name: NameShape | 'relabelling';
  /** what it multiplies pay by, at the number or the pools in `of` */
  readonly gain: number;
  readonly of: string;
  /** it gains nothing, or what it gains is wanted */
  readonly holds: boolean;
  /** the rule that pays for it says that it is to */
  readonly wanted?: true;
}

export interface DeterrenceReport {
  readonly behaviours: readonly Deterrence[];
  readonly shapes: readonly Shape[];
  /** kinds that a pool names and whose lies nobody has told us: a subnet's own */
  readonly unknownKinds: readonly string[];
  /** least margin of all behaviours that have one */
  readonly margin: number;
  /** every margin is above 1, and no shape gains but what is wanted */
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
 *
 * A pool with a rule of the subnet's own has no curve. It is asked what it pays, beside others that we make up, for honesty (H) and
 * for the lie, both in what one of them is paid on average, which is what L is in: the least margin counts of
 * G * c * V <= H + P * L, where by the curve, among very many, H is 1.
 * @param rules of the subnet's own that there are. @default none
 * @throws AssayError `unsupported` for a rule that is not among them, `rule-failed` for one that divides nothing
 */
export function deterrence(policy: ScoringPolicy, rules: readonly ScoringRule[] = []): DeterrenceReport {
  const paying = payingOf(policy, rules);
  const behaviours = BEHAVIOURS.flatMap((each) => {
    const own = paying.filter(({ pool }) => paysFor(pool, each.name));
    const show: Show = (before, after) => own.flatMap((one) => one.show(before, after));
    return own.length > 0 ? [deter(policy, each, show)] : [];
  });
  const shapes = shapesOf(policy, paying);
  const margin = Math.min(...behaviours.map((each) => each.margin ?? Number.POSITIVE_INFINITY));
  const unknownKinds = unknownOf(policy);
  return {
    behaviours,
    shapes,
    unknownKinds,
    margin,
    holds: margin > 1 && shapes.every(({ holds }) => holds),
  };
}

function unknownOf({ pools }: ScoringPolicy): string[] {
  const known = new Set(BEHAVIOURS.map(({ name }) => kindOf(name)));
  return [...new Set(pools.flatMap(({ match }) => match?.kinds ?? []))]
    .filter((kind) => !known.has(kind))
    .sort();
}

const kindOf = (behaviour: string): string => behaviour.slice(0, behaviour.indexOf('/'));

/** Whether a pool pays for what the behaviour lies about. */
function paysFor({ credit = 'outcomes', match }: Pool, name: string): boolean {
  const kind = kindOf(name);
  return kind === 'rollouts'
    ? credit === 'rollouts'
    : credit === 'outcomes' && (match?.kinds?.includes(kind) ?? true);
}

/** Of what somebody typical is paid: for worth shown as it is, and for worth shown otherwise. */
interface Shown {
  readonly honest: number;
  readonly lying: number;
}
/** One number for each coldkey: what it has, and what it shows; in every company in which it was tried. */
type Show = (before: readonly number[], after: readonly number[]) => readonly Shown[];

interface Paying {
  readonly pool: Pool;
  /** the subnet's own, and not the curve */
  readonly rule: ScoringRule | undefined;
  readonly show: Show;
}

function payingOf(policy: ScoringPolicy, rules: readonly ScoringRule[]): readonly Paying[] {
  const divisions = boundRules(policy, rules);
  const exponent = quartersOf(policy) / 4;
  const curved = (all: readonly number[]) => all.reduce((sum, each) => sum + each ** exponent, 0);
  // among very many
  const byCurve: Show = (before, after) => [{ honest: 1, lying: curved(after) / curved(before) }];
  return policy.pools.map((pool, i) => {
    const division = divisions[i];
    return { pool, rule: ruleOf(pool.rule, rules), show: division ? showBy(division) : byCurve };
  });
}

/** Less than one part in a million apart, two pays are one: rules divide whole numbers. */
const gainOf = ({ honest, lying }: Shown): number =>
  Math.abs(lying - honest) <= honest / 1e6 ? 1 : lying / honest;
const mostOf = (shown: readonly Shown[]): number => Math.max(...shown.map(gainOf));

/** The others in a pool, in what one of them has: few and many of its size, and some of all sizes. */
const OTHERS = [
  [1],
  new Array<number>(7).fill(1),
  new Array<number>(63).fill(1),
  [0.0625, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16],
] as const;
/** Of everybody's worth: a rule may have its numbers in worth. */
const SCALES = [1 / 16, 1 / 4, 1, 4, 16] as const;
/** More than anybody's, where a lie is said to have no bound. */
const MOST_WORTH = 2 ** 20;

function showBy(division: Division): Show {
  const known = new Map<string, readonly Shown[]>();
  const typical = ({ mine, all }: Part, names: number): number =>
    Number((mine * BigInt(names) * FINE) / all) / Number(FINE);
  return (before, after) => {
    const key = `${before} ${after}`;
    let shown = known.get(key);
    if (shown) return shown;
    shown = OTHERS.flatMap((others) =>
      SCALES.flatMap((scale) =>
        PLACES.map((place) => {
          const inScale = (worths: readonly number[]) => worths.map((worth) => inOnes(worth * scale));
          const partOf = (own: readonly number[]): number =>
            typical(
              partAmong(division, { own: inScale(own), others: inScale(others), place }),
              before.length + others.length,
            );
          return {
            honest: partOf(before),
            lying: partOf(after),
          };
        }),
      ),
    );
    known.set(key, shown);
    return shown;
  };
}

const FINE = 1_000_000_000_000n;
const inOnes = (worth: number): bigint => BigInt(Math.max(1, Math.floor(Math.min(worth, MOST_WORTH) * ONE)));

function deter(policy: ScoringPolicy, behaviour: Behaviour, show: Show): Deterrence {
  const { form } = behaviour;
  if (form.is === 'limit')
    return {
      behaviour,
      margin: undefined,
      worstAt: undefined,
      breakEven: undefined,
      gain: mostOf(show([1], [form.gain])),
    };
  if (form.is === 'certain')
    return { behaviour, margin: Number.POSITIVE_INFINITY, worstAt: undefined, breakEven: undefined, gain: 0 };
  if (form.is === 'shared') {
    // a second registration is what it costs, once: it deters who gains nothing by it, and nobody who gains in every window
    const { margin, gain } = leastOf(
      sharedBy(policy, show).map((each) => {
        const { honest, lying } = each;
        const costs = gainOf(each) > 1 ? 0 : (policy.audit?.restartWindows ?? 0);
        return {
          gain: gainOf(each),
          margin: lying === 0 ? Number.POSITIVE_INFINITY : (honest + costs) / lying,
        };
      }),
    );
    return { behaviour, margin, worstAt: undefined, breakEven: margin > 1 ? undefined : 1, gain };
  }
  const { units = 1, held = 1 } =
    form.units === 'policy'
      ? { units: policy.audit?.unitsPerWindow, held: policy.audit?.vestedWindows }
      : { units: form.units };
  const isRollouts = form.units === 'policy';
  const lost = lostBy(policy, isRollouts);
  const tried = SHARES.map((share) => {
    const seen = seenOf(share * form.power, units, isRollouts) * (policy.audit?.windows ?? 1);
    // what is not found right is not credited either, and of a proof that one sample refutes nothing is: that is `seen`
    const credited = isRollouts ? 1 - share * form.power : 1;
    const part = paidOut(seen, held);
    const margins = show([1], [1 / Math.max(LEAST, 1 - share * form.saved)]).map((each) => {
      const { honest, lying } = each;
      const gain = gainOf(each);
      // more work is not paid more: nothing is gained by making it up
      if (gain <= 1) return { gain, margin: Number.POSITIVE_INFINITY };
      // paid * part <= 1 + seen * lost, read as what a lie costs over what it gains, which tells small lies apart, and as what
      // honesty is paid over what lying is left with, which tells large ones apart: one is above 1 where the other is
      const left = lying * credited * part;
      if (left === 0) return { gain, margin: Number.POSITIVE_INFINITY };
      const costs = (seen * lost + lying - left) / (lying - honest);
      return { gain, margin: Math.max((honest + seen * lost) / left, costs) };
    });
    return { share, ...leastOf(margins) };
  });
  const worst = leastOf(tried);
  return {
    behaviour,
    margin: worst.margin,
    worstAt: worst.share,
    breakEven: tried.find(({ margin }) => margin <= 1)?.share,
    gain: worst.gain,
  };
}

/** Of several, which are some, the one that deters least. */
const leastOf = <T extends { readonly margin: number }>(all: readonly T[]): T =>
  all.reduce((a, b) => (b.margin < a.margin ? b : a));

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
function sharedBy({ schedule }: ScoringPolicy, show: Show): readonly Shown[] {
  const { sampling = 1 } = schedule ?? {};
  const work = (1 - (1 - sampling) ** NAMES) / sampling;
  return [...(sampling < 1 ? show([1], [work]) : []), ...show([1], [work / 2, work / 2])];
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
function shapesOf(policy: ScoringPolicy, paying: readonly Paying[]): Shape[] {
  const shapeOf = (
    name: NameShape,
    before: readonly number[],
    after: readonly number[],
    of: string,
  ): Shape => {
    const gains = paying.map(({ pool, rule, show }) => ({
      gain: mostOf(show(before, after)),
      of: rule ? `${of}, in ${pool.name}` : of,
      isWanted: rule?.paysFor?.includes(name) ?? false,
    }));
    const { gain, of: where } = gains.reduce((a, b) => (b.gain > a.gain ? b : a)); // a policy has a pool
    const holds = gains.every((each) => each.gain <= 1 || each.isWanted);
    return { name, gain, of: where, holds, ...(gain > 1 && holds ? { wanted: true } : {}) };
  };
  // what boosts is added up as well: four owners with a fourth of the full stake each are one with all of it
  const boosts = (policy.boost?.stake?.most ?? 0) + (policy.boost?.collateral?.most ?? 0);
  const owner = 1 + boosts / 4;
  const relabelled = relabelling(policy);
  return [
    shapeOf('splitting', [1], [0.25, 0.25, 0.25, 0.25], 'one machine over 4 coldkeys'),
    shapeOf('merging', [owner, owner, owner, owner], [4 * (1 + boosts)], '4 owners under one coldkey'),
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
