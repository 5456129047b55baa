// Owns: a dashboard with its pages over a ledger that was written for it and a chain of values, served. Does not own: the pages, who
// joins them to a real chain (cli/dashboard).
import { join } from 'node:path';
import type { Neuron, WeightRow } from '../../src/chain/chain.js';
import { tellFolds } from '../../src/cli/dashboard/feed.js';
import type { ChainFacts } from '../../src/dashboard/chain-facts.js';
import { createHistory } from '../../src/dashboard/history.js';
import { createHub, type Hub } from '../../src/dashboard/hub.js';
import { pulse } from '../../src/dashboard/layout.js';
import { createLeaderboardPage } from '../../src/dashboard/leaderboard/page.js';
import { createMinerPage } from '../../src/dashboard/miner/page.js';
import type { Masthead, Page } from '../../src/dashboard/page.js';
import type { ParameterFacts } from '../../src/dashboard/parameter-facts.js';
import { createRoundsBook, type RoundsBook } from '../../src/dashboard/rounds/book.js';
import { createRoundsPage } from '../../src/dashboard/rounds/page.js';
import { type Dashboard, serveDashboard } from '../../src/dashboard/server.js';
import { createChangeBook } from '../../src/dashboard/subnet/changes.js';
import { createSubnetPage } from '../../src/dashboard/subnet/page.js';
import { type SubnetReading, subnetView } from '../../src/dashboard/subnet/view.js';
import { createObservations } from '../../src/dashboard/suspicions/observations.js';
import { createSuspicionsPage } from '../../src/dashboard/suspicions/page.js';
import { type Analysis, suspicions } from '../../src/dashboard/suspicions/suspicions.js';
import { toHotkey } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import { openLedgerReader } from '../../src/validator/ledger/ledger.js';
import type { LedgerFold } from '../../src/validator/ledger/load.js';
import { classOf } from '../../src/verification/classes.js';
import { COMPUTE_TABLE, creditFor } from '../../src/verification/kinds/compute/params.js';
import { finished, neuronOf, subnetOf } from './dashboard-values.js';
import { FIRST_UID, type SeededSubnet } from './seeded-ledger.js';

export interface SeededDashboard {
  readonly dashboard: Dashboard;
  readonly url: string;
  readonly hub: Hub;
  readonly book: RoundsBook;
  readonly pages: readonly Page[];
  /** All that it reads goes through it. */
  readonly fold: LedgerFold;
  /** Tells open pages where the chain is. */
  head(): void;
  close(): Promise<void>;
}

const RAO = 1_000_000_000n;
const BLOCK_MS = 12_000;
/** of an epoch's emission to miners */
const MINERS_RAO = 148n * RAO;

/** Texts that somebody gives to a subnet, and that must stay texts; and how they begin where they are shown. */
export const STRANGE_NAMES = {
  markup: {
    text: '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script><b>bold</b>',
    shown: '<img src=x onerror=',
  },
  emoji: { text: '👩‍🚀🌶️ café', shown: '👩‍🚀🌶️ café' },
  turned: { text: 'abc \u202egnp.exe\u202c שלום', shown: 'abc ⟨U+202E⟩gnp.exe⟨U+202C⟩ שלום' },
  long: { text: 'w'.repeat(300), shown: 'w'.repeat(40) },
} as const;

export interface SeededDashboardOptions {
  /** of the subnet, as its owner wrote it. @default 'Seeded' */
  readonly name?: string;
  readonly port?: number;
  /** row of this validator sealed. @default false */
  readonly isSealed?: boolean;
  /** unix ms. @default that of the newest outcome */
  readonly now?: () => number;
}

/** Reads `<data>/ledger` once and serves every page there is values for. */
export async function openSeededDashboard(
  data: string,
  seeded: SeededSubnet,
  { name = 'Seeded', port = 0, isSealed = false, now }: SeededDashboardOptions = {},
): Promise<SeededDashboard> {
  const history = createHistory();
  const observations = createObservations();
  const nowMs = (): number => now?.() ?? (history.newestMs ?? 0) + 60_000;
  const book = createRoundsBook({ now: nowMs });
  const fold = tellFolds([history, observations, book]);
  const ledger = await openLedgerReader({ dir: join(data, 'ledger'), log: silentLog });
  await ledger.fold(fold);
  await ledger.close();

  const reading = readingOf(seeded, name, nowMs());
  const chain = factsOf(seeded, reading, isSealed);
  const view = finished(subnetView(reading, createChangeBook()));
  const source = { history, parameters, chain: () => chain };
  let analysis: Analysis | undefined;
  const pages: Page[] = [
    createLeaderboardPage(source),
    createMinerPage({ ...source, replay: (id) => `assay validator replay ${id} --data ./validator` }),
    createRoundsPage({ book, isLedgerAlone: false }),
    createSubnetPage({ current: async () => ({ view }), version: () => 'once' }),
    createSuspicionsPage({
      async current() {
        analysis ??= finished(suspicions(reading.subnet.neurons, observations));
        return { analysis, madeMs: nowMs() };
      },
    }),
  ];
  const hub = createHub();
  const masthead = (): Masthead => ({
    title: `Subnet ${reading.subnet.netuid}`,
    network: name,
    shownBy: `validator ${seeded.writer.keypair.address}`,
    epoch: chain.epoch,
    block: chain.block,
    asOfMs: nowMs(),
  });
  const dashboard = await serveDashboard(
    { pages, hub, clock: { now: nowMs }, log: silentLog, masthead },
    { port },
  );
  const head = (): void => hub.publish('masthead', { html: pulse(masthead()).text });
  return { dashboard, url: dashboard.url, hub, book, pages, fold, head, close: () => dashboard.close() };
}

