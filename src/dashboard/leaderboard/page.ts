// Owns: the leaderboard: hotkeys with what they proved, were judged, are paid. Does not own: its rows (view.ts), where they come from
// (history.ts, chain-facts.ts).

import type { Credit } from '../../model/credit.js';
import { firstAmount, vectorText } from '../amounts.js';
import type { ChainFacts } from '../chain-facts.js';
import { EPOCHS } from '../history.js';
import type { Page, PageAnswer, PageRequest } from '../page.js';
import {
  badge,
  duration,
  empty,
  type Html,
  html,
  key,
  live,
  none,
  notice,
  number,
  percent,
  sparkline,
  type TableColumn,
  table,
  tiles,
  tokens,
  unknown,
} from '../parts.js';
import {
  type LeaderQuery,
  type LeaderRow,
  type LeaderSelection,
  type LeaderSource,
  leaderRows,
  PAGE_ROWS,
  parseQuery,
  queryText,
  type Sort,
  STATES,
  type State,
  select,
} from './view.js';

export interface LeaderboardSource extends LeaderSource {
  /** why there is no ledger, no chain: shown where there is nothing else to show */
  readonly missing?: string | undefined;
}

export const STANDINGS_TOPIC = 'standings';
/** For whoever has the page open while verdicts come: nothing moves under a reader. */
export const newStandings: Html = html`<p class="notice info">New verdicts came. <a href="">Show them</a></p>`;

/** Rows are made anew no more often: while an event is judged there are thousands of entries a second. */
const REST_MS = 2000;
/** Of an export's page: nobody can ask for another number. */
const STATIC_ROWS = 500;

export function createLeaderboardPage(source: LeaderboardSource): Page {
  let made: { rows: readonly LeaderRow[]; of: string; atMs: number } | undefined;
  let count = 0;
  const rowsAt = (nowMs: number): readonly LeaderRow[] => {
    const of = `${source.history?.revision ?? 0}/${source.chain()?.readMs ?? 0}`;
    if (made && (made.of === of || Math.abs(nowMs - made.atMs) < REST_MS)) return made.rows;
    made = { rows: leaderRows(source), of, atMs: nowMs };
    count++;
    return made.rows;
  };

  return {
    name: 'leaderboard',
    label: 'Leaderboard',
    version({ nowMs }) {
      rowsAt(nowMs);
      return `${count}`;
    },
    render(request) {
      if (!request.isStatic && request.rest.length > 0) return NOT_HERE;
      const all = rowsAt(request.nowMs);
      const asked = request.isStatic ? staticQuery(request) : parseQuery(request.query);
      return answerOf(source, request, all, asked);
    },
    exports() {
      const pages = Math.ceil(rowsAt(0).length / STATIC_ROWS);
      return Array.from({ length: Math.max(0, pages - 1) }, (_, i) => [`${i + 2}`]);
    },
  };
}

const NOT_HERE: PageAnswer = {
  status: 404,
  title: 'No such page',
  body: empty('The leaderboard has no pages below it. A hotkey has a page of its own: follow its link.'),
};

const staticQuery = ({ rest }: PageRequest): LeaderQuery => ({
  ...parseQuery(new URLSearchParams()),
  page: Number(rest[0] ?? 1),
  rows: STATIC_ROWS,
});

function answerOf(
  source: LeaderboardSource,
  request: PageRequest,
  all: readonly LeaderRow[],
  asked: LeaderQuery,
): PageAnswer {
  const chain = source.chain();
  const selection = select(all, asked);
  const lead = html`${all.length} ${all.length === 1 ? 'hotkey' : 'hotkeys'}, by what was proven in the last ${EPOCHS} epochs.`;
  if (all.length === 0)
    return {
      title: 'Leaderboard',
      body: empty(
        source.missing ??
          'Nothing was judged yet, and nobody is registered. Rows appear when the first event is over.',
      ),
    };
  return {
    title: 'Leaderboard',
    lead,
    topics: [STANDINGS_TOPIC],
    body: html`${summary(source, all, chain)}
${delayed(chain, source, request.nowMs)}
${request.isStatic ? none : html`${live(STANDINGS_TOPIC, none, { isLoud: true })}${filters(all, asked)}`}
${table('Hotkeys by standing', columns(request, asked, chain), selection.rows, {
  whenEmpty: 'No hotkey is like that. Take a filter away.',
})}
${pager(request, asked, selection)}
${legend()}`,
  };
}

