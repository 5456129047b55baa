// Owns: pairs of hotkeys that are late in turns, or together, more often than chance has it. Does not own: what it means.
import type { Hotkey } from '../../model/ids.js';
import type { Cell, ClassObservations } from './observations.js';
import { createRarest, type Rarest } from './rarest.js';
import { coincidence, isBeyondChance, oddsOf, oddsText } from './rarity.js';

export interface LatePair {
  readonly how: 'in-turns' | 'together';
  readonly kind: string;
  readonly paramsId: string;
  readonly hotkeys: readonly [Hotkey, Hotkey];
  /** in which both were asked, and the subnet as a whole was not late */
  readonly events: number;
  readonly lateA: number;
  readonly lateB: number;
  readonly lateBoth: number;
  /** how rarely chance gives that, such as `1 in 184,756` */
  readonly odds: string;
  /** some outcomes to look at, newest last */
  readonly outcomes: readonly string[];
}

export interface LateResult {
  /** the rarest, at most MOST_KEPT of each way */
  readonly pairs: readonly LatePair[];
  /** all that were found */
  readonly found: number;
  /** hotkeys that were compared with one another */
  readonly compared: number;
  /** that were late now and then too, and were left out because there were too many */
  readonly leftOut: number;
}

/** Fewer events in common are never beyond chance. */
export const LEAST_EVENTS = 12;
/** An event in which so many of the others were late as well was a bad one for all: it says nothing of two. */
const COMMON_TROUBLE = 0.25;
/** Hotkeys of a class that are compared, those that were late most often: pairs grow with the square. */
const MOST_COMPARED = 512;
/** Outcomes that a pair names. */
const NAMED = 6;
const REMEMBERED = 4096;

/** Events as bits, in the class's order: pairs are compared by counting them. */
interface Row {
  readonly hotkey: Hotkey;
  readonly asked: Uint32Array;
  readonly late: Uint32Array;
  readonly times: number;
}

/** Hotkeys that are read in a step. */
const STEP = 64;

/**
 * @param looks at all classes together, whatever is looked for: each is a chance for chance
 * @param isHere whom pairs may be of: whoever is gone is counted among all in bad events, and keeps nobody from being compared
 * @yields so that whoever else is on this thread has a turn: what is observed may go on meanwhile
 */
export function* latePairs(
  of: ClassObservations,
  looks: number,
  isHere: (hotkey: Hotkey) => boolean = () => true,
): Generator<void, LateResult> {
  const all = yield* lateRows(of, isHere);
  const rows = all.slice(0, MOST_COMPARED);
  const pairs = looks * ((rows.length * (rows.length - 1)) / 2);
  const found: Readonly<Record<LatePair['how'], Rarest<LatePair>>> = {
    'in-turns': createRarest(),
    together: createRarest(),
  };
  const chanceOf = rememberedChance();
  for (const [i, x] of rows.entries()) {
    yield;
    for (const y of rows.slice(i + 1)) {
      const counts = countsOf(x, y);
      if (counts.events < LEAST_EVENTS || !isFar(counts)) continue;
      const { events, a, b, both } = counts;
      const side = both < (a * b) / events ? 'fewer' : 'more';
      const chance = chanceOf(counts, side);
      if (!isBeyondChance(chance, pairs)) continue;
      const how = side === 'fewer' ? 'in-turns' : 'together';
      const pair: LatePair = {
        how,
        kind: of.kind,
        paramsId: of.paramsId,
        hotkeys: [x.hotkey, y.hotkey],
        events,
        lateA: a,
        lateB: b,
        lateBoth: both,
        odds: oddsText(chance),
        outcomes: [],
      };
      found[how].add(pair, oddsOf(chance));
    }
  }
  const kept = [...found['in-turns'].kept(), ...found.together.kept()];
  return {
    pairs: kept.map((pair) => ({ ...pair, outcomes: namedOf(pair.hotkeys, of) })),
    found: found['in-turns'].count() + found.together.count(),
    compared: rows.length,
    leftOut: all.length - rows.length,
  };
}

