// Owns: a miner's own story: every check with its reason, its times beside its class's, what it earns and how that is made. Does not
// own: what is in it (view.ts, charts.ts).
import { invalid } from '../../model/invalid-input.js';
import { amountsOf, vectorText } from '../amounts.js';
import type { Check, Standing } from '../history.js';
import type { Page, PageAnswer, PageRequest } from '../page.js';
import {
  badge,
  card,
  empty,
  type Html,
  html,
  key,
  none,
  notice,
  percent,
  table,
  tiles,
  time,
  tokens,
  unknown,
} from '../parts.js';
import { meaningOf } from '../reasons.js';
import { creditChart, timingChart } from './charts.js';
import { type Earning, earningOf, type MinerSource, type MinerStory, storyOf, type Timing } from './view.js';

export interface MinerPageSource extends MinerSource {
  /** whose page `/miner/` is; undefined where anybody's is asked for */
  readonly own?: string | undefined;
  /** how who shows this judges a check again */
  readonly replay?: ((outcome: string, of: Pick<PageRequest, 'isStatic'>) => string) | undefined;
  /** why a hotkey was paid nothing, or less, by the newest pay; undefined where it was not, or nobody knows */
  readonly why?: ((hotkey: string) => PayWhy | undefined) | undefined;
}

export interface PayWhy {
  readonly epoch: number;
  readonly zero: string | undefined;
  readonly cuts: readonly { readonly why: string; readonly pool: string; readonly factor: number }[];
}

const HOTKEY = /^[1-9A-HJ-NP-Za-km-z]{46,50}$/;
const PAGE_ROWS = 100;
const STATIC_ROWS = 50;

export function createMinerPage(source: MinerPageSource): Page {
  return {
    name: 'miner',
    label: 'Miner',
    version: () =>
      `${source.history?.revision ?? 0}/${source.receipts?.revision ?? 0}/${source.chain()?.readMs ?? 0}`,
    render(request) {
      const hotkey = request.rest[0] ?? (request.query.get('hotkey')?.trim() || source.own);
      if (request.rest.length > 1) return notThere(request, 'A hotkey has one page.');
      if (hotkey === undefined)
        return {
          title: 'Miner',
          body: request.isStatic
            ? empty('Each hotkey of the leaderboard has a page: follow its link.')
            : search(request, ''),
        };
      if (!HOTKEY.test(hotkey))
        return {
          status: 400,
          title: 'This is no hotkey',
          body: html`${notice('bad', 'A hotkey is an SS58 address: 48 letters and digits that begin with 5.')}${search(request, hotkey.slice(0, 64))}`,
        };
      const story = storyOf(source, hotkey);
      const neuron = source.chain()?.neurons.find((each) => each.hotkey === hotkey);
      if (!story && !neuron && hotkey !== source.own)
        return notThere(
          request,
          source.chain()
            ? 'This hotkey is not registered on the subnet, and was not checked in the epochs that are known here.'
            : 'This hotkey was not checked in the epochs that are known here.',
          hotkey,
        );
      return answerOf(source, request, hotkey, story);
    },
    *exports() {
      // the leaderboard links whoever is registered, checked or not
      const hotkeys = new Set<string>(source.history?.hotkeys());
      for (const { hotkey } of source.chain()?.neurons ?? []) hotkeys.add(hotkey);
      for (const hotkey of hotkeys) yield [hotkey];
    },
  };
}

const NO_CHECKS =
  'It is registered, and nobody here has checked it yet: the first event that asks it comes with the next blocks that are drawn.';
const NO_RECEIPTS =
  'No validator has sent a receipt yet: one comes after each check. Whether any has called, `assay miner callers` says; what keeps them away, `assay miner doctor`.';

const notThere = (request: PageRequest, why: string, hotkey = ''): PageAnswer => ({
  status: 404,
  title: 'No such miner here',
  body: html`${notice('warn', why)}${search(request, hotkey)}`,
});

const search = ({ isStatic, links }: PageRequest, value: string): Html =>
  isStatic
    ? none
    : html`<form class="filters" method="get" action="${links.page('miner')}" role="search" aria-label="Find a miner">
<label class="grow">Hotkey<input type="search" name="hotkey" value="${value}" maxlength="64" autocomplete="off" spellcheck="false"></label><button type="submit">Show</button></form>`;

