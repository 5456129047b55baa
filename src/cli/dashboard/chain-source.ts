// Owns: reading of a chain what the leaderboard and a miner's page show, again and again. Does not own: what follows from it (dashboard).
import type { ChainInfo, ChainReader, Subnet } from '../../chain/chain.js';
import type { SubtensorReader } from '../../chain/operator-reads.js';
import type { ChainFacts } from '../../dashboard/chain-facts.js';
import type { Clock } from '../../model/clock.js';
import { isAssayError } from '../../model/errors.js';
import type { Hotkey, Netuid } from '../../model/ids.js';

export type DashboardChain = Pick<ChainReader, 'info' | 'subnet' | 'weights' | 'pendingCommits' | 'beacon'> &
  Pick<SubtensorReader, 'prices' | 'subnets'>;

export interface ChainSourceOptions {
  readonly chain: DashboardChain;
  readonly netuid: Netuid;
  readonly mechanism?: number | undefined;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  /** whose row is shown; undefined for nobody's, or while nobody is known */
  validator(): Hotkey | undefined;
  /** @default 12 s */
  readonly everyMs?: number | undefined;
}

export interface ChainSource {
  facts(): ChainFacts | undefined;
  info(): ChainInfo | undefined;
  /** of the subnet, as its owner says; undefined where nobody does */
  name(): string | undefined;
  /** why the newest reading failed; undefined while it did not */
  problem(): string | undefined;
  /** Once. @throws AssayError as the chain does */
  read(): Promise<void>;
  run(signal: AbortSignal, onRead: () => void): Promise<void>;
}

const NAME_EVERY_MS = 600_000;

export function createChainSource(options: ChainSourceOptions): ChainSource {
  const { chain, netuid, mechanism = 0, clock, validator, everyMs = 12_000 } = options;
  let facts: ChainFacts | undefined;
  let info: ChainInfo | undefined;
  let name: { readonly text: string | undefined; readonly atMs: number } | undefined;
  let problem: string | undefined;

  async function read(): Promise<void> {
    info ??= await chain.info();
    const subnet = await chain.subnet(netuid, undefined, mechanism);
    const [prices, own] = await Promise.all([
      unlessUnsupported(chain.prices(netuid)),
      ownRow(chain, subnet, validator(), mechanism),
    ]);
    if (!name || clock.now() - name.atMs > NAME_EVERY_MS) {
      const subnets = await unlessUnsupported(chain.subnets());
      name = { text: subnets?.find((each) => each.netuid === netuid)?.name || undefined, atMs: clock.now() };
    }
    facts = {
      block: subnet.block,
      epoch: subnet.epochIndex,
      epochBlocks:
        subnet.nextEpochBlock === undefined
          ? subnet.tempo + 1
          : Math.max(1, subnet.nextEpochBlock - subnet.lastEpochBlock),
      nextEpochBlock: subnet.nextEpochBlock,
      blockTimeMs: info.blockTimeMs,
      neurons: subnet.neurons,
      ownerHotkey: subnet.ownerHotkey,
      ownerColdkey: subnet.ownerColdkey,
      priceRao: prices?.alphaRao,
      isCommitReveal: subnet.commitRevealEnabled,
      ...own,
      readMs: clock.now(),
    };
  }

  return {
    facts: () => facts,
    info: () => info,
    name: () => name?.text,
    problem: () => problem,
    read,
    async run(signal, onRead) {
      while (!signal.aborted) {
        try {
          await read();
          problem = undefined;
        } catch (error) {
          if (signal.aborted) return;
          problem = error instanceof Error ? error.message : String(error);
        }
        onRead();
        await clock.sleep(everyMs, signal);
      }
    },
  };
}

async function ownRow(
  chain: DashboardChain,
  { netuid, neurons }: Subnet,
  hotkey: Hotkey | undefined,
  mechanism: number,
): Promise<Pick<ChainFacts, 'weights' | 'sealed'>> {
  const uid = neurons.find((neuron) => neuron.hotkey === hotkey)?.uid;
  if (hotkey === undefined || uid === undefined) return { weights: undefined, sealed: [] };
  const [row, pending] = await Promise.all([
    chain.weights(netuid, uid, undefined, mechanism),
    chain.pendingCommits(netuid, hotkey, undefined, mechanism),
  ]);
  const all = row.reduce((sum, [, value]) => sum + value, 0);
  const hotkeys = new Map(neurons.map((neuron) => [neuron.uid as number, neuron.hotkey as string]));
  const weights = new Map(
    row.flatMap(([of, value]): [string, number][] => {
      const whose = hotkeys.get(of);
      return whose === undefined || all === 0 ? [] : [[whose, value / all]];
    }),
  );
  const beacon = pending.some(({ kind }) => kind === 'timelocked')
    ? await unlessUnsupported(chain.beacon())
    : undefined;
  return {
    weights,
    sealed: pending.map((commit) => ({
      epoch: commit.epoch,
      block: commit.block,
      revealMs:
        commit.kind === 'timelocked' && beacon
          ? 1000 * (beacon.genesisSeconds + (commit.revealRound - 1) * beacon.periodSeconds)
          : undefined,
    })),
  };
}

/** undefined for what this chain or node cannot say */
export async function unlessUnsupported<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isAssayError(error, 'unsupported')) return undefined;
    throw error;
  }
}