function summary({ history }: LeaderSource, all: readonly LeaderRow[], chain: ChainFacts | undefined): Html {
  const sum = (of: (row: LeaderRow) => number): number => all.reduce((total, row) => total + of(row), 0);
  const [accepted, rejected, inconclusive] = [
    sum((row) => row.accepted),
    sum((row) => row.rejected),
    sum((row) => row.inconclusive),
  ];
  const judged = accepted + rejected;
  const paid = all.filter((row) => (row.score ?? row.incentive ?? 0) > 0 && !row.isOwner).length;
  const scored = history?.scoredRow();
  const burned = sum((row) => (row.isOwner ? (row.incentive ?? 0) : 0));
  return tiles([
    {
      what: 'Miners paid',
      value: `${paid}`,
      unit: `of ${all.filter((row) => !row.isOwner).length}`,
      how: scored ? `in epoch ${scored.epoch}` : 'by the chain',
    },
    {
      what: 'Checks accepted',
      value: judged === 0 ? unknown : percent(accepted / judged),
      how: `${accepted} of ${judged} judged${inconclusive > 0 ? `, ${inconclusive} nobody’s fault` : ''}`,
    },
    ...(chain
      ? [
          {
            what: 'Burned',
            value: percent(burned),
            how: 'of what miners could have, by all validators',
          },
          {
            what: 'Price of alpha',
            value: chain.priceRao === undefined ? unknown : tokens(chain.priceRao, 6),
            unit: 'TAO',
            how: `block ${chain.block}`,
          },
        ]
      : []),
    ...(history?.newestMs === undefined
      ? []
      : [{ what: 'Epoch', value: `${history.epoch}`, how: `${history.checks} checks read` }]),
  ]);
}

/** What the numbers of the chain do not say yet. */
function delayed(chain: ChainFacts | undefined, { history }: LeaderSource, nowMs: number): Html {
  if (!chain)
    return history
      ? notice(
          'info',
          'No chain is read: incentive and alpha are not shown, and score is this validator’s alone.',
        )
      : none;
  if (!chain.isCommitReveal) return none;
  const newest = chain.sealed.at(-1);
  if (!newest)
    return notice(
      'info',
      'Weights of this subnet are sealed when they are set. None of this validator’s is sealed now.',
    );
  const when =
    newest.revealMs === undefined
      ? 'when its round of the beacon comes'
      : newest.revealMs <= nowMs
        ? 'with the next epoch'
        : `in about ${duration(newest.revealMs - nowMs)}`;
  return notice(
    'info',
    html`Weights are sealed until they are revealed: score is this validator’s newest pay, its row of epoch ${newest.epoch} is revealed ${when}. Until then weight, incentive and alpha a day are those of the row before.`,
  );
}

