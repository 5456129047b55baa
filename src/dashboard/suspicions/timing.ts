// Owns: pairs of hotkeys whose answers come sooner and later together. Does not own: what it means.
import type { Hotkey } from '../../model/ids.js';
import type { ClassObservations } from './observations.js';
import { createRarest } from './rarest.js';
import { rareCorrelation } from './rarity.js';

export interface TimingPair {
  readonly kind: string;
  readonly paramsId: string;
  readonly hotkeys: readonly [Hotkey, Hotkey];
  /** in which both answered */
  readonly events: number;
  /** rank correlation of what each was sooner or later than the middle of the class, -1..1 */
  readonly correlation: number;
  /** what it had to exceed: chance does in one of a thousand analyses at most */
  readonly needed: number;
  /** of the mean difference between the two, ms */
  readonly apartMs: number;
  readonly outcomes: readonly string[];
}

export interface TimingResult {
  /** the closest, at most MOST_KEPT */
  readonly pairs: readonly TimingPair[];
  /** all that were found */
  readonly found: number;
  /** hotkeys that were compared with one another */
  readonly compared: number;
  /** that answered often enough, and were left out because there were too many */
  readonly leftOut: number;
}

/** Fewer common events are not compared. */
export const LEAST_EVENTS = 24;
/** With fewer hotkeys their middle is one of themselves, and moves with it. */
const LEAST_HOTKEYS = 6;
/** Whatever chance has it: a weaker one is what any two in one town have. */
const LEAST_CORRELATION = 0.8;
/** Half a million pairs over 128 events: a tenth of a second. */
const MOST_COMPARED = 1024;
const NAMED = 4;

interface Row {
  readonly hotkey: Hotkey;
  /** by event; NaN where it did not answer */
  readonly ms: Float64Array;
  readonly answered: number;
}

/** Hotkeys that are read in a step. */
const STEP = 64;

/**
 * @param looks at all classes together, whatever is looked for: each is a chance for chance
 * @param isHere whom pairs may be of, and whose middle is the class's
 * @yields so that whoever else is on this thread has a turn: what is observed may go on meanwhile
 */
export function* timingPairs(
  of: ClassObservations,
  looks: number,
  isHere: (hotkey: Hotkey) => boolean = () => true,
): Generator<void, TimingResult> {
  const all: Row[] = [];
  let read = 0;
  for (const [hotkey, cells] of of.cells) {
    if (++read % STEP === 0) yield;
    if (!isHere(hotkey)) continue;
    const ms = new Float64Array(of.events.length);
    let answered = 0;
    for (const [i, event] of of.events.entries()) {
      ms[i] = cells.get(event)?.ms ?? Number.NaN;
      if (!Number.isNaN(ms[i])) answered++;
    }
    if (answered >= LEAST_EVENTS) all.push({ hotkey, ms, answered });
  }
  all.sort((x, y) => y.answered - x.answered || (x.hotkey < y.hotkey ? -1 : 1));
  const rows = all.slice(0, MOST_COMPARED);
  const leftOut = all.length - rows.length;
  if (rows.length < LEAST_HOTKEYS) return { pairs: [], found: 0, compared: 0, leftOut: all.length };

  const own: Float64Array[] = [];
  for (const { ms } of rows) {
    if (own.length % STEP === STEP - 1) yield;
    // who is near is always sooner: against its own middle, or who happened to answer would move the class's
    const level = median(ms);
    own.push(ms.map((each) => each - level));
  }
  const middles = new Float64Array(of.events.length);
  for (const i of middles.keys()) {
    if (i % 8 === 7) yield;
    middles[i] = median(Float64Array.from(own, (each) => each[i]!));
  }
  const ranks: Float64Array[] = [];
  for (const ms of own) {
    if (ranks.length % STEP === STEP - 1) yield;
    // a slow block, a late Go of ours: what moves everybody is no link between two. Ranks, so that one hiccup that two shared is
    // one event and not the whole correlation
    ranks.push(ranksOf(ms.map((each, i) => each - middles[i]!)));
  }
  const total = looks * ((rows.length * (rows.length - 1)) / 2);
  const found = createRarest<{ x: Row; y: Row; events: number; correlation: number; needed: number }>();
  for (let i = 0; i < rows.length; i++) {
    yield;
    for (let j = i + 1; j < rows.length; j++) {
      const { events, correlation } = correlate(ranks[i]!, ranks[j]!);
      if (events < LEAST_EVENTS || correlation < LEAST_CORRELATION) continue;
      const needed = Math.max(LEAST_CORRELATION, rareCorrelation(events, total));
      if (correlation < needed) continue;
      found.add({ x: rows[i]!, y: rows[j]!, events, correlation, needed }, correlation);
    }
  }
  const pairs = found.kept().map(({ x, y, ...measured }): TimingPair => {
    const common = of.events.filter((_, k) => !Number.isNaN(x.ms[k]! + y.ms[k]!));
    const apart = of.events.flatMap((_, k) => {
      const ms = x.ms[k]! - y.ms[k]!;
      return Number.isNaN(ms) ? [] : [ms];
    });
    return {
      ...measured,
      kind: of.kind,
      paramsId: of.paramsId,
      hotkeys: [x.hotkey, y.hotkey],
      apartMs: Math.abs(apart.reduce((sum, ms) => sum + ms, 0) / apart.length),
      outcomes: common
        .slice(-NAMED / 2)
        // none of an event that went as others came
        .flatMap((event) => [x, y].flatMap(({ hotkey }) => of.cells.get(hotkey)?.get(event)?.outcome ?? [])),
    };
  });
  return { pairs, found: found.count(), compared: rows.length, leftOut };
}

function median(values: Float64Array): number {
  const known = values.filter((value) => !Number.isNaN(value)).sort();
  return known.length === 0 ? 0 : known[known.length >> 1]!;
}

/** 0..1 by order, equal ones in the middle of theirs; NaN stays. */
function ranksOf(values: Float64Array): Float64Array {
  const order = [...values.keys()]
    .filter((i) => !Number.isNaN(values[i]!))
    .sort((x, y) => values[x]! - values[y]!);
  const ranks = new Float64Array(values.length).fill(Number.NaN);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1]!] === values[order[from]!]) to++;
    for (let k = from; k <= to; k++) ranks[order[k]!] = (from + to) / 2;
    from = to + 1;
  }
  return ranks;
}

/** Pearson's over the ranks of what both have. */
function correlate(x: Float64Array, y: Float64Array): { events: number; correlation: number } {
  let [n, sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [x[i]!, y[i]!];
    if (Number.isNaN(a + b)) continue;
    n++;
    sx += a;
    sy += b;
    sxx += a * a;
    syy += b * b;
    sxy += a * b;
  }
  const spread = (n * sxx - sx * sx) * (n * syy - sy * sy);
  return { events: n, correlation: spread > 0 ? (n * sxy - sx * sy) / Math.sqrt(spread) : 0 };
}
