// Owns: the claims of the soak: from ledgers, chain, receipts and the list of kills to what held. Pure. Does not own: gathering them.

import type { ReceiptRow } from '../../src/miner/receipts.js';
import type { Outcome } from '../../src/model/outcome.js';
import { isAboutContent, verdictToString } from '../../src/model/verdict.js';
import type { EventEntry, ScoredEntry } from '../../src/validator/ledger/entries.js';
import type { ReplayedAll } from '../../src/validator/ledger/replay-all.js';
import type { Claim, Figure } from '../soak.js';
import type { Down, Downs } from './downs.js';
import type { OwnWords } from './own-words.js';
import type { EpochSeen, Watched } from './watch.js';

/** One validator, after the end. */
export interface JudgeSeen {
  readonly name: string;
  readonly hotkey: string;
  /** as they stand in the ledger's files, doubled ones included */
  readonly outcomes: readonly Outcome[];
  readonly started: readonly EventEntry[];
  readonly completed: readonly EventEntry[];
  readonly scored: readonly ScoredEntry[];
  readonly replayed: ReplayedAll;
  readonly words: OwnWords;
  /** outcome ids of sessions whose opening was taken down */
  readonly jobs: readonly string[];
  /** of jobs that were given up */
  readonly setAside: readonly string[];
  /** whose death can keep this one from judging or publishing, besides its own and the chain's */
  readonly leansOn: (down: Down) => boolean;
}

export interface MinerSeen {
  readonly name: string;
  readonly hotkey: string;
  readonly honest: boolean;
  readonly earnsNothing: boolean;
  readonly receipts: readonly ReceiptRow[];
}

export interface Seen {
  readonly judges: readonly JudgeSeen[];
  readonly miners: readonly MinerSeen[];
  readonly watched: Pick<Watched, 'epochs' | 'seenAt'>;
  readonly downs: Downs;
  /** what an event takes from its announcement to its last verdict, ms before and after its block */
  readonly eventMs: { readonly before: number; readonly after: number };
  /** deaths that nobody planned, in words */
  readonly ownDeaths: readonly string[];
  /** processes that are still there after the end */
  readonly left: readonly number[];
  /** open files, sockets and pipes of each process before it was asked to end */
  readonly handles: readonly { readonly name: string; readonly open: number }[];
  /** jobs that were never settled */
  readonly undrained: readonly string[];
}

/** A process that came back after a kill needs this to read its ledger and its chain anew. */
const LATE_MS = 15_000;
/** A role has 20 to 40, whatever it lived through: connections of peers that were killed must not stay with it. */
const MOST_HANDLES = 100;
/** So a validator begins to say that the machine, and not a peer, kept it from an event. */
const OWN_DELAY = 'our own delay';

