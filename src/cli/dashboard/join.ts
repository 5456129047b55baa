// Owns: which pages there are, from what there is: a validator's ledger, a chain, a miner's folder. Does not own: pages (dashboard),
// listening (serve.ts), names and flags.
import { createHistory, EPOCHS } from '../../dashboard/history.js';
import { createHub } from '../../dashboard/hub.js';
import { pulse } from '../../dashboard/layout.js';
import { createLeaderboardPage, newStandings, STANDINGS_TOPIC } from '../../dashboard/leaderboard/page.js';
import { createMinerPage } from '../../dashboard/miner/page.js';
import { createReceipts } from '../../dashboard/miner/receipts.js';
import type { Masthead, Page } from '../../dashboard/page.js';
import type { DashboardParts } from '../../dashboard/server.js';
import type { Clock } from '../../model/clock.js';
import type { Hotkey, Netuid } from '../../model/ids.js';
import type { Log } from '../../model/log.js';
import type { LedgerFold } from '../../validator/ledger/load.js';
import { dataPaths } from '../assemble.js';
import { createChainSource, type DashboardChain } from './chain-source.js';
import { tellFolds } from './feed.js';
import { createLedgerSource } from './ledger-source.js';
import { createParameterFacts } from './parameter-source.js';
import { createReceiptsSource } from './receipts-source.js';

export interface JoinOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** a validator's data folder */
  readonly validator?: string | undefined;
  /** a miner's data folder, and its hotkey */
  readonly miner?: { readonly data: string; readonly hotkey: string } | undefined;
  readonly chain?:
    | { readonly client: DashboardChain; readonly netuid: Netuid; readonly mechanism?: number | undefined }
    | undefined;
  /** what of the chain is called, e.g. `finney` */
  readonly network?: string | undefined;
  readonly onSegment?: ((epoch: number, left: number) => void) | undefined;
}

export interface Joined extends DashboardParts {
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
  const { clock, log, validator, miner, chain, network, onSegment } = options;
  const hub = createHub();
  const pages: Page[] = [];
  /** told of the ledger's entries, in this order */
  const folds: LedgerFold[] = [];
  /** what must be read before there is something to show */
  const readings: ((signal: AbortSignal) => Promise<unknown>)[] = [];
  const runs: ((signal: AbortSignal, onNews: () => void) => Promise<void>)[] = [];
  const problems: (() => string | undefined)[] = [];

  const parameters = createParameterFacts({
    sets: validator === undefined ? undefined : `${dataPaths.ledger(validator)}/params`,
    shelf: miner === undefined ? undefined : dataPaths.parameters(miner.data),
  });
  const history = validator === undefined ? undefined : createHistory();
  if (history) folds.push(history);
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
      replay:
        validator === undefined
          ? undefined
          : (outcome) => `assay validator replay ${outcome} --data ${quoted(validator)}`,
    }),
  );

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
    async read(signal) {
      await Promise.all(readings.map((reading) => reading(signal)));
    },
    async run(signal) {
      let news = false;
      let toldStandings: string | undefined;
      const tell = async (): Promise<void> => {
        for (let standingsMs = 0; !signal.aborted; standingsMs += TELL_MS) {
          await clock.sleep(TELL_MS, signal);
          if (!news || signal.aborted) continue;
          news = false;
          hub.publish('masthead', { html: pulse(masthead()).text });
          const standings = `${history?.revision}`;
          if (standingsMs < TELL_STANDINGS_MS || standings === toldStandings) continue;
          toldStandings = standings;
          standingsMs = 0;
          hub.publish(STANDINGS_TOPIC, { html: newStandings.text });
        }
      };
      await Promise.all([
        tell(),
        ...runs.map((each) =>
          each(signal, () => {
            news = true;
          }),
        ),
      ]);
    },
  };
}

const missingText = (validator: string | undefined): string | undefined =>
  validator === undefined
    ? undefined
    : 'This validator has judged nothing yet: its ledger is empty. Rows appear when its first event is over.';

/** For a POSIX shell. */
const quoted = (path: string): string =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