const parameters: ParameterFacts = {
  set(paramsId) {
    const set = COMPUTE_TABLE.get(paramsId);
    return (
      set && {
        className: set.class,
        windowMs: set.windowMs,
        nominal: creditFor(set, set.nominalLabels),
      }
    );
  },
  classOf: (proven) => classOf(proven)?.class,
};

/** The owner, one validator, the miners. */
function readingOf(seeded: SeededSubnet, name: string, readMs: number): SubnetReading {
  const { hotkeys, coldkeys, facts, row, writer, firstBlock, firstEpoch, epochs, tempo } = seeded;
  const all = [...row.values()].reduce((sum, value) => sum + value, 0);
  const miners = hotkeys.map((hotkey, i): Neuron => {
    const value = row.get(hotkey) ?? 0;
    return neuronOf(i + FIRST_UID, {
      hotkey,
      coldkey: coldkeys[i]!,
      incentive: Math.floor((value * 65_535) / all),
      emissionRao: (MINERS_RAO * BigInt(value)) / BigInt(all),
      axon: { ip: `10.${(i >> 15) & 127}.${(i >> 7) & 255}.${(i & 127) + 1}`, port: 8091 },
      lastUpdate: firstBlock,
    });
  });
  const owner = neuronOf(0, { hotkey: facts.owner, axon: undefined });
  const validator = neuronOf(1, {
    hotkey: toHotkey(writer.keypair.address),
    validatorPermit: true,
    stakeRao: 10_000n * RAO,
    consensusStakeRao: 10_000n * RAO,
    dividends: 65_535,
    emissionRao: MINERS_RAO,
    axon: undefined,
  });
  const lastEpochBlock = firstBlock + (epochs - 1) * tempo;
  const block = lastEpochBlock + tempo - 40;
  const weights: WeightRow = hotkeys.flatMap((hotkey, i) => {
    const value = row.get(hotkey) ?? 0;
    return value > 0 ? [[i + FIRST_UID, value] as const] : [];
  });
  return {
    subnet: subnetOf([owner, validator, ...miners], {
      block,
      tempo,
      lastEpochBlock,
      epochIndex: firstEpoch + epochs - 1,
      nextEpochBlock: lastEpochBlock + tempo + 1,
      ownerHotkey: facts.owner,
    }),
    blockTimeMs: BLOCK_MS,
    summary: {
      netuid: subnetOf([]).netuid,
      name,
      symbol: 'β',
      ownerHotkey: facts.owner,
      ownerColdkey: neuronOf(0).coldkey,
      tempo,
      registeredAt: 1,
      priceRao: RAO / 50n,
      movingPrice: { bits: 1n << 30n, fractionBits: 32 },
      taoInRao: 20_000n * RAO,
      alphaInRao: 1_000_000n * RAO,
      alphaOutRao: 1_500_000n * RAO,
      identity: undefined,
    },
    prices: { alphaRao: RAO / 50n, registrationRao: RAO / 10n, subnetRao: undefined },
    hyperparameters: [
      { entry: { name: 'kappa', kind: 'integer', value: 32_767n }, setBy: 'owner', setAtBlock: firstBlock },
      { entry: { name: 'tempo', kind: 'integer', value: BigInt(tempo) } },
    ],
    freeze: undefined,
    weights: [[], weights, ...hotkeys.map(() => [])],
    weightsBlock: block,
    readMs,
  };
}

function factsOf(
  { hotkeys, row }: SeededSubnet,
  { subnet, prices, blockTimeMs, readMs }: SubnetReading,
  isSealed: boolean,
): ChainFacts {
  const all = [...row.values()].reduce((sum, value) => sum + value, 0);
  return {
    block: subnet.block,
    epoch: subnet.epochIndex,
    epochBlocks: subnet.tempo,
    nextEpochBlock: subnet.nextEpochBlock,
    blockTimeMs,
    neurons: subnet.neurons,
    ownerHotkey: subnet.ownerHotkey,
    ownerColdkey: subnet.ownerColdkey,
    priceRao: prices?.alphaRao,
    weights: new Map(hotkeys.map((hotkey) => [hotkey, (row.get(hotkey) ?? 0) / all])),
    isCommitReveal: isSealed,
    sealed: isSealed
      ? [{ epoch: subnet.epochIndex, block: subnet.block - 5, revealMs: readMs + 3_600_000 }]
      : [],
    readMs,
  };
}
