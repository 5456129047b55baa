// Owns: the claims of the crowd: from a ledger, samples of memory and times of events to what held. Pure. Does not own: gathering them.
import type { Outcome } from '../../src/model/outcome.js';
import { isAboutContent, verdictToString } from '../../src/model/verdict.js';
import type { EventEntry, ScoredEntry } from '../../src/validator/ledger/entries.js';
import type { ReplayedAll } from '../../src/validator/ledger/replay-all.js';
import type { Claim, Figure } from '../soak.js';

export interface Sample {
  /** unix ms */
  readonly at: number;
  readonly rssMiB: number;
  readonly cpuS: number;
}

export interface EventSeen {
  readonly block: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly inconclusive: number;
  readonly ownDelayMs: number;
  /** unix ms at which its last verdict was recorded */
  readonly at: number;
}

export interface CrowdSeen {
  readonly crowd: readonly {
    readonly name: string;
    readonly hotkey: string;
    readonly hostile: string | undefined;
  }[];
  /** `beganAt`: unix ms at which the event's block was seen */
  readonly events: readonly (EventSeen & { readonly beganAt: number | undefined })[];
  readonly samples: readonly Sample[];
  readonly deaths: readonly string[];
  readonly replayed: ReplayedAll;
  readonly outcomes: readonly Outcome[];
  readonly started: readonly EventEntry[];
  readonly completed: readonly EventEntry[];
  readonly scored: readonly ScoredEntry[];
}

/** Of a machine on which miners, chain and validator share two cores, some windows are missed. */
const LOST_SHARE = 0.02;
/** One is announced while the one before is judged. */
const UNDER_WAY = 2;
/** The last third takes no longer than this many times the first. */
const SLOWER = 1.25;
/** What is not leaked still rises: to what the fullest event needs, and to the epochs that a ledger has in memory. */
const RISE = 1.1;

