// Owns: pairs of hotkeys that are late in turns, or together, more often than chance has it. Does not own: what it means.
import type { Hotkey } from '../../model/ids.js';
import type { Cell, ClassObservations } from './observations.js';
import { coincidence, isBeyondChance, oddsText } from './rarity.js';

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

/** Fewer events in common are never beyond chance. */
export const LEAST_EVENTS = 12;
/** An event in which so many of the others were late as well was a bad one for all: it says nothing of two. */
const COMMON_TROUBLE = 0.25;
/** Hotkeys of a class that are compared, those that were late most often: pairs grow with the square. */
const MOST_COMPARED = 512;
/** Outcomes that a pair names. */
const NAMED = 6;

/** @yields after each hotkey, so that whoever else is on this thread has a turn */
export function* latePairs(of: ClassObservations): Generator<void, readonly LatePair[]> {
  const troubled = troubledEvents(of);
  const rows = [...of.cells]
    .map(([hotkey, cells]) => {
      const counted = [...cells].filter(([event]) => !troubled.has(event));
      return { hotkey, cells: new Map(counted), late: counted.filter(([, { late }]) => late).length };
    })
    // who was always late, or never, is late in nobody's turns
    .filter(({ late, cells }) => late >= 3 && late <= cells.size - 3 && cells.size >= LEAST_EVENTS)
    .sort((x, y) => y.late - x.late || (x.hotkey < y.hotkey ? -1 : 1))
    .slice(0, MOST_COMPARED);
  const pairs = (rows.length * (rows.length - 1)) / 2;
  const found: LatePair[] = [];
  for (const [i, x] of rows.entries()) {
    yield;
    for (const y of rows.slice(i + 1)) {
      const counts = countsOf(x.cells, y.cells);
      if (!counts) continue;
      const { events, a, b, both } = counts;
      const expected = (a * b) / events;
      const side = both < expected ? 'fewer' : 'more';
      const chance = coincidence(counts, side);
      if (!isBeyondChance(chance, pairs)) continue;
      found.push({
        how: side === 'fewer' ? 'in-turns' : 'together',
        kind: of.kind,
        paramsId: of.paramsId,
        hotkeys: [x.hotkey, y.hotkey],
        events,
        lateA: a,
        lateB: b,
        lateBoth: both,
        odds: oddsText(chance),
        outcomes: namedOf(x.cells, y.cells),
      });
    }
  }
  return found;
}

function troubledEvents({ events, cells }: ClassObservations): ReadonlySet<string> {
  const asked = new Map<string, { asked: number; late: number }>(
    events.map((event) => [event, { asked: 0, late: 0 }]),
  );
  for (const own of cells.values())
    for (const [event, { late }] of own) {
      const counts = asked.get(event);
      if (!counts) continue;
      counts.asked++;
      if (late) counts.late++;
    }
  return new Set(
    [...asked]
      // of few a pair is itself the quarter
      .filter(([, { asked: all, late }]) => all >= 8 && late / all > COMMON_TROUBLE)
      .map(([event]) => event),
  );
}

function countsOf(x: ReadonlyMap<string, Cell>, y: ReadonlyMap<string, Cell>) {
  let [events, a, b, both] = [0, 0, 0, 0];
  for (const [event, { late }] of x) {
    const other = y.get(event);
    if (!other) continue;
    events++;
    if (late) a++;
    if (other.late) b++;
    if (late && other.late) both++;
  }
  return events < LEAST_EVENTS ? undefined : { events, a, b, both };
}

/** The late ones of the events that both were asked in. */
function namedOf(x: ReadonlyMap<string, Cell>, y: ReadonlyMap<string, Cell>): readonly string[] {
  const late = [...x].flatMap(([event, cell]) => {
    const other = y.get(event);
    return other ? [cell, other].filter((each) => each.late) : [];
  });
  return late.slice(-NAMED).map(({ outcome }) => outcome);
}
