// Owns: the page of rounds: who is challenged, what is due, what waits, verdicts as they come. Does not own: what is noted (book.ts).
import type { Hub } from '../hub.js';
import { linksFrom } from '../layout.js';
import type { Links, Page, PageRequest } from '../page.js';
import {
  badge,
  card,
  duration,
  empty,
  type Html,
  html,
  key,
  live,
  number,
  stranger,
  type Tone,
  table,
  tiles,
  time,
  unknown,
} from '../parts.js';
import type { RoundsBook, RoundsView, RoundView, SessionView, Stage } from './book.js';

export const ROUNDS_TOPIC = 'rounds';

export interface RoundsSource {
  readonly book: Pick<RoundsBook, 'view' | 'revision'>;
  /** what of it is read from a ledger alone: sessions are known when they are judged */
  readonly isLedgerAlone: boolean;
}

export const createRoundsPage = ({ book, isLedgerAlone }: RoundsSource): Page => ({
  name: 'rounds',
  label: 'Rounds',
  render({ links, nowMs, isStatic }: PageRequest) {
    const about = isLedgerAlone
      ? html`Read from the ledger as it is written: who is challenged is known when it is judged.`
      : html`What this validator does now.`;
    return {
      title: 'Rounds',
      lead: html`${about}${isStatic ? undefined : html` <span data-stream></span>`}`,
      body: html`${live(ROUNDS_TOPIC, roundsInside(book.view(), { nowMs, links }))}
<noscript><p class="about">Without scripts this page stands still: load it again for what came since.</p></noscript>`,
      topics: [ROUNDS_TOPIC],
    };
  },
});

/** A fragment is at most this, of all rounds under way together; what is more is counted. */
const SHOWN_SESSIONS = 60;
const SHOWN_VERDICTS = 30;
const SHOWN_ROUNDS = 16;
const SHOWN_NOW = 3;

const isOver = ({ state }: RoundView): boolean => state !== 'announced' && state !== 'running';

/** The inside of the live region: the same on the page and in events. */
export function roundsInside(
  view: RoundsView,
  { nowMs, links }: { readonly nowMs: number; readonly links: Links },
): Html {
  const open = view.rounds.filter((round) => !isOver(round));
  const now = open.slice(0, SHOWN_NOW);
  return html`${statusTiles(view)}
${
  now.length === 0
    ? card(
        'now',
        'Now',
        empty(
          view.rounds.length === 0
            ? 'No event has been begun yet. They are drawn from the chain, some in every epoch.'
            : 'No event is under way.',
        ),
      )
    : now.map((round, i) =>
        roundCard(round, i, { nowMs, links, head: view.status?.head, most: shownOf(now)[i]! }),
      )
}${open.length > now.length ? html`<p class="about">and ${open.length - now.length} that began before are under way still</p>` : undefined}
<div class="grid">
${card('verdicts', 'Newest verdicts', verdictTable(view, links))}
${card('rounds', 'Rounds before', roundTable(view))}
</div>`;
}

/** How many sessions of each are listed: what some do not need, others have. */
function shownOf(rounds: readonly RoundView[]): readonly number[] {
  const shown = new Map<RoundView, number>();
  let left = SHOWN_SESSIONS;
  const smallFirst = [...rounds].sort((x, y) => x.sessions.length - y.sessions.length);
  for (const [i, round] of smallFirst.entries()) {
    const own = Math.min(round.sessions.length, Math.floor(left / (smallFirst.length - i)));
    shown.set(round, own);
    left -= own;
  }
  return rounds.map((round) => shown.get(round)!);
}

function statusTiles({ status }: RoundsView): Html | undefined {
  if (!status) return undefined;
  const { queue, verifiers, weightsStage } = status;
  const waiting = queue && Object.values(queue.waiting).reduce((sum, count) => sum + count, 0);
  return tiles([
    { what: 'Head', value: `${status.head}`, how: `epoch ${status.epoch}` },
    {
      what: 'Permit',
      value: status.permit ? 'yes' : 'no',
      how: status.permit ? 'may set weights' : 'may set none: no event is begun',
    },
    {
      what: 'Under way',
      value: `${status.running}`,
      unit: 'events',
      how: `${status.events} completed since the start`,
    },
    {
      what: 'Queue',
      value: waiting === undefined ? unknown : `${waiting}`,
      unit: 'waiting',
      how: queue
        ? (queue.stopped ??
          html`${queue.active} in hand, ${number(queue.bytes / 1e6)} MB, ${queue.setAside} set aside`)
        : 'judged as they come',
    },
    ...(verifiers
      ? [
          {
            what: 'Unanswered',
            value: `${verifiers.unjudged + verifiers.poison}`,
            how: 'left by verifier threads',
          },
        ]
      : []),
    {
      what: 'Weights',
      value: weightsStage ? weightsStage.stage : unknown,
      how: weightsStage
        ? html`of epoch ${weightsStage.epoch}${weightsStage.reason === undefined ? undefined : html`: ${stranger(weightsStage.reason, 120)}`}`
        : 'none yet',
    },
  ]);
}