export function judge(seen: Seen): {
  readonly claims: readonly Claim[];
  readonly figures: readonly Figure[];
} {
  const claims: Claim[] = [];
  const claim = (what: string, wrong: readonly string[], found: string, timing = false) =>
    claims.push({
      what,
      holds: wrong.length === 0,
      found: wrong.length === 0 ? found : listed(wrong),
      ...(timing ? { timing } : {}),
    });
  const { judges, miners, downs } = seen;
  const outcomes = judges.flatMap((each) => each.outcomes);
  const byId = new Map(outcomes.map((outcome) => [outcome.id, outcome]));

  claim('no process ended but by the soak', seen.ownDeaths, `${downs.all.length} absences, each by a kill`);

  const doubled = judges.flatMap(({ name, outcomes }) => {
    const seen = new Set<string>();
    return outcomes.flatMap(({ id }) => (seen.size === seen.add(id).size ? [`${name} ${id}`] : []));
  });
  claim('no outcome is doubled', doubled, `${outcomes.length} outcomes, each once`);

  const receipts = miners.flatMap(({ name, receipts }) => receipts.map((row) => ({ name, row })));
  const lost = receipts
    .filter(({ row }) => judges.some(({ hotkey }) => hotkey === row.validator))
    .filter(({ row }) => byId.get(row.outcome)?.verdict.kind !== row.verdict)
    .map(({ name, row }) => `${name} ${row.outcome} ${row.verdict}`);
  claim(
    'no outcome is lost: whatever a miner has a receipt of is in the ledger, with that verdict',
    lost,
    `${receipts.length} receipts`,
  );

  const unanswered = judges.flatMap(({ name, jobs }) =>
    jobs.filter((id) => !byId.has(id)).map((id) => `${name} ${id}`),
  );
  claim(
    'no session is lost: each one whose opening was complete has its outcome',
    unanswered,
    `${sum(judges, ({ jobs }) => jobs.length)} sessions came to an opening`,
  );
  claim(
    'the queues are drained, and nothing was given up',
    [...seen.undrained, ...judges.flatMap(({ setAside }) => setAside)],
    'nothing left in them',
  );

  for (const each of judges) {
    const { agreeing, disagreeing, rows, outcomes: read } = each.replayed;
    const other = disagreeing.map(({ id, recorded, now }) => `${id}: ${recorded}, now ${now}`);
    const altered = rows.filter(({ agrees }) => !agrees).map(({ epoch }) => `row of epoch ${epoch}`);
    claim(
      `the ledger of ${each.name} verifies, and gives the same verdicts and rows again`,
      [...other, ...altered, ...(read === each.outcomes.length ? [] : [`${read} outcomes read`])],
      `${read} outcomes, of which ${agreeing} judged again from their bytes; ${rows.length} rows`,
    );
  }

  const given = judges.map((each) => eventsOf(seen, each));
  claim(
    'an event that counts for nobody is one in which the validator, or what it stands on, was killed, or that it says it came to late',
    given.flatMap(({ unexplained }) => unexplained),
    given
      .map(
        ({ name, completed, dropped, late }) =>
          `${name}: ${completed} completed, ${dropped} given up, ${late} of them with nobody killed`,
      )
      .join('; '),
    true,
  );

  const weights = judges.map((each) => weightsOf(seen, each));
  claim(
    "no epoch's weights were set twice",
    weights.flatMap(({ twice }) => twice),
    weights.map(({ name, once }) => `${name}: ${once} epochs`).join('; '),
  );
  claim(
    'an epoch without weights is explained by a kill, and the validator says so itself',
    weights.flatMap(({ unexplained }) => unexplained),
    weights.map(({ name, missed }) => `${name}: ${missed} missed`).join('; '),
    true,
  );

  const honest = miners.filter((miner) => miner.honest);
  const wronged = honest.map((miner) => rejectionsOf(seen, miner));
  claim(
    'no honest miner was rejected for content',
    wronged.flatMap(({ content }) => content),
    `${honest.length} honest miners`,
  );
  claim(
    'no honest miner lost a window to the death of a validator, a worker or Redis',
    wronged.flatMap(({ ours }) => ours),
    `${sum(wronged, ({ accepted }) => accepted)} accepted; ${sum(wronged, ({ own }) => own)} lost to its own kill, ${sum(wronged, ({ chain }) => chain)} to the chain's, ${sum(wronged, ({ machine }) => machine)} with nobody killed`,
    true,
  );
  claim(
    'whoever is paid in an epoch is so for its own outcomes: an honest miner that lost none has its weight',
    judges.flatMap((each) => unpaidOf(each, honest)),
    `${sum(judges, ({ scored }) => scored.length)} rows`,
  );
  const liars = miners.filter(({ earnsNothing }) => earnsNothing);
  const paid = judges.flatMap(({ name, scored }) =>
    scored.flatMap(({ epoch, row }) =>
      row
        .filter(([hotkey, weight]) => weight > 0 && liars.some((liar) => liar.hotkey === hotkey))
        .map(([hotkey]) => `${name} epoch ${epoch} ${hotkey}`),
    ),
  );
  claim('no liar was paid', paid, `${liars.length} liars`);
  claim(
    'no process is left',
    seen.left.map((pid) => `process ${pid}`),
    'none',
  );

  const most = Math.max(0, ...seen.handles.map(({ open }) => open));
  claim(
    `no process keeps what others left: at the end each has at most ${MOST_HANDLES} files and sockets open`,
    seen.handles.filter(({ open }) => open > MOST_HANDLES).map(({ name, open }) => `${name} ${open}`),
    `${most} at most, of ${seen.handles.length} processes`,
  );

  const accepted = outcomes.filter(({ verdict }) => verdict.kind === 'accepted').length;
  const figures: Figure[] = [
    { what: 'outcomes', value: outcomes.length, unit: '' },
    { what: 'of them accepted', value: accepted, unit: '' },
    {
      what: 'of them inconclusive',
      value: outcomes.filter(({ verdict }) => verdict.kind === 'inconclusive').length,
      unit: '',
    },
    { what: 'epochs seen whole', value: seen.watched.epochs().length, unit: '' },
    { what: 'longest absence', value: longestMs(downs) / 1000, unit: 's' },
  ];
  return { claims, figures };
}

