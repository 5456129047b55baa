// Owns: reading of a chain what the page of the subnet shows, and watching its hyperparameters change. Does not own: what follows from it
// (dashboard/subnet), what the leaderboard shows (chain-source.ts).
import type { ChainReader, Subnet } from '../../chain/chain.js';
import type { SubtensorReader } from '../../chain/operator-reads.js';
import { createChangeBook, type ListedHyperparameter } from '../../dashboard/subnet/changes.js';
import type { SubnetSource } from '../../dashboard/subnet/page.js';
import { type SubnetReading, type SubnetView, subnetView } from '../../dashboard/subnet/view.js';
import type { Clock } from '../../model/clock.js';
import type { Netuid } from '../../model/ids.js';
import { drain } from '../../validator/ledger/load.js';
import { settingOfListed } from '../commands/subnet/settings.js';
import { unlessUnsupported } from './chain-source.js';

export type SubnetChain = Pick<ChainReader, 'info' | 'head' | 'subnet'> &
  Pick<
    SubtensorReader,
    'hyperparameters' | 'subnets' | 'prices' | 'rateLimits' | 'freezeWindow' | 'weightsMatrix'
  >;

export interface SubnetSourceOptions {
  readonly chain: SubnetChain;
  readonly netuid: Netuid;
  readonly mechanism?: number | undefined;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  /** @default two blocks, 4 s at least and 24 s at most */
  readonly everyMs?: number | undefined;
}

/** Rows that are sealed are opened at some block of their epoch: read again after so many. */
const SEALED_AGAIN_BLOCKS = 25;

export function createSubnetSource(options: SubnetSourceOptions): SubnetSource & {
  /** Once. @throws AssayError as the chain does */
  read(): Promise<void>;
  /** Again and again, until aborted. */
  run(signal: AbortSignal): Promise<void>;
} {
  const { chain, netuid, mechanism = 0, clock, everyMs } = options;
  const book = createChangeBook();
  let view: SubnetView | undefined;
  let why: string | undefined;
  let readings = 0;
  /** rows are much to read, and change when somebody sets them: with the epoch and the newest `lastUpdate` they are the same */
  let rows:
    | { readonly key: string; readonly block: number; readonly matrix: SubnetReading['weights'] }
    | undefined;

  async function weightsOf(
    { epochIndex, neurons, block, commitRevealEnabled }: Subnet,
    at: Uint8Array,
  ): Promise<Pick<SubnetReading, 'weights' | 'weightsBlock'>> {
    const newest = neurons.reduce((most, { lastUpdate }) => Math.max(most, lastUpdate), 0);
    const key = `${epochIndex} ${newest} ${neurons.length}`;
    // `lastUpdate` is the commit's: that a sealed row was opened is said nowhere (subtensor subnets/weights.rs)
    const isOld = commitRevealEnabled && rows !== undefined && block - rows.block >= SEALED_AGAIN_BLOCKS;
    if (rows?.key !== key || isOld)
      rows = { key, block, matrix: await unlessUnsupported(chain.weightsMatrix(netuid, at, mechanism)) };
    return { weights: rows.matrix, weightsBlock: commitRevealEnabled ? rows.block : block };
  }

  async function read(): Promise<void> {
    const [info, { hash }] = await Promise.all([chain.info(), chain.head()]);
    // all of it of one block
    const subnet = await chain.subnet(netuid, hash, mechanism);
    const [entries, summaries, prices, limits, freeze, weights] = await Promise.all([
      unlessUnsupported(chain.hyperparameters(netuid, hash)),
      unlessUnsupported(chain.subnets(hash)),
      unlessUnsupported(chain.prices(netuid, hash)),
      unlessUnsupported(chain.rateLimits(netuid, subnet.ownerHotkey, hash)),
      unlessUnsupported(chain.freezeWindow(netuid, hash)),
      weightsOf(subnet, hash),
    ]);
    book.note(subnet.block, entries ?? []);
    const reading: SubnetReading = {
      subnet,
      blockTimeMs: info.blockTimeMs,
      summary: summaries?.find((each) => each.netuid === netuid),
      prices,
      hyperparameters: (entries ?? []).map((entry): ListedHyperparameter => {
        const setting = settingOfListed(entry.name);
        const limit =
          setting?.who === 'owner' ? limits?.find(({ action }) => action === setting.rateAction) : undefined;
        return { entry, setBy: setting?.who, setAtBlock: limit?.lastBlock };
      }),
      freeze,
      ...weights,
      readMs: clock.now(),
    };
    view = await drain(subnetView(reading, book));
    readings++;
  }

  const pauseMs = (): number => {
    const twoBlocks = 2 * (view?.reading.blockTimeMs ?? 12_000);
    return everyMs ?? Math.min(24_000, Math.max(4000, twoBlocks));
  };

  return {
    current: async () => ({ view, why }),
    version: () => `${readings} ${why ?? ''}`,
    read,
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(pauseMs(), signal);
        if (signal.aborted) return;
        try {
          await read();
          why = undefined;
        } catch (error) {
          if (signal.aborted) return;
          why = error instanceof Error ? error.message : String(error);
        }
      }
    },
  };
}
