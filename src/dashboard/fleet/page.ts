// Owns: the page of a miner's fleet, its operator's alone: hosts, slots, jobs, cards, earnings. Does not own: the numbers (view.ts).
import type { SessionEnd } from '../../miner/status.js';
import type { Page, PageRequest } from '../page.js';
import {
  badge,
  card,
  duration,
  empty,
  type Html,
  html,
  key,
  notice,
  number,
  percent,
  stranger,
  type Tone,
  table,
  tiles,
  time,
  tokens,
  unknown,
} from '../parts.js';
import { type FleetReading, type FleetView, fleetView, type HostRow, type SlotRow } from './view.js';

export interface FleetSource {
  current(signal: AbortSignal): Promise<FleetReading>;
}

export const createFleetPage = (source: FleetSource): Page => ({
  name: 'fleet',
  label: 'Fleet',
  isPrivate: true,
  async render({ nowMs, links, signal }: PageRequest) {
    const view = fleetView(await source.current(signal), nowMs);
    const { hotkey } = view.reading;
    return {
      title: 'Fleet',
      lead: html`Of ${key(hotkey, { ends: 8, href: links.has('miner') ? links.page('miner', [hotkey]) : undefined })}`,
      body: html`${standing(view, nowMs)}
${tilesOf(view)}
${slotsCard(view, nowMs)}
<div class="grid">
${hostsCard(view, nowMs)}
${cardsCard(view, nowMs)}
</div>
${jobsCard(view)}`,
    };
  },
});

/** What the operator must know first. */
function standing({ reading, said, isOld }: FleetView, nowMs: number): Html | undefined {
  if (!said)
    return notice(
      'warn',
      html`The miner has said nothing of itself: ${stranger('why' in reading.miner ? reading.miner.why : '', 200)}`,
    );
  if (!said.isRunning)
    return notice('bad', html`The miner does not run. This is what it said at ${time(said.writtenMs)} UTC.`);
  if (isOld)
    return notice(
      'bad',
      `The miner has said nothing for ${duration(nowMs - said.writtenMs)}: it hangs, or its disk takes nothing.`,
    );
  const { phase, why } = said.status;
  if (phase === 'serving') return undefined;
  return notice(
    'warn',
    html`The miner is ${phase}${why === undefined ? undefined : html`: ${stranger(why, 200)}`}.`,
  );
}

function tilesOf({ said, slots, day, dayFromMs, earnings, reading }: FleetView): Html {
  const isAtWork = slots.filter(({ phase }) => phase === 'working' || phase === 'armed').length;
  const claimed = slots.filter(({ phase }) => phase !== 'resting' && phase !== 'away').length;
  return tiles([
    {
      what: 'Earns',
      value: earnings ? tokens(earnings.perDayRao, 3) : unknown,
      unit: 'alpha per day',
      how: earnings
        ? html`as the last epoch paid uid ${earnings.uid}; ${tokens(earnings.perDayTaoRao, 4)} TAO at the pool's price, before what selling moves it`
        : reading.chain
          ? 'not registered on the subnet'
          : 'no chain is asked: start the dashboard with one',
    },
    { what: 'Slots', value: `${claimed}`, unit: `of ${slots.length}`, how: `claimed; ${isAtWork} at work` },
    {
      what: 'Checks in 24 hours',
      value: `${day.accepted}`,
      unit: `of ${day.accepted + day.rejected + day.inconclusive}`,
      how: html`accepted; ${day.rejected} rejected${dayFromMs === undefined ? undefined : html`. Of the newest receipts alone: from ${time(dayFromMs)} UTC on`}`,
    },
    { what: 'Credit', value: percent(day.share), how: 'of the class, mean of what was accepted' },
    {
      what: 'Sessions',
      value: said ? `${said.status.sessions.open}` : unknown,
      unit: 'open',
      how: said ? endedText(said.status.sessions.ended) : '',
    },
  ]);
}

const endedText = (ended: Readonly<Record<string, number>>): string => {
  const some = Object.entries(ended).filter(([, count]) => count > 0);
  return some.length === 0
    ? 'none has ended'
    : `ended: ${some.map(([name, count]) => `${count} ${ENDS.get(name) ?? name}`).join(', ')}`;
};

const ENDS: ReadonlyMap<string, string> = new Map<SessionEnd, string>([
  ['receipt', 'with a receipt'],
  ['refused', 'refused by the miner'],
  ['late', 'by a late validator'],
  ['gone', 'by a validator that was gone'],
  ['failed', 'by a failure here'],
]);

const PHASES: Readonly<Record<string, Tone>> = {
  idle: 'good',
  armed: 'info',
  working: 'info',
  resting: 'warn',
  away: 'bad',
};

function slotsCard({ slots }: FleetView, nowMs: number): Html {
  return card(
    'slots',
    'Slots',
    table<SlotRow>(
      'Slots',
      [
        { heading: 'slot', cell: ({ index }) => `${index}` },
        { heading: 'host', kind: 'text', cell: ({ worker }) => stranger(worker, 32) },
        { heading: 'proof', kind: 'text', cell: ({ proof }) => proof },
        {
          heading: 'is',
          kind: 'text',
          cell: ({ phase, why, leased }) =>
            html`${badge(PHASES[phase] ?? 'quiet', phase)}${leased === undefined ? undefined : html` ${badge('info', leased === 'open' ? 'leased' : `leased, ${duration(leased - nowMs)} left`)}`}${why === undefined ? undefined : html` ${stranger(why, 160)}`}`,
        },
        {
          heading: 'checks, 24 h',
          cell: ({ day }) => html`${day.accepted} of ${day.accepted + day.rejected + day.inconclusive}`,
        },
        { heading: 'credit', cell: ({ day }) => percent(day.share) },
        {
          heading: 'device time, 24 h',
          optional: true,
          cell: ({ deviceSeconds }) =>
            deviceSeconds === undefined ? unknown : duration(deviceSeconds * 1000),
        },
        {
          heading: 'last check',
          kind: 'text',
          optional: true,
          cell: ({ last }) =>
            last
              ? html`${last.verdict}${last.reason === '' ? '' : `: ${last.reason}`}, ${duration(nowMs - last.atMs)} ago`
              : unknown,
        },
      ],
      slots,
      { whenEmpty: 'No slot is known: the miner has claimed none yet.' },
    ),
    'Credit is the share of the class that validators signed for. What a slot is paid hangs on the policy: the page of the miner has the arithmetic.',
  );
}