function filters(all: readonly LeaderRow[], asked: LeaderQuery): Html {
  const classes = [...new Set(all.flatMap((row) => row.classes.map(({ name }) => name)))].sort();
  const option = (value: string, text: string, is: string): Html =>
    html`<option value="${value}"${value === is ? html` selected` : undefined}>${text}</option>`;
  const order = queryText(asked);
  return html`<form class="filters" method="get" data-auto role="search" aria-label="Filter hotkeys">
<label class="grow">Hotkey or uid<input type="search" name="q" value="${asked.q}" maxlength="64" autocomplete="off" spellcheck="false"></label>
<label>Class<select name="class">${option('', 'all', asked.class)}${classes.map((name) => option(name, name, asked.class))}</select></label>
<label>Show<select name="state">${STATES.map((state) => option(state === 'all' ? '' : state, STATE_NAMES[state], asked.state === 'all' ? '' : asked.state))}</select></label>
<label>Rows<select name="rows">${[...PAGE_ROWS].sort((a, b) => a - b).map((rows) => option(rows === PAGE_ROWS[0] ? '' : `${rows}`, `${rows}`, asked.rows === PAGE_ROWS[0] ? '' : `${asked.rows}`))}</select></label>
${(['sort', 'order'] as const).map((name) => (order[name] === undefined ? none : html`<input type="hidden" name="${name}" value="${order[name]}">`))}
<button type="submit">Show</button>
</form>`;
}

const STATE_NAMES: Readonly<Record<State, string>> = {
  all: 'all',
  paid: 'paid',
  unpaid: 'paid nothing',
  rejected: 'with rejections',
  silent: 'never checked',
};

/** What nobody here can know has no column. */
function columns(
  request: PageRequest,
  asked: LeaderQuery,
  chain: ChainFacts | undefined,
): TableColumn<LeaderRow>[] {
  const { links, isStatic } = request;
  const sortable = (sort: Sort, text: string): Pick<TableColumn<LeaderRow>, 'heading' | 'sorted'> => {
    const isNow = asked.sort === sort;
    if (isStatic) return { heading: text, sorted: isNow ? 'descending' : undefined };
    const next = { ...asked, sort, page: 1, isAscending: isNow ? !asked.isAscending : isUsuallyUp(sort) };
    return {
      heading: html`<a class="sort" href="${links.page('leaderboard', [], queryText(next))}">${text}</a>`,
      sorted: isNow ? (asked.isAscending ? 'ascending' : 'descending') : undefined,
    };
  };
  const isLinked = links.has('miner');
  return [
    {
      ...sortable('hotkey', 'Hotkey'),
      kind: 'text',
      cell: ({ hotkey, isOwner, isRegistered }) =>
        html`${key(hotkey, { href: isLinked ? links.page('miner', [hotkey]) : undefined })}${isOwner ? html` ${badge('quiet', 'burns', 'the subnet owner’s: what it is given is burned')}` : undefined}${isRegistered === false ? html` ${badge('warn', 'gone', 'not registered any more')}` : undefined}`,
    },
    ...ifOnly(chain, {
      ...sortable('uid', 'UID'),
      optional: true,
      cell: ({ uid }) => (uid === undefined ? unknown : `${uid}`),
    }),
    {
      ...sortable('class', 'Class'),
      kind: 'text',
      cell: ({ classes, simulated }) =>
        classes.length === 0
          ? html`<span class="quiet">none proven</span>`
          : html`${classNames(classes)}${simulated ? html` <span class="optional">${badge('quiet', 'simulated')}</span>` : undefined}`,
    },
    { ...sortable('score', 'Score'), cell: ({ score }) => percent(score, 2) },
    ...ifOnly(chain?.weights, {
      ...sortable('weight', 'Weight'),
      optional: true,
      cell: ({ weight }) => percent(weight, 2),
    }),
    ...ifOnly(chain, {
      ...sortable('incentive', 'Incentive'),
      cell: ({ incentive }) => percent(incentive, 2),
    }),
    ...ifOnly(chain, {
      ...sortable('alpha', 'Alpha/day'),
      cell: ({ alphaPerDayRao, isOwner }) =>
        isOwner && alphaPerDayRao !== undefined
          ? html`<span class="quiet">burned</span>`
          : tokens(alphaPerDayRao, 2),
    }),
    {
      heading: `${EPOCHS} epochs`,
      optional: true,
      cell: ({ trend }) => sparkline(trend, { label: 'credit', top: 1 }),
    },
    { ...sortable('accepted', 'Accepted'), cell: ({ accepted }) => `${accepted}` },
    {
      ...sortable('rejected', 'Rejected'),
      cell: ({ rejected, lastRejection }) =>
        rejected === 0
          ? '0'
          : html`${rejected}${lastRejection === undefined ? undefined : html` ${badge('bad', lastRejection)}`}`,
    },
    {
      heading: 'Proven',
      kind: 'text',
      optional: true,
      cell: ({ credit }) => provenText(credit),
    },
  ];
}