function eventsOf(seen: Seen, { name, started, completed, words, leansOn }: JudgeSeen) {
  const done = new Set(completed.map(({ event }) => event));
  const open = [...new Map(started.map((entry) => [entry.event, entry])).values()].filter(
    ({ event }) => !done.has(event),
  );
  const ownDelay = ({ block }: EventEntry) => words.dropped.get(block)?.startsWith(OWN_DELAY) ?? false;
  const nobodyKilled = open
    .filter(({ block }) => whoWasAway(seen, block, stands(name, leansOn)).length === 0)
    // what was under way at the very end is neither
    .filter(({ block }) => seen.watched.seenAt(block + 1) !== undefined);
  const unexplained = nobodyKilled
    .filter((entry) => !ownDelay(entry))
    .map(({ block }) => `${name} block ${block}: ${words.dropped.get(block) ?? 'nothing said'}`);
  const late = nobodyKilled.filter(ownDelay).length;
  return { name, completed: done.size, dropped: open.length, late, unexplained };
}

const stands =
  (name: string, leansOn: (down: Down) => boolean) =>
  (down: Down): boolean =>
    down.process === name || down.victim === 'localnet' || leansOn(down);

function whoWasAway(
  { watched, downs, eventMs }: Seen,
  block: number,
  is: (down: Down) => boolean,
): readonly Down[] {
  const at = watched.seenAt(block);
  return at === undefined ? [] : downs.within(at - eventMs.before, at + eventMs.after, is);
}

function weightsOf(seen: Seen, { name, words, leansOn }: JudgeSeen) {
  const epochs = seen.watched.epochs().filter(({ permitted }) => permitted.has(name));
  const setsOf = ({ sets }: EpochSeen) => sets.get(name)?.length ?? 0;
  const missed = epochs.filter((epoch) => setsOf(epoch) === 0);
  const unexplained = missed
    .filter(({ epoch, first, last }) => {
      const [from, to] = [seen.watched.seenAt(first), seen.watched.seenAt(last)];
      if (from === undefined || to === undefined) return true;
      const away = seen.downs.within(from - LATE_MS, to, stands(name, leansOn));
      return away.length === 0 || !words.missed.has(epoch);
    })
    .map(({ epoch }) => `${name} epoch ${epoch}: ${words.missed.get(epoch) ?? 'nothing said'}`);
  return {
    name,
    once: epochs.filter((epoch) => setsOf(epoch) === 1).length,
    twice: epochs
      .filter((epoch) => setsOf(epoch) > 1)
      .map(({ epoch, sets }) => `${name} epoch ${epoch} in blocks ${sets.get(name)!.join(', ')}`),
    missed: missed.length,
    unexplained,
  };
}

function rejectionsOf(seen: Seen, { name, hotkey }: MinerSeen) {
  const found = { content: [] as string[], ours: [] as string[], own: 0, chain: 0, machine: 0, accepted: 0 };
  for (const judging of seen.judges)
    for (const { miner, verdict, eventBlock, id } of judging.outcomes) {
      if (miner !== hotkey) continue;
      if (verdict.kind === 'accepted') found.accepted++;
      if (verdict.kind !== 'rejected') continue;
      const what = `${name} ${id} ${verdictToString(verdict)} by ${judging.name} at block ${eventBlock}`;
      const away = (is: (down: Down) => boolean) => whoWasAway(seen, eventBlock, is).length > 0;
      if (isAboutContent(verdict)) found.content.push(what);
      else if (away(({ process }) => process === name)) found.own++;
      else if (away(({ victim }) => victim === 'localnet')) found.chain++;
      else if (away(({ victim }) => victim !== 'miner')) found.ours.push(what);
      else found.machine++;
    }
  return found;
}

/** Epochs in which all that a miner did was accepted, and which left it without weight. */
function unpaidOf({ name, outcomes, scored, completed }: JudgeSeen, honest: readonly MinerSeen[]): string[] {
  const counts = new Set(completed.map(({ event }) => event));
  return scored.flatMap(({ epoch, row }) => {
    const weights = new Map<string, number>(row);
    return honest
      .filter(({ hotkey }) => {
        const own = outcomes.filter(
          (each) => each.miner === hotkey && each.epoch === epoch && counts.has(each.event),
        );
        const all = own.length > 0 && own.every(({ verdict }) => verdict.kind === 'accepted');
        return all && !weights.get(hotkey);
      })
      .map((miner) => `${name} epoch ${epoch}: ${miner.name} has no weight`);
  });
}

const longestMs = ({ all }: Downs): number =>
  all.reduce((most, { from, to }) => Math.max(most, (to ?? from) - from), 0);
const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
const SHOWN = 5;
const listed = (wrong: readonly string[]): string =>
  `${wrong.length}: ${wrong.slice(0, SHOWN).join('; ')}${wrong.length > SHOWN ? '; ...' : ''}`;