function answerOf(
  source: MinerPageSource,
  request: PageRequest,
  hotkey: string,
  story: MinerStory | undefined,
): PageAnswer {
  const chain = source.chain();
  const earning = earningOf(chain, hotkey);
  const standing = source.history?.standing(hotkey);
  const neuron = chain?.neurons.find((each) => each.hotkey === hotkey);
  const copy = html` <button type="button" hidden data-copy="hotkey">Copy</button>`;
  const body = html`${tiles(tilesOf(source, hotkey, story, earning))}
${why(source, hotkey)}
${story ? none : empty(hotkey === source.own ? NO_RECEIPTS : NO_CHECKS)}
<div class="grid">
${earning ? earns(earning, source, hotkey) : none}
${story ? card('reasons', 'What became of its checks', reasons(story), `The newest ${story.checks.length}.`) : none}
${story ? card('credit', 'Credit over time', creditChart(story.credit, story.of), `Mean of each ${story.of}; the dashed line is all that the class is expected to prove.`) : none}
${story ? card('timing', 'Time within its window', html`${timingChart(story.checks, story.timings, source.parameters)}${timingTable(story.timings)}`, 'From Go to the first Commit, on the validator’s clock. The band is where eight in ten of the class are.') : none}
</div>
${standing && standing.proven.length > 0 ? provenCard(standing.proven, source) : none}
${story ? checksCard(source, request, hotkey, story) : none}`;
  const classes = story?.timings.flatMap(({ className }) => className ?? []) ?? [];
  return {
    title: `Miner ${hotkey.slice(0, 8)}…`,
    heading: html`Miner <code id="hotkey">${hotkey}</code>${copy}`,
    lead: html`${neuron ? html`uid ${neuron.uid}` : chain ? badge('warn', 'not registered') : none}${classes.length > 0 ? html` · ${[...new Set(classes)].join(', ')}` : none}${standing && Object.keys(standing.credit).length > 0 ? html` · proven ${vectorText(standing.credit)}` : none}`,
    body,
  };
}

function tilesOf(
  { history }: MinerPageSource,
  hotkey: string,
  story: MinerStory | undefined,
  earning: Earning | undefined,
): Parameters<typeof tiles>[0] {
  const scored = history?.scoredRow();
  const counted = story?.checks.filter(({ verdict }) => verdict !== 'inconclusive') ?? [];
  const accepted = counted.filter(({ verdict }) => verdict === 'accepted').length;
  return [
    ...(scored
      ? [
          {
            what: 'Score',
            value: percent(scored.shares.get(hotkey) ?? 0, 2),
            how: `share of this validator’s pay of epoch ${scored.epoch}`,
          },
        ]
      : []),
    {
      what: 'Incentive',
      value: earning ? percent(earning.incentive, 2) : unknown,
      how: 'the chain’s last epoch, all validators',
    },
    {
      what: 'Alpha a day',
      value: earning ? (earning.isBurned ? 'burned' : tokens(earning.perDayRao, 2)) : unknown,
      how:
        earning?.taoPerDayRao === undefined || earning.isBurned
          ? 'as the last epoch paid'
          : html`${tokens(earning.taoPerDayRao, 4)} TAO at the pool’s price`,
    },
    {
      what: 'Accepted',
      value: counted.length === 0 ? unknown : percent(accepted / counted.length),
      how: `${accepted} of ${counted.length} checks that were judged`,
    },
    ...(story && story.validators.length > 1
      ? [{ what: 'Validators', value: `${story.validators.length}`, how: 'that sent receipts' }]
      : []),
  ];
}

function why({ why: ask }: MinerPageSource, hotkey: string): Html {
  const said = ask?.(hotkey);
  if (!said) return none;
  const cuts = said.cuts.map(
    ({ why: reason, pool, factor }) => html`<li>${reason}: × ${factor.toFixed(4)} in pool ${pool}</li>`,
  );
  const [tone, text] =
    said.zero === undefined
      ? (['warn', `Paid less in epoch ${said.epoch}`] as const)
      : (['bad', `Paid nothing in epoch ${said.epoch}: ${ZERO[said.zero] ?? said.zero}`] as const);
  return html`${notice(tone, text)}${cuts.length > 0 ? html`<ul>${cuts}</ul>` : none}`;
}

/** What `ZeroWhy` of scoring means to whoever is not paid. */
const ZERO: Readonly<Record<string, string>> = {
  'no-event': 'this validator completed no event.',
  'not-challenged': 'no slot of it was challenged: nothing was claimed, or it registered too late.',
  'never-accepted': 'nothing it sent was accepted. The reasons are below.',
  'carry-ended': 'it could not be judged for longer than a score is carried; that is the validator’s fault.',
  'no-price': 'the policy pays nothing for what was accepted.',
  'no-credit': 'the policy pays for rollouts or used time, and there is none.',
  'not-registered': 'it is not registered.',
  quarantine: 'it is in quarantine for what it sent.',
  maintenance: 'its slots were in declared maintenance for all of the epoch.',
  'by-rule': 'the subnet’s own scoring rule gives its owner nothing.',
  'cut-to-nothing': 'the policy’s cuts took all of it.',
  'too-small': 'what is left is too small to be told from nothing.',
};

