// Owns: which pages there are, from what there is: a validator's ledger, a chain, a miner's folder. Does not own: pages (dashboard),
// listening (commands/dashboard.ts, beside-thread.ts), names and flags.
import { join } from 'node:path';
import { createFleetPage } from '../../dashboard/fleet/page.js';
import { createHistory, EPOCHS } from '../../dashboard/history.js';
import { createHub } from '../../dashboard/hub.js';
import { createLabPage, LAB_TOPIC, overHtml, progressHtml } from '../../dashboard/lab/page.js';
import { pulse } from '../../dashboard/layout.js';
import { createLeaderboardPage, newStandings, STANDINGS_TOPIC } from '../../dashboard/leaderboard/page.js';
import { createMinerPage } from '../../dashboard/miner/page.js';
import { createReceipts } from '../../dashboard/miner/receipts.js';
import type { Masthead, Page } from '../../dashboard/page.js';
import { createRoundsBook, type RoundsBook } from '../../dashboard/rounds/book.js';
import { createRoundsPage, publishRounds } from '../../dashboard/rounds/page.js';
import type { DashboardParts } from '../../dashboard/server.js';
import { createSubnetPage } from '../../dashboard/subnet/page.js';
import { createObservations } from '../../dashboard/suspicions/observations.js';
import { createSuspicionsPage } from '../../dashboard/suspicions/page.js';
import type { Clock } from '../../model/clock.js';
import type { Hotkey, Netuid } from '../../model/ids.js';
import type { Log } from '../../model/log.js';
import { shellWord } from '../../model/shell-word.js';
import { DEFAULT_LIMITS } from '../../protocol/limits.js';
import type { LedgerFold } from '../../validator/ledger/load.js';
import { dataPaths } from '../assemble.js';
import { type Known, moduleWords } from '../subnet-module.js';
import { createChainSource, type DashboardChain } from './chain-source.js';
import { tellFolds } from './feed.js';
import { createFleetSource } from './fleet-source.js';
import { createLab } from './lab.js';
import { createLedgerSource } from './ledger-source.js';
import { createParameterFacts } from './parameter-source.js';
import { createPaySource } from './pay-source.js';
import { createReceiptsSource } from './receipts-source.js';
import { createSightsSource } from './sights-source.js';
import { createSubnetSource, type SubnetChain } from './subnet-source.js';
import { createSuspicionsSource } from './suspicions-source.js';

export interface JoinOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly known: Pick<Known, 'kinds' | 'rules' | 'module'>;
  /** a validator's data folder */
  readonly validator?: string | undefined;
  /** a miner's data folder, and its hotkey */
  readonly miner?: { readonly data: string; readonly hotkey: string } | undefined;
  readonly chain?:
    | {
        readonly client: DashboardChain & SubnetChain;
        readonly netuid: Netuid;
        readonly mechanism?: number | undefined;
      }
    | undefined;
  /** what of the chain is called, e.g. `finney` */
  readonly network?: string | undefined;
  /** whoever looks is the subnet's owner, or one that it trusts: the page of suspicions is there. @default false */
  readonly isOwner?: boolean | undefined;
  /** @default true */
  readonly hasLab?: boolean | undefined;
  /** the validator runs in this process: its spans and status go to `rounds`. @default false */
  readonly isInside?: boolean | undefined;
  readonly onSegment?: ((epoch: number, left: number) => void) | undefined;
}

