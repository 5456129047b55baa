// Owns: the rows of the leaderboard from what is known, and which of them are asked for. Pure. Does not own: how they look (page.ts).
import type { Credit } from '../../model/credit.js';
import { invalid } from '../../model/invalid-input.js';
import { type ChainFacts, isBurned, minerEmission, perDayRao } from '../chain-facts.js';
import type { History, Standing } from '../history.js';
import type { ParameterFacts } from '../parameter-facts.js';

export interface LeaderRow {
  /** by score, from 1 */
  rank: number;
  readonly hotkey: string;
  /** undefined where it is not registered, or no chain is known */
  readonly uid: number | undefined;
  readonly isRegistered: boolean | undefined;
  /** its pay is burned */
  readonly isOwner: boolean;
  readonly isValidator: boolean;
  /** each class of its slots once, the most frequent first */
  readonly classes: readonly { readonly name: string; readonly slots: number }[];
  readonly slots: number;
  readonly credit: Credit;
  readonly simulated: boolean;
  readonly accepted: number;
  readonly rejected: number;
  readonly inconclusive: number;
  readonly lastRejection: string | undefined;
  /** of 1: this validator's newest pay */
  readonly score: number | undefined;
  /** of 1: this validator's row on the chain */
  readonly weight: number | undefined;
  /** of 1: the chain's, after all validators */
  readonly incentive: number | undefined;
  readonly alphaPerDayRao: bigint | undefined;
  readonly trend: readonly (number | undefined)[];
}

export interface LeaderSource {
  readonly history: History | undefined;
  readonly parameters: ParameterFacts;
  chain(): ChainFacts | undefined;
}

export const SORTS = [
  'score',
  'weight',
  'incentive',
  'alpha',
  'accepted',
  'rejected',
  'slots',
  'class',
  'uid',
  'hotkey',
] as const;
export type Sort = (typeof SORTS)[number];
export const STATES = ['all', 'paid', 'unpaid', 'rejected', 'silent'] as const;
export type State = (typeof STATES)[number];
export const PAGE_ROWS = [100, 50, 250, 500] as const;

export interface LeaderQuery {
  readonly q: string;
  readonly class: string;
  readonly state: State;
  readonly sort: Sort;
  readonly isAscending: boolean;
  readonly page: number;
  readonly rows: number;
}

/** Texts stand in order as people look for them, numbers from the largest. */
const ASCENDING: ReadonlySet<Sort> = new Set(['class', 'uid', 'hotkey']);

/** @throws AssayError `invalid-input` naming what can be asked */
export function parseQuery(query: URLSearchParams): LeaderQuery {
  const sort = oneOf('sort', SORTS, query.get('sort') ?? 'score');
  const order = oneOf('order', ['', 'up', 'down'], query.get('order') ?? '');
  return {
    q: (query.get('q') ?? '').trim().slice(0, 64),
    class: (query.get('class') ?? '').slice(0, 64),
    state: oneOf('state', STATES, query.get('state') || 'all'),
    sort,
    isAscending: order === '' ? ASCENDING.has(sort) : order === 'up',
    page: whole('page', query.get('page') || '1', 100_000),
    rows: Number(oneOf('rows', PAGE_ROWS.map(String), query.get('rows') || '100')),
  };
}

/** The query as an address has it: what is as it would be anyway is left out. */
export function queryText(asked: LeaderQuery): Readonly<Record<string, string | undefined>> {
  const isUsual = asked.isAscending === ASCENDING.has(asked.sort);
  return {
    q: asked.q || undefined,
    class: asked.class || undefined,
    state: asked.state === 'all' ? undefined : asked.state,
    sort: asked.sort === 'score' && isUsual ? undefined : asked.sort,
    order: isUsual ? undefined : asked.isAscending ? 'up' : 'down',
    page: asked.page === 1 ? undefined : `${asked.page}`,
    rows: asked.rows === PAGE_ROWS[0] ? undefined : `${asked.rows}`,
  };
}

const NO_STANDING: Omit<Standing, 'hotkey'> = {
  accepted: 0,
  rejected: 0,
  inconclusive: 0,
  lastRejection: undefined,
  lastAtMs: 0,
  slots: 0,
  proven: [],
  credit: {},
  trend: [],
};

/** All hotkeys that were checked, and all of the chain that could have been; by score. */
export function leaderRows({ history, parameters, chain: readChain }: LeaderSource): LeaderRow[] {
  const chain = readChain();
  const neurons = new Map(chain?.neurons.map((neuron) => [neuron.hotkey as string, neuron]));
  const emission = minerEmission(chain?.neurons ?? []);
  const hotkeys = new Set<string>(neurons.keys());
  for (const hotkey of history?.hotkeys() ?? []) hotkeys.add(hotkey);
  const scored = history?.scoredRow();
  const rows: LeaderRow[] = [];
  for (const hotkey of hotkeys) {
    const standing = history?.standing(hotkey) ?? NO_STANDING;
    const neuron = neurons.get(hotkey);
    // who validates and was never checked is no miner; the owner's share is what is burned
    const isMiner = standing.slots > 0 || (neuron?.incentive ?? 0) > 0 || hotkey === chain?.ownerHotkey;
    if (neuron?.validatorPermit && !isMiner) continue;
    rows.push({
      rank: 0,
      hotkey,
      uid: neuron?.uid,
      isRegistered: chain ? neuron !== undefined : undefined,
      isOwner: chain !== undefined && neuron !== undefined && isBurned(chain, neuron),
      isValidator: neuron?.validatorPermit ?? false,
      classes: classesIn(standing, parameters),
      slots: standing.slots,
      credit: standing.credit,
      simulated: standing.proven.some(({ simulated }) => simulated),
      accepted: standing.accepted,
      rejected: standing.rejected,
      inconclusive: standing.inconclusive,
      lastRejection: standing.rejected > 0 ? standing.lastRejection : undefined,
      score: scored ? (scored.shares.get(hotkey) ?? 0) : undefined,
      weight: chain?.weights ? (chain.weights.get(hotkey) ?? 0) : undefined,
      incentive: neuron && neuron.incentive / 65_535,
      alphaPerDayRao: neuron && chain && perDayRao(chain, emission.of(neuron)),
      trend: standing.trend,
    });
  }
  rows.sort(by('score', false));
  for (const [i, row] of rows.entries()) row.rank = i + 1;
  return rows;
}