function earns(earning: Earning, { history }: MinerPageSource, hotkey: string): Html {
  const credit = history?.standing(hotkey)?.trend.findLast((share) => share !== undefined);
  const perCredit = credit !== undefined && credit > 0 ? Number(earning.perDayRao) / 1e9 / credit : undefined;
  return card(
    'earning',
    'What it earns, and how',
    html`<dl class="facts">
<dt>Miners together</dt><dd>${tokens(earning.allRao, 4)} alpha in the last epoch</dd>
<dt>Its part</dt><dd>× ${(earning.incentive * 100).toFixed(4)} % incentive = ${tokens(earning.ownRao, 4)} alpha</dd>
<dt>A day</dt><dd>× ${earning.epochsPerDay.toFixed(2)} epochs = ${tokens(earning.perDayRao, 4)} alpha${earning.taoPerDayRao === undefined ? none : html`, ${tokens(earning.taoPerDayRao, 6)} TAO at the pool’s price, before what selling moves it`}</dd>
<dt>A point of incentive</dt><dd>1 % is ${tokens(earning.pointPerDayRao, 4)} alpha a day</dd>
${perCredit === undefined ? none : html`<dt>A point of credit</dt><dd>its mean credit of the newest epoch, ${credit!.toFixed(3)}, brings what it earns: 0.01 of it is ${(perCredit / 100).toFixed(4)} alpha a day</dd>`}
</dl>${earning.isBurned ? notice('info', 'This is a hotkey of the subnet’s owner: what it is given is burned.') : none}`,
    'Emission is the chain’s, of its last epoch. The next one may differ: others prove more or less, and the pool moves.',
  );
}

function provenCard(proven: Standing['proven'], { parameters }: MinerSource): Html {
  return card(
    'proven',
    'What it has proven',
    table(
      'Proven, by slot',
      [
        { heading: 'Slot', cell: ({ slot }) => `${slot}` },
        {
          heading: 'Class',
          kind: 'text',
          cell: ({ credit, paramsId, kind, simulated }) =>
            html`${parameters.classOf(credit) ?? parameters.set(paramsId)?.className ?? kind}${simulated ? html` ${badge('quiet', 'simulated')}` : none}`,
        },
        {
          heading: 'Amounts',
          kind: 'text',
          cell: ({ credit }) =>
            html`${amountsOf(credit).map(({ what, amount }, i) => html`${i === 0 ? '' : ' · '}<span title="${what}">${amount}</span>`)}`,
        },
        { heading: 'Credit', cell: ({ share }) => share.toFixed(3) },
        { heading: 'Time, UTC', kind: 'text', optional: true, cell: ({ atMs }) => time(atMs) },
      ],
      proven,
    ),
    'The newest accepted proof of each slot: what it is paid by. Credit 1 is all that its class is expected to prove.',
  );
}