const PURPOSES = { event: 'Event', check: 'Check' } as const;

function roundCard(
  round: RoundView,
  i: number,
  {
    nowMs,
    links,
    head,
    most,
  }: {
    readonly nowMs: number;
    readonly links: Links;
    readonly head: number | undefined;
    readonly most: number;
  },
): Html {
  const { purpose, block, epoch, state, goMs, sessions, stages, isWatched } = round;
  const left = head === undefined ? undefined : block - head;
  const about =
    state === 'announced'
      ? html`Slots are armed${left === undefined || left < 0 ? '' : `; its block comes in ${left}`}.`
      : goMs === undefined
        ? html`Begun.`
        : html`Go left ${duration(nowMs - goMs)} ago, at ${time(goMs)} UTC.`;
  const order: Readonly<Record<Stage, number>> = { verifying: 0, challenged: 1, armed: 2, judged: 3 };
  const shown = [...sessions]
    .sort((x, y) => order[x.stage] - order[y.stage] || (x.dueMs ?? 0) - (y.dueMs ?? 0))
    .slice(0, most);
  return card(
    `round-${i}`,
    `${PURPOSES[purpose]} of block ${block}`,
    html`${stageBar(round)}
${
  sessions.length === 0
    ? empty(isWatched ? 'Miners are asked what they claim.' : 'No verdict yet.')
    : table(
        `Sessions of block ${block}`,
        [
          { heading: 'miner', kind: 'text', cell: ({ miner }) => minerOf(miner, links) },
          { heading: 'proof', kind: 'text', cell: ({ kind, slot }) => html`${kind}, slot ${slot}` },
          { heading: 'is', kind: 'text', cell: stageOf },
          { heading: 'due', cell: ({ dueMs, stage }) => dueOf(dueMs, stage, nowMs) },
        ],
        shown,
      )
}${sessions.length > shown.length ? html`<p class="about">and ${sessions.length - shown.length} more: ${stages.judged} judged, ${stages.verifying} being verified</p>` : undefined}`,
    html`Epoch ${epoch}. ${about}`,
  );
}

function stageBar({ stages, sessions, purpose, block }: RoundView): Html | undefined {
  const all = sessions.length;
  if (all === 0) return undefined;
  const parts = [
    ['judged', stages.judged, 'h4'],
    ['being verified', stages.verifying, 'h3'],
    ['at work', stages.challenged, 'h2'],
    ['armed', stages.armed, 'h1'],
  ] as const;
  let x = 0;
  const bars = parts.map(([, count, tone]) => {
    const width = (400 * count) / all;
    const bar = html`<rect class="${tone}" x="${x.toFixed(1)}" y="2" width="${width.toFixed(1)}" height="12"/>`;
    x += width;
    return bar;
  });
  const text = parts.map(([name, count]) => `${count} ${name}`).join(', ');
  return html`<svg class="chart bar" viewBox="0 0 400 16" preserveAspectRatio="none" role="img" aria-label="${PURPOSES[purpose]} of block ${block}: of ${all} sessions ${text}">${bars}</svg><p class="about">${text}</p>`;
}

const minerOf = (miner: string, links: Links): Html =>
  key(miner, links.has('miner') ? { href: links.page('miner', [miner]) } : {});

const STAGE_TEXTS: Readonly<Record<Stage, string>> = {
  armed: 'armed',
  challenged: 'at work',
  verifying: 'being verified',
  judged: 'over',
};

const stageOf = ({ stage, outcome }: SessionView): Html =>
  outcome
    ? verdictBadge(outcome.verdict)
    : badge(stage === 'verifying' ? 'info' : 'quiet', STAGE_TEXTS[stage]);