/** Of more classes than a line has room for the most frequent ones; a filter finds the others, the miner's page has them all. */
const SHOWN_CLASSES = 2;

function classNames(classes: LeaderRow['classes']): Html {
  const texts = classes.map(({ name, slots }) => `${name}${slots > 1 ? ` ×${slots}` : ''}`);
  const more = texts.slice(SHOWN_CLASSES);
  return html`${texts.slice(0, SHOWN_CLASSES).join(', ')}${more.length === 0 ? undefined : moreOf(more.length, more.join(', '))}`;
}

/** One line: the first amount; the miner's page has all of them. */
function provenText(credit: Credit): Html {
  const first = firstAmount(credit);
  if (!first) return unknown;
  const { what, amount, more } = first;
  return html`<span title="${what}">${amount}</span>${more === 0 ? undefined : moreOf(more, vectorText(credit))}`;
}

const moreOf = (count: number, title: string): Html =>
  html` <span class="quiet" title="${title}">+${count}<span class="sr"> more</span></span>`;

const ifOnly = (known: unknown, column: TableColumn<LeaderRow>): TableColumn<LeaderRow>[] =>
  known === undefined ? [] : [column];

const isUsuallyUp = (sort: Sort): boolean => sort === 'hotkey' || sort === 'uid' || sort === 'class';

function pager(
  request: PageRequest,
  asked: LeaderQuery,
  { rows, found, page, pages }: LeaderSelection,
): Html {
  if (found === 0) return none;
  const from = (page - 1) * asked.rows + 1;
  const to = from + rows.length - 1;
  const href = (at: number): string =>
    request.isStatic
      ? request.links.page('leaderboard', at === 1 ? [] : [`${at}`])
      : request.links.page('leaderboard', [], queryText({ ...asked, page: at }));
  const near = new Set(
    [1, page - 2, page - 1, page, page + 1, page + 2, pages].filter((at) => at >= 1 && at <= pages),
  );
  const links = [...near].map(
    (at) =>
      html`<li><a class="button" href="${href(at)}"${at === page ? html` aria-current="page"` : undefined}><span class="sr">Page </span>${at}</a></li>`,
  );
  return html`<div class="pager"><span>${from}–${to} of ${number(found)}</span>${pages > 1 ? html`<nav aria-label="Pages of the table"><ul class="pages">${links}</ul></nav>` : undefined}</div>`;
}

const legend = (): Html =>
  html`<details><summary>What the columns say</summary><dl class="facts">
<dt>Class</dt><dd>of the newest accepted proofs: by what was proven where that tells, else by the parameter set that was claimed.</dd>
<dt>Proven</dt><dd>the newest accepted amounts of all slots in these epochs, added up: the first of them, and how many more the miner’s page has.</dd>
<dt>Accepted, Rejected</dt><dd>checks of the last ${EPOCHS} epochs, and why the newest rejected one was. What was the validator’s fault counts for nobody.</dd>
<dt>Score</dt><dd>share of this validator’s newest pay, by the subnet’s policy.</dd>
<dt>Weight</dt><dd>share of this validator’s row as it stands on the chain.</dd>
<dt>Incentive</dt><dd>what the chain made of all validators’ rows in its last epoch.</dd>
<dt>Alpha/day</dt><dd>what the last epoch assigned for incentive, for as many epochs as a day has. It is no promise: pools and others’ work change it.</dd>
<dt>${EPOCHS} epochs</dt><dd>mean credit of each epoch; full height is all that the class is expected to prove.</dd>
</dl></details>`;