export function judgeCrowd(seen: CrowdSeen): {
  readonly claims: readonly Claim[];
  readonly figures: readonly Figure[];
} {
  const { crowd, samples, outcomes, completed, started, scored, replayed } = seen;
  const claims: Claim[] = [];
  const claim = (what: string, holds: boolean, found: string, timing = false) =>
    claims.push({ what, holds, found, ...(timing ? { timing } : {}) });
  const hostile = new Map(
    crowd.flatMap(({ hotkey, hostile }) => (hostile ? [[hotkey, hostile] as const] : [])),
  );
  const honest = outcomes.filter(({ miner }) => !hostile.has(miner as string));
  const lying = outcomes.filter(({ miner }) => hostile.has(miner as string));

  const done = new Set(completed.map(({ event }) => event));
  const open = started.filter(({ event }) => !done.has(event));
  const lastCompleted = Math.max(0, ...completed.map(({ block }) => block));

  claim('nothing died', seen.deaths.length === 0, seen.deaths.join('; ') || 'nobody');
  claim(
    'every event that began was completed',
    completed.length >= 3 && open.every(({ block }) => block > lastCompleted) && open.length <= UNDER_WAY,
    `${completed.length} of ${started.length}; the last two may have been under way at the end`,
    true,
  );
  const asked = new Set(outcomes.map(({ miner }) => miner as string));
  claim('everybody was challenged', asked.size === crowd.length, `${asked.size} of ${crowd.length} miners`);

  const passed = lying.filter(({ verdict }) => verdict.kind === 'accepted');
  claim(
    'no session of a hostile miner was accepted',
    passed.length === 0 && lying.length > 0,
    passed.length === 0
      ? `${lying.length} sessions, ${new Set(hostile.values()).size} ways to lie`
      : passed
          .slice(0, 3)
          .map(({ miner, id }) => `${hostile.get(miner)} ${id}`)
          .join('; '),
  );
  const paid = scored.flatMap(({ epoch, row }) =>
    row
      .filter(([hotkey, weight]) => weight > 0 && hostile.has(hotkey))
      .map(([hotkey]) => `epoch ${epoch}: ${hostile.get(hotkey)}`),
  );
  claim(
    'no hostile miner was paid',
    paid.length === 0 && scored.length > 0,
    paid[0] ?? `${scored.length} rows`,
  );

  const wronged = honest.filter(({ verdict }) => isAboutContent(verdict));
  claim(
    'no honest miner was rejected for content',
    wronged.length === 0,
    `${wronged.length} of ${honest.length} sessions`,
  );
  const lost = honest.filter(({ verdict }) => verdict.kind !== 'accepted');
  const share = honest.length === 0 ? 1 : lost.length / honest.length;
  claim(
    `fewer than ${LOST_SHARE * 100} % of honest sessions were lost to the crowd`,
    share < LOST_SHARE,
    `${lost.length} of ${honest.length}: ${reasonsOf(lost) || 'none'}`,
    true,
  );

  const rates = seen.events.flatMap(({ beganAt, at, accepted, rejected, inconclusive }) =>
    beganAt === undefined ? [] : [((accepted + rejected + inconclusive) * 1000) / (at - beganAt)],
  );
  const third = Math.max(1, Math.floor(rates.length / 3));
  const [early, late] = [mean(rates.slice(0, third)), mean(rates.slice(-third))];
  claim(
    'throughput holds from the first third to the last',
    rates.length >= 3 && late * SLOWER >= early,
    `${early.toFixed(1)} and ${late.toFixed(1)} sessions a second, over ${rates.length} events`,
    true,
  );
  const part = Math.floor(samples.length / 3);
  const highest = [0, 1, 2].map((k) => most(samples.slice(k * part, (k + 1) * part)));
  claim(
    `memory is flat: its highest in the last third of the time is within ${Math.round((RISE - 1) * 100)} % of that in the second`,
    part > 0 && highest[2]! <= RISE * highest[1]!,
    `${highest.map((each) => Math.round(each)).join(', ')} MiB`,
    true,
  );
  claim(
    'the ledger gives the same rows again',
    replayed.rows.length > 0 &&
      replayed.rows.every(({ agrees }) => agrees) &&
      replayed.disagreeing.length === 0,
    `${replayed.rows.length} rows, ${replayed.agreeing} outcomes judged again from their bytes`,
  );

  const [first, last] = [samples[0], samples.at(-1)];
  const minutes = first && last ? (last.at - first.at) / 60_000 : 0;
  const cpuS = first && last ? last.cpuS - first.cpuS : 0;
  const figures: Figure[] = [
    { what: 'sessions', value: outcomes.length, unit: '' },
    { what: 'events a minute', value: minutes > 0 ? completed.length / minutes : 0, unit: '' },
    { what: 'sessions a second while an event lasts, mean', value: mean(rates), unit: '' },
    {
      what: 'from an event’s block to its last verdict, mean',
      value: mean(
        seen.events.flatMap(({ beganAt, at }) => (beganAt === undefined ? [] : [(at - beganAt) / 1000])),
      ),
      unit: 's',
    },
    {
      what: 'CPU of the validator for a session',
      value: outcomes.length > 0 ? (cpuS * 1000) / outcomes.length : 0,
      unit: 'ms',
    },
    {
      what: 'CPU of the validator, share of one core',
      value: minutes > 0 ? cpuS / (minutes * 60) : 0,
      unit: '',
    },
    {
      what: 'own delay, longest',
      value: seen.events.reduce((longest, { ownDelayMs }) => Math.max(longest, ownDelayMs), 0),
      unit: 'ms',
    },
    {
      what: 'resident memory of the validator, first and highest',
      value: first?.rssMiB ?? 0,
      unit: `MiB, ${Math.round(most(samples))} MiB`,
    },
  ];
  return { claims, figures };
}

function reasonsOf(lost: readonly Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { verdict } of lost) {
    const text = verdictToString(verdict);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${count} ${text}`).join(', ');
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
const most = (samples: readonly Sample[]): number =>
  samples.reduce((highest, { rssMiB }) => Math.max(highest, rssMiB), 0);