function reasons({ counts }: MinerStory): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Outcomes by reason"><table><caption>Outcomes by reason</caption><thead><tr><th scope="col" class="text">Outcome</th><th scope="col">Checks</th><th scope="col" class="text">What it means</th></tr></thead><tbody>
${counts.map(({ verdict, reason, count }) => {
  const meaning = meaningOf(reason);
  return html`<tr><th scope="row" class="text">${verdictBadge(verdict, reason)}</th><td>${count}</td><td class="text wrap">${meaning ? html`${meaning.means} <span class="quiet">${meaning.fix}</span>` : verdict === 'accepted' ? 'Proven.' : unknown}</td></tr>
`;
})}</tbody></table></div>`;
}

function timingTable(timings: readonly Timing[]): Html {
  return table(
    'Times by parameter set',
    [
      {
        heading: 'Class',
        kind: 'text',
        cell: ({ className, paramsId }) => className ?? key(paramsId, { ends: 4 }),
      },
      { heading: 'Window', cell: ({ windowMs }) => ms(windowMs) },
      { heading: 'Its median', cell: ({ ownMs }) => ms(ownMs) },
      {
        heading: 'Class 10–90 %',
        cell: ({ band }) => (band ? `${band.p10.toFixed(0)}–${band.p90.toFixed(0)} ms` : unknown),
      },
      { heading: 'Checks', cell: ({ checks }) => `${checks}` },
    ],
    timings,
  );
}

const ms = (value: number | undefined): Html | string =>
  value === undefined ? unknown : `${value.toFixed(0)} ms`;

const TONES = { accepted: 'good', rejected: 'bad', inconclusive: 'warn' } as const;
const verdictBadge = (verdict: Check['verdict'], reason: string): Html =>
  badge(TONES[verdict], reason === '' ? verdict : `${verdict}: ${reason}`, meaningOf(reason)?.means);

function checksCard(source: MinerPageSource, request: PageRequest, hotkey: string, story: MinerStory): Html {
  const rows = request.isStatic ? STATIC_ROWS : PAGE_ROWS;
  const pages = request.isStatic ? 1 : Math.max(1, Math.ceil(story.checks.length / rows));
  const page = Math.min(pageOf(request), pages);
  const shown = story.checks.slice((page - 1) * rows, page * rows);
  const example =
    story.checks.find(({ id, verdict }) => id !== '' && verdict === 'rejected') ?? story.checks[0];
  const many = story.validators.length > 1;
  const body = html`${table(
    'Checks, newest first',
    [
      { heading: 'Time, UTC', kind: 'text', cell: ({ atMs }) => time(atMs) },
      { heading: 'Block', cell: ({ block }) => `${block}` },
      { heading: 'Epoch', optional: true, cell: ({ epoch }) => (epoch === undefined ? unknown : `${epoch}`) },
      ...(many
        ? [
            {
              heading: 'Validator',
              kind: 'text' as const,
              cell: ({ validator }: Check) => key(validator, { ends: 5 }),
            },
          ]
        : []),
      { heading: 'Slot', cell: ({ slot }) => `${slot}` },
      {
        heading: 'Class',
        kind: 'text',
        optional: true,
        cell: ({ kind, paramsId, liveness }) =>
          html`${source.parameters.set(paramsId)?.className ?? kind ?? unknown}${liveness ? html` ${badge('quiet', 'still there?', 'a check between events: it credits nothing')}` : none}`,
      },
      { heading: 'Outcome', kind: 'text', cell: ({ verdict, reason }) => verdictBadge(verdict, reason) },
      { heading: 'Measured', cell: ({ measuredMs }) => ms(measuredMs) },
      { heading: 'Of window', optional: true, cell: (check) => ofWindow(source, check) },
      { heading: 'Credit', cell: ({ share, verdict }) => (verdict === 'accepted' ? share.toFixed(3) : '0') },
      {
        heading: 'Evidence',
        kind: 'text',
        cell: ({ id }) => (id === '' ? unknown : html`<code title="${id}">${id.slice(0, 12)}</code>`),
      },
    ],
    shown,
  )}${pager(request, hotkey, page, pages)}${replay(source, request, example)}`;
  return card(
    'checks',
    'Checks',
    body,
    `${story.isCut ? 'The newest' : 'All'} ${story.checks.length} that are known here, newest first.`,
  );
}

function ofWindow({ parameters }: MinerSource, { paramsId, measuredMs }: Check): Html | string {
  const window = parameters.set(paramsId)?.windowMs;
  return window === undefined || measuredMs === undefined ? unknown : percent(measuredMs / window, 0);
}

function replay(
  { replay: command, receipts }: MinerPageSource,
  request: PageRequest,
  check: Check | undefined,
): Html {
  if (!check || check.id === '') return none;
  if (command)
    return html`<h3>Judge a check again</h3><p class="about">From the bytes that are kept, with fresh projections. Evidence of accepted checks is kept for some of them.</p><pre id="replay">${command(check.id, request)}</pre><button type="button" hidden data-copy="replay">Copy</button>`;
  if (receipts)
    return html`<h3>Evidence</h3><p class="about">Each row is a receipt in its validator’s signature. Its evidence is with the validator, who judges it again with:</p><pre id="replay">assay validator replay ${check.id}</pre><button type="button" hidden data-copy="replay">Copy</button>`;
  return none;
}

function pager(request: PageRequest, hotkey: string, page: number, pages: number): Html {
  if (pages <= 1) return none;
  const link = (at: number, text: string): Html =>
    html`<li><a class="button" href="${request.links.page('miner', [hotkey], { page: at === 1 ? undefined : `${at}` })}#checks">${text}</a></li>`;
  return html`<div class="pager"><span>Page ${page} of ${pages}</span><nav aria-label="Pages of checks"><ul class="pages">${page > 1 ? link(page - 1, 'Newer') : none}${page < pages ? link(page + 1, 'Older') : none}</ul></nav></div>`;
}

function pageOf({ query, isStatic }: PageRequest): number {
  const given = isStatic ? '1' : (query.get('page') ?? '1');
  if (/^[1-9]\d{0,4}$/.test(given)) return Number(given);
  throw invalid('page', 'a whole number from 1', given.slice(0, 40));
}