const TONES: Readonly<Record<'accepted' | 'rejected' | 'inconclusive', Tone>> = {
  accepted: 'good',
  rejected: 'bad',
  inconclusive: 'warn',
};

function verdictBadge(verdict: NonNullable<SessionView['outcome']>['verdict']): Html {
  const why =
    verdict.kind === 'rejected'
      ? verdict.reason
      : verdict.kind === 'inconclusive'
        ? verdict.cause
        : undefined;
  return badge(TONES[verdict.kind], why === undefined ? verdict.kind : `${verdict.kind}: ${why}`);
}

function dueOf(dueMs: number | undefined, stage: Stage, nowMs: number): Html | string {
  if (stage === 'judged') return '';
  if (dueMs === undefined) return unknown;
  return dueMs >= nowMs ? `in ${duration(dueMs - nowMs)}` : html`${duration(nowMs - dueMs)} ago`;
}

function verdictTable({ verdicts }: RoundsView, links: Links): Html {
  return table(
    'Newest verdicts',
    [
      { heading: 'at', kind: 'text', cell: ({ outcome }) => timeOfDay(outcome.at) },
      { heading: 'miner', kind: 'text', cell: ({ outcome }) => minerOf(outcome.miner, links) },
      { heading: 'verdict', kind: 'text', cell: ({ outcome }) => verdictBadge(outcome.verdict) },
      {
        heading: 'proof',
        kind: 'text',
        optional: true,
        cell: ({ outcome }) => html`${outcome.kind}, slot ${outcome.slot}`,
      },
      {
        heading: 'ms',
        optional: true,
        cell: ({ outcome: { measuredMs } }) => (measuredMs === undefined ? unknown : measuredMs.toFixed(0)),
      },
    ],
    verdicts.slice(0, SHOWN_VERDICTS),
    { whenEmpty: 'No verdict yet.' },
  );
}

/** Of a list of minutes the date would be noise. */
const timeOfDay = (ms: number): Html => {
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}" title="${iso}">${iso.slice(11, 19)}</time>`;
};

const STATES: Readonly<Record<RoundView['state'], readonly [tone: Tone, text: string, title?: string]>> = {
  announced: ['info', 'announced'],
  running: ['info', 'running'],
  complete: ['good', 'complete'],
  dropped: ['warn', 'dropped', 'it counts for nobody'],
  unended: ['warn', 'no end', 'its end is not in the ledger: it was dropped, or is being verified still'],
};

function roundTable({ rounds }: RoundsView): Html {
  return table(
    'Rounds before',
    [
      { heading: 'block', cell: ({ block }) => `${block}` },
      {
        heading: 'is',
        kind: 'text',
        cell: ({ purpose, state }) => html`${purpose} ${badge(...STATES[state])}`,
      },
      { heading: 'accepted', cell: ({ counts }) => `${counts.accepted}` },
      { heading: 'rejected', cell: ({ counts }) => `${counts.rejected}` },
      {
        heading: 'neither',
        cell: ({ counts: { inconclusive, declined } }) =>
          declined === 0 ? `${inconclusive}` : html`${inconclusive}, ${declined} declined`,
      },
    ],
    rounds.filter(isOver).slice(0, SHOWN_ROUNDS),
    { whenEmpty: 'None is over yet.' },
  );
}

/** Links as the page itself has them. */
const OWN_DEPTH = 1;

/**
 * Tells open pages what is new, at most once in `everyMs`; while nobody listens nothing is rendered. Runs until aborted.
 * @param pages that can be linked
 */
export async function publishRounds(
  {
    book,
    hub,
    pages,
    clock,
  }: {
    readonly book: Pick<RoundsBook, 'view' | 'revision'>;
    readonly hub: Pick<Hub, 'publish' | 'listeners'>;
    readonly pages: readonly Page[];
    readonly clock: { now(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> };
  },
  signal: AbortSignal,
  { everyMs = 1000 }: { everyMs?: number } = {},
): Promise<void> {
  const links = linksFrom(OWN_DEPTH, { pages, isStatic: false });
  let told = -1;
  while (!signal.aborted) {
    await clock.sleep(everyMs, signal);
    const revision = book.revision();
    if (signal.aborted || revision === told || hub.listeners() === 0) continue;
    told = revision;
    hub.publish(ROUNDS_TOPIC, { html: roundsInside(book.view(), { nowMs: clock.now(), links }).text });
  }
}