/** Telling a class takes longer than all else of a row, and most hotkeys have nothing new. */
const told = new WeakMap<object, LeaderRow['classes']>();

function classesIn(standing: Pick<Standing, 'proven'>, parameters: ParameterFacts): LeaderRow['classes'] {
  const known = told.get(standing);
  if (known) return known;
  const classes = classesOf(standing, parameters);
  // a set that is not known yet may be at the next look
  if (classes.every(({ name }) => name !== UNKNOWN)) told.set(standing, classes);
  return classes;
}

const UNKNOWN = 'unknown';

function classesOf(standing: Pick<Standing, 'proven'>, parameters: ParameterFacts): LeaderRow['classes'] {
  const slots = new Map<string, number>();
  for (const { credit, paramsId } of standing.proven) {
    const name = parameters.classOf(credit) ?? parameters.set(paramsId)?.className ?? UNKNOWN;
    slots.set(name, (slots.get(name) ?? 0) + 1);
  }
  return [...slots]
    .map(([name, count]) => ({ name, slots: count }))
    .sort((a, b) => b.slots - a.slots || compare(a.name, b.name));
}

export interface LeaderSelection {
  /** of the page that is asked for */
  readonly rows: readonly LeaderRow[];
  /** that are asked for, on all pages */
  readonly found: number;
  readonly pages: number;
  readonly page: number;
}

export function select(all: readonly LeaderRow[], asked: LeaderQuery): LeaderSelection {
  const q = asked.q.toLowerCase();
  const isAsked = (row: LeaderRow): boolean =>
    (q === '' || row.hotkey.toLowerCase().includes(q) || `${row.uid ?? ''}` === q) &&
    (asked.class === '' || row.classes.some(({ name }) => name === asked.class)) &&
    STATE_TESTS[asked.state](row);
  const found = all.filter(isAsked);
  if (asked.sort !== 'score' || asked.isAscending) found.sort(by(asked.sort, asked.isAscending));
  const pages = Math.max(1, Math.ceil(found.length / asked.rows));
  const page = Math.min(asked.page, pages);
  return {
    rows: found.slice((page - 1) * asked.rows, page * asked.rows),
    found: found.length,
    pages,
    page,
  };
}

const isPaid = (row: LeaderRow): boolean =>
  (row.score ?? 0) > 0 || (row.score === undefined && (row.incentive ?? 0) > 0);
const STATE_TESTS: Readonly<Record<State, (row: LeaderRow) => boolean>> = {
  all: () => true,
  paid: isPaid,
  unpaid: (row) => !isPaid(row),
  rejected: (row) => row.rejected > 0,
  silent: (row) => row.accepted + row.rejected + row.inconclusive === 0,
};

type Key = (row: LeaderRow) => number | bigint | string | undefined;
const KEYS: Readonly<Record<Sort, Key>> = {
  score: (row) => row.score ?? row.incentive,
  weight: (row) => row.weight,
  incentive: (row) => row.incentive,
  alpha: (row) => row.alphaPerDayRao,
  accepted: (row) => row.accepted,
  rejected: (row) => row.rejected,
  slots: (row) => row.slots,
  class: (row) => row.classes[0]?.name,
  uid: (row) => row.uid,
  hotkey: (row) => row.hotkey,
};

/** What is not known comes last, either way; equals stand by what was accepted, then by name, so that pages do not overlap. */
function by(sort: Sort, isAscending: boolean): (a: LeaderRow, b: LeaderRow) => number {
  const key = KEYS[sort];
  return (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === undefined || y === undefined) {
      if (x !== y) return x === undefined ? 1 : -1;
    } else if (x !== y) return (x < y ? -1 : 1) * (isAscending ? 1 : -1);
    return b.accepted - a.accepted || compare(a.hotkey, b.hotkey);
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function oneOf<T extends string>(name: string, known: readonly T[], given: string): T {
  const found = known.find((each) => each === given);
  if (found !== undefined) return found;
  const expected = known.filter((each) => each !== '').join(', ');
  throw invalid(name, `one of ${expected}`, given.slice(0, 40));
}

function whole(name: string, given: string, most: number): number {
  const value = /^\d{1,6}$/.test(given) ? Number(given) : 0;
  if (value >= 1 && value <= most) return value;
  throw invalid(name, `a whole number from 1 to ${most}`, given.slice(0, 40));
}