/** Who acts as one has the same counts, over and over. */
function rememberedChance(): typeof coincidence {
  const known = new Map<string, readonly [bigint, bigint]>();
  return (counts, side) => {
    const { events, a, b, both } = counts;
    const id = `${events} ${a} ${b} ${both} ${side}`;
    const before = known.get(id);
    if (before) return before;
    if (known.size >= REMEMBERED) known.clear();
    const chance = coincidence(counts, side);
    known.set(id, chance);
    return chance;
  };
}

/** Those that were late most often, without the events that were bad ones for all. */
function* lateRows(
  of: ClassObservations,
  isHere: (hotkey: Hotkey) => boolean,
): Generator<void, readonly Row[]> {
  const { events, cells } = of;
  const all: { readonly hotkey: Hotkey; readonly cells: ReadonlyMap<string, Cell> }[] = [];
  const asked = new Float64Array(events.length);
  const late = new Float64Array(events.length);
  for (const [hotkey, own] of cells) {
    if (all.length % STEP === STEP - 1) yield;
    all.push({ hotkey, cells: own });
    for (const [i, event] of events.entries()) {
      const cell = own.get(event);
      if (!cell) continue;
      asked[i]!++;
      if (cell.late) late[i]!++;
    }
  }
  // of few a pair is itself the quarter
  const isTroubled = events.map((_, i) => asked[i]! >= 8 && late[i]! / asked[i]! > COMMON_TROUBLE);
  const words = Math.ceil(events.length / 32);
  const rows: Row[] = [];
  for (const [n, { hotkey, cells: own }] of all.entries()) {
    if (n % STEP === STEP - 1) yield;
    if (!isHere(hotkey)) continue;
    const row = { hotkey, asked: new Uint32Array(words), late: new Uint32Array(words) };
    let [counted, times] = [0, 0];
    for (const [i, event] of events.entries()) {
      const cell = isTroubled[i] ? undefined : own.get(event);
      if (!cell) continue;
      const bit = 1 << (i % 32);
      row.asked[i >> 5]! |= bit;
      counted++;
      if (!cell.late) continue;
      row.late[i >> 5]! |= bit;
      times++;
    }
    // who was always late, or never, is late in nobody's turns
    if (times >= 3 && times <= counted - 3 && counted >= LEAST_EVENTS) rows.push({ ...row, times });
  }
  return rows.sort((x, y) => y.times - x.times || (x.hotkey < y.hotkey ? -1 : 1));
}

interface Counts {
  readonly events: number;
  readonly a: number;
  readonly b: number;
  readonly both: number;
}

function countsOf(x: Row, y: Row): Counts {
  let [events, a, b, both] = [0, 0, 0, 0];
  for (let i = 0; i < x.asked.length; i++) {
    const common = x.asked[i]! & y.asked[i]!;
    const [lateX, lateY] = [x.late[i]! & common, y.late[i]! & common];
    events += ones(common);
    a += ones(lateX);
    b += ones(lateY);
    both += ones(lateX & lateY);
  }
  return { events, a, b, both };
}

/** Bits of 32 that are set. */
function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** What lies within three deviations is chance among so many pairs: for the rest the exact test is worth its time. */
function isFar({ events: n, a, b, both }: Counts): boolean {
  const expected = (a * b) / n;
  const variance = (a * b * (n - a) * (n - b)) / (n * n * Math.max(1, n - 1));
  return (both - expected) ** 2 > 9 * variance;
}

/** The late ones of the events that both were asked in. */
function namedOf([a, b]: LatePair['hotkeys'], { cells }: ClassObservations): readonly string[] {
  const [x, y] = [cells.get(a), cells.get(b)];
  if (!x || !y) return []; // their events went as others came
  const late = [...x].flatMap(([event, cell]) => {
    const other = y.get(event);
    return other ? [cell, other].filter((each) => each.late) : [];
  });
  return late.slice(-NAMED).map(({ outcome }) => outcome);
}