export interface Joined extends DashboardParts {
  /** What a validator in this process tells of its events; undefined where there is no validator. */
  readonly rounds: Pick<RoundsBook, 'traced' | 'status'> | undefined;
  /** Everything that is there now; pages have something to show when it resolves. */
  read(signal: AbortSignal): Promise<void>;
  /** Goes on reading until aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** Open pages are told no more often. */
const TELL_MS = 1000;
const TELL_STANDINGS_MS = 15_000;

/** Beside the newest EPOCHS there is the one that is being written. */
const SEGMENTS = EPOCHS + 1;

export function joinDashboard(options: JoinOptions): Joined {
  const { clock, log, known, validator, miner, chain, network, onSegment } = options;
  const { isOwner = false, hasLab = true, isInside = false } = options;
  const hub = createHub();
  const pages: Page[] = [];
  /** told of the ledger's entries, in this order */
  const folds: LedgerFold[] = [];
  /** what must be read before there is something to show */
  const readings: ((signal: AbortSignal) => Promise<unknown>)[] = [];
  const runs: ((signal: AbortSignal, onNews: () => void) => Promise<void>)[] = [];
  const problems: (() => string | undefined)[] = [];
  let halted: string | undefined;
  problems.push(() => halted);

  const sets = validator === undefined ? undefined : join(dataPaths.ledger(validator), 'params');
  const shelf = miner === undefined ? undefined : dataPaths.parameters(miner.data);
  const parameters = createParameterFacts({ sets, shelf }, known.kinds);
  const history = validator === undefined ? undefined : createHistory();
  if (history) folds.push(history);
  const pay = sets === undefined ? undefined : createPaySource(sets, parameters, known.rules);
  if (pay) folds.push(pay);
  const ledger =
    validator === undefined
      ? undefined
      : createLedgerSource(
          { dir: dataPaths.ledger(validator), clock, segments: SEGMENTS, onSegment },
          tellFolds(folds),
        );
  if (ledger) {
    readings.push((signal) => ledger.read(signal));
    runs.push((signal, onNews) => ledger.run(signal, onNews));
    problems.push(ledger.problem);
  }
  const own: () => Hotkey | undefined = () => ledger?.owner();
  const source = chain && createChainSource({ chain: chain.client, ...chain, clock, validator: own });
  if (source) {
    readings.push(() => source.read());
    runs.push((signal, onNews) => source.run(signal, onNews));
    problems.push(() => {
      const why = source.problem();
      return why === undefined
        ? undefined
        : `The chain cannot be read: ${why}. What is shown of it is older.`;
    });
  }
  const receipts = miner && createReceipts(miner.hotkey);
  if (miner && receipts) {
    const followed = createReceiptsSource({ path: dataPaths.receipts(miner.data), clock }, receipts);
    readings.push(() => followed.read());
    runs.push((signal) => followed.run(signal));
    problems.push(followed.problem);
  }

  const facts = () => source?.facts();
  if (history || source)
    pages.push(createLeaderboardPage({ history, parameters, chain: facts, missing: missingText(validator) }));
  pages.push(
    createMinerPage({
      history,
      receipts,
      parameters,
      chain: facts,
      own: miner?.hotkey,
      why: pay?.why,
      replay:
        validator === undefined
          ? undefined
          : (outcome, { isStatic }) =>
              replayCommand(outcome, { data: validator, module: known.module, isStatic }),
    }),
  );

  const rounds =
    validator === undefined
      ? undefined
      : createRoundsBook({ now: clock.now, longestMs: DEFAULT_LIMITS.streamMs, head: facts });
  if (rounds) {
    folds.push(rounds);
    pages.push(createRoundsPage({ book: rounds, isLedgerAlone: !isInside }));
    runs.push((signal) => publishRounds({ book: rounds, hub, pages, clock }, signal));
  }
  if (chain) {
    const subnet = createSubnetSource({ chain: chain.client, ...chain, clock });
    readings.push(() => subnet.read());
    runs.push((signal) => subnet.run(signal));
    pages.push(createSubnetPage(subnet));
  }
  if (miner && receipts)
    pages.push(createFleetPage(createFleetSource({ clock, log, ...miner, receipts, chain: facts })));
  if (isOwner) {
    const observations = createObservations();
    folds.push(observations);
    const sights =
      validator === undefined
        ? undefined
        : createSightsSource({ dir: dataPaths.ledger(validator) }, observations);
    if (sights) folds.push(sights);
    pages.push(
      createSuspicionsPage(
        createSuspicionsSource({ observations, neurons: facts, sights: sights?.read, clock }),
      ),
    );
  }
  const lab = hasLab
    ? createLab(
        { clock },
        {
          onState(state, epochs) {
            if (hub.listeners() === 0) return;
            const inside = state.is === 'over' ? overHtml : progressHtml(state, epochs);
            hub.publish(LAB_TOPIC, { html: inside.text });
          },
        },
      )
    : undefined;
  if (lab) pages.push(createLabPage(lab));

  const masthead = (): Masthead => {
    const netuid = chain?.netuid ?? ledger?.netuid();
    const name = source?.name();
    const now = facts();
    return {
      title: `${netuid === undefined ? 'Subnet' : `Subnet ${netuid}`}${name === undefined ? '' : ` · ${name}`}`,
      network: network ?? source?.info()?.name,
      shownBy: miner ? `miner ${miner.hotkey}` : own() === undefined ? undefined : `validator ${own()}`,
      epoch: now?.epoch ?? history?.epoch,
      block: now?.block,
      asOfMs: now?.readMs ?? history?.newestMs,
      warnings: problems.flatMap((problem) => problem() ?? []),
    };
  };

  return {
    pages,
    hub,
    clock,
    log,
    masthead,
    rounds,
    async read(signal) {
      await Promise.all(readings.map((reading) => reading(signal)));
    },
    async run(signal) {
      let news = false;
      let toldStandings = history?.revision;
      const tell = async (): Promise<void> => {
        for (let standingsMs = TELL_MS; !signal.aborted; standingsMs += TELL_MS) {
          await clock.sleep(TELL_MS, signal);
          if (signal.aborted) return;
          if (news) hub.publish('masthead', { html: pulse(masthead()).text });
          news = false;
          if (standingsMs < TELL_STANDINGS_MS || history?.revision === toldStandings) continue;
          toldStandings = history?.revision;
          standingsMs = 0;
          hub.publish(STANDINGS_TOPIC, { html: newStandings.text });
        }
      };
      try {
        await Promise.all([
          tell(),
          ...runs.map((each) =>
            each(signal, () => {
              news = true;
            }),
          ),
        ]);
      } catch (error) {
        if (!signal.aborted)
          halted = `A part of this stands still: ${error instanceof Error ? error.message : error}`;
        throw error;
      } finally {
        await lab?.close();
      }
    },
  };
}

const missingText = (validator: string | undefined): string | undefined =>
  validator === undefined
    ? undefined
    : 'This validator has judged nothing yet: its ledger is empty. Rows appear when its first event is over.';

/** How an outcome is judged again; in an export for other hosts without places: where they lie is nobody's business on the internet. */
export function replayCommand(
  outcome: string,
  at: { readonly data: string; readonly module: string | undefined; readonly isStatic: boolean },
): string {
  const { data, module } = at.isStatic ? { data: 'FOLDER', module: at.module && 'FILE' } : at;
  return `assay validator replay ${outcome} --data ${shellWord(data)}${moduleWords(module)}`;
}