const IS: Readonly<Record<HostRow['is'], readonly [Tone, string]>> = {
  own: ['good', "the miner's own"],
  connected: ['good', 'connected'],
  away: ['bad', 'away'],
  revoked: ['quiet', 'revoked'],
};

function hostsCard({ hosts, reading }: FleetView, nowMs: number): Html {
  const rejected = reading.hosts?.rejected ?? 0;
  return card(
    'hosts',
    'Hosts',
    html`${table<HostRow>(
      'Hosts',
      [
        { heading: 'host', kind: 'text', cell: ({ worker }) => stranger(worker, 32) },
        { heading: 'is', kind: 'text', cell: ({ is }) => badge(...IS[is]) },
        { heading: 'slots', cell: ({ slots }) => `${slots}` },
        { heading: 'way', cell: ({ wayMs }) => (wayMs === undefined ? unknown : `${wayMs.toFixed(1)} ms`) },
        {
          heading: 'seen',
          cell: ({ seenMs }) => (seenMs === undefined ? unknown : html`${duration(nowMs - seenMs)} ago`),
        },
        {
          heading: 'version',
          kind: 'text',
          optional: true,
          cell: ({ version }) => (version === undefined ? unknown : stranger(version, 24)),
        },
        {
          heading: 'address',
          kind: 'text',
          optional: true,
          cell: ({ address }) => (address === undefined ? unknown : stranger(address, 48)),
        },
        {
          heading: 'device time, 24 h',
          optional: true,
          cell: ({ deviceSeconds }) => duration(deviceSeconds * 1000),
        },
      ],
      hosts,
      { whenEmpty: 'No host is known.' },
    )}${rejected > 0 ? notice('warn', `${rejected} strangers dialled in and were rejected: assay miner hosts lists them.`) : undefined}`,
  );
}

/** Above it cards slow themselves down, most of them. */
const HOT_C = 83;

function cardsCard({ reading }: FleetView, nowMs: number): Html {
  const title = 'Cards of this host';
  const { cards } = reading;
  if ('why' in cards)
    return card('cards', title, empty(html`Temperatures are not known: ${stranger(cards.why, 200)}.`));
  return card(
    'cards',
    title,
    table(
      title,
      [
        { heading: 'card', kind: 'text', cell: ({ index, name }) => html`${index} ${stranger(name, 60)}` },
        {
          heading: 'temperature',
          cell: ({ temperatureC: now }) =>
            now === undefined ? unknown : now >= HOT_C ? badge('bad', `${now} °C, hot`) : `${now} °C`,
        },
        {
          heading: 'power',
          cell: ({ powerW, powerLimitW }) =>
            powerW === undefined
              ? unknown
              : html`${powerW.toFixed(0)} W${powerLimitW === undefined ? '' : ` of ${powerLimitW.toFixed(0)}`}`,
        },
        {
          heading: 'busy',
          cell: ({ busyPercent }) => (busyPercent === undefined ? unknown : `${busyPercent} %`),
        },
        {
          heading: 'memory',
          optional: true,
          cell: ({ usedBytes, memoryBytes }) =>
            memoryBytes === undefined
              ? unknown
              : html`${usedBytes === undefined ? unknown : number(usedBytes / 1e9)} of ${number(memoryBytes / 1e9)} GB`,
        },
        {
          heading: 'errors',
          optional: true,
          cell: ({ uncorrectedErrors: errors }) =>
            errors === undefined ? unknown : errors > 0 ? badge('bad', `${errors} uncorrected`) : '0',
        },
      ],
      cards.cards,
      { whenEmpty: 'This host has no card that nvidia-smi knows.' },
    ),
    html`Of the host that the dashboard runs on, ${duration(nowMs - cards.readMs)} ago; other hosts are asked there.`,
  );
}

const SHOWN_JOBS = 40;

function jobsCard({ reading }: FleetView): Html {
  return card(
    'jobs',
    'Newest receipts',
    table(
      'Newest receipts',
      [
        { heading: 'at', kind: 'text', cell: ({ atMs }) => time(atMs) },
        { heading: 'slot', cell: ({ slot }) => `${slot}` },
        {
          heading: 'verdict',
          kind: 'text',
          cell: ({ verdict, reason }) =>
            badge(
              verdict === 'accepted' ? 'good' : verdict === 'rejected' ? 'bad' : 'warn',
              reason === '' ? verdict : `${verdict}: ${reason}`,
            ),
        },
        {
          heading: 'ms',
          cell: ({ measuredMs }) => (measuredMs === undefined ? unknown : measuredMs.toFixed(0)),
        },
        { heading: 'credit', cell: ({ share }) => percent(share) },
        { heading: 'validator', kind: 'text', optional: true, cell: ({ validator }) => key(validator) },
      ],
      reading.checks.slice(0, SHOWN_JOBS),
      { whenEmpty: 'No validator has signed a receipt yet: they come with the first event.' },
    ),
    'What validators signed for, newest first. Work that somebody pays for is not seen here: slots that are leased say so above.',
  );
}
